//! The dictionaries that are in memory, by their epoch. An epoch is as much of one service as one dictionary serves: it ends
//! when the dictionary is large, so that retention can remove what generated names have left.

use crate::checksum::{DICTIONARY, checksum_of};
use crate::delta::{Delta, encode, stretches};
use crate::dictionary::{Dictionary, Lengths};
use crate::error::StoreError;
use crate::query::unreadable;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row, params};
use rustc_hash::FxHashMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Bytes of dictionaries that stay in memory for the next question.
const KEPT_BYTES: usize = 48 << 20;
/// Below this a compressed delta is hardly smaller.
const SMALLEST_COMPRESSED: usize = 200;
/// First byte of a delta in the file. Those of the former format do not say where they begin.
const FORMER_PLAIN: u8 = 0;
const FORMER_DEFLATED: u8 = 1;
const PLAIN: u8 = 2;
const DEFLATED: u8 = 3;

/// What a row of [`DICTIONARY`] is: the next delta, the beginning of a whole dictionary, or what follows it there.
const NEXT: i64 = 0;
pub(crate) const BEGINNING: i64 = 1;
const CONTINUATION: i64 = 2;

/// A dictionary, and how much of it is in the file.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) dictionary: Dictionary,
    persisted: Option<Lengths>,
    /// Number of the last delta that is in it.
    sequence: i64,
}

#[derive(Default)]
struct Slot {
    loaded: RwLock<Loaded>,
    /// Beside the lock, which a question may hold for long: what tells whether it may be forgotten.
    used: AtomicU64,
    weight: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Shared(Arc<Slot>);

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Loaded> {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Loaded> {
        self.0
            .loaded
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_behind(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<bool> {
        let newest: Option<i64> = connection
            .prepare_cached("SELECT max(sequence) FROM dictionary WHERE epoch = ?1")?
            .query_row([epoch], |row| row.get(0))?;
        Ok(newest.is_some_and(|newest| newest > self.read().sequence))
    }
}

#[derive(Default)]
pub(crate) struct Dictionaries {
    slots: Mutex<FxHashMap<i64, Shared>>,
    uses: AtomicU64,
}

impl Dictionaries {
    /// The dictionary of an epoch, as new as what `connection` sees of it at least. Not for those who hold one of them.
    pub(crate) fn get(&self, connection: &Connection, epoch: i64) -> Result<Shared, StoreError> {
        let shared = self
            .slots()
            .entry(epoch)
            .or_insert_with(|| Shared(Arc::default()))
            .clone();
        shared
            .0
            .used
            .store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if shared.is_behind(connection, epoch).map_err(unreadable)? {
            let mut loaded = shared.write();
            loaded.catch_up(connection, epoch)?;
            shared
                .0
                .weight
                .store(loaded.dictionary.weight(), Ordering::Relaxed);
        }
        self.forget_beside(epoch);
        Ok(shared)
    }

    /// An epoch that is gone, or whose transaction did not come to its end.
    pub(crate) fn remove(&self, epoch: i64) {
        self.slots().remove(&epoch);
    }

    /// Those that were not used for long, while all are too large.
    fn forget_beside(&self, epoch: i64) {
        let mut slots = self.slots();
        let mut weight: usize = slots
            .values()
            .map(|shared| shared.0.weight.load(Ordering::Relaxed))
            .sum();
        while weight > KEPT_BYTES {
            // Whoever uses one holds it, and may have put into it what is not in the file yet.
            let oldest = slots
                .iter()
                .filter(|(id, shared)| **id != epoch && Arc::strong_count(&shared.0) == 1)
                .min_by_key(|(_, shared)| shared.0.used.load(Ordering::Relaxed))
                .map(|(id, _)| *id);
            let Some(shared) = oldest.and_then(|id| slots.remove(&id)) else {
                return;
            };
            weight -= shared.0.weight.load(Ordering::Relaxed);
        }
    }

    fn slots(&self) -> MutexGuard<'_, FxHashMap<i64, Shared>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn catch_up(&mut self, connection: &Connection, epoch: i64) -> Result<(), StoreError> {
        let mut statement = connection
            .prepare_cached(&format!(
                "SELECT {} FROM dictionary WHERE epoch = ?1 AND sequence > ?2 ORDER BY sequence",
                DICTIONARY.columns
            ))
            .map_err(unreadable)?;
        let mut rows = statement
            .query(params![epoch, self.sequence])
            .map_err(unreadable)?;
        while let Some(row) = rows.next().map_err(unreadable)? {
            if self.add(row, 0).map_err(unreadable)?.is_none() {
                // Half of a delta would give ids to other things.
                *self = Loaded::default();
                return Err(StoreError::Damaged {
                    what: format!("dictionary {epoch} (its bytes are not what was written)"),
                });
            }
        }
        Ok(())
    }

    /// Adds the next delta, a row of [`DICTIONARY`] from column `first` on. `None` where it is not whole or not the next; then the
    /// dictionary is of no use any more.
    pub(crate) fn add(&mut self, row: &Row, first: usize) -> rusqlite::Result<Option<()>> {
        if !DICTIONARY.is_whole(row, first)? {
            return Ok(None);
        }
        let (sequence, kind): (i64, i64) = (row.get(first + 1)?, row.get(first + 2)?);
        if kind == BEGINNING {
            self.dictionary = Dictionary::default();
        } else if sequence != self.sequence + 1 {
            return Ok(None);
        }
        let data = row.get_ref(first + 3)?.as_blob()?;
        let added = delta_of(data, Some(self.dictionary.lengths()))
            .and_then(|delta| self.dictionary.extend(delta));
        if added.is_some() {
            self.sequence = sequence;
            self.persisted = Some(self.dictionary.lengths());
        }
        Ok(added)
    }

    /// Writes what is not in the file yet. `settle` follows when the transaction has come to its end.
    pub(crate) fn save(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<Saved> {
        let since = self
            .persisted
            .unwrap_or_else(|| Dictionary::default().lengths());
        let lengths = self.dictionary.lengths();
        if lengths == since && self.persisted.is_some() {
            return Ok(Saved {
                sequence: self.sequence,
                lengths,
            });
        }
        let data = pack(&encode(&self.dictionary, since, lengths));
        connection.prepare_cached(INSERT)?.execute(delta_row(
            epoch,
            self.sequence + 1,
            NEXT,
            &data,
        ))?;
        Ok(Saved {
            sequence: self.sequence + 1,
            lengths,
        })
    }

    /// Puts one whole dictionary in the place of its deltas.
    pub(crate) fn compact(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<Saved> {
        connection.execute("DELETE FROM dictionary WHERE epoch = ?1", [epoch])?;
        write_whole(connection, epoch, self.sequence + 1, &self.dictionary)
    }

    pub(crate) fn settle(&mut self, saved: Saved) {
        self.sequence = saved.sequence;
        self.persisted = Some(saved.lengths);
    }
}

/// How far the file has a dictionary, once the transaction is over.
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    sequence: i64,
    lengths: Lengths,
}

/// Writes a dictionary of which nothing is there, with numbers from `first` on.
pub(crate) fn write_whole(
    connection: &Connection,
    epoch: i64,
    first: i64,
    dictionary: &Dictionary,
) -> rusqlite::Result<Saved> {
    let lengths = dictionary.lengths();
    let mut statement = connection.prepare_cached(INSERT)?;
    let mut sequence = first - 1;
    for (since, until) in stretches(lengths) {
        sequence += 1;
        let kind = if sequence == first {
            BEGINNING
        } else {
            CONTINUATION
        };
        let data = pack(&encode(dictionary, since, until));
        statement.execute(delta_row(epoch, sequence, kind, &data))?;
    }
    Ok(Saved { sequence, lengths })
}

const INSERT: &str =
    "INSERT INTO dictionary(epoch, sequence, whole, data, checksum) VALUES (?1, ?2, ?3, ?4, ?5)";

fn delta_row(epoch: i64, sequence: i64, kind: i64, data: &[u8]) -> impl Params + use<'_> {
    let fields = [
        ValueRef::Integer(epoch),
        ValueRef::Integer(sequence),
        ValueRef::Integer(kind),
        ValueRef::Blob(data),
    ];
    (epoch, sequence, kind, data, checksum_of(&fields))
}

/// Mostly paths, which compress to a fifth.
fn pack(delta: &[u8]) -> Vec<u8> {
    if delta.len() < SMALLEST_COMPRESSED {
        return [&[PLAIN], delta].concat();
    }
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(delta);
    encoder.finish().unwrap_or_default()
}

/// The delta in a row. One of the former format begins `at` these lengths, where these are known.
pub(crate) fn delta_of(packed: &[u8], at: Option<Lengths>) -> Option<Delta> {
    let (form, data) = packed.split_first()?;
    let at = match *form {
        FORMER_PLAIN | FORMER_DEFLATED => Some(at?),
        PLAIN | DEFLATED => None,
        _ => return None,
    };
    if matches!(*form, FORMER_PLAIN | PLAIN) {
        return Delta::decode(data, at);
    }
    let mut delta = Vec::new();
    DeflateDecoder::new(data).read_to_end(&mut delta).ok()?;
    Delta::decode(&delta, at)
}
