//! What processes tell of themselves, in the comments of profiles: every number of an answer is known from what was told.

mod support;

use everflame_store::{Measure, Part, Retention, Selection, StoreError, Upload};
use support::metrics::*;
use support::*;

const MEASURES: [Measure; 4] = [Measure::Delay, Measure::Active, Measure::Heap, Measure::Rss];

#[test]
fn each_step_is_what_was_told_of_it() {
    let told = told(1, 3, 20);
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told);
    for step in [1, 2, 15, 60, 240, 7] {
        let range = (BEGIN, BEGIN + 20 * MINUTE);
        let answer = ask(&store, &between(range.0, range.1), step * SECOND, None);
        assert_eq!(
            (answer.step, answer.processes, answer.damaged),
            (step * SECOND, 3, 0)
        );
        assert_eq!(answer.lines.len(), 4);
        for measure in MEASURES {
            let (max, mean) = expected(&told, range, step * SECOND, |_, _| true, measure);
            let line = line(&answer, measure, "");
            assert_eq!(line.max, max, "{measure:?} in steps of {step} s");
            let mean = (measure != Measure::Delay).then_some(mean);
            assert_eq!(line.mean, mean, "{measure:?} in steps of {step} s");
        }
    }
}

#[test]
fn ranges_side_by_side_are_the_whole() {
    let told = told(2, 2, 10);
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told);
    let (from, to) = (BEGIN, BEGIN + 10 * MINUTE);
    let whole = ask(&store, &between(from, to), 5 * SECOND, None);
    let mut random = Random(3);
    for _ in 0..20 {
        let cut = from + (1 + random.below(118) as i64) * 5 * SECOND;
        let (left, right) = (
            ask(&store, &between(from, cut), 5 * SECOND, None),
            ask(&store, &between(cut, to), 5 * SECOND, None),
        );
        for measure in MEASURES {
            let of = |metrics| line(metrics, measure, "").max.clone();
            assert_eq!([of(&left), of(&right)].concat(), of(&whole), "{measure:?}");
        }
    }
    let outside = ask(&store, &between(0, BEGIN), MINUTE, None);
    assert_eq!((outside.lines.len(), outside.processes), (0, 0));
}

#[test]
fn filters_and_groups_are_of_processes() {
    let told = told(4, 4, 5);
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told);
    let range = (BEGIN, BEGIN + 5 * MINUTE);
    let all = between(range.0, range.1);

    let odd = Selection {
        filters: vec![
            filter("version", &["1.1"], false),
            filter("thread name", &["thread 1"], false),
            filter("no such thing", &["x"], true),
        ],
        ..all.clone()
    };
    let answer = ask(&store, &odd, MINUTE, None);
    assert_eq!(answer.processes, 2);
    assert_eq!(answer.ignored, ["no such thing", "thread name"]);
    for measure in MEASURES {
        let (max, _) = expected(&told, range, MINUTE, |process, _| process % 2 == 1, measure);
        assert_eq!(line(&answer, measure, "").max, max, "{measure:?}");
    }
    let others = Selection {
        filters: vec![filter("version", &["1.1"], true)],
        ..all.clone()
    };
    assert_eq!(ask(&store, &others, MINUTE, None).processes, 2);

    let by_version = ask(&store, &all, MINUTE, Some("version"));
    assert_eq!(by_version.lines.len(), 8);
    for measure in MEASURES {
        for odd in [0, 1] {
            let (max, mean) = expected(
                &told,
                range,
                MINUTE,
                |process, _| process % 2 == odd,
                measure,
            );
            let line = line(&by_version, measure, &format!("1.{odd}"));
            assert_eq!(line.max, max);
            assert_eq!(line.mean, (measure != Measure::Delay).then_some(mean));
        }
    }

    let by_thread = ask(&store, &all, MINUTE, Some("thread"));
    assert!(
        by_thread
            .lines
            .iter()
            .all(|line| line.measure != Measure::Rss)
    );
    for id in 0..3 {
        for measure in [Measure::Delay, Measure::Heap] {
            let (max, _) = expected(&told, range, MINUTE, |_, thread| thread == id, measure);
            assert_eq!(line(&by_thread, measure, &name_of(id)).max, max);
        }
    }

    let two = store
        .metrics(&all, MINUTE, Some("runtime-id"), 2)
        .expect("an answer");
    let whole = ask(&store, &all, MINUTE, None);
    let others = line(&two, Measure::Delay, "(other)");
    let named = two
        .lines
        .iter()
        .find(|line| line.measure == Measure::Delay && line.name != "(other)")
        .expect("another");
    for (step, largest) in line(&whole, Measure::Delay, "").max.iter().enumerate() {
        let both = [others.max[step], named.max[step]];
        assert_eq!(both.into_iter().flatten().reduce(f64::max), *largest);
    }

    match store.metrics(&all, MINUTE, Some("thread name"), 2) {
        Err(error @ StoreError::NoTag { .. }) => {
            assert_eq!(error.code(), "BAD_QUERY");
            assert_eq!(
                error.to_string(),
                "metrics are of processes: \"thread name\" is no tag of one; there is runtime-id, version, and thread"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// One process with one thread that tells `active` microseconds of buckets of a second.
fn loop_times(start: i64, active: &[u64]) -> Upload {
    let told = Told {
        profile: KnownProfile {
            instance: 0,
            start,
            end: start + SECOND,
            samples: Vec::new(),
        },
        threads: vec![Thread {
            id: 0,
            delay: vec![None; active.len()],
            active: active.iter().map(|number| Some(*number)).collect(),
            heap: vec![None; active.len()],
        }],
        rss: vec![None; active.len()],
    };
    told.upload()
}

#[test]
fn parts_of_a_bucket_in_two_profiles_are_one_bucket() {
    let folder = Folder::new();
    let store = folder.store();
    let uploads = vec![
        loop_times(BEGIN, &[250_000, 100_000]),
        loop_times(BEGIN + SECOND, &[400_000, 900_000]),
    ];
    store.ingest(uploads).expect("a commit");
    let answer = ask(&store, &between(BEGIN, BEGIN + 4 * SECOND), SECOND, None);
    let expected = [Some(0.25), Some(0.5), Some(0.9), None];
    assert_eq!(line(&answer, Measure::Active, "").max, expected);
    assert_eq!(answer.lines.len(), 1, "nothing else was told");
    let answer = ask(
        &store,
        &between(BEGIN, BEGIN + 4 * SECOND),
        4 * SECOND,
        None,
    );
    assert_eq!(
        line(&answer, Measure::Active, "").max,
        [Some(1_650_000.0 / 3e6)]
    );
}

#[test]
fn workers_that_are_called_otherwise_each_time_are_no_end_of_lines() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(17);
    let told: Vec<Told> = (0..1500).map(|_| Told::random(&mut random, 0, 0)).collect();
    let uploads = told.iter().enumerate().map(|(number, one)| {
        let name = format!("\"name\":\"main {number}\"");
        one.profile
            .commented(&one.comment().replace("\"name\":\"main\"", &name))
    });
    store.ingest(uploads.collect()).expect("a commit");
    let range = between(BEGIN, BEGIN + MINUTE);
    let longest = |metrics: &everflame_store::Metrics| {
        let delays = metrics
            .lines
            .iter()
            .filter(|line| line.measure == Measure::Delay);
        delays
            .filter_map(|line| line.max[0])
            .reduce(f64::max)
            .expect("a delay")
    };
    let all = ask(&store, &range, MINUTE, Some("thread"));
    let names: std::collections::BTreeSet<&str> =
        all.lines.iter().map(|line| line.name.as_str()).collect();
    assert!(names.len() <= 1001, "{}", names.len());
    let whole = longest(&ask(&store, &range, MINUTE, None));
    assert_eq!(longest(&all), whole);
    for most in [1, 2, 5] {
        let few = store.metrics(&range, MINUTE, Some("thread"), most);
        let few = few.expect("an answer");
        let delays = few
            .lines
            .iter()
            .filter(|line| line.measure == Measure::Delay);
        let names: Vec<&str> = delays.map(|line| line.name.as_str()).collect();
        assert_eq!(names.len(), most);
        assert_eq!(names.last(), Some(&"(other)"));
        assert_eq!(names.iter().filter(|name| **name == "(other)").count(), 1);
        assert_eq!(longest(&few), whole);
    }
}

#[test]
fn steps_are_no_shorter_than_buckets() {
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told(5, 1, 1));
    let answer = ask(&store, &between(BEGIN, BEGIN + MINUTE), SECOND / 10, None);
    assert_eq!(answer.step, SECOND);
    let longer = Told::random(&mut Random(6), 0, 1)
        .comment()
        .replace("\"step\":1000", "\"step\":2500");
    let upload = KnownProfile::random(&mut Random(6), 0, 1).commented(&longer);
    store.ingest(vec![upload]).expect("a commit");
    let answer = ask(&store, &between(BEGIN, BEGIN + HOUR), SECOND, None);
    assert_eq!(answer.step, SECOND * 5 / 2);
}

#[test]
fn what_cannot_be_read_costs_a_count_and_the_profile_is_kept() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(7);
    let good = Told::random(&mut random, 0, 0).comment();
    let bad = [
        "everflame.metrics:".to_owned(),
        "everflame.metrics:{}".to_owned(),
        format!("everflame.metrics:{}", "[".repeat(10 << 20)),
        format!(
            "everflame.metrics:{{\"start\":{},\"more\":\"{}\"}}",
            BEGIN / 1_000_000,
            "x".repeat(10 << 20)
        ),
        format!("everflame.metrics:{}", "\u{0}"),
        good.replace("\"step\":1000", "\"step\":1"),
        // Of another time than its profile.
        good.replace(
            &format!("\"start\":{}", BEGIN / 1_000_000),
            "\"start\":1000",
        ),
        good.replace(
            &format!("\"start\":{}", BEGIN / 1_000_000),
            "\"start\":8999999999999",
        ),
    ];
    let mut kept = Vec::new();
    for (number, comment) in bad.iter().enumerate() {
        let mut profile = KnownProfile::random(&mut random, 0, 0);
        profile.samples.push(Known {
            stack: vec![1],
            thread: 0,
            endpoint: None,
            wall: 1,
            cpu: 1 + number as u64,
            end: 0,
            span: 0,
        });
        store
            .ingest(vec![profile.commented(comment)])
            .expect("a commit");
        assert_eq!(
            store.status().expect("a status").left_out,
            number as u64 + 1
        );
        kept.push(profile);
    }
    // The same again is no other, and is not counted again.
    store
        .ingest(vec![kept[0].commented(&bad[0])])
        .expect("a commit");
    let status = store.status().expect("a status");
    assert_eq!(
        (status.left_out, status.profiles),
        (bad.len() as u64, bad.len() as u64)
    );
    let tree = store
        .tree(
            &everything(),
            everflame_store::Granularity::Function,
            None,
            ALL,
        )
        .expect("a tree");
    let sum: u64 = samples(&kept).map(|(_, sample)| sample.cpu).sum();
    assert_eq!(tree.answer.sum(0), sum);
    assert!(
        ask(&store, &between(0, i64::MAX), HOUR, None)
            .lines
            .is_empty()
    );
    // Other tools' comments are none of ours.
    let before = status.left_out;
    for comment in ["", "everflame", "built with go", "everflame.metricsx:{}"] {
        store
            .ingest(vec![
                KnownProfile::random(&mut random, 1, 3).commented(comment),
            ])
            .expect("a commit");
    }
    assert_eq!(store.status().expect("a status").left_out, before);
    drop(store);
    assert_eq!(rows(&folder), (0, 0));
}

#[test]
fn files_of_one_upload_tell_the_same_once() {
    let folder = Folder::new();
    let store = folder.store();
    let told = Told::random(&mut Random(8), 0, 0);
    let mut upload = told.upload();
    upload.parts.push(Part {
        name: "space.pprof".to_owned(),
        data: Encoder::default().comment(&told.comment()).profile(&[]),
        ..Part::default()
    });
    store.ingest(vec![upload.clone()]).expect("a commit");
    store.ingest(vec![upload]).expect("the same again");
    assert_eq!(rows(&folder).0, 1);
    let range = (BEGIN, BEGIN + MINUTE);
    let answer = ask(&store, &between(range.0, range.1), SECOND, None);
    let (max, _) = expected(&[told], range, SECOND, |_, _| true, Measure::Active);
    assert_eq!(line(&answer, Measure::Active, "").max, max);
}

#[test]
fn metrics_last_as_long_as_their_profiles() {
    let told = told(9, 1, 180);
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told);
    assert_eq!(rows(&folder).0, 180);
    let retention = Retention {
        profiles: HOUR,
        ..Retention::default()
    };
    store
        .maintain_at(&retention, BEGIN + 3 * HOUR + 10 * MINUTE)
        .expect("maintenance");
    // Those of the hours that are over by an hour are sums now.
    let left = rows(&folder).0;
    let (profiles, _) = store.profiles(&everything(), ALL).expect("profiles");
    let raw = profiles
        .iter()
        .filter(|profile| profile.to - profile.from == MINUTE)
        .count();
    assert_eq!((left, raw), (60, 60));
    let answer = ask(&store, &between(BEGIN, BEGIN + 3 * HOUR), HOUR, None);
    let max = &line(&answer, Measure::Delay, "").max;
    assert!(
        max[0].is_none() && max[1].is_none() && max[2].is_some(),
        "{max:?}"
    );
    let full = Retention {
        bytes: 1,
        ..Retention::default()
    };
    store
        .maintain_at(&full, BEGIN + 4 * HOUR)
        .expect("maintenance");
    assert_eq!(rows(&folder).0, 0);
}

#[test]
fn a_minute_of_two_threads_is_a_kilobyte() {
    let folder = Folder::new();
    let store = folder.store();
    keep(&store, &told(10, 1, 2));
    drop(store);
    let (count, longest) = rows(&folder);
    assert_eq!(count, 2);
    // Seven columns of sixty random numbers of up to three bytes.
    assert!(longest < 1400, "{longest}");
}
