//! What processes tell of themselves, in steps of time: delay and use of event loops, heaps, resident memory.

use super::metric_groups::{Group, add, within};
use super::processes::{Processes, tag_of};
use super::selection::{Selection, names, service_id, shortened, unreadable};
use super::step_cells::Steps;
use crate::checksum::METRICS;
use crate::error::StoreError;
use crate::metrics;
use crate::schema::has_metrics;
use rusqlite::{Connection, named_params};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// By which threads are told apart, in place of a tag.
const BY_THREAD: &str = "thread";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Nanoseconds: the longest time in a step for which an event loop did not come back to wait.
    Delay,
    /// Share of the time, 0 to 1, in which the event loop of a main thread did not wait; with `by` thread of each thread.
    Active,
    /// Bytes of V8's used heaps, of all threads of a process: of each the largest in the step.
    Heap,
    /// Bytes of a process's resident memory: the largest in the step.
    Rss,
}

/// One line for each step; none where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricLine {
    pub measure: Measure,
    /// The tag's value or the thread; empty where nothing is told apart.
    pub name: String,
    pub max: Vec<Option<f64>>,
    /// Over processes; of a delay there is none.
    pub mean: Option<Vec<Option<f64>>>,
}

/// Lines that have a value, those of a measure one behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Nanoseconds: what was asked for, or more where buckets are longer or there would be too many steps.
    pub step: i64,
    pub lines: Vec<MetricLine>,
    /// Processes that tell something.
    pub processes: usize,
    /// Keys of filters that no process has as a tag: these are labels of samples, and have filtered nothing here.
    pub ignored: Vec<String>,
    /// Rows whose bytes are not what was written.
    pub damaged: u64,
}

/// `by` is a tag, or `thread`; `most` lines of one measure, the rest is one of them.
pub(crate) fn metrics(
    connection: &Connection,
    selection: &Selection,
    step: i64,
    by: Option<&str>,
    most: usize,
) -> Result<Metrics, StoreError> {
    let service = service_id(connection, &selection.service)?;
    let meant = Meant::new(connection, service, selection, by)?;
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    // Of a store of the former format: nobody has told anything.
    if !has_metrics(connection).map_err(unreadable)? {
        return Ok(Metrics {
            step: Steps::new(selection.from, selection.to, step).step,
            ignored: meant.ignored,
            ..Metrics::default()
        });
    }
    let range = named_params! { ":service": service, ":from": selection.from, ":to": selection.to };
    let longest: Option<i64> = connection
        .prepare_cached(
            "SELECT max(step) FROM metrics WHERE service = :service AND end > :from AND start < :to",
        )
        .and_then(|mut statement| statement.query_row(range, |row| row.get(0)))
        .map_err(unreadable)?;
    let steps = Steps::new(selection.from, selection.to, step.max(longest.unwrap_or(0)));
    let mut damaged = 0;
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {} FROM metrics WHERE service = :service AND end > :from AND start < :to ORDER BY start, id",
            METRICS.columns
        ))
        .map_err(unreadable)?;
    let mut rows = statement.query(range).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        if !METRICS.is_whole(row, 0).map_err(unreadable)? {
            damaged += 1;
            continue;
        }
        let process: i64 = row.get(2).map_err(unreadable)?;
        let Some(name) = meant.processes.get(&process) else {
            continue;
        };
        let start: i64 = row.get(3).map_err(unreadable)?;
        let data = row
            .get_ref(6)
            .map_err(unreadable)?
            .as_blob()
            .unwrap_or_default();
        match metrics::Metrics::decode(data, start) {
            Ok(told) => add(&mut groups, name.as_deref(), process, &told, &steps),
            Err(_) => damaged += 1,
        }
    }
    let by_thread = by == Some(BY_THREAD);
    let mut processes: Vec<i64> = groups.values().flat_map(Group::processes).collect();
    processes.sort_unstable();
    processes.dedup();
    let groups = within(groups, most);
    let lines = [Measure::Delay, Measure::Active, Measure::Heap, Measure::Rss]
        .into_iter()
        .filter(|measure| !(by_thread && *measure == Measure::Rss))
        .flat_map(|measure| {
            groups
                .iter()
                .filter_map(move |(name, group)| group.line(measure, name, by_thread, steps))
        });
    Ok(Metrics {
        step: steps.step,
        lines: lines.collect(),
        processes: processes.len(),
        ignored: meant.ignored,
        damaged,
    })
}

/// Processes that filters let through.
struct Meant {
    /// With the name of their group; `None` where each thread is one.
    processes: FxHashMap<i64, Option<String>>,
    ignored: Vec<String>,
}

impl Meant {
    fn new(
        connection: &Connection,
        service: i64,
        selection: &Selection,
        by: Option<&str>,
    ) -> Result<Meant, StoreError> {
        let all = Processes::of(connection, service)?;
        if let Some(key) = by
            && key != BY_THREAD
            && !all.have_tag(key)
        {
            return Err(StoreError::NoTag {
                key: shortened(key),
                known: names(all.tags()),
            });
        }
        let (filters, others): (Vec<_>, Vec<_>) = selection
            .filters
            .iter()
            .partition(|filter| all.have_tag(&filter.key));
        let mut ignored: Vec<String> = others.iter().map(|filter| filter.key.clone()).collect();
        ignored.sort_unstable();
        ignored.dedup();
        let processes = all
            .meant_by(&filters)
            .map(|(process, tags)| {
                let name = match by {
                    None => Some(String::new()),
                    Some(BY_THREAD) => None,
                    Some(key) => Some(match tag_of(tags, key) {
                        "" => "(none)".to_owned(),
                        value => value.to_owned(),
                    }),
                };
                (process, name)
            })
            .collect();
        Ok(Meant { processes, ignored })
    }
}
