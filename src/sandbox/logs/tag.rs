//! Tags of log groups: TagResource, UntagResource, ListTagsForResource, and the tags of a create call.
//!
//! Called by the core and by CreateLogGroup. Must never let a group have more than 50 of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::iam::constraint::{TextRule, is_tag_text};
use super::{AwsError, Operation, Reply, Request, World, checked, group, invalid, no_group};

/// Most tags of one group.
const MOST: usize = 50;
const PATTERN: &str = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$";
const KEY: TextRule = TextRule { min: 1, max: 128, pattern: PATTERN, fits: is_tag_text };
const VALUE: TextRule = TextRule { min: 0, max: 256, pattern: PATTERN, fits: is_tag_text };

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "TagResource", mutating: true, params: &["resourceArn", "tags.*"], run: tag_resource },
    Operation { name: "UntagResource", mutating: true, params: &["resourceArn", "tagKeys"], run: untag_resource },
    Operation { name: "ListTagsForResource", mutating: false, params: &["resourceArn"], run: list_tags },
];

/// The old tags with the request's laid over them, after all checks.
pub(super) fn laid_over(old: &BTreeMap<String, String>, req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = old.clone();
    let given = req.params.get("tags").and_then(Value::as_object);
    for (key, value) in given.into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| invalid(format!("The value of the tag {key} must be a string")))?;
        checked(KEY.check(req, "tags", key.clone()))?;
        checked(VALUE.check(req, "tags", value.to_owned()))?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key {key} starts with aws:, which is reserved")));
        }
        tags.insert(key.clone(), value.to_owned());
    }
    if tags.len() > MOST {
        return Err(AwsError::new("TooManyTagsException", format!("A log group can have at most {MOST} tags")));
    }
    Ok(tags)
}

/// The group whose ARN the call gives: the form without `:*` alone.
fn asked(world: &World, req: &Request) -> Result<String, AwsError> {
    let given = checked(req.text("resourceArn"))?;
    if given.ends_with(":*") {
        return Err(invalid(format!("{given} is not a valid resource ARN: leave `:*` out")));
    }
    world.logs.groups.keys().find(|name| group::arn(world, name) == given).cloned().ok_or_else(no_group)
}

/// Everything that has tags, for the tagging API.
pub(in super::super) fn tagged(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    world.logs.groups.iter().map(|(name, each)| (group::arn(world, name), each.tags.clone())).collect()
}

fn of(world: &World, name: &str) -> BTreeMap<String, String> {
    world.logs.groups.get(name).map(|group| group.tags.clone()).unwrap_or_default()
}

fn set(world: &mut World, name: &str, tags: BTreeMap<String, String>) {
    if let Some(group) = world.logs.groups.get_mut(name) {
        group.tags = tags;
    }
}

fn tag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    if !req.has("tags") {
        return checked(Err(req.missing("tags")));
    }
    let tags = laid_over(&of(world, &name), req)?;
    set(world, &name, tags);
    Ok(json!({}))
}

fn untag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    if !req.has("tagKeys") {
        return checked(Err(req.missing("tagKeys")));
    }
    let gone = checked(req.texts("tagKeys"))?;
    let mut tags = of(world, &name);
    tags.retain(|key, _| !gone.contains(key));
    set(world, &name, tags);
    Ok(json!({}))
}

fn list_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    Ok(json!({ "tags": of(world, &name) }))
}
