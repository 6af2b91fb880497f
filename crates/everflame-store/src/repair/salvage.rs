//! Copies what is whole in a damaged store into a new one, a row at a time.

use super::check::{counts, settle_hours};
use super::dictionary::Pieces;
use super::source::{self, each_name, each_row};
use super::{Counts, Repair};
use crate::block::Block;
use crate::checksum::{BLOCK, DICTIONARY, METRICS, MOMENTS, Rows, SERIES, SERVICE, SHAPE};
use crate::database::{self, engine_error};
use crate::delta::MOST_ENTRIES;
use crate::dictionaries::write_whole;
use crate::error::StoreError;
use crate::metrics::Metrics;
use crate::moments;
use crate::writer::insert_named;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

/// What the table `tally` counts, in the order of [`counts`].
pub(crate) const KINDS: [&str; 4] = ["profile", "hour", "moments", "metrics"];

/// Makes the store `new` of what is whole in the file `path`.
pub(crate) fn salvage(path: &Path, new: &Path, repair: &mut Repair) -> Result<(), StoreError> {
    let failed = engine_error(new);
    let target = database::make(new).map_err(&failed)?;
    target.execute_batch("BEGIN").map_err(&failed)?;
    let mut before = None;
    let mut bad = Bad::default();
    if let Some(source) = source::open(path) {
        before = tally(&source).ok().flatten();
        let mut copying = Copying {
            source: &source,
            target: &target,
            services: FxHashSet::default(),
            series: FxHashSet::default(),
            types: FxHashMap::default(),
            needed: FxHashMap::default(),
            nameless: 0,
            entries: 0,
        };
        bad = copying.all().map_err(&failed)?;
        (repair.nameless, repair.entries) = (copying.nameless, copying.entries);
    }
    settle_hours(&target).map_err(&failed)?;
    let [profiles, hours, samples, metrics] = counts(&target).map_err(&failed)?;
    target.execute_batch("COMMIT").map_err(&failed)?;
    target.close().map_err(|(_, cause)| failed(cause))?;
    repair.is_counted = before.is_some();
    let lost = |index: usize, kept: u64, seen: u64| Counts {
        kept,
        lost: before.map_or(seen, |before| before[index].saturating_sub(kept)),
    };
    repair.profiles = lost(0, profiles, bad.blocks);
    repair.hours = lost(1, hours, 0);
    repair.samples = lost(2, samples, bad.moments);
    repair.metrics = lost(3, metrics, bad.metrics);
    Ok(())
}

/// What the store says that it has; `None` where that is not what was written.
pub(crate) fn tally(connection: &Connection) -> rusqlite::Result<Option<[u64; 4]>> {
    let mut tally = [0; 4];
    for (place, kind) in tally.iter_mut().zip(KINDS) {
        let told: Option<(i64, i64)> = connection
            .query_row(
                "SELECT number, opposite FROM tally NOT INDEXED WHERE kind = ?1",
                [kind],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (number, opposite) = match told {
            Some(told) => told,
            // A store of the former format has none.
            None if kind == "metrics" => (0, 0),
            None => return Ok(None),
        };
        if number < 0 || number.checked_neg() != Some(opposite) {
            return Ok(None);
        }
        *place = number as u64;
    }
    Ok(Some(tally))
}

/// Rows that were seen and are not whole, or of no use without others.
#[derive(Default)]
struct Bad {
    blocks: u64,
    moments: u64,
    metrics: u64,
}

struct Copying<'a> {
    source: &'a Connection,
    target: &'a Connection,
    services: FxHashSet<i64>,
    series: FxHashSet<i64>,
    /// Number of kinds of value by shape.
    types: FxHashMap<i64, usize>,
    /// Numbers of stacks and of sets of labels that an epoch's dictionary must have.
    needed: FxHashMap<i64, (usize, usize)>,
    nameless: u64,
    entries: u64,
}

impl Copying<'_> {
    fn all(&mut self) -> rusqlite::Result<Bad> {
        let mut services = FxHashSet::default();
        self.names(&SERVICE, |row| {
            services.insert(row.get(1)?);
            Ok(true)
        })?;
        let mut series = FxHashSet::default();
        self.names(&SERIES, |row| {
            series.insert(row.get(1)?);
            Ok(true)
        })?;
        let mut types = FxHashMap::default();
        self.names(&SHAPE, |row| {
            let pairs: Result<Vec<(String, String)>, _> =
                serde_json::from_str(row.get_ref(2)?.as_str()?);
            let Ok(pairs) = pairs else { return Ok(false) };
            types.insert(row.get(1)?, pairs.len());
            Ok(true)
        })?;
        (self.services, self.series, self.types) = (services, series, types);
        let source = self.source;
        let mut bad = Bad::default();
        each_row(source, &BLOCK, |row| {
            let is_kept = BLOCK.is_whole(row, 1)?
                && self.is_readable(row, |data, types| {
                    let rows = Block::open(data, types)
                        .and_then(|block| block.rows())
                        .ok()?;
                    Some((count(rows.nodes), count(rows.label_sets)))
                })?;
            if is_kept {
                self.copy_owned(&BLOCK, row)
            } else {
                bad.blocks += 1;
                Ok(())
            }
        })?;
        each_row(source, &MOMENTS, |row| {
            let origin = row.get::<_, i64>(5).unwrap_or(0);
            let is_kept = MOMENTS.is_whole(row, 1)?
                && self.is_readable(row, |data, types| {
                    let moments = moments::decode(data, origin, types).ok()?;
                    let nodes = moments.iter().map(|moment| moment.node);
                    let sets = moments.iter().map(|moment| moment.label_set);
                    Some((count(nodes), count(sets)))
                })?;
            if is_kept {
                self.copy_owned(&MOMENTS, row)
            } else {
                bad.moments += 1;
                Ok(())
            }
        })?;
        self.copy_dictionaries()?;
        each_row(source, &METRICS, |row| {
            if METRICS.is_whole(row, 1)? && self.is_of_profile(row)? {
                self.copy(&METRICS, row)
            } else {
                bad.metrics += 1;
                Ok(())
            }
        })?;
        Ok(bad)
    }

    /// Whether metrics can be read, and belong to a profile that was copied.
    fn is_of_profile(&self, row: &Row) -> rusqlite::Result<bool> {
        let ValueRef::Blob(data) = row.get_ref("data")? else {
            return Ok(false);
        };
        if Metrics::decode(data, 0).is_err() {
            return Ok(false);
        }
        self.target
            .prepare_cached(
                "SELECT 1 FROM block WHERE id = ?1 AND service = ?2 AND series = ?3 AND level = 0",
            )?
            .exists([
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ])
    }

    /// Copies a table of names. `known` takes note of a row, and says whether it is of use.
    fn names(
        &self,
        rows: &Rows,
        mut known: impl FnMut(&Row) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        let mut copy = |row: &Row| {
            if rows.is_whole(row, 1)? && known(row)? {
                self.copy(rows, row)?;
            }
            Ok(())
        };
        each_row(self.source, rows, &mut copy)?;
        each_name(self.source, rows, &mut copy)
    }

    /// Writes the dictionaries to which profiles refer, of all that is whole in them.
    fn copy_dictionaries(&mut self) -> rusqlite::Result<()> {
        let mut rows_of: FxHashMap<i64, Vec<(i64, i64, i64)>> = FxHashMap::default();
        each_row(self.source, &DICTIONARY, |row| {
            if DICTIONARY.is_whole(row, 1)? {
                let own = (row.get(2)?, row.get(3)?, row.get(0)?);
                rows_of.entry(row.get(1)?).or_default().push(own);
            }
            Ok::<_, rusqlite::Error>(())
        })?;
        let mut statement = self
            .source
            .prepare("SELECT data FROM dictionary NOT INDEXED WHERE rowid = ?1")?;
        for (epoch, (nodes, sets)) in &self.needed {
            let mut rows = rows_of.remove(epoch).unwrap_or_default();
            rows.sort_unstable();
            rows.dedup();
            let mut pieces = Pieces::default();
            for (sequence, kind, id) in &rows {
                let mut found = statement.query([id])?;
                if let Ok(Some(row)) = found.next()
                    && let Ok(data) = row.get_ref(0)?.as_blob()
                {
                    pieces.add(*sequence, *kind, data);
                }
            }
            let (dictionary, lost) = pieces.finish(*nodes, *sets);
            self.entries += lost;
            // Behind all that a reader may have: it reads this one anew.
            let last = rows.last().map_or(0, |(sequence, ..)| *sequence);
            write_whole(self.target, *epoch, last + 1, &dictionary)?;
        }
        Ok(())
    }

    /// Whether what a row of samples points to is there, and its data is what `reads` says it must be: with the number of kinds of
    /// value, it finds how many stacks and sets of labels the dictionary has at least.
    fn is_readable(
        &mut self,
        row: &Row,
        reads: impl FnOnce(&[u8], usize) -> Option<(usize, usize)>,
    ) -> rusqlite::Result<bool> {
        let (epoch, shape): (i64, i64) = (row.get(2)?, row.get(4)?);
        let Some(types) = self.types.get(&shape) else {
            return Ok(false);
        };
        let data = match row.get_ref("data")? {
            ValueRef::Blob(data) => data,
            _ => return Ok(false),
        };
        let Some((nodes, sets)) =
            reads(data, *types).filter(|(nodes, sets)| *nodes.max(sets) <= MOST_ENTRIES)
        else {
            return Ok(false);
        };
        let needed = self.needed.entry(epoch).or_default();
        *needed = (needed.0.max(nodes), needed.1.max(sets));
        Ok(true)
    }

    /// Copies a row of samples, and gives names to what has lost its own.
    fn copy_owned(&mut self, rows: &Rows, row: &Row) -> rusqlite::Result<()> {
        let (service, epoch, series, shape): (i64, i64, i64, i64) =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        if self.services.insert(service) {
            self.nameless += 1;
            let name = format!("(lost {service})");
            insert_named(
                self.target,
                &SERVICE,
                &[ValueRef::Integer(service), ValueRef::Text(name.as_bytes())],
            )?;
        }
        if self.series.insert(series) {
            self.nameless += 1;
            let tags = format!(r#"[["runtime-id","(lost {series})"]]"#);
            insert_named(
                self.target,
                &SERIES,
                &[
                    ValueRef::Integer(series),
                    ValueRef::Integer(service),
                    ValueRef::Text(tags.as_bytes()),
                ],
            )?;
        }
        self.target
            .prepare_cached("INSERT OR IGNORE INTO epoch(id, service) VALUES (?1, ?2)")?
            .execute([epoch, service])?;
        self.target
            .prepare_cached("INSERT OR IGNORE INTO service_shape(service, shape) VALUES (?1, ?2)")?
            .execute([service, shape])?;
        self.copy(rows, row)
    }

    /// Copies the row, whose number stands before its columns. What is there already stays.
    fn copy(&self, rows: &Rows, row: &Row) -> rusqlite::Result<()> {
        let count = rows.columns.split(',').count();
        let values = (0..=count)
            .map(|index| row.get_ref(index).map(ToSqlOutput::Borrowed))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let places = vec!["?"; count].join(", ");
        let (number, own) = match rows.columns.starts_with("id,") {
            true => ("", &values[1..]),
            false => ("rowid, ", &values[..]),
        };
        let first = if number.is_empty() { "" } else { "?, " };
        self.target
            .prepare_cached(&format!(
                "INSERT OR IGNORE INTO {}({number}{}) VALUES ({first}{places})",
                rows.table, rows.columns
            ))?
            .execute(params_from_iter(own))?;
        Ok(())
    }
}

/// Entries that a dictionary must have for these numbers.
fn count(numbers: impl IntoIterator<Item = u32>) -> usize {
    numbers
        .into_iter()
        .max()
        .map_or(0, |number| number as usize + 1)
}
