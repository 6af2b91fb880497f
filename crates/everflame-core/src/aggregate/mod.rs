//! From records to period totals: accounting, interning, rotation. All of it on the aggregator thread.

mod account;
mod aggregator;
mod compose;
mod period;
mod tables;

pub use aggregator::{Aggregator, Command, JavaScriptThread, Options, Profile};
pub use period::{Entry, Period, ThreadLabels};
pub use tables::{FrameId, FrameRow, FunctionRow, StackId, StringId, Tables};
