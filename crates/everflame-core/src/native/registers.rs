//! The registers that unwinding needs, and the processor's part in it.

use framehop::UnwindRegsNative;

#[cfg(target_arch = "aarch64")]
use crate::return_address::{ADDRESS_BITS, strip_signature};

/// Registers of an interrupted thread, or of a caller that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    pub pc: u64,
    pub sp: u64,
    /// `rbp` on x86-64, `x29` on aarch64.
    pub fp: u64,
    /// `x30` on aarch64; not used on x86-64.
    pub lr: u64,
}

#[cfg(target_arch = "x86_64")]
pub(super) fn to_unwinder(regs: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(regs.pc, regs.sp, regs.fp)
}

#[cfg(target_arch = "x86_64")]
pub(super) fn from_unwinder(pc: u64, regs: &UnwindRegsNative) -> Registers {
    Registers {
        pc,
        sp: regs.sp(),
        fp: regs.bp(),
        lr: 0,
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) fn to_unwinder(regs: Registers) -> UnwindRegsNative {
    // The unwinder adds 8 to the frame pointer unchecked; no stack lies at the end of the address space.
    let fp = if regs.fp > ADDRESS_BITS { 0 } else { regs.fp };
    let mask = framehop::aarch64::PtrAuthMask(ADDRESS_BITS);
    UnwindRegsNative::new_with_ptr_auth_mask(mask, regs.lr, regs.sp, fp)
}

#[cfg(target_arch = "aarch64")]
pub(super) fn from_unwinder(pc: u64, regs: &UnwindRegsNative) -> Registers {
    Registers {
        pc: strip_signature(pc),
        sp: regs.sp(),
        fp: regs.fp(),
        lr: regs.lr(),
    }
}

/// Whether a caller's stack pointer may follow a callee's. A call pushes its return address on x86-64; on aarch64 an
/// interrupted leaf may have no frame at all.
pub(super) fn stack_grows(callee_sp: u64, caller_sp: u64, callee_is_leaf: bool) -> bool {
    caller_sp > callee_sp
        || (cfg!(target_arch = "aarch64") && callee_is_leaf && caller_sp == callee_sp)
}
