//! Which code lies at an address, as of a moment in the isolate's log.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::builtins::{BuiltinAlias, BuiltinRanges};
use super::code_event::{AddedCode, CodeEvent, CodeType, Tables};
use super::code_name::{self, JsFunction};
use super::code_tables::{CodeTables, inlined_function};
use super::layout::Layout;
use super::leaf::is_interpreter;
use super::lines::{LogicalFrame, line_at};
use super::script::Script;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsFrame {
    pub function: Arc<JsFunction>,
    /// The line being executed, 1-based; the function's start line where V8 has no better answer, 0 for code without
    /// lines.
    pub line: u32,
}

/// The code of one isolate. Feed it the isolate's log, and ask when it stands where the sample's sequence says.
#[derive(Debug)]
pub struct CodeMap {
    /// By start address; entries never overlap.
    entries: BTreeMap<u64, Entry>,
    functions: FxHashSet<Arc<JsFunction>>,
    purge_at: usize,
    sequence: u64,
    alias: Option<BuiltinAlias>,
    bytecode_header: Option<u64>,
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
    /// Moves of code that is not in the map.
    pub unknown_moves: u64,
}

/// A function together with its script.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) function: Arc<JsFunction>,
    pub(super) script: Option<Arc<Script>>,
}

#[derive(Debug)]
struct Entry {
    length: u32,
    code_type: CodeType,
    placed: Placed,
    tables: CodeTables,
}

impl CodeMap {
    /// An empty map. Reads `/proc/self/maps` to find the builtins' second place: not for JavaScript threads.
    pub fn new(builtins: &BuiltinRanges) -> CodeMap {
        let alias = std::fs::read_to_string("/proc/self/maps")
            .ok()
            .and_then(|maps| BuiltinAlias::find(&maps, builtins));
        CodeMap::empty(alias, Layout::get().ok().map(Layout::bytecode_header))
    }

    pub(super) fn empty(alias: Option<BuiltinAlias>, bytecode_header: Option<u64>) -> CodeMap {
        CodeMap {
            entries: BTreeMap::new(),
            functions: FxHashSet::default(),
            purge_at: 1024,
            sequence: 0,
            alias,
            bytecode_header,
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

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes the next event of the log.
    pub fn replay(&mut self, event: CodeEvent) {
        self.sequence += 1;
        match event {
            CodeEvent::Added(code) => self.add(*code),
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
        let script_name = script.as_ref().and_then(|script| script.name.as_deref());
        let placed = Placed {
            function: self.intern(code_name::function(&name, code_type, script_name)),
            script,
        };
        let tables = self.tables(tables);
        self.evict(start, length);
        self.entries.insert(
            start,
            Entry {
                length,
                code_type,
                placed,
                tables,
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
                .map(|entry: &Entry| entry.placed.clone())
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

    fn intern(&mut self, function: JsFunction) -> Arc<JsFunction> {
        if let Some(known) = self.functions.get(&function) {
            return Arc::clone(known);
        }
        if self.functions.len() >= self.purge_at {
            self.functions
                .retain(|function| Arc::strong_count(function) > 1);
            self.purge_at = (self.functions.len() * 2).max(1024);
        }
        let function = Arc::new(function);
        self.functions.insert(Arc::clone(&function));
        function
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
        let is_bytecode = |start| self.entries[start].code_type == CodeType::Bytecode;
        let (start, offset) = match (lookup, exact) {
            (Lookup::Exact, found) => found?,
            (Lookup::Return, Some((start, offset))) if is_bytecode(&start) => (start, offset),
            (Lookup::Return, _) => self.find_anywhere(address.checked_sub(1)?)?,
        };
        Some((start, offset as u32))
    }

    /// The function whose code holds an address, inlined calls not looked into.
    pub fn function_at(&self, address: u64, lookup: Lookup) -> Option<&Arc<JsFunction>> {
        let (start, _) = self.locate(address, lookup)?;
        Some(&self.entries[&start].placed.function)
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
    /// into the interpreter push nothing: the interpreted function is a frame of its own. False, and nothing pushed,
    /// when no code is known there; V8's frames also name native functions that JavaScript called.
    pub fn resolve(&mut self, address: u64, lookup: Lookup, frames: &mut Vec<JsFrame>) -> bool {
        let Some((start, offset)) = self.locate(address, lookup) else {
            return false;
        };
        let Some(entry) = self.entries.get_mut(&start) else {
            return false;
        };
        let own = &entry.placed;
        if lookup == Lookup::Return && is_interpreter(&own.function) {
            return true;
        }
        if !entry.tables.decode(own.script.as_deref()) {
            self.counters.refused_baseline += 1;
        }
        let own_frame = |line: Option<u32>| JsFrame {
            function: Arc::clone(&own.function),
            line: line.unwrap_or(own.function.start_line),
        };
        match &entry.tables {
            CodeTables::Lines(lines) => frames.push(own_frame(line_at(lines, offset))),
            CodeTables::Optimized { lines, inlined } => {
                lines.frames_at(offset, &mut self.scratch);
                for frame in &self.scratch {
                    let placed = match frame.inlined {
                        Some(literal) => inlined_function(inlined, literal),
                        None => Some(own),
                    };
                    match placed {
                        Some(placed) => frames.push(placed.frame(frame.script_offset)),
                        None => self.counters.unknown_inlined += 1,
                    }
                }
            }
            CodeTables::None | CodeTables::Raw(_) => frames.push(own_frame(None)),
        }
        true
    }
}

impl Placed {
    fn frame(&self, script_offset: Option<u32>) -> JsFrame {
        let line = script_offset
            .zip(self.script.as_ref())
            .map(|(offset, script)| script.line_at(offset))
            .filter(|line| *line != 0);
        JsFrame {
            function: Arc::clone(&self.function),
            line: line.unwrap_or(self.function.start_line),
        }
    }
}

#[cfg(test)]
#[path = "code_map_test.rs"]
mod tests;
