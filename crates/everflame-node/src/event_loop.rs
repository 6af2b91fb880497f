//! The event loop of an environment, watched until the environment ends.

use std::ffi::c_void;
use std::ptr;

use everflame_core::event_loop::{self, EventLoop, Thread, Watch};
use everflame_core::v8::UsedHeap;
use napi::bindgen_prelude::Env;
use napi::sys;

/// Watches the event loop of the calling thread. Where that cannot be, profiles say nothing of it.
pub(crate) fn watch(env: &Env, thread: Thread, heap: Option<UsedHeap>) {
    let mut uv_loop = ptr::null_mut();
    // SAFETY: the environment is this thread's, and the pointer ours.
    if unsafe { sys::napi_get_uv_event_loop(env.raw(), &mut uv_loop) } != sys::Status::napi_ok {
        return;
    }
    // SAFETY: the environment's loop outlives its asynchronous clean-up, in which the watch is closed.
    let event_loop = unsafe { EventLoop::new(uv_loop.cast()) };
    let Some(watch) = event_loop.and_then(|event_loop| event_loop::watch(event_loop, thread, heap))
    else {
        return;
    };
    let watch = Box::into_raw(Box::new(watch));
    // SAFETY: the hook gets the watch, once.
    let status = unsafe {
        sys::napi_add_async_cleanup_hook(env.raw(), Some(close), watch.cast(), ptr::null_mut())
    };
    if status != sys::Status::napi_ok {
        // SAFETY: no hook has it. The loop goes on, so it lets go of the handle.
        unsafe { Box::from_raw(watch).close(Box::new(|| ())) };
    }
}

/// The environment ends: it waits until its loop has let go of the handle. A worker's thread that ended with it would abort.
unsafe extern "C" fn close(hook: sys::napi_async_cleanup_hook_handle, watch: *mut c_void) {
    // SAFETY: the hook's argument, handed over once.
    let watch = unsafe { Box::from_raw(watch.cast::<Watch>()) };
    let done = Box::new(move || {
        // SAFETY: the hook is told once, on the environment's thread. A status could only say that it is no hook.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
    });
    // SAFETY: clean-up hooks run on the environment's thread, whose loop is there until all of them are done.
    unsafe { watch.close(done) };
}
