//! Which system calls a signal may interrupt without the program's notice.

/// The call in which a thread sleeps, by the kernel's number and its first four arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SystemCall {
    /// −1 outside of a call: the thread waits for a page of memory.
    pub(super) number: i64,
    pub(super) arguments: [u64; 4],
}

impl SystemCall {
    /// Whether a handler that runs in the middle of the call changes nothing that the program sees.
    ///
    /// The kernel restarts the calls named here, or, of epoll, those who make them (libuv, V8) go on after EINTR. It never
    /// restarts sleeps, polls, waits for signals, System V's queues and semaphores, and sockets with a time-out, whatever
    /// `SA_RESTART` says (signal(7)). A call that is not named here counts as one of these.
    pub(super) fn may_be_interrupted(&self) -> bool {
        match self.number {
            -1 | libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => true,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_epoll_wait => true,
            libc::SYS_wait4 | libc::SYS_waitid => true,
            libc::SYS_futex => !self.is_timed_futex(),
            libc::SYS_read | libc::SYS_readv => self.is_on_a_pipe(),
            _ => false,
        }
    }

    /// A wait on a futex that ends at a time. `pthread_cond_timedwait` and V8 go on after EINTR, `sem_timedwait` and
    /// `sem_clockwait` do not, and the C library makes the same call of both.
    fn is_timed_futex(&self) -> bool {
        self.arguments[3] != 0
    }

    /// Files may lie in a file system of the user's own (FUSE), which answers an interruption as it likes, and sockets may
    /// have a time-out.
    fn is_on_a_pipe(&self) -> bool {
        // SAFETY: all-zero values are valid to be filled.
        let mut status: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: fills `status`; threads share their descriptors, and a closed one is an error.
        let known = unsafe { libc::fstat(self.arguments[0] as libc::c_int, &mut status) } == 0;
        known && status.st_mode & libc::S_IFMT == libc::S_IFIFO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: i64, arguments: [u64; 4]) -> SystemCall {
        SystemCall { number, arguments }
    }

    #[test]
    fn calls_that_are_never_restarted_may_not_be_interrupted() {
        for number in [
            libc::SYS_nanosleep,
            libc::SYS_clock_nanosleep,
            libc::SYS_ppoll,
            libc::SYS_pselect6,
            libc::SYS_rt_sigtimedwait,
            libc::SYS_rt_sigsuspend,
            libc::SYS_recvfrom,
            libc::SYS_recvmsg,
            libc::SYS_recvmmsg,
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_accept,
            libc::SYS_accept4,
            libc::SYS_connect,
            libc::SYS_semop,
            libc::SYS_semtimedop,
            libc::SYS_msgsnd,
            libc::SYS_msgrcv,
            libc::SYS_io_getevents,
            libc::SYS_restart_syscall,
        ] {
            assert!(!call(number, [0; 4]).may_be_interrupted(), "{number}");
        }
    }

    #[test]
    fn waits_that_go_on_may_be_interrupted() {
        for number in [libc::SYS_epoll_pwait, libc::SYS_wait4, libc::SYS_waitid, -1] {
            assert!(call(number, [0; 4]).may_be_interrupted(), "{number}");
        }
    }

    #[test]
    fn a_futex_may_be_interrupted_unless_it_has_a_time_out() {
        const WAIT_UNTIL_PRIVATE: u64 = 0x189;
        let futex = |timeout| call(libc::SYS_futex, [0x1000, WAIT_UNTIL_PRIVATE, 0, timeout]);
        assert!(futex(0).may_be_interrupted());
        assert!(!futex(0x7ff0_0000_1000).may_be_interrupted());
    }

    #[test]
    fn a_read_may_be_interrupted_where_no_socket_or_file_answers() {
        use std::os::fd::AsRawFd;
        let read = |file: &dyn AsRawFd| {
            call(libc::SYS_read, [file.as_raw_fd() as u64, 0, 0, 0]).may_be_interrupted()
        };
        let (pipe, _writer) = std::io::pipe().unwrap();
        assert!(read(&pipe));
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(!read(&socket));
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        assert!(!read(&file));
        assert!(!call(libc::SYS_read, [u64::MAX, 0, 0, 0]).may_be_interrupted());
    }
}
