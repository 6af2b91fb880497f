//! What the lines of one file cost.

use super::tree::Tree;
use rustc_hash::FxHashMap;

/// One line of a file. A stack counts once in its total, however often the line is on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub line: u32,
    pub own: u64,
    pub total: u64,
}

/// From a tree by lines; sorted by line.
pub(crate) fn lines(tree: &Tree, file: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut index_of: FxHashMap<u32, usize> = FxHashMap::default();
    // Two functions can have one line.
    let of_frame: Vec<Option<usize>> = tree
        .frames
        .iter()
        .map(|frame| {
            (frame.file == file).then(|| {
                *index_of.entry(frame.line).or_insert_with(|| {
                    lines.push(Line {
                        line: frame.line,
                        own: 0,
                        total: 0,
                    });
                    lines.len() - 1
                })
            })
        })
        .collect();
    let mut depth = vec![0_u32; lines.len()];
    tree.walk(|node, enters| {
        let Some(index) = of_frame[tree.frame[node as usize] as usize] else {
            return;
        };
        if !enters {
            depth[index] -= 1;
            return;
        }
        let line = &mut lines[index];
        line.own = line.own.saturating_add(tree.own[0][node as usize]);
        if depth[index] == 0 {
            line.total = line.total.saturating_add(tree.total[0][node as usize]);
        }
        depth[index] += 1;
    });
    lines.sort_unstable_by_key(|line| line.line);
    lines
}
