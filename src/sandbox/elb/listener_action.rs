//! The default action of a listener: forward to target groups.
//!
//! Called by CreateListener and ModifyListener. Source: aws-facts.md 7.3. Must never bind a target group to two load
//! balancers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::name::Kind;
use super::{AwsError, Balancer, Reply, Request, World, configuration, invalid, no_group, unsupported};

/// Most target groups of one action (7.3).
const MOST_GROUPS: usize = 5;
/// Weight of a target group when none is given.
const DEFAULT_WEIGHT: i64 = 1;

/// One target group of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// ARN of the target group.
    pub group: String,
    /// 0 to 999.
    pub weight: i64,
    /// Since when the listener forwards to it.
    pub since: Timestamp,
}

/// Parameters of an action, after an operation's own.
macro_rules! action_params {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "DefaultActions.Type",
            "DefaultActions.Order",
            "DefaultActions.TargetGroupArn",
            "DefaultActions.ForwardConfig.TargetGroups.TargetGroupArn",
            "DefaultActions.ForwardConfig.TargetGroups.Weight",
        ]
    };
}
pub(super) use action_params;

/// Target groups of the one default action of a call, each allowed behind that load balancer.
pub(super) fn read(
    world: &World,
    req: &Request,
    balancer: &Balancer,
    now: Timestamp,
) -> Result<Vec<Forward>, AwsError> {
    let actions = req.list("DefaultActions");
    let action = match actions.as_slice() {
        [] => return Err(req.missing("DefaultActions")),
        [action] => action,
        _ => return Err(AwsError::new("TooManyActions", "A listener has exactly one default action")),
    };
    if let kind @ ("fixed-response" | "redirect" | "authenticate-oidc") = action.text("Type")?.as_str() {
        return Err(AwsError::new(
            "InvalidLoadBalancerAction",
            format!("A network load balancer has no action {kind}"),
        ));
    }
    if action.text("Type")? != "forward" {
        return Err(unsupported(&format!("actions of type {}", action.text("Type")?)));
    }
    let forwards = read_groups(action, now)?;
    for forward in &forwards {
        check_group(world, balancer, forward)?;
    }
    Ok(forwards)
}

fn read_groups(action: &Request, now: Timestamp) -> Result<Vec<Forward>, AwsError> {
    let single = action.opt_text("TargetGroupArn")?;
    let tuples = action.structure("ForwardConfig").map(|config| config.list("TargetGroups")).unwrap_or_default();
    let mut forwards: Vec<Forward> = Vec::new();
    for tuple in &tuples {
        let group = tuple.text("TargetGroupArn")?;
        let weight = tuple.opt_int("Weight")?.unwrap_or(DEFAULT_WEIGHT);
        if !(0..=999).contains(&weight) {
            return Err(invalid(format!("The weight {weight} of a target group must be between 0 and 999")));
        }
        if forwards.iter().any(|forward| forward.group == group) {
            return Err(configuration(format!("The target group '{group}' was specified more than once")));
        }
        forwards.push(Forward { group, weight, since: now });
    }
    match (single, forwards.as_slice()) {
        (None, []) => Err(invalid("A forward action needs a target group")),
        (Some(group), []) => Ok(vec![Forward { group, weight: DEFAULT_WEIGHT, since: now }]),
        (Some(group), [only]) if only.group != group => {
            Err(configuration("TargetGroupArn and ForwardConfig must name the same target group"))
        }
        (Some(_), [_, _, ..]) => Err(configuration("TargetGroupArn cannot be given with several target groups")),
        (_, groups) if groups.len() > MOST_GROUPS => Err(AwsError::new(
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            format!("An action can forward to at most {MOST_GROUPS} target groups"),
        )),
        _ => Ok(forwards),
    }
}

fn check_group(world: &World, balancer: &Balancer, forward: &Forward) -> Result<(), AwsError> {
    Kind::Group.check(&forward.group)?;
    let group = world.elb.groups.get(&forward.group).ok_or_else(no_group)?;
    if group.vpc != balancer.vpc {
        return Err(configuration(format!(
            "The target group '{}' is not in the VPC '{}' of the load balancer",
            forward.group, balancer.vpc
        )));
    }
    if group.balancers(world).iter().any(|other| *other != balancer.arn) {
        return Err(AwsError::new(
            "TargetGroupAssociationLimit",
            format!("The target group '{}' is already associated with another load balancer", forward.group),
        ));
    }
    Ok(())
}

/// The action as answered.
pub(super) fn render(forwards: &[Forward]) -> Reply {
    let groups: Vec<Reply> =
        forwards.iter().map(|forward| json!({ "TargetGroupArn": forward.group, "Weight": forward.weight })).collect();
    let single = match forwards {
        [only] => Some(&only.group),
        _ => None,
    };
    json!({
        "Type": "forward",
        "Order": 1,
        "TargetGroupArn": single,
        "ForwardConfig": { "TargetGroups": groups, "TargetGroupStickinessConfig": { "Enabled": false } },
    })
}

/// Whether two actions forward alike, since whenever.
pub(super) fn same(one: &[Forward], other: &[Forward]) -> bool {
    let alike = |a: &Forward, b: &Forward| a.group == b.group && a.weight == b.weight;
    one.len() == other.len() && one.iter().all(|a| other.iter().any(|b| alike(a, b)))
}
