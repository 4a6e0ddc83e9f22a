//! The network interfaces of a workgroup's endpoint: one in each of up to three zones.
//!
//! Called by the workgroup operations. Source: aws-facts.md 6.2 (since June 2025). Must never be called before every
//! check of the operation has passed.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::{AwsError, INTERFACES_APPEAR, INTERFACES_LINGER, Reply, Workgroup, World};

/// Most zones an endpoint is placed in.
const MOST_ZONES: usize = 3;

/// One interface of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Id of the network interface.
    pub interface: String,
    /// Subnet it lies in.
    pub subnet: String,
    /// Zone of that subnet.
    pub zone: String,
    /// Its private address.
    pub address: Ipv4Addr,
}

/// Puts an interface into the first subnet of each of up to three zones, in the order given; they hold their
/// addresses at once and show from `appear` on.
pub(super) fn place(world: &mut World, appear: Timestamp, workgroup: &Workgroup) -> Result<Vec<Placed>, AwsError> {
    let (mut zones, mut chosen) = (BTreeSet::new(), Vec::new());
    for id in &workgroup.subnets {
        let zone = ec2::subnet(world, id).map(|subnet| subnet.zone.clone()).unwrap_or_default();
        if chosen.len() < MOST_ZONES && zones.insert(zone.clone()) {
            chosen.push((id, zone));
        }
    }
    let description = format!("VPC Endpoint Interface {}", workgroup.endpoint_id);
    let mut placed = Vec::new();
    for (subnet, zone) in chosen {
        let (interface, address) =
            ec2::place_interface(world, appear, subnet, &workgroup.groups, &workgroup.arn, &description)?;
        placed.push(Placed { interface, subnet: subnet.clone(), zone, address });
    }
    Ok(placed)
}

/// Lets the interfaces of a workgroup go some minutes after `from`.
pub(super) fn release(world: &mut World, owner: &str, from: Timestamp) {
    ec2::release_interfaces(world, owner, from + INTERFACES_LINGER);
}

/// The endpoint as answered: nothing while creating, then the address, some seconds later the interfaces.
pub(super) fn render(workgroup: &Workgroup, world: &World, now: Timestamp) -> Option<Reply> {
    if now < workgroup.ready_at {
        return None;
    }
    let shown = workgroup.ready_at + INTERFACES_APPEAR <= now;
    let interfaces: Vec<Reply> = workgroup
        .interfaces
        .iter()
        .map(|placed| {
            json!({
                "networkInterfaceId": placed.interface,
                "subnetId": placed.subnet,
                "availabilityZone": placed.zone,
                "privateIpAddress": placed.address.to_string(),
            })
        })
        .collect();
    let endpoint = json!({
        "vpcEndpointId": workgroup.endpoint_id,
        "vpcId": workgroup.vpc,
        "networkInterfaces": interfaces,
    });
    Some(json!({
        "address": format!(
            "{}.{}.{}.redshift-serverless.amazonaws.com",
            workgroup.name, world.account, world.region
        ),
        "port": workgroup.port,
        "vpcEndpoints": if shown { vec![endpoint] } else { Vec::new() },
    }))
}
