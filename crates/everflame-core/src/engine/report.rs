//! What the observer tells the aggregator of threads. Neither runs in a signal handler, so a lock and a vector do.

use std::sync::{Mutex, PoisonError};

use crate::signal::{AGGREGATOR, WaitKey};

/// Reports that wait before the aggregator is woken for them.
const MANY: usize = 512;

/// One thread at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// The thread's slot.
    pub slot: usize,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub time: u64,
    /// CPU time of the thread since its start, nanoseconds.
    pub cpu: u64,
    pub event: ThreadEvent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadEvent {
    /// Its accounting begins here.
    Begin,
    /// It was still asleep at a place whose stack a sample has taught.
    Asleep(WaitKey),
    /// It answers no signals, and this system call, if the kernel tells it, is all that is known.
    Unresponsive(WaitKey),
    /// Its clock, at the end of a period.
    Clock,
    /// It has ended, or sampling has; its clock as last seen.
    End,
}

/// Reports that were not read yet.
#[derive(Default)]
pub(super) struct Reports(Mutex<Vec<Report>>);

impl Reports {
    pub(super) fn push(&self, report: Report) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(report);
        let many = waiting.len() == MANY;
        drop(waiting);
        if many {
            AGGREGATOR.notify();
        }
    }

    /// All reports so far, in the order in which they were made.
    pub(super) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}
