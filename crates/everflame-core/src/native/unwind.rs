//! Unwinding by table over a copy of a thread's stack.

use framehop::{CacheNative, FrameAddress, MayAllocateDuringUnwind, Unwinder as _, UnwinderNative};

use super::modules::{Module, ModuleId, Modules};
use super::registers::{Registers, from_unwinder, stack_grows, to_unwinder};
use super::sections::{TableBytes, UnwindTables};

/// Frames followed in one stack; what is deeper than this between two V8 frames is a runaway recursion or garbage.
pub const MAX_FRAMES: usize = 128;

/// The longest stack of a thread that is taken for real. An address that lies further above the copy is garbage and
/// not the thread's stack beyond it.
const LARGEST_STACK: u64 = 64 << 20;

/// The top of a thread's stack, copied at the time of the sample.
#[derive(Clone, Copy, Debug)]
pub struct StackCopy<'a> {
    /// Address from which the bytes were copied: the stack pointer, rounded down to 8.
    pub sp: u64,
    pub bytes: &'a [u8],
}

impl StackCopy<'_> {
    fn end(&self) -> u64 {
        self.sp.saturating_add(self.bytes.len() as u64)
    }

    fn read(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.sp)?).ok()?;
        let bytes = self.bytes.get(offset..offset.checked_add(8)?)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn is_beyond(&self, address: u64) -> bool {
        let end = self.end();
        // A word that only begins inside the copy is beyond it too.
        address.saturating_add(8) > end && address < end.saturating_add(LARGEST_STACK)
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

/// Follows copied stacks. Keeps the tables of the modules it met and a cache of rules, so one a process is best.
#[derive(Default)]
pub struct Unwinder {
    framehop: Framehop,
    cache: CacheNative<MayAllocateDuringUnwind>,
    known: Vec<KnownModule>,
    generation: u64,
}

struct KnownModule {
    id: ModuleId,
    start: u64,
    has_tables: bool,
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
        self.forget_replaced(modules);
        let mut regs = regs;
        if is_v8(regs.pc) {
            return UnwindEnd::EnteredV8 { regs };
        }
        let mut address = FrameAddress::from_instruction_pointer(regs.pc);
        for _ in 0..MAX_FRAMES {
            match self.step(modules, address, &mut regs, stack) {
                Step::Caller => {}
                Step::End(end) => return end,
            }
            let Some(next) = FrameAddress::from_return_address(regs.pc) else {
                // A thread's first frame has no caller: its return address is zero.
                return UnwindEnd::Root;
            };
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
    Caller,
    End(UnwindEnd),
}

impl Unwinder {
    /// Replaces `regs` with the caller's.
    fn step(
        &mut self,
        modules: &Modules,
        address: FrameAddress,
        regs: &mut Registers,
        stack: &StackCopy,
    ) -> Step {
        let is_leaf = !address.is_return_address();
        let failed = |regs: Registers| Step::End(UnwindEnd::Failed { regs, at: regs.pc });
        let exhausted = |regs: Registers| Step::End(UnwindEnd::CopyExhausted { regs });
        match modules.find(address.address_for_lookup()) {
            Some(module) => self.learn(module),
            // Only a leaf may be in code that no module owns: a return address that leads there is garbage.
            None if is_leaf => {}
            None => return failed(*regs),
        }
        let mut unwound = to_unwinder(*regs);
        let mut read = |address: u64| stack.read(address).ok_or(());
        match self
            .framehop
            .unwind_frame(address, &mut unwound, &mut self.cache, &mut read)
        {
            Ok(Some(return_address)) => {
                let caller = from_unwinder(return_address, &unwound);
                if !stack_grows(regs.sp, caller.sp, is_leaf) {
                    return failed(*regs);
                }
                if caller.sp > stack.end() {
                    return if stack.is_beyond(caller.sp) {
                        exhausted(*regs)
                    } else {
                        failed(*regs)
                    };
                }
                *regs = caller;
                Step::Caller
            }
            Ok(None) => Step::End(UnwindEnd::Root),
            Err(framehop::Error::CouldNotReadStack(address)) if stack.is_beyond(address) => {
                exhausted(*regs)
            }
            Err(_) => failed(*regs),
        }
    }

    fn learn(&mut self, module: &Module) {
        if self.known.iter().any(|known| known.id == module.id) {
            return;
        }
        let tables = UnwindTables::of(module);
        self.known.push(KnownModule {
            id: module.id,
            start: module.start,
            has_tables: tables.is_some(),
        });
        let Some(tables) = tables else { return };
        self.framehop.add_module(framehop::Module::new(
            module.name.clone(),
            module.start..module.limit,
            module.bias,
            tables,
        ));
    }

    /// Drops modules whose addresses may mean something else by now.
    fn forget_replaced(&mut self, modules: &Modules) {
        if self.generation == modules.generation() {
            return;
        }
        self.generation = modules.generation();
        let framehop = &mut self.framehop;
        self.known.retain(|known| {
            let keep = modules.get(known.id).is_some();
            if !keep && known.has_tables {
                framehop.remove_module(known.start);
            }
            keep
        });
    }
}
