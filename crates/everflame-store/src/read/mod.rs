//! From the bytes of a client to a [`Profile`], whatever the format.

mod decompress;
mod label;
mod pprof;
mod profile;
mod texts;
pub(crate) mod wire;

pub(crate) use profile::Profile;
pub use profile::ValueType;

use crate::error::Refusal;

/// What one profile may have. Larger ones are refused: reading them would take the memory of others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes after decompression.
    pub bytes: usize,
    pub samples: usize,
    /// Of each table: texts, functions, places.
    pub entries: usize,
    /// Frames of one stack.
    pub depth: usize,
    /// Labels of one sample.
    pub labels: usize,
    /// Kinds of value.
    pub types: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 256 << 20,
            samples: 2_000_000,
            entries: 2_000_000,
            depth: 16_384,
            labels: 64,
            types: 32,
        }
    }
}

/// Reads a profile.proto, plain or compressed with gzip or Zstandard.
pub(crate) fn read_pprof(data: &[u8], limits: &Limits) -> Result<Profile, Refusal> {
    let plain = decompress::decompress(data, limits.bytes)?;
    pprof::read(&plain, limits)
}
