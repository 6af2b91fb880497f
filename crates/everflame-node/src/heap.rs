//! The profiler's heap is its own, so that what it holds for a moment does not stay with the program.
//!
//! The C library gives each thread one of eight arenas a CPU. The code of a worker, a megabyte, is noted on the worker's
//! thread and freed by the aggregator after the worker has ended: one arena after the other grew to the most that ever
//! waited in it, and glibc keeps the top of an arena below twice the largest block that was ever unmapped
//! (`M_TRIM_THRESHOLD`, mallopt(3)). In one heap the next worker's code takes the place of the last one's.

use std::sync::Once;

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static HEAP: GlobalDlmalloc = GlobalDlmalloc;

/// A forked child may use the heap, also when another thread was using it at that moment: an error that says what is
/// wrong is allocated, too.
pub(crate) fn share_with_forks() {
    static ONCE: Once = Once::new();
    // SAFETY: it takes the heap's lock, which no thread holds that is inside `fork`. A fork before this call comes before
    // the profiler has threads that could hold it.
    ONCE.call_once(|| unsafe { dlmalloc::enable_alloc_after_fork() });
}
