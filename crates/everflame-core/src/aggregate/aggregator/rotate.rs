//! The end of a period: what no record covers is added, and everything is encoded.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::account::Share;
use super::super::mailbox::{Mailbox, Profile};
use super::super::output;
use super::super::period::{Period, ThreadLabels};
use super::{State, dropped, threads};
use crate::engine::{Observer, Settled};
use crate::pprof::{Encoding, EncodingError, Heading, encode};
use crate::signal::{
    COUNTERS, monotonic, process_cpu, realtime_offset, terminal, thread_cpu, thread_cpu_of,
};

/// The comment by which a backend knows that frames could be the author's if a map were there.
const MISSING_SOURCE_MAPS: &str = "dd:has-missing-map-files";
/// Before the runtime id in the comment that has it; see `src/output/process-name.ts`.
const RUNTIME_ID: &str = "everflame.runtime-id:";

impl State {
    /// Ends the period: what the threads' records did not cover is added, and everything is encoded.
    fn rotate(&mut self, mailbox: &Mailbox, encoding: Encoding) -> Result<Profile, EncodingError> {
        let observer = self.observer.clone();
        let settled = observer.as_ref().map(|observer| self.settle(observer));
        self.drain(mailbox);
        let end = monotonic();
        if let (Some(observer), Some(settled)) = (observer, settled) {
            self.own_threads(observer.tid(), &settled, end);
            self.exited_threads(&settled, end);
            self.rotated = settled;
        }
        let mut period = std::mem::replace(
            &mut self.period,
            Period::new(end, self.options.timeline, self.options.interval),
        );
        self.await_originals(mailbox);
        let offset = realtime_offset();
        let data = self.encode(&mut period, end, offset, encoding);
        self.series.clear();
        self.rebuild_if_large();
        let sequence = self.sequence;
        self.sequence += 1;
        let dropped = dropped();
        let lost = dropped - std::mem::replace(&mut self.dropped_before, dropped);
        Ok(Profile {
            data: data?,
            start: period.start as i64 + offset,
            end: end as i64 + offset,
            samples: self.samples_of(&period),
            dropped: lost,
            sequence,
        })
    }

    /// Samples of a period that are in its profile.
    fn samples_of(&self, period: &Period) -> u64 {
        let wall = self.options.times.wall;
        let entries = period.entries.iter();
        entries
            .filter(|entry| wall || entry.cpu > 0)
            .map(|entry| entry.count)
            .sum()
    }

    /// Encodes a period with the author's frames, as far as their maps are read.
    pub(super) fn encode(
        &mut self,
        period: &mut Period,
        end: u64,
        realtime_offset: i64,
        encoding: Encoding,
    ) -> Result<Vec<u8>, EncodingError> {
        period.replace_stacks(self.composer.originals.stacks(&mut self.tables));
        period.finish(&self.tables);
        let runtime_id = self.options.runtime_id.map(runtime_id_comment);
        self.series.collect(end);
        let series = self.series.comment(end, realtime_offset);
        let missing = self.composer.originals.has_missing();
        let comments: Vec<&str> = missing
            .then_some(MISSING_SOURCE_MAPS)
            .into_iter()
            .chain(runtime_id.as_deref())
            .chain(series.as_deref())
            .collect();
        let heading = Heading {
            end,
            interval: self.options.interval,
            realtime_offset,
            comments: &comments,
            times: self.options.times,
        };
        encode(
            period,
            &self.tables,
            &self.composer.mappings(),
            &heading,
            encoding,
        )
    }

    /// Waits for the source maps that the period's frames need, and goes on reading samples meanwhile.
    fn await_originals(&mut self, mailbox: &Mailbox) {
        /// What is not there by then stays as it is in this profile: the process may be about to end.
        const LIMIT: Duration = Duration::from_millis(500);
        let settling = self.composer.originals.settle(LIMIT);
        while self.composer.originals.wait(&mut self.tables, &settling) {
            self.drain(mailbox);
        }
    }

    /// Ends the period for somebody who writes its profile; if the process ends first, or nothing happens, this thread does.
    pub(super) fn hand_out(
        &mut self,
        mailbox: &Mailbox,
        encoding: Encoding,
    ) -> Result<Profile, EncodingError> {
        if self.is_over() {
            return self.nothing(encoding);
        }
        // It was not the end, if that was under way: a program could not be executed, or a signal's handler went on.
        self.live_on();
        let profile = self.rotate(mailbox, encoding)?;
        // A period without a sample says nothing, and what is written is compressed.
        let is_for_file = profile.samples > 0 && encoding == Encoding::Gzip;
        if is_for_file && self.write_whole(mailbox, &profile) {
            return Ok(profile);
        }
        if let Some(prefix) = self.ahead().filter(|_| !is_for_file) {
            // What was written of it ahead is nothing either.
            output::remove_part(prefix, profile.sequence);
        }
        if let Some(prefix) = self.output.as_ref().filter(|_| is_for_file) {
            let Profile { sequence, data, .. } = &profile;
            mailbox.unwritten.keep(prefix, *sequence, data);
        }
        Ok(profile)
    }

    /// A terminal signal waits: what there is goes to files. The process ends all the same if that fails.
    pub(super) fn write_last_profile(&mut self, mailbox: &Mailbox) {
        // The observer does so too, but at rest it looks once a second.
        watch_the_clock();
        let is_over = self.is_over();
        self.write_rest(mailbox);
        // Without an output the courier asks for it.
        if !is_over && self.output.is_some() {
            self.ended_by = Some(terminal::since());
        }
    }

    /// The process ends, and nobody takes profiles any more: what there is goes to files.
    pub(super) fn write_rest(&mut self, mailbox: &Mailbox) {
        mailbox.unwritten.write_all();
        if let Some(prefix) = self.output.clone().filter(|_| !self.is_over()) {
            self.write_profile(mailbox, &prefix);
            self.is_ending = true;
        }
        if let Some(failure) = mailbox.unwritten.take_failure()
            && !self.options.quiet
        {
            failure.say();
        }
    }

    /// Whether a signal ends the process and the last profile is made: what comes is the wait until that is sent, and in no
    /// profile. The signal may have come in the wait of a process that ends by itself, or such an end in that of a signal.
    pub(super) fn is_over(&self) -> bool {
        /// By which the end of a process may be later than its limit.
        const LATE: Duration = Duration::from_secs(1);
        let limit = terminal::patience() + LATE;
        let is_made = match (self.ended_by, self.last_asked) {
            // The process may have outlived another one.
            (Some(since), _) => since == terminal::since(),
            // One that was asked for longer ago was not the last.
            (None, Some(asked)) => u128::from(monotonic().saturating_sub(asked)) < limit.as_nanos(),
            (None, None) => false,
        };
        is_made && terminal::pending().is_some()
    }

    /// A profile without a sample, which is nobody's to write or to send.
    fn nothing(&mut self, encoding: Encoding) -> Result<Profile, EncodingError> {
        let now = monotonic();
        let offset = realtime_offset();
        let mut period = Period::new(now, self.options.timeline, self.options.interval);
        let data = self.encode(&mut period, now, offset, encoding)?;
        Ok(Profile {
            data,
            start: now as i64 + offset,
            end: now as i64 + offset,
            samples: 0,
            dropped: 0,
            sequence: self.sequence,
        })
    }

    /// It was not the end.
    pub(super) fn live_on(&mut self) {
        self.is_ending = false;
        self.ended_by = None;
        self.last_asked = None;
    }

    /// Nobody has asked for the profile of a period that is over, or written one that was handed out: the event loop is
    /// busy, or the pool of threads. It goes to a file.
    pub(super) fn write_overdue_profile(&mut self, mailbox: &Mailbox) {
        /// The least by which it is late, as a busy event loop often is.
        const LATE: Duration = Duration::from_secs(1);
        let Some((prefix, period)) = self.output.clone().zip(self.options.period) else {
            return;
        };
        let late = (period / 4).max(LATE);
        mailbox.unwritten.write_late(late);
        let age = Duration::from_nanos(monotonic().saturating_sub(self.period.start));
        if age > period + late && !self.waits_for_the_end() && !self.is_over() {
            COUNTERS.overdue_profiles.fetch_add(1, Ordering::Relaxed);
            self.write_profile(mailbox, &prefix);
            // The process has outlived what was to end it.
            self.is_ending = false;
        }
    }

    /// Whether the last profile was asked for, and may still be on its way: of that time nobody wants another.
    fn waits_for_the_end(&self) -> bool {
        /// The longest that the end of a process waits, and some time for the end itself.
        const LONGEST: Duration = Duration::from_secs(65);
        self.last_asked
            .is_some_and(|asked| u128::from(monotonic().saturating_sub(asked)) < LONGEST.as_nanos())
    }

    fn write_profile(&mut self, mailbox: &Mailbox, prefix: &str) {
        let sequence = self.sequence;
        match self.rotate(mailbox, Encoding::Gzip) {
            Ok(profile) => {
                mailbox.unwritten.write_one(prefix, sequence, &profile.data);
            }
            Err(error) => mailbox
                .unwritten
                .fail(prefix, sequence, &std::io::Error::other(error)),
        }
    }

    /// Has every thread reported, and the clocks read. An observer that gets no CPU time reports later.
    fn settle(&self, observer: &Observer) -> Settled {
        observer.settle().unwrap_or_else(|| Settled {
            process_cpu: process_cpu(),
            observer_cpu: thread_cpu_of(observer.tid()).unwrap_or(self.rotated.observer_cpu),
            aggregator_cpu: thread_cpu(),
        })
    }

    /// The profiler's own threads take part like all others.
    fn own_threads(&mut self, observer: i32, settled: &Settled, end: u64) {
        let before = self.rotated;
        let spent = [
            (
                "everflame-obs",
                observer,
                settled.observer_cpu.saturating_sub(before.observer_cpu),
            ),
            (
                "everflame-agg",
                self.tid,
                settled.aggregator_cpu.saturating_sub(before.aggregator_cpu),
            ),
        ];
        for (name, tid, cpu) in spent {
            let frame = self.tables.synthetic("(everflame)");
            let stack = self.tables.stack(&[frame]);
            let labels = self.labels(name, tid);
            let share = Share {
                stack,
                time: end,
                count: 0,
                wall: end.saturating_sub(self.period.start),
                cpu,
            };
            self.accounted += cpu;
            self.period.add(labels, &share, false);
        }
    }

    /// CPU time that the kernel charged the process and no living thread has: threads that ended between two looks.
    fn exited_threads(&mut self, settled: &Settled, end: u64) {
        let spent = settled.process_cpu.saturating_sub(self.began.process_cpu);
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
}

/// The comment with a runtime id, written as a UUID is (RFC 9562, section 4).
fn runtime_id_comment(id: u128) -> String {
    let digits = format!("{id:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
    format!("{RUNTIME_ID}{}", groups.join("-"))
}

/// Lets the signal end the process where its last profile takes too long.
fn watch_the_clock() {
    let watch = || {
        while terminal::pending().is_some() {
            std::thread::sleep(Duration::from_millis(20));
            terminal::finish_late();
        }
    };
    // Without a thread for it the profile takes its time.
    drop(
        std::thread::Builder::new()
            .name("everflame-end".to_owned())
            .spawn(watch),
    );
}

#[cfg(test)]
mod tests {
    use super::runtime_id_comment;

    #[test]
    fn a_runtime_id_is_written_as_a_uuid_with_all_its_zeros() {
        assert_eq!(
            runtime_id_comment(0x0000_0001_0002_4003_8004_0000_0000_0005),
            "everflame.runtime-id:00000001-0002-4003-8004-000000000005"
        );
    }
}
