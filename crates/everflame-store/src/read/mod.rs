//! From the bytes of a client to [`Profile`]s, whatever the format.

mod builder;
mod decompress;
mod label;
mod limits;
mod otlp;
mod pprof;
mod profile;
mod texts;
pub(crate) mod wire;

pub use limits::Limits;
pub(crate) use otlp::{OtlpProfile, Resource};
pub(crate) use profile::Profile;
pub use profile::ValueType;

use crate::error::Refusal;
use std::borrow::Cow;

fn unpacked<'a>(data: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, Refusal> {
    let plain = decompress::decompress(data, limits.bytes)?;
    match plain.is_empty() {
        true => Err(Refusal::Malformed("it is empty")),
        false => Ok(plain),
    }
}

/// Reads a profile.proto, plain or compressed with gzip or Zstandard.
pub(crate) fn read_pprof(data: &[u8], limits: &Limits) -> Result<Profile, Refusal> {
    let plain = unpacked(data, limits)?;
    pprof::read(&plain, limits)
}

/// Reads the profiles of an `ExportProfilesServiceRequest`, plain or compressed. One that is refused takes no other with it; what
/// all of them need is the error.
pub(crate) fn read_otlp(
    data: &[u8],
    limits: &Limits,
) -> Result<Vec<Result<OtlpProfile, Refusal>>, Refusal> {
    let plain = unpacked(data, limits)?;
    otlp::read(&plain, limits)
}

/// The same in protobuf's JSON.
pub(crate) fn read_otlp_json(
    data: &[u8],
    limits: &Limits,
) -> Result<Vec<Result<OtlpProfile, Refusal>>, Refusal> {
    let plain = unpacked(data, limits)?;
    otlp::read(&otlp::from_json(&plain, limits)?, limits)
}
