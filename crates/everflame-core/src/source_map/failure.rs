//! Maps that could not be used, until somebody asks for them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// More are counted, and not told one by one.
const MOST: usize = 20;

/// A source map that is there and of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMapFailure {
    /// The script as V8 names it.
    pub script: String,
    /// The map's file, or `inline`.
    pub map: String,
    /// What is wrong with it.
    pub reason: String,
}

static FAILURES: Mutex<VecDeque<SourceMapFailure>> = Mutex::new(VecDeque::new());

pub(super) fn report(failure: SourceMapFailure) {
    let mut failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
    if failures.len() < MOST {
        failures.push_back(failure);
    }
}

/// Maps found broken since the last call.
pub fn take_failures() -> Vec<SourceMapFailure> {
    let mut failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
    failures.drain(..).collect()
}
