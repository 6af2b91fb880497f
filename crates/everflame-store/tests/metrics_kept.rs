//! Metrics in a store that is damaged, and a store of the former format, which had none.

mod support;

use everflame_store::{Measure, Selection, Store};
use support::former::of_former_format;
use support::metrics::*;
use support::*;

fn format_of(folder: &Folder) -> i64 {
    rusqlite::Connection::open(folder.0.join("profiles.sqlite"))
        .expect("the file")
        .query_row("SELECT format FROM store", [], |row| row.get(0))
        .expect("its format")
}

#[test]
fn a_store_of_the_former_format_is_read_as_it_is_and_added_to() {
    let profiles = random_profiles(11, 2, 30);
    let sum: u64 = samples(&profiles).map(|(_, sample)| sample.cpu).sum();
    let total = |store: &Store| {
        let tree = store.tree(
            &everything(),
            everflame_store::Granularity::Function,
            None,
            ALL,
        );
        tree.expect("a tree").answer.sum(0)
    };
    for was_killed in [false, true] {
        let folder = Folder::new();
        ingest(&folder.store(), &profiles);
        of_former_format(&folder);
        let reader = Store::open_to_read(&folder.0).expect("a reader");
        assert_eq!(total(&reader), sum);
        assert!(
            ask(&reader, &between(0, i64::MAX), HOUR, None)
                .lines
                .is_empty()
        );
        assert_eq!(format_of(&folder), 1, "a question changes nothing");
        if was_killed {
            std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
        }
        let store = folder.store();
        assert_eq!(store.repaired(), None);
        assert_eq!(total(&store), sum);
        let told = told(12, 1, 3);
        keep(&store, &told);
        for one in [&store, &reader] {
            let answer = ask(one, &between(BEGIN, BEGIN + HOUR), HOUR, None);
            assert_eq!(answer.lines.len(), 4, "what is told from then on is there");
        }
        drop(store);
        assert_eq!(
            (format_of(&folder), rows(&folder).0),
            (everflame_store::FORMAT, 3)
        );
        // And it is whole by its own account.
        std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
        assert_eq!(folder.store().repaired(), None);
    }
}

#[test]
fn a_damaged_store_of_the_former_format_is_repaired_first() {
    let profiles = random_profiles(13, 1, 40);
    let folder = Folder::new();
    ingest(&folder.store(), &profiles);
    of_former_format(&folder);
    let path = folder.0.join("profiles.sqlite");
    let file = std::fs::read(&path).expect("the file");
    for page in 1..file.len() / 4096 {
        let mut damaged = file.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0);
        let folder = Folder::new();
        std::fs::write(folder.0.join("profiles.sqlite"), &damaged).expect("the file");
        std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
        let store = folder.store();
        let repaired = store.repaired();
        if let Some(aside) = repaired.as_ref().and_then(|repair| repair.damaged.clone()) {
            let moved = std::fs::read(aside.join("profiles.sqlite")).expect("the damaged file");
            assert!(moved == damaged, "page {page}: it was changed");
        }
        keep(&store, &told(14, 1, 1));
        assert_eq!(
            ask(&store, &between(BEGIN, BEGIN + HOUR), HOUR, None)
                .lines
                .len(),
            4
        );
        assert_eq!(format_of(&folder), everflame_store::FORMAT);
    }
}

#[test]
fn the_first_page_of_a_store_that_was_added_to_is_made_anew() {
    let told = told(16, 1, 30);
    for is_upgraded in [false, true] {
        let folder = Folder::new();
        keep(&folder.store(), &told);
        of_former_format(&folder);
        if is_upgraded {
            keep(&folder.store(), &told[..1]);
        }
        let path = folder.0.join("profiles.sqlite");
        let mut file = std::fs::read(&path).expect("the file");
        file[..4096].fill(0);
        std::fs::write(&path, file).expect("the file");
        std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
        let store = folder.store();
        let repair = store.repaired().expect("a repair");
        assert_eq!(
            (repair.profiles.kept, repair.profiles.lost),
            (30, 0),
            "{repair}"
        );
        assert_eq!(repair.nameless, 0, "{repair}");
    }
}

#[test]
fn damage_loses_some_and_says_how_many() {
    let told = told(15, 1, 40);
    let folder = Folder::new();
    let store = folder.store();
    told.iter()
        .for_each(|one| keep(&store, std::slice::from_ref(one)));
    drop(store);
    let file = std::fs::read(folder.0.join("profiles.sqlite")).expect("the file");
    let range = (BEGIN, BEGIN + 40 * MINUTE);
    let (expected, _) = expected(&told, range, MINUTE, |_, _| true, Measure::Delay);
    let mut lost = 0;
    for page in 1..file.len() / 4096 {
        let mut damaged = file.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0);
        let folder = Folder::new();
        std::fs::write(folder.0.join("profiles.sqlite"), &damaged).expect("the file");
        std::fs::write(folder.0.join("writer.lock"), "1").expect("the lock");
        let store = folder.store();
        let Some(repair) = store.repaired() else {
            continue;
        };
        if repair.is_counted {
            assert_eq!(
                repair.metrics.kept + repair.metrics.lost,
                40,
                "page {page}: {repair}"
            );
        }
        assert_eq!(
            rows(&folder).0 as u64,
            repair.metrics.kept,
            "page {page}: {repair}"
        );
        lost += repair.metrics.lost;
        let services = store.services().expect("services");
        for service in services {
            let selection = Selection {
                service: service.name,
                ..between(range.0, range.1)
            };
            let answer = ask(&store, &selection, MINUTE, None);
            assert_eq!(answer.damaged, 0, "page {page}");
            for line in answer
                .lines
                .iter()
                .filter(|line| line.measure == Measure::Delay)
            {
                for (step, value) in line.max.iter().enumerate() {
                    assert!(
                        value.is_none() || *value == expected[step],
                        "page {page}: minute {step} was never that"
                    );
                }
            }
        }
    }
    assert!(lost > 0);
}
