//! Profiles that tell of event loops and memory, and what they tell.

use super::{Folder, KnownProfile, Random, everything};
use everflame_store::{Measure, MetricLine, Metrics, Selection, Store, Upload};
use std::collections::BTreeMap;

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const ALL: usize = usize::MAX;

/// Numbers of one thread: delay and active in microseconds, heap in KiB.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) id: u32,
    pub(crate) delay: Vec<Option<u64>>,
    pub(crate) active: Vec<Option<u64>>,
    pub(crate) heap: Vec<Option<u64>>,
}

/// What a profile tells: buckets of a second from its start on.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) profile: KnownProfile,
    pub(crate) threads: Vec<Thread>,
    pub(crate) rss: Vec<Option<u64>>,
}

impl Told {
    pub(crate) fn random(random: &mut Random, instance: u32, minute: i64) -> Told {
        let mut column = |most: u64| -> Vec<Option<u64>> {
            (0..60)
                .map(|_| Some(random.below(most)).filter(|number| number % 7 != 0))
                .collect()
        };
        let threads = (0..2 + instance % 2)
            .map(|id| Thread {
                id,
                delay: column(900_000),
                active: column(1_000_000),
                heap: column(80_000),
            })
            .collect();
        let rss = column(200_000);
        Told {
            profile: KnownProfile::random(random, instance, minute),
            threads,
            rss,
        }
    }

    pub(crate) fn comment(&self) -> String {
        let column = |numbers: &[Option<u64>]| serde_json::to_string(numbers).expect("numbers");
        let threads: Vec<String> = self
            .threads
            .iter()
            .map(|thread| {
                format!(
                    r#"{{"id":"{}","name":"{}","delay_us":{},"active_us":{},"heap_kib":{}}}"#,
                    thread.id,
                    name_of(thread.id),
                    column(&thread.delay),
                    column(&thread.active),
                    column(&thread.heap),
                )
            })
            .collect();
        format!(
            r#"everflame.metrics:{{"start":{},"step":1000,"threads":[{}],"rss_kib":{}}}"#,
            self.profile.start / 1_000_000,
            threads.join(","),
            column(&self.rss),
        )
    }

    pub(crate) fn upload(&self) -> Upload {
        self.profile.commented(&self.comment())
    }
}

pub(crate) fn name_of(thread: u32) -> String {
    match thread {
        0 => "main".to_owned(),
        _ => format!("worker \"{thread}\"").replace('"', "'"),
    }
}

pub(crate) fn told(seed: u64, instances: u32, minutes: i64) -> Vec<Told> {
    let mut random = Random(seed);
    (0..minutes)
        .flat_map(|minute| (0..instances).map(move |instance| (minute, instance)))
        .map(|(minute, instance)| Told::random(&mut random, instance, minute))
        .collect()
}

pub(crate) fn keep(store: &Store, told: &[Told]) {
    store
        .ingest(told.iter().map(Told::upload).collect())
        .expect("a commit");
}

pub(crate) fn between(from: i64, to: i64) -> Selection {
    Selection {
        from,
        to,
        kind: None,
        ..everything()
    }
}

pub(crate) fn ask(store: &Store, selection: &Selection, step: i64, by: Option<&str>) -> Metrics {
    store.metrics(selection, step, by, ALL).expect("an answer")
}

pub(crate) fn line<'a>(metrics: &'a Metrics, measure: Measure, name: &str) -> &'a MetricLine {
    metrics
        .lines
        .iter()
        .find(|line| line.measure == measure && line.name == name)
        .unwrap_or_else(|| panic!("no {measure:?} of {name:?}"))
}

/// Bytes of the file's table.
pub(crate) fn rows(folder: &Folder) -> (i64, i64) {
    rusqlite::Connection::open(folder.0.join("profiles.sqlite"))
        .expect("the file")
        .query_row(
            "SELECT count(*), coalesce(max(length(data)), 0) FROM metrics",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a count")
}

/// The same from what was told, in steps of whole seconds: for each process and step what a measure says of it.
pub(crate) fn expected(
    told: &[Told],
    (from, to): (i64, i64),
    step: i64,
    is_meant: impl Fn(u32, u32) -> bool,
    measure: Measure,
) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let steps = ((to - from) as u64).div_ceil(step as u64) as usize;
    // By step and process, of each thread what its buckets say.
    let mut cells: BTreeMap<(usize, u32), BTreeMap<u32, Vec<u64>>> = BTreeMap::new();
    for one in told {
        let mut add = |thread: u32, column: &[Option<u64>]| {
            for (bucket, number) in column.iter().enumerate() {
                let middle = one.profile.start + bucket as i64 * SECOND + SECOND / 2;
                if let Some(number) = number
                    && (from..to).contains(&middle)
                    && is_meant(one.profile.instance, thread)
                {
                    let place = ((middle - from) / step) as usize;
                    let cell = cells.entry((place, one.profile.instance)).or_default();
                    cell.entry(thread).or_default().push(*number);
                }
            }
        };
        match measure {
            Measure::Rss => add(0, &one.rss),
            Measure::Delay => one
                .threads
                .iter()
                .for_each(|thread| add(thread.id, &thread.delay)),
            Measure::Active => add(0, &one.threads[0].active),
            Measure::Heap => one
                .threads
                .iter()
                .for_each(|thread| add(thread.id, &thread.heap)),
        }
    }
    let mut by_step: Vec<Vec<f64>> = vec![Vec::new(); steps];
    for ((place, _), threads) in cells {
        let largest = threads
            .values()
            .map(|numbers| *numbers.iter().max().expect("one"));
        by_step[place].push(match measure {
            Measure::Delay => largest.max().expect("one") as f64 * 1000.0,
            Measure::Active => {
                let numbers = &threads[&0];
                numbers.iter().sum::<u64>() as f64 / (numbers.len() as f64 * 1e6)
            }
            Measure::Heap | Measure::Rss => largest.sum::<u64>() as f64 * 1024.0,
        });
    }
    by_step
        .into_iter()
        .map(|values| {
            let largest = values.iter().copied().reduce(f64::max);
            let mean = largest.map(|_| values.iter().sum::<f64>() / values.len() as f64);
            (largest, mean)
        })
        .unzip()
}
