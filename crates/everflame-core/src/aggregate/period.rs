//! One period's samples: with the timeline one entry a share, without it one a thread and stack.

use rustc_hash::FxHashMap;

use super::account::Share;
use super::tables::{StackId, StringId};

/// The labels of a thread, as they stand on its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadLabels {
    pub name: StringId,
    pub id: StringId,
    pub os_id: StringId,
}

/// One sample of the profile.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub stack: StackId,
    /// Index into [`Period::threads`].
    pub thread: u32,
    /// End on the monotonic time line; 0 for totals without a time.
    pub time: u64,
    pub count: u64,
    pub wall: u64,
    pub cpu: u64,
}

/// Samples since the last rotation.
pub struct Period {
    pub start: u64,
    pub threads: Vec<ThreadLabels>,
    pub entries: Vec<Entry>,
    totals: FxHashMap<(u32, StackId), u32>,
    thread_index: FxHashMap<ThreadLabels, u32>,
    timeline: bool,
}

impl Period {
    pub fn new(start: u64, timeline: bool) -> Period {
        Period {
            start,
            threads: Vec::new(),
            entries: Vec::new(),
            totals: FxHashMap::default(),
            thread_index: FxHashMap::default(),
            timeline,
        }
    }

    /// Adds a share. Without the timeline, or when `untimed`, it is added to the total of its thread and stack.
    pub fn add(&mut self, labels: ThreadLabels, share: &Share, untimed: bool) {
        let next = self.threads.len() as u32;
        let thread = *self.thread_index.entry(labels).or_insert(next);
        if thread == next {
            self.threads.push(labels);
        }
        let entry = Entry {
            stack: share.stack,
            thread,
            time: share.time,
            count: share.count,
            wall: share.wall,
            cpu: share.cpu,
        };
        if self.timeline && !untimed {
            self.entries.push(entry);
            return;
        }
        match self.totals.get(&(thread, share.stack)) {
            Some(place) => {
                let total = &mut self.entries[*place as usize];
                total.count += share.count;
                total.wall += share.wall;
                total.cpu += share.cpu;
            }
            None => {
                self.totals
                    .insert((thread, share.stack), self.entries.len() as u32);
                self.entries.push(Entry { time: 0, ..entry });
            }
        }
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.totals.len() * 24 + self.threads.len() * 48
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: ThreadLabels = ThreadLabels {
        name: StringId(1),
        id: StringId(2),
        os_id: StringId(3),
    };

    fn share(stack: u32, time: u64) -> Share {
        Share {
            stack: StackId(stack),
            time,
            count: 1,
            wall: 10,
            cpu: 3,
        }
    }

    #[test]
    fn the_timeline_keeps_every_share_and_totals_merge_them() {
        for (timeline, entries) in [(true, 6), (false, 2)] {
            let mut period = Period::new(0, timeline);
            for turn in 0..6 {
                period.add(LABELS, &share(turn % 2, u64::from(turn)), false);
            }
            assert_eq!(period.entries.len(), entries);
            assert_eq!(period.threads.len(), 1);
            assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), 60);
            assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), 18);
            assert_eq!(period.entries.iter().map(|e| e.count).sum::<u64>(), 6);
        }
    }
}
