//! The arithmetic of one thread: records tile its life, so wall time adds up to its lifetime and CPU time to its clock.

use std::collections::VecDeque;

use super::tables::StackId;
use crate::signal::WaitKey;

/// What one record adds to the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub stack: StackId,
    /// End of the span, on the monotonic time line.
    pub time: u64,
    pub count: u64,
    pub wall: u64,
    pub cpu: u64,
}

/// A sample as far as accounting is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled {
    pub time: u64,
    /// The thread's clock.
    pub cpu: u64,
    pub stack: StackId,
    pub asleep: bool,
    /// The sleeping place that this sample teaches.
    pub key: Option<WaitKey>,
    /// Sampling intervals that the signal stood for.
    pub weight: u64,
}

/// One thread's running state.
#[derive(Debug)]
pub(super) struct Account {
    interval: u64,
    /// Up to where wall time is accounted for.
    time: u64,
    /// Up to where the clock is accounted for.
    cpu: u64,
    /// CPU time found on sleeping samples, waiting for one that ran.
    carried: u64,
    last_running: Option<StackId>,
    last: Option<StackId>,
    /// The previous record's stack, when the thread slept there.
    asleep: Option<StackId>,
    /// Where the thread slept last, unless it was seen awake since: between samples it sleeps there.
    rest: Option<StackId>,
    /// Stacks at sleeping places, the one taught last at the end.
    places: VecDeque<(WaitKey, StackId)>,
}

/// Sleeping places remembered a thread. The observer counts on no more than its own few; a thread that blocks in ever
/// new depths of calls teaches thousands.
const MOST_PLACES: usize = 64;

impl Account {
    /// Accounting begins at `time` with the clock at `cpu`.
    pub(super) fn new(time: u64, cpu: u64, interval: u64) -> Account {
        Account {
            interval: interval.max(1),
            time,
            cpu,
            carried: 0,
            last_running: None,
            last: None,
            asleep: None,
            rest: None,
            places: VecDeque::new(),
        }
    }

    fn wall_until(&mut self, time: u64) -> u64 {
        let wall = time.saturating_sub(self.time);
        self.time = self.time.max(time);
        wall
    }

    fn cpu_until(&mut self, cpu: u64) -> u64 {
        let spent = cpu.saturating_sub(self.cpu);
        self.cpu = self.cpu.max(cpu);
        spent
    }

    fn intervals(&self, span: u64) -> u64 {
        (span + self.interval / 2) / self.interval
    }

    /// A sample: at most two shares, a sleep that ended unseen and the sample itself.
    pub(super) fn sample(&mut self, sample: &Sampled, mut emit: impl FnMut(Share)) {
        let before = self.time;
        let wall = self.wall_until(sample.time);
        let spent = self.cpu_until(sample.cpu);
        if let Some(key) = sample.key {
            self.learn(key, sample.stack);
        }
        self.last = Some(sample.stack);
        if sample.asleep {
            // CPU time was spent before the thread fell asleep: not here.
            self.carried += spent;
            self.asleep = Some(sample.stack);
            self.rest = self.asleep;
            emit(Share {
                stack: sample.stack,
                time: sample.time,
                count: sample.weight,
                wall,
                cpu: 0,
            });
            return;
        }
        let cpu = spent + std::mem::take(&mut self.carried);
        self.last_running = Some(sample.stack);
        let awake = wall.min(cpu.max(self.interval));
        self.asleep = None;
        if let Some(stack) = self.rest
            && wall - awake > self.interval
        {
            // Nobody has seen it awake between its sleep and this sample; it cannot have run for longer than its clock.
            emit(Share {
                stack,
                time: before + wall - awake,
                count: self.intervals(wall - awake),
                wall: wall - awake,
                cpu: 0,
            });
            emit(Share {
                stack: sample.stack,
                time: sample.time,
                count: sample.weight,
                wall: awake,
                cpu,
            });
            return;
        }
        emit(Share {
            stack: sample.stack,
            time: sample.time,
            count: sample.weight,
            wall,
            cpu,
        });
    }

    /// Whether the stack at a sleeping place is known.
    pub(super) fn knows(&self, key: &WaitKey) -> bool {
        self.places.iter().any(|(known, _)| known == key)
    }

    /// The thread's latest stack.
    pub(super) fn last(&self) -> Option<StackId> {
        self.last
    }

    /// Remembers the stack at a sleeping place.
    pub(super) fn learn(&mut self, key: WaitKey, stack: StackId) {
        self.places.retain(|(known, _)| *known != key);
        if self.places.len() == MOST_PLACES {
            self.places.pop_front();
        }
        self.places.push_back((key, stack));
    }

    /// The stack at a sleeping place that is in use: others are forgotten before it.
    fn use_place(&mut self, key: &WaitKey) -> Option<StackId> {
        let place = self.places.iter().rposition(|(known, _)| known == key)?;
        let used = self.places.remove(place)?;
        self.places.push_back(used);
        Some(used.1)
    }

    /// The thread was still asleep at a known place at `time`.
    pub(super) fn wait(&mut self, time: u64, cpu: u64, key: WaitKey, mut emit: impl FnMut(Share)) {
        let Some(stack) = self.use_place(&key).or(self.last) else {
            return;
        };
        let spent = self.cpu_until(cpu);
        self.carried += spent;
        let wall = self.wall_until(time);
        self.asleep = Some(stack);
        self.rest = self.asleep;
        self.last = Some(stack);
        if wall > 0 {
            emit(Share {
                stack,
                time,
                count: self.intervals(wall),
                wall,
                cpu: 0,
            });
        }
    }

    /// The thread was seen awake: time that its clock does not explain is no sleep from here on, but a wait for a CPU.
    pub(super) fn awake(&mut self) {
        self.rest = None;
    }

    /// The end of a period, or of the thread: everything up to here is given out. `unseen` is the stack for a thread
    /// that was never sampled.
    pub(super) fn settle(
        &mut self,
        time: u64,
        cpu: u64,
        unseen: StackId,
        mut emit: impl FnMut(Share),
    ) {
        let spent = self.cpu_until(cpu) + std::mem::take(&mut self.carried);
        let wall = self.wall_until(time);
        let place = self.asleep.or(self.last).unwrap_or(unseen);
        let worker = self.last_running.unwrap_or(unseen);
        if place == worker {
            if wall > 0 || spent > 0 {
                emit(Share {
                    stack: place,
                    time,
                    count: self.intervals(wall),
                    wall,
                    cpu: spent,
                });
            }
            return;
        }
        if wall > 0 {
            emit(Share {
                stack: place,
                time,
                count: self.intervals(wall),
                wall,
                cpu: 0,
            });
        }
        if spent > 0 {
            emit(Share {
                stack: worker,
                time,
                count: 0,
                wall: 0,
                cpu: spent,
            });
        }
    }

    /// What the thread does now is not what it was last seen to do. Its sleeping places stay true.
    pub(super) fn forget_last(&mut self) {
        self.last_running = None;
        self.last = None;
        self.asleep = None;
        self.rest = None;
    }

    /// Every stack that is remembered, to be rewritten when the tables are rebuilt.
    pub(super) fn stacks_mut(&mut self) -> impl Iterator<Item = &mut StackId> {
        self.places
            .iter_mut()
            .map(|(_, stack)| stack)
            .chain(&mut self.last_running)
            .chain(&mut self.last)
            .chain(&mut self.asleep)
            .chain(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const WORK: StackId = StackId(1);
    const POLL: StackId = StackId(2);
    const UNSEEN: StackId = StackId(9);
    const KEY: WaitKey = WaitKey { sp: 8, pc: 16 };

    fn running(time: u64, cpu: u64) -> Sampled {
        Sampled {
            time,
            cpu,
            stack: WORK,
            asleep: false,
            key: None,
            weight: 1,
        }
    }

    fn asleep(time: u64, cpu: u64) -> Sampled {
        Sampled {
            time,
            cpu,
            stack: POLL,
            asleep: true,
            key: Some(KEY),
            weight: 1,
        }
    }

    #[derive(Default)]
    struct Totals(Vec<Share>);

    impl Totals {
        fn wall(&self, stack: StackId) -> u64 {
            self.sum(stack, |share| share.wall)
        }
        fn cpu(&self, stack: StackId) -> u64 {
            self.sum(stack, |share| share.cpu)
        }
        fn sum(&self, stack: StackId, value: impl Fn(&Share) -> u64) -> u64 {
            self.0
                .iter()
                .filter(|share| share.stack == stack)
                .map(value)
                .sum()
        }
    }

    #[test]
    fn cpu_is_never_charged_to_a_sleeping_stack() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.sample(&asleep(10 * MS, 3 * MS), |share| totals.0.push(share));
        account.wait(40 * MS, 5 * MS, KEY, |share| totals.0.push(share));
        account.sample(&running(50 * MS, 8 * MS), |share| totals.0.push(share));
        assert_eq!((totals.cpu(POLL), totals.cpu(WORK)), (0, 8 * MS));
        assert_eq!((totals.wall(POLL), totals.wall(WORK)), (40 * MS, 10 * MS));
    }

    #[test]
    fn a_sleep_that_ended_unseen_is_not_charged_to_the_function_that_follows() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.sample(&asleep(10 * MS, MS), |share| totals.0.push(share));
        account.sample(&running(1010 * MS, 13 * MS), |share| totals.0.push(share));
        assert_eq!(totals.wall(WORK), 13 * MS);
        assert_eq!(totals.wall(POLL), 997 * MS);
        assert_eq!(totals.cpu(WORK), 13 * MS);
    }

    #[test]
    fn each_of_many_short_turns_has_its_clock_and_the_sleep_the_rest() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.sample(&asleep(10 * MS, 0), |share| totals.0.push(share));
        for turn in 1..=50 {
            let now = (10 + 150 * turn) * MS;
            account.sample(&running(now, 10 * turn * MS), |share| totals.0.push(share));
        }
        assert_eq!(totals.wall(WORK), 500 * MS);
        assert_eq!(totals.wall(POLL), 7010 * MS);
        assert_eq!(totals.cpu(WORK), 500 * MS);
    }

    #[test]
    fn a_wait_for_a_cpu_is_not_charged_to_an_earlier_sleep() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.sample(&asleep(10 * MS, 0), |share| totals.0.push(share));
        account.awake();
        account.sample(&running(50 * MS, 10 * MS), |share| totals.0.push(share));
        account.sample(&running(90 * MS, 20 * MS), |share| totals.0.push(share));
        assert_eq!((totals.wall(POLL), totals.wall(WORK)), (10 * MS, 80 * MS));
    }

    #[test]
    fn the_places_taught_last_are_remembered() {
        let mut account = Account::new(0, 0, 10 * MS);
        let key = |number: u64| WaitKey { sp: number, pc: 1 };
        for number in 0..1000 {
            account.learn(key(number), StackId(number as u32));
            account.learn(key(0), WORK);
        }
        let known = (1..1000).filter(|number| account.knows(&key(*number)));
        assert_eq!(known.count(), MOST_PLACES - 1);
        assert!(account.knows(&key(0)) && account.knows(&key(999)));
    }

    #[test]
    fn a_place_where_the_thread_sleeps_again_and_again_is_remembered() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.learn(KEY, POLL);
        for number in 1..=10 * MOST_PLACES as u64 {
            account.learn(WaitKey { sp: number, pc: 1 }, WORK);
            account.wait(number * MS, 0, KEY, |share| totals.0.push(share));
        }
        assert_eq!(totals.wall(POLL), 10 * MOST_PLACES as u64 * MS);
        assert_eq!(totals.wall(WORK), 0);
    }

    #[test]
    fn a_thread_never_sampled_still_has_its_totals() {
        let mut account = Account::new(100 * MS, 7, 10 * MS);
        let mut totals = Totals::default();
        account.settle(300 * MS, 1007, UNSEEN, |share| totals.0.push(share));
        assert_eq!(totals.wall(UNSEEN), 200 * MS);
        assert_eq!(totals.cpu(UNSEEN), 1000);
    }

    #[test]
    fn totals_equal_the_clocks_for_any_sequence() {
        let mut seed = 7u64;
        let mut next = move |limit: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % limit
        };
        for _ in 0..500 {
            let (start, base) = (next(1000), next(1000));
            let mut account = Account::new(start, base, 10 * MS);
            let mut totals = Totals::default();
            let (mut time, mut cpu) = (start, base);
            for _ in 0..next(60) {
                time += next(30 * MS);
                cpu += next(time - start - (cpu - base).min(time - start) + 1);
                match next(5) {
                    0 => account.sample(&running(time, cpu), |share| totals.0.push(share)),
                    1 => account.sample(&asleep(time, cpu), |share| totals.0.push(share)),
                    2 => account.wait(time, cpu, KEY, |share| totals.0.push(share)),
                    3 => account.awake(),
                    _ => account.settle(time, cpu, UNSEEN, |share| totals.0.push(share)),
                }
            }
            account.settle(time, cpu, UNSEEN, |share| totals.0.push(share));
            let wall: u64 = totals.0.iter().map(|share| share.wall).sum();
            let spent: u64 = totals.0.iter().map(|share| share.cpu).sum();
            assert_eq!(wall, time - start);
            assert_eq!(spent, cpu - base);
        }
    }

    #[test]
    fn a_late_record_changes_nothing_that_was_given_out() {
        let mut account = Account::new(0, 0, 10 * MS);
        let mut totals = Totals::default();
        account.sample(&running(20 * MS, 20 * MS), |share| totals.0.push(share));
        account.wait(15 * MS, 12 * MS, KEY, |share| totals.0.push(share));
        account.settle(20 * MS, 20 * MS, UNSEEN, |share| totals.0.push(share));
        assert_eq!(
            totals.0.iter().map(|share| share.wall).sum::<u64>(),
            20 * MS
        );
        assert_eq!(totals.0.iter().map(|share| share.cpu).sum::<u64>(), 20 * MS);
    }
}
