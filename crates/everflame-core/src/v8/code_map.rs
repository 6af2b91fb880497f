//! Which code lies at an address, as of a moment in the isolate's log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtins::{BuiltinAlias, BuiltinRanges};
use super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
use super::code_name::JsFunction;
use super::code_tables::{CodeTables, inlined_function};
use super::functions::{Functions, Placed};
use super::layout::Layout;
use super::leaf::is_passage;
use super::lines::LogicalFrame;
use crate::memory_map;
use crate::source_map::{DeclaredMap, Position};

/// Pieces of code, at about 250 bytes each, above which unused code is forgotten. Large services have 30,000 to
/// 60,000.
const SWEEP_AT: usize = 100_000;

/// How an address is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The instruction or bytecode being executed.
    Exact,
    /// A return address: the call is the instruction before it. Bytecode positions among V8's frames may be looked up
    /// this way too; they are recognised and taken as they are.
    Return,
}

/// One frame of a stack.
#[derive(Clone, Debug)]
pub struct JsFrame {
    pub function: Arc<JsFunction>,
    /// The line being executed, 1-based; the function's start line where V8 has no better answer, 0 for code without
    /// lines.
    pub line: u32,
    /// Set where a source map may tell what the script was made from.
    pub generated: Option<Generated>,
}

/// A place in a script that may have a source map, in the script's own text.
#[derive(Clone, Debug)]
pub struct Generated {
    pub map: Arc<DeclaredMap>,
    /// The executing place.
    pub at: Position,
    /// Where the function begins.
    pub start: Position,
}

/// The code of one isolate. Feed it the isolate's log, and ask when it stands where the sample's sequence says.
#[derive(Debug)]
pub struct CodeMap {
    /// By start address; entries never overlap.
    entries: BTreeMap<u64, Entry>,
    functions: Arc<Functions>,
    sequence: u64,
    alias: Option<BuiltinAlias>,
    bytecode_header: Option<u64>,
    sweep_at: usize,
    counters: Counters,
    scratch: Vec<LogicalFrame>,
}

/// What could not be told, for the profiler's own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Inlined calls left out because their function's code is not in the map.
    pub unknown_inlined: u64,
    /// Sparkplug code whose table does not fit its bytecode, or whose bytecode lengths are not known.
    pub refused_baseline: u64,
    /// Moves of code that is not in the map: V8 moved it before it told of it.
    pub unknown_moves: u64,
    /// Pieces of code forgotten because the map was full.
    pub swept: u64,
}

#[derive(Debug)]
struct Entry {
    length: u32,
    code_type: CodeType,
    placed: Arc<Placed>,
    tables: CodeTables,
    /// The event that added it.
    added: u64,
    /// Resolved since the last sweep.
    hit: bool,
}

impl CodeMap {
    /// An empty map that names functions as the other isolates' maps do. Reads `/proc/self/maps` to find the builtins'
    /// second place: not for JavaScript threads.
    pub fn new(builtins: &BuiltinRanges, functions: &Arc<Functions>) -> CodeMap {
        let alias = memory_map::read()
            .ok()
            .and_then(|maps| BuiltinAlias::find(&maps, builtins));
        CodeMap {
            functions: Arc::clone(functions),
            ..CodeMap::empty(alias, Layout::get().ok().map(Layout::bytecode_header))
        }
    }

    pub(super) fn empty(alias: Option<BuiltinAlias>, bytecode_header: Option<u64>) -> CodeMap {
        CodeMap {
            entries: BTreeMap::new(),
            functions: Arc::default(),
            sequence: 0,
            alias,
            bytecode_header,
            sweep_at: SWEEP_AT,
            counters: Counters::default(),
            scratch: Vec::new(),
        }
    }

    /// Events replayed so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Pieces of code known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What could not be told since the last call.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Takes the next event of the log.
    pub fn replay(&mut self, event: CodeEvent) {
        self.sequence += 1;
        match event {
            CodeEvent::Added(code) => {
                self.add(*code);
                if self.entries.len() > self.sweep_at {
                    self.sweep_when_full();
                }
            }
            CodeEvent::Moved { from, to } => self.relocate(from, to),
        }
    }

    fn add(&mut self, code: AddedCode) {
        let AddedCode {
            start,
            length,
            code_type,
            name,
            script,
            tables,
        } = code;
        let placed = Arc::new(Placed::new(name, code_type, script));
        let tables = self.tables(tables);
        self.evict(start, length);
        self.entries.insert(
            start,
            Entry {
                length,
                code_type,
                placed,
                tables,
                added: self.sequence,
                hit: false,
            },
        );
    }

    fn tables(&mut self, tables: Tables) -> CodeTables {
        let format = match Layout::get().ok().and_then(Layout::learned) {
            Some(learned) => learned.format,
            // Nothing is read from the heap without it, so there is nothing to decode.
            None => return CodeTables::None,
        };
        let placed = |start| {
            self.entries
                .get(&start)
                .map(|entry: &Entry| Arc::clone(&entry.placed))
        };
        let (tables, fits) = CodeTables::new(tables, format, placed);
        self.counters.refused_baseline += u64::from(!fits);
        tables
    }

    fn relocate(&mut self, from: u64, to: u64) {
        match self.entries.remove(&from) {
            Some(entry) => {
                self.evict(to, entry.length);
                self.entries.insert(to, entry);
            }
            None => {
                // Something lies at `to` now, and it is not what the map says.
                self.evict(to, 1);
                self.counters.unknown_moves += 1;
            }
        }
    }

    /// Removes everything that overlaps `[start, start + length)`: V8 reuses memory without a word.
    fn evict(&mut self, start: u64, length: u32) {
        let end = start.saturating_add(u64::from(length.max(1)));
        if let Some((&before, entry)) = self.entries.range(..start).next_back()
            && before + u64::from(entry.length) > start
        {
            self.entries.remove(&before);
        }
        while let Some((&inside, _)) = self.entries.range(start..end).next() {
            self.entries.remove(&inside);
        }
    }

    fn sweep_when_full(&mut self) {
        self.sweep(SWEEP_AT / 2, self.entries.len() <= SWEEP_AT * 2);
        self.sweep_at = SWEEP_AT.max(self.entries.len() + SWEEP_AT / 4);
    }

    /// Forgets code that was not hit lately, the oldest first, down to `target` pieces: V8 does not say when it frees
    /// code, and the memory of dead code may lie unused for long, or be reused for other things. What `eval`,
    /// `new Function` and `new RegExp` leave behind goes before any other, and with `spare` nothing else goes.
    pub fn sweep(&mut self, target: usize, spare: bool) {
        let mut unused: Vec<(bool, u64, u64)> = Vec::new();
        for (start, entry) in &mut self.entries {
            if !std::mem::take(&mut entry.hit) && !entry.placed.is_permanent() {
                unused.push((!entry.placed.is_makeshift(), entry.added, *start));
            }
        }
        unused.sort_unstable();
        let surplus = self.entries.len().saturating_sub(target);
        for (_, _, start) in unused
            .into_iter()
            .take_while(|(lasting, ..)| !(spare && *lasting))
            .take(surplus)
        {
            self.entries.remove(&start);
            self.counters.swept += 1;
        }
    }

    /// The start of the code that holds an address.
    fn find(&self, address: u64) -> Option<(u64, &Entry)> {
        let (&start, entry) = self.entries.range(..=address).next_back()?;
        (address - start < u64::from(entry.length)).then_some((start, entry))
    }

    fn find_anywhere(&self, address: u64) -> Option<(u64, u64)> {
        if let Some((start, _)) = self.find(address) {
            return Some((start, address - start));
        }
        let other = self.alias.as_ref()?.other(address)?;
        let (start, _) = self.find(other)?;
        Some((start, other - start))
    }

    /// The code at an address, and the offset in it.
    fn locate(&self, address: u64, lookup: Lookup) -> Option<(u64, u32)> {
        let exact = self.find_anywhere(address);
        let found = match (lookup, exact) {
            (Lookup::Exact, Some(found)) => Some(found),
            (Lookup::Return, Some((start, offset))) if self.is_bytecode(start) => {
                Some((start, offset))
            }
            (Lookup::Exact, None) => None,
            (Lookup::Return, _) => self.find_anywhere(address.checked_sub(1)?),
        };
        let (start, offset) = found.or_else(|| self.entered_at(address))?;
        Some((start, offset as u32))
    }

    /// An interpreted function that has not begun its first bytecode has the position before it.
    fn entered_at(&self, address: u64) -> Option<(u64, u64)> {
        let start = address.checked_add(1)?;
        self.is_bytecode(start).then_some((start, 0))
    }

    fn is_bytecode(&self, start: u64) -> bool {
        self.entries
            .get(&start)
            .is_some_and(|entry| entry.code_type == CodeType::Bytecode)
    }

    /// The function whose code holds an address, inlined calls not looked into.
    pub fn function_at(&self, address: u64, lookup: Lookup) -> Option<&Arc<JsFunction>> {
        let (start, _) = self.locate(address, lookup)?;
        Some(self.entries[&start].placed.function(&self.functions))
    }

    /// Start and length of the bytecode that holds an address.
    pub(super) fn bytecode_around(&self, address: u64) -> Option<(u64, u32)> {
        self.find(address)
            .filter(|(_, entry)| entry.code_type == CodeType::Bytecode)
            .map(|(start, entry)| (start, entry.length))
    }

    /// Bytes from a tagged bytecode array to its first bytecode.
    pub(super) fn bytecode_header(&self) -> Option<u64> {
        self.bytecode_header
    }

    /// Pushes the frames at an address, leaf first: inlined functions, then the function whose code it is. Returns
    /// into the interpreter or V8's exits push nothing: what is behind them is a frame of its own. False, and nothing pushed,
    /// when no code is known there; V8's frames also name native functions that JavaScript called.
    pub fn resolve(&mut self, address: u64, lookup: Lookup, frames: &mut Vec<JsFrame>) -> bool {
        let Some((start, offset)) = self.locate(address, lookup) else {
            return false;
        };
        let Some(entry) = self.entries.get_mut(&start) else {
            return false;
        };
        entry.hit = true;
        let own = &entry.placed;
        let functions = &self.functions;
        if lookup == Lookup::Return && is_passage(own.function(functions)) {
            return true;
        }
        if !entry.tables.decode(own.script.as_deref()) {
            self.counters.refused_baseline += 1;
        }
        match &entry.tables {
            CodeTables::Lines(lines) => frames.push(own.frame_on(lines.at(offset), functions)),
            CodeTables::Places(places) => frames.push(own.frame(places.at(offset), functions)),
            CodeTables::Optimized { lines, inlined } => {
                lines.frames_at(offset, &mut self.scratch);
                for frame in &self.scratch {
                    let placed = match frame.inlined {
                        Some(literal) => inlined_function(inlined, literal),
                        None => Some(&**own),
                    };
                    match placed {
                        Some(placed) => frames.push(placed.frame(frame.script_offset, functions)),
                        None => self.counters.unknown_inlined += 1,
                    }
                }
            }
            CodeTables::None | CodeTables::Raw(_) => frames.push(own.frame(None, functions)),
        }
        true
    }
}

#[cfg(test)]
#[path = "code_map_test.rs"]
mod tests;
