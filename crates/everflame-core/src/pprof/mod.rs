//! A period as profile.proto, compressed. The message types are those of the `pprof` crate; messages are written one
//! by one, so memory does not grow with the number of samples.

mod encode;
mod sink;

pub use encode::{Heading, MappingRow, Times, encode};
pub use sink::{Encoding, EncodingError};
