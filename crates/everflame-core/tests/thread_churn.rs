//! Threads that live beside many that come and go: the kernel's list of threads may leave them out for a moment, and
//! slots change hands all the time.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, RwLock};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use everflame_core::signal::{slots, thread_cpu_of};
use support::{Session, burn, config, gettid, of_thread};

const TIME: Duration = Duration::from_secs(10);

fn join_all<T>(threads: Vec<JoinHandle<T>>) -> Vec<T> {
    let join = |thread: JoinHandle<T>| thread.join().expect("the thread ends");
    threads.into_iter().map(join).collect()
}

/// Works and sleeps until told to stop, says so, and waits until the profile has been read: its clock all but stands still then.
fn work(go: &AtomicBool, done: &Sender<i32>, read: &RwLock<()>) {
    while go.load(Ordering::Relaxed) {
        burn(30_000);
        sleep(Duration::from_micros(700));
    }
    done.send(gettid()).expect("the test waits");
    drop(read.read());
}

#[test]
fn cpu_time_of_living_threads_is_counted_once_while_others_end() {
    let session = Session::start(&config("ctimer", Duration::from_millis(1)));
    let (done, finished) = channel();
    let read = Arc::new(RwLock::new(()));
    let unread = read.write().expect("nobody has panicked");
    let mut living = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME {
        let go = Arc::new(AtomicBool::new(true));
        let mut brief = Vec::new();
        for index in 0..64 {
            let time = Duration::from_micros(10_000 + index * 7919 % 60_000);
            brief.push(spawn(move || sleep(time)));
            if index % 16 == 15 {
                let (go, done, read) = (Arc::clone(&go), done.clone(), Arc::clone(&read));
                living.push(spawn(move || work(&go, &done, &read)));
            }
        }
        join_all(brief);
        go.store(false, Ordering::Relaxed);
    }
    let threads: Vec<i32> = finished.iter().take(living.len()).collect();
    // What they still do is to wait for the lock, and to answer the observer that asks where they sleep.
    sleep(Duration::from_millis(100));
    let clocks = || -> Vec<u64> {
        let clock = |tid: &i32| thread_cpu_of(*tid).expect("it waits");
        threads.iter().map(clock).collect()
    };
    let before = clocks();
    let (profile, _) = session.rotate();
    let after = clocks();
    let wrong: Vec<_> = threads
        .iter()
        .map(|tid| of_thread(&profile, "cpu", *tid) as u64)
        .zip(before.into_iter().zip(after))
        .filter(|(counted, (before, after))| !(before..=after).contains(&counted))
        .collect();
    drop(unread);
    join_all(living);
    assert!(threads.len() > 100, "only {} threads", threads.len());
    assert!(
        wrong.is_empty(),
        "counted, and on the clock before and after, of {} of {} threads: {wrong:?}",
        wrong.len(),
        threads.len()
    );
}

/// Starts 24 threads that end at once and then 24 that live a while, until told to stop.
fn change_hands(go: &AtomicBool) {
    while go.load(Ordering::Relaxed) {
        let brief = |index: u64| {
            spawn(move || {
                burn(100_000);
                sleep(Duration::from_micros(index * 100));
            })
        };
        join_all((0..24).map(brief).collect());
        let living = |_| spawn(|| sleep(Duration::from_millis(300)));
        join_all((0..24).map(living).collect());
    }
}

/// Pairs of living threads of this process that have the same slot.
fn pairs_in_one_slot() -> usize {
    let slots = slots().expect("memory for slots");
    let list = std::fs::read_dir("/proc/self/task").expect("the list of threads");
    let threads = list
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut seen = HashMap::new();
    let mut pairs = 0;
    for tid in threads {
        let Some((number, _)) = slots.find(tid) else {
            continue;
        };
        if let Some(other) = seen.insert(number, tid) {
            let has_it = |tid| {
                thread_cpu_of(tid).is_some()
                    && slots.find(tid).is_some_and(|(found, _)| found == number)
            };
            pairs += usize::from(has_it(tid) && has_it(other));
        }
    }
    pairs
}

#[test]
fn two_living_threads_never_have_one_slot() {
    let session = Session::start(&config("ctimer", Duration::from_millis(1)));
    let go = Arc::new(AtomicBool::new(true));
    let churning = {
        let go = Arc::clone(&go);
        spawn(move || change_hands(&go))
    };
    let (mut looks, mut pairs) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < TIME {
        sleep(Duration::from_millis(5));
        looks += 1;
        pairs += pairs_in_one_slot();
    }
    go.store(false, Ordering::Relaxed);
    churning.join().expect("the thread ends");
    drop(session);
    assert_eq!(pairs, 0, "in {looks} looks");
}
