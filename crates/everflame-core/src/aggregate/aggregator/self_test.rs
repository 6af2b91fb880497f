//! The self-test at start: V8's own walker, asked about a thread that certainly runs JavaScript, must find JavaScript
//! functions at addresses that the code map knows.

use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use super::super::compose::Composer;
use super::javascript::Isolates;
use crate::v8::{CodeMap, Features, FunctionKind, Lookup};

/// A stack to resolve.
pub struct SelfTest {
    /// Slot of the thread.
    pub number: usize,
    /// Published length of its code log.
    pub sequence: u64,
    /// V8's frames.
    pub frames: Vec<u64>,
    pub reply: Sender<Result<(), String>>,
}

impl SelfTest {
    /// Answers, and then finds out what works here, which may take reading the executable's symbols.
    pub(super) fn answer(
        self,
        isolates: &mut Isolates,
        composer: &Composer,
        features: &OnceLock<Features>,
    ) {
        let result = match isolates.at_sequence(self.number, self.sequence) {
            Some(javascript) => check(&self.frames, javascript.map, |address| {
                composer.is_native(address)
            }),
            None => Err("the thread is not registered".to_owned()),
        };
        // The one who asked may have stopped waiting, and then takes the test as failed.
        self.reply.send(result).unwrap_or_default();
        if let Some(thread) = isolates.thread(self.number) {
            features.get_or_init(|| Features::of(&thread.log));
        }
    }
}

/// V8's frames also name native functions that JavaScript called.
fn check(frames: &[u64], map: &mut CodeMap, is_native: impl Fn(u64) -> bool) -> Result<(), String> {
    if frames.is_empty() {
        return Err("V8 finds no JavaScript on a thread that runs it".to_owned());
    }
    let mut resolved = Vec::new();
    let unknown = frames
        .iter()
        .filter(|frame| !map.resolve(**frame, Lookup::Return, &mut resolved) && !is_native(**frame))
        .count();
    if unknown > 0 {
        return Err(format!(
            "{unknown} of {} addresses that V8 found belong to no code it has told of",
            frames.len()
        ));
    }
    if !resolved
        .iter()
        .any(|frame| frame.function.kind == FunctionKind::JavaScript)
    {
        return Err("none of the functions that V8 found is JavaScript".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v8::{BuiltinRanges, MemoryRange};

    #[test]
    fn no_frames_and_unknown_frames_fail() {
        let nowhere = MemoryRange {
            start: 0,
            length: 0,
        };
        let mut map = CodeMap::new(&BuiltinRanges {
            embedded: nowhere,
            code_range: nowhere,
        });
        assert!(check(&[], &mut map, |_| false).is_err());
        // The third is native code, which JavaScript called.
        let error = check(&[0x1000, 0x2000, 0x3000], &mut map, |address| {
            address == 0x3000
        })
        .unwrap_err();
        assert!(error.starts_with("2 of 3 addresses"), "{error}");
    }
}
