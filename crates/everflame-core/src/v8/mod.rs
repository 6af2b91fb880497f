//! V8 through its exported entry points: looked up at load, never linked.
//!
//! * On the JavaScript thread: [`EntryPoints::resolve`], then [`IsolateLog::attach`] for each isolate.
//! * In the signal handler: [`EntryPoints::get_stack_sample`], [`CodeRanges::contains`], [`wants_second_sample`],
//!   and the number in [`IsolateLog::sequence`].
//! * On the aggregator: [`IsolateLog::take`], [`CodeMap::replay`] up to the sample's sequence, [`leaf`], and
//!   [`CodeMap::resolve`].

mod builtins;
mod bytecode_sizes;
mod code_event;
mod code_map;
mod code_name;
mod code_tables;
mod entry;
mod events;
mod layout;
mod leaf;
mod lines;
mod maps;
mod positions;
mod probe;
mod ranges;
mod script;
mod structs;
mod vlq;

pub use builtins::BuiltinRanges;
pub use code_event::{AddedCode, CodeEvent, CodeType};
pub use code_map::{CodeMap, Counters, JsFrame, Lookup};
pub use code_name::{FunctionKind, JsFunction};
pub use entry::{EntryError, EntryPoints, Isolate};
pub use events::{CALIBRATION_SOURCE, IsolateLog, callback_panics};
pub use leaf::{JsAddress, Leaf, LeafWords, leaf, wants_second_sample};
pub use probe::{Features, Probe, ProbeError};
pub use ranges::CodeRanges;
pub use script::Script;
pub use structs::{JSEntryStubs, MemoryRange, RegisterState, SampleInfo, VmState};
