//! A damaged file, read as far as it can be and left as it is.

use crate::checksum::Rows;
use crate::database::{self, FILE, check_schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row};
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of a page, and what the first one has where (SQLite's file format, 1.3).
const PAGE: usize = 4096;
const VERSIONS: std::ops::Range<usize> = 18..20;
const LARGEST_ROOT: std::ops::Range<usize> = 52..56;
const VALID_FOR: std::ops::Range<usize> = 92..96;

/// Beside the file while it is read: a copy with another beginning.
pub(crate) const COPY: &str = "repairing-copy.sqlite";

/// Opens the file; `None` where there is nothing to read in it.
pub(crate) fn open(path: &Path) -> Option<Connection> {
    if let Ok(connection) = open_file(path)
        && check_schema(path, &connection).is_ok()
    {
        return Some(connection);
    }
    let copy = path.with_file_name(COPY);
    with_new_beginning(path, &copy).ok()?;
    let connection = open_file(&copy).ok()?;
    check_schema(&copy, &connection).ok()?;
    Some(connection)
}

fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // What is in the log stays there.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Where the beginning of the file or the list of its tables is not readable: that of a new store stands in the same place, and
/// says the same.
fn with_new_beginning(path: &Path, copy: &Path) -> io::Result<()> {
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    std::fs::copy(path, copy)?;
    if log(path).exists() {
        std::fs::copy(log(path), log(copy))?;
    }
    let fresh = path.with_file_name("repairing-fresh.sqlite");
    let made = database::make(&fresh).map(drop);
    let read = std::fs::read(&fresh);
    std::fs::remove_file(&fresh)?;
    let mut pages = made.map_err(io::Error::other).and(read)?;
    pages[VERSIONS].fill(2);
    // Another number than that of the last change: then the size of the file counts.
    pages[VALID_FOR].fill(0xff);
    let number: [u8; 4] = pages[LARGEST_ROOT].try_into().map_err(io::Error::other)?;
    // Tables begin on the pages up to this one; the list of them goes on behind.
    let behind = u32::from_be_bytes(number) as usize * PAGE;
    let mut file = OpenOptions::new().write(true).open(copy)?;
    file.write_all(&pages[..PAGE])?;
    file.seek(SeekFrom::Start(behind as u64))?;
    file.write_all(pages.get(behind..).unwrap_or_default())
}

/// Calls `each` with every row that can be read: its number, and the columns behind that. A stretch that cannot be read is left
/// out. The first error of `each` ends it.
pub(crate) fn each_row<E>(
    source: &Connection,
    rows: &Rows,
    mut each: impl FnMut(&Row) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!(
        "SELECT rowid, {} FROM {} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid",
        rows.columns, rows.table
    );
    let Ok(mut statement) = source.prepare(&sql) else {
        return Ok(());
    };
    let mut from = 1_i64;
    let mut unreadable_from = None;
    loop {
        let Ok(mut found) = statement.query([from]) else {
            return Ok(());
        };
        loop {
            match found.next() {
                Ok(Some(row)) => {
                    each(row)?;
                    // A row that is not whole may have any number.
                    if rows.is_whole(row, 1).unwrap_or(false) {
                        from = row
                            .get::<_, i64>(0)
                            .map_or(from, |id| from.max(id.saturating_add(1)));
                        unreadable_from = None;
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => break,
            }
        }
        drop(found);
        // Row by row, and in longer steps through what is long unreadable: at most one in 64 that could be read is missed.
        let begin = *unreadable_from.get_or_insert(from);
        match from.checked_add(1 + (from - begin) / 64) {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The same for a table of names, by the index that is its second copy, from both ends.
pub(crate) fn each_name<E>(
    source: &Connection,
    rows: &Rows,
    mut each: impl FnMut(&Row) -> Result<(), E>,
) -> Result<(), E> {
    let by = match rows.columns.split(", ").collect::<Vec<_>>()[..] {
        [_, first, _] => first,
        _ => "service",
    };
    for order in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT id, {} FROM {table} INDEXED BY sqlite_autoindex_{table}_1 ORDER BY {by} {order}",
            rows.columns,
            table = rows.table
        );
        let Ok(mut statement) = source.prepare(&sql) else {
            continue;
        };
        let Ok(mut found) = statement.query([]) else {
            continue;
        };
        while let Ok(Some(row)) = found.next() {
            each(row)?;
        }
    }
    Ok(())
}

/// Reads the file once from its beginning to its end: what follows reads it page by page in the order of its tables, which a disk
/// that has to seek answers slowly. No connection to it is open in this process: closing the file would take its locks.
pub(crate) fn read_ahead(folder: &Path) {
    let Ok(mut file) = std::fs::File::open(folder.join(FILE)) else {
        return;
    };
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer).is_ok_and(|length| length > 0) {}
}
