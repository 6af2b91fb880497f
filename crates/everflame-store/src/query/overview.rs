//! What there is: services, labels, profiles.

use super::scan::{Matcher, Scanned, scan};
use super::selection::{HOUR, Picked, Tags, shapes, tags_of, unreadable};
use crate::dictionaries::{Dictionaries, Shared};
use crate::error::StoreError;
use crate::read::{ValueType, are_requests, requests_types};
use crate::varint::Bytes;
use crate::writer::types_text;
use rusqlite::{Connection, named_params};
use rustc_hash::{FxHashMap, FxHashSet};

/// One service and what its profiles are.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    /// Nanoseconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// Without counts of requests, which come with them.
    pub profiles: u64,
    /// Processes.
    pub instances: u64,
    pub types: Vec<ValueType>,
}

pub(crate) fn services(connection: &Connection) -> Result<Vec<Service>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT service.id, name, min(start), max(end), sum(shape NOT IN (SELECT id FROM shape WHERE types = ?1)), count(DISTINCT series)
             FROM service JOIN block ON service = service.id WHERE level = 0 OR only = 1 GROUP BY service.id ORDER BY name",
        )
        .map_err(unreadable)?;
    let mut rows = statement
        .query([types_text(&requests_types())])
        .map_err(unreadable)?;
    let mut services = Vec::new();
    while let Some(row) = rows.next().map_err(unreadable)? {
        let number = |index: usize| row.get::<_, i64>(index).map_err(unreadable);
        let mut types: Vec<ValueType> = Vec::new();
        for kind in shapes(connection, number(0)?)?
            .into_iter()
            .flat_map(|(_, types)| types)
        {
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        services.push(Service {
            name: row.get(1).map_err(unreadable)?,
            from: number(2)?,
            to: number(3)?,
            profiles: number(4)? as u64,
            instances: number(5)? as u64,
            types,
        });
    }
    Ok(services)
}

/// A key of labels or tags, with the sums of its values.
#[derive(Clone, Debug)]
pub struct Key {
    pub key: String,
    /// A property of the process, and not of single samples.
    pub is_tag: bool,
    /// The largest first.
    pub values: Vec<(String, u64)>,
    /// Values that are left out.
    pub more: usize,
}

/// The keys that the samples of a selection have, and the sum of all samples.
pub(crate) fn labels(
    connection: &Connection,
    dictionaries: &Dictionaries,
    picked: &Picked,
    most: usize,
) -> Result<(Vec<Key>, u64), StoreError> {
    let mut matcher = Matcher::new(picked, None);
    let mut by_set: FxHashMap<(i64, u32), u64> = FxHashMap::default();
    let mut by_series: FxHashMap<i64, u64> = FxHashMap::default();
    let mut epochs: FxHashMap<i64, Shared> = FxHashMap::default();
    let mut total = 0_u64;
    scan(
        connection,
        dictionaries,
        &mut matcher,
        |Scanned {
             head,
             epoch,
             shared,
             dictionary,
             block,
             kind,
             factor,
             groups,
         }| {
            epochs.entry(epoch).or_insert_with(|| shared.clone());
            let mut sums = vec![0_u64; block.label_sets.len()];
            block.each(kind, dictionary.node_count(), |_, set, value| {
                let value = value.saturating_mul(factor);
                if groups[set as usize].is_some() {
                    sums[set as usize] = sums[set as usize].saturating_add(value);
                }
            })?;
            for (set, sum) in block.label_sets.iter().zip(&sums) {
                let known = by_set.entry((epoch, *set)).or_default();
                *known = known.saturating_add(*sum);
            }
            let sum = sums.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
            let known = by_series.entry(head.series).or_default();
            *known = known.saturating_add(sum);
            total = total.saturating_add(sum);
            Ok(())
        },
    )?;
    let mut keys: FxHashMap<(String, bool), FxHashMap<String, u64>> = FxHashMap::default();
    let mut add = |key: &str, is_tag: bool, value: &str, sum: u64| {
        let values = keys.entry((key.to_owned(), is_tag)).or_default();
        let known = values.entry(value.to_owned()).or_default();
        *known = known.saturating_add(sum);
    };
    for ((epoch, set), sum) in by_set.into_iter().filter(|(_, sum)| *sum > 0) {
        let dictionary = &epochs[&epoch].read().dictionary;
        for (key, value) in dictionary.labels_of(set) {
            add(
                dictionary.text_of(*key),
                false,
                dictionary.text_of(*value),
                sum,
            );
        }
    }
    for (series, sum) in by_series.into_iter().filter(|(_, sum)| *sum > 0) {
        for (key, value) in &tags_of(connection, series)? {
            add(key, true, value, sum);
        }
    }
    let mut keys: Vec<Key> = keys
        .into_iter()
        .map(|((key, is_tag), values)| {
            let mut values: Vec<(String, u64)> = values.into_iter().collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let more = values.len().saturating_sub(most);
            values.truncate(most);
            Key {
                key,
                is_tag,
                values,
                more,
            }
        })
        .collect();
    keys.sort_unstable_by(|a, b| (a.is_tag, &a.key).cmp(&(b.is_tag, &b.key)));
    Ok((keys, total))
}

/// One profile as it came, or the sum of an hour whose profiles are not kept any more.
#[derive(Clone, Debug)]
pub struct ProfileHead {
    pub id: i64,
    /// Nanoseconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// Such as `wall`.
    pub kind: String,
    pub types: Vec<(ValueType, u64)>,
    pub tags: Tags,
    pub samples: u64,
}

/// The newest first; `most` at most, and how many more there are. Filters are for tags. Counts of requests are none of them.
pub(crate) fn profiles(
    connection: &Connection,
    picked: &Picked,
    most: usize,
) -> Result<(Vec<ProfileHead>, usize), StoreError> {
    let shapes: FxHashMap<i64, Vec<ValueType>> =
        shapes(connection, picked.service)?.into_iter().collect();
    let mut tags: FxHashMap<i64, Option<Tags>> = FxHashMap::default();
    let mut statement = connection
        .prepare_cached(
            "SELECT id, start, end, kind, shape, series, samples, totals FROM block
             WHERE service = :service AND middle >= :from AND middle < :to AND (level = 0 OR only = 1) ORDER BY middle DESC",
        )
        .map_err(unreadable)?;
    let selection = picked.selection;
    let mut rows = statement
        .query(named_params! { ":service": picked.service, ":from": selection.from, ":to": selection.to })
        .map_err(unreadable)?;
    let (mut found, mut more) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(unreadable)? {
        let number = |index: usize| row.get::<_, i64>(index).map_err(unreadable);
        let types = shapes
            .get(&number(4)?)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if are_requests(types) {
            continue;
        }
        let series = number(5)?;
        let tags = match tags.get(&series) {
            Some(tags) => tags,
            None => {
                let own = tags_of(connection, series)?;
                let value = |key: &str| {
                    own.iter()
                        .find(|(tag, _)| tag == key)
                        .map_or("", |(_, value)| value)
                };
                let is_meant = selection.filters.iter().all(|filter| {
                    filter
                        .values
                        .iter()
                        .any(|wanted| wanted == value(&filter.key))
                        != filter.negated
                });
                tags.entry(series).or_insert(is_meant.then_some(own))
            }
        };
        let Some(tags) = tags else { continue };
        if found.len() == most {
            more += 1;
            continue;
        }
        let mut totals = Bytes(
            row.get_ref(7)
                .map_err(unreadable)?
                .as_blob()
                .unwrap_or_default(),
        );
        found.push(ProfileHead {
            id: number(0)?,
            from: number(1)?,
            to: number(2)?,
            kind: row.get(3).map_err(unreadable)?,
            types: types
                .iter()
                .map(|kind| (kind.clone(), totals.varint().unwrap_or(0)))
                .collect(),
            tags: tags.clone(),
            samples: number(6)? as u64,
        });
    }
    Ok((found, more))
}

/// Hours that have profiles which are not in the sum of their hour yet, before an instant.
pub(crate) fn unrolled(
    connection: &Connection,
    before: i64,
) -> rusqlite::Result<FxHashSet<(i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT service, middle / ?1 FROM block WHERE level = 0 AND rolled = 0 AND middle < ?2",
        )?
        .query_map([HOUR, before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
