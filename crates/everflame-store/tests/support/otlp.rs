//! `ExportProfilesServiceRequest`s of what a test knows, in both forms.

use super::{Known, function_name};
use serde_json::{Value, json};
use std::fmt::Write;

/// A field of a message.
pub(crate) enum Field<'a> {
    Varint(u32, u64),
    Fixed(u32, u64),
    Bytes(u32, &'a [u8]),
}
use Field::{Bytes, Fixed, Varint};

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn message(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match field {
            Varint(number, value) => {
                varint(&mut out, u64::from(number << 3));
                varint(&mut out, *value);
            }
            Fixed(number, value) => {
                varint(&mut out, u64::from(number << 3 | 1));
                out.extend(value.to_le_bytes());
            }
            Bytes(number, bytes) => {
                varint(&mut out, u64::from(number << 3 | 2));
                varint(&mut out, bytes.len() as u64);
                out.extend(*bytes);
            }
        }
    }
    out
}

pub(crate) fn packed(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    numbers
        .into_iter()
        .for_each(|number| varint(&mut out, number));
    out
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Any {
    Text(String),
    Number(i64),
    List(Vec<Any>),
}

impl Any {
    pub(crate) fn text(text: impl Into<String>) -> Any {
        Any::Text(text.into())
    }

    fn protobuf(&self) -> Vec<u8> {
        match self {
            Any::Text(text) => message(&[Bytes(1, text.as_bytes())]),
            Any::Number(number) => message(&[Varint(3, *number as u64)]),
            Any::List(values) => {
                let values: Vec<Vec<u8>> = values.iter().map(Any::protobuf).collect();
                let fields: Vec<Field> = values.iter().map(|value| Bytes(1, value)).collect();
                message(&[Bytes(5, &message(&fields))])
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Any::Text(text) => json!({ "stringValue": text }),
            Any::Number(number) => json!({ "intValue": number.to_string() }),
            Any::List(values) => {
                let values: Vec<Value> = values.iter().map(Any::json).collect();
                json!({ "arrayValue": { "values": values } })
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) stack: u64,
    pub(crate) attributes: Vec<u64>,
    pub(crate) link: u64,
    pub(crate) values: Vec<u64>,
    pub(crate) times: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// Indexes of texts: name and unit.
    pub(crate) kind: (u64, u64),
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) samples: Vec<Sample>,
}

pub(crate) type Attributes = Vec<(String, Any)>;
/// Each a function and a line.
pub(crate) type Lines = Vec<(u64, u64)>;

/// A request with entry zero in each table, and one resource a list of profiles.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) resources: Vec<(Attributes, Vec<Profile>)>,
    pub(crate) texts: Vec<String>,
    /// Index of the file's name.
    pub(crate) mappings: Vec<u64>,
    /// Name, file and line.
    pub(crate) functions: Vec<[u64; 3]>,
    /// Mapping, address, lines (function and line), attributes.
    pub(crate) locations: Vec<(u64, u64, Lines, Vec<u64>)>,
    pub(crate) spans: Vec<u64>,
    pub(crate) attributes: Vec<(u64, Any, u64)>,
    pub(crate) stacks: Vec<Vec<u64>>,
}

fn position<T: PartialEq>(table: &mut Vec<T>, entry: T) -> u64 {
    let index = table.iter().position(|known| *known == entry);
    index.unwrap_or_else(|| {
        table.push(entry);
        table.len() - 1
    }) as u64
}

impl Default for Request {
    fn default() -> Request {
        Request {
            resources: Vec::new(),
            texts: vec![String::new()],
            mappings: vec![0],
            functions: vec![[0; 3]],
            locations: vec![(0, 0, Vec::new(), Vec::new())],
            spans: vec![0],
            attributes: vec![(0, Any::List(Vec::new()), 0)],
            stacks: vec![Vec::new()],
        }
    }
}

impl Request {
    pub(crate) fn text(&mut self, text: &str) -> u64 {
        position(&mut self.texts, text.to_owned())
    }

    pub(crate) fn attribute(&mut self, key: &str, value: Any) -> u64 {
        let key = self.text(key);
        position(&mut self.attributes, (key, value, 0))
    }

    /// Of functions that `Encoder` has too, the outermost first.
    pub(crate) fn stack(&mut self, functions: &[u32]) -> u64 {
        let places = functions
            .iter()
            .rev()
            .map(|function| {
                let name = self.text(&function_name(*function));
                let file = self.text(&format!("/app/{}.js", function % 5));
                let entry = position(&mut self.functions, [name, file, 10]);
                let line = (entry, 10 + u64::from(*function));
                position(&mut self.locations, (0, 0, vec![line], Vec::new()))
            })
            .collect();
        position(&mut self.stacks, places)
    }

    pub(crate) fn kind(&mut self, name: &str, unit: &str) -> (u64, u64) {
        (self.text(name), self.text(unit))
    }

    pub(crate) fn sample(&mut self, known: &Known, value: u64) -> Sample {
        let thread = Any::text(format!("thread {}", known.thread));
        let mut attributes = vec![self.attribute("thread.name", thread)];
        if let Some(endpoint) = known.endpoint {
            let endpoint = Any::text(format!("GET /{endpoint}"));
            attributes.push(self.attribute("trace.endpoint", endpoint));
        }
        let times = Some(known.end as u64).filter(|end| *end != 0);
        Sample {
            stack: self.stack(&known.stack),
            attributes,
            link: position(&mut self.spans, known.span),
            values: vec![value],
            times: times.into_iter().collect(),
        }
    }

    pub(crate) fn protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (attributes, profiles) in &self.resources {
            let attributes: Vec<u8> = attributes
                .iter()
                .flat_map(|(key, value)| {
                    let pair = message(&[Bytes(1, key.as_bytes()), Bytes(2, &value.protobuf())]);
                    message(&[Bytes(1, &pair)])
                })
                .collect();
            let scope = message(&[Bytes(1, b"a test")]);
            let profiles: Vec<u8> = profiles
                .iter()
                .flat_map(|profile| message(&[Bytes(2, &profile.protobuf())]))
                .collect();
            let scope = [message(&[Bytes(1, &scope)]), profiles].concat();
            let resource = message(&[Bytes(1, &attributes), Bytes(2, &scope)]);
            out.extend(message(&[Bytes(1, &resource)]));
        }
        out.extend(message(&[Bytes(2, &self.dictionary())]));
        out
    }

    fn dictionary(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number, entry: &[u8]| out.extend(message(&[Bytes(number, entry)]));
        for file in &self.mappings {
            put(1, &message(&[Varint(4, *file)]));
        }
        for (mapping, address, lines, attributes) in &self.locations {
            let mut entry = message(&[Varint(1, *mapping), Varint(2, *address)]);
            for (function, line) in lines {
                let line = message(&[Varint(1, *function), Varint(2, *line)]);
                entry.extend(message(&[Bytes(3, &line)]));
            }
            entry.extend(message(&[Bytes(4, &packed(attributes.iter().copied()))]));
            put(2, &entry);
        }
        for [name, file, line] in &self.functions {
            put(
                3,
                &message(&[Varint(1, *name), Varint(3, *file), Varint(4, *line)]),
            );
        }
        for span in &self.spans {
            let ids = [Bytes(1, &[0; 16]), Bytes(2, &span.to_be_bytes())];
            put(4, &message(&ids));
        }
        for text in &self.texts {
            put(5, text.as_bytes());
        }
        for (key, value, unit) in &self.attributes {
            let value = value.protobuf();
            put(
                6,
                &message(&[Varint(1, *key), Bytes(2, &value), Varint(3, *unit)]),
            );
        }
        for stack in &self.stacks {
            put(7, &message(&[Bytes(1, &packed(stack.iter().copied()))]));
        }
        out
    }

    /// Ids are hexadecimal digits, as OTLP wants it.
    pub(crate) fn json(&self) -> Value {
        let resources: Vec<Value> = self
            .resources
            .iter()
            .map(|(attributes, profiles)| {
                let attributes: Vec<Value> = attributes
                    .iter()
                    .map(|(key, value)| json!({ "key": key, "value": value.json() }))
                    .collect();
                let profiles: Vec<Value> = profiles.iter().map(Profile::json).collect();
                json!({
                    "resource": { "attributes": attributes },
                    "scopeProfiles": [{ "scope": { "name": "a test" }, "profiles": profiles }],
                    "schemaUrl": "https://example.com",
                })
            })
            .collect();
        let lines = |lines: &[(u64, u64)]| -> Vec<Value> {
            lines
                .iter()
                .map(|(function, line)| json!({ "functionIndex": function, "line": line.to_string() }))
                .collect()
        };
        json!({
            "resourceProfiles": resources,
            "dictionary": {
                "mappingTable": self.mappings.iter()
                    .map(|file| json!({ "filenameStrindex": file })).collect::<Vec<_>>(),
                "locationTable": self.locations.iter()
                    .map(|(mapping, address, at, attributes)| json!({
                        "mappingIndex": mapping,
                        "address": address.to_string(),
                        "lines": lines(at),
                        "attributeIndices": attributes,
                    })).collect::<Vec<_>>(),
                "functionTable": self.functions.iter()
                    .map(|[name, file, line]| json!({
                        "nameStrindex": name, "filenameStrindex": file, "startLine": line.to_string(),
                    })).collect::<Vec<_>>(),
                "linkTable": self.spans.iter()
                    .map(|span| json!({ "traceId": "0".repeat(32), "spanId": format!("{span:016x}") }))
                    .collect::<Vec<_>>(),
                "stringTable": self.texts,
                "attributeTable": self.attributes.iter()
                    .map(|(key, value, unit)| json!({
                        "keyStrindex": key, "value": value.json(), "unitStrindex": unit,
                    })).collect::<Vec<_>>(),
                "stackTable": self.stacks.iter()
                    .map(|stack| json!({ "locationIndices": stack })).collect::<Vec<_>>(),
            },
        })
    }
}

impl Profile {
    fn protobuf(&self) -> Vec<u8> {
        let kind = message(&[Varint(1, self.kind.0), Varint(2, self.kind.1)]);
        let mut out = message(&[Bytes(1, &kind)]);
        for sample in &self.samples {
            let times: Vec<u8> = sample
                .times
                .iter()
                .flat_map(|time| time.to_le_bytes())
                .collect();
            let entry = message(&[
                Varint(1, sample.stack),
                Bytes(2, &packed(sample.attributes.iter().copied())),
                Varint(3, sample.link),
                Bytes(4, &packed(sample.values.iter().copied())),
                Bytes(5, &times),
            ]);
            out.extend(message(&[Bytes(2, &entry)]));
        }
        out.extend(message(&[
            Fixed(3, self.start as u64),
            Varint(4, self.duration as u64),
            Bytes(7, &self.id),
        ]));
        out
    }

    fn json(&self) -> Value {
        let texts = |numbers: &[u64]| -> Vec<String> {
            numbers.iter().map(|number| number.to_string()).collect()
        };
        let samples: Vec<Value> = self
            .samples
            .iter()
            .map(|sample| {
                json!({
                    "stackIndex": sample.stack,
                    "attributeIndices": sample.attributes,
                    "linkIndex": sample.link,
                    "values": texts(&sample.values),
                    "timestampsUnixNano": texts(&sample.times),
                })
            })
            .collect();
        let id = self.id.iter().fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        json!({
            "sampleType": { "typeStrindex": self.kind.0, "unitStrindex": self.kind.1 },
            "samples": samples,
            "timeUnixNano": self.start.to_string(),
            "durationNano": self.duration.to_string(),
            "profileId": id,
        })
    }
}
