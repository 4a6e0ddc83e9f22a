//! Tags of load balancers, target groups and listeners: AddTags, RemoveTags, DescribeTags.
//!
//! Called by the core and by the creates. Source: aws-facts.md 0.3. Must never tag a part of the resources of a call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::name::Kind;
use super::{AwsError, Operation, Reply, Request, World, invalid, no_balancer, no_group, no_listener};

/// Most tags of one resource (aws-facts.md 0.3).
const MOST_TAGS: usize = 50;
/// Most resources of one call (aws-facts.md 0.3).
const MOST_ARNS: usize = 20;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "AddTags", mutating: true, params: &["ResourceArns", "Tags.Key", "Tags.Value"], run: add_tags },
    Operation { name: "RemoveTags", mutating: true, params: &["ResourceArns", "TagKeys"], run: remove_tags },
    Operation { name: "DescribeTags", mutating: false, params: &["ResourceArns"], run: describe_tags },
];

/// Tags of the call, each checked, no key twice.
pub(super) fn read(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in req.list("Tags") {
        let (key, value) = (tag.text("Key")?, tag.opt_text("Value")?.unwrap_or_default());
        check(&key, &value)?;
        if tags.insert(key.clone(), value).is_some() {
            return Err(AwsError::new("DuplicateTagKeys", format!("The tag key '{key}' was specified more than once")));
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(too_many());
    }
    Ok(tags)
}

fn check(key: &str, value: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    let sized = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if !sized || !key.chars().all(good) || !value.chars().all(good) {
        return Err(invalid(format!(
            "The tag '{key}' has a key or value of the wrong length or with characters not allowed"
        )));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid(format!("The tag key '{key}' starts with aws:, which is reserved")));
    }
    Ok(())
}

/// Everything that has tags, for the tagging API.
pub(in super::super) fn tagged(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    world.elb.tags.iter().map(|(arn, tags)| (arn.clone(), tags.clone())).collect()
}

fn too_many() -> AwsError {
    AwsError::new("TooManyTags", format!("A resource can have at most {MOST_TAGS} tags"))
}

/// Adds tags to a resource; the caller has checked them.
pub(super) fn put(world: &mut World, arn: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        world.elb.tags.entry(arn.to_owned()).or_default().extend(tags);
    }
}

fn resources(world: &World, req: &Request) -> Result<Vec<String>, AwsError> {
    let arns = req.texts("ResourceArns")?;
    if arns.is_empty() {
        return Err(req.missing("ResourceArns"));
    }
    if arns.len() > MOST_ARNS {
        return Err(invalid(format!("A maximum of {MOST_ARNS} resource ARNs can be specified in one call")));
    }
    for arn in &arns {
        let (known, missing) = match Kind::of(arn) {
            Some(Kind::Balancer) => (world.elb.balancers.contains_key(arn), no_balancer()),
            Some(Kind::Group) => (world.elb.groups.contains_key(arn), no_group()),
            Some(Kind::Listener) => (world.elb.listeners.contains_key(arn), no_listener()),
            None => return Err(invalid(format!("'{arn}' is not a valid ARN of a load balancer resource"))),
        };
        if !known {
            return Err(missing);
        }
    }
    Ok(arns)
}

fn add_tags(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let arns = resources(world, req)?;
    let tags = read(req)?;
    if tags.is_empty() {
        return Err(req.missing("Tags"));
    }
    for arn in &arns {
        let mut all = world.elb.tags.get(arn).cloned().unwrap_or_default();
        all.extend(tags.clone());
        if all.len() > MOST_TAGS {
            return Err(too_many());
        }
    }
    for arn in &arns {
        put(world, arn, tags.clone());
    }
    Ok(json!({}))
}

fn remove_tags(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let arns = resources(world, req)?;
    let keys = req.texts("TagKeys")?;
    if keys.is_empty() {
        return Err(req.missing("TagKeys"));
    }
    for arn in &arns {
        if let Some(tags) = world.elb.tags.get_mut(arn) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
    world.elb.tags.retain(|_, tags| !tags.is_empty());
    Ok(json!({}))
}

fn describe_tags(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let describe = |arn: String| {
        let tags = world.elb.tags.get(&arn).into_iter().flatten();
        let tags: Vec<Reply> = tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        json!({ "ResourceArn": arn, "Tags": tags })
    };
    let described: Vec<Reply> = resources(world, req)?.into_iter().map(describe).collect();
    Ok(json!({ "TagDescriptions": described }))
}
