//! What goes wrong, in sentences for the person who can do something about it.

use crate::database::is_damage;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A store that cannot be used, or a question that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("cannot make the folder {}: {cause}. Name another folder with --store", path.display())]
    Folder {
        path: PathBuf,
        cause: std::io::Error,
    },

    #[error("cannot read and write {}: {cause}{}", path.display(), file_remedy(cause))]
    File {
        path: PathBuf,
        cause: std::io::Error,
    },

    #[error("{} is not a file. Move it away, or name another folder with --store", path.display())]
    NoFile { path: PathBuf },

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

    #[error("there is no store in {} yet: everflame view or everflame dev makes one. To name another folder: --store", path.display())]
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

    #[error("metrics are of processes: {key:?} is no tag of one; there is {known}, and thread")]
    NoTag { key: String, known: String },

    #[error("{a} cannot be compared with {b}: name a type that both have")]
    DifferentKinds { a: String, b: String },

    #[error("{what} is damaged; everflame view repairs the store when it starts")]
    Damaged { what: String },

    #[error("the store cannot answer: {cause}")]
    Unanswered { cause: rusqlite::Error },

    #[error("the store {}: {cause}{}", path.display(), remedy(cause))]
    Engine {
        path: PathBuf,
        cause: rusqlite::Error,
    },
}

impl StoreError {
    /// The kind of error for programs: `NOT_FOUND`, `BAD_QUERY`, `HELD` (by another process), `NEWER` (of a newer version),
    /// `FULL` (no room on the disk), `DAMAGED`, or `FAILED`.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Missing { .. }
            | StoreError::NoService { .. }
            | StoreError::NoType { .. } => "NOT_FOUND",
            StoreError::DifferentKinds { .. } | StoreError::NoTag { .. } => "BAD_QUERY",
            StoreError::Held { .. } => "HELD",
            StoreError::Newer { .. } => "NEWER",
            StoreError::Damaged { .. } => "DAMAGED",
            StoreError::Folder { cause, .. } | StoreError::File { cause, .. } if is_full(cause) => {
                "FULL"
            }
            StoreError::Engine { cause, .. } | StoreError::Unanswered { cause } => {
                if has_no_room(cause) {
                    "FULL"
                } else if is_damage(cause) {
                    "DAMAGED"
                } else {
                    "FAILED"
                }
            }
            StoreError::Folder { .. }
            | StoreError::File { .. }
            | StoreError::NoFile { .. }
            | StoreError::ReadOnly => "FAILED",
        }
    }

    pub(crate) fn is_damage(&self) -> bool {
        self.code() == "DAMAGED"
    }
}

/// SQLite has another name for it where the file is the index of the log.
fn has_no_room(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == SQLITE_IOERR_SHMSIZE
    })
}

fn is_full(cause: &std::io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

const FREE_SPACE: &str = ". Free space, or lower the limit with --store-size";
const GIVE_RIGHTS: &str =
    ". Give this user the right to write there, or name another folder with --store";

fn file_remedy(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => GIVE_RIGHTS,
        _ if is_full(cause) => FREE_SPACE,
        _ => ". Name another folder with --store",
    }
}

fn remedy(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        _ if has_no_room(cause) => FREE_SPACE,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            GIVE_RIGHTS
        }
        _ if is_damage(cause) => ". everflame view repairs the store when it starts",
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

    #[error(
        "all profiles of its upload have more than {0} MiB after decompression: send fewer in one request"
    )]
    UploadTooLarge(usize),

    #[error(
        "it is {days} days old, and nothing is kept here for more than {kept}: everflame view FILE shows one of any age"
    )]
    TooOld { days: i64, kept: i64 },

    #[error("it cannot be decompressed: {0}")]
    Compression(String),

    #[error("its JSON cannot be read: {0}")]
    Json(String),

    #[error(
        "it has a value below zero: differences of profiles are not kept, send the profiles themselves"
    )]
    Negative,

    #[error("its values of type {0} add up to more than 9,223,372,036,854,775,807")]
    Overflow(String),

    #[error("it ends before it starts")]
    Backwards,

    #[error("it lasts longer than a day: send start and end of one period")]
    TooLong,

    #[error(
        "it is of {0}, and clocks may differ by a day: set the clock of the machine that is wrong"
    )]
    Future(String),
}
