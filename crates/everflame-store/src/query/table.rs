//! Rows for names: what ran itself, and what ran below it as well.

use super::frame_kind::FrameKind;
use super::sums::{ByNode, Sums};
use super::tree::{FrameName, Tree};

/// One name with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub frame: FrameName,
    pub own: u64,
    pub total: u64,
}

/// Rows with the largest `own` first, and how many more there are.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: Vec<Row>,
    pub more: usize,
}

/// A row for each frame of the tree. A stack counts once in a total, however often the frame is on it.
pub(crate) fn by_frame(tree: &Tree, most: usize) -> Table {
    let mut own = vec![0_u64; tree.frames.len()];
    let mut total = vec![0_u64; tree.frames.len()];
    let mut depth = vec![0_u32; tree.frames.len()];
    tree.walk(|node, enters| {
        let frame = tree.frame[node as usize] as usize;
        if !enters {
            depth[frame] -= 1;
            return;
        }
        own[frame] = own[frame].saturating_add(tree.own[0][node as usize]);
        if depth[frame] == 0 {
            total[frame] = total[frame].saturating_add(tree.total[0][node as usize]);
        }
        depth[frame] += 1;
    });
    let mut rows: Vec<Row> = tree
        .frames
        .iter()
        .enumerate()
        .map(|(index, frame)| Row {
            frame: frame.clone(),
            own: own[index],
            total: total[index],
        })
        .collect();
    let without_stack = tree.own[0].first().copied().unwrap_or(0);
    if without_stack > 0 {
        rows.push(Row {
            frame: named("(no stack)"),
            own: without_stack,
            total: without_stack,
        });
    }
    sorted(rows, most)
}

/// A row for each group.
pub(crate) fn by_group(sums: &Sums, most: usize) -> Table {
    let mut totals = vec![0_u64; sums.groups.len()];
    for (_, by_node) in &sums.epochs {
        if let ByNode::Grouped(values) = by_node {
            for ((group, _), value) in values {
                let total = &mut totals[*group as usize];
                *total = total.saturating_add(*value);
            }
        }
    }
    let rows = sums
        .groups
        .iter()
        .zip(totals)
        .filter(|(_, total)| *total > 0)
        .map(|(name, total)| Row {
            frame: named(if name.is_empty() { "(none)" } else { name }),
            own: total,
            total,
        })
        .collect();
    sorted(rows, most)
}

fn named(name: &str) -> FrameName {
    FrameName {
        name: name.to_owned(),
        file: String::new(),
        line: 0,
        kind: FrameKind::Group,
        package: String::new(),
    }
}

fn sorted(mut rows: Vec<Row>, most: usize) -> Table {
    rows.sort_unstable_by(|a, b| {
        let key = |row: &Row| (row.own, row.total);
        key(b).cmp(&key(a)).then_with(|| {
            let name = |row: &'_ Row| {
                (
                    row.frame.name.clone(),
                    row.frame.file.clone(),
                    row.frame.line,
                )
            };
            name(a).cmp(&name(b))
        })
    });
    Table { rows, more: 0 }.cut(most)
}

impl Table {
    /// The first rows.
    pub(crate) fn cut(mut self, most: usize) -> Table {
        self.more += self.rows.len().saturating_sub(most);
        self.rows.truncate(most);
        self
    }
}
