//! A dictionary put together from what is whole of it. Entries keep their numbers, by which profiles refer to them; where one is
//! lost another stands in its place, named `(lost)`.

use crate::delta::Delta;
use crate::dictionaries::{BEGINNING, delta_of};
use crate::dictionary::{Dictionary, Frame, Function, LabelSet, Lengths, Node, ROOT};
use indexmap::IndexSet;
use rustc_hash::FxHashSet;
use std::hash::Hash;

const LOST: &str = "(lost)";

/// Entries by their numbers.
pub(crate) struct Pieces {
    texts: Vec<Option<Box<str>>>,
    functions: Vec<Option<Function>>,
    frames: Vec<Option<Frame>>,
    nodes: Vec<Option<Node>>,
    label_sets: Vec<Option<LabelSet>>,
    /// Number of the last row, and where one that follows it begins.
    last: Option<(i64, Lengths)>,
}

impl Default for Pieces {
    fn default() -> Pieces {
        let start = Dictionary::default();
        let all = start.lengths();
        Pieces {
            texts: start
                .texts(0..all.texts)
                .map(|text| Some(text.into()))
                .collect(),
            functions: Vec::new(),
            frames: Vec::new(),
            nodes: start.nodes(0..all.nodes).copied().map(Some).collect(),
            label_sets: Vec::new(),
            last: None,
        }
    }
}

impl Pieces {
    /// Takes the data of a row, in the order of their numbers. A row of the former format has a meaning only where none is missing
    /// before it.
    pub(crate) fn add(&mut self, sequence: i64, kind: i64, data: &[u8]) {
        let at = match self.last {
            _ if kind == BEGINNING || sequence == 1 => Some(Dictionary::default().lengths()),
            Some((last, until)) if last + 1 == sequence => Some(until),
            _ => None,
        };
        let Some(delta) = delta_of(data, at) else {
            return;
        };
        self.last = Some((sequence, delta.until()));
        let since = delta.since;
        place(&mut self.texts, since.texts, delta.texts);
        place(&mut self.functions, since.functions, delta.functions);
        place(&mut self.frames, since.frames, delta.frames);
        place(&mut self.nodes, since.nodes, delta.nodes);
        place(&mut self.label_sets, since.label_sets, delta.label_sets);
    }

    /// The dictionary, with as many stacks and sets of labels at least, and how many of its entries are lost. Rows that are whole each
    /// and contradict each other are of no use, none of them.
    pub(crate) fn finish(self, stacks: usize, label_sets: usize) -> (Dictionary, u64) {
        [self, Pieces::default()]
            .into_iter()
            .find_map(|pieces| {
                let (delta, lost) = pieces.filled(stacks, label_sets);
                let mut dictionary = Dictionary::default();
                dictionary.extend(delta)?;
                Some((dictionary, lost))
            })
            .unwrap_or_default()
    }

    /// All that comes after the start of a dictionary.
    fn filled(mut self, stacks: usize, label_sets: usize) -> (Delta, u64) {
        lengthen(&mut self.nodes, stacks);
        lengthen(&mut self.label_sets, label_sets);
        let mut stand_ins = StandIns::new(self.texts);
        let functions = stand_ins.fill(self.functions, |texts, _, number| {
            let name = format!("(lost function {number})");
            function(texts.insert_full(name.into()).0 as u32)
        });
        let mut functions: IndexSet<Function> = functions.into_iter().collect();
        let frames = stand_ins.fill(self.frames, |_, lost, number| {
            lost_frame(&mut functions, lost, number)
        });
        let mut frames: IndexSet<Frame> = frames.into_iter().collect();
        let mut line = 0;
        let nodes = stand_ins.fill(self.nodes, |_, lost, _| {
            // A frame of its own: no other stack has it there.
            let frame = loop {
                line += 1;
                let (frame, is_new) = frames.insert_full(lost_frame(&mut functions, lost, line));
                if is_new {
                    break frame as u32;
                }
            };
            Node {
                parent: ROOT,
                frame,
            }
        });
        let label_sets = stand_ins.fill(self.label_sets, |texts, lost, number| {
            let value = texts.insert_full(format!("(lost {number})").into()).0;
            [(lost, value as u32)].into()
        });
        let since = Dictionary::default().lengths();
        let delta = Delta {
            since,
            texts: stand_ins.texts.into_iter().skip(since.texts).collect(),
            functions: functions.into_iter().collect(),
            frames: frames.into_iter().collect(),
            nodes: nodes.into_iter().skip(since.nodes).collect(),
            label_sets,
        };
        (delta, stand_ins.lost)
    }
}

fn place<T>(entries: &mut Vec<Option<T>>, from: usize, own: Vec<T>) {
    lengthen(entries, from + own.len());
    for (entry, own) in entries[from..].iter_mut().zip(own) {
        *entry = Some(own);
    }
}

fn lengthen<T>(entries: &mut Vec<Option<T>>, length: usize) {
    let length = length.max(entries.len());
    entries.resize_with(length, || None);
}

fn lost_frame(functions: &mut IndexSet<Function>, lost: u32, line: u32) -> Frame {
    let function = functions.insert_full(function(lost)).0 as u32;
    Frame { function, line }
}

fn function(name: u32) -> Function {
    Function {
        name,
        file: 0,
        module: 0,
        line: 0,
    }
}

/// Makes entries that stand in the place of lost ones, each another one.
struct StandIns {
    texts: IndexSet<Box<str>>,
    lost: u64,
}

impl StandIns {
    fn new(texts: Vec<Option<Box<str>>>) -> StandIns {
        let mut stand_ins = StandIns {
            texts: IndexSet::new(),
            lost: 0,
        };
        let texts = stand_ins.complete(texts, |_, number| format!("(lost text {number})").into());
        stand_ins.texts = texts.into_iter().collect();
        stand_ins
    }

    /// `make` is called with the texts, the text that stands for what is lost, and a number that is another each time.
    fn fill<T: Clone + Eq + Hash>(
        &mut self,
        entries: Vec<Option<T>>,
        mut make: impl FnMut(&mut IndexSet<Box<str>>, u32, u32) -> T,
    ) -> Vec<T> {
        self.complete(entries, |texts, number| {
            let lost = texts.insert_full(LOST.into()).0 as u32;
            make(texts, lost, number)
        })
    }

    fn complete<T: Clone + Eq + Hash>(
        &mut self,
        entries: Vec<Option<T>>,
        mut make: impl FnMut(&mut IndexSet<Box<str>>, u32) -> T,
    ) -> Vec<T> {
        // One that an earlier repair has put there may look the same.
        let known: FxHashSet<T> = entries.iter().flatten().cloned().collect();
        let mut number = 0;
        let mut complete = Vec::with_capacity(entries.len());
        for entry in entries {
            complete.push(match entry {
                Some(entry) => entry,
                None => {
                    self.lost += 1;
                    loop {
                        number += 1;
                        let stand_in = make(&mut self.texts, number);
                        if !known.contains(&stand_in) {
                            break stand_in;
                        }
                    }
                }
            });
        }
        complete
    }
}
