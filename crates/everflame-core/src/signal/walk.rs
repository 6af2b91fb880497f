//! The walk in the handler: frame pointers from the leaf to the root, merged with V8's own frames.
//!
//! Every load is inside `[sp, stack_end)` of the interrupted thread, which is mapped and belongs to it.

use super::record::{Frame, FrameKind, MAX_FRAMES, ROOT_FRAMES};
use crate::return_address::strip_signature;
use crate::v8::CodeRanges;

/// A frame larger than this is not believed: the chain is broken.
const MAX_FRAME_BYTES: u64 = 256 * 1024;

/// How far up the stack V8's first return address is looked for when the chain breaks above it.
const SCAN_BYTES: u64 = 8 * 1024;

/// Frames of V8 that may be missing from the frame-pointer chain at one place (a callee without its own frame yet).
const MAX_SKIP: usize = 4;

/// Steps after the record is full, to reach the root of a deep recursion.
const MAX_ROOT_STEPS: usize = 16 * 1024;

/// The interrupted thread's stack and registers.
pub(super) struct Stack {
    pub(super) sp: u64,
    pub(super) fp: u64,
    pub(super) end: u64,
}

impl Stack {
    /// The word at `address`, or `None` outside the stack.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        if address < self.sp || address.checked_add(8)? > self.end || !address.is_multiple_of(8) {
            return None;
        }
        // SAFETY: aligned and inside the thread's mapped stack, between its stack pointer and its end.
        Some(unsafe { (address as *const u64).read() })
    }

    /// The frame at `fp`: return address and caller's frame pointer.
    fn frame(&self, fp: u64, floor: u64) -> Option<(u64, u64)> {
        if fp < floor || !fp.is_multiple_of(8) {
            return None;
        }
        let return_address = strip_signature(self.word(fp.checked_add(8)?)?);
        Some((return_address, self.word(fp)?))
    }
}

/// What the walk found.
pub(super) struct Walked {
    pub(super) frames: usize,
    /// Where the stack copy may end: the frame of the first V8 address, or the stack's end.
    pub(super) copy_end: u64,
    pub(super) broken: bool,
}

/// Writes at most [`MAX_FRAMES`] frames to `out`, leaf side first (the leaf itself is not among them).
///
/// `v8_frames` are those of `GetStackSample`; each appears in `out` exactly once, in order, also where the chain of
/// frame pointers does not show it.
pub(super) fn walk(
    stack: &Stack,
    ranges: &CodeRanges,
    v8_frames: &[u64],
    out: &mut [u64; MAX_FRAMES],
) -> Walked {
    let mut pass = Pass::new(stack, ranges, v8_frames, out);
    pass.follow(stack.fp, stack.sp);
    if pass.next < v8_frames.len() {
        // A leaf without a frame pointer can send the chain past JavaScript altogether: start over at V8's word.
        if let Some(found) = resume(stack, v8_frames, 0, stack.sp) {
            pass = Pass::new(stack, ranges, v8_frames, pass.sink.out);
            pass.enter(&found);
            pass.follow(found.fp, found.slot);
        }
    }
    for &address in v8_frames.iter().skip(pass.next) {
        pass.sink.push(FrameKind::V8, address);
    }
    Walked {
        frames: pass.sink.frames,
        copy_end: pass.copy_end,
        broken: pass.broken,
    }
}

struct Pass<'a> {
    stack: &'a Stack,
    ranges: &'a CodeRanges,
    v8_frames: &'a [u64],
    sink: Sink<'a>,
    /// Frames of V8 already placed.
    next: usize,
    copy_end: u64,
    broken: bool,
}

impl<'a> Pass<'a> {
    fn new(
        stack: &'a Stack,
        ranges: &'a CodeRanges,
        v8_frames: &'a [u64],
        out: &'a mut [u64; MAX_FRAMES],
    ) -> Pass<'a> {
        Pass {
            stack,
            ranges,
            v8_frames,
            sink: Sink { out, frames: 0 },
            next: 0,
            copy_end: stack.end,
            broken: false,
        }
    }

    fn enter(&mut self, found: &Resumed) {
        self.sink.push(FrameKind::V8, found.address);
        self.copy_end = self.copy_end.min(found.slot);
        self.next += 1;
    }

    /// Follows the chain from `fp`; no frame below `floor` is believed.
    fn follow(&mut self, mut fp: u64, mut floor: u64) {
        for _ in 0..MAX_FRAMES + MAX_ROOT_STEPS {
            let frame = self.stack.frame(fp, floor);
            let Some((return_address, caller)) = frame else {
                // The chain broke. V8's own frames tell where it goes on.
                match resume(self.stack, self.v8_frames, self.next, floor) {
                    Some(found) => {
                        self.enter(&found);
                        floor = found.slot;
                        fp = found.fp;
                        continue;
                    }
                    None => {
                        self.broken = fp != 0;
                        return;
                    }
                }
            };
            if return_address == 0 {
                return;
            }
            if self.ranges.contains(return_address) {
                self.copy_end = self.copy_end.min(fp);
                self.place(return_address, caller);
            } else {
                self.sink.push(FrameKind::Native, return_address);
            }
            floor = fp + 16;
            // A frame pointer that does not rise, or rises too far, fails the bounds check of the next turn.
            fp = if caller > fp && caller - fp > MAX_FRAME_BYTES {
                1
            } else {
                caller
            };
        }
        self.broken = true;
    }

    /// A return address in V8's code: the next frame of V8, or one that V8 does not report.
    fn place(&mut self, return_address: u64, fp: u64) {
        match find_frame(self.stack, self.v8_frames, self.next, return_address, fp) {
            Some(found) => {
                for place in self.next..=found {
                    self.sink.push(FrameKind::V8, self.v8_frames[place]);
                }
                self.next = found + 1;
            }
            None => self.sink.push(FrameKind::Internal, return_address),
        }
    }
}

/// Which of V8's next frames a physical frame is: equal return address, or (interpreted) the bytecode position that
/// V8 computes from the frame's own slots.
fn find_frame(
    stack: &Stack,
    v8_frames: &[u64],
    next: usize,
    return_address: u64,
    fp: u64,
) -> Option<usize> {
    let bytecode = bytecode_position(stack, fp);
    let end = (next + MAX_SKIP).min(v8_frames.len());
    (next..end).find(|&place| {
        let address = v8_frames[place];
        address == return_address || Some(address) == bytecode
    })
}

/// `[fp-32]` is the tagged bytecode array, `[fp-40]` the offset as an SMI (v8dbg `off_fp_bytecode_array`,
/// `off_fp_bytecode_offset`).
fn bytecode_position(stack: &Stack, fp: u64) -> Option<u64> {
    let array = stack.word(fp.checked_sub(32)?)?;
    let offset = stack.word(fp.checked_sub(40)?)?;
    array.checked_add(offset >> 32)
}

/// Where the walk goes on after a break.
struct Resumed {
    /// V8's frame that was found.
    address: u64,
    /// Its place on the stack.
    slot: u64,
    /// Its frame pointer.
    fp: u64,
}

/// Looks for V8's next frame in the top of the stack: the slot with its return address (the word below it is the
/// frame pointer it returns to), or, for an interpreted frame, the two slots that make up its bytecode position.
fn resume(stack: &Stack, v8_frames: &[u64], next: usize, floor: u64) -> Option<Resumed> {
    let address = *v8_frames.get(next)?;
    let start = floor.max(stack.sp).next_multiple_of(8);
    let end = stack.end.min(start.saturating_add(SCAN_BYTES));
    let mut slot = start + 8;
    while slot + 8 <= end {
        let word = stack.word(slot)?;
        let below = stack.word(slot - 8)?;
        if strip_signature(word) == address && below > slot && below < stack.end {
            return Some(Resumed {
                address,
                slot,
                fp: below,
            });
        }
        if word < address
            && address - word < MAX_BYTECODE_BYTES
            && word.checked_add(below >> 32) == Some(address)
        {
            // `slot` is [fp-32], the word below it [fp-40].
            return Some(Resumed {
                address,
                slot,
                fp: slot + 32,
            });
        }
        slot += 8;
    }
    None
}

/// Bytecode of one function larger than this does not occur (V8 refuses far earlier).
const MAX_BYTECODE_BYTES: u64 = 16 * 1024 * 1024;

struct Sink<'a> {
    out: &'a mut [u64; MAX_FRAMES],
    frames: usize,
}

impl Sink<'_> {
    fn push(&mut self, kind: FrameKind, address: u64) {
        const LEAF_SIDE: usize = MAX_FRAMES - ROOT_FRAMES - 1;
        if self.frames < LEAF_SIDE {
            self.out[self.frames] = Frame::new(kind, address).word();
            self.frames += 1;
            return;
        }
        // Too deep: one mark, then a window over the last native frames, which are the thread's root in the end.
        if self.frames == LEAF_SIDE {
            self.out[LEAF_SIDE] = Frame::new(FrameKind::Truncated, 0).word();
            self.frames += 1;
        }
        if kind != FrameKind::Native {
            return;
        }
        if self.frames < MAX_FRAMES {
            self.out[self.frames] = Frame::new(kind, address).word();
            self.frames += 1;
        } else {
            self.out
                .copy_within(LEAF_SIDE + 2..MAX_FRAMES, LEAF_SIDE + 1);
            self.out[MAX_FRAMES - 1] = Frame::new(kind, address).word();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V8_CODE: u64 = 0x10_0000;

    fn ranges() -> CodeRanges {
        CodeRanges::from_ranges(&[(V8_CODE, 0x1000)])
    }

    fn page() -> usize {
        // SAFETY: a constant of the system.
        unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
    }

    /// A stack made of words; addresses inside it are given as indices. A page that cannot be read follows it, and one
    /// comes before its first page, so that a load beyond either faults.
    struct Fake {
        mapping: *mut u8,
        bytes: usize,
        words: usize,
    }

    impl Fake {
        fn new(words: usize) -> Fake {
            let inside = (words * 8).next_multiple_of(page());
            let bytes = page() + inside + page();
            // SAFETY: a new mapping that nobody else knows; of it only the pages between the guards are made usable.
            let mapping = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let mapping =
                    libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0);
                assert_ne!(mapping, libc::MAP_FAILED);
                let usable = libc::PROT_READ | libc::PROT_WRITE;
                assert_eq!(libc::mprotect(mapping.byte_add(page()), inside, usable), 0);
                mapping.cast::<u8>()
            };
            Fake {
                mapping,
                bytes,
                words,
            }
        }
        /// Its words end where the guard begins.
        fn words(&mut self) -> &mut [u64] {
            // SAFETY: aligned, inside the usable pages, and borrowed for as long as the words are.
            unsafe { std::slice::from_raw_parts_mut(self.at(0) as *mut u64, self.words) }
        }
        fn at(&self, index: usize) -> u64 {
            (self.mapping as usize + self.bytes - page() - self.words * 8 + index * 8) as u64
        }
        /// A frame whose saved frame pointer is at `index`: returns to `address`, caller's frame at `caller`.
        fn frame(&mut self, index: usize, address: u64, caller: Option<usize>) {
            let caller = caller.map_or(0, |caller| self.at(caller));
            self.words()[index..index + 2].copy_from_slice(&[caller, address]);
        }
        fn walk(&self, fp: u64, v8_frames: &[u64]) -> (Vec<(FrameKind, u64)>, bool) {
            let stack = Stack {
                sp: self.at(0),
                fp,
                end: self.at(self.words),
            };
            let mut out = [0; MAX_FRAMES];
            let walked = walk(&stack, &ranges(), v8_frames, &mut out);
            let frames = out[..walked.frames]
                .iter()
                .map(|word| {
                    let frame = Frame::from_word(*word);
                    (frame.kind(), frame.address())
                })
                .collect();
            (frames, walked.broken)
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            // SAFETY: unmaps what `new` mapped; addresses made from it are numbers.
            unsafe { libc::munmap(self.mapping.cast(), self.bytes) };
        }
    }

    use FrameKind::{Internal, Native, Truncated, V8};

    #[test]
    fn layers_come_in_their_true_order() {
        let mut stack = Fake::new(64);
        stack.frame(4, 0x1111, Some(8)); // native above
        stack.frame(8, V8_CODE + 1, Some(12)); // JavaScript
        stack.frame(12, V8_CODE + 2, Some(16)); // a stub that V8 does not report
        stack.frame(16, 0x2222, Some(20)); // native between
        stack.frame(20, V8_CODE + 3, Some(24)); // JavaScript
        stack.frame(24, 0x3333, None); // root
        let (frames, broken) = stack.walk(stack.at(4), &[V8_CODE + 1, V8_CODE + 3]);
        assert_eq!(
            frames,
            [
                (Native, 0x1111),
                (V8, V8_CODE + 1),
                (Internal, V8_CODE + 2),
                (Native, 0x2222),
                (V8, V8_CODE + 3),
                (Native, 0x3333)
            ]
        );
        assert!(!broken);
    }

    #[test]
    fn an_interpreted_frame_is_known_by_its_bytecode_position() {
        let mut stack = Fake::new(64);
        let array = 0x5000_0001;
        stack.frame(4, V8_CODE + 9, Some(20));
        stack.words()[16] = array; // [fp-32] of the frame at 20
        stack.words()[15] = 77 << 32; // [fp-40]
        stack.frame(20, 0x3333, None);
        let (frames, _) = stack.walk(stack.at(4), &[array + 77]);
        assert_eq!(frames, [(V8, array + 77), (Native, 0x3333)]);
    }

    #[test]
    fn a_lost_frame_pointer_is_found_again_at_v8s_return_address() {
        let mut stack = Fake::new(128);
        stack.frame(40, V8_CODE + 1, Some(60));
        stack.frame(60, 0x3333, None);
        // The leaf uses the frame pointer as an ordinary register: nonsense, and a value that jumps past JavaScript.
        for fp in [0xdead_beef, 7, stack.at(60)] {
            let (frames, _) = stack.walk(fp, &[V8_CODE + 1]);
            assert_eq!(frames, [(V8, V8_CODE + 1), (Native, 0x3333)], "fp {fp:#x}");
        }
    }

    #[test]
    fn every_v8_frame_appears_once_whatever_the_chain_says() {
        let mut stack = Fake::new(64);
        stack.frame(4, V8_CODE + 2, Some(8));
        stack.frame(8, 0x3333, None);
        let v8 = [V8_CODE + 1, V8_CODE + 2, V8_CODE + 5];
        let (frames, _) = stack.walk(stack.at(4), &v8);
        let seen: Vec<u64> = frames
            .iter()
            .filter(|(kind, _)| *kind == V8)
            .map(|(_, address)| *address)
            .collect();
        assert_eq!(seen, v8);
    }

    #[test]
    fn a_deep_stack_keeps_its_leaf_and_its_root() {
        let depth = 3_000;
        let mut stack = Fake::new(depth * 2 + 8);
        for place in 0..depth {
            let caller = (place + 1 < depth).then_some((place + 1) * 2);
            stack.frame(place * 2, 0x1000 + place as u64, caller);
        }
        let (frames, broken) = stack.walk(stack.at(0), &[]);
        assert_eq!(frames.len(), MAX_FRAMES);
        assert_eq!(frames[0], (Native, 0x1000));
        assert_eq!(frames[MAX_FRAMES - ROOT_FRAMES - 1].0, Truncated);
        assert_eq!(frames[MAX_FRAMES - 1], (Native, 0x1000 + depth as u64 - 1));
        assert!(!broken);
    }

    #[test]
    fn garbage_never_leaves_the_stack() {
        // Whole pages, so that there is a guard right below the stack pointer too.
        let words = page() / 8;
        let mut stack = Fake::new(words);
        let (low, high) = (stack.at(0), stack.at(words));
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        for round in 0..2_000 {
            for index in 0..words {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let number = seed >> 8;
                stack.words()[index] = match seed % 8 {
                    0..=2 => low + number % words as u64 * 8,
                    // The last word, the end and what lies around it; the same below the first.
                    3 => high - 16 + number % 32,
                    4 => low - 16 + number % 32,
                    5 => V8_CODE + number % 0x1000,
                    _ => seed,
                };
            }
            let fp = match round % 4 {
                0 => high - 16 + seed % 32,
                1 => low - 16 + seed % 32,
                _ => stack.at(round % words),
            };
            let v8_frames = [V8_CODE + seed % 0x1000, seed];
            let (frames, _) = stack.walk(fp, &v8_frames);
            assert!(frames.len() <= MAX_FRAMES);
        }
    }
}
