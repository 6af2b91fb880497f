//! Frames whose address is kept in memory.

use super::support::{Captured, Library, Workspace};
use super::unwind::{assert_called_through, call};
use crate::native::cfi::Coverage;
use crate::native::sections::UnwindTables;
use crate::native::{Modules, RED_ZONE, Registers, StackCopy, UnwindEnd, Unwinder};

/// Keeps its frame's address in memory, in the way of OpenSSL's assembly, and uses the frame pointer for itself.
const SOURCE: &str = "
    .text
    .globl everflame_test_saved
    .type everflame_test_saved, @function
    everflame_test_saved:
        .cfi_startproc
        mov %rsp, %rax
        .cfi_def_cfa_register %rax
    .globl everflame_test_prologue
    everflame_test_prologue:
        push %rbp
        .cfi_offset %rbp, -16
        sub $192, %rsp
        and $-128, %rsp
        mov %rax, 24(%rsp)
        .cfi_escape 0x0f, 5, 0x77, 24, 0x06, 0x23, 8
        xor %ebp, %ebp
        call *%rdi
        mov 24(%rsp), %rsi
        .cfi_def_cfa %rsi, 8
        mov -8(%rsi), %rbp
        .cfi_restore %rbp
        lea (%rsi), %rsp
        .cfi_def_cfa_register %rsp
        ret
        .cfi_endproc
    .size everflame_test_saved, . - everflame_test_saved
";

#[test]
fn unwinds_assembly_that_saves_its_frame() {
    let workspace = Workspace::new();
    let library = Library::open(&workspace.build("libsaved.so", "saved.s", SOURCE, &[]));
    let captured = call(&library, "everflame_test_saved");
    assert_called_through(&captured, &Modules::new(), &["everflame_test_saved"]);
}

#[test]
fn a_frame_in_an_unsampled_register_is_not_guessed() {
    let workspace = Workspace::new();
    let library = Library::open(&workspace.build("libsaved.so", "saved.s", SOURCE, &[]));
    let modules = Modules::new();
    let at = library.address("everflame_test_prologue");
    let module = modules.find(at).expect("loaded");
    let tables = UnwindTables::of(module).expect("it has tables");
    assert_eq!(
        tables.coverage(module.file_address(at)),
        Coverage::OutOfReach
    );
    assert_eq!(
        tables.coverage(module.file_address(module.limit)),
        Coverage::Uncovered
    );
    let mut regs = Captured::here().registers;
    regs.pc = at;
    let bytes = [0x55; 256];
    let stack = StackCopy {
        sp: regs.sp,
        bytes: &bytes,
    };
    let mut frames = Vec::new();
    let end = Unwinder::new().unwind(&modules, regs, &stack, &|_| false, &mut frames);
    assert_eq!((frames.len(), end), (0, UnwindEnd::Failed { regs, at }));
}

#[test]
fn a_frame_kept_in_the_red_zone_is_found() {
    // As SHA-512 in its loop: CFA = *(rsp − 8) + 8, rbp in use for numbers.
    let source = "
        .text
        .globl everflame_test_leaf
        everflame_test_leaf:
            .cfi_startproc
            nop
            .cfi_offset %rbp, -16
            .cfi_escape 0x0f, 5, 0x77, 0x78, 0x06, 0x23, 8
        .globl everflame_test_loop
        everflame_test_loop:
            nop
            ret
            .cfi_endproc
    ";
    let workspace = Workspace::new();
    let library = Library::open(&workspace.build("libred.so", "red.s", source, &[]));
    let caller = everflame_caller as *const () as u64 + 1;
    let sp = 0x7000_1000_u64;
    // From 128 bytes below the stack pointer: 16 words of red zone, then 16 words of stack.
    let mut words = [0_u64; 32];
    words[15] = sp + 64;
    words[16 + 7] = 0x1111; // Saved rbp, at CFA − 16.
    words[16 + 8] = caller; // At CFA − 8.
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let regs = Registers {
        pc: library.address("everflame_test_loop"),
        sp,
        fp: 7,
        lr: 0,
    };
    let mut frames = Vec::new();
    let stack = StackCopy {
        sp: sp - RED_ZONE,
        bytes: &bytes,
    };
    Unwinder::new().unwind(&Modules::new(), regs, &stack, &|_| false, &mut frames);
    let first = frames.first().expect("the caller");
    assert_eq!(
        (first.return_address, first.sp, first.fp),
        (caller, sp + 72, 0x1111)
    );
}

#[inline(never)]
fn everflame_caller() -> u64 {
    std::hint::black_box(1)
}
