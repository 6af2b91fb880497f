//! Which samples a question is about.

use super::units;
use crate::database::is_damage;
use crate::error::StoreError;
use crate::read::{REQUESTS, ValueType};
use crate::upload::NANOSECONDS;
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

pub(crate) const HOUR: i64 = 3600 * NANOSECONDS;

/// Names of others in the sentence about one that is not there.
const MOST_NAMES: usize = 10;
/// Characters of what was asked for, in an error.
const LONGEST_NAME: usize = 60;

/// What is shown unless something else is asked for: the first of these that there is.
const FIRST_TYPES: [&str; 4] = ["cpu", "cpu-time", "wall", "wall-time"];

/// A tag of the process or a label of the sample has one of these values; with `negated`, none of them. No value is an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub key: String,
    pub values: Vec<String>,
    pub negated: bool,
}

/// Samples of one service whose profiles have their middle from `from` on and before `to`, in nanoseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub service: String,
    pub from: i64,
    pub to: i64,
    /// Name of the kind of value; the service's own default without one.
    pub kind: Option<String>,
    pub filters: Vec<Filter>,
}

/// A selection with the numbers that the file has for its names.
pub(crate) struct Picked<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) service: i64,
    pub(crate) kind: ValueType,
    /// Number of kinds in each shape, and which of them is asked for.
    pub(crate) columns: FxHashMap<i64, Column>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) of: usize,
    pub(crate) kind: usize,
    /// What its values are multiplied by to be in the unit of the answer.
    pub(crate) factor: u64,
}

pub(crate) type Tags = Vec<(String, String)>;

impl<'a> Picked<'a> {
    pub(crate) fn new(
        connection: &Connection,
        selection: &'a Selection,
    ) -> Result<Picked<'a>, StoreError> {
        let service = service_id(connection, &selection.service)?;
        let shapes = shapes(connection, service)?;
        let types: Vec<&ValueType> = shapes.iter().flat_map(|(_, types)| types).collect();
        // Counts of requests have no stacks.
        let [counted, _] = REQUESTS;
        let name = match &selection.kind {
            Some(name) => name.as_str(),
            None => FIRST_TYPES
                .into_iter()
                .find_map(|name| types.iter().find(|kind| kind.name == name))
                .or_else(|| types.iter().find(|kind| kind.name != counted))
                .or(types.first())
                .map(|kind| kind.name.as_str())
                .unwrap_or_default(),
        };
        let alike: Vec<&ValueType> = types
            .iter()
            .filter(|kind| is_named(kind, name))
            .copied()
            .collect();
        let Some(kind) = finest(&alike).cloned() else {
            return Err(StoreError::NoType {
                service: selection.service.clone(),
                name: shortened(name),
                known: names(types.iter().map(|kind| kind.name.as_str())),
            });
        };
        let columns = shapes
            .iter()
            .filter_map(|(shape, types)| {
                let (index, factor) = types.iter().enumerate().find_map(|(index, one)| {
                    let factor = is_named(one, name).then(|| units::factor(&one.unit, &kind.unit));
                    Some((index, factor??))
                })?;
                Some((
                    *shape,
                    Column {
                        of: types.len(),
                        kind: index,
                        factor,
                    },
                ))
            })
            .collect();
        Ok(Picked {
            selection,
            service,
            kind,
            columns,
        })
    }
}

/// By its name, or by its name and unit where values of one name have several that cannot be added: `cpu/count`.
fn is_named(kind: &ValueType, name: &str) -> bool {
    let unit = name.strip_prefix(kind.name.as_str());
    unit == Some("") || unit.and_then(|unit| unit.strip_prefix('/')) == Some(kind.unit.as_str())
}

/// The kind with the smallest unit of those that can be added to the newest: whole numbers stay whole in it.
fn finest<'a>(alike: &[&'a ValueType]) -> Option<&'a ValueType> {
    let newest = *alike.last()?;
    let mut finest = newest;
    for kind in alike {
        if units::factor(&finest.unit, &kind.unit).is_some() {
            finest = kind;
        }
    }
    Some(finest)
}

/// The number of a service. Without one of this name, says which there are.
pub(crate) fn service_id(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let found = connection
        .prepare_cached("SELECT id FROM service WHERE name = ?1")
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(unreadable)?;
    match found {
        Some(id) => Ok(id),
        None => {
            let mut statement = connection
                .prepare_cached("SELECT name FROM service ORDER BY name")
                .map_err(unreadable)?;
            let known = statement
                .query_map([], |row| row.get(0))
                .and_then(Iterator::collect::<Result<Vec<String>, _>>)
                .map_err(unreadable)?;
            let known = names(known.iter().map(String::as_str));
            Err(StoreError::NoService {
                name: shortened(name),
                known,
            })
        }
    }
}

/// Kinds of value that a service's profiles have had together.
pub(crate) fn shapes(
    connection: &Connection,
    service: i64,
) -> Result<Vec<(i64, Vec<ValueType>)>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT id, types FROM shape JOIN service_shape ON shape = id WHERE service = ?1 ORDER BY id",
        )
        .map_err(unreadable)?;
    let mut rows = statement.query(params![service]).map_err(unreadable)?;
    let mut shapes = Vec::new();
    while let Some(row) = rows.next().map_err(unreadable)? {
        let id: i64 = row.get(0).map_err(unreadable)?;
        let text: String = row.get(1).map_err(unreadable)?;
        let pairs: Vec<(String, String)> =
            serde_json::from_str(&text).map_err(|_| StoreError::Damaged {
                what: "the list of kinds of value".to_owned(),
            })?;
        shapes.push((
            id,
            pairs
                .into_iter()
                .map(|(name, unit)| ValueType { name, unit })
                .collect(),
        ));
    }
    Ok(shapes)
}

pub(crate) fn tags_of(connection: &Connection, series: i64) -> Result<Tags, StoreError> {
    let text: String = connection
        .prepare_cached("SELECT tags FROM series WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([series], |row| row.get(0)))
        .map_err(unreadable)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Damaged {
        what: format!("the tags of process {series}"),
    })
}

/// What makes an error of SQLite one of a question.
pub(crate) fn unreadable(cause: rusqlite::Error) -> StoreError {
    if is_damage(&cause) {
        StoreError::Damaged {
            what: format!("the store ({cause})"),
        }
    } else {
        StoreError::Unanswered { cause }
    }
}

/// What was asked for and is not there: it may be as long as a request.
pub(crate) fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The first of some names, each once, and how many more there are.
pub(crate) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let more = known.len().saturating_sub(MOST_NAMES);
    known.truncate(MOST_NAMES);
    match (known.is_empty(), more) {
        (true, _) => "none yet".to_owned(),
        (_, 0) => known.join(", "),
        _ => format!("{} and {more} more", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        let fits = "ü".repeat(LONGEST_NAME);
        assert_eq!(shortened(&fits), fits);
        assert_eq!(shortened(&format!("{fits}üü")), format!("{fits}…"));
    }
}
