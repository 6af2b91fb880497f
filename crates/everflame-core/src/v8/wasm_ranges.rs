//! Where WebAssembly's machine code lies. V8 keeps it outside of the isolate's code range and tells of it by code
//! events alone; the signal handler has to know it too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::structs::MemoryRange;

/// Modules further apart than these are merged into one range.
const CAPACITY: usize = 8;

/// Functions are added one by one: the range grows in steps, so that it seldom changes.
const STEP: u64 = 64 * 1024;

/// Code of one module lies this close together (V8 reserves its space in one piece).
const NEAR: u64 = 4 * 1024 * 1024;

/// Ranges that only grow, written by one thread at a time and read by signal handlers.
#[derive(Debug)]
pub(super) struct WasmRanges {
    /// Start and exclusive end of each; unused ones are zero.
    ranges: [(AtomicU64, AtomicU64); CAPACITY],
}

impl WasmRanges {
    const fn new() -> WasmRanges {
        WasmRanges {
            ranges: [const { (AtomicU64::new(0), AtomicU64::new(0)) }; CAPACITY],
        }
    }

    /// Safe in a signal handler.
    pub(super) fn contains(&self, address: u64) -> bool {
        self.ranges.iter().any(|(start, end)| {
            // The end first: a range that is being made has no end yet.
            let end = end.load(Ordering::Acquire);
            address < end && address >= start.load(Ordering::Acquire)
        })
    }

    /// Takes in new code. One caller at a time.
    pub(super) fn add(&self, code: MemoryRange) {
        let start = code.start / STEP * STEP;
        let end = (code.start + code.length).next_multiple_of(STEP);
        let gap = |range: &(AtomicU64, AtomicU64)| {
            let (low, high) = (
                range.0.load(Ordering::Relaxed),
                range.1.load(Ordering::Relaxed),
            );
            start.saturating_sub(high).max(low.saturating_sub(end))
        };
        let used = |range: &&(AtomicU64, AtomicU64)| range.1.load(Ordering::Relaxed) != 0;
        let nearest = self
            .ranges
            .iter()
            .filter(used)
            .min_by_key(|range| gap(range));
        let free = self.ranges.iter().find(|range| !used(range));
        match (nearest, free) {
            (Some(range), free) if gap(range) <= NEAR || free.is_none() => {
                range.0.fetch_min(start, Ordering::AcqRel);
                range.1.fetch_max(end, Ordering::AcqRel);
            }
            (_, Some(range)) => {
                range.0.store(start, Ordering::Release);
                range.1.store(end, Ordering::Release);
            }
            (_, None) => {}
        }
    }

    fn clear(&self) {
        for (start, end) in &self.ranges {
            end.store(0, Ordering::Release);
            start.store(0, Ordering::Release);
        }
    }
}

/// Returned by isolates that are gone, for the next ones: the handler may hold a reference at any time, so none is
/// ever freed.
static POOL: Mutex<Vec<&'static WasmRanges>> = Mutex::new(Vec::new());

/// Ranges of one isolate. Given back when dropped; who still looks then sees another isolate's ranges, which is harmless:
/// addresses of code are looked up in the isolate's own map in any case.
#[derive(Debug)]
pub(super) struct WasmRangesLease(&'static WasmRanges);

impl WasmRangesLease {
    pub(super) fn new() -> WasmRangesLease {
        let pooled = POOL.lock().unwrap_or_else(PoisonError::into_inner).pop();
        WasmRangesLease(pooled.unwrap_or_else(|| Box::leak(Box::new(WasmRanges::new()))))
    }

    pub(super) fn ranges(&self) -> &'static WasmRanges {
        self.0
    }
}

impl Drop for WasmRangesLease {
    fn drop(&mut self) {
        self.0.clear();
        POOL.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(start: u64, length: u64) -> MemoryRange {
        MemoryRange { start, length }
    }

    #[test]
    fn code_of_one_module_grows_one_range() {
        let ranges = WasmRanges::new();
        assert!(!ranges.contains(0));
        ranges.add(code(0x7000_0010_0000, 0x100));
        ranges.add(code(0x7000_0020_0000, 0x100));
        assert!(ranges.contains(0x7000_0010_0000) && ranges.contains(0x7000_0020_00ff));
        assert!(!ranges.contains(0x7000_000f_ffff) && !ranges.contains(0x7000_0021_0000));
        assert_eq!(ranges.ranges[1].1.load(Ordering::Relaxed), 0, "one range");
    }

    #[test]
    fn distant_modules_have_their_own_ranges() {
        let ranges = WasmRanges::new();
        for module in 0..CAPACITY as u64 {
            ranges.add(code(0x7000_0000_0000 + module * 0x1_0000_0000, 0x100));
        }
        for module in 0..CAPACITY as u64 {
            let start = 0x7000_0000_0000 + module * 0x1_0000_0000;
            assert!(ranges.contains(start));
            assert!(!ranges.contains(start + 0x8000_0000), "between modules");
        }
        // One more than there is room for: its neighbour grows, nothing is lost.
        ranges.add(code(0x7fff_0000_0000, 0x100));
        assert!(ranges.contains(0x7fff_0000_0000));
        assert!(ranges.contains(0x7000_0000_0000));
    }

    #[test]
    fn ranges_given_back_are_empty() {
        let lease = WasmRangesLease::new();
        let ranges = lease.ranges();
        ranges.add(code(0x1234_0000, 0x100));
        drop(lease);
        assert!(!ranges.contains(0x1234_0000));
    }
}
