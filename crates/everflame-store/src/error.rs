//! What goes wrong, in sentences for the person who can do something about it.

use std::path::PathBuf;

/// A store that cannot be used, or a question that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("cannot make the folder {}: {cause}. Name another with --store", path.display())]
    Folder {
        path: PathBuf,
        cause: std::io::Error,
    },

    #[error(
        "the store {} has format {found}, of a newer Everflame; this one knows format {known}. Update everflame, or name another folder with --store",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },

    #[error("the store {} is written by process {holder}. End that one, or name another folder with --store", path.display())]
    Held { path: PathBuf, holder: String },

    #[error("there is no store in {} yet", path.display())]
    Missing { path: PathBuf },

    #[error("the store is open for reading only")]
    ReadOnly,

    #[error("no service {name:?} in the store; there is {known}")]
    NoService { name: String, known: String },

    #[error("service {service:?} has no values of type {name:?}; it has {known}")]
    NoType {
        service: String,
        name: String,
        known: String,
    },

    #[error("{a} cannot be compared with {b}: name a type that both have")]
    DifferentKinds { a: String, b: String },

    #[error("{what} is damaged; everflame view repairs the store when it starts")]
    Damaged { what: String },

    #[error("the store {}: {cause}{}", path.display(), remedy(cause))]
    Engine {
        path: PathBuf,
        cause: rusqlite::Error,
    },
}

fn remedy(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            ". Free space, or lower the limit with --store-bytes"
        }
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied) => {
            ". Give this user the right to write there, or name another folder with --store"
        }
        _ => "",
    }
}

/// Why a profile is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error("it is no profile: {0}")]
    Malformed(&'static str),

    #[error("it has more than {limit} {what}")]
    TooMuch { what: &'static str, limit: usize },

    #[error("it cannot be decompressed: {0}")]
    Compression(String),

    #[error("its JSON cannot be read: {0}")]
    Json(String),

    #[error("it has a value below zero: differences of profiles are not kept")]
    Negative,

    #[error("its values of type {0} add up to more than 9,223,372,036,854,775,807")]
    Overflow(String),

    #[error("it ends before it starts")]
    Backwards,

    #[error("it is of {0}: clocks differ by more than a day")]
    Future(String),
}
