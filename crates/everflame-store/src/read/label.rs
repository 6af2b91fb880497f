//! Labels that tell samples apart in sums, and those that belong to one moment only.

/// Indexes into the texts of the profile. Numbers are texts too, with their unit if they have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Label {
    pub key: u32,
    pub value: u32,
}

/// What is known of a single sample and would make each one different from all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Nanoseconds since the epoch.
    pub end: i64,
    pub span: u64,
    pub root_span: u64,
}

/// Keys of labels that have a value of their own for nearly each sample: they are no part of a sum.
const END: &str = "end_timestamp_ns";
pub(super) const SPAN: [&str; 2] = ["span id", "span_id"];
pub(super) const ROOT_SPAN: [&str; 2] = ["local root span id", "local_root_span_id"];
/// Counters without a meaning for anybody who reads sums.
pub(super) const PASSING: [&str; 3] = ["async id", "trace id", "trace_id"];

/// What a label of profile.proto tells, by its key.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    End,
    Span,
    RootSpan,
    Passing,
    Label,
}

impl Meaning {
    pub(super) fn of(key: &str) -> Meaning {
        match key {
            END => Meaning::End,
            _ if SPAN.contains(&key) => Meaning::Span,
            _ if ROOT_SPAN.contains(&key) => Meaning::RootSpan,
            _ if PASSING.contains(&key) => Meaning::Passing,
            _ => Meaning::Label,
        }
    }
}
