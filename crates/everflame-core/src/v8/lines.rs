//! From a place in a piece of code to lines, by the side tables that came with it.

use super::bytecode_sizes::BytecodeSizes;
use super::code_event::OptimizedTables;
use super::positions::{
    InliningPosition, PositionFormat, PositionTable, inlining_chain, inlining_positions,
};
use super::script::Script;
use crate::vlq::VlqReader;

/// Sorted (code offset, value): a value holds from its offset to the next, 0 stands for none.
type Steps = Box<[(u32, u32)]>;

/// The line at each offset of a piece of code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines(Steps);

/// The place in the script at each offset of a piece of code, plus one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places(Steps);

impl Lines {
    /// The line at an offset; `None` before the first.
    pub(super) fn at(&self, offset: u32) -> Option<u32> {
        value_at(&self.0, offset)
    }
}

impl Places {
    /// Of bytecode.
    pub(super) fn of_bytecode(positions: &[u8], format: PositionFormat) -> Places {
        let entries = PositionTable::new(positions, format).filter_map(|entry| {
            let offset = entry.position.script_offset()?;
            Some((entry.code_offset, offset + 1))
        });
        Places(shortened(entries))
    }

    /// Of Sparkplug code, by those of its bytecode; `None` when table and bytecodes do not belong together.
    ///
    /// The table's first step is the prologue, then one step for each bytecode.
    pub(super) fn of_baseline(steps: &[u8], starts: &[u32], bytecode: &Places) -> Option<Places> {
        let mut reader = VlqReader::new(steps);
        let mut machine = u32::try_from(reader.unsigned()?).ok()?;
        let mut places = Vec::with_capacity(starts.len());
        for start in starts {
            places.push((machine, value_at(&bytecode.0, *start).unwrap_or(0)));
            machine = machine.checked_add(u32::try_from(reader.unsigned()?).ok()?)?;
        }
        reader
            .unsigned()
            .is_none()
            .then(|| Places(shortened(places.into_iter())))
    }

    /// The place in the script at an offset; `None` before the first.
    pub(super) fn at(&self, offset: u32) -> Option<u32> {
        Some(value_at(&self.0, offset)? - 1)
    }

    /// What is left of them where columns are of no use.
    pub(super) fn lines(&self, script: &Script) -> Lines {
        let line = |place: u32| {
            place
                .checked_sub(1)
                .map_or(0, |offset| script.line_at(offset))
        };
        Lines(shortened(
            self.0.iter().map(|(offset, place)| (*offset, line(*place))),
        ))
    }
}

fn value_at(steps: &[(u32, u32)], offset: u32) -> Option<u32> {
    let after = steps.partition_point(|(start, _)| *start <= offset);
    Some(steps[after.checked_sub(1)?].1).filter(|value| *value != 0)
}

/// Leaves out entries that repeat the value before; of several at one offset the last counts.
fn shortened(entries: impl Iterator<Item = (u32, u32)>) -> Steps {
    let mut steps: Vec<(u32, u32)> = Vec::new();
    for (offset, value) in entries {
        if steps.last().is_some_and(|(last, _)| *last == offset) {
            steps.pop();
        }
        if steps.last().is_none_or(|(_, last)| *last != value) {
            steps.push((offset, value));
        }
    }
    steps.into_boxed_slice()
}

/// Positions of optimised code.
#[derive(Debug)]
pub(super) struct OptimizedLines {
    /// Sorted by code offset.
    positions: Box<[super::positions::PositionEntry]>,
    inlining: Box<[InliningPosition]>,
}

/// One function at work at a place of optimised code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogicalFrame {
    /// Literal of an inlined function; `None` for the code's own function.
    pub(super) inlined: Option<u32>,
    /// Where in its script it is.
    pub(super) script_offset: Option<u32>,
}

impl OptimizedLines {
    pub(super) fn new(tables: &OptimizedTables, format: PositionFormat) -> OptimizedLines {
        OptimizedLines {
            positions: PositionTable::new(&tables.positions, format).collect(),
            inlining: inlining_positions(&tables.inlining).into_boxed_slice(),
        }
    }

    /// The functions at work at an offset, innermost first; the last is the code's own.
    pub(super) fn frames_at(&self, offset: u32, frames: &mut Vec<LogicalFrame>) {
        frames.clear();
        let after = self
            .positions
            .partition_point(|entry| entry.code_offset <= offset);
        let Some(entry) = after.checked_sub(1).map(|place| &self.positions[place]) else {
            frames.push(LogicalFrame {
                inlined: None,
                script_offset: None,
            });
            return;
        };
        let mut position = entry.position;
        for id in inlining_chain(&self.inlining, entry.position) {
            let inlined = &self.inlining[id];
            if let Some(function) = inlined.function {
                frames.push(LogicalFrame {
                    inlined: Some(function),
                    script_offset: position.script_offset(),
                });
            }
            position = inlined.call;
        }
        frames.push(LogicalFrame {
            inlined: None,
            script_offset: position.script_offset(),
        });
    }
}

/// Where bytecodes begin, kept in place of the bytecodes themselves: one byte each, as code with tens of thousands
/// of functions would else be held twice.
/// `None` when their lengths are not to be had, or do not fit.
pub(super) fn bytecode_lengths(bytecodes: &[u8]) -> Option<Box<[u8]>> {
    let starts = BytecodeSizes::get().ok()?.starts(bytecodes)?;
    let ends = starts
        .iter()
        .skip(1)
        .copied()
        .chain([bytecodes.len() as u32]);
    let lengths = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| (end - start) as u8);
    Some(lengths.collect())
}

/// Undoes [`bytecode_lengths`].
pub(super) fn starts_of(lengths: &[u8]) -> Vec<u32> {
    lengths
        .iter()
        .scan(0u32, |place, length| {
            let start = *place;
            *place += u32::from(*length);
            Some(start)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::super::script::LineTable;
    use super::*;
    use crate::vlq::write_unsigned;

    fn script() -> Script {
        Script {
            id: 1,
            name: None,
            source_url: None,
            length: 0,
            seen: 0,
            line_offset: 0,
            // Ten characters a line.
            lines: LineTable::new((0..100).map(|line| line * 10 + 9)).unwrap(),
            map: OnceLock::new(),
        }
    }

    /// A table in the flagged format.
    fn table(entries: &[(u32, u64)]) -> Box<[u8]> {
        let mut bytes = Vec::new();
        let (mut offset, mut last) = (-1i64, 0i64);
        for &(code_offset, word) in entries {
            write_unsigned(
                &mut bytes,
                ((i64::from(code_offset) - offset) as u64) << 2 | 2,
            );
            let change = word as i64 - last;
            write_unsigned(&mut bytes, (change << 1 ^ change >> 63) as u64);
            (offset, last) = (i64::from(code_offset), word as i64);
        }
        bytes.into()
    }

    fn word(offset: u64, inlining: Option<u64>) -> u64 {
        (offset + 1) << 1 | inlining.map_or(0, |id| (id + 1) << 31)
    }

    #[test]
    fn a_line_holds_from_its_offset_to_the_next() {
        let positions = table(&[(2, word(5, None)), (4, word(8, None)), (6, word(25, None))]);
        let places = Places::of_bytecode(&positions, PositionFormat::Flagged);
        let lines = places.lines(&script());
        assert_eq!(lines, Lines([(2, 1), (6, 3)].into()));
        let offsets = [0, 1, 2, 5, 6, 900];
        assert_eq!(
            offsets.map(|offset| lines.at(offset)),
            [None, None, Some(1), Some(1), Some(3), Some(3)]
        );
        assert_eq!(
            offsets.map(|offset| places.at(offset)),
            [None, None, Some(5), Some(8), Some(25), Some(25)]
        );
    }

    #[test]
    fn sparkplug_code_takes_its_bytecodes_lines() {
        let mut steps = Vec::new();
        for step in [20, 7, 300, 9] {
            write_unsigned(&mut steps, step);
        }
        // Bytecodes at 0, 2, 5 on lines 4, 4, 8: machine code 20..27, 27..327, 327..336.
        let bytecode = |places: &[(u32, u32)]| Places(places.into());
        let of = |starts: &[u32], places: &[(u32, u32)]| {
            Places::of_baseline(&steps, starts, &bytecode(places))
        };
        let places = of(&[0, 2, 5], &[(0, 36), (5, 71)]).unwrap();
        assert_eq!(places, bytecode(&[(20, 36), (327, 71)]));
        let lines = places.lines(&script());
        assert_eq!(lines.at(19), None, "prologue");
        assert_eq!(lines.at(326), Some(4));
        assert_eq!(lines.at(327), Some(8));
        assert!(of(&[0, 2], &[(0, 36)]).is_none(), "a step too many");
        assert!(of(&[0, 2, 5, 6], &[(0, 36)]).is_none(), "a step too few");
    }

    #[test]
    fn a_bytecode_starts_after_all_that_come_before_it() {
        assert_eq!(starts_of(&[2, 3, 1]), [0, 2, 5]);
        // Lengths have one byte, starts have not.
        assert_eq!(starts_of(&[200, 200, 200]), [0, 200, 400]);
        assert_eq!(starts_of(&[]), [] as [u32; 0]);
    }

    #[test]
    fn inlined_calls_are_frames_of_their_own() {
        let mut inlining = Vec::new();
        for (call, function) in [(word(50, None), 4u32), (word(70, Some(0)), 9)] {
            inlining.extend_from_slice(&call.to_le_bytes());
            inlining.extend_from_slice(&function.to_le_bytes());
            inlining.extend_from_slice(&[0; 4]);
        }
        let tables = OptimizedTables {
            positions: table(&[(8, word(3, None)), (16, word(90, Some(1)))]),
            inlining: inlining.into(),
            functions: Box::default(),
        };
        let lines = OptimizedLines::new(&tables, PositionFormat::Flagged);
        let at = |offset| {
            let mut frames = Vec::new();
            lines.frames_at(offset, &mut frames);
            frames
                .iter()
                .map(|frame| (frame.inlined, frame.script_offset))
                .collect::<Vec<_>>()
        };
        assert_eq!(at(0), [(None, None)]);
        assert_eq!(at(15), [(None, Some(3))]);
        assert_eq!(
            at(16),
            [(Some(9), Some(90)), (Some(4), Some(70)), (None, Some(50))]
        );
    }
}
