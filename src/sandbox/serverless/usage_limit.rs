//! Usage limits of workgroups and namespaces: done when answered.
//!
//! Called by the core. Source: aws-facts.md 6.4. Must never hold two limits that differ in nothing but the action.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::iam::constraint::not_in_enum;
use super::{AwsError, Operation, Reply, Request, World, conflict, exists, invalid, listing, not_found};

const COMPUTE: &str = "serverless-compute";
const TYPES: [&str; 2] = [COMPUTE, "cross-region-datasharing"];
const PERIODS: [&str; 3] = ["daily", "weekly", "monthly"];
const ACTIONS: [&str; 3] = ["log", "emit-metric", "deactivate"];

/// A usage limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageLimit {
    /// UUID.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// ARN of the workgroup (or namespace) it limits.
    pub resource: String,
    /// What it counts.
    pub usage_type: String,
    /// Over what time.
    pub period: String,
    /// RPU-hours, or terabytes.
    pub amount: i64,
    /// What happens when it is used up.
    pub action: String,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateUsageLimit",
        mutating: true,
        params: &["resourceArn", "usageType", "amount", "period", "breachAction"],
        run: create_usage_limit,
    },
    Operation { name: "GetUsageLimit", mutating: false, params: &["usageLimitId"], run: get_usage_limit },
    Operation {
        name: "ListUsageLimits",
        mutating: false,
        params: &["resourceArn", "usageType", "maxResults", "nextToken"],
        run: list_usage_limits,
    },
    Operation {
        name: "UpdateUsageLimit",
        mutating: true,
        params: &["usageLimitId", "amount", "breachAction"],
        run: update_usage_limit,
    },
    Operation { name: "DeleteUsageLimit", mutating: true, params: &["usageLimitId"], run: delete_usage_limit },
];

impl UsageLimit {
    fn render(&self) -> Reply {
        json!({
            "usageLimitId": self.id,
            "usageLimitArn": self.arn,
            "resourceArn": self.resource,
            "usageType": self.usage_type,
            "period": self.period,
            "amount": self.amount,
            "breachAction": self.action,
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        let key = |limit: &Self| (limit.resource.clone(), limit.usage_type.clone(), limit.period.clone(), limit.amount);
        key(self) == key(other)
    }
}

fn word(req: &Request, name: &str, words: &[&str]) -> Result<Option<String>, AwsError> {
    match req.opt_text(name)? {
        Some(word) if !words.contains(&word.as_str()) => Err(not_in_enum(req, name, &word, words)),
        word => Ok(word),
    }
}

fn amount(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("amount")? {
        Some(amount) if amount < 1 => Err(invalid(format!("The amount {amount} must be a positive number."))),
        amount => Ok(amount),
    }
}

fn find<'a>(world: &'a World, req: &Request) -> Result<&'a UsageLimit, AwsError> {
    let id = req.text("usageLimitId")?;
    let limit = world.serverless.limits.get(&id);
    limit.ok_or_else(|| not_found(format!("The usage limit {id} doesn't exist.")))
}

fn refuse_double(world: &World, wanted: &UsageLimit) -> Result<(), AwsError> {
    let mut others = world.serverless.limits.values().filter(|limit| limit.id != wanted.id);
    if others.any(|limit| limit.is_like(wanted)) {
        return Err(conflict(format!(
            "A usage limit of {} {} for {} of {} already exists.",
            wanted.period, wanted.amount, wanted.usage_type, wanted.resource
        )));
    }
    Ok(())
}

fn check_resource(world: &World, now: Timestamp, usage_type: &str, arn: &str) -> Result<(), AwsError> {
    let state = &world.serverless;
    let workgroup = state.workgroups.values().any(|w| w.arn == arn && exists(w.gone_at, now));
    let namespace = state.namespaces.values().any(|n| n.arn == arn && exists(n.gone_at, now));
    match (workgroup, namespace) {
        (true, _) => Ok(()),
        (false, true) if usage_type != COMPUTE => Ok(()),
        (false, true) => Err(invalid(format!("The usage type {COMPUTE} limits workgroups: {arn} is none."))),
        (false, false) => Err(not_found(format!("The resource {arn} doesn't exist."))),
    }
}

fn create_usage_limit(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let resource = req.text("resourceArn")?;
    let usage_type = word(req, "usageType", &TYPES)?.ok_or_else(|| req.missing("usageType"))?;
    let mut limit = UsageLimit {
        id: String::new(),
        arn: String::new(),
        amount: amount(req)?.ok_or_else(|| req.missing("amount"))?,
        period: word(req, "period", &PERIODS)?.unwrap_or_else(|| "monthly".to_owned()),
        action: word(req, "breachAction", &ACTIONS)?.unwrap_or_else(|| "log".to_owned()),
        resource,
        usage_type,
    };
    check_resource(world, now, &limit.usage_type, &limit.resource)?;
    refuse_double(world, &limit)?;
    limit.id = world.uuid();
    limit.arn = world.arn("redshift-serverless", &format!("usagelimit/{}", limit.id));
    let reply = limit.render();
    world.serverless.limits.insert(limit.id.clone(), limit);
    Ok(json!({ "usageLimit": reply }))
}

fn get_usage_limit(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    Ok(json!({ "usageLimit": find(world, req)?.render() }))
}

fn list_usage_limits(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let resource = req.opt_text("resourceArn")?;
    let usage_type = word(req, "usageType", &TYPES)?;
    let asked = |limit: &&UsageLimit| {
        resource.as_ref().is_none_or(|arn| limit.resource == *arn)
            && usage_type.as_ref().is_none_or(|usage_type| limit.usage_type == *usage_type)
    };
    let all = world.serverless.limits.values().filter(asked).map(UsageLimit::render).collect();
    listing("usageLimits", all, req)
}

fn update_usage_limit(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let mut limit = find(world, req)?.clone();
    limit.amount = amount(req)?.unwrap_or(limit.amount);
    limit.action = word(req, "breachAction", &ACTIONS)?.unwrap_or(limit.action);
    refuse_double(world, &limit)?;
    let reply = limit.render();
    world.serverless.limits.insert(limit.id.clone(), limit);
    Ok(json!({ "usageLimit": reply }))
}

fn delete_usage_limit(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let limit = find(world, req)?.clone();
    world.serverless.limits.remove(&limit.id);
    Ok(json!({ "usageLimit": limit.render() }))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    #[test]
    fn a_limit_is_unique_and_dies_with_its_workgroup() {
        let mut bench = Bench::new();
        bench.reader();
        let arn = bench.workgroup()["workgroupArn"].clone();
        let made =
            |amount: i64| json!({ "resourceArn": arn, "usageType": COMPUTE, "amount": amount, "period": "daily" });
        let id = bench.serverless("CreateUsageLimit", made(10))["usageLimit"]["usageLimitId"].clone();
        assert_eq!(bench.refused("CreateUsageLimit", made(10)).0, "ConflictException");
        assert_eq!(bench.refused("CreateUsageLimit", made(0)).0, "ValidationException");
        bench.serverless("CreateUsageLimit", made(20));
        assert_eq!(
            bench.refused("UpdateUsageLimit", json!({ "usageLimitId": id, "amount": 20 })).0,
            "ConflictException"
        );
        let changed = json!({ "usageLimitId": id, "amount": 30, "breachAction": "deactivate" });
        let changed = bench.serverless("UpdateUsageLimit", changed)["usageLimit"].clone();
        assert_eq!((&changed["amount"], &changed["breachAction"]), (&json!(30), &json!("deactivate")));
        let nobody = json!({ "resourceArn": "arn:nobody", "usageType": COMPUTE, "amount": 1 });
        assert_eq!(bench.refused("CreateUsageLimit", nobody).0, "ResourceNotFoundException");
        bench.serverless("DeleteWorkgroup", json!({ "workgroupName": "reader" }));
        assert!(bench.world.serverless.limits.is_empty());
        assert_eq!(bench.refused("DeleteUsageLimit", json!({ "usageLimitId": id })).0, "ResourceNotFoundException");
    }
}
