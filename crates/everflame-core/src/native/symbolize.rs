//! From an address to a function name.

use std::collections::hash_map::Entry;
use std::ffi::CStr;

use rustc_hash::FxHashMap;

use super::debug_file;
use super::demangle::demangle;
use super::elf_file::{ElfError, ElfFile};
use super::module::{Kind, Module, ModuleId};
use super::modules::Modules;
use super::symbols::{Symbol, SymbolTable};

/// Name of a frame in code that no module owns.
const UNKNOWN: &str = "[unknown]";

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// Of the instruction that was interrupted.
    Exact,
    /// Of the instruction behind a call: the call itself is looked up, since it may be its function's last.
    Return,
}

/// A native address with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeFrame {
    /// Demangled function, `name@plt` for the stub that leads to one in another file, else `library.so+0x1234` with the
    /// address in the file's own address space, else `[unknown]` for code that no module owns.
    pub function: String,
    pub module: Option<ModuleId>,
    /// The address that was looked up, in the module's file; the address itself without a module.
    pub module_offset: u64,
    /// Where the function starts, likewise; `None` where no symbol tells.
    pub function_start: Option<u64>,
    /// The name was out of reach for now (no file descriptor or no memory was left) and is worth asking for again.
    pub is_provisional: bool,
}

/// What symbols cost, for the profiler's own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SymbolStatistics {
    /// Files whose symbols are held.
    pub tables: usize,
    /// Symbols in them.
    pub symbols: usize,
    /// Bytes they take.
    pub bytes: usize,
    /// Files that could not be read, were damaged or replaced: their frames have offsets for names.
    pub unreadable_files: usize,
}

/// Symbols of one module's file.
struct Symbols {
    functions: Option<SymbolTable>,
    stubs: Option<SymbolTable>,
}

impl Symbols {
    /// # Errors
    /// [`ElfError`] when the file cannot be read or is damaged.
    fn read(module: &Module) -> Result<Symbols, ElfError> {
        let elf = ElfFile::of_module(module)?;
        let stubs = match SymbolTable::of_stubs(&elf) {
            Err(error) if error.is_transient() => return Err(error),
            // Functions may have names all the same.
            stubs => stubs.unwrap_or_default(),
        };
        let functions = read_functions(module, &elf)?;
        Ok(Symbols { functions, stubs })
    }

    /// The function at an address, by its readable name; a stub has that of the function it leads to, marked `@plt`.
    ///
    /// # Errors
    /// [`ElfError`] when the file is gone or was replaced since it was read.
    fn symbol_at(&self, file_address: u64) -> Result<Option<Symbol>, ElfError> {
        let symbol_in = |table: &Option<SymbolTable>| match table {
            Some(table) => table.symbol_at(file_address),
            None => Ok(None),
        };
        if let Some(symbol) = symbol_in(&self.functions)? {
            return Ok(Some(Symbol {
                name: demangle(&symbol.name),
                ..symbol
            }));
        }
        Ok(symbol_in(&self.stubs)?.map(|symbol| Symbol {
            name: format!("{}@plt", demangle(&symbol.name)),
            ..symbol
        }))
    }
}

/// Names addresses. Tables are built when a module is first asked for, and dropped with it. Results are not cached
/// here: each costs opening a file, so the caller keeps them by address.
#[derive(Default)]
pub struct Symbolizer {
    /// `None` for a file that cannot be read.
    modules: FxHashMap<ModuleId, Option<Symbols>>,
    generation: u64,
}

impl Symbolizer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names an address as of what `modules` knows now.
    pub fn symbolize(&mut self, modules: &Modules, address: u64, lookup: Lookup) -> NativeFrame {
        self.forget_unloaded(modules);
        let address = match lookup {
            Lookup::Exact => address,
            Lookup::Return => address.wrapping_sub(1),
        };
        let Some(located) = modules.locate(address) else {
            return NativeFrame {
                function: UNKNOWN.to_owned(),
                module: None,
                module_offset: address,
                function_start: None,
                is_provisional: false,
            };
        };
        let module = located.module;
        let symbol = match module.kind {
            Kind::Vdso => Ok(vdso_symbol(module, address)),
            Kind::Executable | Kind::Library => self.file_symbol(module, located.file_address),
        };
        let is_provisional = symbol.is_err();
        let symbol = symbol.ok().flatten();
        let function_start = symbol.as_ref().map(|symbol| symbol.start);
        let function = symbol.map_or_else(
            || offset_name(module, located.file_address),
            |symbol| symbol.name,
        );
        NativeFrame {
            function,
            module: Some(module.id),
            module_offset: located.file_address,
            function_start,
            is_provisional,
        }
    }

    /// What the tables cost now.
    #[must_use]
    pub fn statistics(&self) -> SymbolStatistics {
        let mut statistics = SymbolStatistics::default();
        for symbols in self.modules.values() {
            let Some(Symbols { functions, stubs }) = symbols else {
                statistics.unreadable_files += 1;
                continue;
            };
            statistics.tables += usize::from(functions.is_some());
            for table in functions.iter().chain(stubs) {
                statistics.symbols += table.len();
                statistics.bytes += table.memory();
            }
        }
        statistics
    }

    /// # Errors
    /// A transient [`ElfError`]; any other makes the module unreadable for good.
    fn file_symbol(
        &mut self,
        module: &Module,
        file_address: u64,
    ) -> Result<Option<Symbol>, ElfError> {
        let symbols = match self.modules.entry(module.id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(match Symbols::read(module) {
                Ok(symbols) => Some(symbols),
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => None,
            }),
        };
        let Some(read) = symbols else {
            return Ok(None);
        };
        match read.symbol_at(file_address) {
            Err(error) if !error.is_transient() => {
                // The file is gone: the rest of its names is out of reach too.
                *symbols = None;
                Ok(None)
            }
            found => found,
        }
    }

    fn forget_unloaded(&mut self, modules: &Modules) {
        if self.generation != modules.generation() {
            self.generation = modules.generation();
            self.modules.retain(|id, _| modules.get(*id).is_some());
        }
    }
}

fn read_functions(module: &Module, elf: &ElfFile) -> Result<Option<SymbolTable>, ElfError> {
    let stripped = !elf
        .sections
        .iter()
        .any(|section| section.kind == object::elf::SHT_SYMTAB);
    if stripped
        && let Some(debug) = debug_file::find(module, elf)?
        && let Some(table) = SymbolTable::read(&debug)?
    {
        return Ok(Some(table));
    }
    SymbolTable::read(elf)
}

/// The name of code without a symbol.
pub(crate) fn offset_name(module: &Module, file_address: u64) -> String {
    format!("{}+{file_address:#x}", module.name)
}

/// The vDSO is no file; the loader knows its few symbols.
fn vdso_symbol(module: &Module, address: u64) -> Option<Symbol> {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: `dladdr` reads the loader's lists only and fills `info`.
    let found = unsafe { libc::dladdr(address as usize as *const libc::c_void, &raw mut info) };
    if found == 0 || info.dli_sname.is_null() {
        return None;
    }
    // SAFETY: the name lies in the vDSO's string table, which is never unmapped.
    let name = unsafe { CStr::from_ptr(info.dli_sname) };
    Some(Symbol {
        name: demangle(&name.to_string_lossy()),
        start: module.file_address(info.dli_saddr as u64),
    })
}
