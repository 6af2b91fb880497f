//! Protobuf's encoding, without a schema: https://protobuf.dev/programming-guides/encoding/

use super::limits::{at_most, within};
use crate::error::Refusal;
use crate::varint::Bytes;

pub(crate) const CUT: Refusal =
    Refusal::Malformed("its bytes end in the middle, or are something else");

pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// An embedded message or a text.
    pub(crate) fn bytes(self) -> Result<&'a [u8], Refusal> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Number(_) => Err(CUT),
        }
    }

    pub(crate) fn number(self) -> Result<u64, Refusal> {
        match self {
            Value::Number(number) => Ok(number),
            Value::Bytes(_) => Err(CUT),
        }
    }

    /// Repeated numbers: packed into one field, or one by one. More than `most` are refused, before they take memory.
    pub(crate) fn append_to(
        self,
        numbers: &mut Vec<u64>,
        most: usize,
        what: &'static str,
    ) -> Result<(), Refusal> {
        let mut push = |number| {
            within(numbers.len(), most, what)?;
            numbers.push(number);
            Ok(())
        };
        match self {
            Value::Number(number) => push(number),
            Value::Bytes(bytes) => {
                let mut bytes = Bytes(bytes);
                while !bytes.is_empty() {
                    push(bytes.varint().ok_or(CUT)?)?;
                }
                Ok(())
            }
        }
    }

    /// As `append_to`, of numbers that have eight bytes each.
    pub(crate) fn append_fixed_to(
        self,
        numbers: &mut Vec<u64>,
        most: usize,
        what: &'static str,
    ) -> Result<(), Refusal> {
        let bytes = match self {
            Value::Number(number) => {
                within(numbers.len(), most, what)?;
                numbers.push(number);
                return Ok(());
            }
            Value::Bytes(bytes) => bytes,
        };
        let (eights, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(CUT);
        }
        at_most(numbers.len() + eights.len(), most, what)?;
        numbers.extend(eights.iter().map(|eight| u64::from_le_bytes(*eight)));
        Ok(())
    }
}

/// Calls `each` with the number and the value of each field of a message.
pub(crate) fn fields<'a>(
    message: &'a [u8],
    mut each: impl FnMut(u64, Value<'a>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut bytes = Bytes(message);
    while !bytes.is_empty() {
        let key = bytes.varint().ok_or(CUT)?;
        let value = match key & 7 {
            0 => Value::Number(bytes.varint().ok_or(CUT)?),
            1 => Value::Number(little_endian(bytes.take(8).ok_or(CUT)?)),
            2 => Value::Bytes(bytes.sized().ok_or(CUT)?),
            5 => Value::Number(little_endian(bytes.take(4).ok_or(CUT)?)),
            _ => return Err(CUT),
        };
        if key >> 3 == 0 {
            return Err(CUT);
        }
        each(key >> 3, value)?;
    }
    Ok(())
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
