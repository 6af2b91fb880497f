//! What the profiler says about itself. Plain atomics, so that the handler may count.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of the handler's histogram: four to a power of two, from 128 ns.
pub const HISTOGRAM_BUCKETS: usize = 64;

/// The least CPU time in the handler, in nanoseconds, that falls into a bucket.
pub fn bucket_floor(bucket: usize) -> u64 {
    let power = 7 + bucket / 4;
    let quarter = (bucket % 4) as u64;
    (1u64 << power) + quarter * (1u64 << (power - 2))
}

fn bucket_of(nanoseconds: u64) -> usize {
    let value = nanoseconds.max(128);
    let power = 63 - value.leading_zeros() as usize;
    let quarter = (value >> (power - 2)) as usize & 3;
    ((power - 7) * 4 + quarter).min(HISTOGRAM_BUCKETS - 1)
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Totals since the process started.
        pub struct Counters {
            $($(#[$doc])* pub $name: AtomicU64,)*
            /// CPU time in the handler, see [`bucket_floor`].
            pub handler: [AtomicU64; HISTOGRAM_BUCKETS],
        }

        /// The one set of counters of this process.
        pub static COUNTERS: Counters = Counters {
            $($name: AtomicU64::new(0),)*
            handler: [const { AtomicU64::new(0) }; HISTOGRAM_BUCKETS],
        };

        impl Counters {
            /// Every counter with its name, in declaration order.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counters! {
    /// Records written by the handler.
    samples,
    /// Signals without a sample of their own, because the one before had taken so long; the next one stands for them.
    samples_skipped,
    /// Samples lost because the thread's ring was full.
    dropped_ring_full,
    /// Samples counted on `(memory limit)` because the cap was reached.
    dropped_memory_cap,
    /// Signals that arrived on a thread without a slot.
    dropped_no_slot,
    /// Signals of ours found to be somebody else's, and handed on.
    foreign_signals,
    /// Signals given up because the program put its own handler in place of ours.
    signals_given_up,
    /// Times that no sample could be taken any more, because every signal that the engine can use was somebody else's.
    sampling_stops,
    /// Directed signals sent to running threads.
    signals_running,
    /// Directed signals not sent because each look at the running thread took so long that it could sleep by now.
    signals_withheld,
    /// Directed signals sent once to learn where a thread sleeps.
    signals_asleep,
    /// Stacks of sleeping threads read from outside, where a signal would end a system call.
    stacks_read,
    /// What that took, nanoseconds.
    stacks_read_nanoseconds,
    /// Wake-ups of the observer.
    observer_wakeups,
    /// Wake-ups of the aggregator.
    aggregator_wakeups,
    /// Frames written into profiles.
    frames,
    /// Of these, frames without a name.
    frames_unresolved,
    /// Stacks whose root was not reached.
    stacks_broken,
    /// Threads that found no free slot.
    threads_without_slot,
    /// Searches for new threads given up, because no file descriptor was free for the kernel's list of them.
    thread_list_failures,
    /// V8 code events replayed.
    code_events,
    /// Of new code that was logged without its tables of lines, because too much waited to be read.
    code_events_without_lines,
    /// Pieces of V8's code forgotten because the map of an isolate's code was full.
    v8_code_swept,
    /// Moves of V8's code that the map did not know.
    v8_unknown_moves,
    /// Sparkplug code whose lines cannot be told.
    v8_refused_baseline,
    /// Inlined calls left out because their function is not known.
    v8_unknown_inlined,
    /// Source maps read, each time that one is.
    source_maps_read,
    /// Maps that a sampled script names and that are not there.
    source_maps_missing,
    /// Maps that cannot be used.
    source_maps_broken,
    /// Maps in the text of scripts that were not kept, for lack of room.
    source_maps_dropped,
    /// Frames that stand in generated code in a profile, because their map was not read in time.
    source_maps_late,
    /// Bytes held by source maps. Now, not in total.
    source_maps_bytes,
    /// Files whose symbols are out of reach: native frames of theirs have offsets for names. Now, not in total.
    unreadable_symbol_files,
    /// CPU time of the observer, nanoseconds.
    observer_cpu_nanoseconds,
    /// CPU time of the aggregator, nanoseconds.
    aggregator_cpu_nanoseconds,
    /// Bytes held by stacks, names and samples of the aggregator.
    memory_bytes,
    /// Profiles that the aggregator wrote itself, because a period was over and nobody asked for its profile.
    overdue_profiles,
    /// Profiles that the aggregator could not write: those, and the last one when a signal ended the process.
    native_write_failures,
    /// Times that what there was of a period was written ahead.
    parts_written,
    /// Threads for which the engine's timer could not be made; the observer interrupts them instead.
    engine_thread_failures,
}

impl Counters {
    pub(super) fn count_handler(&self, nanoseconds: u64) {
        if let Some(bucket) = self.handler.get(bucket_of(nanoseconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_the_bucket_that_covers_it() {
        for nanoseconds in [0, 127, 128, 159, 160, 1_000, 6_000, 30_000, 1_000_000] {
            let bucket = bucket_of(nanoseconds);
            assert!(bucket_floor(bucket) <= nanoseconds.max(128));
            assert!(nanoseconds < bucket_floor(bucket + 1));
        }
        assert_eq!(bucket_of(u64::MAX), HISTOGRAM_BUCKETS - 1);
    }
}
