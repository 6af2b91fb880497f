//! The log of an isolate's code: filled by V8's callback, emptied by the aggregator, its length read by the handler.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use rustc_hash::FxHashMap;

use super::builtins::BuiltinRanges;
use super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
use super::code_name::{Tier, tier};
use super::entry::{EntryPoints, Isolate};
use super::layout::{Calibrator, Layout};
use super::ranges::CodeRanges;
use super::script::Script;
use super::structs::{JSEntryStubs, JitCodeEvent, MemoryRange};
use super::wasm_ranges::WasmRangesLease;

/// Above this backlog new code is logged without its side tables (counted in [`IsolateLog::bare_events`]): names stay
/// complete and memory is bounded by V8's own code, until the aggregator catches up.
const BACKLOG_LIMIT: usize = 8 * 1024 * 1024;

/// A garbage collection during the enumeration can move what was already reported; then it is done again.
const ENUMERATIONS: usize = 3;

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
";

static LOGS: LazyLock<RwLock<FxHashMap<usize, Arc<IsolateLog>>>> = LazyLock::new(RwLock::default);

/// Panics in V8's callback: the event is lost, the application is not.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Code events of one isolate.
#[derive(Debug)]
pub struct IsolateLog {
    isolate: usize,
    /// The thread on which V8's heap may be read.
    thread: libc::pthread_t,
    entry: &'static EntryPoints,
    ranges: CodeRanges,
    wasm: WasmRangesLease,
    entry_stubs: JSEntryStubs,
    builtins: BuiltinRanges,
    state: Mutex<State>,
    sequence: AtomicU64,
    backlog: AtomicUsize,
    bare: AtomicU64,
    attached: AtomicBool,
    calibration: Mutex<Option<&'static str>>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<CodeEvent>,
    scripts: FxHashMap<u32, KnownScript>,
    /// Size of `scripts` at which those that nothing refers to any more are thrown out.
    purge_at: usize,
    calibrator: Option<Calibrator>,
    moves: u64,
}

#[derive(Debug)]
struct KnownScript {
    script: Weak<Script>,
    has_lines: bool,
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
        let (ranges, entry_stubs, builtins) = unsafe {
            (
                entry.code_ranges(isolate),
                entry.js_entry_stubs(isolate),
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
            entry_stubs,
            builtins,
            state: Mutex::default(),
            sequence: AtomicU64::new(0),
            backlog: AtomicUsize::new(0),
            bare: AtomicU64::new(0),
            attached: AtomicBool::new(true),
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
        if !self.attached.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut logs = LOGS.write().unwrap_or_else(PoisonError::into_inner);
        let ours = logs
            .get(&self.isolate)
            .is_some_and(|log| std::ptr::eq(Arc::as_ptr(log), self));
        if ours {
            logs.remove(&self.isolate);
        }
        drop(logs);
        if ours {
            self.set_handler(false, None);
        }
    }

    /// Forgets the log without a word to V8: for an isolate that is gone already.
    pub fn abandon(&self) {
        self.attached.store(false, Ordering::Release);
        let mut logs = LOGS.write().unwrap_or_else(PoisonError::into_inner);
        if logs
            .get(&self.isolate)
            .is_some_and(|log| std::ptr::eq(Arc::as_ptr(log), self))
        {
            logs.remove(&self.isolate);
        }
    }

    fn set_handler(
        &self,
        enumerate: bool,
        handler: Option<unsafe extern "C" fn(*const JitCodeEvent)>,
    ) {
        // SAFETY: attach and detach run on the isolate's thread while it is alive (their contract).
        unsafe {
            self.entry
                .set_jit_code_event_handler(self.isolate as Isolate, enumerate, handler);
        }
    }

    pub fn isolate(&self) -> Isolate {
        self.isolate as Isolate
    }

    /// Where the isolate's machine code lies, WebAssembly's included. To be used while the log lives.
    pub fn code_ranges(&self) -> CodeRanges {
        self.ranges
    }

    /// Where C++ enters JavaScript.
    pub fn entry_stubs(&self) -> JSEntryStubs {
        self.entry_stubs
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

    /// Bytes of events not yet taken. When it passes a megabyte, wake the aggregator.
    pub fn backlog_bytes(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Events logged without side tables because the backlog was full.
    pub fn bare_events(&self) -> u64 {
        self.bare.load(Ordering::Relaxed)
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

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn append(&self, state: &mut State, event: CodeEvent) {
        self.backlog.fetch_add(event.bytes(), Ordering::Relaxed);
        state.events.push_back(event);
        // Published after it is in the log: a sample never names an event that cannot be taken.
        self.sequence.fetch_add(1, Ordering::Release);
    }

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
                script = state.script(layout, &function);
                let start = event.code_start;
                if self.backlog_bytes() > BACKLOG_LIMIT {
                    self.bare.fetch_add(1, Ordering::Relaxed);
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

impl State {
    /// The script of a function, copied when first seen, or again once V8 has found its lines.
    fn script(
        &mut self,
        layout: &Layout,
        function: &super::layout::Function,
    ) -> Option<Arc<Script>> {
        let known = self.scripts.get(&function.script_id);
        let has_lines = known.is_some_and(|known| known.has_lines);
        let known = known.and_then(|known| known.script.upgrade());
        if has_lines && known.is_some() {
            return known;
        }
        let script = layout.script(function)?;
        if known.is_some() && script.lines.is_empty() {
            return known;
        }
        let script = Arc::new(script);
        if self.scripts.len() >= self.purge_at {
            self.scripts
                .retain(|_, known| known.script.strong_count() > 0);
            self.purge_at = (self.scripts.len() * 2).max(256);
        }
        self.scripts.insert(
            function.script_id,
            KnownScript {
                script: Arc::downgrade(&script),
                has_lines: !script.lines.is_empty(),
            },
        );
        Some(script)
    }
}

/// A poisoned lock is taken all the same: its data is a log, complete up to the last whole event.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Panics caught in V8's callback so far.
pub fn callback_panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

unsafe extern "C" fn on_code_event(event: *const JitCodeEvent) {
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
