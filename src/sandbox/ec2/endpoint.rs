//! Gateway endpoints (S3, DynamoDB): create, modify, delete, describe.
//!
//! Called by the core; route.rs shows their prefix-list routes. Endpoints of any other type are refused. It must
//! never answer an error to `DeleteVpcEndpoints` for one bad id: that goes into `unsuccessful` of a success.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::{
    AwsError, ENDPOINT_SETTLES, ENDPOINT_VANISHES, Ec2, Operation, Reply, Request, World, combination, done, missing,
    route_table, tag, token, vpc,
};

/// The policy of an endpoint made without one: everything allowed.
const OPEN_POLICY: &str =
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// Services that have gateway endpoints, by the last part of their names.
const GATEWAY_SERVICES: [&str; 2] = ["s3", "dynamodb"];

/// A gateway endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Id of its VPC.
    pub vpc: String,
    /// Service name, e.g. `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// Route tables that have its prefix-list route.
    pub tables: BTreeSet<String>,
    /// Policy document as it was given.
    pub policy: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When `pending` becomes `available`.
    pub available_at: Timestamp,
    /// When a deleted endpoint is gone; until then it is `deleting`.
    pub gone_at: Option<Timestamp>,
}

impl Endpoint {
    /// Tells whether nothing shows of it any more at `now`.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.gone_at.is_some_and(|gone| gone <= now)
    }

    fn state(&self, now: Timestamp) -> &'static str {
        if self.gone_at.is_some() { "deleting" } else { vpc::settled_state(self.available_at, now) }
    }
}

static LISTING: Listing = Listing {
    kind: Kind::VpcEndpoint,
    ids: "VpcEndpointId",
    id: "vpcEndpointId",
    set: "vpcEndpointSet",
    filters: &[
        ("ip-address-type", ""),
        ("service-name", "serviceName"),
        ("service-region", "serviceRegion"),
        ("tag-key", "tagSet.key"),
        ("vpc-endpoint-id", "vpcEndpointId"),
        ("vpc-endpoint-state", "state"),
        ("vpc-endpoint-type", "vpcEndpointType"),
        ("vpc-id", "vpcId"),
        (TAG, ""),
    ],
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateVpcEndpoint",
        mutating: true,
        params: super::tagged!(
            "VpcId",
            "ServiceName",
            "VpcEndpointType",
            "RouteTableId",
            "PolicyDocument",
            "ClientToken",
        ),
        run: create_vpc_endpoint,
    },
    Operation {
        name: "ModifyVpcEndpoint",
        mutating: true,
        params: &["VpcEndpointId", "AddRouteTableId", "RemoveRouteTableId", "PolicyDocument", "ResetPolicy"],
        run: modify_vpc_endpoint,
    },
    Operation { name: "DeleteVpcEndpoints", mutating: true, params: &["VpcEndpointId"], run: delete_vpc_endpoints },
    Operation {
        name: "DescribeVpcEndpoints",
        mutating: false,
        params: super::paged!("VpcEndpointId"),
        run: describe_vpc_endpoints,
    },
];

/// The id of the prefix list with a service's addresses.
pub(super) fn prefix_list(service: &str) -> String {
    let digest = hex::encode(Sha256::digest(service.as_bytes()));
    format!("pl-{}", digest.get(..8).unwrap_or_default())
}

/// Tells whether `id` is the prefix list of a service with gateway endpoints in `region`.
pub(super) fn is_prefix_list(region: &str, id: &str) -> bool {
    gateway_services(region).any(|service| prefix_list(&service) == id)
}

fn gateway_services(region: &str) -> impl Iterator<Item = String> {
    GATEWAY_SERVICES.iter().map(move |service| format!("com.amazonaws.{region}.{service}"))
}

/// The endpoints whose prefix-list route is in a route table.
pub(super) fn of_table<'a>(
    ec2: &'a Ec2,
    table: &str,
    now: Timestamp,
) -> impl Iterator<Item = (&'a String, &'a Endpoint)> {
    ec2.endpoints.iter().filter(move |(_, endpoint)| endpoint.tables.contains(table) && !endpoint.is_gone(now))
}

fn show(world: &World, id: &str, endpoint: &Endpoint, now: Timestamp) -> Value {
    json!({
        "vpcEndpointId": id,
        "vpcEndpointType": "Gateway",
        "vpcId": endpoint.vpc,
        "serviceName": endpoint.service,
        "serviceRegion": world.region,
        "state": endpoint.state(now),
        "policyDocument": endpoint.policy,
        "routeTableIdSet": endpoint.tables,
        "subnetIdSet": [],
        "groupSet": [],
        "networkInterfaceIdSet": [],
        "dnsEntrySet": [],
        "privateDnsEnabled": false,
        "requesterManaged": false,
        "creationTimestamp": endpoint.created_at.to_string(),
        "ownerId": world.account,
        "tagSet": tag::set(&world.ec2, id),
    })
}

fn create_vpc_endpoint(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let given = token::given(&world.ec2, req)?;
    let token_text = given.as_ref().map(|(given, _)| given.text.clone());
    if let Some((_, Some(made))) = &given
        && let Some(endpoint) = live(&world.ec2, made, now)
    {
        return Ok(json!({
            "vpcEndpoint": show(world, made, endpoint, now),
            "clientToken": token_text,
        }));
    }
    let endpoint = endpoint_of(world, req, now)?;
    let tags = tag::at_creation(req, Kind::VpcEndpoint)?;

    let id = Kind::VpcEndpoint.id(&world.hex(17));
    if let Some((given, _)) = &given {
        given.made(&mut world.ec2, &id);
    }
    tag::store(&mut world.ec2, &id, tags);
    let reply = show(world, &id, &endpoint, now);
    world.ec2.endpoints.insert(id, endpoint);
    Ok(json!({ "vpcEndpoint": reply, "clientToken": token_text }))
}

/// Reads and checks the endpoint a create asks for.
fn endpoint_of(world: &World, req: &Request, now: Timestamp) -> Result<Endpoint, AwsError> {
    let vpc_id = req.text("VpcId")?;
    let service = req.text("ServiceName")?;
    if let Some(kind) = req.opt_text("VpcEndpointType")?
        && kind != "Gateway"
    {
        return Err(AwsError::new(
            "UnsupportedOperation",
            format!("the rsds sandbox does not implement VPC endpoints of type {kind}"),
        ));
    }
    vpc::get(&world.ec2, &vpc_id)?;
    if !gateway_services(&world.region).any(|known| known == service) {
        return Err(AwsError::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{service}' does not exist"),
        ));
    }
    let policy = policy(req)?;
    let tables: BTreeSet<String> = req.texts("RouteTableId")?.into_iter().collect();
    for table in &tables {
        demand_room(world, &vpc_id, &service, table, now)?;
    }
    Ok(Endpoint {
        vpc: vpc_id,
        service,
        tables,
        policy: policy.unwrap_or_else(|| OPEN_POLICY.to_owned()),
        created_at: now,
        available_at: now + ENDPOINT_SETTLES,
        gone_at: None,
    })
}

/// Checks that a route table is of the VPC and has no route of the service yet.
fn demand_room(world: &World, vpc: &str, service: &str, table: &str, now: Timestamp) -> Result<(), AwsError> {
    if route_table::get(&world.ec2, table)?.vpc != vpc {
        return Err(parameter(format!("Route table {table} does not belong to vpc {vpc}")));
    }
    if of_table(&world.ec2, table, now).any(|(_, other)| other.service == service) {
        return Err(AwsError::new(
            "RouteAlreadyExists",
            format!("route table {table} already has a route with destination-prefix-list-id {}", prefix_list(service)),
        ));
    }
    Ok(())
}

/// Reads the policy document, which must be a JSON object with statements.
fn policy(req: &Request) -> Result<Option<String>, AwsError> {
    let Some(text) = req.opt_text("PolicyDocument")? else {
        return Ok(None);
    };
    let has_statements = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|policy| policy.get("Statement").map(|s| s.is_array() || s.is_object()))
        .unwrap_or(false);
    if has_statements {
        Ok(Some(text))
    } else {
        Err(AwsError::new("InvalidPolicyDocument", "The policy document is not valid"))
    }
}

fn parameter(message: String) -> AwsError {
    AwsError::new("InvalidParameter", message)
}

/// The endpoint, unless it is being deleted or was never there.
fn live<'a>(ec2: &'a Ec2, id: &str, now: Timestamp) -> Option<&'a Endpoint> {
    ec2.endpoints.get(id).filter(|endpoint| endpoint.gone_at.is_none() && !endpoint.is_gone(now))
}

fn modify_vpc_endpoint(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("VpcEndpointId")?;
    let endpoint = live(&world.ec2, &id, now).ok_or_else(|| Kind::VpcEndpoint.absent(&id))?;
    if now < endpoint.available_at {
        return Err(AwsError::new("IncorrectState", format!("The Vpc Endpoint {id} is not in a state to be modified")));
    }
    let reset = req.opt_bool("ResetPolicy")?.unwrap_or(false);
    let policy = match (policy(req)?, reset) {
        (Some(_), true) => {
            return Err(combination("PolicyDocument and ResetPolicy cannot be given together"));
        }
        (None, true) => OPEN_POLICY.to_owned(),
        (Some(policy), false) => policy,
        (None, false) => endpoint.policy.clone(),
    };
    let mut tables = endpoint.tables.clone();
    for table in req.texts("RemoveRouteTableId")? {
        route_table::get(&world.ec2, &table)?;
        if !tables.remove(&table) {
            return Err(parameter(format!("Route table {table} is not associated with Vpc Endpoint {id}")));
        }
    }
    for table in req.texts("AddRouteTableId")? {
        demand_room(world, &endpoint.vpc, &endpoint.service, &table, now)?;
        tables.insert(table);
    }
    if let Some(endpoint) = world.ec2.endpoints.get_mut(&id) {
        endpoint.policy = policy;
        endpoint.tables = tables;
    }
    Ok(done())
}

fn delete_vpc_endpoints(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let ids = req.texts("VpcEndpointId")?;
    if ids.is_empty() {
        return Err(missing("The request must contain the parameter VpcEndpointId"));
    }
    world.ec2.sweep(now);
    let mut unsuccessful = Vec::new();
    for id in ids {
        if live(&world.ec2, &id, now).is_none() {
            unsuccessful.push(json!({
                "resourceId": id,
                "error": {
                    "code": "InvalidVpcEndpoint.NotFound",
                    "message": format!("The Vpc Endpoint Id '{id}' does not exist"),
                },
            }));
        } else if let Some(endpoint) = world.ec2.endpoints.get_mut(&id) {
            endpoint.gone_at = Some(now + ENDPOINT_VANISHES);
        }
    }
    Ok(json!({ "unsuccessful": unsuccessful }))
}

fn describe_vpc_endpoints(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let endpoints = &world.ec2.endpoints;
    let all = endpoints
        .iter()
        .filter(|(_, endpoint)| !endpoint.is_gone(now))
        .map(|(id, endpoint)| show(world, id, endpoint, now))
        .collect();
    LISTING.answer(req, all)
}
