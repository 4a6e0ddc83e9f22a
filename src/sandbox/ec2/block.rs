//! VPC Block Public Access: what it blocks in the region. One operation.
//!
//! Called by the core, and by whatever is to be reachable from outside. Must never be changed by a call: only tests do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{AwsError, Operation, Reply, Request, World};

/// What is blocked at the internet gateways of a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublicAccess {
    /// Nothing.
    #[default]
    Off,
    /// What comes in.
    BlockIngress,
    /// Both ways.
    BlockBidirectional,
}

impl PublicAccess {
    /// Whether anything is blocked.
    pub fn blocks(self) -> bool {
        self != Self::Off
    }
}

pub(super) static OPERATIONS: &[Operation] =
    &[Operation { name: "DescribeVpcBlockPublicAccessOptions", mutating: false, params: &[], run: describe }];

fn describe(world: &mut World, _req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mode = world.ec2.public_access;
    Ok(json!({ "vpcBlockPublicAccessOptions": {
        "awsAccountId": world.account,
        "awsRegion": world.region,
        "state": if mode.blocks() { "update-complete" } else { "default-state" },
        "internetGatewayBlockMode": mode,
        "managedBy": "account",
        "exclusionsAllowed": "allowed",
    } }))
}
