//! Keeps this library loaded for ever: handlers and late signals point into it.

use std::ffi::c_void;
use std::sync::Once;

/// Takes a reference that is never given back. Node unloads an addon whose registration fails, and musl ignores the
/// linker's `nodelete`.
pub(crate) fn pin_library() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: an all-zero Dl_info is valid to be filled.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        let here = pin_library as *const () as *const c_void;
        // SAFETY: `here` is an address inside this library; the path is the loader's own string.
        unsafe {
            if libc::dladdr(here, &mut info) != 0 {
                libc::dlopen(info.dli_fname, libc::RTLD_LAZY | libc::RTLD_NODELETE);
            }
        }
    });
}
