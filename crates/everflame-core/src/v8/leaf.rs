//! The leaf of a stack. `GetStackSample` gives the callers of the interrupted code, never the code itself, and it
//! misses one function in some places; these rules give the list of JavaScript addresses its true top.

use super::code_map::{CodeMap, Lookup};
use super::code_name::FunctionKind;
use super::structs::VmState;

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

/// Whether a second call of `GetStackSample`, with `pc = [sp]` and `sp + 8`, is worthwhile: V8 gives up in a
/// function's first and last instructions, where its frame does not stand; seen from its caller the stack is whole.
/// x86-64 only. For the handler: `count` frames and `state` are the first call's.
pub fn wants_second_sample(pc_in_v8: bool, count: usize, state: VmState) -> bool {
    cfg!(target_arch = "x86_64")
        && pc_in_v8
        && count == 0
        && matches!(state, VmState::Js | VmState::Other)
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
        FunctionKind::BytecodeHandler => interpreted(words, frames, map),
        FunctionKind::Builtin if is_interpreter(&code.name) => interpreted(words, frames, map),
        FunctionKind::Builtin | FunctionKind::Stub => match lost_caller(words, frames, map) {
            Some(caller) => Leaf {
                addresses: [Some(exact), Some(caller)],
            },
            None => Leaf::one(exact),
        },
        _ => Leaf::one(exact),
    }
}

/// The interpreter's own machinery: the function at work is the interpreted one.
fn is_interpreter(name: &str) -> bool {
    name.starts_with("InterpreterEntryTrampoline") || name.starts_with("InterpreterEnterAt")
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
