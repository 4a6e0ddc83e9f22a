//! Elastic Load Balancing: what its kinds share: tags (20 ARNs per call), attribute lists, steps that settle several
//! fields with one call.
//!
//! Called by the kinds of load balancers, target groups and listeners. Must never touch anything but tags.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    tag_listing, tags,
};
use crate::kind::{Changes, Kind, Live, Step, Tags, Which};
use aws_sdk_elasticloadbalancingv2::types::Tag;
use futures_util::future::try_join_all;
use std::{collections::BTreeMap, future::Future};

/// The most ARNs DescribeTags takes (aws-facts.md 0.3).
const TAGGED_ARNS: usize = 20;

/// The most objects one page of a Describe answer holds.
pub(super) const PAGE: i32 = 400;

/// Step names with the fields each settles by one call, in the order AWS wants them.
pub(super) type StepTable = [(&'static str, &'static [&'static str])];

/// Names the steps of an update: those of `table` whose fields change, then the tag steps.
pub(super) fn update_steps(changes: &Changes, table: &StepTable) -> Vec<Step> {
    let step = |(name, fields): &(&str, &'static [&str])| {
        let changed: Vec<&str> = fields.iter().copied().filter(|field| changes.has(field)).collect();
        (!changed.is_empty()).then(|| step_of(name, &changed))
    };
    table.iter().filter_map(step).chain(tags::tag_steps(changes)).collect()
}

/// A step that settles several fields with one call.
pub(super) fn step_of(name: &str, fields: &[&str]) -> Step {
    Step { fields: fields.iter().map(|field| (*field).to_owned()).collect(), ..Step::new(name) }
}

/// The attributes of a load balancer, target group or listener, as texts by key.
pub(super) struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// Takes the keys and values of an answer; incomplete pairs are left out.
    pub(super) fn of(pairs: impl IntoIterator<Item = (Option<String>, Option<String>)>) -> Self {
        Self(pairs.into_iter().filter_map(|(key, value)| Some((key?, value?))).collect())
    }
    /// Returns a switch; one that AWS does not show is off.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value == "true")
    }
    /// Returns a number; one that AWS does not show is 0, which equals no declared value.
    pub(super) fn number(&self, key: &str) -> u32 {
        self.0.get(key).and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

/// Builds the tags that a create call carries.
pub(super) fn tag_list<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Completes what a Describe call answered, by ARN, with its tags and its attributes, all at once. What is gone by then
/// has no attributes.
pub(super) async fn complete<T, K, F>(
    look: &Look,
    which: &[Which<K>],
    things: Vec<(String, T)>,
    attributes: impl Fn(String) -> F,
    live: impl Fn(String, T, &Attributes, Tags) -> Live<K>,
) -> Result<Vec<Live<K>>, Fault>
where
    K: Kind,
    F: Future<Output = Result<Option<Attributes>, Fault>> + Send,
{
    let arns: Vec<String> = things.iter().map(|(arn, _)| arn.clone()).collect();
    let tags = async {
        match settling(which) {
            true => Ok(BTreeMap::new()),
            false => tags_of(look, &arns).await,
        }
    };
    let attributes: Vec<F> = arns.iter().cloned().map(attributes).collect();
    let (mut tags, attributes) = tokio::try_join!(tags, try_join_all(attributes))?;
    let there = things.into_iter().zip(attributes).filter_map(|((arn, thing), attributes)| {
        let tags = tags.remove(&arn).unwrap_or_default();
        Some(live(arn, thing, &attributes?, tags))
    });
    Ok(there.collect())
}

/// Tells whether nobody asks for more than readiness.
pub(super) fn settling<K: Kind>(which: &[Which<K>]) -> bool {
    which.iter().all(|question| question.settling)
}

/// Reads tags: those that the listing of all tags confirms, and of the others twenty by one call.
async fn tags_of(look: &Look, arns: &[String]) -> Result<BTreeMap<String, Tags>, Fault> {
    let confirmed = tag_listing::confirmed(look).await?;
    let (mut all, mut rest, mut alone) = (BTreeMap::new(), Vec::new(), Vec::new());
    for arn in arns {
        match confirmed.of(arn) {
            Some(tags) => drop(all.insert(arn.clone(), tags)),
            None => rest.push(arn.clone()),
        }
    }
    let chunks: Vec<&[String]> = rest.chunks(TAGGED_ARNS).collect();
    let answers = try_join_all(chunks.iter().map(|some| describe_tags(look, some))).await?;
    for (some, answer) in chunks.into_iter().zip(answers) {
        match answer {
            Some(tags) => all.extend(tags),
            // One that has just gone fails the whole call: its neighbours are asked for one by one.
            None => alone.extend(some.chunks(1)),
        }
    }
    let answers = try_join_all(alone.into_iter().map(|one| describe_tags(look, one))).await?;
    all.extend(answers.into_iter().flatten().flatten());
    Ok(all)
}

async fn describe_tags(aws: &Aws, arns: &[String]) -> Result<Option<Vec<(String, Tags)>>, Fault> {
    let call = aws.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
    let Some(answer) = found(call.send().called("elasticloadbalancing:DescribeTags").await)? else { return Ok(None) };
    let pair = |tag: Tag| tag.key.map(|key| (key, tag.value.unwrap_or_default()));
    let ours = |tags: Vec<Tag>| tags.into_iter().filter_map(pair).filter(|(key, _)| !key.starts_with("aws:")).collect();
    let described = answer.tag_descriptions.unwrap_or_default();
    Ok(Some(described.into_iter().filter_map(|d| Some((d.resource_arn?, ours(d.tags.unwrap_or_default())))).collect()))
}

/// Runs a tag step: one AddTags or one RemoveTags call.
pub(super) async fn run_tags(aws: &Aws, step: &Step, arn: &str, before: &Tags, after: &Tags) -> Result<(), Fault> {
    if tags::removes(step)? {
        let keys = tags::removed(before, after);
        let call = aws.elb.remove_tags().resource_arns(arn).set_tag_keys(Some(keys));
        call.send().called("elasticloadbalancing:RemoveTags").await?;
        return Ok(());
    }
    let pairs = tag_list(tags::changed(before, after));
    let call = aws.elb.add_tags().resource_arns(arn).set_tags(Some(pairs));
    call.send().called("elasticloadbalancing:AddTags").await?;
    Ok(())
}
