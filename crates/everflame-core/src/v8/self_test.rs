//! The self-test at start: V8's own walker, asked about a thread that certainly runs JavaScript, must find JavaScript
//! functions at addresses that the log knows.

use std::cell::LazyCell;
use std::ffi::c_void;

use super::builtins::BuiltinAlias;
use super::code_event::CodeEvent;
use super::code_name::{self, FunctionKind};
use super::entry::{EntryPoints, Isolate};
use super::events::IsolateLog;
use super::layout::learn_exit_frame;
use super::structs::{RegisterState, SampleInfo};
use crate::memory_map;

/// Frames that are looked at.
const FRAMES: usize = 64;

impl IsolateLog {
    /// Has V8 walk this thread, which JavaScript has just called, and looks for what it found among the code that is
    /// there. To be called before the log is read by anybody else.
    ///
    /// # Errors
    /// What does not fit, in words.
    ///
    /// # Safety
    /// `isolate` is the log's, and current on this thread.
    pub unsafe fn self_test(
        &self,
        entry: &'static EntryPoints,
        isolate: Isolate,
    ) -> Result<(), String> {
        let mut frames = vec![0; FRAMES];
        let mut info = SampleInfo::new();
        let registers = own_registers();
        let count = unsafe {
            // SAFETY: the caller's promise; the registers are this thread's own.
            entry.get_stack_sample(isolate, &registers, &mut frames, &mut info)
        };
        frames.truncate(count);
        learn_exit_frame(isolate, registers.sp, &frames, &self.code_ranges());
        // Read at most once, and only where a builtin is seen in the place that V8 did not name.
        let alias = LazyCell::new(|| {
            let mappings = memory_map::read().ok()?;
            BuiltinAlias::find(&mappings, &self.builtins())
        });
        let state = self.state();
        let find = |address: u64| {
            kind_at(state.events.iter(), address).or_else(|| {
                let other = alias.as_ref()?.other(address)?;
                kind_at(state.events.iter(), other)
            })
        };
        check(&frames, find, is_native)
    }
}

/// What the newest code around a return address is.
fn kind_at<'a>(
    events: impl DoubleEndedIterator<Item = &'a CodeEvent>,
    address: u64,
) -> Option<FunctionKind> {
    events.rev().find_map(|event| match event {
        // A call can be a function's last instruction, and a function that has not begun has the position before its
        // first bytecode.
        CodeEvent::Added(code)
            if (code.start - 1..=code.start + u64::from(code.length)).contains(&address) =>
        {
            Some(code_name::function(&code.name, code.code_type, None).kind)
        }
        _ => None,
    })
}

/// Whether a loaded file owns the address.
fn is_native(address: u64) -> bool {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: `dladdr` reads the loader's lists only and fills `info`.
    unsafe { libc::dladdr(address as usize as *const c_void, &raw mut info) != 0 }
}

/// V8's frames also name native functions that JavaScript called.
fn check(
    frames: &[u64],
    find: impl Fn(u64) -> Option<FunctionKind>,
    is_native: impl Fn(u64) -> bool,
) -> Result<(), String> {
    if frames.is_empty() {
        return Err("V8 finds no JavaScript on a thread that runs it".to_owned());
    }
    let kinds: Vec<Option<FunctionKind>> = frames.iter().map(|frame| find(*frame)).collect();
    let unknown = frames
        .iter()
        .zip(&kinds)
        .filter(|(frame, kind)| kind.is_none() && !is_native(**frame))
        .count();
    if unknown > 0 {
        return Err(format!(
            "{unknown} of {} addresses that V8 found belong to no code it has told of",
            frames.len()
        ));
    }
    if !kinds.contains(&Some(FunctionKind::JavaScript)) {
        return Err("none of the functions that V8 found is JavaScript".to_owned());
    }
    Ok(())
}

/// Program counter, stack and frame pointer of the calling thread, near enough for a walk of its callers.
#[inline(never)]
fn own_registers() -> RegisterState {
    let (pc, sp, fp): (u64, u64, u64);
    // SAFETY: reads three registers and writes three others.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("lea {}, [rip]", "mov {}, rsp", "mov {}, rbp", out(reg) pc, out(reg) sp, out(reg) fp);
    };
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("adr {}, .", "mov {}, sp", "mov {}, x29", out(reg) pc, out(reg) sp, out(reg) fp);
    };
    RegisterState::new(pc, sp, fp, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v8::{AddedCode, CodeType};

    const NATIVE: u64 = 0x9000;

    fn verdict(frames: &[u64]) -> Result<(), String> {
        let find = |address| match address {
            0x1000 => Some(FunctionKind::JavaScript),
            0x2000 => Some(FunctionKind::Builtin),
            _ => None,
        };
        check(frames, find, |address| address == NATIVE)
    }

    #[test]
    fn javascript_among_known_and_native_code_passes() {
        assert_eq!(verdict(&[NATIVE, 0x2000, 0x1000]), Ok(()));
    }

    #[test]
    fn no_frames_unknown_frames_and_no_javascript_fail() {
        assert!(verdict(&[]).is_err());
        let error = verdict(&[0x1000, 0x3000, 0x4000, NATIVE]).unwrap_err();
        assert!(error.starts_with("2 of 4 addresses"), "{error}");
        let error = verdict(&[NATIVE, 0x2000]).unwrap_err();
        assert!(error.starts_with("none of the functions"), "{error}");
    }

    #[test]
    fn the_newest_code_around_a_return_address_counts() {
        let added = |start, name: &str| {
            CodeEvent::Added(Box::new(AddedCode {
                start,
                length: 0x10,
                code_type: CodeType::Machine,
                name: name.as_bytes().into(),
                script: None,
                tables: crate::v8::code_event::Tables::None,
            }))
        };
        let events = [
            added(0x100, "Builtin:Old"),
            added(0x100, "JS:*new file.js:1:1"),
            added(0x200, "Builtin:Other"),
        ];
        let kind = |address| kind_at(events.iter(), address);
        assert_eq!(kind(0x105), Some(FunctionKind::JavaScript));
        assert_eq!(kind(0x110), Some(FunctionKind::JavaScript));
        assert_eq!(kind(0x1ff), Some(FunctionKind::Builtin));
        assert_eq!(kind(0x111), None);
    }
}
