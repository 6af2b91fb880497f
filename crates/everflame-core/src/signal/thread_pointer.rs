//! The register by which a thread finds its own block of the C library.

/// The thread pointer of the calling thread: on x86-64 the first word of the block at `fs`, which is its own address
/// (System V ABI, thread-local storage), on arm64 `tpidr_el0`.
pub(super) fn thread_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads the thread's own block, which exists as long as the thread.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, readonly, preserves_flags));
    }
    // SAFETY: reads a register.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, nomem, preserves_flags));
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_at_the_top_of_a_threads_stack() {
        std::thread::spawn(|| {
            let here = 0u8;
            let (pointer, sp) = (thread_pointer(), &raw const here as u64);
            // Rust's threads have two megabytes.
            assert!(
                pointer > sp && pointer - sp < 2 << 20,
                "{pointer:#x}, {sp:#x}"
            );
        })
        .join()
        .unwrap();
    }
}
