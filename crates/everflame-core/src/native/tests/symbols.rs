use std::process::Command;

use super::support::{Library, Workspace, run};
use crate::native::{Lookup, Modules, Symbolizer, Unwinder};

/// `hidden` is behind an exported function and has no dynamic symbol.
const SOURCE: &str = "
    __attribute__((noinline)) int everflame_test_exported(int x) { return x * 3 + 1; }
    __attribute__((noinline)) static int hidden(int x) { __asm__ volatile(\"\"); return x * 5 + 7; }
    void *everflame_test_hidden(void) { return (void *) hidden; }
    int everflame_test_use(int x) { return hidden(x); }
";

struct Opened {
    library: Library,
    modules: Modules,
    symbolizer: Symbolizer,
}

impl Opened {
    fn new(path: &std::path::Path) -> Self {
        let library = Library::open(path);
        Self {
            library,
            modules: Modules::new(),
            symbolizer: Symbolizer::new(),
        }
    }

    fn hidden(&self) -> u64 {
        // SAFETY: the function takes nothing and returns an address.
        let function: extern "C" fn() -> u64 = unsafe {
            std::mem::transmute(self.library.address("everflame_test_hidden") as *const ())
        };
        function()
    }

    fn name(&mut self, address: u64) -> String {
        self.symbolizer
            .symbolize(&self.modules, address, Lookup::Exact)
            .function
    }
}

#[inline(never)]
fn a_function_of_mine(value: u64) -> u64 {
    std::hint::black_box(value) + 1
}

#[test]
fn own_functions_have_their_own_names() {
    let modules = Modules::new();
    let mut symbolizer = Symbolizer::new();
    let address = a_function_of_mine as *const () as u64;
    let path = module_path!();
    let frame = symbolizer.symbolize(&modules, address, Lookup::Exact);
    assert_eq!(frame.function, format!("{path}::a_function_of_mine"));
    assert_eq!(frame.module, modules.find(address).map(|module| module.id));
    // A return address right behind a call belongs to the caller, though the next function may begin there.
    let before = symbolizer.symbolize(&modules, address, Lookup::Return);
    assert_ne!(before.function, frame.function);
    let inside = symbolizer.symbolize(&modules, address + 1, Lookup::Return);
    assert_eq!(inside, frame);
}

#[test]
fn code_of_no_module_is_unknown() {
    let frame = Symbolizer::new().symbolize(&Modules::new(), 0x10, Lookup::Exact);
    assert_eq!(
        (frame.function.as_str(), frame.module, frame.module_offset),
        ("[unknown]", None, 0x10)
    );
}

#[test]
fn a_stripped_library_gives_offsets_for_what_it_hides() {
    let workspace = Workspace::new();
    let mut opened = Opened::new(&workspace.build("libbare.so", "bare.c", SOURCE, &["-s"]));
    let exported = opened.library.address("everflame_test_exported");
    assert_eq!(opened.name(exported), "everflame_test_exported");
    let hidden = opened.hidden();
    // Shared libraries begin at address 0 of their file.
    let base = opened
        .modules
        .find(hidden)
        .map(|module| hidden - module.file_address(hidden))
        .expect("loaded");
    assert_eq!(
        opened.name(hidden),
        format!("libbare.so+{:#x}", hidden - base)
    );
    let frame = opened
        .symbolizer
        .symbolize(&opened.modules, hidden, Lookup::Exact);
    assert_eq!(frame.module_offset, hidden - base);
    // The unwind tables know its start, wherever in it an address is.
    assert_eq!(frame.function_start, None);
    let module = opened.modules.find(hidden).expect("loaded");
    let mut unwinder = Unwinder::new();
    for inside in [0, 1] {
        assert_eq!(
            unwinder.function_start(&opened.modules, module, frame.module_offset + inside),
            Some(hidden - base)
        );
    }
    assert_eq!(unwinder.function_start(&opened.modules, module, 1), None);
}

#[test]
fn every_address_of_a_function_has_its_start() {
    let workspace = Workspace::new();
    let mut opened = Opened::new(&workspace.build("libwhole.so", "whole.c", SOURCE, &[]));
    let exported = opened.library.address("everflame_test_exported");
    let module = opened.modules.find(exported).expect("loaded");
    let start = module.file_address(exported);
    for inside in [0, 1, 2] {
        let frame = opened
            .symbolizer
            .symbolize(&opened.modules, exported + inside, Lookup::Exact);
        assert_eq!(frame.function_start, Some(start));
        assert_eq!(frame.module_offset, start + inside);
    }
}

#[test]
fn a_symbol_ends_where_it_ends() {
    let workspace = Workspace::new();
    // A sized function, a gap that belongs to nobody, a function without size, and the section's end.
    let source = "
        .text
        .globl everflame_test_sized
        .type everflame_test_sized, @function
        everflame_test_sized: ret
        .size everflame_test_sized, . - everflame_test_sized
        .globl everflame_test_gap
        .set everflame_test_gap, . + 16
        .space 64
        .globl everflame_test_unsized
        everflame_test_unsized: ret
        .space 31
    ";
    // The gap's own symbol would name it: only the address is wanted.
    let source = source.replace(
        ".globl everflame_test_gap",
        ".type everflame_test_gap, @object\n.globl everflame_test_gap",
    );
    let mut opened = Opened::new(&workspace.build("libgap.so", "gap.s", &source, &[]));
    let sized = opened.library.address("everflame_test_sized");
    assert_eq!(opened.name(sized), "everflame_test_sized");
    let gap = opened.library.address("everflame_test_gap");
    assert!(
        opened.name(gap).starts_with("libgap.so+0x"),
        "{}",
        opened.name(gap)
    );
    let without_size = opened.library.address("everflame_test_unsized");
    assert_eq!(opened.name(without_size + 31), "everflame_test_unsized");
    assert_ne!(opened.name(without_size + 4096), "everflame_test_unsized");
}

#[test]
fn detached_symbols_are_found_by_debug_link() {
    let workspace = Workspace::new();
    for (case, option) in [
        ("id", "-Wl,--build-id=sha1"),
        ("crc", "-Wl,--build-id=none"),
    ] {
        let name = format!("libsplit-{case}.so");
        let path = workspace.build(&name, "split.c", SOURCE, &[option]);
        let debug = workspace.path(&format!("libsplit-{case}.debug"));
        run(Command::new("objcopy")
            .arg("--only-keep-debug")
            .arg(&path)
            .arg(&debug));
        run(Command::new("strip").arg(&path));
        let link = format!("--add-gnu-debuglink={}", debug.display());
        run(Command::new("objcopy").arg(link).arg(&path));
        let mut opened = Opened::new(&path);
        let hidden = opened.hidden();
        assert_eq!(opened.name(hidden), "hidden", "{case}");
    }
}

#[test]
fn a_wrong_debug_file_is_refused() {
    let workspace = Workspace::new();
    let path = workspace.build("libwrong.so", "wrong.c", SOURCE, &["-Wl,--build-id=none"]);
    let debug = workspace.path("libwrong.debug");
    run(Command::new("objcopy")
        .arg("--only-keep-debug")
        .arg(&path)
        .arg(&debug));
    run(Command::new("strip").arg(&path));
    run(Command::new("objcopy")
        .arg(format!("--add-gnu-debuglink={}", debug.display()))
        .arg(&path));
    // The debug file of another build: its checksum differs.
    let mut bytes = std::fs::read(&debug).expect("just made");
    bytes.push(0);
    std::fs::write(&debug, bytes).expect("writable");
    let mut opened = Opened::new(&path);
    let hidden = opened.hidden();
    assert!(opened.name(hidden).starts_with("libwrong.so+0x"));
}

#[test]
fn of_several_names_the_public_one_is_told() {
    let workspace = Workspace::new();
    let source = "
        int __everflame_inner(int x) { return x * 9 + 2; }
        __attribute__((weak, alias(\"__everflame_inner\"))) int everflame_test_public(int);
        __attribute__((alias(\"__everflame_inner\"))) int __everflame_libc_public(int);
    ";
    let mut opened = Opened::new(&workspace.build("libalias.so", "alias.c", source, &[]));
    let address = opened.library.address("__everflame_inner");
    assert_eq!(opened.name(address), "everflame_test_public");
}

#[test]
fn tables_are_small_and_go_with_their_module() {
    let workspace = Workspace::new();
    let path = workspace.build("libgoes.so", "goes.c", SOURCE, &[]);
    let mut opened = Opened::new(&path);
    let address = opened.library.address("everflame_test_exported");
    assert_eq!(
        opened.symbolizer.statistics(),
        crate::native::SymbolStatistics::default()
    );
    opened.name(address);
    let statistics = opened.symbolizer.statistics();
    assert_eq!((statistics.tables, statistics.unreadable_files), (1, 0));
    assert!(statistics.symbols >= 4);
    assert_eq!(statistics.bytes, statistics.symbols * 12);
}

#[test]
fn a_stub_has_the_name_of_the_function_it_leads_to() {
    let workspace = Workspace::new();
    let source = "
        extern int raise(int);
        extern int atoi(const char *);
        int everflame_test_calls(const char *text) { return raise(atoi(text)) + 1; }
    ";
    for (case, options) in [
        ("lazy", &["-Wl,-z,lazy"][..]),
        ("now", &["-Wl,-z,now"]),
        ("stripped", &["-Wl,-z,lazy", "-s"]),
    ] {
        let name = format!("libcalls-{case}.so");
        let mut opened = Opened::new(&workspace.build(&name, "calls.c", source, options));
        let function = opened.library.address("everflame_test_calls");
        let module = opened.modules.find(function).expect("loaded").clone();
        let names: Vec<String> = (module.start..module.limit)
            .step_by(4)
            .map(|address| opened.name(address))
            .collect();
        let bytes_of = |wanted: &str| names.iter().filter(|name| *name == wanted).count() * 4;
        for stub in ["raise@plt", "atoi@plt"] {
            let bytes = bytes_of(stub);
            assert!((8..=16).contains(&bytes), "{case}: {bytes} bytes of {stub}");
        }
        assert!(bytes_of("everflame_test_calls") > 8, "{case}");
    }
}
