//! Which threads there are: found, handed to the engine, and let go.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::Loop;
use super::directory::Directory;
use super::thread::Watched;
use crate::signal::{
    AGGREGATOR, COUNTERS, Installed, choose_other_than, install, monotonic, thread_cpu_of,
};

impl Loop {
    /// Whether the number of threads has changed since the last call. Without their list they are found once a second.
    pub(super) fn may_be_more_threads(&mut self) -> bool {
        let links = self.tasks.as_ref().map_or(0, Directory::links);
        std::mem::replace(&mut self.links, links) != links
    }

    /// The program has put its own handler in place of ours, or is about to: the signal is the program's from now on, and we
    /// take another. While there is none, totals go on without stacks, and the next tick tries again.
    pub(super) fn change_signal(&mut self) {
        let was_stopped = std::mem::replace(&mut self.stopped, true);
        if !was_stopped {
            self.engine.stop();
        }
        let other = choose_other_than(self.options.signal.signal)
            .ok()
            .filter(|signal| self.engine.can_use(*signal))
            .and_then(|signal| install(signal).ok());
        if other.is_some_and(|signal| self.resume(signal)) {
            COUNTERS.signals_given_up.fetch_add(1, Ordering::Relaxed);
        } else if !was_stopped {
            self.lose_sight();
            self.shared.blind.store(true, Ordering::Relaxed);
            COUNTERS.sampling_stops.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No samples are taken from here on, or none were up to here: no thread's last stack has the time in between.
    fn lose_sight(&self) {
        let now = monotonic();
        for thread in &self.threads {
            thread.lose_sight(now, &self.shared.reports);
        }
    }

    /// Has the stopped engine sample every thread again, with this signal; whether it does.
    pub(super) fn resume(&mut self, signal: Installed) -> bool {
        if self.shared.blind.load(Ordering::Relaxed) {
            self.lose_sight();
        }
        if self.engine.change_signal(signal).is_err() {
            return false;
        }
        self.stopped = false;
        self.shared.blind.store(false, Ordering::Relaxed);
        self.options.signal = signal;
        for index in 0..self.threads.len() {
            self.add_to_engine(index);
        }
        true
    }

    /// Has the engine sample a thread. One for which the kernel has no timer left (RLIMIT_SIGPENDING) is interrupted by
    /// the observer instead.
    fn add_to_engine(&mut self, index: usize) {
        let thread = &mut self.threads[index];
        let added = self.engine.add(thread.tid);
        thread.interrupted_by_observer = self.engine.observer_interrupts() || added.is_err();
        // An ended thread is found gone at the next look.
        if added.is_err() && thread_cpu_of(thread.tid).is_some() {
            COUNTERS
                .engine_thread_failures
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn end(&mut self, index: usize, now: u64) {
        let thread = &mut self.threads[index];
        // A look may have found it before the list did. Its slot can be another thread's by the second time.
        if thread.ended {
            return;
        }
        thread.end(now, &self.shared.reports);
        thread.close(&mut self.descriptors);
        self.engine.remove(thread.tid);
        self.known.remove(&thread.tid);
        // As many threads as before are others now, if one has started since.
        self.links = 0;
        let javascript = self
            .slots
            .get(thread.number)
            .is_some_and(|slot| slot.has_javascript());
        if !javascript {
            self.slots.forget(thread.tid);
        }
    }

    /// Reads the list of threads, takes on new ones and lets ended ones go. `existing`: they were there before the
    /// profiler.
    pub(super) fn find_threads(&mut self, now: u64, existing: bool) {
        self.looked_for_threads = now;
        if self.tasks.is_none() {
            self.tasks = Directory::open().ok();
        }
        let Some(tasks) = &mut self.tasks else {
            COUNTERS
                .thread_list_failures
                .fetch_add(1, Ordering::Relaxed);
            return;
        };
        let listed: Vec<i32> = tasks.threads().collect();
        let mut alive: HashSet<i32> = listed.iter().copied().collect();
        for tid in listed {
            if self.own_threads.contains(&tid) || self.known.contains(&tid) {
                continue;
            }
            self.take_on(tid, now, existing);
        }
        // The kernel may skip a thread while one before it in the list is ending.
        let skipped = |tid: &&i32| !alive.contains(tid) && thread_cpu_of(**tid).is_some();
        let skipped: Vec<i32> = self.known.iter().filter(skipped).copied().collect();
        alive.extend(skipped);
        for index in 0..self.threads.len() {
            if !alive.contains(&self.threads[index].tid) {
                self.end(index, now);
            }
        }
        self.threads.retain(|thread| !thread.ended);
        // Those for which there was no slot, too: the number may be given to another thread.
        self.known.retain(|tid| alive.contains(tid));
    }

    /// Takes on a thread that has registered itself, even if it has ended since: its slot is to be given back.
    pub(super) fn discover(&mut self, tid: i32) {
        let now = monotonic();
        self.find_threads(now, false);
        if !self.known.contains(&tid) {
            self.take_on(tid, now, false);
        }
    }

    fn take_on(&mut self, tid: i32, now: u64, existing: bool) {
        let Some((number, slot)) = self.slots.claim(tid) else {
            COUNTERS
                .threads_without_slot
                .fetch_add(1, Ordering::Relaxed);
            self.known.insert(tid);
            return;
        };
        // What an earlier observer has learnt, this one's aggregator does not know.
        slot.forget_place();
        let Some(thread) = Watched::begin(tid, number, now, self.started, existing) else {
            // Its slot may have been claimed by the thread itself, and its code map be known to the aggregator, which
            // gives both back when it reads that the thread has ended.
            self.slots.forget(tid);
            Watched::ended(tid, number, now, &self.shared.reports);
            return;
        };
        thread.report_begin(&self.shared.reports);
        // It reads the thread's name while there is one.
        AGGREGATOR.notify();
        self.known.insert(tid);
        self.threads.push(thread);
        self.add_to_engine(self.threads.len() - 1);
    }
}
