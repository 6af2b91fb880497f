//! profile.proto, with the tables that the profile needs and no more, as a client writes it.

use crate::model::{Model, Place, Random, Row};
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sample for each stack and endpoint.
    Sums,
    /// A sample for each time the clock has ticked, with its time and seven labels, as tracers send them.
    Samples,
}

impl Kind {
    pub fn named(name: &str) -> Kind {
        match name {
            "sums" => Kind::Sums,
            "samples" => Kind::Samples,
            _ => {
                eprintln!("there is no kind {name}: sums or samples");
                std::process::exit(2);
            }
        }
    }
}

/// Of the samples with a time: what a minute at 99 Hz has on one thread.
const SAMPLES: usize = 6000;

pub fn profile(model: &Model, rows: &[Row], kind: Kind) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.text("");
    for (name, unit) in [
        ("sample", "count"),
        ("wall", "nanoseconds"),
        ("cpu", "nanoseconds"),
    ] {
        let numbers = [writer.text(name), writer.text(unit)];
        writer.message(1, &numbers);
    }
    match kind {
        Kind::Sums => {
            for row in rows {
                let labels = [
                    ("thread name", "main".to_owned()),
                    ("trace endpoint", endpoint(row)),
                ];
                let labels: Vec<Vec<u8>> = labels
                    .iter()
                    .map(|(key, value)| writer.label(key, value))
                    .collect();
                writer.sample(
                    &model.stacks[row.stack as usize],
                    &[row.samples, row.wall, row.cpu],
                    &labels,
                );
            }
        }
        Kind::Samples => samples(model, rows, &mut writer),
    }
    writer.finish()
}

fn samples(model: &Model, rows: &[Row], writer: &mut Writer) {
    let mut random = Random::new(rows[0].wall);
    for index in 0..SAMPLES {
        let row = &rows[index % rows.len()];
        let end = 1_780_000_000_000_000_000 + index as u64 * 10_101_010 + random.below(1_000_000);
        let request = index as u64 / 20 + 1;
        let labels = [
            writer.label("thread name", "Main Event Loop"),
            writer.number("thread id", 0),
            writer.number("os thread id", 4711),
            writer.label("trace endpoint", &endpoint(row)),
            writer.number("span id", request.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1),
            writer.number(
                "local root span id",
                (request / 4).wrapping_mul(0xd134_2543_de82_ef95) >> 1,
            ),
            writer.number("end_timestamp_ns", end),
        ];
        let wall = row.wall / row.samples;
        writer.sample(
            &model.stacks[row.stack as usize],
            &[1, wall, row.cpu.min(wall)],
            &labels,
        );
    }
}

fn endpoint(row: &Row) -> String {
    format!("GET /api/v1/resource{}/:id", row.endpoint)
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    texts: HashMap<String, u64>,
    functions: HashMap<u32, u64>,
    locations: HashMap<Place, u64>,
}

impl Writer {
    fn text(&mut self, text: &str) -> u64 {
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        let index = self.texts.len() as u64;
        self.texts.insert(text.to_owned(), index);
        bytes(&mut self.out, 6, text.as_bytes());
        index
    }

    /// A message of numbers, the first of field 1.
    fn message(&mut self, field: u64, numbers: &[u64]) {
        let mut message = Vec::new();
        (1..)
            .zip(numbers)
            .for_each(|(field, number)| self::number(&mut message, field, *number));
        bytes(&mut self.out, field, &message);
    }

    fn label(&mut self, key: &str, value: &str) -> Vec<u8> {
        let mut label = Vec::new();
        number(&mut label, 1, self.text(key));
        number(&mut label, 2, self.text(value));
        label
    }

    fn number(&mut self, key: &str, value: u64) -> Vec<u8> {
        let mut label = Vec::new();
        number(&mut label, 1, self.text(key));
        number(&mut label, 3, value);
        label
    }

    fn sample(&mut self, stack: &[Place], values: &[u64], labels: &[Vec<u8>]) {
        let (mut places, mut numbers, mut sample) = (Vec::new(), Vec::new(), Vec::new());
        for place in stack.iter().rev() {
            varint(&mut places, self.location(*place));
        }
        values.iter().for_each(|value| varint(&mut numbers, *value));
        bytes(&mut sample, 1, &places);
        bytes(&mut sample, 2, &numbers);
        labels.iter().for_each(|label| bytes(&mut sample, 3, label));
        bytes(&mut self.out, 2, &sample);
    }

    fn location(&mut self, place: Place) -> u64 {
        if let Some(id) = self.locations.get(&place) {
            return *id;
        }
        let function = self.function(place.function);
        let (mut line, mut location) = (Vec::new(), Vec::new());
        number(&mut line, 1, function);
        number(&mut line, 2, u64::from(place.line));
        let id = self.locations.len() as u64 + 1;
        number(&mut location, 1, id);
        bytes(&mut location, 4, &line);
        bytes(&mut self.out, 4, &location);
        self.locations.insert(place, id);
        id
    }

    fn function(&mut self, function: u32) -> u64 {
        if let Some(id) = self.functions.get(&function) {
            return *id;
        }
        let id = self.functions.len() as u64 + 1;
        self.functions.insert(function, id);
        let name = self.text(&format!("handle{}Of{function}", function % 97));
        let file = function / 10;
        let path = match file % 4 {
            0 => format!("/srv/shop/src/part{}/module{file}.js", file % 31),
            _ => format!(
                "/srv/shop/node_modules/package-{}/lib/file{file}.js",
                file % 211
            ),
        };
        let path = self.text(&path);
        self.message(5, &[id, name, name, path, u64::from(10 + function % 500)]);
        id
    }

    fn finish(self) -> Vec<u8> {
        self.out
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
