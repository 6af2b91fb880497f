//! `ctimer`: one POSIX timer a thread, on that thread's CPU clock. The kernel counts expirations that it could not
//! deliver (overruns), and they are counted in.

use rustc_hash::FxHashMap;

use super::posix_timer::PosixTimer;
use super::{Engine, EngineError};
use crate::signal::{Installed, own_tid, thread_clock_id};

pub(super) struct Ctimer {
    signal: Installed,
    interval: u64,
    timers: FxHashMap<i32, PosixTimer>,
}

impl Ctimer {
    /// # Errors
    /// The kernel refuses a timer for the calling thread.
    pub(super) fn new(signal: Installed, interval: u64) -> Result<Ctimer, EngineError> {
        let tid = own_tid();
        PosixTimer::new(thread_clock_id(tid), signal.signal, tid)
            .map_err(|error| EngineError::Timer(tid, error))?;
        Ok(Ctimer {
            signal,
            interval,
            timers: FxHashMap::default(),
        })
    }
}

impl Engine for Ctimer {
    fn name(&self) -> &'static str {
        "ctimer"
    }

    fn add(&mut self, tid: i32) -> Result<(), EngineError> {
        let timer = PosixTimer::new(thread_clock_id(tid), self.signal.signal, tid)
            .and_then(|timer| timer.arm(self.interval, self.interval).map(|()| timer))
            .map_err(|error| EngineError::Timer(tid, error))?;
        self.timers.insert(tid, timer);
        Ok(())
    }

    fn remove(&mut self, tid: i32) {
        self.timers.remove(&tid);
    }

    fn stop(&mut self) {
        self.timers.clear();
    }

    fn change_signal(&mut self, signal: Installed) -> Result<(), EngineError> {
        self.signal = signal;
        Ok(())
    }
}
