//! Names of native code where the process is short of something. Each case is a program of its own: limits belong to a
//! process.

mod support;

use everflame_core::native::{Lookup, Modules, NativeFrame, Symbolizer};
use support::{End, in_own_process, is_own_process};

#[inline(never)]
fn a_function_of_mine(value: u64) -> u64 {
    std::hint::black_box(value) + 1
}

/// Sets the number of file descriptors this process may have, and returns what it was.
fn set_descriptors(most: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: reads and writes a valid structure.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        let before = limit.rlim_cur;
        limit.rlim_cur = most;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
        before
    }
}

#[test]
fn without_a_descriptor_a_name_is_put_off_and_not_given_up() {
    if is_own_process() {
        let modules = Modules::new();
        let mut symbolizer = Symbolizer::new();
        let own = format!("{}::a_function_of_mine", module_path!());
        let mut look = || {
            let address = a_function_of_mine as *const () as u64;
            let frame = symbolizer.symbolize(&modules, address, Lookup::Exact);
            (frame, symbolizer.statistics().unreadable_files)
        };
        let is_offset = |frame: &NativeFrame| {
            frame
                .function
                .ends_with(&format!("+{:#x}", frame.module_offset))
        };
        // Neither the table can be read, nor, once it is there, a name of it.
        for _ in 0..2 {
            let before = set_descriptors(0);
            let (frame, unreadable) = look();
            set_descriptors(before);
            assert!(is_offset(&frame), "{frame:?}");
            assert_eq!((frame.is_provisional, unreadable), (true, 0));
            let (frame, unreadable) = look();
            assert_eq!(
                (&frame.function, frame.is_provisional, unreadable),
                (&own, false, 0)
            );
        }
        return;
    }
    let (end, output) = in_own_process("without_a_descriptor_a_name_is_put_off_and_not_given_up");
    assert_eq!(end, End::Code(0), "{output}");
}
