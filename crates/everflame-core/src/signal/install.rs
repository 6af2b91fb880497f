//! Which signal is ours, how its handler is put in place, and what happens to signals that are not ours.

use std::ffi::{c_int, c_void};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::handler::{cookie, handle};

/// Signals that nobody waits for in a normal program, in the order of preference. SIGURG is ignored where it has no
/// handler, so one that is still on its way when the process executes another program (execve(2) keeps it, and takes
/// the handler away) does not kill that program, as the others would. SIGPROF is the last: V8's own profiler takes it
/// over while it runs, and we would be blind meanwhile.
const CANDIDATES: [(c_int, &str); 5] = [
    (libc::SIGURG, "SIGURG"),
    (libc::SIGVTALRM, "SIGVTALRM"),
    (libc::SIGSTKFLT, "SIGSTKFLT"),
    (libc::SIGPWR, "SIGPWR"),
    (libc::SIGPROF, "SIGPROF"),
];

/// Why the handler is not in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    #[error(
        "no signal is free: {0} are all handled by somebody else in this process; free one of them, or name another with EVERFLAME_SIGNAL"
    )]
    NoneFree(String),
    #[error(
        "{0} is handled by somebody else in this process; name another signal with EVERFLAME_SIGNAL"
    )]
    Taken(String),
    #[error("{0:?} is not a signal that Everflame can use; allowed are {1}")]
    Unknown(String, String),
    #[error("the handler for {0} could not be installed: {1}")]
    Refused(String, io::Error),
}

/// Which signals were ignored before they became ours, a bit each. The others had their default action: no signal is taken
/// that has a handler.
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// A signal whose handler is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    pub signal: c_int,
    /// The process whose handler it is.
    process: libc::pid_t,
}

impl Installed {
    fn new(signal: c_int) -> Installed {
        // SAFETY: getpid takes nothing and cannot fail.
        let process = unsafe { libc::getpid() };
        Installed { signal, process }
    }
}

pub fn signal_name(signal: c_int) -> &'static str {
    CANDIDATES
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or("unknown signal", |(_, name)| name)
}

/// The signal of this name, where it is one that we may use.
pub fn signal_number(name: &str) -> Option<c_int> {
    CANDIDATES
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(signal, _)| *signal)
}

fn names() -> String {
    CANDIDATES.map(|(_, name)| name).join(", ")
}

pub(super) fn signal_action(signal: c_int) -> io::Result<libc::sigaction> {
    // SAFETY: an all-zero sigaction is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with a null new action this only reads.
    if unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(action)
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == handle as *const () as usize
}

fn is_free(signal: c_int) -> bool {
    signal_action(signal).is_ok_and(|action| {
        action.sa_sigaction == libc::SIG_DFL
            || action.sa_sigaction == libc::SIG_IGN
            || is_ours(&action)
    })
}

/// The signal to use: the one asked for, else the first that nobody owns.
///
/// # Errors
/// The signal asked for is unknown or owned by somebody else; or none is free.
pub fn choose(wanted: Option<&str>) -> Result<c_int, InstallError> {
    let Some(wanted) = wanted else {
        return CANDIDATES
            .iter()
            .find(|(signal, _)| is_free(*signal))
            .map(|(signal, _)| *signal)
            .ok_or_else(|| InstallError::NoneFree(names()));
    };
    let Some((signal, name)) = CANDIDATES.iter().find(|(_, name)| *name == wanted) else {
        return Err(InstallError::Unknown(wanted.to_owned(), names()));
    };
    if is_free(*signal) {
        Ok(*signal)
    } else {
        Err(InstallError::Taken((*name).to_owned()))
    }
}

/// Another signal that nobody owns.
///
/// # Errors
/// None is free.
pub fn choose_other_than(signal: c_int) -> Result<c_int, InstallError> {
    CANDIDATES
        .iter()
        .map(|(other, _)| *other)
        .find(|other| *other != signal && is_free(*other))
        .ok_or_else(|| InstallError::NoneFree(names()))
}

/// Puts the handler in place. It stays for ever: the default action of these signals ends the process, and a late one
/// may still be on its way after a stop. After a stop the handler returns at once.
///
/// # Errors
/// Somebody else has taken the signal meanwhile, or the kernel refuses.
pub fn install(signal: c_int) -> Result<Installed, InstallError> {
    let refused = |error: io::Error| InstallError::Refused(signal_name(signal).to_owned(), error);
    let before = signal_action(signal).map_err(refused)?;
    if is_ours(&before) {
        return Ok(Installed::new(signal));
    }
    if !is_free(signal) {
        return Err(InstallError::Taken(signal_name(signal).to_owned()));
    }
    if before.sa_sigaction == libc::SIG_IGN {
        IGNORED.fetch_or(1 << signal, Ordering::Release);
    } else {
        IGNORED.fetch_and(!(1 << signal), Ordering::Release);
    }
    #[cfg(target_arch = "x86_64")]
    super::protection_keys::detect();
    // SAFETY: an all-zero sigaction is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: `sa_mask` is a valid set to fill.
    unsafe { libc::sigfillset(&mut action.sa_mask) };
    // SAFETY: the action is complete, and the handler lives as long as the process (the library is pinned).
    if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } != 0 {
        return Err(refused(io::Error::last_os_error()));
    }
    Ok(Installed::new(signal))
}

/// Blocks every signal on the calling thread: the profiler's own threads run no handler, neither ours nor the
/// application's. Returns the mask that was there before.
pub fn mask_all_signals() -> libc::sigset_t {
    // SAFETY: all-zero sets are valid to be filled.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: both sets are valid, and only the calling thread's mask is changed.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    before
}

/// Runs `work` with every signal blocked, so that no handler comes between.
pub fn with_signals_masked(work: impl FnOnce()) {
    let before = mask_all_signals();
    work();
    // SAFETY: `before` is the mask that this thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
}

impl Installed {
    /// Whether the handler is still ours, or somebody has replaced it since.
    pub fn is_in_place(self) -> bool {
        signal_action(self.signal).is_ok_and(|action| is_ours(&action))
    }

    /// Interrupts one thread of this process. The signal carries our cookie.
    ///
    /// # Errors
    /// The thread has ended, or the signal queue is full.
    pub fn interrupt(self, tid: i32) -> io::Result<()> {
        // SAFETY: an all-zero siginfo is valid.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        info.si_signo = self.signal;
        info.si_code = libc::SI_QUEUE;
        let value: *mut *mut c_void = (&raw mut info).cast();
        // SAFETY: `si_value` is the fourth 8-byte word of siginfo on 64-bit Linux (sigaction(2)).
        unsafe { value.add(3).write(cookie()) };
        // SAFETY: passes a complete siginfo to a thread of this process.
        let result = unsafe {
            libc::syscall(
                libc::SYS_rt_tgsigqueueinfo,
                self.process,
                tid,
                self.signal,
                &raw const info,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// Does with a signal that is not ours what happened to it before the handler was put in place. Called from the handler.
pub(super) fn do_as_before(signal: c_int) {
    let ignored = IGNORED.load(Ordering::Acquire) & 1 << signal != 0;
    // SIGURG is ignored by default.
    if ignored || signal == libc::SIGURG {
        return;
    }
    // The default action of all others is the end of the process.
    // SAFETY: plain system calls on this process; the signal is unblocked when the handler returns.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
    }
}
