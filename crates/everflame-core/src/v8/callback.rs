//! V8's code-event callback. It runs on the isolate's thread or, for moved code, on a thread of the garbage collector.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
use super::code_name::{Tier, tier};
use super::events::{IsolateLog, LOGS};
use super::layout::Layout;
use super::structs::{JitCodeEvent, MemoryRange};
use crate::signal::COUNTERS;

/// Above this backlog new code is logged without its side tables (counted in `code_events_without_lines`): names stay
/// complete and memory is bounded by V8's own code, until the aggregator catches up.
const BACKLOG_LIMIT: usize = 8 * 1024 * 1024;

/// Panics in V8's callback: the event is lost, the application is not.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Nobody reads the logs: this process is a fork, where their locks may be held by threads that are not there, or the
/// aggregator has failed.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Has V8's callback log nothing from now on.
pub fn be_silent() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Has forks of this process log nothing. To be called once a process.
pub fn be_silent_in_forks() {
    extern "C" fn child() {
        be_silent();
    }
    // SAFETY: the handler stores to an atomic only. Out of memory, a fork that goes on running JavaScript logs in vain.
    unsafe { libc::pthread_atfork(None, None, Some(child)) };
}

/// Panics caught in V8's callback so far.
pub fn callback_panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

pub(super) unsafe extern "C" fn on_code_event(event: *const JitCodeEvent) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    // Unwinding into V8 would end the process.
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: V8 passes a valid event for the duration of the call.
        let event = unsafe { &*event };
        let log = LOGS
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(event.isolate as usize))
            .map(Arc::clone);
        if let Some(log) = log {
            // SAFETY: as above.
            unsafe { log.on_event(event) };
        }
    }));
    if result.is_err() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
}

impl IsolateLog {
    /// # Safety
    /// `event` is V8's, during its callback.
    unsafe fn on_event(&self, event: &JitCodeEvent) {
        const ADDED: i32 = 0;
        const MOVED: i32 = 1;
        const ADD_LINE: i32 = 3;
        const START_LINES: i32 = 4;
        const END_LINES: i32 = 5;
        match event.kind {
            // SAFETY: the caller's promise; the payload of an added event is its name.
            ADDED => unsafe { self.added(event) },
            MOVED => {
                // SAFETY: the payload of a moved event is its new address.
                let to = unsafe { event.payload.new_code_start };
                let mut state = self.state();
                state.moves += 1;
                let from = event.code_start;
                self.append(&mut state, CodeEvent::Moved { from, to });
            }
            // Lines are read from the tables in the heap; V8's own account of them only serves the calibration.
            ADD_LINE | START_LINES | END_LINES => {
                let mut state = self.state();
                if let Some(calibrator) = &mut state.calibrator {
                    match event.kind {
                        START_LINES => calibrator.start_lines(),
                        END_LINES => calibrator.end_lines(event.code_start),
                        _ => {
                            // SAFETY: the payload of a line event.
                            let line = unsafe { event.payload.line };
                            calibrator.line(line.offset, line.position);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// # Safety
    /// `event` is V8's event of added code, during its callback.
    unsafe fn added(&self, event: &JitCodeEvent) {
        // SAFETY: the caller's promise.
        let name = unsafe {
            let name = event.payload.name;
            if name.text.is_null() {
                &[][..]
            } else {
                std::slice::from_raw_parts(name.text.cast::<u8>(), name.length as usize)
            }
        };
        let Ok(length) = u32::try_from(event.code_len) else {
            return;
        };
        let code_type = CodeType::from_raw(event.code_type);
        let mut state = self.state();
        if code_type == CodeType::WebAssembly {
            self.wasm.ranges().add(MemoryRange {
                start: event.code_start,
                length: event.code_len,
            });
        }
        // SAFETY: takes nothing, cannot fail.
        let own_thread = unsafe { libc::pthread_self() } == self.thread;
        let (mut script, mut tables) = (None, Tables::None);
        if let (Ok(layout), true, false) = (Layout::get(), own_thread, event.script.is_null()) {
            let handle = event.script as u64;
            if let Some(calibrator) = &mut state.calibrator {
                calibrator.added(layout, code_type, event.code_start, handle);
            }
            if let Some(function) = layout.function(handle) {
                script = state.scripts.script(layout, &function);
                let start = event.code_start;
                if self.backlog_bytes() > BACKLOG_LIMIT {
                    COUNTERS
                        .code_events_without_lines
                        .fetch_add(1, Ordering::Relaxed);
                } else {
                    tables = match (code_type, tier(name)) {
                        (CodeType::Bytecode, _) => layout.bytecode_tables(start),
                        (CodeType::Machine, Some(Tier::Sparkplug)) => layout.baseline_tables(start),
                        (CodeType::Machine, Some(Tier::Maglev | Tier::TurboFan)) => {
                            layout.optimized_tables(start, &function)
                        }
                        _ => None,
                    }
                    .unwrap_or(Tables::None);
                }
            }
        }
        let code = AddedCode {
            start: event.code_start,
            length,
            code_type,
            name: name.into(),
            script,
            tables,
        };
        self.append(&mut state, CodeEvent::Added(Box::new(code)));
    }
}
