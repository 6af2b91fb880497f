//! One period's samples: with the timeline one entry a share, without it one a thread and stack.

use std::collections::hash_map;

use rustc_hash::FxHashMap;

use super::account::Share;
use super::tables::{StackId, StringId, Tables};

/// The labels of a thread, as they stand on its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadLabels {
    pub name: StringId,
    pub id: StringId,
    pub os_id: StringId,
}

impl ThreadLabels {
    /// The same labels in other tables.
    pub fn carry_over(self, old: &Tables, new: &mut Tables) -> ThreadLabels {
        let mut text = |id: StringId| new.string(old.text(id));
        ThreadLabels {
            name: text(self.name),
            id: text(self.id),
            os_id: text(self.os_id),
        }
    }
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

/// Times and durations of timed samples are multiples of a power of two of nanoseconds, at most a 128th of the sampling
/// interval (65.536 µs at 99 Hz): the bits below are noise that does not compress. What is cut from one sample is given
/// to the thread's next, so sums stay exact.
fn quantum(interval: u64) -> u64 {
    1 << (interval / 128).max(1).ilog2()
}

/// What a thread's samples still owe.
#[derive(Clone, Copy, Debug, Default)]
struct Remainder {
    wall: u64,
    cpu: u64,
}

/// Adds what is owed, and keeps back what is no whole quantum.
fn quantise(value: u64, owed: &mut u64, quantum: u64) -> u64 {
    let sum = value + *owed;
    *owed = sum % quantum;
    sum - *owed
}

/// Samples since the last rotation.
#[derive(Clone)]
pub struct Period {
    pub start: u64,
    pub threads: Vec<ThreadLabels>,
    pub entries: Vec<Entry>,
    totals: FxHashMap<(u32, StackId), u32>,
    thread_index: FxHashMap<ThreadLabels, u32>,
    remainders: Vec<Remainder>,
    timeline: bool,
    /// What times and durations are multiples of, in nanoseconds.
    pub quantum: u64,
}

impl Period {
    /// A period that begins at `start`; `interval` is that of sampling, in nanoseconds.
    pub fn new(start: u64, timeline: bool, interval: u64) -> Period {
        Period {
            start,
            threads: Vec::new(),
            entries: Vec::new(),
            totals: FxHashMap::default(),
            thread_index: FxHashMap::default(),
            remainders: Vec::new(),
            timeline,
            quantum: quantum(interval),
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
                wall: quantise(share.wall, &mut remainder.wall, self.quantum),
                cpu: quantise(share.cpu, &mut remainder.cpu, self.quantum),
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

    /// A thread has another name from now on, and in what this period has of it already: a worker is one thread, also
    /// before it has joined.
    pub fn rename(&mut self, before: ThreadLabels, now: ThreadLabels) {
        if self.thread_index.contains_key(&now) {
            return;
        }
        if let Some(thread) = self.thread_index.remove(&before) {
            self.threads[thread as usize] = now;
            self.thread_index.insert(now, thread);
        }
    }

    /// Puts other stacks in the place of those of all samples. Totals of what is one stack then are one.
    pub fn replace_stacks(&mut self, mut other: impl FnMut(StackId) -> StackId) {
        self.totals.clear();
        let mut kept: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for mut entry in self.entries.drain(..) {
            entry.stack = other(entry.stack);
            if entry.time != 0 {
                kept.push(entry);
                continue;
            }
            match self.totals.entry((entry.thread, entry.stack)) {
                hash_map::Entry::Occupied(place) => {
                    let total = &mut kept[*place.get() as usize];
                    total.count += entry.count;
                    total.wall += entry.wall;
                    total.cpu += entry.cpu;
                }
                hash_map::Entry::Vacant(place) => {
                    place.insert(kept.len() as u32);
                    kept.push(entry);
                }
            }
        }
        self.entries = kept;
    }

    /// Moves everything into new tables.
    pub fn carry_over(&mut self, old: &Tables, new: &mut Tables) {
        self.replace_stacks(|stack| new.copy_stack(old, stack));
        for labels in &mut self.threads {
            *labels = labels.carry_over(old, new);
        }
        self.thread_index = self.threads.iter().copied().zip(0..).collect();
    }

    /// Ends the period: pays what is still owed, and puts stacks that share their callers side by side, which compresses
    /// best.
    pub fn finish(&mut self, tables: &Tables) {
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
        let mut stacks: Vec<StackId> = self.entries.iter().map(|entry| entry.stack).collect();
        stacks.sort_unstable();
        stacks.dedup();
        stacks.sort_by(|a, b| {
            let from_root = |stack: &StackId| tables.frames_of(*stack).iter().rev();
            from_root(a).cmp(from_root(b))
        });
        let rank: FxHashMap<StackId, usize> = stacks.into_iter().zip(0..).collect();
        self.entries
            .sort_unstable_by_key(|entry| (entry.thread, rank[&entry.stack], entry.time));
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.totals.len() * 24 + self.threads.len() * 48
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u64 = 10_101_010;

    #[test]
    fn the_quantum_is_a_small_part_of_the_interval() {
        assert_eq!(quantum(INTERVAL), 65_536);
        assert_eq!(quantum(1_000_000), 4_096);
        assert_eq!(quantum(0), 1);
    }

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

    /// Tables with this many stacks.
    fn tables(stacks: usize) -> Tables {
        let mut tables = Tables::new();
        for number in 0..stacks {
            let frame = tables.synthetic(&number.to_string());
            tables.stack(&[frame]);
        }
        tables
    }

    #[test]
    fn stacks_with_the_same_callers_are_side_by_side() {
        let mut tables = Tables::new();
        let frames = ["a", "b", "root", "other root"].map(|name| tables.synthetic(name));
        let [a, b, root, other] = frames;
        let stacks = [[a, root], [a, other], [b, root], [b, other]];
        let ids = stacks.map(|frames| tables.stack(&frames));
        let mut period = Period::new(0, true, INTERVAL);
        for (time, stack) in (1..).zip(ids) {
            period.add(LABELS, &share(stack.0, time), false);
        }
        period.finish(&tables);
        let order: Vec<StackId> = period.entries.iter().map(|entry| entry.stack).collect();
        assert_eq!(order, [ids[0], ids[2], ids[1], ids[3]]);
    }

    #[test]
    fn the_timeline_keeps_every_share_and_totals_merge_them() {
        let tables = tables(2);
        for (timeline, entries) in [(true, 6), (false, 2)] {
            let mut period = Period::new(0, timeline, INTERVAL);
            for turn in 0..6 {
                period.add(LABELS, &share(turn % 2, u64::from(turn) + 1), false);
            }
            period.finish(&tables);
            assert_eq!(period.entries.len(), entries);
            assert_eq!(period.threads.len(), 1);
            assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), 60);
            assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), 18);
            assert_eq!(period.entries.iter().map(|e| e.count).sum::<u64>(), 6);
        }
    }

    #[test]
    fn other_stacks_change_no_sum() {
        let tables = tables(3);
        for (timeline, entries) in [(true, 9), (false, 2)] {
            let mut period = Period::new(0, timeline, INTERVAL);
            for turn in 0..9 {
                period.add(LABELS, &share(turn % 3, u64::from(turn) + 1), false);
            }
            period.replace_stacks(|stack| StackId(stack.0.min(1)));
            period.finish(&tables);
            assert_eq!(period.entries.len(), entries);
            assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), 90);
            assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), 27);
            let of_first = period.entries.iter().filter(|e| e.stack == StackId(0));
            assert_eq!(of_first.map(|e| e.count).sum::<u64>(), 3);
        }
    }

    #[test]
    fn a_thread_that_is_named_late_is_one_thread() {
        let tables = tables(1);
        let named = ThreadLabels {
            name: StringId(7),
            ..LABELS
        };
        let mut period = Period::new(0, true, INTERVAL);
        period.add(LABELS, &share(0, 1), false);
        period.rename(LABELS, named);
        period.add(named, &share(0, 2), false);
        period.finish(&tables);
        assert_eq!(period.threads, [named]);
        assert_eq!(period.entries.len(), 2);
    }

    #[test]
    fn rounding_loses_nothing() {
        let tables = tables(5);
        let mut period = Period::new(0, true, INTERVAL);
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
        period.finish(&tables);
        assert_eq!(period.entries.iter().map(|e| e.wall).sum::<u64>(), wall);
        assert_eq!(period.entries.iter().map(|e| e.cpu).sum::<u64>(), cpu);
        let odd = period
            .entries
            .iter()
            .filter(|e| e.wall % period.quantum != 0);
        assert!(odd.count() <= 1, "only the last sample has the rest");
    }
}
