//! The interrupted thread's registers, and whether it was in a system call.

use std::ffi::{c_int, c_void};

/// Program counter, stack pointer, frame pointer, link register (0 on x86-64) and the register of results.
#[derive(Clone, Copy)]
pub(super) struct Registers {
    pub(super) pc: u64,
    pub(super) sp: u64,
    pub(super) fp: u64,
    pub(super) lr: u64,
    /// Where V8's interpreter keeps the offset of the bytecode at work.
    pub(super) bytecode_offset: u64,
    result: u64,
    /// The second argument of the system call that was made last, if it was made last.
    second_argument: u64,
}

impl Registers {
    /// # Safety
    /// `context` is the third argument of a signal handler installed with SA_SIGINFO.
    #[cfg(target_arch = "x86_64")]
    pub(super) unsafe fn of(context: *const c_void) -> Registers {
        // SAFETY: the caller's promise: the kernel's ucontext.
        let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        Registers {
            pc: registers[libc::REG_RIP as usize] as u64,
            sp: registers[libc::REG_RSP as usize] as u64,
            fp: registers[libc::REG_RBP as usize] as u64,
            lr: 0,
            bytecode_offset: registers[libc::REG_R9 as usize] as u64,
            result: registers[libc::REG_RAX as usize] as u64,
            second_argument: registers[libc::REG_RSI as usize] as u64,
        }
    }

    /// # Safety
    /// `context` is the third argument of a signal handler installed with SA_SIGINFO.
    #[cfg(target_arch = "aarch64")]
    pub(super) unsafe fn of(context: *const c_void) -> Registers {
        // SAFETY: the caller's promise: the kernel's ucontext.
        let context = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
        Registers {
            pc: context.pc,
            sp: context.sp,
            fp: context.regs[29],
            lr: context.regs[30],
            bytecode_offset: context.regs[19],
            result: context.regs[0],
            second_argument: context.regs[1],
        }
    }

    /// Whether the thread was asleep in a system call. The kernel either set the program counter back to the system
    /// call instruction, to restart it, or let it return EINTR (signal(7), "Interruption of system calls").
    ///
    /// # Safety
    /// `pc` is the program counter of a thread that was executing there, so the instruction at it is readable.
    pub(super) unsafe fn asleep(&self) -> bool {
        const INTERRUPTED: u64 = (-(libc::EINTR as i64)) as u64;
        // SAFETY: the instruction at `pc` was about to be executed.
        if unsafe { is_system_call(self.pc) } {
            return true;
        }
        // Other code may have EINTR's value in this register by chance, and then nothing is known of what lies before
        // `pc`, unless it is on the same page as `pc` itself.
        self.result == INTERRUPTED
            && self.pc % PAGE >= SYSTEM_CALL_BYTES
            // SAFETY: these bytes are on a page of which an instruction was about to be executed.
            && unsafe { is_system_call(self.pc - SYSTEM_CALL_BYTES) }
    }

    /// Whether the thread has just returned from `kill(pid, signal)`: it is the one that sent the signal.
    ///
    /// # Safety
    /// As for [`Registers::asleep`].
    pub(super) unsafe fn has_sent(&self, signal: c_int) -> bool {
        self.result == 0
            && self.second_argument as c_int == signal
            && self.pc % PAGE >= SYSTEM_CALL_BYTES
            // SAFETY: these bytes are on a page of which an instruction was about to be executed.
            && unsafe { is_system_call(self.pc - SYSTEM_CALL_BYTES) }
    }

    /// Whether `pc` is the place `expected`, the system call's own return address or the restarted instruction.
    pub(super) fn is_at(&self, expected: u64) -> bool {
        self.pc == expected || self.pc + SYSTEM_CALL_BYTES == expected
    }
}

/// The smallest page there is: what lies on one page of it lies on one page of any size.
const PAGE: u64 = 4096;

#[cfg(target_arch = "x86_64")]
const SYSTEM_CALL_BYTES: u64 = 2;
#[cfg(target_arch = "aarch64")]
const SYSTEM_CALL_BYTES: u64 = 4;

/// # Safety
/// The instruction at `pc` is readable.
#[cfg(target_arch = "x86_64")]
unsafe fn is_system_call(pc: u64) -> bool {
    let pc = pc as *const u8;
    // The instruction may be one byte, and the last of its mapping. One that begins with 0x0f has a second byte.
    // SAFETY: the caller's promise, and the instruction's own length.
    unsafe { pc.read() == 0x0f && pc.add(1).read() == 0x05 }
}

/// # Safety
/// The instruction at `pc` is readable.
#[cfg(target_arch = "aarch64")]
unsafe fn is_system_call(pc: u64) -> bool {
    // SAFETY: the caller's promise; instructions are aligned to 4.
    unsafe { (pc as *const u32).read() == 0xd400_0001 }
}

#[cfg(test)]
impl Registers {
    /// A program counter, and zero in every other register.
    pub(super) fn at(pc: u64) -> Registers {
        Registers {
            pc,
            sp: 0,
            fp: 0,
            lr: 0,
            bytecode_offset: 0,
            result: 0,
            second_argument: 0,
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
impl Registers {
    /// The same with a result of a system call.
    pub(super) fn with_result(self, result: u64) -> Registers {
        Registers { result, ..self }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    const NOP: u8 = 0x90;
    const SYSCALL: [u8; 2] = [0x0f, 0x05];
    const PAGE_BYTES: usize = PAGE as usize;

    /// Two pages of which the first ends with `code`; the second holds what is left of it, or nobody may read it.
    fn at_the_end_of_a_page(code: &[u8], left: &[u8]) -> u64 {
        let usable = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let nowhere = std::ptr::null_mut();
        // SAFETY: fresh memory, written within its bounds; what is left to be read stays mapped.
        unsafe {
            let start = libc::mmap(nowhere, 2 * PAGE_BYTES, usable, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let second = start.cast::<u8>().add(PAGE_BYTES);
            let place = second.sub(code.len());
            std::ptr::copy_nonoverlapping(code.as_ptr(), place, code.len());
            std::ptr::copy_nonoverlapping(left.as_ptr(), second, left.len());
            if left.is_empty() {
                assert_eq!(
                    libc::mprotect(second.cast(), PAGE_BYTES, libc::PROT_NONE),
                    0
                );
            }
            place as u64
        }
    }

    fn asleep(pc: u64, result: u64) -> bool {
        let registers = Registers::at(pc).with_result(result);
        // SAFETY: the tests make the instruction at `pc` readable.
        unsafe { registers.asleep() }
    }

    const INTERRUPTED: u64 = (-(libc::EINTR as i64)) as u64;

    #[test]
    fn nothing_is_read_behind_a_short_instruction_at_the_end_of_its_mapping() {
        assert!(!asleep(at_the_end_of_a_page(&[NOP], &[]), 0));
        assert!(!asleep(at_the_end_of_a_page(&[NOP], &[]), INTERRUPTED));
    }

    #[test]
    fn a_system_call_is_seen_wherever_it_lies() {
        assert!(asleep(at_the_end_of_a_page(&SYSCALL, &[]), 0));
        assert!(asleep(
            at_the_end_of_a_page(&SYSCALL[..1], &SYSCALL[1..]),
            0
        ));
        let interrupted = at_the_end_of_a_page(&[0x0f, 0x05, NOP], &[]) + 2;
        assert!(asleep(interrupted, INTERRUPTED));
        assert!(!asleep(interrupted, 0), "another system call's return");
    }

    #[test]
    fn who_has_just_sent_a_signal_is_known() {
        let after = at_the_end_of_a_page(&[0x0f, 0x05, NOP], &[]) + 2;
        let sent = |pc, result, second_argument| {
            let registers = Registers {
                result,
                second_argument,
                ..Registers::at(pc)
            };
            // SAFETY: the instruction at `pc` is readable, and so are the bytes before it on its page.
            unsafe { registers.has_sent(libc::SIGTERM) }
        };
        let term = libc::SIGTERM as u64;
        assert!(sent(after, 0, term));
        assert!(!sent(after, 0, libc::SIGHUP as u64), "another signal");
        assert!(!sent(after, 1, term), "a call that returned something");
        assert!(!sent(after - 2, 0, term), "before the call");
    }
}
