use std::sync::OnceLock;

use super::super::code_event::{InlinedFunction, OptimizedTables};
use super::super::script::{LineTable, Script};
use super::super::structs::MemoryRange;
use super::*;
use crate::vlq::write_unsigned;

fn empty() -> CodeMap {
    CodeMap::empty(None, None)
}

fn added(start: u64, length: u32, code_type: CodeType, name: &str) -> CodeEvent {
    CodeEvent::Added(Box::new(AddedCode {
        start,
        length,
        code_type,
        name: name.as_bytes().into(),
        script: None,
        tables: Tables::None,
    }))
}

fn machine(start: u64, length: u32, name: &str) -> CodeEvent {
    added(start, length, CodeType::Machine, name)
}

fn names(map: &mut CodeMap, address: u64, lookup: Lookup) -> Vec<String> {
    let mut frames = Vec::new();
    assert_eq!(
        map.resolve(address, lookup, &mut frames),
        !frames.is_empty()
    );
    frames
        .iter()
        .map(|frame| frame.function.name.to_string())
        .collect()
}

fn exact(map: &mut CodeMap, address: u64) -> Option<String> {
    names(map, address, Lookup::Exact).pop()
}

#[test]
fn code_ends_at_its_last_byte() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x10, "Builtin:A"));
    assert_eq!(exact(&mut map, 0xfff), None);
    assert_eq!(exact(&mut map, 0x1000).as_deref(), Some("A"));
    assert_eq!(exact(&mut map, 0x100f).as_deref(), Some("A"));
    assert_eq!(exact(&mut map, 0x1010), None);
}

#[test]
fn a_return_address_belongs_to_the_call_before_it() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x10, "Builtin:A"));
    map.replay(machine(0x1010, 0x10, "Builtin:B"));
    // A call that does not return is the last instruction of its code.
    assert_eq!(names(&mut map, 0x1010, Lookup::Return), ["A"]);
    assert_eq!(names(&mut map, 0x1011, Lookup::Return), ["B"]);
}

#[test]
fn a_bytecode_position_is_taken_as_it_is() {
    let mut map = empty();
    map.replay(added(0x1000, 0x10, CodeType::Bytecode, "JS:~f /a.js:1:1"));
    assert_eq!(names(&mut map, 0x1000, Lookup::Return), ["f"]);
}

#[test]
fn a_function_that_is_being_entered_has_the_position_before_its_first_bytecode() {
    let mut map = empty();
    map.replay(added(0x1040, 0x10, CodeType::Bytecode, "JS:~f /a.js:4:1"));
    map.replay(machine(0x2040, 0x10, "Builtin:A"));
    for lookup in [Lookup::Exact, Lookup::Return] {
        assert_eq!(names(&mut map, 0x103f, lookup), ["f"]);
        assert_eq!(names(&mut map, 0x203f, lookup), [] as [&str; 0]);
        assert_eq!(names(&mut map, 0x103e, lookup), [] as [&str; 0]);
    }
}

#[test]
fn new_code_evicts_whatever_it_overlaps() {
    let mut map = empty();
    for start in [0x1000, 0x1010, 0x1020, 0x1030] {
        map.replay(machine(start, 0x10, &format!("Builtin:{start:x}")));
    }
    map.replay(machine(0x1018, 0x10, "Builtin:new"));
    assert_eq!(exact(&mut map, 0x1010), None, "half overwritten");
    assert_eq!(exact(&mut map, 0x102f), None, "half overwritten");
    assert_eq!(exact(&mut map, 0x100f).as_deref(), Some("1000"));
    assert_eq!(exact(&mut map, 0x1030).as_deref(), Some("1030"));
    assert_eq!(exact(&mut map, 0x1027).as_deref(), Some("new"));
    assert_eq!(map.len(), 3);
}

#[test]
fn moved_code_evicts_at_its_target_and_is_gone_at_its_source() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x20, "Builtin:A"));
    map.replay(machine(0x2010, 0x20, "Builtin:B"));
    map.replay(CodeEvent::Moved {
        from: 0x1000,
        to: 0x2000,
    });
    assert_eq!(exact(&mut map, 0x1000), None);
    assert_eq!(exact(&mut map, 0x201f).as_deref(), Some("A"));
    assert_eq!(exact(&mut map, 0x2020), None, "B was overwritten");
    assert_eq!(map.take_counters().unknown_moves, 0);
}

#[test]
fn code_may_move_onto_its_own_place() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x20, "Builtin:A"));
    map.replay(CodeEvent::Moved {
        from: 0x1000,
        to: 0x1008,
    });
    assert_eq!(exact(&mut map, 0x1007), None);
    assert_eq!(exact(&mut map, 0x1027).as_deref(), Some("A"));
}

#[test]
fn an_unknown_move_leaves_nothing_wrong_at_its_target() {
    let mut map = empty();
    map.replay(machine(0x2000, 0x20, "Builtin:B"));
    map.replay(CodeEvent::Moved {
        from: 0x1000,
        to: 0x2010,
    });
    assert_eq!(exact(&mut map, 0x2010), None);
    assert_eq!(map.take_counters().unknown_moves, 1);
}

#[test]
fn every_event_counts_once() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x20, "Builtin:A"));
    map.replay(CodeEvent::Moved { from: 1, to: 2 });
    assert_eq!(map.sequence(), 2);
}

#[test]
fn builtins_are_found_in_both_places() {
    let maps = "\
1000000-1100000 r-xp 00000000 fe:00 7 /usr/bin/node
5000000-5100000 r-xp 00000000 fe:00 7 /usr/bin/node
";
    let ranges = BuiltinRanges {
        embedded: MemoryRange {
            start: 0x100_0000,
            length: 0x10_0000,
        },
        code_range: MemoryRange {
            start: 0x500_0000,
            length: 0x1000_0000,
        },
    };
    for named in [0x100_0100u64, 0x500_0100] {
        let mut map = CodeMap::empty(BuiltinAlias::find(&memory_map::parse(maps), &ranges), None);
        map.replay(machine(named, 0x10, "Builtin:A"));
        assert_eq!(exact(&mut map, 0x100_0104).as_deref(), Some("A"));
        assert_eq!(exact(&mut map, 0x500_0104).as_deref(), Some("A"));
        assert_eq!(names(&mut map, 0x500_0110, Lookup::Return), ["A"]);
    }
}

#[test]
fn tiers_of_one_function_are_one_function() {
    let mut map = empty();
    map.replay(added(0x1000, 0x10, CodeType::Bytecode, "JS:~f /a.js:3:7"));
    map.replay(machine(0x2000, 0x10, "JS:^f /a.js:3:7"));
    map.replay(machine(0x3000, 0x10, "JS:*'f /a.js:3:7"));
    let functions: Vec<_> = [0x1000, 0x2000, 0x3000]
        .iter()
        .filter_map(|address| map.function_at(*address, Lookup::Exact).cloned())
        .collect();
    assert!(Arc::ptr_eq(&functions[0], &functions[1]));
    assert!(Arc::ptr_eq(&functions[0], &functions[2]));
}

#[test]
fn memory_of_replaced_code_is_given_back() {
    let mut map = empty();
    for round in 0..50_000 {
        let start = 0x1000 + (round % 100) * 0x100;
        map.replay(machine(
            start,
            0x100,
            &format!("JS:~f{round} /a.js:{round}:1"),
        ));
        // Only code that is hit gets a name.
        assert!(map.function_at(start, Lookup::Exact).is_some());
    }
    assert_eq!(map.len(), 100);
    assert!(
        map.functions.len() <= 2048,
        "{} functions kept",
        map.functions.len()
    );
}

/// A script with ten characters a line.
fn script(name: &str) -> Arc<Script> {
    Arc::new(Script {
        id: 1,
        name: Some(name.into()),
        source_url: None,
        length: 0,
        seen: 0,
        line_offset: 0,
        lines: LineTable::new((0..100).map(|line| line * 10 + 9)).unwrap(),
        map: OnceLock::new(),
    })
}

fn word(offset: u64, inlining: Option<u64>) -> u64 {
    (offset + 1) << 1 | inlining.map_or(0, |id| (id + 1) << 31)
}

/// A one-entry table at code offset 0, in the flagged format.
fn table(word: u64) -> Box<[u8]> {
    let mut bytes = Vec::new();
    write_unsigned(&mut bytes, 1 << 2 | 2);
    write_unsigned(&mut bytes, word << 1);
    bytes.into()
}

/// Inserts with decoded-format tables, as calibration would have it.
fn add_optimized(map: &mut CodeMap, start: u64, name: &str, file: &str, tables: OptimizedTables) {
    let placed = |start| {
        map.entries
            .get(&start)
            .map(|entry: &Entry| entry.placed.clone())
    };
    let (tables, fits) = CodeTables::new(
        Tables::Optimized(Box::new(tables)),
        super::super::positions::PositionFormat::Flagged,
        placed,
    );
    assert!(fits);
    map.entries.insert(
        start,
        Entry {
            length: 0x10,
            code_type: CodeType::Machine,
            placed: Arc::new(Placed::new(
                name.as_bytes().into(),
                CodeType::Machine,
                Some(script(file)),
            )),
            tables,
            added: 0,
            hit: false,
        },
    );
}

#[test]
fn an_inlined_function_is_a_frame_with_its_own_file_and_line() {
    let mut map = empty();
    map.replay(CodeEvent::Added(Box::new(AddedCode {
        start: 0x1000,
        length: 0x10,
        code_type: CodeType::Bytecode,
        name: (*b"JS:~inlined /lib b.js:4:1").into(),
        script: Some(script("/lib b.js")),
        tables: Tables::None,
    })));
    let mut inlining = Vec::new();
    for (call, function) in [(word(50, None), 0u32), (word(75, None), 1)] {
        inlining.extend_from_slice(&call.to_le_bytes());
        inlining.extend_from_slice(&function.to_le_bytes());
        inlining.extend_from_slice(&[0; 4]);
    }
    let tables = |id| OptimizedTables {
        positions: table(word(90, Some(id))),
        inlining: inlining.clone().into(),
        functions: Box::new([InlinedFunction {
            literal: 0,
            bytecode_start: 0x1000,
        }]),
    };
    add_optimized(&mut map, 0x2000, "JS:*outer /a.js:2:1", "/a.js", tables(0));
    add_optimized(&mut map, 0x3000, "JS:*other /a.js:7:1", "/a.js", tables(1));
    let frames = |map: &mut CodeMap, address| {
        let mut frames = Vec::new();
        assert!(map.resolve(address, Lookup::Exact, &mut frames));
        frames
            .iter()
            .map(|frame| {
                format!(
                    "{} {}:{}",
                    frame.function.name, frame.function.file, frame.line
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        frames(&mut map, 0x2004),
        ["inlined /lib b.js:10", "outer /a.js:6"]
    );
    // The function of literal 1 was not in the map: the physical frame remains, and it is counted.
    assert_eq!(frames(&mut map, 0x3004), ["other /a.js:8"]);
    assert_eq!(map.take_counters().unknown_inlined, 1);
    // What is inlined stays known when its own bytecode is gone.
    map.replay(machine(0x1000, 0x10, "Builtin:A"));
    assert_eq!(frames(&mut map, 0x2004)[0], "inlined /lib b.js:10");
}

#[test]
fn code_without_tables_shows_its_first_line() {
    let mut map = empty();
    map.replay(machine(0x1000, 0x10, "JS:^f /a.js:33:7"));
    let mut frames = Vec::new();
    assert!(map.resolve(0x1004, Lookup::Return, &mut frames));
    assert_eq!((frames[0].line, frames[0].function.start_column), (33, 7));
}

#[test]
fn an_endless_eval_storm_takes_bounded_memory_and_spares_the_program() {
    let mut map = empty();
    let code = |start: u64, name: String, script: Arc<Script>| {
        CodeEvent::Added(Box::new(AddedCode {
            start,
            length: 0x40,
            code_type: CodeType::Bytecode,
            name: name.into_bytes().into(),
            script: Some(script),
            tables: Tables::None,
        }))
    };
    let program = script("/program.js");
    for function in 0..1_000u64 {
        let name = format!("JS:~f{function} /program.js:{function}:1");
        map.replay(code(0x1000 + function * 0x40, name, Arc::clone(&program)));
    }
    for evaluated in 0..400_000u64 {
        let start = 0x100_0000 + evaluated * 0x40;
        map.replay(code(start, "JS:~ :1:1".to_owned(), script("")));
        if evaluated % 50_000 == 0 {
            assert!(
                map.resolve(0x100_0000, Lookup::Exact, &mut Vec::new()),
                "hit, so kept"
            );
        }
    }
    assert!(map.len() <= SWEEP_AT + 1, "{} entries", map.len());
    assert!(map.take_counters().swept > 200_000);
    assert_eq!(
        exact(&mut map, 0x1000).as_deref(),
        Some("f0"),
        "the program's code"
    );
    let last = 0x100_0000 + 399_999 * 0x40;
    assert!(map.function_at(last, Lookup::Exact).is_some(), "the latest");
}
