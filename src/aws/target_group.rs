//! Kind `elasticloadbalancing.target-group`: the set of consumer addresses a listener forwards to.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never register targets: they are a kind of their own.

use super::{
    Aws, Fault, Look,
    elb::{self, Attributes},
    fault::{Called, found},
    ids::{TargetGroupArn, VpcId},
    lookup::{asks, place},
    named, naming, number,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_elasticloadbalancingv2::types::{self, ProtocolEnum, TargetGroupAttribute, TargetTypeEnum};
use serde::{Deserialize, Serialize};

/// A target group of addresses (`ip`) reached by TCP. Its id is its ARN.
pub struct TargetGroup;

/// What a target group is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct TargetGroupSpec<S: Stage> {
    /// Its name, unique in account and region; at most 32 characters.
    pub name: String,
    /// The VPC the targets lie in.
    pub vpc: S::In<VpcId>,
    /// The port of the targets.
    pub port: u16,
    /// Seconds between two health checks, 5-300.
    pub health_interval: u32,
    /// Checks in a row until a target counts as healthy, 2-10.
    pub healthy: u32,
    /// Failed checks in a row until a target counts as unhealthy, 2-10.
    pub unhealthy: u32,
    /// Seconds a target that leaves may finish its connections in, 0-3600.
    pub deregistration_delay: u32,
    /// Whether a client address stays with its target.
    pub stickiness: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(TargetGroup =>
    /// What a target group offers.
    TargetGroupOutputs {
        at_once {
            /// The target group's ARN.
            arn: TargetGroupArn,
        }
        ready {}
    }
);

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";
const STICKINESS: &str = "stickiness.enabled";

const SET_HEALTH_CHECK: &str = "set health check";
const SET_ATTRIBUTES: &str = "set attributes";
const ATTRIBUTE_FIELDS: &[&str] = &["deregistration_delay", "stickiness"];
const STEPS: &elb::StepTable =
    &[(SET_HEALTH_CHECK, &["health_interval", "healthy", "unhealthy"]), (SET_ATTRIBUTES, ATTRIBUTE_FIELDS)];

/// Returns all attributes rsds sets. Targets see the balancer's addresses, not the client's: that is what their
/// security group admits (aws-facts.md 7.2).
fn attributes(spec: &TargetGroupSpec<Known>) -> Vec<TargetGroupAttribute> {
    let pairs = [
        (DEREGISTRATION_DELAY, spec.deregistration_delay.to_string()),
        (STICKINESS, spec.stickiness.to_string()),
        ("stickiness.type", "source_ip".to_owned()),
        ("preserve_client_ip.enabled", "false".to_owned()),
    ];
    pairs.map(|(key, value)| TargetGroupAttribute::builder().key(key).value(value).build()).into()
}

/// Returns what a step sends: all of a creation, of a change what differs. Somebody else's group may preserve client
/// addresses, and goes on doing so.
fn changed_attributes(before: &TargetGroupSpec<Known>, spec: &TargetGroupSpec<Known>) -> Vec<TargetGroupAttribute> {
    let (all, had) = (attributes(spec), attributes(before));
    let changed: Vec<TargetGroupAttribute> = all.iter().filter(|one| !had.contains(one)).cloned().collect();
    if changed.is_empty() { all } else { changed }
}

/// One of another type may have the name, and may be named for an import.
fn readiness(targets: Option<TargetTypeEnum>, protocol: Option<ProtocolEnum>) -> Readiness {
    match (targets, protocol) {
        (Some(other), _) if other != TargetTypeEnum::Ip => {
            Readiness::Failed(format!("its targets are of type {}, not ip", other.as_str()))
        }
        (_, Some(other)) if other != ProtocolEnum::Tcp => {
            Readiness::Failed(format!("its protocol is {}, not TCP", other.as_str()))
        }
        (_, _) => Readiness::Ready,
    }
}

impl TargetGroup {
    async fn attributes(aws: &Aws, arn: String) -> Result<Option<Attributes>, Fault> {
        let call = aws.elb.describe_target_group_attributes().target_group_arn(arn);
        let answer = found(call.send().called("elasticloadbalancing:DescribeTargetGroupAttributes").await)?;
        let pairs = answer.map(|answer| answer.attributes.unwrap_or_default().into_iter());
        Ok(pairs.map(|pairs| Attributes::of(pairs.map(|a| (a.key, a.value)))))
    }

    fn live(arn: String, shown: types::TargetGroup, attributes: &Attributes, tags: Tags) -> Live<Self> {
        let spec = TargetGroupSpec {
            name: shown.target_group_name.unwrap_or_default(),
            vpc: shown.vpc_id.unwrap_or_default().into(),
            port: number::shown(shown.port),
            health_interval: number::shown(shown.health_check_interval_seconds),
            healthy: number::shown(shown.healthy_threshold_count),
            unhealthy: number::shown(shown.unhealthy_threshold_count),
            deregistration_delay: attributes.number(DEREGISTRATION_DELAY),
            stickiness: attributes.flag(STICKINESS),
            tags,
        };
        let outputs = TargetGroupOutputs { arn: arn.clone().into() };
        Live { id: Id(arn), spec, outputs, readiness: readiness(shown.target_type, shown.protocol) }
    }
}

impl Kind for TargetGroup {
    const NAME: &'static str = "elasticloadbalancing.target-group";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("vpc"),
        Field::replaces("port"),
        Field::updates("health_interval"),
        Field::updates("healthy"),
        Field::updates("unhealthy"),
        Field::updates("deregistration_delay"),
        Field::updates("stickiness").notes("new connections may land on another consumer"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTags",
        ],
        create: &[
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
        ],
        update: &[
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ],
        delete: &["elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DescribeTargetGroups"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const SETTLES: bool = false;
    const CARRIES: bool = true;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["name"];
    const SUFFIXED: Option<(&'static str, usize)> = Some(("name", 32));
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = TargetGroupSpec<S>;
    type Outputs = TargetGroupOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::balancing(name)
    }

    fn named(text: &str) -> Option<Named> {
        named::arn_or_name(text, "elasticloadbalancing", "targetgroup/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        // All of them: 400 per page, and asking by ARN fails as a whole if one is gone.
        let pages = look.elb.describe_target_groups().page_size(elb::PAGE).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("elasticloadbalancing:DescribeTargetGroups").await?;
        let asked = |shown: types::TargetGroup| {
            let (arn, name) = (shown.target_group_arn.clone()?, shown.target_group_name().unwrap_or_default());
            which.iter().any(|q| asks(q, &arn, q.spec.name == name)).then_some((arn, shown))
        };
        let asked = all.into_iter().filter_map(asked).collect();
        let live = elb::complete(look, which, asked, |arn| Self::attributes(look, arn), Self::live).await?;
        Ok(place(which, live, |q, l| asks(q, l.id.as_str(), q.spec.name == l.spec.name)))
    }

    async fn create(aws: &Aws, spec: &TargetGroupSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .elb
            .create_target_group()
            .name(&spec.name)
            .protocol(ProtocolEnum::Tcp)
            .port(spec.port.into())
            .vpc_id(spec.vpc.as_str())
            .target_type(TargetTypeEnum::Ip)
            .health_check_protocol(ProtocolEnum::Tcp)
            .health_check_interval_seconds(number::sent(spec.health_interval))
            .healthy_threshold_count(number::sent(spec.healthy))
            .unhealthy_threshold_count(number::sent(spec.unhealthy))
            .set_tags(Some(elb::tag_list(&spec.tags)));
        let answer = call.send().called("elasticloadbalancing:CreateTargetGroup").await?;
        let arn = answer.target_groups.unwrap_or_default().into_iter().find_map(|group| group.target_group_arn);
        let arn = arn.ok_or_else(|| Fault::incomplete("elasticloadbalancing:CreateTargetGroup", "TargetGroupArn"))?;
        Ok(Created { outputs: TargetGroupOutputs { arn: arn.clone().into() }, id: Id(arn) })
    }

    fn finish(_: &TargetGroupSpec<Known>) -> Vec<Step> {
        vec![elb::step_of(SET_ATTRIBUTES, ATTRIBUTE_FIELDS)]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        elb::update_steps(changes, STEPS)
    }

    /// The load balancers whose listeners forward to it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let pages = aws.elb.describe_target_groups().into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("elasticloadbalancing:DescribeTargetGroups").await?;
        let held = |question: &Which<Self>| {
            let own = all.iter().filter(|group| group.target_group_arn() == Some(question.id()));
            let balancers = own.flat_map(types::TargetGroup::load_balancer_arns);
            let blocker = |arn: &String| {
                let name = arn.split_once("loadbalancer/").map_or(arn.as_str(), |(_, name)| name);
                Blocker::new(name, "a listener of this load balancer forwards to it")
            };
            balancers.map(blocker).collect()
        };
        Ok(which.iter().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (arn, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_HEALTH_CHECK => {
                let call = aws
                    .elb
                    .modify_target_group()
                    .target_group_arn(arn)
                    .health_check_interval_seconds(number::sent(spec.health_interval))
                    .healthy_threshold_count(number::sent(spec.healthy))
                    .unhealthy_threshold_count(number::sent(spec.unhealthy));
                call.send().called("elasticloadbalancing:ModifyTargetGroup").await?;
            }
            SET_ATTRIBUTES => {
                let call = aws.elb.modify_target_group_attributes().target_group_arn(arn);
                let call = call.set_attributes(Some(changed_attributes(job.before, spec))).send();
                call.called("elasticloadbalancing:ModifyTargetGroupAttributes").await?;
            }
            "delete" => {
                let call = aws.elb.delete_target_group().target_group_arn(arn);
                found(call.send().called("elasticloadbalancing:DeleteTargetGroup").await)?;
            }
            _ => elb::run_tags(aws, job.step, arn, &job.before.tags, &spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_sends_what_differs_and_a_creation_everything() {
        let spec = |deregistration_delay| TargetGroupSpec::<Known> {
            name: "readers".into(),
            vpc: "vpc-1".into(),
            port: 5439,
            health_interval: 10,
            healthy: 2,
            unhealthy: 2,
            deregistration_delay,
            stickiness: false,
            tags: Tags::new(),
        };
        let keys = |before, after| {
            let sent = changed_attributes(&spec(before), &spec(after));
            sent.into_iter().filter_map(|attribute| attribute.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(300, 120), [DEREGISTRATION_DELAY]);
        assert_eq!(keys(120, 120).len(), 4);
    }

    #[test]
    fn a_group_of_another_sort_is_none_of_ours() {
        let of = |targets, protocol| readiness(Some(targets), Some(protocol));
        assert_eq!(of(TargetTypeEnum::Ip, ProtocolEnum::Tcp), Readiness::Ready);
        let failed = |why: &str| Readiness::Failed(why.to_owned());
        assert_eq!(of(TargetTypeEnum::Instance, ProtocolEnum::Tcp), failed("its targets are of type instance, not ip"));
        assert_eq!(of(TargetTypeEnum::Ip, ProtocolEnum::Tls), failed("its protocol is TLS, not TCP"));
    }
}
