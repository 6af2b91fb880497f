//! What an interrupted thread notices of the handler: nothing, wherever it is interrupted.

mod support;

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use everflame_core::session;
use everflame_core::signal::COUNTERS;
use support::{
    LIMIT, Session, StalledAggregator, burn, config, gettid, names_of_thread, of_thread, samples,
    stacks_of_thread, wait_for,
};

const FAST: Duration = Duration::from_micros(200);

fn burn_briefly() {
    burn(2_000);
}

/// A thread that repeats `turn` until told to stop.
fn repeat(
    stop: &Arc<AtomicBool>,
    mut turn: impl FnMut() + Send + 'static,
) -> (i32, std::thread::JoinHandle<()>) {
    let stop = Arc::clone(stop);
    let (told, tid) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        told.send(gettid()).expect("the test waits for this");
        while !stop.load(Ordering::Relaxed) {
            turn();
        }
    });
    (tid.recv_timeout(LIMIT).expect("the thread starts"), thread)
}

/// Makes one system call of the calling thread fail with EPERM from now on.
fn deny(call: libc::c_long) {
    const RETURN_EPERM: u32 = 0x0005_0000 | libc::EPERM as u32;
    const RETURN_ALLOW: u32 = 0x7fff_0000;
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let compare = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(load, 0, 0, 0),
        step(compare, 0, 1, call as u32),
        step(answer, 0, 0, RETURN_EPERM),
        step(answer, 0, 0, RETURN_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: changes this thread only, for ever; the program is valid during the call.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

#[test]
fn errno_is_kept_also_where_the_handler_s_own_system_calls_fail() {
    const MARK: i32 = 4711;
    let session = Session::start(&config("tick", FAST));
    let stop = Arc::new(AtomicBool::new(false));
    let lost = || COUNTERS.dropped_no_slot.load(Ordering::Relaxed);
    let (taken_before, lost_before) = (samples(), lost());
    let looking = |denied: bool| {
        let mut prepared = !denied;
        move || {
            if !prepared {
                // The handler asks for its thread's id: now with an error.
                deny(libc::SYS_gettid);
                prepared = true;
            }
            // SAFETY: errno's place is this thread's own.
            unsafe {
                let errno = libc::__errno_location();
                errno.write_volatile(MARK);
                burn(2_000);
                assert_eq!(errno.read_volatile(), MARK);
            }
        }
    };
    let threads = [repeat(&stop, looking(false)), repeat(&stop, looking(true))];
    wait_for("samples with and without a denied system call", || {
        samples() - taken_before > 1_000 && lost() - lost_before > 500
    });
    stop.store(true, Ordering::Relaxed);
    for (_, thread) in threads {
        thread.join().expect("errno never changed");
    }
    drop(session);
}

#[test]
fn a_full_ring_drops_samples_and_the_profile_says_how_many() {
    let session = Session::start(&config("tick", FAST));
    let stop = Arc::new(AtomicBool::new(false));
    session.rotate();
    let dropped = || COUNTERS.dropped_ring_full.load(Ordering::Relaxed);
    let stalled = StalledAggregator::new();
    let before = dropped();
    let (tid, thread) = repeat(&stop, burn_briefly);
    let of_this_thread = || {
        let threads = session::threads();
        threads
            .iter()
            .find(|thread| thread.tid == tid)
            .map_or(0, |thread| thread.dropped)
    };
    wait_for("a full ring", || of_this_thread() > 100);
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the thread ends");
    drop(stalled);
    let (profile, lost) = session.rotate();
    let counted = dropped() - before;
    assert!(
        lost > 100 && lost <= counted,
        "{lost} reported, {counted} counted"
    );
    // What was dropped is missing from the count of samples, and from no total.
    let (cpu, wall) = (
        of_thread(&profile, "cpu", tid),
        of_thread(&profile, "wall", tid),
    );
    assert!(cpu > 0 && cpu <= wall, "{cpu} ns of {wall} ns");
    let before = samples();
    let stop = Arc::new(AtomicBool::new(false));
    let (_, thread) = repeat(&stop, burn_briefly);
    wait_for("samples after the ring was read", || {
        samples() - before > 100
    });
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the thread ends");
}

#[test]
fn a_thread_that_blocks_every_signal_runs_on_and_keeps_its_cpu_time() {
    let session = Session::start(&config("tick", Duration::from_millis(2)));
    let deaf = std::thread::spawn(|| {
        everflame_core::signal::mask_all_signals();
        let tid = gettid();
        let start = everflame_core::signal::thread_cpu();
        while everflame_core::signal::thread_cpu() - start < 300_000_000 {
            burn(10_000);
        }
        (tid, everflame_core::signal::thread_cpu())
    });
    let (tid, clock) = deaf.join().expect("a deaf thread ends");
    let (profile, _) = session.rotate();
    let cpu = of_thread(&profile, "cpu", tid) as f64;
    // The observer sees the clock between two looks, so the last look may be missing.
    assert!(
        cpu > clock as f64 * 0.9 && cpu < clock as f64 * 1.02,
        "{cpu} of {clock} ns"
    );
}

/// Sleeps until the other end of the pipe is closed. Its frame is found by the stack pointer: the kernel tells no other
/// register of a sleeping thread, and Rust's own library needs the frame pointer.
#[inline(never)]
fn sleeps_deaf(pipe: &std::io::PipeReader) -> i64 {
    let mut byte = 0u8;
    // SAFETY: reads one byte into a variable.
    unsafe { libc::syscall(libc::SYS_read, pipe.as_raw_fd(), &raw mut byte, 1) }
}

#[inline(never)]
fn calls_sleeps_deaf(pipe: &std::io::PipeReader) -> i64 {
    std::hint::black_box(sleeps_deaf(pipe))
}

#[test]
fn a_sleeping_thread_that_blocks_every_signal_has_its_stack() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (ready, tid) = std::sync::mpsc::channel();
    let deaf = std::thread::spawn(move || {
        everflame_core::signal::mask_all_signals();
        ready.send(gettid()).expect("the test waits");
        calls_sleeps_deaf(&reader)
    });
    let tid = tid.recv().expect("the thread runs");
    let session = Session::start(&config("tick", Duration::from_millis(1)));
    let mut callers = Vec::new();
    wait_for("the stack of a thread that answers no signals", || {
        let (profile, _) = session.rotate();
        let stacks = stacks_of_thread(&profile, tid);
        callers = stacks
            .iter()
            .filter_map(|stack| {
                let place = stack
                    .iter()
                    .position(|name| name.ends_with("::sleeps_deaf"))?;
                stack.get(place + 1).map(|name| (*name).to_owned())
            })
            .collect();
        !callers.is_empty()
    });
    drop(writer);
    assert_eq!(deaf.join().expect("a deaf thread ends"), 0);
    assert!(callers[0].ends_with("::calls_sleeps_deaf"), "{callers:?}");
}

/// Sleeps below so many calls of itself: each depth is a place of its own, which the profiler has to learn. Returns 1 when
/// the sleep ended early.
#[inline(never)]
fn sleep_below(calls: u32) -> u32 {
    if calls > 0 {
        return std::hint::black_box(sleep_below(calls - 1));
    }
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 5_000_000,
    };
    // SAFETY: reads `time`.
    u32::from(unsafe { libc::nanosleep(&time, std::ptr::null_mut()) } != 0)
}

#[test]
fn a_sleep_that_no_kernel_restarts_is_whole_and_has_its_stack() {
    const SLEEPS: u32 = 200;
    let session = Session::start(&config("tick", Duration::from_millis(1)));
    let read = || COUNTERS.stacks_read.load(Ordering::Relaxed);
    let before = read();
    let (sleeper, done) = std::sync::mpsc::channel();
    let (go, ready) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let mut early = 0;
        for round in 0..SLEEPS {
            let start = everflame_core::signal::thread_cpu();
            while everflame_core::signal::thread_cpu() - start < 1_000_000 {
                burn(10_000);
            }
            early += sleep_below(round % 50);
        }
        sleeper.send((gettid(), early)).expect("the test waits");
        // The kernel tells of a thread as long as it lives.
        ready.recv().unwrap_err();
    });
    let (tid, early) = done.recv_timeout(LIMIT).expect("the thread sleeps");
    let (profile, _) = session.rotate();
    drop(go);
    thread.join().expect("the thread ends");
    // A signal for a running thread can meet it on its way into a sleep; without care nearly all end early.
    assert!(early <= SLEEPS / 50, "{early} of {SLEEPS} ended early");
    assert!(read() - before >= u64::from(SLEEPS / 4));
    let depths: std::collections::BTreeSet<usize> = stacks_of_thread(&profile, tid)
        .iter()
        .filter(|stack| stack.iter().any(|name| name.contains("nanosleep")))
        .map(|stack| {
            let is_own = |name: &&&str| name.ends_with("::sleep_below");
            assert!(stack.contains(&"start_thread"), "{stack:?}");
            stack.iter().filter(is_own).count()
        })
        .collect();
    assert!(depths.len() > 20, "{depths:?}");
}

/// Memory for a stack with nothing but a guard above it: a read past its end is a crash.
struct GuardedStack {
    start: *mut u8,
}

impl GuardedStack {
    const BYTES: usize = 64 * 1024;
    const GUARD: usize = 64 * 1024;

    fn new() -> GuardedStack {
        let length = GuardedStack::BYTES + GuardedStack::GUARD;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: fresh anonymous memory, then its stack part made usable.
        unsafe {
            let start = libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let usable = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(start, GuardedStack::BYTES, usable), 0);
            GuardedStack {
                start: start.cast(),
            }
        }
    }

    fn end(&self) -> u64 {
        self.start as u64 + GuardedStack::BYTES as u64
    }
}

static ON_ALTERNATE: AtomicBool = AtomicBool::new(false);
static ALTERNATE_DONE: AtomicBool = AtomicBool::new(false);
static ALTERNATE_END: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Loops with a frame pointer of the caller's choice, as code does that uses the register for something else.
#[cfg(target_arch = "x86_64")]
fn burn_with_frame_pointer(value: u64) {
    // SAFETY: the frame pointer is put back; the loop touches nothing but a counter.
    unsafe {
        std::arch::asm!("push rbp", "mov rbp, {value}", "2:", "dec {rounds}", "jnz 2b", "pop rbp",
            value = in(reg) value, rounds = inout(reg) 20_000u64 => _);
    }
}

#[cfg(target_arch = "aarch64")]
fn burn_with_frame_pointer(value: u64) {
    // SAFETY: the frame pointer is put back; the loop touches nothing but a counter.
    unsafe {
        std::arch::asm!("str x29, [sp, #-16]!", "mov x29, {value}", "2:", "subs {rounds}, {rounds}, #1", "b.ne 2b",
            "ldr x29, [sp], #16", value = in(reg) value, rounds = inout(reg) 20_000u64 => _);
    }
}

extern "C" fn spin_on_alternate_stack(_: libc::c_int) {
    ON_ALTERNATE.store(true, Ordering::SeqCst);
    // Into the guard: believed, it is read.
    let guard = ALTERNATE_END.load(Ordering::SeqCst) + 256;
    while !ALTERNATE_DONE.load(Ordering::SeqCst) {
        burn_with_frame_pointer(guard);
    }
}

#[test]
fn a_thread_on_an_alternate_signal_stack_is_interrupted_without_harm() {
    let session = Session::start(&config("tick", FAST));
    let tid = Arc::new(AtomicI32::new(0));
    let own = Arc::clone(&tid);
    let thread = std::thread::spawn(move || {
        let stack = GuardedStack::new();
        ALTERNATE_END.store(stack.end(), Ordering::SeqCst);
        // SAFETY: all-zero structures are valid; the stack outlives the handler's only run.
        unsafe {
            let mut alternate: libc::stack_t = std::mem::zeroed();
            alternate.ss_sp = stack.start.cast();
            alternate.ss_size = GuardedStack::BYTES;
            assert_eq!(libc::sigaltstack(&alternate, std::ptr::null_mut()), 0);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = spin_on_alternate_stack as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK;
            assert_eq!(
                libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()),
                0
            );
        }
        own.store(gettid(), Ordering::SeqCst);
        // The thread's own stack is known before it leaves it.
        let before = samples();
        while samples() - before < 200 {
            burn(2_000);
        }
        // SAFETY: raises a signal on this thread.
        unsafe { libc::raise(libc::SIGUSR2) };
    });
    wait_for("the alternate stack", || {
        ON_ALTERNATE.load(Ordering::SeqCst)
    });
    let before = samples();
    wait_for("samples on the alternate stack", || {
        samples() - before > 600
    });
    ALTERNATE_DONE.store(true, Ordering::SeqCst);
    thread.join().expect("the thread ends");
    let (profile, _) = session.rotate();
    assert!(of_thread(&profile, "sample", tid.load(Ordering::SeqCst)) >= 100);
}

#[test]
fn without_native_frames_no_frame_counts_as_unresolved() {
    let mut without = config("tick", FAST);
    without.options.native_frames = false;
    let session = Session::start(&without);
    session.rotate();
    let unresolved = || COUNTERS.frames_unresolved.load(Ordering::Relaxed);
    let before = (samples(), unresolved());
    wait_for("samples of this thread", || {
        burn_briefly();
        samples() - before.0 > 200
    });
    let (profile, _) = session.rotate();
    assert_eq!(unresolved(), before.1);
    let tid = gettid();
    let names = names_of_thread(&profile, tid);
    assert_eq!(names, ["(native)"]);
    assert!(of_thread(&profile, "cpu", tid) > 0);
}
