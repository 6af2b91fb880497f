//! V8's exported C++ functions, found by their mangled names in the running process and never linked.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

use super::ranges::CodeRanges;
use super::structs::{JitCodeEvent, MemoryRange, RegisterState, SampleInfo};

/// A JavaScript isolate's address. Only V8 looks inside.
pub type Isolate = *mut c_void;

/// V8's code-event callback. It may be called on any thread of the isolate's garbage collector.
pub(super) type JitCodeEventHandler = unsafe extern "C" fn(*const JitCodeEvent);

type TryGetCurrent = unsafe extern "C" fn() -> Isolate;
type GetStackSample =
    unsafe extern "C" fn(Isolate, *const RegisterState, *mut u64, usize, *mut SampleInfo);
type SetJitCodeEventHandler = unsafe extern "C" fn(Isolate, c_int, Option<JitCodeEventHandler>);
type CopyCodePages = unsafe extern "C" fn(Isolate, usize, *mut MemoryRange) -> usize;
type GetCodeRange = unsafe extern "C" fn(Isolate, *mut u64, *mut usize);

/// Why V8 cannot be reached.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// This program does not export a function that every supported Node.js exports.
    #[error(
        "this program does not export V8's {name} ({symbol}); run an official or distribution build of Node.js 20 or \
         later, or set EVERFLAME_ENGINE=inspector"
    )]
    MissingSymbol {
        name: &'static str,
        symbol: &'static str,
    },
}

/// V8's functions that the sampler calls.
#[derive(Debug)]
pub struct EntryPoints {
    try_get_current: TryGetCurrent,
    get_stack_sample: GetStackSample,
    set_jit_code_event_handler: SetJitCodeEventHandler,
    copy_code_pages: CopyCodePages,
    get_code_range: GetCodeRange,
    get_embedded_code_range: GetCodeRange,
}

/// Looks a function up by its mangled name and gives it its type.
macro_rules! function {
    ($kind:ty, $name:literal, $symbol:literal) => {{
        let address = symbol_address($symbol).ok_or(EntryError::MissingSymbol {
            name: $name,
            symbol: const {
                match $symbol.to_str() {
                    Ok(symbol) => symbol,
                    Err(_) => panic!("mangled names are ASCII"),
                }
            },
        })?;
        // SAFETY: the mangled name fixes parameters and namespace; the C shape of each is that of V8's public headers
        // on every supported version (the return type is not mangled and has not changed since Node 20).
        unsafe { std::mem::transmute::<*mut c_void, $kind>(address) }
    }};
}

impl EntryPoints {
    /// The entry points of the V8 in this process, looked up once.
    ///
    /// # Errors
    /// [`EntryError::MissingSymbol`] names the first function that is not exported.
    pub fn resolve() -> Result<&'static EntryPoints, EntryError> {
        static RESOLVED: OnceLock<Result<EntryPoints, EntryError>> = OnceLock::new();
        RESOLVED
            .get_or_init(EntryPoints::look_up)
            .as_ref()
            .map_err(EntryError::clone)
    }

    fn look_up() -> Result<EntryPoints, EntryError> {
        Ok(EntryPoints {
            try_get_current: function!(
                TryGetCurrent,
                "Isolate::TryGetCurrent",
                c"_ZN2v87Isolate13TryGetCurrentEv"
            ),
            get_stack_sample: function!(
                GetStackSample,
                "Isolate::GetStackSample",
                c"_ZN2v87Isolate14GetStackSampleERKNS_13RegisterStateEPPvmPNS_10SampleInfoE"
            ),
            set_jit_code_event_handler: function!(
                SetJitCodeEventHandler,
                "Isolate::SetJitCodeEventHandler",
                c"_ZN2v87Isolate22SetJitCodeEventHandlerENS_19JitCodeEventOptionsEPFvPKNS_12JitCodeEventEE"
            ),
            copy_code_pages: function!(
                CopyCodePages,
                "Isolate::CopyCodePages",
                c"_ZN2v87Isolate13CopyCodePagesEmPNS_11MemoryRangeE"
            ),
            get_code_range: function!(
                GetCodeRange,
                "Isolate::GetCodeRange",
                c"_ZN2v87Isolate12GetCodeRangeEPPvPm"
            ),
            get_embedded_code_range: function!(
                GetCodeRange,
                "Isolate::GetEmbeddedCodeRange",
                c"_ZN2v87Isolate20GetEmbeddedCodeRangeEPPKvPm"
            ),
        })
    }

    /// The isolate that runs on this thread, or null. Safe in a signal handler: one thread-local read.
    ///
    /// # Safety
    /// None beyond the lookup's own: the function takes nothing.
    pub unsafe fn try_get_current(&self) -> Isolate {
        // SAFETY: a thread-local read inside V8.
        unsafe { (self.try_get_current)() }
    }

    /// V8's frames of the interrupted code, the leaf not among them, nearest caller first; returns how many were
    /// written. Interpreted frames are bytecode positions, others return addresses. Safe in a signal handler.
    ///
    /// # Safety
    /// `isolate` is alive and runs on this thread; `registers` are this thread's at the interruption.
    pub unsafe fn get_stack_sample(
        &self,
        isolate: Isolate,
        registers: &RegisterState,
        frames: &mut [u64],
        info: &mut SampleInfo,
    ) -> usize {
        // SAFETY: the caller's promise; V8 writes at most `frames.len()` words.
        unsafe {
            (self.get_stack_sample)(isolate, registers, frames.as_mut_ptr(), frames.len(), info);
        };
        (info.frames_count() as usize).min(frames.len())
    }

    /// The ranges that hold this isolate's machine code.
    ///
    /// # Safety
    /// `isolate` is alive; called on its thread.
    pub unsafe fn code_ranges(&self, isolate: Isolate) -> CodeRanges {
        let mut pages = [MemoryRange::default(); 8];
        // SAFETY: the caller's promise; at most `pages.len()` ranges are written.
        let count = unsafe { (self.copy_code_pages)(isolate, pages.len(), pages.as_mut_ptr()) };
        let mut ranges = CodeRanges::empty();
        // SAFETY: the caller's promise.
        let whole = unsafe { [self.embedded_code_range(isolate), self.code_range(isolate)] };
        let pages = &pages[..count.min(pages.len())];
        for range in whole.iter().chain(pages) {
            let inside = ranges.as_slice().iter().any(|known| {
                known.contains(range.start) && known.contains(range.start + range.length.max(1) - 1)
            });
            if !inside && !ranges.push(*range) {
                break;
            }
        }
        ranges
    }

    /// The range in which V8 places code it compiles, and its own copy of the builtins.
    ///
    /// # Safety
    /// `isolate` is alive; called on its thread.
    pub(super) unsafe fn code_range(&self, isolate: Isolate) -> MemoryRange {
        // SAFETY: the caller's promise.
        unsafe { range_of(self.get_code_range, isolate) }
    }

    /// The builtins this isolate runs.
    ///
    /// # Safety
    /// `isolate` is alive; called on its thread.
    pub(super) unsafe fn embedded_code_range(&self, isolate: Isolate) -> MemoryRange {
        // SAFETY: the caller's promise.
        unsafe { range_of(self.get_embedded_code_range, isolate) }
    }

    /// Installs or, with `None`, removes the isolate's one code-event handler. With `enumerate`, code that already
    /// exists is reported before this returns.
    ///
    /// # Safety
    /// `isolate` is alive; called on its thread, outside of V8 callbacks.
    pub(super) unsafe fn set_jit_code_event_handler(
        &self,
        isolate: Isolate,
        enumerate: bool,
        handler: Option<JitCodeEventHandler>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { (self.set_jit_code_event_handler)(isolate, c_int::from(enumerate), handler) }
    }
}

/// # Safety
/// `isolate` is alive; called on its thread.
unsafe fn range_of(function: GetCodeRange, isolate: Isolate) -> MemoryRange {
    let (mut start, mut length) = (0, 0);
    // SAFETY: the caller's promise; both out-parameters are ours.
    unsafe { function(isolate, &mut start, &mut length) };
    MemoryRange {
        start,
        length: length as u64,
    }
}

/// The address of an exported symbol of the process.
pub(crate) fn symbol_address(symbol: &CStr) -> Option<*mut c_void> {
    // SAFETY: a terminated string; the default handle searches the global scope.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr()) };
    (!address.is_null()).then_some(address)
}

#[cfg(test)]
impl EntryPoints {
    /// The isolate that runs on every thread with [`EntryPoints::with_fake_isolate`].
    pub(crate) const FAKE_ISOLATE: usize = 0x1_50_1a_7e;

    /// Knows an isolate and nothing else: any other call is a failed test.
    pub(crate) fn with_fake_isolate() -> &'static EntryPoints {
        extern "C" fn current() -> Isolate {
            EntryPoints::FAKE_ISOLATE as Isolate
        }
        extern "C" fn sample(
            _: Isolate,
            _: *const RegisterState,
            _: *mut u64,
            _: usize,
            _: *mut SampleInfo,
        ) {
            unreachable!("V8 is not to walk");
        }
        extern "C" fn handler(_: Isolate, _: c_int, _: Option<JitCodeEventHandler>) {
            unreachable!("no events are asked for");
        }
        extern "C" fn pages(_: Isolate, _: usize, _: *mut MemoryRange) -> usize {
            unreachable!("no ranges are asked for");
        }
        extern "C" fn range(_: Isolate, _: *mut u64, _: *mut usize) {
            unreachable!("no ranges are asked for");
        }
        static FAKE: EntryPoints = EntryPoints {
            try_get_current: current,
            get_stack_sample: sample,
            set_jit_code_event_handler: handler,
            copy_code_pages: pages,
            get_code_range: range,
            get_embedded_code_range: range,
        };
        &FAKE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_v8_the_error_names_the_symbol_and_the_remedy() {
        // The test binary is not Node.js.
        let message = EntryPoints::resolve().unwrap_err().to_string();
        assert!(message.contains("Isolate::TryGetCurrent"), "{message}");
        assert!(
            message.contains("_ZN2v87Isolate13TryGetCurrentEv"),
            "{message}"
        );
        assert!(message.contains("EVERFLAME_ENGINE=inspector"), "{message}");
    }
}
