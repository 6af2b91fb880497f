//! The word that stands at a place of a source, for names that a map leaves out.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Position;

/// Larger sources are not looked into.
const MAX_SOURCE: u64 = 4 << 20;

/// Words in front of a function that are not its name.
const NOT_NAMES: [&str; 14] = [
    "async",
    "class",
    "const",
    "constructor",
    "default",
    "export",
    "function",
    "get",
    "let",
    "new",
    "return",
    "set",
    "static",
    "var",
];

/// The name at a place of a file that is not newer than `made`, its time of change in seconds: after a change other words
/// stand there.
pub(super) fn name_at(file: &str, place: Position, made: i64) -> Option<String> {
    let path = Path::new(file);
    let about = fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > MAX_SOURCE || about.mtime() > made {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().nth(place.line as usize)?;
    name_in(line, place.column).map(str::to_owned)
}

fn name_in(line: &str, column: u32) -> Option<&str> {
    let mut units = 0;
    let (start, _) = line.char_indices().find(|(_, letter)| {
        let here = units == column;
        units += letter.len_utf16() as u32;
        here
    })?;
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#');
    let rest = &line[start..];
    let name = &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())];
    let is_name = name.starts_with(|letter: char| is_part(letter) && !letter.is_numeric());
    (is_name && !NOT_NAMES.contains(&name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_where_no_name_goes_on() {
        let line = "é = '😀'; export const größe$1 = async (x) => x;";
        let at = |text: &str| line[..line.find(text).unwrap()].encode_utf16().count() as u32;
        assert_eq!(name_in(line, at("größe")), Some("größe$1"));
        assert_eq!(name_in(line, at("async")), None);
        assert_eq!(name_in(line, at("(x)")), None);
        assert_eq!(name_in(line, 900), None);
    }

    #[test]
    fn a_source_that_changed_after_the_map_says_nothing() {
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
        let place = Position { line: 2, column: 8 };
        assert_eq!(name_at(own, place, i64::MAX).as_deref(), Some("aggregate"));
        assert_eq!(name_at(own, place, 0), None);
        assert_eq!(name_at("/not/there.ts", place, i64::MAX), None);
    }
}
