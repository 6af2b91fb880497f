//! A script as the profile needs it: its name, its source map, and where in its text a source position lies.

use std::sync::{Arc, OnceLock};

use crate::source_map::{DeclaredMap, MapUrl, Position, declare};

/// Lines between two entries of the index: a search decodes at most this many steps.
const STRIDE: usize = 64;

/// The script behind some code.
#[derive(Debug)]
pub struct Script {
    /// V8's script id, unique in its isolate.
    pub id: u32,
    /// The name V8 knows it by: a path, a `file://` URL, `node:internal/…`; `None` for code without one.
    pub name: Option<Box<str>>,
    /// The name that its source gives itself (`//# sourceURL`), as bundlers and template engines do for what they
    /// evaluate.
    pub source_url: Option<Box<str>>,
    /// UTF-16 units of its text; 0 when not known.
    pub(super) length: u32,
    /// When V8 told of it, in seconds since the epoch.
    pub(super) seen: i64,
    /// Lines that the embedder put before the first (`lineOffset` of `vm.Script`).
    pub line_offset: u32,
    pub(super) lines: LineTable,
    /// Its source map, set when the script was copied where it declares one.
    pub(super) map: OnceLock<Option<Arc<DeclaredMap>>>,
}

impl Script {
    /// The 1-based line of a position in UTF-16 units; 0 when the script's lines are not known.
    pub fn line_at(&self, script_offset: u32) -> u32 {
        match self.position_at(script_offset) {
            Some(position) => position.line + 1 + self.line_offset,
            None => 0,
        }
    }

    /// The place in the script's own text; `None` when its lines are not known.
    pub(super) fn position_at(&self, script_offset: u32) -> Option<Position> {
        let (line, start) = self.lines.line(script_offset)?;
        let column = script_offset.saturating_sub(start);
        Some(Position { line, column })
    }

    /// The script's source map, while it is not known to be of no use.
    pub(super) fn map(&self) -> Option<&Arc<DeclaredMap>> {
        self.map
            .get_or_init(|| self.declared(MapUrl::None))
            .as_ref()
            .filter(|map| map.is_wanted())
    }

    /// What the script declares.
    pub(super) fn declared(&self, url: MapUrl) -> Option<Arc<DeclaredMap>> {
        let own = self.name.as_deref().filter(|name| !name.is_empty());
        let name = own.or(self.source_url.as_deref())?;
        declare(name, self.shape(), self.seen, url)
    }

    /// What tells two texts of one name apart: a module may be loaded again after a change.
    fn shape(&self) -> (u32, &[u8]) {
        (self.length, &self.lines.steps)
    }
}

/// Where each line ends, as steps of mostly one byte.
#[derive(Debug, Default)]
pub(super) struct LineTable {
    /// Distance of each line's end from the one before, LEB128.
    steps: Box<[u8]>,
    /// Every [`STRIDE`] lines: the end of the line before, and the place in `steps`.
    index: Box<[(u32, u32)]>,
    lines: u32,
}

impl LineTable {
    /// From the offset of each line's end (its line feed, or the end of the source); `None` when they do not rise.
    pub(super) fn new(ends: impl Iterator<Item = u32>) -> Option<LineTable> {
        let mut steps = Vec::new();
        let mut index = Vec::new();
        let mut lines = 0u32;
        let mut last = None;
        for end in ends {
            if last.is_some_and(|last| end <= last) {
                return None;
            }
            if (lines as usize).is_multiple_of(STRIDE) {
                index.push((last.unwrap_or(0), u32::try_from(steps.len()).ok()?));
            }
            crate::vlq::write_unsigned(&mut steps, u64::from(end - last.unwrap_or(0)));
            last = Some(end);
            lines += 1;
        }
        Some(LineTable {
            steps: steps.into_boxed_slice(),
            index: index.into_boxed_slice(),
            lines,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The 0-based line that holds an offset, and where it starts; a line holds its own end. Past the last line it is the
    /// last.
    fn line(&self, offset: u32) -> Option<(u32, u32)> {
        if self.is_empty() {
            return None;
        }
        // The last block whose lines all begin before the offset; the first one's begin at 0.
        let block = self.index.partition_point(|(end, _)| *end < offset).max(1) - 1;
        let (mut end, place) = self.index[block];
        let mut line = (block * STRIDE) as u32;
        let mut start = if line == 0 { 0 } else { end.saturating_add(1) };
        let mut reader = crate::vlq::VlqReader::new(&self.steps[place as usize..]);
        while let Some(step) = reader.unsigned() {
            end = end.saturating_add(step as u32);
            if offset <= end || line + 1 == self.lines {
                break;
            }
            line += 1;
            start = end.saturating_add(1);
        }
        Some((line, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(ends: &[u32]) -> Script {
        Script {
            id: 1,
            name: None,
            source_url: None,
            length: 0,
            seen: 0,
            line_offset: 0,
            lines: LineTable::new(ends.iter().copied()).unwrap(),
            map: OnceLock::new(),
        }
    }

    #[test]
    fn columns_count_from_the_start_of_their_line() {
        let ends: Vec<u32> = (0..500u32).map(|line| line * 10 + 9).collect();
        let script = script(&ends);
        for offset in 0..5_000 {
            let expected = Position {
                line: offset / 10,
                column: offset % 10,
            };
            assert_eq!(script.position_at(offset), Some(expected));
        }
    }

    #[test]
    fn a_line_holds_its_own_end() {
        // "ab\n\nxyz": line feeds at 2 and 3, the source ends at 7.
        let script = script(&[2, 3, 7]);
        let lines: Vec<u32> = (0..=9).map(|offset| script.line_at(offset)).collect();
        assert_eq!(lines, [1, 1, 1, 2, 3, 3, 3, 3, 3, 3]);
    }

    #[test]
    fn two_texts_of_one_line_are_two() {
        let [one, other] = [script(&[60]), script(&[61])];
        assert_eq!(one.shape(), script(&[60]).shape());
        assert_ne!(one.shape(), other.shape());
        // V8 counts lines when it is asked for one.
        let counted = |length| Script {
            length,
            ..script(&[])
        };
        assert_ne!(counted(60).shape(), counted(61).shape());
        // The same number of lines, of the same length in all.
        assert_ne!(script(&[10, 30, 90]).shape(), script(&[20, 30, 90]).shape());
    }

    #[test]
    fn an_empty_first_line_is_line_one() {
        let script = script(&[0, 4]);
        assert_eq!((script.line_at(0), script.line_at(1)), (1, 2));
    }

    #[test]
    fn every_offset_of_a_long_script_agrees_with_a_linear_search() {
        let mut ends = Vec::new();
        let mut end = 0;
        for line in 0..1_000u32 {
            end += 1 + (line * 7919) % 300;
            ends.push(end);
        }
        let script = script(&ends);
        for offset in 0..=end {
            let expected = ends
                .iter()
                .position(|line_end| offset <= *line_end)
                .unwrap() as u32
                + 1;
            assert_eq!(script.line_at(offset), expected, "offset {offset}");
        }
    }

    #[test]
    fn unknown_lines_are_line_zero() {
        assert_eq!(script(&[]).line_at(5), 0);
    }

    #[test]
    fn ends_that_do_not_rise_are_refused() {
        assert!(LineTable::new([5, 5].into_iter()).is_none());
        assert!(LineTable::new([5, 4].into_iter()).is_none());
    }

    #[test]
    fn lines_before_the_first_are_added() {
        let mut script = script(&[3, 9]);
        script.line_offset = 10;
        assert_eq!(script.line_at(4), 12);
    }

    #[test]
    fn a_long_script_stays_small() {
        let lines = LineTable::new((1..=100_000u32).map(|line| line * 40)).unwrap();
        let bytes = lines.steps.len() + size_of_val(&*lines.index);
        assert!(bytes < 120_000, "{bytes} bytes for 100,000 lines");
    }
}
