//! Laws of modules, symbols and unwinding, on this process and on libraries built for the purpose.

mod files;
mod garbage;
#[cfg(target_arch = "x86_64")]
mod in_memory;
mod modules;
mod support;
mod symbols;
mod unwind;
