//! Kind `ec2.security-group`: a named set of rules; the rules are a kind of their own.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never keep the allow-all egress rule AWS gives every
//! new group, and never touch a VPC's default group.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{SecurityGroupId, VpcId},
    interface,
    lookup::{asks, ec2_filters_by, filter, place, same_key},
    named, naming, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_ec2::types::{self, IpPermission, IpRange, ResourceType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A security group.
pub struct SecurityGroup;

/// What a security group is to be. AWS changes none of it in place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SecurityGroupSpec<S: Stage> {
    /// The VPC it belongs to.
    pub vpc: S::In<VpcId>,
    /// Its name, unique within the VPC whatever the case; at most 255 characters, not starting with `sg-`.
    pub name: String,
    /// What it is for; at most 255 characters, not empty.
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(SecurityGroup =>
    /// What a security group offers. The id counts once the default egress rule is gone: a rule of ours that says the
    /// same would be refused as its duplicate, and then be revoked with it.
    SecurityGroupOutputs {
        at_once {}
        ready {
            /// The group's id.
            id: SecurityGroupId,
        }
    }
);

const REVOKE: &str = "revoke default egress";

impl SecurityGroup {
    fn live(group: types::SecurityGroup) -> Option<Live<Self>> {
        let (id, vpc) = (group.group_id?, group.vpc_id?);
        let spec = SecurityGroupSpec {
            vpc: vpc.into(),
            name: group.group_name.unwrap_or_default(),
            description: group.description.unwrap_or_default(),
            tags: tags::from_ec2(group.tags.as_deref()),
        };
        let outputs = SecurityGroupOutputs { id: Some(id.clone().into()) };
        Some(Live { outputs, id: Id(id), spec, readiness: Readiness::Ready })
    }
}

/// Returns the rule that every new group starts with: all protocols to everywhere.
fn default_egress() -> IpPermission {
    IpPermission::builder().ip_protocol("-1").ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build()
}

/// Reads the groups that name one of `ids` in a rule; `name` is the filter.
async fn naming_in<'a>(
    aws: &Aws,
    name: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<types::SecurityGroup>, Fault> {
    let mut found = Vec::new();
    for filters in ec2_filters_by(name, ids) {
        let pages = aws.ec2.describe_security_groups().set_filters(Some(filters)).into_paginator().items().send();
        let more: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSecurityGroups").await?;
        found.extend(more);
    }
    Ok(found)
}

fn names(rules: &[IpPermission], id: &str) -> bool {
    rules.iter().flat_map(IpPermission::user_id_group_pairs).any(|pair| pair.group_id() == Some(id))
}

fn referrer(direction: &str, group: &types::SecurityGroup) -> Blocker {
    let name = group.group_name().unwrap_or_default();
    Blocker::new(group.group_id().unwrap_or_default(), format!("{direction} rule of the group {name} names it"))
}

impl Kind for SecurityGroup {
    const NAME: &'static str = "ec2.security-group";
    const FIELDS: &'static [Field] = &[Field::replaces("vpc"), Field::replaces("name"), Field::replaces("description")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeSecurityGroups"],
        create: &["ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:RevokeSecurityGroupEgress"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteSecurityGroup", interface::DESCRIBE],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["vpc", "name"];
    const SUFFIXED: Option<(&'static str, usize)> = Some(("name", 255));
    const NAMED_BY: &'static str = "its id, `sg-...`";

    type Spec<S: Stage> = SecurityGroupSpec<S>;
    type Outputs = SecurityGroupOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        let good = naming::made_of(name, 1, 255, " ._-:/()#,@[]+=&;{}!$*") && !name.starts_with("sg-");
        good.then_some(())
            .ok_or("up to 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`, and does not start with `sg-`")
    }

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "sg-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut live = Vec::new();
        let mut calls = ec2_filters_by("group-id", which.iter().filter_map(|w| w.id.as_ref()).map(Id::as_str));
        // One without a recorded id is found by its name, whoever made it: a VPC takes it only once.
        let named = || which.iter().filter(|w| w.id.is_none()).map(|w| &w.spec);
        let names: Vec<&str> = named().map(|spec| spec.name.as_str()).collect();
        let vpcs: BTreeSet<&str> = named().map(|spec| spec.vpc.as_str()).collect();
        let vpcs = filter("vpc-id", &Vec::from_iter(vpcs));
        calls.extend(ec2_filters_by("group-name", names.into_iter()).into_iter().map(|mut filters| {
            filters.push(vpcs.clone());
            filters
        }));
        for filters in calls {
            let pages = look.ec2.describe_security_groups().set_filters(Some(filters)).into_paginator().items().send();
            let groups: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSecurityGroups").await?;
            live.extend(groups.into_iter().filter_map(Self::live));
        }
        Ok(place(which, live, |question, l| asks(question, l.id.as_str(), same_key::<Self>(&question.spec, &l.spec))))
    }

    async fn create(aws: &Aws, spec: &SecurityGroupSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .ec2
            .create_security_group()
            .vpc_id(spec.vpc.as_str())
            .group_name(&spec.name)
            .description(&spec.description)
            .tag_specifications(tags::ec2_specification(ResourceType::SecurityGroup, &spec.tags));
        let id = call.send().called("ec2:CreateSecurityGroup").await?.group_id;
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateSecurityGroup", "groupId"))?;
        Ok(Created { outputs: SecurityGroupOutputs { id: None }, id: Id(id) })
    }

    fn finish(_: &SecurityGroupSpec<Known>) -> Vec<Step> {
        vec![Step::new(REVOKE)]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    /// The interfaces that have the group, and the groups of which a rule names it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let ids = || which.iter().map(Which::id);
        let (interfaces, by_ingress, by_egress) = tokio::try_join!(
            interface::interfaces(aws, "group-id", ids()),
            naming_in(aws, "ip-permission.group-id", ids()),
            naming_in(aws, "egress.ip-permission.group-id", ids()),
        )?;
        let held = |id: &str| {
            let on = interfaces.iter().filter(|i| i.groups().iter().any(|group| group.group_id() == Some(id)));
            let ingress =
                by_ingress.iter().filter(|group| group.group_id() != Some(id) && names(group.ip_permissions(), id));
            let egress = by_egress
                .iter()
                .filter(|group| group.group_id() != Some(id) && names(group.ip_permissions_egress(), id));
            let rules = ingress.map(|group| referrer("an inbound", group));
            let rules = rules.chain(egress.map(|group| referrer("an outbound", group)));
            on.map(interface::blocker).chain(rules).collect()
        };
        Ok(ids().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let id = job.id.as_str();
        match job.step.name.as_str() {
            REVOKE => {
                let call = aws.ec2.revoke_security_group_egress().group_id(id).ip_permissions(default_egress());
                let answer = call.send().called("ec2:RevokeSecurityGroupEgress").await;
                // `InvalidPermission.NotFound`: revoked already. A group not visible yet is another matter.
                match answer {
                    Err(fault) if fault.code != "InvalidPermission.NotFound" => return Err(fault),
                    Ok(_) | Err(_) => {}
                }
            }
            "delete" => {
                found(aws.ec2.delete_security_group().group_id(id).send().called("ec2:DeleteSecurityGroup").await)?;
            }
            _ => tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}
