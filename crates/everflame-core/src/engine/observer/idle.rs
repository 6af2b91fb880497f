//! How the observer sleeps: until the next tick, or, when nothing runs, until the process has used CPU time again.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::posix_timer::{PosixTimer, timespec};
use crate::signal::{Outstanding, is_ours};

pub(super) struct Sleeper {
    signal: libc::c_int,
    interval: u64,
    /// Commands' signals that are on their way.
    outstanding: Arc<Outstanding>,
    /// On the process's CPU clock, directed at this thread. Without it idle waits are cut short instead.
    timer: Option<PosixTimer>,
    /// The last wait took a signal that was somebody else's.
    gave_back: bool,
    random: u64,
}

impl Sleeper {
    pub(super) fn new(
        signal: libc::c_int,
        tid: i32,
        interval: u64,
        outstanding: Arc<Outstanding>,
    ) -> Sleeper {
        Sleeper {
            signal,
            interval,
            outstanding,
            timer: PosixTimer::new(libc::CLOCK_PROCESS_CPUTIME_ID, signal, tid).ok(),
            gave_back: false,
            random: crate::signal::monotonic() | 1,
        }
    }

    /// Waits one interval, or, idle, at most `limit` but no longer than the process needs for one interval of CPU
    /// time. A directed signal ends every wait. All signals are blocked on this thread, so they are received here
    /// and no handler runs.
    pub(super) fn wait(&mut self, limit: Option<Duration>) {
        let time = match (limit, &self.timer) {
            (Some(limit), Some(timer)) if timer.arm(self.interval, 0).is_ok() => {
                limit.as_nanos() as u64
            }
            _ => self.jittered(),
        };
        if std::mem::take(&mut self.gave_back) {
            // All other threads may block the signal; waiting for it again at once would only take it again.
            std::thread::sleep(Duration::from_nanos(self.interval));
        } else {
            self.receive(time);
        }
        if let (Some(_), Some(timer)) = (limit, &self.timer) {
            // A timer that cannot be disarmed would only wake this thread once more.
            timer.arm(0, 0).unwrap_or_default();
        }
    }

    fn receive(&mut self, nanoseconds: u64) {
        let time = timespec(nanoseconds);
        // SAFETY: all-zero values are valid to be filled.
        let (mut set, mut info): (libc::sigset_t, libc::siginfo_t) = unsafe { std::mem::zeroed() };
        // SAFETY: `set` and `info` are valid; the signal number is.
        let received = unsafe {
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, self.signal);
            // Any result is a wake-up: time over, a command, or the process's clock.
            libc::sigtimedwait(&set, &mut info, &time)
        };
        // A signal to the whole process goes to any thread that waits for it, also to this one.
        // SAFETY: the kernel has filled `info`.
        if received == self.signal && !unsafe { is_ours(&info, &self.outstanding) } {
            // Ended by a full queue only, in which the kernel would have lost it, too.
            give_back(self.signal, &info);
            self.gave_back = true;
        }
    }

    /// The interval ±25 %, so that ticks do not beat with the application's own timers (xorshift).
    fn jittered(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let span = (self.interval / 2).max(1);
        self.interval - self.interval / 4 + self.random % span
    }
}

/// Sends a signal to the whole process again. One that was queued keeps its value; one that a process or the kernel
/// sent can be sent so by the main thread only (EPERM), and comes from this process now.
fn give_back(signal: libc::c_int, info: &libc::siginfo_t) {
    // SAFETY: both calls signal this process, with a siginfo that the kernel filled.
    unsafe {
        let process = libc::getpid();
        let queue = libc::SYS_rt_sigqueueinfo;
        if libc::syscall(queue, process, signal, std::ptr::from_ref(info)) != 0 {
            libc::kill(process, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_keeps_the_mean_and_the_bounds() {
        let mut sleeper = Sleeper {
            signal: libc::SIGVTALRM,
            interval: 10_000,
            outstanding: Arc::default(),
            timer: None,
            gave_back: false,
            random: 99,
        };
        let draws: Vec<u64> = (0..100_000).map(|_| sleeper.jittered()).collect();
        assert!(draws.iter().all(|draw| (7_500..12_500).contains(draw)));
        let mean = draws.iter().sum::<u64>() / draws.len() as u64;
        assert!((9_950..=10_050).contains(&mean), "mean {mean}");
    }
}
