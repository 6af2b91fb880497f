//! Which parts of JavaScript stacks this V8 gives, and in words why not the others.

use super::bytecode_sizes::BytecodeSizes;
use super::events::IsolateLog;
use super::layout::Layout;

/// Which parts of a JavaScript stack are to be had; each `Err` says why not.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Executing lines of interpreted code, and of every other tier that builds on them.
    pub lines: Result<(), &'static str>,
    /// Executing lines of Sparkplug code.
    pub baseline_lines: Result<(), &'static str>,
    /// Inlined functions as frames of their own, and executing lines of optimised code.
    pub inlining: Result<(), &'static str>,
}

impl Features {
    /// What works in this process, after `log` was attached. May read the executable's symbol table: not for
    /// JavaScript threads.
    pub fn of(log: &IsolateLog) -> Features {
        let lines = log.layout_refused().map_or(Ok(()), Err);
        Features {
            lines,
            baseline_lines: lines.and_then(|()| BytecodeSizes::get().map(drop)),
            inlining: lines,
        }
    }

    /// How often a step into V8's heap was given up, by reason.
    pub fn doubts() -> Vec<(&'static str, u64)> {
        Layout::get().map_or_else(|_| Vec::new(), |layout| layout.doubts().collect())
    }
}
