//! What a client has sent, made ready outside the transaction: decompressed, read, added up by its own tables.

use crate::error::Refusal;
use crate::fingerprint;
use crate::frame_keys::{FrameKey, frame_keys};
use crate::metrics::{Metrics, Told};
use crate::packages::Packages;
use crate::read::{
    Limits, OtlpProfile, Profile, REQUESTS, Resource, read_otlp, read_otlp_json, read_pprof,
    requests_profile,
};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Clocks of two machines differ; by more than a day one of them is wrong.
const FURTHEST_FUTURE: i64 = 24 * 3600 * NANOSECONDS;
/// A client's period may be a day, and an hour more at the end of summer time for one that counts local days.
const LONGEST: i64 = 25 * 3600 * NANOSECONDS;
pub(crate) const NANOSECONDS: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * NANOSECONDS;

/// What is different in each upload of a process, and so is no property of it.
const PASSING_TAGS: [&str; 2] = ["profile_seq", "snapshot"];

/// What the bytes of a part are. All may be compressed with gzip or Zstandard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// profile.proto.
    #[default]
    Pprof,
    /// `ExportProfilesServiceRequest` of opentelemetry.proto.collector.profiles.v1development.
    Otlp,
    /// The same in protobuf's JSON.
    OtlpJson,
}

/// One file of an upload.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Such as `wall.pprof`; of OTLP it means nothing.
    pub name: String,
    pub format: Format,
    pub data: Vec<u8>,
}

/// What arrived together and is kept together.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Of OTLP each resource names its own.
    pub service: String,
    /// Each resource of OTLP adds its own.
    pub tags: Vec<(String, String)>,
    /// Nanoseconds since the epoch; where they are equal, the profiles tell the time themselves. Those of OTLP always do.
    pub start: i64,
    pub end: i64,
    pub parts: Vec<Part>,
    /// How the names of files begin, and the npm package with its version (`express@4.21.2`) that they are of.
    pub packages: Vec<(String, String)>,
    /// The process is of this machine: versions that are not told stand in the files of its packages.
    pub is_local: bool,
    /// It came in one request with the upload before it: the limit of bytes is for both together.
    pub joined: bool,
    /// How many requests came from `start` to `end`, by endpoint; none where the client does not say. They are kept with the
    /// profiles, if any of these is taken.
    pub requests: Option<Vec<(String, u64)>>,
}

/// What became of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Kept {
        samples: usize,
    },
    /// The very same is in the store.
    Duplicate,
    Refused(Refusal),
}

/// An upload whose profiles are read, in the order of its parts. A part of OTLP has several, or none; one that cannot be read at
/// all is one refusal.
pub struct Prepared {
    pub(crate) profiles: Vec<Result<PreparedProfile, Refusal>>,
    /// Counts of requests, which nobody is told the outcome of.
    pub(crate) requests: Option<PreparedProfile>,
}

/// A process, as it says.
pub(crate) struct Origin {
    pub(crate) service: String,
    pub(crate) tags: Vec<(String, String)>,
}

pub(crate) struct PreparedProfile {
    pub(crate) origin: Arc<Origin>,
    pub(crate) kind: String,
    pub(crate) hash: [u8; 16],
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) profile: Profile,
    pub(crate) frame_keys: Vec<FrameKey>,
    pub(crate) totals: Vec<u64>,
}

impl Upload {
    /// Reads the profiles. Takes the time of a part for decompressing it, and needs no lock.
    pub fn prepare(&self, limits: &Limits) -> Prepared {
        self.prepare_within(limits, &mut limits.upload_bytes.clone())
    }

    /// The same with what its request has left of the bytes.
    fn prepare_within(&self, limits: &Limits, room: &mut usize) -> Prepared {
        let span = (self.start, self.end);
        let origin = Arc::new(Origin::new(self.service.clone(), self.tags.clone()));
        let packages = Packages::new(&self.packages, self.is_local);
        let mut profiles = Vec::new();
        for part in &self.parts {
            let told = match part.format {
                Format::Pprof => {
                    profiles.push(prepare_pprof(&origin, span, part, limits, room, &packages));
                    continue;
                }
                Format::Otlp => read_otlp(&part.data, limits, room),
                Format::OtlpJson => read_otlp_json(&part.data, limits, room),
            };
            match told {
                Ok(told) => prepare_otlp(&origin, span, told, &packages, &mut profiles),
                Err(refusal) => profiles.push(Err(refusal)),
            }
        }
        tell_once(&mut profiles);
        let mut prepared = Prepared {
            profiles,
            requests: None,
        };
        prepared.refuse_older(now(), limits.age);
        // Requests of a time without profiles would be of no use.
        if prepared.profiles.iter().any(Result::is_ok) {
            prepared.requests = self.prepare_requests(&origin, span, limits);
        }
        prepared
    }

    fn prepare_requests(
        &self,
        origin: &Arc<Origin>,
        span: (i64, i64),
        limits: &Limits,
    ) -> Option<PreparedProfile> {
        let counts = self.requests.as_ref().filter(|_| span.0 < span.1)?;
        let mut profile = requests_profile(counts, limits).ok()?;
        (profile.start, profile.duration) = (span.0, span.1 - span.0);
        let [kind, _] = REQUESTS;
        let hash = fingerprint::of_profile(origin, kind.as_bytes(), &profile);
        prepare_profile(origin.clone(), kind.to_owned(), hash, span, profile).ok()
    }
}

/// Reads what came in one request, in its order.
pub(crate) fn prepare_request(uploads: &[Upload], limits: &Limits) -> Vec<Prepared> {
    let mut room = limits.upload_bytes;
    uploads
        .iter()
        .map(|upload| upload.prepare_within(limits, &mut room))
        .collect()
}

impl Prepared {
    /// Refuses what is older than `kept` nanoseconds: its client would hear that it is kept, and find it nowhere. The hour counts,
    /// as it does when sums of hours are removed.
    fn refuse_older(&mut self, now: i64, kept: i64) {
        for profile in &mut self.profiles {
            let Ok(PreparedProfile { start, end, .. }) = profile else {
                continue;
            };
            let middle = *start + (*end - *start) / 2;
            let hour = middle.div_euclid(HOUR) * HOUR + HOUR / 2;
            if hour < now.saturating_sub(kept) {
                *profile = Err(Refusal::TooOld {
                    days: (now - middle) / (24 * HOUR),
                    kept: kept / (24 * HOUR),
                });
            }
        }
    }
}

/// Files of one upload are of the same time and of one process, and may all tell the same of it.
fn tell_once(profiles: &mut [Result<PreparedProfile, Refusal>]) {
    let mut told: Vec<Told> = Vec::new();
    for profile in profiles.iter_mut().flatten() {
        let own = &mut profile.profile.metrics;
        if matches!(own, Told::Metrics(_)) {
            match told.contains(own) {
                true => *own = Told::Nothing,
                false => told.push(own.clone()),
            }
        }
    }
}

impl Origin {
    fn new(service: String, mut tags: Vec<(String, String)>) -> Origin {
        tags.retain(|(key, _)| !PASSING_TAGS.contains(&key.as_str()));
        tags.sort_unstable();
        tags.dedup();
        Origin { service, tags }
    }
}

fn prepare_pprof(
    origin: &Arc<Origin>,
    span: (i64, i64),
    part: &Part,
    limits: &Limits,
    room: &mut usize,
    packages: &Packages,
) -> Result<PreparedProfile, Refusal> {
    let mut profile = read_pprof(&part.data, limits, room)?;
    packages.note(&mut profile);
    let hash = fingerprint::of_part(origin, span, part);
    prepare_profile(origin.clone(), kind_of(&part.name), hash, span, profile)
}

fn prepare_otlp(
    sender: &Origin,
    span: (i64, i64),
    told: Vec<Result<OtlpProfile, Refusal>>,
    packages: &Packages,
    profiles: &mut Vec<Result<PreparedProfile, Refusal>>,
) {
    // Those of one resource follow each other.
    let mut last: Option<(Arc<Resource>, Arc<Origin>)> = None;
    profiles.extend(told.into_iter().map(|told| {
        let OtlpProfile {
            resource,
            id,
            mut profile,
        } = told?;
        let origin = match &last {
            Some((known, origin)) if Arc::ptr_eq(known, &resource) => origin.clone(),
            _ => {
                let tags = [&sender.tags[..], &resource.tags].concat();
                Arc::new(Origin::new(resource.service.clone(), tags))
            }
        };
        last = Some((resource, origin.clone()));
        let span = if profile.start == 0 { span } else { (0, 0) };
        let hash = fingerprint::of_profile(&origin, &id, &profile);
        packages.note(&mut profile);
        let kind = profile.types[0].name.clone();
        prepare_profile(origin, kind, hash, span, profile)
    }));
}

fn prepare_profile(
    origin: Arc<Origin>,
    kind: String,
    hash: [u8; 16],
    (start, end): (i64, i64),
    mut profile: Profile,
) -> Result<PreparedProfile, Refusal> {
    let (start, end) = span_of(&profile, start, end, now())?;
    let totals = totals_of(&profile)?;
    if let Told::Metrics(metrics) = &profile.metrics
        && !are_of(metrics, start, end)
    {
        profile.metrics = Told::LeftOut;
    }
    Ok(PreparedProfile {
        origin,
        kind,
        hash,
        start,
        end,
        frame_keys: frame_keys(&profile),
        profile,
        totals,
    })
}

/// Whether metrics are of the time of their profile, to a bucket: they go with it when it is too old.
fn are_of(metrics: &Metrics, start: i64, end: i64) -> bool {
    let reaches = metrics.end() - metrics.start;
    reaches <= LONGEST
        && metrics.start <= end.saturating_add(metrics.step)
        && metrics.end() >= start.saturating_sub(metrics.step)
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
    let is_told = start != end;
    let (start, end) = match (start, end) {
        (start, end) if start != end => (start, end),
        // Without any time it is of now.
        _ if profile.start == 0 => (now - profile.duration.max(0), now),
        _ => (
            profile.start,
            profile.start.saturating_add(profile.duration),
        ),
    };
    if start < 0 {
        return Err(Refusal::Malformed("it is of a time before 1970"));
    }
    if end < start {
        return Err(Refusal::Backwards);
    }
    // A client that gives a wrong beginning would hear that its profiles are kept, and find them nowhere.
    if is_told && end - start > LONGEST {
        return Err(Refusal::TooLong);
    }
    if end > now.saturating_add(FURTHEST_FUTURE) {
        let hours = (end - now) / (3600 * NANOSECONDS);
        return Err(Refusal::Future(format!(
            "a time {hours} hours ahead of this machine's clock"
        )));
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

#[cfg(test)]
mod tests {
    use super::*;
    use ::pprof::protos;
    use prost::Message;

    #[test]
    fn uploads_of_one_request_have_their_bytes_together() {
        let profile = protos::Profile {
            sample_type: vec![protos::ValueType::default()],
            string_table: vec![String::new()],
            ..protos::Profile::default()
        };
        let data = profile.encode_to_vec();
        let limits = Limits {
            upload_bytes: 2 * data.len(),
            ..Limits::default()
        };
        let upload = Upload {
            parts: vec![Part {
                data,
                ..Part::default()
            }],
            ..Upload::default()
        };
        let refused = |uploads: &[Upload]| -> Vec<Option<Refusal>> {
            let prepared = prepare_request(uploads, &limits);
            prepared
                .into_iter()
                .flat_map(|upload| upload.profiles)
                .map(Result::err)
                .collect()
        };
        assert_eq!(refused(&vec![upload.clone(); 2]), [None, None]);
        assert_eq!(
            refused(&vec![upload; 3]),
            [None, None, Some(Refusal::UploadTooLarge(0))]
        );
    }
}
