//! Call frame information that the unwinding library cannot follow: functions that keep their frame's address in
//! memory.
//!
//! The library evaluates rules from the registers alone. Hand-written assembly (OpenSSL's SHA-512, AES, big numbers)
//! and functions that realign their stack for vectors describe the frame as `*(rsp + 152) + 8` or `*(rbp − 8)`, and
//! code that spends its time hashing is in such a function nearly always. This reads the row for one address and
//! says which kind it is; every ordinary row is left to the library.
//!
//! Formats: Linux Standard Base 5.0, "Exception Frames" and "Exception Frame Header"; DWARF 5, section 6.4.

use super::cfi_program::{Cfa, Row, run};
use super::cfi_reader::Reader;
use super::sections::UnwindTables;

/// Registers as DWARF numbers them.
#[cfg(target_arch = "x86_64")]
pub(super) mod register {
    pub(crate) const FP: u64 = 6;
    pub(crate) const SP: u64 = 7;
    pub(crate) const RETURN_ADDRESS: u64 = 16;
}

/// Registers as DWARF numbers them.
#[cfg(target_arch = "aarch64")]
pub(super) mod register {
    pub(crate) const FP: u64 = 29;
    pub(crate) const SP: u64 = 31;
    pub(crate) const RETURN_ADDRESS: u64 = 30;
}

/// What the tables say about one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// A row from registers alone, or one that cannot be read here: the library's.
    Ordinary,
    /// No entry covers the address.
    Uncovered,
    /// The entry says that there is no caller.
    Root,
    /// The frame is found through a register that is not among those sampled.
    OutOfReach,
    /// The frame's address is kept in memory.
    InMemory(Frame),
}

/// A place computed from a register: `base + offset`, or with `then` the word there plus `then`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) base: Base,
    pub(super) offset: i64,
    pub(super) then: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Sp,
    Fp,
}

/// Where a frame keeps a register of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// Nowhere: it still has the caller's value.
    Unchanged,
    /// At this distance from the canonical frame address.
    AtCfa(i64),
    /// At this place.
    At(Place),
    /// The value is gone.
    Lost,
}

/// A frame whose canonical frame address is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) cfa: Place,
    pub(super) fp: Saved,
    pub(super) return_address: Saved,
}

impl UnwindTables {
    /// Reads the row for an address of the file's address space.
    pub(super) fn coverage(&self, address: u64) -> Coverage {
        let Some(entry) = self
            .entry_before(address)
            .and_then(|offset| self.parse_entry(offset))
        else {
            return Coverage::Uncovered;
        };
        if !(entry.start..entry.start.saturating_add(entry.length)).contains(&address) {
            return Coverage::Uncovered;
        }
        match run(&entry, address) {
            Some(row) => classify(&row),
            None => Coverage::Ordinary,
        }
    }

    /// Where the function around an address of the file's address space starts, if an entry covers it.
    pub(super) fn function_start(&self, address: u64) -> Option<u64> {
        let entry = self.parse_entry(self.entry_before(address)?)?;
        (entry.start..entry.start.saturating_add(entry.length))
            .contains(&address)
            .then_some(entry.start)
    }

    /// Searches the table of `.eh_frame_hdr`, sorted pairs of 32-bit distances from its start, for the last entry
    /// that begins at the address or before. Returns the entry's offset in `.eh_frame`.
    fn entry_before(&self, address: u64) -> Option<usize> {
        const HEADER: usize = 12;
        const PAIR: usize = 8;
        let wanted = address.wrapping_sub(self.header_address).cast_signed();
        let table = self.header.get(HEADER..)?;
        let word = |index: usize, at: usize| {
            let start = index * PAIR + at;
            table
                .get(start..start + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map(i32::from_ne_bytes)
        };
        let (mut low, mut high) = (0, table.len() / PAIR);
        while low < high {
            let middle = low + (high - low) / 2;
            if i64::from(word(middle, 0)?) <= wanted {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let entry = self
            .header_address
            .wrapping_add_signed(i64::from(word(low.checked_sub(1)?, 4)?));
        usize::try_from(entry.checked_sub(self.frames_address)?).ok()
    }

    fn parse_entry(&self, offset: usize) -> Option<Entry<'_>> {
        let mut entry = Reader::new(&self.frames, offset);
        let body_end = entry.record_end()?;
        let pointer_at = entry.at;
        let distance = entry.u32()? as usize;
        let common =
            self.parse_common(pointer_at.checked_sub(distance).filter(|_| distance != 0)?)?;
        let pointer_address = self.frames_address.wrapping_add(entry.at as u64);
        let start = entry.pointer(common.encoding, pointer_address)?;
        // The length has the pointer's format and is never relative.
        let length = entry.pointer(common.encoding & 0x0f, 0)?;
        if common.is_augmented {
            let skipped = entry.unsigned()?;
            entry.skip(skipped)?;
        }
        Some(Entry {
            start,
            length,
            program: self.frames.get(entry.at..body_end)?,
            common,
        })
    }

    fn parse_common(&self, offset: usize) -> Option<Common<'_>> {
        let mut reader = Reader::new(&self.frames, offset);
        let body_end = reader.record_end()?;
        let (id, version) = (reader.u32()?, reader.u8()?);
        if id != 0 || !matches!(version, 1 | 3) {
            return None;
        }
        let augmentation = reader.string()?;
        let code_align = reader.unsigned()?;
        let data_align = reader.signed()?;
        if version == 1 {
            u64::from(reader.u8()?)
        } else {
            reader.unsigned()?
        };
        let mut encoding = 0;
        let is_augmented = augmentation.first() == Some(&b'z');
        if is_augmented {
            let length = reader.unsigned()?;
            let after = reader.at.checked_add(usize::try_from(length).ok()?)?;
            for letter in &augmentation[1..] {
                match letter {
                    b'R' => encoding = reader.u8()?,
                    b'L' => drop(reader.u8()?),
                    b'P' => {
                        let format = reader.u8()?;
                        reader.pointer(format & 0x0f, 0)?;
                    }
                    // Signal frame, or the key that signs return addresses: nothing follows.
                    _ => {}
                }
            }
            reader.at = after;
        }
        Some(Common {
            encoding,
            is_augmented,
            code_align,
            data_align,
            program: self.frames.get(reader.at..body_end)?,
        })
    }
}

fn classify(row: &Row) -> Coverage {
    if row.has_no_caller {
        return Coverage::Root;
    }
    match row.cfa {
        Cfa::Expression(Some(cfa)) if cfa.then.is_some() => Coverage::InMemory(Frame {
            cfa,
            fp: row.fp,
            return_address: row.return_address,
        }),
        Cfa::Register { register, .. } if !matches!(register, register::SP | register::FP) => {
            Coverage::OutOfReach
        }
        Cfa::Expression(_) | Cfa::Register { .. } => Coverage::Ordinary,
    }
}

/// A frame description entry.
pub(super) struct Entry<'a> {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) program: &'a [u8],
    pub(super) common: Common<'a>,
}

/// A common information entry.
pub(super) struct Common<'a> {
    encoding: u8,
    is_augmented: bool,
    pub(super) code_align: u64,
    pub(super) data_align: i64,
    pub(super) program: &'a [u8],
}
