//! Which file owns an address.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::image::{self, LoaderCounters, Segment};
use super::module::{Module, ModuleId};
use crate::memory_map::{self, Mapping};

/// Unloaded modules remembered for samples and profiles that still refer to them. A program that loads and unloads
/// for ever must not grow us; the oldest are forgotten first. A library that comes back to its old address is the same
/// module again, so few programs have more than a handful.
const UNLOADED_KEPT: usize = 1024;

/// An address found in a module.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub module: &'a Arc<Module>,
    /// The address in the file's own address space.
    pub file_address: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
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
    counters: LoaderCounters,
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

    /// Whether images were loaded or unloaded since the last look.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        image::counters() != self.counters
    }

    /// Takes note of loaded and unloaded images. Costs one look at the loader's counters when nothing changed.
    /// Returns whether the list was read again.
    pub fn refresh(&mut self) -> bool {
        let changed = self.is_outdated();
        if changed {
            self.rescan();
        }
        changed
    }

    /// Reads everything again. Beyond [`refresh`](Self::refresh) it finds second mappings of a module's code, which
    /// the loader does not count (V8 maps its builtins into each code range): call it when an address is unknown,
    /// at a limited rate. Returns whether any address is another's now than before.
    pub fn rescan(&mut self) -> bool {
        // Counters before the list: a change in between is then seen at the next refresh.
        self.counters = image::counters();
        let images = image::list();
        // Without /proc the loader's own names are used and second mappings stay unknown.
        let mappings = memory_map::read().unwrap_or_default();
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
        let code = std::mem::take(&mut self.code);
        let copies = std::mem::take(&mut self.copies);
        self.index_code();
        self.index_copies(&mappings);
        self.generation += 1;
        self.code != code || self.copies != copies
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

    /// How many ids were given. Each id is below it; those of forgotten modules are not reused.
    #[must_use]
    pub fn ids_given(&self) -> u32 {
        self.next_id
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

    fn adopt(&mut self, image: &image::Image, mappings: &[Mapping]) -> ModuleId {
        if let Some(module) = self.modules.values().find(|module| module.is_image(image)) {
            return module.id;
        }
        let id = ModuleId(self.next_id);
        self.next_id += 1;
        self.modules
            .insert(id, Arc::new(Module::describe(id, image, mappings)));
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
        // Segments need not begin at a page, mappings do: a segment's own mapping overlaps it.
        let owner_of = |mapping: &Mapping| {
            let mut code = self.code.iter();
            code.find(|code| code.start < mapping.range.end && mapping.range.start < code.end)
        };
        let (own, foreign): (Vec<_>, Vec<_>) = mappings
            .iter()
            .map(|mapping| (mapping, owner_of(mapping)))
            .partition(|(_, owner)| owner.is_some());
        let owners: FxHashMap<_, _> = own
            .iter()
            .filter_map(|(mapping, owner)| Some((&mapping.file, owner.as_ref()?.module)))
            .collect();
        let mut copies: Vec<CodeRange> = foreign
            .iter()
            .filter_map(|(mapping, _)| {
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
        copies.sort_unstable_by_key(|range| range.start);
        self.copies = copies;
    }
}

fn search(ranges: &[CodeRange], address: u64) -> Option<&CodeRange> {
    let after = ranges.partition_point(|range| range.start <= address);
    ranges[..after].last().filter(|range| address < range.end)
}
