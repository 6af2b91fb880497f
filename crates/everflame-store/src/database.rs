//! The file under the store: SQLite, which has the durability, the locks and the order of writes.

use crate::error::StoreError;
use crate::schema::{FORMAT, check_schema, make_tables};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the file in the store's folder.
pub(crate) const FILE: &str = "profiles.sqlite";

/// Of SQLite's file format: its first bytes, and the version of reading and writing with a log.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const WAL: u8 = 2;

/// Opens the file for writing, and makes it where there is none. A file that is no store of ours is [`is_damage`]. One of a former
/// format stays that until [`crate::schema::upgrade`].
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

pub(crate) fn damaged(path: &Path, why: &str) -> StoreError {
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
