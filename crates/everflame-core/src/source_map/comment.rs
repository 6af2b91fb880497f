//! Whose a `sourceMappingURL` comment is: ECMA-426 ("Extraction methods for JavaScript") wants no code behind it, and takes
//! `/*# … */` too. V8 takes the last `//#` wherever it stands: of files put together, that of another file.
//!
//! Read from the script's file. What was made at run time has another text there, or none, and then V8's word counts.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::nonblocking;

/// Bytes at the end of a file that are looked at.
const TAIL: u64 = 64 << 10;

/// Bytes by which the end of a long `data:` URL is found.
const END_OF_URL: usize = 64;

const KEY: &[u8] = b"sourceMappingURL=";

/// What a file's end says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comment<'a> {
    /// The last one, and nothing but comments behind it.
    Last { url: &'a [u8], is_block: bool },
    /// The last one, with code behind it.
    BeforeCode { url: &'a [u8] },
}

/// The end of a script's file; nothing where it cannot be read.
pub(super) fn tail(script: &Path) -> Vec<u8> {
    read_tail(script).unwrap_or_default()
}

fn read_tail(script: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = nonblocking::open(script)?;
    let about = file.metadata()?;
    let mut text = Vec::new();
    if about.is_file() {
        file.seek(SeekFrom::Start(about.len().saturating_sub(TAIL)))?;
        file.take(TAIL).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The last comment that names a map in the end of a text.
pub(super) fn last(text: &[u8]) -> Option<Comment<'_>> {
    let mut end = text.len();
    loop {
        let key = find_last(&text[..end], KEY)?;
        if let Some(is_block) = opening(&text[..key]) {
            let rest = &text[key + KEY.len()..];
            let (url, behind) = if is_block {
                let length = find(rest, b"*/")?;
                (&rest[..length], &rest[length + 2..])
            } else {
                rest.split_at(line_length(rest))
            };
            let url = url.trim_ascii();
            return Some(match has_code(behind) {
                true => Comment::BeforeCode { url },
                false => Comment::Last { url, is_block },
            });
        }
        end = key;
    }
}

/// Whether a text has code behind the last place that ends as this URL does.
pub(super) fn has_code_behind(text: &[u8], url: &[u8]) -> bool {
    let ending = &url[url.len().saturating_sub(END_OF_URL)..];
    let place = find_last(text, ending);
    place.is_some_and(|place| has_code(&text[place + ending.len()..]))
}

/// Whether `/*# ` or `//# ` is in front of a place; true for the first.
fn opening(text: &[u8]) -> Option<bool> {
    let text = text.strip_suffix(b" ").or(text.strip_suffix(b"\t"))?;
    let text = text.strip_suffix(b"#").or(text.strip_suffix(b"@"))?;
    match text {
        [.., b'/', b'/'] => Some(false),
        [.., b'/', b'*'] => Some(true),
        _ => None,
    }
}

fn has_code(mut text: &[u8]) -> bool {
    loop {
        text = text.trim_ascii_start();
        text = match text {
            [] => return false,
            [b'/', b'/', rest @ ..] => &rest[line_length(rest)..],
            [b'/', b'*', rest @ ..] => match find(rest, b"*/") {
                Some(length) => &rest[length + 2..],
                None => return true,
            },
            _ => return true,
        };
    }
}

/// Bytes up to the end of the line.
fn line_length(text: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    text.iter().position(is_end).unwrap_or(text.len())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn find_last(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    text.windows(part.len()).rposition(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<&str> {
        match last(text.as_bytes())? {
            Comment::Last { url, .. } => std::str::from_utf8(url).ok(),
            Comment::BeforeCode { .. } => None,
        }
    }

    #[test]
    fn the_last_comment_counts_with_nothing_but_comments_behind_it() {
        for (text, expected) in [
            ("a();\n//# sourceMappingURL=a.map", Some("a.map")),
            ("a();//# sourceMappingURL=a.map\r\n\n", Some("a.map")),
            (
                "//@ sourceMappingURL=a.map\n// b\n/* c\n */\n",
                Some("a.map"),
            ),
            ("/*# sourceMappingURL=a.map */", Some("a.map")),
            (
                "//# sourceMappingURL=a.map\n//# sourceMappingURL=b.map\n",
                Some("b.map"),
            ),
            (
                "//# sourceMappingURL=a.map\n//# debugId=1-2\n",
                Some("a.map"),
            ),
            ("//# sourceMappingURL=a.map\nb();\n", None),
            ("//# sourceMappingURL=a.map\n/* b */ b();\n", None),
            ("//# sourceMappingURL=a.map\n/* b", None),
            ("/*# sourceMappingURL=a.map */ b();", None),
            ("a('sourceMappingURL=');", None),
            ("//# sourceMappingURL=a.map\n'sourceMappingURL='", None),
            ("", None),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_url_is_found_by_its_end() {
        let url = format!("data:,{}", "x".repeat(1000));
        let short = &url.as_bytes()[900..];
        let text = |behind: &[u8]| [short, behind].concat();
        assert!(!has_code_behind(&text(b"\n// a\n"), url.as_bytes()));
        assert!(has_code_behind(&text(b"\na();\n"), url.as_bytes()));
        assert!(!has_code_behind(b"a();", url.as_bytes()), "another text");
        assert!(!has_code_behind(b"a();", b""));
    }
}
