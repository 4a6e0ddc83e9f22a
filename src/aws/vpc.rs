//! Kind `ec2.vpc`: the network everything lies in.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch the default group, route table and ACL
//! that come with every VPC.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::VpcId,
    lookup::{ec2_filters, is_asked, place},
    named, tags, vpc_contents,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A virtual private cloud.
pub struct Vpc;

/// What a VPC is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpcSpec {
    /// The primary range, canonical; AWS never changes it.
    pub cidr: Ipv4Net,
    /// Whether the VPC's resolver answers.
    pub dns_support: bool,
    /// Whether instances and endpoints get names; needs `dns_support`.
    pub dns_hostnames: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Vpc =>
    /// What a VPC offers.
    VpcOutputs {
        at_once {
            /// The VPC's id.
            id: VpcId,
        }
        ready {}
    }
);

impl Vpc {
    /// Asks for one DNS attribute: AWS answers one per call (aws-facts.md 1.1).
    async fn dns(aws: &Aws, id: &str, attribute: VpcAttributeName) -> Result<Option<bool>, Fault> {
        let call = aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(attribute.clone());
        let Some(answer) = found(call.send().called("ec2:DescribeVpcAttribute").await)? else { return Ok(None) };
        let value = match attribute {
            VpcAttributeName::EnableDnsSupport => answer.enable_dns_support,
            _ => answer.enable_dns_hostnames,
        };
        Ok(Some(value.and_then(|v| v.value).unwrap_or_default()))
    }

    /// Reads both DNS attributes; `None` if it is gone.
    async fn switches(aws: &Aws, id: &str) -> Result<Option<(bool, bool)>, Fault> {
        let (support, hostnames) = tokio::try_join!(
            Self::dns(aws, id, VpcAttributeName::EnableDnsSupport),
            Self::dns(aws, id, VpcAttributeName::EnableDnsHostnames),
        )?;
        Ok(support.zip(hostnames))
    }

    async fn live(aws: &Aws, settling: bool, vpc: aws_sdk_ec2::types::Vpc) -> Result<Option<Live<Self>>, Fault> {
        let (Some(id), Some(cidr)) = (vpc.vpc_id, vpc.cidr_block) else { return Ok(None) };
        let cidr = cidr.parse().map_err(|_| Fault::incomplete("ec2:DescribeVpcs", "valid cidrBlock"))?;
        let switches = match settling {
            true => Some((false, false)),
            false => Self::switches(aws, &id).await?,
        };
        // Gone between the two calls.
        let Some((dns_support, dns_hostnames)) = switches else { return Ok(None) };
        let readiness = match vpc.state {
            Some(VpcState::Available) | None => Readiness::Ready,
            Some(state) => Readiness::Pending(state.as_str().to_owned()),
        };
        let spec = VpcSpec { cidr, dns_support, dns_hostnames, tags: tags::from_ec2(vpc.tags.as_deref()) };
        Ok(Some(Live { outputs: VpcOutputs { id: id.clone().into() }, id: Id(id), spec, readiness }))
    }
}

impl Kind for Vpc {
    const NAME: &'static str = "ec2.vpc";
    const FIELDS: &'static [Field] =
        &[Field::replaces("cidr"), Field::updates("dns_support"), Field::updates("dns_hostnames")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"],
        create: &["ec2:CreateVpc", "ec2:CreateTags", "ec2:ModifyVpcAttribute"],
        update: &["ec2:ModifyVpcAttribute", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &[
            "ec2:DeleteVpc",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
        ],
    };
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 2 };
    const REPLACE: Order = Order::CreateFirst;
    const NAMED_BY: &'static str = "its id, `vpc-...`";

    type Spec<S: Stage> = VpcSpec;
    type Outputs = VpcOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "vpc-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let settling = which.iter().all(|question| question.settling);
        let mut live = Vec::new();
        for filters in ec2_filters(look, "vpc-id", which) {
            let pages = look.ec2.describe_vpcs().set_filters(Some(filters)).into_paginator().items().send();
            let vpcs: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcs").await?;
            for vpc in vpcs {
                live.extend(Self::live(look, settling, vpc).await?);
            }
        }
        Ok(place(which, live, |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &VpcSpec, _: &str) -> Result<Created<Self>, Fault> {
        let tags = tags::ec2_specification(ResourceType::Vpc, &spec.tags);
        let call = aws.ec2.create_vpc().cidr_block(spec.cidr.to_string()).tag_specifications(tags);
        let answer = call.send().called("ec2:CreateVpc").await?;
        let id = answer.vpc.and_then(|vpc| vpc.vpc_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateVpc", "vpcId"))?;
        Ok(Created { outputs: VpcOutputs { id: id.clone().into() }, id: Id(id) })
    }

    fn finish(_: &VpcSpec) -> Vec<Step> {
        // Host names need DNS support first (aws-facts.md 1.2).
        vec![Step::set("dns_support"), Step::set("dns_hostnames")]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let mut steps = tags::steps_with_tags(changes);
        // Support goes on before host names, and off after them.
        let off = changes.after("dns_support") == Some(&false.into());
        steps.sort_by_key(|step| match step.field() {
            Some("dns_support") => usize::from(off) * 2,
            Some("dns_hostnames") => 1,
            _ => 3,
        });
        steps
    }

    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let ids: Vec<&str> = which.iter().map(Which::id).collect();
        let mut contents = vpc_contents::contents(aws, &ids).await?;
        Ok(ids.into_iter().map(|id| contents.remove(id).unwrap_or_default()).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let flag = |value| AttributeBooleanValue::builder().value(value).build();
        let modify = aws.ec2.modify_vpc_attribute().vpc_id(job.id.as_str());
        match job.step.field() {
            Some("dns_support") => {
                let call = modify.enable_dns_support(flag(job.spec.dns_support));
                call.send().called("ec2:ModifyVpcAttribute").await?;
            }
            Some("dns_hostnames") => {
                let call = modify.enable_dns_hostnames(flag(job.spec.dns_hostnames));
                call.send().called("ec2:ModifyVpcAttribute").await?;
            }
            _ if job.step.name == "delete" => {
                found(aws.ec2.delete_vpc().vpc_id(job.id.as_str()).send().called("ec2:DeleteVpc").await)?;
            }
            _ => tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}
