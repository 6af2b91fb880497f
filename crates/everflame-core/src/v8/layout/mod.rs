//! The only code that reads V8's private memory layout.
//!
//! Everything is read inside V8's code-event callback on the isolate's own thread, where the heap stands still, and
//! copied; but for one word of the isolate, the exit frame, which is copied while its thread sleeps. Each step checks
//! alignment, tag, instance type and length; on any doubt the answer is `None` and a counter by reason, and the profile
//! has the physical frame and the function's start line instead.

mod calibrate;
mod code;
mod constants;
mod exit_frame;
mod heap;
mod script;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use calibrate::Calibrator;
use constants::Constants;
pub use exit_frame::exit_frame_address;
pub(super) use exit_frame::learn_exit_frame;
use heap::{Heap, Object};
pub(super) use script::Function;

use super::positions::PositionFormat;

/// Why a step was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    Function,
    Script,
    ScriptLines,
    Bytecode,
    PositionTable,
    Code,
    Baseline,
    Deoptimization,
    InlinedFunction,
}

impl Doubt {
    const ALL: [(Doubt, &'static str); 9] = [
        (Doubt::Function, "function"),
        (Doubt::Script, "script"),
        (Doubt::ScriptLines, "script_lines"),
        (Doubt::Bytecode, "bytecode"),
        (Doubt::PositionTable, "position_table"),
        (Doubt::Code, "code"),
        (Doubt::Baseline, "baseline"),
        (Doubt::Deoptimization, "deoptimization"),
        (Doubt::InlinedFunction, "inlined_function"),
    ];
}

/// What `v8dbg_*` does not tell, found by comparing a freshly compiled function with what V8 says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Learned {
    /// BytecodeArray: its source position table.
    pub(super) bytecode_positions: u64,
    pub(super) format: PositionFormat,
    /// Script: the name that its source gives itself (`//# sourceURL`); `None` where it was not found.
    pub(super) source_url: Option<u64>,
    /// Script: the source map that its source declares (`//# sourceMappingURL`); `None` where it was not found.
    pub(super) map_url: Option<u64>,
}

/// The layout of this process's V8.
#[derive(Debug)]
pub(super) struct Layout {
    constants: Constants,
    learned: OnceLock<Learned>,
    doubts: [AtomicU64; Doubt::ALL.len()],
}

impl Layout {
    /// The constants are looked up once a process.
    ///
    /// # Errors
    /// A sentence that says what this V8 lacks; then code is known by name only.
    pub(super) fn get() -> Result<&'static Layout, &'static str> {
        static LAYOUT: OnceLock<Result<Layout, String>> = OnceLock::new();
        LAYOUT
            .get_or_init(|| {
                Ok(Layout {
                    constants: Constants::look_up()?,
                    learned: OnceLock::new(),
                    doubts: [const { AtomicU64::new(0) }; Doubt::ALL.len()],
                })
            })
            .as_ref()
            .map_err(String::as_str)
    }

    /// What calibration found; `None` before it or when it failed.
    pub(super) fn learned(&self) -> Option<Learned> {
        self.learned.get().copied()
    }

    /// Bytes from a tagged bytecode array to its first bytecode.
    pub(super) fn bytecode_header(&self) -> u64 {
        self.constants.bytecode_data - 1
    }

    /// How often each reason made a step be given up, in a fixed order.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Doubt::ALL
            .iter()
            .zip(&self.doubts)
            .map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }

    fn believe<T>(&self, result: Result<T, Doubt>) -> Option<T> {
        result
            .inspect_err(|doubt| {
                self.doubts[*doubt as usize].fetch_add(1, Ordering::Relaxed);
            })
            .ok()
    }

    fn view(&self, heap: Heap) -> View<'_> {
        View {
            constants: &self.constants,
            learned: self.learned.get(),
            heap,
        }
    }
}

/// Reads objects by the constants, in one way of loading.
#[derive(Clone, Copy)]
struct View<'a> {
    constants: &'a Constants,
    learned: Option<&'a Learned>,
    heap: Heap,
}

impl View<'_> {
    fn instance_type(self, object: Object) -> Option<u16> {
        let map = heap::object(self.heap.field(object, 0)?)?;
        self.heap
            .half(map.address() + self.constants.map_instance_type)
    }

    /// The object that a field points to.
    fn object(self, object: Object, offset: u64) -> Option<Object> {
        heap::object(self.heap.field(object, offset)?)
    }

    fn small_integer(self, object: Object, offset: u64) -> Option<i32> {
        heap::small_integer(self.heap.field(object, offset)?)
    }

    /// The length of an array-like object, if at most `limit`.
    fn length(self, array: Object, limit: usize) -> Option<usize> {
        let length = self.small_integer(array, self.constants.array_length)?;
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= limit)
    }

    fn is_byte_array(self, object: Object) -> bool {
        self.instance_type(object)
            .is_some_and(|kind| self.constants.types.byte_arrays.contains(&Some(kind)))
    }

    fn is_fixed_array(self, object: Object) -> bool {
        self.instance_type(object)
            .is_some_and(|kind| self.constants.types.fixed_arrays.contains(&Some(kind)))
    }

    /// A copy of a byte array's body.
    fn byte_array(self, object: Object, limit: usize) -> Option<Box<[u8]>> {
        if !self.is_byte_array(object) {
            return None;
        }
        let length = self.length(object, limit)?;
        self.heap
            .bytes(object.address() + self.constants.array_data, length)
    }

    /// An element of a fixed or weak array, which the caller has checked to have it.
    fn element(self, array: Object, index: u64) -> Option<u64> {
        self.heap
            .field(array, self.constants.array_data + index * 8)
    }
}
