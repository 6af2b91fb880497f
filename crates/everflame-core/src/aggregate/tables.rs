//! Interned strings, functions, frames and stacks. Equal content has one id; ids are dense.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StringId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(pub u32);

/// A function: what profile.proto calls Function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionRow {
    pub name: StringId,
    pub file: StringId,
    pub start_line: u32,
}

/// A frame: a function at its executing line, or a native address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRow {
    pub function: FunctionId,
    pub line: u32,
    /// Index of the module plus one; 0 when there is none.
    pub module: u32,
    pub address: u64,
    /// Number of the place in generated code whose source map is asked, so that places on one line are told apart; 0 for
    /// every other frame, and for all frames of a finished profile.
    pub generated: u32,
}

/// A table of equal rows under one id.
struct Interned<T> {
    rows: Vec<T>,
    index: FxHashMap<T, u32>,
}

impl<T: Copy + Eq + Hash> Interned<T> {
    fn new() -> Self {
        Interned {
            rows: Vec::new(),
            index: FxHashMap::default(),
        }
    }

    fn intern(&mut self, row: T) -> u32 {
        *self.index.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() as u32 - 1
        })
    }

    /// Row, index entry and the index's spare room.
    const BYTES: usize = size_of::<T>() * 3 + 8;
}

/// All tables of the profiler. Grown over periods, rebuilt when they are large.
pub struct Tables {
    strings: Vec<Arc<str>>,
    string_index: FxHashMap<Arc<str>, u32>,
    functions: Interned<FunctionRow>,
    frames: Interned<FrameRow>,
    /// Frames of all stacks, leaf first, one after the other.
    words: Vec<FrameId>,
    stacks: Vec<(u32, u32)>,
    /// Hash of a stack's frames to the newest stack with that hash, and from a stack to the one before it.
    stack_index: FxHashMap<u64, u32>,
    same_hash: Vec<u32>,
    string_bytes: usize,
}

const NONE: u32 = u32::MAX;

impl Default for Tables {
    fn default() -> Self {
        Tables::new()
    }
}

impl Tables {
    /// Empty tables; string 0 is the empty string.
    pub fn new() -> Tables {
        let mut tables = Tables {
            strings: Vec::new(),
            string_index: FxHashMap::default(),
            functions: Interned::new(),
            frames: Interned::new(),
            words: Vec::new(),
            stacks: Vec::new(),
            stack_index: FxHashMap::default(),
            same_hash: Vec::new(),
            string_bytes: 0,
        };
        tables.string("");
        tables
    }

    pub fn string(&mut self, text: &str) -> StringId {
        if let Some(id) = self.string_index.get(text) {
            return StringId(*id);
        }
        let text: Arc<str> = text.into();
        let id = self.strings.len() as u32;
        self.string_bytes += text.len();
        self.strings.push(Arc::clone(&text));
        self.string_index.insert(text, id);
        StringId(id)
    }

    pub fn text(&self, id: StringId) -> &str {
        &self.strings[id.0 as usize]
    }

    pub fn function(&mut self, row: FunctionRow) -> FunctionId {
        FunctionId(self.functions.intern(row))
    }

    pub fn frame(&mut self, row: FrameRow) -> FrameId {
        FrameId(self.frames.intern(row))
    }

    /// A frame without file, line or address, such as `(garbage collector)`.
    pub fn synthetic(&mut self, name: &str) -> FrameId {
        let name = self.string(name);
        let function = self.function(FunctionRow {
            name,
            file: StringId(0),
            start_line: 0,
        });
        self.frame(FrameRow {
            function,
            line: 0,
            module: 0,
            address: 0,
            generated: 0,
        })
    }

    /// The stack with these frames, leaf first. Frames are compared, not only their hash.
    pub fn stack(&mut self, frames: &[FrameId]) -> StackId {
        let hash = FxBuildHasher.hash_one(frames);
        let first = self.stack_index.get(&hash).copied().unwrap_or(NONE);
        let mut candidate = first;
        while candidate != NONE {
            if self.frames_of(StackId(candidate)) == frames {
                return StackId(candidate);
            }
            candidate = self.same_hash[candidate as usize];
        }
        let id = self.stacks.len() as u32;
        let start = self.words.len() as u32;
        self.words.extend_from_slice(frames);
        self.stacks.push((start, frames.len() as u32));
        self.same_hash.push(first);
        self.stack_index.insert(hash, id);
        StackId(id)
    }

    pub fn frames_of(&self, stack: StackId) -> &[FrameId] {
        let (start, length) = self.stacks[stack.0 as usize];
        &self.words[start as usize..(start + length) as usize]
    }

    pub fn frame_row(&self, frame: FrameId) -> FrameRow {
        self.frames.rows[frame.0 as usize]
    }

    pub fn function_row(&self, function: FunctionId) -> FunctionRow {
        self.functions.rows[function.0 as usize]
    }

    /// The name of a frame's function.
    pub fn function_name(&self, frame: FrameId) -> &str {
        self.text(self.function_row(self.frame_row(frame).function).name)
    }

    /// How many rows each table has: strings, functions, frames, stacks.
    pub fn lengths(&self) -> [usize; 4] {
        [
            self.strings.len(),
            self.functions.rows.len(),
            self.frames.rows.len(),
            self.stacks.len(),
        ]
    }

    /// Memory held, in bytes, to within the spare room of the containers.
    pub fn bytes(&self) -> usize {
        self.string_bytes
            + self.strings.len() * 64
            + self.functions.rows.len() * Interned::<FunctionRow>::BYTES
            + self.frames.rows.len() * Interned::<FrameRow>::BYTES
            + self.words.len() * 4
            + self.stacks.len() * 36
    }

    /// Carries one stack over from another set of tables.
    pub fn copy_stack(&mut self, from: &Tables, stack: StackId) -> StackId {
        let frames: Vec<FrameId> = from
            .frames_of(stack)
            .iter()
            .map(|frame| {
                let row = from.frame_row(*frame);
                let function = from.function_row(row.function);
                let name = self.string(from.text(function.name));
                let file = self.string(from.text(function.file));
                let function = self.function(FunctionRow {
                    name,
                    file,
                    start_line: function.start_line,
                });
                self.frame(FrameRow { function, ..row })
            })
            .collect();
        self.stack(&frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_one_id_and_unequal_content_has_two() {
        let mut tables = Tables::new();
        let (a, b) = (tables.synthetic("a"), tables.synthetic("b"));
        assert_eq!(tables.synthetic("a"), a);
        let ab = tables.stack(&[a, b]);
        let ba = tables.stack(&[b, a]);
        assert_ne!(ab, ba);
        assert_eq!(tables.stack(&[a, b]), ab);
        assert_eq!(tables.frames_of(ba), [b, a]);
        assert_eq!(tables.stack(&[]), tables.stack(&[]));
    }

    #[test]
    fn a_stack_copied_into_new_tables_reads_the_same() {
        let mut old = Tables::new();
        for name in ["x", "y", "z"] {
            old.synthetic(name);
        }
        let frames = [old.synthetic("leaf"), old.synthetic("root")];
        let stack = old.stack(&frames);
        let mut new = Tables::new();
        let copied = new.copy_stack(&old, stack);
        let names: Vec<&str> = new
            .frames_of(copied)
            .iter()
            .map(|frame| new.function_name(*frame))
            .collect();
        assert_eq!(names, ["leaf", "root"]);
    }
}
