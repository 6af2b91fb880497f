//! Whether everything in a store is what was written.

use super::salvage::{KINDS, tally};
use super::{Counts, Repair};
use crate::checksum::{BLOCK, DICTIONARY, METRICS, MOMENTS, Rows, SERIES, SERVICE, SHAPE};
use crate::query::HOUR;
use crate::schema::has_metrics;
use rusqlite::Connection;
use rustc_hash::FxHashSet;

pub(crate) enum Health {
    Whole,
    /// Rows that only answers about themselves need.
    BadBlocks(BadRows),
    Broken(String),
}

/// Numbers of rows.
#[derive(Default)]
pub(crate) struct BadRows {
    blocks: Vec<i64>,
    moments: Vec<i64>,
    metrics: Vec<i64>,
}

/// Reads all of it: 256 MiB take about a second.
pub(crate) fn check(connection: &Connection) -> rusqlite::Result<Health> {
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        // The first line may name the check alone.
        let why = verdict.lines().last().unwrap_or_default().to_owned();
        return Ok(Health::Broken(why));
    }
    for names in [&SERVICE, &SERIES, &SHAPE, &DICTIONARY] {
        if !bad_rows(connection, names)?.is_empty() {
            return Ok(Health::Broken(format!(
                "the table {} is not what was written",
                names.table
            )));
        }
    }
    if has_gaps(connection)? {
        return Ok(Health::Broken(
            "a part of a dictionary is missing".to_owned(),
        ));
    }
    let bad = BadRows {
        blocks: bad_rows(connection, &BLOCK)?,
        moments: bad_rows(connection, &MOMENTS)?,
        metrics: match has_metrics(connection)? {
            true => bad_rows(connection, &METRICS)?,
            false => Vec::new(),
        },
    };
    if ![&bad.blocks, &bad.moments, &bad.metrics]
        .into_iter()
        .all(Vec::is_empty)
    {
        return Ok(Health::BadBlocks(bad));
    }
    if has_strangers(connection)? {
        return Ok(Health::Broken(
            "blocks are of services or processes that are not there".to_owned(),
        ));
    }
    let counts = counts(connection)?;
    if tally(connection)? != Some(counts) {
        set_tally(connection, counts)?;
    }
    Ok(Health::Whole)
}

fn bad_rows(connection: &Connection, rows: &Rows) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare(&format!(
        "SELECT rowid, {} FROM {} NOT INDEXED",
        rows.columns, rows.table
    ))?;
    let mut found = statement.query([])?;
    let mut bad = Vec::new();
    while let Some(row) = found.next()? {
        if !rows.is_whole(row, 1)? {
            bad.push(row.get(0)?);
        }
    }
    Ok(bad)
}

/// A dictionary is a whole one or its first delta, and each that follows.
fn has_gaps(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (
             SELECT 1 FROM dictionary GROUP BY epoch
             HAVING count(*) <> max(sequence) - min(sequence) + 1 OR (min(sequence) <> 1 AND max(whole = 1) = 0)
         )",
        [],
        |row| row.get(0),
    )
}

/// Tables without checksums say what blocks say as well.
fn has_strangers(connection: &Connection) -> rusqlite::Result<bool> {
    let pairs = |sql: &str| -> rusqlite::Result<FxHashSet<(i64, i64)>> {
        connection
            .prepare(sql)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    for (used, known) in [
        (
            "SELECT DISTINCT service, shape FROM block",
            "SELECT service, shape FROM service_shape JOIN shape ON id = shape",
        ),
        (
            "SELECT DISTINCT service, epoch FROM block UNION SELECT DISTINCT service, epoch FROM moments",
            "SELECT service, epoch.id FROM epoch JOIN service ON service.id = service",
        ),
        (
            "SELECT DISTINCT service, series FROM block UNION SELECT DISTINCT service, series FROM moments",
            "SELECT service, id FROM series",
        ),
    ] {
        if !pairs(used)?.is_subset(&pairs(known)?) {
            return Ok(true);
        }
    }
    if !has_metrics(connection)? {
        return Ok(false);
    }
    connection.query_row(
        "SELECT EXISTS (
             SELECT 1 FROM metrics LEFT JOIN block ON block.id = metrics.id
             WHERE block.level IS NOT 0 OR block.service <> metrics.service OR block.series <> metrics.series
         )",
        [],
        |row| row.get(0),
    )
}

/// Takes out what is not whole; all else stays as it is.
pub(crate) fn remove(connection: &mut Connection, bad: &BadRows) -> rusqlite::Result<Repair> {
    let transaction = connection.transaction()?;
    let before = tally(&transaction).ok().flatten();
    for (rows, ids) in [
        (&BLOCK, &bad.blocks),
        (&MOMENTS, &bad.moments),
        (&METRICS, &bad.metrics),
    ] {
        if ids.is_empty() {
            continue;
        }
        let mut statement =
            transaction.prepare(&format!("DELETE FROM {} WHERE id = ?1", rows.table))?;
        for id in ids {
            statement.execute([id])?;
        }
    }
    settle_hours(&transaction)?;
    let now = counts(&transaction)?;
    set_tally(&transaction, now)?;
    transaction.commit()?;
    let lost = |index: usize| Counts {
        kept: now[index],
        lost: before.map_or(0, |before| before[index].saturating_sub(now[index])),
    };
    Ok(Repair {
        cause: "blocks are not what was written".to_owned(),
        profiles: lost(0),
        hours: lost(1),
        samples: lost(2),
        metrics: lost(3),
        is_counted: before.is_some(),
        ..Repair::default()
    })
}

/// Profiles whose sum is lost are added up again.
pub(crate) fn settle_hours(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE block AS profile SET rolled = 0, checksum = checksum & ~1
         WHERE level = 0 AND rolled = 1 AND NOT EXISTS (
             SELECT 1 FROM block AS sum
             WHERE sum.service = profile.service AND sum.middle = profile.middle / ?1 * ?1 + ?1 / 2 AND sum.level = 1
             AND sum.epoch = profile.epoch AND sum.series = profile.series AND sum.shape = profile.shape
             AND sum.kind = profile.kind
         )",
        [HOUR],
    )?;
    Ok(())
}

/// Profiles, sums that are alone, blocks of samples, blocks of metrics.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<[u64; 4]> {
    let count = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map(|count| count as u64)
    };
    Ok([
        count("SELECT count(*) FROM block WHERE level = 0")?,
        count("SELECT count(*) FROM block WHERE level = 1 AND only = 1")?,
        count("SELECT count(*) FROM moments")?,
        match has_metrics(connection)? {
            true => count("SELECT count(*) FROM metrics")?,
            false => 0,
        },
    ])
}

fn set_tally(connection: &Connection, counts: [u64; 4]) -> rusqlite::Result<()> {
    for (kind, count) in KINDS.into_iter().zip(counts) {
        connection.execute(
            "UPDATE tally SET number = ?2, opposite = -?2 WHERE kind = ?1",
            (kind, count as i64),
        )?;
    }
    Ok(())
}
