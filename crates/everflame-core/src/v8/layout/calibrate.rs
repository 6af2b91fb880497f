//! Proves the layout on a function that V8 compiles while it also reports the function's lines by event.

use super::super::code_event::CodeType;
use super::super::events::{CALIBRATION_MAP_URL, CALIBRATION_URL};
use super::super::positions::{PositionFormat, PositionTable};
use super::heap::{Heap, Object};
use super::{Layout, Learned, View};

/// Where BytecodeArray's source position table may lie: the pointer fields after its map and length.
const CANDIDATES: std::ops::Range<u64> = 16..64;

/// Where a Script's fields for what its source says of itself may lie.
const SCRIPT_FIELDS: std::ops::Range<u64> = 64..192;

/// A table is recognised by this many entries at least: a shorter one could agree by accident.
const ENOUGH_ENTRIES: usize = 4;

/// No table of a function compiled for this purpose is larger.
const MAX_TABLE: usize = 64 * 1024;

/// Collects V8's line events and compares them with the tables of the same code.
#[derive(Debug, Default)]
pub(in super::super) struct Calibrator {
    /// (code offset, script offset) of the code object being described.
    lines: Vec<(u32, u32)>,
    described: u64,
    refused: Option<&'static str>,
}

impl Calibrator {
    /// V8 begins to describe a code object's lines.
    pub(in super::super) fn start_lines(&mut self) {
        self.lines.clear();
        self.described = 0;
    }

    pub(in super::super) fn line(&mut self, code_offset: u64, script_offset: u64) {
        if let (Ok(code_offset), Ok(script_offset)) =
            (u32::try_from(code_offset), u32::try_from(script_offset))
        {
            self.lines.push((code_offset, script_offset));
        }
    }

    /// V8 has described the code that starts at `start`.
    pub(in super::super) fn end_lines(&mut self, start: u64) {
        self.described = start;
        // A statement is reported twice, as statement and as expression.
        self.lines.dedup();
    }

    /// V8 adds code: if it is the described one, try to prove the layout with it.
    pub(in super::super) fn added(
        &mut self,
        layout: &Layout,
        code_type: CodeType,
        start: u64,
        handle: u64,
    ) {
        if layout.learned().is_some() || code_type != CodeType::Bytecode || handle == 0 {
            return;
        }
        if self.described != start || self.lines.len() < ENOUGH_ENTRIES {
            return;
        }
        match self.prove(layout.view(Heap::Checked), start, handle) {
            Ok(learned) => drop(layout.learned.set(learned)),
            Err(reason) => self.refused = Some(reason),
        }
    }

    fn prove(&self, view: View<'_>, start: u64, handle: u64) -> Result<Learned, &'static str> {
        let function = view
            .function_of_handle(handle)
            .map_err(|_| "a code event's function or script is not where it was expected")?;
        let array = view
            .bytecode_array_at(start)
            .map_err(|_| "a function's bytecode is not in a bytecode array as expected")?;
        // With interpreter data around it, where each function has an entry of its own.
        let bytecode = view
            .object(function.object, view.constants.function.data)
            .and_then(|data| view.bytecode_array_of(data));
        if bytecode != Some(array) {
            return Err("a function does not point to its bytecode where it was expected");
        }
        let script = view
            .script(&function)
            .map_err(|_| "a script's line ends are not what they were expected to be")?;
        if script.lines.is_empty() {
            return Err("a script's line ends were not found");
        }
        let learned = self
            .find_table(view, array)
            .ok_or("no field of a bytecode array agrees with V8's own line information")?;
        let holds = |text: &str| {
            SCRIPT_FIELDS
                .step_by(8)
                .find(|offset| view.script_text(&function, *offset).as_deref() == Some(text))
        };
        Ok(Learned {
            source_url: holds(CALIBRATION_URL),
            map_url: holds(CALIBRATION_MAP_URL),
            ..learned
        })
    }

    fn find_table(&self, view: View<'_>, array: Object) -> Option<Learned> {
        for offset in CANDIDATES.step_by(8) {
            let Some(table) = view
                .object(array, offset)
                .and_then(|table| view.byte_array(table, MAX_TABLE))
            else {
                continue;
            };
            for format in [PositionFormat::Flagged, PositionFormat::Signed] {
                if self.agrees(&table, format) {
                    return Some(Learned {
                        bytecode_positions: offset,
                        format,
                        source_url: None,
                        map_url: None,
                    });
                }
            }
        }
        None
    }

    fn agrees(&self, table: &[u8], format: PositionFormat) -> bool {
        let mut entries: Vec<(u32, u32)> = PositionTable::new(table, format)
            .filter_map(|entry| Some((entry.code_offset, entry.position.script_offset()?)))
            .collect();
        entries.dedup();
        entries == self.lines
    }

    /// Why nothing was learned.
    pub(in super::super) fn reason(&self) -> &'static str {
        self.refused
            .unwrap_or("V8 reported no lines of the function compiled for calibration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_agrees_in_one_format_only() {
        let mut calibrator = Calibrator::default();
        calibrator.start_lines();
        // Steps 1, 2, 3, 5 from −1 and positions 10, 20, 15, 40.
        for (code_offset, position) in [(0, 10), (0, 10), (2, 20), (5, 15), (10, 40)] {
            calibrator.line(code_offset, position);
        }
        calibrator.end_lines(0x1000);
        let words = [11i64 << 1, 21 << 1, 16 << 1, 41 << 1];
        let table = |step: &dyn Fn(u64) -> u64| {
            let mut bytes = Vec::new();
            let mut last = 0;
            for (place, word) in [1u64, 2, 3, 5].into_iter().zip(words) {
                crate::vlq::write_unsigned(&mut bytes, step(place));
                let change = word - last;
                crate::vlq::write_unsigned(&mut bytes, (change << 1 ^ change >> 63) as u64);
                last = word;
            }
            bytes
        };
        let signed = table(&|step| step << 1);
        let flagged = table(&|step| step << 2 | 2);
        assert!(calibrator.agrees(&signed, PositionFormat::Signed));
        assert!(!calibrator.agrees(&signed, PositionFormat::Flagged));
        assert!(calibrator.agrees(&flagged, PositionFormat::Flagged));
        assert!(!calibrator.agrees(&flagged, PositionFormat::Signed));
    }
}
