//! Tags of alarms: TagResource, UntagResource, ListTagsForResource, and those of a put that makes one.
//!
//! Called by the core and by PutMetricAlarm. Must never let an alarm have more than 50 of them.

use super::super::iam::constraint::{TextRule, is_tag_text};
use super::{Alarm, AwsError, Operation, Reply, Request, World, arn};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// Most tags of one alarm.
const MOST: usize = 50;
const PATTERN: &str = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$";
const KEY: TextRule = TextRule { min: 1, max: 128, pattern: PATTERN, fits: is_tag_text };
const VALUE: TextRule = TextRule { min: 0, max: 256, pattern: PATTERN, fits: is_tag_text };

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "TagResource",
        mutating: true,
        params: &["ResourceARN", "Tags.Key", "Tags.Value"],
        run: tag_resource,
    },
    Operation { name: "UntagResource", mutating: true, params: &["ResourceARN", "TagKeys"], run: untag_resource },
    Operation { name: "ListTagsForResource", mutating: false, params: &["ResourceARN"], run: list_tags },
];

/// The old tags with the request's laid over them, after all checks.
pub(super) fn laid_over(old: &BTreeMap<String, String>, req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = old.clone();
    for tag in req.list("Tags") {
        let (key, value) = (KEY.read(&tag, "Key")?, VALUE.read(&tag, "Value")?);
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key {key} starts with aws:, which is reserved")));
        }
        tags.insert(key, value);
    }
    if tags.len() > MOST {
        return Err(invalid(format!("An alarm can have at most {MOST} tags")));
    }
    Ok(tags)
}

fn invalid(message: String) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

/// The name of the alarm whose ARN the call gives.
fn asked(world: &World, req: &Request) -> Result<String, AwsError> {
    let given = req.text("ResourceARN")?;
    let found = world.cloudwatch.alarms.keys().find(|name| arn(world, name) == given);
    found.cloned().ok_or_else(|| {
        AwsError::new("ResourceNotFoundException", format!("Resource {given} does not exist")).status(404)
    })
}

/// Everything that has tags, for the tagging API.
pub(in super::super) fn tagged(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    world.cloudwatch.alarms.iter().map(|(name, alarm)| (arn(world, name), alarm.tags.clone())).collect()
}

fn of(world: &World, name: &str) -> BTreeMap<String, String> {
    world.cloudwatch.alarms.get(name).map(|alarm| alarm.tags.clone()).unwrap_or_default()
}

fn change(world: &mut World, name: &str, run: impl FnOnce(&mut Alarm)) {
    if let Some(alarm) = world.cloudwatch.alarms.get_mut(name) {
        run(alarm);
    }
}

fn tag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    if !req.has("Tags") {
        return Err(req.missing("Tags"));
    }
    let tags = laid_over(&of(world, &name), req)?;
    change(world, &name, |alarm| alarm.tags = tags);
    Ok(json!({}))
}

fn untag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    if !req.has("TagKeys") {
        return Err(req.missing("TagKeys"));
    }
    let gone = req.texts("TagKeys")?;
    change(world, &name, |alarm| alarm.tags.retain(|key, _| !gone.contains(key)));
    Ok(json!({}))
}

fn list_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    let tags = of(world, &name).into_iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
    Ok(json!({ "Tags": tags.collect::<Vec<_>>() }))
}
