//! From generated code to the author's: source maps (ECMA-426), read for scripts that were sampled.
//!
//! * In V8's code-event callback: [`declare`] notes what a script says of its map, and copies a map that is in its text.
//! * On the aggregator: [`SourceMaps::ask`] for each new place in generated code, [`SourceMaps::answers`] for what is known.
//! * On a thread of its own, `everflame-map`: everything that reads a file or a map.
//!
//! Nothing is ever fetched from a network.

mod author_text;
mod bounded;
mod cache;
mod comment;
mod declared;
mod failure;
mod function_name;
mod json;
mod locate;
mod nonblocking;
mod original;
mod read;
mod reader;
mod sources;
mod table;
mod thread;

pub use declared::{DeclaredMap, MapUrl, configure, declare, held_bytes, is_enabled};
pub use failure::{SourceMapFailure, take_failures};
pub use original::{Original, Question};
pub use thread::{Answer, SourceMaps, Ticket};

/// A place in a text: both count from 0, columns in UTF-16 units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}
