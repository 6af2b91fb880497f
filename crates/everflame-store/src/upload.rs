//! What a client has sent, made ready outside the transaction: decompressed, read, added up by its own tables.

use crate::error::Refusal;
use crate::read::{Limits, Profile, read_pprof};
use std::time::{SystemTime, UNIX_EPOCH};
use twox_hash::XxHash3_128;

/// Clocks of two machines differ; by more than a day one of them is wrong.
const FURTHEST_FUTURE: i64 = 24 * 3600 * NANOSECONDS;
pub(crate) const NANOSECONDS: i64 = 1_000_000_000;

/// What is different in each upload of a process, and so is no property of it.
const PASSING_TAGS: [&str; 2] = ["profile_seq", "snapshot"];

/// One file of an upload.
#[derive(Clone, Debug)]
pub struct Part {
    /// Such as `wall.pprof`.
    pub name: String,
    /// profile.proto, plain or compressed with gzip or Zstandard.
    pub data: Vec<u8>,
}

/// What arrived together and is kept together.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    pub service: String,
    pub tags: Vec<(String, String)>,
    /// Nanoseconds since the epoch; where they are equal, the profiles tell the time themselves.
    pub start: i64,
    pub end: i64,
    pub parts: Vec<Part>,
}

/// What became of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Kept {
        samples: usize,
    },
    /// The very same is in the store.
    Duplicate,
    Refused(Refusal),
}

/// An upload whose profiles are read.
pub struct Prepared {
    pub(crate) service: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) parts: Vec<Result<PreparedPart, Refusal>>,
}

pub(crate) struct PreparedPart {
    pub(crate) kind: String,
    pub(crate) hash: [u8; 16],
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) profile: Profile,
    pub(crate) totals: Vec<u64>,
}

impl Upload {
    /// Reads the profiles. Takes the time of a part for decompressing it, and needs no lock.
    pub fn prepare(self, limits: &Limits) -> Prepared {
        let mut tags: Vec<(String, String)> = self
            .tags
            .into_iter()
            .filter(|(key, _)| !PASSING_TAGS.contains(&key.as_str()))
            .collect();
        tags.sort_unstable();
        tags.dedup();
        let now = now();
        let parts = self
            .parts
            .into_iter()
            .map(|part| {
                let hash = hash_of(&self.service, &tags, self.start, self.end, &part);
                let profile = read_pprof(&part.data, limits)?;
                let (start, end) = span_of(&profile, self.start, self.end, now)?;
                let totals = totals_of(&profile)?;
                Ok(PreparedPart {
                    kind: kind_of(&part.name),
                    hash,
                    start,
                    end,
                    profile,
                    totals,
                })
            })
            .collect();
        Prepared {
            service: self.service,
            tags,
            parts,
        }
    }
}

pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as i64)
}

/// The name of a file without its path and its endings.
fn kind_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.split('.')
        .find(|part| !part.is_empty())
        .unwrap_or("profile")
        .to_owned()
}

fn span_of(profile: &Profile, start: i64, end: i64, now: i64) -> Result<(i64, i64), Refusal> {
    let (start, end) = match (start, end) {
        (start, end) if start != end => (start, end),
        // Without any time it is of now.
        _ if profile.start == 0 => (now - profile.duration.max(0), now),
        _ => (
            profile.start,
            profile.start.saturating_add(profile.duration),
        ),
    };
    if end < start {
        return Err(Refusal::Backwards);
    }
    if end > now.saturating_add(FURTHEST_FUTURE) {
        let hours = (end - now) / (3600 * NANOSECONDS);
        return Err(Refusal::Future(format!(
            "a time {hours} hours ahead of this machine's clock"
        )));
    }
    if start < 0 {
        return Err(Refusal::Malformed("it is of a time before 1970"));
    }
    Ok((start, end))
}

/// Sums of the whole profile. SQLite's numbers have 63 bits.
fn totals_of(profile: &Profile) -> Result<Vec<u64>, Refusal> {
    let mut totals = vec![0_u64; profile.types.len()];
    for values in profile.values.chunks_exact(profile.types.len()) {
        for ((total, value), kind) in totals.iter_mut().zip(values).zip(&profile.types) {
            *total = total
                .checked_add(*value)
                .filter(|total| *total <= i64::MAX as u64)
                .ok_or_else(|| Refusal::Overflow(kind.name.clone()))?;
        }
    }
    Ok(totals)
}

/// By which the same profile is known when it comes again.
fn hash_of(
    service: &str,
    tags: &[(String, String)],
    start: i64,
    end: i64,
    part: &Part,
) -> [u8; 16] {
    let mut hasher = XxHash3_128::new();
    let mut put = |bytes: &[u8]| {
        hasher.write(&(bytes.len() as u64).to_le_bytes());
        hasher.write(bytes);
    };
    put(service.as_bytes());
    for (key, value) in tags {
        put(key.as_bytes());
        put(value.as_bytes());
    }
    put(&start.to_le_bytes());
    put(&end.to_le_bytes());
    put(part.name.as_bytes());
    put(&part.data);
    hasher.finish_128().to_le_bytes()
}
