//! A program that has used up its file descriptors starts threads, and they are in the profile all the same.

mod support;

use std::fs::File;
use std::thread::spawn;
use std::time::Duration;

use everflame_core::signal::thread_cpu;
use support::{End, Session, burn, config, gettid, in_own_process, is_own_process, of_thread};

/// Takes every descriptor that the process may still have.
fn use_up_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn threads_are_found_without_a_free_descriptor() {
    if is_own_process() {
        let session = Session::start(&config("auto", Duration::from_millis(1)));
        let taken = use_up_descriptors();
        assert!(!taken.is_empty());
        let (done, finished) = std::sync::mpsc::channel();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let thread = spawn(move || {
            while thread_cpu() < 100_000_000 {
                burn(20_000);
            }
            done.send((gettid(), thread_cpu())).expect("the test waits");
            wait.recv().expect_err("the end of the test");
        });
        let (tid, clock) = finished.recv().expect("the thread says what it used");
        let (profile, _) = session.rotate();
        let counted = of_thread(&profile, "cpu", tid) as u64;
        drop(end);
        thread.join().expect("the thread ends");
        drop(taken);
        assert!(counted >= clock, "{counted} of {clock} ns");
        return;
    }
    let (end, output) = in_own_process("threads_are_found_without_a_free_descriptor");
    assert_eq!(end, End::Code(0), "{output}");
}
