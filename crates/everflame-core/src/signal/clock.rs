//! Clocks, in nanoseconds. All of these may be called from a signal handler (clock_gettime(2) is async-signal-safe).

fn read(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec; any clock id is allowed and a bad one gives an error.
    if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
        return None;
    }
    Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// CLOCK_MONOTONIC: the time line of all records. A vDSO call.
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// What to add to [`monotonic`] to get nanoseconds since the Unix epoch.
pub fn realtime_offset() -> i64 {
    read(libc::CLOCK_REALTIME).unwrap_or(0) as i64 - monotonic() as i64
}

/// CPU time of the calling thread, user and kernel.
pub fn thread_cpu() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or(0)
}

/// CPU time that the kernel charged the whole process, ended threads included.
pub fn process_cpu() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap_or(0)
}

/// The clock id of another thread's CPU time: `(~tid << 3) | 6`, as `pthread_getcpuclockid` builds it (per thread,
/// scheduler clock).
pub fn thread_clock_id(tid: i32) -> libc::clockid_t {
    ((!tid) << 3) | 6
}

/// CPU time of another thread of this process; `None` once it has ended.
pub fn thread_cpu_of(tid: i32) -> Option<u64> {
    read(thread_clock_id(tid))
}

/// The kernel's number of the calling thread.
pub fn own_tid() -> i32 {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_clock_read_from_outside_is_the_own_clock() {
        let tid = own_tid();
        let before = thread_cpu();
        let outside = thread_cpu_of(tid).expect("a living thread has a clock");
        let after = thread_cpu();
        assert!(
            before <= outside && outside <= after,
            "{before} <= {outside} <= {after}"
        );
    }

    #[test]
    fn an_ended_thread_has_no_clock() {
        let tid = std::thread::spawn(own_tid).join().unwrap();
        // The kernel removes the task some time after the join.
        let gone = (0..10_000).any(|_| {
            std::thread::yield_now();
            thread_cpu_of(tid).is_none()
        });
        assert!(gone, "thread {tid} still has a clock");
    }
}
