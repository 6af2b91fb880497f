//! What runs inside a signal handler, and the memory it shares with the threads that read it.
//!
//! Nothing here allocates, blocks, formats or unwinds while a signal is handled. `handler.rs` and `walk.rs` are the
//! handler's code; `ring.rs`, `record.rs` and `slot.rs` are its memory; `install.rs` puts it in place.

mod clock;
mod counters;
mod handler;
mod install;
mod map;
mod outstanding;
#[cfg(target_arch = "x86_64")]
mod protection_keys;
mod record;
mod registers;
mod rest;
mod ring;
mod slot;
pub mod terminal;
mod thread_pointer;
mod wake;
mod walk;

pub use clock::{
    monotonic, own_tid, process_cpu, realtime_offset, thread_clock_id, thread_cpu, thread_cpu_of,
};
pub use counters::{COUNTERS, Counters, HISTOGRAM_BUCKETS, bucket_floor};
pub use handler::{
    Delivery, accept, cookie as timer_value, is_enabled, is_ours, set_enabled, set_entry_points,
};
pub use install::{
    InstallError, Installed, choose, choose_other_than, install, mask_all_signals, signal_name,
    signal_number, with_signals_masked,
};
pub use map::Mapping;
pub use outstanding::Outstanding;
pub use record::{Frame, FrameKind, Header, MAX_FRAMES, MAX_RECORD, flags, kind};
pub use ring::{RING_BYTES, Ring};
pub use slot::{JavaScript, Slot, Slots, WaitKey, slots, thread_name};
pub use wake::AGGREGATOR;
