//! `store-engines <folder> <write|read|crash|replace>`: one engine, chosen by feature, on the blocks of ten instances over
//! six hours. Prints `name value` lines; `bench/store-engines.mjs` runs both and makes the table.

mod workload;

#[cfg(feature = "redb")]
mod redb_engine;
#[cfg(feature = "redb")]
use redb_engine::Engine;

#[cfg(feature = "sqlite")]
mod sqlite_engine;
#[cfg(feature = "sqlite")]
use sqlite_engine::Engine;

/// Neither feature: what the program weighs without an engine.
#[cfg(not(any(feature = "redb", feature = "sqlite")))]
mod no_engine;
#[cfg(not(any(feature = "redb", feature = "sqlite")))]
use no_engine::Engine;

use std::path::Path;
use std::time::Instant;
use workload::{BLOCKS, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, task] = arguments.as_slice() else {
        eprintln!("store-engines <folder> <write|read|crash|replace>");
        std::process::exit(2);
    };
    let path = Path::new(folder).join("store");
    match task.as_str() {
        "write" => write(&path),
        "read" => read(&path),
        "crash" => crash(&path),
        "replace" => replace(&path),
        other => {
            eprintln!("no task {other}: write, read, crash or replace");
            std::process::exit(2);
        }
    }
    say("resident_mb", resident_megabytes());
}

fn say(name: &str, value: f64) {
    println!("{name} {value:.3}");
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Durable commits of one block, then of ten.
fn write(path: &Path) {
    let mut engine = Engine::open(path);
    let mut workload = Workload::new();
    let single = Instant::now();
    for _ in 0..200 {
        engine.commit(&workload.take(1));
    }
    say("commits_of_1_per_s", 200.0 / single.elapsed().as_secs_f64());
    let grouped = Instant::now();
    let before = workload.made();
    while workload.made() < BLOCKS {
        engine.commit(&workload.take(10));
    }
    let blocks = (workload.made() - before) as f64;
    say("blocks_in_commits_of_10_per_s", blocks / grouped.elapsed().as_secs_f64());
    drop(engine);
    say("bytes_written_mb", workload.bytes() as f64 / 1e6);
    say("disk_mb", folder_bytes(path) as f64 / 1e6);
}

/// All blocks of the store in the order of their time, their bytes added up: what a query reads.
fn read(path: &Path) {
    let opening = Instant::now();
    let engine = Engine::open(path);
    say("open_ms", milliseconds(opening));
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let start = Instant::now();
            let (blocks, sum) = engine.read_all();
            assert!(blocks > 0 && sum > 0, "the store is empty");
            milliseconds(start)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    say("read_all_ms", times[times.len() / 2]);
}

/// Commits until it is killed. Each number that is printed is committed.
fn crash(path: &Path) {
    let mut engine = Engine::open(path);
    let mut workload = Workload::after(engine.count());
    loop {
        engine.commit(&workload.take(10));
        println!("{}", workload.made());
    }
}

/// The oldest tenth goes and as much comes, ten times over: does the file grow?
fn replace(path: &Path) {
    let mut engine = Engine::open(path);
    let mut workload = Workload::after(engine.count());
    for _ in 0..10 {
        engine.remove_oldest(BLOCKS / 10);
        for _ in 0..BLOCKS / 100 {
            engine.commit(&workload.take(10));
        }
    }
    drop(engine);
    say("disk_after_replacing_all_mb", folder_bytes(path) as f64 / 1e6);
}

fn folder_bytes(path: &Path) -> u64 {
    let folder = path.parent().expect("the store is in a folder");
    std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.and_then(|entry| entry.metadata()).expect("a file").len())
        .sum()
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kilobytes: f64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kilobytes / 1e3
}
