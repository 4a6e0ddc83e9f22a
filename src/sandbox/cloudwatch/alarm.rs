//! Alarms: put, describe, delete.
//!
//! Called by the core. Must never show tags, nor change those of an alarm that exists: a put ignores them then.

use super::super::iam::constraint::{int_within, not_in_enum};
use super::super::request::page;
use super::super::wire_cbor::moment;
use super::{AwsError, Operation, Reply, Request, World, arn, tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Alarms on one page, default and most; names of one call.
const PAGE: usize = 50;
const MOST: usize = 100;
/// Most actions of one sort, and most dimensions.
const MOST_ACTIONS: usize = 5;
const MOST_DIMENSIONS: usize = 30;
/// What an alarm may look back on: a week with periods of an hour or more, else a day.
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;

const STATISTICS: &[&str] = &["SampleCount", "Average", "Sum", "Minimum", "Maximum"];
const OPERATORS: &[&str] =
    &["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"];
const MISSING: &[&str] = &["breaching", "notBreaching", "ignore", "missing"];

/// An alarm on one metric; its name is its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it watches and when it rings, whom it tells.
    pub settings: Settings,
    /// Its state.
    pub state: String,
    /// When it was put last.
    pub updated: Timestamp,
    /// Since when it has its state.
    pub since: Timestamp,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Everything that a put says of an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What people read.
    pub description: Option<String>,
    /// Whether its actions are carried out.
    pub enabled: bool,
    /// Whom it tells that all is well again.
    pub ok_actions: Vec<String>,
    /// Whom it tells that it rings.
    pub alarm_actions: Vec<String>,
    /// Whom it tells that it knows nothing.
    pub insufficient_data_actions: Vec<String>,
    /// The metric.
    pub metric: String,
    /// Its namespace.
    pub namespace: String,
    /// What is made of the data points of a period.
    pub statistic: String,
    /// The metric's dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// Seconds.
    pub period: i64,
    /// Over how many periods it looks.
    pub evaluation_periods: i64,
    /// How many of them must breach; `None`: all.
    pub datapoints: Option<i64>,
    /// Where it rings.
    pub threshold: f64,
    /// On which side of that.
    pub operator: String,
    /// What a period without data is taken for.
    pub missing: String,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "PutMetricAlarm",
        mutating: true,
        params: &[
            "AlarmName",
            "AlarmDescription",
            "ActionsEnabled",
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
            "MetricName",
            "Namespace",
            "Statistic",
            "Dimensions.Name",
            "Dimensions.Value",
            "Period",
            "EvaluationPeriods",
            "DatapointsToAlarm",
            "Threshold",
            "ComparisonOperator",
            "TreatMissingData",
            "Tags.Key",
            "Tags.Value",
        ],
        run: put_metric_alarm,
    },
    Operation {
        name: "DescribeAlarms",
        mutating: false,
        params: &["AlarmNames", "AlarmNamePrefix", "MaxRecords", "NextToken"],
        run: describe_alarms,
    },
    Operation { name: "DeleteAlarms", mutating: true, params: &["AlarmNames"], run: delete_alarms },
];

/// Text of a required parameter with so many characters.
fn bounded(req: &Request, name: &str, most: usize) -> Result<String, AwsError> {
    let text = req.text(name)?;
    if (1..=most).contains(&text.chars().count()) { Ok(text) } else { Err(too_long(req, name, most)) }
}

fn too_long(req: &Request, name: &str, most: usize) -> AwsError {
    req.invalid(format!("The value of {name} must have between 1 and {most} characters"))
}

fn choice(req: &Request, name: &str, value: String, allowed: &[&str]) -> Result<String, AwsError> {
    if allowed.contains(&value.as_str()) { Ok(value) } else { Err(not_in_enum(req, name, &value, allowed)) }
}

fn actions(world: &World, req: &Request, name: &str) -> Result<Vec<String>, AwsError> {
    let all = req.texts(name)?;
    if all.len() > MOST_ACTIONS {
        return Err(req.invalid(format!("The collection {name} must not have a size greater than {MOST_ACTIONS}")));
    }
    for action in &all {
        let parts: Vec<&str> = action.splitn(6, ':').collect();
        let ["arn", _, _, region, _, _] = parts.as_slice() else {
            return Err(req.invalid(format!("Invalid arn syntax: {action}")));
        };
        if *region != world.region {
            let own = &world.region;
            return Err(req.invalid(format!("Invalid region {region} specified. Only {own} is supported.")));
        }
    }
    Ok(all)
}

fn dimensions(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut all = BTreeMap::new();
    for one in req.list("Dimensions") {
        let (name, value) = (bounded(&one, "Name", 255)?, bounded(&one, "Value", 1024)?);
        if all.insert(name.clone(), value).is_some() {
            return Err(req.invalid(format!("The dimension {name} is given more than once")));
        }
    }
    if all.len() > MOST_DIMENSIONS {
        return Err(req.invalid(format!("An alarm has at most {MOST_DIMENSIONS} dimensions")));
    }
    Ok(all)
}

/// Period, number of periods and how many of them must breach.
fn times(req: &Request) -> Result<(i64, i64, Option<i64>), AwsError> {
    let (period, count) = (req.int("Period")?, req.int("EvaluationPeriods")?);
    if ![10, 20, 30].contains(&period) && (period < 60 || period % 60 != 0) {
        return Err(req.invalid("Period must be 10, 20, 30 or a multiple of 60"));
    }
    let most = if period >= HOUR { 7 * DAY } else { DAY };
    if count < 1 || period.saturating_mul(count) > most {
        return Err(req.invalid(format!(
            "Metrics cannot be checked across more than {most} seconds (EvaluationPeriods * Period must be <= {most})"
        )));
    }
    Ok((period, count, int_within(req, "DatapointsToAlarm", 1..=count)?))
}

fn settings(world: &World, req: &Request) -> Result<Settings, AwsError> {
    let namespace = bounded(req, "Namespace", 255)?;
    if namespace.starts_with(':') {
        return Err(req.invalid("A namespace does not begin with a colon"));
    }
    let description = req.opt_text("AlarmDescription")?;
    if description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        return Err(too_long(req, "AlarmDescription", 1024));
    }
    let threshold = req.params.get("Threshold").and_then(Reply::as_f64).ok_or_else(|| req.missing("Threshold"))?;
    let (period, evaluation_periods, datapoints) = times(req)?;
    let missing = req.opt_text("TreatMissingData")?.unwrap_or_else(|| "missing".to_owned());
    Ok(Settings {
        description,
        enabled: req.opt_bool("ActionsEnabled")?.unwrap_or(true),
        ok_actions: actions(world, req, "OKActions")?,
        alarm_actions: actions(world, req, "AlarmActions")?,
        insufficient_data_actions: actions(world, req, "InsufficientDataActions")?,
        metric: bounded(req, "MetricName", 255)?,
        namespace,
        statistic: choice(req, "Statistic", req.text("Statistic")?, STATISTICS)?,
        dimensions: dimensions(req)?,
        period,
        evaluation_periods,
        datapoints,
        threshold,
        operator: choice(req, "ComparisonOperator", req.text("ComparisonOperator")?, OPERATORS)?,
        missing: choice(req, "TreatMissingData", missing, MISSING)?,
    })
}

fn put_metric_alarm(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = bounded(req, "AlarmName", 255)?;
    let settings = settings(world, req)?;
    let tags = tag::laid_over(&BTreeMap::new(), req)?;
    match world.cloudwatch.alarms.get_mut(&name) {
        Some(alarm) => (alarm.settings, alarm.updated) = (settings, now),
        None => {
            let state = "INSUFFICIENT_DATA".to_owned();
            world.cloudwatch.alarms.insert(name, Alarm { settings, state, updated: now, since: now, tags });
        }
    }
    Ok(json!({}))
}

fn shown(world: &World, name: &str, alarm: &Alarm) -> Reply {
    let of = &alarm.settings;
    let dimensions = of.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
    json!({
        "AlarmName": name,
        "AlarmArn": arn(world, name),
        "AlarmDescription": of.description,
        "AlarmConfigurationUpdatedTimestamp": moment(alarm.updated),
        "ActionsEnabled": of.enabled,
        "OKActions": of.ok_actions,
        "AlarmActions": of.alarm_actions,
        "InsufficientDataActions": of.insufficient_data_actions,
        "StateValue": alarm.state,
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": moment(alarm.since),
        "MetricName": of.metric,
        "Namespace": of.namespace,
        "Statistic": of.statistic,
        "Dimensions": dimensions.collect::<Vec<_>>(),
        "Period": of.period,
        "EvaluationPeriods": of.evaluation_periods,
        "DatapointsToAlarm": of.datapoints,
        "Threshold": of.threshold,
        "ComparisonOperator": of.operator,
        "TreatMissingData": of.missing,
    })
}

/// The names that the call gives, at most a hundred.
fn names(req: &Request) -> Result<Vec<String>, AwsError> {
    let names = req.texts("AlarmNames")?;
    if names.len() > MOST {
        return Err(req.invalid(format!("The collection AlarmNames must not have a size greater than {MOST}")));
    }
    Ok(names)
}

fn describe_alarms(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (names, prefix) = (names(req)?, req.opt_text("AlarmNamePrefix")?);
    if req.has("AlarmNames") && prefix.is_some() {
        return Err(req.invalid("AlarmNames and AlarmNamePrefix cannot be given together"));
    }
    let fits = |name: &String| {
        prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix)) && (names.is_empty() || names.contains(name))
    };
    let alarms = world.cloudwatch.alarms.iter().filter(|(name, _)| fits(name));
    let all = alarms.map(|(name, alarm)| shown(world, name, alarm)).collect();
    let (all, next) = page(all, req, "MaxRecords", "NextToken", PAGE, 1..=MOST)?;
    Ok(json!({ "MetricAlarms": all, "CompositeAlarms": [], "NextToken": next }))
}

fn delete_alarms(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let names = names(req)?;
    if names.is_empty() {
        return Err(req.missing("AlarmNames"));
    }
    if names.iter().any(|name| !world.cloudwatch.alarms.contains_key(name)) {
        return Err(AwsError::new("ResourceNotFound", "The named resource does not exist.").status(404));
    }
    world.cloudwatch.alarms.retain(|name, _| !names.contains(name));
    Ok(json!({}))
}
