//! What the tests of a running sampler share: a session that ends with its test, a program of its own for what ends a
//! process, and profiles read back.

#![allow(
    dead_code,
    reason = "each test file is its own program and uses a part of this"
)]

use std::ffi::c_int;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use everflame_core::aggregate::Options;
use everflame_core::pprof::Encoding;
use everflame_core::session::{self, Config};
use everflame_core::signal::COUNTERS;
use pprof::protos::Profile;
use prost::Message;

/// No wait in these tests is longer; a condition that does not come true by then is a failure.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

static ONE_SESSION: Mutex<()> = Mutex::new(());

/// Sampling of this process; ends when dropped.
pub(crate) struct Session {
    _alone: MutexGuard<'static, ()>,
}

pub(crate) fn config(engine: &str, interval: Duration) -> Config {
    Config {
        engine: engine.to_owned(),
        signal: None,
        options: Options {
            interval: interval.as_nanos() as u64,
            timeline: false,
            ..Options::default()
        },
        output_prefix: None,
        guarded: Vec::new(),
        exit_timeout: Duration::from_secs(2),
    }
}

impl Session {
    pub(crate) fn start(config: &Config) -> Session {
        match Session::try_start(config) {
            Ok(session) => session,
            Err(error) => panic!("sampling does not start: {error}"),
        }
    }

    /// As [`Session::start`], for an engine that a machine may refuse; the error says why.
    pub(crate) fn try_start(config: &Config) -> Result<Session, String> {
        let alone = ONE_SESSION.lock().unwrap_or_else(PoisonError::into_inner);
        session::start(config).map_err(|error| error.to_string())?;
        Ok(Session { _alone: alone })
    }

    /// Ends the period and returns its profile.
    pub(crate) fn rotate(&self) -> (Profile, u64) {
        let made = session::rotate_now(Encoding::Identity, LIMIT).expect("a profile in time");
        let made = made.expect("an encoded profile");
        let profile = Profile::decode(&made.data[..]).expect("a valid profile");
        (profile, made.dropped)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (done, wait) = channel();
        session::stop(Encoding::Identity, move |profile| {
            // A test that failed does not wait.
            done.send(profile.is_ok()).unwrap_or_default();
        });
        let stopped = wait.recv_timeout(LIMIT);
        if !std::thread::panicking() {
            assert_eq!(stopped, Ok(true), "the last profile after a stop");
        }
    }
}

/// Keeps the aggregator busy until dropped: nobody reads a ring meanwhile.
pub(crate) struct StalledAggregator {
    release: std::sync::mpsc::Sender<()>,
}

impl StalledAggregator {
    pub(crate) fn new() -> StalledAggregator {
        let (release, wait) = channel::<()>();
        let (reached, at_work) = channel();
        session::rotate(Encoding::Identity, move |_| {
            reached.send(()).unwrap_or_default();
            // Ends by hanging up, too.
            wait.recv().unwrap_or_default();
        })
        .expect("the aggregator runs");
        at_work.recv_timeout(LIMIT).expect("the aggregator stalls");
        StalledAggregator { release }
    }
}

impl Drop for StalledAggregator {
    fn drop(&mut self) {
        self.release.send(()).unwrap_or_default();
    }
}

/// Waits for a condition, and fails with `what` when it does not come true.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn samples() -> u64 {
    COUNTERS.samples.load(Ordering::Relaxed)
}

pub(crate) fn gettid() -> i32 {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

/// The samples of a thread.
fn samples_of(profile: &Profile, tid: i32) -> impl Iterator<Item = &pprof::protos::Sample> {
    let text = |id: i64| profile.string_table[id as usize].as_str();
    let tid = tid.to_string();
    profile.sample.iter().filter(move |sample| {
        sample.label.iter().any(|label| {
            text(label.key) == "os thread id"
                && (text(label.str) == tid || label.num.to_string() == tid)
        })
    })
}

/// Where the samples have one kind of value.
fn index_of(profile: &Profile, kind: &str) -> usize {
    let text = |id: i64| profile.string_table[id as usize].as_str();
    let index = profile
        .sample_type
        .iter()
        .position(|value| text(value.ty) == kind);
    index.expect("the profile has this kind of value")
}

/// Sum of one kind of value over the samples of a thread.
pub(crate) fn of_thread(profile: &Profile, kind: &str, tid: i32) -> i64 {
    let index = index_of(profile, kind);
    samples_of(profile, tid)
        .map(|sample| sample.value[index])
        .sum()
}

/// Sum of one kind of value over the samples of a thread with this stack, from leaf to root.
pub(crate) fn of_stack(profile: &Profile, kind: &str, tid: i32, stack: &[&str]) -> i64 {
    let index = index_of(profile, kind);
    samples_of(profile, tid)
        .zip(stacks_of_thread(profile, tid))
        .filter(|(_, found)| found == stack)
        .map(|(sample, _)| sample.value[index])
        .sum()
}

/// A thread's stacks as the profile has them, each from leaf to root.
pub(crate) fn stacks_of_thread(profile: &Profile, tid: i32) -> Vec<Vec<&str>> {
    let name = |location: &u64| {
        let location = profile.location.iter().find(|row| row.id == *location);
        let line = location.and_then(|row| row.line.first());
        let function = line.map_or(0, |line| line.function_id);
        let row = profile.function.iter().find(|row| row.id == function);
        profile.string_table[row.map_or(0, |row| row.name) as usize].as_str()
    };
    samples_of(profile, tid)
        .map(|sample| sample.location_id.iter().map(name).collect())
        .collect()
}

/// The functions in a thread's stacks, each once, sorted.
pub(crate) fn names_of_thread(profile: &Profile, tid: i32) -> Vec<&str> {
    let names: std::collections::BTreeSet<&str> = stacks_of_thread(profile, tid)
        .into_iter()
        .flatten()
        .collect();
    names.into_iter().collect()
}

/// How a program of its own ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(c_int),
}

const ROLE: &str = "EVERFLAME_TEST_ROLE";

/// Whether this process was started by [`in_own_process`].
pub(crate) fn is_own_process() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Runs one test of this file again as a program of its own, in which [`is_own_process`] holds, and says how that
/// ended and what it printed.
pub(crate) fn in_own_process(test: &str) -> (End, String) {
    in_own_process_with(test, &[])
}

/// As [`in_own_process`], with more variables in its environment.
pub(crate) fn in_own_process_with(test: &str, environment: &[(&str, &str)]) -> (End, String) {
    let program = std::env::current_exe().expect("the test's own program");
    let mut child = Command::new(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, test)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("the state of a child") {
            break Some(status);
        }
        if start.elapsed() > LIMIT {
            child.kill().expect("a child can be killed");
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = child.wait_with_output().expect("the child's output");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let status = ended.unwrap_or_else(|| panic!("{test} has not ended in time:\n{text}"));
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, signal) => End::Signal(signal.unwrap_or(0)),
    };
    (end, text)
}

/// Uses CPU time without a system call.
pub(crate) fn burn(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum, round| {
        std::hint::black_box(sum ^ round.wrapping_mul(0x9e37_79b9))
    })
}
