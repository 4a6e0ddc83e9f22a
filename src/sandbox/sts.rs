//! STS: who the caller is.
//!
//! Called by the router. Must never hand out credentials.

use super::credential::{USER_ARN, USER_ID};
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

fn get_caller_identity(_world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    Ok(json!({"UserId": USER_ID, "Account": req.account, "Arn": USER_ARN}))
}
