//! Functions of a code map: named when first hit, and each named once.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashSet;

use super::code_event::CodeType;
use super::code_map::{Generated, JsFrame};
use super::code_name::{self, JsFunction};
use super::script::Script;
use crate::source_map::Position;

/// Fewer functions than this are never searched for unused ones.
const PURGE_AT_LEAST: usize = 1024;

/// References to a script that has only a few functions.
const SMALL_SCRIPT: usize = 4;

/// What a piece of code is of. Most code is never hit: its name is taken apart only when it is.
#[derive(Debug)]
pub(super) struct Placed {
    name: Box<[u8]>,
    code_type: CodeType,
    pub(super) script: Option<Arc<Script>>,
    function: OnceLock<Arc<JsFunction>>,
}

impl Placed {
    pub(super) fn new(name: Box<[u8]>, code_type: CodeType, script: Option<Arc<Script>>) -> Placed {
        Placed {
            name,
            code_type,
            script,
            function: OnceLock::new(),
        }
    }

    /// Part of V8 itself: there as long as V8 is.
    pub(super) fn is_permanent(&self) -> bool {
        [&b"Builtin:"[..], b"BytecodeHandler:"]
            .iter()
            .any(|kind| self.name.starts_with(kind))
    }

    /// Of a script with hardly any functions, as `eval` and `new Function` make them, or a regular expression.
    pub(super) fn is_makeshift(&self) -> bool {
        match &self.script {
            Some(script) => Arc::strong_count(script) <= SMALL_SCRIPT,
            None => self.name.starts_with(b"RegExp"),
        }
    }

    pub(super) fn function(&self, functions: &Functions) -> &Arc<JsFunction> {
        self.function.get_or_init(|| {
            let script = self.script.as_ref();
            let name = script.and_then(|script| script.name.as_deref());
            let url = script.and_then(|script| script.source_url.as_deref());
            let function = code_name::function(&self.name, self.code_type, name);
            functions.intern(match url {
                Some(url) => function.in_file(url),
                None => function,
            })
        })
    }

    /// A frame at a place of the script, or at the function's start where that is not known.
    pub(super) fn frame(&self, script_offset: Option<u32>, functions: &Functions) -> JsFrame {
        let line = script_offset
            .zip(self.script.as_ref())
            .map(|(offset, script)| script.line_at(offset))
            .filter(|line| *line != 0);
        JsFrame {
            generated: self.generated(script_offset, functions),
            ..self.frame_on(line, functions)
        }
    }

    /// A frame of code whose place in the script's text is of no use.
    pub(super) fn frame_on(&self, line: Option<u32>, functions: &Functions) -> JsFrame {
        let function = self.function(functions);
        JsFrame {
            function: Arc::clone(function),
            line: line.unwrap_or(function.start_line),
            generated: None,
        }
    }

    /// The place in generated code, where a source map may tell what it was made from.
    fn generated(&self, script_offset: Option<u32>, functions: &Functions) -> Option<Generated> {
        let script = self.script.as_ref()?;
        let map = script.map()?;
        let function = self.function(functions);
        let start = Position {
            line: function.start_line.checked_sub(1 + script.line_offset)?,
            column: function.start_column.checked_sub(1)?,
        };
        let at = script_offset.and_then(|offset| script.position_at(offset));
        Some(Generated {
            map: Arc::clone(map),
            at: at.unwrap_or(start),
            start,
        })
    }
}

/// Every function named so far that something still refers to. All isolates of a process share one: workers run the same
/// functions, and what is known of a function is kept by its one name.
#[derive(Debug, Default)]
pub struct Functions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    functions: FxHashSet<Arc<JsFunction>>,
    purge_at: usize,
}

impl Functions {
    fn intern(&self, function: JsFunction) -> Arc<JsFunction> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = known.functions.get(&function) {
            return Arc::clone(function);
        }
        if known.functions.len() >= known.purge_at {
            known
                .functions
                .retain(|function| Arc::strong_count(function) > 1);
            known.purge_at = (known.functions.len() * 2).max(PURGE_AT_LEAST);
        }
        let function = Arc::new(function);
        known.functions.insert(Arc::clone(&function));
        function
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.lock().unwrap().functions.len()
    }
}
