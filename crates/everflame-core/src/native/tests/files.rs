//! Files that were deleted or replaced under a running program.

use super::support::{Library, Workspace};
use crate::native::{Lookup, Modules, Symbolizer};

const SOURCE: &str = "int everflame_test_first(int x) { return x * 11 + 3; }";
/// The same shape, so that only the build id tells them apart.
const REPLACEMENT: &str = "int everflame_test_wrong(int x) { return x * 13 + 5; }";

/// The kernel shows a mapped file that has no path any more to privileged processes only.
fn kernel_shows_mapped_files() -> bool {
    let modules = Modules::new();
    let executable = modules.loaded().next().expect("the executable");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    let line = maps
        .lines()
        .find(|line| line.contains(&executable.path))
        .expect("the executable is mapped");
    let range = line.split(' ').next().expect("a range");
    std::fs::File::open(format!("/proc/self/map_files/{range}")).is_ok()
}

fn name_after(change: impl FnOnce(&Workspace, &std::path::Path)) -> (String, u64, usize) {
    let workspace = Workspace::new();
    let path = workspace.build("libfirst.so", "first.c", SOURCE, &["-Wl,--build-id=sha1"]);
    let library = Library::open(&path);
    let address = library.address("everflame_test_first");
    change(&workspace, &path);
    let modules = Modules::new();
    let module = modules.find(address).expect("still loaded");
    assert_eq!(module.path, path.to_str().expect("a plain path"));
    let offset = module.file_address(address);
    let mut symbolizer = Symbolizer::new();
    let name = symbolizer
        .symbolize(&modules, address, Lookup::Exact)
        .function;
    (name, offset, symbolizer.statistics().unreadable_files)
}

fn assert_right_or_offset((name, offset, unreadable): (String, u64, usize)) {
    if kernel_shows_mapped_files() {
        assert_eq!((name.as_str(), unreadable), ("everflame_test_first", 0));
    } else {
        assert_eq!((name, unreadable), (format!("libfirst.so+{offset:#x}"), 1));
    }
}

#[test]
fn a_deleted_library_keeps_its_name() {
    assert_right_or_offset(name_after(|_, path| {
        std::fs::remove_file(path).expect("deletable")
    }));
}

#[test]
fn a_replaced_library_never_lends_its_names() {
    assert_right_or_offset(name_after(|workspace, path| {
        let other = workspace.build("libnew.so", "new.c", REPLACEMENT, &["-Wl,--build-id=sha1"]);
        std::fs::rename(other, path).expect("replaceable");
    }));
}

#[test]
fn a_library_replaced_after_its_table_was_built_gives_offsets() {
    let workspace = Workspace::new();
    let path = workspace.build("libfirst.so", "first.c", SOURCE, &["-Wl,--build-id=sha1"]);
    let library = Library::open(&path);
    let address = library.address("everflame_test_first");
    let modules = Modules::new();
    let mut symbolizer = Symbolizer::new();
    assert_eq!(
        symbolizer
            .symbolize(&modules, address, Lookup::Exact)
            .function,
        "everflame_test_first"
    );
    let other = workspace.build("libnew.so", "new.c", REPLACEMENT, &["-Wl,--build-id=sha1"]);
    std::fs::rename(other, &path).expect("replaceable");
    let frame = symbolizer.symbolize(&modules, address, Lookup::Exact);
    assert_eq!(
        frame.function,
        format!("libfirst.so+{:#x}", frame.module_offset)
    );
    assert_eq!(symbolizer.statistics().unreadable_files, 1);
}
