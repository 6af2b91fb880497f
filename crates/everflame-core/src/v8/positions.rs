//! Source position tables and inlining positions of V8 code objects, decoded without V8.
//!
//! A table is a list of (code offset, position word) steps. A position word holds a script offset and, in optimised
//! code, which inlined call the instruction belongs to (`src/codegen/source-position.h` of V8).

use crate::vlq::VlqReader;

/// How a table writes its code offsets; the position words are written alike by all versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PositionFormat {
    /// V8 up to 13: a signed step; an expression's step d is written as −d−1.
    Signed,
    /// V8 from 14: an unsigned step above two flag bits.
    Flagged,
}

/// A position word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u64);

impl Position {
    const OFFSET_BITS: u64 = (1 << 30) - 1;
    const INLINING_BITS: u64 = (1 << 16) - 1;

    /// UTF-16 units from the start of the script; `None` for code without a place in a script.
    pub(super) fn script_offset(self) -> Option<u32> {
        if self.0 & 1 != 0 {
            return None;
        }
        ((self.0 >> 1 & Self::OFFSET_BITS) as u32).checked_sub(1)
    }

    /// The inlined call this belongs to, as an index of the inlining positions; `None` for the code's own function.
    pub(super) fn inlining(self) -> Option<usize> {
        ((self.0 >> 31 & Self::INLINING_BITS) as usize).checked_sub(1)
    }
}

/// One step: `position` holds from `code_offset` (bytes from the start of the code) to the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PositionEntry {
    pub(super) code_offset: u32,
    pub(super) position: Position,
}

/// Decodes a table. Malformed bytes end it early; it never yields more entries than bytes.
#[derive(Clone, Debug)]
pub(super) struct PositionTable<'a> {
    reader: VlqReader<'a>,
    format: PositionFormat,
    code_offset: i64,
    word: i64,
}

impl<'a> PositionTable<'a> {
    pub(super) fn new(bytes: &'a [u8], format: PositionFormat) -> PositionTable<'a> {
        PositionTable {
            reader: VlqReader::new(bytes),
            format,
            // An entry for the function's entry itself would have step 0 from here.
            code_offset: -1,
            word: 0,
        }
    }

    fn step(&mut self) -> Option<i64> {
        match self.format {
            PositionFormat::Signed => {
                let step = self.reader.signed()?;
                Some(if step < 0 { !step } else { step })
            }
            PositionFormat::Flagged => i64::try_from(self.reader.unsigned()? >> 2).ok(),
        }
    }
}

impl Iterator for PositionTable<'_> {
    type Item = PositionEntry;

    fn next(&mut self) -> Option<PositionEntry> {
        loop {
            self.code_offset = self.code_offset.checked_add(self.step()?)?;
            self.word = self.word.checked_add(self.reader.signed()?)?;
            let code_offset = u32::try_from(self.code_offset.max(0)).ok()?;
            let word = u64::try_from(self.word).ok()?;
            if self.code_offset >= 0 {
                return Some(PositionEntry {
                    code_offset,
                    position: Position(word),
                });
            }
        }
    }
}

/// One inlined call: where the call stands in its caller, and which function was inlined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InliningPosition {
    pub(super) call: Position,
    /// Index into the code's literals; `None` when the inlined function is not known.
    pub(super) function: Option<u32>,
}

/// Bytes of one entry in V8's array of inlining positions: the position word, the function's index, padding.
pub(super) const INLINING_ENTRY: usize = 16;

/// Decodes V8's array of inlining positions; an incomplete entry at the end is left out.
pub(super) fn inlining_positions(bytes: &[u8]) -> Vec<InliningPosition> {
    bytes
        .chunks_exact(INLINING_ENTRY)
        .map(|entry| {
            let (word, rest) = entry.split_at(8);
            let word = word
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
            let function = rest[..4]
                .iter()
                .rev()
                .fold(0, |id, byte| id << 8 | u32::from(*byte));
            InliningPosition {
                call: Position(word),
                function: i32::try_from(function).ok().map(|id| id as u32),
            }
        })
        .collect()
}

/// The inlined calls around `position`, innermost first: each item is an index into `inlining`, the last one's caller
/// is the code's own function. Parents have smaller indices; a chain that does not fall is cut.
pub(super) fn inlining_chain(
    inlining: &[InliningPosition],
    position: Position,
) -> impl Iterator<Item = usize> + '_ {
    let first = position.inlining().filter(|id| *id < inlining.len());
    std::iter::successors(first, |id| {
        inlining[*id].call.inlining().filter(|parent| parent < id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Position word of a script offset in an inlined call (or none).
    fn word(offset: u64, inlining: Option<u64>) -> u64 {
        (offset + 1) << 1 | inlining.map_or(0, |id| (id + 1) << 31)
    }

    fn zigzag(value: i64) -> u64 {
        (value << 1 ^ value >> 63) as u64
    }

    /// Writes a table as V8 does; each entry is (code offset, word, is statement).
    fn encode(format: PositionFormat, entries: &[(u32, u64, bool)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (mut offset, mut last) = (-1i64, 0i64);
        for &(code_offset, word, statement) in entries {
            let step = i64::from(code_offset) - offset;
            match format {
                PositionFormat::Signed => {
                    let step = if statement { step } else { -step - 1 };
                    crate::vlq::write_unsigned(&mut bytes, zigzag(step));
                }
                PositionFormat::Flagged => {
                    let flags = if statement { 1 } else { 2 };
                    crate::vlq::write_unsigned(&mut bytes, (step as u64) << 2 | flags);
                }
            }
            crate::vlq::write_unsigned(&mut bytes, zigzag(word as i64 - last));
            (offset, last) = (i64::from(code_offset), word as i64);
        }
        bytes
    }

    #[test]
    fn both_formats_give_the_same_entries() {
        let entries = [
            (0, word(10, None), true),
            (3, word(400, Some(0)), false),
            (3, word(7, Some(65_533)), false),
            (1 << 20, word((1 << 30) - 3, None), true),
        ];
        for format in [PositionFormat::Signed, PositionFormat::Flagged] {
            let bytes = encode(format, &entries);
            let decoded: Vec<_> = PositionTable::new(&bytes, format)
                .map(|entry| (entry.code_offset, entry.position.0))
                .collect();
            let expected: Vec<_> = entries
                .iter()
                .map(|(offset, word, _)| (*offset, *word))
                .collect();
            assert_eq!(decoded, expected, "{format:?}");
        }
    }

    #[test]
    fn a_word_tells_offset_and_inlined_call() {
        let own = Position(word(41, None));
        assert_eq!((own.script_offset(), own.inlining()), (Some(41), None));
        let inlined = Position(word(0, Some(3)));
        assert_eq!(
            (inlined.script_offset(), inlined.inlining()),
            (Some(0), Some(3))
        );
        assert_eq!(Position(0).script_offset(), None);
        assert_eq!(Position(word(5, None) | 1).script_offset(), None);
    }

    #[test]
    fn a_cut_table_keeps_its_whole_entries() {
        let entries = [(2, word(100, None), true), (90, word(5_000, None), true)];
        let bytes = encode(PositionFormat::Signed, &entries);
        for length in 0..bytes.len() {
            let count = PositionTable::new(&bytes[..length], PositionFormat::Signed).count();
            assert!(count < 2, "{length} bytes gave {count} entries");
        }
    }

    #[test]
    fn an_inlined_call_names_its_callers() {
        let mut bytes = Vec::new();
        for (call, function) in [
            (word(50, None), 4i32),
            (word(70, Some(0)), 9),
            (word(80, None), -1),
        ] {
            bytes.extend_from_slice(&call.to_le_bytes());
            bytes.extend_from_slice(&function.to_le_bytes());
            bytes.extend_from_slice(&[0; 4]);
        }
        bytes.extend_from_slice(&[1; 7]);
        let inlining = inlining_positions(&bytes);
        assert_eq!(inlining.len(), 3);
        assert_eq!(inlining[0].function, Some(4));
        assert_eq!(inlining[2].function, None);
        let chain = |id| inlining_chain(&inlining, Position(word(0, id))).collect::<Vec<_>>();
        assert_eq!(chain(Some(1)), [1, 0]);
        assert_eq!(chain(Some(2)), [2]);
        assert_eq!(chain(None), [] as [usize; 0]);
        assert_eq!(chain(Some(3)), [] as [usize; 0], "beyond the array");
    }

    #[test]
    fn a_circle_of_inlined_calls_ends() {
        let entry = |parent| InliningPosition {
            call: Position(word(1, Some(parent))),
            function: Some(0),
        };
        let inlining = [entry(1), entry(0), entry(2)];
        assert_eq!(
            inlining_chain(&inlining, Position(word(0, Some(2)))).count(),
            1
        );
        assert_eq!(
            inlining_chain(&inlining, Position(word(0, Some(1)))).count(),
            2
        );
    }

    #[test]
    fn random_bytes_end() {
        let mut seed = 0x1234_5678_9abc_def1u64;
        for _ in 0..20_000 {
            let mut bytes = [0u8; 48];
            for byte in &mut bytes {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                *byte = if seed & 0x300 == 0 {
                    0xff
                } else {
                    (seed >> 32) as u8
                };
            }
            let length = (seed % 49) as usize;
            for format in [PositionFormat::Signed, PositionFormat::Flagged] {
                let mut count = 0;
                let mut last = 0;
                for entry in PositionTable::new(&bytes[..length], format) {
                    assert!(entry.code_offset >= last, "code offsets rise");
                    last = entry.code_offset;
                    count += 1;
                }
                assert!(count * 2 <= length);
            }
            let inlining = inlining_positions(&bytes[..length]);
            for id in 0..4 {
                let chain = inlining_chain(&inlining, Position(word(1, Some(id))));
                assert!(chain.count() <= inlining.len());
            }
        }
    }
}
