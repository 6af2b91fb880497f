//! profile.proto of google/pprof. Read field by field: as messages of a library, a profile would take ten times its bytes, and
//! a hostile one a gigabyte.

use super::label::{END, Label, Moment, PASSING, ROOT_SPAN, SPAN};
use super::profile::{Frame, Function, Profile, Sample, ValueType};
use super::wire::{CUT, fields};
use super::{Limits, texts::Texts};
use crate::error::Refusal;
use rustc_hash::FxHashMap;

/// The message with its texts and tables, which samples point into.
struct Reader<'a> {
    limits: &'a Limits,
    texts: Texts,
    functions: FxHashMap<u64, u32>,
    /// Frames of each location, innermost first: several where functions are inlined.
    locations: FxHashMap<u64, Vec<u32>>,
    frame_ids: FxHashMap<Frame, u32>,
    stack_ids: FxHashMap<Box<[u64]>, u32>,
    label_set_ids: FxHashMap<Box<[Label]>, u32>,
    profile: Profile,
}

pub(super) fn read(data: &[u8], limits: &Limits) -> Result<Profile, Refusal> {
    let mut reader = Reader {
        limits,
        texts: Texts::default(),
        functions: FxHashMap::default(),
        locations: FxHashMap::default(),
        frame_ids: FxHashMap::default(),
        stack_ids: FxHashMap::default(),
        label_set_ids: FxHashMap::default(),
        profile: Profile::default(),
    };
    reader.texts(data)?;
    let modules = reader.tables(data)?;
    reader.locations(data, &modules)?;
    reader.samples(data)?;
    let Reader {
        texts, mut profile, ..
    } = reader;
    profile.texts = texts.into_all();
    Ok(profile)
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
                self.limit(self.texts.len(), self.limits.entries, "texts")?;
                self.texts.push(value.bytes()?);
            }
            Ok(())
        })?;
        // These two hold for every profile, and for hardly anything else that is read as protobuf without an error.
        if self.texts.get(0) != Some("") {
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
                    self.limit(
                        self.profile.types.len(),
                        self.limits.types,
                        "kinds of value",
                    )?;
                    let mut numbers = [0; 3];
                    fields(value.bytes()?, |field, value| {
                        assign(&mut numbers, field, value)
                    })?;
                    let name = self.text(numbers[1])?.to_owned();
                    let unit = self.text(numbers[2])?.to_owned();
                    self.profile.types.push(ValueType { name, unit });
                }
                3 => {
                    self.limit(modules.len(), self.limits.entries, "mappings")?;
                    let mut numbers = [0; 6];
                    fields(value.bytes()?, |field, value| {
                        assign(&mut numbers, field, value)
                    })?;
                    modules.insert(numbers[1], self.text_id(numbers[5])?);
                }
                5 => self.function(value.bytes()?)?,
                9 => self.profile.start = value.number()? as i64,
                10 => self.profile.duration = value.number()? as i64,
                _ => {}
            }
            Ok(())
        })?;
        if self.profile.types.is_empty() {
            return Err(Refusal::Malformed("it names no kind of value"));
        }
        Ok(modules)
    }

    fn function(&mut self, message: &[u8]) -> Result<(), Refusal> {
        self.limit(
            self.profile.functions.len(),
            self.limits.entries,
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
            .insert(numbers[1], self.profile.functions.len() as u32);
        self.profile.functions.push(function);
        Ok(())
    }

    fn locations(&mut self, data: &[u8], modules: &FxHashMap<u64, u32>) -> Result<(), Refusal> {
        // A function of a script and of a binary may be one entry; the binary is the location's.
        let mut in_module: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        fields(data, |field, value| {
            if field != 4 {
                return Ok(());
            }
            self.limit(self.locations.len(), self.limits.entries, "locations")?;
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
                        let own = self.profile.functions[function as usize];
                        self.profile.functions.push(Function { module, ..own });
                        self.profile.functions.len() as u32 - 1
                    }),
                };
                frames.push(self.frame(Frame {
                    function,
                    line: *line,
                }));
            }
            if frames.is_empty() {
                frames.push(self.address(location.address, module));
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
                    self.limit(
                        location.lines.len(),
                        self.limits.depth,
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

    /// A place that was never symbolised has its address for a name.
    fn address(&mut self, address: u64, module: u32) -> u32 {
        let name = self.texts.intern(&format!("0x{address:x}"));
        self.profile.functions.push(Function {
            name,
            file: 0,
            module,
            line: 0,
        });
        let function = self.profile.functions.len() as u32 - 1;
        self.frame(Frame { function, line: 0 })
    }

    fn frame(&mut self, frame: Frame) -> u32 {
        let frames = &mut self.profile.frames;
        *self.frame_ids.entry(frame).or_insert_with(|| {
            frames.push(frame);
            frames.len() as u32 - 1
        })
    }

    fn samples(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let (mut places, mut values) = (Vec::new(), Vec::new());
        let mut labels: Vec<Label> = Vec::new();
        fields(data, |field, value| {
            if field != 2 {
                return Ok(());
            }
            self.limit(self.profile.samples.len(), self.limits.samples, "samples")?;
            places.clear();
            values.clear();
            labels.clear();
            let mut moment = Moment::default();
            fields(value.bytes()?, |field, value| match field {
                1 => value.append_to(&mut places),
                2 => value.append_to(&mut values),
                3 => self.label(value.bytes()?, &mut labels, &mut moment),
                _ => Ok(()),
            })?;
            self.sample(&places, &values, &mut labels, moment)
        })
    }

    fn sample(
        &mut self,
        places: &[u64],
        values: &[u64],
        labels: &mut Vec<Label>,
        moment: Moment,
    ) -> Result<(), Refusal> {
        if values.len() != self.profile.types.len() {
            return Err(Refusal::Malformed(
                "a sample has not as many values as there are kinds",
            ));
        }
        if values.iter().any(|value| (*value as i64) < 0) {
            return Err(Refusal::Negative);
        }
        let stack = self.stack(places)?;
        labels.sort_unstable();
        labels.dedup_by_key(|label| label.key);
        let labels = match self.label_set_ids.get(labels.as_slice()) {
            Some(id) => *id,
            None => {
                let id = self.profile.label_sets.len() as u32;
                self.profile.label_sets.push(labels.as_slice().into());
                self.label_set_ids.insert(labels.as_slice().into(), id);
                id
            }
        };
        let moment = (moment != Moment::default()).then_some(moment);
        self.profile.samples.push(Sample {
            stack,
            labels,
            moment,
        });
        self.profile.values.extend_from_slice(values);
        Ok(())
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
            self.limit(frames.len(), self.limits.depth, "frames in one stack")?;
        }
        let id = self.profile.stacks.len() as u32;
        self.profile.stacks.push(frames.into());
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
                self.limit(labels.len(), self.limits.labels, "labels at one sample")?;
                let value = match (text, unit) {
                    (0, 0) => self.texts.intern(&(number as i64).to_string()),
                    (0, unit) => {
                        let text = format!("{} {}", number as i64, self.text(unit)?);
                        self.texts.intern(&text)
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

    fn text_id(&self, index: u64) -> Result<u32, Refusal> {
        self.text(index).map(|_| index as u32)
    }

    fn text(&self, index: u64) -> Result<&str, Refusal> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.texts.get(index))
            .ok_or(Refusal::Malformed("it names a text that is not there"))
    }

    fn limit(&self, present: usize, limit: usize, what: &'static str) -> Result<(), Refusal> {
        if present < limit {
            Ok(())
        } else {
            Err(Refusal::TooMuch { what, limit })
        }
    }
}

/// Some tools write a line below zero for none.
fn line(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(0)
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
