//! What a question is about, as JavaScript says it.

use everflame_store::{Filter, Granularity, Selection};
use napi::bindgen_prelude::{Error, Result, Status};
use napi_derive::napi;

/// A tag or label has one of these values; with `negated` none of them. An empty value stands for none.
#[napi(object)]
pub struct NativeFilter {
    pub key: String,
    pub values: Vec<String>,
    pub negated: bool,
}

/// Profiles of one service whose middle is from `from` on and before `to`: milliseconds since the epoch.
#[napi(object)]
pub struct NativeSelection {
    pub service: String,
    pub from: f64,
    pub to: f64,
    /// Name of a kind of value.
    pub r#type: Option<String>,
    pub r#where: Vec<NativeFilter>,
}

impl From<NativeSelection> for Selection {
    fn from(selection: NativeSelection) -> Selection {
        let filters = selection.r#where.into_iter();
        Selection {
            service: selection.service,
            from: nanoseconds(selection.from),
            to: nanoseconds(selection.to),
            kind: selection.r#type,
            filters: filters
                .map(
                    |NativeFilter {
                         key,
                         values,
                         negated,
                     }| Filter {
                        key,
                        values,
                        negated,
                    },
                )
                .collect(),
        }
    }
}

/// Whole milliseconds stay whole: as one number the nanoseconds since the epoch have steps of 256.
pub(crate) fn nanoseconds(milliseconds: f64) -> i64 {
    let whole = milliseconds.trunc();
    (whole as i64)
        .saturating_mul(1_000_000)
        .saturating_add(((milliseconds - whole) * 1e6).round() as i64)
}

pub(crate) fn granularity(name: &str) -> Result<Granularity> {
    match name {
        "function" => Ok(Granularity::Function),
        "line" => Ok(Granularity::Line),
        "file" => Ok(Granularity::File),
        "package" => Ok(Granularity::Package),
        _ => Err(Error::new(
            Status::InvalidArg,
            "BAD_QUERY: frames are told by function, line, file or package",
        )),
    }
}
