//! From records to period totals: accounting, interning, rotation. All of it on the aggregator thread.

mod account;
mod aggregator;
mod compose;
mod courier;
mod join;
mod mailbox;
mod originals;
mod output;
mod period;
mod root;
mod tables;
mod unwritten;

pub use account::Share;
pub use aggregator::{JavaScriptThread, start};
pub use courier::Courier;
pub use mailbox::{Command, Mailbox, Options, Profile};
pub use period::{Entry, Period, ThreadLabels};
pub use tables::{FrameId, FrameRow, FunctionId, FunctionRow, StackId, StringId, Tables};
pub use unwritten::{Unwritten, WriteFailure};
