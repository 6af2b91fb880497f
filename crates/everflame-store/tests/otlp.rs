//! OpenTelemetry's profiles come in as what they say, in both forms, and what is wrong with one takes no other with it.

mod support;

use everflame_store::{Format, FrameKind, Granularity, Outcome, Part, Selection, Store, Upload};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::otlp::{Any, Profile, Request, Sample};
use support::*;

const RUNTIME: &str = "service.instance.id";

fn upload(format: Format, data: Vec<u8>) -> Upload {
    Upload {
        parts: vec![Part {
            format,
            data,
            ..Part::default()
        }],
        ..Upload::default()
    }
}

fn commit(store: &Store, format: Format, data: Vec<u8>) -> Vec<Outcome> {
    let prepared = vec![store.prepare(upload(format, data))];
    store.commit(prepared).expect("a commit").remove(0)
}

fn otlp(store: &Store, request: &Request) -> Vec<Outcome> {
    commit(store, Format::Otlp, request.protobuf())
}

fn json_of(request: &Request) -> Vec<u8> {
    request.json().to_string().into_bytes()
}

fn reasons(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Refused(refusal) => refusal.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
}

fn tree_paths(store: &Store, kind: &str, by: Option<&str>) -> Paths {
    let selection = of_kind(kind);
    let tree = store.tree(&selection, Granularity::Function, by, usize::MAX);
    paths(&tree.expect("a tree").answer, 0)
}

fn of_kind(kind: &str) -> Selection {
    Selection {
        kind: Some(kind.to_owned()),
        ..everything()
    }
}

fn attributes(instance: u32) -> Vec<(String, Any)> {
    [
        ("service.name", "shop".to_owned()),
        (RUNTIME, format!("runtime-{instance}")),
        ("service.version", format!("1.{}", instance % 2)),
    ]
    .map(|(key, value)| (key.to_owned(), Any::Text(value)))
    .to_vec()
}

/// Wall and CPU time of profiles, each as a profile of its own.
fn request_of(profiles: &[KnownProfile]) -> Request {
    let mut request = Request::default();
    for profile in profiles {
        type Column = fn(&Known) -> u64;
        let kinds: [(&str, Column); 2] = [("wall", |known| known.wall), ("cpu", |known| known.cpu)];
        let told = kinds.map(|(name, value)| {
            let samples = profile.samples.iter();
            Profile {
                kind: request.kind(name, "nanoseconds"),
                start: profile.start,
                duration: profile.end - profile.start,
                id: vec![1 + profile.instance as u8; 16],
                samples: samples
                    .map(|known| request.sample(known, value(known)))
                    .collect(),
            }
        });
        let resource = (attributes(profile.instance), told.to_vec());
        request.resources.push(resource);
    }
    request
}

/// One profile of one stack, for tests of a detail.
fn small(request: &mut Request, samples: Vec<Sample>) -> Profile {
    Profile {
        kind: request.kind("cpu", "nanoseconds"),
        start: BEGIN,
        duration: MINUTE,
        id: Vec::new(),
        samples,
    }
}

fn request_with(samples: impl FnOnce(&mut Request) -> Vec<Sample>) -> Request {
    let mut request = Request::default();
    let samples = samples(&mut request);
    let profile = small(&mut request, samples);
    request.resources.push((attributes(0), vec![profile]));
    request
}

fn sample(stack: u64, value: u64) -> Sample {
    Sample {
        stack,
        values: vec![value],
        ..Sample::default()
    }
}

#[test]
fn a_tree_is_what_the_samples_of_both_forms_add_up_to() {
    let profiles = random_profiles(31, 3, 20);
    let request = request_of(&profiles);
    for (format, data) in [
        (Format::Otlp, request.protobuf()),
        (Format::OtlpJson, json_of(&request)),
    ] {
        let folder = Folder::new();
        let store = folder.store();
        let outcomes = commit(&store, format, data);
        let samples_of = |outcome: &Outcome| match outcome {
            Outcome::Kept { samples } => *samples,
            other => panic!("{other:?}"),
        };
        let kept: Vec<usize> = outcomes.iter().map(samples_of).collect();
        let expected: Vec<usize> = profiles
            .iter()
            .flat_map(|profile| [profile.samples.len(); 2])
            .collect();
        assert_eq!(
            kept, expected,
            "one outcome for each profile, in their order"
        );
        for (kind, value) in [
            ("cpu", (|known: &Known| known.cpu) as fn(&Known) -> u64),
            ("wall", |known: &Known| known.wall),
        ] {
            assert_eq!(
                tree_paths(&store, kind, None),
                expected_paths(samples(&profiles), value, |_, _| None),
                "{format:?}"
            );
            let thread = |_: &KnownProfile, known: &Known| Some(format!("thread {}", known.thread));
            assert_eq!(
                tree_paths(&store, kind, Some("thread name")),
                expected_paths(samples(&profiles), value, thread),
                "{format:?}"
            );
            let version =
                |profile: &KnownProfile, _: &Known| Some(format!("1.{}", profile.instance % 2));
            assert_eq!(
                tree_paths(&store, kind, Some("version")),
                expected_paths(samples(&profiles), value, version),
                "{format:?}"
            );
        }
    }
}

#[test]
fn the_same_profile_is_the_same_as_pprof() {
    let mut profile = KnownProfile::random(&mut Random(8), 1, 0);
    let mut end = profile.start;
    for (index, known) in profile.samples.iter_mut().enumerate() {
        known.wall += 1;
        end += known.wall as i64;
        known.end = end;
        known.span = if index % 2 == 0 { 0 } else { !(index as u64) };
    }
    let (one, two) = (Folder::new(), Folder::new());
    let (pprof, store) = (one.store(), two.store());
    ingest(&pprof, std::slice::from_ref(&profile));
    otlp(&store, &request_of(std::slice::from_ref(&profile)));
    for kind in ["wall", "cpu"] {
        for by in [
            None,
            Some("thread name"),
            Some("trace endpoint"),
            Some("runtime-id"),
        ] {
            assert_eq!(
                tree_paths(&store, kind, by),
                tree_paths(&pprof, kind, by),
                "{kind} by {by:?}"
            );
        }
        let labels = |store: &Store| {
            let (keys, sum) = store.labels(&of_kind(kind), 100).expect("labels").answer;
            let keys: BTreeMap<_, BTreeSet<_>> = keys
                .into_iter()
                .map(|key| ((key.key, key.is_tag), key.values.into_iter().collect()))
                .collect();
            (keys, sum)
        };
        assert_eq!(labels(&store), labels(&pprof), "{kind}");
    }
    let timeline = |store: &Store| {
        let whole = Selection {
            from: profile.start,
            to: profile.end,
            ..everything()
        };
        let timeline = store.timeline(&whole, usize::MAX).expect("a timeline");
        let rows: Vec<_> = timeline
            .samples
            .iter()
            .map(|sample| {
                let frame = timeline.tree.frame[sample.node as usize];
                let name = timeline.tree.frames.get(frame as usize);
                let labels: BTreeSet<_> = timeline.labels[sample.label as usize]
                    .iter()
                    .cloned()
                    .collect();
                (
                    timeline.lanes[sample.lane as usize].name.clone(),
                    sample.end,
                    (sample.wall, sample.cpu),
                    name.map(|name| name.name.clone()),
                    labels,
                )
            })
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        rows
    };
    let rows = timeline(&store);
    assert!(rows.len() > 5, "{rows:?}");
    assert_eq!(rows, timeline(&pprof));
}

#[test]
fn what_comes_again_is_a_duplicate_however_it_is_written_and_put_together() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(33, 2, 4);
    let whole = request_of(&profiles);
    otlp(&store, &whole);
    assert_eq!(otlp(&store, &whole), vec![Outcome::Duplicate; 16]);
    let again = commit(&store, Format::OtlpJson, json_of(&whole));
    assert_eq!(again, vec![Outcome::Duplicate; 16], "as JSON");
    // Its tables begin with what another profile has, and so every number in the profile's bytes is another.
    for (index, profile) in profiles.iter().enumerate() {
        let other = &profiles[(index + 1) % profiles.len()];
        let mut batch = request_of(&[other.clone(), profile.clone()]);
        batch.resources.remove(0);
        assert_eq!(otlp(&store, &batch), vec![Outcome::Duplicate; 2], "{index}");
    }
    // The same samples, and another process or another time.
    let mut process = whole.clone();
    process.resources[0].0 = attributes(7);
    process.resources[1].1[0].start += 1;
    let kept = otlp(&store, &process);
    let expected = [true, true, true, false];
    for (outcome, is_kept) in kept.iter().zip(expected) {
        assert_eq!(matches!(outcome, Outcome::Kept { .. }), is_kept, "{kept:?}");
    }
}

#[test]
fn each_spelling_of_json_is_read() {
    let folder = Folder::new();
    let store = folder.store();
    let mut request = request_of(&random_profiles(34, 1, 1));
    let span = request.spans.len() as u64;
    request.spans.push(0x0123_4567_89ab_cdef);
    request.resources[0].1[0].samples[0].link = span;
    let count = |outcomes: Vec<Outcome>| outcomes.len();
    assert_eq!(count(otlp(&store, &request)), 2);

    let text = request.json().to_string();
    let spelled = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    let snake = text
        .replace("resourceProfiles", "resource_profiles")
        .replace("scopeProfiles", "scope_profiles")
        .replace("stringTable", "string_table")
        .replace("Strindex", "_strindex")
        .replace("timestampsUnixNano", "timestamps_unix_nano")
        .replace("timeUnixNano", "time_unix_nano");
    let mut unknown: Value = request.json();
    unknown["dictionary"]["later"] = json!([{ "stringTable": ["x"] }, null, 1.5]);
    unknown["resourceProfiles"][0]["scopeProfiles"][0]["profiles"][0]["originalPayload"] =
        json!("!");
    let mut null: Value = request.json();
    null["resourceProfiles"][0]["scopeProfiles"][0]["scope"] = Value::Null;
    null["resourceProfiles"][0]["scopeProfiles"][0]["profiles"][0]["samples"][0]["timestampsUnixNano"] =
        Value::Null;
    let mut numbers: Value = request.json();
    let profile = &mut numbers["resourceProfiles"][0]["scopeProfiles"][0]["profiles"][0];
    profile["timeUnixNano"] = json!(BEGIN);
    profile["durationNano"] = json!(MINUTE as f64);
    let cases = [
        snake,
        // Ids to the base of 64, filled up or not.
        spelled("\"0123456789abcdef\"", "\"ASNFZ4mrze8=\""),
        spelled("\"0123456789abcdef\"", "\"ASNFZ4mrze8\""),
        spelled(&"01".repeat(16), "AQEBAQEBAQEBAQEBAQEBAQ=="),
        unknown.to_string(),
        null.to_string(),
        numbers.to_string(),
    ];
    for case in cases {
        let outcomes = commit(&store, Format::OtlpJson, case.clone().into_bytes());
        assert_eq!(outcomes, vec![Outcome::Duplicate; 2], "{case}");
    }
}

#[test]
fn json_that_is_none_is_refused_as_a_whole() {
    let folder = Folder::new();
    let store = folder.store();
    let field = |name: &str, value: &str| {
        format!(
            r#"{{"resourceProfiles":[{{"scopeProfiles":[{{"profiles":[{{"{name}":{value}}}]}}]}}]}}"#
        )
    };
    let deep = format!(
        r#"{{"resourceProfiles":[{{"resource":{{"attributes":[{{"value":{}"#,
        r#"{"arrayValue":{"values":["#.repeat(100)
    );
    let cases = [
        (
            "[]",
            "invalid type: sequence, expected a message at line 1 column 0",
        ),
        ("{} {}", "trailing characters at line 1 column 4"),
        (
            &field("timeUnixNano", "\"noon\""),
            "timeUnixNano has a value of another kind at ",
        ),
        (
            &field("timeUnixNano", "1.5"),
            "timeUnixNano has a value of another kind at ",
        ),
        (
            &field("profileId", "\"%\""),
            "profileId has a value of another kind at ",
        ),
        (
            &field("samples", "[null]"),
            "samples has a value of another kind at ",
        ),
        (
            &field("samples", "7"),
            "invalid type: integer `7`, expected a list in samples at ",
        ),
        (&deep, "recursion limit exceeded at "),
    ];
    for (data, expected) in cases {
        let outcomes = commit(&store, Format::OtlpJson, data.as_bytes().to_vec());
        let [reason] = &reasons(&outcomes)[..] else {
            panic!("{outcomes:?}")
        };
        let expected = format!("its JSON cannot be read: {expected}");
        assert!(
            reason.starts_with(&expected),
            "{reason}, and not {expected}"
        );
    }
    let empty = reasons(&commit(&store, Format::OtlpJson, Vec::new()));
    assert_eq!(empty, ["it is no profile: it is empty"]);
    let long = format!("{{\"resourceProfiles\":\"{}\"}}", "x".repeat(100_000));
    let [reason] = &reasons(&commit(&store, Format::OtlpJson, long.into_bytes()))[..] else {
        panic!("one outcome")
    };
    assert!(reason.len() < 300, "{reason}");
}

#[test]
fn a_resource_is_a_service_and_its_tags() {
    let folder = Folder::new();
    let store = folder.store();
    let mut request = Request::default();
    let stack = request.stack(&[1]);
    let profile = small(&mut request, vec![sample(stack, 5)]);
    let list = Any::List(vec![
        Any::text("node"),
        Any::Number(7),
        Any::List(Vec::new()),
    ]);
    let told = [
        ("deployment.environment", Any::text("old")),
        ("service.name", Any::text("shop")),
        ("service.version", Any::text("1.2")),
        (RUNTIME, Any::text("abc")),
        ("deployment.environment.name", Any::text("prod")),
        ("host.name", Any::text("web-1")),
        ("process.pid", Any::Number(4711)),
        ("vcs.ref.head.revision", Any::text("c0ffee")),
        (
            "vcs.repository.url.full",
            Any::text("https://example.com/shop"),
        ),
        ("process.command_args", list),
        ("team", Any::text("till")),
        ("empty", Any::text("")),
        ("profile_seq", Any::Number(3)),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    request
        .resources
        .push((told.to_vec(), vec![profile.clone()]));
    request.resources.push((Vec::new(), vec![profile.clone()]));
    let old = ("deployment.environment".to_owned(), Any::text("old"));
    let name = ("service.name".to_owned(), Any::text("other"));
    request.resources.push((vec![old, name], vec![profile]));
    let sent_by = Upload {
        service: "nobody".to_owned(),
        tags: vec![("cluster".to_owned(), "c1".to_owned())],
        ..upload(Format::Otlp, request.protobuf())
    };
    let outcomes = store
        .commit(vec![store.prepare(sent_by)])
        .expect("a commit");
    assert_eq!(outcomes[0], vec![Outcome::Kept { samples: 1 }; 3]);

    let services = store.services().expect("services");
    let names: BTreeSet<&str> = services.iter().map(|service| &*service.name).collect();
    assert_eq!(names, BTreeSet::from(["other", "shop", "unknown_service"]));
    let tags = |service: &str| {
        let selection = Selection {
            service: service.to_owned(),
            ..everything()
        };
        let (heads, _) = store.profiles(&selection, 10).expect("profiles");
        assert_eq!((heads.len(), &*heads[0].kind), (1, "cpu"));
        heads[0].tags.clone()
    };
    let expected = [
        ("cluster", "c1"),
        ("env", "prod"),
        ("git.commit.sha", "c0ffee"),
        ("git.repository_url", "https://example.com/shop"),
        ("host", "web-1"),
        ("process.command_args", r#"["node",7,[]]"#),
        ("process_id", "4711"),
        ("runtime-id", "abc"),
        ("team", "till"),
        ("version", "1.2"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(tags("shop").to_vec(), expected);
    assert_eq!(tags("unknown_service").len(), 1);
    assert!(tags("other").contains(&("env".to_owned(), "old".to_owned())));
}

#[test]
fn attributes_of_samples_have_our_names() {
    let folder = Folder::new();
    let store = folder.store();
    let request = request_with(|request| {
        let stack = request.stack(&[1]);
        let attributes = [
            ("thread.name", Any::text("main")),
            ("thread.id", Any::Number(42)),
            ("trace.endpoint", Any::text("GET /")),
            ("exception.type", Any::text("TypeError")),
            ("exception.message", Any::text("no")),
            ("lock.name", Any::text("pool")),
            ("http.route", Any::text("/x")),
            ("gc.type", Any::text("minor")),
            ("trace_id", Any::text("1234")),
        ]
        .map(|(key, value)| request.attribute(key, value));
        // A unit, and the second of one key.
        let (size, bytes) = (request.text("size"), request.text("bytes"));
        request.attributes.push((size, Any::Number(9), bytes));
        let second = request.attribute("thread.name", Any::text("second"));
        let size = second - 1;
        let attributes = [&[0], &attributes[..], &[size, second]].concat();
        vec![Sample {
            attributes,
            ..sample(stack, 3)
        }]
    });
    assert_eq!(otlp(&store, &request), [Outcome::Kept { samples: 1 }]);
    let (keys, sum) = store.labels(&everything(), 10).expect("labels").answer;
    assert_eq!(sum, 3);
    let labels: BTreeMap<String, String> = keys
        .into_iter()
        .filter(|key| !key.is_tag)
        .map(|key| (key.key, key.values[0].0.clone()))
        .collect();
    let expected = [
        ("exception message", "no"),
        ("exception type", "TypeError"),
        ("gc type", "minor"),
        ("http.route", "/x"),
        ("lock name", "pool"),
        ("os thread id", "42"),
        ("size", "9 bytes"),
        ("thread name", "main"),
        ("trace endpoint", "GET /"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(labels, BTreeMap::from(expected));
}

#[test]
fn names_of_types_have_their_dashes_again() {
    let folder = Folder::new();
    let store = folder.store();
    let mut request = Request::default();
    let stack = request.stack(&[1]);
    let profiles = ["exception_samples", "lock_acquire_wait", "alloc_space"].map(|name| Profile {
        kind: request.kind(name, "count"),
        ..small(&mut request, vec![sample(stack, 1)])
    });
    request.resources.push((attributes(0), profiles.to_vec()));
    otlp(&store, &request);
    let (heads, _) = store
        .profiles(&of_kind("alloc_space"), 10)
        .expect("profiles");
    let kinds: BTreeSet<String> = heads.into_iter().map(|head| head.kind).collect();
    let expected = ["alloc_space", "exception-samples", "lock-acquire-wait"];
    assert_eq!(kinds, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn places_have_modules_addresses_and_inlined_functions() {
    let folder = Folder::new();
    let store = folder.store();
    let request = request_with(|request| {
        let file = request.text("/usr/bin/node");
        let script = request.text("JavaScript");
        request.mappings.extend([file, script]);
        let mut function = |name: &str, file: &str| {
            let (name, file) = (request.text(name), request.text(file));
            request.functions.push([name, file, 1]);
            request.functions.len() as u64 - 1
        };
        let (native, inlined, own) = (
            function("uv_run", ""),
            function("uv__io_poll", ""),
            function("handler", "/app/a.js"),
        );
        let v8 = request.attribute("profile.frame.type", Any::text("v8js"));
        let kernel = request.attribute("profile.frame.type", Any::text("kernel"));
        request.locations.extend([
            (1, 0x10, vec![(inlined, 3), (native, 4)], vec![kernel]),
            (1, 0xbeef, Vec::new(), Vec::new()),
            (2, 0, vec![(own, 12)], vec![v8]),
        ]);
        // The innermost first; an index of zero is no place.
        request.stacks.push(vec![2, 1, 0, 3]);
        vec![sample(1, 8), sample(0, 2)]
    });
    otlp(&store, &request);
    let tree = store
        .tree(&everything(), Granularity::Line, None, usize::MAX)
        .expect("a tree")
        .answer;
    let found: Vec<_> = tree
        .frame
        .iter()
        .skip(1)
        .map(|frame| {
            let frame = &tree.frames[*frame as usize];
            (&*frame.name, &*frame.file, frame.line, frame.kind)
        })
        .collect();
    let node = "/usr/bin/node";
    let expected = [
        ("handler", "/app/a.js", 12, FrameKind::App),
        ("uv_run", node, 4, FrameKind::Native),
        ("uv__io_poll", node, 3, FrameKind::Native),
        ("0xbeef", node, 0, FrameKind::Native),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        (tree.sum(0), tree.own[0][0]),
        (10, 2),
        "one sample has no stack"
    );
}

#[test]
fn values_and_times_are_counted_as_they_say() {
    let folder = Folder::new();
    let store = folder.store();
    let request = request_with(|request| {
        let (one, two, three) = (
            request.stack(&[1]),
            request.stack(&[2]),
            request.stack(&[3]),
        );
        let times: Vec<u64> = (1..=4)
            .map(|second| (BEGIN + second * 1_000_000_000) as u64)
            .collect();
        vec![
            Sample {
                values: vec![5, 7, 11],
                ..sample(one, 0)
            },
            Sample {
                values: Vec::new(),
                times: times.clone(),
                ..sample(two, 0)
            },
            Sample {
                values: vec![13, 17, 19, 23],
                times,
                ..sample(three, 0)
            },
        ]
    });
    assert_eq!(otlp(&store, &request), [Outcome::Kept { samples: 9 }]);
    let own: BTreeMap<Vec<String>, u64> = tree_paths(&store, "cpu", None)
        .into_iter()
        .filter(|(_, (own, _))| *own > 0)
        .map(|(path, (own, _))| (path, own))
        .collect();
    let expected =
        [(1, 23), (2, 4), (3, 72)].map(|(function, own)| (vec![function_name(function)], own));
    assert_eq!(own, BTreeMap::from(expected));
    let whole = Selection {
        from: BEGIN,
        to: BEGIN + MINUTE,
        ..everything()
    };
    let timeline = store.timeline(&whole, usize::MAX).expect("a timeline");
    let cpu: u64 = timeline.samples.iter().map(|sample| sample.cpu).sum();
    assert_eq!(
        (timeline.samples.len(), cpu),
        (8, 76),
        "without a time it is in no timeline"
    );
}

#[test]
fn a_profile_that_is_refused_takes_no_other_with_it() {
    let folder = Folder::new();
    let store = folder.store();
    let mut request = Request::default();
    let stack = request.stack(&[1]);
    let good = small(&mut request, vec![sample(stack, 5)]);
    let with = |sample: Sample| Profile {
        samples: vec![sample],
        ..good.clone()
    };
    let cases = [
        (
            with(sample(99, 1)),
            "it is no profile: a sample names a stack that is not there",
        ),
        (
            with(Sample {
                link: 9,
                ..sample(stack, 1)
            }),
            "it is no profile: a sample names a link that is not there",
        ),
        (
            with(Sample {
                attributes: vec![u64::MAX],
                ..sample(stack, 1)
            }),
            "it is no profile: it names an attribute that is not there",
        ),
        (
            with(Sample {
                values: Vec::new(),
                ..sample(stack, 1)
            }),
            "it is no profile: a sample has neither values nor times",
        ),
        (
            with(Sample {
                times: vec![1, 2],
                ..sample(stack, 1)
            }),
            "it is no profile: a sample has not as many values as times",
        ),
        (
            with(sample(stack, u64::MAX)),
            "it has a value below zero: differences of profiles are not kept",
        ),
        (
            with(Sample {
                values: vec![i64::MAX as u64; 3],
                ..sample(stack, 1)
            }),
            "its values of type cpu add up to more than 9,223,372,036,854,775,807",
        ),
        (
            with(Sample {
                attributes: vec![0; 65],
                ..sample(stack, 1)
            }),
            "it has more than 64 labels at one sample",
        ),
        (
            Profile {
                kind: (0, 0),
                ..good.clone()
            },
            "it is no profile: it names no kind of value",
        ),
        (
            Profile {
                kind: (1 << 40, 0),
                ..good.clone()
            },
            "it is no profile: it names a text that is not there",
        ),
        (
            Profile {
                duration: -1,
                ..good.clone()
            },
            "it ends before it starts",
        ),
        (
            Profile {
                start: i64::MAX / 2,
                ..good.clone()
            },
            "it is of a time ",
        ),
    ];
    let (profiles, expected): (Vec<Profile>, Vec<&str>) = cases.into_iter().unzip();
    let all = [profiles, vec![good]].concat();
    request.resources.push((attributes(0), all));
    let outcomes = otlp(&store, &request);
    assert_eq!(outcomes.len(), expected.len() + 1);
    for (reason, expected) in reasons(&outcomes).iter().zip(&expected) {
        assert!(reason.starts_with(expected), "{reason}, and not {expected}");
    }
    assert_eq!(outcomes.last(), Some(&Outcome::Kept { samples: 1 }));
    assert_eq!(tree_paths(&store, "cpu", None)[&Vec::new()], (0, 5));
}

#[test]
fn a_dictionary_that_is_wrong_is_refused_with_all_that_need_it() {
    let folder = Folder::new();
    let store = folder.store();
    let good = request_with(|request| {
        let stack = request.stack(&[1]);
        vec![sample(stack, 5)]
    });
    let zero = "it is no profile: entry zero of a table of its dictionary is not the empty one";
    type Change = fn(&mut Request);
    let cases: [(Change, &str); 13] = [
        (
            |request| request.texts.clear(),
            "it is no profile: its first text is not the empty one",
        ),
        (
            |request| request.texts[0].push('x'),
            "it is no profile: its first text is not the empty one",
        ),
        (|request| request.stacks[0].push(1), zero),
        (|request| request.functions[0][0] = 1, zero),
        (|request| request.locations[0].1 = 7, zero),
        (|request| request.mappings[0] = 1, zero),
        (|request| request.spans[0] = 1, zero),
        (|request| request.attributes[0].0 = 1, zero),
        (
            |request| request.functions[1][0] = 999,
            "it is no profile: it names a text that is not there",
        ),
        (
            |request| request.locations[1].2[0].0 = 999,
            "it is no profile: a location names a function that is not there",
        ),
        (
            |request| request.locations[1].0 = 999,
            "it is no profile: a location names a mapping that is not there",
        ),
        (
            |request| request.stacks[1].push(999),
            "it is no profile: a stack names a location that is not there",
        ),
        (
            |request| request.stacks[1] = vec![1; 20_000],
            "it has more than 16384 frames in one stack",
        ),
    ];
    for (change, expected) in cases {
        let mut request = good.clone();
        change(&mut request);
        for (format, data) in [
            (Format::Otlp, request.protobuf()),
            (Format::OtlpJson, json_of(&request)),
        ] {
            let outcomes = commit(&store, format, data);
            assert_eq!(reasons(&outcomes), [expected], "{format:?}");
        }
    }
    assert!(store.services().expect("services").is_empty());
    let nothing = Request::default();
    assert_eq!(
        otlp(&store, &nothing),
        [],
        "a request without profiles is no error"
    );
    assert_eq!(commit(&store, Format::OtlpJson, b"{}".to_vec()), []);
}

/// What is a few bytes and would be gigabytes.
#[test]
fn what_would_take_the_memory_of_others_is_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let inlined = request_with(|request| {
        request.stack(&[1]);
        let many = vec![(1, 1); 16_000];
        request.locations.push((0, 0, many, Vec::new()));
        let large = request.locations.len() as u64 - 1;
        for other in 0..4200 {
            request
                .locations
                .push((0, other + 1, Vec::new(), Vec::new()));
            request.stacks.push(vec![large, large + 1 + other]);
        }
        (2..4202).map(|stack| sample(stack, 1)).collect()
    });
    let profiles = {
        let mut request = Request::default();
        let stack = request.stack(&[1]);
        let profile = small(&mut request, vec![sample(stack, 1)]);
        request
            .resources
            .push((attributes(0), vec![profile; 10_001]));
        request
    };
    let tags = {
        let mut request = Request::default();
        let stack = request.stack(&[1]);
        let profile = small(&mut request, vec![sample(stack, 1)]);
        for resource in 0..700 {
            let told = ("note".to_owned(), Any::text("x".repeat(8000)));
            let own = ("number".to_owned(), Any::Number(resource));
            request
                .resources
                .push((vec![told, own], vec![profile.clone()]));
        }
        request
    };
    let cases = [
        (inlined, "it has more than 33554432 frames in all stacks"),
        (profiles, "it has more than 10000 profiles"),
        (
            tags,
            "it has more than 4194304 bytes in the attributes of its resources",
        ),
    ];
    for (request, expected) in cases {
        let outcomes = otlp(&store, &request);
        assert_eq!(
            reasons(&outcomes).last().map(String::as_str),
            Some(expected)
        );
    }
}

#[test]
fn bytes_that_are_cut_or_changed_never_panic() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(35);
    let mut profile = KnownProfile::random(&mut random, 0, 0);
    profile.samples.truncate(3);
    let mut request = request_of(&[profile]);
    request.resources[0].1.truncate(1);
    for (format, whole) in [
        (Format::Otlp, request.protobuf()),
        (Format::OtlpJson, json_of(&request)),
    ] {
        let mut refused = 0;
        let cut: Vec<_> = (0..whole.len())
            .map(|length| whole[..length].to_vec())
            .collect();
        let changed = (0..whole.len()).flat_map(|at| {
            let bits = if format == Format::Otlp { 0..8 } else { 0..1 };
            let whole = &whole;
            bits.map(move |bit| {
                let mut data = whole.clone();
                data[at] ^= 1 << bit;
                data
            })
        });
        let count = cut.len();
        let all: Vec<_> = cut.into_iter().chain(changed).collect();
        for some in all.chunks(1000) {
            let prepared = some
                .iter()
                .map(|data| store.prepare(upload(format, data.clone())))
                .collect();
            for outcomes in store.commit(prepared).expect("a commit") {
                refused += usize::from(matches!(outcomes[..], [Outcome::Refused(_)]));
            }
        }
        assert!(refused > count / 2, "{refused}");
    }
}
