//! What is left of threads that have ended: nothing that grows with their number.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use support::{Session, burn, config, samples};

struct Counting;

/// Bytes allocated and not freed, of the whole process.
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system's allocator's; only a counter is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Room for what is sampled here. Tables below a quarter of it outlive a period.
const CAP: usize = 512 << 10;
const THREADS: usize = 4_000;
const BATCH: usize = 16;
const WORK: Duration = Duration::from_micros(300);

/// Threads that are sampled awake and asleep, each with a name that no other has.
fn come_and_go(first: usize) {
    for batch in (first..first + THREADS).step_by(BATCH) {
        let start = |number: usize| {
            let work = || {
                let start = Instant::now();
                while start.elapsed() < WORK {
                    burn(1_000);
                }
                sleep(WORK);
            };
            let thread = Builder::new().name(format!("brief {number}"));
            thread.spawn(work).expect("a thread starts")
        };
        let threads: Vec<_> = (batch..batch + BATCH).map(start).collect();
        for thread in threads {
            thread.join().expect("the thread ends");
        }
    }
}

#[test]
fn live_bytes_do_not_grow_with_the_number_of_threads_that_have_ended() {
    let mut config = config("tick", Duration::from_micros(200));
    config.options.memory_cap = CAP;
    let session = Session::start(&config);
    let live = || {
        session.rotate();
        LIVE.load(Ordering::Relaxed)
    };
    come_and_go(0);
    let (before, sampled) = (live(), samples());
    come_and_go(THREADS);
    let after = live();
    assert!(
        after < before + CAP / 4,
        "{before} bytes after {THREADS} threads, {after} after twice as many"
    );
    assert!(
        samples() - sampled > THREADS as u64 / 4,
        "{}",
        samples() - sampled
    );
}
