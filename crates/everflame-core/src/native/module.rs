//! One loaded image: its names, its place and its kind.

use std::ops::Range;

use super::image::{Image, Segment};
use crate::memory_map::Mapping;

/// Names a module for the life of the process; never given to another module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// What kind of image it is: decides where its file and its unwind tables are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Executable,
    Library,
    Vdso,
}

/// One loaded image, as of the time when it was first seen.
#[derive(Debug)]
pub struct Module {
    pub id: ModuleId,
    /// Last component of the path; `[vdso]` for the kernel's image.
    pub name: String,
    /// Absolute where the system says so; without the kernel's mark for deleted files.
    pub path: String,
    /// GNU build id in lower-case hexadecimal; empty if the image has none.
    pub build_id: String,
    /// First address of its code in memory, page-aligned.
    pub start: u64,
    /// End (exclusive) of its code in memory.
    pub limit: u64,
    /// Offset in the file that is mapped at `start`.
    pub file_offset: u64,
    pub(super) bias: u64,
    pub(super) kind: Kind,
    pub(super) segments: Vec<Segment>,
    /// Range of its first code mapping, as named in `/proc/self/map_files`.
    pub(super) map_file: Option<Range<u64>>,
}

impl Module {
    pub(super) fn describe(id: ModuleId, image: &Image, mappings: &[Mapping]) -> Self {
        let page = page_size();
        let code = || image.segments.iter().filter(|segment| segment.is_code());
        let first = code()
            .min_by_key(|segment| segment.address)
            .map_or((0, 0), |segment| (segment.address, segment.offset));
        let end = code().map(|segment| segment.range().end).max().unwrap_or(0);
        let start = image.bias.wrapping_add(first.0);
        let mapping = mappings
            .iter()
            .find(|mapping| mapping.range.contains(&start));
        let kind = if is_vdso(image) {
            Kind::Vdso
        } else if image.is_executable {
            Kind::Executable
        } else {
            Kind::Library
        };
        let path = match kind {
            Kind::Vdso => "[vdso]".to_owned(),
            Kind::Executable | Kind::Library => path_of(image, mapping),
        };
        Self {
            id,
            name: path.rsplit('/').next().unwrap_or(&path).to_owned(),
            path,
            build_id: image.build_id.clone(),
            start: start & !(page - 1),
            limit: image.bias.wrapping_add(end).next_multiple_of(page),
            file_offset: first.1 & !(page - 1),
            bias: image.bias,
            kind,
            segments: image.segments.clone(),
            map_file: mapping.map(|mapping| mapping.range.clone()),
        }
    }

    /// Address in the file's own address space.
    #[must_use]
    pub fn file_address(&self, address: u64) -> u64 {
        address.wrapping_sub(self.bias)
    }

    pub(super) fn code_ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.segments
            .iter()
            .filter(|segment| segment.is_code())
            .map(|segment| {
                let range = segment.range();
                self.bias.wrapping_add(range.start)..self.bias.wrapping_add(range.end)
            })
    }

    /// Whether the loader speaks of this module: the same file at the same place.
    pub(super) fn is_image(&self, image: &Image) -> bool {
        self.bias == image.bias
            && self.segments == image.segments
            && self.build_id == image.build_id
    }

    /// Where the file's own address space has the code that lies at an offset of the file.
    pub(super) fn file_address_of_offset(&self, offset: u64) -> Option<u64> {
        // What is mapped begins at a page, also where the segment does not.
        let first_page = |segment: &Segment| segment.offset & !(page_size() - 1);
        let segment = self.segments.iter().find(|segment| {
            segment.is_code()
                && (first_page(segment)..segment.offset + segment.file_size).contains(&offset)
        })?;
        Some(
            segment
                .address
                .wrapping_sub(segment.offset)
                .wrapping_add(offset),
        )
    }
}

/// The kernel's path is absolute and right also for a library opened by a relative name; the loader's name is what is
/// left where `/proc` is missing.
fn path_of(image: &Image, mapping: Option<&Mapping>) -> String {
    if let Some(mapping) = mapping.filter(|mapping| mapping.path.starts_with('/')) {
        return mapping.path.clone();
    }
    if !image.name.is_empty() {
        return image.name.clone();
    }
    match std::env::current_exe() {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(_) => "[executable]".to_owned(),
    }
}

fn is_vdso(image: &Image) -> bool {
    // SAFETY: reads a value of the auxiliary vector; no precondition.
    let header = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
    header != 0
        && image.segments.iter().any(|segment| {
            segment.is_code() && segment.range().contains(&header.wrapping_sub(image.bias))
        })
}

fn page_size() -> u64 {
    // SAFETY: no precondition.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size)
        .ok()
        .filter(|size| size.is_power_of_two())
        .unwrap_or(4096)
}
