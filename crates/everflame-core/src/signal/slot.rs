//! Per-thread state that the handler, the observer and the aggregator share, found by thread id without a lock.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

use super::clock::{monotonic, thread_cpu};
use super::map::Mapping;
use super::outstanding::Outstanding;
use super::record::{Header, kind};
use super::rest::Rest;
use super::ring::Ring;
use super::thread_pointer::thread_pointer;
use super::wake::AGGREGATOR;
use crate::v8::CodeRanges;

/// Threads that can be profiled at one moment. Slots are reused; their memory is touched when first used.
const SLOTS: usize = 4096;

/// Linux never hands out a higher thread id on 64-bit systems (`PID_MAX_LIMIT`, proc(5)).
const MAX_TID: usize = 4 * 1024 * 1024;

/// A place where a thread sleeps: its stack pointer and program counter in the system call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WaitKey {
    pub sp: u64,
    pub pc: u64,
}

/// What the handler needs to walk JavaScript frames of its thread.
#[derive(Clone, Copy)]
pub struct JavaScript {
    pub isolate: *mut c_void,
    /// Published length of the isolate's code log. Outlives the isolate: the log is kept by the aggregator until its
    /// last record is read.
    pub sequence: *const AtomicU64,
    pub ranges: CodeRanges,
}

/// One thread.
pub struct Slot {
    tid: AtomicI32,
    ring: OnceLock<Ring>,
    /// Exclusive end of the thread's stack, 0 while unknown: then only the program counter is recorded.
    stack_end: AtomicU64,
    /// Where the thread's stack begins. A stack pointer outside belongs to another stack (an alternate signal stack, a
    /// coroutine), above which nothing is known to be mapped.
    stack_start: AtomicU64,
    /// The bounds are the C library's or the kernel's own. Else they are those of the mapping that the stack lies in, and
    /// the kernel makes one mapping of neighbours: beyond the stack it may be unmapped at any time.
    stack_is_exact: AtomicBool,
    /// Stack pointer of the latest sample, for finding `stack_end`.
    pub last_sp: AtomicU64,
    /// Non-null while this thread runs JavaScript and its isolate is alive.
    isolate: AtomicPtr<c_void>,
    javascript: UnsafeCell<Option<JavaScript>>,
    /// The place the observer saw before it signalled; checked by the handler.
    pub expected_sp: AtomicU64,
    pub expected_pc: AtomicU64,
    /// The place the handler confirmed last, and the thread's clock at the end of that handler.
    pub confirmed_sp: AtomicU64,
    pub confirmed_pc: AtomicU64,
    pub confirmed_cpu: AtomicU64,
    pub confirmed_has_javascript: AtomicBool,
    /// Samples written and lost on this thread.
    pub dropped: AtomicU64,
    /// Handlers at work here: of this thread, and for a moment of one that had the slot before.
    handlers: AtomicU32,
    /// Signals that were handled.
    handled: AtomicU32,
    /// Signals of the observer that are on their way.
    pub outstanding: Outstanding,
    /// Between two samples.
    pub(super) rest: Rest,
}

// SAFETY: `javascript` is written and read on the slot's own thread only (attach, detach and the handler), ordered by
// compiler fences; everything else is atomic.
unsafe impl Sync for Slot {}

impl Slot {
    fn new() -> Slot {
        Slot {
            tid: AtomicI32::new(0),
            ring: OnceLock::new(),
            stack_end: AtomicU64::new(0),
            stack_start: AtomicU64::new(0),
            stack_is_exact: AtomicBool::new(false),
            last_sp: AtomicU64::new(0),
            isolate: AtomicPtr::new(std::ptr::null_mut()),
            javascript: UnsafeCell::new(None),
            expected_sp: AtomicU64::new(0),
            expected_pc: AtomicU64::new(0),
            confirmed_sp: AtomicU64::new(0),
            confirmed_pc: AtomicU64::new(0),
            confirmed_cpu: AtomicU64::new(0),
            confirmed_has_javascript: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            handlers: AtomicU32::new(0),
            handled: AtomicU32::new(0),
            outstanding: Outstanding::default(),
            rest: Rest::default(),
        }
    }

    pub fn tid(&self) -> i32 {
        self.tid.load(Ordering::SeqCst)
    }

    pub fn ring(&self) -> Option<&Ring> {
        self.ring.get()
    }

    /// Says where the thread's own stack is; not `exact` is the mapping that it lies in.
    pub fn set_stack(&self, stack: &Range<u64>, exact: bool) {
        self.stack_start.store(stack.start, Ordering::Relaxed);
        self.stack_is_exact.store(exact, Ordering::Relaxed);
        self.stack_end.store(stack.end, Ordering::Release);
    }

    pub fn has_stack(&self) -> bool {
        self.stack_end.load(Ordering::Relaxed) != 0
    }

    /// Where the stack that holds `sp` ends; 0 when that is not the thread's own, or it is not known yet. For the
    /// handler on this very thread.
    pub(super) fn stack_end_above(&self, sp: u64) -> u64 {
        let end = self.stack_end.load(Ordering::Acquire);
        let start = self.stack_start.load(Ordering::Relaxed);
        if !(start..end).contains(&sp) {
            0
        } else if self.stack_is_exact.load(Ordering::Relaxed) {
            end
        } else {
            certain_end(sp, end, thread_pointer())
        }
    }

    /// Bytes of the thread's stack above `sp`, at most; 0 when that is not its own, or it is not known yet.
    pub fn stack_above(&self, sp: u64) -> u64 {
        let end = self.stack_end.load(Ordering::Acquire);
        let start = self.stack_start.load(Ordering::Relaxed);
        if (start..end).contains(&sp) {
            end - sp
        } else {
            0
        }
    }

    /// The thread's isolate, or null. It may go away at any time.
    pub fn isolate(&self) -> *mut c_void {
        self.isolate.load(Ordering::Acquire)
    }

    /// Called on the thread itself when its isolate can be sampled. A former isolate's state was cleared before.
    pub fn set_javascript(&self, javascript: JavaScript) {
        debug_assert!(!self.has_javascript());
        if let Some(ring) = self.ring() {
            ring.populate();
        }
        // SAFETY: this thread's handler is the only reader, and it looks at `isolate` first, which is null.
        unsafe { *self.javascript.get() = Some(javascript) };
        std::sync::atomic::compiler_fence(Ordering::Release);
        self.isolate.store(javascript.isolate, Ordering::Release);
    }

    /// Called on the thread itself before its isolate goes away.
    pub fn clear_javascript(&self) {
        self.isolate.store(std::ptr::null_mut(), Ordering::Release);
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }

    /// For the handler on this very thread.
    pub(super) fn javascript(&self) -> Option<&JavaScript> {
        if self.isolate.load(Ordering::Acquire).is_null() {
            return None;
        }
        // SAFETY: written before `isolate` became non-null, on this thread.
        unsafe { (*self.javascript.get()).as_ref() }
    }

    /// Whether the thread runs JavaScript.
    pub fn has_javascript(&self) -> bool {
        !self.isolate.load(Ordering::Relaxed).is_null()
    }

    /// Whether this isolate can be sampled already.
    pub fn has_isolate(&self, isolate: *mut c_void) -> bool {
        self.isolate.load(Ordering::Acquire) == isolate
    }

    /// A handler begins its work here. A slot is not handed out again before it has ended.
    pub(super) fn enter_handler(&self) {
        self.handlers.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn leave_handler(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.handlers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether a handler is at work here.
    pub fn is_in_handler(&self) -> bool {
        self.handlers.load(Ordering::SeqCst) > 0
    }

    /// Signals handled so far.
    pub fn handled(&self) -> u32 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Writes the thread's clock into its ring. Called on the thread itself with signals masked.
    pub fn write_clock(&self) {
        let size = size_of::<Header>();
        let Some(place) = self.ring().and_then(|ring| ring.reserve(size)) else {
            return;
        };
        let header = Header {
            size: size as u32,
            kind: kind::CLOCK,
            time: monotonic(),
            cpu: thread_cpu(),
            ..Header::default()
        };
        // SAFETY: `size` bytes are reserved at `place`, aligned to 8; the handler cannot come between.
        unsafe { place.cast::<Header>().write(header) };
        if self.ring().is_some_and(|ring| ring.commit(size)) {
            AGGREGATOR.notify();
        }
    }

    /// The confirmed sleeping place.
    pub fn confirmed(&self) -> WaitKey {
        WaitKey {
            sp: self.confirmed_sp.load(Ordering::Acquire),
            pc: self.confirmed_pc.load(Ordering::Acquire),
        }
    }

    /// Forgets the confirmed sleeping place: who reads it next may not know its stack.
    pub fn forget_place(&self) {
        self.confirmed_sp.store(0, Ordering::Release);
        self.confirmed_pc.store(0, Ordering::Release);
    }

    /// Tells the handler which sleeping place the next signal is meant to learn.
    pub fn expect(&self, key: WaitKey) {
        self.expected_sp.store(key.sp, Ordering::Release);
        self.expected_pc.store(key.pc, Ordering::Release);
    }
}

/// The end of a stack of which only the mapping is known: the C library keeps a thread's own block at the top of its
/// stack, where the thread pointer leads (glibc and musl). Without such a block nothing beyond the page in use is
/// certain.
fn certain_end(sp: u64, end: u64, thread_pointer: u64) -> u64 {
    const PAGE: u64 = 4096;
    if (sp..end).contains(&thread_pointer) {
        thread_pointer & !7
    } else {
        (sp + 1).next_multiple_of(PAGE).min(end)
    }
}

/// All slots, and the index from thread id to slot.
pub struct Slots {
    slots: Mapping,
    index: Mapping,
    /// Slots handed out so far, those given back included: the others are not made yet.
    used: AtomicUsize,
    /// Numbers to hand out again. Its lock is also that of `claim`.
    released: std::sync::Mutex<Vec<u16>>,
}

impl Slots {
    fn new() -> io::Result<Slots> {
        Ok(Slots {
            slots: Mapping::new(SLOTS * size_of::<Slot>())?,
            index: Mapping::new(MAX_TID * size_of::<u16>())?,
            used: AtomicUsize::new(0),
            released: std::sync::Mutex::default(),
        })
    }

    fn entry(&self, tid: i32) -> Option<&std::sync::atomic::AtomicU16> {
        let place = usize::try_from(tid).ok().filter(|tid| *tid < MAX_TID)?;
        // SAFETY: zeroed memory of MAX_TID aligned u16 words, only ever used as atomics.
        Some(unsafe {
            &*self
                .index
                .as_ptr()
                .cast::<std::sync::atomic::AtomicU16>()
                .add(place)
        })
    }

    /// The slot with this number; `None` when it was never handed out.
    pub fn get(&self, number: usize) -> Option<&Slot> {
        if number >= self.used.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: the first `used` slots are inside the mapping and initialised.
        Some(unsafe { &*self.slots.as_ptr().cast::<Slot>().add(number) })
    }

    /// The slot of a thread. Lock-free: the handler's way.
    pub fn find(&self, tid: i32) -> Option<(usize, &Slot)> {
        match self.entry(tid)?.load(Ordering::Acquire) {
            0 => None,
            number => {
                let number = usize::from(number) - 1;
                Some((number, self.get(number)?))
            }
        }
    }

    /// The slot of a thread, made if there is none. `None` when all slots are taken or memory is out. Not for handlers.
    pub fn claim(&self, tid: i32) -> Option<(usize, &Slot)> {
        let entry = self.entry(tid)?;
        let mut released = self
            .released
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = self.find(tid) {
            return Some(found);
        }
        let used = self.used.load(Ordering::Relaxed);
        let idle = released.iter().rposition(|number| {
            self.get(usize::from(*number))
                .is_some_and(|slot| !slot.is_in_handler())
        });
        let number = match idle {
            Some(index) => usize::from(released.swap_remove(index)),
            None if used < SLOTS => {
                // SAFETY: the slot's memory is inside the mapping and not yet in use.
                unsafe {
                    self.slots
                        .as_ptr()
                        .cast::<Slot>()
                        .add(used)
                        .write(Slot::new())
                };
                self.used.store(used + 1, Ordering::Release);
                used
            }
            None => return None,
        };
        let slot = self.get(number)?;
        if let Some(ring) = slot.ring() {
            // What a late handler has written is of another thread.
            ring.clear();
        } else {
            match Ring::new() {
                Ok(ring) => drop(slot.ring.set(ring)),
                Err(_) => {
                    released.push(number as u16);
                    return None;
                }
            }
        }
        for word in [
            &slot.stack_end,
            &slot.stack_start,
            &slot.last_sp,
            &slot.expected_sp,
            &slot.expected_pc,
            &slot.confirmed_sp,
            &slot.confirmed_pc,
            &slot.confirmed_cpu,
            &slot.dropped,
        ] {
            word.store(0, Ordering::Relaxed);
        }
        slot.confirmed_has_javascript
            .store(false, Ordering::Relaxed);
        slot.outstanding.clear();
        slot.rest.clear();
        slot.isolate.store(std::ptr::null_mut(), Ordering::Relaxed);
        slot.tid.store(tid, Ordering::SeqCst);
        entry.store(number as u16 + 1, Ordering::Release);
        Some((number, slot))
    }

    /// Takes a thread's slot out of the index: its handler finds nothing any more. The slot stays readable until
    /// [`Slots::release`].
    pub fn forget(&self, tid: i32) {
        if let Some(entry) = self.entry(tid) {
            entry.store(0, Ordering::Release);
            fence(Ordering::SeqCst);
        }
    }

    /// Gives a forgotten slot back after its ring was read for the last time. One whose handler has not returned (its
    /// thread gets no CPU time) is not handed out before it has; one that was given back already is not given back twice.
    pub fn release(&self, number: usize) {
        let Some(slot) = self.get(number) else { return };
        let mut released = self
            .released
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Before any look at whether a handler is at work: one that enters from here on finds another thread's slot.
        if slot.tid.swap(0, Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(ring) = slot.ring()
            && !slot.is_in_handler()
        {
            ring.clear();
        }
        released.push(number as u16);
    }
}

/// The kernel's name of a thread of this process; empty when it has ended.
pub fn thread_name(tid: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// The slots of this process, mapped at first use and never given back: a late signal may still look.
pub fn slots() -> Option<&'static Slots> {
    static SLOTS: OnceLock<Option<Slots>> = OnceLock::new();
    SLOTS.get_or_init(|| Slots::new().ok()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_found_by_its_thread_until_forgotten() {
        let slots = Slots::new().unwrap();
        let (number, slot) = slots.claim(77).unwrap();
        assert_eq!(slot.tid(), 77);
        assert_eq!(slots.claim(77).unwrap().0, number);
        assert_eq!(slots.find(77).unwrap().0, number);
        slots.forget(77);
        assert!(slots.find(77).is_none());
        slots.release(number);
        assert_eq!(slots.claim(78).unwrap().0, number);
    }

    #[test]
    fn the_last_slot_is_the_last() {
        let slots = Slots::new().unwrap();
        for tid in 1..=SLOTS as i32 {
            assert!(slots.claim(tid).is_some(), "thread {tid}");
        }
        assert!(slots.claim(SLOTS as i32 + 1).is_none());
    }

    #[test]
    fn a_slot_whose_handler_is_at_work_is_not_handed_out_again() {
        let slots = Slots::new().unwrap();
        let (number, slot) = slots.claim(77).unwrap();
        slot.enter_handler();
        slots.forget(77);
        slots.release(number);
        assert_ne!(slots.claim(78).unwrap().0, number);
        slot.leave_handler();
        assert_eq!(slots.claim(79).unwrap().0, number);
    }

    #[test]
    fn a_handler_that_comes_late_finds_that_the_slot_is_not_its_own() {
        let slots = Slots::new().unwrap();
        let (number, slot) = slots.claim(77).unwrap();
        slots.forget(77);
        slots.release(number);
        // It had found the slot before, and enters after the next thread's claim has looked for handlers.
        assert_ne!(slot.tid(), 77);
        assert_eq!(slots.claim(78).unwrap().0, number);
        assert_ne!(slot.tid(), 77);
    }

    #[test]
    fn a_slot_given_back_twice_is_handed_out_once() {
        let slots = Slots::new().unwrap();
        let (number, _) = slots.claim(77).unwrap();
        slots.forget(77);
        slots.release(number);
        slots.release(number);
        assert_eq!(slots.claim(78).unwrap().0, number);
        assert_ne!(slots.claim(79).unwrap().0, number);
    }

    #[test]
    fn a_number_that_was_never_handed_out_has_no_slot() {
        let slots = Slots::new().unwrap();
        assert!(slots.get(0).is_none());
        let (number, _) = slots.claim(77).unwrap();
        assert!(slots.get(number).is_some());
        assert!(slots.get(number + 1).is_none());
    }

    #[test]
    fn a_stack_ends_at_its_threads_own_block_or_at_the_page_in_use() {
        assert_eq!(certain_end(0x1_2008, 0x2_0000, 0x1_8abc), 0x1_8ab8);
        for elsewhere in [0, 0x1_2000, 0x2_0000, u64::MAX] {
            assert_eq!(certain_end(0x1_2008, 0x2_0000, elsewhere), 0x1_3000);
        }
        assert_eq!(certain_end(0x1_2000, 0x2_0000, 0), 0x1_3000);
        assert_eq!(certain_end(0x1_2008, 0x1_2800, 0), 0x1_2800);
    }

    #[test]
    fn impossible_thread_ids_are_refused() {
        let slots = Slots::new().unwrap();
        assert!(slots.claim(-1).is_none());
        assert!(slots.find(MAX_TID as i32).is_none());
    }
}
