//! Kind `ec2.subnet`: one zone's share of a VPC's range.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never make addresses public at launch: who is public
//! is decided by routes and by the warehouse itself.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{SubnetId, VpcId},
    interface,
    lookup::{ec2_filters, is_asked, place},
    named, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_ec2::types::{self, ResourceType, SubnetState};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A subnet.
pub struct Subnet;

/// What a subnet is to be. AWS changes none of it in place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SubnetSpec<S: Stage> {
    /// The VPC it lies in.
    pub vpc: S::In<VpcId>,
    /// Its range, canonical, within the VPC's.
    pub cidr: Ipv4Net,
    /// The name of its availability zone: `eu-west-1a`.
    pub zone: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Subnet =>
    /// What a subnet offers.
    SubnetOutputs {
        at_once {
            /// The subnet's id.
            id: SubnetId,
        }
        ready {}
    }
);

impl Subnet {
    fn live(subnet: types::Subnet) -> Result<Option<Live<Self>>, Fault> {
        let (Some(id), Some(vpc), Some(cidr)) = (subnet.subnet_id, subnet.vpc_id, subnet.cidr_block) else {
            return Ok(None);
        };
        let cidr: Ipv4Net = cidr.parse().map_err(|_| Fault::incomplete("ec2:DescribeSubnets", "valid cidrBlock"))?;
        let spec = SubnetSpec {
            vpc: vpc.into(),
            cidr: cidr.trunc(),
            zone: subnet.availability_zone.unwrap_or_default(),
            tags: tags::from_ec2(subnet.tags.as_deref()),
        };
        let readiness = readiness(subnet.state.as_ref());
        Ok(Some(Live { outputs: SubnetOutputs { id: id.clone().into() }, id: Id(id), spec, readiness }))
    }
}

fn readiness(state: Option<&SubnetState>) -> Readiness {
    match state {
        Some(SubnetState::Available) | None => Readiness::Ready,
        Some(state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => {
            Readiness::Failed(state.as_str().to_owned())
        }
        Some(state) => Readiness::Pending(state.as_str().to_owned()),
    }
}

impl Kind for Subnet {
    const NAME: &'static str = "ec2.subnet";
    const FIELDS: &'static [Field] = &[Field::replaces("vpc"), Field::replaces("cidr"), Field::replaces("zone")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeSubnets"],
        create: &["ec2:CreateSubnet", "ec2:CreateTags"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteSubnet", interface::DESCRIBE],
    };
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 2 };
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["vpc", "cidr"];
    const NAMED_BY: &'static str = "its id, `subnet-...`";

    type Spec<S: Stage> = SubnetSpec<S>;
    type Outputs = SubnetOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "subnet-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut live = Vec::new();
        for filters in ec2_filters(look, "subnet-id", which) {
            let pages = look.ec2.describe_subnets().set_filters(Some(filters)).into_paginator().items().send();
            let subnets: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSubnets").await?;
            for subnet in subnets {
                live.extend(Self::live(subnet)?);
            }
        }
        Ok(place(which, live, |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &SubnetSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .ec2
            .create_subnet()
            .vpc_id(spec.vpc.as_str())
            .cidr_block(spec.cidr.to_string())
            .availability_zone(&spec.zone)
            .tag_specifications(tags::ec2_specification(ResourceType::Subnet, &spec.tags));
        let answer = call.send().called("ec2:CreateSubnet").await?;
        let id = answer.subnet.and_then(|subnet| subnet.subnet_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateSubnet", "subnetId"))?;
        Ok(Created { outputs: SubnetOutputs { id: id.clone().into() }, id: Id(id) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let interfaces = interface::interfaces(aws, "subnet-id", which.iter().map(Which::id)).await?;
        let held = |question: &Which<Self>| {
            let inside = interfaces.iter().filter(|interface| interface.subnet_id() == Some(question.id()));
            inside.map(interface::blocker).collect()
        };
        Ok(which.iter().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name == "delete" {
            found(aws.ec2.delete_subnet().subnet_id(job.id.as_str()).send().called("ec2:DeleteSubnet").await)?;
        } else {
            tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?;
        }
        Ok(None)
    }
}
