//! Network ACLs: the default one that every VPC brings along, for all of its subnets. One operation.
//!
//! Called by the core, and by `reach` for what gets through. Must never be changed by a call: only tests put entries
//! before the one that lets everything through.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{AwsError, Ec2, Operation, Reply, Request, World};

/// One rule, about all protocols of TCP ports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AclEntry {
    /// The lower, the earlier; the rule that lets everything through has 100.
    pub number: u16,
    /// Whether it is about what goes out.
    pub egress: bool,
    /// Whether it lets through.
    pub allow: bool,
    /// The other side.
    pub cidr: Ipv4Net,
    /// First and last port.
    pub ports: (u16, u16),
}

static LISTING: Listing = Listing {
    kind: Kind::NetworkAcl,
    ids: "NetworkAclId",
    id: "networkAclId",
    set: "networkAclSet",
    filters: &[
        ("association.network-acl-id", "associationSet.networkAclId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("default", "default"),
        ("network-acl-id", "networkAclId"),
        ("owner-id", "ownerId"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] =
    &[Operation { name: "DescribeNetworkAcls", mutating: false, params: super::paged!("NetworkAclId"), run: describe }];

/// Whether the ACL of the VPC lets TCP traffic with that other side through, to or from that port.
pub(super) fn lets_through(ec2: &Ec2, vpc: &str, egress: bool, other: Ipv4Addr, port: u16) -> bool {
    let mut entries: Vec<&AclEntry> = ec2.acl_entries.get(vpc).into_iter().flatten().collect();
    entries.sort_by_key(|entry| entry.number);
    let fits = |entry: &&&AclEntry| {
        entry.egress == egress && entry.cidr.contains(&other) && (entry.ports.0..=entry.ports.1).contains(&port)
    };
    entries.iter().find(fits).is_none_or(|entry| entry.allow)
}

fn describe(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let all = world.ec2.vpcs.keys().map(|vpc| show(world, vpc)).collect();
    LISTING.answer(req, all)
}

fn show(world: &World, vpc: &str) -> Reply {
    let id = format!("acl-{}", vpc.trim_start_matches("vpc-"));
    let subnets = world.ec2.subnets.iter().filter(|(_, subnet)| subnet.vpc == *vpc).map(|(subnet, _)| {
        let association = format!("aclassoc-{}", subnet.trim_start_matches("subnet-"));
        json!({ "networkAclAssociationId": association, "networkAclId": id, "subnetId": subnet })
    });
    let own = world.ec2.acl_entries.get(vpc).into_iter().flatten().map(|entry| {
        json!({
            "ruleNumber": entry.number,
            "protocol": "6",
            "ruleAction": if entry.allow { "allow" } else { "deny" },
            "egress": entry.egress,
            "cidrBlock": entry.cidr,
            "portRange": { "from": entry.ports.0, "to": entry.ports.1 },
        })
    });
    let rest = [false, true].into_iter().flat_map(|egress| {
        [(100, "allow"), (32767, "deny")].map(|(number, action)| {
            json!({ "ruleNumber": number, "protocol": "-1", "ruleAction": action, "egress": egress,
                "cidrBlock": "0.0.0.0/0" })
        })
    });
    json!({
        "networkAclId": id,
        "vpcId": vpc,
        "ownerId": world.account,
        "default": true,
        "associationSet": subnets.collect::<Vec<_>>(),
        "entrySet": own.chain(rest).collect::<Vec<_>>(),
        "tagSet": [],
    })
}
