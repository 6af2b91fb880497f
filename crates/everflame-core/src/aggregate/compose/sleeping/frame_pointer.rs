//! Where a function's frame can be, if nobody tells its frame pointer: at a word of the stack that has the form of a saved
//! frame pointer and a return address behind a call.

use crate::native::{Memory, Modules, Registers, StackCopy, Unwinder};
use crate::return_address::strip_signature;
use crate::v8::CodeRanges;

/// The frame of the function is not larger.
const LARGEST_FRAME: u64 = 16 * 1024;

/// Places that are tried. What was left by calls that have returned can look like a frame, too.
const MOST: usize = 16;

/// How a function was called, the more telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    /// By its address, and it is this function's.
    Direct,
    /// By a pointer.
    Indirect,
    /// By another function's address, which may lead on to this one (the linker's stubs, calls at a function's end).
    Other,
}

/// Frame pointers that the function at the return address `regs.pc` can have, the likeliest first: where its frame is by
/// the room that it makes for itself, then by how it was called.
pub(super) fn frame_pointers(
    unwinder: &mut Unwinder,
    modules: &Modules,
    regs: &Registers,
    copy: &StackCopy,
    ranges: &CodeRanges,
) -> Vec<u64> {
    let Some(memory) = Memory::open() else {
        return Vec::new();
    };
    let function = unwinder.function_start_in_memory(modules, regs.pc.wrapping_sub(1));
    let start = regs.sp.next_multiple_of(8);
    let locals = start + function.map_or(0, |function| bytes_of_locals(&memory, function));
    let is_elsewhere = |place| !(locals..=locals + SAVED_REGISTERS).contains(&place);
    let mut found: Vec<(bool, bool, Call, u64)> = (start..start + LARGEST_FRAME)
        .step_by(8)
        .filter_map(|place| {
            let caller = copy.read(place)?;
            let return_address = strip_signature(copy.read(place + 8)?);
            // A caller that keeps no frame pointer has anything in the register.
            let is_odd =
                caller <= place || !caller.is_multiple_of(8) || copy.read(caller).is_none();
            let call = if ranges.contains(return_address) {
                // V8 calls C++ by pointers.
                Call::Indirect
            } else {
                modules.find(return_address)?;
                call_before(&memory, return_address, function)?
            };
            Some((is_elsewhere(place), is_odd, call, place))
        })
        .collect();
    found.sort_unstable();
    found.truncate(MOST);
    found.into_iter().map(|(.., place)| place).collect()
}

/// Registers that a function saves below its frame pointer, in bytes.
const SAVED_REGISTERS: u64 = 5 * 8;

/// The room that a function makes on its stack, by the instruction that does it; 0 where there is none.
#[cfg(target_arch = "x86_64")]
fn bytes_of_locals(memory: &Memory, function: u64) -> u64 {
    /// Bytes in which it does so, if it does.
    const BEGINNING: usize = 96;
    let mut code = [0; BEGINNING];
    memory.read(function, &mut code);
    code.windows(7)
        .find_map(|bytes| match *bytes {
            [0x48, 0x83, 0xec, size, ..] => Some(size.into()),
            [0x48, 0x81, 0xec, a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d]).into()),
            _ => None,
        })
        .unwrap_or(0)
}

/// The frame pointer is the stack pointer where no more room is made later.
#[cfg(target_arch = "aarch64")]
fn bytes_of_locals(_memory: &Memory, _function: u64) -> u64 {
    0
}

/// The longest call instruction.
const LONGEST_CALL: u64 = 7;

/// The call in front of a return address; `None` where there is none.
fn call_before(memory: &Memory, return_address: u64, function: Option<u64>) -> Option<Call> {
    let start = return_address.checked_sub(LONGEST_CALL)?;
    let mut bytes = [0; LONGEST_CALL as usize];
    memory.read(start, &mut bytes);
    let (kind, target) = decode(&bytes, return_address)?;
    Some(match kind {
        Call::Direct if target != function => Call::Other,
        kind => kind,
    })
}

/// The call that ends with these bytes, and where a direct one leads.
#[cfg(target_arch = "x86_64")]
fn decode(bytes: &[u8; LONGEST_CALL as usize], return_address: u64) -> Option<(Call, Option<u64>)> {
    if let [.., 0xe8, a, b, c, d] = *bytes {
        let target = return_address.wrapping_add_signed(i32::from_le_bytes([a, b, c, d]).into());
        return Some((Call::Direct, Some(target)));
    }
    // FF /2: by register, or by memory with no, a short or a long displacement, and with or without an index.
    let is_indirect = (2..=7).any(|length| {
        let instruction = &bytes[bytes.len() - length..];
        let (opcode, modes) = (instruction[0], instruction[1]);
        let index = usize::from(modes & 7 == 4 && modes >> 6 != 3);
        let displacement = match modes >> 6 {
            0 if modes & 7 == 5 => 4,
            1 => 1,
            2 => 4,
            _ => 0,
        };
        opcode == 0xff && modes >> 3 & 7 == 2 && length == 2 + index + displacement
    });
    is_indirect.then_some((Call::Indirect, None))
}

/// The call that ends with these bytes, and where a direct one leads.
#[cfg(target_arch = "aarch64")]
fn decode(bytes: &[u8; LONGEST_CALL as usize], return_address: u64) -> Option<(Call, Option<u64>)> {
    let [.., a, b, c, d] = *bytes;
    let instruction = u32::from_le_bytes([a, b, c, d]);
    if instruction >> 26 == 0b100101 {
        // BL: 26 bits of distance in instructions, from the instruction itself.
        let distance = i64::from((instruction << 6) as i32 >> 4);
        let target = (return_address - 4).wrapping_add_signed(distance);
        return Some((Call::Direct, Some(target)));
    }
    (instruction & 0xffff_fc1f == 0xd63f_0000).then_some((Call::Indirect, None))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn the_call_in_front_of_a_return_address_is_known() {
        let decode = |bytes| decode(&bytes, 0x1000);
        let direct = Some((Call::Direct, Some(0x1000 - 0x100)));
        assert_eq!(decode([0, 0, 0xe8, 0x00, 0xff, 0xff, 0xff]), direct);
        let indirect = Some((Call::Indirect, None));
        for bytes in [
            [0, 0, 0, 0, 0, 0xff, 0xd0],       // call *%rax
            [0, 0, 0, 0, 0x41, 0xff, 0xd4],    // call *%r12
            [0, 0, 0, 0, 0xff, 0x50, 0x18],    // call *0x18(%rax)
            [0, 0xff, 0x90, 0x28, 1, 0, 0],    // call *0x128(%rax)
            [0, 0xff, 0x15, 1, 2, 3, 0],       // call *0x30201(%rip)
            [0xff, 0x94, 0x24, 0x10, 1, 0, 0], // call *0x110(%rsp)
            [0, 0, 0, 0xff, 0x54, 0x24, 0x08], // call *0x8(%rsp)
            [0, 0, 0, 0, 0, 0xff, 0x10],       // call *(%rax)
        ] {
            assert_eq!(decode(bytes), indirect, "{bytes:x?}");
        }
        for bytes in [
            [0; 7],
            [0x90, 0x90, 0x90, 0x90, 0x90, 0x89, 0xd0],
            [0, 0, 0, 0, 0, 0xff, 0xe0], // jmp *%rax
        ] {
            assert_eq!(decode(bytes), None, "{bytes:x?}");
        }
    }
}
