//! How many requests came while the profiles of a selection were taken: by what a sum can be divided to be of one request.

use super::processes::Processes;
use super::scan::{MEANT, Matcher, Scanned, meant, scan};
use super::selection::{Column, Filter, HOUR, Picked, Selection, shapes, unreadable};
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use crate::read::{ENDPOINT, REQUESTS, ValueType, are_requests};
use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt;

/// Requests beside the profiles of a selection. Conditions on tags and on the endpoint are met by both; one on another label
/// narrows the samples alone, as a request is not of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Those that came while the profiles were taken, as far as there are counts.
    pub count: u64,
    /// Profiles, and sums of hours, with the selection's kind of value.
    pub profiles: u64,
    /// Those of them that came with counts.
    pub counted: u64,
    /// Counts whose bytes are not what was written.
    pub damaged: u64,
}

/// Why a sum cannot be divided by requests: a part of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPerRequest {
    NoProfiles,
    NoCounts,
    SomeCounts { without: u64, profiles: u64 },
    Damaged,
    NoRequests,
}

impl Requests {
    /// By what to divide. A part of the counts would make each request too dear, and is no answer.
    pub fn divisor(&self) -> Result<u64, NotPerRequest> {
        let Requests {
            count,
            profiles,
            counted,
            damaged,
        } = *self;
        match (count, counted) {
            _ if profiles == 0 => Err(NotPerRequest::NoProfiles),
            _ if damaged > 0 => Err(NotPerRequest::Damaged),
            (_, 0) => Err(NotPerRequest::NoCounts),
            _ if counted < profiles => Err(NotPerRequest::SomeCounts {
                without: profiles - counted,
                profiles,
            }),
            (0, _) => Err(NotPerRequest::NoRequests),
            _ => Ok(count),
        }
    }
}

impl fmt::Display for NotPerRequest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            NotPerRequest::NoProfiles => write!(f, "there are no profiles"),
            NotPerRequest::NoCounts => {
                write!(f, "its profiles came without counts of requests")
            }
            NotPerRequest::SomeCounts { without, profiles } => write!(
                f,
                "{without} of its {profiles} profiles came without counts of requests"
            ),
            NotPerRequest::Damaged => write!(f, "its counts of requests are damaged"),
            NotPerRequest::NoRequests => write!(f, "no request was counted"),
        }
    }
}

/// What profiles and counts of one upload have in common, and sums of one hour of a process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Period {
    Profile { series: i64, start: i64, end: i64 },
    Hour { series: i64, hour: i64 },
}

impl Period {
    fn new(level: i64, series: i64, (start, end, middle): (i64, i64, i64)) -> Period {
        match level {
            0 => Period::Profile { series, start, end },
            _ => Period::Hour {
                series,
                hour: middle.div_euclid(HOUR),
            },
        }
    }
}

pub(crate) fn requests(
    connection: &Connection,
    dictionaries: &Dictionaries,
    picked: &Picked,
) -> Result<Requests, StoreError> {
    let columns: FxHashMap<i64, Column> = shapes(connection, picked.service)?
        .iter()
        .filter(|(_, types)| are_requests(types))
        .map(|(shape, _)| {
            let (of, kind, factor) = (1, 0, 1);
            (*shape, Column { of, kind, factor })
        })
        .collect();
    let processes = Processes::of(connection, picked.service)?;
    let of_tags: Vec<&Filter> = picked
        .selection
        .filters
        .iter()
        .filter(|filter| processes.have_tag(&filter.key))
        .collect();
    let series: FxHashSet<i64> = processes.meant_by(&of_tags).map(|(id, _)| id).collect();
    let Periods { profiles, counts } = periods(connection, picked, &columns, &series)?;
    let is_counted = |(period, covered): (&Period, &i64)| match period {
        Period::Profile { .. } => counts.contains_key(period),
        // Of an hour it is known how much time all of its profiles cover, and not which.
        Period::Hour { .. } => counts.get(period) == Some(covered),
    };
    let mut found = Requests {
        profiles: profiles.len() as u64,
        counted: profiles.iter().filter(|one| is_counted(*one)).count() as u64,
        ..Requests::default()
    };
    let [name, unit] = REQUESTS.map(str::to_owned);
    let filters = picked.selection.filters.iter();
    let selection = Selection {
        kind: Some(name.clone()),
        filters: filters
            .filter(|filter| filter.key == ENDPOINT || processes.have_tag(&filter.key))
            .cloned()
            .collect(),
        ..picked.selection.clone()
    };
    let of_requests = Picked {
        selection: &selection,
        service: picked.service,
        kind: ValueType { name, unit },
        columns,
    };
    let mut matcher = Matcher::new(&of_requests, None);
    let count = &mut found.count;
    let scanned = scan(connection, dictionaries, &mut matcher, |scanned| {
        let Scanned {
            head,
            dictionary,
            block,
            groups,
            ..
        } = scanned;
        let period = Period::new(head.level, head.series, (head.start, head.end, head.middle));
        if !profiles.contains_key(&period) {
            return Ok(());
        }
        block.each(0, dictionary.node_count(), |_, set, value| {
            if groups[set as usize].is_some() {
                *count = count.saturating_add(value);
            }
        })
    })?;
    found.damaged = scanned.damaged;
    Ok(found)
}

/// What blocks cover in each period, in nanoseconds: those with the kind of value that is asked for, and counts of requests.
#[derive(Default)]
struct Periods {
    profiles: FxHashMap<Period, i64>,
    counts: FxHashMap<Period, i64>,
}

fn periods(
    connection: &Connection,
    picked: &Picked,
    of_requests: &FxHashMap<i64, Column>,
    series: &FxHashSet<i64>,
) -> Result<Periods, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT series, shape, level, start, end, middle, covered FROM block {MEANT}"
        ))
        .map_err(unreadable)?;
    let mut rows = statement.query(meant(picked)).map_err(unreadable)?;
    let mut periods = Periods::default();
    while let Some(row) = rows.next().map_err(unreadable)? {
        let number = |index: usize| row.get::<_, i64>(index).map_err(unreadable);
        let (process, shape) = (number(0)?, number(1)?);
        if !series.contains(&process) {
            continue;
        }
        let period = Period::new(number(2)?, process, (number(3)?, number(4)?, number(5)?));
        let covered = number(6)?;
        let add = |sums: &mut FxHashMap<Period, i64>| {
            let sum = sums.entry(period).or_default();
            *sum = sum.saturating_add(covered);
        };
        if picked.columns.contains_key(&shape) {
            add(&mut periods.profiles);
        }
        if of_requests.contains_key(&shape) {
            add(&mut periods.counts);
        }
    }
    Ok(periods)
}
