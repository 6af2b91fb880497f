//! How many file descriptors the process may have. They are the application's: the last one is left to it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// By the limit as it is now (RLIMIT_NOFILE).
pub(crate) fn descriptor_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes a valid structure; where it fails, the limit stays 0.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur
}

/// A file that was opened to be read for a while, unless it has the last descriptor: the program would find none meanwhile.
///
/// # Errors
/// As open(2) where there is none left.
pub(crate) fn leave_last(file: File) -> io::Result<File> {
    leave_last_of(file, descriptor_limit())
}

fn leave_last_of(file: File, limit: u64) -> io::Result<File> {
    // The kernel gives the lowest number that is free.
    if file.as_raw_fd() as u64 + 1 == limit {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_descriptor_is_none_of_ours() {
        for (distance, is_ours) in [(1, false), (2, true), (100, true)] {
            let file = File::open("/proc/self/stat").unwrap();
            let limit = file.as_raw_fd() as u64 + distance;
            let opened = leave_last_of(file, limit);
            assert_eq!(opened.is_ok(), is_ours, "{distance}");
            if let Err(error) = opened {
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            }
        }
    }
}
