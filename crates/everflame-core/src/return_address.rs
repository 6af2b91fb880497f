//! Return addresses as they lie on a stack.

/// Bits of an address in user space on Linux for arm64. Above them a return address carries its signature (pointer
/// authentication), which official builds of Node.js use where the processor has it.
#[cfg(target_arch = "aarch64")]
pub(crate) const ADDRESS_BITS: u64 = (1 << 48) - 1;

/// The address in a return address that may be signed.
pub(crate) fn strip_signature(return_address: u64) -> u64 {
    #[cfg(target_arch = "aarch64")]
    return return_address & ADDRESS_BITS;
    #[cfg(target_arch = "x86_64")]
    return_address
}
