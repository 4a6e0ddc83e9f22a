//! Tags of Redshift Serverless: List and Get answers carry none, so what the listing of all tags does not confirm is asked
//! for object by object (aws-facts.md 0.3).
//!
//! Called by the kinds `redshift-serverless.*` that can be tagged. Must never touch a key that neither the TOML nor
//! rsds itself set.

use super::{
    Aws, Fault,
    fault::{Called, found},
    tag_listing::Confirmed,
    tags,
};
use crate::kind::{Kind, Step, Tags, Which};
use aws_sdk_redshiftserverless::{error::BuildError, types::Tag};

/// Reads the tags of one object; `None` if it is gone.
pub(super) async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>, Fault> {
    let call = aws.serverless.list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().called("redshift-serverless:ListTagsForResource").await)?;
    let pairs = |tags: Option<Vec<Tag>>| tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
    Ok(answer.map(|answer| tags::own(pairs(answer.tags))))
}

/// Reads the tags of one object for an answer to `which`: none are asked for where only readiness is.
pub(super) async fn tags_for<K: Kind>(
    aws: &Aws,
    confirmed: &Confirmed,
    which: &[Which<K>],
    arn: &str,
) -> Result<Option<Tags>, Fault> {
    match (which.iter().all(|question| question.settling), confirmed.of(arn)) {
        (true, _) => Ok(Some(Tags::new())),
        (false, Some(tags)) => Ok(Some(tags)),
        (false, None) => tags_of(aws, arn).await,
    }
}

/// Builds the tags that a create call carries.
pub(super) fn tag_list<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Vec<Tag>, Fault> {
    let tag = |key: &str, value: &str| -> Result<Tag, BuildError> { Tag::builder().key(key).value(value).build() };
    tags::built(pairs, tag)
}

/// Runs a tag step: one TagResource or one UntagResource call.
pub(super) async fn run_tags(aws: &Aws, step: &Step, arn: &str, before: &Tags, after: &Tags) -> Result<(), Fault> {
    if tags::removes(step)? {
        let keys = tags::removed(before, after);
        let call = aws.serverless.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
        call.send().called("redshift-serverless:UntagResource").await?;
        return Ok(());
    }
    let pairs = tag_list(tags::changed(before, after))?;
    let call = aws.serverless.tag_resource().resource_arn(arn).set_tags(Some(pairs));
    call.send().called("redshift-serverless:TagResource").await?;
    Ok(())
}
