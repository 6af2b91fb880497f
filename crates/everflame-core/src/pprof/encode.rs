//! Period and tables to bytes. Only what the period uses is written; ids are given in order of first use.

use pprof::protos::{Function, Label, Line, Location, Mapping, Sample, ValueType};
use prost::Message;
use prost::encoding;

use super::sink::{Encoding, EncodingError, Sink};
use crate::aggregate::{FrameId, Period, StackId, StringId, Tables};

/// A loaded file, for native frames.
#[derive(Debug, Default)]
pub struct MappingRow {
    pub start: u64,
    pub limit: u64,
    pub file_offset: u64,
    pub path: String,
    pub build_id: String,
}

/// Field numbers of `Profile` (profile.proto).
mod field {
    pub(super) const SAMPLE_TYPE: u32 = 1;
    pub(super) const SAMPLE: u32 = 2;
    pub(super) const MAPPING: u32 = 3;
    pub(super) const LOCATION: u32 = 4;
    pub(super) const FUNCTION: u32 = 5;
    pub(super) const STRING_TABLE: u32 = 6;
    pub(super) const TIME_NANOS: u32 = 9;
    pub(super) const DURATION_NANOS: u32 = 10;
    pub(super) const PERIOD_TYPE: u32 = 11;
    pub(super) const PERIOD: u32 = 12;
    pub(super) const COMMENT: u32 = 13;
    pub(super) const DEFAULT_SAMPLE_TYPE: u32 = 14;
}

const NO_ID: u32 = 0;

/// Dense ids from 1, in order of first use.
struct Ids {
    of: Vec<u32>,
    used: Vec<u32>,
}

impl Ids {
    fn new(length: usize) -> Ids {
        Ids {
            of: vec![NO_ID; length],
            used: Vec::new(),
        }
    }

    fn id(&mut self, row: u32) -> u64 {
        let id = &mut self.of[row as usize];
        if *id == NO_ID {
            self.used.push(row);
            *id = self.used.len() as u32;
        }
        u64::from(*id)
    }
}

/// Strings in the order of the profile's table: those of the tables that are used, and our own words.
struct Strings<'a> {
    tables: &'a Tables,
    ids: Vec<u32>,
    texts: Vec<&'a str>,
    extra: rustc_hash::FxHashMap<&'a str, i64>,
}

impl<'a> Strings<'a> {
    fn new(tables: &'a Tables) -> Strings<'a> {
        Strings {
            tables,
            ids: vec![0; tables.lengths()[0]],
            texts: vec![""],
            extra: [("", 0)].into_iter().collect(),
        }
    }

    fn id(&mut self, string: StringId) -> i64 {
        if string.0 == 0 {
            return 0;
        }
        let known = self.ids[string.0 as usize];
        if known != 0 {
            return i64::from(known);
        }
        let id = self.word(self.tables.text(string));
        self.ids[string.0 as usize] = id as u32;
        id
    }

    fn word(&mut self, text: &'a str) -> i64 {
        *self.extra.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() as i64 - 1
        })
    }
}

fn emit<M: Message>(
    sink: &mut Sink,
    buffer: &mut Vec<u8>,
    tag: u32,
    message: &M,
) -> std::io::Result<()> {
    buffer.clear();
    encoding::message::encode(tag, message, buffer);
    sink.write(buffer)
}

/// Which times a profile has beside the number of samples. One of the two at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub wall: bool,
    pub cpu: bool,
}

impl Times {
    /// Both.
    pub const ALL: Times = Times {
        wall: true,
        cpu: true,
    };

    /// The one that a profile is named after.
    fn first(self) -> &'static str {
        if self.wall { "wall" } else { "cpu" }
    }

    /// The one that is shown where nobody asks for another.
    fn default(self) -> &'static str {
        if self.cpu { "cpu" } else { "wall" }
    }
}

/// What a profile tells besides its samples.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// When the period ended, on the monotonic clock.
    pub end: u64,
    /// Nanoseconds between samples.
    pub interval: u64,
    /// Turns monotonic into Unix nanoseconds.
    pub realtime_offset: i64,
    /// For whoever reads the profile.
    pub comments: &'a [&'a str],
    pub times: Times,
}

/// Encodes a period.
///
/// # Errors
/// The compressor fails, which means memory is out.
pub fn encode(
    period: &Period,
    tables: &Tables,
    mappings: &[MappingRow],
    heading: &Heading<'_>,
    encoding: Encoding,
) -> Result<Vec<u8>, EncodingError> {
    let Heading {
        end,
        interval,
        realtime_offset,
        comments,
        times,
    } = *heading;
    let [_, functions, frames, _] = tables.lengths();
    let mut writer = Writer {
        sink: Sink::new(encoding)?,
        buffer: Vec::new(),
        tables,
        strings: Strings::new(tables),
        frame_ids: Ids::new(frames),
        function_ids: Ids::new(functions),
        mapping_ids: Ids::new(mappings.len()),
        realtime_offset,
        times,
    };
    for (kind, unit, is_there) in [
        ("sample", "count", true),
        ("wall", "nanoseconds", times.wall),
        ("cpu", "nanoseconds", times.cpu),
    ] {
        if !is_there {
            continue;
        }
        let kind = writer.value_type(kind, unit);
        emit(
            &mut writer.sink,
            &mut writer.buffer,
            field::SAMPLE_TYPE,
            &kind,
        )?;
    }
    writer.samples(period)?;
    writer.locations()?;
    writer.functions()?;
    writer.mappings(mappings)?;
    let period_type = writer.value_type(times.first(), "nanoseconds");
    emit(
        &mut writer.sink,
        &mut writer.buffer,
        field::PERIOD_TYPE,
        &period_type,
    )?;
    let default = writer.strings.word(times.default());
    let comments: Vec<i64> = comments
        .iter()
        .map(|text| writer.strings.word(text))
        .collect();
    writer.buffer.clear();
    encoding_string_table(&writer.strings.texts, &mut writer.buffer);
    let start = period.start as i64 + realtime_offset;
    encoding::int64::encode(field::TIME_NANOS, &start, &mut writer.buffer);
    let duration = end.saturating_sub(period.start) as i64;
    encoding::int64::encode(field::DURATION_NANOS, &duration, &mut writer.buffer);
    encoding::int64::encode(field::PERIOD, &(interval as i64), &mut writer.buffer);
    encoding::int64::encode_packed(field::COMMENT, &comments, &mut writer.buffer);
    encoding::int64::encode(field::DEFAULT_SAMPLE_TYPE, &default, &mut writer.buffer);
    writer.sink.write(&writer.buffer)?;
    Ok(writer.sink.finish()?)
}

fn encoding_string_table(texts: &[&str], buffer: &mut Vec<u8>) {
    for text in texts {
        encoding::encode_key(
            field::STRING_TABLE,
            encoding::WireType::LengthDelimited,
            buffer,
        );
        encoding::encode_varint(text.len() as u64, buffer);
        buffer.extend_from_slice(text.as_bytes());
    }
}

struct Writer<'a> {
    sink: Sink,
    buffer: Vec<u8>,
    tables: &'a Tables,
    strings: Strings<'a>,
    frame_ids: Ids,
    function_ids: Ids,
    mapping_ids: Ids,
    realtime_offset: i64,
    times: Times,
}

impl<'a> Writer<'a> {
    fn value_type(&mut self, kind: &'a str, unit: &'a str) -> ValueType {
        ValueType {
            ty: self.strings.word(kind),
            unit: self.strings.word(unit),
        }
    }

    fn samples(&mut self, period: &Period) -> std::io::Result<()> {
        let keys = ["thread name", "thread id", "os thread id"].map(|key| self.strings.word(key));
        let timestamp = self.strings.word("end_timestamp_ns");
        let labels: Vec<Vec<Label>> = period
            .threads
            .iter()
            .map(|thread| {
                [thread.name, thread.id, thread.os_id]
                    .into_iter()
                    .zip(keys)
                    .filter(|(value, _)| value.0 != 0)
                    .map(|(value, key)| Label {
                        key,
                        str: self.strings.id(value),
                        ..Label::default()
                    })
                    .collect()
            })
            .collect();
        let mut sample = Sample::default();
        let mut last: Option<StackId> = None;
        for entry in &period.entries {
            if !self.times.wall && entry.cpu == 0 {
                continue;
            }
            if last != Some(entry.stack) {
                sample.location_id.clear();
                let frames: &'a [FrameId] = self.tables.frames_of(entry.stack);
                sample
                    .location_id
                    .extend(frames.iter().map(|frame| self.frame_ids.id(frame.0)));
                last = Some(entry.stack);
            }
            sample.value.clear();
            sample.value.push(entry.count as i64);
            if self.times.wall {
                sample.value.push(entry.wall as i64);
            }
            if self.times.cpu {
                sample.value.push(entry.cpu as i64);
            }
            sample.label.clear();
            sample
                .label
                .extend_from_slice(&labels[entry.thread as usize]);
            if entry.time != 0 {
                sample.label.push(Label {
                    key: timestamp,
                    num: (entry.time as i64 + self.realtime_offset) & !(period.quantum as i64 - 1),
                    ..Label::default()
                });
            }
            emit(&mut self.sink, &mut self.buffer, field::SAMPLE, &sample)?;
        }
        Ok(())
    }

    fn locations(&mut self) -> std::io::Result<()> {
        for place in 0..self.frame_ids.used.len() {
            let row = self.tables.frame_row(FrameId(self.frame_ids.used[place]));
            let mapping_id = match row.module {
                0 => 0,
                module => self.mapping_ids.id(module - 1),
            };
            let location = Location {
                id: place as u64 + 1,
                mapping_id,
                address: row.address,
                line: vec![Line {
                    function_id: self.function_ids.id(row.function.0),
                    line: i64::from(row.line),
                }],
                is_folded: false,
            };
            emit(&mut self.sink, &mut self.buffer, field::LOCATION, &location)?;
        }
        Ok(())
    }

    fn functions(&mut self) -> std::io::Result<()> {
        for place in 0..self.function_ids.used.len() {
            let row = self
                .tables
                .function_row(crate::aggregate::FunctionId(self.function_ids.used[place]));
            let name = self.strings.id(row.name);
            let function = Function {
                id: place as u64 + 1,
                name,
                system_name: name,
                filename: self.strings.id(row.file),
                start_line: i64::from(row.start_line),
            };
            emit(&mut self.sink, &mut self.buffer, field::FUNCTION, &function)?;
        }
        Ok(())
    }

    fn mappings(&mut self, rows: &'a [MappingRow]) -> std::io::Result<()> {
        for place in 0..self.mapping_ids.used.len() {
            let row = &rows[self.mapping_ids.used[place] as usize];
            let mapping = Mapping {
                id: place as u64 + 1,
                memory_start: row.start,
                memory_limit: row.limit,
                file_offset: row.file_offset,
                filename: self.strings.word(&row.path),
                build_id: self.strings.word(&row.build_id),
                has_functions: true,
                ..Mapping::default()
            };
            emit(&mut self.sink, &mut self.buffer, field::MAPPING, &mapping)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use pprof::protos::Profile;

    use super::*;
    use crate::aggregate::{FrameRow, FunctionRow, Share, ThreadLabels};

    fn period(timeline: bool) -> (Tables, Period) {
        let mut tables = Tables::new();
        let name = tables.string("handle \"quoted\" \u{1F525}");
        let file = tables.string("/srv/app.js");
        let unused = tables.string("unused");
        tables.function(FunctionRow {
            name: unused,
            file: unused,
            start_line: 1,
        });
        let function = tables.function(FunctionRow {
            name,
            file,
            start_line: 10,
        });
        let leaf = tables.frame(FrameRow {
            function,
            line: 12,
            module: 0,
            address: 0,
            generated: 0,
        });
        let root = tables.frame(FrameRow {
            function,
            line: 0,
            module: 2,
            address: 0x5000,
            generated: 0,
        });
        let stack = tables.stack(&[leaf, root]);
        let labels = ThreadLabels {
            name: tables.string("Main Event Loop"),
            id: tables.string("0"),
            os_id: StringId(0),
        };
        let mut period = Period::new(1_000, timeline, 10_000_000);
        for turn in 1..=1999u64 {
            let share = Share {
                stack,
                time: 1_000 + turn,
                count: 1,
                wall: 7,
                cpu: 3,
            };
            period.add(labels, &share, false);
        }
        period.finish(&tables);
        (tables, period)
    }

    fn rows() -> Vec<MappingRow> {
        ["/bin/unused", "/bin/node"]
            .map(|path| MappingRow {
                start: 0x4000,
                limit: 0x8000,
                file_offset: 0,
                path: path.to_owned(),
                build_id: "abcd".to_owned(),
            })
            .into()
    }

    fn decode(bytes: &[u8], encoding: Encoding) -> Profile {
        let mut plain = Vec::new();
        match encoding {
            Encoding::Gzip => {
                flate2::read::GzDecoder::new(bytes)
                    .read_to_end(&mut plain)
                    .unwrap();
            }
            Encoding::Zstd => plain = zstd::stream::decode_all(bytes).unwrap(),
            Encoding::Identity => plain = bytes.to_vec(),
        }
        Profile::decode(&plain[..]).unwrap()
    }

    fn heading<'a>(comments: &'a [&'a str]) -> Heading<'a> {
        Heading {
            end: 5_000,
            interval: 10,
            realtime_offset: 1_000_000,
            comments,
            times: Times::ALL,
        }
    }

    #[test]
    fn a_time_that_is_not_asked_for_is_not_there() {
        let (tables, mut period) = period(true);
        // All but these slept.
        for (number, entry) in (0..).zip(&mut period.entries) {
            entry.cpu = if number < 7 { 3 } else { 0 };
        }
        for (times, names, samples) in [
            (
                Times {
                    wall: true,
                    cpu: false,
                },
                ["sample", "wall"],
                1999,
            ),
            (
                Times {
                    wall: false,
                    cpu: true,
                },
                ["sample", "cpu"],
                7,
            ),
        ] {
            let heading = Heading {
                times,
                ..heading(&[])
            };
            let bytes = encode(&period, &tables, &rows(), &heading, Encoding::Identity).unwrap();
            let profile = decode(&bytes, Encoding::Identity);
            let text = |id: i64| profile.string_table[id as usize].as_str();
            let types: Vec<&str> = profile
                .sample_type
                .iter()
                .map(|kind| text(kind.ty))
                .collect();
            assert_eq!(types, names);
            assert_eq!(text(profile.period_type.unwrap().ty), names[1]);
            assert_eq!(text(profile.default_sample_type), names[1]);
            assert_eq!(profile.sample.len(), samples);
            assert!(profile.sample.iter().all(|sample| sample.value.len() == 2));
        }
    }

    #[test]
    fn every_encoding_decodes_to_the_same_totals() {
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Identity] {
            for timeline in [true, false] {
                let (tables, period) = period(timeline);
                let bytes = encode(&period, &tables, &rows(), &heading(&[]), encoding).unwrap();
                let profile = decode(&bytes, encoding);
                assert_eq!(profile.sample.len(), if timeline { 1999 } else { 1 });
                let totals: Vec<i64> = (0..3)
                    .map(|value| profile.sample.iter().map(|s| s.value[value]).sum())
                    .collect();
                assert_eq!(totals, [1999, 1999 * 7, 1999 * 3]);
                assert_eq!(profile.time_nanos, 1_001_000);
                assert_eq!(profile.duration_nanos, 4_000);
            }
        }
    }

    #[test]
    fn what_is_not_used_is_not_written_and_what_is_used_is_whole() {
        let (tables, period) = period(true);
        let bytes = encode(
            &period,
            &tables,
            &rows(),
            &heading(&["a comment"]),
            Encoding::Identity,
        )
        .unwrap();
        let profile = decode(&bytes, Encoding::Identity);
        let text = |id: i64| profile.string_table[id as usize].as_str();
        assert_eq!(profile.string_table[0], "");
        assert!(!profile.string_table.iter().any(|s| s.contains("unused")));
        let comments: Vec<&str> = profile.comment.iter().map(|id| text(*id)).collect();
        assert_eq!(comments, ["a comment"]);
        assert_eq!(profile.function.len(), 1);
        assert_eq!(
            text(profile.function[0].name),
            "handle \"quoted\" \u{1F525}"
        );
        assert_eq!(profile.function[0].start_line, 10);
        assert_eq!(profile.location[0].line[0].line, 12);
        assert_eq!(profile.mapping.len(), 1);
        assert_eq!(profile.location[1].mapping_id, 1);
        assert_eq!(text(profile.mapping[0].build_id), "abcd");
        let sample = &profile.sample[0];
        assert_eq!(sample.location_id, [1, 2]);
        let quantum = period.quantum as i64;
        let labels: Vec<_> = sample
            .label
            .iter()
            .map(|label| (text(label.key), text(label.str), label.num))
            .collect();
        assert_eq!(
            labels,
            [
                ("thread name", "Main Event Loop", 0),
                ("thread id", "0", 0),
                ("end_timestamp_ns", "", 1_001_001 / quantum * quantum)
            ]
        );
        let types: Vec<_> = profile
            .sample_type
            .iter()
            .map(|kind| (text(kind.ty), text(kind.unit)))
            .collect();
        assert_eq!(
            types,
            [
                ("sample", "count"),
                ("wall", "nanoseconds"),
                ("cpu", "nanoseconds")
            ]
        );
    }
}
