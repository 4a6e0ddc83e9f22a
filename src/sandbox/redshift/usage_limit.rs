//! Usage limits of clusters: create, describe, modify, delete.
//!
//! Called by the core. Source: aws-facts.md 5.7. Must never hold two limits for the same feature, measure and period of
//! a cluster.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::select::{TagChoice, listing};
use super::{AwsError, Operation, Reply, Request, World, cluster, not_found, tag};

/// Features and what of them is limited.
const FEATURES: [(&str, &str); 4] = [
    ("spectrum", "data-scanned"),
    ("concurrency-scaling", "time"),
    ("cross-region-datasharing", "data-scanned"),
    ("extra-compute-for-automatic-optimization", "time"),
];
const PERIODS: [&str; 3] = ["daily", "weekly", "monthly"];
const ACTIONS: [&str; 3] = ["log", "emit-metric", "disable"];

/// A usage limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageLimit {
    /// UUID.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Name of its cluster.
    pub cluster: String,
    /// Feature.
    pub feature: String,
    /// `time` or `data-scanned`.
    pub measure: String,
    /// Minutes or terabytes.
    pub amount: i64,
    /// `daily`, `weekly` or `monthly`.
    pub period: String,
    /// What happens when it is reached.
    pub action: String,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateUsageLimit",
        mutating: true,
        params: &[
            "ClusterIdentifier",
            "FeatureType",
            "LimitType",
            "Amount",
            "Period",
            "BreachAction",
            "Tags.Key",
            "Tags.Value",
        ],
        run: create_usage_limit,
    },
    Operation {
        name: "DescribeUsageLimits",
        mutating: false,
        params: &["UsageLimitId", "ClusterIdentifier", "FeatureType", "MaxRecords", "Marker", "TagKeys", "TagValues"],
        run: describe_usage_limits,
    },
    Operation {
        name: "ModifyUsageLimit",
        mutating: true,
        params: &["UsageLimitId", "Amount", "BreachAction"],
        run: modify_usage_limit,
    },
    Operation { name: "DeleteUsageLimit", mutating: true, params: &["UsageLimitId"], run: delete_usage_limit },
];

impl UsageLimit {
    fn render(&self, world: &World) -> Reply {
        json!({
            "UsageLimitId": self.id,
            "ClusterIdentifier": self.cluster,
            "FeatureType": self.feature,
            "LimitType": self.measure,
            "Amount": self.amount,
            "Period": self.period,
            "BreachAction": self.action,
            "Tags": tag::render(&world.redshift, &self.arn),
        })
    }
}

fn wrong(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidUsageLimit", message)
}

/// Text that must be one of a list.
fn choice(req: &Request, member: &str, known: &[&str]) -> Result<Option<String>, AwsError> {
    match req.opt_text(member)? {
        Some(text) if !known.contains(&text.as_str()) => {
            Err(wrong(format!("The value {text} of {member} is not one of {}.", known.join(", "))))
        }
        text => Ok(text),
    }
}

fn amount(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("Amount")? {
        Some(amount) if amount < 1 => Err(wrong(format!("The amount {amount} of a usage limit must be positive."))),
        amount => Ok(amount),
    }
}

fn feature(req: &Request) -> Result<Option<String>, AwsError> {
    choice(req, "FeatureType", &FEATURES.map(|(feature, _)| feature))
}

fn find<'a>(world: &'a World, req: &Request, now: Timestamp) -> Result<&'a UsageLimit, AwsError> {
    let id = req.text("UsageLimitId")?;
    let found = world.redshift.limits_at(now).find(|limit| limit.id == id);
    found.ok_or_else(|| not_found("UsageLimitNotFound", format!("The usage limit {id} does not exist.")))
}

fn create_usage_limit(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    let feature = feature(req)?.ok_or_else(|| req.missing("FeatureType"))?;
    let measure = req.text("LimitType")?;
    if !FEATURES.contains(&(feature.as_str(), measure.as_str())) {
        return Err(wrong(format!("The limit type {measure} does not go with the feature {feature}.")));
    }
    let amount = amount(req)?.ok_or_else(|| req.missing("Amount"))?;
    let period = choice(req, "Period", &PERIODS)?.unwrap_or_else(|| "monthly".to_owned());
    let action = choice(req, "BreachAction", &ACTIONS)?.unwrap_or_else(|| "log".to_owned());
    let tags = tag::read(req)?;
    cluster.check_available(now)?;
    let same = |limit: &&UsageLimit| {
        (&limit.cluster, &limit.feature, &limit.measure, &limit.period) == (&cluster.name, &feature, &measure, &period)
    };
    if let Some(known) = world.redshift.limits_at(now).find(same) {
        let message = format!("The usage limit {} of the cluster {} is the same.", known.id, cluster.name);
        return Err(AwsError::new("UsageLimitAlreadyExists", message));
    }
    world.redshift.sweep(now);
    let id = world.uuid();
    let arn = world.arn("redshift", &format!("usagelimit:{id}"));
    let limit = UsageLimit { id: id.clone(), arn, cluster: cluster.name, feature, measure, amount, period, action };
    tag::put(world, &limit.arn, tags);
    let reply = limit.render(world);
    world.redshift.limits.insert(id, limit);
    Ok(reply)
}

fn describe_usage_limits(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let tags = TagChoice::read(req)?;
    let (id, feature) = (req.opt_text("UsageLimitId")?, feature(req)?);
    let cluster = req.has("ClusterIdentifier").then(|| cluster::asked(world, req, now)).transpose()?;
    let fits = |limit: &&UsageLimit| {
        id.as_ref().is_none_or(|id| *id == limit.id)
            && feature.as_ref().is_none_or(|feature| *feature == limit.feature)
            && cluster.as_ref().is_none_or(|cluster| cluster.name == limit.cluster)
            && tags.admits_any(world.redshift.tags.get(&limit.arn))
    };
    let found = world.redshift.limits_at(now).filter(fits).map(|limit| limit.render(world)).collect();
    listing("UsageLimits", found, req)
}

fn modify_usage_limit(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut limit = find(world, req, now)?.clone();
    limit.amount = amount(req)?.unwrap_or(limit.amount);
    limit.action = choice(req, "BreachAction", &ACTIONS)?.unwrap_or(limit.action);
    let reply = limit.render(world);
    world.redshift.limits.insert(limit.id.clone(), limit);
    Ok(reply)
}

fn delete_usage_limit(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let limit = find(world, req, now)?.clone();
    world.redshift.limits.remove(&limit.id);
    world.redshift.tags.remove(&limit.arn);
    Ok(json!({}))
}
