//! Tags: the steps that bring them up to date, and the forms EC2 has them in.
//!
//! Called by every tagged kind. Must never touch a key that neither the TOML nor rsds itself set.

use super::{Aws, Fault, fault::Called};
use crate::kind::{After, Changes, Id, Step, Tags};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use serde_json::Value as Json;

/// The step that sets keys.
pub(super) const SET_TAGS: &str = "set tags";
/// The step that removes keys.
pub(super) const REMOVE_TAGS: &str = "remove tags";

/// Names the tag steps of an update: one call to set keys, one to remove keys, as far as each is needed.
pub(super) fn tag_steps(changes: &Changes) -> Vec<Step> {
    let Some((before, After::Known(after))) = changes.0.get("tags") else { return Vec::new() };
    let empty = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let sets = after.iter().any(|(key, value)| before.get(key) != Some(value));
    let removes = before.keys().any(|key| !after.contains_key(key));
    let step = |name: &str| Step { fields: vec!["tags".into()], ..Step::new(name) };
    [(sets, SET_TAGS), (removes, REMOVE_TAGS)].into_iter().filter(|(needed, _)| *needed).map(|(_, n)| step(n)).collect()
}

/// Tells a step that removes keys from one that sets them; any other step is a defect, never a tag call.
pub(super) fn removes(step: &Step) -> Result<bool, Fault> {
    match step.name.as_str() {
        REMOVE_TAGS => Ok(true),
        SET_TAGS => Ok(false),
        _ => Err(Fault::unknown_step("this kind", step)),
    }
}

/// Returns one `set <field>` step per changed field, tags last in one or two steps of their own.
pub(super) fn steps_with_tags(changes: &Changes) -> Vec<Step> {
    changes.fields().filter(|field| *field != "tags").map(Step::set).chain(tag_steps(changes)).collect()
}

/// Returns the keys that a removal takes away.
pub(super) fn removed(before: &Tags, after: &Tags) -> Vec<String> {
    before.keys().filter(|key| !after.contains_key(*key)).cloned().collect()
}

/// Returns the pairs that a setting puts there.
pub(super) fn changed<'a>(before: &'a Tags, after: &'a Tags) -> impl Iterator<Item = (&'a String, &'a String)> {
    after.iter().filter(|(key, value)| before.get(*key) != Some(*value))
}

/// Runs a tag step on an EC2 resource: one CreateTags or one DeleteTags call.
pub(super) async fn run_ec2(aws: &Aws, step: &Step, id: &Id, before: &Tags, after: &Tags) -> Result<(), Fault> {
    if removes(step)? {
        let keys = removed(before, after).into_iter().map(|key| Tag::builder().key(key).build());
        let call = aws.ec2.delete_tags().resources(id.as_str()).set_tags(Some(keys.collect()));
        call.send().called("ec2:DeleteTags").await?;
        return Ok(());
    }
    let pairs = changed(before, after).map(|(key, value)| Tag::builder().key(key).value(value).build());
    let call = aws.ec2.create_tags().resources(id.as_str()).set_tags(Some(pairs.collect()));
    call.send().called("ec2:CreateTags").await?;
    Ok(())
}

/// Builds the tags that an EC2 create call carries.
pub(super) fn ec2_specification(of: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(of).set_tags(Some(tags)).build()
}

/// Reads the tags of an EC2 answer; AWS's own (`aws:`) are left out.
pub(super) fn from_ec2(tags: Option<&[Tag]>) -> Tags {
    let pair = |tag: &Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
    own(tags.unwrap_or_default().iter().filter_map(pair))
}

/// Builds the tags of a service whose SDK checks them when they are built (IAM, KMS, Redshift Serverless).
pub(super) fn built<'a, T, E: std::fmt::Display>(
    pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    build: impl Fn(&str, &str) -> Result<T, E>,
) -> Result<Vec<T>, Fault> {
    let tag = |(key, value): (&String, &String)| build(key, value).map_err(|e| Fault::internal(e.to_string()));
    pairs.into_iter().map(tag).collect()
}

/// Reads the tags of an answer; AWS's own (`aws:`) are left out.
pub(crate) fn own(pairs: impl IntoIterator<Item = (String, String)>) -> Tags {
    pairs.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Tells whether `all` hold every pair of `some`.
pub(super) fn hold(all: &Tags, some: &Tags) -> bool {
    some.iter().all(|(key, value)| all.get(key) == Some(value))
}

/// Reads the tags of a spec whose type is erased; empty where it has none.
pub fn of_spec(spec: &Json) -> Tags {
    serde_json::from_value(spec["tags"].clone()).unwrap_or_default()
}
