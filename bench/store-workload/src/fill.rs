//! A store that a collector has filled for hours or days.

use crate::encode::{self, Kind};
use crate::model::{Model, Row};
use everflame_store::{Outcome, Part, Retention, Store, Upload};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

const MINUTE: i64 = 60_000_000_000;
const HOUR: u64 = 60;
/// After which profiles are gone and the sums of their hours stay.
const DAY: u64 = 24 * HOUR;
/// Different profiles; a store that is filled for days has each of them several times, never twice in an hour of an instance.
const POOL: u64 = 360;

/// Which of the profiles an instance sends in a minute.
pub fn profile_of(minute: u64, instance: u64) -> u64 {
    (minute * 7 + instance * 53) % POOL
}

/// As many minutes of as many instances, the last of which ends at `end`, milliseconds since the epoch.
pub fn fill(folder: &Path, minutes: u64, instances: u64, end: i64) {
    let begin = end * 1_000_000 - minutes as i64 * MINUTE;
    run(
        folder,
        begin,
        &Retention {
            bytes: u64::MAX,
            ..Retention::default()
        },
        |uploads| {
            let mut pool = Pool::default();
            for minute in 0..minutes {
                let batch = (0..instances)
                    .map(|instance| pool.upload(begin, minute, 1, instance))
                    .collect();
                uploads.send((batch, None)).expect("somebody receives");
            }
        },
    );
}

/// As many hours with hourly maintenance. What is older than a day comes as one profile for each hour of an instance, made of
/// the rows of its minutes: the sum of the hour is the same, which is all that the store keeps of it.
pub fn age(folder: &Path, hours: u64, instances: u64, end: i64) {
    let minutes = hours * HOUR;
    let begin = end * 1_000_000 - minutes as i64 * MINUTE;
    run(
        folder,
        begin,
        &Retention {
            bytes: u64::MAX,
            ..Retention::default()
        },
        |uploads| {
            let mut pool = Pool::default();
            let mut minute = 0;
            while minute < minutes {
                let length = if minute + DAY < minutes { HOUR } else { 1 };
                let batch = (0..instances)
                    .map(|instance| pool.upload(begin, minute, length, instance))
                    .collect();
                minute += length;
                // The time after which no profile of the hour is waited for.
                let maintained =
                    (minute % HOUR == 0).then_some(begin + (minute as i64 + 6) * MINUTE);
                uploads
                    .send((batch, maintained))
                    .expect("somebody receives");
            }
        },
    );
}

/// Uploads of one commit, and the time of the maintenance after it.
type Batch = (Vec<Upload>, Option<i64>);

fn run(
    folder: &Path,
    begin: i64,
    retention: &Retention,
    send: impl FnOnce(SyncSender<Batch>) + Send,
) {
    assert!(begin > 0, "the store would begin before 1970");
    let store = Store::open(folder).expect("the store opens");
    let (sender, batches) = sync_channel(2);
    std::thread::scope(|scope| {
        scope.spawn(|| send(sender));
        for (uploads, maintained) in batches {
            for outcome in store
                .ingest(uploads)
                .expect("a commit")
                .into_iter()
                .flatten()
            {
                assert!(matches!(outcome, Outcome::Kept { .. }), "{outcome:?}");
            }
            if let Some(now) = maintained {
                store.maintain_at(retention, now).expect("maintenance");
            }
        }
    });
}

/// Encoded profiles, by those of `profile_of` that are in them.
#[derive(Default)]
struct Pool {
    model: Model,
    profiles: HashMap<Vec<u64>, Vec<u8>>,
}

impl Pool {
    fn upload(&mut self, begin: i64, minute: u64, length: u64, instance: u64) -> Upload {
        let mut parts: Vec<u64> = (minute..minute + length)
            .map(|minute| profile_of(minute, instance))
            .collect();
        parts.sort_unstable();
        let Pool { model, profiles } = self;
        let data = profiles
            .entry(parts)
            .or_insert_with_key(|parts| encode::profile(model, &merged(model, parts), Kind::Sums));
        let start = begin + minute as i64 * MINUTE;
        Upload {
            service: "shop".to_owned(),
            tags: vec![
                ("host".to_owned(), format!("host-{instance}")),
                (
                    "runtime-id".to_owned(),
                    format!("00000000-0000-4000-8000-{instance:012}"),
                ),
                ("version".to_owned(), "1.4.2".to_owned()),
            ],
            start,
            end: start + length as i64 * MINUTE,
            parts: vec![Part {
                name: "wall.pprof".to_owned(),
                data: data.clone(),
                ..Part::default()
            }],
            ..Upload::default()
        }
    }
}

fn merged(model: &Model, parts: &[u64]) -> Vec<Row> {
    let mut rows: BTreeMap<(u32, u32), Row> = BTreeMap::new();
    for row in parts.iter().flat_map(|part| model.rows(*part)) {
        rows.entry((row.stack, row.endpoint))
            .and_modify(|sum| {
                sum.samples += row.samples;
                sum.wall += row.wall;
                sum.cpu += row.cpu;
            })
            .or_insert(row);
    }
    rows.into_values().collect()
}
