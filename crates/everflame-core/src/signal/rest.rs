//! A thread's rest after a sample: whatever the rate and however deep the stack, the program has most of the time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Rest for each nanosecond in the handler: it has a fifth of the thread's CPU time at most.
const REST: u64 = 4;

/// The same by the clock, after which a thread that sleeps may be sampled whatever it used.
const REST_ASLEEP: u64 = 100;

/// A handler that used more was not at work all the while: a virtual machine had lost the CPU.
const LONGEST: u64 = 1_000_000;

/// Of one thread, on which alone it is used. All times are nanoseconds; those of the thread's CPU time do not go on while
/// another thread has the CPU, as the one that the handler wakes may.
#[derive(Default)]
pub(super) struct Rest {
    /// In CPU time of the thread.
    until: AtomicU64,
    /// By the clock.
    until_asleep: AtomicU64,
    /// Sampling intervals of the signals that came meanwhile.
    skipped: AtomicU32,
}

impl Rest {
    /// What a sample taken now stands for: its own intervals and those skipped before it. `None` where it comes too early,
    /// and the next one stands for it; one that is `needed` never does.
    pub(super) fn admit(&self, now: u64, cpu: u64, weight: u32, needed: bool) -> Option<u32> {
        let weight = self.skipped.load(Ordering::Relaxed).saturating_add(weight);
        let rests = cpu < self.until.load(Ordering::Relaxed)
            && now < self.until_asleep.load(Ordering::Relaxed);
        if !needed && rests {
            self.skipped.store(weight, Ordering::Relaxed);
            return None;
        }
        self.skipped.store(0, Ordering::Relaxed);
        Some(weight)
    }

    /// A sample has been taken now, from `cpu` to `cpu_now` of the thread's CPU time. Returns what it used of it.
    pub(super) fn begin(&self, now: u64, cpu: u64, cpu_now: u64) -> u64 {
        let used = cpu_now.saturating_sub(cpu);
        let work = used.min(LONGEST);
        self.until.store(cpu_now + work * REST, Ordering::Relaxed);
        self.until_asleep
            .store(now + work * REST_ASLEEP, Ordering::Relaxed);
        used
    }

    /// For another thread.
    pub(super) fn clear(&self) {
        self.until.store(0, Ordering::Relaxed);
        self.until_asleep.store(0, Ordering::Relaxed);
        self.skipped.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signals of a timer of the thread's CPU time with this interval, each of which takes `cost` in the handler, of a thread
    /// that has one `turn` on the CPU of every `turns`: the share of its CPU time in the handler, and the intervals that all
    /// samples stand for.
    fn run(interval: u64, cost: u64, signals: u64, (turn, turns): (u64, u64)) -> (f64, u64) {
        let rest = Rest::default();
        let clock = |cpu: u64| cpu / turn * turn * turns + cpu % turn;
        let (mut busy, mut weight) = (0, 0);
        let mut cpu = 1;
        for signal in 1..=signals {
            cpu = (signal * interval).max(cpu);
            if let Some(stands_for) = rest.admit(clock(cpu), cpu, 1, false) {
                weight += u64::from(stands_for);
                busy += rest.begin(clock(cpu + cost), cpu, cpu + cost);
                cpu += cost;
            }
        }
        weight += u64::from(rest.skipped.load(Ordering::Relaxed));
        (busy as f64 / cpu as f64, weight)
    }

    #[test]
    fn a_deep_stack_at_a_high_rate_has_a_fifth_of_the_time() {
        let (share, weight) = run(100_000, 500_000, 100_000, (1_000_000, 1));
        assert!((0.19..=0.2).contains(&share), "{share}");
        assert_eq!(weight, 100_000);
    }

    #[test]
    fn a_deep_stack_has_a_fifth_of_what_other_programs_leave_of_the_time() {
        let (share, weight) = run(100_000, 150_000, 100_000, (4_000_000, 4));
        assert!((0.18..=0.2).contains(&share), "{share}");
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
                assert_eq!(rest.admit(now, now, 1, false), Some(1));
                rest.begin(now + cost, now, now + cost);
            }
        }
    }

    #[test]
    fn a_thread_that_sleeps_is_sampled_whatever_it_used() {
        let (cost, between) = (10_000, 10_000_000);
        let rest = Rest::default();
        for signal in 1..1000 {
            let (now, cpu) = (signal * between, signal * cost);
            assert_eq!(rest.admit(now, cpu, 1, false), Some(1));
            rest.begin(now + cost, cpu, cpu + cost);
        }
    }

    #[test]
    fn a_machine_that_lost_its_cpu_in_the_handler_rests_no_longer_than_a_moment() {
        let rest = Rest::default();
        let end = 50_000_000;
        assert_eq!(rest.begin(end, 0, end), end);
        let last = end + 4 * LONGEST;
        assert_eq!(rest.admit(last - 1, last - 1, 2, false), None);
        assert_eq!(rest.admit(last, last, 1, false), Some(3));
    }
}
