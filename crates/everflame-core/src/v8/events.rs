//! The log of an isolate's code: filled by V8's callback, emptied by the aggregator, its length read by the handler.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use super::builtins::BuiltinRanges;
use super::callback::on_code_event;
use super::code_event::{CodeEvent, CodeType};
use super::entry::{EntryPoints, Isolate, JitCodeEventHandler};
use super::known_scripts::KnownScripts;
use super::layout::{Calibrator, Layout};
use super::ranges::CodeRanges;
use super::wasm_ranges::WasmRangesLease;
use crate::signal::AGGREGATOR;

/// A garbage collection during the enumeration can move what was already reported; then it is done again.
const ENUMERATIONS: usize = 3;

/// Bytes of waiting events for which the aggregator is woken, also while nobody samples. V8's log stops keeping side
/// tables at eight times that.
const LONG_BACKLOG: usize = 1 << 20;

/// A function for V8 to compile when an isolate is attached, so that [`IsolateLog::attach`] can compare what V8 says
/// of it with what is found in the heap. To be compiled and run as a script of its own.
pub const CALIBRATION_SOURCE: &str = "(function everflameCalibration(a, b) {
  let sum = a.left + b.left;
  for (let i = 0; i < 2; i++) {
    sum = sum * a.right - b[i];
    if (sum > a.limit) return a.stop(sum);
  }
  return sum;
})({ left: 1, right: 2, limit: 9, stop: (sum) => sum }, { 0: 3, 1: 4, left: 5 });
//# sourceURL=everflame-calibration.js
//# sourceMappingURL=data:application/json,{}
";

/// The name that [`CALIBRATION_SOURCE`] gives itself.
pub(super) const CALIBRATION_URL: &str = "everflame-calibration.js";

/// The source map that [`CALIBRATION_SOURCE`] declares: not a file, which a debugger would look for.
pub(super) const CALIBRATION_MAP_URL: &str = "data:application/json,{}";

pub(super) static LOGS: LazyLock<RwLock<FxHashMap<usize, Arc<IsolateLog>>>> =
    LazyLock::new(RwLock::default);

/// Code events of one isolate.
#[derive(Debug)]
pub struct IsolateLog {
    isolate: usize,
    /// The thread on which V8's heap may be read.
    pub(super) thread: libc::pthread_t,
    entry: &'static EntryPoints,
    ranges: CodeRanges,
    pub(super) wasm: WasmRangesLease,
    builtins: BuiltinRanges,
    state: Mutex<State>,
    sequence: AtomicU64,
    backlog: AtomicUsize,
    calibration: Mutex<Option<&'static str>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) events: VecDeque<CodeEvent>,
    pub(super) scripts: KnownScripts,
    pub(super) calibrator: Option<Calibrator>,
    pub(super) moves: u64,
}

impl IsolateLog {
    /// Starts to log an isolate's code, that which exists included. Call it on the isolate's thread, inside a Node-API
    /// callback (V8 needs a handle scope). `compile` compiles and runs [`CALIBRATION_SOURCE`]; it is called only for
    /// the first isolate of the process.
    ///
    /// # Safety
    /// `isolate` is alive and runs on this thread; [`IsolateLog::detach`] is called on this thread before it dies.
    pub unsafe fn attach(
        entry: &'static EntryPoints,
        isolate: Isolate,
        compile: impl FnOnce(),
    ) -> Arc<IsolateLog> {
        // SAFETY: the caller's promise.
        let (ranges, builtins) = unsafe {
            (
                entry.code_ranges(isolate),
                BuiltinRanges {
                    embedded: entry.embedded_code_range(isolate),
                    code_range: entry.code_range(isolate),
                },
            )
        };
        let wasm = WasmRangesLease::new();
        let log = Arc::new(IsolateLog {
            isolate: isolate as usize,
            // SAFETY: takes nothing, cannot fail.
            thread: unsafe { libc::pthread_self() },
            entry,
            ranges: ranges.with_wasm(wasm.ranges()),
            wasm,
            builtins,
            state: Mutex::default(),
            sequence: AtomicU64::new(0),
            backlog: AtomicUsize::new(0),
            calibration: Mutex::new(None),
        });
        LOGS.write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(isolate as usize, Arc::clone(&log));
        log.calibrate(compile);
        log.enumerate();
        log
    }

    fn calibrate(&self, compile: impl FnOnce()) {
        let refused = match Layout::get() {
            Err(reason) => Some(reason),
            Ok(layout) if layout.learned().is_some() => None,
            Ok(layout) => {
                self.state().calibrator = Some(Calibrator::default());
                self.set_handler(false, Some(on_code_event));
                compile();
                self.set_handler(false, None);
                let calibrator = self.state().calibrator.take().unwrap_or_default();
                layout.learned().is_none().then(|| calibrator.reason())
            }
        };
        *lock(&self.calibration) = refused;
    }

    fn enumerate(&self) {
        for _ in 0..ENUMERATIONS {
            let mut state = self.state();
            state.events.clear();
            state.moves = 0;
            drop(state);
            self.sequence.store(0, Ordering::Release);
            self.backlog.store(0, Ordering::Relaxed);
            self.set_handler(true, Some(on_code_event));
            if self.state().moves == 0 {
                break;
            }
        }
        let mut state = self.state();
        if state.moves == 0 {
            // Optimised code names inlined functions by their bytecode, which has to be known first. Nothing moved, so
            // the order of the rest does not matter.
            let bytecode_last = |event: &CodeEvent| match event {
                CodeEvent::Added(code) => code.code_type != CodeType::Bytecode,
                CodeEvent::Moved { .. } => true,
            };
            state.events.make_contiguous().sort_by_key(bytecode_last);
        }
    }

    /// Stops logging. Call it on the isolate's thread while the isolate is alive. What was logged stays readable.
    pub fn detach(&self) {
        if self.unregister() {
            self.set_handler(false, None);
        }
    }

    /// Whether the isolate's events still came here.
    fn unregister(&self) -> bool {
        let mut logs = LOGS.write().unwrap_or_else(PoisonError::into_inner);
        let ours = logs
            .get(&self.isolate)
            .is_some_and(|log| std::ptr::eq(Arc::as_ptr(log), self));
        if ours {
            logs.remove(&self.isolate);
        }
        ours
    }

    fn set_handler(&self, enumerate: bool, handler: Option<JitCodeEventHandler>) {
        // SAFETY: attach and detach run on the isolate's thread while it is alive (their contract).
        unsafe {
            self.entry
                .set_jit_code_event_handler(self.isolate as Isolate, enumerate, handler);
        }
    }

    /// Where the isolate's machine code lies, WebAssembly's included. To be used while the log lives.
    pub fn code_ranges(&self) -> CodeRanges {
        self.ranges
    }

    /// What the code map needs to know of the builtins' two places.
    pub fn builtins(&self) -> BuiltinRanges {
        self.builtins
    }

    /// Events logged so far. The handler stores it with a sample: the code is looked up as of that moment. It lives as
    /// long as the log.
    pub fn sequence(&self) -> &AtomicU64 {
        &self.sequence
    }

    /// Bytes of events not yet taken.
    pub fn backlog_bytes(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Why V8's private layout is not read, if so.
    pub fn layout_refused(&self) -> Option<&'static str> {
        *lock(&self.calibration)
    }

    /// Moves all logged events to the end of `events`, in order.
    pub fn take(&self, events: &mut VecDeque<CodeEvent>) {
        let mut taken = {
            let mut state = self.state();
            self.backlog.store(0, Ordering::Relaxed);
            std::mem::take(&mut state.events)
        };
        if events.is_empty() {
            *events = taken;
        } else {
            events.append(&mut taken);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn append(&self, state: &mut State, event: CodeEvent) {
        let bytes = event.bytes();
        let before = self.backlog.fetch_add(bytes, Ordering::Relaxed);
        state.events.push_back(event);
        // Published after it is in the log: a sample never names an event that cannot be taken.
        self.sequence.fetch_add(1, Ordering::Release);
        if before < LONG_BACKLOG && before + bytes >= LONG_BACKLOG {
            AGGREGATOR.notify();
        }
    }
}

/// A poisoned lock is taken all the same: its data is a log, complete up to the last whole event.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
