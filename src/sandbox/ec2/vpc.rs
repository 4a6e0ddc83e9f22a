//! VPCs: create, delete, describe, and the DNS attributes.
//!
//! Called by the core. A VPC brings its default security group and its main route table along and takes them away
//! again. It must never delete a VPC that has anything else in it.

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{
    AwsError, Ec2, NETWORK_SETTLES, Operation, Reply, Request, World, cidr, combination, dependency, done, group,
    invalid, missing, route_table, tag,
};

/// The DHCP options set every VPC of the sandbox has; it belongs to the account, not to a VPC.
const DHCP_OPTIONS: &str = "dopt-0a5b6c7d8e9f01234";
const OUT_OF_RANGE: &str = "InvalidVpc.Range";

/// A VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// The primary block, canonical.
    pub cidr: Ipv4Net,
    /// Id of the association of the primary block.
    pub cidr_association: String,
    /// `default` or `dedicated`.
    pub tenancy: String,
    /// Attribute `enableDnsSupport`; on at birth.
    pub dns_support: bool,
    /// Attribute `enableDnsHostnames`; off at birth.
    pub dns_hostnames: bool,
    /// Attribute `enableNetworkAddressUsageMetrics`; off at birth.
    pub usage_metrics: bool,
    /// When `pending` becomes `available`.
    pub available_at: Timestamp,
}

/// The three attributes of a VPC that have calls of their own: parameter, wire name, field.
type Attribute = (&'static str, &'static str, fn(&mut Vpc) -> &mut bool);
const ATTRIBUTES: [Attribute; 3] = [
    ("EnableDnsSupport", "enableDnsSupport", |vpc| &mut vpc.dns_support),
    ("EnableDnsHostnames", "enableDnsHostnames", |vpc| &mut vpc.dns_hostnames),
    ("EnableNetworkAddressUsageMetrics", "enableNetworkAddressUsageMetrics", |vpc| &mut vpc.usage_metrics),
];

static LISTING: Listing = Listing {
    kind: Kind::Vpc,
    ids: "VpcId",
    id: "vpcId",
    set: "vpcSet",
    filters: &[
        ("cidr", "cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
        ("cidr-block-association.state", "cidrBlockAssociationSet.cidrBlockState.state"),
        ("dhcp-options-id", "dhcpOptionsId"),
        ("ipv6-cidr-block-association.association-id", ""),
        ("ipv6-cidr-block-association.ipv6-cidr-block", ""),
        ("ipv6-cidr-block-association.ipv6-pool", ""),
        ("ipv6-cidr-block-association.state", ""),
        ("is-default", "isDefault"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateVpc",
        mutating: true,
        params: super::tagged!("CidrBlock", "InstanceTenancy"),
        run: create_vpc,
    },
    Operation { name: "DeleteVpc", mutating: true, params: &["VpcId"], run: delete_vpc },
    Operation { name: "DescribeVpcs", mutating: false, params: super::paged!("VpcId"), run: describe_vpcs },
    Operation {
        name: "ModifyVpcAttribute",
        mutating: true,
        params: &[
            "VpcId",
            "EnableDnsSupport.Value",
            "EnableDnsHostnames.Value",
            "EnableNetworkAddressUsageMetrics.Value",
        ],
        run: modify_vpc_attribute,
    },
    Operation {
        name: "DescribeVpcAttribute",
        mutating: false,
        params: &["VpcId", "Attribute"],
        run: describe_vpc_attribute,
    },
];

/// The VPC `id`, or the error that it is not there.
pub(super) fn get<'a>(ec2: &'a Ec2, id: &str) -> Result<&'a Vpc, AwsError> {
    ec2.vpcs.get(id).ok_or_else(|| Kind::Vpc.absent(id))
}

/// `pending` until the moment, `available` from then on.
pub(super) fn settled_state(available_at: Timestamp, now: Timestamp) -> &'static str {
    if now < available_at { "pending" } else { "available" }
}

fn show(world: &World, id: &str, vpc: &Vpc, now: Timestamp) -> Value {
    json!({
        "vpcId": id,
        "ownerId": world.account,
        "state": settled_state(vpc.available_at, now),
        "cidrBlock": vpc.cidr,
        "cidrBlockAssociationSet": [{
            "associationId": vpc.cidr_association,
            "cidrBlock": vpc.cidr,
            "cidrBlockState": { "state": "associated" },
        }],
        "ipv6CidrBlockAssociationSet": [],
        "dhcpOptionsId": DHCP_OPTIONS,
        "instanceTenancy": vpc.tenancy,
        "isDefault": false,
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn create_vpc(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let Some(block) = req.opt_text("CidrBlock")? else {
        return Err(missing("Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."));
    };
    let cidr = cidr::v4(&block, "cidrBlock")?;
    cidr::demand_size(cidr, OUT_OF_RANGE)?;
    cidr::demand_unrestricted(cidr, OUT_OF_RANGE)?;
    let tenancy = req.opt_text("InstanceTenancy")?.unwrap_or_else(|| "default".to_owned());
    if !matches!(tenancy.as_str(), "default" | "dedicated") {
        return Err(invalid(format!("Value ({tenancy}) for parameter instanceTenancy is invalid.")));
    }
    let tags = tag::at_creation(req, Kind::Vpc)?;

    let id = Kind::Vpc.id(&world.hex(17));
    let vpc = Vpc {
        cidr,
        cidr_association: format!("vpc-cidr-assoc-{}", world.hex(17)),
        tenancy,
        dns_support: true,
        dns_hostnames: false,
        usage_metrics: false,
        available_at: now + NETWORK_SETTLES,
    };
    tag::store(&mut world.ec2, &id, tags);
    let reply = show(world, &id, &vpc, now);
    world.ec2.vpcs.insert(id.clone(), vpc);
    route_table::create_main(world, &id, now);
    group::create_default(world, &id);
    Ok(json!({ "vpc": reply }))
}

fn delete_vpc(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("VpcId")?;
    get(&world.ec2, &id)?;
    if has_dependents(&world.ec2, &id, now) {
        return Err(dependency(format!("The vpc '{id}' has dependencies and cannot be deleted.")));
    }
    let ec2 = &mut world.ec2;
    ec2.sweep(now);
    route_table::delete_main(ec2, &id);
    group::delete_default(ec2, &id);
    ec2.vpcs.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

/// Tells whether the VPC holds anything but what it brought along.
fn has_dependents(ec2: &Ec2, vpc: &str, now: Timestamp) -> bool {
    ec2.subnets.values().any(|subnet| subnet.vpc == vpc)
        || ec2.gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(vpc))
        || ec2.tables.values().any(|table| table.vpc == vpc && !table.is_main())
        || ec2.groups.values().any(|group| group.vpc == vpc && !group.is_default())
        || ec2.endpoints.values().any(|endpoint| endpoint.vpc == vpc && !endpoint.is_gone(now))
        || ec2.interfaces.values().any(|interface| interface.vpc == vpc && interface.holds(now))
}

fn describe_vpcs(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let vpcs = &world.ec2.vpcs;
    let all = vpcs.iter().map(|(id, vpc)| show(world, id, vpc, now)).collect();
    LISTING.answer(req, all)
}

fn modify_vpc_attribute(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("VpcId")?;
    let vpc = get(&world.ec2, &id)?;
    let mut given =
        ATTRIBUTES.iter().filter_map(|attribute| req.structure(attribute.0).map(|value| (attribute, value)));
    let Some(((_, wire_name, field), value)) = given.next() else {
        return Err(combination("No attributes specified."));
    };
    if given.next().is_some() {
        return Err(combination("Fields for multiple attribute types specified"));
    }
    let on = value
        .opt_bool("Value")?
        .ok_or_else(|| missing(format!("The request must contain the parameter {wire_name}")))?;
    if on && *wire_name == "enableDnsHostnames" && !vpc.dns_support {
        return Err(invalid("enableDnsHostnames can only be enabled on a VPC that has enableDnsSupport"));
    }
    if let Some(vpc) = world.ec2.vpcs.get_mut(&id) {
        *field(vpc) = on;
    }
    Ok(done())
}

fn describe_vpc_attribute(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("VpcId")?;
    let wanted = req.text("Attribute")?;
    let mut vpc = get(&world.ec2, &id)?.clone();
    let Some((_, name, field)) = ATTRIBUTES.iter().find(|(_, name, _)| *name == wanted) else {
        return Err(invalid(format!("Value ({wanted}) for parameter attribute is invalid. Unknown attribute.")));
    };
    let mut reply = json!({ "vpcId": id });
    reply[*name] = json!({ "value": *field(&mut vpc) });
    Ok(reply)
}
