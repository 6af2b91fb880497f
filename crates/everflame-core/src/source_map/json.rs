//! From the text of a source map to the table that lookups need. Texts and lists that are not needed are skipped, not kept.

use std::io::{BufReader, Read};

use oxc_sourcemap::{JSONSourceMap, SourceMap};
use serde::Deserialize;

use super::Position;
use super::bounded::{Bounded, Text};
use super::sources::{Base, Sources};
use super::table::{Names, OriginalPlace, Segment, Table};

/// Most segments of a map: a bundle of about 60 MB, for which the parser takes 48 MB for a moment.
const MAX_SEGMENTS: usize = 2_000_000;
const MAX_NAMES: usize = 1_000_000;
const MAX_SOURCES: usize = 100_000;
const MAX_SECTIONS: usize = 10_000;

/// A longer source is no path of this machine (PATH_MAX). It would stand in every profile.
const MAX_SOURCE_BYTES: usize = 4096;

/// No author has a longer name.
const MAX_NAME_BYTES: usize = 1024;

/// Index maps in index maps; no tool makes one.
const MAX_DEPTH: u32 = 4;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawMap {
    /// A number; some old tools write it as a text.
    version: Text,
    file: Text,
    source_root: Text,
    sources: Bounded<Text, MAX_SOURCES>,
    names: Bounded<Text, MAX_NAMES>,
    mappings: Text,
    sections: Option<Bounded<RawSection, MAX_SECTIONS>>,
}

#[derive(Deserialize)]
struct RawSection {
    offset: RawOffset,
    /// One that names a URL instead is not followed.
    map: Option<Box<RawMap>>,
}

#[derive(Clone, Copy, Deserialize)]
struct RawOffset {
    line: u32,
    column: u32,
}

/// A map as it was read.
pub(super) struct Parsed {
    /// The name of the generated file, where the map has one.
    pub(super) file: Option<String>,
    pub(super) table: Table,
}

/// Reads a map. Its sources are found from `base`.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(super) fn parse(reader: impl Read, base: Base) -> Result<Parsed, String> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    skip_guard(&mut reader).map_err(|error| format!("it cannot be read: {error}"))?;
    let map: RawMap = serde_json::from_reader(reader).map_err(|error| {
        if error.is_io() {
            format!("it cannot be read: {error}")
        } else {
            format!("it is no source map: {error}")
        }
    })?;
    let mut builder = Builder {
        segments: Vec::new(),
        sources: Sources::new(base),
        names: Names::default(),
    };
    let file = map.file.0.clone();
    builder.add(map, Position::default(), 0)?;
    let Builder {
        segments,
        sources,
        mut names,
    } = builder;
    names.shrink();
    Ok(Parsed {
        file,
        table: Table::new(segments, sources, names),
    })
}

/// A server may put `)]}'` and a line feed before a map, so that a page cannot run it (ECMA-426, "fetching"); an editor,
/// a byte order mark.
fn skip_guard(reader: &mut BufReader<impl Read>) -> std::io::Result<()> {
    use std::io::BufRead;
    let start = reader.fill_buf()?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    } else if start.starts_with(b")]}") {
        reader.skip_until(b'\n')?;
    }
    Ok(())
}

struct Builder {
    segments: Vec<Segment>,
    sources: Sources,
    names: Names,
}

impl Builder {
    /// Adds a map whose text begins at `offset`.
    fn add(&mut self, map: RawMap, offset: Position, depth: u32) -> Result<(), String> {
        if map.version.0.as_deref() != Some("3") {
            return Err("its version is not 3".to_owned());
        }
        if let Some(Bounded(sections)) = map.sections {
            if depth == MAX_DEPTH {
                return Err(format!(
                    "its sections are nested more than {MAX_DEPTH} deep"
                ));
            }
            for section in sections {
                let start = moved(
                    Position {
                        line: section.offset.line,
                        column: section.offset.column,
                    },
                    offset,
                );
                // What comes before its first segment is not the section's before it.
                self.segments.push(Segment {
                    generated: start,
                    original: None,
                });
                if let Some(map) = section.map {
                    self.add(*map, start, depth + 1)?;
                }
            }
            return Ok(());
        }
        let mappings = map.mappings.0.ok_or("it has no mappings")?;
        let most = mappings
            .bytes()
            .filter(|byte| matches!(byte, b',' | b';'))
            .count();
        if most + self.segments.len() > MAX_SEGMENTS {
            return Err(format!("it has more than {MAX_SEGMENTS} segments"));
        }
        let (first_source, first_name) = (self.sources.len(), self.names.len());
        let root = map.source_root.0.unwrap_or_default();
        let root = within(&root, MAX_SOURCE_BYTES);
        let sources = map.sources.0.len();
        for source in &map.sources.0 {
            let source = source.0.as_deref();
            let source = root.and(source.and_then(|source| within(source, MAX_SOURCE_BYTES)));
            self.sources.push(root.unwrap_or_default(), source);
        }
        let names = map.names.0.len();
        for name in &map.names.0 {
            let name = name.0.as_deref();
            let name = name.and_then(|name| within(name, MAX_NAME_BYTES));
            self.names.push(name.unwrap_or_default());
        }
        if self.sources.len() as usize > MAX_SOURCES || self.names.len() as usize > MAX_NAMES {
            return Err("its sections have too many sources or names".to_owned());
        }
        // Of sources and names the parser needs to know only how many there are.
        let decoded = SourceMap::from_json(JSONSourceMap {
            version: 3,
            file: None,
            mappings,
            source_root: None,
            sources: vec![String::new(); sources],
            sources_content: None,
            names: vec![String::new(); names],
            debug_id: None,
            x_google_ignore_list: None,
        })
        .map_err(|error| format!("its mappings cannot be read: {error}"))?;
        self.segments
            .extend(decoded.get_tokens().map(|token| Segment {
                generated: moved(
                    Position {
                        line: token.get_dst_line(),
                        column: token.get_dst_col(),
                    },
                    offset,
                ),
                original: token.get_source_id().map(|source| OriginalPlace {
                    source: first_source + source,
                    position: Position {
                        line: token.get_src_line(),
                        column: token.get_src_col(),
                    },
                    name: token.get_name_id().map(|name| first_name + name),
                }),
            }));
        Ok(())
    }
}

/// A text that is not longer than it may be; a longer one is as good as none.
fn within(text: &str, most: usize) -> Option<&str> {
    (text.len() <= most).then_some(text)
}

/// A place of a text that begins at `offset`. The columns of its first line are moved too.
fn moved(place: Position, offset: Position) -> Position {
    Position {
        line: place.line.saturating_add(offset.line),
        column: match place.line {
            0 => place.column.saturating_add(offset.column),
            _ => place.column,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<Parsed, String> {
        parse(json.as_bytes(), Base::default())
    }

    fn refused(json: &str) -> String {
        parsed(json).map(drop).unwrap_err()
    }

    /// Source and 1-based line of the author's text behind a place.
    fn found(parsed: &Parsed, line: u32, column: u32) -> Option<(u32, u32)> {
        let (segment, _) = parsed.table.around(Position { line, column });
        let original = segment?.original?;
        Some((original.source, original.position.line + 1))
    }

    #[test]
    fn a_map_is_read_with_whatever_a_tool_puts_around_it() {
        let map = r#"{"version":3,"file":"out.js","sources":["a.ts",null],"sourcesContent":["x",null],"names":["f",7],
            "mappings":"AAAAA,SCEIC;;A","x_other":{"deep":[1,2.5e3,{}]}}"#;
        for text in [
            map.to_owned(),
            format!(")]}}'\n{map}"),
            format!("\u{feff}{map}"),
        ] {
            let parsed = parsed(&text).unwrap();
            assert_eq!(parsed.file.as_deref(), Some("out.js"));
            assert_eq!(found(&parsed, 0, 3), Some((0, 1)));
            assert_eq!(found(&parsed, 0, 9), Some((1, 3)));
            assert_eq!(found(&parsed, 1, 0), None);
            assert_eq!(found(&parsed, 2, 0), None, "from nowhere");
        }
    }

    #[test]
    fn sections_have_their_own_sources_and_places() {
        let section = |line, column, map: &str| {
            format!(r#"{{"offset":{{"line":{line},"column":{column}}},"map":{map}}}"#)
        };
        let map = |source: &str, mappings: &str| {
            format!(r#"{{"version":3,"sources":["{source}"],"names":[],"mappings":"{mappings}"}}"#)
        };
        let json = format!(
            r#"{{"version":3,"sections":[{},{},{}]}}"#,
            section(0, 0, &map("a", "AAAA;AAAA")),
            section(1, 10, &map("b", "CAEA;AACA")),
            r#"{"offset":{"line":5,"column":0},"url":"http://elsewhere/x.map"}"#,
        );
        let parsed = parsed(&json).unwrap();
        assert_eq!(found(&parsed, 1, 9), Some((0, 1)));
        assert_eq!(found(&parsed, 1, 10), None, "before the section's first");
        assert_eq!(found(&parsed, 1, 11), Some((1, 3)));
        assert_eq!(
            found(&parsed, 2, 0),
            Some((1, 4)),
            "columns are the first line's"
        );
        assert_eq!(found(&parsed, 5, 0), None);
    }

    #[test]
    fn what_is_no_map_is_refused_in_words() {
        for (json, reason) in [
            ("", "it is no source map: EOF"),
            (r#"{"version":3,"mappings":"AA"#, "it is no source map: EOF"),
            (r#"{"version":2,"mappings":""}"#, "its version is not 3"),
            (r#"{"mappings":""}"#, "its version is not 3"),
            (r#"{"version":3}"#, "it has no mappings"),
            (
                r#"{"version":3,"sources":{},"mappings":""}"#,
                "it is no source map: ",
            ),
            (
                r#"{"version":3,"sources":[],"mappings":"AAAA"}"#,
                "its mappings cannot be read: ",
            ),
            (
                r#"{"version":3,"sources":["a"],"mappings":"A!"}"#,
                "its mappings cannot be read: ",
            ),
            (
                r#"{"version":3,"sources":["a"],"mappings":"DAAA"}"#,
                "its mappings cannot be read: ",
            ),
        ] {
            let error = refused(json);
            assert!(error.starts_with(reason), "{json}: {error}");
        }
    }

    #[test]
    fn numbers_without_end_are_refused_and_large_ones_lead_nowhere() {
        let json = |mappings: &str| {
            format!(r#"{{"version":3,"sources":["a"],"names":[],"mappings":"{mappings}"}}"#)
        };
        assert!(parsed(&json(&"g".repeat(1000))).is_err());
        if let Ok(parsed) = parsed(&json("+/////DAAA,+/////DAAA")) {
            assert_eq!(found(&parsed, 0, 0), None);
        }
    }

    #[test]
    fn a_text_longer_than_any_real_one_is_none() {
        let json = |root: usize, source: usize, name: usize| {
            let text = |length: usize| "x".repeat(length);
            format!(
                r#"{{"version":3,"sourceRoot":"{}","sources":["{}","b"],"names":["{}","f"],"mappings":"AAAAA;ACAAC"}}"#,
                text(root),
                text(source),
                text(name)
            )
        };
        let shown = |parsed: &Parsed, number: u32| parsed.table.sources.shown(number).is_some();
        let kept = parsed(&json(4096, 4096, 1024)).unwrap();
        assert!(shown(&kept, 0) && shown(&kept, 1));
        assert_eq!(kept.table.names.get(0).map(str::len), Some(1024));
        let cut = parsed(&json(1, 4097, 1025)).unwrap();
        assert!(!shown(&cut, 0) && shown(&cut, 1));
        assert_eq!(cut.table.names.get(0), None);
        assert_eq!(cut.table.names.get(1), Some("f"));
        let rootless = parsed(&json(4097, 1, 1)).unwrap();
        assert!(!shown(&rootless, 0) && !shown(&rootless, 1));
    }

    #[test]
    fn too_much_of_anything_is_refused() {
        let many = ";".repeat(MAX_SEGMENTS + 1);
        let error = refused(&format!(
            r#"{{"version":3,"sources":[],"mappings":"{many}"}}"#
        ));
        assert_eq!(error, "it has more than 2000000 segments");
        let names = "\"\",".repeat(MAX_NAMES) + "\"\"";
        let error = refused(&format!(
            r#"{{"version":3,"names":[{names}],"mappings":""}}"#
        ));
        assert!(
            error.contains("a list of more than 1000000 elements"),
            "{error}"
        );
        let nested = (0..5).fold(r#"{"version":3,"mappings":""}"#.to_owned(), |map, _| {
            format!(
                r#"{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{map}}}]}}"#
            )
        });
        assert_eq!(refused(&nested), "its sections are nested more than 4 deep");
        let endless =
            r#"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":"#.repeat(100_000);
        assert!(refused(&endless).starts_with("it is no source map: recursion limit"));
    }
}
