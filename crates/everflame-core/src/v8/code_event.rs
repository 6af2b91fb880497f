//! What V8 said of its code, owned and compact: the link between the code-event callback and the code map.

use std::sync::Arc;

use super::script::Script;

/// One step in the life of an isolate's code, in V8's order.
#[derive(Debug)]
pub enum CodeEvent {
    /// New code; whatever lay at its addresses is gone.
    Added(Box<AddedCode>),
    /// The code at `from` is at `to` now.
    Moved { from: u64, to: u64 },
}

impl CodeEvent {
    /// Bytes held, scripts not counted (they are shared).
    pub fn bytes(&self) -> usize {
        size_of::<CodeEvent>()
            + match self {
                CodeEvent::Added(code) => {
                    size_of::<AddedCode>() + code.name.len() + code.tables.bytes()
                }
                CodeEvent::Moved { .. } => 0,
            }
    }
}

/// A piece of code at its first address.
#[derive(Debug)]
pub struct AddedCode {
    pub start: u64,
    /// Bytes.
    pub length: u32,
    pub code_type: CodeType,
    /// V8's name: `JS:~function script:line:column`, `Builtin:…`, `BytecodeHandler:…`; UTF-8 as far as V8 writes it.
    pub name: Box<[u8]>,
    pub(super) script: Option<Arc<Script>>,
    pub(super) tables: Tables,
}

/// `v8::JitCodeEvent::CodeType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeType {
    Bytecode,
    Machine,
    WebAssembly,
}

impl CodeType {
    /// A type of a newer V8 counts as machine code: its addresses are looked up like return addresses.
    pub(super) fn from_raw(raw: i32) -> CodeType {
        match raw {
            0 => CodeType::Bytecode,
            2 => CodeType::WebAssembly,
            _ => CodeType::Machine,
        }
    }
}

/// Side tables of a code object, copied as V8 keeps them and decoded only for code that was hit.
#[derive(Debug)]
pub(super) enum Tables {
    /// None, or not readable: the function's start line has to do.
    None,
    /// Of bytecode: bytecode offset → position.
    Bytecode { positions: Box<[u8]> },
    /// Of Sparkplug code: one machine code step a bytecode, the bytecodes, and their positions.
    Baseline {
        steps: Box<[u8]>,
        bytecodes: Box<[u8]>,
        positions: Box<[u8]>,
    },
    /// Of Maglev and TurboFan code.
    Optimized(Box<OptimizedTables>),
}

#[derive(Debug)]
pub(super) struct OptimizedTables {
    pub(super) positions: Box<[u8]>,
    /// V8's array of inlining positions.
    pub(super) inlining: Box<[u8]>,
    /// Inlined functions: index in the code's literals, and where the function's bytecode starts.
    pub(super) functions: Box<[InlinedFunction]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InlinedFunction {
    pub(super) literal: u32,
    pub(super) bytecode_start: u64,
}

impl Tables {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Tables::None => 0,
            Tables::Bytecode { positions } => positions.len(),
            Tables::Baseline {
                steps,
                bytecodes,
                positions,
            } => steps.len() + bytecodes.len() + positions.len(),
            Tables::Optimized(tables) => {
                size_of::<OptimizedTables>()
                    + tables.positions.len()
                    + tables.inlining.len()
                    + tables.functions.len() * size_of::<InlinedFunction>()
            }
        }
    }
}
