//! EC2 of the sandbox: networks, their gateways, routes, endpoints, security groups and interfaces.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `ec2`, and by the other services for
//! the network their objects live in ([`place_interface`], [`reaches`] and the other functions exported below).
//! Source of every rule: aws-facts.md section 1 and the API model 2016-11-15. It must never look at the wall clock
//! (the time comes in with the call), never change the world before every check has passed, and never answer
//! "everything" to a filter it does not know.

mod acl;
mod block;
mod cidr;
mod describe;
mod endpoint;
mod filter;
mod gateway;
mod group;
mod interface;
mod kind;
mod permission;
mod reach;
mod route;
mod route_table;
mod rule;
mod subnet;
mod tag;
#[cfg(test)]
mod tests;
mod token;
mod vpc;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{Operation, Protocol, Service};

pub use acl::AclEntry;
pub use block::PublicAccess;
pub use endpoint::Endpoint;
pub use gateway::{InternetGateway, has_internet_gateway};
pub use group::{SecurityGroup, group_exists};
pub use interface::{
    Interface, interfaces, map_public_addresses, place_interface, regroup_interfaces, release_interfaces,
    unmap_public_addresses,
};
pub use permission::{Peer, Rule};
pub use reach::reaches;
pub use route::{Route, Target};
pub use route_table::{Association, RouteTable, is_public_subnet};
pub use subnet::{Subnet, free_addresses, subnet};
pub use tag::Tags;
pub(super) use tag::all_tagged;
pub use token::Token;
pub use vpc::Vpc;
pub use zone::{region, zone_id, zone_names};

/// AWS time from `pending` to `available` of a VPC or subnet (aws-facts.md 1.1: seconds).
const NETWORK_SETTLES: SignedDuration = SignedDuration::from_secs(3);
/// AWS time from `associating` to `associated` of a route table (aws-facts.md 1.1: seconds).
const ASSOCIATION_SETTLES: SignedDuration = SignedDuration::from_secs(3);
/// AWS time from `pending` to `available` of a gateway endpoint (aws-facts.md 1.1: under a minute).
const ENDPOINT_SETTLES: SignedDuration = SignedDuration::from_secs(15);
/// AWS time a deleted gateway endpoint stays visible as `deleting` (aws-facts.md 1.1: under a minute).
const ENDPOINT_VANISHES: SignedDuration = SignedDuration::from_secs(15);

/// State of EC2 in one region. Tags of every object lie in one map, because `DescribeTags` reads them all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ec2 {
    /// VPCs by id.
    pub vpcs: BTreeMap<String, Vpc>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, Subnet>,
    /// Internet gateways by id.
    pub gateways: BTreeMap<String, InternetGateway>,
    /// Route tables by id, the main one of every VPC included.
    pub tables: BTreeMap<String, RouteTable>,
    /// Gateway endpoints by id, those `deleting` included.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Security groups by id, the default one of every VPC included.
    pub groups: BTreeMap<String, SecurityGroup>,
    /// Rules of all security groups by rule id.
    pub rules: BTreeMap<String, Rule>,
    /// Network interfaces by id, those released but not yet gone included.
    pub interfaces: BTreeMap<String, Interface>,
    /// Tags by resource id; an object without tags has no entry.
    pub tags: BTreeMap<String, Tags>,
    /// Client tokens of idempotent creates, by operation and token.
    pub tokens: BTreeMap<String, Token>,
    /// What VPC Block Public Access blocks; only tests set it (`Sandbox::edit`).
    pub public_access: PublicAccess,
    /// Rules before those that let everything through, of the default network ACL of a VPC, by VPC; only tests put them
    /// here.
    pub acl_entries: BTreeMap<String, Vec<AclEntry>>,
    /// Zones that are not available; only tests put them here.
    pub impaired_zones: BTreeSet<String>,
}

impl Ec2 {
    /// Tells whether nothing a user created is left (what a VPC brings along goes with the VPC).
    pub fn is_empty(&self) -> bool {
        self.vpcs.is_empty() && self.gateways.is_empty()
    }

    /// Forgets interfaces and endpoints whose time is over; readers already leave them out.
    fn sweep(&mut self, now: Timestamp) {
        let interfaces = gone_ids(&self.interfaces, |interface| !interface.holds(now));
        let endpoints = gone_ids(&self.endpoints, |endpoint| endpoint.is_gone(now));
        for id in interfaces {
            self.interfaces.remove(&id);
            self.tags.remove(&id);
        }
        for id in endpoints {
            self.endpoints.remove(&id);
            self.forget(&id);
        }
    }

    /// Forgets the tags and the client token of an object that was removed.
    fn forget(&mut self, id: &str) {
        self.tags.remove(id);
        self.tokens.retain(|_, token| token.id != id);
    }
}

fn gone_ids<T>(objects: &BTreeMap<String, T>, gone: impl Fn(&T) -> bool) -> Vec<String> {
    objects.iter().filter(|(_, object)| gone(object)).map(|(id, _)| id.clone()).collect()
}

/// The service as the core routes it: EC2 query protocol, version 2016-11-15.
pub static SERVICE: Service = Service {
    scope: "ec2",
    protocol: Protocol::Ec2,
    version: "2016-11-15",
    lists: &[],
    operations: &[
        acl::OPERATIONS,
        block::OPERATIONS,
        zone::OPERATIONS,
        vpc::OPERATIONS,
        subnet::OPERATIONS,
        gateway::OPERATIONS,
        route_table::OPERATIONS,
        route::OPERATIONS,
        endpoint::OPERATIONS,
        group::OPERATIONS,
        rule::OPERATIONS,
        tag::OPERATIONS,
        interface::OPERATIONS,
    ],
};

/// Parameter paths of a create that takes tags, after its own.
macro_rules! tagged {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "TagSpecification.ResourceType",
            "TagSpecification.Tag.Key",
            "TagSpecification.Tag.Value",
        ]
    };
}

/// Parameter paths of a describe with filters and pages, after its own.
macro_rules! paged {
    ($($own:literal),* $(,)?) => {
        &[$($own,)* "Filter.Name", "Filter.Value", "MaxResults", "NextToken"]
    };
}

/// Parameter paths of a call that takes security group permissions, after its own.
macro_rules! permitted {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "IpPermissions.IpProtocol",
            "IpPermissions.FromPort",
            "IpPermissions.ToPort",
            "IpPermissions.Groups.GroupId",
            "IpPermissions.Groups.UserId",
            "IpPermissions.Groups.Description",
            "IpPermissions.IpRanges.CidrIp",
            "IpPermissions.IpRanges.Description",
            "IpPermissions.Ipv6Ranges.CidrIpv6",
            "IpPermissions.Ipv6Ranges.Description",
            "IpPermissions.PrefixListIds.PrefixListId",
            "IpPermissions.PrefixListIds.Description",
        ]
    };
}

use {paged, permitted, tagged};

/// The answer of the calls that return nothing but success.
fn done() -> Reply {
    serde_json::json!({ "return": true })
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

fn combination(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterCombination", message)
}

fn missing(message: impl Into<String>) -> AwsError {
    AwsError::new("MissingParameter", message)
}

fn dependency(message: impl Into<String>) -> AwsError {
    AwsError::new("DependencyViolation", message)
}
