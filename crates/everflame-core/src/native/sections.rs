//! The unwind tables of a module: `.eh_frame_hdr` and `.eh_frame`.
//!
//! The executable (and the vDSO) stay loaded for ever, so their tables are read where they lie: of node's 3 to 6 MB
//! only the pages that lookups touch become resident. A library may be unloaded at any time, so its tables are copied
//! while the loader's lock holds it, or, if they are large, mapped again from the file.

use std::ops::{Deref, Range};
use std::sync::Arc;

use framehop::ModuleSectionInfo;
use memmap2::Mmap;
use object::elf::PT_GNU_EH_FRAME;

use super::elf_file::ElfFile;
use super::image::{self, ImageMemory};
use super::module::{Kind, Module};

/// Tables up to this size are copied. Most libraries have less than 300 kB; above it, a copy would be the larger part
/// of the profiler's memory.
const LARGEST_COPY: u64 = 1 << 20;

/// Bytes of a table, wherever they live; valid after the library was unloaded.
#[derive(Clone)]
pub(super) enum TableBytes {
    Loaded(&'static [u8]),
    Copied(Arc<[u8]>),
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Deref for TableBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Loaded(bytes) => bytes,
            Self::Copied(bytes) => bytes,
            Self::Mapped(file, range) => &file[range.clone()],
        }
    }
}

/// The tables of one module, with their addresses in the file's own address space.
#[derive(Clone)]
pub(super) struct UnwindTables {
    pub(super) header: TableBytes,
    pub(super) header_address: u64,
    pub(super) frames: TableBytes,
    pub(super) frames_address: u64,
}

impl ModuleSectionInfo<TableBytes> for UnwindTables {
    /// Addresses in tables count from the same zero as those in program headers.
    fn base_svma(&self) -> u64 {
        0
    }

    fn section_svma_range(&mut self, name: &[u8]) -> Option<Range<u64>> {
        let (start, bytes) = match name {
            b".eh_frame_hdr" => (self.header_address, &self.header),
            b".eh_frame" => (self.frames_address, &self.frames),
            _ => return None,
        };
        Some(start..start.saturating_add(bytes.len() as u64))
    }

    fn section_data(&mut self, name: &[u8]) -> Option<TableBytes> {
        match name {
            b".eh_frame_hdr" => Some(self.header.clone()),
            b".eh_frame" => Some(self.frames.clone()),
            _ => None,
        }
    }
}

struct Ranges {
    header: Range<u64>,
    frames: Range<u64>,
}

impl UnwindTables {
    /// Finds the tables of a loaded module. `None` when it has none, or was unloaded before anybody asked.
    pub(super) fn of(module: &Module) -> Option<Self> {
        let forever = module.kind != Kind::Library;
        let found = image::with_memory(module.bias, &module.segments, |memory| {
            let ranges = ranges(module, memory)?;
            let header = memory.bytes(ranges.header.clone())?;
            let frames = memory.bytes(ranges.frames.clone())?;
            let bytes = if forever {
                // SAFETY: the executable and the vDSO are never unmapped, and their tables never written.
                let keep = |bytes: &[u8]| unsafe {
                    std::slice::from_raw_parts(bytes.as_ptr(), bytes.len())
                };
                Some((
                    TableBytes::Loaded(keep(header)),
                    TableBytes::Loaded(keep(frames)),
                ))
            } else if ranges.frames.end - ranges.frames.start <= LARGEST_COPY {
                Some((
                    TableBytes::Copied(header.into()),
                    TableBytes::Copied(frames.into()),
                ))
            } else {
                None
            };
            Some((ranges, bytes))
        });
        let (ranges, bytes) = found??;
        // Outside of the loader's lock, because a file is opened.
        let (header, frames) = bytes.or_else(|| map_file(module, &ranges))?;
        Some(Self {
            header,
            header_address: ranges.header.start,
            frames,
            frames_address: ranges.frames.start,
        })
    }
}

fn map_file(module: &Module, ranges: &Ranges) -> Option<(TableBytes, TableBytes)> {
    let elf = ElfFile::of_module(module).ok()?;
    // SAFETY: the file is the one that the process runs code from. Whoever truncates it takes the code away too.
    let file = Arc::new(unsafe { Mmap::map(elf.file()) }.ok()?);
    let in_file = |range: &Range<u64>| {
        let segment = elf.segments.iter().find(|segment| {
            segment.kind == object::elf::PT_LOAD && segment.range().contains(&range.start)
        })?;
        let start = usize::try_from(range.start - segment.address + segment.offset).ok()?;
        let end = start.checked_add(usize::try_from(range.end - range.start).ok()?)?;
        (end <= file.len()).then_some(start..end)
    };
    let header = TableBytes::Mapped(file.clone(), in_file(&ranges.header)?);
    Some((
        header,
        TableBytes::Mapped(file.clone(), in_file(&ranges.frames)?),
    ))
}

/// Program headers tell where `.eh_frame_hdr` lies, and that tells where `.eh_frame` begins. Nothing tells where it
/// ends, but the last entry does. Layout: Linux Standard Base 5.0, "Exception Frame Header".
fn ranges(module: &Module, memory: &ImageMemory) -> Option<Ranges> {
    let segment = module
        .segments
        .iter()
        .find(|segment| segment.kind == PT_GNU_EH_FRAME)?;
    let header = segment.address..segment.address.checked_add(segment.file_size)?;
    let bytes = memory.bytes(header.clone())?;
    // Version 1; the pointer and the table in the encodings that every linker writes.
    let [1, 0x1b, 0x03, 0x3b, ..] = *bytes else {
        return None;
    };
    let pointer = read_i32(bytes, 4)?;
    let start = header
        .start
        .wrapping_add(4)
        .wrapping_add_signed(i64::from(pointer));
    let limit = memory.segment_end(start)?;
    let end = if module.kind == Kind::Library {
        last_entry_end(bytes, &header, memory).unwrap_or(limit)
    } else {
        limit
    };
    (start <= end && end <= limit).then_some(Ranges {
        header,
        frames: start..end,
    })
}

fn last_entry_end(header_bytes: &[u8], header: &Range<u64>, memory: &ImageMemory) -> Option<u64> {
    let last = header_bytes
        .get(12..)?
        .chunks_exact(8)
        .filter_map(|entry| read_i32(entry, 4))
        .max()?;
    let entry = header.start.wrapping_add_signed(i64::from(last));
    let length = memory.bytes(entry..entry.checked_add(4)?)?;
    entry
        .checked_add(4)?
        .checked_add(u64::from(u32::from_ne_bytes(length.try_into().ok()?)))
}

fn read_i32(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
