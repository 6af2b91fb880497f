//! Where stacks are, by the kernel's map of memory: read once for all threads that are new in a tick.

use std::fs::read_to_string;
use std::ops::Range;

use crate::engine::place::{Region, region};

#[derive(Default)]
pub(super) struct Stacks {
    maps: Option<String>,
}

impl Stacks {
    /// The stack that holds `sp`, and whether its bounds are exact: those of a mapping are not.
    pub(super) fn around(&mut self, sp: u64) -> Option<(Range<u64>, bool)> {
        let maps = self
            .maps
            .get_or_insert_with(|| read_to_string("/proc/self/maps").unwrap_or_default());
        region(maps, sp).map(|found| match found {
            Region::MainStack(range) => (range, true),
            Region::Mapping(range) => (range, false),
        })
    }

    /// What was read is out of date in the next tick.
    pub(super) fn forget(&mut self) {
        self.maps = None;
    }
}
