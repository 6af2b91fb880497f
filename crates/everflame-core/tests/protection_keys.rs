//! Samples in code that may be executed and not read by a signal handler: it lies under a protection key, as WebAssembly
//! does in Node.js 20 where the processor has them.

#![cfg(target_arch = "x86_64")]

mod support;

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use everflame_core::signal::thread_cpu;
use support::{End, Session, config, gettid, in_own_process, is_own_process, of_thread};

/// `again: cmp dword ptr [rdi], 0; je again; ret`
const UNTIL_SET: [u8; 6] = [0x83, 0x3f, 0x00, 0x74, 0xfb, 0xc3];
const PAGE: usize = 4096;

/// A new protection key; the error says why there is none.
fn new_key() -> std::io::Result<i64> {
    // SAFETY: takes two numbers.
    let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0, 0) };
    if key < 0 {
        Err(std::io::Error::last_os_error())
    } else {
        Ok(key)
    }
}

/// A function that runs until the word it is given is not 0, under a key.
fn function_under(key: i64) -> extern "C" fn(*const AtomicU32) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let usable = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: fresh memory, written within its bounds, which stays mapped.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), PAGE, usable, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        std::ptr::copy_nonoverlapping(UNTIL_SET.as_ptr(), page.cast(), UNTIL_SET.len());
        let code = libc::PROT_READ | libc::PROT_EXEC;
        let result = libc::syscall(libc::SYS_pkey_mprotect, page, PAGE, code, key);
        assert_eq!(result, 0);
        std::mem::transmute(page)
    }
}

#[test]
fn code_that_a_handler_may_not_read_is_sampled() {
    if is_own_process() {
        let key = match new_key() {
            Ok(key) => key,
            Err(error) => {
                writeln!(std::io::stderr(), "protection keys are not tested: {error}")
                    .expect("standard error is open");
                return;
            }
        };
        let function = function_under(key);
        for engine in ["ctimer", "tick"] {
            let session = Session::start(&config(engine, Duration::from_millis(1)));
            static STOP: AtomicU32 = AtomicU32::new(0);
            STOP.store(0, Ordering::SeqCst);
            let thread = spawn(move || {
                function(&raw const STOP);
                (gettid(), thread_cpu())
            });
            sleep(Duration::from_millis(500));
            STOP.store(1, Ordering::SeqCst);
            let (tid, clock) = thread.join().expect("the thread ends");
            let (profile, _) = session.rotate();
            let (samples, cpu) = ["sample", "cpu"]
                .map(|kind| of_thread(&profile, kind, tid))
                .into();
            assert!(samples > 10, "{engine}: {samples} samples");
            assert!(cpu as u64 > clock / 2, "{engine}: {cpu} of {clock} ns");
        }
        return;
    }
    let (end, output) = in_own_process("code_that_a_handler_may_not_read_is_sampled");
    assert_eq!(end, End::Code(0), "{output}");
    for line in output.lines().filter(|line| line.contains("not tested")) {
        // Not by a macro, whose output a test that passes keeps for itself.
        writeln!(std::io::stderr(), "{line}").expect("standard error is open");
    }
}
