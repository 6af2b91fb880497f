//! Unwinding by table over a copy of a thread's stack.

use framehop::{CacheNative, FrameAddress, MayAllocateDuringUnwind, Unwinder as _, UnwinderNative};
use rustc_hash::FxHashMap;

use super::cfi::{Base, Coverage, Frame, Place, Saved};
use super::module::{Module, ModuleId};
use super::modules::Modules;
use super::registers::{Registers, from_unwinder, stack_grows, to_unwinder};
use super::sections::{TableBytes, UnwindTables};
use crate::return_address::strip_signature;

/// Frames followed in one stack; what is deeper than this between two V8 frames is a runaway recursion or garbage.
pub const MAX_FRAMES: usize = 128;

/// The longest stack of a thread that is taken for real. An address that lies further above the copy is garbage and
/// not the thread's stack beyond it.
const LARGEST_STACK: u64 = 64 << 20;

/// Bytes below the stack pointer that belong to the interrupted function: signal handlers leave them alone. See the
/// System V ABI for x86-64, section 3.2.2; other processors have none on Linux.
pub const RED_ZONE: u64 = if cfg!(target_arch = "x86_64") { 128 } else { 0 };

/// The top of a thread's stack, copied at the time of the sample.
#[derive(Clone, Copy, Debug)]
pub struct StackCopy<'a> {
    /// Address of the first byte: at most the stack pointer. On x86-64 the copy should begin [`RED_ZONE`] bytes below
    /// it: OpenSSL's SHA-512 keeps its frame's address there.
    pub sp: u64,
    pub bytes: &'a [u8],
}

impl StackCopy<'_> {
    fn end(&self) -> u64 {
        self.sp.saturating_add(self.bytes.len() as u64)
    }

    /// The word at an address; `None` outside of the copy.
    pub(crate) fn read(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.sp)?).ok()?;
        let bytes = self.bytes.get(offset..offset.checked_add(8)?)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    /// What it means that a word is not in the copy: the stack goes on there, or the address is garbage.
    fn missing(&self, address: u64) -> Step {
        let end = self.end();
        // A word that only begins inside the copy is beyond it too.
        let is_beyond =
            address.saturating_add(8) > end && address < end.saturating_add(LARGEST_STACK);
        if is_beyond {
            Step::Exhausted
        } else {
            Step::Failed
        }
    }
}

/// A caller's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnwoundFrame {
    /// Where the callee returns to. The call is in front of it: look up with
    /// [`Lookup::Return`](super::Lookup::Return).
    pub return_address: u64,
    /// Stack pointer after the return.
    pub sp: u64,
    /// Frame pointer register after the return.
    pub fp: u64,
}

/// Why unwinding ended. The registers are those of the frame at which it ended: `pc` is in V8's code, or the address
/// from which no further frame was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnwindEnd {
    /// `pc` is in V8's code. It is not among the frames.
    EnteredV8 { regs: Registers },
    /// The thread's first function was reached.
    Root,
    /// The stack goes on above the copy.
    CopyExhausted { regs: Registers },
    /// No rule, or one that leads nowhere, for the code at `at`.
    Failed { regs: Registers, at: u64 },
    /// [`MAX_FRAMES`] frames were found and the stack goes on.
    TooDeep { regs: Registers },
}

type Framehop = UnwinderNative<TableBytes, MayAllocateDuringUnwind>;

/// Addresses whose kind of rule is remembered. A busy service returns to a few thousand; beyond that all are
/// forgotten and read again.
const MOST_REMEMBERED: usize = 8192;

/// Follows copied stacks. Keeps the tables of the modules it met and a cache of rules, so one a process is best.
#[derive(Default)]
pub struct Unwinder {
    framehop: Framehop,
    cache: CacheNative<MayAllocateDuringUnwind>,
    tables: FxHashMap<ModuleId, KnownModule>,
    /// By the address that is looked up.
    coverage: FxHashMap<u64, Coverage>,
    generation: u64,
}

struct KnownModule {
    start: u64,
    tables: Option<UnwindTables>,
}

impl Unwinder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the callers of `regs.pc` to `out`, nearest first, until V8's code, the thread's root or the end of the
    /// copy. `is_v8` says whether an address is V8's (code range or embedded builtins). Any registers and any bytes
    /// are safe to give.
    pub fn unwind(
        &mut self,
        modules: &Modules,
        regs: Registers,
        stack: &StackCopy,
        is_v8: &dyn Fn(u64) -> bool,
        out: &mut Vec<UnwoundFrame>,
    ) -> UnwindEnd {
        let address = FrameAddress::from_instruction_pointer(regs.pc);
        self.follow(modules, address, regs, stack, is_v8, out)
    }

    /// The same for a frame that waits for a call to return: `regs` are those after the return to `regs.pc`.
    pub fn unwind_from_caller(
        &mut self,
        modules: &Modules,
        regs: Registers,
        stack: &StackCopy,
        is_v8: &dyn Fn(u64) -> bool,
        out: &mut Vec<UnwoundFrame>,
    ) -> UnwindEnd {
        match FrameAddress::from_return_address(regs.pc) {
            Some(address) => self.follow(modules, address, regs, stack, is_v8, out),
            None => UnwindEnd::Failed { regs, at: regs.pc },
        }
    }

    fn follow(
        &mut self,
        modules: &Modules,
        mut address: FrameAddress,
        mut regs: Registers,
        stack: &StackCopy,
        is_v8: &dyn Fn(u64) -> bool,
        out: &mut Vec<UnwoundFrame>,
    ) -> UnwindEnd {
        self.forget_replaced(modules);
        if is_v8(regs.pc) {
            return UnwindEnd::EnteredV8 { regs };
        }
        for _ in 0..MAX_FRAMES {
            let caller = match self.step(modules, address, regs, stack) {
                Step::Caller(caller) => caller,
                Step::Root => return UnwindEnd::Root,
                Step::Exhausted => return UnwindEnd::CopyExhausted { regs },
                Step::Failed => return UnwindEnd::Failed { regs, at: regs.pc },
            };
            let Some(next) = FrameAddress::from_return_address(caller.pc) else {
                return UnwindEnd::Failed { regs, at: regs.pc };
            };
            regs = caller;
            if is_v8(regs.pc) {
                return UnwindEnd::EnteredV8 { regs };
            }
            out.push(UnwoundFrame {
                return_address: regs.pc,
                sp: regs.sp,
                fp: regs.fp,
            });
            address = next;
        }
        UnwindEnd::TooDeep { regs }
    }
}

enum Step {
    Caller(Registers),
    Root,
    Exhausted,
    Failed,
}

impl Unwinder {
    fn step(
        &mut self,
        modules: &Modules,
        address: FrameAddress,
        regs: Registers,
        stack: &StackCopy,
    ) -> Step {
        let lookup = address.address_for_lookup();
        let is_leaf = !address.is_return_address();
        let coverage = match modules.find(lookup) {
            Some(module) => self.coverage(module, lookup),
            // Only a leaf may be in code that no module owns: a return address that leads there is garbage.
            None if is_leaf => Coverage::Uncovered,
            None => return Step::Failed,
        };
        let step = match coverage {
            Coverage::Root => return Step::Root,
            Coverage::OutOfReach => return Step::Failed,
            Coverage::InMemory(frame) => step_in_memory(&frame, regs, stack, is_leaf),
            Coverage::Ordinary | Coverage::Uncovered => self.step_by_library(address, regs, stack),
        };
        match step {
            Step::Caller(caller) if !stack_grows(regs.sp, caller.sp, is_leaf) => Step::Failed,
            Step::Caller(caller) if caller.sp > stack.end() => stack.missing(caller.sp),
            Step::Root if is_leaf || !zero_ends_the_chain(coverage) => Step::Failed,
            step => step,
        }
    }

    fn step_by_library(
        &mut self,
        address: FrameAddress,
        regs: Registers,
        stack: &StackCopy,
    ) -> Step {
        let mut unwound = to_unwinder(regs);
        let mut read = |address: u64| stack.read(address).ok_or(());
        match self
            .framehop
            .unwind_frame(address, &mut unwound, &mut self.cache, &mut read)
        {
            Ok(Some(return_address)) => Step::Caller(from_unwinder(return_address, &unwound)),
            Ok(None) => Step::Root,
            Err(framehop::Error::CouldNotReadStack(address)) => stack.missing(address),
            Err(_) => Step::Failed,
        }
    }

    fn coverage(&mut self, module: &Module, address: u64) -> Coverage {
        if let Some(coverage) = self.coverage.get(&address) {
            return *coverage;
        }
        let coverage = match &self.learn(module).tables {
            Some(tables) => tables.coverage(module.file_address(address)),
            None => Coverage::Uncovered,
        };
        if self.coverage.len() == MOST_REMEMBERED {
            self.coverage.clear();
        }
        self.coverage.insert(address, coverage);
        coverage
    }

    /// Where the function around an address starts in memory.
    pub(crate) fn function_start_in_memory(
        &mut self,
        modules: &Modules,
        address: u64,
    ) -> Option<u64> {
        let module = modules.find(address)?;
        let start = self.function_start(modules, module, module.file_address(address))?;
        Some(start.wrapping_add(module.bias))
    }

    /// Where the function around an address starts, both in the address space of the module's file: for code without
    /// symbols. `None` where no table covers it.
    pub fn function_start(
        &mut self,
        modules: &Modules,
        module: &Module,
        file_address: u64,
    ) -> Option<u64> {
        self.forget_replaced(modules);
        let tables = self.learn(module).tables.as_ref()?;
        tables.function_start(file_address)
    }

    /// Reads the tables of a module while it is loaded.
    pub(crate) fn prepare(&mut self, modules: &Modules, module: &Module) {
        self.forget_replaced(modules);
        self.learn(module);
    }

    fn learn(&mut self, module: &Module) -> &KnownModule {
        self.tables.entry(module.id).or_insert_with(|| {
            let tables = UnwindTables::of(module);
            if let Some(tables) = &tables {
                let range = module.start..module.limit;
                let module =
                    framehop::Module::new(module.name.clone(), range, module.bias, tables.clone());
                self.framehop.add_module(module);
            }
            KnownModule {
                start: module.start,
                tables,
            }
        })
    }

    /// Drops modules whose addresses may mean something else by now.
    fn forget_replaced(&mut self, modules: &Modules) {
        if self.generation == modules.generation() {
            return;
        }
        self.generation = modules.generation();
        let before = self.tables.len();
        let framehop = &mut self.framehop;
        self.tables.retain(|id, known| {
            let keep = modules.is_findable(*id);
            if !keep && known.tables.is_some() {
                framehop.remove_module(known.start);
            }
            keep
        });
        if self.tables.len() != before {
            self.coverage.clear();
        }
    }
}

/// The library takes a frame pointer of zero for the end of the stack. On aarch64 it is a saved one, and threads' first
/// functions are called with zero. On x86-64 it is the register's value, which says so only where no table covers the
/// code (musl's thread start); elsewhere the register is in other use.
fn zero_ends_the_chain(coverage: Coverage) -> bool {
    cfg!(target_arch = "aarch64") || coverage == Coverage::Uncovered
}

/// Follows a frame whose address is kept in memory.
fn step_in_memory(frame: &Frame, regs: Registers, stack: &StackCopy, is_leaf: bool) -> Step {
    let place = |place: Place| {
        let base = match place.base {
            Base::Sp => regs.sp,
            Base::Fp => regs.fp,
        };
        let address = base.wrapping_add_signed(place.offset);
        match place.then {
            None => Ok(address),
            Some(then) => stack
                .read(address)
                .map(|word| word.wrapping_add_signed(then))
                .ok_or(address),
        }
    };
    let read = |address: u64| stack.read(address).ok_or(address);
    let caller = || {
        let cfa = place(frame.cfa)?;
        let restore = |saved, current| match saved {
            Saved::Unchanged | Saved::Lost => Ok(current),
            Saved::AtCfa(offset) => read(cfa.wrapping_add_signed(offset)),
            Saved::At(at) => read(place(at)?),
        };
        let return_address = match frame.return_address {
            Saved::Unchanged if is_leaf => regs.lr,
            Saved::Unchanged | Saved::Lost => 0,
            saved => restore(saved, 0)?,
        };
        // An epilogue has popped the register already when its place is below the stack pointer.
        let fp = restore(frame.fp, regs.fp)
            .or_else(|at| if at < regs.sp { Ok(regs.fp) } else { Err(at) })?;
        Ok(Registers {
            pc: strip_signature(return_address),
            sp: cfa,
            fp,
            lr: return_address,
        })
    };
    caller().map_or_else(|address| stack.missing(address), Step::Caller)
}
