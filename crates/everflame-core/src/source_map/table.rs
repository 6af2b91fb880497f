//! The segments of a map, packed: five or six bytes each instead of the 24 that a parser has them in.

use crate::vlq::{VlqReader, write_unsigned};

use super::Position;
use super::sources::Sources;

/// Segments between two entries of the index: a search decodes at most this many.
const STRIDE: usize = 64;

/// A place in the author's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OriginalPlace {
    /// Number of the source.
    pub(super) source: u32,
    pub(super) position: Position,
    /// Number of the name that stands there.
    pub(super) name: Option<u32>,
}

/// Generated code from `generated` to the next segment comes from `original`, or from nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) generated: Position,
    pub(super) original: Option<OriginalPlace>,
}

/// A map as lookups need it.
#[derive(Debug)]
pub(super) struct Table {
    steps: Box<[u8]>,
    /// Every [`STRIDE`] segments: what the decoder knows before, and the place in `steps`.
    index: Box<[(Decoder, u32)]>,
    pub(super) sources: Sources,
    pub(super) names: Names,
}

/// What a step of the packed segments is relative to.
#[derive(Clone, Copy, Debug, Default)]
struct Decoder {
    generated: Position,
    original: Position,
    source: u32,
    name: u32,
}

const NEW_LINE: u64 = 1;
const MAPPED: u64 = 2;
const NEW_SOURCE: u64 = 4;
const NAMED: u64 = 8;
const FLAG_BITS: u32 = 4;

fn zigzag(from: u32, to: u32) -> u64 {
    let change = i64::from(to) - i64::from(from);
    (change << 1 ^ change >> 63) as u64
}

impl Decoder {
    /// Appends a segment that does not lie before the last.
    fn write(&mut self, steps: &mut Vec<u8>, segment: &Segment) {
        let Segment {
            generated,
            original,
        } = *segment;
        let lines = generated.line - self.generated.line;
        let columns = match lines {
            0 => generated.column - self.generated.column,
            _ => generated.column,
        };
        let mut flags = if lines > 0 { NEW_LINE } else { 0 };
        if let Some(original) = original {
            flags |= MAPPED;
            flags |= if original.source == self.source {
                0
            } else {
                NEW_SOURCE
            };
            flags |= if original.name.is_some() { NAMED } else { 0 };
        }
        write_unsigned(steps, u64::from(columns) << FLAG_BITS | flags);
        if lines > 0 {
            write_unsigned(steps, u64::from(lines));
        }
        self.generated = generated;
        let Some(original) = original else { return };
        if original.source != self.source {
            write_unsigned(steps, u64::from(original.source));
            self.source = original.source;
        }
        write_unsigned(steps, zigzag(self.original.line, original.position.line));
        write_unsigned(
            steps,
            zigzag(self.original.column, original.position.column),
        );
        self.original = original.position;
        if let Some(name) = original.name {
            write_unsigned(steps, zigzag(self.name, name));
            self.name = name;
        }
    }

    fn read(&mut self, reader: &mut VlqReader) -> Option<Segment> {
        let step = reader.unsigned()?;
        let columns = (step >> FLAG_BITS) as u32;
        if step & NEW_LINE != 0 {
            self.generated.line += reader.unsigned()? as u32;
            self.generated.column = columns;
        } else {
            self.generated.column += columns;
        }
        let mut segment = Segment {
            generated: self.generated,
            original: None,
        };
        if step & MAPPED != 0 {
            if step & NEW_SOURCE != 0 {
                self.source = reader.unsigned()? as u32;
            }
            let mut moved = |from: u32| Some((i64::from(from) + reader.signed()?) as u32);
            self.original.line = moved(self.original.line)?;
            self.original.column = moved(self.original.column)?;
            if step & NAMED != 0 {
                self.name = moved(self.name)?;
            }
            segment.original = Some(OriginalPlace {
                source: self.source,
                position: self.original,
                name: (step & NAMED != 0).then_some(self.name),
            });
        }
        Some(segment)
    }
}

impl Table {
    /// From segments in any order.
    pub(super) fn new(mut segments: Vec<Segment>, sources: Sources, names: Names) -> Table {
        // Stable: of several at one place the last counts.
        if !segments.is_sorted_by_key(|segment| segment.generated) {
            segments.sort_by_key(|segment| segment.generated);
        }
        let mut steps = Vec::with_capacity(segments.len() * 5);
        let mut index = Vec::with_capacity(segments.len() / STRIDE + 1);
        let mut decoder = Decoder::default();
        for (number, segment) in segments.iter().enumerate() {
            if number.is_multiple_of(STRIDE) {
                index.push((decoder, steps.len() as u32));
            }
            decoder.write(&mut steps, segment);
        }
        Table {
            steps: steps.into_boxed_slice(),
            index: index.into_boxed_slice(),
            sources,
            names,
        }
    }

    /// Memory held.
    pub(super) fn bytes(&self) -> usize {
        self.steps.len()
            + size_of_val(&*self.index)
            + self.sources.bytes()
            + self.names.bytes()
            + size_of::<Table>()
    }

    /// The last segment at or before a place, and the first after it, each on the place's own line.
    pub(super) fn around(&self, place: Position) -> (Option<Segment>, Option<Segment>) {
        // The last block with a segment before it that lies at or before the place.
        let block = self
            .index
            .partition_point(|(before, _)| before.generated <= place)
            .max(1)
            - 1;
        let Some((decoder, start)) = self.index.get(block) else {
            return (None, None);
        };
        let mut decoder = *decoder;
        let mut reader = VlqReader::new(&self.steps[*start as usize..]);
        let mut last = None;
        if block > 0 {
            // Where the block's first segment lies after the place already, that one counts.
            last = self.last_of(block - 1);
        }
        while let Some(segment) = decoder.read(&mut reader) {
            if segment.generated > place {
                return (
                    on_line(last, place.line),
                    on_line(Some(segment), place.line),
                );
            }
            last = Some(segment);
        }
        (on_line(last, place.line), None)
    }

    fn last_of(&self, block: usize) -> Option<Segment> {
        let (mut decoder, start) = self.index[block];
        let end = self.index[block + 1].1;
        let mut reader = VlqReader::new(&self.steps[start as usize..end as usize]);
        let mut last = None;
        while let Some(segment) = decoder.read(&mut reader) {
            last = Some(segment);
        }
        last
    }
}

fn on_line(segment: Option<Segment>, line: u32) -> Option<Segment> {
    segment.filter(|segment| segment.generated.line == line)
}

/// The names of a map, one after the other.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
}

impl Names {
    pub(super) fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
    }

    pub(super) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// A name by its number; an empty one is none.
    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let end = *self.ends.get(number)? as usize;
        let start = match number {
            0 => 0,
            _ => self.ends[number - 1] as usize,
        };
        Some(&self.text[start..end]).filter(|name| !name.is_empty())
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    fn mapped(generated: Position, source: u32, position: Position) -> Segment {
        Segment {
            generated,
            original: Some(OriginalPlace {
                source,
                position,
                name: position.column.is_multiple_of(3).then_some(position.line),
            }),
        }
    }

    fn table(segments: Vec<Segment>) -> Table {
        Table::new(segments, Sources::default(), Names::default())
    }

    /// Segments of many lines with gaps, several sources, unmapped stretches and large jumps.
    fn many() -> Vec<Segment> {
        let mut segments = Vec::new();
        for line in (0..400u32).filter(|line| line % 7 != 3) {
            for step in 0..(line * 31 % 23) {
                let generated = at(line, step * 13 + line % 5);
                segments.push(match (line + step) % 9 {
                    0 => Segment {
                        generated,
                        original: None,
                    },
                    _ => mapped(
                        generated,
                        step % 4,
                        at(line * 7919 % 1013, step * 104_729 % 5003),
                    ),
                });
            }
        }
        segments
    }

    #[test]
    fn every_place_agrees_with_a_linear_search() {
        let segments = many();
        let table = table(segments.clone());
        for line in 0..402 {
            let own: Vec<Segment> = segments
                .iter()
                .filter(|segment| segment.generated.line == line)
                .copied()
                .collect();
            for column in 0..330 {
                let place = at(line, column);
                let after = own.partition_point(|segment| segment.generated <= place);
                let before = after.checked_sub(1).map(|last| own[last]);
                let expected = (before, own.get(after).copied());
                assert_eq!(table.around(place), expected, "{place:?}");
            }
        }
    }

    #[test]
    fn segments_out_of_order_are_sorted() {
        let mut segments = many();
        let sorted = table(segments.clone());
        segments.reverse();
        let reversed = table(segments);
        assert_eq!(sorted.steps, reversed.steps);
    }

    #[test]
    fn of_two_segments_at_one_place_the_last_counts() {
        let segments = vec![mapped(at(0, 5), 0, at(1, 1)), mapped(at(0, 5), 1, at(2, 1))];
        let (found, _) = table(segments).around(at(0, 5));
        assert_eq!(found.unwrap().original.unwrap().source, 1);
    }

    #[test]
    fn an_empty_map_knows_nothing() {
        assert_eq!(table(Vec::new()).around(at(0, 0)), (None, None));
    }

    #[test]
    fn a_segment_takes_few_bytes() {
        let segments: Vec<Segment> = (0..100_000u32)
            .map(|number| mapped(at(0, number * 9), 0, at(number / 8, number % 8 * 10)))
            .collect();
        let table = table(segments);
        assert!(table.bytes() < 600_000, "{} bytes", table.bytes());
    }

    #[test]
    fn names_are_found_by_their_number() {
        let mut names = Names::default();
        for name in ["", "add", "é"] {
            names.push(name);
        }
        let found: Vec<_> = (0..4).map(|number| names.get(number)).collect();
        assert_eq!(found, [None, Some("add"), Some("é"), None]);
    }
}
