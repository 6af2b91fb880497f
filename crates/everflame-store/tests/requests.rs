//! Counts of requests: sums in are sums out, and nothing is divided by a part of them.

mod support;

use everflame_store::{
    Granularity, NotPerRequest, Outcome, Part, Requests, Retention, Selection, Store, TableBy,
    Upload,
};
use support::*;

type Counts = Vec<(String, u64)>;

fn counts(numbers: &[(u32, u64)]) -> Counts {
    let endpoint = |(endpoint, count): &(u32, u64)| (format!("GET /{endpoint}"), *count);
    numbers.iter().map(endpoint).collect()
}

fn counted(profile: &KnownProfile, requests: Counts) -> Upload {
    Upload {
        requests: Some(requests),
        ..profile.upload()
    }
}

/// A minute of one process that used so much CPU time, in one function.
fn minute(minute: i64, instance: u32, cpu: u64) -> KnownProfile {
    let start = BEGIN + minute * MINUTE;
    let sample = Known {
        stack: vec![1, 2],
        thread: 0,
        endpoint: Some(1),
        wall: cpu,
        cpu,
        end: 0,
        span: 0,
    };
    KnownProfile {
        instance,
        start,
        end: start + MINUTE,
        samples: vec![sample],
    }
}

fn between(from: i64, to: i64) -> Selection {
    Selection {
        from,
        to,
        ..everything()
    }
}

/// Of both sides of a difference.
fn asked(store: &Store, a: &Selection, b: &Selection) -> (Requests, Requests) {
    let (answer, found_b) = store
        .diff(a, b, Granularity::Function, usize::MAX)
        .expect("a difference");
    let requests = |found: &everflame_store::Found| found.requests.expect("requests");
    (requests(&answer.found), requests(&found_b))
}

fn requests(store: &Store, selection: &Selection) -> Requests {
    asked(store, selection, selection).0
}

const DAY: i64 = 24 * HOUR;

/// Profiles become sums of hours, and after a day these are all that is left.
fn stages() -> [i64; 3] {
    [BEGIN, BEGIN + 6 * HOUR, BEGIN + 3 * DAY]
}

fn maintain(store: &Store, now: i64) {
    if now > BEGIN {
        store
            .maintain_at(&Retention::default(), now)
            .expect("maintenance");
    }
}

#[test]
fn sums_in_are_sums_out() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(41);
    let profiles = random_profiles(40, 3, 120);
    let known: Vec<(&KnownProfile, [u64; 4])> = profiles
        .iter()
        .map(|profile| (profile, [(); 4].map(|()| random.below(1000))))
        .collect();
    let uploads = known.iter().map(|(profile, numbers)| {
        let numbers: Vec<(u32, u64)> = (0..4).zip(numbers.iter().copied()).collect();
        counted(profile, counts(&numbers))
    });
    for outcome in store.ingest(uploads.collect()).expect("a commit") {
        assert_eq!(outcome.len(), 1, "of the profiles alone it is told");
    }
    let expect = |is_meant: &dyn Fn(&KnownProfile, u32) -> bool| -> u64 {
        let all = known.iter().flat_map(|(profile, numbers)| {
            (0..4)
                .filter(|endpoint| is_meant(profile, *endpoint))
                .map(|endpoint| numbers[endpoint as usize])
        });
        all.sum()
    };
    for now in stages() {
        maintain(&store, now);
        let ask = |filters| {
            let selection = Selection {
                filters,
                ..everything()
            };
            requests(&store, &selection).divisor().expect("a count")
        };
        assert_eq!(ask(vec![]), expect(&|_, _| true));
        let endpoint = "trace endpoint";
        assert_eq!(
            ask(vec![filter(endpoint, &["GET /2"], false)]),
            expect(&|_, number| number == 2)
        );
        assert_eq!(
            ask(vec![filter(endpoint, &["GET /2", "GET /3"], true)]),
            expect(&|_, number| number < 2)
        );
        assert_eq!(
            ask(vec![
                filter("version", &["1.1"], false),
                filter(endpoint, &["GET /0"], false)
            ]),
            expect(&|profile, number| profile.instance == 1 && number == 0)
        );
        // A request is not of a thread.
        assert_eq!(
            ask(vec![filter("thread name", &["thread 1"], false)]),
            expect(&|_, _| true)
        );
        let by_endpoint = store
            .table(
                &Selection {
                    kind: Some("requests".to_owned()),
                    ..everything()
                },
                &TableBy::Key(endpoint.to_owned()),
                usize::MAX,
            )
            .expect("a table");
        for row in &by_endpoint.answer.0.rows {
            let number: u32 = row.frame.name["GET /".len()..].parse().expect("a number");
            assert_eq!(row.own, expect(&|_, other| other == number));
        }
        assert_eq!(by_endpoint.answer.0.rows.len(), 4);
        // Hours side by side add up to both.
        let hour = |hour: i64| {
            let one = between(BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR);
            requests(&store, &one).count
        };
        assert_eq!(hour(0) + hour(1), expect(&|_, _| true));
    }
}

#[test]
fn twice_the_requests_and_twice_the_work_is_the_same_work_for_each() {
    let folder = Folder::new();
    let store = folder.store();
    let uploads = (0..10).map(|number| {
        let (cpu, requests) = match number < 5 {
            true => (7_000_003, 101),
            false => (14_000_006, 202),
        };
        counted(&minute(number, 0, cpu), counts(&[(1, requests)]))
    });
    store.ingest(uploads.collect()).expect("a commit");
    let middle = BEGIN + 5 * MINUTE;
    let (a, b) = (between(0, middle), between(middle, i64::MAX));
    let tree = store
        .diff(&a, &b, Granularity::Function, usize::MAX)
        .expect("a difference");
    let (before, after) = (tree.0.answer.sum(0), tree.0.answer.sum(1));
    assert_eq!(after, 2 * before);
    let (of_a, of_b) = asked(&store, &a, &b);
    let [of_a, of_b] = [of_a, of_b].map(|one| one.divisor().expect("a count"));
    assert_eq!((of_a, of_b), (5 * 101, 5 * 202));
    assert_eq!(before * of_b, after * of_a);
}

#[test]
fn nothing_is_divided_by_a_part_of_the_requests() {
    let folder = Folder::new();
    let store = folder.store();
    // A minute with counts, one without, and one in which no request came; the same of two hours later. Another process has
    // counts of all, so that an hour has some of each.
    for hour in [0, 2] {
        let known = |number: i64, process: u32| minute(hour * 60 + number, process, 1_000_000);
        let uploads = vec![
            counted(&known(0, 0), counts(&[(1, 17)])),
            known(1, 0).upload(),
            counted(&known(2, 0), Vec::new()),
            counted(&known(0, 1), counts(&[(1, 3)])),
        ];
        store.ingest(uploads).expect("a commit");
    }
    for now in stages() {
        maintain(&store, now);
        let is_rolled = now > BEGIN;
        let all = requests(&store, &everything());
        let (without, profiles) = if is_rolled { (2, 4) } else { (2, 8) };
        assert_eq!(
            all.divisor(),
            Err(NotPerRequest::SomeCounts { without, profiles })
        );
        let of = |version: &str| Selection {
            filters: vec![filter("version", &[version], false)],
            ..everything()
        };
        assert_eq!(requests(&store, &of("1.1")).divisor(), Ok(6));
        assert!(requests(&store, &of("1.0")).divisor().is_err());
        if !is_rolled {
            let minute = |number: i64| {
                let one = between(BEGIN + number * MINUTE, BEGIN + (number + 1) * MINUTE);
                requests(&store, &one).divisor()
            };
            assert_eq!(minute(0), Ok(20));
            assert_eq!(minute(1), Err(NotPerRequest::NoCounts));
            assert_eq!(minute(2), Err(NotPerRequest::NoRequests));
            assert_eq!(minute(3), Err(NotPerRequest::NoProfiles));
        }
        let nobody = Selection {
            filters: vec![
                filter("version", &["1.1"], false),
                filter("trace endpoint", &["GET /nowhere"], false),
            ],
            ..everything()
        };
        assert_eq!(
            requests(&store, &nobody).divisor(),
            Err(NotPerRequest::NoRequests)
        );
    }
    let reason = NotPerRequest::SomeCounts {
        without: 2,
        profiles: 8,
    };
    assert_eq!(
        reason.to_string(),
        "2 of its 8 profiles came without counts of requests"
    );
}

#[test]
fn requests_of_an_upload_count_once_and_with_a_profile_alone() {
    let folder = Folder::new();
    let store = folder.store();
    let known = minute(0, 0, 1_000_000);
    let upload = || counted(&known, counts(&[(1, 5), (2, 6)]));
    store.ingest(vec![upload()]).expect("a commit");
    let again = store
        .ingest(vec![upload(), upload()])
        .expect("the same again");
    assert_eq!(again, [[Outcome::Duplicate], [Outcome::Duplicate]]);
    assert_eq!(requests(&store, &everything()).divisor(), Ok(11));
    // A client may send what it has in two uploads, and tells its requests with the first.
    let rest = Part {
        name: "wall.2.pprof".to_owned(),
        ..minute(0, 0, 500).upload().parts.remove(0)
    };
    let rest = Upload {
        parts: vec![rest],
        ..known.upload()
    };
    store.ingest(vec![rest]).expect("a commit");
    assert_eq!(requests(&store, &everything()).divisor(), Ok(11));
    let garbage = Upload {
        service: "broken".to_owned(),
        parts: vec![Part {
            name: "wall.pprof".to_owned(),
            data: b"no profile".to_vec(),
            ..Part::default()
        }],
        ..upload()
    };
    let outcomes = store.ingest(vec![garbage]).expect("a commit");
    assert!(matches!(&outcomes[0][..], [Outcome::Refused(_)]));
    let names: Vec<String> = store
        .services()
        .expect("services")
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert_eq!(names, ["shop"]);
}

#[test]
fn counts_are_no_profile_among_others_and_go_into_no_file() {
    let folder = Folder::new();
    let store = folder.store();
    let known = minute(0, 0, 1_000_000);
    store
        .ingest(vec![counted(&known, counts(&[(1, 5)]))])
        .expect("a commit");
    let unnamed = Selection {
        kind: None,
        ..everything()
    };
    let tree = |store: &Store, selection: &Selection| {
        store
            .tree(selection, Granularity::Function, None, usize::MAX)
            .expect("a tree")
    };
    assert_eq!(tree(&store, &unnamed).kind.name, "cpu");
    let (listed, more) = store.profiles(&unnamed, usize::MAX).expect("profiles");
    let kinds: Vec<&str> = listed.iter().map(|head| head.kind.as_str()).collect();
    assert_eq!((&kinds[..], more), (&["wall"][..], 0));
    assert_eq!(store.services().expect("services")[0].profiles, 1);
    assert_eq!(store.status().expect("a status").profiles, 1);
    let other = Folder::new();
    let copy = other.store();
    let part = Part {
        name: "store.pprof".to_owned(),
        data: store.pprof(&everything()).expect("a file"),
        ..Part::default()
    };
    let upload = Upload {
        service: "shop".to_owned(),
        parts: vec![part],
        ..Upload::default()
    };
    copy.ingest(vec![upload]).expect("a commit");
    let types = &copy.services().expect("services")[0].types;
    let names: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names, ["sample", "wall", "cpu"]);
    assert_eq!(tree(&copy, &everything()).answer.sum(0), 1_000_000);
    assert_eq!(
        requests(&copy, &everything()).divisor(),
        Err(NotPerRequest::NoCounts)
    );
}
