//! Where V8 keeps the frame by which JavaScript last called C++: from there a sleeping thread's JavaScript can be followed
//! by frame pointers, also where the C++ above it does not tell where its own frames are.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::entry::Isolate;
use super::super::ranges::CodeRanges;
use crate::native::Memory;
use crate::return_address::strip_signature;

/// Bytes of an isolate that are searched. The words that compiled code writes (`IsolateData`) come first in it.
const SEARCHED: usize = 4096;

/// The JavaScript stack of the thread that is asked is not longer.
const LONGEST_STACK: u64 = 64 << 20;

/// Frames of V8 among which the exit frame's caller must be: the first may be the native function that was called.
const NEAREST: usize = 2;

/// From an isolate's address; 0 where it was not found.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// The address of the word that holds an isolate's latest exit frame: its frame pointer while JavaScript waits for C++, 0
/// while there is no JavaScript on the stack or it runs itself. `None` where this V8 keeps it somewhere unknown.
pub fn exit_frame_address(isolate: *mut c_void) -> Option<u64> {
    match OFFSET.load(Ordering::Relaxed) {
        0 => None,
        offset => Some(isolate as u64 + offset),
    }
}

/// Finds the word on a thread whose JavaScript has just called, from what V8's own walker says of that moment: the one
/// word of the isolate that points to a frame above `sp` which returns to the first of V8's `frames`.
pub(in super::super) fn learn_exit_frame(
    isolate: Isolate,
    sp: u64,
    frames: &[u64],
    ranges: &CodeRanges,
) {
    let Some(memory) = Memory::open() else { return };
    let mut bytes = vec![0; SEARCHED];
    let length = memory.read(isolate as u64, &mut bytes);
    let words: Vec<u64> = bytes[..length]
        .chunks_exact(8)
        .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()))
        .collect();
    let nearest = &frames[..frames.len().min(NEAREST)];
    if let Some(place) = find(&words, sp, nearest, ranges, |address| memory.word(address)) {
        OFFSET.store(place as u64 * 8, Ordering::Relaxed);
    }
}

/// The index of the only word that can be meant.
fn find(
    words: &[u64],
    sp: u64,
    nearest: &[u64],
    ranges: &CodeRanges,
    word: impl Fn(u64) -> Option<u64>,
) -> Option<usize> {
    let is_exit_frame = |fp: u64| {
        let (Some(caller), Some(return_address)) = (word(fp), word(fp + 8)) else {
            return false;
        };
        let return_address = strip_signature(return_address);
        let interpreted = || {
            let array = word(caller.checked_sub(32)?)?;
            array.checked_add(word(caller.checked_sub(40)?)? >> 32)
        };
        caller > fp
            && ranges.contains(return_address)
            && (nearest.contains(&return_address)
                || interpreted().is_some_and(|position| nearest.contains(&position)))
    };
    let mut found = words.iter().enumerate().filter(|(_, fp)| {
        fp.is_multiple_of(8)
            && (sp..sp.saturating_add(LONGEST_STACK)).contains(fp)
            && is_exit_frame(**fp)
    });
    let (place, _) = found.next()?;
    found.next().is_none().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: u64 = 0x9000;
    const STACK: u64 = 0x1000;

    /// A stack on which the frame at 0x1020 returns to `return_address` and into the frame at 0x1080.
    fn word(return_address: u64) -> impl Fn(u64) -> Option<u64> {
        move |address| match address {
            0x1020 => Some(0x1080),
            0x1028 => Some(return_address),
            // The interpreter's frame: bytecode array and offset.
            0x1060 => Some(0x5_0001),
            0x1058 => Some(7 << 32),
            STACK..0x1100 => Some(0x1020),
            _ => None,
        }
    }

    fn found(words: &[u64], nearest: &[u64]) -> Option<usize> {
        let ranges = CodeRanges::from_ranges(&[(CODE, 0x100)]);
        find(words, STACK, nearest, &ranges, word(CODE + 8))
    }

    #[test]
    fn the_exit_frame_returns_to_what_v8_found_first() {
        let words = [0, 0x1000, 0x1021, 0x1020, 0x7fff_0000, u64::MAX];
        assert_eq!(found(&words, &[CODE + 8]), Some(3));
        assert_eq!(found(&words, &[0x5_0008]), Some(3), "interpreted");
        assert_eq!(found(&words, &[0x1, CODE + 8]), Some(3), "behind a native");
        assert_eq!(found(&words, &[CODE + 9]), None);
        assert_eq!(found(&words, &[]), None);
    }

    #[test]
    fn two_words_that_could_be_meant_are_none() {
        assert_eq!(found(&[0x1020, 0, 0x1020], &[CODE + 8]), None);
        assert_eq!(found(&[0, 0x40], &[CODE + 8]), None);
    }
}
