//! Which file owns an address.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::image::{self, Counters, Image, Segment};
use super::maps::{self, Mapping};

/// Unloaded modules remembered for samples and profiles that still refer to them. A program that loads and unloads
/// for ever must not grow us; the oldest are forgotten first. A library that comes back to its old address is the same
/// module again, so few programs have more than a handful.
const UNLOADED_KEPT: usize = 1024;

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
    /// Address in the file's own address space.
    #[must_use]
    pub fn file_address(&self, address: u64) -> u64 {
        address.wrapping_sub(self.bias)
    }

    fn code_ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.segments
            .iter()
            .filter(|segment| segment.is_code())
            .map(|segment| {
                let range = segment.range();
                self.bias.wrapping_add(range.start)..self.bias.wrapping_add(range.end)
            })
    }

    fn is_image(&self, image: &Image) -> bool {
        self.bias == image.bias
            && self.segments == image.segments
            && self.build_id == image.build_id
    }

    fn file_address_of_offset(&self, offset: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| {
            segment.is_code()
                && (segment.offset..segment.offset + segment.file_size).contains(&offset)
        })?;
        Some(segment.address + (offset - segment.offset))
    }
}

/// An address found in a module.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub module: &'a Arc<Module>,
    /// The address in the file's own address space.
    pub file_address: u64,
}

#[derive(Clone, Copy)]
struct CodeRange {
    start: u64,
    end: u64,
    module: ModuleId,
    /// Subtracted from an address to get the address in the file.
    bias: u64,
}

/// The modules of this process, and those it had.
#[derive(Default)]
pub struct Modules {
    modules: FxHashMap<ModuleId, Arc<Module>>,
    live: Vec<ModuleId>,
    /// Oldest first.
    unloaded: Vec<ModuleId>,
    next_id: u32,
    /// Sorted, disjoint.
    code: Vec<CodeRange>,
    /// Code of a module's file mapped a second time elsewhere; sorted, disjoint.
    copies: Vec<CodeRange>,
    counters: Counters,
    generation: u64,
}

impl Modules {
    /// Finds the modules that are loaded now.
    #[must_use]
    pub fn new() -> Self {
        let mut modules = Self::default();
        modules.rescan();
        modules
    }

    /// Takes note of loaded and unloaded images. Costs one look at the loader's counters when nothing changed.
    /// Returns whether the list was read again.
    pub fn refresh(&mut self) -> bool {
        let changed = image::counters() != self.counters;
        if changed {
            self.rescan();
        }
        changed
    }

    /// Reads everything again. Beyond [`refresh`](Self::refresh) it finds second mappings of a module's code, which
    /// the loader does not count (V8 maps its builtins into each code range): call it when an address is unknown,
    /// at a limited rate.
    pub fn rescan(&mut self) {
        // Counters before the list: a change in between is then seen at the next refresh.
        self.counters = image::counters();
        let images = image::list();
        // Without /proc the loader's own names are used and second mappings stay unknown.
        let mappings = maps::read().unwrap_or_default();
        let before = std::mem::take(&mut self.live);
        for image in &images {
            if image.segments.iter().any(Segment::is_code) {
                let id = self.adopt(image, &mappings);
                self.live.push(id);
            }
        }
        let live = &self.live;
        self.unloaded.retain(|id| !live.contains(id));
        self.unloaded
            .extend(before.into_iter().filter(|id| !live.contains(id)));
        let forgotten = self.unloaded.len().saturating_sub(UNLOADED_KEPT);
        for id in self.unloaded.drain(..forgotten) {
            self.modules.remove(&id);
        }
        self.index_code();
        self.index_copies(&mappings);
        self.generation += 1;
    }

    /// The module that has its code at this address, loaded or the last that was. Second mappings do not count: they
    /// are not what the unwind tables describe.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<&Arc<Module>> {
        search(&self.code, address).and_then(|range| self.modules.get(&range.module))
    }

    /// Like [`find`](Self::find), and knows second mappings of a module's code too.
    #[must_use]
    pub fn locate(&self, address: u64) -> Option<Located<'_>> {
        let range = search(&self.code, address).or_else(|| search(&self.copies, address))?;
        let module = self.modules.get(&range.module)?;
        Some(Located {
            module,
            file_address: address.wrapping_sub(range.bias),
        })
    }

    /// The module of an id; `None` when it was unloaded so long ago that it is forgotten.
    #[must_use]
    pub fn get(&self, id: ModuleId) -> Option<&Arc<Module>> {
        self.modules.get(&id)
    }

    /// The modules loaded at the last look, the executable first.
    pub fn loaded(&self) -> impl Iterator<Item = &Arc<Module>> {
        self.live.iter().filter_map(|id| self.modules.get(id))
    }

    /// Whether [`find`](Self::find) can answer with this module.
    pub(super) fn is_findable(&self, id: ModuleId) -> bool {
        self.code.iter().any(|range| range.module == id)
    }

    /// Grows with each change of what [`find`](Self::find) may answer.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    fn adopt(&mut self, image: &Image, mappings: &[Mapping]) -> ModuleId {
        if let Some(module) = self.modules.values().find(|module| module.is_image(image)) {
            return module.id;
        }
        let id = ModuleId(self.next_id);
        self.next_id += 1;
        self.modules
            .insert(id, Arc::new(describe(id, image, mappings)));
        id
    }

    /// What is loaded claims its addresses first, then the unloaded from the youngest, each only where nobody newer
    /// lies.
    fn index_code(&mut self) {
        self.code.clear();
        for id in self.live.iter().chain(self.unloaded.iter().rev()) {
            let Some(module) = self.modules.get(id) else {
                continue;
            };
            let overlaps = |range: &Range<u64>| {
                let mut taken = self.code.iter();
                taken.any(|other| range.start < other.end && other.start < range.end)
            };
            if module.code_ranges().any(|range| overlaps(&range)) {
                continue;
            }
            self.code
                .extend(module.code_ranges().map(|range| CodeRange {
                    start: range.start,
                    end: range.end,
                    module: *id,
                    bias: module.bias,
                }));
        }
        self.code.sort_unstable_by_key(|range| range.start);
    }

    fn index_copies(&mut self, mappings: &[Mapping]) {
        let mut owners = FxHashMap::default();
        for mapping in mappings {
            if let Some(range) = search(&self.code, mapping.range.start) {
                owners.insert(&mapping.file, range.module);
            }
        }
        self.copies = mappings
            .iter()
            .filter(|mapping| search(&self.code, mapping.range.start).is_none())
            .filter_map(|mapping| {
                let module = self.modules.get(owners.get(&mapping.file)?)?;
                let file_address = module.file_address_of_offset(mapping.file_offset)?;
                Some(CodeRange {
                    start: mapping.range.start,
                    end: mapping.range.end,
                    module: module.id,
                    bias: mapping.range.start.wrapping_sub(file_address),
                })
            })
            .collect();
        self.copies.sort_unstable_by_key(|range| range.start);
    }
}

fn search(ranges: &[CodeRange], address: u64) -> Option<&CodeRange> {
    let after = ranges.partition_point(|range| range.start <= address);
    ranges[..after].last().filter(|range| address < range.end)
}

fn describe(id: ModuleId, image: &Image, mappings: &[Mapping]) -> Module {
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
    Module {
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
