//! A thread's rest after a sample: whatever the rate and however deep the stack, the program has most of the time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Rest for each nanosecond in the handler: it has a fifth of the time at most.
const REST: u64 = 4;

/// A handler that took longer was not at work all the while: its thread had lost its CPU.
const LONGEST: u64 = 1_000_000;

/// Of one thread, on which alone it is used.
#[derive(Default)]
pub(super) struct Rest {
    until: AtomicU64,
    /// Sampling intervals of the signals that came meanwhile.
    skipped: AtomicU32,
}

impl Rest {
    /// What a sample taken now stands for: its own intervals and those skipped before it. `None` where it comes too early,
    /// and the next one stands for it; one that is `needed` never does.
    pub(super) fn admit(&self, now: u64, weight: u32, needed: bool) -> Option<u32> {
        let weight = self.skipped.load(Ordering::Relaxed).saturating_add(weight);
        if !needed && now < self.until.load(Ordering::Relaxed) {
            self.skipped.store(weight, Ordering::Relaxed);
            return None;
        }
        self.skipped.store(0, Ordering::Relaxed);
        Some(weight)
    }

    /// A sample was taken from `start` to `end`.
    pub(super) fn begin(&self, start: u64, end: u64) {
        let rest = end.saturating_sub(start).min(LONGEST) * REST;
        self.until.store(end + rest, Ordering::Relaxed);
    }

    /// For another thread.
    pub(super) fn clear(&self) {
        self.until.store(0, Ordering::Relaxed);
        self.skipped.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signals of a timer with this interval, each of which takes `cost` in the handler: the share of the time in it, and
    /// the intervals that all samples stand for.
    fn run(interval: u64, cost: u64, signals: u64) -> (f64, u64) {
        let rest = Rest::default();
        let (mut busy, mut weight) = (0, 0);
        let mut now = 1;
        for signal in 1..=signals {
            now = (signal * interval).max(now);
            if let Some(stands_for) = rest.admit(now, 1, false) {
                weight += u64::from(stands_for);
                busy += cost;
                rest.begin(now, now + cost);
                now += cost;
            }
        }
        weight += u64::from(rest.skipped.load(Ordering::Relaxed));
        (busy as f64 / now as f64, weight)
    }

    #[test]
    fn a_deep_stack_at_a_high_rate_has_a_fifth_of_the_time() {
        let (share, weight) = run(100_000, 500_000, 100_000);
        assert!((0.19..=0.2).contains(&share), "{share}");
        assert_eq!(weight, 100_000);
    }

    #[test]
    fn what_is_cheap_is_always_taken() {
        for (interval, cost) in [
            (10_000_000, 500_000),
            (1_000_000, 160_000),
            (100_000, 19_000),
        ] {
            let rest = Rest::default();
            for signal in 1..1000 {
                let now = signal * interval;
                assert_eq!(rest.admit(now, 1, false), Some(1));
                rest.begin(now, now + cost);
            }
        }
    }

    #[test]
    fn a_thread_that_lost_its_cpu_in_the_handler_rests_no_longer_than_a_moment() {
        let rest = Rest::default();
        rest.begin(0, 50_000_000);
        assert_eq!(rest.admit(50_000_000 + 4 * LONGEST - 1, 2, false), None);
        assert_eq!(rest.admit(50_000_000 + 4 * LONGEST, 1, false), Some(3));
    }
}
