use crate::workload::Block;
use redb::{Builder, ConcurrencyMode, Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use std::path::Path;

const BLOCKS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("block");
const DICTIONARY: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("dictionary");

pub struct Engine(Database);

impl Engine {
    pub fn open(path: &Path) -> Engine {
        let database = Builder::new()
            .set_cache_size(32 << 20)
            .set_concurrency_mode(ConcurrencyMode::SingleWriter)
            .create(path)
            .expect("redb opens");
        Engine(database)
    }

    pub fn commit(&mut self, blocks: &[Block]) {
        let mut transaction = self.0.begin_write().expect("a transaction");
        // Else an open after a crash reads the whole file.
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(BLOCKS).expect("a table");
            let mut dictionary = transaction.open_table(DICTIONARY).expect("a table");
            for block in blocks {
                table.insert(block.key, block.data.as_slice()).expect("an insertion");
                dictionary.insert(block.key, block.dictionary.as_slice()).expect("an insertion");
            }
        }
        transaction.commit().expect("a commit");
    }

    pub fn read_all(&self) -> (u64, u64) {
        let transaction = self.0.begin_read().expect("a transaction");
        let table = transaction.open_table(BLOCKS).expect("a table");
        table
            .range::<(u64, u64)>(..)
            .expect("a range")
            .map(|entry| sum(entry.expect("an entry").1.value()))
            .fold((0, 0), |(count, total), one| (count + 1, total + one))
    }

    pub fn count(&self) -> u64 {
        let transaction = self.0.begin_read().expect("a transaction");
        match transaction.open_table(BLOCKS) {
            Ok(table) => table.len().expect("a length"),
            Err(redb::TableError::TableDoesNotExist(_)) => 0,
            Err(error) => panic!("{error}"),
        }
    }

    pub fn remove_oldest(&mut self, count: u64) {
        let mut transaction = self.0.begin_write().expect("a transaction");
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(BLOCKS).expect("a table");
            for _ in 0..count {
                table.pop_first().expect("a removal");
            }
        }
        transaction.commit().expect("a commit");
    }
}

fn sum(data: &[u8]) -> u64 {
    data.iter().map(|byte| u64::from(*byte)).sum()
}
