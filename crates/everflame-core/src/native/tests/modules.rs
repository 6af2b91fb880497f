use std::sync::Arc;

use super::support::{Library, Workspace};
use crate::native::{Lookup, Modules, Symbolizer};

const SOURCE: &str = "int everflame_test_answer(int x) { return x * 42 + 1; }";
const BUILD_ID: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn own_code_belongs_to_the_executable() {
    let modules = Modules::new();
    let address = own_code_belongs_to_the_executable as *const () as u64;
    let module = modules.find(address).expect("own code is in a module");
    let executable = std::env::current_exe().expect("/proc is mounted");
    assert_eq!(module.path, executable.to_str().expect("a plain path"));
    assert!((module.start..module.limit).contains(&address));
    assert_eq!(
        Arc::as_ptr(module),
        Arc::as_ptr(modules.loaded().next().expect("the executable"))
    );
}

#[test]
fn addresses_outside_of_code_belong_to_nobody() {
    let modules = Modules::new();
    let on_the_stack = 0_u64;
    let on_the_heap = Box::new(0_u64);
    for address in [
        0,
        1,
        u64::MAX,
        &raw const on_the_stack as u64,
        &raw const *on_the_heap as u64,
    ] {
        assert!(modules.find(address).is_none(), "{address:#x}");
        assert!(modules.locate(address).is_none(), "{address:#x}");
    }
}

#[test]
fn a_library_has_its_build_id_and_offsets() {
    let workspace = Workspace::new();
    let option = format!("-Wl,--build-id=0x{BUILD_ID}");
    let path = workspace.build("libanswer.so", "answer.c", SOURCE, &[&option]);
    let library = Library::open(&path);
    let modules = Modules::new();
    let address = library.address("everflame_test_answer");
    let module = modules.find(address).expect("a loaded library");
    assert_eq!(module.build_id, BUILD_ID);
    assert_eq!(module.name, "libanswer.so");
    assert_eq!(module.path, path.to_str().expect("a plain path"));
    // The pprof mapping leads from memory to the file: the bytes are the same.
    let in_file = (address - module.start + module.file_offset) as usize;
    let file = std::fs::read(&path).expect("the library");
    // SAFETY: the function's code is readable and longer than this.
    let in_memory = unsafe { std::slice::from_raw_parts(address as *const u8, 4) };
    assert_eq!(&file[in_file..in_file + 4], in_memory);
}

#[test]
fn loading_and_unloading_is_noticed_and_remembered() {
    let workspace = Workspace::new();
    let path = workspace.build("libcomes.so", "comes.c", SOURCE, &[]);
    let mut modules = Modules::new();
    let mut symbolizer = Symbolizer::new();
    let library = Library::open(&path);
    let address = library.address("everflame_test_answer");
    assert!(
        modules
            .find(address)
            .is_none_or(|module| module.name != "libcomes.so")
    );
    assert!(modules.refresh());
    let id = modules.find(address).expect("loaded").id;

    drop(library);
    assert!(modules.refresh());
    assert!(modules.loaded().all(|module| module.id != id));
    let frame = symbolizer.symbolize(&modules, address, Lookup::Exact);
    assert_eq!(
        (frame.function.as_str(), frame.module),
        ("everflame_test_answer", Some(id))
    );

    // Whoever is loaded at the address now owns it.
    let other_path = workspace.build(
        "libother.so",
        "other.c",
        "int everflame_test_other(void) { return 7; }",
        &[],
    );
    let other = Library::open(&other_path);
    assert!(modules.refresh());
    let other_address = other.address("everflame_test_other");
    let other_module = modules.find(other_address).expect("loaded");
    assert_eq!(other_module.name, "libother.so");
    if (other_module.start..other_module.limit).contains(&address) {
        assert_ne!(modules.find(address).map(|module| module.id), Some(id));
    }
    assert!(modules.get(id).is_some(), "profiles may still refer to it");
}

#[test]
fn the_kernels_image_is_known() {
    // SAFETY: reads the auxiliary vector.
    let header = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
    let modules = Modules::new();
    let vdso = modules.loaded().find(|module| module.name == "[vdso]");
    assert_eq!(vdso.is_some(), header != 0);
}

#[test]
fn a_second_mapping_of_code_is_the_same_code() {
    let mut modules = Modules::new();
    let mut symbolizer = Symbolizer::new();
    let address = a_second_mapping_of_code_is_the_same_code as *const () as u64;
    let module = modules.find(address).expect("own code").clone();
    let file = std::fs::File::open(&module.path).expect("the executable");
    let length = (module.limit - module.start) as usize;
    // SAFETY: a new mapping, placed by the kernel, of a file that stays.
    let copy = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE,
            std::os::fd::AsRawFd::as_raw_fd(&file),
            module.file_offset as libc::off_t,
        )
    };
    assert_ne!(copy, libc::MAP_FAILED);
    let in_copy = copy as u64 + (address - module.start);
    modules.rescan();
    assert!(
        modules.find(in_copy).is_none(),
        "unwind tables do not describe it"
    );
    let located = modules.locate(in_copy).expect("known by its file");
    assert_eq!(located.module.id, module.id);
    assert_eq!(located.file_address, module.file_address(address));
    let names =
        [address, in_copy].map(|address| symbolizer.symbolize(&modules, address, Lookup::Exact));
    assert_eq!(names[0], names[1]);
    // SAFETY: the mapping made above; nothing refers to it.
    assert_eq!(unsafe { libc::munmap(copy, length) }, 0);
    modules.rescan();
    assert!(modules.locate(in_copy).is_none());
}
