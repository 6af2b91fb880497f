//! The sampler behind Everflame. Knows nothing of Node-API; see `docs/architecture.md` for one sample's way.

pub mod aggregate;
mod descriptor_limit;
pub mod engine;
pub mod event_loop;
mod memory_map;
pub mod native;
pub mod pprof;
pub mod probe;
mod return_address;
pub mod session;
pub mod signal;
pub mod source_map;
pub mod v8;
mod vlq;
