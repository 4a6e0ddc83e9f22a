//! The zones of a load balancer: one subnet and one interface in each.
//!
//! Called by CreateLoadBalancer and SetSubnets. Source: aws-facts.md 7.1. Must never place an interface before every
//! check of the operation has passed.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::{AwsError, Balancer, INTERFACES_LINGER, Reply, Request, World, configuration, invalid};

/// Free addresses a subnet needs (7.1).
const FREE: usize = 8;

/// A zone of a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Zone name.
    pub name: String,
    /// The subnet in that zone.
    pub subnet: String,
    /// Id of the interface in that subnet.
    pub interface: String,
    /// Address of the interface.
    pub address: Ipv4Addr,
    /// When it serves.
    pub serves_at: Timestamp,
}

impl Zone {
    /// The zone as answered; addresses only where the caller fixed them, which no caller of the sandbox can.
    pub(super) fn render(&self) -> Reply {
        json!({ "ZoneName": self.name, "SubnetId": self.subnet, "LoadBalancerAddresses": [] })
    }
}

/// What the interfaces of one zone of a load balancer belong to.
pub(super) fn owner(balancer: &str, zone: &str) -> String {
    format!("{balancer}#{zone}")
}

/// Subnets of the call, by `Subnets` or `SubnetMappings`: known, one VPC, one per zone; answers them and the VPC.
pub(super) fn read(world: &World, req: &Request) -> Result<(Vec<String>, String), AwsError> {
    let mut ids = req.texts("Subnets")?;
    let mappings = req.list("SubnetMappings");
    if !ids.is_empty() && !mappings.is_empty() {
        return Err(invalid("You can specify either subnets or subnet mappings, not both"));
    }
    for mapping in mappings {
        ids.push(mapping.text("SubnetId")?);
    }
    if ids.is_empty() {
        return Err(invalid("At least one subnet must be specified"));
    }
    let (mut zones, mut vpcs) = (BTreeSet::new(), BTreeSet::new());
    for id in &ids {
        let subnet = ec2::subnet(world, id)
            .ok_or_else(|| AwsError::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        vpcs.insert(&subnet.vpc);
        if !zones.insert(&subnet.zone) {
            return Err(configuration(
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
    }
    match vpcs.into_iter().collect::<Vec<_>>().as_slice() {
        [vpc] => Ok((ids, (*vpc).clone())),
        _ => Err(configuration("All subnets must belong to the same VPC")),
    }
}

/// Refuses subnets without room, and subnets of a VPC without gateway for an internet-facing load balancer.
pub(super) fn check(
    world: &World,
    now: Timestamp,
    subnets: &[String],
    vpc: &str,
    internet_facing: bool,
) -> Result<(), AwsError> {
    let refuse = |message: String| AwsError::new("InvalidSubnet", message);
    if let Some(id) = subnets.iter().find(|id| ec2::free_addresses(world, id, now) < FREE) {
        return Err(refuse(format!(
            "Not enough IP space available in {id}. ELB requires at least {FREE} free IP addresses in each subnet."
        )));
    }
    if internet_facing && !ec2::has_internet_gateway(world, vpc) {
        return Err(refuse(format!("VPC {vpc} has no internet gateway")));
    }
    Ok(())
}

/// Enables zones: one interface in each subnet, serving at `serves_at`.
pub(super) fn enable(
    world: &mut World,
    now: Timestamp,
    balancer: &Balancer,
    subnets: &[String],
    serves_at: Timestamp,
) -> Result<Vec<Zone>, AwsError> {
    let description = format!("ELB {}", balancer.resource());
    let mut zones = Vec::new();
    for id in subnets {
        let name = ec2::subnet(world, id).map(|subnet| subnet.zone.clone()).unwrap_or_default();
        let owner = owner(&balancer.arn, &name);
        let (interface, address) = ec2::place_interface(world, now, id, &balancer.groups, &owner, &description)?;
        if balancer.is_internet_facing() {
            ec2::map_public_addresses(world, &owner);
        }
        zones.push(Zone { name, subnet: id.clone(), interface, address, serves_at });
    }
    Ok(zones)
}

/// Disables zones; their interfaces go some minutes later.
pub(super) fn disable(world: &mut World, now: Timestamp, balancer: &str, zones: &[Zone]) {
    for zone in zones {
        let owner = owner(balancer, &zone.name);
        ec2::unmap_public_addresses(world, &owner);
        ec2::release_interfaces(world, &owner, now + INTERFACES_LINGER);
    }
}
