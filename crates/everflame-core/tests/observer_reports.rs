//! What the observer tells the aggregator of threads that come and go faster than it looks.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use everflame_core::engine::{Observer, ObserverOptions, ThreadEvent, select};
use everflame_core::signal::{set_enabled, slots};

/// Nanoseconds between looks.
const INTERVAL: u64 = 1_000_000;

/// Starts and ends threads that run for up to four milliseconds, until told to stop.
fn churn(seed: u64, go: &AtomicBool) {
    let mut round = seed;
    while go.load(Ordering::Relaxed) {
        round += 1;
        let threads: Vec<_> = (0..12)
            .map(|index| {
                let time = Duration::from_micros((round * 37 + index * 311) % 4000);
                std::thread::spawn(move || {
                    let start = Instant::now();
                    while start.elapsed() < time {
                        std::thread::yield_now();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("the thread ends");
        }
    }
}

#[test]
fn a_thread_begins_and_ends_once_in_a_slot_of_its_own() {
    let slots = slots().expect("memory for slots");
    let selected = select("tick", None, INTERVAL).expect("an engine without needs");
    set_enabled(true);
    let options = ObserverOptions {
        interval: INTERVAL,
        signal: selected.signal,
        aggregator: 1,
        backlog: Box::new(|| 0),
        sequence: Arc::new(|_| None),
    };
    let observer = Observer::start(selected.engine, slots, options).expect("an observer");
    let go = Arc::new(AtomicBool::new(true));
    let churning: Vec<_> = (0..2)
        .map(|seed| {
            let go = Arc::clone(&go);
            std::thread::spawn(move || churn(seed, &go))
        })
        .collect();

    let mut alive = HashSet::new();
    let (mut ended, mut wrong) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(8) {
        for report in observer.reports() {
            match report.event {
                ThreadEvent::Begin => wrong += u32::from(!alive.insert(report.slot)),
                ThreadEvent::End if alive.remove(&report.slot) => {
                    ended += 1;
                    slots.release(report.slot);
                }
                ThreadEvent::End => wrong += 1,
                _ => {}
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    go.store(false, Ordering::Relaxed);
    for thread in churning {
        thread.join().expect("the thread ends");
    }
    observer.stop();
    assert!(ended > 100, "only {ended} threads were seen to end");
    assert_eq!(
        wrong, 0,
        "of {ended} threads, so many began or ended in another's slot"
    );
}
