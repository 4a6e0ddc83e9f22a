//! Kind `elasticloadbalancing.load-balancer`: the network load balancer in front of the consumers.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never create one without a security group: AWS lets
//! none be added later (aws-facts.md 7.1).

use super::{
    Aws, Fault, Look,
    elb::{self, Attributes},
    fault::{Called, found},
    ids::{LoadBalancerArn, SecurityGroupId, SubnetId, VpcId},
    lookup::{asks, place},
    named, naming,
};
use crate::kind::{
    Actions, After, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Refusal, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_elasticloadbalancingv2::types::{
    self, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A network load balancer. Its id is its ARN.
pub struct LoadBalancer;

/// What a load balancer is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct LoadBalancerSpec<S: Stage> {
    /// Its name, unique in account and region; at most 32 characters.
    pub name: String,
    /// Whether it has private addresses only.
    pub internal: bool,
    /// The VPC its subnets lie in, which it never leaves.
    pub vpc: S::In<VpcId>,
    /// Its subnets, one per zone.
    pub subnets: BTreeSet<S::In<SubnetId>>,
    /// Its security groups; at least one, but of those that somebody else made without.
    pub security_groups: BTreeSet<S::In<SecurityGroupId>>,
    /// Whether each address serves the targets of all zones.
    pub cross_zone: bool,
    /// Whether AWS refuses to delete it.
    pub deletion_protection: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(LoadBalancer =>
    /// What a load balancer offers.
    LoadBalancerOutputs {
        at_once {
            /// The load balancer's ARN.
            arn: LoadBalancerArn,
            /// The name clients dial.
            dns_name: String,
        }
        ready {}
    }
);

const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
const DELETION_PROTECTION: &str = "deletion_protection.enabled";

const SET_ATTRIBUTES: &str = "set attributes";
const ATTRIBUTE_FIELDS: &[&str] = &["cross_zone", "deletion_protection"];
const DISABLE_PROTECTION: &str = "disable deletion protection";
const STEPS: &elb::StepTable =
    &[("set subnets", &["subnets"]), ("set security_groups", &["security_groups"]), (SET_ATTRIBUTES, ATTRIBUTE_FIELDS)];

fn readiness(state: Option<&types::LoadBalancerState>) -> Readiness {
    let reason = || state.and_then(|s| s.reason()).unwrap_or("failed").to_owned();
    match state.and_then(|s| s.code()) {
        // An impaired one routes traffic; it only cannot grow.
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Readiness::Ready,
        Some(LoadBalancerStateEnum::Failed) => Readiness::Failed(reason()),
        Some(code) => Readiness::Pending(code.as_str().to_owned()),
        None => Readiness::Pending("no state yet".to_owned()),
    }
}

fn attribute(key: &str, on: bool) -> LoadBalancerAttribute {
    LoadBalancerAttribute::builder().key(key).value(on.to_string()).build()
}

impl LoadBalancer {
    /// Reads the attributes; none where only readiness is asked. `None` if it is gone.
    async fn attributes(aws: &Aws, settling: bool, arn: String) -> Result<Option<Attributes>, Fault> {
        if settling {
            return Ok(Some(Attributes::of([])));
        }
        let call = aws.elb.describe_load_balancer_attributes().load_balancer_arn(arn);
        let answer = found(call.send().called("elasticloadbalancing:DescribeLoadBalancerAttributes").await)?;
        let pairs = |all: Option<Vec<LoadBalancerAttribute>>| all.unwrap_or_default().into_iter();
        Ok(answer.map(|answer| Attributes::of(pairs(answer.attributes).map(|a| (a.key, a.value)))))
    }

    fn live(arn: String, shown: types::LoadBalancer, attributes: &Attributes, tags: Tags) -> Live<Self> {
        let zones = shown.availability_zones.unwrap_or_default();
        let spec = LoadBalancerSpec {
            name: shown.load_balancer_name.unwrap_or_default(),
            internal: shown.scheme == Some(LoadBalancerSchemeEnum::Internal),
            vpc: shown.vpc_id.unwrap_or_default().into(),
            subnets: zones.into_iter().filter_map(|zone| zone.subnet_id).map(SubnetId).collect(),
            security_groups: shown.security_groups.unwrap_or_default().into_iter().map(SecurityGroupId).collect(),
            cross_zone: attributes.flag(CROSS_ZONE),
            deletion_protection: attributes.flag(DELETION_PROTECTION),
            tags,
        };
        let outputs = LoadBalancerOutputs { arn: arn.clone().into(), dns_name: shown.dns_name.unwrap_or_default() };
        let readiness = match &shown.r#type {
            // One of another type may have the name, and may be named for an import.
            Some(other) if *other != LoadBalancerTypeEnum::Network => {
                Readiness::Failed(format!("it is of type {}, not network", other.as_str()))
            }
            Some(_) | None => readiness(shown.state.as_ref()),
        };
        Live { id: Id(arn), spec, outputs, readiness }
    }

    async fn set_attributes(aws: &Aws, id: &Id, attributes: Vec<LoadBalancerAttribute>) -> Result<(), Fault> {
        let call = aws.elb.modify_load_balancer_attributes().load_balancer_arn(id.as_str());
        let call = call.set_attributes(Some(attributes)).send();
        call.called("elasticloadbalancing:ModifyLoadBalancerAttributes").await?;
        Ok(())
    }
}

impl Kind for LoadBalancer {
    const NAME: &'static str = "elasticloadbalancing.load-balancer";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("internal"),
        Field::replaces("vpc"),
        Field::updates("subnets").follows().reconnects("connections through a removed zone end"),
        Field::updates("security_groups").security().reconnects("clients the new groups do not admit lose access"),
        Field::updates("cross_zone"),
        Field::updates("deletion_protection").security(),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeTags",
        ],
        create: &[
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "ec2:DescribeVpcs",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeAccountAttributes",
            // The first load balancer of an account makes the service-linked role (aws-facts.md 2).
            "iam:CreateServiceLinkedRole",
        ],
        update: &[
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ],
        delete: &["elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:DeleteLoadBalancer"],
    };
    const TYPICAL: Typical = Typical { create: 180, update: 5, delete: 10 };
    const CARRIES: bool = true;
    const KEY: &'static [&'static str] = &["name"];
    const SHOWS: &'static [&'static str] = &["dns_name", "internal"];
    const NAMED_BY: &'static str = "its name or ARN (`.../loadbalancer/net/...`)";

    type Spec<S: Stage> = LoadBalancerSpec<S>;
    type Outputs = LoadBalancerOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::balancing(name)
    }

    fn named(text: &str) -> Option<Named> {
        named::arn_or_name(text, "elasticloadbalancing", "loadbalancer/net/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        // All of them: 400 per page, where asking by ARN takes 20 and fails as a whole if one is gone.
        let pages = look.elb.describe_load_balancers().page_size(elb::PAGE).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("elasticloadbalancing:DescribeLoadBalancers").await?;
        let asked = |shown: types::LoadBalancer| {
            let (arn, name) = (shown.load_balancer_arn.clone()?, shown.load_balancer_name().unwrap_or_default());
            which.iter().any(|q| asks(q, &arn, q.spec.name == name)).then_some((arn, shown))
        };
        let asked = all.into_iter().filter_map(asked).collect();
        let attributes = |arn| Self::attributes(look, elb::settling(which), arn);
        let live = elb::complete(look, which, asked, attributes, Self::live).await?;
        Ok(place(which, live, |q, l| asks(q, l.id.as_str(), q.spec.name == l.spec.name)))
    }

    /// AWS gives no security group to one that was made without.
    fn refuse(changes: &Changes) -> Option<Refusal> {
        let (before, after) = changes.0.get("security_groups")?;
        let none = Json::Array(Vec::new());
        let (why, help) = match (before, after) {
            (Json::Null, After::Known(wanted)) if *wanted == none => (
                "a load balancer that is made without a security group can never be given one".to_owned(),
                "let there be a group for it: take `exists = false` or `security_groups = []` away".to_owned(),
            ),
            (there, _) if *there == none => (
                "it was made without a security group, and AWS can never give it one".to_owned(),
                "leave it without: [resources.\"networking/nlb-security-group\"] exists = false; or have a new one made, \
                 which has another DNS name: --replace nlb/load-balancer"
                    .to_owned(),
            ),
            _ => return None,
        };
        Some(Refusal { field: "security_groups", why, help })
    }

    async fn create(aws: &Aws, spec: &LoadBalancerSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let scheme =
            if spec.internal { LoadBalancerSchemeEnum::Internal } else { LoadBalancerSchemeEnum::InternetFacing };
        let call = aws
            .elb
            .create_load_balancer()
            .name(&spec.name)
            .r#type(LoadBalancerTypeEnum::Network)
            .scheme(scheme)
            .set_subnets(Some(spec.subnets.iter().cloned().map(String::from).collect()))
            .set_security_groups(Some(spec.security_groups.iter().cloned().map(String::from).collect()))
            .set_tags(Some(elb::tag_list(&spec.tags)));
        let answer = call.send().called("elasticloadbalancing:CreateLoadBalancer").await?;
        let created = answer.load_balancers.unwrap_or_default().into_iter().next();
        let (Some(arn), Some(dns_name)) = created.map(|lb| (lb.load_balancer_arn, lb.dns_name)).unwrap_or_default()
        else {
            return Err(Fault::incomplete("elasticloadbalancing:CreateLoadBalancer", "LoadBalancerArn or DNSName"));
        };
        Ok(Created { id: Id(arn.clone()), outputs: LoadBalancerOutputs { arn: arn.into(), dns_name } })
    }

    fn finish(_: &LoadBalancerSpec<Known>) -> Vec<Step> {
        vec![elb::step_of(SET_ATTRIBUTES, ATTRIBUTE_FIELDS)]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        elb::update_steps(changes, STEPS)
    }

    fn remove(spec: &LoadBalancerSpec<Known>) -> Vec<Step> {
        let protected = spec.deletion_protection.then(|| Step::new(DISABLE_PROTECTION));
        protected.into_iter().chain([Step::new("delete")]).collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (id, spec) = (job.id, job.spec);
        match job.step.name.as_str() {
            SET_ATTRIBUTES => {
                let flags = [(CROSS_ZONE, spec.cross_zone), (DELETION_PROTECTION, spec.deletion_protection)];
                Self::set_attributes(aws, id, flags.map(|(key, on)| attribute(key, on)).into()).await?;
            }
            DISABLE_PROTECTION => {
                found(Self::set_attributes(aws, id, vec![attribute(DELETION_PROTECTION, false)]).await)?;
            }
            "set subnets" => {
                let subnets = spec.subnets.iter().cloned().map(String::from).collect();
                let call = aws.elb.set_subnets().load_balancer_arn(id.as_str()).set_subnets(Some(subnets));
                call.send().called("elasticloadbalancing:SetSubnets").await?;
            }
            "set security_groups" => {
                let groups = spec.security_groups.iter().cloned().map(String::from).collect();
                let call = aws.elb.set_security_groups().load_balancer_arn(id.as_str());
                let call = call.set_security_groups(Some(groups)).send();
                call.called("elasticloadbalancing:SetSecurityGroups").await?;
            }
            "delete" => {
                let call = aws.elb.delete_load_balancer().load_balancer_arn(id.as_str());
                found(call.send().called("elasticloadbalancing:DeleteLoadBalancer").await)?;
            }
            _ => elb::run_tags(aws, job.step, id.as_str(), &job.before.tags, &spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_attributes_change_with_one_call_after_the_network() {
        let change = |field: &str| (field.to_owned(), (json!(false), After::Known(json!(true))));
        let changes = Changes(["cross_zone", "deletion_protection", "subnets"].map(change).into());
        let steps = LoadBalancer::update(&changes);
        let steps: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.fields.join(" "))).collect();
        let attributes = (SET_ATTRIBUTES, "cross_zone deletion_protection".to_owned());
        assert_eq!(steps, [("set subnets", "subnets".to_owned()), attributes]);
    }

    #[test]
    fn protection_goes_before_the_load_balancer_does() {
        let spec = |deletion_protection| LoadBalancerSpec::<Known> {
            name: "dwh".into(),
            internal: true,
            vpc: "vpc-1".into(),
            subnets: BTreeSet::new(),
            security_groups: BTreeSet::new(),
            cross_zone: false,
            deletion_protection,
            tags: Tags::new(),
        };
        assert_eq!(LoadBalancer::remove(&spec(true)), [Step::new(DISABLE_PROTECTION), Step::new("delete")]);
        assert_eq!(LoadBalancer::remove(&spec(false)), [Step::new("delete")]);
    }

    #[test]
    fn states_read_as_aws_names_them() {
        let state = |code| readiness(Some(&types::LoadBalancerState::builder().code(code).reason("no room").build()));
        assert_eq!(state(LoadBalancerStateEnum::Provisioning), Readiness::Pending("provisioning".into()));
        assert_eq!(state(LoadBalancerStateEnum::ActiveImpaired), Readiness::Ready);
        assert_eq!(state(LoadBalancerStateEnum::Failed), Readiness::Failed("no room".into()));
    }

    #[test]
    fn none_is_made_without_a_group_and_none_is_given_one_later() {
        let refused = |before: Json, after: Json| {
            let changes = Changes([("security_groups".to_owned(), (before, After::Known(after)))].into());
            LoadBalancer::refuse(&changes).map(|refusal| refusal.why)
        };
        assert!(refused(Json::Null, json!([])).unwrap().contains("can never be given one"));
        assert!(refused(json!([]), json!(["sg-1"])).unwrap().contains("can never give it one"));
        assert_eq!(refused(json!(["sg-1"]), json!(["sg-2"])), None);
        assert_eq!(refused(Json::Null, json!(["sg-2"])), None);
    }
}
