//! The word that stands at a place of a source, for names that a map leaves out.

use std::fs::canonicalize;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Position, nonblocking};

/// Larger sources are not looked into.
const MAX_SOURCE: u64 = 4 << 20;

/// A map may name any file. Only what an author writes functions in is opened, so that no map has words of other files told.
const SOURCES: [&str; 12] = [
    "astro", "cjs", "coffee", "cts", "js", "jsx", "mjs", "mts", "svelte", "ts", "tsx", "vue",
];

/// Where a file may have no end, or may never answer.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Words in front of a function that are not its name.
const NOT_NAMES: [&str; 13] = [
    "async", "class", "const", "default", "export", "function", "get", "let", "new", "return",
    "set", "static", "var",
];

/// The name at a place of a file that is not newer than `made`, its time of change in seconds: after a change other words
/// stand there.
pub(super) fn name_at(file: &str, place: Position, made: i64) -> Option<String> {
    let text = source_text(Path::new(file), made)?;
    let lines: Vec<&str> = text.lines().take(place.line as usize + 1).collect();
    let name = match word_in(lines.get(place.line as usize)?, place.column)? {
        "constructor" => class_around(&lines),
        word => Some(word).filter(|word| !NOT_NAMES.contains(word)),
    };
    name.map(str::to_owned)
}

/// The class whose constructor is on the last of these lines: it begins on that line, or on the nearest one above that is not
/// indented as far. Where another thing begins there, such as a class without a name, none is known.
fn class_around<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let (constructor, above) = lines.split_last()?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_outer = |line: &&&str| !line.trim().is_empty() && indent(line) < indent(constructor);
    class_on(constructor).or_else(|| class_on(above.iter().rev().find(is_outer)?))
}

/// The name of a class that a line begins with.
fn class_on(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for mark in ["export", "default", "declare", "abstract"] {
        rest = after_word(rest, mark).unwrap_or(rest);
    }
    let name = word_in(after_word(rest, "class")?, 0)?;
    (!matches!(name, "extends" | "implements")).then_some(name)
}

fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    rest.starts_with(char::is_whitespace)
        .then(|| rest.trim_start())
}

/// The text of a source. The file has to be one of bounded size with something in it, whatever its name leads to.
fn source_text(path: &Path, made: i64) -> Option<String> {
    let path = canonicalize(path).ok()?;
    let kind = path.extension()?.to_str()?;
    if !SOURCES.contains(&kind) || KERNEL.iter().any(|folder| path.starts_with(folder)) {
        return None;
    }
    let file = nonblocking::open(&path).ok()?;
    let about = file.metadata().ok()?;
    if !about.is_file() || !(1..=MAX_SOURCE).contains(&about.len()) || about.mtime() > made {
        return None;
    }
    let mut text = String::new();
    // Whatever is written to it meanwhile.
    file.take(MAX_SOURCE).read_to_string(&mut text).ok()?;
    Some(text)
}

fn word_in(line: &str, column: u32) -> Option<&str> {
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
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_where_no_name_goes_on() {
        let line = "é = '😀'; export const größe$1 = async (x) => x;";
        let at = |text: &str| line[..line.find(text).unwrap()].encode_utf16().count() as u32;
        assert_eq!(word_in(line, at("größe")), Some("größe$1"));
        assert_eq!(word_in(line, at("(x)")), None);
        assert_eq!(word_in(line, 900), None);
    }

    #[test]
    fn a_constructor_is_called_by_its_class() {
        let folder = Folder::new("classes");
        let text = "\
// class Comment
export default abstract class Shop<T> extends Base {
  make() {
    class Inner {
      constructor() {}
    }
    return class extends Inner {
      constructor() {}
    };
  }
  /**
   * class of customers
   */
  constructor(private x: number) {}
}
class One { constructor() {} }
const Named = class {
  constructor() {}
};
async function f() {}
";
        std::fs::write(folder.0.join("a.ts"), text).unwrap();
        let path = folder.0.join("a.ts");
        let named = |line: u32, word: &str| {
            let column = text.lines().nth(line as usize).unwrap().find(word).unwrap() as u32;
            name_at(path.to_str().unwrap(), Position { line, column }, i64::MAX)
        };
        for (line, expected) in [
            (4, Some("Inner")),
            (13, Some("Shop")),
            (15, Some("One")),
            // Classes without a name: that of another one is not theirs.
            (7, None),
            (17, None),
        ] {
            assert_eq!(named(line, "constructor").as_deref(), expected, "{line}");
        }
        assert_eq!(named(19, "async"), None);
        assert_eq!(named(19, "f()").as_deref(), Some("f"));
    }

    /// A folder of its own, gone at the end.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let name = format!("everflame-author-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        /// The word that begins a file's text.
        fn word(&self, name: &str, made: i64) -> Option<String> {
            let path = self.0.join(name);
            name_at(path.to_str().unwrap(), Position::default(), made)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_source_that_changed_after_the_map_says_nothing() {
        let folder = Folder::new("changed");
        std::fs::write(folder.0.join("a.ts"), "total = () => 1").unwrap();
        assert_eq!(folder.word("a.ts", i64::MAX).as_deref(), Some("total"));
        assert_eq!(folder.word("a.ts", 0), None);
        assert_eq!(folder.word("b.ts", i64::MAX), None);
    }

    #[test]
    fn only_sources_are_looked_into() {
        let folder = Folder::new("kinds");
        for name in ["secret", "id.pem", ".env", "a.mts"] {
            std::fs::write(folder.0.join(name), "word").unwrap();
        }
        let pipe = std::ffi::CString::new(folder.0.join("pipe.ts").to_str().unwrap()).unwrap();
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        for (name, target) in [
            ("environ.ts", "/proc/self/environ"),
            ("pagemap.ts", "/proc/self/pagemap"),
            ("zero.ts", "/dev/zero"),
            ("other.ts", "secret"),
            ("same.ts", "a.mts"),
        ] {
            std::os::unix::fs::symlink(target, folder.0.join(name)).unwrap();
        }
        for name in [
            "secret",
            "id.pem",
            ".env",
            "pipe.ts",
            "environ.ts",
            "pagemap.ts",
            "zero.ts",
            "other.ts",
        ] {
            assert_eq!(folder.word(name, i64::MAX), None, "{name}");
        }
        for name in ["a.mts", "same.ts"] {
            assert_eq!(folder.word(name, i64::MAX).as_deref(), Some("word"));
        }
        for path in ["/proc/self/environ", "/proc/self/pagemap", "/dev/zero"] {
            assert_eq!(name_at(path, Position::default(), i64::MAX), None, "{path}");
        }
    }
}
