//! Route tables and their associations with subnets.
//!
//! Called by the core; vpc.rs makes and removes the main table. The routes themselves are in route.rs. It must never
//! delete a table that is the main one or that a subnet uses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::Listing;
use super::filter::TAG;
use super::kind::Kind;
use super::route::{self, Route};
use super::{
    ASSOCIATION_SETTLES, AwsError, Ec2, Operation, Reply, Request, World, dependency, done, invalid, subnet, tag,
    token, vpc,
};

/// The largest page of `DescribeRouteTables` (aws-facts.md 1).
const LARGEST_TABLE_PAGE: usize = 100;

/// A route table. The local route is not kept: it follows from the VPC's block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Id of its VPC.
    pub vpc: String,
    /// Associations by id.
    pub associations: BTreeMap<String, Association>,
    /// Routes a user made, in the order they were made.
    pub routes: Vec<Route>,
}

/// The use of a route table by one subnet, or as the main table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// The subnet; nothing for the main association of the VPC.
    pub subnet: Option<String>,
    /// When `associating` becomes `associated`.
    pub associated_at: Timestamp,
}

impl RouteTable {
    fn new(vpc: &str) -> Self {
        Self { vpc: vpc.to_owned(), associations: BTreeMap::new(), routes: Vec::new() }
    }

    /// Tells whether this is the main table of its VPC.
    pub fn is_main(&self) -> bool {
        self.associations.values().any(|a| a.subnet.is_none())
    }

    fn serves(&self, subnet: &str) -> bool {
        self.associations.values().any(|association| association.subnet.as_deref() == Some(subnet))
    }
}

impl Association {
    fn state(&self, now: Timestamp) -> &'static str {
        if now < self.associated_at { "associating" } else { "associated" }
    }
}

static LISTING: Listing = Listing {
    kind: Kind::RouteTable,
    ids: "RouteTableId",
    id: "routeTableId",
    set: "routeTableSet",
    filters: &[
        ("association.gateway-id", ""),
        ("association.main", "associationSet.main"),
        ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
        ("association.route-table-id", "associationSet.routeTableId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("owner-id", "ownerId"),
        ("route-table-id", "routeTableId"),
        ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", ""),
        ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", ""),
        ("route.gateway-id", "routeSet.gatewayId"),
        ("route.instance-id", ""),
        ("route.nat-gateway-id", ""),
        ("route.origin", "routeSet.origin"),
        ("route.state", "routeSet.state"),
        ("route.transit-gateway-id", ""),
        ("route.vpc-peering-connection-id", ""),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_TABLE_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateRouteTable",
        mutating: true,
        params: super::tagged!("VpcId", "ClientToken"),
        run: create_route_table,
    },
    Operation { name: "DeleteRouteTable", mutating: true, params: &["RouteTableId"], run: delete_route_table },
    Operation {
        name: "DescribeRouteTables",
        mutating: false,
        params: super::paged!("RouteTableId"),
        run: describe_route_tables,
    },
    Operation {
        name: "AssociateRouteTable",
        mutating: true,
        params: &["RouteTableId", "SubnetId"],
        run: associate_route_table,
    },
    Operation {
        name: "ReplaceRouteTableAssociation",
        mutating: true,
        params: &["AssociationId", "RouteTableId"],
        run: replace_route_table_association,
    },
    Operation {
        name: "DisassociateRouteTable",
        mutating: true,
        params: &["AssociationId"],
        run: disassociate_route_table,
    },
];

/// Tells whether the subnet's traffic for the whole world goes to an attached internet gateway.
pub fn is_public_subnet(world: &World, subnet: &str) -> bool {
    effective(&world.ec2, subnet).is_some_and(|table| route::leads_outside(&world.ec2, table))
}

/// The table a subnet uses: its own, else the main one of its VPC.
fn effective<'a>(ec2: &'a Ec2, subnet: &str) -> Option<&'a RouteTable> {
    let vpc = &ec2.subnets.get(subnet)?.vpc;
    ec2.tables
        .values()
        .find(|table| table.serves(subnet))
        .or_else(|| ec2.tables.values().find(|t| t.vpc == *vpc && t.is_main()))
}

/// The table `id`, or the error that it is not there.
pub(super) fn get<'a>(ec2: &'a Ec2, id: &str) -> Result<&'a RouteTable, AwsError> {
    ec2.tables.get(id).ok_or_else(|| Kind::RouteTable.absent(id))
}

/// Makes the main table of a new VPC.
pub(super) fn create_main(world: &mut World, vpc: &str, now: Timestamp) {
    let id = Kind::RouteTable.id(&world.hex(17));
    let mut table = RouteTable::new(vpc);
    let association = Association { subnet: None, associated_at: now };
    table.associations.insert(association_id(world), association);
    world.ec2.tables.insert(id, table);
}

/// Removes the main table of a VPC that goes.
pub(super) fn delete_main(ec2: &mut Ec2, vpc: &str) {
    let main: Vec<String> =
        ec2.tables.iter().filter(|(_, table)| table.vpc == vpc && table.is_main()).map(|(id, _)| id.clone()).collect();
    for id in main {
        ec2.tables.remove(&id);
        ec2.forget(&id);
    }
}

fn association_id(world: &mut World) -> String {
    format!("rtbassoc-{}", world.hex(17))
}

fn show(world: &World, id: &str, table: &RouteTable, now: Timestamp) -> Value {
    let associations: Vec<Value> = table
        .associations
        .iter()
        .map(|(association_id, association)| {
            json!({
                "routeTableAssociationId": association_id,
                "routeTableId": id,
                "subnetId": association.subnet,
                "main": association.subnet.is_none(),
                "associationState": { "state": association.state(now) },
            })
        })
        .collect();
    json!({
        "routeTableId": id,
        "vpcId": table.vpc,
        "ownerId": world.account,
        "associationSet": associations,
        "propagatingVgwSet": [],
        "routeSet": route::shown(&world.ec2, id, table, now),
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn create_route_table(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let vpc_id = req.text("VpcId")?;
    vpc::get(&world.ec2, &vpc_id)?;
    let tags = tag::at_creation(req, Kind::RouteTable)?;
    let given = token::given(&world.ec2, req)?;
    let token_text = given.as_ref().map(|(given, _)| given.text.clone());
    if let Some((_, Some(made))) = &given {
        let table = get(&world.ec2, made)?;
        return Ok(json!({
            "routeTable": show(world, made, table, now),
            "clientToken": token_text,
        }));
    }

    let id = Kind::RouteTable.id(&world.hex(17));
    if let Some((given, _)) = &given {
        given.made(&mut world.ec2, &id);
    }
    tag::store(&mut world.ec2, &id, tags);
    let table = RouteTable::new(&vpc_id);
    let reply = show(world, &id, &table, now);
    world.ec2.tables.insert(id, table);
    Ok(json!({ "routeTable": reply, "clientToken": token_text }))
}

fn delete_route_table(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("RouteTableId")?;
    if !get(&world.ec2, &id)?.associations.is_empty() {
        return Err(dependency(format!("The routeTable '{id}' has dependencies and cannot be deleted.")));
    }
    let ec2 = &mut world.ec2;
    for endpoint in ec2.endpoints.values_mut() {
        endpoint.tables.remove(&id);
    }
    ec2.tables.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

fn describe_route_tables(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let tables = &world.ec2.tables;
    let all = tables.iter().map(|(id, table)| show(world, id, table, now)).collect();
    LISTING.answer(req, all)
}

fn associate_route_table(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let table_id = req.text("RouteTableId")?;
    let subnet_id = req.text("SubnetId")?;
    let ec2 = &world.ec2;
    let table = get(ec2, &table_id)?;
    if table.vpc != subnet::get(ec2, &subnet_id)?.vpc {
        return Err(invalid(format!("Route table {table_id} and subnet {subnet_id} belong to different networks")));
    }
    if ec2.tables.values().any(|table| table.serves(&subnet_id)) {
        return Err(AwsError::new(
            "Resource.AlreadyAssociated",
            format!("the specified association for route table {table_id} conflicts with an existing association"),
        ));
    }
    let (id, state) = associate(world, &table_id, Some(subnet_id), now);
    Ok(json!({ "associationId": id, "associationState": { "state": state } }))
}

/// Stores a new association; answers its id and state.
fn associate(world: &mut World, table: &str, subnet: Option<String>, now: Timestamp) -> (String, &'static str) {
    let id = association_id(world);
    let association = Association { subnet, associated_at: now + ASSOCIATION_SETTLES };
    let state = association.state(now);
    if let Some(table) = world.ec2.tables.get_mut(table) {
        table.associations.insert(id.clone(), association);
    }
    (id, state)
}

/// The table that has the association, and the association itself.
fn find_association<'a>(ec2: &'a Ec2, id: &str) -> Result<(&'a str, &'a RouteTable, &'a Association), AwsError> {
    ec2.tables
        .iter()
        .find_map(|(table_id, table)| {
            let association = table.associations.get(id)?;
            Some((table_id.as_str(), table, association))
        })
        .ok_or_else(|| {
            AwsError::new("InvalidAssociationID.NotFound", format!("The association ID '{id}' does not exist"))
        })
}

fn replace_route_table_association(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("AssociationId")?;
    let table_id = req.text("RouteTableId")?;
    let (old_table_id, old_table, association) = find_association(&world.ec2, &id)?;
    if get(&world.ec2, &table_id)?.vpc != old_table.vpc {
        return Err(invalid(format!("Route table {table_id} and association {id} belong to different networks")));
    }
    let (old_table_id, subnet) = (old_table_id.to_owned(), association.subnet.clone());
    if let Some(table) = world.ec2.tables.get_mut(&old_table_id) {
        table.associations.remove(&id);
    }
    let (new_id, state) = associate(world, &table_id, subnet, now);
    Ok(json!({ "newAssociationId": new_id, "associationState": { "state": state } }))
}

fn disassociate_route_table(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("AssociationId")?;
    let (table_id, _, association) = find_association(&world.ec2, &id)?;
    if association.subnet.is_none() {
        return Err(invalid(format!("cannot disassociate the main route table association {id}")));
    }
    let table_id = table_id.to_owned();
    if let Some(table) = world.ec2.tables.get_mut(&table_id) {
        table.associations.remove(&id);
    }
    Ok(done())
}
