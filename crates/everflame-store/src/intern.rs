//! From a profile's own tables to the ids of a service's dictionary.

use crate::block::Rows;
use crate::dictionary::{Dictionary, Frame, Function, Node, ROOT};
use crate::frame_keys::FrameKey;
use crate::moments::Moment;
use crate::read::Profile;

const NONE: u32 = u32::MAX;

/// The sums of a profile by ids of the dictionary, which learns what it does not know, and its samples that tell their time.
/// `frame_keys` are those of the profile's frames.
pub(crate) fn intern(
    dictionary: &mut Dictionary,
    profile: &Profile,
    frame_keys: &[FrameKey],
) -> (Rows, Vec<Moment>) {
    // All at once: one does not wait for the memory of the one before.
    let frames = frame_keys
        .iter()
        .map(|key| dictionary.frame_by_key(*key).unwrap_or(NONE))
        .collect();
    let mut interner = Interner {
        dictionary,
        profile,
        frame_keys,
        texts: vec![NONE; profile.texts.len()],
        functions: vec![NONE; profile.functions.len()],
        frames,
    };
    let nodes = interner.nodes();
    let label_sets: Vec<u32> = (0..profile.label_sets.len())
        .map(|set| interner.label_set(set))
        .collect();
    let mut rows = Rows::new(profile.types.len());
    let mut moments = Vec::new();
    for (sample, values) in profile
        .samples
        .iter()
        .zip(profile.values.chunks_exact(profile.types.len()))
    {
        let (node, label_set) = (
            nodes[sample.stack as usize],
            label_sets[sample.labels as usize],
        );
        rows.push(node, label_set, values);
        if let Some(moment) = sample.moment.filter(|moment| moment.end > 0) {
            moments.push(Moment {
                label_set,
                end: moment.end,
                node,
                span: moment.span,
                root_span: moment.root_span,
                values: values.into(),
            });
        }
    }
    rows.add_up();
    (rows, moments)
}

/// Ids of the dictionary by the indexes of the profile, as far as they are known.
struct Interner<'a> {
    dictionary: &'a mut Dictionary,
    profile: &'a Profile,
    frame_keys: &'a [FrameKey],
    texts: Vec<u32>,
    functions: Vec<u32>,
    frames: Vec<u32>,
}

impl Interner<'_> {
    /// The node of each stack. In the order of their frames most have callers in common with the one before, which are
    /// then looked up once.
    fn nodes(&mut self) -> Vec<u32> {
        let profile = self.profile;
        let stacks = &profile.stacks;
        let mut order: Vec<u32> = (0..stacks.len() as u32).collect();
        order.sort_unstable_by_key(|index| &stacks[*index as usize]);
        let mut nodes = vec![ROOT; stacks.len()];
        let (mut before, mut path): (&[u32], Vec<u32>) = (&[], vec![ROOT]);
        for index in order {
            let stack = &stacks[index as usize];
            let pairs = before.iter().zip(stack);
            let common = pairs.take_while(|(one, other)| one == other).count();
            path.truncate(1 + common);
            for frame in &stack[common..] {
                let parent = path.last().copied().unwrap_or(ROOT);
                let frame = self.frame(*frame);
                path.push(self.dictionary.node(Node { parent, frame }));
            }
            nodes[index as usize] = path.last().copied().unwrap_or(ROOT);
            before = stack;
        }
        nodes
    }

    fn frame(&mut self, index: u32) -> u32 {
        let known = self.frames[index as usize];
        if known != NONE {
            return known;
        }
        let own = self.profile.frames[index as usize];
        let frame = Frame {
            function: self.function(own.function),
            line: own.line,
        };
        let id = self.dictionary.frame(frame);
        self.dictionary
            .learn_key(self.frame_keys[index as usize], id);
        self.frames[index as usize] = id;
        id
    }

    fn function(&mut self, index: u32) -> u32 {
        let known = self.functions[index as usize];
        if known != NONE {
            return known;
        }
        let own = self.profile.functions[index as usize];
        let (file, module) = (self.text(own.file), self.text(own.module));
        let name = match &self.profile.texts[own.name] {
            // A binary's function has a name unless nobody knows it; a script's may have none.
            "" if own.module != 0 && own.file == 0 => self.dictionary.text("[unknown]"),
            "" => self.dictionary.text("(anonymous)"),
            _ => self.text(own.name),
        };
        let function = Function {
            name,
            file,
            module,
            line: own.line,
        };
        let id = self.dictionary.function(function);
        self.functions[index as usize] = id;
        id
    }

    fn text(&mut self, index: u32) -> u32 {
        let known = self.texts[index as usize];
        if known != NONE {
            return known;
        }
        let id = self.dictionary.text(&self.profile.texts[index]);
        self.texts[index as usize] = id;
        id
    }

    fn label_set(&mut self, index: usize) -> u32 {
        let profile = self.profile;
        let mut labels: Vec<(u32, u32)> = profile.label_sets[index]
            .iter()
            // An empty value is the same as none.
            .filter(|label| !profile.texts[label.value].is_empty())
            .map(|label| {
                let key = self.text(label.key);
                (
                    key,
                    self.dictionary
                        .label_value(key, &profile.texts[label.value]),
                )
            })
            .collect();
        self.dictionary.label_set(&mut labels)
    }
}
