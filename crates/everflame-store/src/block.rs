//! One profile's sums: rows of a stack, a set of labels and a value of each kind, sorted by stack, as columns of varints.
//!
//! Columns stand apart, so that a question about CPU time reads no other kind of value.

use crate::varint::{Bytes, put, put_sized};

/// Form of the bytes.
const FORM: u64 = 1;

/// What the samples of one stack and one set of labels add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Ids of nodes.
    pub nodes: Vec<u32>,
    /// Ids of sets of labels.
    pub label_sets: Vec<u32>,
    /// One column for each kind of value, as long as the others.
    pub values: Vec<Vec<u64>>,
}

impl Rows {
    pub(crate) fn new(types: usize) -> Rows {
        Rows {
            values: vec![Vec::new(); types],
            ..Rows::default()
        }
    }

    pub(crate) fn push(&mut self, node: u32, label_set: u32, values: &[u64]) {
        self.nodes.push(node);
        self.label_sets.push(label_set);
        for (column, value) in self.values.iter_mut().zip(values) {
            column.push(*value);
        }
    }

    /// Puts rows of as many kinds behind these.
    pub(crate) fn append(&mut self, other: Rows) {
        self.nodes.extend(other.nodes);
        self.label_sets.extend(other.label_sets);
        for (column, values) in self.values.iter_mut().zip(other.values) {
            column.extend(values);
        }
    }

    /// Adds up what has the same stack and labels, and sorts. Sums that are too large stay at the largest number there is.
    pub(crate) fn add_up(&mut self) {
        let mut order: Vec<u32> = (0..self.nodes.len() as u32).collect();
        let key = |row: u32| (self.nodes[row as usize], self.label_sets[row as usize]);
        order.sort_unstable_by_key(|row| key(*row));
        let mut sums = Rows::new(self.values.len());
        let mut last = None;
        for row in order {
            if last == Some(key(row)) {
                for (sum, column) in sums.values.iter_mut().zip(&self.values) {
                    if let Some(sum) = sum.last_mut() {
                        *sum = sum.saturating_add(column[row as usize]);
                    }
                }
            } else {
                last = Some(key(row));
                sums.nodes.push(self.nodes[row as usize]);
                sums.label_sets.push(self.label_sets[row as usize]);
                for (sum, column) in sums.values.iter_mut().zip(&self.values) {
                    sum.push(column[row as usize]);
                }
            }
        }
        *self = sums;
    }

    /// The rows as a block. They are sorted by stack.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut own_sets = self.label_sets.clone();
        own_sets.sort_unstable();
        own_sets.dedup();
        let mut out = Vec::with_capacity(16 + 8 * self.nodes.len());
        put(&mut out, FORM);
        put(&mut out, self.nodes.len() as u64);
        put(&mut out, own_sets.len() as u64);
        own_sets
            .iter()
            .for_each(|set| put(&mut out, u64::from(*set)));
        let mut before = 0;
        column(
            &mut out,
            self.nodes
                .iter()
                .map(|node| u64::from(node - std::mem::replace(&mut before, *node))),
        );
        let index_of = |set: &u32| own_sets.binary_search(set).unwrap_or_default() as u64;
        column(&mut out, self.label_sets.iter().map(index_of));
        for values in &self.values {
            column(&mut out, values.iter().copied());
        }
        out
    }
}

/// Zeros alone take no bytes.
fn column(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64>) {
    let mut bytes = Vec::new();
    let mut any = 0;
    for number in numbers {
        any |= number;
        put(&mut bytes, number);
    }
    put_sized(out, if any == 0 { &[] } else { &bytes });
}

/// A block whose bytes are looked at as far as they are needed.
pub(crate) struct Block<'a> {
    rows: usize,
    /// Ids of the sets of labels that its rows point into.
    pub label_sets: Vec<u32>,
    nodes: &'a [u8],
    sets: &'a [u8],
    values: Vec<&'a [u8]>,
}

/// Bytes that are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl<'a> Block<'a> {
    /// A block of as many kinds of value.
    pub(crate) fn open(data: &'a [u8], types: usize) -> Result<Block<'a>, Damaged> {
        let mut bytes = Bytes(data);
        let block = (|| {
            (bytes.varint()? == FORM).then_some(())?;
            let rows = usize::try_from(bytes.varint()?).ok()?;
            // Each row has a byte at least: its stack.
            (rows <= data.len()).then_some(())?;
            let count = bytes.varint()?;
            let mut label_sets = Vec::new();
            for _ in 0..count {
                label_sets.push(u32::try_from(bytes.varint()?).ok()?);
            }
            let nodes = bytes.sized()?;
            let sets = bytes.sized()?;
            let values = (0..types)
                .map(|_| bytes.sized())
                .collect::<Option<Vec<_>>>()?;
            (rows == 0 || !label_sets.is_empty()).then_some(())?;
            bytes.is_empty().then_some(Block {
                rows,
                label_sets,
                nodes,
                sets,
                values,
            })
        })();
        block.ok_or(Damaged)
    }

    /// Calls `each` with the stack, the index in `label_sets` and the value of one kind, of rows where it is not zero.
    /// `nodes` is the number of stacks in the dictionary.
    pub(crate) fn each(
        &self,
        kind: usize,
        nodes: usize,
        mut each: impl FnMut(u32, u32, u64),
    ) -> Result<(), Damaged> {
        let values = self.values[kind];
        if values.is_empty() {
            return Ok(());
        }
        let mut node = 0_u64;
        let (mut stacks, mut sets, mut values) =
            (Bytes(self.nodes), Bytes(self.sets), Bytes(values));
        let has_sets = !sets.is_empty();
        let one_stack = stacks.is_empty();
        for _ in 0..self.rows {
            if !one_stack {
                node = node.saturating_add(stacks.varint().ok_or(Damaged)?);
            }
            let set = if has_sets {
                sets.varint().ok_or(Damaged)?
            } else {
                0
            };
            let value = values.varint().ok_or(Damaged)?;
            if node >= nodes as u64 || set >= self.label_sets.len() as u64 {
                return Err(Damaged);
            }
            if value != 0 {
                each(node as u32, set as u32, value);
            }
        }
        if stacks.is_empty() && sets.is_empty() && values.is_empty() {
            Ok(())
        } else {
            Err(Damaged)
        }
    }

    /// All of it, to be put together with others.
    pub(crate) fn rows(&self) -> Result<Rows, Damaged> {
        let column = |data: &[u8]| -> Result<Vec<u64>, Damaged> {
            if data.is_empty() {
                return Ok(vec![0; self.rows]);
            }
            let mut bytes = Bytes(data);
            let numbers = (0..self.rows)
                .map(|_| bytes.varint().ok_or(Damaged))
                .collect::<Result<Vec<_>, _>>()?;
            if bytes.is_empty() {
                Ok(numbers)
            } else {
                Err(Damaged)
            }
        };
        let mut node = 0_u64;
        let nodes = column(self.nodes)?
            .into_iter()
            .map(|step| {
                node = node.saturating_add(step);
                u32::try_from(node).map_err(|_| Damaged)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let label_sets = column(self.sets)?
            .into_iter()
            .map(|index| self.label_sets.get(index as usize).copied().ok_or(Damaged))
            .collect::<Result<Vec<_>, _>>()?;
        let values = self
            .values
            .iter()
            .map(|data| column(data))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Rows {
            nodes,
            label_sets,
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_rows(count: u32) -> Rows {
        let mut rows = Rows::new(3);
        let mut state = 7_u64;
        for _ in 0..count {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let values = [1, state >> 40, if state & 7 == 0 { state >> 20 } else { 0 }];
            rows.push((state >> 50) as u32, (state >> 33) as u32 % 5 + 10, &values);
        }
        rows
    }

    fn sums(rows: &Rows) -> Vec<u64> {
        rows.values
            .iter()
            .map(|column| column.iter().sum())
            .collect()
    }

    #[test]
    fn adding_up_keeps_every_sum_and_leaves_each_row_once() {
        let mut rows = sample_rows(20_000);
        let before = sums(&rows);
        rows.add_up();
        assert_eq!(sums(&rows), before);
        let keys: Vec<_> = rows.nodes.iter().zip(&rows.label_sets).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(keys.len() < 20_000);
    }

    #[test]
    fn what_is_written_is_read() {
        for count in [0, 1, 2, 5000] {
            let mut rows = sample_rows(count);
            rows.add_up();
            let data = rows.encode();
            let block = Block::open(&data, 3).unwrap();
            assert_eq!(block.rows().unwrap(), rows);
            for kind in 0..3 {
                let mut seen = Vec::new();
                block
                    .each(kind, 1 << 20, |node, set, value| {
                        seen.push((node, block.label_sets[set as usize], value))
                    })
                    .unwrap();
                let expected: Vec<_> = (0..rows.nodes.len())
                    .map(|row| {
                        (
                            rows.nodes[row],
                            rows.label_sets[row],
                            rows.values[kind][row],
                        )
                    })
                    .filter(|(_, _, value)| *value != 0)
                    .collect();
                assert_eq!(seen, expected, "kind {kind} of {count} rows");
            }
        }
    }

    #[test]
    fn a_row_of_the_root_alone_is_kept() {
        let mut rows = Rows::new(1);
        rows.push(0, 0, &[5]);
        let data = rows.encode();
        assert_eq!(Block::open(&data, 1).unwrap().rows().unwrap(), rows);
    }

    #[test]
    fn bytes_that_are_cut_or_changed_never_panic_nor_name_what_is_not_there() {
        let mut rows = sample_rows(60);
        rows.add_up();
        let data = rows.encode();
        for length in 0..data.len() {
            assert!(Block::open(&data[..length], 3).is_err(), "cut at {length}");
        }
        for at in 0..data.len() {
            for bit in 0..8 {
                let mut damaged = data.clone();
                damaged[at] ^= 1 << bit;
                let Ok(block) = Block::open(&damaged, 3) else {
                    continue;
                };
                let sets = block.label_sets.len() as u32;
                let _ = block.each(1, 1 << 14, |node, set, _| {
                    assert!(node < 1 << 14 && set < sets)
                });
                let _ = block.rows();
            }
        }
    }
}
