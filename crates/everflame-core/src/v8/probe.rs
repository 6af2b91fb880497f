//! The self-test: does a sample of known code resolve to that code? And what could not be had, in words.

use super::bytecode_sizes::BytecodeSizes;
use super::code_map::{CodeMap, JsFrame};
use super::events::IsolateLog;
use super::layout::Layout;
use super::leaf::{LeafWords, leaf};

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

/// A sample of code that is known to run, for the self-test at start.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    pub words: LeafWords,
    pub frames: &'a [u64],
}

/// Why the self-test failed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// V8 gave no frames of a thread that certainly runs JavaScript.
    #[error("V8 reported no JavaScript frames of a thread that runs JavaScript")]
    NoFrames,
    /// The function that runs is not on the stack.
    #[error("the function {expected} runs, but the stack shows {found}")]
    NotFound { expected: String, found: String },
    /// It is, at a line it does not have.
    #[error(
        "the function {expected} runs on lines {first} to {last}, but the stack shows line {found}"
    )]
    WrongLine {
        expected: String,
        first: u32,
        last: u32,
        found: u32,
    },
}

impl Probe<'_> {
    /// Checks that `function`, which was running when the sample was taken, is on the stack. `lines`, if known, are
    /// the lines it has. `map` stands at the sample's sequence.
    ///
    /// # Errors
    /// Says what was found instead.
    pub fn check(
        &self,
        map: &mut CodeMap,
        function: &str,
        lines: Option<std::ops::RangeInclusive<u32>>,
    ) -> Result<(), ProbeError> {
        let frames = self.frames(map);
        if frames.is_empty() {
            return Err(ProbeError::NoFrames);
        }
        let Some(frame) = frames
            .iter()
            .find(|frame| &*frame.function.name == function)
        else {
            let names: Vec<&str> = frames.iter().map(|frame| &*frame.function.name).collect();
            return Err(ProbeError::NotFound {
                expected: function.to_owned(),
                found: names.join(" < "),
            });
        };
        match lines {
            Some(lines) if !lines.contains(&frame.line) => Err(ProbeError::WrongLine {
                expected: function.to_owned(),
                first: *lines.start(),
                last: *lines.end(),
                found: frame.line,
            }),
            _ => Ok(()),
        }
    }

    fn frames(&self, map: &mut CodeMap) -> Vec<JsFrame> {
        let mut addresses = Vec::new();
        leaf(&self.words, self.frames, map).above(self.frames, &mut addresses);
        let mut frames = Vec::new();
        for address in addresses {
            map.resolve(address.address, address.lookup, &mut frames);
        }
        frames
    }
}
