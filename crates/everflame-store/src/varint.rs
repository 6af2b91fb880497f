//! Whole numbers in seven bits a byte, the lowest first (LEB128), as protobuf has them.

pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads from the front of a slice. `None` where it ends too early or a number has more than 64 bits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        // Nearly all are of one or two bytes.
        match *self.0 {
            [first @ ..0x80, ref rest @ ..] => {
                self.0 = rest;
                Some(u64::from(first))
            }
            [first, second @ ..0x80, ref rest @ ..] => {
                self.0 = rest;
                Some(u64::from(first & 0x7f) | u64::from(second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (index, &byte) in self.0.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has the last bit.
            if index == 9 && bits > 1 {
                return None;
            }
            value |= bits << (7 * index);
            if byte < 0x80 {
                self.0 = &self.0[index + 1..];
                return Some(value);
            }
        }
        None
    }

    /// As many bytes as are asked for.
    pub(crate) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.0.len())?;
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(taken)
    }

    /// A slice with its length before it.
    pub(crate) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(length)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Small numbers for small steps, forwards or backwards.
pub(crate) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_read() {
        let values = [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX];
        let mut out = Vec::new();
        values.iter().for_each(|value| put(&mut out, *value));
        let mut bytes = Bytes(&out);
        for value in values {
            assert_eq!(bytes.varint(), Some(value));
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_cut_or_too_long_is_no_number() {
        assert_eq!(Bytes(&[]).varint(), None);
        assert_eq!(Bytes(&[0x80]).varint(), None);
        assert_eq!(Bytes(&[0xff; 10]).varint(), None);
        assert_eq!(Bytes(&[0x80; 11]).varint(), None);
        assert_eq!(Bytes(&[3, 1, 2]).sized(), None);
    }
}
