//! Log groups: create, describe, delete.
//!
//! Called by the core. Must never show tags: only ListTagsForResource does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::request::page;
use super::{AwsError, NAME, Operation, Reply, Request, World, checked, invalid, named, tag};

/// Log groups on one page, default and most.
const PAGE: usize = 50;

/// A log group; its name is its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// When it was made.
    pub created: Timestamp,
    /// Days its events are kept; none is for ever.
    pub retention: Option<i64>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Group {
    /// A group that keeps its events for ever and has no tags.
    pub(super) fn new(created: Timestamp) -> Self {
        Self { created, retention: None, tags: BTreeMap::new() }
    }

    fn render(&self, world: &World, name: &str) -> Reply {
        let arn = arn(world, name);
        json!({
            "logGroupName": name,
            "creationTime": self.created.as_millisecond(),
            "retentionInDays": self.retention,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
        })
    }
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "CreateLogGroup", mutating: true, params: &["logGroupName", "tags.*"], run: create_log_group },
    Operation {
        name: "DescribeLogGroups",
        mutating: false,
        params: &["logGroupNamePrefix", "logGroupNamePattern", "limit", "nextToken"],
        run: describe_log_groups,
    },
    Operation { name: "DeleteLogGroup", mutating: true, params: &["logGroupName"], run: delete_log_group },
];

/// The ARN of a group as the tag operations take it.
pub(super) fn arn(world: &World, name: &str) -> String {
    world.arn("logs", &format!("log-group:{name}"))
}

fn create_log_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = checked(NAME.read(req, "logGroupName"))?;
    if name.starts_with("aws/") {
        return Err(invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    let tags = tag::laid_over(&BTreeMap::new(), req)?;
    if world.logs.groups.contains_key(&name) {
        return Err(AwsError::new("ResourceAlreadyExistsException", "The specified log group already exists"));
    }
    world.logs.groups.insert(name, Group { tags, ..Group::new(now) });
    Ok(json!({}))
}

fn describe_log_groups(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let prefix = checked(NAME.read_opt(req, "logGroupNamePrefix"))?;
    let pattern = checked(NAME.read_opt(req, "logGroupNamePattern"))?;
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    let fits = |name: &str| {
        prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix))
            && pattern.as_deref().is_none_or(|pattern| name.contains(pattern))
    };
    let groups = world.logs.groups.iter().filter(|(name, _)| fits(name));
    let all = groups.map(|(name, group)| group.render(world, name)).collect();
    let (all, next) = checked(page(all, req, "limit", "nextToken", PAGE, 1..=PAGE))?;
    Ok(json!({ "logGroups": all, "nextToken": next }))
}

fn delete_log_group(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = named(world, req)?;
    world.logs.groups.remove(&name);
    Ok(json!({}))
}
