//! The handler allocates nothing: every allocation of the interrupted threads is counted, and there is none.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use support::{Session, burn, config, samples, wait_for};

struct Counting;

thread_local! {
    /// Needs neither initialisation nor a destructor, so the allocator may touch it at any time.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's; only a counter is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Which load the interrupted threads put on the handler.
const LOADS: [fn() -> u64; 4] = [user_loop, deep_stack, short_system_calls, long_system_calls];

fn user_loop() -> u64 {
    burn(5_000)
}

fn deep_stack() -> u64 {
    fn recurse(depth: u64) -> u64 {
        if depth == 0 {
            burn(500)
        } else {
            std::hint::black_box(recurse(depth - 1)) + depth
        }
    }
    recurse(900)
}

fn short_system_calls() -> u64 {
    // SAFETY: takes nothing and cannot fail.
    (0..50).map(|_| unsafe { libc::getppid() } as u64).sum()
}

fn long_system_calls() -> u64 {
    let pause = libc::timespec {
        tv_sec: 0,
        tv_nsec: 200_000,
    };
    // SAFETY: a valid time; how much of it was left is not wanted.
    unsafe { libc::nanosleep(&pause, std::ptr::null_mut()) as u64 }
}

/// Samples to take for each engine and rate. The process-wide timer fires once for all threads, and no more often than the
/// kernel ticks.
fn samples_of(engine: &str) -> u64 {
    if engine == "itimer" { 200 } else { 1_500 }
}

fn sample_under_load(session: Session, engine: &str, interval: Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let before = samples();
    let threads = LOADS.map(|load| {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let at_start = ALLOCATIONS.get();
            let mut sum = 0u64;
            while !stop.load(Ordering::Relaxed) {
                sum = sum.wrapping_add(load());
            }
            std::hint::black_box(sum);
            ALLOCATIONS.get() - at_start
        })
    });
    wait_for("samples", || samples() - before >= samples_of(engine));
    stop.store(true, Ordering::Relaxed);
    let allocations = threads.map(|thread| thread.join().expect("a thread under load ends"));
    drop(session);
    assert_eq!(allocations, [0; LOADS.len()], "{engine} at {interval:?}");
}

#[test]
fn the_handler_allocates_nothing_at_1_and_5_khz() {
    for engine in ["tick", "ctimer", "perf", "itimer"] {
        for interval in [Duration::from_micros(1_000), Duration::from_micros(200)] {
            match Session::try_start(&config(engine, interval)) {
                Ok(session) => sample_under_load(session, engine, interval),
                Err(reason) => {
                    assert_eq!(engine, "perf", "{reason}");
                    // Not by a macro, whose output a test that passes keeps for itself.
                    writeln!(std::io::stderr(), "perf is not tested: {reason}")
                        .expect("standard error is open");
                }
            }
        }
    }
}

#[test]
fn the_counter_of_allocations_counts() {
    static KEPT: AtomicU64 = AtomicU64::new(0);
    let before = ALLOCATIONS.get();
    let boxed = std::hint::black_box(Box::new(7u64));
    KEPT.store(*boxed, Ordering::Relaxed);
    drop(boxed);
    assert_eq!(ALLOCATIONS.get() - before, 2);
}
