//! Variable-length integers: seven bits a byte, low bits first, as in V8's side tables.

/// Reads integers from a byte string and stops at its end or at the first malformed one.
#[derive(Clone, Debug)]
pub(crate) struct VlqReader<'a> {
    bytes: &'a [u8],
}

impl<'a> VlqReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> VlqReader<'a> {
        VlqReader { bytes }
    }

    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Zig-zag: the sign is the lowest bit.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let raw = self.unsigned()?;
        Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }
}

/// Appends an integer as [`VlqReader::unsigned`] reads it.
pub(crate) fn write_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_as_written() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            write_unsigned(&mut bytes, value);
            let mut reader = VlqReader::new(&bytes);
            assert_eq!(reader.unsigned(), Some(value));
            assert_eq!(reader.unsigned(), None);
        }
    }

    #[test]
    fn signs_are_folded_into_the_lowest_bit() {
        let read = |bytes: &[u8]| VlqReader::new(bytes).signed();
        assert_eq!(read(&[0]), Some(0));
        assert_eq!(read(&[1]), Some(-1));
        assert_eq!(read(&[2]), Some(1));
        assert_eq!(read(&[0xac, 0x02]), Some(150));
    }

    #[test]
    fn truncated_and_endless_integers_are_refused() {
        assert_eq!(VlqReader::new(&[0x80]).unsigned(), None);
        assert_eq!(VlqReader::new(&[0xff; 11]).unsigned(), None);
        assert_eq!(VlqReader::new(&[]).unsigned(), None);
    }
}
