//! Tags: the specification given at creation, `CreateTags`, `DeleteTags`, `DescribeTags`.
//!
//! Called by every create of this service and by the core for the tag operations. It must never tag what does not
//! exist, nor touch keys that AWS reserves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, paged_set};
use super::filter::{self, Known, TAG};
use super::kind::Kind;
use super::{AwsError, Ec2, Operation, Reply, Request, World, done, invalid, missing};

/// Tags of one object, key to value.
pub type Tags = BTreeMap<String, String>;

/// The most user tags on one object (aws-facts.md 0.3).
const TAGS_PER_RESOURCE: usize = 50;
/// The longest tag key, in characters.
const KEY_LENGTH: usize = 128;
/// The longest tag value, in characters.
const VALUE_LENGTH: usize = 256;

const FILTERS: &[Known] =
    &[("key", "key"), ("resource-id", "resourceId"), ("resource-type", "resourceType"), ("value", "value"), (TAG, "")];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "CreateTags", mutating: true, params: &["ResourceId", "Tag.Key", "Tag.Value"], run: create_tags },
    Operation { name: "DeleteTags", mutating: true, params: &["ResourceId", "Tag.Key", "Tag.Value"], run: delete_tags },
    Operation { name: "DescribeTags", mutating: false, params: super::paged!(), run: describe_tags },
];

/// Reads the tags a create gives its object of `kind`.
pub(super) fn at_creation(req: &Request, kind: Kind) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for (nth, specification) in req.list("TagSpecification").iter().enumerate() {
        let resource_type = specification.text("ResourceType")?;
        if resource_type != kind.resource_type() {
            return Err(invalid(format!(
                "'{resource_type}' is not a valid taggable resource type for this operation."
            )));
        }
        if nth > 0 {
            return Err(invalid("TagSpecifications can contain at most one entry per resource type."));
        }
        tags = read(specification)?;
    }
    demand_room(tags.len())?;
    Ok(tags)
}

fn read(req: &Request) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in req.list("Tag") {
        let key = tag.text("Key")?;
        let value = tag.opt_text("Value")?.unwrap_or_default();
        demand_key(&key)?;
        if value.chars().count() > VALUE_LENGTH {
            return Err(invalid(format!("Tag value exceeds the maximum length of {VALUE_LENGTH} characters")));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(tags)
}

fn demand_key(key: &str) -> Result<(), AwsError> {
    if key.is_empty() {
        return Err(invalid("Tag key cannot be null or empty"));
    }
    if key.chars().count() > KEY_LENGTH {
        return Err(invalid(format!("Tag key exceeds the maximum length of {KEY_LENGTH} characters")));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use"));
    }
    Ok(())
}

fn demand_room(count: usize) -> Result<(), AwsError> {
    if count > TAGS_PER_RESOURCE {
        return Err(AwsError::new(
            "TagLimitExceeded",
            format!("The maximum number of Tags for a resource has been reached ({TAGS_PER_RESOURCE})."),
        ));
    }
    Ok(())
}

/// The tag set of an object as the answers show it.
pub(super) fn set(ec2: &Ec2, id: &str) -> Value {
    ec2.tags.get(id).into_iter().flatten().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// Puts the tags of a new object into the world.
pub(super) fn store(ec2: &mut Ec2, id: &str, tags: Tags) {
    if !tags.is_empty() {
        ec2.tags.insert(id.to_owned(), tags);
    }
}

/// Reads the ids of a tag call and checks that all of them exist.
fn resources(world: &World, req: &Request, now: Timestamp) -> Result<Vec<String>, AwsError> {
    let ids = req.texts("ResourceId")?;
    if ids.is_empty() {
        return Err(missing("The request must contain the parameter resourceIdSet"));
    }
    for id in &ids {
        let kind = Kind::of(id).ok_or_else(|| AwsError::new("InvalidID", format!("The ID '{id}' is not valid")))?;
        kind.demand(&world.ec2, id, now)?;
    }
    Ok(ids)
}

/// Everything that has tags at that moment, for the tagging API.
pub(in super::super) fn all_tagged(world: &World, now: Timestamp) -> Vec<(String, Tags)> {
    let there = world.ec2.tags.iter().filter_map(|(id, tags)| Some((Kind::of(id)?, id, tags)));
    there
        .filter(|(kind, id, _)| kind.demand(&world.ec2, id, now).is_ok())
        .map(|(kind, id, tags)| (world.arn("ec2", &format!("{}/{id}", kind.resource_type())), tags.clone()))
        .collect()
}

fn create_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let ids = resources(world, req, now)?;
    let tags = read(req)?;
    if tags.is_empty() {
        return Err(missing("The request must contain the parameter tagSet"));
    }
    let none = Tags::new();
    for id in &ids {
        let old = world.ec2.tags.get(id).unwrap_or(&none);
        let fresh = tags.keys().filter(|key| !old.contains_key(*key)).count();
        demand_room(old.len() + fresh)?;
    }
    for id in ids {
        world.ec2.tags.entry(id).or_default().extend(tags.clone());
    }
    Ok(done())
}

fn delete_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let ids = resources(world, req, now)?;
    let mut wanted = Vec::new();
    for tag in req.list("Tag") {
        let key = tag.text("Key")?;
        demand_key(&key)?;
        wanted.push((key, tag.opt_text("Value")?));
    }
    // A key without value removes the tag whatever its value; no keys at all remove every tag.
    let goes = |key: &str, value: &str| {
        wanted.is_empty() || wanted.iter().any(|(k, v)| k == key && v.as_deref().is_none_or(|v| v == value))
    };
    for id in ids {
        if let Some(tags) = world.ec2.tags.get_mut(&id) {
            tags.retain(|key, value| !goes(key, value));
            if tags.is_empty() {
                world.ec2.tags.remove(&id);
            }
        }
    }
    Ok(done())
}

fn describe_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let filters = filter::parse(req, FILTERS)?;
    let ec2 = &world.ec2;
    let mut found = Vec::new();
    for (id, tags) in &ec2.tags {
        let Some(kind) = Kind::of(id).filter(|kind| kind.demand(ec2, id, now).is_ok()) else {
            continue;
        };
        for (key, value) in tags {
            let row = json!({
                "resourceId": id,
                "resourceType": kind.resource_type(),
                "key": key,
                "value": value,
            });
            if filters.iter().all(|filter| filter.admits(&row)) {
                found.push(row);
            }
        }
    }
    paged_set(req, "tagSet", found, LARGEST_PAGE)
}
