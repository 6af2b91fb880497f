//! Stores of former formats.

use super::Folder;
use flate2::read::DeflateDecoder;
use rusqlite::Connection;
use std::hash::Hasher;
use std::io::Read;
use twox_hash::XxHash3_64;

/// Makes the file of a store one of format 1, in which there are no metrics: with the same rows, as it would have been
/// written.
pub(crate) fn of_former_format(folder: &Folder) {
    let path = folder.0.join("profiles.sqlite");
    let own = folder.0.join("own.sqlite");
    std::fs::rename(&path, &own).expect("the file aside");
    let former = rusqlite::Connection::open(&path).expect("a file");
    former
        .pragma_update(None, "auto_vacuum", "INCREMENTAL")
        .expect("a kind of vacuum");
    former
        .pragma_update(None, "journal_mode", "WAL")
        .expect("a log");
    former
        .execute("ATTACH ?1 AS own", [own.to_str().expect("a path")])
        .expect("the own one");
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = former.prepare(sql).expect("a question");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    };
    let others = "FROM own.sqlite_schema WHERE sql NOT NULL AND name NOT LIKE 'metrics%'";
    let made = texts(&format!("SELECT sql {others} ORDER BY rowid"));
    former
        .execute_batch(&format!(
            "BEGIN; {};
             INSERT INTO tally VALUES ('profile', 0, 0), ('hour', 0, 0), ('moments', 0, 0);
             INSERT INTO store VALUES (1, '0.0.9'); PRAGMA user_version = 1; COMMIT",
            made.join("; ")
        ))
        .expect("the tables of format 1");
    for table in texts(&format!(
        "SELECT name {others} AND type = 'table' ORDER BY rowid"
    )) {
        if table != "store" && table != "tally" {
            former
                .execute_batch(&format!(
                    "INSERT INTO main.{table} SELECT * FROM own.{table}"
                ))
                .expect("its rows");
        }
    }
    former_deltas(&former);
    drop(former);
    std::fs::remove_file(own).expect("the own one is of no use");
}

/// Makes the file of a store one of format 2.
pub(crate) fn of_format_2(folder: &Folder) {
    let store = Connection::open(folder.0.join("profiles.sqlite")).expect("the file");
    former_deltas(&store);
    store
        .execute_batch("UPDATE store SET format = 2; PRAGMA user_version = 2")
        .expect("another format");
}

/// Takes from the deltas of dictionaries where they begin, which they did not say.
fn former_deltas(store: &Connection) {
    let rows: Vec<(i64, i64, i64, i64, Vec<u8>)> = store
        .prepare("SELECT rowid, epoch, sequence, whole, data FROM dictionary")
        .expect("a question")
        .query_map([], |row| {
            let (own, epoch) = (row.get(0)?, row.get(1)?);
            Ok((own, epoch, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("deltas");
    for (own, epoch, sequence, whole, data) in rows {
        let mut delta = Vec::new();
        match data[0] {
            2 => delta.extend(&data[1..]),
            3 => {
                let mut decoder = DeflateDecoder::new(&data[1..]);
                decoder.read_to_end(&mut delta).expect("a delta");
            }
            form => panic!("a form {form}"),
        }
        // Five numbers, of each of which the last byte has no highest bit.
        let mut ends = delta.iter().enumerate().filter(|(_, byte)| **byte < 0x80);
        let (end, _) = ends.nth(4).expect("five numbers");
        let former = [&[0], &delta[end + 1..]].concat();
        let mut hasher = XxHash3_64::new();
        let mut add = |form: u8, bytes: &[u8]| {
            hasher.write_u8(form);
            hasher.write(&(bytes.len() as u64).to_le_bytes());
            hasher.write(bytes);
        };
        for number in [epoch, sequence, whole] {
            add(1, &number.to_le_bytes());
        }
        add(4, &former);
        store
            .execute(
                "UPDATE dictionary SET data = ?2, checksum = ?3 WHERE rowid = ?1",
                (own, &former, hasher.finish() as i64),
            )
            .expect("a former delta");
    }
}
