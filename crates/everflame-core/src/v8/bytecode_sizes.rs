//! How long each bytecode is: needed to follow Sparkplug's table, which has one step a bytecode.
//!
//! V8 keeps the lengths in a constant array that Node 20 and 22 export and later ones have in `.symtab` only. It is
//! read once, off the JavaScript thread, from the file that V8 was loaded from.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use object::{Object, ObjectSection, ObjectSymbol};

use crate::memory_map::{self, Mapping, without_mark};

const SYMBOL: &str = "_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE";

/// Bytecodes 0 to 3 are prefixes that scale the operands of the next one (`src/interpreter/bytecodes.h`):
/// Wide, ExtraWide, and both again with a breakpoint.
const PREFIXES: u8 = 4;

/// V8 has about 200 bytecodes; the opcode is one byte.
const COUNTS: std::ops::RangeInclusive<usize> = 128..=256;

/// Bytes of each bytecode for the three operand scales.
#[derive(Debug)]
pub(super) struct BytecodeSizes {
    /// Single, then double, then quadruple scale.
    sizes: Box<[u8]>,
    count: usize,
}

impl BytecodeSizes {
    /// The lengths of the V8 in this process. May read the executable's symbol table: not for JavaScript threads.
    ///
    /// # Errors
    /// A sentence that says why they are not to be had.
    pub(super) fn get() -> Result<&'static BytecodeSizes, &'static str> {
        static SIZES: OnceLock<Result<BytecodeSizes, String>> = OnceLock::new();
        SIZES
            .get_or_init(|| {
                BytecodeSizes::new(&read_table()?).ok_or_else(|| {
                    "V8's table of bytecode lengths is not what it was expected to be".to_owned()
                })
            })
            .as_ref()
            .map_err(String::as_str)
    }

    /// `None` when the table cannot be that of V8's three scales.
    fn new(table: &[u8]) -> Option<BytecodeSizes> {
        let count = table.len() / 3;
        let valid = table.len().is_multiple_of(3)
            && COUNTS.contains(&count)
            // A prefix has no operands, and nothing is longer than an opcode and eight operands of four bytes.
            && table[..PREFIXES as usize].iter().all(|size| *size == 1)
            && table.iter().all(|size| (1..=33).contains(size))
            && table[..count]
                .iter()
                .zip(&table[count..])
                .all(|(single, double)| single <= double);
        valid.then(|| BytecodeSizes {
            sizes: table.into(),
            count,
        })
    }

    /// Offsets at which the bytecodes of an array begin, prefixes included in what they scale; `None` when the walk
    /// does not end exactly at the array's end.
    pub(super) fn starts(&self, bytecodes: &[u8]) -> Option<Vec<u32>> {
        let mut starts = Vec::new();
        let mut place = 0;
        while place < bytecodes.len() {
            starts.push(place as u32);
            let mut opcode = bytecodes[place];
            let mut scale = 0;
            if opcode < PREFIXES {
                scale = 1 + usize::from(opcode % 2);
                place += 1;
                opcode = *bytecodes.get(place)?;
            }
            if usize::from(opcode) >= self.count {
                return None;
            }
            place += usize::from(self.sizes[scale * self.count + usize::from(opcode)]);
        }
        (place == bytecodes.len()).then_some(starts)
    }
}

/// The bytes of V8's table, from the file it was loaded from.
fn read_table() -> Result<Vec<u8>, String> {
    let file =
        v8_file().map_err(|error| format!("the file that holds V8 cannot be read: {error}"))?;
    // SAFETY: the mapping is private; the file of a running program is not cut short (ETXTBSY), and a library that is
    // replaced is replaced by rename.
    let data = unsafe { memmap2::Mmap::map(&file) }
        .map_err(|error| format!("the file that holds V8 cannot be mapped: {error}"))?;
    let file = object::File::parse(&*data)
        .map_err(|error| format!("the file that holds V8 is not a readable ELF file: {error}"))?;
    let mut symbols = file.dynamic_symbols().chain(file.symbols());
    let symbol = symbols
        .find(|symbol| {
            // Names are far away: compare only what can be the table.
            COUNTS.contains(&(symbol.size() as usize / 3))
                && symbol.name_bytes() == Ok(SYMBOL.as_bytes())
        })
        .ok_or_else(|| {
            "the executable has no symbol for V8's bytecode lengths (it is stripped)".to_owned()
        })?;
    file.sections()
        .find_map(|section| {
            section
                .data_range(symbol.address(), symbol.size())
                .ok()
                .flatten()
        })
        .map(<[u8]>::to_vec)
        .ok_or_else(|| "V8's bytecode lengths lie outside of the executable's sections".to_owned())
}

/// The executable, or the library, that V8 is in.
fn v8_file() -> io::Result<File> {
    let entry = super::entry::symbol_address(c"_ZN2v87Isolate13TryGetCurrentEv")
        .map_or(0, |address: *mut c_void| address as u64);
    let mapping = memory_map::read()?
        .into_iter()
        .find(|mapping| mapping.range.contains(&entry));
    let executable = std::fs::read_link(EXECUTABLE).ok();
    File::open(path_of(mapping.as_ref(), executable.as_deref())?)
}

/// Opens the executable also when it was replaced or lies in another mount namespace.
const EXECUTABLE: &str = "/proc/self/exe";

/// Where the file of a mapping is, if it is still the one that was mapped.
fn path_of<'a>(mapping: Option<&'a Mapping>, executable: Option<&Path>) -> io::Result<&'a str> {
    let library = mapping.filter(|mapping| {
        let own = executable.and_then(Path::to_str).map(without_mark);
        own.is_some_and(|(own, _)| own != mapping.path)
    });
    match library {
        Some(library) if library.is_deleted => Err(io::ErrorKind::NotFound.into()),
        Some(library) => Ok(&library.path),
        None => Ok(EXECUTABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_took_another_s_place_is_not_read() {
        let path = |line: &str, executable: &str| {
            let mappings = memory_map::parse(line);
            let path = path_of(mappings.first(), Some(Path::new(executable)));
            path.map(str::to_owned).map_err(|error| error.kind())
        };
        let node = "1000-2000 r-xp 0 08:01 42 /usr/bin/node";
        let library = "1000-2000 r-xp 0 08:01 43 /usr/lib/libnode.so";
        let deleted = |line: &str| format!("{line} (deleted)");
        assert_eq!(path(node, "/usr/bin/node"), Ok(EXECUTABLE.to_owned()));
        assert_eq!(
            path(&deleted(node), "/usr/bin/node (deleted)"),
            Ok(EXECUTABLE.to_owned())
        );
        assert_eq!(
            path(library, "/usr/bin/node"),
            Ok("/usr/lib/libnode.so".to_owned())
        );
        assert_eq!(
            path(&deleted(library), "/usr/bin/node"),
            Err(io::ErrorKind::NotFound)
        );
        assert_eq!(path("", "/usr/bin/node"), Ok(EXECUTABLE.to_owned()));
    }

    /// 200 bytecodes: prefixes of 1 byte, the rest an opcode and `opcode % 3` operands.
    fn sizes() -> BytecodeSizes {
        let mut table = Vec::new();
        for scale in [1, 2, 4] {
            table.extend((0..200).map(|opcode| {
                if opcode < 4 {
                    1
                } else {
                    1 + opcode % 3 * scale
                }
            }));
        }
        BytecodeSizes::new(&table).unwrap()
    }

    #[test]
    fn bytecodes_are_walked_with_their_prefixes() {
        // 6: no operand; 7: one; 8: two; 0 is Wide, 1 ExtraWide, 3 ExtraWide with a breakpoint.
        let bytecodes = [
            6, 7, 9, 0, 7, 9, 9, 1, 8, 9, 9, 9, 9, 9, 9, 9, 9, 3, 7, 9, 9, 9, 9,
        ];
        assert_eq!(sizes().starts(&bytecodes), Some(vec![0, 1, 3, 7, 17]));
    }

    #[test]
    fn a_walk_that_misses_the_end_is_refused() {
        assert_eq!(sizes().starts(&[6, 7]), None, "cut");
        assert_eq!(sizes().starts(&[0]), None, "a lone prefix");
        assert_eq!(sizes().starts(&[200, 6]), None, "no such bytecode");
        assert_eq!(sizes().starts(&[]), Some(vec![]));
    }

    #[test]
    fn another_table_is_refused() {
        assert!(BytecodeSizes::new(&[1; 601]).is_none(), "not three scales");
        assert!(BytecodeSizes::new(&[0; 600]).is_none(), "zeroes");
        assert!(
            BytecodeSizes::new(&[2; 600]).is_none(),
            "prefixes with operands"
        );
        assert!(BytecodeSizes::new(&[1; 60]).is_none(), "too few");
    }

    #[test]
    fn random_bytecodes_never_loop() {
        let sizes = sizes();
        let mut seed = 88_172_645_463_325_252u64;
        for _ in 0..5_000 {
            let bytes: Vec<u8> = (0..seed % 64)
                .map(|_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    (seed >> 24) as u8
                })
                .collect();
            seed = seed.wrapping_add(1);
            if let Some(starts) = sizes.starts(&bytes) {
                assert!(starts.len() <= bytes.len());
                assert!(starts.is_sorted());
            }
        }
    }

    #[test]
    fn a_program_without_v8_says_that_there_is_no_table() {
        let error = read_table().unwrap_err();
        assert!(
            error.contains("no symbol for V8's bytecode lengths"),
            "{error}"
        );
    }
}
