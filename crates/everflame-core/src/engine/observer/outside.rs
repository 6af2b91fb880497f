//! Reads the stacks of threads that sleep where the program would see a signal. A sleeping thread's stack stands still in
//! this process's own memory.

use std::sync::Arc;

use super::descriptors::Descriptors;
use super::stacks::Stacks;
use crate::engine::place;
use crate::engine::report::SleepingStack;
use crate::native::Memory;
use crate::signal::{Slot, WaitKey};
use crate::v8::exit_frame_address;

/// Bytes of a stack that are read: about as many frames as a sample has (128 to 160 bytes a JavaScript frame).
const LONGEST: usize = 64 * 1024;

/// Bytes read where the stack's end is not known: libuv's event loop alone has 16 KB.
const WITHOUT_BOUNDS: usize = 32 * 1024;

/// The field of `/proc/self/stat` that tells where the main thread's stack began (proc(5), `startstack`).
const START_OF_STACK: usize = 28;

/// By the number of a slot: how much of its isolate's log of code is published.
pub type Sequence = Arc<dyn Fn(usize) -> Option<u64> + Send + Sync>;

/// What is read of threads without asking them.
pub(super) struct Outside {
    pub(super) stacks: Stacks,
    sequence: Sequence,
    /// Kept open where there are descriptors to spare.
    memory: Option<Memory>,
    buffer: Vec<u8>,
    /// Where the main thread's stack began; arguments and environment lie above. 0 where the kernel does not tell.
    main_start: u64,
}

impl Outside {
    pub(super) fn new(sequence: Sequence, descriptors: &mut Descriptors) -> Outside {
        let memory = Memory::open().filter(|_| descriptors.keep());
        Outside {
            stacks: Stacks::default(),
            sequence,
            memory,
            buffer: vec![0; LONGEST],
            main_start: place::stat("/proc/self/stat", START_OF_STACK).unwrap_or(0),
        }
    }

    /// What lies above the place where a thread sleeps, to be believed only if it sleeps there still. `None` where memory
    /// cannot be read.
    pub(super) fn read(
        &mut self,
        key: WaitKey,
        number: usize,
        slot: &Slot,
    ) -> Option<SleepingStack> {
        let opened;
        let memory = match &self.memory {
            Some(memory) => memory,
            None => {
                opened = Memory::open()?;
                &opened
            }
        };
        let isolate = slot.isolate();
        let (sequence, exit_frame) = if isolate.is_null() {
            (None, 0)
        } else {
            let exit_frame = exit_frame_address(isolate).and_then(|address| memory.word(address));
            // Of the moment of the copy: while the thread sleeps, V8 neither makes nor moves code of its isolate.
            ((self.sequence)(number), exit_frame.unwrap_or(0))
        };
        let room = match slot.stack_above(key.sp) {
            0 => WITHOUT_BOUNDS,
            bytes => LONGEST.min(usize::try_from(bytes).unwrap_or(LONGEST)),
        };
        let room = match self.main_start.checked_sub(key.sp) {
            Some(bytes) => room.min(usize::try_from(bytes).unwrap_or(room)),
            None => room,
        };
        let copied = memory.read(key.sp, &mut self.buffer[..room]);
        (copied > 0).then(|| SleepingStack {
            key,
            sequence,
            exit_frame,
            bytes: self.buffer[..copied].into(),
        })
    }
}
