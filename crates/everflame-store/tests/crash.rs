//! A writer that is killed at any instant: what was acknowledged is there, and nothing is there twice.

mod support;

use everflame_store::{Outcome, Retention, Selection, Store};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::*;

const KILLS: u32 = 200;
/// Names the store of the process that is to be killed.
const FOLDER: &str = "EVERFLAME_STORE_TO_KILL";
/// In one commit: one of them alone must not be there.
const TOGETHER: u64 = 3;

/// A profile whose CPU time is its number, so that each can be told.
fn numbered(number: u64) -> KnownProfile {
    let start = BEGIN + number as i64 * MINUTE;
    let sample = Known {
        stack: vec![number as u32 % 17, number as u32 % 5],
        thread: number as u32 % 3,
        endpoint: None,
        wall: 7,
        cpu: number + 1,
        end: 0,
        span: 0,
    };
    KnownProfile {
        instance: number as u32 % 4,
        start,
        end: start + MINUTE,
        samples: vec![sample],
    }
}

/// Writes until it is killed, from the first number on that is not there, and says each that is. Maintenance runs beside it.
fn write_until_killed(folder: &Path) -> ! {
    let store = Store::open(folder).expect("the store opens");
    let mut number = store.status().expect("a status").profiles;
    let mut out = std::io::stdout();
    loop {
        let uploads = (number..number + TOGETHER)
            .map(|number| numbered(number).upload())
            .collect();
        let outcomes = store.ingest(uploads).expect("a commit");
        assert!(
            outcomes
                .iter()
                .all(|parts| matches!(parts[..], [Outcome::Kept { .. }])),
            "{outcomes:?}"
        );
        number += TOGETHER;
        writeln!(out, "{number}").expect("a line");
        if number.is_multiple_of(5) {
            let now = numbered(number).end;
            let retention = Retention {
                profiles: 365 * 24 * HOUR,
                ..Retention::default()
            };
            store.maintain_at(&retention, now).expect("maintenance");
        }
    }
}

/// Numbers of all profiles in the store.
fn numbers(store: &Store) -> Vec<u64> {
    let all = Selection { ..everything() };
    let (profiles, more) = store.profiles(&all, usize::MAX).expect("profiles");
    assert_eq!(more, 0);
    let mut numbers: Vec<u64> = profiles
        .iter()
        .map(|profile| {
            profile
                .types
                .iter()
                .find(|(kind, _)| kind.name == "cpu")
                .expect("cpu")
                .1
                - 1
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn what_was_acknowledged_survives_two_hundred_kills() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_until_killed(Path::new(&folder));
    }
    let folder = Folder::new();
    let mut random = Random(11);
    let mut slowest = Duration::ZERO;
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut writer = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "what_was_acknowledged_survives_two_hundred_kills",
                "--nocapture",
            ])
            .env(FOLDER, &folder.0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a writer");
        let mut lines = BufReader::new(writer.stdout.take().expect("its output")).lines();
        let mut said = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| line.parse::<u64>().ok());
        // At any instant from the first commit on, also in the middle of one.
        acknowledged = said.next().expect("a commit").max(acknowledged);
        std::thread::sleep(Duration::from_micros(random.below(30_000)));
        writer.kill().expect("it is killed");
        writer.wait().expect("its end");
        acknowledged = said.last().unwrap_or(0).max(acknowledged);

        let opening = Instant::now();
        let store = Store::open(&folder.0).expect("the store opens");
        slowest = slowest.max(opening.elapsed());
        let found = numbers(&store);
        let odd = found
            .iter()
            .zip(0..)
            .find(|(number, place)| **number != *place);
        assert_eq!(odd, None, "kill {kill}: one is missing or there twice");
        assert!(
            found.len() as u64 >= acknowledged,
            "kill {kill}: {} of {acknowledged}",
            found.len()
        );
        assert_eq!(
            found.len() as u64 % TOGETHER,
            0,
            "kill {kill}: a part of a commit"
        );
        let tree = store
            .tree(&everything(), Default::default(), None, usize::MAX)
            .expect("a tree");
        assert_eq!(
            tree.answer.sum(0),
            found.iter().map(|number| number + 1).sum::<u64>(),
            "kill {kill}"
        );
        assert_eq!(tree.found.damaged, 0);
    }
    let mut out = std::io::stderr();
    writeln!(
        out,
        "{acknowledged} profiles acknowledged; the slowest of {KILLS} openings took {slowest:?}"
    )
    .expect("a line");
}
