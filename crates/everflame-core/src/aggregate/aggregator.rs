//! The aggregator thread: drains rings, keeps accounts, rotates periods, encodes.

mod ahead;
mod javascript;
mod rotate;
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use super::account::Share;
use super::compose::Composer;
use super::mailbox::{Command, Mailbox, Options};
use super::output;
use super::period::Period;
use super::tables::{StackId, Tables};
use crate::engine::{Observer, Settled};
use crate::event_loop::Series;
use crate::signal::{
    AGGREGATOR, COUNTERS, Slots, flags, monotonic, own_tid, terminal, thread_cpu, thread_name,
};
use crate::source_map;
use javascript::Isolates;
pub use javascript::JavaScriptThread;
use threads::{Source, ThreadState, Threads};

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
            let tid = own_tid();
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

fn run(slots: &'static Slots, mailbox: &Mailbox, tid: i32) {
    let mut state = State::new(slots, tid);
    loop {
        let ticket = AGGREGATOR.ticket();
        if let Some(signal) = terminal::pending()
            && !mailbox.courier.is_under_way()
        {
            state.write_last_profile(mailbox);
            if !mailbox.courier.send() {
                terminal::finish(signal);
            }
        }
        match mailbox.next() {
            Some(Command::Begin(options, observer, output)) => {
                state.begin(options, observer, output);
            }
            Some(Command::Output(prefix)) => state.write_to(prefix),
            Some(Command::Rotate(encoding, reply)) => reply(state.hand_out(mailbox, encoding)),
            Some(Command::RotateLast(encoding, reply)) => {
                let last = state.hand_out(mailbox, encoding);
                state.is_ending = true;
                state.last_asked = Some(monotonic());
                reply(last);
            }
            Some(Command::LivesOn) => state.live_on(),
            Some(Command::Leave) => {
                state.write_rest(mailbox);
                mailbox.left.store(true, Ordering::SeqCst);
            }
            Some(Command::End(encoding, reply)) => {
                let last = state.hand_out(mailbox, encoding);
                state.end();
                mailbox.unwritten.end();
                reply(last);
            }
            Some(Command::Gone(slot)) => state.give_back(mailbox, slot),
            None => {
                state.drain(mailbox);
                state.write_overdue_profile(mailbox);
                state.write_part(mailbox);
                COUNTERS
                    .aggregator_cpu_nanoseconds
                    .store(thread_cpu(), Ordering::Relaxed);
                AGGREGATOR.wait(ticket, state.until_part());
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
    series: Series,
    threads: Threads,
    isolates: Isolates,
    /// The stack of time that has none.
    unseen: StackId,
    /// CPU time given to any thread since the start.
    accounted: u64,
    /// The clocks at the start, and at the last rotation.
    began: Settled,
    rotated: Settled,
    tid: i32,
    dropped_before: u64,
    /// When a part of the current period was written last, on the monotonic clock.
    part_written: u64,
    /// The last profile is made: what comes is the wait until it is sent, of which nothing is written ahead.
    is_ending: bool,
    /// When the signal came whose profile it is, on the monotonic clock.
    ended_by: Option<u64>,
    /// When a process that is about to end has asked for it, on the monotonic clock.
    last_asked: Option<u64>,
    /// Memory of the code maps after they were last swept.
    swept_to: usize,
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
            period: Period::new(monotonic(), options.timeline, options.interval),
            series: Series::default(),
            threads: Threads::default(),
            isolates: Isolates::default(),
            unseen,
            accounted: 0,
            began: Settled::default(),
            rotated: Settled::default(),
            tid,
            dropped_before: dropped(),
            part_written: 0,
            is_ending: false,
            ended_by: None,
            last_asked: None,
            swept_to: 0,
        }
    }

    fn begin(&mut self, options: Options, observer: Arc<Observer>, output: Option<String>) {
        if let Some(prefix) = output {
            self.write_to(prefix);
        }
        self.options = options;
        self.composer.configure(&options);
        self.period = Period::new(monotonic(), options.timeline, options.interval);
        self.series.clear();
        self.accounted = 0;
        self.began = observer.began;
        self.rotated = observer.began;
        self.dropped_before = dropped();
        self.observer = Some(observer);
    }

    /// From now on profiles that nobody asked for go there.
    fn write_to(&mut self, prefix: String) {
        self.sequence = self.sequence.max(output::next_sequence(&prefix));
        self.output = Some(prefix);
    }

    fn end(&mut self) {
        self.observer = None;
        self.output = None;
    }

    /// A thread that took part has ended while nobody samples: its slot and its map are given back. Where its end is
    /// still to be read, that does it, and where it was read already, that has done it.
    fn give_back(&mut self, mailbox: &Mailbox, slot: usize) {
        self.drain(mailbox);
        let kept = !self.threads.has(slot) && self.isolates.thread(slot).is_some();
        if kept && self.isolates.forget_if_gone(slot) {
            self.slots.release(slot);
        }
    }

    /// Reads every ring up to now and brings every account up to date.
    fn drain(&mut self, mailbox: &Mailbox) {
        self.isolates.adopt(mailbox);
        let mut settled = self.isolates.settled(self.slots);
        // Records of a thread that are newer than this wait for the next turn, when the observer's reports of the same
        // time are here too.
        let mut until = monotonic();
        let observer = self.observer.clone();
        if let Some(observer) = &observer {
            self.series.look_at_memory(until);
            // Asked after the clock: a stack whose reading begins later bears a later time.
            if let Some(since) = observer.reading_since() {
                settled.forget();
                until = until.min(since);
            }
            for report in observer.reports() {
                self.threads
                    .observed(self.slots, report, self.options.interval);
            }
        }
        let is_over = self.is_over_the_cap();
        if let Some(observer) = &observer {
            if self.composer.is_outdated() {
                // Addresses may be other libraries' by now.
                let same_until = observer.loader_same_until();
                self.read_rings(mailbox, until.min(same_until), is_over, false);
            }
            observer.loader_is_known();
        }
        self.composer.refresh();
        self.composer.originals.collect(&mut self.tables);
        self.read_rings(mailbox, until, is_over, true);
        self.settle_accounts(until, is_over);
        self.isolates.catch_up(settled);
        for thread in self.threads.take_ended() {
            // A JavaScript thread keeps its slot and its map while sampling is stopped.
            if self.isolates.forget_if_gone(thread.number) {
                self.slots.release(thread.number);
            }
        }
    }

    /// Composes the stacks of all records up to a time; `is_last` for this turn, which takes all there is of a thread that has
    /// ended.
    fn read_rings(&mut self, mailbox: &Mailbox, until: u64, is_over: bool, is_last: bool) {
        let State {
            slots,
            threads,
            tables,
            composer,
            isolates,
            ..
        } = self;
        let limit = is_over.then(|| {
            let frame = tables.synthetic("(memory limit)");
            tables.stack(&[frame])
        });
        for thread in threads.all() {
            let until = if is_last && thread.has_ended() {
                u64::MAX
            } else {
                until
            };
            thread.read(slots, until, |number, source| match (source, limit) {
                // One that teaches a sleeping place is kept: the place is not asked for again.
                (Source::Signal(header, _), Some(limit)) if header.flags & flags::KEYED == 0 => {
                    COUNTERS.dropped_memory_cap.fetch_add(1, Ordering::Relaxed);
                    limit
                }
                (Source::Signal(header, payload), _) => {
                    if header.flags & (flags::JAVASCRIPT | flags::LEAF_IN_V8) != 0 {
                        isolates.adopt_late(number, mailbox);
                    }
                    let javascript = isolates.at(number, header.sequence);
                    composer.stack(tables, header, payload, javascript)
                }
                (Source::Outside(read), _) => {
                    let javascript = read.sequence.and_then(|sequence| {
                        isolates.adopt_late(number, mailbox);
                        isolates.at(number, sequence)
                    });
                    composer.read_stack(tables, read, javascript)
                }
            });
        }
    }

    /// Gives out the time of every thread up to then.
    fn settle_accounts(&mut self, until: u64, is_over: bool) {
        let process = thread_name(std::process::id() as i32);
        let State {
            threads,
            tables,
            composer,
            isolates,
            period,
            accounted,
            unseen,
            ..
        } = self;
        for thread in threads.all() {
            thread.learn_places(|tid, key| composer.sleeping_stack(tables, tid, key));
            let before = thread.labels;
            thread.refresh_labels(tables, isolates, until, &process);
            let labels = thread.labels;
            if labels != before {
                period.rename(before, labels);
            }
            let mut add = |share: Share| {
                *accounted += share.cpu;
                period.add(labels, &share, is_over);
            };
            thread.apply(until, *unseen, &mut add);
        }
    }

    /// Whether further samples have no room. Code maps may take half of the cap, and are swept when they take more;
    /// V8's own code stays in them, and what they still have too much is not taken from the samples.
    fn is_over_the_cap(&mut self) -> bool {
        let cap = self.options.memory_cap;
        let mut maps = self.isolates.bytes();
        if maps > cap / 2 && maps > self.swept_to + cap / 8 {
            self.isolates.shrink(cap / 2);
            maps = self.isolates.bytes();
            self.swept_to = maps;
        }
        let source_maps = source_map::held_bytes();
        COUNTERS
            .source_maps_bytes
            .store(source_maps as u64, Ordering::Relaxed);
        let rest = self.tables.bytes() + self.period.bytes() + self.composer.bytes() + source_maps;
        COUNTERS
            .memory_bytes
            .store((rest + maps) as u64, Ordering::Relaxed);
        rest > cap - maps.min(cap / 2)
    }

    /// Tables that grew over a quarter of the cap are replaced by new ones with the remembered stacks only, and those of the
    /// period that has begun.
    fn rebuild_if_large(&mut self) {
        if self.tables.bytes() + self.composer.cache_bytes() < self.options.memory_cap / 4 {
            return;
        }
        let originals = &self.composer.originals;
        let mut shown = originals.stacks(&mut self.tables);
        self.period.replace_stacks(&mut shown);
        for thread in self.threads.all() {
            thread.replace_stacks(&mut shown);
        }
        drop(shown);
        let old = std::mem::take(&mut self.tables);
        self.composer.start_over(&mut self.tables);
        self.unseen = unseen_stack(&mut self.tables);
        self.period.carry_over(&old, &mut self.tables);
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
