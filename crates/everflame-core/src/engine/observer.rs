//! The observer: one thread that finds threads, reads their clocks and places from outside, and decides who is
//! interrupted. See docs/architecture.md, "Engines".

mod idle;
mod thread;

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::{Engine, EngineError};
use crate::signal::{
    AGGREGATOR, COUNTERS, Installed, MAX_RECORD, Ring, Slots, choose, install, monotonic,
    process_cpu, thread_cpu, thread_cpu_of,
};
use idle::Sleeper;
use thread::{Look, Watched};

/// A thread whose clock advanced by less did not run: reading a clock on another CPU is not exact, and the tail of our
/// own handler may fall behind its last reading.
const STILL: u64 = 20_000;

/// CPU time that ticks themselves may take before their clocks are read.
const TICK_COST: u64 = 150_000;

/// Code events that are not left waiting for the next second: V8's log stops keeping line tables at eight times that.
const LONG_BACKLOG: usize = 1 << 20;

/// Ticks without anybody running after which the observer waits for the process's clock instead of the wall's.
const QUIET_TICKS: u32 = 5;

/// The longest wait: new threads are found within it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the observer is told.
enum Command {
    /// Report every thread's clock and place now, then answer.
    Settle(Sender<()>),
    /// A thread of the application has registered itself.
    Discover(i32),
    Stop,
}

pub struct ObserverOptions {
    /// Nanoseconds between samples.
    pub interval: u64,
    pub signal: Installed,
    /// The aggregator's thread, known only once it runs.
    pub own_threads: Vec<i32>,
    /// Code events that wait to be read, in bytes: the observer wakes the aggregator for them.
    pub backlog: Box<dyn Fn() -> usize + Send>,
}

/// A running observer.
pub struct Observer {
    commands: Mutex<Sender<Command>>,
    tid: i32,
    signal: Installed,
    /// Records of the observer for the aggregator.
    pub ring: Arc<Ring>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Observer {
    /// Starts the thread.
    ///
    /// # Errors
    /// Memory or threads are out.
    pub fn start(
        engine: Box<dyn Engine>,
        slots: &'static Slots,
        options: ObserverOptions,
    ) -> std::io::Result<Observer> {
        let ring = Arc::new(Ring::new()?);
        let (commands, receiver) = channel();
        let (started, tid) = channel();
        let signal = options.signal;
        let records = Arc::clone(&ring);
        let thread = std::thread::Builder::new()
            .name("everflame-obs".to_owned())
            .spawn(move || {
                crate::signal::mask_all_signals();
                // SAFETY: gettid takes nothing and cannot fail.
                let tid = unsafe { libc::syscall(libc::SYS_gettid) } as i32;
                let sleeper = Sleeper::new(signal.signal, tid, options.interval);
                let mut watch = Loop {
                    engine,
                    slots,
                    sleeper,
                    own_threads: options.own_threads.iter().copied().chain([tid]).collect(),
                    options,
                    threads: Vec::new(),
                    known: FxHashMap::default(),
                    ring: records,
                    process: process_cpu(),
                    unexplained: 0,
                    own_cpu: 0,
                    started: monotonic(),
                    tasks: File::open("/proc/self/task").ok(),
                    links: 0,
                    looked_for_threads: 0,
                    quiet: 0,
                    ticked: monotonic(),
                };
                watch.find_threads(watch.started, true);
                // The starter waits for this.
                started.send(tid).unwrap_or_default();
                watch.run(&receiver);
                watch.finish();
                COUNTERS
                    .observer_cpu_nanoseconds
                    .store(thread_cpu(), Ordering::Relaxed);
            })?;
        let tid = tid
            .recv()
            .map_err(|_| std::io::Error::other("the observer ended while starting"))?;
        Ok(Observer {
            commands: Mutex::new(commands),
            tid,
            signal,
            ring,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub fn tid(&self) -> i32 {
        self.tid
    }

    fn tell(&self, command: Command) {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        // Both fail only when the observer has ended, and then there is nothing left to tell it.
        if commands.send(command).is_ok() {
            self.signal.interrupt(self.tid).unwrap_or_default();
        }
    }

    /// Has a record written for every thread, up to now. Returns when they are in the ring.
    pub fn settle(&self) {
        let (done, wait) = channel();
        self.tell(Command::Settle(done));
        // An observer that ended answers by hanging up.
        wait.recv_timeout(Duration::from_secs(2))
            .unwrap_or_default();
    }

    /// The thread has just registered itself: look for it now.
    pub fn discover(&self, tid: i32) {
        self.tell(Command::Discover(tid));
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
            // A panic of the thread has been printed by the runtime; there is nothing to add to it here.
            thread.join().unwrap_or_default();
        }
    }
}

struct Loop {
    engine: Box<dyn Engine>,
    slots: &'static Slots,
    sleeper: Sleeper,
    options: ObserverOptions,
    own_threads: HashSet<i32>,
    threads: Vec<Watched>,
    known: FxHashMap<i32, ()>,
    ring: Arc<Ring>,
    /// The process's clock at the last tick.
    process: u64,
    /// CPU time of the process that no thread looked at has used, since all were looked at.
    unexplained: u64,
    /// The profiler's own threads' clocks when they were last read.
    own_cpu: u64,
    started: u64,
    /// `/proc/self/task`, kept open: finding it by its path is a fifth of a tick. Without it threads are found once a
    /// second.
    tasks: Option<File>,
    /// Its link count at the last look: two more than there are threads.
    links: u64,
    looked_for_threads: u64,
    quiet: u32,
    /// When the last tick was.
    ticked: u64,
}

impl Loop {
    fn run(&mut self, commands: &Receiver<Command>) {
        loop {
            let idle = self.quiet >= QUIET_TICKS;
            self.sleeper.wait(idle.then_some(LONGEST_WAIT));
            COUNTERS.observer_wakeups.fetch_add(1, Ordering::Relaxed);
            loop {
                match commands.try_recv() {
                    Ok(Command::Settle(done)) => {
                        self.settle();
                        // The one who asked may have stopped waiting.
                        done.send(()).unwrap_or_default();
                    }
                    Ok(Command::Discover(tid)) => self.discover(tid),
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return,
                    Err(TryRecvError::Empty) => break,
                }
            }
            self.tick();
            COUNTERS
                .observer_cpu_nanoseconds
                .store(thread_cpu(), Ordering::Relaxed);
        }
    }

    fn tick(&mut self) {
        if !self.options.signal.is_in_place() {
            self.change_signal();
        }
        let now = monotonic();
        let process = process_cpu();
        self.unexplained += process.saturating_sub(self.process);
        self.process = process;
        let mut ran = 0;
        for place in 0..self.threads.len() {
            if self.threads[place].is_restless()
                && let Look::Ran(cpu) = self.look(place, now)
            {
                self.unexplained = self.unexplained.saturating_sub(cpu);
                ran += cpu;
            }
        }
        // Every system call counts here: what remains is looked into only if somebody else can have used it.
        if self.unexplained > STILL + TICK_COST {
            self.unexplained = self.unexplained.saturating_sub(self.own_cpu());
        }
        let due = now.saturating_sub(self.looked_for_threads) >= LONGEST_WAIT.as_nanos() as u64;
        if self.unexplained > STILL + TICK_COST || due {
            self.unexplained = 0;
            let links = thread_links(self.tasks.as_ref());
            if links != self.links || due {
                self.links = links;
                self.find_threads(now, false);
            }
            for place in 0..self.threads.len() {
                if self.threads[place].looked != now
                    && let Look::Ran(cpu) = self.look(place, now)
                {
                    ran += cpu;
                }
            }
        }
        if due {
            self.wake_aggregator();
        } else if (self.options.backlog)() > LONG_BACKLOG {
            AGGREGATOR.notify();
        }
        self.threads.retain(|thread| !thread.ended);
        // What runs less than that is found by the process's clock, too, and is not worth a tick each interval.
        let busy = ran > now.saturating_sub(self.ticked) / 20;
        self.ticked = now;
        self.quiet = if busy || self.threads.iter().any(Watched::is_restless) {
            0
        } else {
            self.quiet + 1
        };
    }

    /// The program has put its own handler in place of ours: the signal is the program's from now on, and we take
    /// another. While there is none, totals go on without stacks, and the next tick tries again.
    fn change_signal(&mut self) {
        self.engine.stop();
        let changed = choose(None)
            .and_then(install)
            .map_err(EngineError::from)
            .and_then(|signal| self.engine.change_signal(signal).map(|()| signal));
        if let Ok(signal) = changed {
            self.options.signal = signal;
            COUNTERS.signals_given_up.fetch_add(1, Ordering::Relaxed);
            for place in 0..self.threads.len() {
                self.add_to_engine(self.threads[place].tid);
            }
        }
    }

    /// Has the engine sample a thread.
    fn add_to_engine(&mut self, tid: i32) {
        // An ended thread is found gone at the next look; any other failure is counted and shown in the status.
        if self.engine.add(tid).is_err() && thread_cpu_of(tid).is_some() {
            COUNTERS
                .engine_thread_failures
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    /// CPU time of the profiler's own threads since the last call.
    fn own_cpu(&mut self) -> u64 {
        let own: u64 = self
            .own_threads
            .iter()
            .filter_map(|tid| thread_cpu_of(*tid))
            .sum();
        own.saturating_sub(std::mem::replace(&mut self.own_cpu, own))
    }

    fn look(&mut self, place: usize, now: u64) -> Look {
        let thread = &mut self.threads[place];
        thread.looked = now;
        let Some(slot) = self.slots.get(thread.number) else {
            return Look::Still;
        };
        let look = thread.look(
            now,
            slot,
            &self.options,
            self.engine.observer_interrupts(),
            &self.ring,
        );
        if let Look::Ended = look {
            self.end(place, now);
        }
        look
    }

    fn end(&mut self, place: usize, now: u64) {
        let thread = &mut self.threads[place];
        thread.end(now, &self.ring);
        self.engine.remove(thread.tid);
        self.known.remove(&thread.tid);
        let javascript = self
            .slots
            .get(thread.number)
            .is_some_and(|slot| slot.has_javascript());
        if !javascript {
            self.slots.forget(thread.tid);
        }
    }

    /// Sampling stops: the engine first, then every thread's last record.
    fn finish(&mut self) {
        self.engine.stop();
        self.wait_for_handlers();
        let now = monotonic();
        for place in 0..self.threads.len() {
            self.end(place, now);
        }
    }

    /// Handlers that were at work when sampling was switched off write their last record; one that takes longer than a
    /// moment is on a thread that gets no CPU time.
    fn wait_for_handlers(&self) {
        let limit = monotonic() + 50_000_000;
        let busy = |thread: &Watched| {
            self.slots
                .get(thread.number)
                .is_some_and(|slot| slot.in_handler.load(Ordering::SeqCst) % 2 == 1)
        };
        while self.threads.iter().any(busy) && monotonic() < limit {
            std::thread::yield_now();
        }
    }

    /// Reads the list of threads, takes on new ones and lets ended ones go. `existing`: they were there before the
    /// profiler.
    fn find_threads(&mut self, now: u64, existing: bool) {
        self.looked_for_threads = now;
        let Ok(entries) = std::fs::read_dir("/proc/self/task") else {
            return;
        };
        let mut alive = HashSet::new();
        for tid in entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        {
            alive.insert(tid);
            if self.own_threads.contains(&tid) || self.known.contains_key(&tid) {
                continue;
            }
            self.take_on(tid, now, existing);
        }
        for place in 0..self.threads.len() {
            if !alive.contains(&self.threads[place].tid) {
                self.end(place, now);
            }
        }
        self.threads.retain(|thread| !thread.ended);
    }

    /// Takes on a thread that has registered itself, even if it has ended since: its slot is to be given back.
    fn discover(&mut self, tid: i32) {
        let now = monotonic();
        self.find_threads(now, false);
        if !self.known.contains_key(&tid) {
            self.take_on(tid, now, false);
        }
    }

    fn take_on(&mut self, tid: i32, now: u64, existing: bool) {
        let Some((number, slot)) = self.slots.claim(tid) else {
            COUNTERS
                .threads_without_slot
                .fetch_add(1, Ordering::Relaxed);
            self.known.insert(tid, ());
            return;
        };
        let Some(thread) = Watched::begin(tid, number, now, self.started, existing) else {
            // Its slot may have been claimed by the thread itself, and its code map be known to the aggregator, which
            // gives both back when it reads that the thread has ended.
            self.slots.forget(tid);
            Watched::ended(tid, number, now, &self.ring);
            return;
        };
        thread.begin_record(&self.ring);
        // It reads the thread's name while there is one.
        AGGREGATOR.notify();
        thread.learn_stack(slot);
        self.known.insert(tid, ());
        self.threads.push(thread);
        self.add_to_engine(tid);
    }

    fn settle(&mut self) {
        let now = monotonic();
        for place in 0..self.threads.len() {
            if !self.threads[place].settle(now, &self.ring) {
                self.end(place, now);
            }
        }
        self.threads.retain(|thread| !thread.ended);
    }

    fn wake_aggregator(&self) {
        let waiting = self
            .threads
            .iter()
            .filter_map(|thread| self.slots.get(thread.number)?.ring())
            .any(|ring| !ring.is_empty());
        if waiting || !self.ring.is_empty() || (self.options.backlog)() > 0 {
            AGGREGATOR.notify();
        }
    }
}

/// Link count of the directory of threads; 0 when it cannot be read.
fn thread_links(tasks: Option<&File>) -> u64 {
    tasks
        .and_then(|tasks| tasks.metadata().ok())
        .map_or(0, |metadata| metadata.nlink())
}

const _: () = assert!(MAX_RECORD > size_of::<crate::signal::Header>());
