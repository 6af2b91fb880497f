//! Directed signals that were sent and have not arrived.

use std::sync::atomic::{AtomicU32, Ordering};

/// For each of the two signals that may be in use (one was given up for another) the kernel keeps one pending, and one
/// more may have been taken by a handler that has not said so yet.
const MOST: u32 = 4;

/// Never fewer than there are: where no more may be pending (`RLIMIT_SIGPENDING`), the kernel delivers our signal without
/// its sender, and what is taken for somebody else's can end the process. It may be more, by those that the kernel has
/// merged.
#[derive(Debug, Default)]
pub struct Outstanding(AtomicU32);

impl Outstanding {
    /// A signal is about to be sent.
    pub fn announce(&self) {
        let more = |count: u32| (count < MOST).then_some(count + 1);
        // Full: nothing changes.
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .unwrap_or_default();
    }

    /// One has arrived; whether one was expected.
    pub(super) fn arrive(&self) -> bool {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
                count.checked_sub(1)
            })
            .is_ok()
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_that_can_be_pending_is_expected_and_no_more() {
        let outstanding = Outstanding::default();
        assert!(!outstanding.arrive());
        outstanding.announce();
        assert!(outstanding.arrive());
        assert!(!outstanding.arrive());
        for _ in 0..100 {
            outstanding.announce();
        }
        let expected = (0..100).filter(|_| outstanding.arrive()).count();
        assert_eq!(expected, MOST as usize);
    }
}
