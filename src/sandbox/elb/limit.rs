//! DescribeAccountLimits: the quotas of the account.
//!
//! Called by the core. Source: aws-facts.md 7.5. Those that `quota` has are as it says. Must never be changed by a call.

use jiff::Timestamp;
use serde_json::json;

use super::super::quota;
use super::{AwsError, Operation, Reply, Request, World, select};

/// Name, code where `quota` has it, and what every account has.
const LIMITS: [(&str, &str, u64); 9] = [
    ("network-load-balancers", "L-69A177A2", 50),
    ("listeners-per-network-load-balancer", "L-57A373D6", 50),
    ("target-groups", "L-B22855CB", 3000),
    ("targets-per-target-group", "", 1000),
    ("targets-per-network-load-balancer", "", 3000),
    ("targets-per-availability-zone-per-network-load-balancer", "", 500),
    ("certificates-per-network-load-balancer", "", 25),
    ("network-load-balancer-enis-per-vpc", "", 1200),
    ("target-groups-per-action-on-network-load-balancer", "", 5),
];

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeAccountLimits",
    mutating: false,
    params: &["Marker", "PageSize"],
    run: describe_account_limits,
}];

fn describe_account_limits(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let limit = |(name, code, fixed): &(&str, &str, u64)| {
        let max = if code.is_empty() { *fixed } else { quota::limit(world, "elasticloadbalancing", code) };
        json!({ "Name": name, "Max": max.to_string() })
    };
    select::listing("Limits", LIMITS.iter().map(limit).collect(), req)
}
