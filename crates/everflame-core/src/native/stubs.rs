//! Stubs of the procedure linkage table: by these a file calls functions of other files. They have no symbols. Each
//! jumps to the address in a slot of the global offset table, and a relocation names the function whose address the
//! loader puts there. See the x86-64 psABI, "Procedure Linkage Table", and the same of the AArch64 ABI.

use object::NativeEndian;
use object::elf::{Rela64, SHT_RELA, Sym64};
use object::pod::slice_from_bytes;
use rustc_hash::FxHashMap;

use super::elf_file::{ElfError, ElfFile, Section};

const SECTIONS: [&str; 3] = [".plt", ".plt.sec", ".plt.got"];
/// Bytes of a stub; those in `.plt.got` may be half as long, and then the next one begins there.
const STUB_BYTES: u64 = 16;
/// Relocations read at once: a file has up to half a million, of which few belong to stubs.
const RELOCATIONS_AT_ONCE: u64 = 4096;

/// One stub.
pub(super) struct Stub {
    /// In the file's own address space.
    pub(super) address: u64,
    pub(super) size: u32,
    /// Offset of the function's name in the string table.
    pub(super) name: u32,
}

/// The stubs of a file, and the string table that has their names. Empty where the file has none.
///
/// # Errors
/// [`ElfError`] when the file cannot be read or is damaged.
pub(super) fn read(elf: &ElfFile) -> Result<(Vec<Stub>, Option<&Section>), ElfError> {
    let mut slots = FxHashMap::default();
    for section in &elf.sections {
        if SECTIONS.contains(&section.name.as_str()) {
            find_stubs(section, &elf.section_bytes(section)?, &mut slots);
        }
    }
    let mut stubs = Vec::new();
    let mut names = None;
    if slots.is_empty() {
        return Ok((stubs, names));
    }
    for relocations in elf.sections.iter().filter(|found| found.kind == SHT_RELA) {
        let Some(symbols) = elf.sections.get(relocations.link) else {
            continue;
        };
        each_relocation(elf, relocations, |slot, symbol| {
            let Some((address, size)) = slots.remove(&slot) else {
                return Ok(());
            };
            let bytes = elf.read(
                symbols.offset.saturating_add(u64::from(symbol) * SYMBOL),
                SYMBOL,
            )?;
            let (symbol, _) = slice_from_bytes::<Sym64<NativeEndian>>(&bytes, 1)
                .map_err(|()| elf.malformed("symbols cut short"))?;
            names = elf.sections.get(symbols.link);
            stubs.push(Stub {
                address,
                size,
                name: symbol[0].st_name.get(NativeEndian),
            });
            Ok(())
        })?;
    }
    Ok((stubs, names))
}

const SYMBOL: u64 = size_of::<Sym64<NativeEndian>>() as u64;
const RELOCATION: u64 = size_of::<Rela64<NativeEndian>>() as u64;

/// Calls `each` with place and symbol of every relocation that has a symbol.
fn each_relocation(
    elf: &ElfFile,
    section: &Section,
    mut each: impl FnMut(u64, u32) -> Result<(), ElfError>,
) -> Result<(), ElfError> {
    let count = section.size / RELOCATION;
    let mut first = 0;
    while first < count {
        let batch = RELOCATIONS_AT_ONCE.min(count - first);
        let bytes = elf.read(
            section.offset.saturating_add(first * RELOCATION),
            batch * RELOCATION,
        )?;
        let (relocations, _) = slice_from_bytes::<Rela64<NativeEndian>>(&bytes, batch as usize)
            .map_err(|()| elf.malformed("relocations cut short"))?;
        for relocation in relocations {
            let symbol = relocation.r_sym(NativeEndian, false);
            if symbol != 0 {
                each(relocation.r_offset.get(NativeEndian), symbol)?;
            }
        }
        first += batch;
    }
    Ok(())
}

/// Address and size of every stub in a section, by the slot it jumps through.
fn find_stubs(section: &Section, code: &[u8], slots: &mut FxHashMap<u64, (u64, u32)>) {
    let step = if cfg!(target_arch = "aarch64") { 4 } else { 8 };
    let mut found: Vec<(u64, u64)> = Vec::new();
    for offset in (0..code.len()).step_by(step) {
        let address = section.address.wrapping_add(offset as u64);
        let slot = if cfg!(target_arch = "aarch64") {
            slot_aarch64(&code[offset..], address)
        } else {
            slot_x86_64(&code[offset..], address)
        };
        found.extend(slot.map(|slot| (address, slot)));
    }
    let mut end = section.address.wrapping_add(code.len() as u64);
    for (address, slot) in found.into_iter().rev() {
        slots.insert(
            slot,
            (address, end.wrapping_sub(address).min(STUB_BYTES) as u32),
        );
        end = address;
    }
}

/// `jmp *slot(%rip)`, behind `endbr64` and `bnd` where the file was built for them.
fn slot_x86_64(code: &[u8], address: u64) -> Option<u64> {
    let mut rest = code;
    for prefix in [&[0xf3, 0x0f, 0x1e, 0xfa][..], &[0xf2]] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    let (displacement, behind) = rest.strip_prefix(&[0xff, 0x25])?.split_first_chunk()?;
    let next = address.wrapping_add((code.len() - behind.len()) as u64);
    Some(next.wrapping_add_signed(i64::from(i32::from_le_bytes(*displacement))))
}

/// `adrp x16, page; ldr x17, [x16, #offset]`.
fn slot_aarch64(code: &[u8], address: u64) -> Option<u64> {
    let (adrp, behind) = code.split_first_chunk()?;
    let (ldr, _) = behind.split_first_chunk()?;
    let (adrp, ldr) = (u32::from_le_bytes(*adrp), u32::from_le_bytes(*ldr));
    if adrp & 0x9f00_001f != 0x9000_0010 || ldr & 0xffc0_03ff != 0xf940_0211 {
        return None;
    }
    let pages = (adrp >> 5 & 0x7_ffff) << 2 | adrp >> 29 & 3;
    // 21 bits with a sign.
    let pages = i64::from((pages << 11) as i32 >> 11);
    let page = (address & !0xfff).wrapping_add_signed(pages << 12);
    Some(page.wrapping_add(u64::from(ldr >> 10 & 0xfff) * 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_tells_its_slot() {
        // As objdump(1) shows them.
        let plain = [0xff, 0x25, 0xca, 0xaf, 0x17, 0x00, 0x68, 0, 0, 0, 0];
        assert_eq!(slot_x86_64(&plain, 0x99030), Some(0x214000));
        let protected = [
            0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0xf5, 0x2e, 0x00, 0x00,
        ];
        assert_eq!(slot_x86_64(&protected, 0x10c0), Some(0x3fc0));
        let head = [0xff, 0x35, 0xca, 0xaf, 0x17, 0x00, 0xff, 0x25];
        assert_eq!(slot_x86_64(&head, 0x99020), None);
        assert_eq!(slot_x86_64(&plain[..5], 0x99030), None);

        let words = |words: [u32; 2]| words.map(u32::to_le_bytes).concat();
        // adrp x16, 0x20000; ldr x17, [x16, #8]
        let stub = words([0x9000_0110, 0xf940_0611]);
        assert_eq!(slot_aarch64(&stub, 0x650), Some(0x20008));
        // The page before.
        let back = words([0xf0ff_fff0, 0xf940_0611]);
        assert_eq!(slot_aarch64(&back, 0x1650), Some(0x8));
        let other = words([0x9000_0111, 0xf940_0611]);
        assert_eq!(slot_aarch64(&other, 0x650), None);
    }
}
