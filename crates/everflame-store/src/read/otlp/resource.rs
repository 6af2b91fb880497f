//! What a process says of itself: its service, and tags.

use super::any_value;
use super::dictionary::Dictionary;
use super::names::{SERVICE, UNKNOWN_SERVICE, tag_key};
use crate::error::Refusal;
use crate::read::Limits;
use crate::read::limits::at_most;
use crate::read::wire::fields;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What a tag takes beside its texts, about.
const TAG_BYTES: usize = 64;

pub(crate) struct Resource {
    pub(crate) service: String,
    /// By key, and each once.
    pub(crate) tags: Vec<(String, String)>,
}

/// Of a `ResourceProfiles`. `used` are the bytes that all resources of the message have taken.
pub(super) fn read(
    message: &[u8],
    dictionary: &Dictionary,
    limits: &Limits,
    used: &mut usize,
) -> Result<Resource, Refusal> {
    let mut service = UNKNOWN_SERVICE.to_owned();
    // With how much each counts.
    let mut tags: BTreeMap<String, (String, usize)> = BTreeMap::new();
    each_attribute(message, |attribute| {
        let (key, told) = any_value::pair(attribute, dictionary)?;
        let value = any_value::read(told, dictionary)?;
        let value = dictionary.text_of(&value);
        if key.is_empty() || value.is_empty() {
            return Ok(());
        }
        let cost = key.len() + value.len() + TAG_BYTES;
        *used += cost;
        at_most(
            *used,
            limits.tags,
            "bytes in the attributes of its resources",
        )?;
        if &*key == SERVICE {
            service = value.to_string();
            return Ok(());
        }
        let (key, rank) = tag_key(&key).unwrap_or((&key, 0));
        match tags.entry(key.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert((value.to_string(), rank));
            }
            Entry::Occupied(mut entry) if rank < entry.get().1 => {
                entry.insert((value.to_string(), rank));
            }
            Entry::Occupied(_) => {}
        }
        Ok(())
    })?;
    Ok(Resource {
        service,
        tags: tags
            .into_iter()
            .map(|(key, (value, _))| (key, value))
            .collect(),
    })
}

fn each_attribute<'a>(
    message: &'a [u8],
    mut each: impl FnMut(&'a [u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    fields(message, |field, value| match field {
        1 => fields(value.bytes()?, |field, value| match field {
            1 => each(value.bytes()?),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}
