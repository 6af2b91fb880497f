//! V8's frames of interrupted code, also where V8 gives up. Runs in the signal handler.

use super::entry::{EntryPoints, Isolate};
use super::structs::{RegisterState, SampleInfo, VmState};

/// How often the caller is tried.
const ATTEMPTS: usize = 2;

impl EntryPoints {
    /// V8's frames of interrupted code, nearest first; returns how many. The leaf is not among them.
    ///
    /// In a function's first and last instructions V8 finds no frames, because the function's own frame does not
    /// stand. Seen from its caller the stack is whole; then the caller's return address is the first frame. `info` is
    /// of the interrupted code in any case.
    ///
    /// `word` reads a word of the interrupted thread's stack, `None` outside of it.
    ///
    /// # Safety
    /// As for [`EntryPoints::get_stack_sample`].
    pub unsafe fn sample_stack(
        &self,
        isolate: Isolate,
        registers: &RegisterState,
        pc_in_v8: bool,
        word: impl Fn(u64) -> Option<u64>,
        frames: &mut [u64],
        info: &mut SampleInfo,
    ) -> usize {
        // SAFETY: the caller's promise.
        let count = unsafe { self.get_stack_sample(isolate, registers, frames, info) };
        if frames.is_empty() || !wants_second_sample(pc_in_v8, count, info.vm_state()) {
            return count;
        }
        for attempt in 0..ATTEMPTS {
            let Some(caller) = caller_registers(registers, attempt, &word) else {
                continue;
            };
            let mut ignored = SampleInfo::new();
            // SAFETY: the caller's promise; the registers are those that the caller will have on return.
            let count =
                unsafe { self.get_stack_sample(isolate, &caller, &mut frames[1..], &mut ignored) };
            if count > 0 {
                frames[0] = caller.pc;
                return count + 1;
            }
        }
        0
    }
}

/// Whether looking again from the caller is worthwhile. x86-64 only: elsewhere V8 follows the link register by itself.
pub fn wants_second_sample(pc_in_v8: bool, count: usize, state: VmState) -> bool {
    cfg!(target_arch = "x86_64")
        && pc_in_v8
        && count == 0
        && matches!(state, VmState::Js | VmState::Other)
}

/// The registers as the caller will have them, by what the stack looks like in a function's first instructions
/// (`push rbp; mov rbp, rsp; push …`) and, in reverse, its last.
fn caller_registers(
    registers: &RegisterState,
    attempt: usize,
    word: impl Fn(u64) -> Option<u64>,
) -> Option<RegisterState> {
    let RegisterState { sp, fp, .. } = *registers;
    let top = word(sp)?;
    let by_frame = || {
        // The frame pointer is the function's own already.
        Some(RegisterState::new(
            word(fp.checked_add(8)?)?,
            fp + 16,
            word(fp)?,
            0,
        ))
    };
    let by_stack = || {
        if top == fp {
            // The caller's frame pointer was just saved.
            Some(RegisterState::new(word(sp + 8)?, sp + 16, fp, 0))
        } else {
            Some(RegisterState::new(top, sp + 8, fp, 0))
        }
    };
    let own_frame_stands = sp == fp;
    match (attempt, own_frame_stands) {
        (0, true) | (1, false) => by_frame(),
        (0, false) => by_stack(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words from 0x1000 upwards.
    fn caller(sp: u64, fp: u64, stack: &[u64], attempt: usize) -> Option<(u64, u64, u64)> {
        let word = |address: u64| {
            stack
                .get(address.checked_sub(0x1000)? as usize / 8)
                .copied()
        };
        caller_registers(&RegisterState::new(1, sp, fp, 0), attempt, word)
            .map(|state| (state.pc, state.sp, state.fp))
    }

    #[test]
    fn before_the_first_instruction_the_return_address_is_on_top() {
        assert_eq!(
            caller(0x1000, 0x1080, &[0xaaa, 0], 0),
            Some((0xaaa, 0x1008, 0x1080))
        );
    }

    #[test]
    fn after_saving_the_frame_pointer_the_return_address_is_below() {
        let stack = [0x1080, 0xaaa, 0];
        assert_eq!(
            caller(0x1000, 0x1080, &stack, 0),
            Some((0xaaa, 0x1010, 0x1080))
        );
    }

    #[test]
    fn a_frame_without_contents_is_left_by_its_frame_pointer() {
        let stack = [0x1080, 0xaaa, 0];
        assert_eq!(
            caller(0x1000, 0x1000, &stack, 0),
            Some((0xaaa, 0x1010, 0x1080))
        );
        assert_eq!(
            caller(0x1000, 0x1000, &stack, 1),
            None,
            "nothing else to try"
        );
    }

    #[test]
    fn a_half_filled_frame_is_left_by_its_frame_pointer_in_the_end() {
        let stack = [0x5c5, 0x1080, 0xaaa, 0];
        assert_eq!(
            caller(0x1000, 0x1008, &stack, 1),
            Some((0xaaa, 0x1018, 0x1080))
        );
    }

    #[test]
    fn nothing_is_read_outside_of_the_stack() {
        assert_eq!(caller(0x900, 0x1008, &[0], 0), None);
        assert_eq!(caller(0x1000, u64::MAX, &[0], 1), None);
        assert_eq!(caller(0x1000, 0x1000, &[0], 0), None);
    }

    #[test]
    fn only_v8_code_without_frames_is_looked_at_twice() {
        let wanted = cfg!(target_arch = "x86_64");
        assert_eq!(wants_second_sample(true, 0, VmState::Js), wanted);
        assert_eq!(wants_second_sample(true, 0, VmState::Other), wanted);
        assert!(!wants_second_sample(true, 1, VmState::Js));
        assert!(!wants_second_sample(false, 0, VmState::Js));
        assert!(!wants_second_sample(true, 0, VmState::Gc));
    }
}
