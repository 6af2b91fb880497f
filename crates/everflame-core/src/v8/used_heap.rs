//! How much of V8's heap is in use.

use std::ffi::c_void;

use super::entry::{Isolate, symbol_address};

type GetHeapStatistics = unsafe extern "C" fn(Isolate, *mut Statistics);

/// `v8::HeapStatistics` (v8-statistics.h) has nine sizes first, the same ones since Node.js 20, and less than twenty words in all.
#[repr(C)]
struct Statistics([usize; 64]);

/// Places of sizes in it.
const TOTAL: usize = 0;
const USED: usize = 4;

/// Reads the heap of one isolate.
#[derive(Debug)]
pub struct UsedHeap {
    isolate: Isolate,
    get: GetHeapStatistics,
}

impl UsedHeap {
    /// `None` where V8's function is not exported.
    pub fn of(isolate: Isolate) -> Option<UsedHeap> {
        let symbol = c"_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE";
        let address = symbol_address(symbol)?;
        Some(UsedHeap {
            isolate,
            // SAFETY: the mangled name fixes the parameters.
            get: unsafe { std::mem::transmute::<*mut c_void, GetHeapStatistics>(address) },
        })
    }

    /// Bytes in use; `None` where the numbers are not those of a heap.
    ///
    /// # Safety
    /// The isolate is alive; called on its thread, while V8 does not run.
    pub unsafe fn read(&self) -> Option<u64> {
        let mut statistics = Statistics([0; 64]);
        // SAFETY: the caller's promise; there is more room than V8 fills.
        unsafe { (self.get)(self.isolate, &mut statistics) };
        let Statistics(words) = statistics;
        let is_heap = words[USED] > 0 && words[USED] <= words[TOTAL];
        is_heap.then_some(words[USED] as u64)
    }
}
