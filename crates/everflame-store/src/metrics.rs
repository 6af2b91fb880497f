//! What a process tells of itself beside its samples, in buckets of time: how long its event loops held events up and were busy,
//! its heaps and its resident memory. As columns of varints, kept as long as the profile that brought them.

use crate::block::Damaged;
use crate::varint::{Bytes, put, put_sized, unzigzag, zigzag};

/// Form of the bytes.
const FORM: u64 = 1;

pub(crate) const MILLISECOND: i64 = 1_000_000;
/// Buckets of one profile.
pub(crate) const MOST_BUCKETS: usize = 600;
pub(crate) const MOST_THREADS: usize = 16;
/// Of any number in a bucket: a petabyte of KiB, twelve days of microseconds.
pub(crate) const LARGEST: u64 = 1 << 40;
/// Shortest and longest bucket, in milliseconds.
pub(crate) const STEPS: std::ops::RangeInclusive<u64> = 1000..=3_600_000;

/// A number for each bucket, or none.
pub(crate) type Column = Vec<Option<u64>>;

/// Numbers of a thread that runs JavaScript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadMetrics {
    /// `0` for the main thread, else the number of the worker.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Microseconds: the longest time, ended in the bucket, for which the event loop did not come back to wait.
    pub(crate) delay: Column,
    /// Microseconds of the bucket in which the event loop did not wait.
    pub(crate) active: Column,
    /// KiB of V8's used heap.
    pub(crate) heap: Column,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// Nanoseconds since the epoch at which the first bucket begins.
    pub(crate) start: i64,
    /// Nanoseconds of a bucket.
    pub(crate) step: i64,
    pub(crate) threads: Vec<ThreadMetrics>,
    /// KiB of resident memory; as long as all other columns.
    pub(crate) rss: Column,
}

/// What a profile tells of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Metrics(Box<Metrics>),
    /// Something that cannot be read, or cannot be true.
    LeftOut,
}

impl Metrics {
    /// Nanoseconds since the epoch at which the last bucket ends.
    pub(crate) fn end(&self) -> i64 {
        let buckets = self.rss.len() as i64;
        self.start.saturating_add(self.step.saturating_mul(buckets))
    }

    /// As bytes, without the start.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 8 * self.rss.len());
        put(&mut out, FORM);
        put(&mut out, (self.step / MILLISECOND) as u64);
        put(&mut out, self.rss.len() as u64);
        put(&mut out, self.threads.len() as u64);
        for thread in &self.threads {
            put_sized(&mut out, thread.id.as_bytes());
            put_sized(&mut out, thread.name.as_bytes());
            put_times(&mut out, &thread.delay);
            put_times(&mut out, &thread.active);
            put_levels(&mut out, &thread.heap);
        }
        put_levels(&mut out, &self.rss);
        out
    }

    /// Of bytes that `encode` has made.
    pub(crate) fn decode(data: &[u8], start: i64) -> Result<Metrics, Damaged> {
        read(data, start).ok_or(Damaged)
    }
}

/// Times have nothing to do with those before.
fn put_times(out: &mut Vec<u8>, column: &Column) {
    put_column(out, column, |number, _| number);
}

/// Levels of memory move by little.
fn put_levels(out: &mut Vec<u8>, column: &Column) {
    put_column(out, column, |number, before| {
        zigzag(number as i64 - before as i64)
    });
}

/// None is 0, so numbers begin with 1. A column of none alone takes no bytes.
fn put_column(out: &mut Vec<u8>, column: &Column, code: impl Fn(u64, u64) -> u64) {
    let mut bytes = Vec::new();
    let mut before = 0;
    if column.iter().any(Option::is_some) {
        for number in column {
            put(
                &mut bytes,
                number.map_or(0, |number| 1 + code(number, before)),
            );
            before = number.unwrap_or(before);
        }
    }
    put_sized(out, &bytes);
}

fn read(data: &[u8], start: i64) -> Option<Metrics> {
    let mut bytes = Bytes(data);
    (bytes.varint()? == FORM).then_some(())?;
    let step = bytes.varint().filter(|step| STEPS.contains(step))?;
    let buckets = bounded(bytes.varint()?, MOST_BUCKETS)?;
    let threads = bounded(bytes.varint()?, MOST_THREADS)?;
    let threads = (0..threads)
        .map(|_| {
            Some(ThreadMetrics {
                id: text(&mut bytes)?,
                name: text(&mut bytes)?,
                delay: times(&mut bytes, buckets)?,
                active: times(&mut bytes, buckets)?,
                heap: levels(&mut bytes, buckets)?,
            })
        })
        .collect::<Option<_>>()?;
    let rss = levels(&mut bytes, buckets)?;
    bytes.is_empty().then_some(Metrics {
        start,
        step: step as i64 * MILLISECOND,
        threads,
        rss,
    })
}

fn bounded(number: u64, most: usize) -> Option<usize> {
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= most)
}

fn text(bytes: &mut Bytes) -> Option<String> {
    String::from_utf8(bytes.sized()?.to_vec()).ok()
}

fn times(bytes: &mut Bytes, buckets: usize) -> Option<Column> {
    column(bytes, buckets, |code, _| Some(code))
}

fn levels(bytes: &mut Bytes, buckets: usize) -> Option<Column> {
    column(bytes, buckets, |code, before| {
        before.checked_add_signed(unzigzag(code))
    })
}

fn column(
    bytes: &mut Bytes,
    buckets: usize,
    number: impl Fn(u64, u64) -> Option<u64>,
) -> Option<Column> {
    let mut own = Bytes(bytes.sized()?);
    if own.is_empty() {
        return Some(vec![None; buckets]);
    }
    let mut before = 0;
    let mut column = Vec::with_capacity(buckets);
    for _ in 0..buckets {
        column.push(match own.varint()? {
            0 => None,
            code => {
                before = number(code - 1, before).filter(|number| *number <= LARGEST)?;
                Some(before)
            }
        });
    }
    own.is_empty().then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(buckets: usize, seed: u64) -> Column {
        (0..buckets as u64)
            .map(|index| {
                let random = (index + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (random & 3 != 0).then_some(random >> (24 + random % 40))
            })
            .collect()
    }

    fn metrics(threads: usize, buckets: usize) -> Metrics {
        let threads = (0..threads as u64)
            .map(|number| ThreadMetrics {
                id: number.to_string(),
                name: format!("worker \u{1f525} {number}"),
                delay: column(buckets, number),
                active: column(buckets, 100 + number),
                heap: column(buckets, 200 + number),
            })
            .collect();
        Metrics {
            start: 5,
            step: 1500 * MILLISECOND,
            threads,
            rss: column(buckets, 300),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for (threads, buckets) in [(0, 0), (1, 1), (3, 60), (MOST_THREADS, MOST_BUCKETS)] {
            let mut metrics = metrics(threads, buckets);
            assert_eq!(Metrics::decode(&metrics.encode(), 5), Ok(metrics.clone()));
            metrics.rss.fill(None);
            assert_eq!(Metrics::decode(&metrics.encode(), 5), Ok(metrics));
        }
    }

    #[test]
    fn a_minute_of_a_quiet_thread_takes_a_few_bytes_a_second() {
        let level = |number: u64| (0..60).map(|index| Some(number + index % 3)).collect();
        let thread = ThreadMetrics {
            id: "0".to_owned(),
            name: "main".to_owned(),
            delay: level(900),
            active: level(12_000),
            heap: level(40_000),
        };
        let quiet = Metrics {
            start: 0,
            step: 1000 * MILLISECOND,
            threads: vec![thread],
            rss: level(90_000),
        };
        assert!(quiet.encode().len() < 60 * 7, "{}", quiet.encode().len());
    }

    #[test]
    fn bytes_that_are_cut_or_changed_never_panic() {
        let data = metrics(2, 20).encode();
        for length in 0..data.len() {
            assert_eq!(
                Metrics::decode(&data[..length], 5),
                Err(Damaged),
                "{length}"
            );
        }
        for at in 0..data.len() {
            for bit in 0..8 {
                let mut damaged = data.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(metrics) = Metrics::decode(&damaged, 5) {
                    assert!(metrics.rss.len() <= MOST_BUCKETS);
                }
            }
        }
    }
}
