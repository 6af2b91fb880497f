//! A store that is damaged: it opens, never answers with what was not there, and says what is lost.

mod support;

use everflame_store::{Granularity, Repair, Retention, Selection, Store, StoreError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::*;

const FILE: &str = "profiles.sqlite";
const LOCK: &str = "writer.lock";
const PAGE: usize = 4096;
const ALL: usize = usize::MAX;

/// Profiles a minute apart, each in a commit of its own; every third has samples that tell their time.
fn known(count: i64) -> Vec<KnownProfile> {
    let mut random = Random(91);
    (0..count)
        .map(|minute| {
            let mut profile = KnownProfile::random(&mut random, minute as u32 % 3, minute);
            // Names that later ones do not have: no delta of the dictionary is empty.
            profile.samples.push(Known {
                stack: vec![minute as u32 % 17, minute as u32 / 17, 5],
                thread: minute as u32,
                endpoint: None,
                wall: 1,
                cpu: 1 + minute as u64,
                end: 0,
                span: 0,
            });
            if minute % 3 == 0 {
                for (sample, place) in profile.samples.iter_mut().zip(1..) {
                    sample.end = profile.start + place * 1000;
                }
            }
            profile
        })
        .collect()
}

/// The file of a closed store that has these.
fn file_of(profiles: &[KnownProfile]) -> Vec<u8> {
    let folder = Folder::new();
    let store = folder.store();
    for profile in profiles {
        ingest(&store, std::slice::from_ref(profile));
    }
    drop(store);
    fs::read(folder.0.join(FILE)).expect("the file")
}

/// A folder with a file that a writer has left, killed or at its end.
fn folder_with(file: &[u8], was_killed: bool) -> Folder {
    let folder = Folder::new();
    fs::write(folder.0.join(FILE), file).expect("the file");
    fs::write(folder.0.join(LOCK), if was_killed { "1" } else { "" }).expect("the lock");
    folder
}

/// Zeroes the first page of a table or an index.
fn zero_root(file: &mut [u8], name: &str) {
    let folder = folder_with(file, false);
    let root: i64 = rusqlite::Connection::open(folder.0.join(FILE))
        .expect("the file")
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .expect("its page");
    file[(root as usize - 1) * PAGE..root as usize * PAGE].fill(0);
}

fn of(service: &str) -> Selection {
    Selection {
        service: service.to_owned(),
        ..everything()
    }
}

/// The profiles that the store has, each of which must be a known one, and answers must be what these add up to.
fn kept<'a>(store: &Store, known: &'a [KnownProfile], what: &str) -> Vec<&'a KnownProfile> {
    kept_under(store, known, Names::All, what)
}

/// Whether all parts of stacks have their own names.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    All,
    SomeLost,
}

fn kept_under<'a>(
    store: &Store,
    known: &'a [KnownProfile],
    names: Names,
    what: &str,
) -> Vec<&'a KnownProfile> {
    let mut all = Vec::new();
    for service in store.services().expect("services") {
        let selection = of(&service.name);
        let (heads, _) = store.profiles(&selection, ALL).expect("profiles");
        let own: Vec<&KnownProfile> = heads
            .iter()
            .map(|head| {
                let found = known
                    .iter()
                    .find(|profile| (profile.start, profile.end) == (head.from, head.to))
                    .unwrap_or_else(|| panic!("{what}: {head:?} was not there"));
                let sum: u64 = found.samples.iter().map(|sample| sample.cpu).sum();
                let cpu = head.types.iter().find(|(kind, _)| kind.name == "cpu");
                assert_eq!(cpu.expect("cpu").1, sum, "{what}");
                found
            })
            .collect();
        let tree = store
            .tree(&selection, Granularity::Function, None, ALL)
            .expect("a tree");
        assert_eq!(tree.found.damaged, 0, "{what}");
        let samples = own
            .iter()
            .flat_map(|profile| profile.samples.iter().map(move |sample| (*profile, sample)));
        let expected = expected_paths(samples, |sample| sample.cpu, |_, _| None);
        let found = paths(&tree.answer, 0);
        if names == Names::SomeLost {
            lost_paths(&found, &expected, what);
        } else {
            assert_eq!(found, expected, "{what}");
        }
        all.extend(own);
    }
    let starts: BTreeSet<i64> = all.iter().map(|profile| profile.start).collect();
    assert_eq!(starts.len(), all.len(), "{what}: one is there twice");
    all
}

/// Opens a store whose writer was killed, and holds it to what its report says.
/// With `is_used` it goes on with the store, which takes as long again.
fn opened(file: &[u8], known: &[KnownProfile], is_used: bool, what: &str) -> Option<Repair> {
    let folder = folder_with(file, true);
    let store = Store::open(&folder.0).unwrap_or_else(|error| panic!("{what}: {error}"));
    let repair = store.repaired();
    let names = match &repair {
        Some(repair) if repair.entries > 0 => Names::SomeLost,
        _ => Names::All,
    };
    let kept = kept_under(&store, known, names, what);
    match &repair {
        None => assert_eq!(kept.len(), known.len(), "{what}: lost without a word"),
        Some(repair) => {
            let timed = known.iter().filter(|profile| profile.samples[0].end > 0);
            for (counts, there) in [
                (repair.profiles, known.len()),
                (repair.samples, timed.count()),
            ] {
                let told = (counts.kept + counts.lost) as usize;
                if repair.is_counted {
                    assert_eq!(told, there, "{what}: {repair}");
                } else {
                    assert!(told <= there, "{what}: {repair}");
                }
            }
            assert_eq!(repair.profiles.kept as usize, kept.len(), "{what}");
            if let Some(aside) = &repair.damaged {
                let moved = fs::read(aside.join(FILE)).expect("the damaged file");
                assert!(moved == file, "{what}: the damaged file was changed");
            }
        }
    }
    if !is_used {
        return repair;
    }
    // What is kept can be added to, and is there the next time without another repair.
    let mut more = known[0].clone();
    more.start += 1000 * MINUTE;
    more.end += 1000 * MINUTE;
    ingest(&store, std::slice::from_ref(&more));
    let count = store.status().expect("a status").profiles;
    assert_eq!(count as usize, kept.len() + 1, "{what}");
    drop(store);
    fs::write(folder.0.join(LOCK), "1").expect("the lock");
    let store = folder.store();
    assert_eq!(store.repaired(), None, "{what}");
    assert_eq!(store.status().expect("a status").profiles, count, "{what}");
    repair
}

/// Opens a store whose last writer came to its end: it is not looked at before a question meets the damage.
fn asked(file: &[u8], known: &[KnownProfile], what: &str) {
    let all: u64 = samples(known).map(|(_, sample)| sample.cpu).sum();
    let folder = folder_with(file, false);
    let store = Store::open(&folder.0).unwrap_or_else(|error| panic!("{what}: {error}"));
    let tree = store.tree(&everything(), Granularity::Function, None, ALL);
    match tree {
        Ok(tree) => {
            assert!(tree.answer.sum(0) <= all, "{what}");
            let is_told = tree.found.damaged > 0 || store.repaired().is_some();
            assert!(is_told || tree.answer.sum(0) == all, "{what}");
        }
        // Its name is lost.
        Err(error) => assert_eq!(error.code(), "NOT_FOUND", "{what}: {error}"),
    }
    let found = store.timeline(&everything(), ALL);
    assert!(
        found
            .as_ref()
            .map_or_else(StoreError::code, |_| "NOT_FOUND")
            == "NOT_FOUND",
        "{what}: {found:?}"
    );
    ingest(&store, &known[..1]);
    drop(store);
    fs::write(folder.0.join(LOCK), "1").expect("the lock");
    // An earlier opening has told.
    kept_under(&folder.store(), known, Names::SomeLost, what);
}

#[test]
fn a_store_with_any_page_zeroed_opens_with_the_rest() {
    let known = known(40);
    let file = file_of(&known);
    let mut whole = 0;
    for page in 0..file.len() / PAGE {
        let mut damaged = file.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0);
        let what = format!("page {} zeroed", page + 1);
        let repair = opened(&damaged, &known, page % 3 == 0, &what);
        whole += u64::from(repair.is_none_or(|repair| repair.profiles.lost == 0));
        asked(&damaged, &known, &what);
    }
    assert!(whole > 10, "{whole}: indexes and lists are made anew");
}

#[test]
fn a_store_with_any_bytes_changed_opens_with_the_rest() {
    let known = known(24);
    let file = file_of(&known);
    let mut random = Random(5);
    let mut lost = 0;
    for place in 0..300 {
        let (at, bits) = (
            random.below(file.len() as u64) as usize,
            1 + random.below(255) as u8,
        );
        let mut damaged = file.clone();
        damaged[at] ^= bits;
        let what = format!("byte {at} changed by {bits:#x}");
        if let Some(repair) = opened(&damaged, &known, place % 10 == 0, &what) {
            lost += repair.profiles.lost;
        }
    }
    assert!(lost > 0, "none of the places was one of a profile");
}

#[test]
fn a_store_that_is_cut_anywhere_opens_with_the_rest() {
    let known = known(24);
    let file = file_of(&known);
    let mut random = Random(6);
    for place in 0..60 {
        let length = match place % 2 {
            0 => random.below((file.len() / PAGE) as u64) as usize * PAGE,
            _ => random.below(file.len() as u64) as usize,
        };
        // Nothing at all is a store that was never written.
        let length = length.max(1);
        let repair = opened(
            &file[..length],
            &known,
            place % 10 == 0,
            &format!("cut at {length}"),
        );
        assert!(repair.is_some(), "cut at {length}");
    }
}

#[test]
fn a_log_that_is_damaged_leaves_what_was_committed_before() {
    let known = known(40);
    let before = 15;
    let folder = Folder::new();
    let store = folder.store();
    known[..before]
        .iter()
        .for_each(|profile| ingest(&store, std::slice::from_ref(profile)));
    drop(store);
    let store = folder.store();
    known[before..]
        .iter()
        .for_each(|profile| ingest(&store, std::slice::from_ref(profile)));
    let file = fs::read(folder.0.join(FILE)).expect("the file");
    let log = fs::read(folder.0.join(format!("{FILE}-wal"))).expect("the log");
    let mut random = Random(7);
    let mut damages = vec![
        ("gone".to_owned(), None),
        ("as it was".to_owned(), Some(log.clone())),
        ("of zeros".to_owned(), Some(vec![0; log.len()])),
        ("a text".to_owned(), Some(b"no log".repeat(1000))),
    ];
    for _ in 0..30 {
        let at = random.below(log.len() as u64) as usize;
        damages.push((format!("cut at {at}"), Some(log[..at].to_vec())));
        let mut changed = log.clone();
        changed[at] ^= 0x55;
        damages.push((format!("changed at {at}"), Some(changed)));
    }
    for (what, damaged) in damages {
        let folder = folder_with(&file, true);
        if let Some(damaged) = &damaged {
            fs::write(folder.0.join(format!("{FILE}-wal")), damaged).expect("the log");
        }
        let store = folder.store();
        let kept = kept(&store, &known, &what);
        assert!(kept.len() >= before, "{what}");
        if damaged == Some(log.clone()) {
            assert_eq!(kept.len(), known.len());
        }
        let newest = kept.iter().map(|profile| profile.start).max();
        assert_eq!(newest, Some(known[kept.len() - 1].start), "{what}: a gap");
        assert_eq!(store.repaired(), None, "{what}");
    }
}

#[test]
fn sums_of_hours_are_kept_and_lost_ones_made_again() {
    let known: Vec<KnownProfile> = known(150);
    let folder = Folder::new();
    let store = folder.store();
    known
        .iter()
        .for_each(|profile| ingest(&store, std::slice::from_ref(profile)));
    let retention = Retention {
        profiles: HOUR,
        ..Retention::default()
    };
    store
        .maintain_at(&retention, BEGIN + 150 * MINUTE)
        .expect("maintenance");
    let before = store.status().expect("a status").profiles;
    let all: u64 = samples(&known).map(|(_, sample)| sample.cpu).sum();
    drop(store);
    let file = fs::read(folder.0.join(FILE)).expect("the file");
    let (mut hours_lost, mut complete) = (0, 0);
    for page in 1..file.len() / PAGE {
        let mut damaged = file.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0);
        let what = format!("page {} zeroed", page + 1);
        let folder = folder_with(&damaged, true);
        let store = folder.store();
        let Some(repair) = store.repaired() else {
            continue;
        };
        let sum = || -> u64 {
            let services = store.services().expect("services");
            services
                .iter()
                .map(|service| {
                    let tree = store.tree(&of(&service.name), Granularity::Function, None, ALL);
                    tree.expect("a tree").answer.sum(0)
                })
                .sum()
        };
        let kept = sum();
        assert!(kept <= all, "{what}");
        let (profiles, hours) = (repair.profiles, repair.hours);
        if repair.is_counted {
            let told = profiles.kept + profiles.lost + hours.kept + hours.lost;
            assert_eq!(told, before, "{what}: {repair}");
        }
        if repair.is_counted && profiles.lost + hours.lost == 0 {
            assert_eq!(kept, all, "{what}");
            complete += 1;
        }
        hours_lost += hours.lost;
        store
            .maintain_at(&retention, BEGIN + 150 * MINUTE)
            .expect("maintenance");
        assert_eq!(sum(), kept, "{what}: adding up again");
    }
    assert!(hours_lost > 0 && complete > 10, "{hours_lost} {complete}");
}

#[test]
fn a_beginning_that_is_no_store_loses_nothing() {
    let known = known(40);
    let mut file = file_of(&known);
    file[..16].copy_from_slice(b"no longer SQLite");
    let repair = opened(&file, &known, true, "another magic").expect("a repair");
    assert_eq!((repair.profiles.lost, repair.samples.lost), (0, 0));
    let said = repair.to_string();
    assert!(
        said.starts_with("the store was damaged (") && said.contains("kept 40 profiles, "),
        "{said}"
    );
    file[..PAGE].fill(0xff);
    let repair = opened(&file, &known, true, "no first page").expect("a repair");
    assert_eq!((repair.profiles.lost, repair.nameless), (0, 0));
}

#[test]
fn what_is_no_store_is_moved_aside_or_named() {
    let folder = folder_with(b"a letter to a friend, and no database", false);
    let store = folder.store();
    let repair = store.repaired().expect("a repair");
    assert!(repair.to_string().contains("lost at least 0 profiles"));
    let aside = repair.damaged.expect("its folder");
    let moved = fs::read(aside.join(FILE)).expect("the file");
    assert_eq!(moved, b"a letter to a friend, and no database");
    ingest(&store, &known(1));

    let folder = folder_with(b"", false);
    assert_eq!(
        folder.store().repaired(),
        None,
        "an empty file is a new store"
    );

    let folder = Folder::new();
    let other = rusqlite::Connection::open(folder.0.join(FILE)).expect("a database");
    other
        .execute_batch("CREATE TABLE letter(text); INSERT INTO letter VALUES ('dear')")
        .expect("a table");
    drop(other);
    let aside = folder.store().repaired().expect("a repair").damaged;
    let other = rusqlite::Connection::open(aside.expect("its folder").join(FILE)).expect("it");
    let letter: String = other
        .query_row("SELECT text FROM letter", [], |row| row.get(0))
        .expect("it is as it was");
    assert_eq!(letter, "dear");

    let refused = |prepare: &dyn Fn(&Path)| {
        let folder = Folder::new();
        prepare(&folder.0.join(FILE));
        let error = Store::open(&folder.0).err().expect("no store");
        (error.code(), error.to_string())
    };
    let (code, said) = refused(&|path| fs::create_dir(path).expect("a folder"));
    assert_eq!(code, "FAILED");
    assert!(
        said.ends_with(
            "profiles.sqlite is not a file. Move it away, or name another folder with --store"
        ),
        "{said}"
    );
    #[cfg(unix)]
    {
        let (code, said) = refused(&|path| std::os::unix::fs::symlink(FILE, path).expect("a loop"));
        assert_eq!(code, "FAILED");
        assert!(
            said.starts_with("cannot read and write ")
                && said.ends_with(". Name another folder with --store"),
            "{said}"
        );
    }
}

#[test]
fn a_store_of_a_newer_version_is_left_as_it_is() {
    let folder = Folder::new();
    drop(folder.store());
    let path = folder.0.join(FILE);
    let newer = rusqlite::Connection::open(&path).expect("the file");
    newer
        .execute_batch("UPDATE store SET format = 9; PRAGMA user_version = 9")
        .expect("a newer format");
    drop(newer);
    let before = fs::read(&path).expect("the file");
    let refused = |opened: Result<Store, StoreError>| {
        let error = opened.err().expect("it is refused");
        assert_eq!(error.code(), "NEWER");
        let said = error.to_string();
        assert!(
            said.contains("has format 9, of a newer Everflame"),
            "{said}"
        );
    };
    refused(Store::open(&folder.0));
    assert!(
        fs::read(&path).expect("the file") == before,
        "it was changed"
    );
    let names: Vec<_> = fs::read_dir(&folder.0).expect("the folder").collect();
    assert_eq!(names.len(), 2, "the file and the lock: {names:?}");
    refused(Store::open_to_read(&folder.0));
    assert!(
        fs::read(&path).expect("the file") == before,
        "it was changed"
    );
}

#[test]
fn at_most_two_damaged_files_are_kept() {
    let known = known(3);
    let file = file_of(&known);
    let folder = folder_with(&file, true);
    let mut aside: Vec<PathBuf> = Vec::new();
    for _ in 0..4 {
        let mut damaged = fs::read(folder.0.join(FILE)).expect("the file");
        damaged[2 * PAGE..3 * PAGE].fill(0);
        fs::write(folder.0.join(FILE), damaged).expect("the file");
        fs::write(folder.0.join(LOCK), "1").expect("the lock");
        let store = folder.store();
        aside.push(
            store
                .repaired()
                .and_then(|repair| repair.damaged)
                .expect("a repair"),
        );
        assert_eq!(kept(&store, &known, "again").len(), 3);
    }
    let there: Vec<bool> = aside
        .iter()
        .map(|folder| folder.join("report.txt").exists())
        .collect();
    assert_eq!(there, [false, false, true, true]);
}

#[test]
fn a_repair_that_was_interrupted_is_finished() {
    let known = known(10);
    let file = file_of(&known);
    // The new file was made, and the log moved aside already; the damaged one is still in its place.
    let folder = folder_with(&file[..5 * PAGE], true);
    fs::write(folder.0.join("repaired.sqlite"), &file).expect("the new file");
    fs::create_dir(folder.0.join("damaged-2026-01-01T00-00-00Z")).expect("a folder");
    let store = folder.store();
    assert_eq!(store.repaired(), None);
    assert_eq!(kept(&store, &known, "interrupted").len(), 10);
    let moved = fs::read(folder.0.join("damaged-2026-01-01T00-00-00Z").join(FILE));
    assert_eq!(moved.expect("the damaged file").len(), 5 * PAGE);
    assert!(!folder.0.join("repaired.sqlite").exists());

    // It was still being made.
    let folder = folder_with(&file, true);
    fs::write(folder.0.join("repairing.sqlite"), &file[..9 * PAGE]).expect("half of it");
    assert_eq!(kept(&folder.store(), &known, "half").len(), 10);
}

#[test]
fn one_who_only_reads_sees_what_the_writer_has_repaired() {
    let known = known(10);
    let mut file = file_of(&known);
    let all: u64 = samples(&known).map(|(_, sample)| sample.cpu).sum();
    let tree = |store: &Store| {
        let tree = store.tree(&everything(), Granularity::Function, None, ALL);
        tree.map(|tree| tree.answer.sum(0))
    };
    // The list of what a service has.
    zero_root(&mut file, "shape");
    let folder = folder_with(&file, false);
    let reader = Store::open_to_read(&folder.0).expect("a reader");
    let error = tree(&reader).expect_err("it cannot be answered");
    assert_eq!(error.code(), "DAMAGED");
    assert!(
        error
            .to_string()
            .ends_with("; everflame view repairs the store when it starts"),
        "{error}"
    );
    let store = folder.store();
    assert_eq!(store.repaired(), None, "no question has met it");
    assert_eq!(tree(&store).expect("a tree"), all);
    let repair = store.repaired().expect("a repair");
    assert_eq!((repair.profiles.kept, repair.profiles.lost), (10, 0));
    assert_eq!(tree(&reader).expect("a tree"), all);
}

#[test]
fn a_profile_meets_damage_and_is_kept_after_the_repair() {
    let known = known(10);
    let mut file = file_of(&known[..9]);
    zero_root(&mut file, "sqlite_autoindex_block_1");
    let folder = folder_with(&file, false);
    let store = folder.store();
    ingest(&store, &known[9..]);
    let repair = store.repaired().expect("a repair");
    assert_eq!((repair.profiles.kept, repair.profiles.lost), (9, 0));
    assert_eq!(kept(&store, &known, "after the repair").len(), 10);
}

#[test]
fn a_lock_that_a_killed_process_has_left_is_no_obstacle() {
    let known = known(5);
    let file = file_of(&known);
    let folder = folder_with(&file, true);
    let store = folder.store();
    assert_eq!(store.repaired(), None);
    let held = Store::open(&folder.0).err().expect("a second writer");
    assert_eq!(held.code(), "HELD");
    let lock = fs::read_to_string(folder.0.join(LOCK)).expect("the lock");
    assert_eq!(lock, std::process::id().to_string());
    drop(store);
    let lock = fs::read_to_string(folder.0.join(LOCK)).expect("the lock");
    assert_eq!(lock, "", "it came to its end");
}

/// A file system of its own, of four MiB; `None` where this user or this machine has no right to make one.
#[cfg(target_os = "linux")]
struct SmallDisk(Folder);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn new() -> Option<SmallDisk> {
        let folder = Folder::new();
        mount(
            "mount",
            &["-t", "tmpfs", "-o", "size=4m", "none"],
            &folder.0,
        )
        .then(|| SmallDisk(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        mount("umount", &[], &self.0.0);
    }
}

#[cfg(target_os = "linux")]
fn mount(program: &str, arguments: &[&str], folder: &Path) -> bool {
    std::process::Command::new(program)
        .args(arguments)
        .arg(folder)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_or_not_to_be_written_loses_nothing() {
    let Some(disk) = SmallDisk::new() else {
        // Whoever may not mount is refused by the mode of a folder.
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o500)).expect("its mode");
        let error = Store::open(&folder.0).err().expect("no store");
        assert!(
            error.to_string().ends_with(
                ". Give this user the right to write there, or name another folder with --store"
            ),
            "{error}"
        );
        return;
    };
    let known = known(300);
    let path = disk.0.0.join("store");
    let store = Store::open(&path).expect("the store opens");
    let commit = |profile: &KnownProfile| store.commit(vec![store.prepare(profile.upload())]);
    let mut taken = 0;
    let ballast = disk.0.0.join("ballast");
    known[..20].iter().for_each(|profile| {
        commit(profile).expect("there is room");
        taken += 1;
    });
    fs::write(&ballast, vec![7; 4 << 20]).expect_err("it is full");
    let error = loop {
        match commit(&known[taken]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "FULL", "{error}");
    assert!(
        error
            .to_string()
            .ends_with(". Free space, or lower the limit with --store-size"),
        "{error}"
    );
    assert_eq!(kept(&store, &known, "full").len(), taken);
    fs::remove_file(&ballast).expect("room");
    commit(&known[taken]).expect("there is room again");
    assert_eq!(kept(&store, &known, "room again").len(), taken + 1);
    drop(store);

    // A repair needs room for a second file.
    let file = fs::read(path.join(FILE)).expect("the file");
    let mut damaged = file.clone();
    zero_root(&mut damaged, "shape");
    fs::write(path.join(FILE), &damaged).expect("the file");
    fs::write(path.join(LOCK), "1").expect("the lock");
    fs::write(&ballast, vec![7; 4 << 20]).expect_err("it is full");
    let error = Store::open(&path).err().expect("no room for a repair");
    assert_eq!(error.code(), "FULL", "{error}");
    assert!(fs::read(path.join(FILE)).expect("the file") == damaged);
    fs::remove_file(&ballast).expect("room");
    let store = Store::open(&path).expect("the store opens");
    assert_eq!(kept(&store, &known, "repaired").len(), taken + 1);
    assert_eq!(store.repaired().expect("a repair").profiles.lost, 0);
    drop(store);

    assert!(mount("mount", &["-o", "remount,ro"], &disk.0.0));
    for folder in [path, disk.0.0.join("another")] {
        let error = Store::open(&folder).err().expect("it cannot be written");
        assert_eq!(error.code(), "FAILED");
        let said = error.to_string();
        assert!(
            said.contains("Read-only file system") && said.contains("another folder with --store"),
            "{said}"
        );
    }
}
