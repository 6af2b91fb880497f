//! The walk in the handler: frame pointers from the leaf to the root, merged with V8's own frames.
//!
//! Every load is inside `[sp, stack_end)` of the interrupted thread, which is mapped and belongs to it.

use super::record::{Frame, FrameKind, MAX_FRAMES, ROOT_FRAMES};
use crate::return_address::strip_signature;
use crate::v8::{CallingFrame, CodeRanges};

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

/// What V8's own walker says of the stack.
#[derive(Clone, Copy)]
pub(super) enum Reported<'a> {
    /// The frames of `GetStackSample`, nearest first.
    Frames(&'a [u64]),
    /// It does not walk during a collection. The frame by which JavaScript called C++ last, 0 where that is not known.
    Nothing { exit_frame: u64 },
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
/// Each of the frames that V8 reports appears in `out` exactly once, in order, also where the chain of frame pointers
/// does not show it. Where it reports none, every frame of its code comes with what tells its function.
pub(super) fn walk(
    stack: &Stack,
    ranges: &CodeRanges,
    reported: Reported,
    out: &mut [u64; MAX_FRAMES],
) -> Walked {
    let v8_frames = match reported {
        Reported::Frames(frames) => frames,
        Reported::Nothing { .. } => &[],
    };
    let mut pass = Pass::new(stack, ranges, v8_frames, out);
    if let Reported::Nothing { exit_frame } = reported {
        pass.report(exit_frame);
    }
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
    /// Every frame of V8's code is written with what tells its function.
    reports: bool,
    /// The frame by which V8's code was left, as long as the walk has not come by it.
    exit_frame: Option<u64>,
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
            reports: false,
            exit_frame: None,
        }
    }

    /// V8 tells of none of its frames.
    fn report(&mut self, exit_frame: u64) {
        self.reports = true;
        let returns_to_v8 = |(address, _): (u64, u64)| self.ranges.contains(address);
        if self
            .stack
            .frame(exit_frame, self.stack.sp)
            .is_some_and(returns_to_v8)
        {
            self.exit_frame = Some(exit_frame);
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
            let mut frame = self.stack.frame(fp, floor);
            // C++ may use the frame pointer for something else: the chain breaks, or goes on far beyond.
            if let Some(exit_frame) = self.exit_frame
                && (fp >= exit_frame || frame.is_none_or(|(address, _)| address == 0))
            {
                self.exit_frame = None;
                fp = exit_frame;
                floor = exit_frame;
                frame = self.stack.frame(fp, floor);
            }
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
            None if self.reports => self.push_unreported(return_address, fp),
            None => self.sink.push(FrameKind::Internal, return_address),
        }
    }

    fn push_unreported(&mut self, return_address: u64, fp: u64) {
        let called = CallingFrame::at(fp, return_address, |address| self.stack.word(address));
        match (called.has_context, called.position) {
            (false, _) => self.sink.push(FrameKind::Internal, return_address),
            (true, None) => self.sink.push(FrameKind::Unreported, return_address),
            (true, Some(position)) => self.sink.push_pair(
                (FrameKind::Unreported, return_address),
                (FrameKind::Position, position),
            ),
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
    let bytecode = CallingFrame::at(fp, return_address, |address| stack.word(address)).position;
    let end = (next + MAX_SKIP).min(v8_frames.len());
    (next..end).find(|&place| {
        let address = v8_frames[place];
        address == return_address || Some(address) == bytecode
    })
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

/// Words for the leaf side of a stack that is too deep.
const LEAF_SIDE: usize = MAX_FRAMES - ROOT_FRAMES - 1;

impl Sink<'_> {
    /// Two words of one frame. Where a stack is too deep for both, the frame is none that is shown.
    fn push_pair(&mut self, first: (FrameKind, u64), second: (FrameKind, u64)) {
        if self.frames + 1 == LEAF_SIDE {
            self.push(FrameKind::Internal, first.1);
        } else {
            self.push(first.0, first.1);
        }
        self.push(second.0, second.1);
    }

    fn push(&mut self, kind: FrameKind, address: u64) {
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
            self.walk_with(fp, Reported::Frames(v8_frames))
        }
        fn walk_with(&self, fp: u64, reported: Reported) -> (Vec<(FrameKind, u64)>, bool) {
            let stack = Stack {
                sp: self.at(0),
                fp,
                end: self.at(self.words),
            };
            let mut out = [0; MAX_FRAMES];
            let walked = walk(&stack, &ranges(), reported, &mut out);
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

    use FrameKind::{Internal, Native, Position, Truncated, Unreported, V8};

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

    /// An interpreted function's frame at 40, left by the exit frame at 20, and a compiled one's at 60.
    fn collecting() -> Fake {
        let mut stack = Fake::new(100);
        stack.frame(4, 0x1111, Some(20)); // native
        stack.frame(20, V8_CODE + 1, Some(30)); // an exit
        stack.frame(30, V8_CODE + 2, Some(40));
        stack.words()[39] = 0x7001; // context
        stack.words()[36] = 0x5000_0001; // bytecode array
        stack.words()[35] = 77 << 32; // offset
        stack.frame(40, V8_CODE + 3, Some(60));
        stack.words()[59] = 0x7001;
        stack.frame(60, V8_CODE + 4, Some(80));
        stack.words()[79] = 22 << 32; // an entry's kind
        stack.frame(80, 0x3333, None);
        stack
    }

    #[test]
    fn during_a_collection_frames_come_with_what_tells_their_function() {
        let stack = collecting();
        let v8_s = [
            (Internal, V8_CODE + 1),
            (Unreported, V8_CODE + 2),
            (Position, 0x5000_0001 + 77),
            (Unreported, V8_CODE + 3),
            (Internal, V8_CODE + 4),
            (Native, 0x3333),
        ];
        for exit_frame in [
            stack.at(20),
            0,
            stack.at(4),
            stack.at(0) - 64,
            u64::MAX - 7,
            1,
        ] {
            let (frames, broken) = stack.walk_with(stack.at(4), Reported::Nothing { exit_frame });
            assert_eq!(frames[0], (Native, 0x1111));
            assert_eq!(frames[1..], v8_s, "exit frame {exit_frame:#x}");
            assert!(!broken);
        }
        // Nonsense, beyond all of it, and a frame that returns to nothing.
        for fp in [0xdead_beef, 7, stack.at(80), stack.at(10)] {
            let exit_frame = stack.at(20);
            let (frames, _) = stack.walk_with(fp, Reported::Nothing { exit_frame });
            assert_eq!(frames, v8_s, "fp {fp:#x}");
        }
    }

    #[test]
    fn a_deep_stack_keeps_the_two_words_of_a_frame_together() {
        // With one frame of one word before them the pairs fill the leaf side, with two a word is left over.
        for singles in [1, 2] {
            let depth = 400;
            let mut stack = Fake::new(depth * 8 + 16);
            for place in 0..depth {
                let caller = place * 8 + 14;
                stack.frame(caller - 8, V8_CODE + 1, Some(caller));
                stack.words()[caller - 1] = 0x7001;
                if place >= singles {
                    stack.words()[caller - 4] = 0x5000_0001;
                    stack.words()[caller - 5] = (place as u64) << 32;
                }
            }
            stack.frame(depth * 8 + 6, 0x3333, None);
            let exit_frame = stack.at(6);
            let (frames, _) = stack.walk_with(exit_frame, Reported::Nothing { exit_frame });
            let (whole, rest) = frames.split_at(frames.len() - 1 - singles);
            for single in &whole[..singles] {
                assert_eq!(*single, (Unreported, V8_CODE + 1));
            }
            for (place, pair) in whole[singles..].chunks(2).enumerate() {
                let position = 0x5000_0001 + (place + singles) as u64;
                assert_eq!(pair, [(Unreported, V8_CODE + 1), (Position, position)]);
            }
            let left_over = [(Internal, V8_CODE + 1), (Truncated, 0), (Native, 0x3333)];
            assert_eq!(rest, &left_over[2 - singles..]);
        }
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
            let exit_frame = low - 16 + seed % (high - low + 32);
            for reported in [
                Reported::Frames(&v8_frames),
                Reported::Nothing { exit_frame },
            ] {
                let (frames, _) = stack.walk_with(fp, reported);
                assert!(frames.len() <= MAX_FRAMES);
            }
        }
    }
}
