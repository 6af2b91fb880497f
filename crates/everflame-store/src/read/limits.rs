//! What a profile may have.

use crate::error::Refusal;

/// What one profile, or what comes with it in one message, may have. Larger ones are refused: reading them would take the
/// memory of others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes after decompression.
    pub bytes: usize,
    /// The same of all that came in one upload.
    pub upload_bytes: usize,
    /// Nanoseconds after which nothing of a profile is kept.
    pub age: i64,
    /// Profiles of one message.
    pub profiles: usize,
    pub samples: usize,
    /// Of each table: texts, functions, places.
    pub entries: usize,
    /// Frames of one stack.
    pub depth: usize,
    /// Labels of one sample.
    pub labels: usize,
    /// Frames of all stacks. A place with a thousand inlined functions is one number in a stack, and so a few bytes can be
    /// gigabytes of frames.
    pub frames: usize,
    /// Different calls: nodes of the tree that the stacks make. Each is in the memory of the service's dictionary as long as that is.
    pub calls: usize,
    /// Values of all samples. Each is a byte as it comes and eight bytes here, and compressed hardly anything.
    pub values: usize,
    /// Labels of all sets of labels.
    pub set_labels: usize,
    /// Kinds of value.
    pub types: usize,
    /// Bytes of what the resources of one message say of themselves.
    pub tags: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 64 << 20,
            upload_bytes: 128 << 20,
            age: i64::MAX,
            profiles: 10_000,
            samples: 2_000_000,
            entries: 2_000_000,
            depth: 16_384,
            labels: 64,
            frames: 32 << 20,
            calls: 4 << 20,
            values: 8 << 20,
            set_labels: 16 << 20,
            types: 32,
            tags: 4 << 20,
        }
    }
}

/// An error where there are so many already that one more is too much.
pub(super) fn within(present: usize, limit: usize, what: &'static str) -> Result<(), Refusal> {
    at_most(present + 1, limit, what)
}

pub(super) fn at_most(count: usize, limit: usize, what: &'static str) -> Result<(), Refusal> {
    if count <= limit {
        Ok(())
    } else {
        Err(Refusal::TooMuch { what, limit })
    }
}
