//! From a place in generated code to the frame that its author knows.

use std::sync::Arc;

use super::Position;
use super::declared::DeclaredMap;
use super::function_name::original_name;
use super::table::{OriginalPlace, Segment, Table};

/// A frame of generated code.
#[derive(Clone, Debug)]
pub struct Question {
    pub map: Arc<DeclaredMap>,
    /// The executing place.
    pub at: Position,
    /// Where the function begins.
    pub start: Position,
    /// The function as the profile would call it otherwise.
    pub name: Box<str>,
}

/// The same frame in the author's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    pub file: Arc<str>,
    pub name: String,
    /// 1-based; 0 when not known.
    pub start_line: u32,
    /// The executing line, 1-based.
    pub line: u32,
}

/// How functions without a name begin in profiles.
const ANONYMOUS: &str = "(anonymous";

/// A source's name, and a place in it.
struct Found {
    file: Arc<str>,
    position: Position,
}

/// The author's frame; `None` for code that no author wrote.
pub(super) fn original(table: &Table, question: &Question) -> Option<Original> {
    let found = |place: OriginalPlace| {
        Some(Found {
            file: Arc::clone(table.sources.shown(place.source)?),
            position: place.position,
        })
    };
    let source_of = |segment: &Option<Segment>| segment.and_then(|segment| segment.original);
    let (before, _) = table.around(question.at);
    let at = source_of(&before).and_then(found);
    let (before, after) = table.around(question.start);
    // Code that a bundler put around a module has no segment; what lies before it is another module's, and what comes after
    // tells of it only where that is what executes.
    let after = after.filter(|_| at.is_some());
    let starts = [before, after].map(|segment| source_of(&segment).and_then(found));
    let is_at = |start: &&Found| at.as_ref().is_none_or(|at| at.file == start.file);
    let start = starts.iter().flatten().find(is_at);

    let is_anonymous = question.name.starts_with(ANONYMOUS);
    let is_top_level = is_anonymous && question.start == Position::default();
    let place = at.as_ref().or(start)?;
    let beginning = start.map(|start| start.position).filter(|_| !is_top_level);
    // Without a beginning it is the code of a whole module, perhaps put together with that of others.
    let Position { line, column } = beginning.unwrap_or_default();
    let name = if is_anonymous {
        let (line, column) = (line.saturating_add(1), column.saturating_add(1));
        Some(format!("{ANONYMOUS}:L#{line}:C#{column})"))
    } else {
        original_name(table, question.start, &question.name)
    };
    Some(Original {
        file: Arc::clone(&place.file),
        name: name.unwrap_or_else(|| question.name.to_string()),
        start_line: match beginning {
            None if !is_anonymous => 0,
            _ => line.saturating_add(1),
        },
        line: place.position.line.saturating_add(1),
    })
}

#[cfg(test)]
mod tests {
    use super::super::declared::Origin;
    use super::super::json::parse;
    use super::super::sources::Base;
    use super::*;

    /// What esbuild makes of:
    ///
    /// ```ts
    /// export function total(values: number[]) {
    ///   const add = (sum: number, value: number) =>
    ///     sum + value;
    ///   return values.reduce(add, 0);
    /// }
    /// [1].forEach(() => total([1]));
    /// ```
    const CODE: &str = "function u(r){let e=(n,t)=>n+t;return r.reduce(e,0)}[1].forEach(()=>u([1]));export{u as total};";
    const MAP: &str = r#"{"version":3,"sources":["mini.ts"],"names":["total","values","add","sum","value"],
        "mappings":"AAAO,SAASA,EAAMC,EAAkB,CACtC,IAAMC,EAAM,CAACC,EAAaC,IACxBD,EAAMC,EACR,OAAOH,EAAO,OAAOC,EAAK,CAAC,CAC7B,CACA,CAAC,CAAC,EAAE,QAAQ,IAAMF,EAAM,CAAC,CAAC,CAAC,CAAC"}"#;

    /// Name, first line and executing line of a function that begins and executes at texts of the code.
    fn found(map: &str, name: &str, start: &str, at: &str) -> Option<(String, u32, u32)> {
        let place = |text: &str| Position {
            line: 0,
            column: CODE.find(text).unwrap() as u32,
        };
        let question = Question {
            map: Arc::new(DeclaredMap::new("/out.js", Origin::Beside, 0)),
            at: place(at),
            start: place(start),
            name: name.into(),
        };
        let table = parse(map.as_bytes(), Base::default()).unwrap().table;
        let found = original(&table, &question)?;
        assert_eq!(&*found.file, "mini.ts");
        Some((found.name, found.start_line, found.line))
    }

    fn is(name: &str, start_line: u32, line: u32) -> Option<(String, u32, u32)> {
        Some((name.to_owned(), start_line, line))
    }

    #[test]
    fn functions_and_lines_are_the_authors() {
        assert_eq!(found(MAP, "u", "(r)", "return"), is("total", 1, 4));
        assert_eq!(found(MAP, "e", "(n,t)", "n+t"), is("add", 2, 3));
        let anonymous = "(anonymous:L#1:C#65)";
        assert_eq!(
            found(MAP, anonymous, "()=>", "u([1])"),
            is("(anonymous:L#6:C#13)", 6, 6)
        );
        let top_level = "(anonymous:L#1:C#1)";
        assert_eq!(
            found(MAP, top_level, "function", "[1].for"),
            is(top_level, 1, 6)
        );
    }

    #[test]
    fn code_around_a_module_is_nobodys() {
        let start = "AAAO,SAASA,EAAMC,EAAkB,CACtC,IAA";
        assert!(MAP.contains(start));
        // Nothing is known of what comes before `let`.
        let around = MAP.replace(start, "cACEC,IAA");
        let top_level = "(anonymous:L#1:C#1)";
        assert_eq!(found(&around, top_level, "function", "function"), None);
        assert_eq!(found(&around, "u", "(r)", "(r)"), None);
        let (name, ..) = found(&around, "u", "(r)", "n+t").unwrap();
        assert_eq!(name, "u", "no name is known");
    }
}
