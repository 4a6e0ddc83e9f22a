//! Rules of security groups: authorize, revoke, modify, describe.
//!
//! Called by the core, and by group.rs for the rules a group is born with. It must never keep two rules of one group
//! that let the same traffic through.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::permission::{self, Peer, Rule};
use super::{AwsError, Operation, Reply, Request, World, combination, done, group, invalid, missing, tag};

static LISTING: Listing = Listing {
    kind: Kind::SecurityGroupRule,
    ids: "SecurityGroupRuleId",
    id: "securityGroupRuleId",
    set: "securityGroupRuleSet",
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId"), (TAG, "")],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "AuthorizeSecurityGroupIngress",
        mutating: true,
        params: super::permitted!(
            "GroupId",
            "TagSpecification.ResourceType",
            "TagSpecification.Tag.Key",
            "TagSpecification.Tag.Value",
        ),
        run: |world, req, _now| authorize(world, req, false),
    },
    Operation {
        name: "AuthorizeSecurityGroupEgress",
        mutating: true,
        params: super::permitted!(
            "GroupId",
            "TagSpecification.ResourceType",
            "TagSpecification.Tag.Key",
            "TagSpecification.Tag.Value",
        ),
        run: |world, req, _now| authorize(world, req, true),
    },
    Operation {
        name: "RevokeSecurityGroupIngress",
        mutating: true,
        params: super::permitted!("GroupId", "SecurityGroupRuleId"),
        run: |world, req, _now| revoke(world, req, false),
    },
    Operation {
        name: "RevokeSecurityGroupEgress",
        mutating: true,
        params: super::permitted!("GroupId", "SecurityGroupRuleId"),
        run: |world, req, _now| revoke(world, req, true),
    },
    Operation {
        name: "ModifySecurityGroupRules",
        mutating: true,
        params: &[
            "GroupId",
            "SecurityGroupRule.SecurityGroupRuleId",
            "SecurityGroupRule.SecurityGroupRule.IpProtocol",
            "SecurityGroupRule.SecurityGroupRule.FromPort",
            "SecurityGroupRule.SecurityGroupRule.ToPort",
            "SecurityGroupRule.SecurityGroupRule.CidrIpv4",
            "SecurityGroupRule.SecurityGroupRule.CidrIpv6",
            "SecurityGroupRule.SecurityGroupRule.PrefixListId",
            "SecurityGroupRule.SecurityGroupRule.ReferencedGroupId",
            "SecurityGroupRule.SecurityGroupRule.Description",
        ],
        run: modify_security_group_rules,
    },
    Operation {
        name: "DescribeSecurityGroupRules",
        mutating: false,
        params: super::paged!("SecurityGroupRuleId"),
        run: describe_security_group_rules,
    },
];

/// Puts a rule into the world; answers its new id.
pub(super) fn store(world: &mut World, rule: Rule) -> String {
    let id = Kind::SecurityGroupRule.id(&world.hex(17));
    world.ec2.rules.insert(id.clone(), rule);
    id
}

fn show(world: &World, id: &str, rule: &Rule) -> Value {
    let mut shown = json!({
        "securityGroupRuleId": id,
        "securityGroupRuleArn": world.arn("ec2", &format!("security-group-rule/{id}")),
        "groupId": rule.group,
        "groupOwnerId": world.account,
        "isEgress": rule.egress,
        "ipProtocol": rule.protocol,
        "fromPort": rule.from_port,
        "toPort": rule.to_port,
        "description": rule.description,
        "tagSet": tag::set(&world.ec2, id),
    });
    match &rule.peer {
        Peer::V4(net) => shown["cidrIpv4"] = json!(net),
        Peer::V6(net) => shown["cidrIpv6"] = json!(net),
        Peer::PrefixList(list) => shown["prefixListId"] = json!(list),
        Peer::Group(group) => {
            shown["referencedGroupInfo"] = json!({
                "groupId": group,
                "userId": world.account,
                "vpcId": world.ec2.groups.get(group).map(|group| &group.vpc),
            });
        }
    }
    shown
}

/// A revoked rule: it names the group it referenced directly, and has neither owner nor tags.
fn show_revoked(id: &str, rule: &Rule) -> Value {
    let mut shown = json!({
        "securityGroupRuleId": id,
        "groupId": rule.group,
        "isEgress": rule.egress,
        "ipProtocol": rule.protocol,
        "fromPort": rule.from_port,
        "toPort": rule.to_port,
        "description": rule.description,
    });
    let member = match &rule.peer {
        Peer::V4(_) => "cidrIpv4",
        Peer::V6(_) => "cidrIpv6",
        Peer::PrefixList(_) => "prefixListId",
        Peer::Group(_) => "referencedGroupId",
    };
    shown[member] = json!(rule.peer.to_string());
    shown
}

fn authorize(world: &mut World, req: &Request, egress: bool) -> Result<Reply, AwsError> {
    let group_id = req.text("GroupId")?;
    group::get(&world.ec2, &group_id)?;
    let rules = permission::rules(world, req, &group_id, egress)?;
    for rule in &rules {
        demand_new(world, rule, &BTreeSet::new())?;
    }
    let tags = tag::at_creation(req, Kind::SecurityGroupRule)?;
    let mut made = Vec::new();
    for rule in rules {
        let id = store(world, rule.clone());
        tag::store(&mut world.ec2, &id, tags.clone());
        made.push(show(world, &id, &rule));
    }
    Ok(json!({ "return": true, "securityGroupRuleSet": made }))
}

/// Checks that no rule of the world but those in `except` lets the same traffic through.
fn demand_new(world: &World, rule: &Rule, except: &BTreeSet<String>) -> Result<(), AwsError> {
    let twin = |(id, other): (&String, &Rule)| !except.contains(id) && other.is_same_as(rule);
    if !world.ec2.rules.iter().any(twin) {
        return Ok(());
    }
    Err(AwsError::new(
        "InvalidPermission.Duplicate",
        format!(
            "the specified rule \"peer: {}, {}, from port: {}, to port: {}, ALLOW\" already exists",
            rule.peer,
            rule.protocol.to_ascii_uppercase(),
            rule.from_port,
            rule.to_port
        ),
    ))
}

fn revoke(world: &mut World, req: &Request, egress: bool) -> Result<Reply, AwsError> {
    let group_id = req.text("GroupId")?;
    group::get(&world.ec2, &group_id)?;
    let ids = match (req.has("SecurityGroupRuleId"), req.has("IpPermissions")) {
        (true, true) => {
            return Err(combination(
                "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions",
            ));
        }
        (true, false) => ids_given(world, req, &group_id, egress)?,
        (false, true) => ids_matching(world, req, &group_id, egress)?,
        (false, false) => {
            return Err(missing("Either securityGroupRuleIds or ipPermissions must be specified"));
        }
    };
    let mut revoked = Vec::new();
    for id in ids {
        if let Some(rule) = world.ec2.rules.remove(&id) {
            world.ec2.forget(&id);
            revoked.push(show_revoked(&id, &rule));
        }
    }
    Ok(json!({ "return": true, "revokedSecurityGroupRuleSet": revoked }))
}

fn ids_given(world: &World, req: &Request, group: &str, egress: bool) -> Result<BTreeSet<String>, AwsError> {
    let ids: BTreeSet<String> = req.texts("SecurityGroupRuleId")?.into_iter().collect();
    if ids.is_empty() {
        return Err(missing("The request must contain the parameter securityGroupRuleIds"));
    }
    for id in &ids {
        let rule = world.ec2.rules.get(id);
        if rule.is_none_or(|rule| rule.group != group || rule.egress != egress) {
            return Err(Kind::SecurityGroupRule.absent(id));
        }
    }
    Ok(ids)
}

fn ids_matching(world: &World, req: &Request, group: &str, egress: bool) -> Result<BTreeSet<String>, AwsError> {
    let mut ids = BTreeSet::new();
    for wanted in permission::rules(world, req, group, egress)? {
        let mut rules = world.ec2.rules.iter();
        let Some((id, _)) = rules.find(|(_, rule)| rule.is_same_as(&wanted)) else {
            return Err(AwsError::new(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            ));
        };
        ids.insert(id.clone());
    }
    Ok(ids)
}

fn modify_security_group_rules(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let group_id = req.text("GroupId")?;
    group::get(&world.ec2, &group_id)?;
    let updates = req.list("SecurityGroupRule");
    if updates.is_empty() {
        return Err(missing("The request must contain the parameter securityGroupRules"));
    }
    let mut changed: Vec<(String, Rule)> = Vec::new();
    for update in &updates {
        let id = update.text("SecurityGroupRuleId")?;
        let old = world
            .ec2
            .rules
            .get(&id)
            .filter(|rule| rule.group == group_id)
            .ok_or_else(|| Kind::SecurityGroupRule.absent(&id))?;
        let Some(form) = update.structure("SecurityGroupRule") else {
            return Err(missing("The request must contain the parameter securityGroupRule"));
        };
        let rule = permission::modified(world, &form, old)?;
        if changed.iter().any(|(other, twin)| *other == id || twin.is_same_as(&rule)) {
            return Err(invalid("The same permission must not appear multiple times"));
        }
        changed.push((id, rule));
    }
    let ids: BTreeSet<String> = changed.iter().map(|(id, _)| id.clone()).collect();
    for (_, rule) in &changed {
        demand_new(world, rule, &ids)?;
    }
    world.ec2.rules.extend(changed);
    Ok(done())
}

fn describe_security_group_rules(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let rules = &world.ec2.rules;
    let all = rules.iter().map(|(id, rule)| show(world, id, rule)).collect();
    LISTING.answer(req, all)
}
