//! How many files the observer keeps open. They are the application's descriptors.

use crate::descriptor_limit::descriptor_limit;

/// Of so many descriptors that the process may have, one is ours to keep.
const SHARE: u64 = 32;
/// More than that saves nothing worth having: files are kept for the threads that are looked at first.
const MOST: u64 = 64;

pub(super) struct Descriptors {
    kept: u64,
    most: u64,
}

impl Descriptors {
    /// By the limit as it is now (RLIMIT_NOFILE).
    pub(super) fn new() -> Descriptors {
        Descriptors::within(descriptor_limit())
    }

    fn within(limit: u64) -> Descriptors {
        Descriptors {
            kept: 0,
            most: (limit / SHARE).min(MOST),
        }
    }

    /// Takes a descriptor into account that is to stay open; `false` when there are enough of them.
    pub(super) fn keep(&mut self) -> bool {
        let keep = self.kept < self.most;
        self.kept += u64::from(keep);
        keep
    }

    /// One that was kept is closed.
    pub(super) fn close(&mut self) {
        self.kept = self.kept.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_of_the_limit_is_kept() {
        for (limit, most) in [(20, 0), (64, 2), (1024, 32), (1 << 20, 64), (u64::MAX, 64)] {
            let mut descriptors = Descriptors::within(limit);
            assert_eq!(
                (0..1000).filter(|_| descriptors.keep()).count(),
                most,
                "{limit}"
            );
            descriptors.close();
            assert_eq!(descriptors.keep(), most > 0);
        }
    }
}
