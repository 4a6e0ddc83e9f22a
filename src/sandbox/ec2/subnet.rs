//! Subnets: create, delete, describe, and the attributes that change in place.
//!
//! Called by the core; other services look subnets up through [`subnet`] and [`free_addresses`]. It must never let
//! two subnets of a VPC overlap, nor delete one that still holds an interface.

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{
    AwsError, Ec2, NETWORK_SETTLES, Operation, Reply, Request, World, cidr, combination, dependency, done, invalid,
    missing, tag, vpc, zone,
};

/// Addresses AWS keeps back in every subnet: the first four and the last (aws-facts.md 1.2).
pub(super) const RESERVED: u32 = 5;
/// How many of the reserved addresses lie at the start of the subnet.
pub(super) const RESERVED_FIRST: u32 = 4;
const OUT_OF_RANGE: &str = "InvalidSubnet.Range";

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// Id of its VPC.
    pub vpc: String,
    /// The block, canonical.
    pub cidr: Ipv4Net,
    /// Zone name, e.g. `us-west-2a`.
    pub zone: String,
    /// Zone id, e.g. `usw2-az1`.
    pub zone_id: String,
    /// Attribute `mapPublicIpOnLaunch`; off at birth.
    pub map_public_ip: bool,
    /// Attribute `enableResourceNameDnsARecordOnLaunch`; off at birth.
    pub resource_name_record: bool,
    /// When `pending` becomes `available`.
    pub available_at: Timestamp,
}

static LISTING: Listing = Listing {
    kind: Kind::Subnet,
    ids: "SubnetId",
    id: "subnetId",
    set: "subnetSet",
    filters: &[
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("customer-owned-ipv4-pool", ""),
        ("default-for-az", "defaultForAz"),
        ("defaultForAz", "defaultForAz"),
        ("enable-dns64", "enableDns64"),
        ("enable-lni-at-device-index", ""),
        ("ipv6-cidr-block-association.association-id", ""),
        ("ipv6-cidr-block-association.ipv6-cidr-block", ""),
        ("ipv6-cidr-block-association.state", ""),
        ("ipv6-native", "ipv6Native"),
        ("map-customer-owned-ip-on-launch", "mapCustomerOwnedIpOnLaunch"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("outpost-arn", ""),
        ("owner-id", "ownerId"),
        (
            "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
            "privateDnsNameOptionsOnLaunch.enableResourceNameDnsARecord",
        ),
        (
            "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
            "privateDnsNameOptionsOnLaunch.enableResourceNameDnsAAAARecord",
        ),
        ("private-dns-name-options-on-launch.hostname-type", "privateDnsNameOptionsOnLaunch.hostnameType"),
        ("state", "state"),
        ("subnet-arn", "subnetArn"),
        ("subnet-id", "subnetId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSubnet",
        mutating: true,
        params: super::tagged!("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId"),
        run: create_subnet,
    },
    Operation { name: "DeleteSubnet", mutating: true, params: &["SubnetId"], run: delete_subnet },
    Operation { name: "DescribeSubnets", mutating: false, params: super::paged!("SubnetId"), run: describe_subnets },
    Operation {
        name: "ModifySubnetAttribute",
        mutating: true,
        params: &["SubnetId", "MapPublicIpOnLaunch.Value", "EnableResourceNameDnsARecordOnLaunch.Value"],
        run: modify_subnet_attribute,
    },
];

/// The attributes that change in place: parameter and field.
type Attribute = (&'static str, fn(&mut Subnet) -> &mut bool);
const ATTRIBUTES: [Attribute; 2] = [
    ("MapPublicIpOnLaunch", |subnet| &mut subnet.map_public_ip),
    ("EnableResourceNameDnsARecordOnLaunch", |subnet| &mut subnet.resource_name_record),
];

/// The subnet `id`, if there is one.
pub fn subnet<'a>(world: &'a World, id: &str) -> Option<&'a Subnet> {
    world.ec2.subnets.get(id)
}

/// Number of addresses an interface could still get in the subnet; 0 for a subnet that is not there.
pub fn free_addresses(world: &World, subnet_id: &str, now: Timestamp) -> usize {
    let Some(subnet) = subnet(world, subnet_id) else {
        return 0;
    };
    let taken =
        world.ec2.interfaces.values().filter(|interface| interface.subnet == subnet_id && interface.holds(now)).count();
    capacity(subnet.cidr).saturating_sub(taken)
}

/// Number of addresses of a block that interfaces may have: 2^(32-prefix) - 5.
pub(super) fn capacity(cidr: Ipv4Net) -> usize {
    let hosts = 1_usize << (32 - u32::from(cidr.prefix_len()));
    hosts.saturating_sub(RESERVED as usize)
}

/// The subnet `id`, or the error that it is not there.
pub(super) fn get<'a>(ec2: &'a Ec2, id: &str) -> Result<&'a Subnet, AwsError> {
    ec2.subnets.get(id).ok_or_else(|| Kind::Subnet.absent(id))
}

fn show(world: &World, id: &str, subnet: &Subnet, now: Timestamp) -> Value {
    json!({
        "subnetId": id,
        "subnetArn": world.arn("ec2", &format!("subnet/{id}")),
        "vpcId": subnet.vpc,
        "ownerId": world.account,
        "state": vpc::settled_state(subnet.available_at, now),
        "cidrBlock": subnet.cidr,
        "availabilityZone": subnet.zone,
        "availabilityZoneId": subnet.zone_id,
        "availableIpAddressCount": free_addresses(world, id, now),
        "mapPublicIpOnLaunch": subnet.map_public_ip,
        "defaultForAz": false,
        "assignIpv6AddressOnCreation": false,
        "mapCustomerOwnedIpOnLaunch": false,
        "enableDns64": false,
        "ipv6Native": false,
        "ipv6CidrBlockAssociationSet": [],
        "privateDnsNameOptionsOnLaunch": {
            "hostnameType": "ip-name",
            "enableResourceNameDnsARecord": subnet.resource_name_record,
            "enableResourceNameDnsAAAARecord": false,
        },
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn create_subnet(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let vpc_id = req.text("VpcId")?;
    let block = req
        .opt_text("CidrBlock")?
        .ok_or_else(|| missing("Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."))?;
    let network = vpc::get(&world.ec2, &vpc_id)?.cidr;
    let cidr = cidr::v4(&block, "cidrBlock")?;
    cidr::demand_size(cidr, OUT_OF_RANGE)?;
    if !network.contains(&cidr) {
        return Err(cidr::out_of_range(cidr, OUT_OF_RANGE));
    }
    let taken = |other: &Subnet| other.vpc == vpc_id && cidr::overlap(other.cidr, cidr);
    if world.ec2.subnets.values().any(taken) {
        return Err(AwsError::new(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let (zone, zone_id) = zone_of(world, req)?;
    let tags = tag::at_creation(req, Kind::Subnet)?;

    let id = Kind::Subnet.id(&world.hex(17));
    let subnet = Subnet {
        vpc: vpc_id,
        cidr,
        zone,
        zone_id,
        map_public_ip: false,
        resource_name_record: false,
        available_at: now + NETWORK_SETTLES,
    };
    tag::store(&mut world.ec2, &id, tags);
    world.ec2.subnets.insert(id.clone(), subnet.clone());
    Ok(json!({ "subnet": show(world, &id, &subnet, now) }))
}

/// The zone asked for by name or by id; the first of the region when none is.
fn zone_of(world: &World, req: &Request) -> Result<(String, String), AwsError> {
    let region = &world.region;
    let zones: Vec<(String, String)> = zone::zone_names(region)
        .into_iter()
        .filter_map(|name| zone::zone_id(region, &name).map(|id| (name, id)))
        .collect();
    let name = req.opt_text("AvailabilityZone")?;
    let id = req.opt_text("AvailabilityZoneId")?;
    if name.is_some() && id.is_some() {
        return Err(combination("The request must not contain both availabilityZone and availabilityZoneId"));
    }
    let asked = name.as_deref().or(id.as_deref());
    let usable = |zone: &String| !world.ec2.impaired_zones.contains(zone);
    let zones: Vec<(String, String)> = zones.into_iter().filter(|(zone, _)| usable(zone)).collect();
    let chosen = zones.iter().find(|(zone, zone_id)| match (&name, &id) {
        (Some(name), _) => zone == name,
        (None, Some(id)) => zone_id == id,
        (None, None) => true,
    });
    chosen.cloned().ok_or_else(|| {
        let names: Vec<&str> = zones.iter().map(|(name, _)| name.as_str()).collect();
        invalid(format!(
            "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
            asked.unwrap_or_default(),
            names.join(", ")
        ))
    })
}

fn delete_subnet(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("SubnetId")?;
    get(&world.ec2, &id)?;
    let ec2 = &mut world.ec2;
    let in_use = ec2.interfaces.values().any(|interface| interface.subnet == id && interface.holds(now));
    if in_use {
        return Err(dependency(format!("The subnet '{id}' has dependencies and cannot be deleted.")));
    }
    ec2.sweep(now);
    // The association with a route table goes with the subnet.
    for table in ec2.tables.values_mut() {
        table.associations.retain(|_, association| association.subnet.as_ref() != Some(&id));
    }
    ec2.subnets.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

fn describe_subnets(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let subnets = &world.ec2.subnets;
    let all = subnets.iter().map(|(id, subnet)| show(world, id, subnet, now)).collect();
    LISTING.answer(req, all)
}

fn modify_subnet_attribute(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("SubnetId")?;
    get(&world.ec2, &id)?;
    let mut given =
        ATTRIBUTES.iter().filter_map(|attribute| req.structure(attribute.0).map(|value| (attribute, value)));
    let Some(((_, field), value)) = given.next() else {
        return Err(combination("No attributes specified."));
    };
    if given.next().is_some() {
        return Err(combination("Fields for multiple attribute types specified"));
    }
    let on = value.opt_bool("Value")?.ok_or_else(|| value.missing("Value"))?;
    if let Some(subnet) = world.ec2.subnets.get_mut(&id) {
        *field(subnet) = on;
    }
    Ok(done())
}
