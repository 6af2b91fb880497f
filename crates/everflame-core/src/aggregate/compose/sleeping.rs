//! Stacks of sleeping threads, from their memory alone: the kernel tells where a thread sleeps, and no other register.

mod frame_pointer;

use std::sync::atomic::Ordering;

use super::{Composer, JavaScript, count};
use crate::aggregate::tables::{StackId, Tables};
use crate::engine::{SleepingStack, is_asleep_at};
use crate::native::{Lookup, Registers, StackCopy, UnwindEnd, UnwoundFrame, read_memory};
use crate::return_address::strip_signature;
use crate::signal::{COUNTERS, WaitKey};
use crate::v8::{CallingFrame, CodeRanges, frame};
use frame_pointer::frame_pointers;

/// Bytes of a stack that are read of a thread that answers no signals: libuv's event loop alone has 16 KB.
const LONGEST_SLEEPING_STACK: usize = 32 * 1024;

/// The kernel does not tell the frame pointer. No stack lies at 1, while 0 would be the end of a chain.
const UNKNOWN: u64 = 1;

/// Changes between native code and JavaScript in one stack, and frames of either between two of them: more is garbage.
const MOST_LAYERS: usize = 512;
const MOST_FRAMES: usize = 4096;

impl Composer {
    /// The stack of a thread that answers no signals, read from its memory while it sleeps at `key`. Where that cannot be
    /// followed to the thread's root, what is missing is `(signals blocked)`.
    pub(in super::super) fn sleeping_stack(
        &mut self,
        tables: &mut Tables,
        tid: i32,
        key: WaitKey,
    ) -> StackId {
        self.stack.clear();
        self.push_native(tables, key.pc, Lookup::Return);
        let bytes = read_memory(key.sp, LONGEST_SLEEPING_STACK);
        let copy = StackCopy {
            sp: key.sp,
            bytes: &bytes,
        };
        let mut unwound = std::mem::take(&mut self.unwound);
        let end = self.unwind_from_call(key, &copy, &CodeRanges::empty(), None, &mut unwound);
        // What was copied belongs to this place only if the thread has not left it meanwhile.
        let stayed = is_asleep_at(tid, key);
        if stayed {
            self.push_unwound(tables, &unwound);
        }
        if !stayed || end != UnwindEnd::Root {
            self.stack.push(tables.synthetic("(signals blocked)"));
        }
        self.unwound = unwound;
        self.finish(tables)
    }

    /// The stack that the observer has read of a sleeping thread.
    pub(in super::super) fn read_stack(
        &mut self,
        tables: &mut Tables,
        read: &SleepingStack,
        mut javascript: Option<JavaScript>,
    ) -> StackId {
        self.stack.clear();
        self.push_native(tables, read.key.pc, Lookup::Return);
        let copy = StackCopy {
            sp: read.key.sp,
            bytes: &read.bytes,
        };
        let ranges = javascript
            .as_ref()
            .map_or(CodeRanges::empty(), |javascript| javascript.ranges);
        let exit_frame = Some(read.exit_frame)
            .filter(|fp| caller(&copy, *fp).is_some_and(|caller| ranges.contains(caller.pc)));
        let mut unwound = std::mem::take(&mut self.unwound);
        let mut end = self.unwind_from_call(read.key, &copy, &ranges, exit_frame, &mut unwound);
        self.push_unwound(tables, &unwound);
        match (&mut end, exit_frame) {
            (UnwindEnd::EnteredV8 { regs }, Some(fp)) => regs.fp = fp,
            (UnwindEnd::Root | UnwindEnd::EnteredV8 { .. }, _) | (_, None) => {}
            (_, Some(fp)) => {
                // What lies between the call and JavaScript is lost, and JavaScript is not.
                self.push_gap();
                if let Some(regs) = caller(&copy, fp) {
                    end = UnwindEnd::EnteredV8 { regs };
                }
            }
        }
        for _ in 0..MOST_LAYERS {
            let (UnwindEnd::EnteredV8 { regs }, Some(javascript)) = (&end, &mut javascript) else {
                break;
            };
            let regs = match self.push_v8(tables, javascript, &copy, *regs) {
                Ok(regs) => regs,
                Err(failed) => {
                    end = failed;
                    break;
                }
            };
            self.push_native(tables, regs.pc, Lookup::Return);
            end = self.unwind_native(regs, &copy, &ranges, &mut unwound);
            self.push_unwound(tables, &unwound);
        }
        self.unwound = unwound;
        match end {
            UnwindEnd::Root => {}
            UnwindEnd::CopyExhausted { .. } => self.stack.push(self.synthetic.truncated),
            _ if self.reached_root(tables) => {}
            _ => {
                COUNTERS.stacks_broken.fetch_add(1, Ordering::Relaxed);
                self.push_gap();
            }
        }
        if let Some(javascript) = javascript {
            count(&javascript.map.take_counters());
        }
        self.finish(tables)
    }

    /// Native frames are missing here.
    fn push_gap(&mut self) {
        if self.native_frames {
            self.push_unknown();
        }
    }

    fn push_unwound(&mut self, tables: &mut Tables, unwound: &[UnwoundFrame]) {
        for frame in unwound {
            self.push_native(tables, frame.return_address, Lookup::Return);
        }
    }

    /// The native frames above a system call. Where the tables need the frame pointer, which nobody tells, it is looked for
    /// on the stack: the right one leads to the thread's root, or to V8's `exit_frame`.
    fn unwind_from_call(
        &mut self,
        key: WaitKey,
        copy: &StackCopy,
        ranges: &CodeRanges,
        exit_frame: Option<u64>,
        unwound: &mut Vec<UnwoundFrame>,
    ) -> UnwindEnd {
        unwound.clear();
        let is_v8 = |address: u64| ranges.contains(address);
        let registers = Registers {
            pc: key.pc,
            sp: key.sp,
            fp: UNKNOWN,
            lr: UNKNOWN,
        };
        let end = self
            .unwinder
            .unwind(&self.modules, registers, copy, &is_v8, unwound);
        let UnwindEnd::Failed { regs, .. } = end else {
            return end;
        };
        if regs.fp != UNKNOWN {
            return end;
        }
        let kept = unwound.len();
        for fp in frame_pointers(&mut self.unwinder, &self.modules, &regs, copy, ranges) {
            let registers = Registers { fp, ..regs };
            let end =
                self.unwinder
                    .unwind_from_caller(&self.modules, registers, copy, &is_v8, unwound);
            match (&end, exit_frame) {
                (UnwindEnd::EnteredV8 { regs }, Some(exit)) if regs.fp == exit => return end,
                (UnwindEnd::Root, None) => return end,
                _ => unwound.truncate(kept),
            }
        }
        end
    }

    /// The native frames above one that waits for JavaScript to return: by tables, and by frame pointers where there is no
    /// table.
    fn unwind_native(
        &mut self,
        mut regs: Registers,
        copy: &StackCopy,
        ranges: &CodeRanges,
        unwound: &mut Vec<UnwoundFrame>,
    ) -> UnwindEnd {
        unwound.clear();
        let is_v8 = |address: u64| ranges.contains(address);
        loop {
            let end = self
                .unwinder
                .unwind_from_caller(&self.modules, regs, copy, &is_v8, unwound);
            let UnwindEnd::Failed { regs: failed, .. } = end else {
                return end;
            };
            let known = |regs: &Registers| self.modules.find(regs.pc).is_some() || is_v8(regs.pc);
            let Some(next) = caller(copy, failed.fp)
                .filter(|next| next.sp > failed.sp && known(next) && unwound.len() < MOST_FRAMES)
            else {
                return end;
            };
            regs = next;
            if is_v8(regs.pc) {
                return UnwindEnd::EnteredV8 { regs };
            }
            unwound.push(UnwoundFrame {
                return_address: regs.pc,
                sp: regs.sp,
                fp: regs.fp,
            });
        }
    }

    /// V8's frames from the one at `regs` on, by frame pointers, which all of V8's code keeps. Returns the registers of the
    /// native code that called the last of them, or where the chain ends.
    fn push_v8(
        &mut self,
        tables: &mut Tables,
        javascript: &mut JavaScript,
        copy: &StackCopy,
        mut regs: Registers,
    ) -> Result<Registers, UnwindEnd> {
        let ranges = javascript.ranges;
        for _ in 0..MOST_FRAMES {
            let called = CallingFrame::at(regs.fp, regs.pc, |address| copy.read(address));
            if let Some(address) = frame(&called, javascript.map) {
                self.push_javascript(tables, javascript, address, crate::v8::Lookup::Return);
            }
            let Some(next) = caller(copy, regs.fp) else {
                return Err(if regs.fp > copy.sp {
                    UnwindEnd::CopyExhausted { regs }
                } else {
                    UnwindEnd::Failed { regs, at: regs.pc }
                });
            };
            if next.sp <= regs.sp {
                break;
            }
            if !ranges.contains(next.pc) {
                return Ok(next);
            }
            regs = next;
        }
        Err(UnwindEnd::Failed { regs, at: regs.pc })
    }
}

/// The registers after the return from the frame at `fp`.
fn caller(copy: &StackCopy, fp: u64) -> Option<Registers> {
    Some(Registers {
        pc: strip_signature(copy.read(fp.checked_add(8)?)?),
        sp: fp + 16,
        fp: copy.read(fp)?,
        lr: 0,
    })
}
