//! What the author called a function, by the name that stands in front of it in the generated code.

use super::Position;
use super::author_text::name_at;
use super::table::{OriginalPlace, Segment, Table};

/// UTF-16 units between the end of a function's name and the place where V8 has the function begin, which is its
/// parameters: `a(`, `a=(`, `a: (`, `a = (`, `a=async(`, `a=function(`, `a=function*(`, `a = function(`, `a = function (`,
/// `a=async function(` and so on. Nearer ones are tried first.
const GAPS: [u32; 13] = [0, 1, 2, 3, 6, 9, 10, 11, 12, 15, 16, 17, 18];

/// From here on a gap has room for words, of which some other code may be made up too.
const FAR: u32 = 6;

/// Most of what stands between a name and `async` or `function`: ` = `.
const OPERATOR: u32 = 3;

/// Names up to this length are a minifier's. A map that went through several tools has lost the author's for some of them,
/// and they are looked up in the author's file.
const SHORT: u32 = 2;

/// The author's name of a function that V8 calls `name` and that begins at `start`, where the map tells it.
///
/// Only a segment that begins exactly where the name stands says what it is called: a segment nearby is of something else,
/// such as a variable. What stands far in front is the name only where nothing but `async` and `function` is between: a minifier
/// maps the name of a method at its parameters, and what then lies in front is the end of another one. V8's `object.method` is
/// taken apart, each part by its own segment; the `e` of `e.run=` that a bundler has put in front of what a module exports is no
/// part.
pub(super) fn original_name(table: &Table, start: Position, name: &str) -> Option<String> {
    let place = |column: u32| Position { column, ..start };
    let exactly = |column: u32| beginning_at(table, place(column));
    let named = |segment: Segment| table.names.get(segment.original?.name?);
    // `get size`, `async method`: the mark is V8's own.
    let (mark, own) = name
        .rsplit_once(' ')
        .map_or(("", name), |(mark, own)| (mark, own));
    let (objects, last) = own
        .rsplit_once('.')
        .map_or(("", own), |(objects, last)| (objects, last));
    let length = units(last);
    let is_accessor = matches!(mark, "get" | "set");
    let keeps_name = || exactly(start.column).and_then(named) == Some(last);
    let is_next_to = |column: u32, gap: u32| {
        gap < FAR || !is_accessor && !keeps_name() && is_one_word(table, place(column), length, gap)
    };
    let in_front = units(objects) + 1;
    // In `e.run=function(` the `e` stands where `run` would in ` = function(`. Before the one there is nothing of the kind.
    let is_object = |column: u32, gap: u32| {
        !objects.is_empty()
            && gap
                .checked_sub(in_front)
                .is_some_and(|gap| GAPS.contains(&gap))
            && column.checked_sub(in_front).and_then(exactly).is_none()
    };
    let found = GAPS.iter().find_map(|&gap| {
        let column = start.column.checked_sub(length + gap)?;
        let segment = exactly(column)?;
        let is_name = !is_object(column, gap) && is_next_to(column, gap);
        is_name.then_some((segment, column))
    });
    let Some((segment, column)) = found else {
        return is_export(table, start, own, objects).then(|| last.to_owned());
    };
    let first = match named(segment) {
        Some(name) => name.to_owned(),
        None if is_short(last) => written(table, segment.original?)?,
        None => return None,
    };
    let mut parts = vec![first];
    let mut column = Some(column);
    for object in objects.rsplit('.').filter(|object| !object.is_empty()) {
        column = column.and_then(|column| column.checked_sub(units(object) + 1));
        let in_front = column.and_then(exactly);
        let original = in_front.and_then(named);
        // Both stand for one word of the author.
        let is_same = || in_front.is_some_and(|before| is_same_place(before, segment));
        if original.is_none() && is_short(object) && is_same() {
            continue;
        }
        parts.push(original.unwrap_or(object).to_owned());
    }
    parts.reverse();
    let original = parts.join(".");
    Some(match mark {
        "" => original,
        _ => format!("{mark} {original}"),
    })
}

/// Whether a bundler has made `e.run=` of the declaration of a function: the map has no name for the `e`, and nothing for `run`.
fn is_export(table: &Table, start: Position, own: &str, object: &str) -> bool {
    let length = units(own);
    !object.is_empty()
        && is_short(object)
        && GAPS.iter().any(|gap| {
            let Some(column) = start.column.checked_sub(length + gap) else {
                return false;
            };
            let place = Position { column, ..start };
            let original = beginning_at(table, place).and_then(|segment| segment.original);
            original.is_some_and(|original| original.name.is_none())
                && is_one_word(table, place, length, *gap)
        })
}

/// The segment that begins exactly there.
fn beginning_at(table: &Table, place: Position) -> Option<Segment> {
    let (segment, _) = table.around(place);
    segment.filter(|segment| segment.generated == place)
}

fn is_short(name: &str) -> bool {
    units(name) <= SHORT
}

fn is_same_place(one: Segment, other: Segment) -> bool {
    let place = |segment: Segment| {
        segment
            .original
            .map(|original| (original.source, original.position))
    };
    place(one).is_some() && place(one) == place(other)
}

/// Whether the code of a gap can be `=async function` and the like, by where its words begin. Segments begin with words.
fn is_one_word(table: &Table, name: Position, length: u32, gap: u32) -> bool {
    let end = name.column + length;
    let function = end + "async ".len() as u32;
    let mut at = name;
    loop {
        let (_, after) = table.around(at);
        let Some(segment) = after else { return true };
        at = segment.generated;
        if at.column >= end + gap {
            return true;
        }
        let begins = |word: u32| (word..=word + OPERATOR).contains(&at.column);
        if !begins(end) && !begins(function) {
            return false;
        }
    }
}

/// What the author's file has at a place.
fn written(table: &Table, place: OriginalPlace) -> Option<String> {
    let file = table.sources.shown(place.source)?;
    name_at(file, place.position, table.sources.made()?)
}

fn units(text: &str) -> u32 {
    text.chars().map(char::len_utf16).sum::<usize>() as u32
}

#[cfg(test)]
mod tests {
    use super::super::sources::Sources;
    use super::super::table::Names;
    use super::*;

    /// The author's name of the function that begins at `at` in a line, where the map has these segments.
    fn name(segments: &[(u32, Option<&str>)], at: u32, name: &str) -> Option<String> {
        let segments: Vec<_> = segments
            .iter()
            .map(|(column, name)| (*column, *column, *name))
            .collect();
        name_of(&segments, at, name)
    }

    /// The same with the column of each segment in the author's text behind the one in the code.
    fn name_of(segments: &[(u32, u32, Option<&str>)], at: u32, name: &str) -> Option<String> {
        let mut names = Names::default();
        let segments = segments
            .iter()
            .map(|(column, original, name)| Segment {
                generated: Position {
                    line: 0,
                    column: *column,
                },
                original: Some(OriginalPlace {
                    source: 0,
                    position: Position {
                        line: 0,
                        column: *original,
                    },
                    name: name.map(|name| {
                        names.push(name);
                        names.len() - 1
                    }),
                }),
            })
            .collect();
        let table = Table::new(segments, Sources::default(), names);
        let start = Position {
            line: 0,
            column: at,
        };
        original_name(&table, start, name)
    }

    #[test]
    fn a_name_is_found_in_front_of_its_function() {
        let found = |code: &str| {
            let at = code.find('(').unwrap() as u32;
            name(&[(4, Some("total"))], at, "a")
        };
        for code in [
            "xxx a(",
            "var a=(x)=>",
            "var a=function(x)",
            "var a=function*(x)",
            "var a=async function(x)",
            "let a = (x) =>",
            "let a = function(x)",
            "let a = function (x)",
            "let a = async function (x)",
            "  , a: function (x)",
        ] {
            assert_eq!(found(code).as_deref(), Some("total"), "{code}");
        }
        // The parameter has a segment of its own.
        let arrow = [(4, Some("total")), (6, Some("parameter"))];
        assert_eq!(name(&arrow, 6, "a").as_deref(), Some("total"));
    }

    #[test]
    fn a_variable_nearby_is_not_the_function() {
        // `t={a:function(`: the key has no name of its own.
        let key = [(0, Some("table")), (3, None), (5, None)];
        assert_eq!(name(&key, 13, "a"), None);
        assert_eq!(name(&[], 9, "a"), None);
    }

    #[test]
    fn the_end_of_another_method_is_not_the_name() {
        // What terser makes of classes, with its segments: the name of a method is at its parameters.
        let class = |code: &str, words: &[(&str, Option<&str>)], v8: &str| {
            let segments: Vec<_> = words
                .iter()
                .map(|(word, name)| (code.find(word).unwrap() as u32, *name))
                .collect();
            name(&segments, code.rfind('(').unwrap() as u32, v8)
        };
        let accessor = [
            ("length", Some("length")),
            ("}get", None),
            ("get", None),
            ("(){", Some("score")),
        ];
        assert_eq!(
            class("x(t.length)}get score(){", &accessor, "get score"),
            None
        );
        let method = [
            ("ab)", Some("ab")),
            ("}async", None),
            ("async", None),
            ("(){", Some("run")),
        ];
        assert_eq!(class("x(t.ab)}async run(){", &method, "run"), None);
        // Without a name at the parameters.
        let stopped = [("id)", Some("id")), ("}static", None), ("static", None)];
        assert_eq!(
            class("x(t.id)}static async create(){", &stopped, "create"),
            None
        );
    }

    #[test]
    fn words_between_may_have_segments() {
        for (code, words) in [
            ("a=async function(", &[2, 8][..]),
            ("a = async function (", &[4, 10]),
            ("a:function(", &[2]),
        ] {
            let mut segments = vec![(0, Some("total"))];
            segments.extend(words.iter().map(|column| (*column, None)));
            let at = code.find('(').unwrap() as u32;
            assert_eq!(name(&segments, at, "a").as_deref(), Some("total"), "{code}");
        }
    }

    #[test]
    fn what_a_bundler_puts_in_front_of_an_export_is_no_part_of_the_name() {
        // `e.run=(x)=>` of `export const run = `, where both have the place of `run`.
        let constant = [(0, 13, None), (2, 13, Some("run")), (6, 19, Some("x"))];
        assert_eq!(name_of(&constant, 6, "e.run").as_deref(), Some("run"));
        // `e.run=function()` of `export function run()`, which has its beginning.
        let declared = [(0, 7, None), (17, 30, None)];
        assert_eq!(name_of(&declared, 14, "e.run").as_deref(), Some("run"));
        // The author's own.
        let own = [(0, 7, None), (2, 9, Some("run"))];
        assert_eq!(name_of(&own, 14, "e.run").as_deref(), Some("e.run"));
        // The object alone has a name, which is not the function's.
        let renamed = [(0, 7, Some("app"))];
        assert_eq!(name_of(&renamed, 14, "e.run"), None);
        let long = [(0, 7, None)];
        assert_eq!(name_of(&long, 16, "app.run"), None);
    }

    #[test]
    fn methods_keep_what_is_not_renamed() {
        // `e.run=function(`
        let both = [(0, Some("exports")), (2, Some("run"))];
        assert_eq!(name(&both, 14, "e.run").as_deref(), Some("exports.run"));
        let last = [(2, Some("run"))];
        assert_eq!(name(&last, 14, "e.run").as_deref(), Some("e.run"));
        // `get a(`
        assert_eq!(
            name(&[(4, Some("size"))], 5, "get a").as_deref(),
            Some("get size")
        );
    }
}
