//! Memory of this process that may not be there.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::descriptor_limit::leave_last;

/// This process's memory as a file (`/proc/self/mem`, proc(5)). The kernel copies, so that a bad address is an answer and
/// no fault. Not process_vm_readv(2): a service manager's list of allowed system calls may end a process that uses a
/// debugger's.
pub(crate) struct Memory(File);

impl Memory {
    /// `None` where the file is out of reach.
    pub(crate) fn open() -> Option<Memory> {
        let file = File::open("/proc/self/mem").and_then(leave_last);
        file.ok().map(Memory)
    }

    /// Fills `bytes` from an address on, as far as memory is mapped there; returns how many were copied.
    pub(crate) fn read(&self, address: u64, bytes: &mut [u8]) -> usize {
        self.0.read_at(bytes, address).unwrap_or(0)
    }

    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        (self.read(address, &mut bytes) == bytes.len()).then(|| u64::from_ne_bytes(bytes))
    }
}

/// The bytes at an address, as many of `length` as are mapped.
pub(crate) fn read_memory(address: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let copied = Memory::open().map_or(0, |memory| memory.read(address, &mut bytes));
    bytes.truncate(copied);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_is_read_and_what_is_not_is_left_out() {
        let text = *b"some text";
        assert_eq!(read_memory(text.as_ptr() as u64, text.len()), text);
        assert!(read_memory(8, 100).is_empty());
        const PAGE: usize = 4096;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: fresh memory, of which the second page is given back at once.
        let start = unsafe {
            let start = libc::mmap(
                std::ptr::null_mut(),
                2 * PAGE,
                libc::PROT_READ,
                flags,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::munmap(start.add(PAGE), PAGE), 0);
            start as u64
        };
        assert_eq!(read_memory(start + 4000, 200).len(), 96);
    }
}
