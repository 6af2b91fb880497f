//! Samples in the order of time, a lane for each thread.

use super::scan::{Matcher, value_of};
use super::selection::{Picked, shapes, unreadable};
use super::tree::{Granularity, Growing, Places, Tree};
use crate::checksum::MOMENTS;
use crate::dictionaries::{Dictionaries, Shared};
use crate::dictionary::Dictionary;
use crate::error::StoreError;
use crate::moments::{Moment, decode};
use crate::read::ValueType;
use indexmap::IndexSet;
use rusqlite::{Connection, named_params};
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Labels that say on which thread a sample was taken: they make the lane.
const THREAD: [&str; 3] = ["thread name", "thread id", "os thread id"];
/// What stands for the id of a thread of which Node.js knows nothing.
const NO_THREAD_ID: &str = "NA";

/// A thread of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    pub runtime_id: String,
    pub thread_id: String,
    pub name: String,
    /// `thread`, or `event` for what has a duration of its own.
    pub kind: &'static str,
}

/// Labels of a sample beside its thread: keys and values.
pub type LabelTexts = Vec<(String, String)>;

/// One sample, or several that follow each other with the same stack and labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimelineSample {
    /// Index of the lane.
    pub lane: u32,
    /// Node of the tree.
    pub node: u32,
    /// Nanoseconds since the epoch.
    pub end: i64,
    /// Nanoseconds.
    pub wall: u64,
    pub cpu: u64,
    /// Index into `labels`.
    pub label: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub lanes: Vec<Lane>,
    pub labels: Vec<LabelTexts>,
    /// All stacks; its values are those of `wall`.
    pub tree: Tree,
    /// By lane and time.
    pub samples: Vec<TimelineSample>,
    /// Samples that were left out because there are too many: the shortest.
    pub omitted: usize,
    /// Blocks whose bytes are not what was written.
    pub damaged: u64,
}

/// Which column of a shape is what.
struct Columns {
    of: usize,
    wall: Option<usize>,
    cpu: Option<usize>,
    event: Option<usize>,
}

impl Columns {
    fn new(types: &[ValueType]) -> Columns {
        let find = |names: &[&str]| {
            types
                .iter()
                .position(|kind| names.contains(&kind.name.as_str()) && kind.unit == "nanoseconds")
        };
        Columns {
            of: types.len(),
            wall: find(&["wall", "wall-time"]),
            cpu: find(&["cpu", "cpu-time"]),
            event: find(&["timeline"]),
        }
    }
}

/// `most` samples at most.
pub(crate) fn timeline(
    connection: &Connection,
    dictionaries: &Dictionaries,
    picked: &Picked,
    most: usize,
) -> Result<Timeline, StoreError> {
    let shapes: FxHashMap<i64, Columns> = shapes(connection, picked.service)?
        .into_iter()
        .map(|(shape, types)| (shape, Columns::new(&types)))
        .filter(|(_, columns)| {
            columns.wall.is_some() || columns.cpu.is_some() || columns.event.is_some()
        })
        .collect();
    let mut building = Building {
        matcher: Matcher::new(picked, None),
        tree: Growing::new(Granularity::Function, 1),
        lanes: IndexSet::default(),
        labels: IndexSet::default(),
        samples: Vec::new(),
    };
    let mut epochs: FxHashMap<i64, Shared> = FxHashMap::default();
    let mut damaged = 0;
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {} FROM moments WHERE service = :service AND end > :from AND start < :to ORDER BY start",
            MOMENTS.columns
        ))
        .map_err(unreadable)?;
    let selection = picked.selection;
    let mut rows = statement
        .query(named_params! { ":service": picked.service, ":from": selection.from, ":to": selection.to })
        .map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        if !MOMENTS.is_whole(row, 0).map_err(unreadable)? {
            damaged += 1;
            continue;
        }
        let number = |index: usize| row.get::<_, i64>(index).map_err(unreadable);
        let (epoch, series) = (number(1)?, number(2)?);
        let Some(columns) = shapes.get(&number(3)?) else {
            continue;
        };
        let shared = match epochs.get(&epoch) {
            Some(shared) => shared,
            None => epochs
                .entry(epoch)
                .or_insert(dictionaries.get(connection, epoch)?),
        };
        let data = row
            .get_ref(7)
            .map_err(unreadable)?
            .as_blob()
            .unwrap_or_default();
        let moments = decode(data, number(4)?, columns.of).ok();
        let dictionary = &shared.read().dictionary;
        building.matcher.tags(connection, series)?;
        match moments.filter(|moments| moments.iter().all(|moment| is_known(dictionary, moment))) {
            Some(moments) => building.add(dictionary, epoch, series, columns, &moments),
            None => damaged += 1,
        }
    }
    Ok(building.finish(most, damaged))
}

fn is_known(dictionary: &Dictionary, moment: &Moment) -> bool {
    (moment.node as usize) < dictionary.node_count()
        && (moment.label_set as usize) < dictionary.label_set_count()
}

struct Building<'a> {
    matcher: Matcher<'a>,
    tree: Growing,
    lanes: IndexSet<Lane, FxBuildHasher>,
    labels: IndexSet<LabelTexts, FxBuildHasher>,
    samples: Vec<TimelineSample>,
}

impl Building<'_> {
    fn add(
        &mut self,
        dictionary: &Dictionary,
        epoch: i64,
        series: i64,
        columns: &Columns,
        moments: &[Moment],
    ) {
        let selection = self.matcher.selection();
        let (from, to) = (selection.from, selection.to);
        let mut places = Places::new(dictionary);
        for moment in moments {
            let value = |column: Option<usize>| column.map_or(0, |column| moment.values[column]);
            let (wall, cpu) = match columns.event {
                Some(event) => (moment.values[event], 0),
                None => (value(columns.wall), value(columns.cpu)),
            };
            // As a profile of one sample: it reaches into the range.
            if moment.end < from
                || moment.end.saturating_sub(wall.min(i64::MAX as u64) as i64) >= to
            {
                continue;
            }
            if self
                .matcher
                .group(dictionary, epoch, series, moment.label_set)
                .is_none()
            {
                continue;
            }
            let lane = self.lane(dictionary, series, moment, columns.event.is_some());
            let label = self.label(dictionary, moment);
            let node = self.tree.place(&mut places, 0, moment.node);
            self.tree.add_to(node, 0, wall);
            self.samples.push(TimelineSample {
                lane,
                node,
                end: moment.end,
                wall,
                cpu,
                label,
            });
        }
    }

    fn lane(
        &mut self,
        dictionary: &Dictionary,
        series: i64,
        moment: &Moment,
        is_event: bool,
    ) -> u32 {
        let (tags, labels) = (
            self.matcher.known_tags(series),
            dictionary.labels_of(moment.label_set),
        );
        let text = |key: &str| value_of(dictionary, tags, labels, key).to_owned();
        let thread_id = match text("thread id") {
            // OpenTelemetry's samples have the kernel's alone, and threads without JavaScript have no other.
            id if id.is_empty() || id == NO_THREAD_ID => text("os thread id"),
            id => id,
        };
        let lane = Lane {
            runtime_id: text("runtime-id"),
            thread_id,
            name: text("thread name"),
            kind: if is_event { "event" } else { "thread" },
        };
        self.lanes.insert_full(lane).0 as u32
    }

    fn label(&mut self, dictionary: &Dictionary, moment: &Moment) -> u32 {
        let mut texts: LabelTexts = dictionary
            .labels_of(moment.label_set)
            .iter()
            .map(|(key, value)| (dictionary.text_of(*key), dictionary.text_of(*value)))
            .filter(|(key, _)| !THREAD.contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        for (key, id) in [
            ("span id", moment.span),
            ("local root span id", moment.root_span),
        ] {
            if id != 0 {
                texts.push((key.to_owned(), id.to_string()));
            }
        }
        self.labels.insert_full(texts).0 as u32
    }

    fn finish(self, most: usize, damaged: u64) -> Timeline {
        let mut samples = joined(self.samples);
        let omitted = samples.len().saturating_sub(most);
        if omitted > 0 {
            samples.sort_unstable_by_key(|sample| std::cmp::Reverse((sample.wall, sample.cpu)));
            samples.truncate(most);
            samples.sort_unstable_by_key(|sample| (sample.lane, sample.end));
        }
        Timeline {
            lanes: self.lanes.into_iter().collect(),
            labels: self.labels.into_iter().collect(),
            tree: self.tree.finish(usize::MAX),
            samples,
            omitted,
            damaged,
        }
    }
}

/// Samples in order, and one where the next begins as the last ends and is the same: a thread that waits for a minute is one.
fn joined(mut samples: Vec<TimelineSample>) -> Vec<TimelineSample> {
    samples.sort_unstable_by_key(|sample| {
        let wall = std::cmp::Reverse(sample.wall);
        (sample.lane, sample.end, sample.node, sample.label, wall)
    });
    let mut joined: Vec<TimelineSample> = Vec::with_capacity(samples.len());
    for sample in samples {
        if let Some(last) = joined.last_mut() {
            let is_same =
                (last.lane, last.node, last.label) == (sample.lane, sample.node, sample.label);
            let begins = sample.end.saturating_sub_unsigned(sample.wall);
            // OpenTelemetry's profiles have one kind of value each, and so two of them tell of one sample.
            if is_same && sample.wall == 0 && sample.end == last.end {
                last.cpu = last.cpu.saturating_add(sample.cpu);
                continue;
            }
            // A clock is read once for the end of one and the beginning of the next.
            if is_same && sample.wall > 0 && (begins - last.end).abs() <= 1000 {
                last.end = sample.end;
                last.wall = last.wall.saturating_add(sample.wall);
                last.cpu = last.cpu.saturating_add(sample.cpu);
                continue;
            }
        }
        joined.push(sample);
    }
    joined
}
