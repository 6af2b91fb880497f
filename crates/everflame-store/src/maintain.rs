//! Sums of whole hours, and what has to go.

use crate::block::{Block, Rows};
use crate::checksum::BLOCK;
use crate::database::FILE;
use crate::dictionaries::Dictionaries;
use crate::query::{HOUR, shapes, unrolled};
use crate::varint::Bytes;
use crate::writer::{Failure, NewBlock, Place, insert};
use rusqlite::{Connection, named_params, params};
use rustc_hash::FxHashMap;
use std::path::Path;

/// How long an hour is left open for profiles that come late. Later ones are added to the sum by the next round.
const GRACE: i64 = HOUR / 12;

/// Deltas of a dictionary that make it worth to write it anew.
const MANY_DELTAS: i64 = 60;

/// What a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Nanoseconds for which single samples with their times are kept.
    pub moments: i64,
    /// Nanoseconds for which single profiles are kept.
    pub profiles: i64,
    /// Nanoseconds for which sums of hours are kept.
    pub hours: i64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Default for Retention {
    /// Two hours of samples, a day of profiles, thirty days of hours, 256 MiB.
    fn default() -> Retention {
        Retention {
            moments: 2 * HOUR,
            profiles: 24 * HOUR,
            hours: 30 * 24 * HOUR,
            bytes: 256 << 20,
        }
    }
}

/// What a round of maintenance has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Hours that were added up.
    pub rolled: u64,
    /// Profiles removed because of their age; they are still in the sum of their hour.
    pub aged: u64,
    /// Sums of an hour of one process removed because of their age.
    pub aged_hours: u64,
    /// Samples' blocks, profiles and hours removed because the store was full.
    pub evicted: u64,
}

/// Adds up hours that are over, then removes what is too old or too much, the oldest first.
pub(crate) fn maintain(
    connection: &mut Connection,
    dictionaries: &Dictionaries,
    retention: &Retention,
    now: i64,
) -> Result<Maintained, Failure> {
    let mut done = Maintained::default();
    let open = (now - GRACE).div_euclid(HOUR) * HOUR;
    for (service, hour) in unrolled(connection, open)? {
        roll(connection, service, hour)?;
        done.rolled += 1;
    }
    let old_moments = connection.execute(
        "DELETE FROM moments WHERE end < ?1",
        [now - retention.moments],
    )? as u64;
    let oldest = (now - retention.profiles).div_euclid(HOUR) * HOUR;
    done.aged += remove_profiles(connection, oldest)?;
    done.aged_hours += remove_hours(connection, now - retention.hours)?;
    while used_bytes(connection)? > retention.bytes {
        let removed = evict(connection, open)?;
        if removed == 0 {
            break;
        }
        done.evicted += removed;
    }
    if old_moments + done.aged + done.aged_hours + done.evicted > 0 {
        for epoch in remove_orphans(connection)? {
            dictionaries.remove(epoch);
        }
        // Rows come only as they are asked for.
        let mut statement = connection.prepare("PRAGMA incremental_vacuum")?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    compact(connection, dictionaries)?;
    Ok(done)
}

/// Puts dictionaries that came in many small pieces together: each piece is read and decompressed when a store is opened.
fn compact(connection: &mut Connection, dictionaries: &Dictionaries) -> Result<(), Failure> {
    let epochs: Vec<i64> = connection
        .prepare_cached("SELECT epoch FROM dictionary GROUP BY epoch HAVING sum(whole = 0) > ?1")?
        .query_map([MANY_DELTAS], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for epoch in epochs {
        let transaction = connection.transaction()?;
        let shared = dictionaries.get(&transaction, epoch)?;
        let saved = shared.read().compact(&transaction, epoch)?;
        transaction.commit()?;
        shared.write().settle(saved);
    }
    Ok(())
}

/// Bytes that are in use; what is free already is filled first.
pub(crate) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?) as u64)
}

/// The file, and what SQLite keeps beside it.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    ["", "-wal", "-shm"]
        .iter()
        .filter_map(|end| folder.join(format!("{FILE}{end}")).metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// What is added up to one block: of one process and one kind, by the ids of one dictionary.
#[derive(Default)]
struct Sum {
    rows: Option<Rows>,
    start: i64,
    end: i64,
    covered: i64,
    samples: i64,
    totals: Vec<u64>,
}

/// Adds the profiles of an hour to its sum.
fn roll(connection: &mut Connection, service: i64, hour: i64) -> Result<(), Failure> {
    let transaction = connection.transaction()?;
    let types: FxHashMap<i64, usize> = shapes(&transaction, service)?
        .into_iter()
        .map(|(shape, types)| (shape, types.len()))
        .collect();
    let (from, to) = (hour * HOUR, (hour + 1) * HOUR);
    let mut sums: FxHashMap<Place, Sum> = FxHashMap::default();
    {
        let mut statement = transaction.prepare_cached(&format!(
            "SELECT {} FROM block
             WHERE service = :service AND middle >= :from AND middle < :to AND (level = 1 OR rolled = 0)",
            BLOCK.columns
        ))?;
        let mut rows =
            statement.query(named_params! { ":service": service, ":from": from, ":to": to })?;
        while let Some(row) = rows.next()? {
            // What is damaged is in no answer either.
            if !BLOCK.is_whole(row, 0)? {
                continue;
            }
            let place = Place {
                service,
                epoch: row.get(1)?,
                series: row.get(2)?,
                shape: row.get(3)?,
                kind: row.get(4)?,
            };
            let data = row.get_ref(13)?.as_blob().unwrap_or_default();
            let of = types.get(&place.shape).copied().unwrap_or(0);
            let Some(block) = Block::open(data, of)
                .ok()
                .and_then(|block| block.rows().ok())
            else {
                continue;
            };
            let sum = sums.entry(place).or_default();
            let (start, end) = (row.get(6)?, row.get(7)?);
            match &mut sum.rows {
                None => {
                    (sum.start, sum.end) = (start, end);
                    sum.totals = vec![0; of];
                    sum.rows = Some(block);
                }
                Some(rows) => {
                    (sum.start, sum.end) = (sum.start.min(start), sum.end.max(end));
                    rows.append(block);
                }
            }
            sum.covered = sum.covered.saturating_add(row.get(9)?);
            sum.samples = sum.samples.saturating_add(row.get(10)?);
            let mut totals = Bytes(row.get_ref(11)?.as_blob().unwrap_or_default());
            for total in &mut sum.totals {
                *total = total.saturating_add(totals.varint().unwrap_or(0));
            }
        }
    }
    let bounds = named_params! { ":service": service, ":from": from, ":to": to };
    // A sum without its profiles stays one when late ones are added.
    let only: bool = transaction.query_row(
        "SELECT coalesce(max(only), 0) FROM block WHERE service = :service AND middle >= :from AND middle < :to AND level = 1",
        bounds,
        |row| row.get(0),
    )?;
    transaction.execute(
        "DELETE FROM block WHERE service = :service AND middle >= :from AND middle < :to AND level = 1",
        bounds,
    )?;
    transaction.execute(
        "UPDATE block SET rolled = 1, checksum = checksum | 1 WHERE service = :service AND middle >= :from AND middle < :to AND level = 0",
        bounds,
    )?;
    for (place, sum) in sums {
        let Some(mut rows) = sum.rows else { continue };
        rows.add_up();
        let block = NewBlock {
            place,
            level: 1,
            start: sum.start,
            end: sum.end,
            middle: from + HOUR / 2,
            covered: sum.covered,
            samples: sum.samples,
            totals: sum.totals,
            hash: None,
        };
        insert(&transaction, &block, &rows)?;
    }
    if only {
        only_hours(&transaction, service, from, to)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Removes the profiles of hours that are over and added up, and begin before an instant.
fn remove_profiles(connection: &mut Connection, before: i64) -> rusqlite::Result<u64> {
    let transaction = connection.transaction()?;
    let hours: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT DISTINCT service, middle / ?1 FROM block WHERE level = 0 AND rolled = 1 AND middle < ?2",
        )?
        .query_map([HOUR, before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut removed = 0;
    for (service, hour) in hours {
        removed += only_hours(&transaction, service, hour * HOUR, (hour + 1) * HOUR)?;
    }
    transaction.commit()?;
    Ok(removed)
}

/// Leaves of an hour its sum alone. Profiles that came after the sum was made stay.
fn only_hours(connection: &Connection, service: i64, from: i64, to: i64) -> rusqlite::Result<u64> {
    let bounds = named_params! { ":service": service, ":from": from, ":to": to };
    connection
        .prepare_cached(
            "UPDATE block SET only = 1, checksum = checksum | 2 WHERE service = :service AND middle >= :from AND middle < :to AND level = 1",
        )?
        .execute(bounds)?;
    let removed = connection
        .prepare_cached(
            "DELETE FROM block WHERE service = :service AND middle >= :from AND middle < :to AND level = 0 AND rolled = 1",
        )?
        .execute(bounds)?;
    Ok(removed as u64)
}

fn remove_hours(connection: &Connection, before: i64) -> rusqlite::Result<u64> {
    let removed = connection
        .prepare_cached("DELETE FROM block WHERE level = 1 AND only = 1 AND middle < ?1")?
        .execute([before])?;
    Ok(removed as u64)
}

/// Makes room: the oldest samples, else profiles of the oldest hour that has a sum, else the oldest sum, else the oldest profiles.
fn evict(connection: &mut Connection, open: i64) -> rusqlite::Result<u64> {
    let removed = connection.execute(
        "DELETE FROM moments WHERE id IN (SELECT id FROM moments ORDER BY end LIMIT 20)",
        [],
    )?;
    if removed > 0 {
        return Ok(removed as u64);
    }
    let oldest: Option<i64> = connection.query_row(
        "SELECT min(middle) FROM block WHERE level = 0 AND rolled = 1",
        [],
        |row| row.get(0),
    )?;
    if let Some(middle) = oldest {
        return remove_profiles(connection, (middle.div_euclid(HOUR) + 1) * HOUR);
    }
    let removed = connection.execute(
        "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE middle < ?1 ORDER BY middle LIMIT 100)",
        params![open],
    )?;
    if removed > 0 {
        return Ok(removed as u64);
    }
    let removed = connection.execute(
        "DELETE FROM block WHERE id IN (SELECT id FROM block ORDER BY middle LIMIT 100)",
        [],
    )?;
    Ok(removed as u64)
}

/// Removes dictionaries, processes and services without profiles; returns the dictionaries' epochs. The newest of a service
/// stays, as the next profile adds to it.
fn remove_orphans(connection: &mut Connection) -> rusqlite::Result<Vec<i64>> {
    let transaction = connection.transaction()?;
    let epochs: Vec<i64> = transaction
        .prepare(
            "SELECT id FROM epoch WHERE NOT EXISTS (SELECT 1 FROM block WHERE epoch = epoch.id)
             AND NOT EXISTS (SELECT 1 FROM moments WHERE epoch = epoch.id)
             AND (id < (SELECT max(id) FROM epoch AS newest WHERE newest.service = epoch.service)
                  OR NOT EXISTS (SELECT 1 FROM block WHERE service = epoch.service))",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for epoch in &epochs {
        transaction.execute("DELETE FROM dictionary WHERE epoch = ?1", [epoch])?;
        transaction.execute("DELETE FROM epoch WHERE id = ?1", [epoch])?;
    }
    transaction.execute_batch(
        "DELETE FROM series WHERE id NOT IN (SELECT series FROM block UNION SELECT series FROM moments);
         DELETE FROM service_shape WHERE service NOT IN (SELECT DISTINCT service FROM block);
         DELETE FROM service WHERE id NOT IN (SELECT DISTINCT service FROM block);",
    )?;
    transaction.commit()?;
    Ok(epochs)
}
