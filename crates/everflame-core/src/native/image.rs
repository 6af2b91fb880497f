//! What the dynamic loader knows: the images of this process, as `dl_iterate_phdr(3)` shows them.

use std::ffi::{CStr, c_int, c_void};
use std::ops::Range;

use object::elf::{NT_GNU_BUILD_ID, PF_R, PF_X, PT_LOAD, PT_NOTE};
use object::read::elf::NoteIterator;

use super::fork_lock::{self, Held};

/// One program header, in the image's own (not relocated) addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) file_size: u64,
    pub(super) memory_size: u64,
    pub(super) align: u64,
}

impl Segment {
    pub(super) fn is_code(&self) -> bool {
        self.kind == PT_LOAD && self.flags & PF_X != 0
    }

    fn is_readable_load(&self) -> bool {
        self.kind == PT_LOAD && self.flags & PF_R != 0
    }

    /// Addresses of the segment, before relocation.
    pub(super) fn range(&self) -> Range<u64> {
        self.address..self.address.saturating_add(self.memory_size)
    }
}

/// One image as the loader described it at the time of the call.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// Added to an address in the file to get the address in memory.
    pub(super) bias: u64,
    /// Name given to the loader; empty for the executable with glibc.
    pub(super) name: String,
    pub(super) segments: Vec<Segment>,
    /// Lower-case hexadecimal; empty if the image has none.
    pub(super) build_id: String,
    /// The first image listed is the executable.
    pub(super) is_executable: bool,
}

/// How often images were added and removed since the process began. Equal counters mean equal lists of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoaderCounters {
    adds: u64,
    subs: u64,
}

/// Reads the loader's counters; stops at the first image, so the cost does not grow with their number.
pub(crate) fn counters() -> LoaderCounters {
    counters_under(&fork_lock::hold())
}

/// As [`counters`], without waiting for another thread that asks the loader: `None` where one does.
pub(crate) fn try_counters() -> Option<LoaderCounters> {
    fork_lock::try_hold().map(|held| counters_under(&held))
}

fn counters_under(held: &Held) -> LoaderCounters {
    let mut counters = LoaderCounters::default();
    visit(held, &mut |info, _| {
        counters = LoaderCounters {
            adds: info.dlpi_adds,
            subs: info.dlpi_subs,
        };
        false
    });
    counters
}

/// Lists all images. Build ids are read while the loader's lock keeps the images mapped.
pub(super) fn list() -> Vec<Image> {
    let mut images = Vec::new();
    visit(&fork_lock::hold(), &mut |info, memory| {
        let name = if info.dlpi_name.is_null() {
            String::new()
        } else {
            // SAFETY: the loader keeps `dlpi_name` a terminated string during the callback.
            unsafe { CStr::from_ptr(info.dlpi_name) }
                .to_string_lossy()
                .into_owned()
        };
        images.push(Image {
            bias: memory.bias,
            name,
            build_id: build_id(memory),
            is_executable: images.is_empty(),
            segments: memory.segments.to_vec(),
        });
        true
    });
    images
}

/// Calls `read` with the memory of the image loaded at `bias` with exactly these `segments`, if it is still loaded.
/// The loader's lock is held meanwhile: the image cannot be unmapped, and `read` must be short.
pub(super) fn with_memory<T>(
    bias: u64,
    segments: &[Segment],
    read: impl FnOnce(&ImageMemory) -> T,
) -> Option<T> {
    let mut read = Some(read);
    let mut result = None;
    visit(&fork_lock::hold(), &mut |_, memory| {
        if memory.bias == bias && memory.segments == segments {
            result = read.take().map(|read| read(memory));
            return false;
        }
        true
    });
    result
}

/// The memory of one loaded image. Exists only while the image cannot be unloaded.
pub(super) struct ImageMemory<'a> {
    bias: u64,
    segments: &'a [Segment],
}

impl ImageMemory<'_> {
    /// The bytes at an address of the file's own address space; `None` unless one readable segment holds all of them.
    pub(super) fn bytes(&self, range: Range<u64>) -> Option<&[u8]> {
        self.segment_of(&range)?;
        let length = usize::try_from(range.end - range.start).ok()?;
        let start = self.bias.wrapping_add(range.start) as usize as *const u8;
        // SAFETY: the range lies inside one readable PT_LOAD segment of an image that the loader keeps mapped while
        // `self` exists; `.eh_frame`, notes and the vDSO, all that is read through here, are never written.
        Some(unsafe { std::slice::from_raw_parts(start, length) })
    }

    /// End of the readable segment that holds the range.
    pub(super) fn segment_end(&self, address: u64) -> Option<u64> {
        self.segment_of(&(address..address))
            .map(|segment| segment.address + segment.file_size)
    }

    fn segment_of(&self, range: &Range<u64>) -> Option<&Segment> {
        // Only the part that comes from the file: the rest of the last page may be written at run time.
        self.segments.iter().find(|segment| {
            segment.is_readable_load()
                && range.start <= range.end
                && segment.address <= range.start
                && range.end <= segment.address.saturating_add(segment.file_size)
        })
    }
}

fn build_id(memory: &ImageMemory) -> String {
    let notes = memory
        .segments
        .iter()
        .filter(|segment| segment.kind == PT_NOTE);
    for segment in notes {
        let range = segment.address..segment.address.saturating_add(segment.file_size);
        if let Some(id) = memory
            .bytes(range)
            .and_then(|bytes| build_id_in_notes(bytes, segment.align))
        {
            return id;
        }
    }
    String::new()
}

/// Finds the GNU build id in the bytes of a PT_NOTE segment or a note section, as lower-case hexadecimal.
pub(super) fn build_id_in_notes(bytes: &[u8], align: u64) -> Option<String> {
    type Elf = object::elf::FileHeader64<object::NativeEndian>;
    let endian = object::NativeEndian;
    let mut notes = NoteIterator::<Elf>::new(endian, align, bytes).ok()?;
    while let Ok(Some(note)) = notes.next() {
        if note.n_type(endian) == NT_GNU_BUILD_ID && note.name() == b"GNU" {
            return Some(
                note.desc()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            );
        }
    }
    None
}

/// The callback of [`visit`]: `false` ends the iteration.
type Visitor<'a> = dyn FnMut(&libc::dl_phdr_info, &ImageMemory) -> bool + 'a;

fn visit(_held: &Held, visitor: &mut Visitor) {
    extern "C" fn each(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
        // SAFETY: `data` is the `&mut &mut Visitor` below, alive and unshared during the whole iteration.
        let visitor = unsafe { &mut *data.cast::<&mut Visitor>() };
        // SAFETY: the loader passes a valid structure for the time of the callback. All libraries that we support
        // (glibc ≥ 2.28, musl ≥ 1.1.24) fill it up to `dlpi_subs`.
        let info = unsafe { &*info };
        let segments: Vec<Segment> = (0..usize::from(info.dlpi_phnum))
            .map(|index| {
                // SAFETY: `dlpi_phdr` points to `dlpi_phnum` headers.
                let header = unsafe { &*info.dlpi_phdr.add(index) };
                Segment {
                    kind: header.p_type,
                    flags: header.p_flags,
                    offset: header.p_offset,
                    address: header.p_vaddr,
                    file_size: header.p_filesz,
                    memory_size: header.p_memsz,
                    align: header.p_align,
                }
            })
            .collect();
        let memory = ImageMemory {
            bias: info.dlpi_addr,
            segments: &segments,
        };
        c_int::from(!visitor(info, &memory))
    }
    let mut visitor = visitor;
    // SAFETY: `each` has the documented signature and `data` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(each), (&raw mut visitor).cast()) };
}
