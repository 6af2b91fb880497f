//! Profiles on their way to a file. Whoever asked for one writes it when its event loop and its pool of threads come to
//! that; until then it is kept here, and written by the aggregator where the process ends first or nothing happens.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::output;
use crate::signal::{COUNTERS, monotonic, terminal};

struct Kept {
    prefix: String,
    sequence: u64,
    data: Vec<u8>,
    since: u64,
}

/// A profile that could not be written, with the system's error.
#[derive(Clone, Debug)]
pub struct WriteFailure {
    pub path: PathBuf,
    /// 0 where it is no error of the system.
    pub errno: i32,
    pub reason: String,
}

impl WriteFailure {
    /// To standard error, for a process that is about to end.
    pub(super) fn say(&self) {
        let WriteFailure { path, reason, .. } = self;
        // Where that is closed or full there is no other place to say it.
        drop(writeln!(
            io::stderr(),
            "everflame: error: cannot write profiles to {}: {reason}. Check the path, or name another place with DD_PROFILING_OUTPUT_PPROF=<prefix> or --output <dir>.",
            path.display(),
        ));
    }
}

#[derive(Default)]
struct Inner {
    kept: Vec<Kept>,
    /// Sessions that have not ended. After the last of them, with the last profile written, the terminal signals are the
    /// program's again.
    sessions: u32,
    failure: Option<WriteFailure>,
}

/// What was handed out and is not known to be written.
#[derive(Default)]
pub struct Unwritten(Mutex<Inner>);

impl Unwritten {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session begins. Before terminal signals are guarded for it.
    pub fn begin(&self) {
        self.lock().sessions += 1;
    }

    /// A session has ended, and made its last profile.
    pub(super) fn end(&self) {
        self.lock().sessions -= 1;
        self.unguard_when_done();
    }

    pub(super) fn keep(&self, prefix: &str, sequence: u64, data: &[u8]) {
        self.lock().kept.push(Kept {
            prefix: prefix.to_owned(),
            sequence,
            data: data.to_vec(),
            since: monotonic(),
        });
    }

    /// The profile of this number is written, or whoever asked for it has said why not.
    pub fn forget(&self, sequence: u64) {
        self.lock().kept.retain(|kept| kept.sequence != sequence);
        self.unguard_when_done();
    }

    /// Writes what is kept for longer than that.
    pub(super) fn write(&self, age: Duration) {
        let now = monotonic();
        let is_old = |kept: &Kept| now.saturating_sub(kept.since) as u128 >= age.as_nanos();
        let old: Vec<Kept> = self
            .lock()
            .kept
            .extract_if(.., |kept| is_old(kept))
            .collect();
        for kept in &old {
            self.write_one(&kept.prefix, kept.sequence, &kept.data);
        }
        if !old.is_empty() {
            self.unguard_when_done();
        }
    }

    pub(super) fn write_one(&self, prefix: &str, sequence: u64, data: &[u8]) {
        if let Err(error) = output::write(prefix, sequence, data) {
            self.fail(prefix, sequence, &error);
        }
    }

    pub(super) fn fail(&self, prefix: &str, sequence: u64, error: &io::Error) {
        COUNTERS
            .native_write_failures
            .fetch_add(1, Ordering::Relaxed);
        self.lock().failure = Some(WriteFailure {
            path: output::path(prefix, sequence),
            errno: error.raw_os_error().unwrap_or(0),
            reason: error.to_string(),
        });
    }

    /// The last failure that was not asked for yet.
    pub fn take_failure(&self) -> Option<WriteFailure> {
        self.lock().failure.take()
    }

    fn unguard_when_done(&self) {
        let inner = self.lock();
        let is_done = inner.sessions == 0 && inner.kept.is_empty();
        drop(inner);
        if is_done {
            terminal::unguard();
        }
    }
}
