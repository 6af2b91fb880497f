//! Tables of maps that lie in files, the latest used ones.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::declared::TABLE_BYTES;
use super::read::Stamp;
use super::table::Table;

/// Tables up to a limit of memory.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The latest used one last.
    tables: Vec<(Stamp, Arc<Table>)>,
}

impl Cache {
    pub(super) fn get(&mut self, stamp: &Stamp) -> Option<Arc<Table>> {
        let place = self.tables.iter().position(|(known, _)| known == stamp)?;
        let entry = self.tables.remove(place);
        let table = Arc::clone(&entry.1);
        self.tables.push(entry);
        Some(table)
    }

    /// Takes a table on. It is not kept where it alone is over the limit.
    pub(super) fn put(&mut self, stamp: Stamp, table: Arc<Table>, limit: usize) {
        self.tables.push((stamp, table));
        while self.bytes() > limit {
            self.tables.remove(0);
        }
        TABLE_BYTES.store(self.bytes(), Ordering::Relaxed);
    }

    fn bytes(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.bytes()).sum()
    }
}
