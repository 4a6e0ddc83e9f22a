//! Which subnets and security groups a workgroup may have.
//!
//! Called by the workgroup operations. Source: the subnet rules of aws-facts.md 6.2. Must never change the world.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::ec2;
use super::{AwsError, World, invalid};

/// Zones (and subnets) without and with enhanced VPC routing.
const ZONES: (usize, usize) = (2, 3);
/// Free addresses every subnet needs without enhanced VPC routing.
pub(super) const FREE_WITHOUT_ROUTING: usize = 3;

/// Refuses subnets that do not exist, lie in several VPCs, in too few zones, or have fewer free addresses than
/// `free`; answers their VPC.
pub(super) fn check_subnets(
    world: &World,
    now: Timestamp,
    ids: &[String],
    routing: bool,
    free: usize,
) -> Result<String, AwsError> {
    let Some(first) = ids.first() else {
        return Err(invalid("subnetIds is required: there is no default VPC in this account."));
    };
    let (mut zones, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut vpcs = BTreeSet::new();
    for id in ids {
        let subnet = ec2::subnet(world, id).ok_or_else(|| invalid(format!("The subnet ID '{id}' does not exist.")))?;
        if !seen.insert(id) {
            return Err(invalid(format!("The subnet ID '{id}' is given twice.")));
        }
        zones.insert(&subnet.zone);
        vpcs.insert(&subnet.vpc);
    }
    if vpcs.len() > 1 {
        return Err(invalid("All subnets of a workgroup must be in the same VPC."));
    }
    let needed = if routing { ZONES.1 } else { ZONES.0 };
    if ids.len() < needed || zones.len() < needed {
        let with = if routing { "with" } else { "without" };
        return Err(invalid(format!(
            "A workgroup {with} enhanced VPC routing needs at least {needed} subnets in {needed} Availability Zones. You \
             specified {} subnets in {}.",
            ids.len(),
            zones.len()
        )));
    }
    check_free(world, now, ids, free)?;
    Ok(ec2::subnet(world, first).map(|subnet| subnet.vpc.clone()).unwrap_or_default())
}

/// Refuses subnets of which one has fewer free addresses than `free`.
pub(super) fn check_free(world: &World, now: Timestamp, ids: &[String], free: usize) -> Result<(), AwsError> {
    let has = |id: &&String| ec2::free_addresses(world, id, now) < free;
    match ids.iter().find(has) {
        Some(id) => Err(invalid(format!(
            "The subnet {id} has {} free IP addresses; every subnet of this workgroup needs at least {free}.",
            ec2::free_addresses(world, id, now)
        ))),
        None => Ok(()),
    }
}

/// Refuses security groups that are not in the VPC; none given means the VPC's default group.
pub(in crate::sandbox) fn check_groups(world: &World, vpc: &str, ids: &[String]) -> Result<Vec<String>, AwsError> {
    if ids.is_empty() {
        let mut groups = world.ec2.groups.iter();
        let default = groups.find(|(_, group)| group.vpc == vpc && group.name == "default");
        return Ok(default.map(|(id, _)| id.clone()).into_iter().collect());
    }
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        return Err(invalid("A security group is given twice."));
    }
    let foreign = |id: &&String| ec2::group_exists(world, id).is_none_or(|group| group.vpc != vpc);
    match ids.iter().find(foreign) {
        Some(id) => Err(invalid(format!("VPC Security group {id} does not exist in VPC {vpc}"))),
        None => Ok(ids.to_vec()),
    }
}

/// Refuses public access without an internet gateway and a public route in every subnet.
pub(super) fn check_public(world: &World, vpc: &str, subnets: &[String]) -> Result<(), AwsError> {
    if world.ec2.public_access.blocks() {
        return Err(invalid("VPC Block Public Access is on, so the workgroup can't be publicly accessible."));
    }
    if !ec2::has_internet_gateway(world, vpc) {
        return Err(invalid(format!(
            "The VPC {vpc} has no internet gateway, so the workgroup can't be publicly accessible."
        )));
    }
    match subnets.iter().find(|id| !ec2::is_public_subnet(world, id)) {
        Some(id) => Err(invalid(format!(
            "The subnet {id} has no route to an internet gateway, so the workgroup can't be publicly accessible."
        ))),
        None => Ok(()),
    }
}
