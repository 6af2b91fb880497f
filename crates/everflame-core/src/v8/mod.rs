//! V8 through its exported entry points: looked up at load, never linked.
//!
//! * On the JavaScript thread: [`EntryPoints::resolve`], then [`IsolateLog::attach`] for each isolate.
//! * In the signal handler: [`EntryPoints::sample_stack`], [`CodeRanges::contains`], and the number in
//!   [`IsolateLog::sequence`].
//! * On the aggregator: [`IsolateLog::take`], [`CodeMap::replay`] up to the sample's sequence, [`leaf`],
//!   [`executing_bytecode`], and [`CodeMap::resolve`].

mod builtins;
mod bytecode_sizes;
mod callback;
mod code_event;
mod code_map;
mod code_name;
mod code_tables;
mod entry;
mod events;
mod features;
mod frame;
mod functions;
mod known_scripts;
mod layout;
mod leaf;
mod lines;
mod positions;
mod ranges;
mod script;
mod self_test;
mod stack_sample;
mod structs;
mod used_heap;
mod wasm_ranges;

pub use builtins::BuiltinRanges;
pub use callback::{be_silent, be_silent_in_forks, callback_panics};
pub use code_event::{AddedCode, CodeEvent, CodeType};
pub use code_map::{CodeMap, Counters, Generated, JsFrame, Lookup};
pub use code_name::{FunctionKind, JsFunction};
pub(crate) use entry::symbol_address;
pub use entry::{EntryError, EntryPoints, Isolate};
pub use events::{CALIBRATION_SOURCE, IsolateLog};
pub use features::Features;
pub use frame::{CallingFrame, bytecode_position, frame};
pub use functions::Functions;
pub use layout::exit_frame_address;
pub use leaf::{JsAddress, Leaf, LeafWords, executing_bytecode, leaf};
pub use ranges::CodeRanges;
pub use script::Script;
pub use stack_sample::wants_second_sample;
pub use structs::{MemoryRange, RegisterState, SampleInfo, VmState};
pub use used_heap::UsedHeap;
