//! What the kinds `redshift.*` have in common: ARNs made of names, tags, which Describe answers carry inline
//! (aws-facts.md 0.3), and keys as both forms of a warehouse show them.
//!
//! Called by those kinds, and for its key by `redshift-serverless.namespace`. Must never touch a tag key that neither
//! the TOML nor rsds itself set.

use super::{Aws, Fault, fault::Called, ids::KeyArn, policy::partition, tags};
use crate::kind::{Blocker, Changes, Refusal, Step, Tags};
use aws_sdk_redshift::{
    Client,
    types::{Cluster, Tag},
};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// The most objects one page of a Describe answer holds.
pub(super) const PAGE: i32 = 100;
/// What AWS shows, and takes, in place of a key of ours.
pub(crate) const AWS_OWNED_KEY: &str = "AWS_OWNED_KMS_KEY";

/// Parameters that protect connections, or record what is done on them: of workgroups and parameter groups alike.
pub(super) const PROTECTING: &[&str] = &["require_ssl", "use_fips_ssl", "enable_user_activity_logging"];

/// The field that says whether AWS makes and keeps the admin password.
const MANAGED: &str = "managed_password";

/// Says why the admin password cannot become, or begin as, someone else's: AWS wants to be told it. `command` is the
/// AWS command that tells it.
pub(super) fn refuse_password(changes: &Changes, command: &str) -> Option<Refusal> {
    if changes.after(MANAGED) != Some(&Json::Bool(false)) {
        return None;
    }
    let (why, help) = match changes.before(MANAGED) {
        Some(Json::Bool(true)) => (
            "AWS gives up the admin password only for another one, and rsds must never see a password",
            format!("do it by hand, and rsds finds it done: {command}"),
        ),
        _ => (
            "a warehouse cannot be created without an admin password, and rsds must never see one",
            "leave `admin_password` at \"managed\": Secrets Manager then makes and keeps it".to_owned(),
        ),
    };
    Some(Refusal { field: MANAGED, why: why.to_owned(), help })
}

/// Says why a warehouse (`what`: a cluster, a namespace) that stands does not become what a snapshot holds: what it holds
/// itself would be lost.
pub(super) fn refuse_restore(changes: &Changes, what: &str) -> Option<Refusal> {
    // In a creation every field changes.
    if changes.has("name") || !changes.has("snapshot") {
        return None;
    }
    let why = format!("it stands, and only a new {what} is made from a snapshot");
    let help = "leave `restore` as it was, or take it out; or have a new one made from the snapshot, without what this one \
                holds: rsds apply --replace ADDRESS";
    Some(Refusal { field: "snapshot", why, help: help.to_owned() })
}

/// Returns the ARN of `what` (`cluster`, `subnetgroup`, `parametergroup`, `usagelimit`): it holds the name, no UUID.
pub(super) fn arn(aws: &Aws, what: &str, name: &str) -> String {
    arn_in(aws, &aws.region, what, name)
}

/// The same in another region.
pub(super) fn arn_in(aws: &Aws, region: &str, what: &str, name: &str) -> String {
    format!("arn:{}:redshift:{region}:{}:{what}:{name}", partition(region), aws.account)
}

/// Returns the key as the stack declares it: an ARN, or none for AWS's own. A bare key id is a key beside `beside`,
/// the ARN of what it encrypts.
pub(super) fn declared_key(kms_key: Option<String>, beside: &str) -> Option<KeyArn> {
    let key = kms_key.filter(|key| !key.is_empty() && key != AWS_OWNED_KEY)?;
    if key.starts_with("arn:") {
        return Some(key.into());
    }
    let part = |n| beside.split(':').nth(n).unwrap_or_default();
    Some(format!("arn:{}:kms:{}:{}:key/{key}", part(1), part(3), part(4)).into())
}

/// Chooses the first of `name`, `name-2`, `name-3` ... that nothing has: a snapshot that an earlier deletion left is never
/// in the way of the next.
pub(super) fn unused(name: String, taken: &BTreeSet<String>) -> String {
    let others = (2_u32..).map(|n| format!("{name}-{n}"));
    let mut all = std::iter::once(name.clone()).chain(others);
    all.find(|name| !taken.contains(name)).unwrap_or(name)
}

/// Reads which clusters use each of these groups, as what keeps them from being deleted.
pub(super) async fn clusters_using<'a>(
    aws: &Aws,
    names: impl Iterator<Item = &'a str>,
    uses: impl Fn(&Cluster, &str) -> bool,
) -> Result<Vec<Vec<Blocker>>, Fault> {
    let pages = aws.redshift.describe_clusters().max_records(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusters").await?;
    let blocker = |cluster: &Cluster| {
        let status = cluster.cluster_status().unwrap_or_default();
        Blocker::new(cluster.cluster_identifier().unwrap_or_default(), format!("a cluster that uses it, {status}"))
            .passing(matches!(status, "deleting" | "final-snapshot"))
    };
    Ok(names.map(|name| all.iter().filter(|cluster| uses(cluster, name)).map(blocker).collect()).collect())
}

/// Builds the tags that a create call carries.
pub(super) fn tag_list<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Tag> {
    pairs.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Reads the tags of an answer; AWS's own (`aws:`) are left out.
pub(super) fn tags_of(tags: Option<Vec<Tag>>) -> Tags {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    tags::own(tags.unwrap_or_default().into_iter().filter_map(pair))
}

/// Runs a tag step: one CreateTags or one DeleteTags call.
pub(super) async fn run_tags(aws: &Aws, step: &Step, arn: &str, before: &Tags, after: &Tags) -> Result<(), Fault> {
    run_tags_by(&aws.redshift, step, arn, before, after).await
}

/// The same with the client of another region.
pub(super) async fn run_tags_by(
    redshift: &Client,
    step: &Step,
    arn: &str,
    before: &Tags,
    after: &Tags,
) -> Result<(), Fault> {
    if tags::removes(step)? {
        let call = redshift.delete_tags().resource_name(arn).set_tag_keys(Some(tags::removed(before, after)));
        call.send().called("redshift:DeleteTags").await?;
        return Ok(());
    }
    let call = redshift.create_tags().resource_name(arn).set_tags(Some(tag_list(tags::changed(before, after))));
    call.send().called("redshift:CreateTags").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_someone_else_is_refused() {
        let change = |field: &str, before, after| (field.to_owned(), (before, crate::kind::After::Known(after)));
        let password = |before, after| refuse_password(&Changes([change(MANAGED, before, after)].into()), "aws x");
        let why = |before, after| password(before, after).map(|refusal| refusal.why);
        assert!(why(Json::Null, Json::Bool(false)).unwrap().contains("cannot be created without"));
        assert!(why(Json::Bool(true), Json::Bool(false)).unwrap().contains("only for another one"));
        assert_eq!(why(Json::Bool(false), Json::Bool(true)), None);
        assert_eq!(refuse_password(&Changes([change("port", Json::Null, Json::Bool(false))].into()), "aws x"), None);
    }

    #[test]
    fn keys_read_as_they_are_declared() {
        let beside = "arn:aws:redshift-serverless:eu-west-1:111122223333:namespace/edab7045";
        let key = |text: &str| declared_key(Some(text.to_owned()), beside).map(String::from);
        assert_eq!(key(AWS_OWNED_KEY), None);
        assert_eq!(declared_key(None, beside), None);
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/k-1";
        assert_eq!(key(arn).as_deref(), Some(arn));
        assert_eq!(key("k-1").as_deref(), Some(arn));
    }
}
