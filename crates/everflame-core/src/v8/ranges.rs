//! Where V8's machine code lies, in a form that a signal handler can carry.

use super::structs::MemoryRange;
use super::wasm_ranges::WasmRanges;

/// V8 reports two ranges today: the embedded builtins and the isolate's code range.
const CAPACITY: usize = 4;

/// At most four fixed address ranges that hold V8's machine code, and those of WebAssembly, which grow while it runs.
/// Copied into per-thread state; no memory of its own.
#[derive(Clone, Copy, Debug)]
pub struct CodeRanges {
    ranges: [MemoryRange; CAPACITY],
    count: usize,
    wasm: Option<&'static WasmRanges>,
}

impl CodeRanges {
    pub const fn empty() -> CodeRanges {
        CodeRanges {
            ranges: [MemoryRange {
                start: 0,
                length: 0,
            }; CAPACITY],
            count: 0,
            wasm: None,
        }
    }

    /// From (start, length) pairs; empty ones are left out.
    ///
    /// # Panics
    /// With more than four ranges.
    pub fn from_ranges(ranges: &[(u64, u64)]) -> CodeRanges {
        let mut all = CodeRanges::empty();
        for &(start, length) in ranges {
            assert!(
                all.push(MemoryRange { start, length }),
                "more than {CAPACITY} code ranges"
            );
        }
        all
    }

    /// False, and nothing added, when there is no room.
    pub(super) fn push(&mut self, range: MemoryRange) -> bool {
        if range.length == 0 || self.as_slice().contains(&range) {
            return true;
        }
        if self.count == CAPACITY {
            return false;
        }
        self.ranges[self.count] = range;
        self.count += 1;
        true
    }

    /// The same, and WebAssembly's as it grows.
    pub(super) fn with_wasm(self, wasm: &'static WasmRanges) -> CodeRanges {
        CodeRanges {
            wasm: Some(wasm),
            ..self
        }
    }

    /// Whether `address` lies in V8's code. Safe in a signal handler.
    pub fn contains(&self, address: u64) -> bool {
        self.as_slice().iter().any(|range| range.contains(address))
            || self.wasm.is_some_and(|wasm| wasm.contains(address))
    }

    /// The fixed ranges.
    pub fn as_slice(&self) -> &[MemoryRange] {
        &self.ranges[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_ranges_hold_nothing() {
        assert!(!CodeRanges::empty().contains(0));
        assert!(!CodeRanges::from_ranges(&[(0x1000, 0)]).contains(0x1000));
    }

    #[test]
    fn each_range_counts() {
        let ranges = CodeRanges::from_ranges(&[(0x1000, 0x10), (0x8000, 0x20)]);
        assert!(ranges.contains(0x1000) && ranges.contains(0x801f));
        assert!(!ranges.contains(0x1010) && !ranges.contains(0x7fff) && !ranges.contains(0x8020));
    }

    #[test]
    fn a_range_is_kept_once() {
        let ranges = CodeRanges::from_ranges(&[(1, 2), (1, 2), (1, 2), (1, 2), (1, 2)]);
        assert_eq!(ranges.as_slice().len(), 1);
    }
}
