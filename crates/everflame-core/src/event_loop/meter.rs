//! The account of one event loop: what its turns add to each second.

use std::collections::VecDeque;
use std::ops::Range;

/// Nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;

/// Seconds that are kept where nobody takes them, oldest dropped first: longer than any period.
pub(super) const KEPT: usize = 4096;

/// The thread of an event loop, as profiles name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thread {
    /// `0` for the main thread, else the worker's number.
    pub id: u32,
    pub name: String,
}

/// What happened in one second of the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Second {
    /// Seconds of the monotonic clock.
    pub(super) at: u64,
    /// The longest that an event which came in this second had to wait for the loop, in nanoseconds.
    pub(super) delay: u64,
    /// Nanoseconds in which the loop did not wait for events.
    pub(super) active: u64,
    /// V8's used heap in bytes, as it was last seen.
    pub(super) heap: Option<u64>,
}

/// Seconds in order, those in which something happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seconds(VecDeque<Second>);

impl Seconds {
    /// The second of this time, which is the newest as a rule.
    pub(super) fn at(&mut self, at: u64) -> &mut Second {
        let place = self.0.partition_point(|second| second.at < at);
        if self.0.get(place).is_none_or(|second| second.at != at) {
            let new = Second {
                at,
                ..Second::default()
            };
            self.0.insert(place, new);
        }
        &mut self.0[place]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Second> {
        self.0.iter()
    }

    /// Those from one time on and before another.
    pub(super) fn within(&self, range: Range<u64>) -> impl Iterator<Item = &Second> {
        let first = self.0.partition_point(|second| second.at < range.start);
        let rest = self.0.range(first..);
        rest.take_while(move |second| second.at < range.end)
    }

    /// Forgets the oldest where there are too many.
    fn bound(&mut self) {
        let excess = self.0.len().saturating_sub(KEPT);
        self.0.drain(..excess);
    }
}

/// What happened since a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Seconds of the monotonic clock. Older ones may be among the others: an event that came then waits still.
    pub(super) since: u64,
    pub(super) seconds: Seconds,
}

/// A reading of the clock and of what libuv says that the loop has waited, both in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) now: u64,
    pub(super) idle: u64,
}

/// A turn of the loop begins with the wait for events and ends before the next one: what is not wait is work at its end, and whatever
/// comes meanwhile waits until that is done.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Where the present turn began; `None` before the first one, and while nobody samples.
    turn: Option<Reading>,
    /// Up to when work of the present turn is in `active` already.
    counted: u64,
    /// Since when the loop is watched without a gap, in seconds of the clock.
    since: Option<u64>,
    seconds: Seconds,
}

impl Meter {
    /// The present turn is over, and the next one begins.
    pub(super) fn turn(&mut self, reading: Reading) {
        self.look(reading);
        self.since.get_or_insert(reading.now / SECOND);
        self.turn = Some(reading);
        self.counted = reading.now;
    }

    /// Brings the account up to date in the middle of a turn.
    pub(super) fn look(&mut self, reading: Reading) {
        let Some(turn) = self.turn else { return };
        let length = reading.now.saturating_sub(turn.now);
        let work = length.saturating_sub(reading.idle.saturating_sub(turn.idle));
        if work > 0 {
            self.add(reading.now - work, reading.now);
        }
    }

    /// The loop was at work from `start` to `end`.
    fn add(&mut self, start: u64, end: u64) {
        let first = (start / SECOND).max((end / SECOND).saturating_sub(KEPT as u64));
        for at in first..=(end - 1) / SECOND {
            let came = start.max(at * SECOND);
            let until = end.min((at + 1) * SECOND);
            let active = until.saturating_sub(came.max(self.counted));
            let second = self.seconds.at(at);
            second.delay = second.delay.max(end - came);
            second.active += active;
        }
        self.counted = self.counted.max(end);
        self.seconds.bound();
    }

    pub(super) fn heap(&mut self, now: u64, bytes: u64) {
        self.seconds.at(now / SECOND).heap = Some(bytes);
    }

    /// What there is since the last call; `None` where the loop was not watched.
    pub(super) fn take(&mut self, now: u64) -> Option<Taken> {
        let since = self.since?;
        self.since = self.turn.map(|_| now / SECOND);
        Some(Taken {
            since,
            seconds: std::mem::take(&mut self.seconds),
        })
    }

    /// Whether a turn is under way that is counted.
    pub(super) fn is_running(&self) -> bool {
        self.turn.is_some()
    }

    /// Nobody samples from now on: the account ends here, and the next turn begins a new one.
    pub(super) fn pause(&mut self, reading: Reading) {
        self.look(reading);
        self.turn = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn reading(now: u64, idle: u64) -> Reading {
        Reading {
            now: now * MS,
            idle: idle * MS,
        }
    }

    fn rows(meter: &mut Meter, now: u64) -> (u64, Vec<(u64, u64, u64)>) {
        let Taken { since, seconds } = meter.take(now * MS).unwrap();
        let rows = seconds
            .iter()
            .map(|second| (second.at, second.delay / MS, second.active / MS));
        (since, rows.collect())
    }

    #[test]
    fn a_turn_works_at_its_end_and_delays_what_comes_meanwhile() {
        let mut meter = Meter::default();
        meter.turn(reading(1_100, 50));
        // 300 ms of wait, 100 of work.
        meter.turn(reading(1_500, 350));
        // 100 of wait, 13 of work.
        meter.turn(reading(1_613, 450));
        assert_eq!(rows(&mut meter, 1_700), (1, vec![(1, 100, 113)]));
    }

    #[test]
    fn work_over_several_seconds_is_divided_and_what_came_later_waits_less() {
        let mut meter = Meter::default();
        meter.turn(reading(1_000, 0));
        // 400 of wait, then 2,900 of work: from 1,400 to 4,300.
        meter.turn(reading(4_300, 400));
        let expected = vec![
            (1, 2_900, 600),
            (2, 2_300, 1_000),
            (3, 1_300, 1_000),
            (4, 300, 300),
        ];
        assert_eq!(rows(&mut meter, 4_300), (1, expected));
    }

    #[test]
    fn work_under_way_is_counted_once_however_often_one_looks() {
        let mut meter = Meter::default();
        meter.turn(reading(1_000, 0));
        meter.look(reading(1_700, 0));
        meter.look(reading(1_800, 0));
        assert_eq!(rows(&mut meter, 1_800), (1, vec![(1, 800, 800)]));
        // What came in that second waits longer than was known then.
        meter.turn(reading(2_200, 0));
        assert_eq!(
            rows(&mut meter, 2_200),
            (1, vec![(1, 1_200, 200), (2, 200, 200)])
        );
    }

    #[test]
    fn all_of_the_time_is_wait_or_work() {
        let mut meter = Meter::default();
        let (mut now, mut idle) = (7_919, 0);
        meter.turn(reading(now, idle));
        let begun = now;
        // Prime lengths, so that turns end everywhere in a second.
        for turn in 0..500 {
            idle += 13 * (turn % 5);
            now += 13 * (turn % 5) + 7 * (turn % 11);
            meter.turn(reading(now, idle));
        }
        let (_, seconds) = rows(&mut meter, now);
        let active: u64 = seconds.iter().map(|(_, _, active)| active).sum();
        assert_eq!(active, now - begun - idle);
    }

    #[test]
    fn a_clock_of_libuv_that_is_ahead_takes_nothing_away() {
        let mut meter = Meter::default();
        meter.turn(reading(1_000, 0));
        meter.turn(reading(1_010, 11));
        assert_eq!(rows(&mut meter, 1_010), (1, vec![]));
    }

    #[test]
    fn memory_is_bounded_where_nobody_takes() {
        let mut meter = Meter::default();
        meter.turn(reading(0, 0));
        meter.turn(reading(500_000_000, 0));
        meter.turn(reading(1_000_000_000, 0));
        let Taken { seconds, .. } = meter.take(1_000_000_000 * MS).unwrap();
        assert_eq!(seconds.iter().count(), KEPT);
        assert_eq!(seconds.iter().last().map(|second| second.at), Some(999_999));
    }

    #[test]
    fn nothing_is_known_before_the_first_turn_and_after_a_pause() {
        let mut meter = Meter::default();
        assert_eq!(meter.take(5 * SECOND), None);
        meter.turn(reading(1_000, 0));
        meter.turn(reading(2_000, 900));
        assert!(meter.is_running());
        meter.pause(reading(2_500, 1_000));
        assert!(!meter.is_running());
        meter.pause(reading(9_000, 1_000));
        assert_eq!(
            rows(&mut meter, 5_000),
            (1, vec![(1, 100, 100), (2, 400, 400)])
        );
        assert_eq!(meter.take(6 * SECOND), None);
        meter.turn(reading(9_500, 1_000));
        meter.turn(reading(9_507, 1_000));
        assert_eq!(rows(&mut meter, 9_600), (9, vec![(9, 7, 7)]));
    }
}
