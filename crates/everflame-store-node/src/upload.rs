//! Uploads from JavaScript, and what became of them.

use crate::failed;
use everflame_store::{Format, Outcome, Part, Store, Upload};
use napi::bindgen_prelude::{BigInt, Buffer, Env, Error, Result, Status, Task};
use napi_derive::napi;
use std::sync::Arc;

/// One file of an upload, plain or compressed with gzip or Zstandard: profile.proto (`pprof`), or an
/// `ExportProfilesServiceRequest` of OpenTelemetry as protobuf (`otlp`) or JSON (`otlp-json`), which may hold several profiles.
#[napi(object)]
pub struct NativePart {
    /// Such as `wall.pprof`; of OTLP it means nothing.
    pub name: String,
    #[napi(ts_type = "'pprof' | 'otlp' | 'otlp-json'")]
    pub format: String,
    pub data: Buffer,
}

/// How many requests came for an endpoint: a whole number.
#[napi(object)]
pub struct NativeRequests {
    pub endpoint: String,
    pub count: f64,
}

#[napi(object)]
pub struct NativeUpload {
    /// Of OTLP each resource names its own, and adds its tags.
    pub service: String,
    /// Keys and values, one behind the other.
    pub tags: Vec<String>,
    /// Nanoseconds since the epoch; where they are equal, the profiles tell the time themselves, as those of OTLP always do.
    pub start: BigInt,
    pub end: BigInt,
    pub parts: Vec<NativePart>,
    /// How the names of files begin, and the npm package with its version (`express@4.21.2`) that they are of, one behind the other.
    pub packages: Option<Vec<String>>,
    /// The process is of this machine: versions that are not told are read from the files of its packages.
    pub is_local: Option<bool>,
    /// It came in one request with the upload before it: the limit of bytes is for both together.
    pub joined: Option<bool>,
    /// Those that came from `start` to `end`; left out where the client does not say.
    pub requests: Option<Vec<NativeRequests>>,
}

impl NativeUpload {
    pub(crate) fn into_upload(self) -> Result<Upload> {
        let time = |time: BigInt| match time.get_i64() {
            (time, true) => Ok(time),
            _ => Err(Error::new(
                Status::InvalidArg,
                "BAD_QUERY: a time is out of range",
            )),
        };
        Ok(Upload {
            service: self.service,
            tags: pairs(self.tags),
            packages: self.packages.map(pairs).unwrap_or_default(),
            is_local: self.is_local.unwrap_or(false),
            start: time(self.start)?,
            end: time(self.end)?,
            parts: self
                .parts
                .into_iter()
                .map(|part| {
                    Ok(Part {
                        name: part.name,
                        format: format(&part.format)?,
                        data: part.data.to_vec(),
                    })
                })
                .collect::<Result<_>>()?,
            joined: self.joined.unwrap_or_default(),
            requests: self.requests.map(|requests| {
                requests
                    .into_iter()
                    .map(|NativeRequests { endpoint, count }| (endpoint, count as u64))
                    .collect()
            }),
        })
    }
}

fn pairs(texts: Vec<String>) -> Vec<(String, String)> {
    let mut texts = texts.into_iter();
    std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect()
}

fn format(name: &str) -> Result<Format> {
    match name {
        "pprof" => Ok(Format::Pprof),
        "otlp" => Ok(Format::Otlp),
        "otlp-json" => Ok(Format::OtlpJson),
        _ => Err(Error::new(
            Status::InvalidArg,
            format!("no format {name:?}: it is pprof, otlp or otlp-json"),
        )),
    }
}

/// What became of one profile: `kept`, `duplicate` (the very same is in the store) or `refused`, with the reason.
#[napi(object)]
pub struct NativeOutcome {
    #[napi(ts_type = "'kept' | 'duplicate' | 'refused'")]
    pub state: String,
    pub samples: u32,
    pub reason: Option<String>,
}

impl From<Outcome> for NativeOutcome {
    fn from(outcome: Outcome) -> NativeOutcome {
        let (state, samples, reason) = match outcome {
            Outcome::Kept { samples } => ("kept", samples as u32, None),
            Outcome::Duplicate => ("duplicate", 0, None),
            Outcome::Refused(refusal) => ("refused", 0, Some(refusal.to_string())),
        };
        NativeOutcome {
            state: state.to_owned(),
            samples,
            reason,
        }
    }
}

pub struct Ingest {
    pub(crate) store: Arc<Store>,
    pub(crate) uploads: Vec<Upload>,
}

impl Task for Ingest {
    type Output = Vec<Vec<Outcome>>;
    type JsValue = Vec<Vec<NativeOutcome>>;

    fn compute(&mut self) -> Result<Self::Output> {
        self.store
            .ingest(std::mem::take(&mut self.uploads))
            .map_err(failed)
    }

    fn resolve(&mut self, _: Env, outcomes: Self::Output) -> Result<Self::JsValue> {
        Ok(outcomes
            .into_iter()
            .map(|parts| parts.into_iter().map(NativeOutcome::from).collect())
            .collect())
    }
}
