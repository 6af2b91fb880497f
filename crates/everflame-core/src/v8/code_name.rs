//! V8's names of code, taken apart: `JS:<marks><function> <script>:<line>:<column>`, `Builtin:…` and so on.

use percent_encoding::percent_decode_str;

use super::code_event::CodeType;

/// What a frame is. All tiers of a JavaScript function are one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    JavaScript,
    /// A function of the language, or an internal routine, compiled into V8.
    Builtin,
    /// The interpreter at work on one bytecode.
    BytecodeHandler,
    RegExp,
    WebAssembly,
    /// Glue between kinds of code.
    Stub,
    Other,
}

/// A function as a profile shows it. Interned: the same function is the same `Arc` within a code map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsFunction {
    pub name: Box<str>,
    /// The script's path or name as V8 knows it, `file://` URLs as paths; empty for code without a script.
    pub file: Box<str>,
    /// 1-based; 0 when not known.
    pub start_line: u32,
    /// 1-based; 0 when not known.
    pub start_column: u32,
    pub kind: FunctionKind,
}

impl JsFunction {
    /// The same function under the name that its source gives itself. Native functions have none.
    pub(super) fn in_file(self, url: &str) -> JsFunction {
        match self.kind {
            FunctionKind::JavaScript => JsFunction {
                file: readable_file(url).into(),
                ..self
            },
            _ => self,
        }
    }
}

/// The compiler that made a JavaScript function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Ignition,
    Sparkplug,
    Maglev,
    TurboFan,
}

/// Tags of code that stems from JavaScript source.
const SOURCE_TAGS: [&str; 5] = ["JS:", "Function:", "LazyCompile:", "Script:", "Eval:"];

/// The tier of JavaScript code by its name.
pub(super) fn tier(name: &[u8]) -> Option<Tier> {
    let rest = SOURCE_TAGS
        .iter()
        .find_map(|tag| name.strip_prefix(tag.as_bytes()))?;
    marks(rest).0
}

/// Tier, and what follows the marks: `o` (compiled in a loop), the tier, `'` (bound to one context).
fn marks(text: &[u8]) -> (Option<Tier>, &[u8]) {
    let of = |mark: Option<&u8>| match mark {
        Some(b'~') => Some(Tier::Ignition),
        Some(b'^') => Some(Tier::Sparkplug),
        Some(b'+') => Some(Tier::Maglev),
        Some(b'*') => Some(Tier::TurboFan),
        _ => None,
    };
    let (tier, mut length) = match (of(text.first()), text.first(), of(text.get(1))) {
        (Some(tier), ..) => (tier, 1),
        (None, Some(b'o'), Some(tier)) => (tier, 2),
        _ => return (None, text),
    };
    if text.get(length) == Some(&b'\'') {
        length += 1;
    }
    (Some(tier), &text[length..])
}

/// The function behind a code event. `script` is its script's name, if known.
pub(super) fn function(name: &[u8], code_type: CodeType, script: Option<&str>) -> JsFunction {
    if code_type == CodeType::WebAssembly {
        return unplaced(
            FunctionKind::WebAssembly,
            wasm_function(&String::from_utf8_lossy(name)),
        );
    }
    for tag in SOURCE_TAGS {
        if let Some(rest) = name.strip_prefix(tag.as_bytes()) {
            return source_function(&String::from_utf8_lossy(marks(rest).1), script);
        }
    }
    let name = String::from_utf8_lossy(name);
    if let Some(rest) = name.strip_prefix("RegExp") {
        return unplaced(FunctionKind::RegExp, &regular_expression(rest));
    }
    let (kind, name) = match name.split_once(':') {
        Some(("Builtin", rest)) => (FunctionKind::Builtin, rest),
        Some(("BytecodeHandler", rest)) => (FunctionKind::BytecodeHandler, rest),
        Some(("Stub" | "Handler", rest)) => (FunctionKind::Stub, rest),
        _ => (FunctionKind::Other, &*name),
    };
    unplaced(kind, if name.is_empty() { "(unnamed)" } else { name })
}

/// The name in V8's `JS:<name>-<index>-<compiler>`.
fn wasm_function(name: &str) -> &str {
    let name = name.strip_prefix("JS:").unwrap_or(name);
    let cut = |name: &str| -> Option<usize> {
        let (rest, compiler) = name.rsplit_once('-')?;
        let (rest, index) = rest.rsplit_once('-')?;
        let is_index = !index.is_empty() && index.bytes().all(|digit| digit.is_ascii_digit());
        (is_index && ["liftoff", "turbofan"].contains(&compiler)).then_some(rest.len())
    };
    cut(name).map_or(name, |end| &name[..end])
}

/// A function without a place in a script.
fn unplaced(kind: FunctionKind, name: &str) -> JsFunction {
    JsFunction {
        name: name.into(),
        file: Box::default(),
        start_line: 0,
        start_column: 0,
        kind,
    }
}

/// V8 up to 12 writes `:<source>`, later ones `.> src: '<source>' flags: '<flags>'` (`.<` for two-byte subjects).
fn regular_expression(rest: &str) -> String {
    /// A pattern can be as long as a program; a frame's name should not.
    const LONGEST: usize = 100;
    let (source, flags) = rest
        .split_once(" src: '")
        .and_then(|(_, rest)| rest.strip_suffix('\'')?.rsplit_once("' flags: '"))
        .unwrap_or((rest.trim_start_matches([':', '.']), ""));
    let mut shown: String = source.chars().take(LONGEST).collect();
    if shown.len() < source.len() {
        shown.push('…');
    }
    format!("RegExp: /{shown}/{flags}")
}

/// From `<function> <script>:<line>:<column>`.
fn source_function(text: &str, script: Option<&str>) -> JsFunction {
    let (place, line, column) = position(text);
    let (name, file) = split(place, script);
    let name = match (name, line) {
        ("", 0) => "(anonymous)".into(),
        ("", _) => format!("(anonymous:L#{line}:C#{column})").into(),
        (name, _) => name.into(),
    };
    JsFunction {
        name,
        file: readable_file(file).into(),
        start_line: line,
        start_column: column,
        kind: FunctionKind::JavaScript,
    }
}

/// Cuts `:<line>:<column>` off the end; zeroes when there is none.
fn position(text: &str) -> (&str, u32, u32) {
    let cut = |text: &str| -> Option<(usize, u32)> {
        let (rest, number) = text.rsplit_once(':')?;
        Some((rest.len(), number.parse().ok()?))
    };
    match cut(text) {
        Some((end, column)) => match cut(&text[..end]) {
            Some((start, line)) => (&text[..start], line, column),
            None => (text, 0, 0),
        },
        None => (text, 0, 0),
    }
}

/// Function and script. Both may contain blanks: the script's own name decides, else how scripts are named.
fn split<'a>(place: &'a str, script: Option<&str>) -> (&'a str, &'a str) {
    if let Some(script) = script.filter(|script| !script.is_empty())
        && place.ends_with(script)
    {
        let file = place.len() - script.len();
        return (place[..file].trim_end(), &place[file..]);
    }
    const BEGINNINGS: [&str; 6] = [" /", " file:", " node:", " evalmachine", " data:", " wasm:"];
    let at = BEGINNINGS
        .iter()
        .filter_map(|beginning| place.find(beginning))
        .min()
        .or_else(|| place.rfind(' '));
    match at {
        Some(at) => (&place[..at], &place[at + 1..]),
        None => (place, ""),
    }
}

/// A script's name as people write it.
fn readable_file(file: &str) -> String {
    if file.is_empty() {
        return "(eval)".to_owned();
    }
    match file.strip_prefix("file://") {
        Some(path) => match percent_decode_str(path).decode_utf8() {
            Ok(path) => path.into_owned(),
            // What is not UTF-8 after decoding was not meant to be decoded.
            Err(_) => path.to_owned(),
        },
        None => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn js(name: &str, script: Option<&str>) -> (String, String, u32, u32) {
        let function = function(name.as_bytes(), CodeType::Machine, script);
        assert_eq!(function.kind, FunctionKind::JavaScript);
        (
            function.name.into(),
            function.file.into(),
            function.start_line,
            function.start_column,
        )
    }

    fn is(name: &str, file: &str, line: u32, column: u32) -> (String, String, u32, u32) {
        (name.into(), file.into(), line, column)
    }

    #[test]
    fn marks_are_no_part_of_the_name() {
        for (mark, expected) in [
            ("~", Tier::Ignition),
            ("^", Tier::Sparkplug),
            ("+'", Tier::Maglev),
            ("*", Tier::TurboFan),
            ("*'", Tier::TurboFan),
            ("o+", Tier::Maglev),
            ("o*'", Tier::TurboFan),
        ] {
            let name = format!("JS:{mark}once /a.js:3:17");
            assert_eq!(tier(name.as_bytes()), Some(expected), "{name}");
            assert_eq!(js(&name, None), is("once", "/a.js", 3, 17), "{name}");
        }
        assert_eq!(tier(b"Builtin:ArrayMap"), None);
        assert_eq!(js("JS:once /a.js:3:17", None), is("once", "/a.js", 3, 17));
    }

    #[test]
    fn blanks_in_function_and_script_are_kept() {
        let name = "JS:~get my value /srv/my app/a b.js:10:2";
        assert_eq!(
            js(name, Some("/srv/my app/a b.js")),
            is("get my value", "/srv/my app/a b.js", 10, 2)
        );
        assert_eq!(
            js(name, None),
            is("get my value", "/srv/my app/a b.js", 10, 2)
        );
        assert_eq!(js("JS:~a b c:d:1:2", Some("b c:d")), is("a", "b c:d", 1, 2));
        assert_eq!(
            js("JS:~set x node:internal/x:1:2", None),
            is("set x", "node:internal/x", 1, 2)
        );
    }

    #[test]
    fn anonymous_functions_are_named_by_their_place() {
        assert_eq!(
            js("JS:~ /a.js:7:21", Some("/a.js")),
            is("(anonymous:L#7:C#21)", "/a.js", 7, 21)
        );
    }

    #[test]
    fn code_without_a_script_is_eval() {
        assert_eq!(js("JS:~made :1:20", None), is("made", "(eval)", 1, 20));
        assert_eq!(
            js("JS:~ :1:1", None),
            is("(anonymous:L#1:C#1)", "(eval)", 1, 1)
        );
    }

    #[test]
    fn file_urls_become_paths() {
        assert_eq!(
            js("JS:*f file:///srv/a%20b/%C3%A9%zz.mjs:1:2", None),
            is("f", "/srv/a b/é%zz.mjs", 1, 2)
        );
        assert_eq!(js("JS:*f file:///a%ff:1:2", None), is("f", "/a%ff", 1, 2));
    }

    #[test]
    fn other_code_has_a_readable_name() {
        let read = |name: &str, code_type| {
            let function = function(name.as_bytes(), code_type, None);
            (function.kind, function.name.into_string())
        };
        assert_eq!(
            read("Builtin:ArrayMap", CodeType::Machine),
            (FunctionKind::Builtin, "ArrayMap".into())
        );
        assert_eq!(
            read("BytecodeHandler:Add", CodeType::Machine),
            (FunctionKind::BytecodeHandler, "Add".into())
        );
        for (name, expected) in [
            ("RegExp:a+:b", "RegExp: /a+:b/"),
            ("RegExp.> src: 'it's' flags: 'gi'", "RegExp: /it's/gi"),
            ("RegExp.< src: '' flags: ''", "RegExp: //"),
        ] {
            assert_eq!(
                read(name, CodeType::Machine),
                (FunctionKind::RegExp, expected.into())
            );
        }
        let long = format!("RegExp:{}", "é".repeat(500));
        assert_eq!(
            read(&long, CodeType::Machine).1,
            format!("RegExp: /{}…/", "é".repeat(100))
        );
        for (name, expected) in [
            ("mul", "mul"),
            ("JS:mul-3-liftoff", "mul"),
            ("JS:wasm-function[12]-12-turbofan", "wasm-function[12]"),
            ("JS:a-b-liftoff", "a-b-liftoff"),
        ] {
            assert_eq!(
                read(name, CodeType::WebAssembly),
                (FunctionKind::WebAssembly, expected.into())
            );
        }
        assert_eq!(
            read("", CodeType::Machine),
            (FunctionKind::Other, "(unnamed)".into())
        );
    }

    #[test]
    fn names_that_are_not_utf8_or_cut_do_not_panic() {
        for name in [
            &b"JS:"[..],
            b"JS:~",
            b"JS:o",
            b"JS:~\xff\xfe /a:1:2",
            b"JS:~f /a.js:1:",
            b":::",
            b"JS:~::1",
        ] {
            let _ = function(name, CodeType::Machine, Some("/a"));
        }
    }
}
