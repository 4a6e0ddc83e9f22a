//! STS: who the caller is.
//!
//! Called by the router. Must never hand out credentials.

use super::{AwsError, Operation, Protocol, Reply, Request, Service, World};
use jiff::Timestamp;
use serde_json::json;

/// The service as the router knows it.
pub(super) static SERVICE: Service = Service {
    scope: "sts",
    protocol: Protocol::Query,
    version: "2011-06-15",
    lists: &[],
    operations: &[&[Operation { name: "GetCallerIdentity", mutating: false, params: &[], run: get_caller_identity }]],
};

fn get_caller_identity(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let (arn, id) = world.iam.caller.identity(&req.account);
    Ok(json!({"UserId": id, "Account": req.account, "Arn": arn}))
}
