//! A client may write a profile in many ways: each says the same.

mod support;

use everflame_store::{Granularity, Outcome, Part, Store, Upload};
use pprof::protos::{Function, Location, Profile, Sample};
use prost::Message;
use support::*;

/// The parts of a message one behind the other are the message.
fn concatenated(profile: Profile, is_samples_first: bool) -> Vec<u8> {
    let samples = Profile {
        sample: profile.sample.clone(),
        ..Profile::default()
    };
    let others = Profile {
        sample: Vec::new(),
        ..profile
    };
    let mut parts = [samples.encode_to_vec(), others.encode_to_vec()];
    if !is_samples_first {
        parts.reverse();
    }
    parts.concat()
}

fn renumbered(mut profile: Profile, number: impl Fn(u64) -> u64) -> Vec<u8> {
    for function in &mut profile.function {
        function.id = number(function.id);
    }
    for location in &mut profile.location {
        location.id = number(location.id);
        for line in &mut location.line {
            line.function_id = number(line.function_id);
        }
    }
    for sample in &mut profile.sample {
        for id in &mut sample.location_id {
            *id = number(*id);
        }
    }
    profile.encode_to_vec()
}

/// Tables from the back to the front, so that no number is where it would be counted.
fn reversed(mut profile: Profile) -> Vec<u8> {
    profile.function.reverse();
    profile.location.reverse();
    profile.encode_to_vec()
}

/// What nothing points at.
fn with_more_than_it_needs(mut profile: Profile) -> Vec<u8> {
    profile.string_table.push("nobody names this".to_owned());
    profile.function.push(Function {
        id: 1000,
        ..Function::default()
    });
    profile.location.push(Location {
        id: 1000,
        ..Location::default()
    });
    profile.encode_to_vec()
}

/// Each place a second time at another address, which each second sample has.
fn with_two_addresses(mut profile: Profile) -> Vec<u8> {
    let count = profile.location.len() as u64;
    let again = profile.location.clone().into_iter().map(|mut location| {
        location.id += count;
        location.address = 4096 + location.id;
        location
    });
    profile.location.extend(again);
    for sample in profile.sample.iter_mut().step_by(2) {
        for id in &mut sample.location_id {
            *id += count;
        }
    }
    profile.encode_to_vec()
}

/// Names that come twice in the table of texts.
fn with_texts_twice(mut profile: Profile) -> Vec<u8> {
    let count = profile.string_table.len() as i64;
    profile
        .string_table
        .extend(profile.string_table.clone().into_iter().skip(1));
    for function in profile.function.iter_mut().step_by(2) {
        function.name += count - 1;
        function.filename += count - 1;
    }
    for sample in profile.sample.iter_mut().step_by(3) {
        for label in &mut sample.label {
            label.key += count - 1;
        }
    }
    profile.encode_to_vec()
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Lists number by number, or half of them so and the rest packed.
fn unpacked(profile: Profile, is_rest_packed: bool) -> Vec<u8> {
    let mut out = Profile {
        sample: Vec::new(),
        ..profile.clone()
    }
    .encode_to_vec();
    for mut sample in profile.sample {
        let rest = match is_rest_packed {
            true => sample.location_id.split_off(sample.location_id.len() / 2),
            false => Vec::new(),
        };
        let mut message = Vec::new();
        for id in std::mem::take(&mut sample.location_id) {
            varint(&mut message, 1 << 3);
            varint(&mut message, id);
        }
        for value in std::mem::take(&mut sample.value) {
            varint(&mut message, 2 << 3);
            varint(&mut message, value as u64);
        }
        let rest = Sample {
            location_id: rest,
            ..sample
        };
        message.extend(rest.encode_to_vec());
        varint(&mut out, 2 << 3 | 2);
        varint(&mut out, message.len() as u64);
        out.extend(message);
    }
    out
}

fn ways(profile: &Profile) -> Vec<(&'static str, Vec<u8>)> {
    let own = || profile.clone();
    vec![
        ("as it is", own().encode_to_vec()),
        ("samples first", concatenated(own(), true)),
        ("samples last", concatenated(own(), false)),
        ("numbers from 0", renumbered(own(), |id| id - 1)),
        ("numbers from 2", renumbered(own(), |id| id + 1)),
        (
            "addresses for numbers",
            renumbered(own(), |id| 0x7f00_0000_0000 + 64 * id),
        ),
        ("numbers downwards", renumbered(own(), |id| u64::MAX - id)),
        ("tables reversed", reversed(own())),
        ("more than it needs", with_more_than_it_needs(own())),
        ("two addresses", with_two_addresses(own())),
        ("texts twice", with_texts_twice(own())),
        ("number by number", unpacked(own(), false)),
        ("half packed", unpacked(own(), true)),
    ]
}

fn keep(store: &Store, service: &str, known: &KnownProfile, data: Vec<u8>) {
    let upload = Upload {
        service: service.to_owned(),
        parts: vec![Part {
            name: "wall.pprof".to_owned(),
            data,
            ..Part::default()
        }],
        ..known.upload()
    };
    let outcomes = store.commit(vec![store.prepare(upload)]).expect("a commit");
    let samples = known.samples.len();
    assert_eq!(outcomes, [[Outcome::Kept { samples }]], "{service}");
}

/// By functions, by lines, and by the value of each label.
fn answers(store: &Store, service: &str) -> Vec<Paths> {
    let selection = everflame_store::Selection {
        service: service.to_owned(),
        ..everything()
    };
    [
        (Granularity::Function, None),
        (Granularity::Line, None),
        (Granularity::File, None),
        (Granularity::Function, Some("thread name")),
        (Granularity::Function, Some("trace endpoint")),
    ]
    .map(|(granularity, by)| {
        let tree = store
            .tree(&selection, granularity, by, usize::MAX)
            .expect("a tree");
        paths(&tree.answer, 0)
    })
    .into()
}

#[test]
fn a_profile_says_the_same_however_it_is_written() {
    let folder = Folder::new();
    let store = folder.store();
    for (seed, known) in random_profiles(77, 1, 8).iter().enumerate() {
        let encoded = Encoder::default().profile(&known.samples);
        let profile = Profile::decode(encoded.as_slice()).expect("profile.proto");
        let ways = ways(&profile);
        for (way, data) in &ways {
            keep(&store, &format!("{way} {seed}"), known, data.clone());
        }
        let first = answers(&store, &format!("as it is {seed}"));
        let one = [known.clone()];
        assert_eq!(
            first[0],
            expected_paths(samples(&one), |sample| sample.cpu, |_, _| None)
        );
        for (way, _) in &ways {
            assert_eq!(
                answers(&store, &format!("{way} {seed}")),
                first,
                "{way}, {seed}"
            );
        }
    }
}

#[test]
fn in_one_service_all_ways_are_the_same_frames() {
    let known = KnownProfile::random(&mut Random(5), 0, 0);
    let encoded = Encoder::default().profile(&known.samples);
    let profile = Profile::decode(encoded.as_slice()).expect("profile.proto");
    let folder = Folder::new();
    let mut kept = 0;
    for (way, data) in ways(&profile) {
        // Opened anew each time: what is in the file is known again as well as what has just come.
        let store = folder.store();
        for _ in 0..2 {
            // Of another time, since it would be the same profile.
            let later = KnownProfile {
                end: known.end + kept as i64,
                ..known.clone()
            };
            keep(&store, "shop", &later, data.clone());
            kept += 1;
        }
        let all = known.samples.iter().map(|sample| (&known, sample));
        let expected = expected_paths(all, |sample| kept * sample.cpu, |_, _| None);
        assert_eq!(answers(&store, "shop")[0], expected, "{way}");
    }
}
