//! Signals that are not ours do what they did without us, and ours never replaces somebody else's handler. Each case
//! is a program of its own: signals belong to a process, and some of these end it.

mod support;

use std::ffi::c_int;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use everflame_core::pprof::Encoding;
use everflame_core::session::{self, Config};
use everflame_core::signal::{COUNTERS, terminal, thread_cpu};
use support::{
    End, Session, StalledAggregator, burn, config, gettid, in_own_process, is_own_process,
    of_stack, samples, wait_for,
};

const FAST: Duration = Duration::from_micros(500);

extern "C" fn somebody_elses(signal: c_int) {
    SEEN.store(signal, Ordering::SeqCst);
}

static SEEN: AtomicI32 = AtomicI32::new(0);

fn set_handler(signal: c_int, handler: usize) {
    // SAFETY: an all-zero action with a handler is valid; the handler lives as long as the program.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

fn own_handler() -> usize {
    somebody_elses as *const () as usize
}

/// Sends a signal to this process and waits for what it does.
fn signal_this_process(signal: c_int) {
    // SAFETY: plain system calls.
    unsafe { libc::kill(libc::getpid(), signal) };
}

fn signal_this_thread(signal: c_int) {
    // SAFETY: plain system call to a living thread.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), gettid(), signal) };
}

/// Keeps this thread busy until a signal ends the process; a process that lives on ends with code 0 after a while.
fn burn_until_killed() -> ! {
    for _ in 0..2_000 {
        burn(20_000);
    }
    std::process::exit(0);
}

/// Sampling by a signal whose default action ends the process.
fn by_vtalrm(engine: &str) -> Config {
    Config {
        signal: Some("SIGVTALRM".to_owned()),
        ..config(engine, FAST)
    }
}

fn sampling() -> Session {
    let session = Session::start(&by_vtalrm("tick"));
    let before = samples();
    wait_for("samples", || samples() - before > 20);
    session
}

#[test]
fn a_signal_sent_by_somebody_else_still_ends_the_process() {
    if is_own_process() {
        let _session = sampling();
        signal_this_process(libc::SIGVTALRM);
        burn_until_killed();
    }
    let (end, output) = in_own_process("a_signal_sent_by_somebody_else_still_ends_the_process");
    assert_eq!(end, End::Signal(libc::SIGVTALRM), "{output}");
}

#[test]
fn a_signal_sent_to_one_thread_still_ends_the_process() {
    if is_own_process() {
        let _session = sampling();
        signal_this_thread(libc::SIGVTALRM);
        burn_until_killed();
    }
    let (end, output) = in_own_process("a_signal_sent_to_one_thread_still_ends_the_process");
    assert_eq!(end, End::Signal(libc::SIGVTALRM), "{output}");
}

#[test]
fn a_timer_of_the_program_still_ends_the_process() {
    if is_own_process() {
        let _session = sampling();
        let soon = libc::timeval {
            tv_sec: 0,
            tv_usec: 20_000,
        };
        let timer = libc::itimerval {
            it_interval: soon,
            it_value: soon,
        };
        // SAFETY: a valid timer; the old one is not wanted.
        unsafe { libc::setitimer(libc::ITIMER_VIRTUAL as _, &timer, std::ptr::null_mut()) };
        burn_until_killed();
    }
    let (end, output) = in_own_process("a_timer_of_the_program_still_ends_the_process");
    assert_eq!(end, End::Signal(libc::SIGVTALRM), "{output}");
}

/// Leaves no room for pending signals: the kernel delivers them without their senders.
fn use_up_pending_signals() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid limit of this process.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &none) };
    assert_eq!(result, 0);
}

/// Samples a second thread and this one, has the observer told many things, and starts again.
fn sample_without_room(engine: &str, signal: &str) {
    let wanted = Config {
        signal: Some(signal.to_owned()),
        ..config(engine, FAST)
    };
    for _ in 0..3 {
        let session = match Session::try_start(&wanted) {
            Ok(session) => session,
            Err(reason) => {
                assert_eq!(engine, "perf", "{reason}");
                writeln!(std::io::stderr(), "perf is not tested: {reason}")
                    .expect("standard error is open");
                return;
            }
        };
        let beside = std::thread::spawn(|| {
            for _ in 0..500 {
                burn(20_000);
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        let before = samples();
        wait_for("samples", || {
            burn(20_000);
            session.rotate();
            samples() - before > 100
        });
        beside.join().expect("the thread ends");
    }
}

#[test]
fn signals_that_lost_their_sender_do_not_end_the_process() {
    if is_own_process() {
        use_up_pending_signals();
        for (engine, signal) in [
            ("tick", "SIGVTALRM"),
            ("perf", "SIGVTALRM"),
            ("tick", "SIGPROF"),
            ("itimer", "SIGPROF"),
        ] {
            sample_without_room(engine, signal);
        }
        return;
    }
    let (end, output) = in_own_process("signals_that_lost_their_sender_do_not_end_the_process");
    assert_eq!(end, End::Code(0), "{output}");
    for line in output.lines().filter(|line| line.contains("not tested")) {
        // Not by a macro, whose output a test that passes keeps for itself.
        writeln!(std::io::stderr(), "{line}").expect("standard error is open");
    }
}

#[test]
fn a_signal_that_was_ignored_stays_ignored_and_is_counted() {
    if is_own_process() {
        set_handler(libc::SIGVTALRM, libc::SIG_IGN);
        let _session = sampling();
        let counted = || COUNTERS.foreign_signals.load(Ordering::Relaxed);
        for sent in 1..=50 {
            // The kernel keeps one signal of a number: this one is lost where the sampler's own is pending.
            wait_for("the signal", || {
                signal_this_thread(libc::SIGVTALRM);
                counted() >= sent
            });
        }
        return;
    }
    let (end, output) = in_own_process("a_signal_that_was_ignored_stays_ignored_and_is_counted");
    assert_eq!(end, End::Code(0), "{output}");
}

#[test]
fn a_process_signal_reaches_the_program_however_the_observer_waits() {
    if is_own_process() {
        set_handler(libc::SIGVTALRM, libc::SIG_IGN);
        let _session = sampling();
        // Not while a signal of the same number is pending: the kernel keeps one.
        for sent in 1..=2_000 {
            signal_this_process(libc::SIGVTALRM);
            wait_for("the signal", || {
                COUNTERS.foreign_signals.load(Ordering::Relaxed) >= sent
            });
        }
        return;
    }
    let (end, output) =
        in_own_process("a_process_signal_reaches_the_program_however_the_observer_waits");
    assert_eq!(end, End::Code(0), "{output}");
}

#[test]
fn an_owned_signal_is_passed_over_and_refused_by_name() {
    if is_own_process() {
        set_handler(libc::SIGURG, own_handler());
        set_handler(libc::SIGVTALRM, own_handler());
        let started = session::start(&config("tick", FAST)).map(|started| started.signal);
        assert!(matches!(started, Ok("SIGSTKFLT")), "{:?}", started.err());
        session::stop(everflame_core::pprof::Encoding::Identity, drop);
        let mut named = by_vtalrm("tick");
        named.signal = Some("SIGVTALRM".to_owned());
        let refused = session::start(&named).err().map(|error| error.to_string());
        assert_eq!(
            refused.as_deref(),
            Some(
                "SIGVTALRM is handled by somebody else in this process; name another signal with EVERFLAME_SIGNAL"
            )
        );
        named.signal = Some("SIGUSR1".to_owned());
        let unknown = session::start(&named).err().map(|error| error.to_string());
        assert_eq!(
            unknown.as_deref(),
            Some(
                "\"SIGUSR1\" is not a signal that Everflame can use; allowed are SIGURG, SIGVTALRM, SIGSTKFLT, SIGPWR, SIGPROF"
            )
        );
        signal_this_thread(libc::SIGVTALRM);
        assert_eq!(SEEN.load(Ordering::SeqCst), libc::SIGVTALRM);
        return;
    }
    let (end, output) = in_own_process("an_owned_signal_is_passed_over_and_refused_by_name");
    assert_eq!(end, End::Code(0), "{output}");
}

/// Why sampling does not start.
fn refusal(config: &Config) -> String {
    match session::start(config) {
        Ok(started) => panic!("{} starts by {}", started.engine, started.signal),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_named_signal_that_is_taken_is_replaced_by_no_other() {
    if is_own_process() {
        set_handler(libc::SIGVTALRM, own_handler());
        for engine in ["auto", "tick"] {
            assert_eq!(
                refusal(&by_vtalrm(engine)),
                "SIGVTALRM is handled by somebody else in this process; name another signal with EVERFLAME_SIGNAL"
            );
        }
        return;
    }
    let (end, output) = in_own_process("a_named_signal_that_is_taken_is_replaced_by_no_other");
    assert_eq!(end, End::Code(0), "{output}");
}

#[test]
fn the_engine_that_needs_sigprof_says_so_where_it_is_taken() {
    if is_own_process() {
        set_handler(libc::SIGPROF, own_handler());
        assert_eq!(
            refusal(&config("itimer", FAST)),
            "the itimer engine needs SIGPROF, which is handled by somebody else in this process; take that handler away"
        );
        return;
    }
    let (end, output) = in_own_process("the_engine_that_needs_sigprof_says_so_where_it_is_taken");
    assert_eq!(end, End::Code(0), "{output}");
}

#[test]
fn with_no_signal_free_the_error_names_them_all() {
    if is_own_process() {
        for signal in [
            libc::SIGURG,
            libc::SIGVTALRM,
            libc::SIGSTKFLT,
            libc::SIGPWR,
            libc::SIGPROF,
        ] {
            set_handler(signal, own_handler());
        }
        assert_eq!(
            refusal(&config("auto", FAST)),
            "no signal is free: SIGURG, SIGVTALRM, SIGSTKFLT, SIGPWR, SIGPROF are all handled by somebody else in this process; free one of them, or name another with EVERFLAME_SIGNAL"
        );
        return;
    }
    let (end, output) = in_own_process("with_no_signal_free_the_error_names_them_all");
    assert_eq!(end, End::Code(0), "{output}");
}

#[test]
fn a_handler_installed_later_gets_none_of_our_signals() {
    if is_own_process() {
        for engine in ["tick", "ctimer"] {
            let session = Session::start(&by_vtalrm(engine));
            let before = samples();
            wait_for("samples", || samples() - before > 20);
            set_handler(libc::SIGVTALRM, own_handler());
            // One that was on its way may still arrive.
            let before = samples();
            wait_for("samples by another signal", || {
                burn(20_000);
                samples() - before > 200
            });
            SEEN.store(0, Ordering::SeqCst);
            let before = samples();
            wait_for("more samples", || {
                burn(20_000);
                samples() - before > 200
            });
            assert_eq!(SEEN.load(Ordering::SeqCst), 0, "{engine}");
            signal_this_thread(libc::SIGVTALRM);
            assert_eq!(SEEN.load(Ordering::SeqCst), libc::SIGVTALRM, "{engine}");
            drop(session);
            set_handler(libc::SIGVTALRM, libc::SIG_DFL);
        }
        return;
    }
    let (end, output) = in_own_process("a_handler_installed_later_gets_none_of_our_signals");
    assert_eq!(end, End::Code(0), "{output}");
}

/// A folder that is removed when dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("everflame-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Folder(folder)
    }

    fn files(&self) -> usize {
        std::fs::read_dir(&self.0).expect("the folder").count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder harms nobody.
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

const FOLDER: &str = "EVERFLAME_TEST_FOLDER";
/// What the other half of a test with several cases is to do.
const HOW: &str = "EVERFLAME_TEST_HOW";

fn guarding(signals: &[c_int]) -> Session {
    guarding_each(signals, None)
}

/// With a period after which a profile is overdue.
fn guarding_each(signals: &[c_int], period: Option<Duration>) -> Session {
    let mut guarded = by_vtalrm("tick");
    guarded.options.period = period;
    guarded.guarded = signals.to_vec();
    let folder = std::env::var(FOLDER).expect("the parent names a folder");
    guarded.output_prefix = Some(format!("{folder}/last"));
    let session = Session::start(&guarded);
    let before = samples();
    wait_for("samples", || samples() - before > 20);
    session
}

/// Runs a test's other half with a folder for its last profile; how it ended, and how many files it left.
fn with_folder(test: &str) -> (End, String, usize) {
    let folder = Folder::new(test);
    let path = folder.0.to_str().expect("a path in UTF-8").to_owned();
    let (end, output) = support::in_own_process_with(test, &[(FOLDER, &path)]);
    (end, output, folder.files())
}

#[test]
fn a_terminal_signal_writes_the_last_profile_and_then_kills() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        signal_this_process(libc::SIGTERM);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_terminal_signal_writes_the_last_profile_and_then_kills");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

/// A handler of the program's that takes its time and raises the signal once more, as that of Node.js does.
extern "C" fn in_two_steps(signal: c_int) {
    static STEPS: AtomicI32 = AtomicI32::new(0);
    if STEPS.fetch_add(1, Ordering::SeqCst) > 0 {
        set_handler(signal, libc::SIG_DFL);
    } else {
        // Longer than the observer takes to look at what is in place.
        std::thread::sleep(Duration::from_millis(1500));
    }
    // SAFETY: plain system call.
    unsafe { libc::raise(signal) };
}

#[test]
fn a_handler_that_raises_its_signal_once_more_gets_no_second_last_profile() {
    if is_own_process() {
        set_handler(libc::SIGTERM, in_two_steps as *const () as usize);
        let _session = guarding(&[libc::SIGTERM]);
        signal_this_process(libc::SIGTERM);
        std::thread::sleep(Duration::from_secs(10));
        std::process::exit(0);
    }
    let (end, output, files) =
        with_folder("a_handler_that_raises_its_signal_once_more_gets_no_second_last_profile");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

/// Sends a signal again and again: one that comes right after the first counts as its echo.
fn insist(signal: c_int) -> ! {
    loop {
        signal_this_process(signal);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_terminal_signal_that_comes_twice_at_once_leaves_the_last_profile() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGINT, libc::SIGTERM]);
        signal_this_process(libc::SIGTERM);
        signal_this_process(libc::SIGTERM);
        signal_this_process(libc::SIGINT);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_terminal_signal_that_comes_twice_at_once_leaves_the_last_profile");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

#[test]
fn a_last_profile_that_never_comes_does_not_keep_the_process_alive() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        let _never_answers = StalledAggregator::new();
        signal_this_process(libc::SIGTERM);
        std::thread::sleep(Duration::from_secs(20));
        return;
    }
    let (end, output, files) =
        with_folder("a_last_profile_that_never_comes_does_not_keep_the_process_alive");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 0), "{output}");
}

/// Has a courier that brings nothing away, and nothing in a file: the signal waits until its limit.
fn with_idle_courier(tells_of_loss: bool) {
    // A thread of its own: it gets no such signal from then on.
    let courier = move || session::engage_courier(|| true, tells_of_loss);
    let engaged = std::thread::spawn(courier).join().expect("no panic");
    engaged.expect("the profiler's threads");
}

#[test]
fn one_line_tells_of_a_last_profile_that_was_lost_and_of_none_that_is_kept() {
    const TEST: &str = "one_line_tells_of_a_last_profile_that_was_lost_and_of_none_that_is_kept";
    if is_own_process() {
        let how = std::env::var(HOW).expect("the parent says how");
        let _session = guarding(&[libc::SIGTERM]);
        with_idle_courier(how != "kept");
        let _never_answers = (how == "stalled").then(StalledAggregator::new);
        signal_this_process(libc::SIGTERM);
        std::thread::sleep(Duration::from_secs(20));
        return;
    }
    for (how, lines) in [("stalled", 1), ("idle", 1), ("kept", 0)] {
        let folder = Folder::new(how);
        let path = folder.0.to_str().expect("a path in UTF-8").to_owned();
        let (end, output) = support::in_own_process_with(TEST, &[(FOLDER, &path), (HOW, how)]);
        assert_eq!(end, End::Signal(libc::SIGTERM), "{how}: {output}");
        let told = output.matches("What was not sent is lost.").count();
        assert_eq!(told, lines, "{how}: {output}");
    }
}

extern "C" fn leave(_: c_int) {
    // SAFETY: ends the process.
    unsafe { libc::_exit(7) };
}

#[test]
fn a_handler_that_comes_after_the_signal_does_not_hear_it() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        with_idle_courier(false);
        std::thread::spawn(|| signal_this_process(libc::SIGTERM));
        wait_for("the signal", session::is_ending);
        set_handler(libc::SIGTERM, leave as *const () as usize);
        std::thread::sleep(Duration::from_secs(20));
        return;
    }
    let (end, output, files) =
        with_folder("a_handler_that_comes_after_the_signal_does_not_hear_it");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

/// Ends the period as one does that writes the profile to a file itself.
fn take_profile() -> u64 {
    let (done, wait) = std::sync::mpsc::channel();
    session::rotate(Encoding::Gzip, move |made| {
        done.send(made).unwrap_or_default()
    })
    .expect("a session");
    let made = wait.recv_timeout(Duration::from_secs(20));
    let profile = made.expect("a profile in time").expect("an encoded one");
    assert!(profile.samples > 0);
    profile.sequence
}

/// As `take_profile`, by a process that is about to end.
fn take_last_profile() -> u64 {
    let made = session::rotate_now(Encoding::Gzip, Duration::from_secs(20));
    made.expect("a profile in time")
        .expect("an encoded one")
        .samples
}

#[test]
fn a_terminal_signal_while_the_process_ends_makes_no_second_last_profile() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        assert!(take_last_profile() > 0);
        signal_this_process(libc::SIGTERM);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_terminal_signal_while_the_process_ends_makes_no_second_last_profile");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

#[test]
fn a_process_that_has_outlived_its_end_leaves_another_last_profile() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        assert!(take_last_profile() > 0);
        session::live_on();
        burn_until_sampled(20);
        signal_this_process(libc::SIGTERM);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_process_that_has_outlived_its_end_leaves_another_last_profile");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 2), "{output}");
}

#[test]
fn a_process_that_leaves_by_exit_alone_leaves_its_last_profile_and_a_fork_of_it_none() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        // SAFETY: the child does nothing but end.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: its handlers are the point.
            unsafe { libc::exit(0) };
        }
        let mut status = -1;
        // SAFETY: waits for our own child.
        unsafe { libc::waitpid(child, &mut status, 0) };
        let folder = std::env::var(FOLDER).expect("the parent names a folder");
        let files = std::fs::read_dir(folder).expect("the folder").count();
        assert_eq!((status, files), (0, 0));
        std::process::exit(3);
    }
    let (end, output, files) = with_folder(
        "a_process_that_leaves_by_exit_alone_leaves_its_last_profile_and_a_fork_of_it_none",
    );
    assert_eq!((end, files), (End::Code(3), 1), "{output}");
}

#[test]
fn a_process_that_leaves_by_exit_after_its_last_profile_leaves_no_second_one() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        assert!(take_last_profile() > 0);
        burn_until_sampled(20);
        std::process::exit(3);
    }
    let (end, output, files) =
        with_folder("a_process_that_leaves_by_exit_after_its_last_profile_leaves_no_second_one");
    assert_eq!((end, files), (End::Code(3), 0), "{output}");
}

#[test]
fn an_end_while_a_terminal_signal_waits_makes_no_second_last_profile() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        with_idle_courier(false);
        std::thread::spawn(|| signal_this_process(libc::SIGTERM))
            .join()
            .expect("no panic");
        wait_for("the signal", session::is_ending);
        // The one that is written, or nothing, as the signal was there first.
        take_last_profile();
        burn_until_sampled(20);
        assert_eq!(take_last_profile(), 0);
        session::wait_for_signal();
        return;
    }
    let (end, output, files) =
        with_folder("an_end_while_a_terminal_signal_waits_makes_no_second_last_profile");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

#[test]
fn a_profile_that_its_taker_has_not_written_is_written_before_the_end() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        take_profile();
        signal_this_process(libc::SIGTERM);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_profile_that_its_taker_has_not_written_is_written_before_the_end");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 2), "{output}");
}

#[test]
fn a_profile_that_its_taker_has_written_is_not_written_again() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGTERM]);
        session::forget_profile(take_profile());
        signal_this_process(libc::SIGTERM);
        burn_until_killed();
    }
    let (end, output, files) =
        with_folder("a_profile_that_its_taker_has_written_is_not_written_again");
    assert_eq!((end, files), (End::Signal(libc::SIGTERM), 1), "{output}");
}

#[test]
fn the_profile_of_a_stop_is_written_before_the_end_unless_its_taker_has() {
    for written in [false, true] {
        if is_own_process() {
            let written = std::env::var("EVERFLAME_TEST_WRITTEN").is_ok();
            let session = guarding(&[libc::SIGTERM]);
            let (done, wait) = std::sync::mpsc::channel();
            session::stop(Encoding::Gzip, move |made| {
                done.send(made.map_or(0, |profile| profile.sequence))
                    .unwrap_or_default();
            });
            let sequence = wait.recv().expect("a profile");
            if written {
                session::forget_profile(sequence);
            }
            signal_this_process(libc::SIGTERM);
            // Its end would stop once more.
            std::mem::forget(session);
            burn_until_killed();
        }
        let test = "the_profile_of_a_stop_is_written_before_the_end_unless_its_taker_has";
        let folder = Folder::new(test);
        let path = folder.0.to_str().expect("a path in UTF-8").to_owned();
        let mut environment = vec![(FOLDER, path.as_str())];
        environment.extend(written.then_some(("EVERFLAME_TEST_WRITTEN", "1")));
        let (end, output) = support::in_own_process_with(test, &environment);
        let expected = (End::Signal(libc::SIGTERM), usize::from(!written));
        assert_eq!((end, folder.files()), expected, "{output}");
    }
}

#[test]
fn where_the_process_outlives_the_signal_what_is_overdue_is_written_as_before() {
    if is_own_process() {
        set_handler(libc::SIGHUP, own_handler());
        let session = guarding_each(&[libc::SIGHUP], Some(Duration::from_millis(100)));
        signal_this_process(libc::SIGHUP);
        wait_for("the program's handler", || {
            SEEN.load(Ordering::SeqCst) == libc::SIGHUP
        });
        let overdue = || COUNTERS.overdue_profiles.load(Ordering::Relaxed);
        let before = overdue();
        wait_for("an overdue profile", || overdue() > before);
        drop(session);
        return;
    }
    let (end, output, files) =
        with_folder("where_the_process_outlives_the_signal_what_is_overdue_is_written_as_before");
    assert_eq!(end, End::Code(0), "{output}");
    assert!(files >= 2, "{files}: {output}");
}

#[test]
fn a_second_terminal_signal_kills_at_once_before_the_first_is_taken() {
    if is_own_process() {
        let _session = guarding(&[libc::SIGINT, libc::SIGTERM]);
        let _never_answers = StalledAggregator::new();
        signal_this_process(libc::SIGTERM);
        wait_for("the first signal", || terminal::pending().is_some());
        insist(libc::SIGINT);
    }
    let (end, output, files) =
        with_folder("a_second_terminal_signal_kills_at_once_before_the_first_is_taken");
    assert_eq!((end, files), (End::Signal(libc::SIGINT), 0), "{output}");
}

#[test]
fn after_a_stop_terminal_signals_kill_as_before() {
    if is_own_process() {
        drop(guarding(&[libc::SIGHUP]));
        signal_this_process(libc::SIGHUP);
        burn_until_killed();
    }
    let (end, output, files) = with_folder("after_a_stop_terminal_signals_kill_as_before");
    assert_eq!((end, files), (End::Signal(libc::SIGHUP), 0), "{output}");
}

#[test]
fn an_ignored_terminal_signal_stays_ignored() {
    if is_own_process() {
        set_handler(libc::SIGHUP, libc::SIG_IGN);
        let session = guarding(&[libc::SIGHUP]);
        signal_this_process(libc::SIGHUP);
        let before = samples();
        wait_for("samples after the signal", || samples() - before > 20);
        drop(session);
        return;
    }
    let (end, output, files) = with_folder("an_ignored_terminal_signal_stays_ignored");
    assert_eq!((end, files), (End::Code(0), 0), "{output}");
}

#[test]
fn a_program_that_this_one_executes_is_not_killed_by_late_signals() {
    if is_own_process() {
        let _session = Session::start(&config("tick", Duration::from_micros(100)));
        let before = samples();
        wait_for("samples", || {
            burn(2_000);
            samples() - before > 50
        });
        let error = Command::new("/bin/true").exec();
        panic!("/bin/true was not executed: {error}");
    }
    for _ in 0..20 {
        let (end, output) =
            in_own_process("a_program_that_this_one_executes_is_not_killed_by_late_signals");
        assert_eq!(end, End::Code(0), "{output}");
    }
}

#[test]
fn our_signal_is_ignored_by_default_and_stays_so() {
    if is_own_process() {
        let session = Session::start(&config("tick", FAST));
        for sent in 1..=20 {
            signal_this_thread(libc::SIGURG);
            let foreign = || COUNTERS.foreign_signals.load(Ordering::Relaxed);
            wait_for("the signal", || foreign() >= sent);
        }
        let before = samples();
        wait_for("samples after it", || {
            burn(2_000);
            samples() - before > 20
        });
        drop(session);
        return;
    }
    let (end, output) = in_own_process("our_signal_is_ignored_by_default_and_stays_so");
    assert_eq!(end, End::Code(0), "{output}");
}

/// Burns until so many samples more were taken.
fn burn_until_sampled(more: u64) {
    let before = samples();
    wait_for("samples", || {
        burn(100_000);
        samples() >= before + more
    });
}

#[test]
fn sampling_goes_on_when_the_signal_is_given_back() {
    if !is_own_process() {
        let (end, text) = in_own_process("sampling_goes_on_when_the_signal_is_given_back");
        assert_eq!(end, End::Code(0), "{text}");
        return;
    }
    let session = Session::start(&config("itimer", Duration::from_millis(5)));
    burn_until_sampled(20);
    // SAFETY: all-zero actions are valid to be filled.
    let (mut theirs, mut ours): (libc::sigaction, libc::sigaction) = unsafe { std::mem::zeroed() };
    theirs.sa_sigaction = own_handler();
    let replace = |new: &libc::sigaction, old: &mut libc::sigaction| {
        // SAFETY: both are valid; the handlers live as long as the program.
        assert_eq!(unsafe { libc::sigaction(libc::SIGPROF, new, old) }, 0);
    };
    replace(&theirs, &mut ours);
    let before = thread_cpu();
    while thread_cpu() - before < 300_000_000 {
        burn(100_000);
    }
    let unseen = thread_cpu() - before;
    replace(&ours, &mut theirs);
    burn_until_sampled(20);
    let (profile, _) = session.rotate();
    drop(session);
    // What nobody could see is no function's, but for the ticks in which the signal goes and comes.
    let not_sampled = of_stack(&profile, "cpu", gettid(), &["(not sampled)"]) as u64;
    let tolerance = unseen / 10;
    assert!(
        not_sampled.abs_diff(unseen) < tolerance,
        "{not_sampled} of {unseen} ns"
    );
    assert_eq!(COUNTERS.sampling_stops.load(Ordering::Relaxed), 1);
}
