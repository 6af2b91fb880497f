//! Threads as the aggregator knows them: account, labels, and records not yet applied.

use super::super::account::{Account, Sampled, Share};
use super::super::period::ThreadLabels;
use super::super::tables::{StackId, StringId, Tables};
use super::javascript::Isolates;
use crate::signal::{Header, Slots, WaitKey, flags, kind, thread_name};

/// One record, reduced to what accounting needs.
enum Step {
    Sample(Sampled),
    Wait(u64, u64, WaitKey),
    /// Everything up to here is given out.
    Settle(u64, u64),
}

impl Step {
    fn time(&self) -> u64 {
        match self {
            Step::Sample(sample) => sample.time,
            Step::Wait(time, ..) | Step::Settle(time, _) => *time,
        }
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
}

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

    /// A record of the observer.
    pub(super) fn observed(&mut self, slots: &Slots, header: &Header, interval: u64) {
        let number = header.slot as usize;
        if header.kind == kind::BEGIN {
            self.states.push(ThreadState {
                number,
                tid: slots.get(number).map_or(0, |slot| slot.tid()),
                labels: NO_LABELS,
                account: Account::new(header.time, header.cpu, interval),
                steps: Vec::new(),
                ended: false,
                named: false,
            });
            return;
        }
        // A slot is given to the next thread only after its last one was taken out of this list.
        let Some(state) = self.states.iter_mut().find(|state| state.number == number) else {
            return;
        };
        let key = WaitKey {
            sp: header.wait_sp,
            pc: header.wait_pc,
        };
        if key != WaitKey::default() {
            state.steps.push(Step::Wait(header.time, header.cpu, key));
        }
        if header.kind != kind::WAIT {
            state.steps.push(Step::Settle(header.time, header.cpu));
        }
        state.ended |= header.kind == kind::END;
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
    /// Reads the thread's own ring; `stack` composes each sample.
    pub(super) fn read(
        &mut self,
        slots: &Slots,
        mut stack: impl FnMut(usize, &Header, &[u8]) -> StackId,
    ) {
        let number = self.number;
        let Some(ring) = slots.get(number).and_then(|slot| slot.ring()) else {
            return;
        };
        let steps = &mut self.steps;
        ring.drain(|header, payload| {
            if header.kind == kind::CLOCK {
                steps.push(Step::Settle(header.time, header.cpu));
                return;
            }
            let key = (header.flags & flags::KEYED != 0).then_some(WaitKey {
                sp: header.wait_sp,
                pc: header.wait_pc,
            });
            steps.push(Step::Sample(Sampled {
                time: header.time,
                cpu: header.cpu,
                stack: stack(number, header, payload),
                asleep: header.flags & flags::ASLEEP != 0,
                key,
                weight: u64::from(header.weight),
            }));
        });
    }

    /// Gives stacks to sleeping places that no sample has taught: the thread does not answer signals, and its place is
    /// all that is known.
    pub(super) fn learn_places(&mut self, mut stack: impl FnMut(WaitKey) -> StackId) {
        let taught: Vec<WaitKey> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Sample(sample) => sample.key,
                _ => None,
            })
            .collect();
        for step in &self.steps {
            if let Step::Wait(_, _, key) = step
                && !self.account.knows(key)
                && !taught.contains(key)
            {
                self.account.learn(*key, stack(*key));
            }
        }
    }

    /// Applies every record up to `until`, in order of time.
    pub(super) fn apply(&mut self, until: u64, unseen: StackId, add: &mut impl FnMut(Share)) {
        self.steps.sort_by_key(Step::time);
        let ready = self.steps.partition_point(|step| step.time() <= until);
        for step in self.steps.drain(..ready) {
            match step {
                Step::Sample(sample) => self.account.sample(&sample, &mut *add),
                Step::Wait(time, cpu, key) => self.account.wait(time, cpu, key, &mut *add),
                Step::Settle(time, cpu) => self.account.settle(time, cpu, unseen, &mut *add),
            }
        }
    }

    /// The labels as of now: a JavaScript thread's own name, else the kernel's.
    pub(super) fn refresh_labels(&mut self, tables: &mut Tables, isolates: &Isolates) {
        if let Some(thread) = isolates.thread(self.number) {
            let name = tables.string(&thread.name);
            let id = tables.string(&thread.id);
            let os_id = tables.string(&self.tid.to_string());
            self.labels = ThreadLabels { name, id, os_id };
            self.named = true;
            return;
        }
        let labelled = self.labels.os_id != NO_LABELS.os_id;
        if self.named || labelled && self.steps.is_empty() {
            return;
        }
        // A thread may name itself after it has started, so its name is read again with each of its records.
        let mut name = thread_name(self.tid);
        if name.is_empty() {
            if !labelled {
                self.labels = native_labels(tables, "(ended before it was named)", self.tid);
            }
            return;
        }
        // A thread that was never named has its process's name; older versions of Node name none.
        if name == thread_name(std::process::id() as i32)
            && let Some(role) = self.role(tables)
        {
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

    /// Moves the remembered stacks into new tables.
    pub(super) fn carry_over(&mut self, old: &Tables, new: &mut Tables) {
        for stack in self.account.stacks_mut() {
            *stack = new.copy_stack(old, *stack);
        }
        for step in &mut self.steps {
            if let Step::Sample(sample) = step {
                sample.stack = new.copy_stack(old, sample.stack);
            }
        }
        let mut text = |id: StringId| new.string(old.text(id));
        self.labels = ThreadLabels {
            name: text(self.labels.name),
            id: text(self.labels.id),
            os_id: text(self.labels.os_id),
        };
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
