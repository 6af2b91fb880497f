//! profile.proto of google/pprof. Read field by field: as messages of a library, a profile would take ten times its bytes, and
//! a hostile one a gigabyte.

use super::Limits;
use super::builder::{Builder, Used, line};
use super::label::{END, Label, Moment, PASSING, ROOT_SPAN, SPAN};
use super::limits::{at_most, within};
use super::profile::{Frame, Function, Profile, ValueType};
use super::texts::text;
use super::wire::{CUT, fields};
use crate::error::Refusal;
use rustc_hash::FxHashMap;

/// Longest unit of a number that is kept, in characters.
const LONGEST_UNIT: usize = 32;

/// The message with its tables, which samples point into.
struct Reader<'a> {
    builder: Builder<'a>,
    functions: FxHashMap<u64, u32>,
    /// Frames of each location, innermost first: several where functions are inlined.
    locations: FxHashMap<u64, Vec<u32>>,
    stack_ids: FxHashMap<Box<[u64]>, u32>,
}

pub(super) fn read(data: &[u8], limits: &Limits) -> Result<Profile, Refusal> {
    let mut reader = Reader {
        builder: Builder::new(limits, Used::default()),
        functions: FxHashMap::default(),
        locations: FxHashMap::default(),
        stack_ids: FxHashMap::default(),
    };
    reader.texts(data)?;
    let modules = reader.tables(data)?;
    reader.locations(data, &modules)?;
    reader.samples(data)?;
    Ok(reader.builder.finish().0)
}

/// A location before its functions are known.
#[derive(Default)]
struct Location {
    id: u64,
    mapping: u64,
    address: u64,
    lines: Vec<(u64, u32)>,
}

impl Reader<'_> {
    fn texts(&mut self, data: &[u8]) -> Result<(), Refusal> {
        fields(data, |field, value| {
            if field == 6 {
                within(
                    self.builder.texts.len(),
                    self.builder.limits.entries,
                    "texts",
                )?;
                self.builder.texts.push(text(value.bytes()?));
            }
            Ok(())
        })?;
        // These two hold for every profile, and for hardly anything else that is read as protobuf without an error.
        if self.builder.texts.get(0) != Some("") {
            return Err(Refusal::Malformed("its first text is not the empty one"));
        }
        Ok(())
    }

    /// Types, functions and times; returns the paths of binaries by the ids of their mappings.
    fn tables(&mut self, data: &[u8]) -> Result<FxHashMap<u64, u32>, Refusal> {
        let mut modules = FxHashMap::default();
        fields(data, |field, value| {
            match field {
                1 => {
                    within(
                        self.builder.profile.types.len(),
                        self.builder.limits.types,
                        "kinds of value",
                    )?;
                    let mut numbers = [0; 3];
                    fields(value.bytes()?, |field, value| {
                        assign(&mut numbers, field, value)
                    })?;
                    let name = self.text(numbers[1])?.to_owned();
                    let unit = self.text(numbers[2])?.to_owned();
                    self.builder.profile.types.push(ValueType { name, unit });
                }
                3 => {
                    within(modules.len(), self.builder.limits.entries, "mappings")?;
                    let mut numbers = [0; 6];
                    fields(value.bytes()?, |field, value| {
                        assign(&mut numbers, field, value)
                    })?;
                    modules.insert(numbers[1], self.text_id(numbers[5])?);
                }
                5 => self.function(value.bytes()?)?,
                9 => self.builder.profile.start = value.number()? as i64,
                10 => self.builder.profile.duration = value.number()? as i64,
                _ => {}
            }
            Ok(())
        })?;
        if self.builder.profile.types.is_empty() {
            return Err(Refusal::Malformed("it names no kind of value"));
        }
        Ok(modules)
    }

    fn function(&mut self, message: &[u8]) -> Result<(), Refusal> {
        within(
            self.builder.profile.functions.len(),
            self.builder.limits.entries,
            "functions",
        )?;
        let mut numbers = [0; 6];
        fields(message, |field, value| assign(&mut numbers, field, value))?;
        let function = Function {
            name: self.text_id(numbers[2])?,
            file: self.text_id(numbers[4])?,
            module: 0,
            line: line(numbers[5]),
        };
        self.functions
            .insert(numbers[1], self.builder.function(function));
        Ok(())
    }

    fn locations(&mut self, data: &[u8], modules: &FxHashMap<u64, u32>) -> Result<(), Refusal> {
        // A function of a script and of a binary may be one entry; the binary is the location's.
        let mut in_module: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        fields(data, |field, value| {
            if field != 4 {
                return Ok(());
            }
            within(
                self.locations.len(),
                self.builder.limits.entries,
                "locations",
            )?;
            let location = self.location(value.bytes()?)?;
            let module = modules.get(&location.mapping).copied().unwrap_or(0);
            let mut frames = Vec::with_capacity(location.lines.len().max(1));
            for (function, line) in &location.lines {
                let function = *self.functions.get(function).ok_or(Refusal::Malformed(
                    "a location names a function that is not there",
                ))?;
                let function = match module {
                    0 => function,
                    _ => *in_module.entry((function, module)).or_insert_with(|| {
                        let own = self.builder.profile.functions[function as usize];
                        self.builder.function(Function { module, ..own })
                    }),
                };
                frames.push(self.builder.frame(Frame {
                    function,
                    line: *line,
                }));
            }
            if frames.is_empty() {
                frames.push(self.builder.address(location.address, module));
            }
            self.locations.insert(location.id, frames);
            Ok(())
        })
    }

    fn location(&self, message: &[u8]) -> Result<Location, Refusal> {
        let mut location = Location::default();
        fields(message, |field, value| {
            match field {
                1 => location.id = value.number()?,
                2 => location.mapping = value.number()?,
                3 => location.address = value.number()?,
                4 => {
                    within(
                        location.lines.len(),
                        self.builder.limits.depth,
                        "functions at one place",
                    )?;
                    let mut numbers = [0; 3];
                    fields(value.bytes()?, |field, value| {
                        assign(&mut numbers, field, value)
                    })?;
                    location.lines.push((numbers[1], line(numbers[2])));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(location)
    }

    fn samples(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let limits = self.builder.limits;
        let (mut places, mut values) = (Vec::new(), Vec::new());
        let mut labels: Vec<Label> = Vec::new();
        fields(data, |field, value| {
            if field != 2 {
                return Ok(());
            }
            places.clear();
            values.clear();
            labels.clear();
            let mut moment = Moment::default();
            fields(value.bytes()?, |field, value| match field {
                1 => value.append_to(&mut places, limits.depth, "frames in one stack"),
                2 => value.append_to(&mut values, limits.types, "values at one sample"),
                3 => self.label(value.bytes()?, &mut labels, &mut moment),
                _ => Ok(()),
            })?;
            if values.len() != self.builder.profile.types.len() {
                return Err(Refusal::Malformed(
                    "a sample has not as many values as there are kinds",
                ));
            }
            let stack = self.stack(&places)?;
            let labels = self.builder.label_set(&mut labels)?;
            self.builder.sample(stack, labels, moment, &values)
        })
    }

    fn stack(&mut self, places: &[u64]) -> Result<u32, Refusal> {
        if let Some(id) = self.stack_ids.get(places) {
            return Ok(*id);
        }
        let mut frames = Vec::with_capacity(places.len());
        for place in places.iter().rev() {
            let found = self.locations.get(place).ok_or(Refusal::Malformed(
                "a sample names a location that is not there",
            ))?;
            frames.extend(found.iter().rev());
            at_most(
                frames.len(),
                self.builder.limits.depth,
                "frames in one stack",
            )?;
        }
        let id = self.builder.stack(frames)?;
        self.stack_ids.insert(places.into(), id);
        Ok(id)
    }

    fn label(
        &mut self,
        message: &[u8],
        labels: &mut Vec<Label>,
        moment: &mut Moment,
    ) -> Result<(), Refusal> {
        let mut numbers = [0; 5];
        fields(message, |field, value| assign(&mut numbers, field, value))?;
        let [_, key, text, number, unit] = numbers;
        match self.text(key)? {
            END => moment.end = number as i64,
            name if SPAN.contains(&name) => moment.span = self.id(text, number)?,
            name if ROOT_SPAN.contains(&name) => moment.root_span = self.id(text, number)?,
            name if PASSING.contains(&name) => {}
            _ => {
                within(
                    labels.len(),
                    self.builder.limits.labels,
                    "labels at one sample",
                )?;
                let value = match (text, unit) {
                    (0, 0) => self.made((number as i64).to_string())?,
                    (0, unit) => {
                        let unit: String = self.text(unit)?.chars().take(LONGEST_UNIT).collect();
                        self.made(format!("{} {unit}", number as i64))?
                    }
                    (text, _) => self.text_id(text)?,
                };
                labels.push(Label {
                    key: self.text_id(key)?,
                    value,
                });
            }
        }
        Ok(())
    }

    /// A number, or a text of sixteen digits to the base of sixteen as Pyroscope's clients write it.
    fn id(&self, text: u64, number: u64) -> Result<u64, Refusal> {
        Ok(match self.text(text)? {
            "" => number,
            text => u64::from_str_radix(text, 16).unwrap_or(0),
        })
    }

    fn made(&mut self, text: String) -> Result<u32, Refusal> {
        within(
            self.builder.texts.len(),
            2 * self.builder.limits.entries,
            "texts",
        )?;
        Ok(self.builder.texts.intern(&text))
    }

    fn text_id(&self, index: u64) -> Result<u32, Refusal> {
        self.text(index).map(|_| index as u32)
    }

    fn text(&self, index: u64) -> Result<&str, Refusal> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.builder.texts.get(index))
            .ok_or(Refusal::Malformed("it names a text that is not there"))
    }
}

/// Keeps the number of a field that has a place among `numbers`.
fn assign(numbers: &mut [u64], field: u64, value: super::wire::Value) -> Result<(), Refusal> {
    match numbers.get_mut(field as usize) {
        Some(number) => {
            *number = value.number().map_err(|_| CUT)?;
            Ok(())
        }
        None => Ok(()),
    }
}
