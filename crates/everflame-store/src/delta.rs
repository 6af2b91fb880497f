//! A stretch of a dictionary, as bytes. It says where it begins: what follows a stretch that is lost keeps its meaning.

use crate::dictionary::{Dictionary, Frame, Function, LabelSet, Lengths, Node};
use crate::varint::{Bytes, put, put_sized};

/// Entries of one stretch of a whole dictionary: about 32 KB before they are compressed, which are a few pages of the file.
const STRETCH: Lengths = Lengths {
    texts: 512,
    functions: 4096,
    frames: 8192,
    nodes: 8192,
    label_sets: 2048,
};

/// More entries of a kind than any dictionary has: an epoch ends long before.
pub(crate) const MOST_ENTRIES: usize = 1 << 24;

/// Entries that come after the first so many of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub since: Lengths,
    pub texts: Vec<Box<str>>,
    pub functions: Vec<Function>,
    pub frames: Vec<Frame>,
    pub nodes: Vec<Node>,
    pub label_sets: Vec<LabelSet>,
}

impl Delta {
    /// Reads what [`encode`] has written. `None` where the bytes are no such thing. Those of a former store, which do not say where
    /// they begin, begin `at` these lengths.
    pub(crate) fn decode(data: &[u8], at: Option<Lengths>) -> Option<Delta> {
        let mut bytes = Bytes(data);
        let since = match at {
            Some(at) => at,
            None => Lengths::from_bytes(&mut bytes)?,
        };
        let number = |bytes: &mut Bytes| -> Option<u32> { bytes.varint()?.try_into().ok() };
        let mut delta = Delta {
            since,
            ..Delta::default()
        };
        for _ in 0..bytes.varint()? {
            let text = std::str::from_utf8(bytes.sized()?).ok()?;
            delta.texts.push(text.into());
        }
        for _ in 0..bytes.varint()? {
            delta.functions.push(Function {
                name: number(&mut bytes)?,
                file: number(&mut bytes)?,
                module: number(&mut bytes)?,
                line: number(&mut bytes)?,
            });
        }
        for _ in 0..bytes.varint()? {
            delta.frames.push(Frame {
                function: number(&mut bytes)?,
                line: number(&mut bytes)?,
            });
        }
        for _ in 0..bytes.varint()? {
            let index = u32::try_from(since.nodes + delta.nodes.len()).ok()?;
            let back = number(&mut bytes)?;
            delta.nodes.push(Node {
                parent: index.checked_sub(back).filter(|parent| *parent < index)?,
                frame: number(&mut bytes)?,
            });
        }
        for _ in 0..bytes.varint()? {
            let mut labels = Vec::new();
            for _ in 0..bytes.varint()? {
                labels.push((number(&mut bytes)?, number(&mut bytes)?));
            }
            delta.label_sets.push(labels.into());
        }
        bytes.is_empty().then_some(delta)
    }

    /// How long the dictionary is with it.
    pub(crate) fn until(&self) -> Lengths {
        Lengths {
            texts: self.since.texts + self.texts.len(),
            functions: self.since.functions + self.functions.len(),
            frames: self.since.frames + self.frames.len(),
            nodes: self.since.nodes + self.nodes.len(),
            label_sets: self.since.label_sets + self.label_sets.len(),
        }
    }
}

/// Writes what came after `since` and before `until`.
pub(crate) fn encode(dictionary: &Dictionary, since: Lengths, until: Lengths) -> Vec<u8> {
    let mut out = Vec::new();
    since.put(&mut out);
    put(&mut out, (until.texts - since.texts) as u64);
    for text in dictionary.texts(since.texts..until.texts) {
        put_sized(&mut out, text.as_bytes());
    }
    put(&mut out, (until.functions - since.functions) as u64);
    for function in dictionary.functions(since.functions..until.functions) {
        for number in [function.name, function.file, function.module, function.line] {
            put(&mut out, u64::from(number));
        }
    }
    put(&mut out, (until.frames - since.frames) as u64);
    for frame in dictionary.frames(since.frames..until.frames) {
        put(&mut out, u64::from(frame.function));
        put(&mut out, u64::from(frame.line));
    }
    put(&mut out, (until.nodes - since.nodes) as u64);
    for (node, index) in dictionary
        .nodes(since.nodes..until.nodes)
        .zip(since.nodes..)
    {
        // Callers are mostly what was put just before.
        put(&mut out, index as u64 - u64::from(node.parent));
        put(&mut out, u64::from(node.frame));
    }
    put(&mut out, (until.label_sets - since.label_sets) as u64);
    for labels in dictionary.label_sets(since.label_sets..until.label_sets) {
        put(&mut out, labels.len() as u64);
        for (key, value) in labels {
            put(&mut out, u64::from(*key));
            put(&mut out, u64::from(*value));
        }
    }
    out
}

/// Where the stretches of a whole dictionary begin and end. Entries point at earlier ones, so each kind comes before those that
/// need it. A page of the file that is damaged takes one of them with it.
pub(crate) fn stretches(all: Lengths) -> Vec<(Lengths, Lengths)> {
    let mut at = Dictionary::default().lengths();
    if all.is_within(STRETCH) {
        return vec![(at, all)];
    }
    let mut stretches = Vec::new();
    for kind in Lengths::KINDS {
        let (end, step) = (*kind(&mut all.clone()), *kind(&mut STRETCH.clone()));
        while *kind(&mut at) < end {
            let since = at;
            let place = kind(&mut at);
            *place = end.min(*place + step);
            stretches.push((since, at));
        }
    }
    stretches
}

impl Lengths {
    /// In the order in which stretches are written.
    const KINDS: [fn(&mut Lengths) -> &mut usize; 5] = [
        |lengths| &mut lengths.texts,
        |lengths| &mut lengths.functions,
        |lengths| &mut lengths.frames,
        |lengths| &mut lengths.nodes,
        |lengths| &mut lengths.label_sets,
    ];

    fn put(mut self, out: &mut Vec<u8>) {
        for kind in Lengths::KINDS {
            put(out, *kind(&mut self) as u64);
        }
    }

    fn from_bytes(bytes: &mut Bytes) -> Option<Lengths> {
        let mut lengths = Lengths::default();
        for kind in Lengths::KINDS {
            let length = bytes.varint()?;
            (length <= MOST_ENTRIES as u64).then_some(())?;
            *kind(&mut lengths) = length as usize;
        }
        Some(lengths)
    }

    fn is_within(mut self, mut other: Lengths) -> bool {
        Lengths::KINDS
            .iter()
            .all(|kind| *kind(&mut self) <= *kind(&mut other))
    }
}
