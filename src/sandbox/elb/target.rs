//! Targets: register and deregister addresses.
//!
//! Called by the core; their health is told in `health`. Source: aws-facts.md 7.4. Must never register an address outside
//! the VPC unless it is private and meant for all zones.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attribute_key::DEREGISTRATION_DELAY;
use super::{AwsError, Operation, Reply, Request, TargetGroup, World, target_group};

/// The zone of targets outside the VPC.
pub(super) const ALL_ZONES: &str = "all";

/// A target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// Its zone, or `all`.
    pub zone: String,
    /// When it was registered.
    pub registered: Timestamp,
    /// When draining is over, once deregistered.
    pub gone_at: Option<Timestamp>,
}

impl Target {
    /// Whether it is still listed.
    pub(super) fn exists(&self, now: Timestamp) -> bool {
        self.gone_at.is_none_or(|gone_at| now < gone_at)
    }
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "RegisterTargets",
        mutating: true,
        params: &["TargetGroupArn", "Targets.Id", "Targets.Port", "Targets.AvailabilityZone"],
        run: register_targets,
    },
    Operation {
        name: "DeregisterTargets",
        mutating: true,
        params: &["TargetGroupArn", "Targets.Id", "Targets.Port", "Targets.AvailabilityZone"],
        run: deregister_targets,
    },
];

fn refuse(message: String) -> AwsError {
    AwsError::new("InvalidTarget", message)
}

/// Address and port of one target of a call; without a port it is the group's.
pub(super) fn read(target: &Request, group: &TargetGroup) -> Result<(Ipv4Addr, u16), AwsError> {
    let id = target.text("Id")?;
    let address =
        id.parse().map_err(|_| super::invalid(format!("The IP address '{id}' is not a valid IPv4 address")))?;
    let port = target_group::read_port(target, "Port")?.unwrap_or(group.port);
    Ok((address, port))
}

// The zone of the subnet that holds the address; outside the VPC it must be said to be `all`.
fn zone_of(world: &World, group: &TargetGroup, address: Ipv4Addr, asked: Option<&str>) -> Result<String, AwsError> {
    let inside = world.ec2.vpcs.get(&group.vpc).is_some_and(|vpc| vpc.cidr.contains(&address));
    if !inside {
        return outside_zone(group, address, asked);
    }
    let mut subnets = world.ec2.subnets.values();
    let Some(subnet) = subnets.find(|subnet| subnet.vpc == group.vpc && subnet.cidr.contains(&address)) else {
        return Err(refuse(format!("The IP address '{address}' is not within any subnet of the VPC '{}'", group.vpc)));
    };
    match asked {
        Some(zone) if zone != subnet.zone && zone != ALL_ZONES => Err(refuse(format!(
            "The IP address '{address}' is in the Availability Zone '{}', not in '{zone}'",
            subnet.zone
        ))),
        Some(zone) => Ok(zone.to_owned()),
        None => Ok(subnet.zone.clone()),
    }
}

fn outside_zone(group: &TargetGroup, address: Ipv4Addr, asked: Option<&str>) -> Result<String, AwsError> {
    // RFC 6598, the block of carriers: 100.64.0.0/10.
    let carrier = address.octets().first() == Some(&100) && (64..128).contains(&address.octets()[1]);
    if !address.is_private() && !carrier {
        return Err(refuse(format!("The IP address '{address}' is not within the VPC nor a private address")));
    }
    if asked != Some(ALL_ZONES) {
        return Err(refuse(format!(
            "You must specify the Availability Zone 'all' for the IP address '{address}', which is outside the VPC '{}'",
            group.vpc
        )));
    }
    Ok(ALL_ZONES.to_owned())
}

fn targets(req: &Request) -> Result<Vec<Request>, AwsError> {
    let targets = req.list("Targets");
    if targets.is_empty() { Err(req.missing("Targets")) } else { Ok(targets) }
}

fn register_targets(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = target_group::find(world, req)?;
    for target in targets(req)? {
        let (address, port) = read(&target, &group)?;
        let zone = zone_of(world, &group, address, target.opt_text("AvailabilityZone")?.as_deref())?;
        // One that is registered stays as it is; one that drains comes back anew.
        let same = |target: &Target| (target.address, target.port) == (address, port);
        if !group.targets.iter().any(|target| same(target) && target.gone_at.is_none()) {
            group.targets.retain(|target| !same(target));
            group.targets.push(Target { address, port, zone, registered: now, gone_at: None });
        }
    }
    Ok(store(world, group, now))
}

fn deregister_targets(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = target_group::find(world, req)?;
    // Nothing drains in a group that no listener uses.
    let delay = match world.elb.users(&group.arn).next() {
        Some(_) => group.attributes.get(DEREGISTRATION_DELAY).and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
        None => 0,
    };
    for target in targets(req)? {
        let named = read(&target, &group)?;
        // One that is not registered on that port is a success without effect.
        for target in &mut group.targets {
            if (target.address, target.port) == named && target.gone_at.is_none() {
                target.gone_at = Some(now + SignedDuration::from_secs(delay));
            }
        }
    }
    Ok(store(world, group, now))
}

fn store(world: &mut World, mut group: TargetGroup, now: Timestamp) -> Reply {
    group.targets.retain(|target| target.exists(now));
    world.elb.groups.insert(group.arn.clone(), group);
    json!({})
}
