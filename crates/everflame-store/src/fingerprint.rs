//! By which the same profile is known when it comes again.

use crate::read::Profile;
use crate::upload::{Origin, Part};
use twox_hash::XxHash3_128;

struct Hasher(XxHash3_128);

impl Hasher {
    /// A profile of this process.
    fn new(origin: &Origin) -> Hasher {
        let mut hasher = Hasher(XxHash3_128::new());
        hasher.text(origin.service.as_bytes());
        for (key, value) in &origin.tags {
            hasher.text(key.as_bytes());
            hasher.text(value.as_bytes());
        }
        hasher
    }

    fn text(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn pair(&mut self, first: u32, second: u32) {
        self.number(u64::from(first) << 32 | u64::from(second));
    }

    fn finish(&self) -> [u8; 16] {
        self.0.finish_128().to_le_bytes()
    }
}

/// Of a file, by its bytes as they came.
pub(crate) fn of_part(origin: &Origin, (start, end): (i64, i64), part: &Part) -> [u8; 16] {
    let mut hasher = Hasher::new(origin);
    hasher.text(&start.to_le_bytes());
    hasher.text(&end.to_le_bytes());
    hasher.text(part.name.as_bytes());
    hasher.text(&part.data);
    hasher.finish()
}

/// Of one among others, by what it says: its bytes point into tables that all of them share, which are other ones when they are
/// put together otherwise. The reader numbers names and stacks in the order in which the samples come.
pub(crate) fn of_profile(origin: &Origin, id: &[u8], profile: &Profile) -> [u8; 16] {
    let Profile {
        types,
        start,
        duration,
        texts,
        functions,
        frames,
        stacks,
        label_sets,
        samples,
        values,
        // Those of OTLP have none.
        metrics: _,
    } = profile;
    let mut hasher = Hasher::new(origin);
    hasher.text(id);
    hasher.number(*start as u64);
    hasher.number(*duration as u64);
    for kind in types {
        hasher.text(kind.name.as_bytes());
        hasher.text(kind.unit.as_bytes());
    }
    hasher.number(texts.len() as u64);
    texts.iter().for_each(|text| hasher.text(text.as_bytes()));
    hasher.number(functions.len() as u64);
    for function in functions {
        hasher.pair(function.name, function.file);
        hasher.pair(function.module, function.line);
    }
    hasher.number(frames.len() as u64);
    for frame in frames {
        hasher.pair(frame.function, frame.line);
    }
    hasher.number(stacks.len() as u64);
    for stack in stacks.iter() {
        hasher.number(stack.len() as u64);
        stack
            .iter()
            .for_each(|frame| hasher.number(u64::from(*frame)));
    }
    hasher.number(label_sets.len() as u64);
    for labels in label_sets.iter() {
        hasher.number(labels.len() as u64);
        labels
            .iter()
            .for_each(|label| hasher.pair(label.key, label.value));
    }
    for sample in samples {
        hasher.pair(sample.stack, sample.labels);
        let moment = sample.moment.unwrap_or_default();
        hasher.number(moment.end as u64);
        hasher.number(moment.span);
        hasher.number(moment.root_span);
    }
    values.iter().for_each(|value| hasher.number(*value));
    hasher.finish()
}
