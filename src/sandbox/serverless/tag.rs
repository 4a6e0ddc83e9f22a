//! Tags of namespaces, workgroups and snapshots: TagResource, UntagResource, ListTagsForResource.
//!
//! Called by the core and by the creates. Source: aws-facts.md 0.3. Must never show tags in Get or List answers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{AwsError, Operation, Reply, Request, World, exists, invalid, not_found};

/// Most tags of one resource and of one request (aws-facts.md 0.3).
const MOST: usize = 200;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "TagResource",
        mutating: true,
        params: &["resourceArn", "tags.key", "tags.value"],
        run: tag_resource,
    },
    Operation { name: "UntagResource", mutating: true, params: &["resourceArn", "tagKeys"], run: untag_resource },
    Operation { name: "ListTagsForResource", mutating: false, params: &["resourceArn"], run: list_tags },
];

/// Tags of the call: keys 1-128, values up to 256, no key twice, none of AWS's own.
pub(super) fn read(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in req.list("tags") {
        let (key, value) = (tag.text("key")?, tag.text("value")?);
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(format!(
                "The tag '{key}' must have a key of 1-128 and a value of up to 256 characters"
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key '{key}' starts with aws:, which is reserved")));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("The tag key '{key}' is given twice")));
        }
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(tags)
}

/// Adds tags to a resource; the caller has checked them.
pub(super) fn put(world: &mut World, arn: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        world.serverless.tags.entry(arn.to_owned()).or_default().extend(tags);
    }
}

fn too_many() -> AwsError {
    AwsError::new("TooManyTagsException", format!("A resource can have at most {MOST} tags"))
}

/// Everything that has tags at that moment, for the tagging API.
pub(in super::super) fn tagged(world: &World, now: Timestamp) -> Vec<(String, BTreeMap<String, String>)> {
    let there = world.serverless.tags.iter().filter(|(arn, _)| is_there(world, arn, now));
    there.map(|(arn, tags)| (arn.clone(), tags.clone())).collect()
}

fn is_there(world: &World, arn: &str, now: Timestamp) -> bool {
    let state = &world.serverless;
    state.namespaces.values().any(|namespace| namespace.arn == arn && exists(namespace.gone_at, now))
        || state.workgroups.values().any(|workgroup| workgroup.arn == arn && exists(workgroup.gone_at, now))
        || state.snapshots.values().any(|snapshot| snapshot.arn == arn && snapshot.exists(now))
}

fn resource(world: &World, req: &Request, now: Timestamp) -> Result<String, AwsError> {
    let arn = req.text("resourceArn")?;
    if is_there(world, &arn, now) { Ok(arn) } else { Err(not_found(format!("The resource {arn} doesn't exist."))) }
}

fn tag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = resource(world, req, now)?;
    if !req.has("tags") {
        return Err(req.missing("tags"));
    }
    let tags = read(req)?;
    let mut all = world.serverless.tags.get(&arn).cloned().unwrap_or_default();
    all.extend(tags.clone());
    if all.len() > MOST {
        return Err(too_many());
    }
    put(world, &arn, tags);
    Ok(json!({}))
}

fn untag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = resource(world, req, now)?;
    if !req.has("tagKeys") {
        return Err(req.missing("tagKeys"));
    }
    let keys = req.texts("tagKeys")?;
    if let Some(tags) = world.serverless.tags.get_mut(&arn) {
        tags.retain(|key, _| !keys.contains(key));
    }
    world.serverless.tags.retain(|_, tags| !tags.is_empty());
    Ok(json!({}))
}

fn list_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = resource(world, req, now)?;
    let tags = world.serverless.tags.get(&arn).into_iter().flatten();
    let tags: Vec<Reply> = tags.map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Ok(json!({ "tags": tags }))
}
