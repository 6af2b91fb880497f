//! `tick`: the observer interrupts threads that its own timer finds running. Needs nothing from the kernel but signals.

use super::{Engine, EngineError};
use crate::signal::Installed;

pub(super) struct Tick;

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
