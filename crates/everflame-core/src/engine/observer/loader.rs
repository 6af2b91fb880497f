//! When libraries come and go: an address is the code of another one after that, and samples are to be named by the one that
//! was there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::native::{LoaderCounters, try_loader_counters};
use crate::signal::AGGREGATOR;

/// What the aggregator knows of it.
#[derive(Default)]
pub(super) struct LoaderNews {
    /// Until then nothing has changed since the aggregator looked last.
    same_until: AtomicU64,
    /// Something has, and the aggregator has not looked yet.
    changed: AtomicBool,
}

impl LoaderNews {
    pub(super) fn same_until(&self) -> u64 {
        self.same_until.load(Ordering::SeqCst)
    }

    /// The aggregator has looked.
    pub(super) fn clear(&self) {
        self.changed.store(false, Ordering::SeqCst);
    }
}

/// What the observer has seen of it.
#[derive(Default)]
pub(super) struct Loader {
    counters: LoaderCounters,
}

impl Loader {
    /// Looks, with a clock that was read before.
    pub(super) fn watch(&mut self, now: u64, news: &LoaderNews) {
        let Some(counters) = try_loader_counters() else {
            // The aggregator is asking it, and may have lost its CPU meanwhile.
            return;
        };
        if counters != self.counters {
            self.counters = counters;
            if !news.changed.swap(true, Ordering::SeqCst) {
                AGGREGATOR.notify();
            }
        } else if !news.changed.load(Ordering::SeqCst) {
            news.same_until.store(now, Ordering::SeqCst);
        }
    }
}
