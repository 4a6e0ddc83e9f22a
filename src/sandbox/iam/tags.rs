//! Tags of roles; their keys differ by more than case.
//!
//! Called through `SERVICE` and by CreateRole. Must never let a role have more than 50 of them.

use super::constraint::{TextRule, is_tag_text, violation};
use super::{limit, listed, role_of, role_of_mut};
use crate::sandbox::Operation;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MOST: usize = 50;
const KEY: TextRule = TextRule { min: 1, max: 128, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", fits: is_tag_text };
const VALUE: TextRule = TextRule { min: 0, max: 256, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", fits: is_tag_text };

/// Operations on the tags of a role.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "TagRole", mutating: true, params: &["RoleName", "Tags.Key", "Tags.Value"], run: tag_role },
    Operation { name: "UntagRole", mutating: true, params: &["RoleName", "TagKeys"], run: untag_role },
    Operation {
        name: "ListRoleTags",
        mutating: false,
        params: &["RoleName", "Marker", "MaxItems"],
        run: list_role_tags,
    },
];

fn tag_role(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    if !req.has("Tags") {
        return Err(req.missing("Tags"));
    }
    let tags = merged(&role_of(world, req)?.tags, req)?;
    role_of_mut(world, req)?.tags = tags;
    Ok(json!({}))
}

fn untag_role(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    if !req.has("TagKeys") {
        return Err(req.missing("TagKeys"));
    }
    let keys = req.texts("TagKeys")?;
    check_count(req, "TagKeys", keys.len())?;
    for key in &keys {
        KEY.check(req, "TagKeys", key.clone())?;
    }
    let role = role_of_mut(world, req)?;
    role.tags.retain(|key, _| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
    Ok(json!({}))
}

fn list_role_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let tags = reply(&role_of(world, req)?.tags);
    listed("Tags", tags, req)
}

/// Tags as IAM answers them.
pub(super) fn reply(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The old tags with the request's `Tags` laid over them, after all checks.
pub(super) fn merged(old: &BTreeMap<String, String>, req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let given = req.list("Tags");
    check_count(req, "Tags", given.len())?;
    let mut tags = old.clone();
    let mut seen = BTreeSet::new();
    for tag in given {
        let key = KEY.read(&tag, "Key")?;
        let value = VALUE.read(&tag, "Value")?;
        let folded = key.to_lowercase();
        if folded.starts_with("aws:") {
            return Err(invalid("Tag keys starting with aws: are reserved for system use."));
        }
        if !seen.insert(folded) {
            return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        tags.retain(|other, _| !other.eq_ignore_ascii_case(&key));
        tags.insert(key, value);
    }
    if tags.len() > MOST {
        return Err(limit("TagsPerRole", MOST));
    }
    Ok(tags)
}

fn check_count(req: &Request, name: &str, count: usize) -> Result<(), AwsError> {
    if count <= MOST {
        return Ok(());
    }
    let shown = format!("{count} entries");
    let must = format!("have length less than or equal to {MOST}");
    Err(violation(req, name, &shown, &must))
}

fn invalid(message: &str) -> AwsError {
    AwsError::new("InvalidInput", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::iam::testing::Bench;

    fn tags(range: std::ops::Range<usize>) -> Value {
        range.map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect()
    }

    #[test]
    fn tags_are_upserts_that_ignore_the_case_of_keys() {
        let mut bench = Bench::new();
        bench.role("r");
        let tag = |tags: Value| json!({"RoleName": "r", "Tags": tags});
        bench.call("TagRole", tag(tags(0..49))).unwrap();
        bench.call("TagRole", tag(json!([{"Key": "K0", "Value": "new"}]))).unwrap();
        let listed = bench.call("ListRoleTags", json!({"RoleName": "r", "MaxItems": "1"})).unwrap();
        assert_eq!(listed["Tags"], json!([{"Key": "K0", "Value": "new"}]));
        assert_eq!(listed["IsTruncated"], true);
        assert_eq!(bench.code("TagRole", tag(tags(48..52))), ("LimitExceeded".to_owned(), 409));
        assert_eq!(bench.code("TagRole", tag(tags(0..51))).0, "ValidationError");
        assert_eq!(bench.code("TagRole", tag(json!([{"Key": "a"}]))).0, "ValidationError");
        assert_eq!(bench.code("TagRole", tag(json!([{"Key": "a*", "Value": ""}]))).0, "ValidationError");
        assert_eq!(bench.code("TagRole", json!({"RoleName": "r"})).0, "ValidationError");
        let keys = json!({"RoleName": "r", "TagKeys": ["k0", "absent"]});
        bench.call("UntagRole", keys).unwrap();
        let listed = bench.call("ListRoleTags", json!({"RoleName": "r"})).unwrap();
        assert_eq!(listed["Tags"].as_array().unwrap().len(), 48);
        assert_eq!(bench.code("UntagRole", json!({"RoleName": "x", "TagKeys": ["a"]})).0, "NoSuchEntity");
    }
}
