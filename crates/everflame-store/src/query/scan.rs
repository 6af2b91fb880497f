//! Goes through the blocks of a selection.

use super::requests::Requests;
use super::selection::{HOUR, Picked, Selection, Tags, tags_of, unreadable};
use crate::block::{Block, Damaged};
use crate::checksum::BLOCK;
use crate::dictionaries::{Dictionaries, Shared};
use crate::dictionary::Dictionary;
use crate::error::StoreError;
use indexmap::IndexSet;
use rusqlite::Connection;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::collections::hash_map::Entry;

/// Blocks of an hour that lies in the range as a whole are read as its sum; where the profiles are not kept any more, the sum
/// belongs to the range that has its middle.
pub(super) const MEANT: &str = "
    WHERE service = ?1 AND middle >= ?2 AND middle < ?3 AND (
        level = 0 AND (rolled = 0 OR middle < ?4 OR middle >= ?5)
        OR level = 1 AND (only = 1 OR middle >= ?4 AND middle < ?5)
    ) ORDER BY middle";

/// The numbers in it.
pub(super) fn meant(picked: &Picked) -> [i64; 5] {
    let Selection { from, to, .. } = *picked.selection;
    let last_hour = to.div_euclid(HOUR).saturating_mul(HOUR);
    [picked.service, from, to, first_hour(from), last_hour]
}

/// Of the blocks that were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub profiles: u64,
    /// Nanoseconds since the epoch; 0 where there is none.
    pub from: i64,
    pub to: i64,
    /// Sum of what the profiles last, in nanoseconds.
    pub covered: i64,
    /// Blocks whose bytes are not what was written: they are left out.
    pub damaged: u64,
    /// Of the two sides of a difference.
    pub requests: Option<Requests>,
}

/// What is known of a block before its rows are read.
pub(crate) struct Head {
    /// Number of the process.
    pub(crate) series: i64,
    /// Number of its list of kinds of value.
    pub(crate) shape: i64,
    /// 0 of a profile, 1 of the sum of an hour.
    pub(crate) level: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) middle: i64,
}

/// A block, with the group of each of its own sets of labels: `None` where samples are not meant.
pub(crate) struct Scanned<'a> {
    pub(crate) head: &'a Head,
    pub(crate) epoch: i64,
    pub(crate) shared: &'a Shared,
    pub(crate) dictionary: &'a Dictionary,
    pub(crate) block: &'a Block<'a>,
    /// Which of its columns is asked for.
    pub(crate) kind: usize,
    /// What its values are multiplied by.
    pub(crate) factor: u64,
    pub(crate) groups: &'a [Option<u32>],
}

/// Tells which samples are meant, and to which group each belongs.
pub(crate) struct Matcher<'a> {
    picked: &'a Picked<'a>,
    by: Option<&'a str>,
    /// Names of groups, in the order in which they were met. One without a name where nothing is grouped.
    pub(crate) groups: IndexSet<String, FxBuildHasher>,
    tags: FxHashMap<i64, Tags>,
    known: FxHashMap<(i64, i64, u32), Option<u32>>,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(picked: &'a Picked<'a>, by: Option<&'a str>) -> Matcher<'a> {
        let mut groups = IndexSet::default();
        if by.is_none() {
            groups.insert(String::new());
        }
        Matcher {
            picked,
            by,
            groups,
            tags: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// Looks up the tags of a process, for `group` and `known_tags`.
    pub(crate) fn tags(&mut self, connection: &Connection, series: i64) -> Result<(), StoreError> {
        if let Entry::Vacant(place) = self.tags.entry(series) {
            place.insert(tags_of(connection, series)?);
        }
        Ok(())
    }

    pub(crate) fn known_tags(&self, series: i64) -> &Tags {
        &self.tags[&series]
    }

    pub(crate) fn selection(&self) -> &'a Selection {
        self.picked.selection
    }

    fn is_meant<'t>(&self, value: impl Fn(&str) -> &'t str) -> bool {
        self.picked.selection.filters.iter().all(|filter| {
            let own = value(&filter.key);
            filter.values.iter().any(|wanted| wanted == own) != filter.negated
        })
    }

    /// Whether a profile without samples is meant: its process has no more than tags.
    fn is_process_meant(&self, dictionary: &Dictionary, series: i64) -> bool {
        self.is_meant(|key| value_of(dictionary, &self.tags[&series], &[], key))
    }

    /// The group of samples of this process with these labels; `None` where they are not meant.
    pub(crate) fn group(
        &mut self,
        dictionary: &Dictionary,
        epoch: i64,
        series: i64,
        label_set: u32,
    ) -> Option<u32> {
        if let Some(known) = self.known.get(&(epoch, series, label_set)) {
            return *known;
        }
        let tags = &self.tags[&series];
        let labels = dictionary.labels_of(label_set);
        let value = |key: &str| value_of(dictionary, tags, labels, key);
        let is_meant = self.is_meant(value);
        let group = is_meant.then(|| match self.by {
            None => 0,
            Some(key) => self.groups.insert_full(value(key).to_owned()).0 as u32,
        });
        self.known.insert((epoch, series, label_set), group);
        group
    }
}

/// The value of a label, else of a tag, else an empty text.
pub(crate) fn value_of<'a>(
    dictionary: &'a Dictionary,
    tags: &'a Tags,
    labels: &[(u32, u32)],
    key: &str,
) -> &'a str {
    match labels
        .iter()
        .find(|(label, _)| dictionary.text_of(*label) == key)
    {
        Some((_, value)) => dictionary.text_of(*value),
        None => tags
            .iter()
            .find(|(tag, _)| tag == key)
            .map_or("", |(_, value)| value),
    }
}

/// Calls `each` for every block of which samples are meant.
pub(crate) fn scan(
    connection: &Connection,
    dictionaries: &Dictionaries,
    matcher: &mut Matcher,
    mut each: impl FnMut(Scanned) -> Result<(), Damaged>,
) -> Result<Found, StoreError> {
    let picked = matcher.picked;
    let mut found = Found::default();
    let mut epochs: FxHashMap<i64, Shared> = FxHashMap::default();
    let mut statement = connection
        .prepare_cached(&format!("SELECT {} FROM block {MEANT}", BLOCK.columns))
        .map_err(unreadable)?;
    let mut rows = statement.query(meant(picked)).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        // Blocks without the kind that is asked for are not read.
        let column = row
            .get::<_, i64>(3)
            .ok()
            .map(|shape| picked.columns.get(&shape));
        if column == Some(None) {
            continue;
        }
        let (Some(Some(column)), true) = (column, BLOCK.is_whole(row, 0).map_err(unreadable)?)
        else {
            found.damaged += 1;
            continue;
        };
        let number = |index: usize| row.get::<_, i64>(index).map_err(unreadable);
        let (epoch, series) = (number(1)?, number(2)?);
        let head = Head {
            series,
            shape: number(3)?,
            level: number(5)?,
            start: number(6)?,
            end: number(7)?,
            middle: number(8)?,
        };
        let data = row
            .get_ref(13)
            .map_err(unreadable)?
            .as_blob()
            .unwrap_or_default();
        let shared = match epochs.get(&epoch) {
            Some(shared) => shared,
            None => epochs
                .entry(epoch)
                .or_insert(dictionaries.get(connection, epoch)?),
        };
        matcher.tags(connection, series)?;
        let dictionary = &shared.read().dictionary;
        let block = match Block::open(data, column.of) {
            Ok(block)
                if block
                    .label_sets
                    .iter()
                    .all(|set| (*set as usize) < dictionary.label_set_count()) =>
            {
                block
            }
            _ => {
                found.damaged += 1;
                continue;
            }
        };
        let groups: Vec<Option<u32>> = block
            .label_sets
            .iter()
            .map(|set| matcher.group(dictionary, epoch, series, *set))
            .collect();
        // A process that no filter lets through has no part in the time that the answer is of.
        let is_meant = match groups.is_empty() {
            true => matcher.is_process_meant(dictionary, series),
            false => groups.iter().any(Option::is_some),
        };
        if !is_meant {
            continue;
        }
        let covered = number(9)?;
        let scanned = Scanned {
            head: &head,
            epoch,
            shared,
            dictionary,
            block: &block,
            kind: column.kind,
            factor: column.factor,
            groups: &groups,
        };
        if each(scanned).is_err() {
            found.damaged += 1;
            continue;
        }
        found.from = if found.profiles == 0 {
            head.start
        } else {
            found.from.min(head.start)
        };
        found.to = found.to.max(head.end);
        found.covered = found.covered.saturating_add(covered);
        found.profiles += 1;
    }
    Ok(found)
}

/// The first whole hour from an instant on.
fn first_hour(from: i64) -> i64 {
    from.div_euclid(HOUR)
        .saturating_add(i64::from(from.rem_euclid(HOUR) != 0))
        .saturating_mul(HOUR)
}
