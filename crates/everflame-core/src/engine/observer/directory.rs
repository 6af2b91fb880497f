//! The kernel's list of this process's threads, kept open: so it is found where no descriptor is free, and without looking
//! its path up, which is a fifth of a tick.

use std::ffi::CStr;
use std::io;

const TASKS: &CStr = c"/proc/self/task";

pub(super) struct Directory(*mut libc::DIR);

// SAFETY: a stream may be read by any thread, one at a time.
unsafe impl Send for Directory {}

impl Directory {
    /// # Errors
    /// No descriptor is free, or `/proc` is not mounted.
    pub(super) fn open() -> io::Result<Directory> {
        // SAFETY: a terminated path.
        let stream = unsafe { libc::opendir(TASKS.as_ptr()) };
        if stream.is_null() {
            Err(io::Error::last_os_error())
        } else {
            Ok(Directory(stream))
        }
    }

    /// Its link count: two more than there are threads.
    pub(super) fn links(&self) -> libc::nlink_t {
        // SAFETY: an all-zero structure is valid to be filled.
        let mut status: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the stream is open, and `status` valid.
        let read = unsafe { libc::fstat(libc::dirfd(self.0), &mut status) };
        if read == 0 { status.st_nlink } else { 0 }
    }

    /// Threads as they are now. The kernel may leave out some while others end.
    pub(super) fn threads(&mut self) -> impl Iterator<Item = i32> + '_ {
        // SAFETY: the stream is open.
        unsafe { libc::rewinddir(self.0) };
        std::iter::from_fn(move || {
            // SAFETY: the stream is open, and nobody else reads it.
            let entry = unsafe { libc::readdir64(self.0).as_ref() }?;
            // SAFETY: the kernel's names are terminated.
            Some(unsafe { CStr::from_ptr(entry.d_name.as_ptr()) })
        })
        // All but `.` and `..`.
        .filter_map(|name| name.to_str().ok()?.parse().ok())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and not used again.
        unsafe { libc::closedir(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::signal::own_tid;

    #[test]
    fn the_list_is_read_anew_each_time() {
        let mut directory = Directory::open().unwrap();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        assert!(directory.threads().any(|tid| tid == own_tid()));
        let thread = std::thread::spawn(move || {
            tell.send(own_tid()).unwrap();
            wait.recv().unwrap_err();
        });
        let tid = told.recv().unwrap();
        let found: Vec<i32> = directory.threads().collect();
        assert!(found.contains(&tid));
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len());
        assert!(directory.links() > 3);
        drop(done);
        thread.join().unwrap();
    }
}
