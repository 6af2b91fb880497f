//! A futex by which the handler wakes the aggregator. `futex(2)` is a plain system call, so a handler may use it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// An event counter: `notify` moves it on, `wait` sleeps until it has moved.
pub struct Wake(AtomicU32);

/// Wakes the aggregator.
pub static AGGREGATOR: Wake = Wake(AtomicU32::new(0));

impl Wake {
    /// The value to hand to [`Wake::wait`]; taken before looking for work, so that no notice is missed.
    pub fn ticket(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub fn notify(&self) {
        self.0.fetch_add(1, Ordering::Release);
        // SAFETY: the word lives for ever, and FUTEX_WAKE reads nothing else.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                1,
            )
        };
    }

    /// Sleeps until the counter differs from `ticket`; for ever without a limit. May return early.
    pub fn wait(&self, ticket: u32, limit: Option<Duration>) {
        let time = limit.map(|limit| libc::timespec {
            tv_sec: limit.as_secs() as libc::time_t,
            tv_nsec: limit.subsec_nanos() as _,
        });
        let pointer = time
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref::<libc::timespec>);
        // SAFETY: the word lives for ever; `pointer` is null or a timespec on this stack.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                ticket,
                pointer,
            )
        };
    }
}
