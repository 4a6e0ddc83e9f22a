//! Kind `redshift.parameter-group`: the database parameters of a provisioned cluster.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch a parameter that neither the TOML names nor
//! rsds has set, and never reboot a cluster: static parameters wait for somebody's reboot (aws-facts.md 5.2).

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{ClusterParameterGroupArn, ClusterParameterGroupName},
    lookup::{asks, place},
    named, naming, parameters, redshift, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_redshift::types::{self, Parameter};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The most parameters one call sets or resets (aws-facts.md 5.2).
const CHUNK: usize = 20;
/// The steps that set parameters, and those that reset them; a number from 1 follows.
const SET: &str = "set parameters ";
const RESET: &str = "reset parameters ";

/// A cluster parameter group. Its id is its name.
pub struct ClusterParameterGroup;

type Parameters = BTreeMap<String, String>;

/// What a cluster parameter group is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterParameterGroupSpec {
    /// Its name, unique per account and region.
    pub name: ClusterParameterGroupName,
    /// The family of parameters it offers, such as `redshift-1.0`.
    pub family: String,
    /// What it is for.
    pub description: String,
    /// Parameters by name; a live group shows those that differ from the family's own values.
    #[serde(default, deserialize_with = "parameters::canonical")]
    pub parameters: Parameters,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(ClusterParameterGroup =>
    /// What a cluster parameter group offers.
    ClusterParameterGroupOutputs {
        at_once {
            /// The group's name, which clusters go by.
            name: ClusterParameterGroupName,
            /// The group's ARN.
            arn: ClusterParameterGroupArn,
        }
        ready {}
    }
);

/// Returns the parameters to send: those that differ, or, where nothing does (the steps of a creation), all of them.
fn to_set<'a>(before: &'a Parameters, after: &'a Parameters) -> Vec<(&'a String, &'a String)> {
    let differing: Vec<_> = after.iter().filter(|(name, value)| before.get(*name) != Some(*value)).collect();
    if differing.is_empty() { after.iter().collect() } else { differing }
}

/// Returns the parameters the TOML has dropped.
fn to_reset<'a>(before: &'a Parameters, after: &Parameters) -> Vec<&'a String> {
    before.keys().filter(|name| !after.contains_key(*name)).collect()
}

/// Returns the `number`th chunk, from 1; empty where there is none.
fn chunk<'a, T>(all: &'a [T], number: &str) -> &'a [T] {
    let number = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    number.and_then(|at| all.chunks(CHUNK).nth(at)).unwrap_or_default()
}

fn numbered(name: &str, count: usize) -> Vec<Step> {
    (1..=count.div_ceil(CHUNK)).map(|number| Step::new(format!("{name}{number}"))).collect()
}

/// Returns the steps of a change: dropped parameters first, for once the record has forgotten them nobody resets them.
/// So the record forgets them with the last of these steps alone.
fn parameter_steps(before: &Parameters, after: &Parameters) -> Vec<Step> {
    let mut steps = numbered(RESET, to_reset(before, after).len());
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(*value)).count();
    let first = steps.len().saturating_sub(1);
    steps.extend(numbered(SET, differing));
    steps.iter_mut().skip(first).for_each(|step| step.fields.push("parameters".to_owned()));
    steps
}

fn parameters_of(json: Option<&Json>) -> Parameters {
    json.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default()
}

impl ClusterParameterGroup {
    fn outputs(aws: &Aws, name: &str) -> ClusterParameterGroupOutputs {
        ClusterParameterGroupOutputs { name: name.into(), arn: redshift::arn(aws, "parametergroup", name).into() }
    }

    /// Reads one group's own parameters; `None` if it went away between the calls.
    async fn live(aws: &Aws, group: types::ClusterParameterGroup) -> Result<Option<Live<Self>>, Fault> {
        const CALL: &str = "redshift:DescribeClusterParameters";
        let name = group.parameter_group_name.unwrap_or_default();
        let call = aws.redshift.describe_cluster_parameters().parameter_group_name(&name).source("user");
        let pages = call.max_records(redshift::PAGE).into_paginator().items().send();
        let Some(parameters) = found(pages.collect::<Result<Vec<_>, _>>().called(CALL).await)? else { return Ok(None) };
        let pair = |parameter: Parameter| Some((parameter.parameter_name?, parameter.parameter_value?));
        let spec = ClusterParameterGroupSpec {
            name: name.as_str().into(),
            family: group.parameter_group_family.unwrap_or_default(),
            description: group.description.unwrap_or_default(),
            parameters: parameters::folded(parameters.into_iter().filter_map(pair)),
            tags: redshift::tags_of(group.tags),
        };
        let outputs = Self::outputs(aws, &name);
        Ok(Some(Live { id: Id(name), spec, outputs, readiness: Readiness::Ready }))
    }
}

impl Kind for ClusterParameterGroup {
    const NAME: &'static str = "redshift.parameter-group";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("family"),
        Field::replaces("description"),
        Field::updates("parameters")
            .keyed()
            .security_of(redshift::PROTECTING)
            .notes("static parameters take effect when the cluster is rebooted"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusterParameterGroups", "redshift:DescribeClusterParameters"],
        create: &[
            "redshift:CreateClusterParameterGroup",
            "redshift:CreateTags",
            "redshift:ModifyClusterParameterGroup",
        ],
        update: &[
            "redshift:ModifyClusterParameterGroup",
            "redshift:ResetClusterParameterGroup",
            "redshift:CreateTags",
            "redshift:DeleteTags",
        ],
        delete: &["redshift:DeleteClusterParameterGroup", "redshift:DescribeClusters"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 1 };
    const SETTLES: bool = false;
    // The cluster uses it until it has been given the new one.
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["name"];
    const SUFFIXED: Option<(&'static str, usize)> = Some(("name", 255));
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = ClusterParameterGroupSpec;
    type Outputs = ClusterParameterGroupOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::provisioned(name, 255)
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "parametergroup:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let call = look.redshift.describe_cluster_parameter_groups().max_records(redshift::PAGE);
        let pages = call.into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("redshift:DescribeClusterParameterGroups").await?;
        let asked = all.into_iter().filter(|group| {
            let name = group.parameter_group_name().unwrap_or_default();
            which.iter().any(|question| asks(question, name, question.spec.name.as_str() == name))
        });
        let live = try_join_all(asked.map(|group| Self::live(look, group))).await?;
        let same =
            |question: &Which<Self>, l: &Live<Self>| asks(question, l.id.as_str(), question.spec.name == l.spec.name);
        Ok(place(which, live.into_iter().flatten(), same))
    }

    async fn create(aws: &Aws, spec: &ClusterParameterGroupSpec, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .redshift
            .create_cluster_parameter_group()
            .parameter_group_name(spec.name.as_str())
            .parameter_group_family(&spec.family)
            .description(&spec.description)
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        call.send().called("redshift:CreateClusterParameterGroup").await?;
        let name = spec.name.as_str();
        Ok(Created { id: Id(name.to_owned()), outputs: Self::outputs(aws, name) })
    }

    fn finish(spec: &ClusterParameterGroupSpec) -> Vec<Step> {
        numbered(SET, spec.parameters.len())
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let of = |json| parameters_of(json);
        let steps = parameter_steps(&of(changes.before("parameters")), &of(changes.after("parameters")));
        steps.into_iter().chain(tags::tag_steps(changes)).collect()
    }

    /// The clusters that use it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let uses = |cluster: &types::Cluster, name: &str| {
            cluster.cluster_parameter_groups().iter().any(|group| group.parameter_group_name() == Some(name))
        };
        redshift::clusters_using(aws, which.iter().map(Which::id), uses).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (name, before, after) = (job.id.as_str(), &job.before.parameters, &job.spec.parameters);
        let parameter = || Parameter::builder();
        let step = job.step.name.as_str();
        if let Some(number) = step.strip_prefix(SET) {
            let wanted = to_set(before, after);
            let some = chunk(&wanted, number).iter();
            let some: Vec<_> =
                some.map(|(n, value)| parameter().parameter_name(*n).parameter_value(*value).build()).collect();
            if !some.is_empty() {
                let call = aws.redshift.modify_cluster_parameter_group().parameter_group_name(name);
                call.set_parameters(Some(some)).send().called("redshift:ModifyClusterParameterGroup").await?;
            }
        } else if let Some(number) = step.strip_prefix(RESET) {
            let dropped = to_reset(before, after);
            let some: Vec<_> = chunk(&dropped, number).iter().map(|n| parameter().parameter_name(*n).build()).collect();
            let call = aws.redshift.reset_cluster_parameter_group().parameter_group_name(name);
            call.set_parameters(Some(some)).send().called("redshift:ResetClusterParameterGroup").await?;
        } else if step == "delete" {
            let call = aws.redshift.delete_cluster_parameter_group().parameter_group_name(name);
            found(call.send().called("redshift:DeleteClusterParameterGroup").await)?;
        } else {
            let arn = redshift::arn(aws, "parametergroup", name);
            redshift::run_tags(aws, job.step, &arn, &job.before.tags, &job.spec.tags).await?;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(count: usize, value: &str) -> Parameters {
        (0..count).map(|n| (format!("p{n:02}"), value.to_owned())).collect()
    }

    fn names(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn twenty_parameters_a_call() {
        let steps = parameter_steps(&many(45, "a"), &many(24, "b"));
        assert_eq!(names(&steps), ["reset parameters 1", "reset parameters 2", "set parameters 1", "set parameters 2"]);
        // The record forgets what was dropped once all of it is reset.
        let recorded: Vec<bool> = steps.iter().map(|step| !step.fields.is_empty()).collect();
        assert_eq!(recorded, [false, true, true, true]);
        let (before, after) = (many(3, "a"), many(24, "a"));
        assert_eq!(names(&parameter_steps(&before, &after)), ["set parameters 1", "set parameters 2"]);
        let set = to_set(&before, &after);
        assert_eq!((chunk(&set, "1").len(), chunk(&set, "2").len(), chunk(&set, "3").len()), (20, 1, 0));
        assert_eq!(to_set(&after, &after).len(), 24, "a creation sends all");
    }
}
