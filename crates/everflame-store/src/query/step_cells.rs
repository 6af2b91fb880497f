//! Numbers by step of time: a line for each thread of each process can have a few of many steps.

use crate::metrics::MILLISECOND;

/// Steps of one answer: more than a screen has points.
pub(super) const MOST_STEPS: i64 = 20_000;

/// How a range is divided.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    from: i64,
    to: i64,
    /// Nanoseconds.
    pub(super) step: i64,
}

impl Steps {
    /// Steps of a length, or of as much as makes no more of them than an answer has.
    pub(super) fn new(from: i64, to: i64, step: i64) -> Steps {
        let span = to.saturating_sub(from).max(0);
        let step = step.max(1).max(span / MOST_STEPS + 1);
        Steps { from, to, step }
    }

    pub(super) fn count(&self) -> usize {
        let span = self.to.saturating_sub(self.from).max(0);
        (span / self.step + i64::from(span % self.step != 0)) as usize
    }

    /// The step of an instant, if it is in the range.
    pub(super) fn of(&self, at: i64) -> Option<u32> {
        (self.from..self.to)
            .contains(&at)
            .then(|| ((at - self.from) / self.step) as u32)
    }

    pub(super) fn values(&self) -> StepValues {
        StepValues(vec![(0, 0.0, 0.0); self.count()])
    }
}

/// Cells of the steps that have one, in their order.
#[derive(Default)]
pub(super) struct StepCells<Cell>(Vec<(u32, Cell)>);

impl<Cell: Default> StepCells<Cell> {
    pub(super) fn at(&mut self, step: u32) -> &mut Cell {
        // Most come in the order of time.
        let place = match self.0.last() {
            Some((last, _)) if *last == step => self.0.len() - 1,
            Some((last, _)) if *last > step => {
                match self.0.binary_search_by_key(&step, |(step, _)| *step) {
                    Ok(place) => place,
                    Err(place) => {
                        self.0.insert(place, (step, Cell::default()));
                        place
                    }
                }
            }
            _ => {
                self.0.push((step, Cell::default()));
                self.0.len() - 1
            }
        };
        &mut self.0[place].1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(u32, Cell)> {
        self.0.iter()
    }
}

/// The largest of several numbers.
#[derive(Default)]
pub(super) struct Peak(pub(super) u64);

impl Peak {
    pub(super) fn add(&mut self, number: u64) {
        self.0 = self.0.max(number);
    }
}

/// How long an event loop was busy, and of how much time that is known.
#[derive(Default)]
pub(super) struct LoopTime {
    /// Microseconds.
    active: u64,
    /// Nanoseconds, and up to where.
    covered: i64,
    until: i64,
}

impl LoopTime {
    /// Adds a bucket, in microseconds of time from `start` to `end`. Two profiles may each have a part of one bucket: its time counts
    /// once, what was busy in it is of both.
    pub(super) fn add(&mut self, active: u64, start: i64, end: i64) {
        self.active = self.active.saturating_add(active);
        self.covered += (end - start.max(self.until)).max(0);
        self.until = self.until.max(end);
    }

    /// 0 to 1.
    pub(super) fn share(&self) -> f64 {
        let microseconds = self.covered as f64 / (MILLISECOND / 1000) as f64;
        (self.active as f64 / microseconds).min(1.0)
    }
}

/// Of each step how many numbers there are, their sum and the largest.
pub(super) struct StepValues(Vec<(u32, f64, f64)>);

/// A value for each step.
type Line = Vec<Option<f64>>;

impl StepValues {
    pub(super) fn add(&mut self, step: u32, number: f64) {
        let (count, sum, largest) = &mut self.0[step as usize];
        *largest = if *count == 0 {
            number
        } else {
            largest.max(number)
        };
        *count += 1;
        *sum += number;
    }

    /// The largest of each step, and the means; `None` where no step has a number.
    pub(super) fn finish(self) -> Option<(Line, Line)> {
        let known = |count: u32, value: f64| (count > 0).then_some(value);
        self.0.iter().any(|(count, ..)| *count > 0).then(|| {
            self.0
                .iter()
                .map(|(count, sum, largest)| {
                    (
                        known(*count, *largest),
                        known(*count, sum / f64::from(*count)),
                    )
                })
                .unzip()
        })
    }
}
