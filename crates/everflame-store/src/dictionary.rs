//! What blocks point into: texts, functions, frames, stacks and sets of labels of one service, each once. Ids only grow, and
//! the stack above another has the smaller id: totals come from one pass backwards over an array.

use crate::delta::Delta;
use crate::frame_keys::FrameKey;
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::ops::Range;

type Table<T> = IndexSet<T, FxBuildHasher>;

/// The stack without frames, which is above all others.
pub(crate) const ROOT: u32 = 0;

/// Values of one label that keep their names; the rest share [`OTHER`]. A label with a value for each user would grow the
/// dictionary without end.
const MOST_VALUES: usize = 1000;
pub(crate) const OTHER: &str = "(other)";

/// Ids of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Function {
    pub name: u32,
    pub file: u32,
    pub module: u32,
    /// Where it starts; 0 where that is not known.
    pub line: u32,
}

/// A function and the line that was executing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub function: u32,
    pub line: u32,
}

/// One stack: that of the caller, and the frame on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub parent: u32,
    pub frame: u32,
}

/// Ids of texts: key and value, sorted by key.
pub(crate) type LabelSet = Box<[(u32, u32)]>;

#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    texts: Table<Box<str>>,
    functions: Table<Function>,
    frames: Table<Frame>,
    nodes: Table<Node>,
    label_sets: Table<LabelSet>,
    /// Of the frames that came with profiles since it is in memory.
    frame_keys: FxHashMap<FrameKey, u32>,
    /// Values of each key of labels.
    values: FxHashMap<u32, FxHashSet<u32>>,
    text_bytes: usize,
}

/// How much of each table: what a delta begins after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub texts: usize,
    pub functions: usize,
    pub frames: usize,
    pub nodes: usize,
    pub label_sets: usize,
}

impl Default for Dictionary {
    fn default() -> Dictionary {
        let mut dictionary = Dictionary {
            texts: Table::default(),
            functions: Table::default(),
            frames: Table::default(),
            nodes: Table::default(),
            label_sets: Table::default(),
            frame_keys: FxHashMap::default(),
            values: FxHashMap::default(),
            text_bytes: 0,
        };
        dictionary.text("");
        // Its own parent, with a frame that no other node can have.
        dictionary.nodes.insert(Node {
            parent: ROOT,
            frame: u32::MAX,
        });
        dictionary
    }
}

impl Dictionary {
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        if let Some(id) = self.texts.get_index_of(text) {
            return id as u32;
        }
        self.text_bytes += text.len();
        self.texts.insert_full(text.into()).0 as u32
    }

    pub(crate) fn function(&mut self, function: Function) -> u32 {
        self.functions.insert_full(function).0 as u32
    }

    pub(crate) fn frame(&mut self, frame: Frame) -> u32 {
        self.frames.insert_full(frame).0 as u32
    }

    pub(crate) fn frame_by_key(&self, key: FrameKey) -> Option<u32> {
        self.frame_keys.get(&key).copied()
    }

    /// Knows the frame by the key from now on.
    pub(crate) fn learn_key(&mut self, key: FrameKey, frame: u32) {
        self.frame_keys.insert(key, frame);
    }

    pub(crate) fn node(&mut self, node: Node) -> u32 {
        // A frame was mostly put right behind its caller: then there is nothing to look up.
        let next = node.parent as usize + 1;
        if self.nodes.get_index(next) == Some(&node) {
            return next as u32;
        }
        self.nodes.insert_full(node).0 as u32
    }

    /// The text of a label's value, or [`OTHER`] where its key has too many.
    pub(crate) fn label_value(&mut self, key: u32, value: &str) -> u32 {
        if let Some(id) = self.find_text(value)
            && self.values_of(key).contains(&id)
        {
            return id;
        }
        let is_full = self.values_of(key).len() >= MOST_VALUES;
        let id = self.text(if is_full { OTHER } else { value });
        self.values_of(key).insert(id);
        id
    }

    fn values_of(&mut self, key: u32) -> &mut FxHashSet<u32> {
        self.values.entry(key).or_default()
    }

    /// The set of these labels, in any order.
    pub(crate) fn label_set(&mut self, labels: &mut [(u32, u32)]) -> u32 {
        labels.sort_unstable();
        match self.label_sets.get_index_of(&*labels) {
            Some(id) => id as u32,
            None => self.label_sets.insert_full((&*labels).into()).0 as u32,
        }
    }

    pub(crate) fn text_of(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }

    /// The id of a text that is there.
    pub(crate) fn find_text(&self, text: &str) -> Option<u32> {
        self.texts.get_index_of(text).map(|id| id as u32)
    }

    pub(crate) fn function_of(&self, id: u32) -> Function {
        self.functions[id as usize]
    }

    pub(crate) fn frame_of(&self, id: u32) -> Frame {
        self.frames[id as usize]
    }

    pub(crate) fn node_of(&self, id: u32) -> Node {
        self.nodes[id as usize]
    }

    pub(crate) fn labels_of(&self, id: u32) -> &[(u32, u32)] {
        &self.label_sets[id as usize]
    }

    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn function_count(&self) -> usize {
        self.functions.len()
    }

    pub(crate) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn label_set_count(&self) -> usize {
        self.label_sets.len()
    }

    /// Bytes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        self.text_bytes
            + 64 * self.texts.len()
            + 48 * self.functions.len()
            + 40 * self.frames.len()
            + 32 * self.frame_keys.len()
            + 40 * self.nodes.len()
            + 80 * self.label_sets.len()
    }

    pub(crate) fn lengths(&self) -> Lengths {
        Lengths {
            texts: self.texts.len(),
            functions: self.functions.len(),
            frames: self.frames.len(),
            nodes: self.nodes.len(),
            label_sets: self.label_sets.len(),
        }
    }

    pub(crate) fn texts(&self, range: Range<usize>) -> impl Iterator<Item = &str> {
        self.texts.as_slice()[range].iter().map(|text| &**text)
    }

    pub(crate) fn functions(&self, range: Range<usize>) -> impl Iterator<Item = &Function> {
        self.functions.as_slice()[range].iter()
    }

    pub(crate) fn frames(&self, range: Range<usize>) -> impl Iterator<Item = &Frame> {
        self.frames.as_slice()[range].iter()
    }

    pub(crate) fn nodes(&self, range: Range<usize>) -> impl Iterator<Item = &Node> {
        self.nodes.as_slice()[range].iter()
    }

    pub(crate) fn label_sets(&self, range: Range<usize>) -> impl Iterator<Item = &LabelSet> {
        self.label_sets.as_slice()[range].iter()
    }

    /// Adds what comes next. `None` where this is not its beginning, or it points at what is not there or has something twice: then
    /// this dictionary is of no use any more.
    pub(crate) fn extend(&mut self, delta: Delta) -> Option<()> {
        (delta.since == self.lengths()).then_some(())?;
        for text in delta.texts {
            self.text_bytes += text.len();
            self.texts.insert_full(text).1.then_some(())?;
        }
        let texts = self.texts.len();
        let is_text = |id: u32| (id as usize) < texts;
        for function in delta.functions {
            let parts = [function.name, function.file, function.module];
            parts.into_iter().all(is_text).then_some(())?;
            self.functions.insert_full(function).1.then_some(())?;
        }
        for frame in delta.frames {
            ((frame.function as usize) < self.functions.len()).then_some(())?;
            self.frames.insert_full(frame).1.then_some(())?;
        }
        for node in delta.nodes {
            ((node.frame as usize) < self.frames.len()).then_some(())?;
            self.nodes.insert_full(node).1.then_some(())?;
        }
        for labels in delta.label_sets {
            for &(key, value) in &labels {
                (is_text(key) && is_text(value)).then_some(())?;
                self.values_of(key).insert(value);
            }
            self.label_sets.insert_full(labels).1.then_some(())?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::{encode, stretches};

    fn grow(dictionary: &mut Dictionary, seed: u32) {
        let name = dictionary.text(&format!("function {seed}"));
        let file = dictionary.text(&format!("/app/file{}.js", seed % 7));
        let function = dictionary.function(Function {
            name,
            file,
            module: 0,
            line: seed,
        });
        let mut parent = ROOT;
        for line in 0..seed % 5 + 1 {
            let frame = dictionary.frame(Frame { function, line });
            parent = dictionary.node(Node { parent, frame });
        }
        let key = dictionary.text("thread name");
        let value = dictionary.label_value(key, &format!("Worker #{}", seed % 3));
        dictionary.label_set(&mut [(key, value)]);
    }

    fn equal(a: &Dictionary, b: &Dictionary) -> bool {
        let start = Dictionary::default().lengths();
        a.lengths() == b.lengths() && encode(a, start, a.lengths()) == encode(b, start, b.lengths())
    }

    fn read(data: &[u8]) -> Option<Dictionary> {
        let mut dictionary = Dictionary::default();
        dictionary.extend(Delta::decode(data, None)?)?;
        Some(dictionary)
    }

    #[test]
    fn deltas_in_their_order_make_the_same_dictionary() {
        let mut original = Dictionary::default();
        let mut copy = Dictionary::default();
        let mut since = original.lengths();
        let mut add = |copy: &mut Dictionary, original: &Dictionary| {
            let data = encode(original, since, original.lengths());
            let delta = Delta::decode(&data, None).unwrap();
            assert_eq!((delta.since, delta.until()), (since, original.lengths()));
            since = original.lengths();
            copy.extend(delta.clone()).unwrap();
            delta
        };
        for seed in 0..500 {
            grow(&mut original, seed);
            if seed % 13 == 0 {
                add(&mut copy, &original);
            }
        }
        let last = add(&mut copy, &original);
        assert!(equal(&original, &copy));
        let empty = add(&mut copy, &original);
        assert_eq!(empty.since, empty.until());
        assert!(copy.extend(last).is_none(), "it is there already");
    }

    #[test]
    fn stretches_in_their_order_make_the_same_dictionary() {
        let mut original = Dictionary::default();
        let small = stretches(original.lengths());
        assert_eq!(small, [(original.lengths(), original.lengths())]);
        (0..20_000).for_each(|seed| grow(&mut original, seed));
        let mut copy = Dictionary::default();
        let stretches = stretches(original.lengths());
        assert!(stretches.len() > 40);
        for (since, until) in stretches {
            let data = encode(&original, since, until);
            assert!(data.len() < 64 << 10);
            copy.extend(Delta::decode(&data, None).unwrap()).unwrap();
        }
        assert!(equal(&original, &copy));
    }

    #[test]
    fn a_damaged_delta_is_refused_or_another_one_but_never_a_panic() {
        let mut original = Dictionary::default();
        (0..40).for_each(|seed| grow(&mut original, seed));
        let data = encode(
            &original,
            Dictionary::default().lengths(),
            original.lengths(),
        );
        for length in 0..data.len() {
            assert!(read(&data[..length]).is_none(), "cut at {length}");
        }
        for at in 0..data.len() {
            for bit in 0..8 {
                let mut damaged = data.clone();
                damaged[at] ^= 1 << bit;
                if let Some(dictionary) = read(&damaged) {
                    assert!(!equal(&dictionary, &original), "bit {bit} of byte {at}");
                    for index in 1..dictionary.node_count() {
                        assert!(dictionary.node_of(index as u32).parent < index as u32);
                    }
                }
            }
        }
    }

    #[test]
    fn a_label_with_a_value_for_each_user_is_kept_small() {
        let mut dictionary = Dictionary::default();
        let key = dictionary.text("user");
        let mut sets = FxHashSet::default();
        for user in 0..5 * MOST_VALUES {
            let value = dictionary.label_value(key, &user.to_string());
            sets.insert(dictionary.label_set(&mut [(key, value)]));
        }
        assert_eq!(sets.len(), MOST_VALUES + 1);
        assert!(
            dictionary.find_text("4999").is_none(),
            "its text is not kept either"
        );
        let first = dictionary.label_value(key, "0");
        assert_eq!(
            dictionary.label_set(&mut [(key, first)]),
            0,
            "what has a name keeps it"
        );
    }
}
