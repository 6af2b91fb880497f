//! A damaged file, read as far as it can be and left as it is.

use crate::checksum::Rows;
use crate::database::{self, FILE};
use crate::schema::check_schema;
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
/// Of the node of the list of tables on the first page, and what it has where (SQLite's file format, 1.6): its kind, the number of
/// its cells, its last child and the places of its cells, each of which begins with a child.
const NODE: usize = 100;
const INNER: u8 = 5;
const CELL_COUNT: std::ops::Range<usize> = NODE + 3..NODE + 5;
const LAST_CHILD: usize = NODE + 8;
const CELLS: usize = NODE + 12;

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
    // Behind everything it covers nothing, but where a log says how long the file is nobody looks there.
    for list in [ListOfTables::Last, ListOfTables::InItsPlace] {
        with_new_beginning(path, &copy, list).ok()?;
        if let Ok(connection) = open_file(&copy)
            && check_schema(&copy, &connection).is_ok()
        {
            return Some(connection);
        }
    }
    None
}

/// Where the list of tables goes on, of which the first page has the beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListOfTables {
    /// Behind all pages of the file.
    Last,
    /// Where it is in a new store; one that was added to has something else there.
    InItsPlace,
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

/// Where the beginning of the file or the list of its tables is not readable: that of a new store says the same. Its tables begin
/// on the same pages, which come first.
fn with_new_beginning(path: &Path, copy: &Path, list: ListOfTables) -> io::Result<()> {
    let beside = |path: &Path, end: &str| PathBuf::from(format!("{}{end}", path.display()));
    for end in ["", "-wal"] {
        let file = beside(path, end);
        if file.exists() {
            std::fs::copy(file, beside(copy, end))?;
        }
    }
    match std::fs::remove_file(beside(copy, "-shm")) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let fresh = path.with_file_name("repairing-fresh.sqlite");
    let made = database::make(&fresh).map(drop);
    let read = std::fs::read(&fresh);
    std::fs::remove_file(&fresh)?;
    let mut pages = made.map_err(io::Error::other).and(read)?;
    pages[VERSIONS].fill(2);
    // Another number than that of the last change: then the size of the file counts.
    pages[VALID_FOR].fill(0xff);
    // Tables begin on the pages up to this one; the list of them goes on behind.
    let roots = number_at(&pages, LARGEST_ROOT.start) as usize;
    let mut file = OpenOptions::new().write(true).open(copy)?;
    let (beginning, rest) = pages.split_at_mut(PAGE);
    let rest = rest.get((roots - 1) * PAGE..).unwrap_or_default();
    let at = match list {
        ListOfTables::InItsPlace => roots,
        ListOfTables::Last => {
            let length = file.metadata()?.len().div_ceil(PAGE as u64) as usize;
            move_children(beginning, length.saturating_sub(roots) as u32);
            length.max(roots)
        }
    };
    file.write_all(beginning)?;
    file.seek(SeekFrom::Start((at * PAGE) as u64))?;
    file.write_all(rest)
}

/// Adds to the numbers of the pages on which the list of tables goes on.
fn move_children(page: &mut [u8], by: u32) {
    if page[NODE] != INNER {
        return;
    }
    let count = usize::from(u16::from_be_bytes([
        page[CELL_COUNT.start],
        page[CELL_COUNT.start + 1],
    ]));
    let cells = (0..count).map(|cell| {
        let at = CELLS + 2 * cell;
        usize::from(u16::from_be_bytes([page[at], page[at + 1]]))
    });
    let places: Vec<usize> = cells.chain([LAST_CHILD]).collect();
    for place in places {
        let moved = number_at(page, place) + by;
        page[place..place + 4].copy_from_slice(&moved.to_be_bytes());
    }
}

fn number_at(page: &[u8], place: usize) -> u32 {
    let bytes = page[place..].first_chunk::<4>().copied();
    u32::from_be_bytes(bytes.unwrap_or_default())
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
