//! libuv's exported functions, found by name in the running process and never linked.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use crate::v8::symbol_address;

/// A `uv_loop_t`. Only libuv looks inside.
pub(super) type Loop = *mut c_void;
/// A handle of any kind, whose memory is ours.
pub(super) type Handle = *mut c_void;
pub(super) type Callback = unsafe extern "C" fn(Handle);

/// `UV_PREPARE` of `uv_handle_type`, which numbers the kinds of handles in the order of their names; new kinds come behind
/// (<https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_type>).
pub(super) const PREPARE: c_int = 9;

type PrepareInit = unsafe extern "C" fn(Loop, Handle) -> c_int;
type PrepareStart = unsafe extern "C" fn(Handle, Callback) -> c_int;
type Unref = unsafe extern "C" fn(Handle);
type Close = unsafe extern "C" fn(Handle, Option<Callback>);
type HandleSize = unsafe extern "C" fn(c_int) -> usize;
type SetData = unsafe extern "C" fn(Handle, *mut c_void);
type GetData = unsafe extern "C" fn(Handle) -> *mut c_void;
type IdleTime = unsafe extern "C" fn(Loop) -> u64;

/// Of libuv 1.39 or later, as every supported Node.js has it
/// (<https://docs.libuv.org/en/v1.x/metrics.html>, <https://docs.libuv.org/en/v1.x/prepare.html>).
pub(super) struct Libuv {
    pub(super) prepare_init: PrepareInit,
    pub(super) prepare_start: PrepareStart,
    pub(super) unref: Unref,
    pub(super) close: Close,
    pub(super) handle_size: HandleSize,
    pub(super) set_data: SetData,
    pub(super) get_data: GetData,
    /// Nanoseconds that the loop has waited. May be called on any thread while the loop is there.
    pub(super) idle_time: IdleTime,
}

macro_rules! function {
    ($kind:ty, $symbol:literal) => {{
        let address = symbol_address($symbol)?;
        // SAFETY: a C function by its name, with the type that libuv documents.
        unsafe { std::mem::transmute::<*mut c_void, $kind>(address) }
    }};
}

impl Libuv {
    /// The libuv in this process, looked up once; `None` where a function is not exported.
    pub(super) fn get() -> Option<&'static Libuv> {
        static FOUND: OnceLock<Option<Libuv>> = OnceLock::new();
        FOUND.get_or_init(Libuv::look_up).as_ref()
    }

    fn look_up() -> Option<Libuv> {
        Some(Libuv {
            prepare_init: function!(PrepareInit, c"uv_prepare_init"),
            prepare_start: function!(PrepareStart, c"uv_prepare_start"),
            unref: function!(Unref, c"uv_unref"),
            close: function!(Close, c"uv_close"),
            handle_size: function!(HandleSize, c"uv_handle_size"),
            set_data: function!(SetData, c"uv_handle_set_data"),
            get_data: function!(GetData, c"uv_handle_get_data"),
            idle_time: function!(IdleTime, c"uv_metrics_idle_time"),
        })
    }
}
