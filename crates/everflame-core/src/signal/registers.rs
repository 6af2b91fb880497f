//! The interrupted thread's registers, and whether it was in a system call.

use std::ffi::c_void;

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
        }
    }

    /// Whether the thread was asleep in a system call. The kernel either set the program counter back to the system
    /// call instruction, to restart it, or let it return EINTR (signal(7), "Interruption of system calls").
    ///
    /// # Safety
    /// `pc` is the program counter of a thread that was executing there, so the code around it is readable.
    pub(super) unsafe fn asleep(&self) -> bool {
        const INTERRUPTED: u64 = (-(libc::EINTR as i64)) as u64;
        // SAFETY: the instruction at `pc` was about to be executed.
        if unsafe { is_system_call(self.pc) } {
            return true;
        }
        // SAFETY: with EINTR as result the instruction before `pc` is tested; a system call was there or, by accident,
        // any other instruction of the same function. Code never starts a page at the first byte of a mapping that
        // returns -4 by chance: the page before is looked at only within the same page.
        self.result == INTERRUPTED
            && self.pc % 4096 >= SYSTEM_CALL_BYTES
            && unsafe { is_system_call(self.pc - SYSTEM_CALL_BYTES) }
    }

    /// Whether `pc` is the place `expected`, the system call's own return address or the restarted instruction.
    pub(super) fn is_at(&self, expected: u64) -> bool {
        self.pc == expected || self.pc + SYSTEM_CALL_BYTES == expected
    }
}

#[cfg(target_arch = "x86_64")]
const SYSTEM_CALL_BYTES: u64 = 2;
#[cfg(target_arch = "aarch64")]
const SYSTEM_CALL_BYTES: u64 = 4;

/// # Safety
/// The instruction at `pc` is readable.
#[cfg(target_arch = "x86_64")]
unsafe fn is_system_call(pc: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (pc as *const [u8; 2]).read() == [0x0f, 0x05] }
}

/// # Safety
/// The instruction at `pc` is readable.
#[cfg(target_arch = "aarch64")]
unsafe fn is_system_call(pc: u64) -> bool {
    // SAFETY: the caller's promise; instructions are aligned to 4.
    unsafe { (pc as *const u32).read() == 0xd400_0001 }
}
