//! The one that writes: a transaction for what has come meanwhile, however much it is.

use crate::block::Rows;
use crate::checksum::{
    BLOCK, METRICS, MOMENTS, Rows as Checked, SERIES, SERVICE, SHAPE, block_checksum_of,
    checksum_of,
};
use crate::dictionaries::{Dictionaries, Shared};
use crate::intern::intern;
use crate::metrics::{Metrics, Told};
use crate::moments::{self, Moment};
use crate::read::ValueType;
use crate::upload::{Origin, Outcome, Prepared, PreparedProfile};
use crate::varint::put;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use rustc_hash::FxHashMap;
use std::borrow::Borrow;
use std::sync::Arc;

/// Bytes of a dictionary in memory after which the service gets a new one.
const EPOCH_BYTES: usize = 24 << 20;

/// What became of a transaction.
pub(crate) struct Committed {
    pub(crate) outcomes: Vec<Vec<Outcome>>,
    /// Metrics of profiles that are kept, and which could not be read.
    pub(crate) left_out: u64,
}

/// Puts uploads into the file, in one transaction. Nothing of them is there if it fails.
pub(crate) fn commit(
    connection: &mut Connection,
    dictionaries: &Dictionaries,
    uploads: impl IntoIterator<Item: Borrow<Prepared>>,
) -> Result<Committed, Failure> {
    let transaction = connection.transaction()?;
    let mut used = Used::default();
    let outcomes = uploads
        .into_iter()
        .map(|upload| add(&transaction, dictionaries, &mut used, upload.borrow()))
        .collect::<Result<Vec<_>, Failure>>();
    let finished = outcomes.and_then(|outcomes| {
        let saved = used
            .epochs
            .iter()
            .map(|(epoch, shared)| Ok((shared, shared.read().save(&transaction, *epoch)?)))
            .collect::<Result<Vec<_>, rusqlite::Error>>()?;
        transaction.commit()?;
        saved
            .into_iter()
            .for_each(|(shared, saved)| shared.write().settle(saved));
        Ok(Committed {
            outcomes,
            left_out: used.left_out,
        })
    });
    if finished.is_err() {
        // Their numbers will be given to others.
        used.new
            .iter()
            .for_each(|epoch| dictionaries.remove(*epoch));
    }
    finished
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    Engine(rusqlite::Error),
    Store(crate::error::StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Engine(error)
    }
}

impl From<crate::error::StoreError> for Failure {
    fn from(error: crate::error::StoreError) -> Failure {
        Failure::Store(error)
    }
}

/// Dictionaries that a transaction has added to, those that it has begun, and metrics that it has left out.
#[derive(Default)]
struct Used {
    epochs: FxHashMap<i64, Shared>,
    new: Vec<i64>,
    left_out: u64,
}

fn add(
    connection: &Connection,
    dictionaries: &Dictionaries,
    used: &mut Used,
    upload: &Prepared,
) -> Result<Vec<Outcome>, Failure> {
    // Profiles of one process follow each other.
    let mut last: Option<(Arc<Origin>, i64, i64)> = None;
    let outcomes: Vec<Outcome> = upload
        .profiles
        .iter()
        .map(|profile| {
            // A service of which nothing was taken is none.
            let profile = match profile {
                Ok(profile) => profile,
                Err(refusal) => return Ok(Outcome::Refused(refusal.clone())),
            };
            let (service, series) = match &last {
                Some((origin, service, series)) if Arc::ptr_eq(origin, &profile.origin) => {
                    (*service, *series)
                }
                _ => {
                    let (service, series) = ids_of(connection, &profile.origin)?;
                    last = Some((profile.origin.clone(), service, series));
                    (service, series)
                }
            };
            add_profile(connection, dictionaries, used, service, series, profile)
        })
        .collect::<Result<_, Failure>>()?;
    if let Some(requests) = &upload.requests {
        let (service, series) = ids_of(connection, &requests.origin)?;
        add_profile(connection, dictionaries, used, service, series, requests)?;
    }
    Ok(outcomes)
}

/// Of the service, and of the process in it.
fn ids_of(connection: &Connection, origin: &Origin) -> rusqlite::Result<(i64, i64)> {
    let service = service_id(connection, &origin.service)?;
    let tags = serde_json::to_string(&origin.tags).unwrap_or_default();
    let series = row_id(
        connection,
        &SERIES,
        "SELECT id FROM series WHERE service = ?1 AND tags = ?2",
        &[ValueRef::Integer(service), ValueRef::Text(tags.as_bytes())],
    )?;
    Ok((service, series))
}

fn add_profile(
    connection: &Connection,
    dictionaries: &Dictionaries,
    used: &mut Used,
    service: i64,
    series: i64,
    profile: &PreparedProfile,
) -> Result<Outcome, Failure> {
    let is_known = connection
        .prepare_cached("SELECT 1 FROM block WHERE hash = ?1")?
        .exists([profile.hash.as_slice()])?;
    if is_known {
        return Ok(Outcome::Duplicate);
    }
    let (epoch, shared) = open_epoch(connection, dictionaries, used, service)?;
    let (rows, moments) = intern(
        &mut shared.write().dictionary,
        &profile.profile,
        &profile.frame_keys,
    );
    let shape = shape_id(connection, service, &profile.profile.types)?;
    let samples = profile.profile.samples.len();
    let block = NewBlock {
        place: Place {
            service,
            epoch,
            series,
            shape,
            kind: profile.kind.clone(),
        },
        level: 0,
        start: profile.start,
        end: profile.end,
        middle: profile.start + (profile.end - profile.start) / 2,
        covered: profile.end - profile.start,
        samples: samples as i64,
        totals: profile.totals.clone(),
        hash: Some(profile.hash),
    };
    insert(connection, &block, &rows)?;
    match &profile.profile.metrics {
        Told::Nothing => {}
        Told::LeftOut => used.left_out += 1,
        Told::Metrics(metrics) => {
            insert_metrics(connection, connection.last_insert_rowid(), &block, metrics)?;
        }
    }
    if !moments.is_empty() {
        insert_moments(connection, &block, moments)?;
    }
    Ok(Outcome::Kept { samples })
}

/// To what a block belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) service: i64,
    pub(crate) epoch: i64,
    pub(crate) series: i64,
    pub(crate) shape: i64,
    pub(crate) kind: String,
}

pub(crate) struct NewBlock {
    pub(crate) place: Place,
    pub(crate) level: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) middle: i64,
    pub(crate) covered: i64,
    pub(crate) samples: i64,
    pub(crate) totals: Vec<u64>,
    pub(crate) hash: Option<[u8; 16]>,
}

pub(crate) fn insert(
    connection: &Connection,
    block: &NewBlock,
    rows: &Rows,
) -> rusqlite::Result<()> {
    let data = rows.encode();
    let mut totals = Vec::new();
    block
        .totals
        .iter()
        .for_each(|total| put(&mut totals, *total));
    let Place {
        service,
        epoch,
        series,
        shape,
        kind,
    } = &block.place;
    let hash = block.hash.as_ref().map(<[u8; 16]>::as_slice);
    let number = ValueRef::Integer;
    let fields = [
        number(*service),
        number(*epoch),
        number(*series),
        number(*shape),
        ValueRef::Text(kind.as_bytes()),
        number(block.level),
        number(block.start),
        number(block.end),
        number(block.middle),
        number(block.covered),
        number(block.samples),
        ValueRef::Blob(&totals),
        hash.map_or(ValueRef::Null, ValueRef::Blob),
        ValueRef::Blob(&data),
    ];
    insert_row(connection, &BLOCK, &fields, block_checksum_of(&fields))
}

/// `id` is that of the profile's block.
fn insert_metrics(
    connection: &Connection,
    id: i64,
    block: &NewBlock,
    metrics: &Metrics,
) -> rusqlite::Result<()> {
    let data = metrics.encode();
    let number = ValueRef::Integer;
    let fields = [
        number(id),
        number(block.place.service),
        number(block.place.series),
        number(metrics.start),
        number(metrics.end()),
        number(metrics.step),
        ValueRef::Blob(&data),
    ];
    insert_named(connection, &METRICS, &fields)
}

fn insert_moments(
    connection: &Connection,
    block: &NewBlock,
    moments: Vec<Moment>,
) -> rusqlite::Result<()> {
    let first = moments
        .iter()
        .map(|moment| moment.end)
        .min()
        .unwrap_or(block.start);
    let last = moments
        .iter()
        .map(|moment| moment.end)
        .max()
        .unwrap_or(block.end);
    let data = moments::encode(moments, block.start, block.totals.len());
    let Place {
        service,
        epoch,
        series,
        shape,
        ..
    } = &block.place;
    let number = ValueRef::Integer;
    let fields = [
        number(*service),
        number(*epoch),
        number(*series),
        number(*shape),
        number(block.start),
        number(first.min(block.start)),
        number(last.max(block.end)),
        ValueRef::Blob(&data),
    ];
    insert_named(connection, &MOMENTS, &fields)
}

/// A row of a table without flags.
pub(crate) fn insert_named(
    connection: &Connection,
    rows: &Checked,
    fields: &[ValueRef],
) -> rusqlite::Result<()> {
    insert_row(connection, rows, fields, checksum_of(fields))
}

/// Fields, flags that are not set, checksum.
fn insert_row(
    connection: &Connection,
    rows: &Checked,
    fields: &[ValueRef],
    checksum: i64,
) -> rusqlite::Result<()> {
    let flags: &[ValueRef] = match rows.has_flags {
        true => &[ValueRef::Integer(0); 2],
        false => &[],
    };
    let values = fields
        .iter()
        .chain(flags)
        .copied()
        .chain([ValueRef::Integer(checksum)])
        .map(ToSqlOutput::Borrowed);
    connection
        .prepare_cached(&rows.insert())?
        .execute(params_from_iter(values))?;
    Ok(())
}

/// The dictionary to which a service's profiles add.
fn open_epoch(
    connection: &Connection,
    dictionaries: &Dictionaries,
    used: &mut Used,
    service: i64,
) -> Result<(i64, Shared), Failure> {
    let newest: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM epoch WHERE service = ?1")?
        .query_row([service], |row| row.get(0))?;
    if let Some(epoch) = newest {
        let shared = match used.epochs.get(&epoch) {
            Some(shared) => shared.clone(),
            None => dictionaries.get(connection, epoch)?,
        };
        if shared.read().dictionary.weight() < EPOCH_BYTES {
            used.epochs.insert(epoch, shared.clone());
            return Ok((epoch, shared));
        }
    }
    connection
        .prepare_cached("INSERT INTO epoch(service) VALUES (?1)")?
        .execute([service])?;
    let epoch = connection.last_insert_rowid();
    // One of a transaction that failed may have had the number.
    dictionaries.remove(epoch);
    let shared = dictionaries.get(connection, epoch)?;
    used.new.push(epoch);
    used.epochs.insert(epoch, shared.clone());
    Ok((epoch, shared))
}

fn service_id(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    row_id(
        connection,
        &SERVICE,
        "SELECT id FROM service WHERE name = ?1",
        &[ValueRef::Text(name.as_bytes())],
    )
}

fn shape_id(connection: &Connection, service: i64, types: &[ValueType]) -> rusqlite::Result<i64> {
    let text = types_text(types);
    let shape = row_id(
        connection,
        &SHAPE,
        "SELECT id FROM shape WHERE types = ?1",
        &[ValueRef::Text(text.as_bytes())],
    )?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO service_shape VALUES (?1, ?2)")?
        .execute([service, shape])?;
    Ok(shape)
}

/// Kinds of value that come together, as their row has them.
pub(crate) fn types_text(types: &[ValueType]) -> String {
    let pairs: Vec<(&str, &str)> = types
        .iter()
        .map(|kind| (kind.name.as_str(), kind.unit.as_str()))
        .collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// The id of the row with these values, which is made where there is none.
fn row_id(
    connection: &Connection,
    rows: &Checked,
    select: &str,
    values: &[ValueRef],
) -> rusqlite::Result<i64> {
    let known = connection
        .prepare_cached(select)?
        .query_row(
            params_from_iter(values.iter().map(|value| ToSqlOutput::Borrowed(*value))),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let id: i64 = connection
        .prepare_cached(&format!(
            "SELECT coalesce(max(id), 0) + 1 FROM {}",
            rows.table
        ))?
        .query_row([], |row| row.get(0))?;
    let fields: Vec<ValueRef> = [ValueRef::Integer(id)]
        .iter()
        .chain(values)
        .copied()
        .collect();
    insert_named(connection, rows, &fields)?;
    Ok(id)
}
