//! Kind `redshift.subnet-group`: the subnets a provisioned cluster may lie in.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never send part of the list: AWS takes the whole of it
//! as the new one (aws-facts.md 5.1).

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{ClusterSubnetGroupArn, ClusterSubnetGroupName, SubnetId, VpcId},
    lookup::{asks, place},
    named, naming, redshift, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_redshift::types;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The step that sets the list of subnets and the description, which AWS wants together.
const SET_SUBNETS: &str = "set subnets";

/// A cluster subnet group. Its id is its name.
pub struct ClusterSubnetGroup;

/// What a cluster subnet group is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ClusterSubnetGroupSpec<S: Stage> {
    /// Its name, lower case, unique per account and region.
    pub name: ClusterSubnetGroupName,
    /// What it is for.
    pub description: String,
    /// The VPC its subnets lie in; AWS tells it from them.
    pub vpc: S::In<VpcId>,
    /// The subnets, at most 20.
    pub subnets: BTreeSet<S::In<SubnetId>>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(ClusterSubnetGroup =>
    /// What a cluster subnet group offers.
    ClusterSubnetGroupOutputs {
        at_once {
            /// The group's name, which clusters go by.
            name: ClusterSubnetGroupName,
            /// The group's ARN.
            arn: ClusterSubnetGroupArn,
        }
        ready {}
    }
);

impl ClusterSubnetGroup {
    fn outputs(aws: &Aws, name: &str) -> ClusterSubnetGroupOutputs {
        ClusterSubnetGroupOutputs { name: name.into(), arn: redshift::arn(aws, "subnetgroup", name).into() }
    }

    fn live(aws: &Aws, group: types::ClusterSubnetGroup) -> Live<Self> {
        let name = group.cluster_subnet_group_name.unwrap_or_default();
        let subnets = group.subnets.unwrap_or_default().into_iter();
        let spec = ClusterSubnetGroupSpec {
            name: name.as_str().into(),
            description: group.description.unwrap_or_default(),
            vpc: group.vpc_id.unwrap_or_default().into(),
            subnets: subnets.filter_map(|subnet| subnet.subnet_identifier).map(SubnetId).collect(),
            tags: redshift::tags_of(group.tags),
        };
        let outputs = Self::outputs(aws, &name);
        Live { id: Id(name), spec, outputs, readiness: Readiness::Ready }
    }
}

fn subnet_ids(spec: &ClusterSubnetGroupSpec<Known>) -> Vec<String> {
    spec.subnets.iter().map(ToString::to_string).collect()
}

impl Kind for ClusterSubnetGroup {
    const NAME: &'static str = "redshift.subnet-group";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::updates("description"),
        Field::replaces("vpc"),
        Field::updates("subnets").follows(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusterSubnetGroups"],
        create: &[
            "redshift:CreateClusterSubnetGroup",
            "redshift:CreateTags",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        update: &[
            "redshift:ModifyClusterSubnetGroup",
            "redshift:CreateTags",
            "redshift:DeleteTags",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        delete: &["redshift:DeleteClusterSubnetGroup", "redshift:DescribeClusters"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = ClusterSubnetGroupSpec<S>;
    type Outputs = ClusterSubnetGroupOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::provisioned(name, 255)
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "subnetgroup:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.redshift.describe_cluster_subnet_groups().max_records(redshift::PAGE).into_paginator().items();
        let all = pages.send().collect::<Result<Vec<_>, _>>().called("redshift:DescribeClusterSubnetGroups").await?;
        let live = all.into_iter().map(|group| Self::live(look, group));
        Ok(place(which, live, |question, l| asks(question, l.id.as_str(), question.spec.name == l.spec.name)))
    }

    async fn create(aws: &Aws, spec: &ClusterSubnetGroupSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .redshift
            .create_cluster_subnet_group()
            .cluster_subnet_group_name(spec.name.as_str())
            .description(&spec.description)
            .set_subnet_ids(Some(subnet_ids(spec)))
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        call.send().called("redshift:CreateClusterSubnetGroup").await?;
        let name = spec.name.as_str();
        Ok(Created { id: Id(name.to_owned()), outputs: Self::outputs(aws, name) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let together = ["description", "subnets"].into_iter().filter(|field| changes.has(field));
        let together = Step { fields: together.map(str::to_owned).collect(), ..Step::new(SET_SUBNETS) };
        Some(together).filter(|step| !step.fields.is_empty()).into_iter().chain(tags::tag_steps(changes)).collect()
    }

    /// The clusters that use it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let uses = |cluster: &types::Cluster, name: &str| cluster.cluster_subnet_group_name() == Some(name);
        redshift::clusters_using(aws, which.iter().map(Which::id), uses).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (name, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_SUBNETS => {
                let call = aws.redshift.modify_cluster_subnet_group().cluster_subnet_group_name(name);
                let call = call.description(&spec.description).set_subnet_ids(Some(subnet_ids(spec)));
                call.send().called("redshift:ModifyClusterSubnetGroup").await?;
            }
            "delete" => {
                let call = aws.redshift.delete_cluster_subnet_group().cluster_subnet_group_name(name);
                found(call.send().called("redshift:DeleteClusterSubnetGroup").await)?;
            }
            _ => {
                let arn = redshift::arn(aws, "subnetgroup", name);
                redshift::run_tags(aws, job.step, &arn, &job.before.tags, &spec.tags).await?;
            }
        }
        Ok(None)
    }
}
