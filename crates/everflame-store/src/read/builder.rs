//! The tables of a profile while it is read, whatever the format: frames and sets of labels stand in them once.

use super::Limits;
use super::label::{Label, Moment};
use super::limits::{at_most, within};
use super::lists::Lists;
use super::profile::{Frame, Function, Profile, Sample};
use super::texts::MadeTexts;
use crate::error::Refusal;
use rustc_hash::FxHashMap;

/// A profile of fewer frames than this part of the calls that may be is taken to have as many calls.
const EXACT_SHARE: usize = 16;

/// What the profiles of one message have taken of the limits for all of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    samples: usize,
    frames: usize,
    calls: usize,
    values: usize,
    labels: usize,
}

pub(super) struct Builder<'a> {
    pub(super) limits: &'a Limits,
    pub(super) profile: Profile,
    made: MadeTexts,
    used: Used,
    frame_ids: FxHashMap<Frame, u32>,
    label_set_ids: FxHashMap<Box<[Label]>, u32>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(limits: &'a Limits, used: Used) -> Builder<'a> {
        Builder {
            limits,
            profile: Profile::default(),
            made: MadeTexts::default(),
            used,
            frame_ids: FxHashMap::default(),
            label_set_ids: FxHashMap::default(),
        }
    }

    pub(super) fn finish(mut self) -> Result<(Profile, Used), Refusal> {
        let stacks = &self.profile.stacks;
        let frames: usize = stacks.iter().map(<[u32]>::len).sum();
        // There are no more calls than frames: most profiles need not be looked at more closely.
        self.used.calls += match frames > self.limits.calls / EXACT_SHARE {
            true => calls(stacks),
            false => frames,
        };
        at_most(self.used.calls, self.limits.calls, "different calls")?;
        Ok((self.profile, self.used))
    }

    /// The index of a text that need not be in the profile.
    pub(super) fn made(&mut self, text: &str) -> u32 {
        self.made.intern(text, &mut self.profile.texts)
    }

    pub(super) fn function(&mut self, function: Function) -> u32 {
        self.profile.functions.push(function);
        self.profile.functions.len() as u32 - 1
    }

    /// The index of the frame, which stands there once: by these indexes a profile that comes again is known.
    pub(super) fn frame(&mut self, frame: Frame) -> u32 {
        let frames = &mut self.profile.frames;
        *self.frame_ids.entry(frame).or_insert_with(|| {
            frames.push(frame);
            frames.len() as u32 - 1
        })
    }

    /// A place that was never symbolised has its address for a name.
    pub(super) fn address(&mut self, address: u64, module: u32) -> Frame {
        let name = self.made(&format!("0x{address:x}"));
        let function = self.function(Function {
            name,
            file: 0,
            module,
            line: 0,
        });
        Frame { function, line: 0 }
    }

    /// A stack that is not there yet, from the outermost frame on.
    pub(super) fn stack(&mut self, frames: &[u32]) -> Result<u32, Refusal> {
        self.used.frames += frames.len();
        at_most(self.used.frames, self.limits.frames, "frames in all stacks")?;
        Ok(self.profile.stacks.push(frames))
    }

    /// Of two labels with one key the lesser value stays. Sorts what it is given.
    pub(super) fn label_set(&mut self, labels: &mut Vec<Label>) -> Result<u32, Refusal> {
        labels.sort_unstable();
        labels.dedup_by_key(|label| label.key);
        if let Some(id) = self.label_set_ids.get(labels.as_slice()) {
            return Ok(*id);
        }
        self.used.labels += labels.len();
        at_most(
            self.used.labels,
            self.limits.set_labels,
            "labels in all sets of labels",
        )?;
        let id = self.profile.label_sets.push(labels);
        self.label_set_ids.insert(labels.as_slice().into(), id);
        Ok(id)
    }

    /// A sample with a value for each type of the profile.
    pub(super) fn sample(
        &mut self,
        stack: u32,
        labels: u32,
        moment: Moment,
        values: &[u64],
    ) -> Result<(), Refusal> {
        within(self.used.samples, self.limits.samples, "samples")?;
        self.used.samples += 1;
        self.used.values += values.len();
        at_most(
            self.used.values,
            self.limits.values,
            "values in all samples",
        )?;
        if values.iter().any(|value| (*value as i64) < 0) {
            return Err(Refusal::Negative);
        }
        self.profile.samples.push(Sample {
            stack,
            labels,
            moment: (moment != Moment::default()).then_some(moment),
        });
        self.profile.values.extend_from_slice(values);
        Ok(())
    }
}

/// Nodes of the tree that stacks make, without its root.
fn calls(stacks: &Lists<u32>) -> usize {
    let mut sorted: Vec<&[u32]> = stacks.iter().collect();
    sorted.sort_unstable();
    let mut before: &[u32] = &[];
    sorted
        .into_iter()
        .map(|stack| {
            let pairs = std::mem::replace(&mut before, stack).iter().zip(stack);
            stack.len() - pairs.take_while(|(one, other)| one == other).count()
        })
        .sum()
}

/// Some tools write a line below zero for none.
pub(super) fn line(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_message_are_counted_exactly_in_each_profile_that_has_many() {
        let limits = Limits {
            calls: 9,
            ..Limits::default()
        };
        // Three calls in six frames.
        let add = |used: Used| {
            let mut builder = Builder::new(&limits, used);
            for stack in [[1, 2, 3], [1, 2, 3]] {
                builder.stack(&stack).expect("a stack");
            }
            builder.finish().map(|(_, used)| used)
        };
        let three = (0..3).try_fold(Used::default(), |used, _| add(used));
        let refused = add(three.expect("nine calls")).err();
        let what = "different calls";
        assert_eq!(refused, Some(Refusal::TooMuch { what, limit: 9 }));
    }
}
