//! The processes of a service, by their tags.

use super::selection::{Filter, Tags, unreadable};
use crate::error::StoreError;
use rusqlite::Connection;

pub(super) struct Processes(Vec<(i64, Tags)>);

impl Processes {
    pub(super) fn of(connection: &Connection, service: i64) -> Result<Processes, StoreError> {
        let mut statement = connection
            .prepare_cached("SELECT id, tags FROM series WHERE service = ?1")
            .map_err(unreadable)?;
        let rows: Vec<(i64, String)> = statement
            .query_map([service], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(unreadable)?;
        let processes = rows.into_iter().map(|(process, tags)| {
            let tags = serde_json::from_str(&tags).map_err(|_| StoreError::Damaged {
                what: format!("the tags of process {process}"),
            })?;
            Ok((process, tags))
        });
        Ok(Processes(processes.collect::<Result<_, StoreError>>()?))
    }

    /// Keys, as often as processes have them.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.0.iter().flat_map(|(_, tags)| tags);
        tags.map(|(key, _)| key.as_str())
    }

    /// Whether any of them has a tag of this name: a key that none has is a label of samples.
    pub(super) fn have_tag(&self, key: &str) -> bool {
        self.tags().any(|tag| tag == key)
    }

    /// Those that filters of tags let through.
    pub(super) fn meant_by(&self, filters: &[&Filter]) -> impl Iterator<Item = (i64, &Tags)> {
        let all = self.0.iter();
        all.filter(|(_, tags)| {
            filters.iter().all(|filter| {
                let own = tag_of(tags, &filter.key);
                filter.values.iter().any(|wanted| wanted == own) != filter.negated
            })
        })
        .map(|(process, tags)| (*process, tags))
    }
}

/// The value of a tag, or an empty text.
pub(super) fn tag_of<'a>(tags: &'a Tags, key: &str) -> &'a str {
    tags.iter()
        .find(|(tag, _)| tag == key)
        .map_or("", |(_, value)| value)
}
