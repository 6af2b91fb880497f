//! Writing ahead: what SIGKILL would take is on disk before anybody asks for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::mailbox::{Mailbox, Profile};
use super::super::output;
use super::State;
use crate::pprof::Encoding;
use crate::signal::{COUNTERS, monotonic, realtime_offset};

/// How much of the current period may be lost.
const EVERY: Duration = Duration::from_secs(1);

impl State {
    /// The prefix of what is written ahead; `None` where nothing is.
    pub(super) fn ahead(&self) -> Option<&str> {
        self.output
            .as_deref()
            .filter(|_| self.options.write_ahead && self.observer.is_some())
    }

    /// How long until the next part is due; `None` where nothing is written ahead. The observer of an idle process wakes the
    /// aggregator once a second, which may be just before that.
    pub(super) fn until_part(&self) -> Option<Duration> {
        self.ahead().filter(|_| !self.is_ending)?;
        let age = Duration::from_nanos(monotonic().saturating_sub(self.part_written));
        Some(EVERY.saturating_sub(age))
    }

    /// Writes what there is of the current period, in place of what there was a second ago.
    pub(super) fn write_part(&mut self, mailbox: &Mailbox) {
        let now = monotonic();
        let is_due = u128::from(now.saturating_sub(self.part_written)) >= EVERY.as_nanos();
        let prefix = self.ahead().filter(|_| is_due && !self.is_ending);
        let Some(prefix) = prefix.map(str::to_owned) else {
            return;
        };
        let mut period = self.period.clone();
        let written = self
            .encode(&mut period, now, realtime_offset(), Encoding::Gzip)
            .map_err(std::io::Error::other)
            .and_then(|data| output::write_part(&prefix, self.sequence, &data));
        if let Err(error) = written {
            mailbox.unwritten.fail(&prefix, self.sequence, &error);
        }
        COUNTERS.parts_written.fetch_add(1, Ordering::Relaxed);
        self.part_written = now;
    }

    /// Writes a finished profile, whose parts are superfluous then. Whether it is there.
    pub(super) fn write_whole(&self, mailbox: &Mailbox, profile: &Profile) -> bool {
        let Some(prefix) = self.ahead() else {
            return false;
        };
        mailbox
            .unwritten
            .write_one(prefix, profile.sequence, &profile.data)
    }
}
