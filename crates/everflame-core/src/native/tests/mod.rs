//! Laws of modules, symbols and unwinding, on this process and on libraries built for the purpose.

mod files;
mod garbage;
mod modules;
mod support;
mod symbols;
mod unwind;
