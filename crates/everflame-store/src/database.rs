//! The file under the store: SQLite, which has the durability, the locks and the order of writes.

use crate::error::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Of the tables below and of what is in them. A store of a newer one is left alone.
pub const FORMAT: i64 = 1;

/// Name of the file in the store's folder.
pub(crate) const FILE: &str = "profiles.sqlite";

/// Of SQLite's file format: its first bytes, the version of reading and writing with a log, and the kind of vacuum.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const WAL: u8 = 2;
const INCREMENTAL: i64 = 2;

/// `middle` is the instant to which a block belongs, in nanoseconds as `start` and `end` are; `covered` the sum of what its
/// profiles last. `level` 0 is a profile as it came; 1 the sum of an hour, in which the profiles with `rolled` are; `only` says
/// that these are not kept any more. Times in `moments` are told from `origin` on. `tally` says how much there is, so that after
/// damage it can be told how much is lost; `number` and `opposite` add up to 0. For checksums see `checksum.rs`.
///
/// Tables of names are UNIQUE with their checksum: the index is a second copy of them.
const SCHEMA: &str = "
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

/// Opens the file for writing, and makes it where there is none. A file that is no store of ours is [`is_damage`].
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    check_file(path)?;
    let engine = engine_error(path);
    let connection = Connection::open(path).map_err(&engine)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(&engine)?;
    // Nothing is written before it is known whose file this is.
    check_format(path, &connection)?;
    let is_new = is_empty(&connection).map_err(&engine)?;
    if is_new {
        // Before the first table: later it would take a VACUUM.
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(&engine)?;
    } else {
        check_schema(path, &connection)?;
    }
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
    if is_new {
        make_tables(&connection).map_err(&engine)?;
    }
    Ok(connection)
}

/// Makes a store that is not used before it is closed and on the disk: without the cost of a journal.
pub(crate) fn make(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    make_tables(&connection)?;
    Ok(connection)
}

fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} INSERT INTO store VALUES ({FORMAT}, '{version}'); PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

/// Opens the file for reading, beside a process that writes it.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let engine = engine_error(path);
    match path.metadata() {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Err(missing(path)),
        Err(cause) => {
            let path = path.to_owned();
            return Err(StoreError::File { path, cause });
        }
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&engine)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(&engine)?;
    connection
        .pragma_update(None, "cache_size", -4096)
        .map_err(&engine)?;
    check_format(path, &connection)?;
    if is_empty(&connection).map_err(&engine)? {
        return Err(missing(path));
    }
    check_schema(path, &connection)?;
    Ok(connection)
}

/// No connection to the file is open in this process: closing it here would take its locks.
///
/// What SQLite would report as one failure for many causes, or take for an order to read only.
fn check_file(path: &Path) -> Result<(), StoreError> {
    let metadata = match std::fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.and_then(|_| path.metadata()),
    };
    let failed = |cause| StoreError::File {
        path: path.to_owned(),
        cause,
    };
    if !metadata.map_err(failed)?.is_file() {
        return Err(StoreError::NoFile {
            path: path.to_owned(),
        });
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let mut header = [0; 100];
    let is_ours = match file.read_exact(&mut header) {
        Ok(()) => header[..16] == *MAGIC && header[18..20].iter().all(|version| *version <= WAL),
        // SQLite would take a few bytes for none, and begin anew over them.
        Err(_) => file.metadata().is_ok_and(|metadata| metadata.len() == 0),
    };
    if is_ours {
        Ok(())
    } else {
        Err(damaged(path, "its beginning is not that of a store"))
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

/// Refuses a store of a newer format. It says its format twice, so that a changed bit does not make it newer.
fn check_format(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let engine = engine_error(path);
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(&engine)?;
    if version <= FORMAT {
        return Ok(());
    }
    let found: i64 = connection
        .query_row("SELECT format FROM store", [], |row| row.get(0))
        .map_err(|_| damaged(path, "its format is not readable"))?;
    if found != version {
        return Err(damaged(path, "its format is not readable"));
    }
    Err(StoreError::Newer {
        path: path.to_owned(),
        found,
        known: FORMAT,
    })
}

/// The tables of another program are damage as well: what is ours in them, if anything, cannot be used as it is.
pub(crate) fn check_schema(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    static OURS: OnceLock<Tables> = OnceLock::new();
    let engine = engine_error(path);
    let ours = match OURS.get() {
        Some(ours) => ours,
        None => {
            let fresh = Connection::open_in_memory().map_err(&engine)?;
            make_tables(&fresh).map_err(&engine)?;
            let tables = schema(&fresh).map_err(&engine)?;
            OURS.get_or_init(|| tables)
        }
    };
    let is_ours = schema(connection).map_err(&engine)? == *ours;
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

fn damaged(path: &Path, why: &str) -> StoreError {
    StoreError::Damaged {
        what: format!("the store {} ({why})", path.display()),
    }
}

/// Whether SQLite says that the file is not what it was. Values of another kind than the column's are the same.
pub(crate) fn is_damage(cause: &rusqlite::Error) -> bool {
    match cause {
        rusqlite::Error::SqliteFailure(error, _) => matches!(
            error.code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
        ),
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

/// What makes an error of SQLite one of this store.
pub(crate) fn engine_error(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path: PathBuf = path.to_owned();
    move |cause| StoreError::Engine {
        path: path.clone(),
        cause,
    }
}

/// There is no file, or none with our tables, in the folder that it should be in.
fn missing(path: &Path) -> StoreError {
    StoreError::Missing {
        path: path.parent().unwrap_or(path).to_owned(),
    }
}
