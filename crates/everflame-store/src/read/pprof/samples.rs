//! Samples, with what they point into: stacks and sets of labels, which mostly come again.

use super::Tables;
use crate::error::Refusal;
use crate::read::label::{Label, Meaning, Moment};
use crate::read::limits::{at_most, within};
use crate::read::profile::Profile;
use crate::read::wire::{Value, fields};
use crate::varint::put;
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// Longest unit of a number that is kept, in characters.
const LONGEST_UNIT: usize = 32;

struct Samples<'a, 'b> {
    tables: Tables<'b>,
    /// By the numbers of their locations, packed.
    stacks: FxHashMap<Cow<'a, [u8]>, u32>,
    /// Of the stack that is read, from the client's numbers to frames.
    places: Vec<u64>,
    frames: Vec<u32>,
    /// What is told by labels of a key, by the index of its text.
    meanings: FxHashMap<u64, Meaning>,
    /// Texts of numbers with their unit.
    numbers: FxHashMap<(u64, u64), u32>,
}

pub(super) fn read(messages: Vec<&[u8]>, tables: Tables) -> Result<Profile, Refusal> {
    let mut samples = Samples {
        tables,
        stacks: FxHashMap::default(),
        places: Vec::new(),
        frames: Vec::new(),
        meanings: FxHashMap::default(),
        numbers: FxHashMap::default(),
    };
    let types = samples.tables.builder.profile.types.len();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for message in messages {
        values.clear();
        labels.clear();
        let (mut places, mut moment) = (Cow::default(), Moment::default());
        fields(message, |field, value| match field {
            1 => {
                append(value, &mut places);
                Ok(())
            }
            2 => value.append_to(&mut values, types, "values at one sample"),
            3 => samples.label(value.bytes()?, &mut labels, &mut moment),
            _ => Ok(()),
        })?;
        if values.len() != types {
            return Err(Refusal::Malformed(
                "a sample has not as many values as there are kinds",
            ));
        }
        let stack = samples.stack(places)?;
        let builder = &mut samples.tables.builder;
        let labels = builder.label_set(&mut labels)?;
        builder.sample(stack, labels, moment, &values)?;
    }
    Ok(samples.tables.builder.finish()?.0)
}

/// Some clients write short lists number by number.
fn append<'a>(value: Value<'a>, packed: &mut Cow<'a, [u8]>) {
    match value {
        Value::Bytes(bytes) if packed.is_empty() => *packed = Cow::Borrowed(bytes),
        Value::Bytes(bytes) => packed.to_mut().extend(bytes),
        Value::Number(number) => put(packed.to_mut(), number),
    }
}

impl<'a> Samples<'a, '_> {
    fn stack(&mut self, places: Cow<'a, [u8]>) -> Result<u32, Refusal> {
        if let Some(id) = self.stacks.get(&places) {
            return Ok(*id);
        }
        let (depth, what) = (self.tables.builder.limits.depth, "frames in one stack");
        self.places.clear();
        self.frames.clear();
        Value::Bytes(&places).append_to(&mut self.places, depth, what)?;
        for place in self.places.iter().rev() {
            let place = self.tables.locations.get(*place);
            let place = place.ok_or(Refusal::Malformed(
                "a sample names a location that is not there",
            ))?;
            self.frames.extend((place.first..place.end).rev());
            at_most(self.frames.len(), depth, what)?;
        }
        let id = self.tables.builder.stack(&self.frames)?;
        self.stacks.insert(places, id);
        Ok(id)
    }

    fn label(
        &mut self,
        message: &[u8],
        labels: &mut Vec<Label>,
        moment: &mut Moment,
    ) -> Result<(), Refusal> {
        let [_, key, text, number, unit] = super::numbers(message)?;
        match self.meaning(key)? {
            Meaning::End => moment.end = number as i64,
            Meaning::Span => moment.span = self.id(text, number)?,
            Meaning::RootSpan => moment.root_span = self.id(text, number)?,
            Meaning::Passing => {}
            Meaning::Label => {
                let most = self.tables.builder.limits.labels;
                within(labels.len(), most, "labels at one sample")?;
                let value = match text {
                    0 => self.number(number, unit)?,
                    text => self.tables.text_id(text)?,
                };
                let key = key as u32;
                labels.push(Label { key, value });
            }
        }
        Ok(())
    }

    /// Of a key that is there.
    fn meaning(&mut self, key: u64) -> Result<Meaning, Refusal> {
        if let Some(meaning) = self.meanings.get(&key) {
            return Ok(*meaning);
        }
        let meaning = Meaning::of(self.tables.text(key)?);
        self.meanings.insert(key, meaning);
        Ok(meaning)
    }

    /// A number, or a text of sixteen digits to the base of sixteen as Pyroscope's clients write it.
    fn id(&self, text: u64, number: u64) -> Result<u64, Refusal> {
        Ok(match self.tables.text(text)? {
            "" => number,
            text => u64::from_str_radix(text, 16).unwrap_or(0),
        })
    }

    /// The text of a number.
    fn number(&mut self, number: u64, unit: u64) -> Result<u32, Refusal> {
        if let Some(index) = self.numbers.get(&(number, unit)) {
            return Ok(*index);
        }
        let text = match self.tables.text(unit)? {
            "" if unit == 0 => (number as i64).to_string(),
            unit => {
                let unit: String = unit.chars().take(LONGEST_UNIT).collect();
                format!("{} {unit}", number as i64)
            }
        };
        let builder = &mut self.tables.builder;
        let present = builder.profile.texts.len();
        within(present, 2 * builder.limits.entries, "texts")?;
        let index = builder.made(&text);
        // Units that are written alike have one text, and so there are no more numbers than texts.
        if builder.profile.texts.len() > present {
            self.numbers.insert((number, unit), index);
        }
        Ok(index)
    }
}
