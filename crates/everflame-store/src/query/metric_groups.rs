//! Metrics of the processes that are one line.

use super::metrics::{Measure, MetricLine};
use super::step_cells::{LoopTime, Peak, StepCells, Steps};
use crate::metrics::{Column, Metrics};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const MAIN_THREAD: &str = "0";
/// Name of what is beyond the limit.
const OTHERS: &str = "(other)";
/// Names that are kept apart while profiles are read: a program can call its workers by a new one each time.
const MOST_GROUPS: usize = 1000;
/// Of a microsecond, and bytes of a KiB.
const NANOSECONDS: f64 = 1000.0;
const BYTES: f64 = 1024.0;

/// What is one line: the processes in it.
#[derive(Default)]
pub(super) struct Group(BTreeMap<i64, Process>);

#[derive(Default)]
struct Process {
    /// By number, and by the name of the group where each is one: a worker can have one after the other.
    threads: BTreeMap<(String, String), Thread>,
    rss: StepCells<Peak>,
}

#[derive(Default)]
struct Thread {
    delay: StepCells<Peak>,
    active: StepCells<LoopTime>,
    heap: StepCells<Peak>,
}

/// Adds what one profile tells. Without a name each thread is a group.
pub(super) fn add(
    groups: &mut BTreeMap<String, Group>,
    name: Option<&str>,
    process: i64,
    told: &Metrics,
    steps: &Steps,
) {
    let places: Vec<Option<u32>> = (0..told.rss.len() as i64)
        .map(|bucket| steps.of(told.start + bucket * told.step + told.step / 2))
        .collect();
    if places.iter().all(Option::is_none) {
        return;
    }
    let peaks = |cells: &mut StepCells<Peak>, column: &Column| {
        for (place, number) in places.iter().zip(column) {
            if let (Some(place), Some(number)) = (place, number) {
                cells.at(*place).add(*number);
            }
        }
    };
    for thread in &told.threads {
        let own_name = match thread.name.as_str() {
            "" if thread.id == MAIN_THREAD => "main".to_owned(),
            "" => format!("thread {}", thread.id),
            name => name.to_owned(),
        };
        let group = match name {
            Some(name) => name,
            None if groups.len() >= MOST_GROUPS && !groups.contains_key(&own_name) => OTHERS,
            None => &own_name,
        };
        let key = (thread.id.clone(), group.to_owned());
        let own = groups.entry(group.to_owned()).or_default();
        let own = own.0.entry(process).or_default();
        let own = own.threads.entry(key).or_default();
        peaks(&mut own.delay, &thread.delay);
        peaks(&mut own.heap, &thread.heap);
        let mut start = told.start;
        for (place, active) in places.iter().zip(&thread.active) {
            let end = start + told.step;
            if let (Some(place), Some(active)) = (place, active) {
                own.active.at(*place).add(*active, start, end);
            }
            start = end;
        }
    }
    if let Some(name) = name {
        let group = groups.entry(name.to_owned()).or_default();
        peaks(&mut group.0.entry(process).or_default().rss, &told.rss);
    }
}

/// As many groups as there may be: those with the longest delays, and what is in all others as one.
pub(super) fn within(groups: BTreeMap<String, Group>, most: usize) -> Vec<(String, Group)> {
    let mut groups: Vec<(String, Group)> = groups.into_iter().collect();
    groups.sort_by_cached_key(|(name, group)| {
        let is_rest = name == OTHERS;
        (is_rest, std::cmp::Reverse(group.longest()), name.clone())
    });
    if groups.len() > most.max(1) {
        let rest = groups.split_off(most.max(1) - 1);
        let mut others = Group::default();
        rest.into_iter().for_each(|(_, group)| others.join(group));
        groups.push((OTHERS.to_owned(), others));
    }
    groups
}

impl Group {
    pub(super) fn processes(&self) -> impl Iterator<Item = i64> {
        self.0.keys().copied()
    }

    fn longest(&self) -> u64 {
        let threads = self.0.values().flat_map(|process| process.threads.values());
        threads
            .flat_map(|thread| thread.delay.iter())
            .map(|(_, peak)| peak.0)
            .max()
            .unwrap_or(0)
    }

    fn join(&mut self, other: Group) {
        for (number, process) in other.0 {
            match self.0.entry(number) {
                Entry::Vacant(place) => {
                    place.insert(process);
                }
                // Its threads are groups of their own, and so is none of them there.
                Entry::Occupied(mut known) => known.get_mut().threads.extend(process.threads),
            }
        }
    }

    /// `None` where there is no value.
    pub(super) fn line(
        &self,
        measure: Measure,
        name: &str,
        by_thread: bool,
        steps: Steps,
    ) -> Option<MetricLine> {
        let mut values = steps.values();
        for process in self.0.values() {
            let threads = || process.threads.values();
            match measure {
                Measure::Delay => threads().for_each(|thread| {
                    let cells = thread.delay.iter();
                    cells.for_each(|(step, peak)| values.add(*step, peak.0 as f64 * NANOSECONDS));
                }),
                Measure::Active => process
                    .threads
                    .iter()
                    .filter(|((id, _), _)| by_thread || id == MAIN_THREAD)
                    .flat_map(|(_, thread)| thread.active.iter())
                    .for_each(|(step, time)| values.add(*step, time.share())),
                Measure::Heap => {
                    let mut heaps: BTreeMap<u32, u64> = BTreeMap::new();
                    threads()
                        .flat_map(|thread| thread.heap.iter())
                        .for_each(|(step, peak)| *heaps.entry(*step).or_default() += peak.0);
                    heaps
                        .iter()
                        .for_each(|(step, heap)| values.add(*step, *heap as f64 * BYTES));
                }
                Measure::Rss => process
                    .rss
                    .iter()
                    .for_each(|(step, peak)| values.add(*step, peak.0 as f64 * BYTES)),
            }
        }
        let (max, mean) = values.finish()?;
        Some(MetricLine {
            measure,
            name: name.to_owned(),
            max,
            mean: (measure != Measure::Delay).then_some(mean),
        })
    }
}
