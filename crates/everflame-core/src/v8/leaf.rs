//! The leaf of a stack. `GetStackSample` gives the callers of the interrupted code, never the code itself, and it
//! misses one function in some places; these rules give the list of JavaScript addresses its true top.

use super::code_map::{CodeMap, Lookup};
use super::code_name::{FunctionKind, JsFunction};
use super::frame::bytecode_position;

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
        _ if is_interpreter(code) => Leaf {
            addresses: [interpreted(words, frames, map), None],
        },
        FunctionKind::Builtin | FunctionKind::Stub => Leaf {
            addresses: [Some(exact), lost_caller(words, frames, map)],
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
    (offset < u64::from(length)).then(|| JsAddress {
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

/// Code that only leads from one kind of code to another: a return address in it is no frame. The interpreted function
/// is a frame of its own, and so is the native function behind an exit.
pub(super) fn is_passage(function: &JsFunction) -> bool {
    is_interpreter(function)
        || function.kind == FunctionKind::Builtin
            && [
                "CEntry",
                "JSEntry",
                "JSConstructEntry",
                "JSRunMicrotasksEntry",
            ]
            .iter()
            .any(|name| function.name.starts_with(name))
}

/// In the interpreter the function is usually V8's first frame; if it is not, it has to be put there.
fn interpreted(words: &LeafWords, frames: &[u64], map: &CodeMap) -> Option<JsAddress> {
    let address = bytecode_position(words.at_fp_minus_32, words.at_fp_minus_40)?;
    let is_missing = map.bytecode_around(address).is_some() && frames.first() != Some(&address);
    is_missing.then_some(JsAddress {
        address,
        lookup: Lookup::Exact,
    })
}

/// A builtin without a frame of its own hides its caller: V8 takes the caller's frame for the builtin's and reports
/// the caller's caller first. The caller's return address is where the call left it.
fn lost_caller(words: &LeafWords, frames: &[u64], map: &CodeMap) -> Option<JsAddress> {
    let address = if words.lr != 0 { words.lr } else { words.at_sp };
    if frames.first() == Some(&address) || map.bytecode_around(address).is_some() {
        return None;
    }
    let caller = map.function_at(address, Lookup::Return)?;
    if is_interpreter(caller) {
        return interpreted(words, frames, map);
    }
    (caller.kind == FunctionKind::JavaScript).then_some(JsAddress {
        address,
        lookup: Lookup::Return,
    })
}

#[cfg(test)]
mod tests {
    use super::super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
    use super::*;

    const FUNCTION: u64 = 0x1000;
    const CALLER: u64 = 0x2000;
    const BASELINE: u64 = 0x3000;
    const BUILTIN: u64 = 0x4000;
    const HANDLER: u64 = 0x5000;
    const TRAMPOLINE: u64 = 0x6000;
    const EXIT: u64 = 0x7000;
    const NATIVE: u64 = 0x9_0000;
    /// From a tagged array to its first bytecode.
    const HEADER: u64 = 63;
    const ARRAY: u64 = FUNCTION - HEADER;

    fn map() -> CodeMap {
        let mut map = CodeMap::empty(None, Some(HEADER));
        for (start, code_type, name) in [
            (FUNCTION, CodeType::Bytecode, "JS:~function /a.js:1:1"),
            (CALLER, CodeType::Machine, "JS:*caller /a.js:9:1"),
            (BASELINE, CodeType::Machine, "JS:^baseline /a.js:5:1"),
            (BUILTIN, CodeType::Machine, "Builtin:Add_Baseline"),
            (HANDLER, CodeType::Machine, "BytecodeHandler:AddHandler"),
            (
                TRAMPOLINE,
                CodeType::Machine,
                "Builtin:InterpreterEntryTrampoline",
            ),
            (
                EXIT,
                CodeType::Machine,
                "Builtin:CEntry_Return1_ArgvOnStack_BuiltinExit",
            ),
        ] {
            map.replay(CodeEvent::Added(Box::new(AddedCode {
                start,
                length: 0x100,
                code_type,
                name: name.as_bytes().into(),
                script: None,
                tables: Tables::None,
            })));
        }
        map
    }

    /// The names of the whole stack.
    fn stack(words: LeafWords, frames: &[u64]) -> Vec<String> {
        let mut map = map();
        let callers = frames.iter().map(|frame| JsAddress {
            address: *frame,
            lookup: Lookup::Return,
        });
        let addresses: Vec<JsAddress> = leaf(&words, frames, &map).iter().chain(callers).collect();
        let mut resolved = Vec::new();
        for address in addresses {
            map.resolve(address.address, address.lookup, &mut resolved);
        }
        resolved
            .iter()
            .map(|frame| frame.function.name.to_string())
            .collect()
    }

    fn at(pc: u64) -> LeafWords {
        LeafWords {
            pc,
            ..LeafWords::default()
        }
    }

    /// In the frame of the interpreted function, at a bytecode.
    fn interpreting(pc: u64, offset: u64) -> LeafWords {
        LeafWords {
            at_fp_minus_32: ARRAY,
            at_fp_minus_40: (HEADER + offset) << 32,
            ..at(pc)
        }
    }

    #[test]
    fn compiled_code_is_its_own_leaf() {
        assert_eq!(
            stack(at(BASELINE + 8), &[CALLER + 8]),
            ["baseline", "caller"]
        );
        // What lies on top of its stack is a value, not its caller.
        let words = LeafWords {
            at_sp: CALLER + 8,
            ..at(BASELINE + 8)
        };
        assert_eq!(stack(words, &[]), ["baseline"]);
    }

    #[test]
    fn a_handler_is_no_frame() {
        for pc in [HANDLER + 4, TRAMPOLINE + 4] {
            let words = interpreting(pc, 5);
            assert_eq!(
                stack(words, &[FUNCTION + 5, CALLER + 8]),
                ["function", "caller"]
            );
        }
    }

    #[test]
    fn an_interpreted_function_that_v8_misses_is_put_back() {
        let words = interpreting(HANDLER + 4, 5);
        assert_eq!(stack(words, &[CALLER + 8]), ["function", "caller"]);
    }

    #[test]
    fn frame_words_that_are_no_position_are_not_believed() {
        for words in [
            LeafWords {
                at_fp_minus_32: ARRAY + 1,
                ..interpreting(HANDLER, 5)
            },
            LeafWords {
                at_fp_minus_40: 5,
                ..interpreting(HANDLER, 5)
            },
            interpreting(HANDLER, 0x100),
            at(HANDLER),
        ] {
            assert_eq!(stack(words, &[CALLER + 8]), ["caller"], "{words:x?}");
        }
    }

    #[test]
    fn a_builtin_without_a_frame_gives_its_caller_back() {
        let words = LeafWords {
            at_sp: BASELINE + 0x20,
            ..at(BUILTIN + 4)
        };
        assert_eq!(
            stack(words, &[CALLER + 8]),
            ["Add_Baseline", "baseline", "caller"]
        );
        // On arm64 the return address is in the link register.
        let words = LeafWords {
            lr: BASELINE + 0x20,
            ..at(BUILTIN + 4)
        };
        assert_eq!(
            stack(words, &[CALLER + 8]),
            ["Add_Baseline", "baseline", "caller"]
        );
        // Called by the interpreter.
        let words = LeafWords {
            at_sp: HANDLER + 8,
            ..interpreting(BUILTIN + 4, 3)
        };
        assert_eq!(
            stack(words, &[CALLER + 8]),
            ["Add_Baseline", "function", "caller"]
        );
    }

    #[test]
    fn a_builtin_with_a_frame_stands_above_its_caller() {
        let words = LeafWords {
            at_sp: 0x77,
            ..at(BUILTIN + 4)
        };
        assert_eq!(stack(words, &[CALLER + 8]), ["Add_Baseline", "caller"]);
        let words = LeafWords {
            at_sp: CALLER + 8,
            ..at(BUILTIN + 4)
        };
        assert_eq!(
            stack(words, &[CALLER + 8]),
            ["Add_Baseline", "caller"],
            "not twice"
        );
    }

    #[test]
    fn native_code_has_no_javascript_leaf() {
        assert_eq!(stack(at(NATIVE), &[CALLER + 8]), ["caller"]);
    }

    #[test]
    fn returns_into_passages_are_no_frames() {
        assert_eq!(
            stack(at(BASELINE), &[EXIT + 8, CALLER + 8]),
            ["baseline", "caller"]
        );
        assert_eq!(
            stack(at(BASELINE), &[TRAMPOLINE + 8, FUNCTION + 5]),
            ["baseline", "function"]
        );
    }

    #[test]
    fn the_register_has_the_executing_bytecode() {
        let map = map();
        let exact = |address| {
            Some(JsAddress {
                address,
                lookup: Lookup::Exact,
            })
        };
        let saved = FUNCTION + 5;
        assert_eq!(
            executing_bytecode(HANDLER, HEADER + 9, saved, &map),
            exact(FUNCTION + 9)
        );
        assert_eq!(
            executing_bytecode(HANDLER, HEADER, saved, &map),
            exact(FUNCTION)
        );
        assert_eq!(
            executing_bytecode(HANDLER, HEADER + 0x100, saved, &map),
            None,
            "beyond"
        );
        assert_eq!(
            executing_bytecode(HANDLER, HEADER - 1, saved, &map),
            None,
            "before"
        );
        assert_eq!(
            executing_bytecode(HANDLER, u64::MAX, saved, &map),
            None,
            "garbage"
        );
        assert_eq!(
            executing_bytecode(BUILTIN, HEADER + 9, saved, &map),
            None,
            "not the interpreter"
        );
        assert_eq!(
            executing_bytecode(HANDLER, HEADER + 9, CALLER, &map),
            None,
            "not interpreted"
        );
    }
}
