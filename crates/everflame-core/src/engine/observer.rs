//! The observer: one thread that finds threads, reads their clocks and places from outside, and decides who is
//! interrupted. See docs/architecture.md, "Engines".

mod descriptors;
mod directory;
mod discovery;
mod idle;
mod loader;
mod outside;
mod stacks;
mod thread;

use std::collections::HashSet;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::report::Reports;
use super::{Engine, Report};
use crate::signal::{
    AGGREGATOR, COUNTERS, Installed, Outstanding, Slots, is_enabled, monotonic, own_tid,
    process_cpu, set_enabled, terminal, thread_cpu, thread_cpu_of,
};
use descriptors::Descriptors;
use directory::Directory;
use idle::Sleeper;
use loader::{Loader, LoaderNews};
use outside::Outside;
pub use outside::Sequence;
use thread::{Look, Watched};

/// A thread whose clock advanced by less did not run: reading a clock on another CPU is not exact, and the tail of our
/// own handler may fall behind its last reading.
const STILL: u64 = 20_000;

/// CPU time that ticks themselves may take before their clocks are read.
const TICK_COST: u64 = 150_000;

/// Ticks without anybody running after which the observer waits for the process's clock instead of the wall's.
const QUIET_TICKS: u32 = 5;

/// The longest wait: new threads are found within it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the observer is told.
enum Command {
    /// Report every thread's clock and place now, then answer.
    Settle(Sender<Settled>),
    /// A thread of the application has registered itself.
    Discover(i32),
    /// The program is about to handle this signal; answer when it gets no more of ours.
    GiveUp(c_int, Sender<()>),
    Stop,
}

/// Clocks read just before those of the threads: what the threads' own do not explain of the process's was used by
/// threads that have ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// CPU time of the process, nanoseconds.
    pub process_cpu: u64,
    /// CPU time of the observer.
    pub observer_cpu: u64,
    /// CPU time of the aggregator.
    pub aggregator_cpu: u64,
}

pub struct ObserverOptions {
    /// Nanoseconds between samples.
    pub interval: u64,
    pub signal: Installed,
    /// The aggregator's thread.
    pub aggregator: i32,
    /// Code events that wait to be read, in bytes: the observer wakes the aggregator for them once a second.
    pub backlog: Box<dyn Fn() -> usize + Send>,
    /// Code events that the isolate of a slot has published; `None` for a slot without one.
    pub sequence: Sequence,
}

/// A running observer.
pub struct Observer {
    commands: Mutex<Sender<Command>>,
    tid: i32,
    signal: Installed,
    /// The clocks just after those of the threads that were there at the start.
    pub began: Settled,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the observer's thread and its owner both see.
#[derive(Default)]
struct Shared {
    reports: Reports,
    /// Signals of commands that are on their way.
    outstanding: Arc<Outstanding>,
    loader: LoaderNews,
    /// The clocks at the end of sampling.
    last: Mutex<Option<Settled>>,
    /// A bug has ended the thread.
    failed: AtomicBool,
    /// No samples are taken: every signal that the engine can use is somebody else's.
    blind: AtomicBool,
}

impl Observer {
    /// Starts the thread.
    ///
    /// # Errors
    /// Threads are out.
    pub fn start(
        engine: Box<dyn Engine>,
        slots: &'static Slots,
        options: ObserverOptions,
    ) -> std::io::Result<Observer> {
        let shared = Arc::new(Shared::default());
        let (commands, receiver) = channel();
        let (started, begun) = channel();
        let signal = options.signal;
        let seen = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("everflame-obs".to_owned())
            .spawn(move || {
                crate::signal::mask_all_signals();
                let work = AssertUnwindSafe(|| {
                    let mut watch = Loop::new(engine, slots, options, Arc::clone(&seen));
                    watch.find_threads(watch.started, true);
                    // The starter waits for this.
                    started
                        .send((watch.tid, watch.clocks()))
                        .unwrap_or_default();
                    watch.run(&receiver);
                    watch.finish();
                });
                if catch_unwind(work).is_err() {
                    // The engine went with the loop. Handlers return at once from now on.
                    set_enabled(false);
                    seen.reports.end_reading();
                    seen.failed.store(true, Ordering::Release);
                }
            })?;
        let (tid, began) = begun
            .recv()
            .map_err(|_| std::io::Error::other("the observer ended while starting"))?;
        Ok(Observer {
            commands: Mutex::new(commands),
            tid,
            signal,
            began,
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub fn tid(&self) -> i32 {
        self.tid
    }

    /// Whether a bug has ended the thread.
    pub fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }

    /// Until when no library has come or gone since [`Observer::loader_is_known`].
    pub fn loader_same_until(&self) -> u64 {
        self.shared.loader.same_until()
    }

    /// The libraries of this moment are known.
    pub fn loader_is_known(&self) {
        self.shared.loader.clear();
    }

    /// Whether no samples are taken, because every signal that the engine can use is somebody else's.
    pub fn is_blind(&self) -> bool {
        self.shared.blind.load(Ordering::Relaxed)
    }

    /// Since when a stack is being read whose report is still to come.
    pub fn reading_since(&self) -> Option<u64> {
        self.shared.reports.reading_since()
    }

    /// Reports that were not read yet.
    pub fn reports(&self) -> Vec<Report> {
        self.shared.reports.take()
    }

    fn tell(&self, command: Command) {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        // Both fail only when the observer has ended, and then there is nothing left to tell it.
        if commands.send(command).is_ok() {
            self.shared.outstanding.announce();
            self.signal.interrupt(self.tid).unwrap_or_default();
        }
    }

    /// Has every thread reported up to now. Returns when the reports are there; after a stop, with the clocks as they
    /// were then. `None` when the observer gets no CPU time for two seconds, or has failed.
    pub fn settle(&self) -> Option<Settled> {
        let (done, wait) = channel();
        self.tell(Command::Settle(done));
        // An observer that ended answers by hanging up.
        wait.recv_timeout(Duration::from_secs(2)).ok().or_else(|| {
            *self
                .shared
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        })
    }

    /// The thread has just registered itself: look for it now.
    pub fn discover(&self, tid: i32) {
        self.tell(Command::Discover(tid));
    }

    /// The program is about to handle this signal: from the return on none of ours arrives on it. Waits for at most
    /// `limit`, after which the observer will find the program's handler.
    pub fn give_up(&self, signal: c_int, limit: Duration) {
        let (done, wait) = channel();
        self.tell(Command::GiveUp(signal, done));
        // Out of time, or the observer has ended.
        wait.recv_timeout(limit).unwrap_or_default();
    }

    /// Ends the thread and disarms the engine.
    pub fn stop(&self) {
        self.tell(Command::Stop);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Its panics are caught inside.
            thread.join().unwrap_or_default();
        }
    }
}

struct Loop {
    engine: Box<dyn Engine>,
    /// The engine has no signal to work with.
    stopped: bool,
    /// The program is about to take our signal, and there was no other.
    given_up: bool,
    slots: &'static Slots,
    sleeper: Sleeper,
    options: ObserverOptions,
    tid: i32,
    own_threads: [i32; 2],
    threads: Vec<Watched>,
    known: HashSet<i32>,
    shared: Arc<Shared>,
    outside: Outside,
    loader: Loader,
    descriptors: Descriptors,
    /// The process's clock at the last tick.
    process: u64,
    /// CPU time of the process that nobody looked at has used.
    unexplained: u64,
    /// The profiler's own threads' clocks when they were last read.
    own_cpu: u64,
    /// CPU time of earlier observers of this process.
    earlier_cpu: u64,
    started: u64,
    /// `None` where no descriptor was free: it is opened when one is.
    tasks: Option<Directory>,
    /// The link count of the list of threads at the last look.
    links: libc::nlink_t,
    looked_for_threads: u64,
    quiet: u32,
    /// When the last tick was.
    ticked: u64,
    /// Threads to look at next, the one that ran last first.
    order: Vec<(u64, usize)>,
}

impl Loop {
    fn new(
        engine: Box<dyn Engine>,
        slots: &'static Slots,
        options: ObserverOptions,
        shared: Arc<Shared>,
    ) -> Loop {
        let tid = own_tid();
        let now = monotonic();
        let mut descriptors = Descriptors::new();
        let outside = Outside::new(Arc::clone(&options.sequence), &mut descriptors);
        Loop {
            engine,
            stopped: false,
            given_up: false,
            slots,
            sleeper: Sleeper::new(
                options.signal.signal,
                tid,
                options.interval,
                Arc::clone(&shared.outstanding),
            ),
            own_threads: [tid, options.aggregator],
            options,
            tid,
            threads: Vec::new(),
            known: HashSet::new(),
            shared,
            outside,
            loader: Loader::default(),
            tasks: Directory::open().ok(),
            descriptors,
            process: process_cpu(),
            unexplained: 0,
            own_cpu: own_clocks(),
            earlier_cpu: COUNTERS.observer_cpu_nanoseconds.load(Ordering::Relaxed),
            started: now,
            links: 0,
            looked_for_threads: 0,
            quiet: 0,
            ticked: now,
            order: Vec::new(),
        }
    }

    /// Until told to stop, or sampling is switched off because the aggregator has failed.
    fn run(&mut self, commands: &Receiver<Command>) {
        loop {
            let idle = self.quiet >= QUIET_TICKS;
            self.sleeper.wait(idle.then_some(LONGEST_WAIT));
            COUNTERS.observer_wakeups.fetch_add(1, Ordering::Relaxed);
            loop {
                match commands.try_recv() {
                    Ok(Command::Settle(done)) => {
                        let settled = self.settle();
                        // The one who asked may have stopped waiting.
                        done.send(settled).unwrap_or_default();
                    }
                    Ok(Command::Discover(tid)) => self.discover(tid),
                    Ok(Command::GiveUp(signal, done)) => {
                        if signal == self.options.signal.signal && !self.stopped {
                            self.change_signal();
                            self.given_up = self.stopped;
                        }
                        // The one who asked may have stopped waiting.
                        done.send(()).unwrap_or_default();
                    }
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return,
                    Err(TryRecvError::Empty) => break,
                }
            }
            if !is_enabled() {
                return;
            }
            self.tick();
            self.note_own_cpu(thread_cpu());
        }
    }

    fn note_own_cpu(&self, cpu: u64) {
        COUNTERS
            .observer_cpu_nanoseconds
            .store(self.earlier_cpu + cpu, Ordering::Relaxed);
    }

    fn tick(&mut self) {
        if !self.options.signal.is_in_place() {
            self.given_up = false;
            self.change_signal();
        } else if self.stopped && !self.given_up {
            // Whoever took the signal has given it back.
            self.resume(self.options.signal);
        }
        let now = monotonic();
        self.loader.watch(now, &self.shared.loader);
        let process = process_cpu();
        self.unexplained += process.saturating_sub(self.process);
        self.process = process;
        self.unexplained = self.unexplained.saturating_sub(self.own_cpu());
        let mut ran = 0;
        for index in 0..self.threads.len() {
            if self.threads[index].needs_look() {
                ran += self.look(index, now);
            }
        }
        let due = now.saturating_sub(self.looked_for_threads) >= LONGEST_WAIT.as_nanos() as u64;
        if due {
            self.find_threads(now, false);
            terminal::renew();
        }
        terminal::finish_late();
        ran += self.look_for_the_rest(now, due);
        if due {
            self.wake_aggregator();
        }
        self.threads.retain(|thread| !thread.ended);
        self.outside.stacks.forget();
        // What runs less than that is found by the process's clock, too, and is not worth a tick each interval.
        let busy = ran > now.saturating_sub(self.ticked) / 20;
        self.ticked = now;
        self.quiet = if busy || self.threads.iter().any(Watched::needs_look) {
            0
        } else {
            self.quiet + 1
        };
    }

    /// Looks at threads that were asleep, until the CPU time of the process is explained; at all of them when `all`.
    /// The one that ran last comes first, since it most likely ran again: each look is a system call. Returns the CPU
    /// time found.
    fn look_for_the_rest(&mut self, now: u64, all: bool) -> u64 {
        if !all && self.is_explained() {
            return 0;
        }
        let mut ran = 0;
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(
            self.threads
                .iter()
                .enumerate()
                .filter(|(_, thread)| thread.looked != now)
                .map(|(index, thread)| (thread.ran, index)),
        );
        order.sort_unstable_by(|a, b| b.cmp(a));
        let mut looks = order.iter();
        while all || !self.is_explained() {
            let Some((_, index)) = looks.next() else {
                break;
            };
            ran += self.look(*index, now);
        }
        self.order = order;
        if !self.is_explained() {
            if self.may_be_more_threads() {
                self.find_threads(now, false);
                for index in 0..self.threads.len() {
                    if self.threads[index].looked != now {
                        ran += self.look(index, now);
                    }
                }
            }
            // Everybody was looked at: what is left was used by threads that have ended, or in looking.
            self.unexplained = 0;
        }
        ran
    }

    /// Whether no thread that was not looked at can have run for long enough to count.
    fn is_explained(&self) -> bool {
        self.unexplained <= STILL + TICK_COST
    }

    /// CPU time of the profiler's own threads since the last call, as they noted it themselves.
    fn own_cpu(&mut self) -> u64 {
        let own = own_clocks();
        own.saturating_sub(std::mem::replace(&mut self.own_cpu, own))
    }

    /// Looks at one thread, and returns the CPU time that it has used since the last look.
    fn look(&mut self, index: usize, now: u64) -> u64 {
        let thread = &mut self.threads[index];
        thread.looked = now;
        let Some(slot) = self.slots.get(thread.number) else {
            return 0;
        };
        let look = thread.look(
            now,
            slot,
            &self.options,
            &mut self.outside,
            &mut self.descriptors,
            &self.shared.reports,
        );
        match look {
            Look::Still => 0,
            Look::Ran(cpu) => {
                self.unexplained = self.unexplained.saturating_sub(cpu);
                cpu
            }
            Look::Ended => {
                self.end(index, now);
                0
            }
        }
    }

    /// Sampling stops: the engine first, then every thread's last report.
    fn finish(&mut self) {
        self.engine.stop();
        self.wait_for_handlers();
        let settled = self.settle();
        *self
            .shared
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(settled);
        let now = monotonic();
        for index in 0..self.threads.len() {
            self.end(index, now);
        }
    }

    /// Handlers that were at work when sampling was switched off write their last record; one that takes longer than a
    /// moment is on a thread that gets no CPU time.
    fn wait_for_handlers(&self) {
        let limit = monotonic() + 50_000_000;
        let busy = |thread: &Watched| {
            self.slots
                .get(thread.number)
                .is_some_and(|slot| slot.is_in_handler())
        };
        while self.threads.iter().any(busy) && monotonic() < limit {
            std::thread::yield_now();
        }
    }

    fn clocks(&self) -> Settled {
        Settled {
            process_cpu: process_cpu(),
            observer_cpu: thread_cpu(),
            // It lives as long as the process.
            aggregator_cpu: thread_cpu_of(self.options.aggregator).unwrap_or(0),
        }
    }

    /// Reports every thread up to now.
    fn settle(&mut self) -> Settled {
        let settled = self.clocks();
        self.note_own_cpu(settled.observer_cpu);
        let now = monotonic();
        for index in 0..self.threads.len() {
            if !self.threads[index].settle(now, &self.shared.reports) {
                self.end(index, now);
            }
        }
        self.threads.retain(|thread| !thread.ended);
        settled
    }

    fn wake_aggregator(&self) {
        let waiting = self
            .threads
            .iter()
            .filter_map(|thread| self.slots.get(thread.number)?.ring())
            .any(|ring| !ring.is_empty());
        if waiting || !self.shared.reports.is_empty() || (self.options.backlog)() > 0 {
            AGGREGATOR.notify();
        }
    }
}

/// CPU time of the observer and the aggregator, as they noted it themselves.
fn own_clocks() -> u64 {
    COUNTERS.observer_cpu_nanoseconds.load(Ordering::Relaxed)
        + COUNTERS.aggregator_cpu_nanoseconds.load(Ordering::Relaxed)
}
