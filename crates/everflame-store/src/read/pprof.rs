//! profile.proto of google/pprof. Read field by field: as messages of a library, a profile would take ten times its bytes, and
//! a hostile one a gigabyte.

mod samples;

use super::Limits;
use super::builder::{Builder, Used, line};
use super::limits::{at_most, within};
use super::metrics;
use super::numbered::Numbered;
use super::profile::{Frame, Function, Profile, ValueType};
use super::texts::text;
use super::wire::{CUT, fields};
use crate::error::Refusal;
use rustc_hash::FxHashMap;

pub(super) fn read(data: &[u8], limits: &Limits) -> Result<Profile, Refusal> {
    let mut tables = Tables {
        builder: Builder::new(limits, Used::default()),
        modules: Numbered::default(),
        functions: Numbered::default(),
        functions_in_modules: FxHashMap::default(),
        locations: Numbered::default(),
        lines: Vec::new(),
    };
    let messages = tables.texts(data)?;
    for message in messages.types {
        tables.value_type(message)?;
    }
    if tables.builder.profile.types.is_empty() {
        return Err(Refusal::Malformed("it names no kind of value"));
    }
    for message in messages.mappings {
        tables.mapping(message)?;
    }
    for message in messages.functions {
        tables.function(message)?;
    }
    for message in messages.locations {
        tables.location(message)?;
    }
    let mut profile = samples::read(messages.samples, tables)?;
    profile.metrics = metrics::told(data);
    Ok(profile)
}

/// What can be read when the texts are known, and in this order; a client may write it in any other.
#[derive(Default)]
struct Messages<'a> {
    types: Vec<&'a [u8]>,
    mappings: Vec<&'a [u8]>,
    functions: Vec<&'a [u8]>,
    locations: Vec<&'a [u8]>,
    samples: Vec<&'a [u8]>,
}

/// What samples point into, by the numbers of the client.
struct Tables<'a> {
    builder: Builder<'a>,
    /// Paths of binaries.
    modules: Numbered<u32>,
    functions: Numbered<u32>,
    /// A function of a script and of a binary may be one entry; the binary is the location's.
    functions_in_modules: FxHashMap<(u32, u32), u32>,
    locations: Numbered<Place>,
    /// Of the location that is read: numbers of functions, and lines.
    lines: Vec<(u64, u32)>,
}

/// Frames that stand one behind the other, the innermost first: several where functions are inlined. Two places may have the same
/// ones; the dictionary of the service has them once.
#[derive(Clone, Copy, Default)]
struct Place {
    first: u32,
    end: u32,
}

impl Tables<'_> {
    fn texts<'a>(&mut self, data: &'a [u8]) -> Result<Messages<'a>, Refusal> {
        let limits = self.builder.limits;
        let mut messages = Messages::default();
        fields(data, |field, value| {
            let (messages, most, what) = match field {
                1 => (&mut messages.types, limits.types, "kinds of value"),
                2 => (&mut messages.samples, limits.samples, "samples"),
                3 => (&mut messages.mappings, limits.entries, "mappings"),
                4 => (&mut messages.locations, limits.entries, "locations"),
                5 => (&mut messages.functions, limits.entries, "functions"),
                6 => {
                    let texts = &mut self.builder.profile.texts;
                    within(texts.len(), limits.entries, "texts")?;
                    texts.push(&text(value.bytes()?));
                    return Ok(());
                }
                9 => {
                    self.builder.profile.start = value.number()? as i64;
                    return Ok(());
                }
                10 => {
                    self.builder.profile.duration = value.number()? as i64;
                    return Ok(());
                }
                _ => return Ok(()),
            };
            within(messages.len(), most, what)?;
            messages.push(value.bytes()?);
            Ok(())
        })?;
        // This holds for every profile, and for hardly anything else that is read as protobuf without an error.
        match self.builder.profile.texts.get(0) {
            Some("") => Ok(messages),
            _ => Err(Refusal::Malformed("its first text is not the empty one")),
        }
    }

    fn value_type(&mut self, message: &[u8]) -> Result<(), Refusal> {
        let [_, name, unit] = numbers(message)?;
        let name = self.text(name)?.to_owned();
        let unit = self.text(unit)?.to_owned();
        self.builder.profile.types.push(ValueType { name, unit });
        Ok(())
    }

    fn mapping(&mut self, message: &[u8]) -> Result<(), Refusal> {
        let [_, id, _, _, _, path] = numbers(message)?;
        self.modules.insert(id, self.text_id(path)?);
        Ok(())
    }

    fn function(&mut self, message: &[u8]) -> Result<(), Refusal> {
        let [_, id, name, _, file, start] = numbers(message)?;
        let function = Function {
            name: self.text_id(name)?,
            file: self.text_id(file)?,
            module: 0,
            line: line(start),
        };
        self.functions.insert(id, self.builder.function(function));
        Ok(())
    }

    fn location(&mut self, message: &[u8]) -> Result<(), Refusal> {
        let depth = self.builder.limits.depth;
        let (mut id, mut mapping, mut address) = (0, 0, 0);
        self.lines.clear();
        fields(message, |field, value| {
            match field {
                1 => id = value.number()?,
                2 => mapping = value.number()?,
                3 => address = value.number()?,
                4 => {
                    within(self.lines.len(), depth, "functions at one place")?;
                    let [_, function, number] = numbers(value.bytes()?)?;
                    self.lines.push((function, line(number)));
                }
                _ => {}
            }
            Ok(())
        })?;
        let module = self.modules.get(mapping).unwrap_or(0);
        let (first, most) = (
            self.builder.profile.frames.len(),
            self.builder.limits.entries,
        );
        at_most(
            first + self.lines.len().max(1),
            most,
            "functions at all places",
        )?;
        for index in 0..self.lines.len() {
            let (function, line) = self.lines[index];
            let function = self.function_of(function, module)?;
            self.builder.profile.frames.push(Frame { function, line });
        }
        if self.lines.is_empty() {
            let frame = self.builder.address(address, module);
            self.builder.profile.frames.push(frame);
        }
        let (first, end) = (first as u32, self.builder.profile.frames.len() as u32);
        self.locations.insert(id, Place { first, end });
        Ok(())
    }

    fn function_of(&mut self, number: u64, module: u32) -> Result<u32, Refusal> {
        let function = self.functions.get(number).ok_or(Refusal::Malformed(
            "a location names a function that is not there",
        ))?;
        if module == 0 {
            return Ok(function);
        }
        let builder = &mut self.builder;
        let known = self.functions_in_modules.entry((function, module));
        Ok(*known.or_insert_with(|| {
            let own = builder.profile.functions[function as usize];
            builder.function(Function { module, ..own })
        }))
    }

    fn text_id(&self, index: u64) -> Result<u32, Refusal> {
        self.text(index).map(|_| index as u32)
    }

    fn text(&self, index: u64) -> Result<&str, Refusal> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.builder.profile.texts.get(index))
            .ok_or(Refusal::Malformed("it names a text that is not there"))
    }
}

/// Of a message, those whose fields are below `COUNT`, by their fields.
fn numbers<const COUNT: usize>(message: &[u8]) -> Result<[u64; COUNT], Refusal> {
    let mut numbers = [0; COUNT];
    fields(message, |field, value| {
        if let Some(number) = numbers.get_mut(field as usize) {
            *number = value.number().map_err(|_| CUT)?;
        }
        Ok(())
    })?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::pprof::protos;
    use prost::Message;

    /// Each location with as many functions.
    fn profile(locations: u64, inlined: usize) -> Vec<u8> {
        let function = protos::Function {
            id: 1,
            ..protos::Function::default()
        };
        let line = protos::Line {
            function_id: 1,
            line: 7,
        };
        let location = (1..=locations).map(|id| protos::Location {
            id,
            line: vec![line.clone(); inlined],
            ..protos::Location::default()
        });
        let profile = protos::Profile {
            sample_type: vec![protos::ValueType::default()],
            function: vec![function],
            location: location.collect(),
            string_table: vec![String::new()],
            ..protos::Profile::default()
        };
        profile.encode_to_vec()
    }

    #[test]
    fn functions_of_all_places_together_are_limited() {
        let limits = Limits {
            entries: 12,
            ..Limits::default()
        };
        for (locations, inlined) in [(12, 1), (12, 0), (6, 2), (1, 12)] {
            let profile = read(&profile(locations, inlined), &limits).expect("a profile");
            assert_eq!(profile.frames.len(), 12, "{locations} with {inlined}");
        }
        for (locations, inlined, what) in [
            (13, 1, "locations"),
            (7, 2, "functions at all places"),
            (1, 13, "functions at all places"),
        ] {
            let refused = read(&profile(locations, inlined), &limits).expect_err("too much");
            assert_eq!(refused, Refusal::TooMuch { what, limit: 12 });
        }
    }

    /// A kind of value for each value of a sample, and samples that go through these locations, the innermost first.
    fn sampled(kinds: usize, stacks: &[&[u64]]) -> Vec<u8> {
        let numbers = 1..=9;
        let profile = protos::Profile {
            sample_type: vec![protos::ValueType::default(); kinds],
            function: numbers
                .clone()
                .map(|id| protos::Function {
                    id,
                    ..protos::Function::default()
                })
                .collect(),
            location: numbers
                .map(|id| protos::Location {
                    id,
                    line: vec![protos::Line {
                        function_id: id,
                        line: 1,
                    }],
                    ..protos::Location::default()
                })
                .collect(),
            sample: stacks
                .iter()
                .map(|stack| protos::Sample {
                    location_id: stack.to_vec(),
                    value: vec![1; kinds],
                    ..protos::Sample::default()
                })
                .collect(),
            string_table: vec![String::new()],
            ..protos::Profile::default()
        };
        profile.encode_to_vec()
    }

    #[test]
    fn values_of_all_samples_together_are_limited() {
        let limits = Limits {
            values: 12,
            ..Limits::default()
        };
        for (kinds, samples) in [(1, 12), (3, 4), (12, 1)] {
            let profile = read(&sampled(kinds, &vec![&[1][..]; samples]), &limits);
            assert_eq!(profile.expect("a profile").values, [1; 12]);
        }
        for (kinds, samples) in [(1, 13), (3, 5), (13, 1)] {
            let refused = read(&sampled(kinds, &vec![&[1][..]; samples]), &limits);
            let what = "values in all samples";
            assert_eq!(
                refused.expect_err("too much"),
                Refusal::TooMuch { what, limit: 12 }
            );
        }
    }

    #[test]
    fn calls_are_counted_once_however_many_stacks_go_through_them() {
        let limits = Limits {
            calls: 5,
            ..Limits::default()
        };
        // 1 → 2 → 3, 1 → 2 → 4 and 5: five calls in nine frames.
        let five: [&[u64]; 5] = [&[3, 2, 1], &[2, 1], &[4, 2, 1], &[5], &[3, 2, 1]];
        let profile = read(&sampled(1, &five), &limits).expect("a profile");
        assert_eq!(profile.samples.len(), 5);
        // The same function below another one is another call.
        let six = [&five[..], &[&[3, 5]]].concat();
        let refused = read(&sampled(1, &six), &limits).expect_err("too much");
        let what = "different calls";
        assert_eq!(refused, Refusal::TooMuch { what, limit: 5 });
    }
}
