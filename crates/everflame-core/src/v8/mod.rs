//! V8 through its exported entry points: looked up at load, never linked.

mod entry;
mod ranges;
mod structs;

pub use entry::{EntryError, EntryPoints, Isolate};
pub use ranges::CodeRanges;
pub use structs::{JSEntryStubs, MemoryRange, RegisterState, SampleInfo, VmState};
