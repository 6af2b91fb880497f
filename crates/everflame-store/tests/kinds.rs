//! CPU time by the kind of what ran, as the garbage collector's: its parts are the whole, however time is divided.

mod support;

use everflame_store::{Part, Retention, Selection, Series, Store, Upload};
use pprof::protos;
use prost::Message;
use std::collections::BTreeMap;
use support::*;

const ALL: usize = usize::MAX;

/// Name, file and binary of a function.
type Named = (&'static str, &'static str, &'static str);
const APP: Named = ("handler", "/srv/app/server.js", "");
const PACKAGE: Named = ("next", "/srv/app/node_modules/router/index.js", "");
const NODE: Named = ("emit", "node:events", "");
const NATIVE: Named = ("malloc", "", "/lib/libc.so.6");
const V8: Named = ("v8::internal::Heap::Scavenge", "", "/usr/bin/node");
const DATADOG: Named = ("Garbage Collection", "", "");
const EVERFLAME: Named = ("(garbage collector)", "", "");

/// Stacks from the outermost on, and the kind of what ran.
const STACKS: [(&[Named], &str); 9] = [
    (&[NATIVE, APP], "app"),
    (&[APP, PACKAGE], "package"),
    (&[APP, PACKAGE, NODE], "node"),
    (&[APP, NATIVE], "native"),
    (&[APP, DATADOG], "gc"),
    // The sampler tells what the collector runs.
    (&[NATIVE, APP, EVERFLAME, V8, V8, NATIVE], "gc"),
    (&[NATIVE, V8, EVERFLAME], "gc"),
    // A finalizer that a collection calls is the program's.
    (&[APP, EVERFLAME, V8, APP, NATIVE], "native"),
    (&[], "(none)"),
];

/// Of each stack a sum of CPU time.
fn profile(sums: &[u64]) -> Vec<u8> {
    let mut profile = protos::Profile::default();
    let mut texts = vec![String::new()];
    let mut text = |name: &str| {
        texts
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                texts.push(name.to_owned());
                texts.len() - 1
            }) as i64
    };
    let (ty, unit) = (text("cpu"), text("nanoseconds"));
    profile.sample_type.push(protos::ValueType { ty, unit });
    let mut known: Vec<Named> = Vec::new();
    for ((stack, _), sum) in STACKS.iter().zip(sums) {
        let mut places = Vec::new();
        for frame in stack.iter().rev() {
            let id = match known.iter().position(|one| one == frame) {
                Some(place) => place as u64 + 1,
                None => {
                    known.push(*frame);
                    let id = known.len() as u64;
                    let (name, file, binary) = *frame;
                    profile.function.push(protos::Function {
                        id,
                        name: text(name),
                        filename: text(file),
                        ..Default::default()
                    });
                    if !binary.is_empty() {
                        profile.mapping.push(protos::Mapping {
                            id,
                            filename: text(binary),
                            ..Default::default()
                        });
                    }
                    profile.location.push(protos::Location {
                        id,
                        mapping_id: if binary.is_empty() { 0 } else { id },
                        line: vec![protos::Line {
                            function_id: id,
                            line: 1,
                        }],
                        ..Default::default()
                    });
                    id
                }
            };
            places.push(id);
        }
        profile.sample.push(protos::Sample {
            location_id: places,
            value: vec![*sum as i64],
            label: Vec::new(),
        });
    }
    profile.string_table = texts;
    profile.encode_to_vec()
}

/// Profiles of odd lengths, one behind the other, and the sums of each kind in all of them.
fn kept(store: &Store, count: usize) -> BTreeMap<&'static str, u64> {
    let mut random = Random(21);
    let mut start = BEGIN;
    let mut by_kind = BTreeMap::new();
    for _ in 0..count {
        let end = start + 20_000_000_000 + random.below(60_000_000_000) as i64;
        let sums: Vec<u64> = STACKS.iter().map(|_| random.below(300_000_000)).collect();
        for ((_, kind), sum) in STACKS.iter().zip(&sums) {
            *by_kind.entry(*kind).or_default() += sum;
        }
        let upload = Upload {
            service: "shop".to_owned(),
            tags: vec![("runtime-id".to_owned(), "one".to_owned())],
            start,
            end,
            parts: vec![Part {
                name: "wall.pprof".to_owned(),
                data: profile(&sums),
                ..Part::default()
            }],
            ..Upload::default()
        };
        store.ingest(vec![upload]).expect("a commit");
        start = end;
    }
    by_kind
}

fn ask(store: &Store, step: i64, by: Option<&str>, most: usize) -> Series {
    let whole = Selection {
        from: BEGIN,
        to: BEGIN + 5 * HOUR,
        ..everything()
    };
    let series = store.series(&whole, step, by, most);
    series.expect("a series").answer
}

fn is_the_whole(store: &Store, by_kind: &BTreeMap<&'static str, u64>, what: &str) {
    for step in [1_000_000_007, 7 * MINUTE / 3, 15 * MINUTE, HOUR, 5 * HOUR] {
        let all = ask(store, step, None, 1);
        let kinds = ask(store, step, Some("kind"), ALL);
        assert_eq!(kinds.step, all.step);
        let sums: BTreeMap<&str, u64> = kinds
            .lines
            .iter()
            .map(|line| (line.name.as_str(), line.values.iter().sum::<f64>() as u64))
            .collect();
        assert_eq!(&sums, by_kind, "{what}, in steps of {step}");
        // Exactly, in each step, whatever part of a profile is in it.
        for limited in [kinds, ask(store, step, Some("kind"), 2)] {
            for (index, whole) in all.lines[0].values.iter().enumerate() {
                let sum: f64 = limited.lines.iter().map(|line| line.values[index]).sum();
                assert_eq!(sum, *whole, "{what}, step {index} of {step}");
            }
        }
    }
}

#[test]
fn kinds_add_up_to_the_whole_before_and_after_hours_are_sums() {
    let folder = Folder::new();
    let store = folder.store();
    let by_kind = kept(&store, 150);
    is_the_whole(&store, &by_kind, "profiles");
    store
        .maintain_at(&Retention::default(), BEGIN + 5 * HOUR)
        .expect("maintenance");
    is_the_whole(&store, &by_kind, "profiles and sums of hours");
    let retention = Retention {
        profiles: HOUR,
        ..Retention::default()
    };
    store
        .maintain_at(&retention, BEGIN + 5 * HOUR)
        .expect("maintenance");
    is_the_whole(&store, &by_kind, "sums of hours");
}

#[test]
fn kinds_are_filtered_as_all_else() {
    let folder = Folder::new();
    let store = folder.store();
    kept(&store, 3);
    let none = Selection {
        filters: vec![filter("runtime-id", &["two"], false)],
        ..everything()
    };
    let series = store.series(&none, HOUR, Some("kind"), ALL);
    assert!(series.expect("a series").answer.lines.is_empty());
}
