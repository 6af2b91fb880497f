//! One `Profile`: samples of one kind of value.

use super::any_value::Text;
use super::dictionary::{Dictionary, Line};
use super::names::type_name;
use super::{Resource, assign};
use crate::error::Refusal;
use crate::read::Limits;
use crate::read::builder::{Builder, Used};
use crate::read::label::{Label, Moment, PASSING, ROOT_SPAN, SPAN};
use crate::read::limits::at_most;
use crate::read::profile::{Frame, Function, Profile, ValueType};
use crate::read::wire::fields;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Bytes of the name of a kind of value, and of its unit.
const LONGEST_TYPE: usize = 256;

/// Id of the empty text in each profile.
const EMPTY: u32 = 0;

pub(crate) struct OtlpProfile {
    pub(crate) resource: Arc<Resource>,
    /// By which its sender knows it.
    pub(crate) id: [u8; 16],
    pub(crate) profile: Profile,
}

/// Ids in the profile's own tables by those of the dictionary.
struct Reader<'a> {
    dictionary: &'a Dictionary<'a>,
    builder: Builder<'a>,
    texts: FxHashMap<u32, u32>,
    /// By function and module.
    functions: FxHashMap<(u32, u32), u32>,
    /// Frames of each location, innermost first.
    locations: FxHashMap<u64, Vec<u32>>,
    stacks: FxHashMap<u64, u32>,
    labels: FxHashMap<u64, Option<Label>>,
}

pub(super) fn read(
    message: &[u8],
    resource: Arc<Resource>,
    dictionary: &Dictionary,
    limits: &Limits,
    used: &mut Used,
) -> Result<OtlpProfile, Refusal> {
    let mut reader = Reader {
        dictionary,
        builder: Builder::new(limits, *used),
        texts: FxHashMap::default(),
        functions: FxHashMap::default(),
        locations: FxHashMap::default(),
        stacks: FxHashMap::default(),
        labels: FxHashMap::default(),
    };
    reader.builder.made("");
    let (id, attributes) = reader.head(message)?;
    reader.samples(message, &attributes)?;
    let (profile, now_used) = reader.builder.finish()?;
    *used = now_used;
    Ok(OtlpProfile {
        resource,
        id,
        profile,
    })
}

impl Reader<'_> {
    /// Type and times; returns the id of the profile and the attributes that all its samples have.
    fn head(&mut self, message: &[u8]) -> Result<([u8; 16], Vec<u64>), Refusal> {
        let (mut id, mut attributes): (&[u8], _) = (&[], Vec::new());
        let mut kind = [0; 3];
        fields(message, |field, value| {
            let profile = &mut self.builder.profile;
            match field {
                1 => fields(value.bytes()?, |field, value| {
                    assign(&mut kind, field, value);
                    Ok(())
                })?,
                3 => profile.start = value.number()? as i64,
                4 => profile.duration = value.number()? as i64,
                7 => id = value.bytes()?,
                11 => value.append_to(&mut attributes, self.builder.limits.labels, "attributes")?,
                _ => {}
            }
            Ok(())
        })?;
        let name = self.dictionary.text(kind[1])?;
        if name.is_empty() {
            return Err(Refusal::Malformed("it names no kind of value"));
        }
        let unit = self.dictionary.text(kind[2])?;
        at_most(
            name.len().max(unit.len()),
            LONGEST_TYPE,
            "bytes in the name of its kind of value",
        )?;
        self.builder.profile.types = vec![ValueType {
            name: type_name(name),
            unit: unit.to_owned(),
        }];
        // One of another length is none.
        Ok((id.try_into().unwrap_or_default(), attributes))
    }

    fn samples(&mut self, message: &[u8], of_all: &[u64]) -> Result<(), Refusal> {
        let limits = self.builder.limits;
        let (mut attributes, mut values, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let mut labels = Vec::new();
        fields(message, |field, value| {
            if field != 2 {
                return Ok(());
            }
            attributes.clear();
            values.clear();
            times.clear();
            labels.clear();
            let mut numbers = [0; 4];
            fields(value.bytes()?, |field, value| match field {
                2 => value.append_to(&mut attributes, limits.labels, "labels at one sample"),
                4 => value.append_to(&mut values, limits.samples, "samples"),
                5 => value.append_fixed_to(&mut times, limits.samples, "samples"),
                _ => {
                    assign(&mut numbers, field, value);
                    Ok(())
                }
            })?;
            let stack = self.stack(numbers[1])?;
            let moment = Moment {
                span: self.dictionary.span_at(numbers[3])?,
                ..Moment::default()
            };
            // Of two with one key the sample's own counts.
            for index in attributes.iter().chain(of_all) {
                self.label(*index, &mut labels)?;
            }
            let labels = self.builder.label_set(&mut labels)?;
            self.observations(stack, labels, moment, &values, &times)
        })
    }

    /// What was seen of one stack and set of labels: each at its time, or all of it as one sum.
    fn observations(
        &mut self,
        stack: u32,
        labels: u32,
        moment: Moment,
        values: &[u64],
        times: &[u64],
    ) -> Result<(), Refusal> {
        match (values, times) {
            ([], []) => Err(Refusal::Malformed("a sample has neither values nor times")),
            (values, []) => {
                let sum = self.sum(values)?;
                self.builder.sample(stack, labels, moment, &[sum])
            }
            ([], times) => times.iter().try_for_each(|time| {
                let end = *time as i64;
                let moment = Moment { end, ..moment };
                self.builder.sample(stack, labels, moment, &[1])
            }),
            _ if values.len() != times.len() => Err(Refusal::Malformed(
                "a sample has not as many values as times",
            )),
            _ => values.iter().zip(times).try_for_each(|(value, time)| {
                let end = *time as i64;
                let moment = Moment { end, ..moment };
                self.builder.sample(stack, labels, moment, &[*value])
            }),
        }
    }

    fn sum(&self, values: &[u64]) -> Result<u64, Refusal> {
        let too_much = || Refusal::Overflow(self.builder.profile.types[0].name.clone());
        values.iter().try_fold(0_u64, |sum, value| {
            if (*value as i64) < 0 {
                return Err(Refusal::Negative);
            }
            let sum = sum + value;
            (sum <= i64::MAX as u64).then_some(sum).ok_or_else(too_much)
        })
    }

    /// Adds the label of an attribute, unless there is one with its key.
    fn label(&mut self, index: u64, labels: &mut Vec<Label>) -> Result<(), Refusal> {
        let label = match self.labels.get(&index) {
            Some(label) => *label,
            None => {
                let label = self.new_label(index)?;
                self.labels.insert(index, label);
                label
            }
        };
        if let Some(label) = label
            && !labels.iter().any(|other| other.key == label.key)
        {
            labels.push(label);
        }
        Ok(())
    }

    fn new_label(&mut self, index: u64) -> Result<Option<Label>, Refusal> {
        let Some(attribute) = self.dictionary.attribute_at(index)? else {
            return Ok(None);
        };
        let key = &*attribute.key;
        let is_id = [&SPAN[..], &ROOT_SPAN, &PASSING].concat().contains(&key);
        // Of spans a link tells.
        if key.is_empty() || is_id {
            return Ok(None);
        }
        let value = match &attribute.value {
            Text::Known(index) => self.text(*index),
            Text::Made(made) => self.builder.made(made),
        };
        Ok(Some(Label {
            key: self.builder.made(key),
            value,
        }))
    }

    fn stack(&mut self, index: u64) -> Result<u32, Refusal> {
        if let Some(id) = self.stacks.get(&index) {
            return Ok(*id);
        }
        let (depth, what) = (self.builder.limits.depth, "frames in one stack");
        let mut places = Vec::new();
        fields(
            self.dictionary.stack_at(index)?,
            |field, value| match field {
                1 => value.append_to(&mut places, depth, what),
                _ => Ok(()),
            },
        )?;
        let mut frames = Vec::with_capacity(places.len());
        for place in places.iter().rev() {
            frames.extend(self.frames(*place)?.iter().rev());
            at_most(frames.len(), depth, what)?;
        }
        let id = self.builder.stack(&frames)?;
        self.stacks.insert(index, id);
        Ok(id)
    }

    /// Of a location, innermost first.
    fn frames(&mut self, index: u64) -> Result<&[u32], Refusal> {
        if !self.locations.contains_key(&index) {
            let frames = match self.dictionary.place_at(index)? {
                None => Vec::new(),
                Some(place) => {
                    let module = self.text(place.module);
                    if place.lines.is_empty() {
                        let frame = self.builder.address(place.address, module);
                        vec![self.builder.frame(frame)]
                    } else {
                        let lines = place.lines.iter();
                        lines.map(|line| self.frame(*line, module)).collect()
                    }
                }
            };
            self.locations.insert(index, frames);
        }
        Ok(&self.locations[&index])
    }

    fn frame(&mut self, line: Line, module: u32) -> u32 {
        let function = match self.functions.get(&(line.function, module)) {
            Some(function) => *function,
            None => {
                let own = self.dictionary.function_of(line);
                let (name, file) = (self.text(own.name), self.text(own.file));
                let function = self.builder.function(Function {
                    name,
                    file,
                    module,
                    line: own.line,
                });
                self.functions.insert((line.function, module), function);
                function
            }
        };
        self.builder.frame(Frame {
            function,
            line: line.line,
        })
    }

    /// The id here of a text of the dictionary.
    fn text(&mut self, index: u32) -> u32 {
        if let Some(id) = self.texts.get(&index) {
            return *id;
        }
        let text = self.dictionary.text_at(index);
        let id = if text.is_empty() {
            EMPTY
        } else {
            self.builder.profile.texts.share(text.clone())
        };
        self.texts.insert(index, id);
        id
    }
}
