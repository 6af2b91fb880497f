use crate::workload::Block;
use rusqlite::{Connection, params};
use std::path::Path;

pub struct Engine(Connection);

impl Engine {
    pub fn open(path: &Path) -> Engine {
        let connection = Connection::open(path).expect("SQLite opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;
                 CREATE TABLE IF NOT EXISTS block(minute INTEGER, instance INTEGER, data BLOB, PRIMARY KEY(minute, instance)) WITHOUT ROWID;
                 CREATE TABLE IF NOT EXISTS dictionary(minute INTEGER, instance INTEGER, data BLOB, PRIMARY KEY(minute, instance)) WITHOUT ROWID;",
            )
            .expect("a schema");
        Engine(connection)
    }

    pub fn commit(&mut self, blocks: &[Block]) {
        let transaction = self.0.transaction().expect("a transaction");
        for (table, pick) in [("block", true), ("dictionary", false)] {
            let mut statement = transaction
                .prepare(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3)"))
                .expect("a statement");
            for block in blocks {
                let data = if pick { &block.data } else { &block.dictionary };
                statement
                    .execute(params![block.key.0 as i64, block.key.1 as i64, data])
                    .expect("an insertion");
            }
        }
        transaction.commit().expect("a commit");
    }

    pub fn read_all(&self) -> (u64, u64) {
        let mut statement = self
            .0
            .prepare("SELECT data FROM block ORDER BY minute, instance")
            .expect("a statement");
        let mut rows = statement.query([]).expect("rows");
        let (mut count, mut total) = (0, 0);
        while let Some(row) = rows.next().expect("a row") {
            let data = row.get_ref(0).expect("a column").as_blob().expect("a blob");
            count += 1;
            total += data.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        (count, total)
    }

    pub fn count(&self) -> u64 {
        self.0
            .query_row("SELECT count(*) FROM block", [], |row| row.get::<_, i64>(0))
            .expect("a count") as u64
    }

    pub fn remove_oldest(&mut self, count: u64) {
        self.0
            .execute(
                "DELETE FROM block WHERE (minute, instance) IN
                 (SELECT minute, instance FROM block ORDER BY minute, instance LIMIT ?1)",
                [count as i64],
            )
            .expect("a removal");
    }
}
