//! Engines: who makes a running thread take a sample. One engine, one file, one trait; `select.rs` picks.
//!
//! Wall time of sleeping threads, thread discovery and clocks are the observer's with every engine, and the accounting
//! is by thread clocks, so totals do not depend on the engine (docs/architecture.md).

mod ctimer;
mod itimer;
mod observer;
mod perf;
mod place;
mod posix_timer;
mod report;
mod select;
mod system_call;
mod tick;

use std::io;

use crate::signal::Installed;

pub use observer::{Observer, ObserverOptions, Sequence, Settled};
pub(crate) use place::{is_asleep_at, main_stack};
pub use report::{Report, SleepingStack, ThreadEvent};
pub use select::{Rejected, Selected, select};

/// Interrupts running threads at a rate.
pub trait Engine: Send {
    fn name(&self) -> &'static str;

    /// What a reader of the status should know of this engine here; empty when nothing.
    fn detail(&self) -> &'static str {
        ""
    }

    /// Whether the observer is to interrupt threads that it finds running.
    fn observer_interrupts(&self) -> bool {
        false
    }

    /// A thread has been found.
    ///
    /// # Errors
    /// The thread has ended, or the kernel refuses the timer or descriptor.
    fn add(&mut self, tid: i32) -> Result<(), EngineError>;

    /// A thread has ended.
    fn remove(&mut self, tid: i32);

    /// Disarms everything and forgets its threads. Late signals may still arrive.
    fn stop(&mut self);

    /// Whether it can work with this signal.
    fn can_use(&self, _signal: libc::c_int) -> bool {
        true
    }

    /// After a stop: threads added from now on get this signal, which [`Engine::can_use`] has allowed.
    ///
    /// # Errors
    /// Somebody else has the timer by now, or the kernel refuses.
    fn change_signal(&mut self, signal: Installed) -> Result<(), EngineError>;
}

/// Why an engine cannot work here. Each variant says what went wrong and what allows it. Which engine to take instead is for
/// whoever has named this one: with `auto` the others have been tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    #[error(
        "perf_event_open is not permitted ({0}); lower kernel.perf_event_paranoid to 2 or less (sysctl), give the process CAP_PERFMON, or allow the system call in the seccomp profile"
    )]
    PerfDenied(io::Error),
    #[error(
        "there is no perf_event_open ({0}); use a kernel that has it, or allow the system call in the seccomp profile"
    )]
    PerfMissing(io::Error),
    #[error(
        "no file descriptor is left for a perf event of thread {0}; raise the limit (ulimit -n)"
    )]
    NoDescriptor(i32),
    #[error("a CPU timer for thread {0} could not be created: {1}; {remedy}", remedy = timer_remedy(.1))]
    Timer(i32, io::Error),
    #[error(
        "a thread of this process may not be signalled ({0}); allow the system call rt_tgsigqueueinfo in the seccomp profile"
    )]
    SignalDenied(io::Error),
    #[error(
        "the itimer engine needs SIGPROF, which is handled by somebody else in this process; take that handler away"
    )]
    SigprofTaken,
    #[error(
        "an interval timer (ITIMER_PROF) is already running in this process; stop that one first"
    )]
    ItimerTaken,
    #[error("setitimer failed: {0}; allow the system call in the seccomp profile")]
    Itimer(io::Error),
    #[error("no engine works here, and one is enough: {0}")]
    NoneWorks(String),
    #[error(
        "there is no engine {0:?}; allowed are auto, tick, ctimer, perf and itimer (EVERFLAME_ENGINE)"
    )]
    Unknown(String),
    #[error(transparent)]
    Signal(#[from] crate::signal::InstallError),
}

/// timer_create(2): EAGAIN is the limit of signals that may be pending, of which each timer takes one.
fn timer_remedy(error: &io::Error) -> &'static str {
    if error.raw_os_error() == Some(libc::EAGAIN) {
        "raise the limit of pending signals (ulimit -i)"
    } else {
        "allow the system call timer_create in the seccomp profile"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_timer_is_allowed_by_what_refused_it() {
        for (errno, remedy) in [
            (libc::EPERM, "seccomp profile"),
            (libc::ENOSYS, "seccomp profile"),
            (libc::EAGAIN, "pending signals (ulimit -i)"),
        ] {
            let said = EngineError::Timer(1, io::Error::from_raw_os_error(errno)).to_string();
            assert!(said.ends_with(remedy), "{said}");
        }
    }
}
