//! One function: everything that called it, and everything it called.

use super::tree::{FrameName, Tree};
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

const NONE: u32 = u32::MAX;

/// Callers and callees. In both the function is the one child of the root, and its total is what the function has: a stack in
/// which it is twice counts once, from its outermost place. Of callers the nearest stand right below it.
pub(crate) fn sandwich(tree: &Tree, name: &str, file: &str, most: usize) -> (Tree, Tree) {
    let is_it = |frame: &FrameName| frame.name == name && (file.is_empty() || frame.file == file);
    let wanted: Vec<bool> = tree.frames.iter().map(is_it).collect();
    let count = tree.parent.len();
    let (mut callers, mut callees) = (Side::new(), Side::new());
    // The node of `callees` for each node of the tree at or below the function.
    let mut below = vec![NONE; count];
    for node in 1..count {
        let (above, frame) = (tree.parent[node] as usize, tree.frame[node]);
        let (own, total) = (tree.own[0][node], tree.total[0][node]);
        if below[above] != NONE {
            below[node] = callees.node(below[above], frame);
            callees.add(below[node], own);
        } else if wanted[frame as usize] {
            below[node] = callees.node(0, frame);
            callees.add(below[node], own);
            let mut place = callers.node(0, frame);
            let mut caller = above;
            while caller != 0 {
                place = callers.node(place, tree.frame[caller]);
                caller = tree.parent[caller] as usize;
            }
            callers.add(place, total);
        }
    }
    (callers.finish(tree, most), callees.finish(tree, most))
}

/// A tree of the frames of another.
struct Side {
    nodes: IndexSet<(u32, u32), FxBuildHasher>,
    own: Vec<u64>,
}

impl Side {
    fn new() -> Side {
        let mut nodes = IndexSet::default();
        nodes.insert((0, NONE));
        Side {
            nodes,
            own: vec![0],
        }
    }

    fn node(&mut self, parent: u32, frame: u32) -> u32 {
        let (index, is_new) = self.nodes.insert_full((parent, frame));
        if is_new {
            self.own.push(0);
        }
        index as u32
    }

    fn add(&mut self, node: u32, value: u64) {
        let sum = &mut self.own[node as usize];
        *sum = sum.saturating_add(value);
    }

    fn finish(self, tree: &Tree, most: usize) -> Tree {
        let (parent, frame) = self.nodes.into_iter().unzip();
        Tree::new(parent, frame, vec![self.own], tree.frames.clone()).cut(most)
    }
}
