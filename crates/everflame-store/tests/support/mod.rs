//! Profiles whose samples are known, and what every answer about them must be.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod former;
pub(crate) mod metrics;
pub(crate) mod otlp;

use everflame_store::{Filter, Part, Selection, Store, Tree, Upload};
use pprof::protos;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const MINUTE: i64 = 60_000_000_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// The beginning of an hour.
pub(crate) const BEGIN: i64 = 1_780_000_200 / 3600 * HOUR;

/// A folder that is removed with its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("everflame-store-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a new folder");
        Folder(path)
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.0).expect("the store opens")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the folder is removed");
    }
}

/// Numbers that look random and are the same each time (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// A sample as the test knows it: functions from the outermost on.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) stack: Vec<u32>,
    pub(crate) thread: u32,
    pub(crate) endpoint: Option<u32>,
    pub(crate) wall: u64,
    pub(crate) cpu: u64,
    /// Nanoseconds since the epoch; 0 where it is not told.
    pub(crate) end: i64,
    pub(crate) span: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct KnownProfile {
    pub(crate) instance: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) samples: Vec<Known>,
}

impl KnownProfile {
    pub(crate) fn random(random: &mut Random, instance: u32, minute: i64) -> KnownProfile {
        let samples = (0..random.below(60))
            .map(|_| Known {
                stack: (0..random.below(9))
                    .map(|depth| (depth * 3 + random.below(3)) as u32 % 17)
                    .collect(),
                thread: random.below(3) as u32,
                endpoint: Some(random.below(4) as u32).filter(|endpoint| *endpoint > 0),
                wall: random.below(20_000_000),
                cpu: if random.below(2) == 0 {
                    0
                } else {
                    random.below(10_000_000)
                },
                end: 0,
                span: 0,
            })
            .collect();
        let start = BEGIN + minute * MINUTE;
        KnownProfile {
            instance,
            start,
            end: start + MINUTE,
            samples,
        }
    }

    pub(crate) fn middle(&self) -> i64 {
        self.start + (self.end - self.start) / 2
    }

    pub(crate) fn upload(&self) -> Upload {
        self.upload_of(Encoder::default().profile(&self.samples))
    }

    /// The same with a comment.
    pub(crate) fn commented(&self, comment: &str) -> Upload {
        self.upload_of(Encoder::default().comment(comment).profile(&self.samples))
    }

    fn upload_of(&self, data: Vec<u8>) -> Upload {
        Upload {
            service: "shop".to_owned(),
            tags: vec![
                (
                    "runtime-id".to_owned(),
                    format!("runtime-{}", self.instance),
                ),
                ("version".to_owned(), format!("1.{}", self.instance % 2)),
                ("profile_seq".to_owned(), self.start.to_string()),
            ],
            start: self.start,
            end: self.end,
            parts: vec![Part {
                name: "wall.pprof".to_owned(),
                data,
                ..Part::default()
            }],
            ..Upload::default()
        }
    }
}

pub(crate) fn function_name(function: u32) -> String {
    format!("function{function}")
}

/// Makes a profile.proto with the types `sample`, `wall` and `cpu`.
#[derive(Default)]
pub(crate) struct Encoder {
    profile: protos::Profile,
    texts: HashMap<String, i64>,
}

impl Encoder {
    pub(crate) fn profile(mut self, samples: &[Known]) -> Vec<u8> {
        self.text("");
        for (name, unit) in [
            ("sample", "count"),
            ("wall", "nanoseconds"),
            ("cpu", "nanoseconds"),
        ] {
            let (ty, unit) = (self.text(name), self.text(unit));
            self.profile
                .sample_type
                .push(protos::ValueType { ty, unit });
        }
        let used = samples
            .iter()
            .flat_map(|sample| sample.stack.iter().copied());
        let functions: BTreeSet<u32> = (0..17).chain(used).collect();
        for function in functions {
            let (name, file) = (
                self.text(&function_name(function)),
                self.text(&format!("/app/{}.js", function % 5)),
            );
            let id = u64::from(function) + 1;
            self.profile.function.push(protos::Function {
                id,
                name,
                system_name: name,
                filename: file,
                start_line: 10,
            });
            let line = vec![protos::Line {
                function_id: id,
                line: 10 + i64::from(function),
            }];
            self.profile.location.push(protos::Location {
                id,
                line,
                ..Default::default()
            });
        }
        for sample in samples {
            let mut label = vec![self.label("thread name", &format!("thread {}", sample.thread))];
            if let Some(endpoint) = sample.endpoint {
                label.push(self.label("trace endpoint", &format!("GET /{endpoint}")));
            }
            for (key, number) in [
                ("end_timestamp_ns", sample.end),
                ("span id", sample.span as i64),
            ] {
                if number != 0 {
                    let key = self.text(key);
                    label.push(protos::Label {
                        key,
                        num: number,
                        ..Default::default()
                    });
                }
            }
            self.profile.sample.push(protos::Sample {
                location_id: sample
                    .stack
                    .iter()
                    .rev()
                    .map(|function| u64::from(*function) + 1)
                    .collect(),
                value: vec![1, sample.wall as i64, sample.cpu as i64],
                label,
            });
        }
        self.profile.encode_to_vec()
    }

    /// A comment as other tools write them, before any sample.
    pub(crate) fn comment(mut self, text: &str) -> Encoder {
        self.text("");
        let index = self.text(text);
        self.profile.comment.push(index);
        self
    }

    fn label(&mut self, key: &str, value: &str) -> protos::Label {
        protos::Label {
            key: self.text(key),
            str: self.text(value),
            ..Default::default()
        }
    }

    fn text(&mut self, text: &str) -> i64 {
        let table = &mut self.profile.string_table;
        *self.texts.entry(text.to_owned()).or_insert_with(|| {
            table.push(text.to_owned());
            table.len() as i64 - 1
        })
    }
}

pub(crate) fn ingest(store: &Store, profiles: &[KnownProfile]) {
    let uploads = profiles.iter().map(KnownProfile::upload).collect();
    store.ingest(uploads).expect("a commit");
}

/// `cpu` of everything.
pub(crate) fn everything() -> Selection {
    Selection {
        service: "shop".to_owned(),
        from: 0,
        to: i64::MAX,
        kind: Some("cpu".to_owned()),
        filters: Vec::new(),
    }
}

pub(crate) fn filter(key: &str, values: &[&str], negated: bool) -> Filter {
    Filter {
        key: key.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        negated,
    }
}

/// Own and total values by the path of functions, as a tree says.
pub(crate) type Paths = BTreeMap<Vec<String>, (u64, u64)>;

pub(crate) fn paths(tree: &Tree, side: usize) -> Paths {
    let mut names: Vec<Vec<String>> = vec![Vec::new()];
    let mut paths = Paths::new();
    for node in 0..tree.parent.len() {
        if node > 0 {
            let mut path = names[tree.parent[node] as usize].clone();
            path.push(tree.frames[tree.frame[node] as usize].name.clone());
            names.push(path);
        }
        let values = (tree.own[side][node], tree.total[side][node]);
        if values != (0, 0) || node == 0 {
            assert!(
                paths.insert(names[node].clone(), values).is_none(),
                "{:?} is there twice",
                names[node]
            );
        }
    }
    paths
}

/// The same from the samples themselves. `group` tells the value below which a sample stands, if any.
pub(crate) fn expected_paths<'a>(
    samples: impl Iterator<Item = (&'a KnownProfile, &'a Known)>,
    value: impl Fn(&Known) -> u64,
    group: impl Fn(&KnownProfile, &Known) -> Option<String>,
) -> Paths {
    let mut paths = Paths::new();
    paths.insert(Vec::new(), (0, 0));
    for (profile, sample) in samples {
        let value = value(sample);
        if value == 0 {
            continue;
        }
        let mut path: Vec<String> = group(profile, sample).into_iter().collect();
        path.extend(sample.stack.iter().map(|function| function_name(*function)));
        for length in 0..=path.len() {
            let entry = paths.entry(path[..length].to_vec()).or_default();
            entry.1 += value;
            if length == path.len() {
                entry.0 += value;
            }
        }
    }
    paths
}

/// Holds a tree in which names are lost to the one that was: as much in all, and nowhere more than there was. Returns how much has
/// kept its names.
pub(crate) fn lost_paths(found: &Paths, expected: &Paths, what: &str) -> u64 {
    let all = |paths: &Paths| paths.get(&Vec::new()).map_or(0, |(_, total)| *total);
    assert_eq!(all(found), all(expected), "{what}");
    let mut named = 0;
    for (path, (own, total)) in found {
        if path.iter().any(|name| name.starts_with("(lost")) {
            continue;
        }
        let (was_own, was) = expected
            .get(path)
            .unwrap_or_else(|| panic!("{what}: {path:?} was not there"));
        assert!(own <= was_own && total <= was, "{what}: {path:?}");
        named += own;
    }
    named
}

pub(crate) fn samples(profiles: &[KnownProfile]) -> impl Iterator<Item = (&KnownProfile, &Known)> {
    profiles
        .iter()
        .flat_map(|profile| profile.samples.iter().map(move |sample| (profile, sample)))
}

pub(crate) fn random_profiles(seed: u64, instances: u32, minutes: i64) -> Vec<KnownProfile> {
    let mut random = Random(seed);
    (0..minutes)
        .flat_map(|minute| (0..instances).map(move |instance| (minute, instance)))
        .map(|(minute, instance)| KnownProfile::random(&mut random, instance, minute))
        .collect()
}
