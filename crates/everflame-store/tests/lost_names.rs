//! Dictionaries that are damaged: profiles keep their sums, and the names that are not lost.

mod support;

use everflame_store::{Granularity, Store};
use rusqlite::Connection;
use support::former::of_format_2;
use support::*;

const ALL: usize = usize::MAX;

/// Profiles of 1,000 stacks with functions of their own below one that all have.
fn profiles(count: u32) -> Vec<KnownProfile> {
    let mut random = Random(7);
    (0..count)
        .map(|number| {
            let mut profile = KnownProfile::random(&mut random, 0, i64::from(number));
            profile.samples = (0..1000)
                .map(|stack| Known {
                    stack: vec![0, 1 + 1000 * number + stack],
                    thread: number,
                    endpoint: None,
                    wall: 1,
                    cpu: 1 + u64::from(stack),
                    end: 0,
                    span: 0,
                })
                .collect();
            profile
        })
        .collect()
}

fn cpu_of(profiles: &[KnownProfile]) -> u64 {
    samples(profiles).map(|(_, sample)| sample.cpu).sum()
}

fn paths_of(store: &Store) -> Paths {
    let tree = store
        .tree(&everything(), Granularity::Function, None, ALL)
        .expect("a tree");
    assert_eq!(tree.found.damaged, 0);
    paths(&tree.answer, 0)
}

fn file_of(folder: &Folder) -> Connection {
    Connection::open(folder.0.join("profiles.sqlite")).expect("the file")
}

/// Numbers of the rows of all dictionaries, in their order.
fn rows(folder: &Folder) -> Vec<i64> {
    file_of(folder)
        .prepare("SELECT rowid FROM dictionary ORDER BY epoch, sequence")
        .expect("a question")
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("numbers")
}

/// Makes a row another than what was written, as a writer leaves the store that is killed then.
fn damage(folder: &Folder, row: i64) {
    file_of(folder)
        .execute(
            "UPDATE dictionary SET checksum = checksum + 1 WHERE rowid = ?1",
            [row],
        )
        .expect("another checksum");
    std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
}

fn folder_with(profiles: &[KnownProfile]) -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    for profile in profiles {
        ingest(&store, std::slice::from_ref(profile));
    }
    folder
}

fn expected_of(profiles: &[KnownProfile]) -> Paths {
    expected_paths(samples(profiles), |sample| sample.cpu, |_, _| None)
}

#[test]
fn a_lost_delta_takes_the_names_of_its_own_profile() {
    let profiles = profiles(8);
    let (expected, all) = (expected_of(&profiles), cpu_of(&profiles));
    for lost in 0..8 {
        let folder = folder_with(&profiles);
        let rows = rows(&folder);
        assert_eq!(rows.len(), 8, "one of each profile");
        damage(&folder, rows[lost]);
        let store = folder.store();
        let repair = store.repaired().expect("a repair");
        assert_eq!((repair.profiles.kept, repair.profiles.lost), (8, 0));
        // Its stacks, and where others follow its texts, functions and frames.
        assert!(repair.entries > 1000, "{repair}");
        assert!(
            repair.to_string().contains(&format!(
                "; {} names, stacks or labels are lost: profiles have \"(lost)\" in their place",
                repair.entries
            )),
            "{repair}"
        );
        let named = lost_paths(&paths_of(&store), &expected, "after a repair");
        // What is below a stack that is lost has no beginning.
        let left = if lost == 0 { 0 } else { all / 8 * 7 };
        assert_eq!(named, left, "row {lost}");
    }
}

#[test]
fn three_lost_rows_of_a_compacted_dictionary_leave_most_names() {
    let profiles = profiles(70);
    let folder = folder_with(&profiles);
    let store = folder.store();
    let begin = profiles[0].start;
    store
        .maintain_at(&everflame_store::Retention::default(), begin)
        .expect("maintenance");
    drop(store);
    let whole = rows(&folder);
    assert!(whole.len() > 100, "{} rows", whole.len());
    let written: i64 = file_of(&folder)
        .query_row(
            "SELECT count(*) FROM dictionary WHERE whole = 0",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(written, 0, "it is one dictionary");
    for part in [whole.len() / 8, whole.len() / 2, whole.len() * 7 / 8] {
        damage(&folder, whole[part]);
    }
    let expected = expected_of(&profiles);
    let store = folder.store();
    let repair = store.repaired().expect("a repair");
    assert_eq!((repair.profiles.kept, repair.profiles.lost), (70, 0));
    let named = lost_paths(&paths_of(&store), &expected, "after a repair");
    let share = named as f64 / cpu_of(&profiles) as f64;
    assert!((0.85..1.0).contains(&share), "{share}: {repair}");

    // It is whole from then on, grows, and another damage is repaired beside what the first has left.
    let mut more = profiles[3].clone();
    more.start += 1000 * MINUTE;
    more.end += 1000 * MINUTE;
    ingest(&store, std::slice::from_ref(&more));
    let both = paths_of(&store);
    drop(store);
    std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
    let store = folder.store();
    assert_eq!(store.repaired(), None);
    assert_eq!(paths_of(&store), both);
    drop(store);
    damage(&folder, rows(&folder)[5]);
    let store = folder.store();
    assert_eq!(store.repaired().expect("a repair").profiles.lost, 0);
    let mut known = profiles.clone();
    known.push(more);
    lost_paths(&paths_of(&store), &expected_of(&known), "after two repairs");
}

#[test]
fn a_dictionary_that_is_all_lost_leaves_the_sums() {
    let profiles = profiles(3);
    let folder = folder_with(&profiles);
    for row in rows(&folder) {
        damage(&folder, row);
    }
    let store = folder.store();
    let repair = store.repaired().expect("a repair");
    assert_eq!((repair.profiles.kept, repair.profiles.lost), (3, 0));
    let found = paths_of(&store);
    assert_eq!(lost_paths(&found, &expected_of(&profiles), "all lost"), 0);
    assert_eq!(found[&vec![]].1, cpu_of(&profiles));
    let (keys, _) = store.labels(&everything(), ALL).expect("labels").answer;
    let lost = keys.iter().find(|key| key.key == "(lost)").expect("a key");
    assert_eq!(lost.values.len(), 3, "each profile was of another thread");
}

#[test]
fn a_former_dictionary_keeps_the_names_before_a_lost_delta() {
    let profiles = profiles(8);
    let expected = expected_of(&profiles);
    for lost in [0, 5] {
        let folder = folder_with(&profiles);
        of_format_2(&folder);
        let reader = Store::open_to_read(&folder.0).expect("a reader");
        assert_eq!(paths_of(&reader), expected);
        drop(reader);
        damage(&folder, rows(&folder)[lost]);
        let store = folder.store();
        assert_eq!(store.repaired().expect("a repair").profiles.lost, 0);
        let named = lost_paths(&paths_of(&store), &expected, "after a repair");
        assert_eq!(named, cpu_of(&profiles[..lost]), "row {lost}");
    }
}

#[test]
fn a_store_of_the_former_format_is_added_to() {
    let profiles = profiles(4);
    let folder = folder_with(&profiles[..3]);
    of_format_2(&folder);
    let store = folder.store();
    assert_eq!(store.repaired(), None);
    ingest(&store, &profiles[3..]);
    drop(store);
    let format: i64 = file_of(&folder)
        .query_row("SELECT format FROM store", [], |row| row.get(0))
        .expect("its format");
    assert_eq!(format, everflame_store::FORMAT);
    std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
    let store = folder.store();
    assert_eq!(store.repaired(), None);
    assert_eq!(paths_of(&store), expected_of(&profiles));
}
