//! Kind `logs.log-group`: where a warehouse's exported logs go, made before the warehouse so that it keeps them no
//! longer than wanted.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never take over a group that does not carry our tags:
//! Redshift itself makes one that is missing, and others may have.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::LogGroupArn,
    named,
    tag_listing::{self, Confirmed},
    tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_cloudwatchlogs::types::LogGroup as AwsLogGroup;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most groups one page holds.
const PAGE: i32 = 50;

/// A CloudWatch log group. Its id is its name.
pub struct LogGroup;

/// What a log group is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGroupSpec {
    /// Its name, unique per account and region.
    pub name: String,
    /// Days its events are kept: one of the numbers CloudWatch knows; `None`: for ever.
    #[serde(default)]
    pub retention_days: Option<i32>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(LogGroup =>
    /// What a log group offers.
    LogGroupOutputs {
        at_once {
            /// The group's name.
            name: String,
            /// The group's ARN, without `:*` at its end.
            arn: LogGroupArn,
        }
        ready {}
    }
);

/// Returns the start that all names have in common: one Describe call reads them all.
fn common_start<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let same = |one: &'a str, other: &str| {
        let end = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        one.get(..end.unwrap_or_else(|| one.len().min(other.len()))).unwrap_or_default()
    };
    names.into_iter().reduce(same).filter(|start| !start.is_empty())
}

impl LogGroup {
    /// Returns the ARN of a group: AWS does not answer it when it makes one.
    fn arn(aws: &Aws, name: &str) -> LogGroupArn {
        let (partition, region) = (super::policy::partition(&aws.region), &aws.region);
        format!("arn:{partition}:logs:{region}:{}:log-group:{name}", aws.account).into()
    }

    async fn tags(aws: &Aws, arn: &LogGroupArn) -> Result<Option<Tags>, Fault> {
        let call = aws.logs.list_tags_for_resource().resource_arn(arn.as_str());
        let answer = found(call.send().called("logs:ListTagsForResource").await)?;
        Ok(answer.map(|answer| tags::own(answer.tags.unwrap_or_default())))
    }

    /// Describes the groups with these names: by what their names begin with, as long as the pages of that cost less than
    /// asking for those still missing one by one.
    async fn described(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, AwsLogGroup>, Fault> {
        const CALL: &str = "logs:DescribeLogGroups";
        let mut missing: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let (mut found, mut read) = (BTreeMap::new(), 0);
        let start = common_start(missing.iter().copied()).map(str::to_owned);
        let call = aws.logs.describe_log_groups().set_log_group_name_prefix(start).limit(PAGE);
        let mut pages = call.into_paginator().send();
        while let Some(page) = pages.next().await {
            for group in std::future::ready(page).called(CALL).await?.log_groups.unwrap_or_default() {
                let name = group.log_group_name.clone().unwrap_or_default();
                if missing.remove(name.as_str()) {
                    found.insert(name, group);
                }
            }
            read += 1;
            if missing.is_empty() {
                return Ok(found);
            }
            if missing.len() < read {
                // The first in order is the one that is nothing but the prefix.
                let alone =
                    missing.iter().map(|name| aws.logs.describe_log_groups().log_group_name_prefix(*name).limit(1));
                let answers = try_join_all(alone.map(|call| call.send().called(CALL))).await?;
                let groups = answers.into_iter().flat_map(|answer| answer.log_groups.unwrap_or_default());
                found.extend(groups.filter_map(|group| Some((group.log_group_name.clone()?, group))));
                return Ok(found);
            }
        }
        Ok(found)
    }

    async fn live(aws: &Aws, confirmed: &Confirmed, shown: Option<&AwsLogGroup>) -> Result<Option<Live<Self>>, Fault> {
        let Some((shown, name)) = shown.and_then(|shown| Some((shown, shown.log_group_name.clone()?))) else {
            return Ok(None);
        };
        let arn = Self::arn(aws, &name);
        let tags = match confirmed.of(arn.as_str()) {
            Some(tags) => tags,
            None => match Self::tags(aws, &arn).await? {
                Some(tags) => tags,
                None => return Ok(None),
            },
        };
        let spec = LogGroupSpec { name: name.clone(), retention_days: shown.retention_in_days, tags };
        let outputs = LogGroupOutputs { name: name.clone(), arn };
        Ok(Some(Live { id: Id(name), spec, outputs, readiness: Readiness::Ready }))
    }
}

impl Kind for LogGroup {
    const NAME: &'static str = "logs.log-group";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::updates("retention_days").security().notes("a shorter time deletes older log events"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["logs:DescribeLogGroups", "logs:ListTagsForResource"],
        create: &["logs:CreateLogGroup", "logs:TagResource", "logs:PutRetentionPolicy"],
        update: &["logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:TagResource", "logs:UntagResource"],
        delete: &["logs:DeleteLogGroup"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const MADE_BY_AWS: bool = true;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name";

    type Spec<S: Stage> = LogGroupSpec;
    type Outputs = LogGroupOutputs;

    fn named(text: &str) -> Option<Named> {
        // AWS puts `:*` at the end of a log group's ARN.
        let text = text.strip_suffix(":*").unwrap_or(text);
        let name = text.split_once(":log-group:").map_or(text, |(_, name)| name);
        let good = !name.is_empty() && !name.starts_with("arn:") && !name.contains([' ', '|']);
        good.then(|| named::id(name))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let name = |question: &Which<Self>| match &question.id {
            Some(id) => id.0.clone(),
            None => question.spec.name.clone(),
        };
        let names: Vec<String> = which.iter().map(name).collect();
        let (all, confirmed) = tokio::try_join!(Self::described(look, &names), tag_listing::confirmed(look))?;
        try_join_all(names.iter().map(|name| Self::live(look, &confirmed, all.get(name)))).await
    }

    async fn create(aws: &Aws, spec: &LogGroupSpec, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.logs.create_log_group().log_group_name(&spec.name);
        let tags = Some(&spec.tags).filter(|tags| !tags.is_empty());
        let call = call.set_tags(tags.map(|tags| tags.clone().into_iter().collect()));
        call.send().called("logs:CreateLogGroup").await?;
        let outputs = LogGroupOutputs { name: spec.name.clone(), arn: Self::arn(aws, &spec.name) };
        Ok(Created { id: Id(spec.name.clone()), outputs })
    }

    fn finish(spec: &LogGroupSpec) -> Vec<Step> {
        spec.retention_days.map(|_| Step::set("retention_days")).into_iter().collect()
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (logs, name, spec) = (&aws.logs, job.id.as_str(), job.spec);
        match (job.step.name.as_str(), spec.retention_days) {
            ("set retention_days", Some(days)) => {
                let call = logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                call.send().called("logs:PutRetentionPolicy").await?;
            }
            ("set retention_days", None) => {
                let call = logs.delete_retention_policy().log_group_name(name);
                call.send().called("logs:DeleteRetentionPolicy").await?;
            }
            (tags::SET_TAGS, _) => {
                let pairs = tags::changed(&job.before.tags, &spec.tags);
                let pairs = pairs.map(|(key, value)| (key.clone(), value.clone())).collect();
                let call = logs.tag_resource().resource_arn(Self::arn(aws, name).as_str()).set_tags(Some(pairs));
                call.send().called("logs:TagResource").await?;
            }
            (tags::REMOVE_TAGS, _) => {
                let keys = tags::removed(&job.before.tags, &spec.tags);
                let call = logs.untag_resource().resource_arn(Self::arn(aws, name).as_str()).set_tag_keys(Some(keys));
                call.send().called("logs:UntagResource").await?;
            }
            ("delete", _) => {
                found(logs.delete_log_group().log_group_name(name).send().called("logs:DeleteLogGroup").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(LogGroupSpec) -> <LogGroup as Kind>::Spec<Known> = |spec| spec;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_asks_for_what_all_names_begin_with() {
        let names = ["/aws/redshift/air-dev-a-1/userlog", "/aws/redshift/air-dev-b-1/userlog"];
        assert_eq!(common_start(names), Some("/aws/redshift/air-dev-"));
        assert_eq!(common_start(["/aws/x", "/aws/x/y"]), Some("/aws/x"));
        assert_eq!(common_start(["/aws/x"]), Some("/aws/x"));
        assert_eq!(common_start(["a", "b"]), None);
    }
}
