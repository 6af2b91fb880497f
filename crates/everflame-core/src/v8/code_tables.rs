//! A code object's side tables in the code map: raw until the code is hit, then decoded in place.

use std::sync::Arc;

use super::code_event::{OptimizedTables, Tables};
use super::functions::Placed;
use super::lines::{Lines, OptimizedLines, Places, bytecode_lengths, starts_of};
use super::positions::PositionFormat;
use super::script::Script;

/// Side tables of one piece of code.
#[derive(Debug)]
pub(super) enum CodeTables {
    None,
    Raw(Raw),
    Lines(Lines),
    /// Of a script that may have a source map.
    Places(Places),
    Optimized {
        lines: OptimizedLines,
        inlined: InlinedFunctions,
    },
}

/// Literal index and function of each inlined function.
pub(super) type InlinedFunctions = Box<[(u32, Arc<Placed>)]>;

/// As V8 keeps them, in the format of this process's V8.
#[derive(Debug)]
pub(super) struct Raw {
    format: PositionFormat,
    kind: RawKind,
}

#[derive(Debug)]
enum RawKind {
    Bytecode {
        positions: Box<[u8]>,
    },
    Baseline {
        steps: Box<[u8]>,
        /// Length of each bytecode.
        lengths: Box<[u8]>,
        positions: Box<[u8]>,
    },
    Optimized {
        tables: Box<OptimizedTables>,
        inlined: InlinedFunctions,
    },
}

impl CodeTables {
    /// From a code event. `placed` finds a function by its bytecode's start. False when Sparkplug tables were refused.
    pub(super) fn new(
        tables: Tables,
        format: PositionFormat,
        placed: impl Fn(u64) -> Option<Arc<Placed>>,
    ) -> (CodeTables, bool) {
        let kind = match tables {
            Tables::None => return (CodeTables::None, true),
            Tables::Bytecode { positions } if positions.is_empty() => {
                return (CodeTables::None, true);
            }
            Tables::Bytecode { positions } => RawKind::Bytecode { positions },
            Tables::Baseline {
                steps,
                bytecodes,
                positions,
            } => match bytecode_lengths(&bytecodes) {
                Some(lengths) => RawKind::Baseline {
                    steps,
                    lengths,
                    positions,
                },
                None => return (CodeTables::None, false),
            },
            Tables::Optimized(tables) => RawKind::Optimized {
                inlined: tables
                    .functions
                    .iter()
                    .filter_map(|function| {
                        Some((function.literal, placed(function.bytecode_start)?))
                    })
                    .collect(),
                tables,
            },
        };
        (CodeTables::Raw(Raw { format, kind }), true)
    }

    /// Decodes raw tables, and keeps the lines alone where places are of no use any more. False when raw tables turn out not
    /// to fit each other; then there are none.
    pub(super) fn decode(&mut self, script: Option<&Script>) -> bool {
        match (std::mem::replace(self, CodeTables::None), script) {
            (CodeTables::Raw(raw), script) => match raw.decode(script) {
                Some(decoded) => *self = decoded,
                None => return false,
            },
            (CodeTables::Places(places), Some(script)) => *self = CodeTables::of(places, script),
            (decoded, _) => *self = decoded,
        }
        true
    }

    fn of(places: Places, script: &Script) -> CodeTables {
        match script.map() {
            Some(_) => CodeTables::Places(places),
            None => CodeTables::Lines(places.lines(script)),
        }
    }
}

impl Raw {
    /// `None` when tables do not fit each other.
    fn decode(self, script: Option<&Script>) -> Option<CodeTables> {
        let Raw { format, kind } = self;
        Some(match (kind, script) {
            (RawKind::Bytecode { positions }, Some(script)) => {
                CodeTables::of(Places::of_bytecode(&positions, format), script)
            }
            (
                RawKind::Baseline {
                    steps,
                    lengths,
                    positions,
                },
                Some(script),
            ) => {
                let bytecode = Places::of_bytecode(&positions, format);
                let places = Places::of_baseline(&steps, &starts_of(&lengths), &bytecode)?;
                CodeTables::of(places, script)
            }
            (RawKind::Optimized { tables, inlined }, _) => CodeTables::Optimized {
                lines: OptimizedLines::new(&tables, format),
                inlined,
            },
            (RawKind::Bytecode { .. } | RawKind::Baseline { .. }, None) => CodeTables::None,
        })
    }
}

/// The inlined function of a literal.
pub(super) fn inlined_function(inlined: &[(u32, Arc<Placed>)], literal: u32) -> Option<&Placed> {
    inlined
        .iter()
        .find(|(known, _)| *known == literal)
        .map(|(_, placed)| &**placed)
}
