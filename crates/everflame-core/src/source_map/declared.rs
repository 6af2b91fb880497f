//! What scripts say of their maps, and the copies of maps that are part of their text.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rustc_hash::{FxHashMap, FxHasher};

use super::read::Stamp;
use super::table::Table;
use crate::signal::COUNTERS;

/// Fewer maps than this are never searched for unused ones.
const PURGE_AT_LEAST: usize = 256;

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Most bytes of maps copied out of scripts.
static INLINE_LIMIT: AtomicUsize = AtomicUsize::new(0);

static INLINE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes of the tables that were read from files, as the thread that holds them notes it.
pub(super) static TABLE_BYTES: AtomicUsize = AtomicUsize::new(0);

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Whether scripts are asked for their maps from now on, and how many bytes of maps in their text may be kept.
pub fn configure(enabled: bool, inline_limit: usize) {
    ENABLED.store(enabled, Ordering::Relaxed);
    INLINE_LIMIT.store(inline_limit, Ordering::Relaxed);
}

/// Whether source maps are read.
pub fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Memory held by maps and tables, in bytes.
pub fn held_bytes() -> usize {
    INLINE_BYTES.load(Ordering::Relaxed) + TABLE_BYTES.load(Ordering::Relaxed)
}

/// A script's `sourceMappingURL` as it stands in V8.
#[derive(Debug)]
pub enum MapUrl {
    /// The script declares none: a file beside it may all the same be its map.
    None,
    Address(Box<str>),
    /// A `data:` URL, in Latin-1.
    Inline(Box<[u8]>),
    /// A `data:` URL of more bytes than are ever copied.
    TooLong,
}

/// Where a script's map is, and whether it is of use. One for all isolates that run the same script.
#[derive(Debug)]
pub struct DeclaredMap {
    /// The script's name as V8 knows it: a path, a URL.
    pub(super) script: Box<str>,
    pub(super) origin: Origin,
    /// When the script was there for the last time, in seconds since the epoch: a map that is younger is not its map.
    seen: AtomicI64,
    /// The file that it was first read from.
    pub(super) file: OnceLock<Stamp>,
    /// Places in this script were asked for: what it has stays.
    sampled: AtomicBool,
    use_: AtomicU8,
}

#[derive(Debug)]
pub(super) enum Origin {
    /// Perhaps `<script>.map`.
    Beside,
    Address(Box<str>),
    Inline(Mutex<Inline>),
}

/// A map that was part of a script's text.
#[derive(Debug)]
pub(super) enum Inline {
    Raw(Box<[u8]>),
    Table(Arc<Table>),
    /// Given up for lack of room, or found broken.
    Gone,
}

const UNKNOWN: u8 = 0;
const USABLE: u8 = 1;
const UNUSABLE: u8 = 2;

impl DeclaredMap {
    /// False once it is known that there is no map to be had.
    pub fn is_wanted(&self) -> bool {
        self.use_.load(Ordering::Relaxed) != UNUSABLE
    }

    /// Whether the script itself says that it has a map.
    pub(super) fn is_declared(&self) -> bool {
        !matches!(self.origin, Origin::Beside)
    }

    pub(super) fn settle(&self, usable: bool) {
        let use_ = if usable { USABLE } else { UNUSABLE };
        self.use_.store(use_, Ordering::Relaxed);
    }

    pub(super) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// A place in the script was sampled.
    pub(super) fn keep(&self) {
        self.sampled.store(true, Ordering::Relaxed);
    }

    pub(super) fn inline(&self) -> Option<MutexGuard<'_, Inline>> {
        match &self.origin {
            Origin::Inline(inline) => Some(inline.lock().unwrap_or_else(PoisonError::into_inner)),
            _ => None,
        }
    }

    /// Takes the text out, or the table that was read from it.
    pub(super) fn take_inline(&self) -> Option<Inline> {
        let taken = match &mut *self.inline()? {
            Inline::Table(table) => return Some(Inline::Table(Arc::clone(table))),
            text => std::mem::replace(text, Inline::Gone),
        };
        INLINE_BYTES.fetch_sub(taken.bytes(), Ordering::Relaxed);
        Some(taken)
    }

    /// Puts a table, or nothing, in the place of the text.
    pub(super) fn replace_inline(&self, with: Inline) {
        if let Some(mut inline) = self.inline() {
            INLINE_BYTES.fetch_add(with.bytes(), Ordering::Relaxed);
            INLINE_BYTES.fetch_sub(inline.bytes(), Ordering::Relaxed);
            *inline = with;
        }
    }

    pub(super) fn new(script: &str, origin: Origin, seen: i64) -> DeclaredMap {
        DeclaredMap {
            script: script.into(),
            origin,
            seen: AtomicI64::new(seen),
            file: OnceLock::new(),
            sampled: AtomicBool::new(false),
            use_: AtomicU8::new(UNKNOWN),
        }
    }
}

impl Drop for DeclaredMap {
    fn drop(&mut self) {
        if let Some(inline) = self.inline() {
            INLINE_BYTES.fetch_sub(inline.bytes(), Ordering::Relaxed);
        }
    }
}

impl Inline {
    fn bytes(&self) -> usize {
        match self {
            Inline::Raw(text) => text.len(),
            Inline::Table(table) => table.bytes(),
            Inline::Gone => 0,
        }
    }
}

/// Maps by what declares them. Holds none alive: scripts do.
#[derive(Default)]
struct Known {
    maps: FxHashMap<u64, Weak<DeclaredMap>>,
    purge_at: usize,
    /// Maps with a copied text, oldest first.
    inline: VecDeque<Weak<DeclaredMap>>,
}

/// The map of a script, the same for the same script in another isolate. `shape` is what else there is to tell two texts of
/// one name apart, `seen` when V8 told of this one, in seconds since the epoch. `None` where source maps are not read, or a
/// script of this name cannot have one.
pub fn declare(script: &str, shape: impl Hash, seen: i64, url: MapUrl) -> Option<Arc<DeclaredMap>> {
    if !is_enabled() || script.is_empty() || script.starts_with("node:") {
        return None;
    }
    let mut hasher = FxHasher::default();
    (script, shape).hash(&mut hasher);
    let origin = match url {
        // Only a file can have a neighbour.
        MapUrl::None if !script.starts_with('/') && !script.starts_with("file:") => return None,
        MapUrl::None => Origin::Beside,
        MapUrl::TooLong => {
            COUNTERS.source_maps_dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        MapUrl::Address(url) => {
            url.hash(&mut hasher);
            Origin::Address(url)
        }
        MapUrl::Inline(text) => {
            text.hash(&mut hasher);
            Origin::Inline(Mutex::new(Inline::Raw(text)))
        }
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.intern(hasher.finish(), DeclaredMap::new(script, origin, seen))
}

impl Known {
    fn intern(&mut self, key: u64, new: DeclaredMap) -> Option<Arc<DeclaredMap>> {
        let known = self.maps.get(&key).and_then(Weak::upgrade);
        let new_bytes = new.inline().map_or(0, |inline| inline.bytes());
        // Counted from here on, so that it may be dropped like all others.
        INLINE_BYTES.fetch_add(new_bytes, Ordering::Relaxed);
        if let Some(known) = known.filter(|known| known.script == new.script) {
            known.seen.fetch_max(new.seen(), Ordering::Relaxed);
            return Some(known);
        }
        if self.maps.len() >= self.purge_at {
            self.maps.retain(|_, map| map.strong_count() > 0);
            self.inline.retain(|map| map.strong_count() > 0);
            self.purge_at = (self.maps.len() * 2).max(PURGE_AT_LEAST);
        }
        let new = Arc::new(new);
        self.maps.insert(key, Arc::downgrade(&new));
        if new_bytes > 0 {
            self.inline.push_back(Arc::downgrade(&new));
            self.make_room();
        }
        Some(new)
    }

    /// Gives up maps of scripts that were not sampled yet, the oldest first.
    fn make_room(&mut self) {
        let limit = INLINE_LIMIT.load(Ordering::Relaxed);
        let mut place = 0;
        while INLINE_BYTES.load(Ordering::Relaxed) > limit && place < self.inline.len() {
            match self.inline[place].upgrade() {
                Some(map) if map.sampled.load(Ordering::Relaxed) => place += 1,
                oldest => {
                    if let Some(map) = oldest {
                        map.replace_inline(Inline::Gone);
                        COUNTERS.source_maps_dropped.fetch_add(1, Ordering::Relaxed);
                    }
                    self.inline.remove(place);
                }
            }
        }
    }
}
