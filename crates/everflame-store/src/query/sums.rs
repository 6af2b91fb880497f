//! Adds up the rows of a selection by stack.

use super::scan::{Found, Matcher, Scanned, scan};
use super::selection::Picked;
use crate::dictionaries::{Dictionaries, Shared};
use crate::error::StoreError;
use indexmap::IndexSet;
use rusqlite::Connection;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Sums of one dictionary's stacks: by number of the stack, or where there are groups by group and stack.
pub(crate) enum ByNode {
    Dense(Vec<u64>),
    Grouped(FxHashMap<(u32, u32), u64>),
}

pub(crate) struct Sums {
    pub(crate) epochs: Vec<(Shared, ByNode)>,
    pub(crate) groups: IndexSet<String, FxBuildHasher>,
    pub(crate) found: Found,
}

/// `by` is the key of a label or a tag: each of its values is a group.
pub(crate) fn sums(
    connection: &Connection,
    dictionaries: &Dictionaries,
    picked: &Picked,
    by: Option<&str>,
) -> Result<Sums, StoreError> {
    let mut matcher = Matcher::new(picked, by);
    let mut epochs: Vec<(i64, Shared, ByNode)> = Vec::new();
    let found = scan(
        connection,
        dictionaries,
        &mut matcher,
        |Scanned {
             epoch,
             shared,
             dictionary,
             block,
             kind,
             factor,
             groups,
             ..
         }| {
            let index = match epochs.iter().position(|(id, ..)| *id == epoch) {
                Some(index) => index,
                None => {
                    let empty = match by {
                        None => ByNode::Dense(Vec::new()),
                        Some(_) => ByNode::Grouped(FxHashMap::default()),
                    };
                    epochs.push((epoch, shared.clone(), empty));
                    epochs.len() - 1
                }
            };
            let nodes = dictionary.node_count();
            match &mut epochs[index].2 {
                ByNode::Dense(sums) => {
                    // The dictionary grows while others write.
                    sums.resize(nodes.max(sums.len()), 0);
                    let add = |node: u32, value: u64| {
                        let sum = &mut sums[node as usize];
                        *sum = sum.saturating_add(value.saturating_mul(factor));
                    };
                    add_rows(block, kind, nodes, groups, add)
                }
                ByNode::Grouped(sums) => block.each(kind, nodes, |node, set, value| {
                    if let Some(group) = groups[set as usize] {
                        let sum = sums.entry((group, node)).or_default();
                        *sum = sum.saturating_add(value.saturating_mul(factor));
                    }
                }),
            }
        },
    )?;
    let epochs = epochs
        .into_iter()
        .map(|(_, shared, sums)| (shared, sums))
        .collect();
    Ok(Sums {
        epochs,
        groups: matcher.groups,
        found,
    })
}

/// Most questions are about all samples: then no row asks for its group.
fn add_rows(
    block: &crate::block::Block,
    kind: usize,
    nodes: usize,
    groups: &[Option<u32>],
    mut add: impl FnMut(u32, u64),
) -> Result<(), crate::block::Damaged> {
    if groups.iter().all(Option::is_some) {
        return block.each(kind, nodes, |node, _, value| add(node, value));
    }
    block.each(kind, nodes, |node, set, value| {
        if groups[set as usize].is_some() {
            add(node, value);
        }
    })
}
