//! `itimer`: one timer for the process, the last resort. The kernel picks a running thread, so a busy thread can be
//! sampled for another; totals stay exact because they come from the threads' clocks.

use std::io;

use super::{Engine, EngineError};
use crate::signal::{Delivery, Installed, accept};

pub(super) struct Itimer {
    /// Nanoseconds of the process's CPU time between signals.
    interval: u64,
    /// The process's timer is ours to disarm.
    armed: bool,
}

impl Itimer {
    /// Raises SIGPROF, which must be ours.
    ///
    /// # Errors
    /// A profiling timer runs already, or the kernel refuses.
    pub(super) fn new(interval: u64) -> Result<Itimer, EngineError> {
        let mut itimer = Itimer {
            interval,
            armed: false,
        };
        itimer.arm()?;
        Ok(itimer)
    }

    fn arm(&mut self) -> Result<(), EngineError> {
        // SAFETY: an all-zero itimerval is valid.
        let mut running: libc::itimerval = unsafe { std::mem::zeroed() };
        // SAFETY: reads into a valid itimerval.
        if unsafe { libc::getitimer(libc::ITIMER_PROF as _, &mut running) } != 0 {
            return Err(EngineError::Itimer(io::Error::last_os_error()));
        }
        if running.it_value.tv_sec != 0 || running.it_value.tv_usec != 0 {
            return Err(EngineError::ItimerTaken);
        }
        accept(Delivery::ProcessTimer, libc::SIGPROF);
        arm(self.interval).map_err(EngineError::Itimer)?;
        self.armed = true;
        Ok(())
    }
}

impl Drop for Itimer {
    /// Sampling may fail to start after its engine did.
    fn drop(&mut self) {
        self.stop();
    }
}

fn arm(nanoseconds: u64) -> io::Result<()> {
    let microseconds = if nanoseconds == 0 {
        0
    } else {
        (nanoseconds / 1000).max(1)
    };
    let time = libc::timeval {
        tv_sec: (microseconds / 1_000_000) as libc::time_t,
        tv_usec: (microseconds % 1_000_000) as libc::suseconds_t,
    };
    let value = libc::itimerval {
        it_interval: time,
        it_value: time,
    };
    // SAFETY: `value` is valid; the old value is not wanted.
    if unsafe { libc::setitimer(libc::ITIMER_PROF as _, &value, std::ptr::null_mut()) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

impl Engine for Itimer {
    fn name(&self) -> &'static str {
        "itimer"
    }

    fn detail(&self) -> &'static str {
        "threads share one timer, so shares between threads are coarse"
    }

    fn add(&mut self, _tid: i32) -> Result<(), EngineError> {
        Ok(())
    }

    fn remove(&mut self, _tid: i32) {}

    fn stop(&mut self) {
        // Once: a timer that runs afterwards is the program's own.
        if !std::mem::take(&mut self.armed) {
            return;
        }
        // Disarming cannot fail with a valid timer; were it to, the handler is off anyway.
        arm(0).unwrap_or_default();
    }

    /// The process-wide timer raises SIGPROF and nothing else.
    fn can_use(&self, signal: libc::c_int) -> bool {
        signal == libc::SIGPROF
    }

    fn change_signal(&mut self, _signal: Installed) -> Result<(), EngineError> {
        self.arm()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Far enough away that no signal is sent: its default action would end the tests.
    const AN_HOUR: u64 = 3_600_000_000_000;

    fn runs() -> bool {
        // SAFETY: an all-zero itimerval is valid, and is only written.
        let mut timer: libc::itimerval = unsafe { std::mem::zeroed() };
        // SAFETY: reads into a valid itimerval.
        unsafe { libc::getitimer(libc::ITIMER_PROF as _, &mut timer) };
        timer.it_value.tv_sec != 0
    }

    #[test]
    fn the_timer_goes_with_its_engine_and_the_program_s_own_does_not() {
        let engine = Itimer::new(AN_HOUR).expect("no timer runs");
        assert!(runs());
        assert!(matches!(
            Itimer::new(AN_HOUR),
            Err(EngineError::ItimerTaken)
        ));
        assert!(runs(), "a refused engine leaves the timer alone");
        drop(engine);
        assert!(!runs());

        let mut engine = Itimer::new(AN_HOUR).expect("no timer runs");
        engine.stop();
        assert!(!runs());
        arm(AN_HOUR).expect("a timer of the program's own");
        drop(engine);
        assert!(runs());
        arm(0).expect("disarmed");
    }
}
