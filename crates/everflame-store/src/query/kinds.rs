//! Of which kind what ran in a stack is.

use super::frame_kind::{FrameKind, classify};
use crate::dictionary::{Dictionary, ROOT};

/// Kinds by number, and last what has no stack.
const KINDS: [FrameKind; 5] = [
    FrameKind::App,
    FrameKind::Package,
    FrameKind::Node,
    FrameKind::Native,
    FrameKind::Gc,
];
const NO_STACK: u8 = KINDS.len() as u8;
/// As many as there can be.
pub(super) const COUNT: usize = KINDS.len() + 1;

/// What a number is called.
pub(super) fn name_of(kind: usize) -> &'static str {
    KINDS.get(kind).map_or("(none)", |kind| kind.name())
}

fn number_of(kind: FrameKind) -> u8 {
    let place = KINDS.iter().position(|one| *one == kind);
    place.unwrap_or(KINDS.len()) as u8
}

/// Kinds of the stacks of one dictionary, as far as it had grown.
#[derive(Default)]
pub(super) struct Kinds {
    functions: Vec<u8>,
    /// By number of the stack: its kind, and that of its innermost frame that is no binary's.
    nodes: Vec<(u8, u8)>,
}

impl Kinds {
    /// Takes note of what the dictionary has learnt.
    pub(super) fn grow(&mut self, dictionary: &Dictionary) {
        for function in self.functions.len()..dictionary.function_count() {
            let function = dictionary.function_of(function as u32);
            let text = |id: u32| dictionary.text_of(id);
            let (kind, _) = classify(
                text(function.name),
                text(function.file),
                text(function.module),
            );
            self.functions.push(number_of(kind));
        }
        let (native, gc) = (number_of(FrameKind::Native), number_of(FrameKind::Gc));
        for number in self.nodes.len() as u32..dictionary.node_count() as u32 {
            if number == ROOT {
                self.nodes.push((NO_STACK, NO_STACK));
                continue;
            }
            let node = dictionary.node_of(number);
            let function = dictionary.frame_of(node.frame).function;
            let own = self.functions[function as usize];
            // Callers come first.
            let (_, outer) = self.nodes[node.parent as usize];
            self.nodes.push(match own == native {
                // The collector's own code runs below the frame that says that it collects.
                true if outer == gc => (gc, outer),
                true => (own, outer),
                false => (own, own),
            });
        }
    }

    /// The number of the kind of what ran in a stack: that of its innermost frame, and of what the garbage collector calls `gc`.
    pub(super) fn of(&self, node: u32) -> usize {
        usize::from(self.nodes[node as usize].0)
    }
}
