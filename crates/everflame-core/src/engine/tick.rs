//! `tick`: the observer interrupts threads that its own timer finds running. Needs nothing from the kernel but signals.

use super::{Engine, EngineError};
use crate::signal::{Installed, own_tid, slots};

pub(super) struct Tick;

impl Tick {
    /// # Errors
    /// A thread of this process may not be signalled: a sandbox denies the system call.
    pub(super) fn new(signal: Installed) -> Result<Tick, EngineError> {
        let tid = own_tid();
        // Known from an earlier start.
        if let Some((_, slot)) = slots().and_then(|slots| slots.find(tid)) {
            slot.outstanding.announce();
        }
        // Sampling is off still, so the handler returns at once.
        signal.interrupt(tid).map_err(EngineError::SignalDenied)?;
        Ok(Tick)
    }
}

impl Engine for Tick {
    fn name(&self) -> &'static str {
        "tick"
    }

    fn observer_interrupts(&self) -> bool {
        true
    }

    fn add(&mut self, _tid: i32) -> Result<(), EngineError> {
        Ok(())
    }

    fn remove(&mut self, _tid: i32) {}

    fn stop(&mut self) {}

    fn change_signal(&mut self, _signal: Installed) -> Result<(), EngineError> {
        Ok(())
    }
}
