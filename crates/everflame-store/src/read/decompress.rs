//! By magic bytes, as clients send what they like without saying so.

use crate::error::Refusal;
use flate2::bufread::MultiGzDecoder;
use std::borrow::Cow;
use std::io::{ErrorKind, Read};

/// Nothing becomes smaller by deflate.
const MOST_RATIO: usize = 1032;

/// The bytes without compression. No more than `limit` of them are ever in memory.
pub(crate) fn decompress(data: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, Refusal> {
    match data {
        // Its last four bytes tell the size, or that of the last of several pieces.
        [0x1f, 0x8b, ..] => {
            let told = data
                .last_chunk()
                .map_or(0, |size| u32::from_le_bytes(*size));
            let told = (told as usize).min(data.len().saturating_mul(MOST_RATIO));
            read(MultiGzDecoder::new(data), told, limit).map(Cow::Owned)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::stream::read::Decoder::new(data).map_err(failed)?;
            read(decoder, 4 * data.len(), limit).map(Cow::Owned)
        }
        _ if data.len() > limit => Err(too_large(limit)),
        _ => Ok(Cow::Borrowed(data)),
    }
}

/// As few and as large pieces as there can be: for each one, the decoder copies the last 32 KB aside. `about` is how many bytes
/// there may be.
fn read(mut decoder: impl Read, about: usize, limit: usize) -> Result<Vec<u8>, Refusal> {
    // One more, so that the end is met without another piece.
    let mut plain = vec![0; about.min(limit) + 1];
    let mut length = 0;
    loop {
        match decoder.read(&mut plain[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
        if length > limit {
            return Err(too_large(limit));
        }
        if length == plain.len() {
            plain.resize((2 * length).min(limit + 1), 0);
        }
    }
    plain.truncate(length);
    Ok(plain)
}

fn failed(error: std::io::Error) -> Refusal {
    Refusal::Compression(error.to_string())
}

fn too_large(limit: usize) -> Refusal {
    Refusal::TooMuch {
        what: "bytes after decompression",
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_form_gives_the_same_bytes() {
        let data = b"profile of a service".repeat(100);
        for form in [
            data.clone(),
            gzip(&data),
            zstd::encode_all(data.as_slice(), 1).unwrap(),
        ] {
            assert_eq!(decompress(&form, data.len()).unwrap(), data.as_slice());
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let bomb = gzip(&vec![0; 100 << 20]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(decompress(&bomb, 1 << 20), Err(too_large(1 << 20)));
        let bomb = zstd::encode_all(vec![0; 100 << 20].as_slice(), 1).unwrap();
        assert_eq!(decompress(&bomb, 1 << 20), Err(too_large(1 << 20)));
    }

    #[test]
    fn what_is_cut_is_refused() {
        let whole = gzip(&b"profile".repeat(1000));
        for length in 2..whole.len() {
            assert!(
                matches!(
                    decompress(&whole[..length], 1 << 20),
                    Err(Refusal::Compression(_))
                ),
                "{length}"
            );
        }
    }
}
