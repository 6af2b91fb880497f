//! The registers that unwinding needs, and the processor's part in it.

use framehop::UnwindRegsNative;

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

/// Bits of a user-space address on Linux; above them a return address may carry its signature (pointer
/// authentication), which official arm64 builds of Node use where the processor has it.
#[cfg(target_arch = "aarch64")]
const ADDRESS_MASK: framehop::aarch64::PtrAuthMask = framehop::aarch64::PtrAuthMask((1 << 48) - 1);

#[cfg(target_arch = "aarch64")]
pub(super) fn to_unwinder(regs: Registers) -> UnwindRegsNative {
    // The unwinder adds 8 to the frame pointer unchecked; no stack lies at the end of the address space.
    let fp = if regs.fp > ADDRESS_MASK.0 { 0 } else { regs.fp };
    UnwindRegsNative::new_with_ptr_auth_mask(ADDRESS_MASK, regs.lr, regs.sp, fp)
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

/// The address in a return address that may be signed.
pub(super) fn strip_signature(return_address: u64) -> u64 {
    #[cfg(target_arch = "aarch64")]
    return ADDRESS_MASK.strip_ptr_auth(return_address);
    #[cfg(target_arch = "x86_64")]
    return_address
}

/// Whether a caller's stack pointer may follow a callee's. A call pushes its return address on x86-64; on aarch64 an
/// interrupted leaf may have no frame at all.
pub(super) fn stack_grows(callee_sp: u64, caller_sp: u64, callee_is_leaf: bool) -> bool {
    caller_sp > callee_sp
        || (cfg!(target_arch = "aarch64") && callee_is_leaf && caller_sp == callee_sp)
}
