//! Anonymous memory straight from the kernel: the allocator is never involved, so a handler may use it at any moment.

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
        Mapping::with_flags(length, 0)
    }

    /// With every page present from the start, so that no handler waits for the kernel to find one.
    ///
    /// # Errors
    /// As for [`Mapping::new`].
    pub fn populated(length: usize) -> io::Result<Mapping> {
        Mapping::with_flags(length, libc::MAP_POPULATE)
    }

    fn with_flags(length: usize, flags: libc::c_int) -> io::Result<Mapping> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | flags,
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

    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped; the owner gives it up.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
