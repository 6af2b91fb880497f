//! Profiles of OpenTelemetry: `ExportProfilesServiceRequest` of opentelemetry.proto.profiles.v1development, which is in
//! development; this is as of version 1.10. Read field by field, as profile.proto is. Several profiles share one dictionary, and
//! entry zero of each of its tables stands for none.

mod any_value;
mod dictionary;
mod json;
mod names;
mod profile;
mod resource;
mod schema;

pub(super) use json::from_json;
pub(crate) use profile::OtlpProfile;
pub(crate) use resource::Resource;

use super::Limits;
use super::builder::Used;
use super::limits::within;
use super::wire::{Value, fields};
use crate::error::Refusal;
use dictionary::Dictionary;
use std::sync::Arc;

pub(super) fn read(
    data: &[u8],
    limits: &Limits,
) -> Result<Vec<Result<OtlpProfile, Refusal>>, Refusal> {
    let mut count = 0;
    each_resource(data, |resource| {
        each_profile(resource, |_| {
            within(count, limits.profiles, "profiles")?;
            count += 1;
            Ok(())
        })
    })?;
    let mut profiles = Vec::with_capacity(count);
    if count == 0 {
        return Ok(profiles);
    }
    let dictionary = Dictionary::read(data, limits)?;
    let (mut used, mut tag_bytes) = (Used::default(), 0);
    each_resource(data, |message| {
        // One without profiles is not read: nobody would see it.
        let mut resource: Option<Result<Arc<Resource>, Refusal>> = None;
        each_profile(message, |profile| {
            let resource = resource
                .get_or_insert_with(|| {
                    resource::read(message, &dictionary, limits, &mut tag_bytes).map(Arc::new)
                })
                .clone();
            profiles.push(resource.and_then(|resource| {
                profile::read(profile, resource, &dictionary, limits, &mut used)
            }));
            Ok(())
        })
    })?;
    Ok(profiles)
}

fn each_resource<'a>(
    data: &'a [u8],
    mut each: impl FnMut(&'a [u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    fields(data, |field, value| match field {
        1 => each(value.bytes()?),
        _ => Ok(()),
    })
}

/// Of all scopes of a resource.
fn each_profile<'a>(
    resource: &'a [u8],
    mut each: impl FnMut(&'a [u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    fields(resource, |field, value| match field {
        2 => fields(value.bytes()?, |field, value| match field {
            2 => each(value.bytes()?),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// Keeps the number of a field that has a place among `numbers`. What is a message there is read by itself.
fn assign(numbers: &mut [u64], field: u64, value: Value) {
    if let (Some(number), Value::Number(told)) = (numbers.get_mut(field as usize), value) {
        *number = told;
    }
}
