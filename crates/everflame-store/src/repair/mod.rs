//! A damaged store: what is whole in it goes into a new file, and the damaged one is kept beside it.

mod aside;
mod check;
mod dictionary;
mod salvage;
mod source;

pub(crate) use aside::finish_interrupted;
pub(crate) use source::read_ahead;

use crate::database::{FILE, is_damage};
use crate::error::StoreError;
use check::Health;
use rusqlite::Connection;
use std::fmt;
use std::path::{Path, PathBuf};

/// What a repair has kept and lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// What was found.
    pub cause: String,
    pub profiles: Counts,
    /// Sums of an hour whose profiles are not kept any more.
    pub hours: Counts,
    /// Blocks of single samples with their times.
    pub samples: Counts,
    /// Blocks of metrics.
    pub metrics: Counts,
    /// Services and processes whose samples are there, and whose names or tags are not.
    pub nameless: u64,
    /// Entries of dictionaries (texts, functions, frames, stacks, sets of labels) that are not there any more: `(lost)` stands for them.
    pub entries: u64,
    /// Whether the store knew how much it had; else more may be lost than is said.
    pub is_counted: bool,
    /// Where the damaged file is; none where it was whole but for blocks that were taken out.
    pub damaged: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub kept: u64,
    pub lost: u64,
}

impl fmt::Display for Repair {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Repair {
            profiles,
            hours,
            samples,
            metrics,
            ..
        } = self;
        write!(
            out,
            "the store was damaged ({}) and is repaired: kept {}; lost {}{}",
            self.cause,
            listed([profiles.kept, hours.kept, samples.kept, metrics.kept]),
            if self.is_counted { "" } else { "at least " },
            listed([profiles.lost, hours.lost, samples.lost, metrics.lost]),
        )?;
        if self.nameless > 0 {
            write!(
                out,
                "; names or tags of {} are lost",
                number(
                    self.nameless,
                    "service or process",
                    "services and processes"
                )
            )?;
        }
        if self.entries > 0 {
            write!(
                out,
                "; {} lost: profiles have \"(lost)\" in their place",
                number(
                    self.entries,
                    "name, stack or label is",
                    "names, stacks or labels are"
                )
            )?;
        }
        match &self.damaged {
            Some(folder) => write!(
                out,
                ". The damaged file is in {}; remove it when it is of no use",
                folder.display()
            ),
            None => Ok(()),
        }
    }
}

fn listed([profiles, hours, samples, metrics]: [u64; 4]) -> String {
    format!(
        "{}, {}, {} and {}",
        number(profiles, "profile", "profiles"),
        number(hours, "sum of an hour", "sums of hours"),
        number(samples, "block of samples", "blocks of samples"),
        number(metrics, "block of metrics", "blocks of metrics")
    )
}

fn number(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Looks at everything in the store of a writer that did not come to its end, and takes out blocks that are not whole. An error
/// that is damage is for [`rebuild`].
pub(crate) fn check(
    path: &Path,
    connection: &mut Connection,
) -> Result<Option<Repair>, StoreError> {
    let failed = crate::database::engine_error(path);
    match check::check(connection).map_err(&failed)? {
        Health::Whole => Ok(None),
        Health::Broken(why) => Err(StoreError::Damaged { what: why }),
        Health::BadBlocks(bad) => check::remove(connection, &bad).map(Some).map_err(&failed),
    }
}

/// Makes the store of a folder anew from what is whole in it. No connection to it is open.
pub(crate) fn rebuild(folder: &Path, why: &StoreError) -> Result<Repair, StoreError> {
    let path = folder.join(FILE);
    let new = aside::clear(folder)?;
    let mut repair = Repair {
        cause: cause_of(why),
        ..Repair::default()
    };
    salvage::salvage(&path, &new, &mut repair)?;
    repair.damaged = Some(aside::swap(folder, &mut repair)?);
    Ok(repair)
}

/// Without the sentence around it, which tells of a repair that is done now.
fn cause_of(why: &StoreError) -> String {
    match why {
        StoreError::Damaged { what } => what.clone(),
        StoreError::Engine { cause, .. } | StoreError::Unanswered { cause } if is_damage(cause) => {
            cause.to_string()
        }
        other => other.to_string(),
    }
}
