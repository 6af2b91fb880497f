//! The leaf of a stack. `GetStackSample` gives the callers of the interrupted code, never the code itself, and it
//! misses one function in some places; these rules give the list of JavaScript addresses its true top.

use super::code_map::{CodeMap, Lookup};
use super::code_name::{FunctionKind, JsFunction};

/// An address to look up in the code map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsAddress {
    pub address: u64,
    pub lookup: Lookup,
}

/// What the handler saved of the interrupted code.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeafWords {
    pub pc: u64,
    /// `[sp]`, or 0: in a builtin without a frame, the return address into its caller.
    pub at_sp: u64,
    /// `[fp − 32]`, or 0: an interpreted frame's bytecode array, tagged.
    pub at_fp_minus_32: u64,
    /// `[fp − 40]`, or 0: an interpreted frame's bytecode offset as a small integer.
    pub at_fp_minus_40: u64,
    /// The link register; 0 on x86-64.
    pub lr: u64,
}

/// What goes above V8's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    addresses: [Option<JsAddress>; 2],
}

impl Leaf {
    fn one(address: JsAddress) -> Leaf {
        Leaf {
            addresses: [Some(address), None],
        }
    }

    /// The addresses, leaf first.
    pub fn iter(&self) -> impl Iterator<Item = JsAddress> + '_ {
        self.addresses.iter().flatten().copied()
    }

    /// The whole list of JavaScript addresses: these, then V8's frames.
    pub fn above(&self, frames: &[u64], addresses: &mut Vec<JsAddress>) {
        addresses.extend(self.iter());
        addresses.extend(frames.iter().map(|frame| JsAddress {
            address: *frame,
            lookup: Lookup::Return,
        }));
    }
}

/// The leaf of a stack whose interrupted code is V8's; empty when `words.pc` is native code (then V8's first frame is
/// the one that called out).
///
/// `frames` are those of `GetStackSample`; `map` stands at the sample's sequence.
pub fn leaf(words: &LeafWords, frames: &[u64], map: &CodeMap) -> Leaf {
    let Some(code) = map.function_at(words.pc, Lookup::Exact) else {
        return Leaf::default();
    };
    let exact = JsAddress {
        address: words.pc,
        lookup: Lookup::Exact,
    };
    match code.kind {
        _ if is_interpreter(code) => interpreted(words, frames, map),
        FunctionKind::Builtin | FunctionKind::Stub => match lost_caller(words, frames, map) {
            Some(caller) => Leaf {
                addresses: [Some(exact), Some(caller)],
            },
            None => Leaf::one(exact),
        },
        _ => Leaf::one(exact),
    }
}

/// The exact bytecode at work, for a stack whose interrupted code is the interpreter's.
///
/// The frame's bytecode offset is up to date only at calls; between them it lives in a register (r9 on x86-64, x19 on
/// arm64), so a loop without calls would show the line of the last call. `offset_register` is that register, `first`
/// the stack's first JavaScript address (of [`leaf`], else V8's first frame). `Some` is to be looked up exactly in
/// place of `first`.
pub fn executing_bytecode(
    pc: u64,
    offset_register: u64,
    first: u64,
    map: &CodeMap,
) -> Option<JsAddress> {
    let code = map.function_at(pc, Lookup::Exact)?;
    if code.kind != FunctionKind::BytecodeHandler {
        return None;
    }
    let (start, length) = map.bytecode_around(first)?;
    // The register counts from the tagged array, the map from its first bytecode.
    let offset = offset_register.checked_sub(map.bytecode_header()?)?;
    (offset < u64::from(length)).then_some(JsAddress {
        address: start + offset,
        lookup: Lookup::Exact,
    })
}

/// The interpreter's own machinery: the function at work is the interpreted one.
pub(super) fn is_interpreter(function: &JsFunction) -> bool {
    match function.kind {
        FunctionKind::BytecodeHandler => true,
        FunctionKind::Builtin => [
            "InterpreterEntryTrampoline",
            "InterpreterEnterAt",
            "InterpreterPush",
        ]
        .iter()
        .any(|name| function.name.starts_with(name)),
        _ => false,
    }
}

/// In the interpreter the function is usually V8's first frame; if it is not, it is put there.
fn interpreted(words: &LeafWords, frames: &[u64], map: &CodeMap) -> Leaf {
    let offset = words.at_fp_minus_40;
    let position = words.at_fp_minus_32.wrapping_add(offset >> 32);
    let valid = words.at_fp_minus_32 & 1 == 1 && offset as u32 == 0 && map.is_bytecode(position);
    if !valid || frames.first() == Some(&position) {
        return Leaf::default();
    }
    Leaf::one(JsAddress {
        address: position,
        lookup: Lookup::Exact,
    })
}

/// A builtin without a frame of its own hides its caller: V8 takes the caller's frame for the builtin's and reports
/// the caller's caller first. The caller's return address is where the call left it.
fn lost_caller(words: &LeafWords, frames: &[u64], map: &CodeMap) -> Option<JsAddress> {
    let address = if words.lr != 0 { words.lr } else { words.at_sp };
    if frames.first() == Some(&address) {
        return None;
    }
    let caller = map.function_at(address, Lookup::Return)?;
    (caller.kind == FunctionKind::JavaScript && !map.is_bytecode(address)).then_some(JsAddress {
        address,
        lookup: Lookup::Return,
    })
}
