//! The memory shapes that cross V8's exported C++ functions, as its public headers declare them (`v8-unwinder.h`,
//! `v8-callbacks.h`, `v8-isolate.h`); the same on 64-bit Node 20 to 26.

use std::ffi::{c_char, c_int, c_void};

/// `v8::RegisterState`: the interrupted thread's registers, in and out of V8's walkers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RegisterState {
    pub pc: u64,
    pub sp: u64,
    pub fp: u64,
    /// Link register; 0 on x86-64.
    pub lr: u64,
    /// An owning pointer on 32-bit ARM; null elsewhere.
    callee_saved: *mut c_void,
}

impl RegisterState {
    pub const fn new(pc: u64, sp: u64, fp: u64, lr: u64) -> RegisterState {
        RegisterState {
            pc,
            sp,
            fp,
            lr,
            callee_saved: std::ptr::null_mut(),
        }
    }
}

/// `v8::SampleInfo` (40 bytes on Node 20 to 26), with room for a newer V8 to write more.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct SampleInfo {
    bytes: [u8; 128],
}

impl SampleInfo {
    /// All zero.
    pub const fn new() -> SampleInfo {
        SampleInfo { bytes: [0; 128] }
    }

    /// Frames that `GetStackSample` wrote.
    pub fn frames_count(&self) -> u64 {
        self.word(0)
    }

    /// Address of the C++ API callback that JavaScript called, or 0.
    pub fn external_callback_entry(&self) -> u64 {
        self.word(8)
    }

    /// What V8 was doing. The field has 4 bytes on Node 20 and 2 bytes later; the low half is the value in both.
    pub fn vm_state(&self) -> VmState {
        VmState::from_raw(u16::from_ne_bytes([self.bytes[32], self.bytes[33]]))
    }

    fn word(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.bytes[offset..offset + 8]);
        u64::from_ne_bytes(word)
    }
}

impl Default for SampleInfo {
    fn default() -> SampleInfo {
        SampleInfo::new()
    }
}

/// `v8::StateTag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VmState {
    Js,
    Gc,
    Parser,
    BytecodeCompiler,
    Compiler,
    Other,
    External,
    AtomicsWait,
    Idle,
    Logging,
    IdleExternal,
    /// A state of a newer V8, kept as it is.
    Unknown(u16),
}

impl VmState {
    pub const fn from_raw(raw: u16) -> VmState {
        match raw {
            0 => VmState::Js,
            1 => VmState::Gc,
            2 => VmState::Parser,
            3 => VmState::BytecodeCompiler,
            4 => VmState::Compiler,
            5 => VmState::Other,
            6 => VmState::External,
            7 => VmState::AtomicsWait,
            8 => VmState::Idle,
            9 => VmState::Logging,
            10 => VmState::IdleExternal,
            raw => VmState::Unknown(raw),
        }
    }

    pub const fn raw(self) -> u16 {
        match self {
            VmState::Js => 0,
            VmState::Gc => 1,
            VmState::Parser => 2,
            VmState::BytecodeCompiler => 3,
            VmState::Compiler => 4,
            VmState::Other => 5,
            VmState::External => 6,
            VmState::AtomicsWait => 7,
            VmState::Idle => 8,
            VmState::Logging => 9,
            VmState::IdleExternal => 10,
            VmState::Unknown(raw) => raw,
        }
    }
}

/// `v8::MemoryRange`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryRange {
    pub start: u64,
    /// Bytes.
    pub length: u64,
}

impl MemoryRange {
    pub const fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.start) < self.length
    }
}

/// `v8::JitCodeEvent`. Strings and the script handle are valid during the callback only.
#[repr(C)]
pub(super) struct JitCodeEvent {
    pub(super) kind: c_int,
    pub(super) code_type: c_int,
    pub(super) code_start: u64,
    pub(super) code_len: u64,
    /// A handle to the function's SharedFunctionInfo, or null.
    pub(super) script: *const u64,
    pub(super) user_data: *mut c_void,
    /// Left out of some descriptions of the struct; without it everything after is misread.
    pub(super) wasm_source_info: *const c_void,
    pub(super) payload: JitCodePayload,
    pub(super) isolate: *mut c_void,
}

/// The union inside `v8::JitCodeEvent`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) union JitCodePayload {
    pub(super) name: CodeName,
    pub(super) line: LineInfo,
    pub(super) new_code_start: u64,
}

/// Not terminated by zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CodeName {
    pub(super) text: *const c_char,
    pub(super) length: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct LineInfo {
    /// Bytes from the start of the code.
    pub(super) offset: u64,
    /// UTF-16 units from the start of the script.
    pub(super) position: u64,
    pub(super) position_type: c_int,
}

const _: () = {
    assert!(size_of::<RegisterState>() == 40);
    assert!(size_of::<JitCodeEvent>() == 80);
    assert!(std::mem::offset_of!(JitCodeEvent, payload) == 48);
    assert!(std::mem::offset_of!(JitCodeEvent, isolate) == 72);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_keeps_its_number() {
        for raw in 0..64 {
            assert_eq!(VmState::from_raw(raw).raw(), raw);
        }
        assert_eq!(VmState::from_raw(1), VmState::Gc);
        assert_eq!(VmState::from_raw(7), VmState::AtomicsWait);
        assert_eq!(VmState::from_raw(900), VmState::Unknown(900));
    }

    #[test]
    fn a_range_ends_before_its_end() {
        let range = MemoryRange {
            start: 0x1000,
            length: 0x10,
        };
        assert!(!range.contains(0xfff));
        assert!(range.contains(0x1000));
        assert!(range.contains(0x100f));
        assert!(!range.contains(0x1010));
    }

    #[test]
    fn the_state_is_read_from_two_bytes() {
        let mut info = SampleInfo::new();
        info.bytes[32] = 6;
        info.bytes[34] = 0xff; // embedder state of Node 22 and later
        assert_eq!(info.vm_state(), VmState::External);
    }
}
