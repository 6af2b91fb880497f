//! From the bytes of a client to [`Profile`]s, whatever the format.

mod builder;
mod decompress;
mod label;
mod limits;
mod lists;
mod metrics;
mod numbered;
mod otlp;
mod pprof;
mod profile;
mod requests;
mod texts;
pub(crate) mod wire;

pub use limits::Limits;
pub(crate) use otlp::{OtlpProfile, Resource};
pub(crate) use profile::Profile;
pub use profile::ValueType;
pub(crate) use requests::{ENDPOINT, REQUESTS, are_requests, requests_profile, requests_types};

use crate::error::Refusal;
use std::borrow::Cow;

/// `room` is how many bytes the upload may still have, and becomes smaller by what is unpacked, or by as much as that can have been
/// where it is too much or damaged.
fn unpacked<'a>(
    data: &'a [u8],
    limits: &Limits,
    room: &mut usize,
) -> Result<Cow<'a, [u8]>, Refusal> {
    let limit = limits.bytes.min(*room);
    let plain = decompress::decompress(data, limit);
    *room -= plain.as_ref().map_or(limit, |plain| plain.len());
    match plain {
        Ok(plain) if plain.is_empty() => Err(Refusal::Malformed("it is empty")),
        Err(Refusal::TooMuch { .. }) if limit < limits.bytes => {
            Err(Refusal::UploadTooLarge(limits.upload_bytes >> 20))
        }
        plain => plain,
    }
}

/// Reads a profile.proto, plain or compressed with gzip or Zstandard.
pub(crate) fn read_pprof(
    data: &[u8],
    limits: &Limits,
    room: &mut usize,
) -> Result<Profile, Refusal> {
    let plain = unpacked(data, limits, room)?;
    pprof::read(&plain, limits)
}

/// Reads the profiles of an `ExportProfilesServiceRequest`, plain or compressed. One that is refused takes no other with it; what
/// all of them need is the error.
pub(crate) fn read_otlp(
    data: &[u8],
    limits: &Limits,
    room: &mut usize,
) -> Result<Vec<Result<OtlpProfile, Refusal>>, Refusal> {
    let plain = unpacked(data, limits, room)?;
    otlp::read(&plain, limits)
}

/// The same in protobuf's JSON.
pub(crate) fn read_otlp_json(
    data: &[u8],
    limits: &Limits,
    room: &mut usize,
) -> Result<Vec<Result<OtlpProfile, Refusal>>, Refusal> {
    let plain = unpacked(data, limits, room)?;
    otlp::read(&otlp::from_json(&plain, limits)?, limits)
}
