//! A thread that does nothing is found within a second of its start.

mod support;

use std::io::Write;
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use everflame_core::signal::slots;
use support::{Session, config, gettid, wait_for};

const SECOND: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 5;
/// Too seldom for the CPU time of it to wake the observer.
const PAUSE: Duration = Duration::from_millis(5);

/// Whether the observer watches the thread.
fn is_found(tid: i32) -> bool {
    slots().is_some_and(|slots| slots.find(tid).is_some())
}

/// A busy machine lets nobody sleep for just a second, so the observer's is compared with another's, in the median.
#[test]
fn a_sleeping_thread_is_found_within_a_second() {
    let _session = Session::start(&config("auto", Duration::from_millis(10)));
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            // At another time of the observer's wait in each round.
            sleep(SECOND + SECOND * round / ROUNDS);
            let (end, wait) = channel::<()>();
            let (started, tid) = channel();
            let start = Instant::now();
            let thread = spawn(move || {
                started.send(gettid()).expect("the test waits");
                wait.recv().expect_err("the end of the round");
            });
            let yardstick = spawn(|| {
                let start = Instant::now();
                sleep(SECOND);
                start.elapsed()
            });
            let tid = tid.recv().expect("the thread's id");
            wait_for("the observer to find a thread", || {
                sleep(PAUSE);
                is_found(tid)
            });
            let found = start.elapsed();
            let second = yardstick.join().expect("the other sleeper");
            let text = format!("found after {found:?}, where a second lasts {second:?}\n");
            std::io::stdout()
                .write_all(text.as_bytes())
                .expect("a place to print to");
            drop(end);
            thread.join().expect("the thread ends");
            found.as_secs_f64() / second.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    assert!(median <= 1.0, "{ratios:?}");
}
