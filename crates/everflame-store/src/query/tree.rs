//! Stacks of several dictionaries as one tree, by functions, lines, files or packages.

use super::frame_kind::{FrameKind, classify};
use super::sums::{ByNode, Sums};
use crate::dictionary::{Dictionary, ROOT};
use crate::packages::versioned;
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

const NONE: u32 = u32::MAX;

/// What is one frame of the tree. Callers and callees of one file or package are one frame where they follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    #[default]
    Function,
    Line,
    File,
    Package,
}

/// What the nodes of a tree are called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameName {
    pub name: String,
    /// File of the source or of the binary, or an empty text.
    pub file: String,
    /// Where the function starts, or the line that was executing; 0 where it is not known.
    pub line: u32,
    pub kind: FrameKind,
    pub package: String,
}

/// A tree whose nodes come after the node above them. Node 0 is the root and has no frame.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub parent: Vec<u32>,
    /// Index into `frames`; `u32::MAX` for the root.
    pub frame: Vec<u32>,
    /// For each side, of samples that end at the node.
    pub own: Vec<Vec<u64>>,
    /// For each side, with everything below.
    pub total: Vec<Vec<u64>>,
    pub frames: Vec<FrameName>,
    /// Nodes that were left out. Their values are in the totals above them.
    pub omitted: usize,
}

/// A tree that grows.
pub(crate) struct Growing {
    granularity: Granularity,
    nodes: IndexSet<(u32, u32), FxBuildHasher>,
    own: Vec<Vec<u64>>,
    frames: IndexSet<FrameName, FxBuildHasher>,
}

impl Growing {
    /// `sides` is the number of selections that are compared.
    pub(crate) fn new(granularity: Granularity, sides: usize) -> Growing {
        let mut nodes = IndexSet::default();
        nodes.insert((ROOT, NONE));
        Growing {
            granularity,
            nodes,
            own: vec![vec![0]; sides],
            frames: IndexSet::default(),
        }
    }

    /// Adds the sums of one side. Each group becomes a node below the root.
    pub(crate) fn add(&mut self, sums: &Sums, side: usize) {
        for (shared, by_node) in &sums.epochs {
            let dictionary = &shared.read().dictionary;
            let mut places = Places::new(dictionary);
            match by_node {
                ByNode::Dense(values) => {
                    // Room for all at once: growing step by step moves each node several times.
                    self.nodes.reserve(values.len());
                    self.own
                        .iter_mut()
                        .for_each(|own| own.reserve(values.len()));
                    for (node, value) in values.iter().enumerate().filter(|(_, value)| **value != 0)
                    {
                        let place = self.place(&mut places, ROOT, node as u32);
                        self.add_to(place, side, *value);
                    }
                }
                ByNode::Grouped(values) => {
                    let mut entries: Vec<_> =
                        values.iter().map(|(key, value)| (*key, *value)).collect();
                    entries.sort_unstable();
                    let mut last = None;
                    for ((group, node), value) in entries {
                        let top = match last {
                            Some((same, top)) if same == group => top,
                            _ => {
                                places.forget();
                                self.group(&sums.groups[group as usize])
                            }
                        };
                        last = Some((group, top));
                        let place = self.place(&mut places, top, node);
                        self.add_to(place, side, value);
                    }
                }
            }
        }
    }

    fn group(&mut self, name: &str) -> u32 {
        let frame = self.frames.insert_full(FrameName {
            name: if name.is_empty() {
                "(none)".to_owned()
            } else {
                name.to_owned()
            },
            file: String::new(),
            line: 0,
            kind: FrameKind::Group,
            package: String::new(),
        });
        self.node(ROOT, frame.0 as u32)
    }

    fn node(&mut self, parent: u32, frame: u32) -> u32 {
        let (index, is_new) = self.nodes.insert_full((parent, frame));
        if is_new {
            self.own.iter_mut().for_each(|values| values.push(0));
        }
        index as u32
    }

    pub(crate) fn add_to(&mut self, node: u32, side: usize, value: u64) {
        let sum = &mut self.own[side][node as usize];
        *sum = sum.saturating_add(value);
    }

    /// The node of this tree for a stack of a dictionary, below `top`.
    pub(crate) fn place(&mut self, places: &mut Places, top: u32, node: u32) -> u32 {
        let mut above = node;
        while above != ROOT && places.nodes[above as usize] == NONE {
            places.path.push(above);
            above = places.dictionary.node_of(above).parent;
        }
        let mut place = if above == ROOT {
            top
        } else {
            places.nodes[above as usize]
        };
        while let Some(next) = places.path.pop() {
            let frame = self.frame(places, places.dictionary.node_of(next).frame);
            let is_same = matches!(self.granularity, Granularity::File | Granularity::Package)
                && self.nodes[place as usize].1 == frame;
            if !is_same {
                place = self.node(place, frame);
            }
            places.nodes[next as usize] = place;
            places.met.push(next);
        }
        place
    }

    fn frame(&mut self, places: &mut Places, frame: u32) -> u32 {
        // Lines of one function have one name, unless lines are what is told apart.
        let known = match self.granularity {
            Granularity::Line => &mut places.frames[frame as usize],
            _ => &mut places.functions[places.dictionary.frame_of(frame).function as usize],
        };
        if *known == NONE {
            let name = name_of(places.dictionary, frame, self.granularity);
            *known = self.frames.insert_full(name).0 as u32;
        }
        *known
    }

    /// The tree with totals, and `most` nodes at most: those with the largest.
    pub(crate) fn finish(self, most: usize) -> Tree {
        let (parent, frame) = self.nodes.into_iter().unzip();
        Tree::new(parent, frame, self.own, self.frames.into_iter().collect()).cut(most)
    }
}

/// What the nodes of a dictionary are in the tree.
pub(crate) struct Places<'a> {
    dictionary: &'a Dictionary,
    nodes: Vec<u32>,
    frames: Vec<u32>,
    functions: Vec<u32>,
    met: Vec<u32>,
    path: Vec<u32>,
}

impl Places<'_> {
    pub(crate) fn new(dictionary: &Dictionary) -> Places<'_> {
        Places {
            dictionary,
            nodes: vec![NONE; dictionary.node_count()],
            frames: vec![NONE; dictionary.frame_count()],
            functions: vec![NONE; dictionary.function_count()],
            met: Vec::new(),
            path: Vec::new(),
        }
    }

    /// Another group has nodes of its own.
    fn forget(&mut self) {
        for node in self.met.drain(..) {
            self.nodes[node as usize] = NONE;
        }
    }
}

fn name_of(dictionary: &Dictionary, frame: u32, granularity: Granularity) -> FrameName {
    let frame = dictionary.frame_of(frame);
    let function = dictionary.function_of(frame.function);
    let text = |id: u32| dictionary.text_of(id);
    let (name, source, module) = (
        text(function.name),
        text(function.file),
        text(function.module),
    );
    // A function is the same whatever the version of its package: what was before an update is compared with what is after it.
    let module = match granularity {
        Granularity::Package => module,
        _ => versioned(module).map_or(module, |_| ""),
    };
    let (kind, package) = classify(name, source, module);
    let file = if source.is_empty() { module } else { source }.to_owned();
    let (name, file, line) = match granularity {
        Granularity::Function => (name.to_owned(), file, function.line),
        Granularity::Line => (
            name.to_owned(),
            file,
            if frame.line > 0 {
                frame.line
            } else {
                function.line
            },
        ),
        Granularity::File if file.is_empty() => (name.to_owned(), file, 0),
        Granularity::File => (file.clone(), file, 0),
        Granularity::Package => (package.clone(), String::new(), 0),
    };
    FrameName {
        name,
        file,
        line,
        kind,
        package,
    }
}

fn totals(parent: &[u32], own: &[u64]) -> Vec<u64> {
    let mut total = own.to_vec();
    for node in (1..parent.len()).rev() {
        let above = parent[node] as usize;
        total[above] = total[above].saturating_add(total[node]);
    }
    total
}

impl Tree {
    pub(crate) fn new(
        parent: Vec<u32>,
        frame: Vec<u32>,
        own: Vec<Vec<u64>>,
        frames: Vec<FrameName>,
    ) -> Tree {
        let total = own.iter().map(|own| totals(&parent, own)).collect();
        Tree {
            parent,
            frame,
            own,
            total,
            frames,
            omitted: 0,
        }
    }

    /// Of all samples of one side.
    pub fn sum(&self, side: usize) -> u64 {
        self.total[side].first().copied().unwrap_or(0)
    }

    /// Leaves the nodes with the largest totals, and of equal ones those nearer to the root: so no node is without the one above it.
    pub(crate) fn cut(self, most: usize) -> Tree {
        let count = self.parent.len();
        if count <= most.max(1) {
            return self;
        }
        let weight = |node: u32| {
            let totals = self.total.iter().map(|total| total[node as usize]);
            (std::cmp::Reverse(totals.max().unwrap_or(0)), node)
        };
        let mut kept: Vec<u32> = (0..count as u32).collect();
        kept.select_nth_unstable_by_key(most.max(1) - 1, |node| weight(*node));
        kept.truncate(most.max(1));
        kept.sort_unstable();
        let mut index = vec![NONE; count];
        kept.iter()
            .enumerate()
            .for_each(|(new, old)| index[*old as usize] = new as u32);
        let mut frame_index = vec![NONE; self.frames.len()];
        let mut used = Vec::new();
        let frame = kept
            .iter()
            .map(|node| match self.frame[*node as usize] {
                NONE => NONE,
                frame => {
                    if frame_index[frame as usize] == NONE {
                        frame_index[frame as usize] = used.len() as u32;
                        used.push(frame);
                    }
                    frame_index[frame as usize]
                }
            })
            .collect();
        let pick = |values: &Vec<u64>| {
            kept.iter()
                .map(|node| values[*node as usize])
                .collect::<Vec<_>>()
        };
        Tree {
            parent: kept
                .iter()
                .map(|node| index[self.parent[*node as usize] as usize])
                .collect(),
            frame,
            own: self.own.iter().map(pick).collect(),
            total: self.total.iter().map(pick).collect(),
            frames: used
                .into_iter()
                .map(|frame| self.frames[frame as usize].clone())
                .collect(),
            omitted: count - kept.len(),
        }
    }

    /// First child and next sibling of each node; `u32::MAX` for none. Siblings are in the order of their numbers.
    pub(crate) fn children(&self) -> (Vec<u32>, Vec<u32>) {
        let count = self.parent.len();
        let (mut first, mut next) = (vec![NONE; count], vec![NONE; count]);
        for node in (1..count).rev() {
            let above = self.parent[node] as usize;
            next[node] = first[above];
            first[above] = node as u32;
        }
        (first, next)
    }

    /// Calls `enter` and `leave` for each node but the root, the nodes below between the two.
    pub(crate) fn walk(&self, mut visit: impl FnMut(u32, bool)) {
        let (first, next) = self.children();
        let Some(mut node) = first.first().copied().filter(|node| *node != NONE) else {
            return;
        };
        loop {
            visit(node, true);
            if first[node as usize] != NONE {
                node = first[node as usize];
                continue;
            }
            loop {
                visit(node, false);
                if next[node as usize] != NONE {
                    node = next[node as usize];
                    break;
                }
                node = self.parent[node as usize];
                if node == ROOT {
                    return;
                }
            }
        }
    }
}
