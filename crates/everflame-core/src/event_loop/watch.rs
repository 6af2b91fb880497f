//! A handle of our own on an event loop, which libuv calls before each wait for events.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::libuv::{Handle, Libuv, Loop, PREPARE};
use super::meter::{Meter, Reading, SECOND, Taken, Thread};
use crate::signal::{is_enabled, monotonic};
use crate::v8::UsedHeap;

/// The event loop of a JavaScript thread, as Node-API hands it out.
#[derive(Clone, Copy, Debug)]
pub struct EventLoop(NonNull<c_void>);

impl EventLoop {
    /// `None` for a null pointer.
    ///
    /// # Safety
    /// `uv_loop` is a `uv_loop_t` of the calling thread that lives until [`Watch::close`] is done.
    pub unsafe fn new(uv_loop: *mut c_void) -> Option<EventLoop> {
        NonNull::new(uv_loop).map(EventLoop)
    }
}

/// What the aggregator and the loop's thread share.
pub(super) struct Shared {
    pub(super) thread: Thread,
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    meter: Meter,
    /// The loop while it is watched.
    source: Option<Source>,
}

#[derive(Clone, Copy)]
struct Source {
    libuv: &'static Libuv,
    uv_loop: Loop,
}

// SAFETY: the loop is only asked for its idle time, which is allowed on any thread, and only while it is watched.
unsafe impl Send for Source {}

impl Source {
    /// The clock is read last: what the loop may have waited between the readings is work then, and never the other way round.
    fn read(self) -> Reading {
        // SAFETY: the loop is there while the source is.
        let idle = unsafe { (self.libuv.idle_time)(self.uv_loop) };
        Reading {
            now: monotonic(),
            idle,
        }
    }
}

impl Shared {
    /// What happened since the last call, up to `now`, and whether the loop is watched still.
    pub(super) fn take(&self, now: u64) -> (Option<Taken>, bool) {
        let Some(mut account) = lock_in_time(&self.account) else {
            return (None, true);
        };
        if let Some(source) = account.source {
            account.meter.look(source.read());
        }
        (account.meter.take(now), account.source.is_some())
    }
}

/// Those that are watched, and those that have ended since somebody took what happened on them.
static WATCHED: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// What the handle's callback needs; owned by the handle.
struct Context {
    shared: Arc<Shared>,
    source: Source,
    heap: Option<UsedHeap>,
    /// The second of the monotonic clock in which the heap was looked at last.
    heap_seen: u64,
}

/// A watched event loop.
pub struct Watch {
    handle: Handle,
    libuv: &'static Libuv,
    shared: Arc<Shared>,
}

/// Watches the event loop of the calling thread until [`Watch::close`]. The handle does not keep the loop alive. `None` where
/// libuv's functions are not exported, or refuse.
pub fn watch(event_loop: EventLoop, thread: Thread, heap: Option<UsedHeap>) -> Option<Watch> {
    let libuv = Libuv::get()?;
    let handle = allocate(libuv)?;
    let source = Source {
        libuv,
        uv_loop: event_loop.0.as_ptr(),
    };
    // SAFETY: the loop is the calling thread's (`EventLoop::new`), and the handle has the size that libuv asks for.
    if unsafe { (libuv.prepare_init)(source.uv_loop, handle) } != 0 {
        free(libuv, handle);
        return None;
    }
    let mut account = Account {
        source: Some(source),
        ..Account::default()
    };
    // What runs before the first wait is the first turn.
    account.meter.turn(source.read());
    let shared = Arc::new(Shared {
        thread,
        account: Mutex::new(account),
    });
    let context = Box::new(Context {
        shared: Arc::clone(&shared),
        source,
        heap,
        heap_seen: 0,
    });
    // SAFETY: an initialised handle of this thread's loop. The context is its own until `on_closed`.
    unsafe {
        (libuv.set_data)(handle, Box::into_raw(context).cast());
        // Fails for a null callback only.
        (libuv.prepare_start)(handle, on_prepare);
        (libuv.unref)(handle);
    }
    WATCHED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Arc::clone(&shared));
    Some(Watch {
        handle,
        libuv,
        shared,
    })
}

impl Watch {
    /// Ends the watch. `done` is called once the loop has let go of the handle, in one of its next turns.
    ///
    /// # Safety
    /// On the loop's thread, while the loop is there.
    pub unsafe fn close(self, done: Box<dyn FnOnce()>) {
        let account = self.shared.account.lock();
        let mut account = account.unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = account.source.take() {
            account.meter.look(source.read());
        }
        drop(account);
        // SAFETY: the data is the context that `watch` has set; nobody else holds it, as the callback runs on this thread.
        unsafe {
            let context = (self.libuv.get_data)(self.handle).cast::<Context>();
            drop(Box::from_raw(context));
            let closing = Box::new(Closing {
                libuv: self.libuv,
                done,
            });
            (self.libuv.set_data)(self.handle, Box::into_raw(closing).cast());
            (self.libuv.close)(self.handle, Some(on_closed));
        }
    }
}

struct Closing {
    libuv: &'static Libuv,
    done: Box<dyn FnOnce()>,
}

unsafe extern "C" fn on_prepare(handle: Handle) {
    let Some(libuv) = Libuv::get() else { return };
    // Unwinding into libuv would end the process.
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the data of an open handle is its context, which only this thread touches.
        let context = unsafe { &mut *(libuv.get_data)(handle).cast::<Context>() };
        context.turn();
    }));
    // A bug costs the account of a turn.
    drop(result);
}

impl Context {
    fn turn(&mut self) {
        // The aggregator holds it for an instant. The next turn has what this one leaves then.
        let Ok(mut account) = self.shared.account.try_lock() else {
            return;
        };
        if !is_enabled() {
            if account.meter.is_running() {
                account.meter.pause(self.source.read());
            }
            return;
        }
        let reading = self.source.read();
        account.meter.turn(reading);
        if let Some(heap) = &self.heap
            && self.heap_seen != reading.now / SECOND
        {
            self.heap_seen = reading.now / SECOND;
            // SAFETY: libuv's callback runs on the isolate's thread, outside of V8.
            if let Some(bytes) = unsafe { heap.read() } {
                account.meter.heap(reading.now, bytes);
            }
        }
    }
}

unsafe extern "C" fn on_closed(handle: Handle) {
    let Some(libuv) = Libuv::get() else { return };
    // SAFETY: the data of a handle that was closed is what `Watch::close` has set.
    let closing = unsafe { Box::from_raw((libuv.get_data)(handle).cast::<Closing>()) };
    free(closing.libuv, handle);
    (closing.done)();
}

/// Those that are watched, for the aggregator; `None` where that is not to be known now.
pub(super) fn watched() -> Option<MutexGuard<'static, Vec<Arc<Shared>>>> {
    lock_in_time(&WATCHED)
}

/// The lock, for the aggregator: a JavaScript thread that holds it may be interrupted by a signal that ends the process, and then
/// waits for the aggregator's last profile.
fn lock_in_time<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    /// Others hold it for less than a microsecond, if they get CPU time.
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_micros(20);
    for _ in 0..TRIES {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    None
}

/// Memory of a handle, as libuv of this process has it.
fn layout(libuv: &Libuv) -> Option<Layout> {
    // SAFETY: takes a number and looks it up.
    let size = unsafe { (libuv.handle_size)(PREPARE) };
    // `usize::MAX` for a kind that libuv does not know; a handle has some hundred bytes.
    Layout::from_size_align(size, 16)
        .ok()
        .filter(|layout| (1..4096).contains(&layout.size()))
}

fn allocate(libuv: &Libuv) -> Option<Handle> {
    let layout = layout(libuv)?;
    // SAFETY: the size is not zero.
    let memory = unsafe { alloc_zeroed(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    Some(memory.cast())
}

fn free(libuv: &Libuv, handle: Handle) {
    if let Some(layout) = layout(libuv) {
        // SAFETY: allocated with this layout, and libuv holds it no more.
        unsafe { dealloc(handle.cast(), layout) };
    }
}
