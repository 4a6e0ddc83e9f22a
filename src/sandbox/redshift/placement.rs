//! The network interfaces of a cluster's endpoint: one in each zone it runs in.
//!
//! Called by create, modify and delete of clusters. Source: aws-facts.md 5.3. Must never be asked to place an interface
//! before every check of the operation has passed.

use jiff::Timestamp;

use super::super::ec2;
use super::super::serverless::Placed;
use super::cluster::Cluster;
use super::cluster_spec::network;
use super::subnet_group::{GroupSubnet, SubnetGroup};
use super::{AwsError, INTERFACES_LINGER, World};

/// What EC2 shows for an interface of a cluster.
const DESCRIPTION: &str = "RedshiftNetworkInterface";

/// The subnet of a group in which an interface can lie: of that zone, if one is asked for, and of none of the others.
pub(super) fn subnet(
    world: &World,
    now: Timestamp,
    group: &SubnetGroup,
    zone: Option<&str>,
    others: &[String],
) -> Result<GroupSubnet, AwsError> {
    let fits = |subnet: &&GroupSubnet| {
        zone.is_none_or(|zone| subnet.zone == zone)
            && !others.contains(&subnet.zone)
            && ec2::subnet(world, &subnet.id).is_some()
    };
    let mut subnets = group.subnets.iter().filter(fits).peekable();
    if subnets.peek().is_none() {
        let zone = zone.unwrap_or("another zone");
        return Err(network(format!("The cluster subnet group {} does not cover {zone}.", group.name)));
    }
    let free = subnets.find(|subnet| ec2::free_addresses(world, &subnet.id, now) > 0);
    free.cloned()
        .ok_or_else(|| network(format!("No subnet of the cluster subnet group {} has a free IP address.", group.name)))
}

/// Puts an interface into a subnet; it holds its address at once and shows from `appear` on.
pub(super) fn place(
    world: &mut World,
    appear: Timestamp,
    cluster: &Cluster,
    groups: &[String],
    subnet: GroupSubnet,
) -> Result<Placed, AwsError> {
    let owner = cluster.owner(&subnet.zone);
    let (interface, address) = ec2::place_interface(world, appear, &subnet.id, groups, &owner, DESCRIPTION)?;
    Ok(Placed { interface, subnet: subnet.id, zone: subnet.zone, address })
}

/// Lets the interfaces in those zones go some minutes after `from`.
pub(super) fn release(world: &mut World, cluster: &Cluster, zones: &[String], from: Timestamp) {
    for zone in zones {
        ec2::release_interfaces(world, &cluster.owner(zone), from + INTERFACES_LINGER);
    }
}

/// Gives the interfaces in those zones a public address each, or takes it away.
pub(super) fn publish(world: &mut World, cluster: &Cluster, zones: &[String], public: bool) {
    for zone in zones {
        if public {
            ec2::map_public_addresses(world, &cluster.owner(zone));
        } else {
            ec2::unmap_public_addresses(world, &cluster.owner(zone));
        }
    }
}

/// Gives the interfaces in those zones other security groups.
pub(super) fn regroup(world: &mut World, cluster: &Cluster, zones: &[String], groups: &[String]) {
    for zone in zones {
        ec2::regroup_interfaces(world, &cluster.owner(zone), groups);
    }
}
