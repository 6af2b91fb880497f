//! How many file descriptors the process may have.

/// By the limit as it is now (RLIMIT_NOFILE).
pub(super) fn descriptor_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes a valid structure; where it fails, the limit stays 0.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur
}
