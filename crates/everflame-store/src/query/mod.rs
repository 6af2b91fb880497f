//! Answers: every one from blocks and dictionaries, however they are divided.

mod export;
mod frame_kind;
mod kinds;
mod lines;
mod metric_groups;
mod metrics;
mod overview;
mod processes;
mod requests;
mod sandwich;
mod scan;
mod selection;
mod series;
mod step_cells;
mod sums;
mod table;
mod timeline;
mod tree;
mod units;

pub use frame_kind::FrameKind;
pub use lines::Line as SourceLine;
pub use metrics::{Measure, MetricLine, Metrics};
pub use overview::{Key, ProfileHead, Service};
pub use requests::{NotPerRequest, Requests};
pub use scan::Found;
pub use selection::{Filter, Selection};
pub use series::{Line as SeriesLine, Series};
pub use table::{Row, Table};
pub use timeline::{LabelTexts, Lane, Timeline, TimelineSample};
pub use tree::{FrameName, Granularity, Tree};

pub(crate) use overview::unrolled;
pub(crate) use selection::{HOUR, shapes, unreadable};

use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use crate::read::ValueType;
use rusqlite::Connection;
use selection::Picked;
use sums::{Sums, sums};
use tree::Growing;

/// An answer with the kind of its values and of what it was made.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub kind: ValueType,
    pub found: Found,
    pub answer: T,
}

/// Answers from one state of the file, whatever is written meanwhile.
pub(crate) struct Asker<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) dictionaries: &'a Dictionaries,
}

/// By what a table tells its rows apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableBy {
    Frame(Granularity),
    /// A key of labels or tags.
    Key(String),
}

impl Asker<'_> {
    pub(crate) fn services(&self) -> Result<Vec<Service>, StoreError> {
        overview::services(self.connection)
    }

    pub(crate) fn labels(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<Answer<(Vec<Key>, u64)>, StoreError> {
        let picked = Picked::new(self.connection, selection)?;
        let answer = overview::labels(self.connection, self.dictionaries, &picked, most)?;
        Ok(Answer {
            kind: picked.kind,
            found: Found::default(),
            answer,
        })
    }

    pub(crate) fn profiles(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<(Vec<ProfileHead>, usize), StoreError> {
        overview::profiles(
            self.connection,
            &Picked::new(self.connection, selection)?,
            most,
        )
    }

    pub(crate) fn series(
        &self,
        selection: &Selection,
        step: i64,
        by: Option<&str>,
        most: usize,
    ) -> Result<Answer<Series>, StoreError> {
        let picked = Picked::new(self.connection, selection)?;
        let answer = series::series(self.connection, self.dictionaries, &picked, step, by, most)?;
        Ok(Answer {
            kind: picked.kind,
            found: answer.found.clone(),
            answer,
        })
    }

    pub(crate) fn metrics(
        &self,
        selection: &Selection,
        step: i64,
        by: Option<&str>,
        most: usize,
    ) -> Result<Metrics, StoreError> {
        metrics::metrics(self.connection, selection, step, by, most)
    }

    /// With `by`, each of the key's values is a node below the root.
    pub(crate) fn tree(
        &self,
        selection: &Selection,
        granularity: Granularity,
        by: Option<&str>,
        most: usize,
    ) -> Result<Answer<Tree>, StoreError> {
        let (kind, sums) = self.sums(selection, by)?;
        let mut tree = Growing::new(granularity, 1);
        tree.add(&sums, 0);
        Ok(Answer {
            kind,
            found: sums.found,
            answer: tree.finish(most),
        })
    }

    /// One tree with the values of both selections. The second has the first one's kind of value unless it names its own. Of
    /// both it is told how many requests came.
    pub(crate) fn diff(
        &self,
        a: &Selection,
        b: &Selection,
        granularity: Granularity,
        most: usize,
    ) -> Result<(Answer<Tree>, Found), StoreError> {
        let (kind, mut sums_a) = self.sums(a, None)?;
        let b = Selection {
            kind: b.kind.clone().or_else(|| Some(kind.name.clone())),
            ..b.clone()
        };
        let (kind_b, mut sums_b) = self.sums(&b, None)?;
        if kind != kind_b {
            return Err(StoreError::DifferentKinds {
                a: text(&kind),
                b: text(&kind_b),
            });
        }
        sums_a.found.requests = Some(self.requests(a)?);
        sums_b.found.requests = Some(self.requests(&b)?);
        let mut tree = Growing::new(granularity, 2);
        tree.add(&sums_a, 0);
        tree.add(&sums_b, 1);
        Ok((
            Answer {
                kind,
                found: sums_a.found,
                answer: tree.finish(most),
            },
            sums_b.found,
        ))
    }

    /// Callers and callees of a function; of one file only where that is not empty.
    pub(crate) fn sandwich(
        &self,
        selection: &Selection,
        name: &str,
        file: &str,
        most: usize,
    ) -> Result<Answer<(Tree, Tree)>, StoreError> {
        let Answer {
            kind,
            found,
            answer,
        } = self.tree(selection, Granularity::Function, None, usize::MAX)?;
        Ok(Answer {
            kind,
            found,
            answer: sandwich::sandwich(&answer, name, file, most),
        })
    }

    /// Rows and the sum of all samples.
    pub(crate) fn table(
        &self,
        selection: &Selection,
        by: &TableBy,
        most: usize,
    ) -> Result<Answer<(Table, u64)>, StoreError> {
        match by {
            TableBy::Frame(granularity) => {
                let Answer {
                    kind,
                    found,
                    answer,
                } = self.tree(selection, *granularity, None, usize::MAX)?;
                let total = answer.sum(0);
                Ok(Answer {
                    kind,
                    found,
                    answer: (table::by_frame(&answer, most), total),
                })
            }
            TableBy::Key(key) => {
                let (kind, sums) = self.sums(selection, Some(key))?;
                let table = table::by_group(&sums, usize::MAX);
                let total = table
                    .rows
                    .iter()
                    .fold(0_u64, |sum, row| sum.saturating_add(row.own));
                let answer = (table.cut(most), total);
                Ok(Answer {
                    kind,
                    found: sums.found,
                    answer,
                })
            }
        }
    }

    /// Lines of one file, and the sum of all samples.
    pub(crate) fn lines(
        &self,
        selection: &Selection,
        file: &str,
    ) -> Result<Answer<(Vec<SourceLine>, u64)>, StoreError> {
        let Answer {
            kind,
            found,
            answer,
        } = self.tree(selection, Granularity::Line, None, usize::MAX)?;
        Ok(Answer {
            kind,
            found,
            answer: (lines::lines(&answer, file), answer.sum(0)),
        })
    }

    /// Every kind of value as one file.
    pub(crate) fn pprof(&self, selection: &Selection) -> Result<Vec<u8>, StoreError> {
        export::pprof(
            self.connection,
            self.dictionaries,
            Picked::new(self.connection, selection)?,
        )
    }

    /// Samples by thread and time.
    pub(crate) fn timeline(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<Timeline, StoreError> {
        timeline::timeline(
            self.connection,
            self.dictionaries,
            &Picked::new(self.connection, selection)?,
            most,
        )
    }

    fn requests(&self, selection: &Selection) -> Result<Requests, StoreError> {
        let picked = Picked::new(self.connection, selection)?;
        requests::requests(self.connection, self.dictionaries, &picked)
    }

    fn sums(
        &self,
        selection: &Selection,
        by: Option<&str>,
    ) -> Result<(ValueType, Sums), StoreError> {
        let picked = Picked::new(self.connection, selection)?;
        let sums = sums(self.connection, self.dictionaries, &picked, by)?;
        Ok((picked.kind, sums))
    }
}

fn text(kind: &ValueType) -> String {
    format!("{} in {}", kind.name, kind.unit)
}
