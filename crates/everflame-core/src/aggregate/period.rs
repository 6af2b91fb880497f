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

/// Times and durations of timed samples are multiples of 8.192 µs: the low bits of a nanosecond are noise, and without
/// them the profile compresses to about half. What is cut from one sample is given to the thread's next, so sums stay
/// exact.
pub const QUANTUM: u64 = 1 << 13;

/// What a thread's samples still owe.
#[derive(Clone, Copy, Debug, Default)]
struct Remainder {
    wall: u64,
    cpu: u64,
}

/// Adds what is owed, and keeps back what is no whole quantum.
fn quantise(value: u64, owed: &mut u64) -> u64 {
    let sum = value + *owed;
    *owed = sum % QUANTUM;
    sum - *owed
}

/// Samples since the last rotation.
pub struct Period {
    pub start: u64,
    pub threads: Vec<ThreadLabels>,
    pub entries: Vec<Entry>,
    totals: FxHashMap<(u32, StackId), u32>,
    thread_index: FxHashMap<ThreadLabels, u32>,
    remainders: Vec<Remainder>,
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
            remainders: Vec::new(),
            timeline,
        }
    }

    /// Adds a share. Without the timeline, or when `untimed`, it is added to the total of its thread and stack.
    pub fn add(&mut self, labels: ThreadLabels, share: &Share, untimed: bool) {
        let next = self.threads.len() as u32;
        let thread = *self.thread_index.entry(labels).or_insert(next);
        if thread == next {
            self.threads.push(labels);
            self.remainders.push(Remainder::default());
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
            let remainder = &mut self.remainders[thread as usize];
            self.entries.push(Entry {
                wall: quantise(share.wall, &mut remainder.wall),
                cpu: quantise(share.cpu, &mut remainder.cpu),
                ..entry
            });
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

    /// Ends the period: pays what is still owed, and puts equal stacks side by side, which compresses best.
    pub fn finish(&mut self) {
        for entry in self
            .entries
            .iter_mut()
            .rev()
            .filter(|entry| entry.time != 0)
        {
            let Remainder { wall, cpu } =
                std::mem::take(&mut self.remainders[entry.thread as usize]);
            entry.wall += wall;
            entry.cpu += cpu;
        }
        self.entries
            .sort_unstable_by_key(|entry| (entry.thread, entry.stack.0, entry.time));
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
                period.add(LABELS, &share(turn % 2, u64::from(turn) + 1), false);
            }
            period.finish();
            assert_eq!(period.entries.len(), entries);
            assert_eq!(period.threads.len(), 1);
            assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), 60);
            assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), 18);
            assert_eq!(period.entries.iter().map(|e| e.count).sum::<u64>(), 6);
        }
    }

    #[test]
    fn rounding_loses_nothing() {
        let mut period = Period::new(0, true);
        let (mut wall, mut cpu) = (0, 0);
        for turn in 1..=1009u64 {
            let share = Share {
                wall: turn * 7_919,
                cpu: turn * 104_729 % 60_013,
                ..share(turn as u32 % 5, turn)
            };
            wall += share.wall;
            cpu += share.cpu;
            period.add(LABELS, &share, false);
        }
        period.finish();
        assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), wall);
        assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), cpu);
        let odd = period.entries.iter().filter(|e| e.wall % QUANTUM != 0);
        assert!(odd.count() <= 1, "only the last sample has the rest");
    }
}
