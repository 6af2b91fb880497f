//! The store of Everflame's collector: profiles of any service, instance and time, and answers about them.
//!
//! A profile becomes a block of sums; names and stacks stand once in a dictionary for each service. Both lie in one SQLite
//! file, which one process writes and any number read. See docs/store.md.

mod block;
mod checksum;
mod database;
mod delta;
mod dictionaries;
mod dictionary;
mod error;
mod fingerprint;
mod frame_keys;
mod intern;
mod lock;
mod maintain;
mod metrics;
mod moments;
mod packages;
mod query;
mod read;
mod read_ahead;
mod repair;
mod schema;
mod store;
mod upload;
mod varint;
mod writer;

pub use error::{Refusal, StoreError};
pub use maintain::{Maintained, Retention};
pub use query::{
    Answer, Filter, Found, FrameKind, FrameName, Granularity, Key, LabelTexts, Lane, Measure,
    MetricLine, Metrics, NotPerRequest, ProfileHead, Requests, Row, Selection, Series, SeriesLine,
    Service, SourceLine, Table, TableBy, Timeline, TimelineSample, Tree,
};
pub use read::{Limits, ValueType};
pub use repair::{Counts, Repair};
pub use schema::FORMAT;
pub use store::{Status, Store};
pub use upload::{Format, Outcome, Part, Prepared, Upload};
