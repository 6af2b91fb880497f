//! What the profiler says about itself.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use everflame_core::session;
use everflame_core::signal::{COUNTERS, HISTOGRAM_BUCKETS, bucket_floor};
use napi_derive::napi;

/// Signals whose handler used at least so many `nanoseconds` of CPU time, and less than the next bucket says.
#[napi(object)]
pub struct HistogramBucket {
    pub nanoseconds: f64,
    pub count: f64,
}

/// Totals since the process started.
#[napi(object)]
pub struct NativeMetrics {
    /// By name: `samples`, `dropped_ring_full`, `signals_running` and so on.
    pub counters: HashMap<String, f64>,
    /// CPU time in the signal handler; empty buckets are left out.
    pub handler: Vec<HistogramBucket>,
}

/// The profiler's own counters. Cheap; may be called at any time.
#[napi]
pub fn metrics() -> NativeMetrics {
    let handler = (0..HISTOGRAM_BUCKETS)
        .map(|bucket| HistogramBucket {
            nanoseconds: bucket_floor(bucket) as f64,
            count: COUNTERS.handler[bucket].load(Ordering::Relaxed) as f64,
        })
        .filter(|bucket| bucket.count > 0.0)
        .collect();
    NativeMetrics {
        counters: session::counters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value as f64))
            .collect(),
        handler,
    }
}
