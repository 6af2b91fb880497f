//! What goes out as a file comes in again as the same, and what is no profile does not come in.

mod support;

use everflame_store::{Outcome, Part, Selection, Upload};
use flate2::read::GzDecoder;
use pprof::protos::{self, Profile};
use prost::Message;
use std::collections::BTreeSet;
use std::io::Read;
use support::*;

fn plain(gzip: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut data).expect("gzip");
    data
}

fn upload(data: Vec<u8>) -> Upload {
    Upload {
        service: "shop".to_owned(),
        parts: vec![Part {
            name: "wall.pprof".to_owned(),
            data,
            ..Part::default()
        }],
        ..Upload::default()
    }
}

#[test]
fn an_exported_profile_has_every_sum_and_comes_in_as_the_same() {
    let folder = Folder::new();
    let store = folder.store();
    let profiles = random_profiles(21, 3, 40);
    ingest(&store, &profiles);
    let file = store.pprof(&everything()).expect("a file");
    let profile = Profile::decode(plain(&file).as_slice()).expect("profile.proto");
    let text = |index: i64| profile.string_table[index as usize].as_str();
    let types: Vec<_> = profile
        .sample_type
        .iter()
        .map(|kind| (text(kind.ty), text(kind.unit)))
        .collect();
    assert_eq!(
        types,
        [
            ("sample", "count"),
            ("wall", "nanoseconds"),
            ("cpu", "nanoseconds")
        ]
    );
    for (index, value) in [
        |_: &Known| 1,
        |sample: &Known| sample.wall,
        |sample: &Known| sample.cpu,
    ]
    .iter()
    .enumerate()
    {
        let expected: u64 = samples(&profiles).map(|(_, sample)| value(sample)).sum();
        let exported: i64 = profile
            .sample
            .iter()
            .map(|sample| sample.value[index])
            .sum();
        assert_eq!(exported as u64, expected, "{}", types[index].0);
    }
    assert_eq!(profile.time_nanos, BEGIN);
    assert_eq!(profile.duration_nanos, 40 * MINUTE);

    let other = Folder::new();
    let copy = other.store();
    let outcomes = copy
        .commit(vec![copy.prepare(upload(file))])
        .expect("a commit");
    assert!(
        matches!(outcomes[0][..], [Outcome::Kept { .. }]),
        "{outcomes:?}"
    );
    for kind in ["sample", "wall", "cpu"] {
        for by in [None, Some("thread name"), Some("trace endpoint")] {
            let selection = Selection {
                kind: Some(kind.to_owned()),
                ..everything()
            };
            let tree = |store: &everflame_store::Store| {
                paths(
                    &store
                        .tree(&selection, Default::default(), by, usize::MAX)
                        .expect("a tree")
                        .answer,
                    0,
                )
            };
            assert_eq!(tree(&copy), tree(&store), "{kind} by {by:?}");
        }
    }
}

#[test]
fn what_is_no_profile_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(5);
    let whole = KnownProfile::random(&mut random, 0, 0)
        .upload()
        .parts
        .remove(0)
        .data;
    let gzip = |data: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, data).expect("memory");
        encoder.finish().expect("memory")
    };
    let negative = {
        let mut profile = Profile::decode(whole.as_slice()).expect("ours");
        profile.sample[0].value[1] = -1;
        profile.encode_to_vec()
    };
    let too_much = {
        let mut profile = Profile::decode(whole.as_slice()).expect("ours");
        profile.sample[0].value[1] = i64::MAX;
        profile.sample[1].value[1] = i64::MAX;
        profile.encode_to_vec()
    };
    let deep = {
        let mut profile = Profile::decode(whole.as_slice()).expect("ours");
        profile.sample[0].location_id = vec![1; 20_000];
        profile.encode_to_vec()
    };
    let nowhere = {
        let mut profile = Profile::decode(whole.as_slice()).expect("ours");
        profile.sample[0].location_id = vec![99];
        profile.encode_to_vec()
    };
    let cases = [
        (Vec::new(), "it is no profile: it is empty"),
        (
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            "it is no profile: its bytes end in the middle, or are something else",
        ),
        (
            b"{\"nodes\":[]}".to_vec(),
            "it is no profile: its bytes end in the middle, or are something else",
        ),
        (
            gzip(b"hello"),
            "it is no profile: its bytes end in the middle, or are something else",
        ),
        (gzip(&whole)[..50].to_vec(), "it cannot be decompressed: "),
        (
            negative,
            "it has a value below zero: differences of profiles are not kept",
        ),
        (
            too_much,
            "its values of type wall add up to more than 9,223,372,036,854,775,807",
        ),
        (deep, "it has more than 16384 frames in one stack"),
        (
            nowhere,
            "it is no profile: a sample names a location that is not there",
        ),
    ];
    for (data, expected) in cases {
        let start: Vec<u8> = data.iter().copied().take(20).collect();
        let outcomes = store
            .commit(vec![store.prepare(upload(data))])
            .expect("a commit");
        let [Outcome::Refused(refusal)] = &outcomes[0][..] else {
            panic!("{start:?}: {outcomes:?}")
        };
        assert!(
            refusal.to_string().starts_with(expected),
            "{refusal}, and not {expected}"
        );
    }
    assert!(
        store.services().expect("services").is_empty(),
        "nothing of them is kept"
    );
}

#[test]
fn bytes_that_are_cut_or_changed_never_panic_and_never_invent_a_service() {
    let folder = Folder::new();
    let store = folder.store();
    let mut random = Random(6);
    let profile = KnownProfile::random(&mut random, 0, 0);
    let whole = profile.upload().parts.remove(0).data;
    let mut refused = 0;
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let changed = (0..4000).map(|_| {
        let mut data = whole.clone();
        let at = random.below(data.len() as u64) as usize;
        data[at] ^= 1 << random.below(8);
        data
    });
    for data in cut.chain(changed).collect::<Vec<_>>() {
        let outcomes = store
            .commit(vec![store.prepare(upload(data))])
            .expect("a commit");
        refused += usize::from(matches!(outcomes[0][..], [Outcome::Refused(_)]));
    }
    assert!(refused > whole.len() / 2, "{refused}");
    let services = store.services().expect("services");
    assert!(
        services.iter().all(|service| service.name == "shop"),
        "{services:?}"
    );
}

#[test]
fn a_sum_beyond_the_numbers_of_the_format_is_the_largest_of_them() {
    let folder = Folder::new();
    let store = folder.store();
    let mut profile = KnownProfile::random(&mut Random(5), 0, 0);
    profile.samples.truncate(1);
    profile.samples[0].cpu = i64::MAX as u64;
    let mut next = profile.clone();
    (next.start, next.end) = (profile.end, profile.end + MINUTE);
    ingest(&store, &[profile, next]);
    let file = store.pprof(&everything()).expect("a file");
    let written = Profile::decode(plain(&file).as_slice()).expect("a profile");
    let [sample] = &written.sample[..] else {
        panic!("{:?}", written.sample)
    };
    assert_eq!(sample.value.iter().max(), Some(&i64::MAX));
    assert!(sample.value.iter().all(|value| *value > 0));
}

#[test]
fn a_time_that_cannot_be_is_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let profile = KnownProfile::random(&mut Random(7), 0, 0);
    let far = i64::MAX / 2;
    let cases = [
        (profile.end, profile.start, "it ends before it starts"),
        (far, far + MINUTE, "it is of a time "),
        (
            -5,
            profile.end,
            "it is no profile: it is of a time before 1970",
        ),
    ];
    for (start, end, expected) in cases {
        let upload = Upload {
            start,
            end,
            ..profile.upload()
        };
        let outcomes = store.commit(vec![store.prepare(upload)]).expect("a commit");
        let [Outcome::Refused(refusal)] = &outcomes[0][..] else {
            panic!("{outcomes:?}")
        };
        assert!(
            refusal.to_string().starts_with(expected),
            "{refusal}, and not {expected}"
        );
    }
}

/// Threads without JavaScript have the kernel's id alone, and those of a pool one name.
#[test]
fn a_timeline_has_a_lane_for_each_thread_of_a_pool() {
    let folder = Folder::new();
    let store = folder.store();
    let texts = [
        "",
        "cpu",
        "nanoseconds",
        "thread name",
        "libuv-worker",
        "thread id",
        "NA",
        "os thread id",
        "4711",
        "4712",
        "end_timestamp_ns",
        "work",
    ];
    let text = |wanted: &str| {
        texts
            .iter()
            .position(|text| *text == wanted)
            .expect("a text") as i64
    };
    let label = |key: &str, value: &str| protos::Label {
        key: text(key),
        str: text(value),
        ..Default::default()
    };
    let threads = ["4711", "4712", "NA"];
    let sample = |thread: &str| protos::Sample {
        location_id: vec![1],
        value: vec![7_000_000],
        label: vec![
            label("thread name", "libuv-worker"),
            label("thread id", "NA"),
            label("os thread id", thread),
            protos::Label {
                key: text("end_timestamp_ns"),
                num: BEGIN + 1_000_000_000,
                ..Default::default()
            },
        ],
    };
    let profile = Profile {
        sample_type: vec![protos::ValueType {
            ty: text("cpu"),
            unit: text("nanoseconds"),
        }],
        sample: threads.map(sample).to_vec(),
        location: vec![protos::Location {
            id: 1,
            line: vec![protos::Line {
                function_id: 1,
                line: 1,
            }],
            ..Default::default()
        }],
        function: vec![protos::Function {
            id: 1,
            name: text("work"),
            ..Default::default()
        }],
        string_table: texts.map(str::to_owned).to_vec(),
        time_nanos: BEGIN,
        duration_nanos: MINUTE,
        ..Default::default()
    };
    let outcomes = store
        .ingest(vec![upload(profile.encode_to_vec())])
        .expect("a commit");
    assert_eq!(outcomes, [[Outcome::Kept { samples: 3 }]]);
    let timeline = store
        .timeline(&everything(), usize::MAX)
        .expect("a timeline");
    let ids: BTreeSet<&str> = timeline
        .lanes
        .iter()
        .map(|lane| lane.thread_id.as_str())
        .collect();
    assert_eq!(ids, BTreeSet::from(threads));
    let lanes: BTreeSet<u32> = timeline.samples.iter().map(|sample| sample.lane).collect();
    assert_eq!(lanes.len(), threads.len());
}

#[test]
fn a_timeline_has_each_sample_at_its_time() {
    let folder = Folder::new();
    let store = folder.store();
    let mut profile = KnownProfile::random(&mut Random(8), 0, 0);
    let mut end = profile.start;
    for (index, sample) in profile.samples.iter_mut().enumerate() {
        end += sample.wall as i64;
        sample.end = end;
        sample.span = if index % 2 == 0 {
            0
        } else {
            u64::MAX - index as u64
        };
    }
    ingest(&store, std::slice::from_ref(&profile));
    let whole = Selection {
        from: profile.start,
        to: profile.end,
        ..everything()
    };
    let timeline = store.timeline(&whole, usize::MAX).expect("a timeline");
    assert_eq!((timeline.omitted, timeline.damaged), (0, 0));
    let sum = |value: fn(&Known) -> u64| profile.samples.iter().map(value).sum::<u64>();
    assert_eq!(
        timeline
            .samples
            .iter()
            .map(|sample| sample.wall)
            .sum::<u64>(),
        sum(|sample| sample.wall)
    );
    assert_eq!(
        timeline
            .samples
            .iter()
            .map(|sample| sample.cpu)
            .sum::<u64>(),
        sum(|sample| sample.cpu)
    );
    assert_eq!(timeline.tree.sum(0), sum(|sample| sample.wall));
    let names: Vec<String> = timeline
        .lanes
        .iter()
        .map(|lane| lane.name.clone())
        .collect();
    for sample in &profile.samples {
        let lane = names
            .iter()
            .position(|name| *name == format!("thread {}", sample.thread))
            .expect("a lane");
        let found = timeline
            .samples
            .iter()
            .find(|one| one.lane as usize == lane && one.end >= sample.end)
            .expect("a sample");
        assert!(
            found.end - (found.wall as i64) <= sample.end - sample.wall as i64,
            "{found:?} for {sample:?}"
        );
        let span = timeline.labels[found.label as usize]
            .iter()
            .find(|(key, _)| key == "span id");
        let expected = (sample.span != 0).then(|| sample.span.to_string());
        assert_eq!(span.map(|(_, value)| value.clone()), expected);
    }
    // Part of it: what reaches into the range.
    let (from, to) = (profile.samples[10].end, profile.samples[20].end);
    let part = store
        .timeline(
            &Selection {
                from,
                to,
                ..whole.clone()
            },
            usize::MAX,
        )
        .expect("a timeline");
    let meant = profile
        .samples
        .iter()
        .filter(|sample| sample.end >= from && sample.end - (sample.wall as i64) < to);
    assert_eq!(
        part.samples.iter().map(|sample| sample.wall).sum::<u64>(),
        meant.map(|sample| sample.wall).sum::<u64>()
    );
    let few = store.timeline(&whole, 5).expect("a timeline");
    assert_eq!(few.samples.len() + few.omitted, timeline.samples.len());
}
