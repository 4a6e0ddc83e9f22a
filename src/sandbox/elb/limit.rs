//! DescribeAccountLimits: the quotas of the account.
//!
//! Called by the core. Source: aws-facts.md 7.5. Must never be changed by a call; nothing enforces the quotas yet.

use jiff::Timestamp;
use serde_json::json;

use super::{AwsError, Operation, Reply, Request, World, select};

const LIMITS: [(&str, &str); 9] = [
    ("network-load-balancers", "50"),
    ("listeners-per-network-load-balancer", "50"),
    ("target-groups", "3000"),
    ("targets-per-target-group", "1000"),
    ("targets-per-network-load-balancer", "3000"),
    ("targets-per-availability-zone-per-network-load-balancer", "500"),
    ("certificates-per-network-load-balancer", "25"),
    ("network-load-balancer-enis-per-vpc", "1200"),
    ("target-groups-per-action-on-network-load-balancer", "5"),
];

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeAccountLimits",
    mutating: false,
    params: &["Marker", "PageSize"],
    run: describe_account_limits,
}];

fn describe_account_limits(_world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let limits = LIMITS.iter().map(|(name, max)| json!({ "Name": name, "Max": max })).collect();
    select::listing("Limits", limits, req)
}
