//! POSIX timers directed at one thread, by raw system calls: the C library refuses clocks of other threads.

use std::io;

use crate::signal::timer_value;

/// A kernel timer; deleted when dropped.
pub(super) struct PosixTimer(libc::c_int);

impl PosixTimer {
    /// A disarmed timer on `clock` that raises `signal` on thread `tid` of this process.
    ///
    /// # Errors
    /// The clock's thread has ended (EINVAL), or the limit of pending signals is reached (EAGAIN).
    pub(super) fn new(clock: libc::clockid_t, signal: libc::c_int, tid: i32) -> io::Result<Self> {
        // SAFETY: an all-zero sigevent is valid.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_value.sival_ptr = timer_value();
        event.sigev_notify_thread_id = tid;
        let mut id: libc::c_int = 0;
        // SAFETY: both pointers are valid; the kernel's timer id is an int.
        let result =
            unsafe { libc::syscall(libc::SYS_timer_create, clock, &raw mut event, &raw mut id) };
        if result == 0 {
            Ok(PosixTimer(id))
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Fires first after `first` nanoseconds of its clock, then every `interval` (0: once). `first` 0 disarms.
    pub(super) fn arm(&self, first: u64, interval: u64) -> io::Result<()> {
        let spec = libc::itimerspec {
            it_interval: timespec(interval),
            it_value: timespec(first),
        };
        // SAFETY: the id is ours and `spec` is valid.
        let result = unsafe {
            libc::syscall(
                libc::SYS_timer_settime,
                self.0,
                0,
                &raw const spec,
                std::ptr::null_mut::<libc::itimerspec>(),
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for PosixTimer {
    fn drop(&mut self) {
        // SAFETY: the id is ours and is not used again.
        unsafe { libc::syscall(libc::SYS_timer_delete, self.0) };
    }
}

pub(super) fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000) as libc::time_t,
        tv_nsec: (nanoseconds % 1_000_000_000) as libc::c_long,
    }
}
