//! The tables of a store, of this format and of the former ones.

use crate::database::{damaged, engine_error};
use crate::error::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::OnceLock;

/// Of the tables below and of what is in them. A store of a newer one is left alone; one of a former one is added to when it is
/// opened for writing, and can be read as it is. In format 1 there are no metrics; in it and in format 2 the deltas of dictionaries do not
/// say where they begin.
pub const FORMAT: i64 = 3;

/// SQLite's number for the kind of vacuum that a store has.
const INCREMENTAL: i64 = 2;

/// The tables of format 1.
///
/// `middle` is the instant to which a block belongs, in nanoseconds as `start` and `end` are; `covered` the sum of what its
/// profiles last. `level` 0 is a profile as it came; 1 the sum of an hour, in which the profiles with `rolled` are; `only` says
/// that these are not kept any more. Times in `moments` are told from `origin` on. `tally` says how much there is, so that after
/// damage it can be told how much is lost; `number` and `opposite` add up to 0. For checksums see `checksum.rs`.
///
/// Tables of names are UNIQUE with their checksum: the index is a second copy of them.
const FIRST: &str = "
    CREATE TABLE store(format INTEGER NOT NULL, version TEXT NOT NULL) STRICT;
    CREATE TABLE service(id INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL, UNIQUE(name, checksum)) STRICT;
    CREATE TABLE series(
        id INTEGER PRIMARY KEY, service INTEGER NOT NULL, tags TEXT NOT NULL, checksum INTEGER NOT NULL,
        UNIQUE(service, tags, checksum)
    ) STRICT;
    CREATE TABLE shape(id INTEGER PRIMARY KEY, types TEXT NOT NULL, checksum INTEGER NOT NULL, UNIQUE(types, checksum)) STRICT;
    CREATE TABLE service_shape(service INTEGER NOT NULL, shape INTEGER NOT NULL, PRIMARY KEY(service, shape)) STRICT;
    CREATE TABLE epoch(id INTEGER PRIMARY KEY, service INTEGER NOT NULL) STRICT;
    CREATE INDEX epoch_service ON epoch(service, id);
    CREATE TABLE dictionary(
        epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, whole INTEGER NOT NULL, checksum INTEGER NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY(epoch, sequence)
    ) STRICT;
    CREATE TABLE block(
        id INTEGER PRIMARY KEY, service INTEGER NOT NULL, epoch INTEGER NOT NULL, series INTEGER NOT NULL,
        shape INTEGER NOT NULL, kind TEXT NOT NULL, level INTEGER NOT NULL, rolled INTEGER NOT NULL, only INTEGER NOT NULL,
        start INTEGER NOT NULL, end INTEGER NOT NULL, middle INTEGER NOT NULL,
        covered INTEGER NOT NULL, samples INTEGER NOT NULL,
        totals BLOB NOT NULL, hash BLOB UNIQUE, checksum INTEGER NOT NULL, data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE moments(
        id INTEGER PRIMARY KEY, service INTEGER NOT NULL, epoch INTEGER NOT NULL, series INTEGER NOT NULL,
        shape INTEGER NOT NULL, origin INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        checksum INTEGER NOT NULL, data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX moments_time ON moments(service, end);
    CREATE INDEX moments_epoch ON moments(epoch);
    CREATE INDEX moments_age ON moments(end);
    CREATE INDEX block_time ON block(service, middle);
    CREATE INDEX block_unrolled ON block(service, middle) WHERE level = 0 AND rolled = 0;
    CREATE INDEX block_epoch ON block(epoch);
    CREATE INDEX block_age ON block(level, middle);
    CREATE TABLE tally(kind TEXT PRIMARY KEY, number INTEGER NOT NULL, opposite INTEGER NOT NULL) STRICT;
    INSERT INTO tally VALUES ('profile', 0, 0), ('hour', 0, 0), ('moments', 0, 0);
    CREATE TRIGGER block_in AFTER INSERT ON block WHEN new.level = 0 OR new.only = 1 BEGIN
        UPDATE tally SET number = number + 1, opposite = opposite - 1 WHERE kind = iif(new.level = 0, 'profile', 'hour');
    END;
    CREATE TRIGGER block_out AFTER DELETE ON block WHEN old.level = 0 OR old.only = 1 BEGIN
        UPDATE tally SET number = number - 1, opposite = opposite + 1 WHERE kind = iif(old.level = 0, 'profile', 'hour');
    END;
    CREATE TRIGGER block_only AFTER UPDATE OF only ON block WHEN new.only > old.only BEGIN
        UPDATE tally SET number = number + 1, opposite = opposite - 1 WHERE kind = 'hour';
    END;
    CREATE TRIGGER moments_in AFTER INSERT ON moments BEGIN
        UPDATE tally SET number = number + 1, opposite = opposite - 1 WHERE kind = 'moments';
    END;
    CREATE TRIGGER moments_out AFTER DELETE ON moments BEGIN
        UPDATE tally SET number = number - 1, opposite = opposite + 1 WHERE kind = 'moments';
    END;
";

/// What format 2 has beside them. `id` is that of the profile's block: metrics go with it. Behind all others, so that the pages on which
/// tables begin are the same in both formats.
const METRICS: &str = "
    CREATE TABLE metrics(
        id INTEGER PRIMARY KEY, service INTEGER NOT NULL, series INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        step INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX metrics_time ON metrics(service, end);
    INSERT INTO tally VALUES ('metrics', 0, 0);
    CREATE TRIGGER metrics_in AFTER INSERT ON metrics BEGIN
        UPDATE tally SET number = number + 1, opposite = opposite - 1 WHERE kind = 'metrics';
    END;
    CREATE TRIGGER metrics_out AFTER DELETE ON metrics BEGIN
        UPDATE tally SET number = number - 1, opposite = opposite + 1 WHERE kind = 'metrics';
    END;
    CREATE TRIGGER metrics_go AFTER DELETE ON block WHEN old.level = 0 BEGIN
        DELETE FROM metrics WHERE id = old.id;
    END;
";

/// Makes the tables of a new store.
pub(crate) fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {FIRST} {METRICS} INSERT INTO store VALUES ({FORMAT}, '{version}'); PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

/// Makes a store of a former format one of this, as a whole or not at all. It is a store, and nothing in it is damaged.
pub(crate) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == FORMAT {
        return Ok(());
    }
    let version = env!("CARGO_PKG_VERSION");
    let tables = match has_metrics(connection)? {
        true => "",
        false => METRICS,
    };
    let transaction = connection.transaction()?;
    transaction.execute_batch(&format!(
        "{tables} UPDATE store SET format = {FORMAT}, version = '{version}'; PRAGMA user_version = {FORMAT};"
    ))?;
    transaction.commit()
}

/// Whether a store is not of format 1, in which there are none.
pub(crate) fn has_metrics(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'metrics')")?
        .query_row([], |row| row.get(0))
}

/// The tables of another program are damage as well: what is ours in them, if anything, cannot be used as it is.
pub(crate) fn check_schema(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    static OURS: OnceLock<[Tables; 2]> = OnceLock::new();
    let engine = engine_error(path);
    let ours = match OURS.get() {
        Some(ours) => ours,
        None => {
            let made = [FIRST.to_owned(), format!("{FIRST} {METRICS}")].map(|sql| {
                let fresh = Connection::open_in_memory()?;
                fresh.execute_batch(&sql)?;
                schema(&fresh)
            });
            let [former, own] = made;
            let both = [former.map_err(&engine)?, own.map_err(&engine)?];
            OURS.get_or_init(|| both)
        }
    };
    let is_ours = ours.contains(&schema(connection).map_err(&engine)?);
    let vacuum: i64 = connection
        .pragma_query_value(None, "auto_vacuum", |row| row.get(0))
        .map_err(&engine)?;
    if is_ours && vacuum == INCREMENTAL {
        Ok(())
    } else {
        Err(damaged(path, "its tables are not those of a store"))
    }
}

/// Kind, name and SQL of each table and index.
type Tables = Vec<(String, String, Option<String>)>;

fn schema(connection: &Connection) -> rusqlite::Result<Tables> {
    connection
        .prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}
