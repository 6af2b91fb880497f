//! Single samples with their times, for a timeline: sorted by set of labels and time, as columns of varints. They are kept for
//! hours where sums are kept for days, and no sum is made of them.

use crate::block::Damaged;
use crate::varint::{Bytes, put, put_sized, unzigzag, zigzag};

/// Form of the bytes.
const FORM: u64 = 1;

/// One sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Id of a set of labels.
    pub(crate) label_set: u32,
    /// Nanoseconds since the epoch.
    pub(crate) end: i64,
    /// Id of a node.
    pub(crate) node: u32,
    pub(crate) span: u64,
    pub(crate) root_span: u64,
    /// One for each kind of value.
    pub(crate) values: Box<[u64]>,
}

/// The samples as bytes. Times are told from `start` on.
pub(crate) fn encode(mut moments: Vec<Moment>, start: i64, types: usize) -> Vec<u8> {
    moments.sort_unstable_by_key(|moment| (moment.label_set, moment.end, moment.node));
    let mut out = Vec::with_capacity(16 * moments.len());
    put(&mut out, FORM);
    put(&mut out, moments.len() as u64);
    let mut before = 0;
    column(&mut out, &moments, |moment, bytes| {
        put(
            bytes,
            u64::from(moment.label_set - std::mem::replace(&mut before, moment.label_set)),
        );
    });
    let mut before = start;
    column(&mut out, &moments, |moment, bytes| {
        put(
            bytes,
            zigzag(
                moment
                    .end
                    .wrapping_sub(std::mem::replace(&mut before, moment.end)),
            ),
        );
    });
    column(&mut out, &moments, |moment, bytes| {
        put(bytes, u64::from(moment.node))
    });
    for id in [
        |moment: &Moment| moment.span,
        |moment: &Moment| moment.root_span,
    ] {
        // Ids are random: varints would make them longer.
        if moments.iter().any(|moment| id(moment) != 0) {
            column(&mut out, &moments, |moment, bytes| {
                bytes.extend_from_slice(&id(moment).to_le_bytes())
            });
        } else {
            put_sized(&mut out, &[]);
        }
    }
    for kind in 0..types {
        column(&mut out, &moments, |moment, bytes| {
            put(bytes, moment.values[kind])
        });
    }
    out
}

fn column(out: &mut Vec<u8>, moments: &[Moment], mut each: impl FnMut(&Moment, &mut Vec<u8>)) {
    let mut bytes = Vec::with_capacity(4 * moments.len());
    moments.iter().for_each(|moment| each(moment, &mut bytes));
    put_sized(out, &bytes);
}

/// The samples of bytes that `encode` has made with the same `start` and `types`.
pub(crate) fn decode(data: &[u8], start: i64, types: usize) -> Result<Vec<Moment>, Damaged> {
    read(data, start, types).ok_or(Damaged)
}

fn read(data: &[u8], start: i64, types: usize) -> Option<Vec<Moment>> {
    let mut bytes = Bytes(data);
    (bytes.varint()? == FORM).then_some(())?;
    let count = bytes.varint()?;
    // Each has a byte at least in each column.
    (count <= data.len() as u64).then_some(())?;
    let mut columns = Vec::new();
    for _ in 0..5 + types {
        columns.push(Bytes(bytes.sized()?));
    }
    bytes.is_empty().then_some(())?;
    let (fixed, values) = columns.split_at_mut(5);
    let [sets, ends, nodes, spans, root_spans] = fixed else {
        return None;
    };
    let (has_spans, has_root_spans) = (!spans.is_empty(), !root_spans.is_empty());
    let (mut label_set, mut end) = (0_u32, start);
    let mut moments = Vec::with_capacity(count as usize);
    for _ in 0..count {
        label_set = label_set.checked_add(u32::try_from(sets.varint()?).ok()?)?;
        end = end.wrapping_add(unzigzag(ends.varint()?));
        moments.push(Moment {
            label_set,
            end,
            node: u32::try_from(nodes.varint()?).ok()?,
            span: if has_spans { id(spans)? } else { 0 },
            root_span: if has_root_spans { id(root_spans)? } else { 0 },
            values: values
                .iter_mut()
                .map(|column| column.varint())
                .collect::<Option<_>>()?,
        });
    }
    columns.iter().all(Bytes::is_empty).then_some(moments)
}

fn id(bytes: &mut Bytes) -> Option<u64> {
    bytes.take(8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(count: u64, spans: bool) -> Vec<Moment> {
        let mut moments: Vec<Moment> = (0..count)
            .map(|index| {
                let random = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                Moment {
                    label_set: (random >> 60) as u32,
                    end: 1_000_000_000_000 + (random >> 20) as i64 - (1 << 42),
                    node: (random >> 40) as u32,
                    span: if spans { random } else { 0 },
                    root_span: if spans && index % 3 == 0 { !random } else { 0 },
                    values: [index, random >> 30].into(),
                }
            })
            .collect();
        moments.sort_unstable_by_key(|moment| (moment.label_set, moment.end, moment.node));
        moments
    }

    #[test]
    fn what_is_written_is_read() {
        for (count, spans) in [(0, false), (1, true), (3000, false), (3000, true)] {
            let moments = moments(count, spans);
            let data = encode(moments.clone(), 1_000_000_000_000, 2);
            assert_eq!(decode(&data, 1_000_000_000_000, 2), Ok(moments));
        }
    }

    #[test]
    fn bytes_that_are_cut_or_changed_never_panic() {
        let data = encode(moments(50, true), 5, 2);
        for length in 0..data.len() {
            assert_eq!(
                decode(&data[..length], 5, 2),
                Err(Damaged),
                "cut at {length}"
            );
        }
        for at in 0..data.len() {
            for bit in 0..8 {
                let mut damaged = data.clone();
                damaged[at] ^= 1 << bit;
                let _ = decode(&damaged, 5, 2);
            }
        }
    }
}
