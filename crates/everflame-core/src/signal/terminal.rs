//! Signals that end the process: the last profile is written first, then the signal does what it did without us.
//!
//! Only signals that the application does not listen to are guarded. One that begins to listen later replaces our
//! handler with its own, and is in charge until it listens no more.

use std::ffi::{c_int, c_void};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use super::clock::monotonic;
use super::install::signal_action;
use super::registers::Registers;
use super::wake::AGGREGATOR;

/// Guarded by default: what a terminal, a supervisor or a closing session sends.
pub const TERMINAL: [c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// The signal that waits for the last profile, or 0. It stands until that profile is written, so that a second signal
/// knows that it is one.
static PENDING: AtomicI32 = AtomicI32::new(0);
/// When it came, on the monotonic clock, or 0. Set before it: whoever comes second finds the time.
static SINCE: AtomicU64 = AtomicU64::new(0);
/// The signal that waits was raised again already: its profile took too long.
static RAISED: AtomicBool = AtomicBool::new(false);
/// When a signal was last let do what it does without us, on the monotonic clock, or 0.
static LET_GO: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds from then on in which nothing is guarded anew: Node.js sets the terminal right in a handler of its own and raises the
/// signal once more, which is to end the process and no second signal that waits for a last profile.
const ENDING: u64 = 10_000_000_000;
/// The process in which somebody is there to write it, or 0. A fork has our handler, but not the aggregator.
static GUARDED: AtomicI32 = AtomicI32::new(0);
/// Which signals are to be guarded, by place.
static WANTED: [AtomicBool; TERMINAL.len()] = [const { AtomicBool::new(false) }; TERMINAL.len()];
static PREVIOUS: [AtomicPtr<libc::sigaction>; TERMINAL.len()] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; TERMINAL.len()];

fn place(signal: c_int) -> Option<usize> {
    TERMINAL.iter().position(|terminal| *terminal == signal)
}

/// Nanoseconds that the end of the process waits for the last profile.
static PATIENCE: AtomicU64 = AtomicU64::new(2_000_000_000);

/// How long the end of the process waits for the last profile from now on.
pub fn wait_at_most(limit: Duration) {
    let nanoseconds = limit.as_nanos().try_into().unwrap_or(u64::MAX);
    PATIENCE.store(nanoseconds, Ordering::SeqCst);
}

/// How long that is.
pub fn patience() -> Duration {
    Duration::from_nanos(PATIENCE.load(Ordering::SeqCst))
}

/// Whether what is not sent by then is lost, and standard error is to tell of it.
static IS_LOST: AtomicBool = AtomicBool::new(false);
/// Whole, as it may be written in a handler.
const LOSS: &[u8] = b"everflame: error: the end of the process came before the last profile could be sent, and nothing can be kept: there is no spool (EVERFLAME_SPOOL). What was not sent is lost. A longer EVERFLAME_EXIT_TIMEOUT may help.\n";

/// From now on standard error tells where the last profile takes too long: nothing keeps it.
pub fn tell_of_loss(is_lost: bool) {
    IS_LOST.store(is_lost, Ordering::SeqCst);
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: errno's place is this thread's own.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let saved = unsafe { *errno };
    let first = SINCE
        .compare_exchange(0, monotonic(), Ordering::SeqCst, Ordering::SeqCst)
        .is_ok();
    if first {
        PENDING.store(signal, Ordering::SeqCst);
    }
    // Looked at after PENDING is set, as `unguard` is called before `pending` is asked for the last time: a signal that
    // comes between is seen by one of the two at least.
    // SAFETY: getpid takes nothing and cannot fail.
    let guarded = GUARDED.load(Ordering::SeqCst) == unsafe { libc::getpid() };
    if first && guarded {
        AGGREGATOR.notify();
        // SAFETY: the kernel passes a valid siginfo and ucontext.
        if unsafe { is_own(&*info, signal, context) } && !is_on_alternate_stack() {
            wait_for_the_end();
            finish_late();
        }
    } else if !guarded || is_insisted_on() {
        // Nobody writes, or asked twice: at once.
        if first {
            clear();
        }
        raise_unguarded(signal);
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// Nanoseconds in which a second signal is the first one's echo: a terminal sends to the whole group, and a parent there
/// sends once more; `timeout` does both.
const ECHO: u64 = 500_000_000;

fn is_insisted_on() -> bool {
    monotonic().saturating_sub(SINCE.load(Ordering::SeqCst)) >= ECHO
}

/// Whether this thread has sent the signal. Only such a one may wait: another may hold what the last profile needs, as a lock
/// of a code event.
///
/// # Safety
/// `info` and `context` are the kernel's, for the handler that calls this.
unsafe fn is_own(info: &libc::siginfo_t, signal: c_int, context: *const c_void) -> bool {
    // SAFETY: these codes fill in the sender; getpid takes nothing and cannot fail.
    let by_process = || unsafe { info.si_pid() == libc::getpid() };
    match info.si_code {
        // The kernel gives a signal for the process to the main thread, whichever thread has sent it.
        // SAFETY: the caller's promise.
        libc::SI_USER => by_process() && unsafe { Registers::of(context).has_sent(signal) },
        // raise(3): for a thread, by itself.
        libc::SI_TKILL => by_process(),
        _ => false,
    }
}

/// Whether the handler runs on an alternate signal stack. That may have room for few handlers on top of one that waits.
fn is_on_alternate_stack() -> bool {
    // SAFETY: all-zero values are valid to be filled; with a null new stack this only reads.
    unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        libc::sigaltstack(std::ptr::null(), &mut stack) == 0
            && stack.ss_flags & libc::SS_ONSTACK != 0
    }
}

/// A program that ends itself by a signal does nothing after that: its thread stays here until the last profile is written,
/// or that takes too long.
fn wait_for_the_end() {
    let millisecond = libc::timespec {
        tv_sec: 0,
        tv_nsec: 1_000_000,
    };
    while PENDING.load(Ordering::SeqCst) != 0 && !is_late() {
        // SAFETY: the time is valid; async-signal-safe.
        unsafe { libc::nanosleep(&millisecond, std::ptr::null_mut()) };
    }
}

fn is_late() -> bool {
    monotonic().saturating_sub(SINCE.load(Ordering::SeqCst)) >= PATIENCE.load(Ordering::SeqCst)
}

/// The last profile takes too long, as on a disk that hangs: the signal does without it what it did without us.
pub fn finish_late() {
    let signal = PENDING.load(Ordering::SeqCst);
    if signal != 0 && is_late() && claim_raise() {
        if IS_LOST.load(Ordering::SeqCst) {
            // SAFETY: the line is whole and static; async-signal-safe. Where standard error takes nothing there is no other place.
            unsafe { libc::write(libc::STDERR_FILENO, LOSS.as_ptr().cast(), LOSS.len()) };
        }
        raise_unguarded(signal);
    }
}

/// Takes it upon the caller to let the signal that waits do what it did without us; whether nobody else has. A handler that was
/// there before us may let the process live on.
fn claim_raise() -> bool {
    !RAISED.swap(true, Ordering::SeqCst)
}

/// Guards one signal until [`unguard`].
///
/// # Errors
/// The signal is none of [`TERMINAL`], or the kernel refuses.
pub fn guard(signal: c_int) -> io::Result<()> {
    let place = place(signal).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
    WANTED[place].store(true, Ordering::SeqCst);
    // SAFETY: getpid takes nothing and cannot fail.
    GUARDED.store(unsafe { libc::getpid() }, Ordering::SeqCst);
    put_in_place(signal, place)
}

/// Guards again what Node.js has put back without a word: `vm` with `breakOnSigint` takes SIGINT for as long as it runs, and
/// leaves what there was at the start of the process.
pub fn renew() {
    // SAFETY: getpid takes nothing and cannot fail.
    let guarded = GUARDED.load(Ordering::SeqCst) == unsafe { libc::getpid() };
    if !guarded || pending().is_some() || is_let_go() {
        return;
    }
    for (place, signal) in TERMINAL.into_iter().enumerate() {
        // SAFETY: null, or leaked and never freed.
        let previous = unsafe { PREVIOUS[place].load(Ordering::SeqCst).as_ref() };
        let is_put_back = |previous: &libc::sigaction| {
            signal_action(signal).is_ok_and(|now| now.sa_sigaction == previous.sa_sigaction)
        };
        if WANTED[place].load(Ordering::SeqCst) && previous.is_some_and(is_put_back) {
            // Unguarded it ends the process as it does without us, only without the last profile.
            put_in_place(signal, place).unwrap_or_default();
        }
    }
}

fn put_in_place(signal: c_int, place: usize) -> io::Result<()> {
    let before = signal_action(signal)?;
    if before.sa_sigaction == libc::SIG_IGN || before.sa_sigaction == handle as *const () as usize {
        return Ok(());
    }
    // SAFETY: null, or leaked and never freed.
    let known = unsafe { PREVIOUS[place].load(Ordering::SeqCst).as_ref() };
    if known.is_none_or(|known| known.sa_sigaction != before.sa_sigaction) {
        // Leaked on purpose: read by the handler for as long as the process lives.
        PREVIOUS[place].store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
    }
    // SAFETY: an all-zero sigaction is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: as above.
    let mut replaced: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the action is complete, and the handler lives as long as the process.
    if unsafe { libc::sigaction(signal, &action, &mut replaced) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if replaced.sa_sigaction != before.sa_sigaction {
        // The program has begun to handle it in this very moment.
        // SAFETY: the kernel's own answer.
        unsafe { libc::sigaction(signal, &replaced, std::ptr::null_mut()) };
    }
    Ok(())
}

/// Keeps the guarded signals from the calling thread: the kernel gives them to another one. For a thread that the last profile
/// waits for.
pub fn keep_away_from_this_thread() {
    // SAFETY: the set is made whole before it is used, and only the calling thread's mask is changed.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in TERMINAL {
            libc::sigaddset(&mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

/// The signal of this name, if it is one of [`TERMINAL`].
pub fn number(name: &str) -> Option<c_int> {
    match name {
        "SIGINT" => Some(libc::SIGINT),
        "SIGTERM" => Some(libc::SIGTERM),
        "SIGHUP" => Some(libc::SIGHUP),
        _ => None,
    }
}

/// Gives every signal that is still ours back. One that waits for the last profile waits on.
pub fn unguard() {
    GUARDED.store(0, Ordering::SeqCst);
    for (place, signal) in TERMINAL.into_iter().enumerate() {
        WANTED[place].store(false, Ordering::SeqCst);
        restore(signal);
    }
}

/// The signal that waits for the last profile, until [`finish`].
pub fn pending() -> Option<c_int> {
    Some(PENDING.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// When that came, on the monotonic clock.
pub fn since() -> u64 {
    SINCE.load(Ordering::SeqCst)
}

/// The last profile is written, or never will be: lets the signal do what it did without us.
pub fn finish(signal: c_int) {
    if claim_raise() {
        raise_unguarded(signal);
    }
    clear();
    RAISED.store(false, Ordering::SeqCst);
}

/// No signal waits any more.
fn clear() {
    PENDING.store(0, Ordering::SeqCst);
    SINCE.store(0, Ordering::SeqCst);
}

fn is_let_go() -> bool {
    let since = LET_GO.load(Ordering::SeqCst);
    since != 0 && monotonic().saturating_sub(since) < ENDING
}

/// Whoever has begun to handle the signal meanwhile is not asked: it came before, and would have found what was there then.
fn raise_unguarded(signal: c_int) {
    LET_GO.store(monotonic(), Ordering::SeqCst);
    put_back(signal);
    // SAFETY: raises a signal in this process; async-signal-safe.
    unsafe { libc::kill(libc::getpid(), signal) };
}

fn restore(signal: c_int) {
    if signal_action(signal).is_ok_and(|action| action.sa_sigaction == handle as *const () as usize)
    {
        put_back(signal);
    }
}

fn put_back(signal: c_int) {
    let Some(place) = place(signal) else { return };
    // SAFETY: null, or leaked and never freed.
    if let Some(previous) = unsafe { PREVIOUS[place].load(Ordering::SeqCst).as_ref() } {
        // SAFETY: the action was the kernel's own answer; async-signal-safe.
        unsafe { libc::sigaction(signal, previous, std::ptr::null_mut()) };
    }
}
