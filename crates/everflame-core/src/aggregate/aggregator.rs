//! The aggregator thread: drains rings, keeps accounts, rotates periods, encodes.

mod javascript;
mod self_test;
mod threads;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use super::account::Share;
use super::compose::Composer;
use super::output;
use super::period::{Period, ThreadLabels};
use super::tables::{StackId, Tables};
use crate::engine::Observer;
use crate::pprof::{Encoding, EncodingError, encode};
use crate::signal::{
    AGGREGATOR, COUNTERS, Header, Slots, monotonic, process_cpu, realtime_offset, set_enabled,
    terminal, thread_cpu, thread_cpu_of,
};
use crate::v8::Features;
use javascript::Isolates;
pub use javascript::JavaScriptThread;
pub use self_test::SelfTest;
use threads::{ThreadState, Threads};

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
    /// Sampling begins. With an output prefix the last profile is written when a terminal signal ends the process.
    Begin(Options, Arc<Observer>, Option<String>),
    /// End the period and hand over its profile; without sampling an empty one.
    Rotate(Encoding, Reply),
    /// Sampling has ended: the observer is gone.
    End,
    /// Resolve the stack of a thread that certainly runs JavaScript.
    SelfTest(SelfTest),
}

/// How profiles are made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Nanoseconds between samples.
    pub interval: u64,
    /// Most frames of a stack in the profile.
    pub max_frames: usize,
    pub timeline: bool,
    pub native_frames: bool,
    /// Most bytes of stacks, names and samples.
    pub memory_cap: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            interval: 10_000_000,
            max_frames: 512,
            timeline: true,
            native_frames: true,
            memory_cap: 64 << 20,
        }
    }
}

/// By which the aggregator is talked to. Its thread lives as long as the process: while sampling is stopped it still
/// reads code events, so that a restart finds every map complete.
#[derive(Default)]
pub struct Mailbox {
    commands: Mutex<VecDeque<Command>>,
    javascript: Mutex<Vec<Arc<JavaScriptThread>>>,
    tid: AtomicI32,
    /// The thread has failed: nothing will be answered any more.
    dead: AtomicBool,
    /// What the self-test found; made once for the process.
    pub features: OnceLock<Features>,
}

/// Starts the aggregator's thread.
///
/// # Errors
/// Threads are out.
pub fn start(slots: &'static Slots) -> std::io::Result<Arc<Mailbox>> {
    let mailbox = Arc::new(Mailbox::default());
    let shared = Arc::clone(&mailbox);
    let (started, wait) = channel();
    std::thread::Builder::new()
        .name("everflame-agg".to_owned())
        .spawn(move || {
            crate::signal::mask_all_signals();
            // SAFETY: gettid takes nothing and cannot fail.
            let tid = unsafe { libc::syscall(libc::SYS_gettid) } as i32;
            shared.tid.store(tid, Ordering::Release);
            // The starter waits for this; were it gone, the thread would still be of use.
            started.send(()).unwrap_or_default();
            let work = AssertUnwindSafe(|| run(slots, &shared, tid));
            if catch_unwind(work).is_err() {
                shared.die();
            }
        })?;
    wait.recv()
        .map_err(|_| std::io::Error::other("the aggregator ended while starting"))?;
    Ok(mailbox)
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
    fn die(&self) {
        set_enabled(false);
        terminal::unguard();
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        self.dead.store(true, Ordering::Release);
        commands.clear();
        drop(commands);
        if let Some(signal) = terminal::take_pending() {
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

    /// Code events that wait to be read, in bytes.
    pub fn backlog_bytes(&self) -> usize {
        self.javascript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|thread| thread.log.backlog_bytes())
            .sum()
    }

    fn next(&self) -> Option<Command> {
        self.commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

fn run(slots: &'static Slots, mailbox: &Mailbox, tid: i32) {
    let mut state = State::new(slots, tid);
    loop {
        let ticket = AGGREGATOR.ticket();
        if let Some(signal) = terminal::take_pending() {
            state.write_last_profile(mailbox);
            terminal::finish(signal);
        }
        match mailbox.next() {
            Some(Command::Begin(options, observer, output)) => {
                state.begin(options, observer, output);
            }
            Some(Command::Rotate(encoding, reply)) => {
                reply(state.rotate(mailbox, encoding));
            }
            Some(Command::End) => state.end(),
            Some(Command::SelfTest(test)) => {
                state.isolates.adopt(&mailbox.javascript);
                test.answer(&mut state.isolates, &state.composer, &mailbox.features);
            }
            None => {
                state.drain(mailbox);
                COUNTERS
                    .aggregator_cpu_nanoseconds
                    .store(thread_cpu(), Ordering::Relaxed);
                AGGREGATOR.wait(ticket, None);
                COUNTERS.aggregator_wakeups.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

struct State {
    slots: &'static Slots,
    options: Options,
    observer: Option<Arc<Observer>>,
    output: Option<String>,
    sequence: u64,
    tables: Tables,
    composer: Composer,
    period: Period,
    threads: Threads,
    isolates: Isolates,
    /// The stack of time that has none.
    unseen: StackId,
    /// CPU time given to any thread since the start, and what the process's clock said then.
    accounted: u64,
    process_start: u64,
    tid: i32,
    /// Clocks of the profiler's own threads at the last rotation.
    own: FxHashMap<i32, u64>,
    dropped_before: u64,
}

impl State {
    fn new(slots: &'static Slots, tid: i32) -> State {
        let options = Options::default();
        let mut tables = Tables::new();
        let composer = Composer::new(&mut tables, &options);
        let unseen = unseen_stack(&mut tables);
        State {
            slots,
            options,
            observer: None,
            output: None,
            sequence: 0,
            tables,
            composer,
            period: Period::new(monotonic(), options.timeline),
            threads: Threads::default(),
            isolates: Isolates::default(),
            unseen,
            accounted: 0,
            process_start: process_cpu(),
            tid,
            own: FxHashMap::default(),
            dropped_before: dropped(),
        }
    }

    fn begin(&mut self, options: Options, observer: Arc<Observer>, output: Option<String>) {
        self.output = output;
        self.options = options;
        self.composer.configure(&options);
        self.period = Period::new(monotonic(), options.timeline);
        self.accounted = 0;
        self.process_start = process_cpu();
        self.own.clear();
        self.own.insert(self.tid, thread_cpu());
        self.dropped_before = dropped();
        self.observer = Some(observer);
    }

    fn end(&mut self) {
        self.observer = None;
        self.output = None;
        self.own.clear();
    }

    /// Reads every ring up to now and brings every account up to date.
    fn drain(&mut self, mailbox: &Mailbox) {
        self.isolates.adopt(&mailbox.javascript);
        self.composer.refresh();
        // Records of a thread that are newer than this wait for the next turn, when the observer's records of the
        // same time are here too.
        let until = monotonic();
        let mut observed: Vec<Header> = Vec::new();
        if let Some(observer) = &self.observer {
            observer.ring.drain(|header, _| observed.push(*header));
        }
        for header in &observed {
            self.threads
                .observed(self.slots, header, self.options.interval);
        }
        let over = self.bytes() > self.options.memory_cap;
        COUNTERS
            .memory_bytes
            .store(self.bytes() as u64, Ordering::Relaxed);
        let State {
            slots,
            threads,
            tables,
            composer,
            isolates,
            period,
            accounted,
            unseen,
            ..
        } = self;
        let limit = over.then(|| {
            let frame = tables.synthetic("(memory limit)");
            tables.stack(&[frame])
        });
        for thread in threads.all() {
            thread.read(slots, |number, header, payload| match limit {
                Some(limit) => {
                    COUNTERS.dropped_memory_cap.fetch_add(1, Ordering::Relaxed);
                    limit
                }
                None => {
                    let javascript = isolates.at(number, header);
                    composer.stack(tables, header, payload, javascript)
                }
            });
            thread.learn_places(|key| composer.place(tables, key.pc));
            thread.refresh_labels(tables, isolates);
            let labels = thread.labels;
            let mut add = |share: Share| {
                *accounted += share.cpu;
                period.add(labels, &share, limit.is_some());
            };
            thread.apply(until, *unseen, &mut add);
        }
        isolates.catch_up();
        for thread in threads.take_ended() {
            // A JavaScript thread keeps its slot and its map while sampling is stopped.
            if isolates.forget_if_gone(thread.number) {
                slots.release(thread.number);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.tables.bytes() + self.period.bytes() + self.composer.bytes() + self.isolates.bytes()
    }

    /// Ends the period: what the threads' records did not cover is added, and everything is encoded.
    fn rotate(&mut self, mailbox: &Mailbox, encoding: Encoding) -> Result<Profile, EncodingError> {
        if let Some(observer) = &self.observer {
            observer.settle();
        }
        self.drain(mailbox);
        let end = monotonic();
        if let Some(observer) = self.observer.as_ref().map(|observer| observer.tid()) {
            self.own_threads(observer, end);
            self.exited_threads(end);
        }
        let mut period =
            std::mem::replace(&mut self.period, Period::new(end, self.options.timeline));
        period.finish();
        let offset = realtime_offset();
        let data = encode(
            &period,
            end,
            &self.tables,
            &self.composer.mappings(),
            self.options.interval,
            offset,
            encoding,
        );
        self.rebuild_if_large();
        let sequence = self.sequence;
        self.sequence += 1;
        let dropped = dropped();
        let lost = dropped - std::mem::replace(&mut self.dropped_before, dropped);
        Ok(Profile {
            data: data?,
            start: period.start as i64 + offset,
            end: end as i64 + offset,
            samples: period.entries.iter().map(|entry| entry.count).sum(),
            dropped: lost,
            sequence,
        })
    }

    /// A terminal signal waits: what there is goes to a file. Failures are counted; the process ends all the same.
    fn write_last_profile(&mut self, mailbox: &Mailbox) {
        let Some(prefix) = self.output.take() else {
            return;
        };
        let written = self
            .rotate(mailbox, Encoding::Gzip)
            .map_err(std::io::Error::other)
            .and_then(|profile| output::write(&prefix, profile.sequence, &profile.data));
        if written.is_err() {
            COUNTERS
                .last_profile_failures
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The profiler's own threads take part like all others.
    fn own_threads(&mut self, observer: i32, end: u64) {
        // In the last period the observer has ended; its clock is as it left it.
        let noted = || COUNTERS.observer_cpu_nanoseconds.load(Ordering::Relaxed);
        let clocks = [
            (
                "everflame-obs",
                observer,
                thread_cpu_of(observer).unwrap_or_else(noted),
            ),
            ("everflame-agg", self.tid, thread_cpu()),
        ];
        for (name, tid, cpu) in clocks {
            let before = self.own.insert(tid, cpu).unwrap_or(0);
            let frame = self.tables.synthetic("(everflame)");
            let stack = self.tables.stack(&[frame]);
            let labels = self.labels(name, tid);
            let share = Share {
                stack,
                time: end,
                count: 0,
                wall: end.saturating_sub(self.period.start),
                cpu: cpu.saturating_sub(before),
            };
            self.accounted += share.cpu;
            self.period.add(labels, &share, false);
        }
    }

    /// CPU time that the kernel charged the process and no living thread has: threads that ended between two looks.
    fn exited_threads(&mut self, end: u64) {
        let spent = process_cpu().saturating_sub(self.process_start);
        let missing = spent.saturating_sub(self.accounted);
        if missing == 0 {
            return;
        }
        let frame = self.tables.synthetic("(exited threads)");
        let stack = self.tables.stack(&[frame]);
        let labels = self.labels("(exited threads)", 0);
        self.accounted += missing;
        let share = Share {
            stack,
            time: end,
            count: 0,
            wall: 0,
            cpu: missing,
        };
        self.period.add(labels, &share, false);
    }

    fn labels(&mut self, name: &str, tid: i32) -> ThreadLabels {
        threads::native_labels(&mut self.tables, name, tid)
    }

    /// Tables that grew over a quarter of the cap are replaced by new ones with the remembered stacks only.
    fn rebuild_if_large(&mut self) {
        if self.tables.bytes() + self.composer.bytes() < self.options.memory_cap / 4 {
            return;
        }
        let old = std::mem::take(&mut self.tables);
        self.composer.start_over(&mut self.tables);
        self.unseen = unseen_stack(&mut self.tables);
        for thread in self.threads.all() {
            ThreadState::carry_over(thread, &old, &mut self.tables);
        }
    }
}

fn unseen_stack(tables: &mut Tables) -> StackId {
    let frame = tables.synthetic("(not sampled)");
    tables.stack(&[frame])
}

fn dropped() -> u64 {
    [
        &COUNTERS.dropped_ring_full,
        &COUNTERS.dropped_memory_cap,
        &COUNTERS.dropped_no_slot,
    ]
    .iter()
    .map(|counter| counter.load(Ordering::Relaxed))
    .sum()
}
