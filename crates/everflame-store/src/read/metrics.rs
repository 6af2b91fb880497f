//! Metrics in a comment of a profile.proto, as Everflame's sampler writes them (docs/store.md). Whoever sends profiles can write
//! anything there: what cannot be read costs the profile nothing.

use super::wire::fields;
use crate::metrics::{
    Column, LARGEST, MILLISECOND, MOST_BUCKETS, MOST_THREADS, Metrics, STEPS, ThreadMetrics, Told,
};
use serde_json::Value;

/// What the comment begins with. JSON follows.
const PREFIX: &[u8] = b"everflame.metrics:";

/// Of the JSON: as many numbers as there may be have no more.
const MOST_BYTES: usize = 512 << 10;
/// Comments of one profile that are looked at.
const MOST_COMMENTS: usize = 64;
/// Milliseconds since the epoch; nanoseconds have 63 bits.
const LATEST: u64 = 9_000_000_000_000;
/// Digits of a thread's number.
const LONGEST_ID: usize = 20;
/// Characters of a thread's name that are kept.
const LONGEST_NAME: usize = 128;

/// Of the bytes of a profile that was read.
pub(super) fn told(profile: &[u8]) -> Told {
    let mut comments = Vec::new();
    let mut found = None;
    // What is wrong with its fields was told before.
    let _ = fields(profile, |field, value| match field {
        // One too many ends it, and those before count.
        13 => value.append_to(&mut comments, MOST_COMMENTS, "comments"),
        _ => Ok(()),
    });
    if comments.is_empty() {
        return Told::Nothing;
    }
    let mut index = 0;
    let mut count = 0;
    let _ = fields(profile, |field, value| {
        if field == 6 {
            let text = value.bytes()?;
            if let Some(json) = text.strip_prefix(PREFIX)
                && comments.contains(&index)
            {
                found = Some(json);
                count += 1;
            }
            index += 1;
        }
        Ok(())
    });
    match (found, count) {
        (None, _) => Told::Nothing,
        // Of profiles that were put together: which of them are of which time is not known any more.
        (Some(_), 2..) => Told::LeftOut,
        (Some(json), _) => parse(json),
    }
}

fn parse(json: &[u8]) -> Told {
    let metrics = (json.len() <= MOST_BYTES)
        .then(|| serde_json::from_slice(json).ok())
        .flatten()
        .and_then(|comment| read(&comment));
    match metrics {
        None => Told::LeftOut,
        Some(metrics) if is_void(&metrics) => Told::Nothing,
        Some(metrics) => Told::Metrics(Box::new(metrics)),
    }
}

fn read(comment: &Value) -> Option<Metrics> {
    let start = comment.get("start")?.as_u64()?;
    let step = comment.get("step")?.as_u64()?;
    let threads = comment.get("threads")?.as_array()?;
    (start <= LATEST && STEPS.contains(&step) && threads.len() <= MOST_THREADS).then_some(())?;
    let mut metrics = Metrics {
        start: start as i64 * MILLISECOND,
        step: step as i64 * MILLISECOND,
        threads: Vec::with_capacity(threads.len()),
        rss: column(comment, "rss_kib")?,
    };
    for thread in threads {
        let id = thread.get("id")?.as_str()?;
        let name = thread.get("name").map_or(Some(""), Value::as_str)?;
        let is_number =
            (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let is_known = metrics.threads.iter().any(|known| known.id == id);
        (is_number && !is_known).then_some(())?;
        metrics.threads.push(ThreadMetrics {
            id: id.to_owned(),
            name: name.chars().take(LONGEST_NAME).collect(),
            delay: column(thread, "delay_us")?,
            active: column(thread, "active_us")?,
            heap: column(thread, "heap_kib")?,
        });
    }
    have_one_length(&mut metrics).then_some(metrics)
}

/// One that is not there is empty.
fn column(of: &Value, key: &str) -> Option<Column> {
    let Some(numbers) = of.get(key).filter(|numbers| !numbers.is_null()) else {
        return Some(Column::new());
    };
    let numbers = numbers.as_array()?;
    let number = |number: &Value| match number {
        Value::Null => Some(None),
        number => Some(Some(number.as_u64().filter(|number| *number <= LARGEST)?)),
    };
    (numbers.len() <= MOST_BUCKETS).then_some(())?;
    numbers.iter().map(number).collect()
}

/// Whether all columns that are there have as many numbers; others are filled up.
fn have_one_length(metrics: &mut Metrics) -> bool {
    let threads = metrics.threads.iter_mut();
    let columns =
        threads.flat_map(|thread| [&mut thread.delay, &mut thread.active, &mut thread.heap]);
    let mut columns: Vec<&mut Column> = columns.chain([&mut metrics.rss]).collect();
    let buckets = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    columns.iter_mut().all(|column| {
        let is_whole = column.is_empty() || column.len() == buckets;
        column.resize(buckets, None);
        is_whole
    })
}

/// Whether it has no number at all.
fn is_void(metrics: &Metrics) -> bool {
    metrics
        .threads
        .iter()
        .flat_map(|thread| [&thread.delay, &thread.active, &thread.heap])
        .chain([&metrics.rss])
        .flatten()
        .all(Option::is_none)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(json: &str) -> Told {
        parse(json.as_bytes())
    }

    fn of_threads(threads: &str) -> String {
        format!(r#"{{"start":1764000000000,"step":1000,"threads":[{threads}],"rss_kib":[7,null]}}"#)
    }

    #[test]
    fn numbers_and_gaps_are_read() {
        let json = of_threads(
            r#"{"id":"0","name":"main","delay_us":[1200,null],"active_us":[350000,1],"heap_kib":[null,20480]}"#,
        );
        let Told::Metrics(metrics) = told_of(&json) else {
            panic!("{json}")
        };
        let main = ThreadMetrics {
            id: "0".to_owned(),
            name: "main".to_owned(),
            delay: vec![Some(1200), None],
            active: vec![Some(350_000), Some(1)],
            heap: vec![None, Some(20_480)],
        };
        let expected = Metrics {
            start: 1_764_000_000_000 * MILLISECOND,
            step: 1000 * MILLISECOND,
            threads: vec![main],
            rss: vec![Some(7), None],
        };
        assert_eq!(*metrics, expected);
        assert_eq!(metrics.end(), (1_764_000_000_000 + 2000) * MILLISECOND);
    }

    #[test]
    fn what_a_later_version_adds_is_no_harm() {
        let json = of_threads(r#"{"id":"3","cores":{"deep":[[1]]}}"#);
        assert!(matches!(told_of(&json), Told::Metrics(_)));
    }

    #[test]
    fn numbers_that_are_not_there_are_nothing() {
        for json in [
            r#"{"start":1,"step":1000,"threads":[]}"#,
            r#"{"start":1,"step":1000,"threads":[{"id":"0"}],"rss_kib":[]}"#,
            r#"{"start":1,"step":1000,"threads":[],"rss_kib":[null,null]}"#,
        ] {
            assert_eq!(told_of(json), Told::Nothing, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        let column = |count: usize| vec!["1"; count].join(",");
        let lists = |count: usize| {
            format!(
                r#"{{"start":1,"step":1000,"threads":[],"rss_kib":[{}]}}"#,
                column(count)
            )
        };
        assert!(matches!(told_of(&lists(MOST_BUCKETS)), Told::Metrics(_)));
        let threads = |count: usize| {
            let threads: Vec<_> = (0..count).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
            of_threads(&threads.join(","))
        };
        assert!(matches!(told_of(&threads(MOST_THREADS)), Told::Metrics(_)));
        let bad = [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            "[".repeat(100_000),
            format!("{} and more", lists(1)),
            lists(MOST_BUCKETS + 1),
            threads(MOST_THREADS + 1),
            of_threads(r#"{"id":"0"},{"id":"0"}"#),
            of_threads(r#"{"id":""}"#),
            of_threads(r#"{"id":"main"}"#),
            of_threads(r#"{"id":"123456789012345678901"}"#),
            of_threads(r#"{"id":"0","delay_us":[1]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,2,3]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,-2]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,2.5]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,"2"]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,1099511627777]}"#),
            of_threads(r#"{"id":"0","delay_us":[1,18446744073709551616]}"#),
            of_threads(r#"{"id":"0","delay_us":5}"#),
            of_threads(r#"{"id":0}"#),
            of_threads(r#"{"id":"0","name":5}"#),
            of_threads(r#"{"delay_us":[1,2]}"#),
            of_threads("7"),
            r#"{"start":-1,"step":1000,"threads":[],"rss_kib":[1]}"#.to_owned(),
            r#"{"start":9000000000001,"step":1000,"threads":[],"rss_kib":[1]}"#.to_owned(),
            r#"{"start":1,"step":999,"threads":[],"rss_kib":[1]}"#.to_owned(),
            r#"{"start":1,"step":3600001,"threads":[],"rss_kib":[1]}"#.to_owned(),
            r#"{"start":1,"threads":[],"rss_kib":[1]}"#.to_owned(),
            format!(
                r#"{{"start":1,"step":1000,"threads":[],"rss_kib":[1],"more":"{}"}}"#,
                "x".repeat(MOST_BYTES)
            ),
        ];
        for json in bad {
            let shown: String = json.chars().take(100).collect();
            assert_eq!(told_of(&json), Told::LeftOut, "{shown}");
        }
        assert_eq!(parse(b"{\"start\":1,\"step\":1000,\"threads\":[{\"id\":\"0\",\"name\":\"\xff\"}],\"rss_kib\":[1]}"), Told::LeftOut);
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        let name = "ü".repeat(1000);
        let Told::Metrics(metrics) =
            told_of(&of_threads(&format!(r#"{{"id":"0","name":"{name}"}}"#)))
        else {
            panic!()
        };
        assert_eq!(metrics.threads[0].name, "ü".repeat(LONGEST_NAME));
    }
}
