//! JavaScript threads: each has an isolate, its log of code events and the map that replays it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use rustc_hash::FxHashMap;

use super::super::compose::JavaScript;
use super::super::mailbox::Mailbox;
use crate::signal::{COUNTERS, Slots};
use crate::v8::{CodeEvent, CodeMap, CodeRanges, Features, Functions, IsolateLog};

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
    functions: Arc<Functions>,
}

/// How far an isolate's log can be replayed once every ring has been read.
pub(super) struct Settled(Vec<(usize, u64)>);

impl Settled {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Isolates {
    /// Takes on threads that registered since the last turn, and with the first of them finds out what stacks hold here.
    pub(super) fn adopt(&mut self, mailbox: &Mailbox) {
        let registered = &mailbox.javascript;
        // A map reads a file when it is made, and threads that attach wait for the lock.
        let threads = registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for thread in &threads {
            let known = self
                .states
                .get(&thread.number)
                .is_some_and(|state| Arc::ptr_eq(&state.thread, thread));
            if !known {
                // Reads the executable's symbols, so not on the thread that registers.
                mailbox.features.get_or_init(|| Features::of(&thread.log));
                self.states
                    .insert(thread.number, IsolateState::new(thread, &self.functions));
            }
        }
        // One that ended since was taken on just now; those registered since are still to come.
        let ended = |thread: &Arc<JavaScriptThread>| {
            thread.detached.load(Ordering::Acquire)
                && threads.iter().any(|seen| Arc::ptr_eq(seen, thread))
        };
        registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|thread| !ended(thread));
    }

    /// Takes on the thread with this slot, which has a record with JavaScript, where it has registered since the turn began.
    pub(super) fn adopt_late(&mut self, number: usize, mailbox: &Mailbox) {
        if !self.states.contains_key(&number) {
            self.adopt(mailbox);
        }
    }

    pub(super) fn thread(&self, number: usize) -> Option<&JavaScriptThread> {
        self.states.get(&number).map(|state| &*state.thread)
    }

    /// The thread's code as it was when V8 had published so many events: at the time of a sample.
    pub(super) fn at(&mut self, number: usize, sequence: u64) -> Option<JavaScript<'_>> {
        let state = self.states.get_mut(&number)?;
        state.replay_until(sequence);
        Some(JavaScript {
            map: &mut state.map,
            ranges: state.thread.ranges,
        })
    }

    /// Notes which code events no sample can miss that is not in its ring by now. To be called before the rings are
    /// read: a handler that is at work may have taken an earlier number, and then its isolate is left out. So may an
    /// observer that reads a stack, and then all are to be forgotten.
    pub(super) fn settled(&self, slots: &Slots) -> Settled {
        let settled = self.states.iter().filter_map(|(number, state)| {
            let sequence = state.thread.log.sequence().load(Ordering::Acquire);
            let slot = slots.get(*number)?;
            (!slot.is_in_handler()).then_some((*number, sequence))
        });
        Settled(settled.collect())
    }

    /// Replays what no sample can refer to any more, so that logs stay short also where nobody samples.
    pub(super) fn catch_up(&mut self, settled: Settled) {
        for (number, sequence) in settled.0 {
            if let Some(state) = self.states.get_mut(&number) {
                state.replay_until(sequence);
            }
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

    /// Memory of the maps and of what waits to go into them.
    pub(super) fn bytes(&self) -> usize {
        self.states
            .values()
            .map(|state| (state.map.len() + state.pending.len()) * CODE_BYTES)
            .sum()
    }

    /// Has every map forget code that was not hit lately, down to about this much memory in all. V8's own code stays.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let each = bytes / self.states.len().max(1) / CODE_BYTES;
        for state in self.states.values_mut() {
            if state.map.len() > each {
                state.map.sweep(each, false);
            }
        }
    }
}

impl IsolateState {
    fn new(thread: &Arc<JavaScriptThread>, functions: &Arc<Functions>) -> IsolateState {
        IsolateState {
            thread: Arc::clone(thread),
            map: CodeMap::new(&thread.log.builtins(), functions),
            pending: VecDeque::new(),
            replayed: 0,
        }
    }

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
