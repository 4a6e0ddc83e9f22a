//! How long a log group keeps its events: PutRetentionPolicy, DeleteRetentionPolicy.
//!
//! Called by the core. Must never take a number of days that CloudWatch Logs does not know.

use jiff::Timestamp;
use serde_json::json;

use super::{AwsError, Operation, Reply, Request, World, checked, invalid, named};

/// The days there are.
const DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "PutRetentionPolicy",
        mutating: true,
        params: &["logGroupName", "retentionInDays"],
        run: put_retention_policy,
    },
    Operation {
        name: "DeleteRetentionPolicy",
        mutating: true,
        params: &["logGroupName"],
        run: delete_retention_policy,
    },
];

fn put_retention_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = named(world, req)?;
    let days = checked(req.int("retentionInDays"))?;
    if !DAYS.contains(&days) {
        return Err(invalid(format!("1 validation error detected: the retention of {days} days is not one there is.")));
    }
    set(world, &name, Some(days));
    Ok(json!({}))
}

fn delete_retention_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = named(world, req)?;
    set(world, &name, None);
    Ok(json!({}))
}

fn set(world: &mut World, name: &str, days: Option<i64>) {
    if let Some(group) = world.logs.groups.get_mut(name) {
        group.retention = days;
    }
}
