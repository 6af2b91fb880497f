//! What the observer tells the aggregator of threads. Neither runs in a signal handler, so a lock and a vector do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::signal::{AGGREGATOR, WaitKey, monotonic};

/// Reports that wait before the aggregator is woken for them.
const MANY: usize = 512;

/// Bytes of stacks that wait, above which no more are taken on, and half of which wakes the aggregator.
const MOST_BYTES: usize = 4 << 20;

/// One thread at one moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// The thread's slot.
    pub slot: usize,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub time: u64,
    /// CPU time of the thread since its start, nanoseconds.
    pub cpu: u64,
    pub event: ThreadEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadEvent {
    /// Its accounting begins here.
    Begin,
    /// It was still asleep at a place whose stack a sample has taught.
    Asleep(WaitKey),
    /// It was seen to run, or to wait for a CPU, and not to sleep.
    Awake,
    /// It answers no signals, and this system call, if the kernel tells it, is all that is known.
    Unresponsive(WaitKey),
    /// It sleeps where no signal may reach it, with this stack.
    Read(Box<SleepingStack>),
    /// Its clock, at the end of a period.
    Clock,
    /// Its clock, where samples cease to be taken or begin again: what was seen before says nothing of what comes.
    Blind,
    /// It has ended, or sampling has; its clock as last seen.
    End,
}

/// The stack of a thread that sleeps in a system call, read from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SleepingStack {
    pub key: WaitKey,
    /// Code events that its isolate had published then; `None` for a thread without JavaScript.
    pub sequence: Option<u64>,
    /// V8's note of the frame by which JavaScript last called C++ (`v8::exit_frame_address`); 0 while none has, and where
    /// it cannot be read.
    pub exit_frame: u64,
    /// The stack from `key.sp` upwards.
    pub bytes: Box<[u8]>,
}

impl SleepingStack {
    /// Whether JavaScript may be among its frames.
    pub(super) fn may_have_javascript(&self) -> bool {
        self.sequence.is_some()
    }
}

#[derive(Default)]
struct Waiting {
    reports: Vec<Report>,
    /// Of stacks in them.
    bytes: usize,
}

/// Reports that were not read yet.
#[derive(Default)]
pub(super) struct Reports {
    waiting: Mutex<Waiting>,
    /// Since when a stack is being read, whose report will be of a moment that has passed; 0 while none is.
    reading: AtomicU64,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, report: Report) {
        let bytes = match &report.event {
            ThreadEvent::Read(stack) => stack.bytes.len(),
            _ => 0,
        };
        let mut waiting = self.lock();
        let before = waiting.bytes;
        waiting.bytes += bytes;
        waiting.reports.push(report);
        let many = waiting.reports.len() == MANY
            || (before < MOST_BYTES / 2 && waiting.bytes >= MOST_BYTES / 2);
        drop(waiting);
        if many {
            AGGREGATOR.notify();
        }
    }

    /// Whether a stack more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.lock().bytes < MOST_BYTES
    }

    /// A stack is read from now on; the report of it bears a later time.
    pub(super) fn begin_reading(&self) {
        self.reading.store(monotonic(), Ordering::SeqCst);
    }

    /// It was reported, or there is nothing to report.
    pub(super) fn end_reading(&self) {
        self.reading.store(0, Ordering::SeqCst);
    }

    pub(super) fn reading_since(&self) -> Option<u64> {
        Some(self.reading.load(Ordering::SeqCst)).filter(|since| *since != 0)
    }

    /// All reports so far, in the order in which they were made.
    pub(super) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.lock()).reports
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().reports.is_empty()
    }
}
