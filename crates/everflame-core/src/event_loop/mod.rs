//! How long each event loop kept events waiting and how much heap its thread used, second by second.
//!
//! * On the JavaScript thread: [`watch`] once, then libuv calls back before each wait; [`Watch::close`] at the end.
//! * On the aggregator: [`Series::collect`] at the end of a period, and [`Series::comment`] for its profile.

mod libuv;
mod meter;
mod series;
mod watch;

pub use meter::Thread;
pub use series::Series;
pub use watch::{EventLoop, Watch, watch};
