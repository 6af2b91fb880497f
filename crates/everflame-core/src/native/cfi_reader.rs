//! The primitives of call frame information.

/// Reads the little-endian primitives of call frame information; `None` past the end.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(super) fn skip(&mut self, length: u64) -> Option<()> {
        self.take(length).map(|_| ())
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// LEB128 without sign.
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        self.leb128().map(|(value, _, _)| value)
    }

    /// LEB128 with sign.
    pub(super) fn signed(&mut self) -> Option<i64> {
        let (value, bits, last) = self.leb128()?;
        let extension = if last & 0x40 != 0 && bits < 64 {
            u64::MAX << bits
        } else {
            0
        };
        Some((value | extension).cast_signed())
    }

    fn leb128(&mut self) -> Option<(u64, u32, u8)> {
        let (mut value, mut bits) = (0_u64, 0);
        loop {
            let byte = self.u8()?;
            if bits < 64 {
                value |= u64::from(byte & 0x7f) << bits;
            }
            bits += 7;
            if byte & 0x80 == 0 {
                return Some((value, bits, byte));
            }
        }
    }

    /// A terminated string, without its end.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self
            .bytes
            .get(self.at..)?
            .iter()
            .position(|byte| *byte == 0)?;
        let string = self.take(length as u64)?;
        self.skip(1)?;
        Some(string)
    }

    /// End of a record that begins with its length. The 64-bit form is never written into `.eh_frame` in practice.
    pub(super) fn record_end(&mut self) -> Option<usize> {
        let length = self
            .u32()
            .filter(|length| *length != 0 && *length != u32::MAX)?;
        self.at
            .checked_add(length as usize)
            .filter(|end| *end <= self.bytes.len())
    }

    /// A pointer in the given encoding; only absolute and position-relative ones occur in `.eh_frame`.
    pub(super) fn pointer(&mut self, encoding: u8, position: u64) -> Option<u64> {
        let value = match encoding & 0x0f {
            0x00 | 0x04 | 0x0c => self.u64()?,
            0x02 => u64::from(self.u16()?),
            0x03 => u64::from(self.u32()?),
            0x0a => i64::from(self.u16()?.cast_signed()).cast_unsigned(),
            0x0b => i64::from(self.u32()?.cast_signed()).cast_unsigned(),
            _ => return None,
        };
        match encoding & 0x70 {
            0x00 => Some(value),
            0x10 => Some(position.wrapping_add(value)),
            _ => None,
        }
    }
}
