//! Routes of a route table: create, replace, delete, and how they are shown.
//!
//! Called by the core and by route_table.rs. Targets are internet gateways and network interfaces; the routes of
//! gateway endpoints follow from the endpoints. It must never let the local route be made, changed or removed.

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::Kind;
use super::route_table::{self, RouteTable};
use super::{
    AwsError, Ec2, Operation, Reply, Request, World, cidr, combination, done, endpoint, gateway, invalid, missing, vpc,
};

/// A route a user made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Destination block, canonical.
    pub destination: Ipv4Net,
    /// Where the traffic goes.
    pub target: Target,
}

/// Where the traffic of a route goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An internet gateway.
    Gateway(String),
    /// A network interface.
    Interface(String),
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateRoute",
        mutating: true,
        params: &["RouteTableId", "DestinationCidrBlock", "GatewayId", "NetworkInterfaceId"],
        run: create_route,
    },
    Operation {
        name: "ReplaceRoute",
        mutating: true,
        params: &["RouteTableId", "DestinationCidrBlock", "GatewayId", "NetworkInterfaceId"],
        run: replace_route,
    },
    Operation {
        name: "DeleteRoute",
        mutating: true,
        params: &["RouteTableId", "DestinationCidrBlock", "DestinationPrefixListId"],
        run: delete_route,
    },
];

/// Tells whether a table sends the whole world's traffic to an attached internet gateway.
pub(super) fn leads_outside(ec2: &Ec2, table: &RouteTable) -> bool {
    table.routes.iter().any(|route| {
        route.destination.prefix_len() == 0
            && matches!(&route.target, Target::Gateway(id) if is_attached(ec2, id, &table.vpc))
    })
}

fn is_attached(ec2: &Ec2, gateway: &str, vpc: &str) -> bool {
    ec2.gateways.get(gateway).is_some_and(|gateway| gateway.vpc.as_deref() == Some(vpc))
}

/// The routes of a table as the answers show them: the local one, those users made, those of gateway endpoints.
pub(super) fn shown(ec2: &Ec2, id: &str, table: &RouteTable, now: Timestamp) -> Vec<Value> {
    let local = ec2.vpcs.get(&table.vpc).map(|vpc| {
        json!({
            "destinationCidrBlock": vpc.cidr,
            "gatewayId": "local",
            "state": "active",
            "origin": "CreateRouteTable",
        })
    });
    let made = table.routes.iter().map(|route| show(ec2, &table.vpc, route, now));
    let endpoints = endpoint::of_table(ec2, id, now).map(|(endpoint_id, endpoint)| {
        json!({
            "destinationPrefixListId": endpoint::prefix_list(&endpoint.service),
            "gatewayId": endpoint_id,
            "state": "active",
            "origin": "CreateRoute",
        })
    });
    local.into_iter().chain(made).chain(endpoints).collect()
}

fn show(ec2: &Ec2, vpc: &str, route: &Route, now: Timestamp) -> Value {
    let (member, id, active) = match &route.target {
        Target::Gateway(id) => ("gatewayId", id, is_attached(ec2, id, vpc)),
        Target::Interface(id) => {
            let active = ec2.interfaces.get(id).is_some_and(|i| i.is_visible(now));
            ("networkInterfaceId", id, active)
        }
    };
    let mut shown = json!({
        "destinationCidrBlock": route.destination,
        "state": if active { "active" } else { "blackhole" },
        "origin": "CreateRoute",
    });
    shown[member] = json!(id);
    shown
}

/// A route call, with everything about it checked that create and replace share.
struct Asked {
    table: String,
    route: Route,
    local: Ipv4Net,
}

fn asked(world: &World, req: &Request, now: Timestamp) -> Result<Asked, AwsError> {
    let ec2 = &world.ec2;
    let table_id = req.text("RouteTableId")?;
    let destination = destination(req)?;
    let table = route_table::get(ec2, &table_id)?;
    let target = match (req.opt_text("GatewayId")?, req.opt_text("NetworkInterfaceId")?) {
        (Some(_), Some(_)) => {
            return Err(combination(
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId",
            ));
        }
        (None, None) => {
            return Err(missing(
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId",
            ));
        }
        (Some(id), None) => gateway_target(ec2, &table_id, &table.vpc, id)?,
        (None, Some(id)) => interface_target(ec2, &table_id, &table.vpc, id, now)?,
    };
    let local = vpc::get(ec2, &table.vpc)?.cidr;
    if matches!(target, Target::Gateway(_)) && local.contains(&destination) {
        return Err(invalid(format!(
            "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."
        )));
    }
    Ok(Asked { table: table_id, route: Route { destination, target }, local })
}

fn destination(req: &Request) -> Result<Ipv4Net, AwsError> {
    let Some(block) = req.opt_text("DestinationCidrBlock")? else {
        return Err(missing(
            "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock, destinationPrefixListId",
        ));
    };
    cidr::v4(&block, "destinationCidrBlock")
}

fn gateway_target(ec2: &Ec2, table: &str, vpc: &str, id: String) -> Result<Target, AwsError> {
    if Kind::of(&id) != Some(Kind::InternetGateway) {
        return Err(AwsError::new("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist")));
    }
    if gateway::get(ec2, &id)?.vpc.as_deref() != Some(vpc) {
        return Err(invalid(format!("route table {table} and network gateway {id} belong to different networks")));
    }
    Ok(Target::Gateway(id))
}

fn interface_target(ec2: &Ec2, table: &str, vpc: &str, id: String, now: Timestamp) -> Result<Target, AwsError> {
    Kind::NetworkInterface.demand(ec2, &id, now)?;
    if ec2.interfaces.get(&id).is_none_or(|i| i.vpc != vpc) {
        return Err(invalid(format!("route table {table} and interface {id} belong to different networks")));
    }
    Ok(Target::Interface(id))
}

fn create_route(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let asked = asked(world, req, now)?;
    let destination = asked.route.destination;
    let table = route_table::get(&world.ec2, &asked.table)?;
    if destination == asked.local || table.routes.iter().any(|r| r.destination == destination) {
        return Err(AwsError::new(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    if let Some(table) = world.ec2.tables.get_mut(&asked.table) {
        table.routes.push(asked.route);
    }
    Ok(done())
}

fn replace_route(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let asked = asked(world, req, now)?;
    let destination = asked.route.destination;
    let found = world
        .ec2
        .tables
        .get_mut(&asked.table)
        .and_then(|table| table.routes.iter_mut().find(|r| r.destination == destination));
    let Some(route) = found else {
        return Err(invalid(format!(
            "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        )));
    };
    *route = asked.route;
    Ok(done())
}

fn delete_route(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let table_id = req.text("RouteTableId")?;
    let ec2 = &world.ec2;
    let table = route_table::get(ec2, &table_id)?;
    if let Some(list) = req.opt_text("DestinationPrefixListId")? {
        let of_endpoint = endpoint::of_table(ec2, &table_id, now)
            .any(|(_, endpoint)| endpoint::prefix_list(&endpoint.service) == list);
        return Err(if of_endpoint {
            invalid(format!("cannot remove VPC endpoint route {list} in route table {table_id}"))
        } else {
            no_route("prefix-list-id", &list, &table_id)
        });
    }
    let destination = destination(req)?;
    if vpc::get(ec2, &table.vpc)?.cidr == destination {
        return Err(invalid(format!("cannot remove local route {destination} in route table {table_id}")));
    }
    if !table.routes.iter().any(|r| r.destination == destination) {
        return Err(no_route("cidr-block", &destination.to_string(), &table_id));
    }
    if let Some(table) = world.ec2.tables.get_mut(&table_id) {
        table.routes.retain(|route| route.destination != destination);
    }
    Ok(done())
}

fn no_route(kind: &str, destination: &str, table: &str) -> AwsError {
    AwsError::new(
        "InvalidRoute.NotFound",
        format!("no route with destination-{kind} {destination} in route table {table}"),
    )
}
