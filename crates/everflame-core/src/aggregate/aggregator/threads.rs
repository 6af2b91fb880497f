//! Threads as the aggregator knows them: account, labels, and records not yet applied.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::super::account::{Account, Sampled, Share};
use super::super::period::ThreadLabels;
use super::super::tables::{StackId, StringId, Tables};
use super::javascript::Isolates;
use crate::engine::{Report, SleepingStack, ThreadEvent};
use crate::signal::{Header, Slots, WaitKey, flags, kind, thread_name};

/// One record, reduced to what accounting needs.
enum Step {
    Sample(Sampled),
    /// Asleep at a place until this time, with its clock at that.
    Wait(u64, u64, WaitKey),
    /// As above, of a thread that answers no signals.
    Unresponsive(u64, u64, WaitKey),
    /// Seen awake.
    Awake(u64),
    /// A sample without a stack yet, which was read from outside.
    Read(u64, u64, Box<SleepingStack>),
    /// Everything up to here is given out.
    Settle(u64, u64),
    /// As above, and what follows is not what came before.
    Blind(u64, u64),
}

impl Step {
    fn time(&self) -> u64 {
        match self {
            Step::Sample(sample) => sample.time,
            Step::Wait(time, ..)
            | Step::Unresponsive(time, ..)
            | Step::Awake(time)
            | Step::Read(time, ..)
            | Step::Settle(time, _)
            | Step::Blind(time, _) => *time,
        }
    }
}

/// Where a sample comes from.
pub(super) enum Source<'a> {
    /// The handler.
    Signal(&'a Header, &'a [u8]),
    /// The observer.
    Outside(&'a SleepingStack),
}

impl Step {
    /// What was read from outside as the sample that a signal would have taken.
    fn composed(self, stack: &mut impl FnMut(Source<'_>) -> StackId) -> Step {
        let Step::Read(time, cpu, read) = self else {
            return self;
        };
        Step::Sample(Sampled {
            time,
            cpu,
            stack: stack(Source::Outside(&read)),
            asleep: true,
            key: Some(read.key),
            weight: 1,
        })
    }
}

pub(super) struct ThreadState {
    pub(super) number: usize,
    tid: i32,
    pub(super) labels: ThreadLabels,
    account: Account,
    steps: Vec<Step>,
    ended: bool,
    named: bool,
    began: u64,
    /// Until then its name is taken as it was read.
    name_holds_until: u64,
}

/// Nanoseconds in which a thread names itself, if it does: its name is read again with each of its records.
const NAMING: u64 = 10_000_000_000;
/// Nanoseconds after which the name of an older thread is read again. Each time costs opening a file.
const RENAMING: u64 = 60_000_000_000;

/// All threads that are not yet done with.
#[derive(Default)]
pub(super) struct Threads {
    states: Vec<ThreadState>,
}

const NO_LABELS: ThreadLabels = ThreadLabels {
    name: StringId(0),
    id: StringId(0),
    os_id: StringId(0),
};

impl Threads {
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut ThreadState> {
        self.states.iter_mut()
    }

    /// A report of the observer.
    pub(super) fn observed(&mut self, slots: &Slots, report: Report, interval: u64) {
        let Report {
            slot: number,
            time,
            cpu,
            event,
        } = report;
        if event == ThreadEvent::Begin {
            self.states.push(ThreadState {
                number,
                tid: slots.get(number).map_or(0, |slot| slot.tid()),
                labels: NO_LABELS,
                account: Account::new(time, cpu, interval),
                steps: Vec::new(),
                ended: false,
                named: false,
                began: time,
                name_holds_until: 0,
            });
            return;
        }
        // A slot is given to the next thread only after its last one was taken out of this list.
        let Some(state) = self.states.iter_mut().find(|state| state.number == number) else {
            return;
        };
        state.ended |= event == ThreadEvent::End;
        state.steps.push(match event {
            ThreadEvent::Asleep(key) => Step::Wait(time, cpu, key),
            ThreadEvent::Unresponsive(key) => Step::Unresponsive(time, cpu, key),
            ThreadEvent::Read(stack) => Step::Read(time, cpu, stack),
            ThreadEvent::Awake => Step::Awake(time),
            ThreadEvent::Blind => Step::Blind(time, cpu),
            ThreadEvent::Begin | ThreadEvent::Clock | ThreadEvent::End => Step::Settle(time, cpu),
        });
    }

    /// Whether a thread with this slot is not done with.
    pub(super) fn has(&self, number: usize) -> bool {
        self.states.iter().any(|state| state.number == number)
    }

    pub(super) fn take_ended(&mut self) -> Vec<ThreadState> {
        let mut ended = Vec::new();
        let mut place = 0;
        while place < self.states.len() {
            if self.states[place].ended && self.states[place].steps.is_empty() {
                ended.push(self.states.swap_remove(place));
            } else {
                place += 1;
            }
        }
        ended
    }
}

impl ThreadState {
    /// Whether nothing more comes of it.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads the thread's own ring, and what was read of its stack from outside, up to a time; `stack` composes each sample.
    /// In order of time, since a map of code cannot go back.
    pub(super) fn read(
        &mut self,
        slots: &Slots,
        until: u64,
        mut stack: impl FnMut(usize, Source<'_>) -> StackId,
    ) {
        let number = self.number;
        let mut outside: VecDeque<Step> = self
            .steps
            .extract_if(.., |step| {
                matches!(step, Step::Read(..)) && step.time() <= until
            })
            .collect();
        let steps = &mut self.steps;
        let mut compose = |source: Source<'_>| stack(number, source);
        if let Some(ring) = slots.get(number).and_then(|slot| slot.ring()) {
            ring.drain(|header, payload| {
                if header.time > until {
                    return ControlFlow::Break(());
                }
                while outside
                    .front()
                    .is_some_and(|step| step.time() <= header.time)
                    && let Some(step) = outside.pop_front()
                {
                    steps.push(step.composed(&mut compose));
                }
                if header.kind == kind::CLOCK {
                    steps.push(Step::Settle(header.time, header.cpu));
                    return ControlFlow::Continue(());
                }
                let key = (header.flags & flags::KEYED != 0).then_some(WaitKey {
                    sp: header.wait_sp,
                    pc: header.wait_pc,
                });
                steps.push(Step::Sample(Sampled {
                    time: header.time,
                    cpu: header.cpu,
                    stack: compose(Source::Signal(header, payload)),
                    asleep: header.flags & flags::ASLEEP != 0,
                    key,
                    weight: u64::from(header.weight),
                }));
                ControlFlow::Continue(())
            });
        }
        for step in outside {
            steps.push(step.composed(&mut compose));
        }
    }

    /// Gives stacks to the places of a thread that answers no signals.
    pub(super) fn learn_places(&mut self, mut stack: impl FnMut(i32, WaitKey) -> StackId) {
        for step in &self.steps {
            // Where the kernel does not tell the place the thread's last stack has the time.
            if let Step::Unresponsive(_, _, key) = step
                && *key != WaitKey::default()
                && !self.account.knows(key)
            {
                self.account.learn(*key, stack(self.tid, *key));
            }
        }
    }

    /// Applies every record up to `until`, in order of time.
    pub(super) fn apply(&mut self, until: u64, unseen: StackId, add: &mut impl FnMut(Share)) {
        // Of two of one moment the sample comes first: it teaches the place of which the other speaks.
        self.steps
            .sort_by_key(|step| (step.time(), !matches!(step, Step::Sample(_))));
        let ready = self.steps.partition_point(|step| step.time() <= until);
        for step in self.steps.drain(..ready) {
            match step {
                Step::Sample(sample) => self.account.sample(&sample, &mut *add),
                Step::Wait(time, cpu, key) | Step::Unresponsive(time, cpu, key) => {
                    self.account.wait(time, cpu, key, &mut *add);
                }
                Step::Settle(time, cpu) => self.account.settle(time, cpu, unseen, &mut *add),
                Step::Blind(time, cpu) => {
                    self.account.settle(time, cpu, unseen, &mut *add);
                    self.account.forget_last();
                }
                Step::Awake(_) => self.account.awake(),
                // Has become a sample by now.
                Step::Read(..) => {}
            }
        }
    }

    /// The labels as of `now`: a JavaScript thread's own name, else the kernel's. `process` is the kernel's name of the
    /// main thread.
    pub(super) fn refresh_labels(
        &mut self,
        tables: &mut Tables,
        isolates: &Isolates,
        now: u64,
        process: &str,
    ) {
        if let Some(thread) = isolates.thread(self.number) {
            let name = tables.string(&thread.name);
            let id = tables.string(&thread.id);
            let os_id = tables.string(&self.tid.to_string());
            self.labels = ThreadLabels { name, id, os_id };
            self.named = true;
            return;
        }
        let labelled = self.labels.os_id != NO_LABELS.os_id;
        if self.named || labelled && (self.steps.is_empty() || now < self.name_holds_until) {
            return;
        }
        let mut name = thread_name(self.tid);
        if name.is_empty() {
            if !labelled {
                self.labels = native_labels(tables, "(ended before it was named)", self.tid);
            }
            return;
        }
        // A thread that was never named has its process's name; older versions of Node name none.
        let nameless = name == process;
        let role = nameless.then(|| self.role(tables)).flatten();
        if (!nameless || role.is_some()) && now > self.began + NAMING {
            self.name_holds_until = now + RENAMING;
        }
        if let Some(role) = role {
            name = role.to_owned();
        }
        self.labels = native_labels(tables, &name, self.tid);
    }

    /// What a thread without a name of its own does, by the functions at its root; the names are those that newer
    /// versions of Node give.
    fn role(&self, tables: &Tables) -> Option<&'static str> {
        const ROLES: [(&str, &str); 4] = [
            ("PlatformWorkerThread", "V8Worker"),
            ("DelayedTaskScheduler", "DelayedTaskSche"),
            ("StartIoThreadMain", "SignalInspector"),
            ("worker", "libuv-worker"),
        ];
        /// Above the C library's two.
        const ROOT_FRAMES: usize = 4;
        let stack = self.account.last().or_else(|| {
            self.steps.iter().find_map(|step| match step {
                Step::Sample(sample) => Some(sample.stack),
                _ => None,
            })
        })?;
        let frames = tables.frames_of(stack);
        let roots = &frames[frames.len().saturating_sub(ROOT_FRAMES)..];
        ROLES.iter().find_map(|(function, role)| {
            roots
                .iter()
                .any(|frame| {
                    let name = tables.function_name(*frame);
                    name == *function || *function != "worker" && name.contains(function)
                })
                .then_some(*role)
        })
    }

    /// Puts other stacks in the place of the remembered ones.
    pub(super) fn replace_stacks(&mut self, mut other: impl FnMut(StackId) -> StackId) {
        for stack in self.account.stacks_mut() {
            *stack = other(*stack);
        }
        for step in &mut self.steps {
            if let Step::Sample(sample) = step {
                sample.stack = other(sample.stack);
            }
        }
    }

    /// Moves the remembered stacks into new tables.
    pub(super) fn carry_over(&mut self, old: &Tables, new: &mut Tables) {
        self.replace_stacks(|stack| new.copy_stack(old, stack));
        self.labels = self.labels.carry_over(old, new);
    }
}

/// Labels of a thread without JavaScript.
pub(super) fn native_labels(tables: &mut Tables, name: &str, tid: i32) -> ThreadLabels {
    ThreadLabels {
        name: tables.string(name),
        id: tables.string("NA"),
        os_id: if tid == 0 {
            tables.string("NA")
        } else {
            tables.string(&tid.to_string())
        },
    }
}
