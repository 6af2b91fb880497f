//! Code that may be executed and not read. The kernel begins a signal handler without access to memory under a protection
//! key (pkeys(7)), and Node.js 20 puts WebAssembly code under one where the processor has them. The end of the handler
//! brings the thread's own rights back.

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};
use std::sync::atomic::{AtomicBool, Ordering};

/// "Access disable" of every key; the other bit of each is "write disable".
const ACCESS_DISABLE: u32 = 0x5555_5555;

/// The system has protection keys on.
static PRESENT: AtomicBool = AtomicBool::new(false);

/// Finds out whether there are protection keys (CPUID leaf 7, OSPKE). Not for the handler: a virtual machine answers
/// slowly.
pub(super) fn detect() {
    const LEAF: u32 = 7;
    let (last, _) = __get_cpuid_max(0);
    let present = last >= LEAF && __cpuid_count(LEAF, 0).ecx & 1 << 4 != 0;
    PRESENT.store(present, Ordering::Relaxed);
}

/// From now on this handler may read what is under any key.
pub(super) fn allow_reading() {
    if !PRESENT.load(Ordering::Relaxed) {
        return;
    }
    let rights: u32;
    // SAFETY: the system has protection keys on. Only rights to read are added, and the interrupted code has its own again
    // when the handler returns. Not `nomem`: no load may move before it.
    unsafe {
        asm!("rdpkru", in("ecx") 0, out("eax") rights, out("edx") _, options(nostack));
        asm!("wrpkru", in("eax") rights & !ACCESS_DISABLE, in("ecx") 0, in("edx") 0, options(nostack));
    }
}
