//! Every answer is what the samples themselves add up to, however they came and however they are kept.

mod support;

use everflame_store::{Granularity, Outcome, Retention, Selection, Store, TableBy};
use std::collections::{BTreeMap, HashSet};
use support::*;

const ALL: usize = usize::MAX;

fn tree_paths(store: &Store, selection: &Selection, by: Option<&str>) -> Paths {
    paths(
        &store
            .tree(selection, Granularity::Function, by, ALL)
            .expect("a tree")
            .answer,
        0,
    )
}

fn cpu(sample: &Known) -> u64 {
    sample.cpu
}

fn no_group(_: &KnownProfile, _: &Known) -> Option<String> {
    None
}

#[test]
fn a_tree_is_what_its_samples_add_up_to() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(1, 3, 100);
    ingest(&store, &profiles);
    assert_eq!(
        tree_paths(&store, &everything(), None),
        expected_paths(samples(&profiles), cpu, no_group)
    );

    let wall = Selection {
        kind: Some("wall".to_owned()),
        ..everything()
    };
    assert_eq!(
        tree_paths(&store, &wall, None),
        expected_paths(samples(&profiles), |sample| sample.wall, no_group)
    );

    let mut random = Random(2);
    for _ in 0..40 {
        let from =
            BEGIN + random.below(100) as i64 * MINUTE + random.below(60) as i64 * 1_000_000_000;
        let to = from + random.below(90 * 60) as i64 * 1_000_000_000;
        let selection = Selection {
            from,
            to,
            ..everything()
        };
        let meant =
            samples(&profiles).filter(|(profile, _)| (from..to).contains(&profile.middle()));
        assert_eq!(
            tree_paths(&store, &selection, None),
            expected_paths(meant, cpu, no_group),
            "{from}..{to}"
        );
    }
}

#[test]
fn filters_are_for_labels_and_tags() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(3, 4, 30);
    ingest(&store, &profiles);
    type Meant = fn(&KnownProfile, &Known) -> bool;
    let cases: [(Vec<everflame_store::Filter>, Meant); 6] = [
        (
            vec![filter("thread name", &["thread 1"], false)],
            |_, sample| sample.thread == 1,
        ),
        (
            vec![filter("thread name", &["thread 1", "thread 2"], false)],
            |_, sample| sample.thread > 0,
        ),
        (vec![filter("trace endpoint", &[""], false)], |_, sample| {
            sample.endpoint.is_none()
        }),
        (
            vec![filter("trace endpoint", &["", "GET /2"], true)],
            |_, sample| matches!(sample.endpoint, Some(1 | 3)),
        ),
        (
            vec![
                filter("version", &["1.1"], false),
                filter("thread name", &["thread 0"], true),
            ],
            |profile, sample| profile.instance % 2 == 1 && sample.thread != 0,
        ),
        (vec![filter("runtime-id", &["runtime-9"], false)], |_, _| {
            false
        }),
    ];
    for (filters, is_meant) in cases {
        let selection = Selection {
            filters: filters.clone(),
            ..everything()
        };
        let meant = samples(&profiles).filter(|(profile, sample)| is_meant(profile, sample));
        assert_eq!(
            tree_paths(&store, &selection, None),
            expected_paths(meant, cpu, no_group),
            "{filters:?}"
        );
    }
}

#[test]
fn groups_stand_below_the_root() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(4, 3, 30);
    ingest(&store, &profiles);
    let by_thread = |_: &KnownProfile, sample: &Known| Some(format!("thread {}", sample.thread));
    assert_eq!(
        tree_paths(&store, &everything(), Some("thread name")),
        expected_paths(samples(&profiles), cpu, by_thread)
    );
    let by_version =
        |profile: &KnownProfile, _: &Known| Some(format!("1.{}", profile.instance % 2));
    assert_eq!(
        tree_paths(&store, &everything(), Some("version")),
        expected_paths(samples(&profiles), cpu, by_version)
    );
    let by_endpoint = |_: &KnownProfile, sample: &Known| {
        Some(
            sample
                .endpoint
                .map_or("(none)".to_owned(), |endpoint| format!("GET /{endpoint}")),
        )
    };
    assert_eq!(
        tree_paths(&store, &everything(), Some("trace endpoint")),
        expected_paths(samples(&profiles), cpu, by_endpoint)
    );
}

#[test]
fn the_order_and_the_division_of_what_comes_change_nothing() {
    let profiles = random_profiles(5, 3, 60);
    let folder = Folder::new();
    let store = folder.store();
    ingest(&store, &profiles);
    let expected = tree_paths(&store, &everything(), Some("thread name"));
    for seed in 0..3 {
        let mut random = Random(seed);
        let mut shuffled = profiles.clone();
        for index in (1..shuffled.len()).rev() {
            shuffled.swap(index, random.below(index as u64 + 1) as usize);
        }
        let folder = Folder::new();
        let store = folder.store();
        let mut rest = shuffled.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((random.below(20) as usize + 1).min(rest.len()));
            ingest(&store, now);
            rest = later;
        }
        assert_eq!(
            tree_paths(&store, &everything(), Some("thread name")),
            expected,
            "seed {seed}"
        );
    }
}

#[test]
fn a_store_that_is_opened_again_has_the_same() {
    let profiles = random_profiles(6, 2, 40);
    let folder = Folder::new();
    let (first, second) = profiles.split_at(30);
    ingest(&folder.store(), first);
    let store = folder.store();
    ingest(&store, second);
    let expected = expected_paths(samples(&profiles), cpu, no_group);
    assert_eq!(tree_paths(&store, &everything(), None), expected);
    let reader = Store::open_to_read(&folder.0).expect("a reader beside the writer");
    assert_eq!(tree_paths(&reader, &everything(), None), expected);
    let more = random_profiles(7, 2, 5);
    ingest(&store, &more);
    let all = [profiles, more].concat();
    let expected = expected_paths(samples(&all), cpu, no_group);
    assert_eq!(
        tree_paths(&reader, &everything(), None),
        expected,
        "what was written since is read"
    );
}

#[test]
fn the_same_profile_is_kept_once() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(8, 2, 10);
    ingest(&store, &profiles);
    let twice: Vec<_> = profiles
        .iter()
        .chain(&profiles)
        .map(|profile| profile.upload())
        .collect();
    let outcomes = store.ingest(twice).expect("a commit");
    assert!(
        outcomes.iter().all(|parts| parts == &[Outcome::Duplicate]),
        "{outcomes:?}"
    );
    let folder = Folder::new();
    let store = folder.store();
    let together: Vec<_> = profiles
        .iter()
        .chain(&profiles)
        .map(|profile| profile.upload())
        .collect();
    let outcomes = store.ingest(together).expect("a commit");
    let kept = outcomes
        .iter()
        .filter(|parts| matches!(parts[..], [Outcome::Kept { .. }]))
        .count();
    assert_eq!(kept, profiles.len());
    assert_eq!(
        tree_paths(&store, &everything(), None),
        expected_paths(samples(&profiles), cpu, no_group)
    );
}

#[test]
fn tables_series_and_labels_have_the_sum_of_the_tree() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(9, 3, 70);
    ingest(&store, &profiles);
    let total: u64 = samples(&profiles).map(|(_, sample)| sample.cpu).sum();

    let (table, sum) = store
        .table(&everything(), &TableBy::Frame(Granularity::Function), ALL)
        .expect("a table")
        .answer;
    assert_eq!(sum, total);
    assert_eq!(table.rows.iter().map(|row| row.own).sum::<u64>(), total);
    for row in &table.rows {
        let is_on = |sample: &Known| {
            sample
                .stack
                .iter()
                .any(|function| function_name(*function) == row.frame.name)
        };
        let is_leaf = |sample: &Known| {
            sample
                .stack
                .last()
                .map_or("(no stack)".to_owned(), |function| function_name(*function))
                == row.frame.name
        };
        let own: u64 = samples(&profiles)
            .filter(|(_, sample)| is_leaf(sample))
            .map(|(_, sample)| sample.cpu)
            .sum();
        let below: u64 = samples(&profiles)
            .filter(|(_, sample)| is_on(sample))
            .map(|(_, sample)| sample.cpu)
            .sum();
        assert_eq!(
            (row.own, row.total.max(own)),
            (own, below.max(own)),
            "{}",
            row.frame.name
        );
    }

    let (threads, sum) = store
        .table(&everything(), &TableBy::Key("thread name".to_owned()), 2)
        .expect("a table")
        .answer;
    assert_eq!((threads.rows.len(), threads.more, sum), (2, 1, total));

    for (step, by, most) in [
        (MINUTE, None, 1),
        (7 * MINUTE, Some("thread name"), 2),
        (HOUR, Some("version"), 10),
    ] {
        let whole = Selection {
            from: BEGIN,
            to: BEGIN + 70 * MINUTE,
            ..everything()
        };
        let series = store
            .series(&whole, step, by, most)
            .expect("a series")
            .answer;
        assert!(series.lines.len() <= most);
        let sum: f64 = series.lines.iter().flat_map(|line| &line.values).sum();
        assert!(
            (sum - total as f64).abs() < 1.0,
            "{sum} and {total} by {by:?}"
        );
    }

    let (keys, sum) = store.labels(&everything(), 100).expect("labels").answer;
    assert_eq!(sum, total);
    let of = |key: &str| {
        keys.iter()
            .find(|found| found.key == key)
            .unwrap_or_else(|| panic!("no {key}"))
    };
    for key in ["thread name", "version", "runtime-id"] {
        assert_eq!(
            of(key).values.iter().map(|(_, sum)| sum).sum::<u64>(),
            total,
            "{key}"
        );
    }
    assert!(!of("thread name").is_tag && of("version").is_tag);
    assert!(
        keys.iter().all(|key| key.key != "profile_seq"),
        "it is different in each upload"
    );
}

#[test]
fn minutes_of_a_series_are_those_of_the_profiles() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(10, 2, 20);
    ingest(&store, &profiles);
    let whole = Selection {
        from: BEGIN,
        to: BEGIN + 20 * MINUTE,
        ..everything()
    };
    let series = store
        .series(&whole, MINUTE, None, 1)
        .expect("a series")
        .answer;
    for (minute, value) in series.lines[0].values.iter().enumerate() {
        let start = BEGIN + minute as i64 * MINUTE;
        let expected: u64 = samples(&profiles)
            .filter(|(profile, _)| profile.start == start)
            .map(|(_, one)| one.cpu)
            .sum();
        assert!(
            (value - expected as f64).abs() < 1e-3,
            "minute {minute}: {value} and {expected}"
        );
    }
}

#[test]
fn a_tree_that_is_cut_keeps_every_total_that_it_shows() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(11, 2, 50);
    ingest(&store, &profiles);
    let whole = tree_paths(&store, &everything(), None);
    for most in [1, 2, 10, 100] {
        let cut = store
            .tree(&everything(), Granularity::Function, None, most)
            .expect("a tree")
            .answer;
        assert_eq!(cut.parent.len(), most);
        assert_eq!(cut.omitted, whole.len() - most);
        let least = cut.total[0].iter().min().expect("a node");
        let shown = paths(&cut, 0);
        for (path, values) in &shown {
            assert_eq!(Some(values), whole.get(path), "{path:?}");
        }
        let left_out = whole.iter().filter(|(path, _)| !shown.contains_key(*path));
        assert!(
            left_out
                .map(|(_, (_, total))| total)
                .all(|total| total <= least),
            "the largest are shown"
        );
    }
}

#[test]
fn a_sandwich_has_the_function_in_the_middle() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(12, 2, 50);
    ingest(&store, &profiles);
    let (table, _) = store
        .table(&everything(), &TableBy::Frame(Granularity::Function), ALL)
        .expect("a table")
        .answer;
    for row in table
        .rows
        .iter()
        .filter(|row| row.frame.name.starts_with("function"))
    {
        let (callers, callees) = store
            .sandwich(&everything(), &row.frame.name, "", ALL)
            .expect("a sandwich")
            .answer;
        assert_eq!(callers.sum(0), row.total, "callers of {}", row.frame.name);
        assert_eq!(callees.sum(0), row.total, "callees of {}", row.frame.name);
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for (_, sample) in samples(&profiles) {
            let outermost = sample
                .stack
                .iter()
                .position(|function| function_name(*function) == row.frame.name);
            if let Some(at) = outermost.filter(|at| *at > 0 && sample.cpu > 0) {
                *expected
                    .entry(function_name(sample.stack[at - 1]))
                    .or_default() += sample.cpu;
            }
        }
        let nearest: BTreeMap<String, u64> = paths(&callers, 0)
            .into_iter()
            .filter(|(path, _)| path.len() == 2)
            .map(|(path, (_, total))| (path[1].clone(), total))
            .collect();
        assert_eq!(nearest, expected, "callers of {}", row.frame.name);
    }
}

#[test]
fn both_sides_of_a_comparison_are_trees_of_their_own() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(13, 4, 30);
    ingest(&store, &profiles);
    let a = Selection {
        filters: vec![filter("version", &["1.0"], false)],
        ..everything()
    };
    let b = Selection {
        filters: vec![filter("version", &["1.1"], false)],
        kind: None,
        ..everything()
    };
    let (both, found_b) = store
        .diff(&a, &b, Granularity::Function, ALL)
        .expect("a comparison");
    assert_eq!(paths(&both.answer, 0), tree_paths(&store, &a, None));
    let b = Selection {
        kind: Some("cpu".to_owned()),
        ..b
    };
    assert_eq!(paths(&both.answer, 1), tree_paths(&store, &b, None));
    assert_eq!((both.found.profiles, found_b.profiles), (60, 60));
    assert_eq!(both.found.covered, 60 * MINUTE);
}

#[test]
fn sums_of_hours_answer_as_their_profiles_did() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(14, 2, 250);
    let (early, late) = profiles.split_at(480);
    ingest(&store, early);
    let hours: Vec<Selection> = (0..5)
        .map(|hour| Selection {
            from: BEGIN + hour * HOUR,
            to: BEGIN + (hour + 1) * HOUR,
            ..everything()
        })
        .collect();
    let now = BEGIN + 6 * HOUR;
    let keep = Retention {
        profiles: 24 * HOUR,
        ..Retention::default()
    };
    let done = store.maintain_at(&keep, now).expect("maintenance");
    assert_eq!((done.rolled, done.aged, done.evicted), (4, 0, 0));
    // What comes late is in every answer, before and after it is added to the sum.
    ingest(&store, late);
    let check = |what: &str| {
        let all = expected_paths(samples(&profiles), cpu, no_group);
        assert_eq!(tree_paths(&store, &everything(), None), all, "{what}");
        let by_thread =
            |_: &KnownProfile, sample: &Known| Some(format!("thread {}", sample.thread));
        let all = expected_paths(samples(&profiles), cpu, by_thread);
        assert_eq!(
            tree_paths(&store, &everything(), Some("thread name")),
            all,
            "{what}"
        );
        for (hour, selection) in hours.iter().enumerate() {
            let range = selection.from..selection.to;
            let meant = samples(&profiles).filter(|(profile, _)| range.contains(&profile.middle()));
            assert_eq!(
                tree_paths(&store, selection, None),
                expected_paths(meant, cpu, no_group),
                "{what}, hour {hour}"
            );
        }
    };
    check("late ones beside the sums");
    let half = Selection {
        from: BEGIN + HOUR / 2,
        to: BEGIN + 3 * HOUR + HOUR / 4,
        ..everything()
    };
    let meant = || {
        samples(&profiles).filter(|(profile, _)| (half.from..half.to).contains(&profile.middle()))
    };
    assert_eq!(
        tree_paths(&store, &half, None),
        expected_paths(meant(), cpu, no_group),
        "parts of hours"
    );
    assert_eq!(
        store.maintain_at(&keep, now).expect("maintenance").rolled,
        1
    );
    check("late ones in the sums");
    assert_eq!(
        tree_paths(&store, &half, None),
        expected_paths(meant(), cpu, no_group),
        "parts of hours"
    );
    let short = Retention {
        profiles: HOUR,
        ..keep
    };
    let done = store.maintain_at(&short, now).expect("maintenance");
    assert_eq!(done.aged, 500);
    check("sums without their profiles");
    // Ranges side by side still add up.
    let ends = [
        BEGIN,
        BEGIN + HOUR / 3,
        BEGIN + 2 * HOUR,
        BEGIN + 2 * HOUR + HOUR / 2,
        BEGIN + 9 * HOUR,
    ];
    let sum: u64 = ends
        .windows(2)
        .map(|pair| {
            tree_paths(
                &store,
                &Selection {
                    from: pair[0],
                    to: pair[1],
                    ..everything()
                },
                None,
            )[&Vec::new()]
                .1
        })
        .sum();
    assert_eq!(
        sum,
        samples(&profiles)
            .map(|(_, sample)| sample.cpu)
            .sum::<u64>()
    );
    let done = store
        .maintain_at(
            &Retention {
                hours: 3 * HOUR,
                ..short
            },
            now,
        )
        .expect("maintenance");
    assert_eq!(done.aged_hours, 6, "two processes in three hours");
    assert_eq!(
        store.services().expect("services")[0].profiles,
        4,
        "two processes in two hours"
    );
}

#[test]
fn a_limit_of_bytes_is_kept_and_the_newest_stays() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(15, 4, 300);
    let retention = Retention {
        bytes: 400 << 10,
        ..Retention::default()
    };
    let mut evicted = 0;
    for (index, hour) in profiles.chunks(240).enumerate() {
        ingest(&store, hour);
        evicted += store
            .maintain_at(&retention, BEGIN + (index as i64 + 1) * HOUR + HOUR / 4)
            .expect("maintenance")
            .evicted;
    }
    assert!(evicted > 0, "nothing had to go");
    let newest = Selection {
        from: BEGIN + 4 * HOUR,
        to: BEGIN + 5 * HOUR,
        ..everything()
    };
    let meant = samples(&profiles).filter(|(profile, _)| profile.start >= BEGIN + 4 * HOUR);
    assert_eq!(
        tree_paths(&store, &newest, None),
        expected_paths(meant, cpu, no_group)
    );
    drop(store);
    let bytes = std::fs::metadata(folder.0.join("profiles.sqlite"))
        .expect("the file")
        .len();
    assert!(bytes <= 500 << 10, "{bytes} bytes");
}

#[test]
fn what_the_store_does_not_have_is_named() {
    let folder = Folder::new();
    let store = folder.store();
    let none = store
        .tree(&everything(), Granularity::Function, None, ALL)
        .expect_err("no service");
    assert_eq!(
        none.to_string(),
        "no service \"shop\" in the store; there is none yet"
    );
    ingest(&store, &random_profiles(16, 1, 1));
    let heap = Selection {
        kind: Some("heap".to_owned()),
        ..everything()
    };
    let none = store
        .tree(&heap, Granularity::Function, None, ALL)
        .expect_err("no type");
    assert_eq!(
        none.to_string(),
        "service \"shop\" has no values of type \"heap\"; it has sample, wall, cpu"
    );
    let held = Store::open(&folder.0)
        .err()
        .expect("a second writer")
        .to_string();
    assert!(
        held.contains(&format!("is written by process {}", std::process::id())),
        "{held}"
    );
    let reader = Store::open_to_read(&folder.0).expect("a reader");
    assert_eq!(
        reader.commit(Vec::new()).expect_err("a reader").to_string(),
        "the store is open for reading only"
    );
}

#[test]
fn names_of_files_and_packages_are_one_frame_where_they_follow_each_other() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(17, 2, 20);
    ingest(&store, &profiles);
    let total: u64 = samples(&profiles).map(|(_, sample)| sample.cpu).sum();
    for granularity in [Granularity::File, Granularity::Package, Granularity::Line] {
        let tree = store
            .tree(&everything(), granularity, None, ALL)
            .expect("a tree")
            .answer;
        assert_eq!(tree.sum(0), total, "{granularity:?}");
        if granularity != Granularity::Line {
            for node in 1..tree.parent.len() {
                assert_ne!(
                    tree.frame[node], tree.frame[tree.parent[node] as usize],
                    "{granularity:?}"
                );
            }
        }
        let distinct: HashSet<_> = tree.frames.iter().collect();
        assert_eq!(distinct.len(), tree.frames.len());
    }
    let (lines, sum) = store
        .lines(&everything(), "/app/1.js")
        .expect("lines")
        .answer;
    assert_eq!(sum, total);
    let own: u64 = samples(&profiles)
        .filter(|(_, sample)| {
            sample
                .stack
                .last()
                .is_some_and(|function| function % 5 == 1)
        })
        .map(|(_, sample)| sample.cpu)
        .sum();
    assert_eq!(lines.iter().map(|line| line.own).sum::<u64>(), own);
    assert!(
        lines
            .iter()
            .all(|line| line.line % 5 == 1 && line.total >= line.own),
        "{lines:?}"
    );
}
