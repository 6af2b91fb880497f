//! Finds the table of a map: among those that are kept, or by reading it. What cannot be read is told once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cache::Cache;
use super::declared::{DeclaredMap, Inline};
use super::failure::{self, SourceMapFailure};
use super::read::{NotRead, Opened, another_builds, is_anothers, open, read_file, read_inline};
use super::table::Table;
use crate::signal::COUNTERS;

/// The table of a map, or why there is none.
pub(super) enum Found {
    Table(Arc<Table>),
    /// The map would have to be read another time.
    Later,
    Nothing,
}

/// Reads maps and keeps their tables.
#[derive(Default)]
pub(super) struct Reader {
    cache: Cache,
    limit: usize,
    has_missing: bool,
}

impl Reader {
    /// Most bytes of tables kept.
    pub(super) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Whether a script named a map that is not there.
    pub(super) fn has_missing(&self) -> bool {
        self.has_missing
    }

    /// The table of a map. One that was read already and did not stay is read again only `now`.
    pub(super) fn table(&mut self, map: &DeclaredMap, now: bool) -> Found {
        if !map.is_wanted() {
            return Found::Nothing;
        }
        if let Some(table) = map.file.get().and_then(|stamp| self.cache.get(stamp)) {
            return Found::Table(table);
        }
        if map.file.get().is_some() && !now {
            return Found::Later;
        }
        // The parser is not ours: a fault of its own costs the map, and not the thread.
        let read = catch_unwind(AssertUnwindSafe(|| match map.take_inline() {
            Some(inline) => read_text(map, inline),
            None => self.read_file(map),
        }));
        let read = read.unwrap_or_else(|_| {
            let reason = "its mappings cannot be read".to_owned();
            Err(NotRead::Broken(PathBuf::from("inline"), reason))
        });
        map.settle(read.is_ok());
        match read {
            Ok(table) => Found::Table(table),
            Err(why) => {
                self.report(map, why);
                Found::Nothing
            }
        }
    }

    fn read_file(&mut self, map: &DeclaredMap) -> Result<Arc<Table>, NotRead> {
        let (file, stamp) = match open(map)? {
            Opened::File(file, stamp) => (file, stamp),
            Opened::Text(url) => return read_text(map, Inline::Raw(url.into())),
        };
        if map.file.get_or_init(|| stamp.clone()) != &stamp {
            return Err(another_builds(&stamp));
        }
        if let Some(table) = self.cache.get(&stamp) {
            return Ok(table);
        }
        let table = Arc::new(read_file(map, file, &stamp)?.table);
        COUNTERS.source_maps_read.fetch_add(1, Ordering::Relaxed);
        self.cache.put(stamp, Arc::clone(&table), self.limit);
        Ok(table)
    }

    fn report(&mut self, map: &DeclaredMap, why: NotRead) {
        match why {
            NotRead::GivenUp | NotRead::AnotherScripts => {}
            NotRead::Missing if !map.is_declared() => {}
            NotRead::Missing => {
                COUNTERS.source_maps_missing.fetch_add(1, Ordering::Relaxed);
                self.has_missing = true;
            }
            NotRead::Broken(path, reason) => {
                COUNTERS.source_maps_broken.fetch_add(1, Ordering::Relaxed);
                failure::report(SourceMapFailure {
                    script: map.script.to_string(),
                    map: path.to_string_lossy().into_owned(),
                    reason,
                });
            }
        }
    }
}

/// The table of a map that was in its script's text, and stands in its place from then on.
fn read_text(map: &DeclaredMap, inline: Inline) -> Result<Arc<Table>, NotRead> {
    let text = match inline {
        Inline::Table(table) => return Ok(table),
        Inline::Raw(text) => text,
        // Counted when it was given up.
        Inline::Gone => return Err(NotRead::GivenUp),
    };
    if is_anothers(map, &text) {
        return Err(NotRead::AnotherScripts);
    }
    let table = Arc::new(read_inline(map, &text)?.table);
    COUNTERS.source_maps_read.fetch_add(1, Ordering::Relaxed);
    map.replace_inline(Inline::Table(Arc::clone(&table)));
    Ok(table)
}
