//! Where encoded messages go: straight through a compressor into one buffer.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// How a profile is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Gzip,
    Zstd,
    Identity,
}

/// Compression failed; memory is out.
#[derive(Debug, thiserror::Error)]
#[error("the profile could not be compressed: {0}")]
pub struct EncodingError(#[from] io::Error);

pub(super) enum Sink {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::Encoder<'static, Vec<u8>>),
    Identity(Vec<u8>),
}

impl Sink {
    pub(super) fn new(encoding: Encoding) -> io::Result<Sink> {
        Ok(match encoding {
            Encoding::Gzip => Sink::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            Encoding::Zstd => Sink::Zstd(zstd::stream::Encoder::new(Vec::new(), 3)?),
            Encoding::Identity => Sink::Identity(Vec::new()),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Gzip(encoder) => encoder.write_all(bytes),
            Sink::Zstd(encoder) => encoder.write_all(bytes),
            Sink::Identity(buffer) => buffer.write_all(bytes),
        }
    }

    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Sink::Gzip(encoder) => encoder.finish(),
            Sink::Zstd(encoder) => encoder.finish(),
            Sink::Identity(buffer) => Ok(buffer),
        }
    }
}
