//! One of V8's frames on a copied stack, as V8's own walker would report it.

use super::code_map::{CodeMap, Lookup};
use super::code_name::FunctionKind;
use super::leaf::{bytecode_position, is_interpreter};

/// A frame of V8's code that has called something, by the words of it that say what it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameWords {
    /// Where its callee returns to.
    pub return_address: u64,
    /// `[fp − 8]`: the context of a JavaScript function, else the frame's kind as a small integer (`frame-constants.h`).
    pub at_fp_minus_8: u64,
    /// `[fp − 32]`: an interpreted frame's bytecode array, tagged.
    pub at_fp_minus_32: u64,
    /// `[fp − 40]`: an interpreted frame's bytecode offset as a small integer.
    pub at_fp_minus_40: u64,
}

/// No map knows a function here.
const NOWHERE: u64 = 0;

/// The address by which the frame's function is known to the map, to be looked up as a return address; `None` for a frame
/// that V8 does not report (entries, exits, stubs, builtins without JavaScript's calling convention). A function that
/// cannot be told is not hidden: nothing is known at its address.
pub fn frame(words: &FrameWords, map: &CodeMap) -> Option<u64> {
    const TAG: u64 = 1;
    let Some(code) = map.function_at(words.return_address, Lookup::Return) else {
        return Some(words.return_address);
    };
    let has_context = words.at_fp_minus_8 & TAG == TAG;
    if is_interpreter(code) {
        return bytecode_position(words.at_fp_minus_32, words.at_fp_minus_40, map)
            .or(has_context.then_some(NOWHERE));
    }
    let is_shown = match code.kind {
        FunctionKind::JavaScript | FunctionKind::WebAssembly => true,
        _ => has_context,
    };
    is_shown.then_some(words.return_address)
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
        let words = FrameWords {
            return_address,
            at_fp_minus_8,
            at_fp_minus_32: bytecode - HEADER,
            at_fp_minus_40: (HEADER + 7) << 32,
        };
        frame(&words, &map)
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
