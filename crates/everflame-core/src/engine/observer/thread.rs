//! One thread as the observer sees it.

use std::fs::File;
use std::sync::atomic::Ordering;

use super::descriptors::Descriptors;
use super::outside::Outside;
use super::stacks::Stacks;
use super::{ObserverOptions, STILL};
use crate::engine::place::{self, Place};
use crate::engine::report::{Report, Reports, ThreadEvent};
use crate::signal::{COUNTERS, Slot, WaitKey, monotonic, thread_cpu_of};

/// A remembered stack with JavaScript in it is believed while the thread's clock has not moved on by more.
const SAME_SLEEP: u64 = 50_000;

/// Native places remembered a thread; an event loop has one, a pool thread one or two.
const PLACES: usize = 8;

/// Nanoseconds by which the kernel's start of a thread may be too early: it counts in ticks of USER_HZ, 100 a second.
const START_RESOLUTION: u64 = 20_000_000;

/// Nanoseconds in which a thread that was seen running is signalled, or not at all: an observer that lost its CPU meanwhile
/// could meet it asleep, in a call that a signal ends.
const STILL_RUNNING: u64 = 20_000;

/// How often that is tried.
const TRIES: usize = 3;

/// Looks after which a signal that is not answered is given up (the thread blocks it, or is stuck in the kernel).
const PATIENCE: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Running,
    /// Signalled to learn the stack at this place.
    Learning(WaitKey, u32),
    /// Asleep at a known place.
    Asleep(WaitKey),
    /// Answers no signals; its place, if the kernel tells it, is all that is known.
    Unresponsive(WaitKey),
}

/// What a look found.
pub(super) enum Look {
    Still,
    /// The thread has used this much CPU time since the last look.
    Ran(u64),
    Ended,
}

pub(super) struct Watched {
    pub(super) tid: i32,
    pub(super) number: usize,
    pub(super) ended: bool,
    /// Its samples while it runs are the observer's to ask for, and not a timer's.
    pub(super) interrupted_by_observer: bool,
    /// When the thread was looked at last.
    pub(super) looked: u64,
    /// When it was last seen to have run.
    pub(super) ran: u64,
    previous_look: u64,
    state: State,
    cpu: u64,
    /// The last moment the thread was seen at its known place.
    seen: u64,
    begin_time: u64,
    begin_cpu: u64,
    native_places: Vec<WaitKey>,
    /// Where the thread's stack with JavaScript was read from outside, and its clock then.
    read_place: Option<(WaitKey, u64)>,
    /// The slot's count of handled signals when the thread was last asked for its place.
    handled: u32,
    file: Option<File>,
}

impl Watched {
    /// `None` when the thread has ended already. One that was there when the profiler started begins then; a later one
    /// begins at its own start, with a clock of 0.
    pub(super) fn begin(
        tid: i32,
        number: usize,
        now: u64,
        profiler_start: u64,
        existing: bool,
    ) -> Option<Watched> {
        let cpu = thread_cpu_of(tid)?;
        let started = if existing {
            None
        } else {
            Some(place::started(tid).unwrap_or(now))
        };
        let (begin_time, begin_cpu) = match started {
            // Since boot, while our time line stops during suspend: never before the profiler, never after now.
            Some(started) if started + START_RESOLUTION >= profiler_start => {
                (started.clamp(profiler_start, now), 0)
            }
            // The kernel may have left an older one out of its list when the profiler started.
            _ => (now, cpu),
        };
        Some(Watched::new(tid, number, now, (begin_time, begin_cpu)))
    }

    fn new(tid: i32, number: usize, now: u64, (begin_time, begin_cpu): (u64, u64)) -> Watched {
        Watched {
            tid,
            number,
            ended: false,
            interrupted_by_observer: false,
            looked: 0,
            ran: 0,
            previous_look: 0,
            state: State::New,
            cpu: begin_cpu,
            seen: now,
            begin_time,
            begin_cpu,
            native_places: Vec::new(),
            read_place: None,
            handled: 0,
            file: None,
        }
    }

    /// Reports a thread that ended before it could be looked at.
    pub(super) fn ended(tid: i32, number: usize, now: u64, reports: &Reports) {
        let mut thread = Watched::new(tid, number, now, (now, 0));
        thread.report_begin(reports);
        thread.end(now, reports);
    }

    /// Whether the thread must be looked at in every tick.
    pub(super) fn needs_look(&self) -> bool {
        !matches!(self.state, State::Asleep(_) | State::Unresponsive(_))
    }

    pub(super) fn report_begin(&self, reports: &Reports) {
        self.report(reports, ThreadEvent::Begin, self.begin_time, self.begin_cpu);
    }

    /// Finds the thread's stack, so that its handler may walk it.
    fn learn_stack(&self, slot: &Slot, stacks: &mut Stacks) {
        let sp = match slot.last_sp.load(Ordering::Relaxed) {
            0 => match place::open(self.tid).map(|file| place::read(&file)) {
                Some(Place::Asleep(key, _)) => key.sp,
                _ => return,
            },
            sp => sp,
        };
        if let Some((stack, exact)) = stacks.around(sp) {
            slot.set_stack(&stack, exact);
        }
    }

    pub(super) fn look(
        &mut self,
        now: u64,
        slot: &Slot,
        options: &ObserverOptions,
        outside: &mut Outside,
        descriptors: &mut Descriptors,
        reports: &Reports,
    ) -> Look {
        let Some(cpu) = thread_cpu_of(self.tid) else {
            return Look::Ended;
        };
        let advance = cpu.saturating_sub(self.cpu);
        let ran = advance > STILL;
        if ran {
            self.ran = now;
        }
        if !slot.has_stack() {
            self.learn_stack(slot, &mut outside.stacks);
        }
        match self.state {
            State::Asleep(_) | State::Unresponsive(_) if !ran => {
                self.seen = now;
                return Look::Still;
            }
            State::Learning(key, looks) if slot.confirmed() != key && !ran => {
                if looks < PATIENCE {
                    self.state = State::Learning(key, looks + 1);
                    return Look::Still;
                }
                // One that has taken a signal answers: its sample found no room in its ring, or was taken on the way to
                // another place, too short a way to count as having run. It is asked again.
                let answers = slot.handled() != self.handled;
                if !answers
                    && matches!(self.place(descriptors), Place::Asleep(found, _) if found == key)
                {
                    self.state = State::Unresponsive(key);
                    return Look::Still;
                }
            }
            _ => {}
        }
        let before = self.cpu;
        self.cpu = cpu;
        let elapsed = now.saturating_sub(self.previous_look);
        self.previous_look = now;
        // Nearly all of the time on a CPU: it runs, and nobody need be asked.
        let place =
            if self.state == State::Running && advance > elapsed - elapsed / 8 && elapsed > 0 {
                Place::Running
            } else {
                self.place(descriptors)
            };
        match place {
            Place::Running => {
                if self.state != State::Running {
                    self.leave(now, advance.max(options.interval), before, reports);
                    self.report(reports, ThreadEvent::Awake, now, cpu);
                    self.state = State::Running;
                }
                if self.interrupted_by_observer {
                    self.interrupt_running(slot, options);
                }
            }
            Place::Unknown => {
                self.leave(now, advance.max(options.interval), before, reports);
                if ran || self.state == State::New {
                    self.state = State::Running;
                    if self.interrupted_by_observer {
                        COUNTERS.signals_running.fetch_add(1, Ordering::Relaxed);
                        self.interrupt(slot, options);
                    }
                } else {
                    // Not seen to run, and no way to see where it sleeps: its last stack has the time.
                    self.state = State::Unresponsive(WaitKey::default());
                }
            }
            Place::Asleep(key, _) if self.knows(key, cpu, slot) => {
                if self.state != State::Asleep(key) {
                    self.leave(now, options.interval, before, reports);
                    self.state = State::Asleep(key);
                    // Told now: it may wake, take samples and sleep again many times before the next look.
                    self.report_sleep(reports, now, cpu);
                }
                self.seen = now;
            }
            Place::Asleep(key, call) if !call.may_be_interrupted() => {
                self.leave(now, options.interval, before, reports);
                reports.begin_reading();
                self.read_from_outside(key, slot, outside, descriptors, reports);
                reports.end_reading();
            }
            Place::Asleep(key, _) => {
                self.leave(now, options.interval, before, reports);
                self.state = State::Learning(key, 0);
                self.handled = slot.handled();
                slot.expect(key);
                COUNTERS.signals_asleep.fetch_add(1, Ordering::Relaxed);
                self.interrupt(slot, options);
            }
        }
        if ran { Look::Ran(advance) } else { Look::Still }
    }

    /// Reads the stack of a thread that may not be signalled where it sleeps. One that has left the place meanwhile is
    /// looked at again in the next tick.
    fn read_from_outside(
        &mut self,
        key: WaitKey,
        slot: &Slot,
        outside: &mut Outside,
        descriptors: &mut Descriptors,
        reports: &Reports,
    ) {
        self.state = State::Running;
        let start = monotonic();
        let clock = thread_cpu_of(self.tid);
        if !reports.has_room() {
            return;
        }
        let read = outside.read(key, self.number, slot);
        let stays = matches!(self.place(descriptors), Place::Asleep(found, _) if found == key);
        let (Some(clock), true) = (clock, stays && clock == thread_cpu_of(self.tid)) else {
            return;
        };
        let Some(stack) = read else {
            self.state = State::Unresponsive(key);
            return;
        };
        if stack.may_have_javascript() {
            self.read_place = Some((key, clock));
        } else {
            self.remember(key);
        }
        self.report(reports, ThreadEvent::Read(Box::new(stack)), start, clock);
        COUNTERS.stacks_read.fetch_add(1, Ordering::Relaxed);
        COUNTERS
            .stacks_read_nanoseconds
            .fetch_add(monotonic().saturating_sub(start), Ordering::Relaxed);
        self.state = State::Asleep(key);
        self.cpu = clock;
        self.seen = start;
    }

    /// Interrupts a thread that runs, unless it sleeps by now: the system call could be one that a signal ends. Where nobody
    /// can tell (no file descriptor is left) it is interrupted.
    fn interrupt_running(&self, slot: &Slot, options: &ObserverOptions) {
        let opened;
        let file = match &self.file {
            Some(file) => Some(file),
            None => {
                opened = place::open(self.tid);
                opened.as_ref()
            }
        };
        if let Some(file) = file
            && !may_be_interrupted_now(file)
        {
            return;
        }
        COUNTERS.signals_running.fetch_add(1, Ordering::Relaxed);
        self.interrupt(slot, options);
    }

    fn interrupt(&self, slot: &Slot, options: &ObserverOptions) {
        if !options.signal.is_in_place() {
            // Somebody else's by now; the next tick takes another.
            return;
        }
        // The only failures are a thread that has just ended, found gone at the next look, and a full signal queue,
        // after which the next tick tries again.
        slot.outstanding.announce();
        options.signal.interrupt(self.tid).unwrap_or_default();
    }

    fn place(&mut self, descriptors: &mut Descriptors) -> Place {
        if let Some(file) = &self.file {
            return place::read(file);
        }
        let Some(file) = place::open(self.tid) else {
            return Place::Unknown;
        };
        let place = place::read(&file);
        if descriptors.keep() {
            self.file = Some(file);
        }
        place
    }

    /// Closes what was kept open of the thread.
    pub(super) fn close(&mut self, descriptors: &mut Descriptors) {
        if self.file.take().is_some() {
            descriptors.close();
        }
    }

    /// Whether the stack at this place is known to the aggregator and still true.
    fn knows(&mut self, key: WaitKey, cpu: u64, slot: &Slot) -> bool {
        if self.native_places.contains(&key) {
            return true;
        }
        if let Some((place, clock)) = self.read_place
            && place == key
            && cpu.saturating_sub(clock) < SAME_SLEEP
        {
            return true;
        }
        if slot.confirmed() != key {
            return false;
        }
        if slot.confirmed_has_javascript.load(Ordering::Relaxed) {
            return cpu.saturating_sub(slot.confirmed_cpu.load(Ordering::Relaxed)) < SAME_SLEEP;
        }
        self.remember(key);
        true
    }

    /// A place whose stack has no JavaScript stays true.
    fn remember(&mut self, key: WaitKey) {
        if self.native_places.len() == PLACES {
            self.native_places.remove(0);
        }
        self.native_places.push(key);
    }

    /// The thread was asleep and is not any more, or not there: its sleep is reported up to the last moment it can
    /// have lasted.
    fn leave(&mut self, now: u64, awake: u64, cpu: u64, reports: &Reports) {
        let until = self.seen.max(now.saturating_sub(awake));
        self.report_sleep(reports, until, cpu);
    }

    /// Reports the thread up to now; `false` when it has ended.
    pub(super) fn settle(&mut self, now: u64, reports: &Reports) -> bool {
        let Some(cpu) = thread_cpu_of(self.tid) else {
            return false;
        };
        self.report_sleep(reports, now, cpu);
        self.report(reports, ThreadEvent::Clock, now, cpu);
        true
    }

    /// Reports the thread up to now, and that its last stack says nothing of what follows.
    pub(super) fn lose_sight(&self, now: u64, reports: &Reports) {
        // One that has ended is found gone at the next look.
        if let Some(cpu) = thread_cpu_of(self.tid) {
            self.report_sleep(reports, now, cpu);
            self.report(reports, ThreadEvent::Blind, now, cpu);
        }
    }

    pub(super) fn end(&mut self, now: u64, reports: &Reports) {
        self.ended = true;
        self.report_sleep(reports, now, self.cpu);
        self.report(reports, ThreadEvent::End, now, self.cpu);
    }

    fn report_sleep(&self, reports: &Reports, until: u64, cpu: u64) {
        match self.state {
            State::Asleep(key) => self.report(reports, ThreadEvent::Asleep(key), until, cpu),
            State::Unresponsive(key) => {
                self.report(reports, ThreadEvent::Unresponsive(key), until, cpu);
            }
            _ => {}
        }
    }

    fn report(&self, reports: &Reports, event: ThreadEvent, time: u64, cpu: u64) {
        reports.push(Report {
            slot: self.number,
            time,
            cpu,
            event,
        });
    }
}

/// Whether a thread that was running a moment ago runs still. Counted where nobody can tell in time.
fn may_be_interrupted_now(file: &File) -> bool {
    for _ in 0..TRIES {
        let asked = monotonic();
        match place::read(file) {
            Place::Asleep(..) => return false,
            Place::Unknown => return true,
            Place::Running if monotonic().saturating_sub(asked) < STILL_RUNNING => return true,
            Place::Running => {}
        }
    }
    COUNTERS.signals_withheld.fetch_add(1, Ordering::Relaxed);
    false
}
