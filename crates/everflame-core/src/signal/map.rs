//! Anonymous memory straight from the kernel: the allocator is never involved, so a handler may use it at any moment.

use std::ffi::c_int;
use std::io;
use std::ptr::NonNull;

/// A private anonymous mapping, zeroed. Pages cost memory when first touched.
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping is plain memory; what is shared inside it is synchronised by its user.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// # Errors
    /// Memory is out, or limited.
    pub fn new(length: usize) -> io::Result<Mapping> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast())
            .map(|start| Mapping { start, length })
            .ok_or_else(|| io::Error::other("mmap returned address 0"))
    }

    /// Has every page present. Contents stay; a kernel without this advice (before 5.14) finds pages when they are
    /// touched.
    pub fn populate(&self) {
        self.advise(libc::MADV_POPULATE_WRITE);
    }

    /// Gives the pages back: the memory reads as zeroes until it is written again.
    pub fn discard(&self) {
        self.advise(libc::MADV_DONTNEED);
    }

    /// Both advices only move the moment at which pages come and go, so a refusal changes nothing that counts.
    fn advise(&self, advice: c_int) {
        // SAFETY: exactly the range that `new` mapped, private and anonymous.
        unsafe { libc::madvise(self.start.as_ptr().cast(), self.length, advice) };
    }

    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped; the owner gives it up.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
