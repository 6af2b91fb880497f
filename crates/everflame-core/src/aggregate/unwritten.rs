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
    /// Whoever asked for it has begun to write it.
    claimed: bool,
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
            "everflame: error: cannot write profiles to {}: {reason}. Check the path and the room there, or name another place with DD_PROFILING_OUTPUT_PPROF=<prefix> or --output <dir>; for what waits to be sent, with EVERFLAME_SPOOL_DIR=<dir>.",
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
            claimed: false,
        });
    }

    /// Whether the profile of this number is still to be written by whoever asked for it: late, it is not written here any
    /// more, only where the process ends before it is forgotten.
    pub fn claim(&self, sequence: u64) -> bool {
        let mut inner = self.lock();
        let mut kept = inner.kept.iter_mut();
        let found = kept.find(|kept| kept.sequence == sequence);
        found.is_some_and(|kept| {
            kept.claimed = true;
            true
        })
    }

    /// Whether terminal signals are to be guarded: sampling goes on, or its last profile is not written.
    pub fn is_open(&self) -> bool {
        let inner = self.lock();
        inner.sessions > 0 || !inner.kept.is_empty()
    }

    /// The profile of this number is written, or whoever asked for it has said why not.
    pub fn forget(&self, sequence: u64) {
        let forgotten: Vec<Kept> = self
            .lock()
            .kept
            .extract_if(.., |kept| kept.sequence == sequence)
            .collect();
        for Kept {
            prefix, sequence, ..
        } in forgotten
        {
            // There is one where the whole could not be written ahead.
            output::remove_part(&prefix, sequence);
        }
        self.unguard_when_done();
    }

    /// Writes what nobody has begun to write for so long.
    pub(super) fn write_late(&self, age: Duration) {
        let now = monotonic();
        let is_late = |kept: &Kept| {
            !kept.claimed && u128::from(now.saturating_sub(kept.since)) >= age.as_nanos()
        };
        let late: Vec<Kept> = self
            .lock()
            .kept
            .extract_if(.., |kept| is_late(kept))
            .collect();
        let mut failed = self.write(late);
        for kept in &mut failed {
            // Whoever asked for it may still come.
            kept.since = now;
        }
        self.lock().kept.append(&mut failed);
    }

    /// Writes everything: the process ends.
    pub(super) fn write_all(&self) {
        let kept = std::mem::take(&mut self.lock().kept);
        self.write(kept);
        self.unguard_when_done();
    }

    /// Returns what could not be written.
    fn write(&self, mut profiles: Vec<Kept>) -> Vec<Kept> {
        let tried = !profiles.is_empty();
        profiles.retain(|kept| !self.write_one(&kept.prefix, kept.sequence, &kept.data));
        if tried && profiles.is_empty() {
            self.unguard_when_done();
        }
        profiles
    }

    /// Whether it is written; the parts of it that are there are superfluous then.
    pub(super) fn write_one(&self, prefix: &str, sequence: u64, data: &[u8]) -> bool {
        match output::write(prefix, sequence, data) {
            Ok(()) => {
                output::remove_part(prefix, sequence);
                true
            }
            Err(error) => {
                self.fail(prefix, sequence, &error);
                false
            }
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
        // Held to the end: a session that begins meanwhile guards them after that.
        let inner = self.lock();
        if inner.sessions == 0 && inner.kept.is_empty() {
            terminal::unguard();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_taker_has_begun_to_write_is_written_here_only_at_the_end() {
        let process = std::process::id();
        let folder = std::env::temp_dir().join(format!("everflame-unwritten-{process}"));
        let prefix = folder.join("app");
        let prefix = prefix.to_str().unwrap();
        let is_there = |sequence| output::path(prefix, sequence).is_file();
        let unwritten = Unwritten::default();
        unwritten.begin();
        for sequence in 0..3 {
            unwritten.keep(prefix, sequence, b"profile");
        }
        assert!(unwritten.claim(0));
        output::write_part(prefix, 1, b"part").unwrap();
        let files = || std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files(), 1);
        unwritten.forget(1);
        assert_eq!(files(), 0, "the part goes with the profile");
        unwritten.write_late(Duration::from_secs(60));
        assert!((0..3).all(|sequence| !is_there(sequence)), "not late");
        unwritten.write_late(Duration::ZERO);
        assert_eq!([0, 1, 2].map(is_there), [false, false, true]);
        assert!(!unwritten.claim(2), "written here");
        assert!(!unwritten.claim(1), "forgotten");
        unwritten.write_all();
        assert_eq!([0, 1, 2].map(is_there), [true, false, true]);
        assert!(unwritten.take_failure().is_none());
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, b"no folder").unwrap();
        unwritten.keep(prefix, 3, b"profile");
        unwritten.write_late(Duration::ZERO);
        assert!(
            unwritten.claim(3),
            "it is still there for whoever asked for it"
        );
        unwritten.write_all();
        let failure = unwritten.take_failure().expect("a failure");
        assert_eq!(
            (failure.path, failure.errno),
            (output::path(prefix, 3), libc::ENOTDIR)
        );
        assert!(unwritten.take_failure().is_none(), "told once");
        std::fs::remove_file(&folder).unwrap();
    }
}
