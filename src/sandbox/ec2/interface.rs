//! Network interfaces: placed, regrouped and released by other services, described for everybody.
//!
//! Called by serverless and elb for the addresses of workgroups and load balancers, and by the core for
//! `DescribeNetworkInterfaces`. An address stays taken until its interface is gone. It must never hand out an address
//! twice, nor one that AWS keeps back.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{AwsError, Ec2, Operation, Reply, Request, World, group, invalid, subnet, tag};

/// A network interface that a service owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Id of its subnet.
    pub subnet: String,
    /// Id of its VPC.
    pub vpc: String,
    /// Zone name.
    pub zone: String,
    /// Zone id.
    pub zone_id: String,
    /// Primary private address.
    pub address: Ipv4Addr,
    /// Public address mapped to it, if any.
    pub public_address: Option<Ipv4Addr>,
    /// Ids of its security groups; may be empty (a load balancer made without any).
    pub groups: Vec<String>,
    /// Key of the owner: the ARN of a workgroup, the id of an instance.
    pub owner: String,
    /// Description as AWS shows it.
    pub description: String,
    /// MAC address.
    pub mac: String,
    /// Its own id, for owners that list their interfaces.
    pub id: String,
    /// When it appears; until then it only keeps its address.
    pub created_at: Timestamp,
    /// When it is gone, once released.
    pub gone_at: Option<Timestamp>,
}

impl Interface {
    /// Tells whether it keeps its address and its groups at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.gone_at.is_none_or(|gone| now < gone)
    }

    /// Tells whether describe calls show it at `now`.
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.created_at <= now && self.holds(now)
    }

    /// What AWS calls it and which of its services asked for it, both told by the description; no service: somebody did,
    /// for an instance of theirs.
    fn origin(&self) -> (&'static str, Option<&'static str>) {
        if self.description.starts_with("ELB net/") {
            ("network_load_balancer", Some("amazon-elb"))
        } else if self.description.starts_with("VPC Endpoint Interface") {
            ("vpc_endpoint", Some("amazon-vpce"))
        } else if self.description.starts_with("RedshiftNetworkInterface") {
            ("interface", Some("amazon-redshift"))
        } else {
            ("interface", None)
        }
    }
}

static LISTING: Listing = Listing {
    kind: Kind::NetworkInterface,
    ids: "NetworkInterfaceId",
    id: "networkInterfaceId",
    set: "networkInterfaceSet",
    filters: &[
        ("addresses.association.owner-id", "privateIpAddressesSet.association.ipOwnerId"),
        ("addresses.association.public-ip", "privateIpAddressesSet.association.publicIp"),
        ("addresses.primary", "privateIpAddressesSet.primary"),
        ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
        ("association.allocation-id", ""),
        ("association.association-id", ""),
        ("association.ip-owner-id", "association.ipOwnerId"),
        ("association.public-dns-name", "association.publicDnsName"),
        ("association.public-ip", "association.publicIp"),
        ("attachment.attach-time", "attachment.attachTime"),
        ("attachment.attachment-id", "attachment.attachmentId"),
        ("attachment.delete-on-termination", "attachment.deleteOnTermination"),
        ("attachment.device-index", "attachment.deviceIndex"),
        ("attachment.instance-id", "attachment.instanceId"),
        ("attachment.instance-owner-id", "attachment.instanceOwnerId"),
        ("attachment.status", "attachment.status"),
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("description", "description"),
        ("group-id", "groupSet.groupId"),
        ("group-name", "groupSet.groupName"),
        ("interface-type", "interfaceType"),
        ("ipv6-addresses.ipv6-address", ""),
        ("mac-address", "macAddress"),
        ("network-interface-id", "networkInterfaceId"),
        ("operator.managed", "operator.managed"),
        ("operator.principal", ""),
        ("owner-id", "ownerId"),
        ("private-dns-name", "privateDnsName"),
        ("private-ip-address", "privateIpAddress"),
        ("requester-id", "requesterId"),
        ("requester-managed", "requesterManaged"),
        ("source-dest-check", "sourceDestCheck"),
        ("status", "status"),
        ("subnet-id", "subnetId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeNetworkInterfaces",
    mutating: false,
    params: super::paged!("NetworkInterfaceId"),
    run: describe_network_interfaces,
}];

/// Places an interface of `owner` into a subnet; answers its id and address. It appears at `now`, which may lie
/// ahead. The groups must be of the subnet's VPC; no groups means that nothing is filtered.
pub fn place_interface(
    world: &mut World,
    now: Timestamp,
    subnet: &str,
    groups: &[String],
    owner: &str,
    description: &str,
) -> Result<(String, Ipv4Addr), AwsError> {
    let place = subnet::get(&world.ec2, subnet)?.clone();
    demand_groups(&world.ec2, &place.vpc, groups)?;
    let seed = world.hex(8);
    let Some(address) = free_address(&world.ec2, now, subnet, place.cidr, &seed) else {
        return Err(AwsError::new(
            "InsufficientFreeAddressesInSubnet",
            format!("The specified subnet '{subnet}' does not have enough free addresses to satisfy the request."),
        ));
    };
    let id = Kind::NetworkInterface.id(&world.hex(17));
    let interface = Interface {
        subnet: subnet.to_owned(),
        vpc: place.vpc,
        zone: place.zone,
        zone_id: place.zone_id,
        address,
        public_address: None,
        groups: groups.to_vec(),
        owner: owner.to_owned(),
        description: description.to_owned(),
        mac: mac(&world.hex(10)),
        id: id.clone(),
        created_at: now,
        gone_at: None,
    };
    world.ec2.interfaces.insert(id.clone(), interface);
    Ok((id, address))
}

fn demand_groups(ec2: &Ec2, vpc: &str, groups: &[String]) -> Result<(), AwsError> {
    for id in groups {
        if group::get(ec2, id)?.vpc != vpc {
            return Err(invalid(format!(
                "You have specified two resources that belong to different networks: {id}, {vpc}"
            )));
        }
    }
    Ok(())
}

/// A free address of the block, from a seeded place on: a new interface does not get the last one's address.
fn free_address(ec2: &Ec2, now: Timestamp, subnet: &str, cidr: Ipv4Net, seed: &str) -> Option<Ipv4Addr> {
    let taken: BTreeSet<Ipv4Addr> = ec2
        .interfaces
        .values()
        .filter(|interface| interface.subnet == subnet && interface.holds(now))
        .map(|interface| interface.address)
        .collect();
    let count = u32::try_from(subnet::capacity(cidr)).ok()?;
    let start = u32::from_str_radix(seed, 16).ok()? % count.max(1);
    let first = u32::from(cidr.network()) + subnet::RESERVED_FIRST;
    (0..count).map(|step| Ipv4Addr::from(first + (start + step) % count)).find(|address| !taken.contains(address))
}

fn mac(hex: &str) -> String {
    // The leading 02 marks a locally administered address.
    let bytes: Vec<&str> = (0..hex.len() / 2).filter_map(|byte| hex.get(2 * byte..2 * byte + 2)).collect();
    format!("02:{}", bytes.join(":"))
}

fn of_owner<'a>(world: &'a mut World, owner: &'a str) -> impl Iterator<Item = &'a mut Interface> {
    let interfaces = world.ec2.interfaces.values_mut();
    interfaces.filter(move |interface| interface.owner == owner && interface.gone_at.is_none())
}

/// Releases all interfaces of `owner`; they keep their addresses and groups until `gone_at`.
pub fn release_interfaces(world: &mut World, owner: &str, gone_at: Timestamp) {
    for interface in of_owner(world, owner) {
        interface.gone_at = Some(gone_at);
    }
}

/// Gives all interfaces of `owner` other security groups; the caller has checked that they are of the VPC.
pub fn regroup_interfaces(world: &mut World, owner: &str, groups: &[String]) {
    for interface in of_owner(world, owner) {
        interface.groups = groups.to_vec();
    }
}

/// Maps a public address to every interface of `owner` that has none.
pub fn map_public_addresses(world: &mut World, owner: &str) {
    let seed = world.hex(8);
    let seed = u32::from_str_radix(&seed, 16).unwrap_or_default();
    let mut taken: BTreeSet<Ipv4Addr> =
        world.ec2.interfaces.values().filter_map(|interface| interface.public_address).collect();
    for interface in of_owner(world, owner) {
        if interface.public_address.is_none() {
            let free = (0..=u32::from(u16::MAX))
                .map(|step| public_address(seed.wrapping_add(step)))
                .find(|address| !taken.contains(address));
            taken.extend(free);
            interface.public_address = free;
        }
    }
}

/// An address of 52.0.0.0/8, where many public addresses of AWS lie.
fn public_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from((52 << 24) | (number & 0x00FF_FFFF))
}

/// Takes the public addresses of all interfaces of `owner` away.
pub fn unmap_public_addresses(world: &mut World, owner: &str) {
    for interface in of_owner(world, owner) {
        interface.public_address = None;
    }
}

/// The interfaces of `owner` that show at `now`, in order of their ids.
pub fn interfaces<'a>(world: &'a World, owner: &str, now: Timestamp) -> Vec<&'a Interface> {
    let all = world.ec2.interfaces.values();
    all.filter(|interface| interface.owner == owner && interface.is_visible(now)).collect()
}

fn show(world: &World, id: &str, interface: &Interface) -> Value {
    let groups: Vec<Value> = interface
        .groups
        .iter()
        .map(|group| {
            let name = world.ec2.groups.get(group).map(|group| &group.name);
            json!({ "groupId": group, "groupName": name })
        })
        .collect();
    let (interface_type, requester) = interface.origin();
    let private_name = format!("ip-{}.{}.compute.internal", dashed(interface.address), world.region);
    let association = interface.public_address.map(|address| {
        json!({
            "publicIp": address,
            "publicDnsName": format!("ec2-{}.{}.compute.amazonaws.com", dashed(address), world.region),
            "ipOwnerId": "amazon",
        })
    });
    let attachment_id = id.replace("eni-", "ela-attach-");
    json!({
        "networkInterfaceId": id,
        "subnetId": interface.subnet,
        "vpcId": interface.vpc,
        "availabilityZone": interface.zone,
        "availabilityZoneId": interface.zone_id,
        "description": interface.description,
        "ownerId": world.account,
        "requesterId": requester,
        "requesterManaged": requester.is_some(),
        "operator": { "managed": false },
        "status": "in-use",
        "macAddress": interface.mac,
        "privateIpAddress": interface.address,
        "privateDnsName": private_name,
        "sourceDestCheck": true,
        "interfaceType": interface_type,
        "groupSet": groups,
        "attachment": {
            "attachmentId": attachment_id,
            "instanceId": requester.is_none().then_some(&interface.owner),
            "instanceOwnerId": requester.unwrap_or(&world.account),
            "deviceIndex": 1,
            "status": "attached",
            "attachTime": interface.created_at.to_string(),
            "deleteOnTermination": false,
        },
        "association": association,
        "privateIpAddressesSet": [{
            "privateIpAddress": interface.address,
            "privateDnsName": private_name,
            "primary": true,
            "association": association,
        }],
        "ipv6AddressesSet": [],
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}

fn describe_network_interfaces(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let interfaces = &world.ec2.interfaces;
    let all = interfaces
        .iter()
        .filter(|(_, interface)| interface.is_visible(now))
        .map(|(id, interface)| show(world, id, interface))
        .collect();
    LISTING.answer(req, all)
}
