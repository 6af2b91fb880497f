//! One of V8's frames on a copied stack, as V8's own walker would report it.

use super::code_map::{CodeMap, Lookup};
use super::code_name::FunctionKind;
use super::leaf::is_interpreter;

/// A frame of V8's code that has called something.
#[derive(Clone, Copy, Debug)]
pub struct CallingFrame {
    /// Where its callee returns to.
    pub return_address: u64,
    /// It holds the context of a JavaScript function.
    pub has_context: bool,
    /// Where it is if it is an interpreted one.
    pub position: Option<u64>,
}

impl CallingFrame {
    /// The frame at `fp`, by what `word` reads of the stack.
    pub fn at(fp: u64, return_address: u64, word: impl Fn(u64) -> Option<u64>) -> CallingFrame {
        let below = |distance: u64| word(fp.checked_sub(distance)?);
        CallingFrame {
            return_address,
            // The context, or the frame's kind as a small integer (`frame-constants.h`).
            has_context: below(8).is_some_and(|word| word & TAG == TAG),
            position: below(32)
                .zip(below(40))
                .and_then(|(array, offset)| bytecode_position(array, offset)),
        }
    }
}

const TAG: u64 = 1;

/// Where an interpreted frame is, by its tagged bytecode array and its offset as a small integer (v8dbg
/// `off_fp_bytecode_array`, `off_fp_bytecode_offset`); `None` for words that cannot be that.
pub fn bytecode_position(array: u64, offset: u64) -> Option<u64> {
    (array & TAG == TAG && offset as u32 == 0).then(|| array.wrapping_add(offset >> 32))
}

/// No map knows a function here.
const NOWHERE: u64 = 0;

/// The address by which the frame's function is known to the map, to be looked up as a return address; `None` for a frame
/// that V8 does not report (entries, exits, stubs, builtins without JavaScript's calling convention). A function that
/// cannot be told is not hidden: nothing is known at its address.
pub fn frame(frame: &CallingFrame, map: &CodeMap) -> Option<u64> {
    let &CallingFrame {
        return_address,
        has_context,
        position,
    } = frame;
    let Some(code) = map.function_at(return_address, Lookup::Return) else {
        return Some(return_address);
    };
    if is_interpreter(code) {
        return position
            .filter(|position| map.bytecode_around(*position).is_some())
            .or(has_context.then_some(NOWHERE));
    }
    let is_shown = match code.kind {
        FunctionKind::JavaScript | FunctionKind::WebAssembly => true,
        _ => has_context,
    };
    is_shown.then_some(return_address)
}

#[cfg(test)]
mod tests {
    use super::super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
    use super::*;

    const BYTECODE: u64 = 0x1000;
    const OPTIMIZED: u64 = 0x2000;
    const BUILTIN: u64 = 0x3000;
    const TRAMPOLINE: u64 = 0x4000;
    /// From a tagged array to its first bytecode.
    const HEADER: u64 = 63;
    const CONTEXT: u64 = 0x7001;
    const MARKER: u64 = 0x14;

    fn shown(return_address: u64, at_fp_minus_8: u64) -> Option<u64> {
        shown_of(return_address, at_fp_minus_8, BYTECODE)
    }

    fn shown_of(return_address: u64, at_fp_minus_8: u64, bytecode: u64) -> Option<u64> {
        let mut map = CodeMap::empty(None, Some(HEADER));
        for (start, code_type, name) in [
            (BYTECODE, CodeType::Bytecode, "JS:~function /a.js:1:1"),
            (OPTIMIZED, CodeType::Machine, "JS:*caller /a.js:9:1"),
            (BUILTIN, CodeType::Machine, "Builtin:ArrayForEach"),
            (
                TRAMPOLINE,
                CodeType::Machine,
                "Builtin:InterpreterEntryTrampoline",
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
        const FP: u64 = 0x100;
        let called = CallingFrame::at(FP, return_address, |address| match FP - address {
            8 => Some(at_fp_minus_8),
            32 => Some(bytecode - HEADER),
            40 => Some((HEADER + 7) << 32),
            _ => None,
        });
        frame(&called, &map)
    }

    #[test]
    fn compiled_functions_and_builtins_called_by_javascript_are_shown() {
        assert_eq!(shown(OPTIMIZED + 8, CONTEXT), Some(OPTIMIZED + 8));
        assert_eq!(shown(BUILTIN + 8, CONTEXT), Some(BUILTIN + 8));
    }

    #[test]
    fn an_interpreted_function_is_known_by_its_bytecode() {
        assert_eq!(shown(TRAMPOLINE + 8, CONTEXT), Some(BYTECODE + 7));
    }

    #[test]
    fn an_interpreted_function_that_nobody_told_of_is_not_hidden() {
        let elsewhere = BYTECODE + 0x8000;
        assert_eq!(shown_of(TRAMPOLINE + 8, CONTEXT, elsewhere), Some(NOWHERE));
        assert_eq!(shown_of(TRAMPOLINE + 8, MARKER, elsewhere), None);
    }

    #[test]
    fn entries_exits_and_stubs_are_hidden() {
        assert_eq!(shown(BUILTIN + 8, MARKER), None);
    }

    #[test]
    fn code_that_nobody_told_of_is_not_hidden() {
        assert_eq!(shown(0x9000, MARKER), Some(0x9000));
    }
}
