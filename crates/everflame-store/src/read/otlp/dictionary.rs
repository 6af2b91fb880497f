//! `ProfilesDictionary`: tables that the profiles of a message point into. Each is read once, however many profiles there are;
//! stacks when a profile names them.

use super::any_value::{self, Text};
use super::assign;
use super::names::{FRAME_TYPE, label_key};
use crate::error::Refusal;
use crate::read::Limits;
use crate::read::builder::line;
use crate::read::limits::{at_most, within};
use crate::read::texts::text;
use crate::read::wire::{Value, fields};
use std::ops::Range;
use std::sync::Arc;

/// Kinds of frame that are code of a binary; a script's has no module, whatever its mapping is called.
const OF_BINARIES: [&str; 4] = ["native", "kernel", "go", "rust"];

#[derive(Default)]
pub(super) struct Dictionary<'a> {
    texts: Vec<Arc<str>>,
    /// The path of each mapping's file, as an index of a text.
    modules: Vec<u32>,
    functions: Vec<Function>,
    lines: Vec<Line>,
    locations: Vec<Location>,
    links: Vec<u64>,
    attributes: Vec<Attribute>,
    stacks: Vec<&'a [u8]>,
}

/// Indexes of texts, and the line where it starts.
#[derive(Clone, Copy, Default)]
pub(super) struct Function {
    pub(super) name: u32,
    pub(super) file: u32,
    pub(super) line: u32,
}

/// Index of a function, and the line that was executing.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) function: u32,
    pub(super) line: u32,
}

#[derive(Clone)]
struct Location {
    /// Index of a text.
    module: u32,
    address: u64,
    lines: Range<u32>,
}

/// A place in the code.
pub(super) struct Place<'a> {
    /// Index of a text.
    pub(super) module: u32,
    pub(super) address: u64,
    /// Innermost first; none where it was never symbolised.
    pub(super) lines: &'a [Line],
}

/// A label, by our name.
pub(super) struct Attribute {
    pub(super) key: Arc<str>,
    pub(super) value: Text,
}

impl<'a> Dictionary<'a> {
    pub(super) fn read(data: &'a [u8], limits: &Limits) -> Result<Dictionary<'a>, Refusal> {
        let mut dictionary = Dictionary::default();
        // Each pass needs the tables of those before it, and a message may have them in any order.
        dictionary.texts(data, limits)?;
        dictionary.tables(data, limits)?;
        dictionary.locations(data, limits)?;
        Ok(dictionary)
    }

    fn texts(&mut self, data: &[u8], limits: &Limits) -> Result<(), Refusal> {
        each(data, |field, value| {
            if field == 5 {
                within(self.texts.len(), limits.entries, "texts")?;
                self.texts.push(text(value.bytes()?).into());
            }
            Ok(())
        })?;
        match self.texts.first() {
            Some(first) if first.is_empty() => Ok(()),
            _ => Err(Refusal::Malformed("its first text is not the empty one")),
        }
    }

    fn tables(&mut self, data: &'a [u8], limits: &Limits) -> Result<(), Refusal> {
        let mut attribute_bytes = 0;
        each(data, |field, value| {
            match field {
                1 => {
                    let message = entry(value, self.modules.len(), limits, "mappings")?;
                    let numbers = numbers(message)?;
                    self.modules.push(self.text_id(numbers[4])?);
                }
                3 => {
                    let message = entry(value, self.functions.len(), limits, "functions")?;
                    let numbers = numbers(message)?;
                    let function = Function {
                        name: self.text_id(numbers[1])?,
                        file: self.text_id(numbers[3])?,
                        line: line(numbers[4]),
                    };
                    self.functions.push(function);
                }
                4 => {
                    let message = entry(value, self.links.len(), limits, "links")?;
                    self.links.push(span_of(message)?);
                }
                6 => {
                    let attribute = self.attribute(value, limits)?;
                    if let Text::Made(made) = &attribute.value {
                        attribute_bytes += made.len();
                        at_most(attribute_bytes, limits.bytes, "bytes in its attributes")?;
                    }
                    self.attributes.push(attribute);
                }
                7 => {
                    let message = entry(value, self.stacks.len(), limits, "stacks")?;
                    self.stacks.push(message);
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn attribute(&self, value: Value<'a>, limits: &Limits) -> Result<Attribute, Refusal> {
        within(self.attributes.len(), limits.entries, "attributes")?;
        let message = value.bytes()?;
        let numbers = numbers(message)?;
        let key = self.text(numbers[1])?;
        if self.attributes.is_empty() && !key.is_empty() {
            return Err(ZERO);
        }
        let mut told = Text::Known(0);
        fields(message, |field, value| {
            if field == 2 {
                told = any_value::read(value.bytes()?, self)?;
            }
            Ok(())
        })?;
        let value = match (told, self.text(numbers[3])?) {
            (Text::Made(made), unit) if !unit.is_empty() && made.parse::<f64>().is_ok() => {
                Text::Made(format!("{made} {unit}").into())
            }
            (told, _) => told,
        };
        let key = match label_key(key) {
            Some(ours) => ours.into(),
            None => self.texts[numbers[1] as usize].clone(),
        };
        Ok(Attribute { key, value })
    }

    fn locations(&mut self, data: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let mut attributes = Vec::new();
        each(data, |field, value| {
            if field != 2 {
                return Ok(());
            }
            let message = entry(value, self.locations.len(), limits, "locations")?;
            let numbers = numbers(message)?;
            let first = self.lines.len();
            attributes.clear();
            fields(message, |field, value| match field {
                3 => {
                    let inlined = self.lines.len() - first;
                    within(inlined, limits.depth, "functions at one place")?;
                    within(self.lines.len(), limits.entries, "functions at all places")?;
                    let line = self.line(value.bytes()?)?;
                    self.lines.push(line);
                    Ok(())
                }
                4 => value.append_to(&mut attributes, limits.labels, "attributes at one place"),
                _ => Ok(()),
            })?;
            let module = match numbers[1] {
                0 => 0,
                index if self.is_of_binary(&attributes)? => *at(
                    &self.modules,
                    index,
                    "a location names a mapping that is not there",
                )?,
                _ => 0,
            };
            self.locations.push(Location {
                module,
                address: numbers[2],
                lines: first as u32..self.lines.len() as u32,
            });
            Ok(())
        })
    }

    fn line(&self, message: &[u8]) -> Result<Line, Refusal> {
        let numbers = numbers(message)?;
        if numbers[1] != 0 {
            at(
                &self.functions,
                numbers[1],
                "a location names a function that is not there",
            )?;
        }
        Ok(Line {
            function: numbers[1] as u32,
            line: line(numbers[2]),
        })
    }

    /// Where nothing is said of it, a location that has a mapping is of a binary.
    fn is_of_binary(&self, attributes: &[u64]) -> Result<bool, Refusal> {
        for index in attributes {
            if let Some(attribute) = self.attribute_at(*index)?
                && &*attribute.key == FRAME_TYPE
            {
                return Ok(OF_BINARIES.contains(&&**self.text_of(&attribute.value)));
            }
        }
        Ok(true)
    }

    /// None for entry zero.
    pub(super) fn attribute_at(&self, index: u64) -> Result<Option<&Attribute>, Refusal> {
        if index == 0 {
            return Ok(None);
        }
        at(
            &self.attributes,
            index,
            "it names an attribute that is not there",
        )
        .map(Some)
    }

    /// Id of the span; 0 for none.
    pub(super) fn span_at(&self, index: u64) -> Result<u64, Refusal> {
        if index == 0 {
            return Ok(0);
        }
        at(
            &self.links,
            index,
            "a sample names a link that is not there",
        )
        .copied()
    }

    /// The message of a stack.
    pub(super) fn stack_at(&self, index: u64) -> Result<&'a [u8], Refusal> {
        if index == 0 {
            return Ok(&[]);
        }
        at(
            &self.stacks,
            index,
            "a sample names a stack that is not there",
        )
        .copied()
    }

    /// None for entry zero.
    pub(super) fn place_at(&self, index: u64) -> Result<Option<Place<'_>>, Refusal> {
        if index == 0 {
            return Ok(None);
        }
        let location = at(
            &self.locations,
            index,
            "a stack names a location that is not there",
        )?;
        let lines = &self.lines[location.lines.start as usize..location.lines.end as usize];
        Ok(Some(Place {
            module: location.module,
            address: location.address,
            lines,
        }))
    }

    /// Entry zero has no name.
    pub(super) fn function_of(&self, line: Line) -> Function {
        match line.function {
            0 => Function::default(),
            index => self.functions[index as usize],
        }
    }

    pub(super) fn text_id(&self, index: u64) -> Result<u32, Refusal> {
        self.text(index).map(|_| index as u32)
    }

    pub(super) fn text(&self, index: u64) -> Result<&str, Refusal> {
        at(&self.texts, index, "it names a text that is not there").map(|text| &**text)
    }

    /// Of an index that is in the dictionary's own tables.
    pub(super) fn text_at(&self, index: u32) -> &Arc<str> {
        &self.texts[index as usize]
    }

    pub(super) fn text_of<'b>(&'b self, text: &'b Text) -> &'b Arc<str> {
        match text {
            Text::Known(index) => &self.texts[*index as usize],
            Text::Made(made) => made,
        }
    }
}

const ZERO: Refusal =
    Refusal::Malformed("entry zero of a table of its dictionary is not the empty one");

/// All fields of the dictionary.
fn each<'a>(
    data: &'a [u8],
    mut each: impl FnMut(u64, Value<'a>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    fields(data, |field, value| match field {
        2 => fields(value.bytes()?, &mut each),
        _ => Ok(()),
    })
}

/// The message of an entry of a table. A sender that has something in entry zero would lose it quietly.
fn entry<'a>(
    value: Value<'a>,
    present: usize,
    limits: &Limits,
    what: &'static str,
) -> Result<&'a [u8], Refusal> {
    within(present, limits.entries, what)?;
    let message = value.bytes()?;
    if present == 0 {
        fields(message, |_, value| match value {
            Value::Number(0) => Ok(()),
            // Ids of a link may be there, of zeros.
            Value::Bytes(bytes) if bytes.iter().all(|byte| *byte == 0) => Ok(()),
            _ => Err(ZERO),
        })?;
    }
    Ok(message)
}

fn numbers(message: &[u8]) -> Result<[u64; 5], Refusal> {
    let mut numbers = [0; 5];
    fields(message, |field, value| {
        assign(&mut numbers, field, value);
        Ok(())
    })?;
    Ok(numbers)
}

/// The eight bytes of a span's id as a number, the highest first; an id of another length is none.
fn span_of(link: &[u8]) -> Result<u64, Refusal> {
    let mut span = 0;
    fields(link, |field, value| {
        if field == 2 {
            span = value.bytes()?.try_into().map_or(0, u64::from_be_bytes);
        }
        Ok(())
    })?;
    Ok(span)
}

fn at<'a, T>(table: &'a [T], index: u64, missing: &'static str) -> Result<&'a T, Refusal> {
    usize::try_from(index)
        .ok()
        .and_then(|index| table.get(index))
        .ok_or(Refusal::Malformed(missing))
}
