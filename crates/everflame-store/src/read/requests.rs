//! Counts of requests as a profile: one sample without a stack for each endpoint. So they are kept, added up by hours, filtered and
//! removed as everything else is.

use super::Limits;
use super::builder::{Builder, Used};
use super::label::{Label, Moment};
use super::profile::{Profile, ValueType};
use super::texts::text;
use crate::error::Refusal;

/// The kind of value that says how many requests came, where it is the only one of a profile.
pub(crate) const REQUESTS: [&str; 2] = ["requests", "count"];

/// The label by which samples say for which endpoint they were.
pub(crate) const ENDPOINT: &str = "trace endpoint";

/// The kinds of value of a profile of counts.
pub(crate) fn requests_types() -> Vec<ValueType> {
    let [name, unit] = REQUESTS.map(str::to_owned);
    vec![ValueType { name, unit }]
}

/// Whether profiles with these kinds of value are counts of requests.
pub(crate) fn are_requests(types: &[ValueType]) -> bool {
    matches!(types, [kind] if [kind.name.as_str(), kind.unit.as_str()] == REQUESTS)
}

/// A profile of how many requests came for each endpoint. One without any says that none came.
pub(crate) fn requests_profile(
    counts: &[(String, u64)],
    limits: &Limits,
) -> Result<Profile, Refusal> {
    let mut builder = Builder::new(limits, Used::default());
    builder.profile.types = requests_types();
    // Places of a profile's texts are told from an empty one on.
    builder.made("");
    let key = builder.made(ENDPOINT);
    let stack = builder.stack(&[])?;
    for (endpoint, count) in counts {
        let value = builder.made(&text(endpoint.as_bytes()));
        let labels = builder.label_set(&mut vec![Label { key, value }])?;
        builder.sample(stack, labels, Moment::default(), &[*count])?;
    }
    builder.finish().map(|(profile, _)| profile)
}
