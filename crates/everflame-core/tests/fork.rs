//! fork(2) while sampling runs: the child has the memory of the profiler and none of its threads.

mod support;

use std::ffi::c_int;
use std::time::Duration;

use everflame_core::session;
use everflame_core::signal::process_cpu;
use support::{
    End, LIMIT, Session, burn, config, in_own_process, is_own_process, of_thread, samples, wait_for,
};

const INTERVAL: Duration = Duration::from_millis(1);

/// Runs `work` in a forked child, and says how that ended; a child that does not end in time is killed.
fn forked(work: impl FnOnce() -> c_int) -> End {
    // SAFETY: the child only computes, signals and exits; it takes no lock that a lost thread may hold.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let code = work();
        // SAFETY: ends the child without running the parent's exit handlers.
        unsafe { libc::_exit(code) };
    }
    let start = std::time::Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: waits for our own child.
        let ended = unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) };
        assert!(ended >= 0, "the child cannot be waited for");
        if ended == child {
            return if libc::WIFSIGNALED(status) {
                End::Signal(libc::WTERMSIG(status))
            } else {
                End::Code(libc::WEXITSTATUS(status))
            };
        }
        if start.elapsed() > LIMIT {
            // SAFETY: our own child, not yet waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child has not ended in time");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn burn_for(cpu: Duration) {
    let start = process_cpu();
    while process_cpu() - start < cpu.as_nanos() as u64 {
        burn(10_000);
    }
}

fn sampling(engine: &str) -> Session {
    let session = Session::start(&config(engine, INTERVAL));
    let before = samples();
    wait_for("samples", || samples() - before > 20);
    session
}

#[test]
fn a_forked_child_runs_without_samples_and_the_parent_keeps_its_rate() {
    for engine in ["tick", "ctimer"] {
        let session = sampling(engine);
        session.rotate();
        // A whole interval of a forked child's clock holds no sample: the counters are its own copy.
        let end = forked(|| {
            let before = samples();
            burn_for(Duration::from_millis(100));
            c_int::from(samples() != before)
        });
        assert_eq!(end, End::Code(0), "{engine}");
        let (tid, start) = (support::gettid(), everflame_core::signal::thread_cpu());
        burn_for(Duration::from_millis(400));
        let clock = everflame_core::signal::thread_cpu() - start;
        let (profile, _) = session.rotate();
        let cpu = of_thread(&profile, "cpu", tid) as f64;
        // The child's 100 ms are not in it.
        assert!(
            cpu > clock as f64 * 0.97 && cpu < clock as f64 + 60e6,
            "{engine}: {cpu} of {clock} ns"
        );
        assert!(
            of_thread(&profile, "sample", tid) > 60,
            "{engine}: the parent is sampled"
        );
    }
}

#[test]
fn a_forked_child_cannot_start_or_rotate_and_does_not_hang() {
    let session = sampling("tick");
    let end = forked(|| {
        let started = session::start(&config("tick", INTERVAL));
        let message = started
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        if !message.contains("fork of a profiled one") {
            return 1;
        }
        let profile = session::rotate_now(everflame_core::pprof::Encoding::Identity, INTERVAL);
        session::stop(everflame_core::pprof::Encoding::Identity, drop);
        c_int::from(profile.is_some()) * 2
    });
    assert_eq!(end, End::Code(0));
    drop(session);
}

#[test]
fn a_forked_child_dies_by_the_first_terminal_signal() {
    if is_own_process() {
        let mut guarded = config("tick", INTERVAL);
        guarded.guarded = vec![libc::SIGTERM];
        guarded.output_prefix = Some("/nonexistent/last".to_owned());
        let session = Session::start(&guarded);
        let end = forked(|| {
            // SAFETY: a signal to this process, the child.
            unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
            burn_for(Duration::from_millis(500));
            0
        });
        assert_eq!(end, End::Signal(libc::SIGTERM));
        drop(session);
        return;
    }
    let (end, output) = in_own_process("a_forked_child_dies_by_the_first_terminal_signal");
    assert_eq!(end, End::Code(0), "{output}");
}
