//! The fixed layout of one sample in a ring: header, frames, copy of the top of the stack.

/// Most frames one record holds. Deeper stacks keep the leaf side and the native root side around one
/// [`FrameKind::Truncated`].
pub const MAX_FRAMES: usize = 512;

/// Frames kept from the root side of a stack that is too deep.
pub(super) const ROOT_FRAMES: usize = 24;

/// Bytes of stack copied for unwinding by table. Native code above the first JavaScript frame, or a pool thread's
/// whole stack, is seldom deeper; beyond it the frame-pointer walk has the word.
pub(super) const STACK_COPY: usize = 8 * 1024;

/// Bytes copied where the walk found no frame-pointer chain: the tables are all there is then. libuv's event loop keeps
/// 16 KB of events on its stack and waits in a C library that uses the frame pointer for something else.
pub(super) const LONG_STACK_COPY: usize = 24 * 1024;

/// Room that every record needs before the walk.
pub const MAX_RECORD: usize = size_of::<Header>() + MAX_FRAMES * 8 + STACK_COPY;

/// Upper bound of one record.
pub(super) const LONGEST_RECORD: usize = MAX_RECORD - STACK_COPY + LONG_STACK_COPY;

/// Record kinds.
pub mod kind {
    /// A sample taken in the handler.
    pub const SAMPLE: u16 = 1;
    /// Fills the end of the ring; skipped by the consumer.
    pub const PADDING: u16 = 2;
    /// The thread's clock at `time`, when its isolate goes away.
    pub const CLOCK: u16 = 3;
}

/// Record flags.
pub mod flags {
    /// The thread was in a system call, not on a CPU.
    pub const ASLEEP: u16 = 1;
    /// `wait_sp`, `wait_pc` name the place where the observer found the thread asleep.
    pub const KEYED: u16 = 2;
    /// V8 reported at least one JavaScript frame.
    pub const JAVASCRIPT: u16 = 4;
    /// The interrupted code is V8's (JavaScript, builtin, regular expression, WebAssembly).
    pub const LEAF_IN_V8: u16 = 8;
    /// The chain of frame pointers broke before the thread's root.
    pub const BROKEN: u16 = 16;
}

/// The header of a record. Registers are those of the interrupted thread.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Header {
    /// Bytes of the whole record, header included; a multiple of 8.
    pub size: u32,
    pub kind: u16,
    pub flags: u16,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub time: u64,
    /// CPU time of the thread since its start, nanoseconds.
    pub cpu: u64,
    /// Code events that V8 had published for this isolate at that instant.
    pub sequence: u64,
    pub pc: u64,
    pub sp: u64,
    pub fp: u64,
    pub lr: u64,
    /// `[sp]`, `[fp-32]`, `[fp-40]`, or 0 where that is not on the stack: they repair the leaf (`v8::leaf`).
    pub at_sp: u64,
    pub at_fp_minus_32: u64,
    pub at_fp_minus_40: u64,
    /// The register that holds the bytecode's offset while the interpreter runs.
    pub bytecode_offset: u64,
    /// The C++ callback that JavaScript called, or 0.
    pub callback: u64,
    /// Address of the first byte of the stack copy.
    pub copy_start: u64,
    pub wait_sp: u64,
    pub wait_pc: u64,
    /// Sampling intervals that this record stands for.
    pub weight: u32,
    pub stack_bytes: u32,
    pub vm_state: u16,
    pub frames: u16,
}

/// Where a frame's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// A return address outside V8's code.
    Native,
    /// A frame of `GetStackSample`: a return address in V8's code, or a bytecode position.
    V8,
    /// A return address in V8's code that `GetStackSample` does not report (entry stubs, trampolines).
    Internal,
    /// As `Internal`, of a frame that holds a context, as a JavaScript function's does, where V8 did not walk.
    Unreported,
    /// The bytecode position of the `Unreported` frame before it, if that is an interpreted one.
    Position,
    /// Frames were left out here.
    Truncated,
}

/// One frame: 56 bits of address and a kind. User addresses have at most 56 bits on x86-64 and arm64.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(u64);

impl Frame {
    const SHIFT: u32 = 56;

    pub fn new(kind: FrameKind, address: u64) -> Frame {
        Frame((kind as u64) << Self::SHIFT | (address & ((1 << Self::SHIFT) - 1)))
    }

    pub fn from_word(word: u64) -> Frame {
        Frame(word)
    }

    pub fn word(self) -> u64 {
        self.0
    }

    pub fn address(self) -> u64 {
        self.0 & ((1 << Self::SHIFT) - 1)
    }

    pub fn kind(self) -> FrameKind {
        match self.0 >> Self::SHIFT {
            0 => FrameKind::Native,
            1 => FrameKind::V8,
            2 => FrameKind::Internal,
            3 => FrameKind::Unreported,
            4 => FrameKind::Position,
            _ => FrameKind::Truncated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_address_and_kind() {
        for kind in [
            FrameKind::Native,
            FrameKind::V8,
            FrameKind::Internal,
            FrameKind::Unreported,
            FrameKind::Position,
            FrameKind::Truncated,
        ] {
            for address in [0, 1, 0x7fff_ffff_ffff, (1 << 56) - 1] {
                let frame = Frame::from_word(Frame::new(kind, address).word());
                assert_eq!((frame.kind(), frame.address()), (kind, address));
            }
        }
    }

    #[test]
    fn records_stay_aligned() {
        assert_eq!(size_of::<Header>() % 8, 0);
        assert_eq!(MAX_RECORD % 8, 0);
    }
}
