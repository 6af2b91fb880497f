//! Requests are read by two: another thread goes ahead of the one that puts them into the file, and that one reads too where it
//! would wait for the next. What came in one request is read by one of them, as it has one limit.

use crate::read::Limits;
use crate::upload::{Prepared, Upload, prepare_request};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Requests that are read, or under way, while the one before them is put into the file: so many are in memory as tables.
const MOST_AHEAD: usize = 3;

pub(crate) struct ReadAhead<'a> {
    requests: Vec<&'a [Upload]>,
    limits: &'a Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many have been handed out.
    taken: usize,
    /// Those behind them, in their order, that somebody reads or has read.
    ahead: VecDeque<Option<Vec<Prepared>>>,
    /// Nobody takes any more, or the other thread is gone: what it has not read then is left to the one who takes.
    is_over: bool,
}

impl State {
    /// The number of the next request, for the one who reads it.
    fn claim(&mut self, requests: usize) -> Option<usize> {
        let number = self.taken + self.ahead.len();
        (number < requests && self.ahead.len() < MOST_AHEAD).then(|| {
            self.ahead.push_back(None);
            number
        })
    }
}

impl<'a> ReadAhead<'a> {
    pub(crate) fn new(uploads: &'a [Upload], limits: &'a Limits) -> ReadAhead<'a> {
        ReadAhead {
            requests: uploads.chunk_by(|_, next| next.joined).collect(),
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Reads until all are read or nobody takes them any more; for the other thread.
    pub(crate) fn run(&self) {
        // Also where reading panics: then the one who takes must not wait for this thread.
        let _end = End(self);
        let mut state = self.state();
        while !state.is_over && state.taken + state.ahead.len() < self.requests.len() {
            state = match state.claim(self.requests.len()) {
                Some(number) => self.read(state, number),
                None => self.wait(state),
            };
        }
    }

    /// The uploads in their order, for the one who puts them into the file.
    pub(crate) fn prepared(&'a self) -> impl Iterator<Item = Prepared> {
        InOrder(End(self)).flatten()
    }

    fn next(&self) -> Option<Vec<Prepared>> {
        let mut state = self.state();
        while state.taken < self.requests.len() {
            if let Some(Some(_)) = state.ahead.front() {
                state.taken += 1;
                self.changed.notify_one();
                return state.ahead.pop_front().flatten();
            }
            let number = match state.claim(self.requests.len()) {
                None if state.is_over => Some(state.taken),
                claimed => claimed,
            };
            state = match number {
                Some(number) => self.read(state, number),
                None => self.wait(state),
            };
        }
        None
    }

    /// Reads one while the other may look at the state.
    fn read<'b>(&'b self, state: MutexGuard<'b, State>, number: usize) -> MutexGuard<'b, State> {
        drop(state);
        let prepared = prepare_request(self.requests[number], self.limits);
        let mut state = self.state();
        let place = number - state.taken;
        state.ahead[place] = Some(prepared);
        self.changed.notify_one();
        state
    }

    fn wait<'b>(&'b self, state: MutexGuard<'b, State>) -> MutexGuard<'b, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct InOrder<'a>(End<'a>);

impl Iterator for InOrder<'_> {
    type Item = Vec<Prepared>;

    fn next(&mut self) -> Option<Vec<Prepared>> {
        self.0.0.next()
    }
}

/// Of one of the two; the other hears of it.
struct End<'a>(&'a ReadAhead<'a>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::Part;

    const COUNT: usize = 50;

    /// The number of an upload is how many parts it has.
    fn uploads() -> Vec<Upload> {
        (0..COUNT)
            .map(|number| Upload {
                parts: vec![Part::default(); number],
                ..Upload::default()
            })
            .collect()
    }

    fn numbers(prepared: impl Iterator<Item = Prepared>) -> Vec<usize> {
        prepared.map(|upload| upload.profiles.len()).collect()
    }

    #[test]
    fn all_come_in_their_order_with_another_thread_and_without() {
        let (uploads, limits) = (uploads(), Limits::default());
        let expected: Vec<usize> = (0..COUNT).collect();
        for others in 0..2 {
            let reading = ReadAhead::new(&uploads, &limits);
            let taken = std::thread::scope(|scope| {
                (0..others).for_each(|_| {
                    scope.spawn(|| reading.run());
                });
                numbers(reading.prepared().inspect(|_| {
                    assert!(reading.state().ahead.len() <= MOST_AHEAD);
                }))
            });
            assert_eq!(taken, expected, "{others} other threads");
        }
    }

    #[test]
    fn what_came_in_one_request_is_read_together() {
        let mut uploads = uploads();
        uploads[1].joined = true;
        uploads[2].joined = true;
        let limits = Limits::default();
        let reading = ReadAhead::new(&uploads, &limits);
        let requests: Vec<usize> = reading
            .requests
            .iter()
            .map(|request| request.len())
            .collect();
        assert_eq!((requests.len(), requests[0]), (COUNT - 2, 3));
        assert_eq!(numbers(reading.prepared()), (0..COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn the_other_thread_goes_as_far_as_it_may_and_ends_when_nobody_takes_more() {
        let (uploads, limits) = (uploads(), Limits::default());
        let reading = ReadAhead::new(&uploads, &limits);
        std::thread::scope(|scope| {
            scope.spawn(|| reading.run());
            let mut state = reading.state();
            while state.ahead.iter().flatten().count() < MOST_AHEAD {
                state = reading.wait(state);
            }
            drop(state);
            assert_eq!(numbers(reading.prepared().take(2)), [0, 1]);
        });
        let state = reading.state();
        assert!(state.taken + state.ahead.len() <= 2 + MOST_AHEAD);
    }

    #[test]
    fn who_takes_waits_for_what_the_other_thread_reads() {
        let (uploads, limits) = (uploads(), Limits::default());
        let reading = ReadAhead::new(&uploads, &limits);
        let first = reading.state().claim(COUNT).expect("nobody has begun");
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| numbers(reading.prepared()));
            let mut state = reading.state();
            while state.ahead.iter().flatten().count() < MOST_AHEAD - 1 {
                state = reading.wait(state);
            }
            assert!(!taken.is_finished());
            drop(reading.read(state, first));
            let taken = taken.join().expect("no panic");
            assert_eq!(taken, (0..COUNT).collect::<Vec<_>>());
        });
    }

    #[test]
    fn what_a_thread_that_is_gone_has_left_is_read_by_the_one_who_takes() {
        let (uploads, limits) = (uploads(), Limits::default());
        let reading = ReadAhead::new(&uploads, &limits);
        assert_eq!(reading.state().claim(COUNT), Some(0));
        drop(End(&reading));
        let taken = numbers(reading.prepared());
        assert_eq!(taken, (0..COUNT).collect::<Vec<_>>());
    }
}
