//! Tags of keys; their keys differ by case.
//!
//! Called through `SERVICE` and by CreateKey. Must never let a key have more than 50 of them.

use super::{asked_key, change, listed};
use crate::sandbox::Operation;
use crate::sandbox::iam::constraint::{TextRule, is_tag_text};
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const MOST: usize = 50;
const LIST_MOST: usize = 50;
const KEY: TextRule = TextRule { min: 1, max: 128, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", fits: |_| true };
const VALUE: TextRule = TextRule { min: 0, max: 256, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", fits: |_| true };

/// Operations on the tags of a key.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "TagResource",
        mutating: true,
        params: &["KeyId", "Tags.TagKey", "Tags.TagValue"],
        run: tag_resource,
    },
    Operation { name: "UntagResource", mutating: true, params: &["KeyId", "TagKeys"], run: untag_resource },
    Operation {
        name: "ListResourceTags",
        mutating: false,
        params: &["KeyId", "Limit", "Marker"],
        run: list_resource_tags,
    },
];

/// Every key that is there, those pending deletion included, for the tagging API.
pub(in super::super) fn tagged(world: &World, now: Timestamp) -> Vec<(String, BTreeMap<String, String>)> {
    let keys = world.kms.keys.values().filter(|key| !key.is_gone(now));
    keys.map(|key| (key.arn.clone(), key.tags.clone())).collect()
}

fn tag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    if !req.has("Tags") {
        return Err(req.missing("Tags"));
    }
    let key = asked_key(world, req, now)?.not_pending()?;
    let (id, tags) = (key.id.clone(), merged(&key.tags, req)?);
    change(world, &id, |key| key.tags = tags);
    Ok(json!({}))
}

fn untag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    if !req.has("TagKeys") {
        return Err(req.missing("TagKeys"));
    }
    let gone = req.texts("TagKeys")?;
    for key in &gone {
        check_key(&KEY.check(req, "TagKeys", key.clone())?)?;
    }
    let id = asked_key(world, req, now)?.not_pending()?.id.clone();
    change(world, &id, |key| key.tags.retain(|tag, _| !gone.contains(tag)));
    Ok(json!({}))
}

fn list_resource_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let tags = asked_key(world, req, now)?.tags.iter();
    let tags = tags.map(|(key, value)| json!({"TagKey": key, "TagValue": value}));
    listed("Tags", tags.collect(), req, LIST_MOST, LIST_MOST)
}

/// The old tags with the request's `Tags` laid over them, after all checks.
pub(super) fn merged(old: &BTreeMap<String, String>, req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = old.clone();
    let mut seen = BTreeSet::new();
    for tag in req.list("Tags") {
        let key = KEY.read(&tag, "TagKey")?;
        let value = VALUE.read(&tag, "TagValue")?;
        check_key(&key)?;
        if !is_tag_text(&value) {
            return Err(tag_error("Tag values may hold letters, spaces, numbers and _.:/=+-@ only"));
        }
        if !seen.insert(key.clone()) {
            return Err(tag_error("Duplicate tag keys"));
        }
        tags.insert(key, value);
    }
    if tags.len() > MOST {
        let message = format!("A key cannot have more than {MOST} tags");
        return Err(AwsError::new("LimitExceededException", message));
    }
    Ok(tags)
}

fn check_key(key: &str) -> Result<(), AwsError> {
    if key.to_lowercase().starts_with("aws:") {
        return Err(tag_error("Tag keys that start with aws: are reserved"));
    }
    if is_tag_text(key) {
        return Ok(());
    }
    Err(tag_error("Tag keys may hold letters, spaces, numbers and _.:/=+-@ only"))
}

fn tag_error(message: &str) -> AwsError {
    AwsError::new("TagException", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kms::testing::Bench;
    use serde_json::Value;

    #[test]
    fn tags_are_upserts_within_limits() {
        let mut bench = Bench::new();
        let id = bench.key();
        let tag = |key: &str, value: &str| json!({"TagKey": key, "TagValue": value});
        let with = |tags: Vec<Value>| json!({"KeyId": id, "Tags": tags});
        bench.call("TagResource", with(vec![tag("a", "1"), tag("A", "2")])).unwrap();
        bench.call("TagResource", with(vec![tag("a", "3")])).unwrap();
        let list = |bench: &mut Bench| bench.call("ListResourceTags", json!({"KeyId": id})).unwrap()["Tags"].clone();
        assert_eq!(list(&mut bench), json!([tag("A", "2"), tag("a", "3")]));
        bench.call("UntagResource", json!({"KeyId": id, "TagKeys": ["A", "absent"]})).unwrap();
        assert_eq!(list(&mut bench), json!([tag("a", "3")]));
        let many = (0..50).map(|n| tag(&format!("k{n}"), "")).collect();
        assert_eq!(bench.code("TagResource", with(many)), "LimitExceededException");
        assert_eq!(bench.code("TagResource", with(vec![tag("a", ""), tag("a", "")])), "TagException");
        assert_eq!(bench.code("TagResource", with(vec![tag("a*", "")])), "TagException");
        assert_eq!(bench.code("TagResource", with(vec![tag("", "")])), "ValidationException");
        assert_eq!(bench.code("ListResourceTags", json!({"KeyId": id, "Limit": 51})), "ValidationException");
    }
}
