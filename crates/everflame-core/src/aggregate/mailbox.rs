//! By which the aggregator is talked to, and what it answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::aggregator::JavaScriptThread;
use super::courier::Courier;
use super::unwritten::Unwritten;
use crate::engine::Observer;
use crate::pprof::{Encoding, EncodingError, Times};
use crate::signal::{AGGREGATOR, set_enabled, terminal};
use crate::v8::{Features, be_silent};

/// A finished profile.
#[derive(Debug)]
pub struct Profile {
    pub data: Vec<u8>,
    /// Nanoseconds since the Unix epoch.
    pub start: i64,
    pub end: i64,
    /// Samples in the profile.
    pub samples: u64,
    /// Samples lost in this period, whatever the cause.
    pub dropped: u64,
    /// Profiles of this process before this one.
    pub sequence: u64,
}

/// Receives a finished profile, on the aggregator's thread.
pub(super) type Reply = Box<dyn FnOnce(Result<Profile, EncodingError>) + Send>;

/// What the aggregator is told.
pub enum Command {
    /// Sampling begins. With an output prefix the last profile is written when a terminal signal ends the process, and each
    /// that is overdue.
    Begin(Options, Arc<Observer>, Option<String>),
    /// What nobody asks for goes there from now on.
    Output(String),
    /// End the period and hand over its profile; without sampling an empty one.
    Rotate(Encoding, Reply),
    /// As `Rotate`, by a process that is about to end.
    RotateLast(Encoding, Reply),
    /// A process that was about to end lives on.
    LivesOn,
    /// The process leaves by exit(3) without having asked for its last profile: write what there is, and say so by `Mailbox::left`.
    Leave,
    /// Sampling has ended: the observer is gone. End the last period and hand over its profile.
    End(Encoding, Reply),
    /// The thread of this slot has ended while nobody samples.
    Gone(usize),
}

/// How profiles are made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Nanoseconds between samples.
    pub interval: u64,
    /// After that time a profile is overdue, and the aggregator writes it where there is an output.
    pub period: Option<Duration>,
    /// Most frames of a stack in the profile.
    pub max_frames: usize,
    pub timeline: bool,
    pub times: Times,
    /// Without them a stack that has no JavaScript is `(native)` alone.
    pub native_frames: bool,
    /// Each profile is in its file before it is handed out, and once a second what there is of the current period.
    pub write_ahead: bool,
    /// Nothing is said on standard error.
    pub quiet: bool,
    /// Most bytes of stacks, names and samples.
    pub memory_cap: usize,
    /// Frames of generated code are shown as their source maps tell.
    pub source_maps: bool,
    /// A UUID by which whoever finds a profile knows whose it is. It stands in a comment of each.
    pub runtime_id: Option<u128>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            interval: 10_000_000,
            period: None,
            max_frames: 512,
            timeline: true,
            times: Times::ALL,
            native_frames: true,
            write_ahead: false,
            quiet: false,
            memory_cap: 64 << 20,
            source_maps: true,
            runtime_id: None,
        }
    }
}

/// By which the aggregator is talked to. Its thread lives as long as the process: while sampling is stopped it still
/// reads code events, so that a restart finds every map complete.
#[derive(Default)]
pub struct Mailbox {
    commands: Mutex<VecDeque<Command>>,
    pub(super) javascript: Mutex<Vec<Arc<JavaScriptThread>>>,
    pub(super) tid: AtomicI32,
    /// The thread has failed: nothing will be answered any more.
    dead: AtomicBool,
    /// What stacks hold here and what not; found once the first JavaScript thread is known.
    pub features: OnceLock<Features>,
    pub unwritten: Unwritten,
    pub courier: Courier,
    /// `Command::Leave` was carried out.
    pub left: AtomicBool,
}

impl Mailbox {
    /// The aggregator's thread id.
    pub fn tid(&self) -> i32 {
        self.tid.load(Ordering::Acquire)
    }

    /// Hands a command over. One for a thread that has failed is dropped, and its reply with it.
    pub fn tell(&self, command: Command) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_dead() {
            commands.push_back(command);
        }
        drop(commands);
        AGGREGATOR.notify();
    }

    /// Whether the aggregator has failed.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// A bug has ended the aggregator: sampling stops, signals do what they did without us, nobody waits for ever.
    pub(super) fn die(&self) {
        set_enabled(false);
        terminal::unguard();
        be_silent();
        for thread in self.javascript() {
            thread.log.take(&mut VecDeque::new());
        }
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        self.dead.store(true, Ordering::Release);
        commands.clear();
        drop(commands);
        if let Some(signal) = terminal::pending() {
            terminal::finish(signal);
        }
    }

    /// Makes a JavaScript thread known, before its first sample.
    pub fn register(&self, thread: Arc<JavaScriptThread>) {
        self.javascript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
    }

    /// The JavaScript threads that take part.
    pub fn javascript(&self) -> Vec<Arc<JavaScriptThread>> {
        self.javascript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Code events that the isolate of a slot has published; `None` when it has none, or it has ended.
    pub fn sequence(&self, slot: usize) -> Option<u64> {
        self.javascript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|thread| thread.number == slot && !thread.detached.load(Ordering::Acquire))
            .map(|thread| thread.log.sequence().load(Ordering::Acquire))
    }

    /// Code events that wait to be read, in bytes.
    pub fn backlog_bytes(&self) -> usize {
        self.javascript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|thread| thread.log.backlog_bytes())
            .sum()
    }

    pub(super) fn next(&self) -> Option<Command> {
        self.commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}
