use std::cell::RefCell;
use std::ffi::{c_int, c_void};

use super::support::{Captured, Library, Workspace};
use crate::native::{Lookup, Modules, StackCopy, Symbolizer, UnwindEnd, Unwinder};

thread_local! {
    static CAPTURED: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// What test libraries call back: captures and stays off the tail position.
#[inline(never)]
extern "C" fn capture_here() -> c_int {
    let captured = Captured::here();
    CAPTURED.with_borrow_mut(|place| *place = Some(captured));
    std::hint::black_box(1)
}

#[inline(never)]
fn take_captured() -> Captured {
    CAPTURED.take().expect("the callback was called")
}

#[inline(never)]
fn chain_a() -> Captured {
    let mut numbers = [3, 2, 1];
    // SAFETY: the array has three elements of this size; the comparator reads none of them.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, 4, Some(chain_c)) };
    std::hint::black_box(&numbers);
    take_captured()
}

extern "C" fn chain_c(_: *const c_void, _: *const c_void) -> c_int {
    std::hint::black_box(chain_d()) - 1
}

#[inline(never)]
fn chain_d() -> c_int {
    std::hint::black_box(capture_here())
}

/// Names of a capture's frames, nearest first.
fn names(captured: &Captured, modules: &Modules) -> (Vec<String>, UnwindEnd) {
    let (frames, end) = captured.unwind(&mut Unwinder::new(), modules);
    let mut symbolizer = Symbolizer::new();
    let names = frames
        .iter()
        .map(|frame| {
            symbolizer
                .symbolize(modules, frame.return_address, Lookup::Return)
                .function
        })
        .collect();
    (names, end)
}

fn position(names: &[String], function: &str) -> usize {
    let wanted = format!("{}::{function}", module_path!());
    names
        .iter()
        .position(|name| *name == wanted)
        .unwrap_or_else(|| panic!("{wanted} is missing in {names:#?}"))
}

#[test]
fn unwinds_through_libc_without_frame_pointers() {
    let captured = chain_a();
    let modules = Modules::new();
    let (names, end) = names(&captured, &modules);
    let order = [
        "chain_d",
        "chain_c",
        "chain_a",
        "unwinds_through_libc_without_frame_pointers",
    ];
    let positions = order.map(|function| position(&names, function));
    assert_eq!(positions[0] + 1, positions[1], "{names:#?}");
    assert_eq!(positions[2] + 1, positions[3], "{names:#?}");
    // qsort's own frames, and nothing else, lie between the comparator and the caller.
    let frames = captured.unwind(&mut Unwinder::new(), &modules).0;
    let between = &frames[positions[1] + 1..positions[2]];
    let qsort = modules
        .find(libc::qsort as *const () as u64)
        .map(|module| module.id);
    assert!(!between.is_empty());
    for frame in between {
        assert_eq!(
            modules.find(frame.return_address).map(|module| module.id),
            qsort
        );
    }
    assert_eq!(end, UnwindEnd::Root);
}

#[test]
fn a_copy_cut_short_ends_where_it_ends() {
    let captured = chain_a();
    let modules = Modules::new();
    let (whole, _) = captured.unwind(&mut Unwinder::new(), &modules);
    let mut unwinder = Unwinder::new();
    for kept in 1..whole.len() {
        // The copy holds the return address of the first `kept` frames and not a byte more.
        let start = captured.stack().sp;
        let stack = captured.first((whole[kept - 1].sp - start) as usize);
        let mut frames = Vec::new();
        let end = unwinder.unwind(
            &modules,
            captured.registers,
            &stack,
            &|_| false,
            &mut frames,
        );
        assert_eq!(frames, whole[..kept]);
        let last = whole[kept - 1];
        match end {
            UnwindEnd::CopyExhausted { regs } => {
                assert_eq!((regs.pc, regs.sp), (last.return_address, last.sp))
            }
            // Some first functions have no caller by declaration, whatever the copy holds.
            UnwindEnd::Root => assert_eq!(kept, whole.len() - 1),
            other => panic!("{other:?} after {kept} frames"),
        }
    }
}

#[test]
fn stops_at_v8() {
    let captured = chain_a();
    let modules = Modules::new();
    let (whole, _) = captured.unwind(&mut Unwinder::new(), &modules);
    let target = whole[2];
    let mut frames = Vec::new();
    let is_v8 = |address| address == target.return_address;
    let end = Unwinder::new().unwind(
        &modules,
        captured.registers,
        &captured.stack(),
        &is_v8,
        &mut frames,
    );
    assert_eq!(frames, whole[..2]);
    let UnwindEnd::EnteredV8 { regs } = end else {
        panic!("{end:?}")
    };
    assert_eq!(
        (regs.pc, regs.sp, regs.fp),
        (target.return_address, target.sp, target.fp)
    );

    frames.clear();
    let end = Unwinder::new().unwind(
        &modules,
        captured.registers,
        &captured.stack(),
        &|_| true,
        &mut frames,
    );
    assert_eq!(
        (frames.len(), end),
        (
            0,
            UnwindEnd::EnteredV8 {
                regs: captured.registers
            }
        )
    );
}

#[test]
fn an_unknown_place_fails_where_it_is() {
    let regs = crate::native::Registers::default();
    let stack = StackCopy {
        sp: 0x1000,
        bytes: &[],
    };
    let mut frames = Vec::new();
    let end = Unwinder::new().unwind(&Modules::new(), regs, &stack, &|_| false, &mut frames);
    assert_eq!((frames.len(), end), (0, UnwindEnd::Failed { regs, at: 0 }));
}

/// Calls back from the middle of a frame that only tables describe.
const CALLS_BACK: &str = "
    #include <string.h>
    __attribute__((noinline)) int everflame_test_inner(int (*callback)(void), volatile char *room) {
        volatile char mine[200];
        mine[0] = room[0];
        return callback() + mine[0];
    }
    int everflame_test_outer(int (*callback)(void)) {
        volatile char room[3000];
        room[0] = 1;
        return everflame_test_inner(callback, room) + room[0];
    }
";

#[inline(never)]
pub(super) fn call(library: &Library, function: &str) -> Captured {
    // SAFETY: the test libraries' functions take the callback and return a number.
    let function: extern "C" fn(extern "C" fn() -> c_int) -> c_int =
        unsafe { std::mem::transmute(library.address(function) as *const ()) };
    std::hint::black_box(function(capture_here));
    take_captured()
}

pub(super) fn assert_called_through(captured: &Captured, modules: &Modules, functions: &[&str]) {
    let (names, end) = names(captured, modules);
    let first = names.iter().position(|name| name == functions[0]);
    let first = first.unwrap_or_else(|| panic!("{} is missing in {names:#?}", functions[0]));
    assert_eq!(
        names[first..first + functions.len()],
        *functions,
        "{names:#?}"
    );
    assert_eq!(
        first + functions.len(),
        position(&names, "call"),
        "{names:#?}"
    );
    assert_eq!(end, UnwindEnd::Root);
}

#[test]
fn unwinds_a_library_without_frame_pointers() {
    let workspace = Workspace::new();
    let library = Library::open(&workspace.build("libframes.so", "frames.c", CALLS_BACK, &[]));
    let captured = call(&library, "everflame_test_outer");
    assert_called_through(
        &captured,
        &Modules::new(),
        &["everflame_test_inner", "everflame_test_outer"],
    );
}

#[test]
fn a_stack_outlives_the_library() {
    let workspace = Workspace::new();
    let library = Library::open(&workspace.build("libbrief.so", "brief.c", CALLS_BACK, &[]));
    let captured = call(&library, "everflame_test_outer");
    let mut modules = Modules::new();
    let mut unwinder = Unwinder::new();
    let before = captured.unwind(&mut unwinder, &modules);
    drop(library);
    assert!(modules.refresh());
    assert_eq!(captured.unwind(&mut unwinder, &modules), before);
}

#[test]
fn large_tables_are_read_from_the_file() {
    // 60,000 one-instruction functions: more than a megabyte of tables.
    let many = "__asm__(\".text\\n.rept 60000\\n.cfi_startproc\\nnop\\n.cfi_endproc\\n.endr\\n\");";
    let source = format!("{CALLS_BACK}\n{many}");
    let workspace = Workspace::new();
    let path = workspace.build("liblarge.so", "large.c", &source, &[]);
    let library = Library::open(&path);
    let captured = call(&library, "everflame_test_outer");
    assert_called_through(
        &captured,
        &Modules::new(),
        &["everflame_test_inner", "everflame_test_outer"],
    );
    let mappings = || {
        std::fs::read_to_string("/proc/self/maps")
            .expect("/proc")
            .matches("liblarge.so")
            .count()
    };
    let before = mappings();
    let mut unwinder = Unwinder::new();
    captured.unwind(&mut unwinder, &Modules::new());
    assert_eq!(
        mappings(),
        before + 1,
        "the file is mapped while the tables are kept"
    );
    drop(unwinder);
    assert_eq!(mappings(), before);
}
