//! The function symbols of one file, small enough to keep: 12 bytes a symbol, names stay in the file.

use std::cmp::Reverse;
use std::fs::File;
use std::os::unix::fs::FileExt;

use object::NativeEndian;
use object::elf::{
    SHF_EXECINSTR, SHN_LORESERVE, SHT_DYNSYM, SHT_SYMTAB, STB_LOCAL, STT_FUNC, STT_GNU_IFUNC,
    STT_NOTYPE, Sym64,
};
use object::pod::slice_from_bytes;

use super::elf_file::{ElfError, ElfFile, FileReference, Section};
use super::stubs;

/// Symbols read at once: 96 kB, so that building node's table (160,000 symbols and more) needs no copy of it.
const SYMBOLS_AT_ONCE: u64 = 4096;
/// Room is made beforehand for so many; node has 240,000 at most.
const MOST_SYMBOLS: u64 = 1 << 20;
/// How far a lookup goes back for a function that encloses the symbols nearest to the address.
const ENCLOSING_SEARCH: usize = 32;
/// Names of one address that are compared; libc has up to five.
const MOST_ALIASES: usize = 12;
/// Longer names are cut: templates can exceed any sensible frame.
const LONGEST_NAME: usize = 8192;

#[derive(Clone, Copy)]
struct Entry {
    /// Relative to the table's base.
    start: u32,
    size: u32,
    /// Offset in the string table.
    name: u32,
}

/// A function's mangled name, and where it starts in the file's address space.
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) start: u64,
}

/// Sorted function symbols of one file.
pub(super) struct SymbolTable {
    entries: Box<[Entry]>,
    /// Lowest address of the file's code.
    base: u64,
    names_offset: u64,
    names_size: u64,
    file: FileReference,
}

impl SymbolTable {
    /// Reads `.symtab`, or `.dynsym` where the file is stripped. `None` when it has no function symbol.
    ///
    /// # Errors
    /// [`ElfError`] when the file cannot be read or is damaged.
    pub(super) fn read(elf: &ElfFile) -> Result<Option<Self>, ElfError> {
        for kind in [SHT_SYMTAB, SHT_DYNSYM] {
            let Some(section) = elf.sections.iter().find(|section| section.kind == kind) else {
                continue;
            };
            let Some(names) = elf.sections.get(section.link) else {
                return Err(elf.malformed("a symbol table without strings"));
            };
            let base = lowest_code(elf);
            let entries = read_entries(elf, section, base)?;
            if !entries.is_empty() {
                return Ok(Some(Self {
                    entries,
                    base,
                    names_offset: names.offset,
                    names_size: names.size,
                    file: elf.reference()?,
                }));
            }
        }
        Ok(None)
    }

    /// The stubs by which the file calls other files' functions, under these functions' names. `None` when it has none.
    ///
    /// # Errors
    /// [`ElfError`] when the file cannot be read or is damaged.
    pub(super) fn of_stubs(elf: &ElfFile) -> Result<Option<Self>, ElfError> {
        let (stubs, names) = stubs::read(elf)?;
        let Some(names) = names else {
            return Ok(None);
        };
        let base = lowest_code(elf);
        let mut entries: Vec<Entry> = stubs
            .iter()
            .filter_map(|stub| {
                Some(Entry {
                    start: u32::try_from(stub.address.checked_sub(base)?).ok()?,
                    size: stub.size,
                    name: stub.name,
                })
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.start);
        Ok(Some(Self {
            entries: entries.into_boxed_slice(),
            base,
            names_offset: names.offset,
            names_size: names.size,
            file: elf.reference()?,
        }))
    }

    /// The function that covers an address of the file's address space; `None` if none does.
    ///
    /// # Errors
    /// [`ElfError`] when the file is gone or was replaced since the table was built.
    pub(super) fn symbol_at(&self, address: u64) -> Result<Option<Symbol>, ElfError> {
        let Some(relative) = address
            .checked_sub(self.base)
            .and_then(|relative| u32::try_from(relative).ok())
        else {
            return Ok(None);
        };
        let after = self
            .entries
            .partition_point(|entry| entry.start <= relative);
        let covers = |entry: &&Entry| relative - entry.start < entry.size;
        let nearest = self.entries[..after]
            .iter()
            .rev()
            .take(ENCLOSING_SEARCH)
            .find(covers);
        let Some(nearest) = nearest else {
            return Ok(None);
        };
        let first = self
            .entries
            .partition_point(|entry| entry.start < nearest.start);
        let aliases = self.entries[first..after]
            .iter()
            .take_while(|entry| entry.start == nearest.start)
            .filter(covers);
        let file = self.file.open()?;
        let names = aliases
            .take(MOST_ALIASES)
            .filter_map(|entry| self.read_name(&file, entry.name));
        let name = names.min_by(|a, b| reading_order(a).cmp(&reading_order(b)));
        Ok(name.map(|name| Symbol {
            name,
            start: self.base + u64::from(nearest.start),
        }))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.entries)
    }

    fn read_name(&self, file: &File, offset: u32) -> Option<String> {
        let available = usize::try_from(self.names_size.checked_sub(u64::from(offset))?).ok()?;
        let mut length = 256.min(available);
        loop {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, self.names_offset + u64::from(offset))
                .ok()?;
            let end = bytes.iter().position(|byte| *byte == 0);
            let longest = LONGEST_NAME.min(available);
            if end.is_some() || length == longest {
                bytes.truncate(end.unwrap_or(length));
                let name = String::from_utf8_lossy(&bytes).into_owned();
                return (!name.is_empty()).then_some(name);
            }
            length = longest;
        }
    }
}

/// Of several names of one function the public one: `read` before `__read` and `__libc_read`.
fn reading_order(name: &str) -> (usize, usize, &str) {
    let underscores = if name.starts_with("_Z") {
        0
    } else {
        name.len() - name.trim_start_matches('_').len()
    };
    (underscores, name.len(), name)
}

fn lowest_code(elf: &ElfFile) -> u64 {
    code_sections(elf)
        .map(|section| section.address)
        .min()
        .unwrap_or(0)
}

fn code_sections(elf: &ElfFile) -> impl Iterator<Item = &Section> {
    elf.sections
        .iter()
        .filter(|section| section.flags & u64::from(SHF_EXECINSTR) != 0)
}

fn read_entries(elf: &ElfFile, section: &Section, base: u64) -> Result<Box<[Entry]>, ElfError> {
    let symbol_size = size_of::<Sym64<NativeEndian>>() as u64;
    let count = section.size / symbol_size;
    // At once: a vector that grows to megabytes leaves its former homes to the allocator, which keeps them.
    let mut entries = Vec::with_capacity(count.min(MOST_SYMBOLS) as usize);
    let mut first = 0;
    while first < count {
        let batch = SYMBOLS_AT_ONCE.min(count - first);
        let bytes = elf.read(section.offset + first * symbol_size, batch * symbol_size)?;
        let (symbols, _) = slice_from_bytes::<Sym64<NativeEndian>>(&bytes, batch as usize)
            .map_err(|()| elf.malformed("symbols cut short"))?;
        entries.extend(
            symbols
                .iter()
                .filter_map(|symbol| function(elf, symbol, base)),
        );
        first += batch;
    }
    entries.sort_unstable_by_key(|entry| (entry.start, Reverse(entry.size)));
    drop_labels(&mut entries);
    bound_unsized(elf, &mut entries, base);
    Ok(entries.into_boxed_slice())
}

fn function(elf: &ElfFile, symbol: &Sym64<NativeEndian>, base: u64) -> Option<Entry> {
    let endian = NativeEndian;
    let section_index = symbol.st_shndx.get(endian);
    let wanted = match symbol.st_type() {
        STT_FUNC | STT_GNU_IFUNC => true,
        // Hand-written assembly often has no type. Local ones are marks of the assembler ($x, $d on aarch64).
        STT_NOTYPE => symbol.st_bind() != STB_LOCAL,
        _ => false,
    };
    if !wanted || section_index >= SHN_LORESERVE {
        return None;
    }
    let section = elf.sections.get(usize::from(section_index))?;
    let address = symbol.st_value.get(endian);
    if section.flags & u64::from(SHF_EXECINSTR) == 0 || symbol.st_name.get(endian) == 0 {
        return None;
    }
    Some(Entry {
        start: u32::try_from(address.checked_sub(base)?).ok()?,
        size: u32::try_from(symbol.st_size.get(endian)).unwrap_or(u32::MAX),
        name: symbol.st_name.get(endian),
    })
}

/// A symbol without size inside a function that has one is a label of its assembler source.
fn drop_labels(entries: &mut Vec<Entry>) {
    let mut sized_until = 0;
    entries.retain(|entry| {
        sized_until = sized_until.max(entry.start.saturating_add(entry.size));
        entry.size != 0 || entry.start >= sized_until
    });
}

/// A symbol without size reaches to the next symbol, and never out of its section: the code behind `_init` is the
/// procedure linkage table.
fn bound_unsized(elf: &ElfFile, entries: &mut [Entry], base: u64) {
    let ends: Vec<(u64, u64)> = code_sections(elf)
        .map(|section| {
            (
                section.address,
                section.address.saturating_add(section.size),
            )
        })
        .collect();
    let mut next_start = u32::MAX;
    for index in (0..entries.len()).rev() {
        let Entry { start, size, .. } = entries[index];
        let following = entries.get(index + 1).map_or(u32::MAX, |entry| entry.start);
        if following != start {
            next_start = following;
        }
        if size == 0 {
            let address = base + u64::from(start);
            let section_end = ends
                .iter()
                .find(|(from, to)| (*from..*to).contains(&address))
                .map_or(address, |(_, to)| *to);
            let room = u32::try_from(section_end - address).unwrap_or(u32::MAX);
            entries[index].size = room.min(next_start - start);
        }
    }
}
