//! JavaScript threads: each has an isolate, its log of code events and the map that replays it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::super::compose::JavaScript;
use crate::signal::{COUNTERS, Header};
use crate::v8::{CodeEvent, CodeMap, CodeRanges, IsolateLog};

/// A thread that runs JavaScript.
pub struct JavaScriptThread {
    /// Slot number.
    pub number: usize,
    /// `Main Event Loop`, `Worker #3 Event Loop`.
    pub name: String,
    /// `0` for the main thread, else the worker's number.
    pub id: String,
    pub log: Arc<IsolateLog>,
    pub ranges: CodeRanges,
    /// The isolate is gone; what is in the ring can still be resolved.
    pub detached: AtomicBool,
}

/// Memory of one piece of code in a map, its name and tables included, in the mean.
const CODE_BYTES: usize = 256;

struct IsolateState {
    thread: Arc<JavaScriptThread>,
    map: CodeMap,
    pending: VecDeque<CodeEvent>,
    replayed: u64,
}

/// Isolates by slot number.
#[derive(Default)]
pub(super) struct Isolates {
    states: FxHashMap<usize, IsolateState>,
}

impl Isolates {
    /// Takes on threads that registered since the last turn.
    pub(super) fn adopt(&mut self, registered: &Mutex<Vec<Arc<JavaScriptThread>>>) {
        let mut registered = registered.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in registered.iter() {
            let known = self
                .states
                .get(&thread.number)
                .is_some_and(|state| Arc::ptr_eq(&state.thread, thread));
            if !known {
                self.states.insert(
                    thread.number,
                    IsolateState {
                        thread: Arc::clone(thread),
                        map: CodeMap::new(&thread.log.builtins()),
                        pending: VecDeque::new(),
                        replayed: 0,
                    },
                );
            }
        }
        registered.retain(|thread| !thread.detached.load(Ordering::Acquire));
    }

    pub(super) fn thread(&self, number: usize) -> Option<&JavaScriptThread> {
        self.states.get(&number).map(|state| &*state.thread)
    }

    /// The thread's code as it was when the sample was taken.
    pub(super) fn at(&mut self, number: usize, header: &Header) -> Option<JavaScript<'_>> {
        self.at_sequence(number, header.sequence)
    }

    /// The thread's code as it was after so many code events.
    pub(super) fn at_sequence(&mut self, number: usize, sequence: u64) -> Option<JavaScript<'_>> {
        let state = self.states.get_mut(&number)?;
        state.replay_until(sequence);
        Some(JavaScript {
            map: &mut state.map,
            ranges: state.thread.ranges,
        })
    }

    /// Takes what is waiting in the logs, so that they stay short, and replays what no sample can refer to any more.
    pub(super) fn catch_up(&mut self) {
        for state in self.states.values_mut() {
            state.thread.log.take(&mut state.pending);
        }
    }

    /// Forgets the map of a slot whose isolate is gone; whether the slot is free now.
    pub(super) fn forget_if_gone(&mut self, number: usize) -> bool {
        let alive = self
            .states
            .get(&number)
            .is_some_and(|state| !state.thread.detached.load(Ordering::Acquire));
        if !alive {
            self.states.remove(&number);
        }
        !alive
    }

    pub(super) fn bytes(&self) -> usize {
        self.states
            .values()
            .map(|state| state.map.len() * CODE_BYTES + state.pending.len() * CODE_BYTES)
            .sum()
    }
}

impl IsolateState {
    fn replay_until(&mut self, sequence: u64) {
        if self.replayed < sequence && (self.pending.len() as u64) < sequence - self.replayed {
            self.thread.log.take(&mut self.pending);
        }
        while self.replayed < sequence {
            let Some(event) = self.pending.pop_front() else {
                return;
            };
            self.map.replay(event);
            self.replayed += 1;
            COUNTERS.code_events.fetch_add(1, Ordering::Relaxed);
        }
    }
}
