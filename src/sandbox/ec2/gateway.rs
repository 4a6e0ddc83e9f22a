//! Internet gateways: create, attach, detach, delete, describe.
//!
//! Called by the core; serverless asks [`has_internet_gateway`]. It must never detach a gateway while a public
//! address is mapped in the VPC.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{AwsError, Ec2, Operation, Reply, Request, World, dependency, done, invalid, tag, vpc};

/// An internet gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The VPC it is attached to, if any.
    pub vpc: Option<String>,
}

static LISTING: Listing = Listing {
    kind: Kind::InternetGateway,
    ids: "InternetGatewayId",
    id: "internetGatewayId",
    set: "internetGatewaySet",
    filters: &[
        ("attachment.state", "attachmentSet.state"),
        ("attachment.vpc-id", "attachmentSet.vpcId"),
        ("internet-gateway-id", "internetGatewayId"),
        ("owner-id", "ownerId"),
        ("tag-key", "tagSet.key"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "CreateInternetGateway", mutating: true, params: super::tagged!(), run: create_internet_gateway },
    Operation {
        name: "AttachInternetGateway",
        mutating: true,
        params: &["InternetGatewayId", "VpcId"],
        run: attach_internet_gateway,
    },
    Operation {
        name: "DetachInternetGateway",
        mutating: true,
        params: &["InternetGatewayId", "VpcId"],
        run: detach_internet_gateway,
    },
    Operation {
        name: "DeleteInternetGateway",
        mutating: true,
        params: &["InternetGatewayId"],
        run: delete_internet_gateway,
    },
    Operation {
        name: "DescribeInternetGateways",
        mutating: false,
        params: super::paged!("InternetGatewayId"),
        run: describe_internet_gateways,
    },
];

/// Tells whether an internet gateway is attached to the VPC.
pub fn has_internet_gateway(world: &World, vpc: &str) -> bool {
    attached(&world.ec2, vpc).is_some()
}

fn attached<'a>(ec2: &'a Ec2, vpc: &str) -> Option<&'a str> {
    ec2.gateways.iter().find(|(_, gateway)| gateway.vpc.as_deref() == Some(vpc)).map(|(id, _)| id.as_str())
}

/// The gateway `id`, or the error that it is not there.
pub(super) fn get<'a>(ec2: &'a Ec2, id: &str) -> Result<&'a InternetGateway, AwsError> {
    ec2.gateways.get(id).ok_or_else(|| Kind::InternetGateway.absent(id))
}

fn show(world: &World, id: &str, gateway: &InternetGateway) -> Value {
    // An attached internet gateway reads `available`, not `attached` (aws-facts.md 1.1).
    let attachments: Vec<Value> = gateway.vpc.iter().map(|vpc| json!({ "vpcId": vpc, "state": "available" })).collect();
    json!({
        "internetGatewayId": id,
        "ownerId": world.account,
        "attachmentSet": attachments,
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn create_internet_gateway(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let tags = tag::at_creation(req, Kind::InternetGateway)?;
    let id = Kind::InternetGateway.id(&world.hex(17));
    tag::store(&mut world.ec2, &id, tags);
    let gateway = InternetGateway::default();
    let reply = show(world, &id, &gateway);
    world.ec2.gateways.insert(id, gateway);
    Ok(json!({ "internetGateway": reply }))
}

fn attach_internet_gateway(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("InternetGatewayId")?;
    let vpc_id = req.text("VpcId")?;
    let gateway = get(&world.ec2, &id)?;
    vpc::get(&world.ec2, &vpc_id)?;
    if let Some(attached_to) = &gateway.vpc {
        return Err(AwsError::new(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already attached to network {attached_to}"),
        ));
    }
    if let Some(other) = attached(&world.ec2, &vpc_id) {
        return Err(invalid(format!("Network {vpc_id} already has an internet gateway attached ({other})")));
    }
    if let Some(gateway) = world.ec2.gateways.get_mut(&id) {
        gateway.vpc = Some(vpc_id);
    }
    Ok(done())
}

fn detach_internet_gateway(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("InternetGatewayId")?;
    let vpc_id = req.text("VpcId")?;
    let gateway = get(&world.ec2, &id)?;
    vpc::get(&world.ec2, &vpc_id)?;
    if gateway.vpc.as_ref() != Some(&vpc_id) {
        return Err(AwsError::new("Gateway.NotAttached", format!("resource {id} is not attached to network {vpc_id}")));
    }
    let mapped = world
        .ec2
        .interfaces
        .values()
        .any(|interface| interface.vpc == vpc_id && interface.public_address.is_some() && interface.holds(now));
    if mapped {
        return Err(dependency(format!(
            "Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        )));
    }
    if let Some(gateway) = world.ec2.gateways.get_mut(&id) {
        gateway.vpc = None;
    }
    Ok(done())
}

fn delete_internet_gateway(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("InternetGatewayId")?;
    if get(&world.ec2, &id)?.vpc.is_some() {
        return Err(dependency(format!("The internetGateway '{id}' has dependencies and cannot be deleted.")));
    }
    world.ec2.gateways.remove(&id);
    world.ec2.forget(&id);
    Ok(done())
}

fn describe_internet_gateways(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let gateways = &world.ec2.gateways;
    let all = gateways.iter().map(|(id, gateway)| show(world, id, gateway)).collect();
    LISTING.answer(req, all)
}
