//! Native code of this process: modules, symbols, unwinding by table.
//!
//! Everything here runs on the aggregator thread: it allocates, reads files and takes the loader's lock, and must
//! never be called in a signal handler.
//!
//! * [`Modules`] knows which file owns an address, also after the file was unloaded.
//! * [`Symbolizer`] gives an address its function name.
//! * [`Unwinder`] follows a copied stack with the `.eh_frame` tables of the loaded images.

mod cfi;
mod cfi_program;
mod cfi_reader;
mod debug_file;
mod demangle;
mod elf_file;
mod fork_lock;
mod image;
mod memory;
mod module;
mod modules;
mod registers;
mod sections;
mod stubs;
mod symbolize;
mod symbols;
mod unwind;

pub use demangle::demangle;
pub(crate) use image::{LoaderCounters, try_counters as try_loader_counters};
pub(crate) use memory::{Memory, read_memory};
pub use module::{Module, ModuleId};
pub use modules::{Located, Modules};
pub use registers::Registers;
pub(crate) use symbolize::offset_name;
pub use symbolize::{Lookup, NativeFrame, SymbolStatistics, Symbolizer};
pub use unwind::{MAX_FRAMES, RED_ZONE, StackCopy, UnwindEnd, Unwinder, UnwoundFrame};

#[cfg(test)]
mod tests;
