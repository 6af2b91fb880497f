//! The signal handler. It reads one flag, walks the stack into the thread's own ring and leaves.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use super::clock::{monotonic, own_tid, thread_cpu};
use super::counters::COUNTERS;
use super::install;
use super::outstanding::Outstanding;
#[cfg(target_arch = "x86_64")]
use super::protection_keys;
use super::record::{
    Header, LONG_STACK_COPY, LONGEST_RECORD, MAX_FRAMES, MAX_RECORD, STACK_COPY, flags, kind,
};
use super::registers::Registers;
use super::slot::{JavaScript, Slot, WaitKey, slots};
use super::wake;
use super::walk::{Reported, Stack, walk};
use crate::native::RED_ZONE;
use crate::v8::{CodeRanges, EntryPoints, RegisterState, SampleInfo, VmState, exit_frame_address};

static ENABLED: AtomicBool = AtomicBool::new(false);

/// V8's entry points, once they are known.
static ENTRY: AtomicPtr<EntryPoints> = AtomicPtr::new(std::ptr::null_mut());

/// Which deliveries besides our own cookie are ours, by signal, a bit each. None is taken back: a signal may be on its way
/// when another engine starts.
static ACCEPTED: [AtomicU8; 65] = [const { AtomicU8::new(0) }; 65];

/// Identifies signals that we send and timers that we make: its address cannot come from anybody else.
static COOKIE: u8 = 0;

/// The value our signals and timers carry.
pub fn cookie() -> *mut c_void {
    (&raw const COOKIE).cast_mut().cast()
}

/// What may raise our signal besides directed signals and thread timers, which carry our cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Descriptors of perf events.
    PerfDescriptor = 1,
    /// The process-wide profiling timer.
    ProcessTimer = 2,
}

/// Lets the handler take samples, or not. Off, it returns at once.
pub fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::SeqCst);
}

/// Whether the handler takes samples.
pub fn is_enabled() -> bool {
    ENABLED.load(Ordering::SeqCst)
}

fn accepted(signal: c_int) -> Option<&'static AtomicU8> {
    ACCEPTED.get(usize::try_from(signal).ok()?)
}

/// From now on this delivery of this signal is ours too.
pub fn accept(delivery: Delivery, signal: c_int) {
    if let Some(accepted) = accepted(signal) {
        accepted.fetch_or(delivery as u8, Ordering::Release);
    }
}

fn accepts(delivery: Delivery, signal: c_int) -> bool {
    accepted(signal).is_some_and(|accepted| accepted.load(Ordering::Relaxed) & delivery as u8 != 0)
}

pub fn set_entry_points(entry: &'static EntryPoints) {
    ENTRY.store(std::ptr::from_ref(entry).cast_mut(), Ordering::Release);
}

/// Installed by `install.rs` with SA_SIGINFO | SA_RESTART | SA_ONSTACK and every signal masked.
pub(super) extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: errno's place is this thread's own.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let saved = unsafe { *errno };
    // SAFETY: the kernel passes a valid siginfo and ucontext.
    let ours = match unsafe { origin(&*info) } {
        Origin::Named { weight, directed } => Some((weight, directed)),
        // Our own thread has arrived here without a slot while nobody samples, or before it was found.
        Origin::Nameless => own_slot()
            .is_none_or(|(_, slot)| slot.outstanding.arrive())
            .then_some((1, false)),
        Origin::Foreign => None,
    };
    match ours {
        Some((weight, directed)) => {
            if ENABLED.load(Ordering::SeqCst) {
                #[cfg(target_arch = "x86_64")]
                protection_keys::allow_reading();
                // SAFETY: `context` is this handler's third argument.
                let registers = unsafe { Registers::of(context) };
                sample(&registers, weight, directed);
            }
        }
        None => {
            COUNTERS.foreign_signals.fetch_add(1, Ordering::Relaxed);
            install::do_as_before(signal);
        }
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// Whose a signal is.
enum Origin {
    Named {
        /// Sampling intervals that it stands for.
        weight: u32,
        /// Sent to this very thread, and no timer's.
        directed: bool,
    },
    /// It has lost what it carried, as a directed one does where no more may be pending (RLIMIT_SIGPENDING), or comes from
    /// outside the process's namespace.
    Nameless,
    Foreign,
}

/// # Safety
/// `info` is the kernel's siginfo.
unsafe fn origin(info: &libc::siginfo_t) -> Origin {
    let ours = |weight, directed| Origin::Named { weight, directed };
    match info.si_code {
        code @ (libc::SI_QUEUE | libc::SI_TIMER) => {
            // SAFETY: both codes fill in `si_value`.
            if unsafe { info.si_value().sival_ptr } != cookie() {
                return Origin::Foreign;
            }
            if code == libc::SI_QUEUE {
                return ours(1, true);
            }
            // SAFETY: for SI_TIMER the word after the timer's id is the overrun count (sigaction(2)): byte 20.
            let overruns = unsafe { std::ptr::from_ref(info).cast::<c_int>().add(5).read() };
            ours(1 + overruns.max(0) as u32, false)
        }
        // POLL_IN to POLL_HUP (F_SETSIG, fcntl(2)).
        1..=6 if accepts(Delivery::PerfDescriptor, info.si_signo) => ours(1, false),
        libc::SI_KERNEL if accepts(Delivery::ProcessTimer, info.si_signo) => ours(1, false),
        // SAFETY: SI_USER fills in the sender.
        libc::SI_USER if unsafe { info.si_pid() } == 0 => Origin::Nameless,
        _ => Origin::Foreign,
    }
}

/// Whether a signal that the observer received was sent by us; `outstanding` are those sent to it.
///
/// # Safety
/// `info` was filled by the kernel.
pub unsafe fn is_ours(info: &libc::siginfo_t, outstanding: &Outstanding) -> bool {
    // SAFETY: the caller's promise.
    match unsafe { origin(info) } {
        Origin::Named { directed, .. } => {
            if directed {
                outstanding.arrive();
            }
            true
        }
        Origin::Nameless => outstanding.arrive(),
        Origin::Foreign => false,
    }
}

/// The slot of the calling thread, and its id.
fn own_slot() -> Option<(i32, &'static Slot)> {
    let tid = own_tid();
    let (_, slot) = slots()?.find(tid)?;
    Some((tid, slot))
}

/// What a sample is of.
struct Instant {
    /// By [`monotonic`].
    time: u64,
    /// By [`thread_cpu`].
    cpu: u64,
    /// Sampling intervals that it stands for.
    weight: u32,
}

fn sample(registers: &Registers, weight: u32, directed: bool) {
    let (time, cpu) = (monotonic(), thread_cpu());
    let Some((tid, slot)) = own_slot() else {
        COUNTERS.dropped_no_slot.fetch_add(1, Ordering::Relaxed);
        return;
    };
    slot.enter_handler();
    // A slot has its thread's id until it is released, and is handed out again only while no handler is at work on it: with
    // this id it stays this thread's until the handler leaves.
    if slot.tid() == tid {
        if directed {
            slot.outstanding.arrive();
        }
        match slot
            .rest
            .admit(time, cpu, weight, taught(slot, registers).is_some())
        {
            Some(weight) => {
                record(slot, registers, &Instant { time, cpu, weight });
                let used = slot.rest.begin(monotonic(), cpu, thread_cpu());
                COUNTERS.count_handler(used);
            }
            None => {
                COUNTERS.samples_skipped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    slot.leave_handler();
}

fn record(slot: &Slot, registers: &Registers, instant: &Instant) {
    slot.last_sp.store(registers.sp, Ordering::Relaxed);
    let Some(ring) = slot.ring() else { return };
    let Some((place, room)) = ring.reserve_between(MAX_RECORD, LONGEST_RECORD) else {
        lost(slot);
        return;
    };
    // SAFETY: `room` bytes, at least MAX_RECORD, are reserved at `place`, aligned to 8.
    let size = unsafe { write(place, room, slot, registers, instant) };
    COUNTERS.samples.fetch_add(1, Ordering::Relaxed);
    if ring.commit(size) {
        wake::AGGREGATOR.notify();
    }
}

fn lost(slot: &Slot) {
    slot.dropped.fetch_add(1, Ordering::Relaxed);
    COUNTERS.dropped_ring_full.fetch_add(1, Ordering::Relaxed);
    wake::AGGREGATOR.notify();
}

/// Writes the record and returns its size.
///
/// # Safety
/// `place` has room for `room` bytes, at least MAX_RECORD, and is aligned to 8.
unsafe fn write(
    place: *mut u8,
    room: usize,
    slot: &Slot,
    registers: &Registers,
    instant: &Instant,
) -> usize {
    let stack = Stack {
        sp: registers.sp,
        fp: registers.fp,
        end: slot.stack_end_above(registers.sp),
    };
    let mut header = Header {
        kind: kind::SAMPLE,
        time: instant.time,
        cpu: instant.cpu,
        pc: registers.pc,
        sp: registers.sp,
        fp: registers.fp,
        lr: registers.lr,
        bytecode_offset: registers.bytecode_offset,
        weight: instant.weight,
        at_sp: stack.word(registers.sp).unwrap_or(0),
        at_fp_minus_32: stack.word(registers.fp.wrapping_sub(32)).unwrap_or(0),
        at_fp_minus_40: stack.word(registers.fp.wrapping_sub(40)).unwrap_or(0),
        ..Header::default()
    };
    // SAFETY: the thread was executing at `pc`.
    if unsafe { registers.asleep() } {
        header.flags |= flags::ASLEEP;
    }
    // SAFETY: MAX_FRAMES words follow the header inside the reserved room.
    let frames = unsafe { &mut *place.add(size_of::<Header>()).cast::<[u64; MAX_FRAMES]>() };
    // SAFETY: the room for the stack copy follows; until the copy is made it holds V8's frames.
    let scratch = unsafe {
        &mut *place
            .add(size_of::<Header>() + MAX_FRAMES * 8)
            .cast::<[u64; MAX_FRAMES]>()
    };
    const { assert!(STACK_COPY >= MAX_FRAMES * 8) };
    let mut copy_end = stack.end;
    let mut longest_copy = STACK_COPY;
    let mut count = 0;
    let javascript = slot
        .javascript()
        .filter(|javascript| is_current(javascript));
    if let Some(javascript) = javascript {
        // Also without a stack to walk (a coroutine's, an alternate signal stack): the leaf has its name from these.
        // SAFETY: the log outlives the isolate.
        header.sequence = unsafe { (*javascript.sequence).load(Ordering::Acquire) };
        if javascript.ranges.contains(registers.pc) {
            header.flags |= flags::LEAF_IN_V8;
            if let Some(address) = return_address(&stack, &javascript.ranges) {
                header.at_sp = address;
            }
        }
    }
    if stack.end != 0 {
        let v8_count = match javascript {
            Some(javascript) => v8_frames(javascript, registers, &stack, scratch, &mut header),
            None => 0,
        };
        let ranges = javascript.map_or(NO_RANGES, |javascript| javascript.ranges);
        let reported = match javascript {
            Some(javascript) if is_collecting(&header) => Reported::Nothing {
                exit_frame: exit_frame(javascript),
            },
            _ => Reported::Frames(&scratch[..v8_count.min(MAX_FRAMES)]),
        };
        let walked = walk(&stack, &ranges, reported, frames);
        count = walked.frames;
        copy_end = walked.copy_end;
        if walked.broken {
            header.flags |= flags::BROKEN;
        }
        if walked.broken || count == 0 {
            longest_copy = LONG_STACK_COPY;
        }
    }
    header.frames = count as u16;
    let mut size = size_of::<Header>() + count * 8;
    if header.flags & flags::LEAF_IN_V8 == 0 && copy_end > registers.sp {
        let start = copy_start(registers.sp);
        let bytes = ((copy_end - start) as usize)
            .min(longest_copy)
            .min(room - size)
            & !7;
        // SAFETY: the source is the thread's own stack from its red zone up, the target the reserved room.
        unsafe {
            std::ptr::copy_nonoverlapping(start as *const u8, place.add(size), bytes);
        };
        header.copy_start = start;
        header.stack_bytes = bytes as u32;
        size += bytes;
    }
    if let Some(key) = taught(slot, registers) {
        confirm(slot, key, &mut header);
    }
    header.size = size as u32;
    // SAFETY: the reserved room starts with the header.
    unsafe { place.cast::<Header>().write(header) };
    size
}

/// Where a builtin without a frame of its own returns to. Usually that is on top of the stack; one that computes with
/// floating point keeps values above it. The frame in use is the caller's then: it has a context, a tagged address, where
/// a builtin's own frame has its kind, a small integer (`frame-constants.h` of V8).
fn return_address(stack: &Stack, ranges: &CodeRanges) -> Option<u64> {
    const WORDS: u64 = 8;
    let top = stack.word(stack.sp)?;
    let context = stack.word(stack.fp.checked_sub(8)?)?;
    if ranges.contains(top) || context & 1 == 0 {
        return None;
    }
    let end = stack.fp.min(stack.sp + WORDS * 8);
    (stack.sp + 8..end)
        .step_by(8)
        .filter_map(|address| stack.word(address))
        .find(|word| ranges.contains(*word))
}

/// Where the stack copy begins: below the stack pointer as far as code may keep values there (the red zone). On an
/// alternate signal stack that memory may not exist, and the copy begins at the stack pointer.
fn copy_start(sp: u64) -> u64 {
    let here = 0u8;
    let distance = sp.wrapping_sub(&raw const here as u64);
    if sp.is_multiple_of(8) && (RED_ZONE..ONE_STACK).contains(&distance) {
        sp - RED_ZONE
    } else {
        sp
    }
}

/// Our own frame is that near when the handler runs on the interrupted stack.
const ONE_STACK: u64 = 64 * 1024;

const NO_RANGES: CodeRanges = CodeRanges::empty();

/// Whether the slot's isolate is still the one that runs on this thread.
fn is_current(javascript: &JavaScript) -> bool {
    let entry = ENTRY.load(Ordering::Acquire);
    // SAFETY: null or a static.
    unsafe { entry.as_ref() }.is_some_and(|entry| {
        // SAFETY: reads a thread-local of V8.
        unsafe { entry.try_get_current() == javascript.isolate }
    })
}

/// V8's own frames of this thread, and what V8 says of its state.
fn v8_frames(
    javascript: &JavaScript,
    registers: &Registers,
    stack: &Stack,
    frames: &mut [u64; MAX_FRAMES],
    header: &mut Header,
) -> usize {
    // SAFETY: null or a static; `is_current` found it.
    let Some(entry) = (unsafe { ENTRY.load(Ordering::Acquire).as_ref() }) else {
        return 0;
    };
    let state = RegisterState::new(registers.pc, registers.sp, registers.fp, registers.lr);
    let mut info = SampleInfo::new();
    // SAFETY: the isolate is the one current on this thread, which is interrupted.
    let count = unsafe {
        entry.sample_stack(
            javascript.isolate,
            &state,
            header.flags & flags::LEAF_IN_V8 != 0,
            |address| stack.word(address),
            frames,
            &mut info,
        )
    };
    let vm_state = info.vm_state();
    header.vm_state = vm_state.raw();
    header.callback = info.external_callback_entry();
    if count > 0 {
        header.flags |= flags::JAVASCRIPT;
    }
    count
}

/// Whether V8 collects garbage, and does not walk.
fn is_collecting(header: &Header) -> bool {
    header.flags & flags::JAVASCRIPT == 0 && VmState::from_raw(header.vm_state) == VmState::Gc
}

/// The frame by which JavaScript called C++ last, 0 where it runs itself or nobody knows.
fn exit_frame(javascript: &JavaScript) -> u64 {
    exit_frame_address(javascript.isolate).map_or(0, |address| {
        // SAFETY: a word of the isolate that is current on this thread.
        unsafe { (address as *const u64).read() }
    })
}

/// Where the thread sleeps, if the observer has met it asleep there. One that runs is no such: the function that slept may make
/// many short calls at that place, none of which sleeps.
fn taught(slot: &Slot, registers: &Registers) -> Option<WaitKey> {
    let sp = slot.expected_sp.load(Ordering::Acquire);
    let pc = slot.expected_pc.load(Ordering::Acquire);
    // SAFETY: the thread was executing at `pc`.
    let sleeps = || unsafe { registers.asleep() };
    (sp == registers.sp && registers.is_at(pc) && sleeps()).then_some(WaitKey { sp, pc })
}

/// The thread sleeps where the observer expected it: from now on its place is known.
fn confirm(slot: &Slot, WaitKey { sp, pc }: WaitKey, header: &mut Header) {
    header.flags |= flags::KEYED;
    header.wait_sp = sp;
    header.wait_pc = pc;
    let has_javascript = header.flags & flags::JAVASCRIPT != 0;
    slot.confirmed_has_javascript
        .store(has_javascript, Ordering::Relaxed);
    slot.confirmed_cpu.store(thread_cpu(), Ordering::Relaxed);
    slot.confirmed_sp.store(sp, Ordering::Release);
    slot.confirmed_pc.store(pc, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Memory for one record.
    fn room() -> Vec<u64> {
        vec![0; MAX_RECORD / 8]
    }

    fn header_of(room: &[u64]) -> Header {
        // SAFETY: a header was written there.
        unsafe { room.as_ptr().cast::<Header>().read() }
    }

    #[test]
    fn a_builtin_that_keeps_values_on_the_stack_still_returns_to_its_caller() {
        const CODE: u64 = 0x5000;
        let ranges = CodeRanges::from_ranges(&[(CODE, 0x100)]);
        let context = 0x7001;
        let found = |words: &[u64], fp: usize| {
            let sp = words.as_ptr() as u64;
            let stack = Stack {
                sp,
                fp: sp + fp as u64 * 8,
                end: sp + words.len() as u64 * 8,
            };
            return_address(&stack, &ranges)
        };
        // Two values, the return address, the frame with its context.
        assert_eq!(found(&[3, 4, CODE + 8, 0, context, 0], 5), Some(CODE + 8));
        // On top, as usual: nothing to look for.
        assert_eq!(found(&[CODE + 8, 4, CODE + 16, 0, context, 0], 5), None);
        // A builtin's own frame: what lies in it is no return address.
        assert_eq!(found(&[3, 4, CODE + 8, 0, 22 << 32, 0], 5), None);
        // Not beyond the frame, and not far.
        assert_eq!(found(&[3, context, 0, CODE + 8], 2), None);
        let mut far = [3; 16];
        (far[12], far[14]) = (CODE + 8, context);
        assert_eq!(found(&far, 15), None);
    }

    extern "C" fn some_code() {}

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_call_that_did_not_sleep_teaches_no_place_of_sleep() {
        #[repr(align(16))]
        struct Code([u8; 3]);
        // `syscall`, and what follows it.
        static CODE: Code = Code([0x0f, 0x05, 0x90]);
        let call = CODE.0.as_ptr() as u64;
        let slots = super::slots().expect("slots");
        let (_, slot) = slots.claim(3_999_998).expect("a free slot");
        let teaches = |pc, sp, result| {
            let mut registers = Registers::at(pc).with_result(result);
            registers.sp = sp;
            taught(slot, &registers).is_some()
        };
        let interrupted = (-i64::from(libc::EINTR)) as u64;
        assert!(!teaches(call, 64, 0), "nothing is expected");
        let pc = call + 2;
        slot.expect(WaitKey { sp: 64, pc });
        assert!(teaches(pc, 64, interrupted) && teaches(call, 64, 0));
        assert!(!teaches(pc, 64, 0), "it has returned, and sleeps no more");
        assert!(!teaches(pc, 72, interrupted), "another call of its caller");
        slots.forget(slot.tid());
    }

    #[test]
    fn v8_s_code_is_known_as_such_on_a_stack_of_its_own() {
        let slots = super::slots().expect("slots");
        // A thread that does not exist, on a stack that nobody knows.
        let (_, slot) = slots.claim(3_999_999).expect("a free slot");
        let code = some_code as *const () as u64;
        let sequence = AtomicU64::new(7);
        set_entry_points(EntryPoints::with_fake_isolate());
        slot.set_javascript(JavaScript {
            isolate: EntryPoints::FAKE_ISOLATE as *mut c_void,
            sequence: &raw const sequence,
            ranges: CodeRanges::from_ranges(&[(code, 1)]),
        });
        for (pc, in_v8) in [(code, true), (code + 1, false)] {
            let registers = Registers::at(pc);
            let mut room = room();
            let place = room.as_mut_ptr().cast();
            let instant = Instant {
                time: 1,
                cpu: 1,
                weight: 1,
            };
            // SAFETY: the room is large enough and aligned to 8.
            let size = unsafe { write(place, MAX_RECORD, slot, &registers, &instant) };
            let header = header_of(&room);
            assert_eq!(size, size_of::<Header>(), "neither frames nor a copy");
            assert_eq!(header.flags & flags::LEAF_IN_V8 != 0, in_v8);
            assert_eq!(header.sequence, 7);
        }
        slot.clear_javascript();
        slots.forget(slot.tid());
    }
}
