//! Kind `ec2.internet-gateway`: the door between a VPC and the internet.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never detach a gateway from a VPC other than the one
//! it was recorded with.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, done_if, found},
    ids::{InternetGatewayId, VpcId},
    interface,
    lookup::{ec2_filters, is_asked, place},
    named, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_ec2::types::{self, AttachmentStatus, ResourceType};
use serde::{Deserialize, Serialize};

/// An internet gateway, attached to one VPC.
pub struct InternetGateway;

/// What an internet gateway is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct InternetGatewaySpec<S: Stage> {
    /// The VPC it is attached to; read back as an empty text while it is attached to none.
    pub vpc: S::In<VpcId>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(InternetGateway =>
    /// What an internet gateway offers. The id counts once the gateway is attached: AWS refuses routes to it before.
    InternetGatewayOutputs {
        at_once {}
        ready {
            /// The gateway's id.
            id: InternetGatewayId,
        }
    }
);

const ATTACH: &str = "attach";
const DETACH: &str = "detach";

impl InternetGateway {
    fn live(gateway: types::InternetGateway) -> Option<Live<Self>> {
        let id = gateway.internet_gateway_id?;
        let attached = gateway.attachments.unwrap_or_default().into_iter().find(|a| a.vpc_id.is_some());
        let (state, vpc) = attached.map(|a| (a.state, a.vpc_id)).unwrap_or_default();
        let readiness = match (&vpc, &state) {
            (None, _) => Readiness::Pending(AttachmentStatus::Detached.as_str().to_owned()),
            (Some(_), None) => Readiness::Ready,
            // AWS says `available` where its model says `attached` (aws-facts.md 1.1).
            (Some(_), Some(state)) => match state.as_str() {
                "available" | "attached" => Readiness::Ready,
                other => Readiness::Pending(other.to_owned()),
            },
        };
        let usable = (readiness == Readiness::Ready).then(|| id.clone().into());
        let spec =
            InternetGatewaySpec { vpc: vpc.unwrap_or_default().into(), tags: tags::from_ec2(gateway.tags.as_deref()) };
        Some(Live { outputs: InternetGatewayOutputs { id: usable }, id: Id(id), spec, readiness })
    }
}

impl Kind for InternetGateway {
    const NAME: &'static str = "ec2.internet-gateway";
    const FIELDS: &'static [Field] = &[Field::replaces("vpc").reconnects("public connections drop")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeInternetGateways"],
        create: &["ec2:CreateInternetGateway", "ec2:AttachInternetGateway", "ec2:CreateTags"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DetachInternetGateway", "ec2:DeleteInternetGateway", interface::DESCRIBE],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 3 };
    const NAMED_BY: &'static str = "its id, `igw-...`";

    type Spec<S: Stage> = InternetGatewaySpec<S>;
    type Outputs = InternetGatewayOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "igw-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut live = Vec::new();
        for filters in ec2_filters(look, "internet-gateway-id", which) {
            let pages =
                look.ec2.describe_internet_gateways().set_filters(Some(filters)).into_paginator().items().send();
            let gateways: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeInternetGateways").await?;
            live.extend(gateways.into_iter().filter_map(Self::live));
        }
        Ok(place(which, live, |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &InternetGatewaySpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let tags = tags::ec2_specification(ResourceType::InternetGateway, &spec.tags);
        let call = aws.ec2.create_internet_gateway().tag_specifications(tags);
        let answer = call.send().called("ec2:CreateInternetGateway").await?;
        let id = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateInternetGateway", "internetGatewayId"))?;
        Ok(Created { outputs: InternetGatewayOutputs { id: None }, id: Id(id) })
    }

    fn finish(_: &InternetGatewaySpec<Known>) -> Vec<Step> {
        vec![Step::new(ATTACH)]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    fn remove(spec: &InternetGatewaySpec<Known>) -> Vec<Step> {
        let detach = (!spec.vpc.as_str().is_empty()).then_some(DETACH);
        detach.into_iter().chain(["delete"]).map(Step::new).collect()
    }

    /// The interfaces with a public address in its VPC.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let vpcs = which.iter().map(|question| question.spec.vpc.as_str()).filter(|vpc| !vpc.is_empty());
        let public = interface::public(aws, vpcs).await?;
        let held = |question: &Which<Self>| {
            let behind = public.iter().filter(|interface| interface.vpc_id() == Some(question.spec.vpc.as_str()));
            behind.map(interface::blocker).collect()
        };
        Ok(which.iter().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (id, vpc) = (job.id.as_str(), job.spec.vpc.as_str());
        match job.step.name.as_str() {
            ATTACH => {
                let call = aws.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
                done_if(Class::Exists, call.send().called("ec2:AttachInternetGateway").await)?;
            }
            DETACH => {
                let call = aws.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
                found(call.send().called("ec2:DetachInternetGateway").await)?;
            }
            "delete" => {
                let call = aws.ec2.delete_internet_gateway().internet_gateway_id(id);
                found(call.send().called("ec2:DeleteInternetGateway").await)?;
            }
            _ => tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::InternetGatewayAttachment;

    fn gateway(state: Option<&str>) -> Live<InternetGateway> {
        let attachment =
            state.map(|s| vec![InternetGatewayAttachment::builder().state(s.into()).vpc_id("vpc-1").build()]);
        let gateway = types::InternetGateway::builder().internet_gateway_id("igw-1").set_attachments(attachment);
        InternetGateway::live(gateway.build()).unwrap()
    }

    #[test]
    fn the_id_counts_once_attached() {
        let attached = gateway(Some("available"));
        assert_eq!((attached.spec.vpc.as_str(), attached.readiness), ("vpc-1", Readiness::Ready));
        assert_eq!(attached.outputs.id, Some("igw-1".into()));
        assert_eq!(gateway(Some("attaching")).readiness, Readiness::Pending("attaching".into()));

        let loose = gateway(None);
        assert_eq!((loose.spec.vpc.as_str(), loose.outputs.id), ("", None));
        assert_eq!(loose.readiness, Readiness::Pending("detached".into()));
        assert_eq!(InternetGateway::remove(&loose.spec), [Step::new("delete")], "there is nothing to detach it from");
    }
}
