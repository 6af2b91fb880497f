//! The file under the store: SQLite, which has the durability, the locks and the order of writes.

use crate::error::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of the tables below and of what is in them. A store of a newer one is left alone.
pub const FORMAT: i64 = 1;

/// Name of the file in the store's folder.
pub(crate) const FILE: &str = "profiles.sqlite";

/// `middle` is the instant to which a block belongs, in nanoseconds as `start` and `end` are; `covered` the sum of what its
/// profiles last. `level` 0 is a profile as it came; 1 the sum of an hour, in which the profiles with `rolled` are; `only` says
/// that these are not kept any more. Times in `moments` are told from `origin` on.
const SCHEMA: &str = "
    CREATE TABLE store(format INTEGER NOT NULL, version TEXT NOT NULL) STRICT;
    CREATE TABLE service(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE series(
        id INTEGER PRIMARY KEY, service INTEGER NOT NULL, tags TEXT NOT NULL, UNIQUE(service, tags)
    ) STRICT;
    CREATE TABLE shape(id INTEGER PRIMARY KEY, types TEXT NOT NULL UNIQUE) STRICT;
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
";

/// Opens the file for writing, and makes it where there is none.
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let engine = engine_error(path);
    let connection = Connection::open(path).map_err(&engine)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(&engine)?;
    // Before the first table: later it would take a VACUUM.
    connection
        .pragma_update(None, "auto_vacuum", "INCREMENTAL")
        .map_err(&engine)?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(&engine)?;
    // A profile that was acknowledged survives a power failure.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(&engine)?;
    connection
        .pragma_update(None, "cache_size", -16_384)
        .map_err(&engine)?;
    connection
        .pragma_update(None, "journal_size_limit", 16 << 20)
        .map_err(&engine)?;
    match format_of(&connection).map_err(&engine)? {
        Some(found) => check_format(path, found)?,
        None => {
            let version = env!("CARGO_PKG_VERSION");
            connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {SCHEMA} INSERT INTO store VALUES ({FORMAT}, '{version}'); COMMIT;"
                ))
                .map_err(&engine)?;
        }
    }
    Ok(connection)
}

/// Opens the file for reading, beside a process that writes it.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let engine = engine_error(path);
    if !path.exists() {
        return Err(StoreError::Missing {
            path: path.to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&engine)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(&engine)?;
    connection
        .pragma_update(None, "cache_size", -4096)
        .map_err(&engine)?;
    match format_of(&connection).map_err(&engine)? {
        Some(found) => check_format(path, found)?,
        None => {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
    }
    Ok(connection)
}

fn format_of(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let has_table: bool = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'store'",
        [],
        |row| row.get(0),
    )?;
    if !has_table {
        return Ok(None);
    }
    connection
        .query_row("SELECT format FROM store", [], |row| row.get(0))
        .map(Some)
}

fn check_format(path: &Path, found: i64) -> Result<(), StoreError> {
    if found > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        });
    }
    Ok(())
}

/// What makes an error of SQLite one of this store.
pub(crate) fn engine_error(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path: PathBuf = path.to_owned();
    move |cause| StoreError::Engine {
        path: path.clone(),
        cause,
    }
}
