//! Workgroups: create, read, delete; what one is and what state it is in.
//!
//! Called by the core; updates lie in `workgroup_update`. Source: aws-facts.md 6.2. Must never hold two workgroups in
//! one namespace.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::name::check_name;
use super::network::{self, FREE_WITHOUT_ROUTING};
use super::{
    AwsError, Endpoint, INTERFACES_APPEAR, Operation, Placed, RECOVERY_POINT, Reply, Request, WORKGROUP_CREATES,
    WORKGROUP_DELETES, WORKGROUP_PAUSES, WORKGROUP_SETTLES, World, capacity, conflict, custom_domain, exists, invalid,
    listing, moment, namespace, not_found, operation_running, parameter, placement, tag, workgroup_spec,
};

/// What runs on a workgroup of this sandbox.
const VERSION: (&str, &str) = ("1.0", "1.0.140000");

/// A workgroup: the compute half of a serverless warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workgroup {
    /// Name, unique in the region.
    pub name: String,
    /// ARN; it holds the id, not the name.
    pub arn: String,
    /// UUID.
    pub id: String,
    /// Name of its namespace.
    pub namespace: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it is `AVAILABLE` for the first time.
    pub ready_at: Timestamp,
    /// Until when its last update keeps it `MODIFYING`.
    pub busy_until: Timestamp,
    /// When a deletion that has begun is over.
    pub gone_at: Option<Timestamp>,
    /// Base capacity in RPUs.
    pub base: i64,
    /// Maximum capacity in RPUs; none is no maximum.
    pub max: Option<i64>,
    /// Price-performance target.
    pub price_target: PriceTarget,
    /// Config parameters, defaults included.
    pub parameters: BTreeMap<String, String>,
    /// Enhanced VPC routing.
    pub routing: bool,
    /// Extra compute for automatic optimisation.
    pub extra_compute: bool,
    /// Port of the endpoint.
    pub port: i64,
    /// Whether the endpoint has a public address.
    pub public: bool,
    /// Security groups of the endpoint.
    pub groups: Vec<String>,
    /// Subnets, in the order given.
    pub subnets: Vec<String>,
    /// VPC of the subnets.
    pub vpc: String,
    /// Track of its version.
    pub track: String,
    /// Id of the endpoint in the VPC.
    pub endpoint_id: String,
    /// The endpoint's interfaces.
    pub interfaces: Vec<Placed>,
}

/// A price-performance target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceTarget {
    /// Whether it steers the capacity.
    pub enabled: bool,
    /// 1 (low cost) to 100 (high performance); none while disabled.
    pub level: Option<i64>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateWorkgroup",
        mutating: true,
        params: &[
            "workgroupName",
            "namespaceName",
            "baseCapacity",
            "maxCapacity",
            "pricePerformanceTarget.status",
            "pricePerformanceTarget.level",
            "configParameters.parameterKey",
            "configParameters.parameterValue",
            "enhancedVpcRouting",
            "extraComputeForAutomaticOptimization",
            "ipAddressType",
            "port",
            "publiclyAccessible",
            "securityGroupIds",
            "subnetIds",
            "trackName",
            "tags.key",
            "tags.value",
        ],
        run: create_workgroup,
    },
    Operation { name: "GetWorkgroup", mutating: false, params: &["workgroupName"], run: get_workgroup },
    Operation {
        name: "ListWorkgroups",
        mutating: false,
        params: &["ownerAccount", "maxResults", "nextToken"],
        run: list_workgroups,
    },
    Operation { name: "DeleteWorkgroup", mutating: true, params: &["workgroupName"], run: delete_workgroup },
];

impl Workgroup {
    /// `CREATING`, `AVAILABLE`, `MODIFYING` or `DELETING`; between the first `AVAILABLE` and rest lies a `MODIFYING`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        let settles = self.ready_at + WORKGROUP_PAUSES;
        if self.gone_at.is_some() {
            "DELETING"
        } else if now < self.ready_at {
            "CREATING"
        } else if now < self.busy_until || (settles <= now && now < settles + WORKGROUP_SETTLES) {
            "MODIFYING"
        } else {
            "AVAILABLE"
        }
    }

    /// Whether something still runs on it: until it has settled, while updated, while deleted.
    pub fn is_busy(&self, now: Timestamp) -> bool {
        let settled = self.ready_at + WORKGROUP_PAUSES + WORKGROUP_SETTLES;
        self.gone_at.is_some() || now < settled || now < self.busy_until
    }

    /// Whether a recovery point or snapshot exists, without which no capacity can change.
    pub(super) fn is_recoverable(&self, world: &World, now: Timestamp) -> bool {
        let mut snapshots = world.serverless.snapshots.values();
        self.created + RECOVERY_POINT <= now
            || snapshots.any(|snapshot| snapshot.namespace == self.namespace && snapshot.is_available(now))
    }

    /// The object as Get and List answer it: no tags, an absent maximum left out.
    pub(super) fn render(&self, world: &World, now: Timestamp) -> Reply {
        let target = &self.price_target;
        let domain = custom_domain::of(world, &self.name);
        json!({
            "workgroupName": self.name,
            "workgroupArn": self.arn,
            "workgroupId": self.id,
            "namespaceName": self.namespace,
            "creationDate": moment(self.created),
            "status": self.status(now),
            "baseCapacity": self.base,
            "maxCapacity": self.max,
            "pricePerformanceTarget": {
                "status": if target.enabled { "ENABLED" } else { "DISABLED" },
                "level": target.level,
            },
            "configParameters": parameter::render(&self.parameters, &self.id),
            "enhancedVpcRouting": self.routing,
            "extraComputeForAutomaticOptimization": self.extra_compute,
            "ipAddressType": "ipv4",
            "port": self.port,
            "publiclyAccessible": self.public,
            "securityGroupIds": self.groups,
            "subnetIds": self.subnets,
            "trackName": self.track,
            "workgroupVersion": VERSION.0,
            "patchVersion": VERSION.1,
            "endpoint": placement::render(self, world, now),
            "customDomainName": domain.map(|domain| &domain.name),
            "customDomainCertificateArn": domain.map(|domain| &domain.certificate),
            "customDomainCertificateExpiryTime": domain.map(|domain| moment(domain.expires)),
        })
    }
}

/// The workgroup of a call, or its not-found error.
pub(super) fn find<'a>(world: &'a World, name: &str, now: Timestamp) -> Result<&'a Workgroup, AwsError> {
    world.serverless.workgroup(name, now).ok_or_else(|| not_found(format!("The workgroup {name} doesn't exist.")))
}

fn create_workgroup(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut workgroup = read_new(world, req, now)?;
    let tags = tag::read(req)?;
    check_namespace(world, &workgroup, now)?;
    world.serverless.check_capacity(now)?;
    world.serverless.sweep(now);
    workgroup.id = world.uuid();
    workgroup.arn = world.arn("redshift-serverless", &format!("workgroup/{}", workgroup.id));
    workgroup.endpoint_id = format!("vpce-{}", world.hex(17));
    let appear = workgroup.ready_at + INTERFACES_APPEAR;
    workgroup.interfaces = placement::place(world, appear, &workgroup)?;
    if let Some(namespace) = world.serverless.namespaces.get_mut(&workgroup.namespace) {
        namespace.database_since.get_or_insert(workgroup.ready_at);
    }
    if workgroup.public {
        super::super::ec2::map_public_addresses(world, &workgroup.arn);
    }
    tag::put(world, &workgroup.arn, tags);
    world.serverless.workgroups.insert(workgroup.name.clone(), workgroup.clone());
    Ok(json!({ "workgroup": workgroup.render(world, now) }))
}

// Everything but the ids and the interfaces, which are made when all checks have passed.
fn read_new(world: &World, req: &Request, now: Timestamp) -> Result<Workgroup, AwsError> {
    let name = req.text("workgroupName")?;
    check_name("workgroupName", &name)?;
    let namespace = req.text("namespaceName")?;
    check_name("namespaceName", &namespace)?;
    let target = workgroup_spec::price_target(req)?;
    let given_base = workgroup_spec::base(world, req)?;
    if given_base.is_some() && target.as_ref().is_some_and(|target| target.enabled) {
        return Err(invalid("baseCapacity can't be set together with an enabled price-performance target."));
    }
    let price_target = target.unwrap_or_else(|| {
        let enabled = given_base.is_none();
        PriceTarget { enabled, level: enabled.then_some(workgroup_spec::BALANCED) }
    });
    let base = given_base.unwrap_or(capacity::DEFAULT_BASE);
    let max = workgroup_spec::max(world, req)?.filter(|max| *max != capacity::NO_MAXIMUM);
    capacity::check_pair(base, max)?;
    workgroup_spec::address_type(req)?;
    let given = parameter::read(req)?;
    parameter::check_at_create(&given)?;
    parameter::check_set(&given)?;
    let mut parameters = parameter::defaults();
    parameters.extend(given);
    let routing = req.opt_bool("enhancedVpcRouting")?.unwrap_or(false);
    let free = if routing { capacity::free_at_create(base) } else { FREE_WITHOUT_ROUTING };
    let subnets = req.texts("subnetIds")?;
    let vpc = network::check_subnets(world, now, &subnets, routing, free)?;
    let groups = network::check_groups(world, &vpc, &req.texts("securityGroupIds")?)?;
    let public = req.opt_bool("publiclyAccessible")?.unwrap_or(false);
    if public {
        network::check_public(world, &vpc, &subnets)?;
    }
    Ok(Workgroup {
        name,
        arn: String::new(),
        id: String::new(),
        namespace,
        created: now,
        ready_at: now + WORKGROUP_CREATES,
        busy_until: now,
        gone_at: None,
        base,
        max,
        price_target,
        parameters,
        routing,
        extra_compute: req.opt_bool("extraComputeForAutomaticOptimization")?.unwrap_or(false),
        port: workgroup_spec::port(req)?.unwrap_or(workgroup_spec::DEFAULT_PORT),
        public,
        groups,
        subnets,
        vpc,
        track: workgroup_spec::track(req)?.unwrap_or_else(|| workgroup_spec::DEFAULT_TRACK.to_owned()),
        endpoint_id: String::new(),
        interfaces: Vec::new(),
    })
}

fn check_namespace(world: &World, workgroup: &Workgroup, now: Timestamp) -> Result<(), AwsError> {
    let namespace = namespace::find(world, &workgroup.namespace, now)?;
    if world.serverless.workgroup(&workgroup.name, now).is_some() {
        return Err(conflict(format!("The workgroup {} already exists.", workgroup.name)));
    }
    if let Some(other) = world.serverless.workgroup_of(&namespace.name, now) {
        return Err(conflict(format!(
            "The namespace {} is already associated with the workgroup {}.",
            namespace.name, other.name
        )));
    }
    if !namespace.is_idle(world, now) {
        return Err(operation_running("namespace", "updating"));
    }
    if let Some(key) = &namespace.key {
        super::super::kms::usable_key(world, now, key)
            .map_err(|error| invalid(format!("The KMS key of the namespace can't be used: {}", error.message)))?;
    }
    Ok(())
}

fn get_workgroup(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let workgroup = find(world, &req.text("workgroupName")?, now)?;
    Ok(json!({ "workgroup": workgroup.render(world, now) }))
}

fn list_workgroups(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let foreign = req.opt_text("ownerAccount")?.is_some_and(|account| account != world.account);
    let all = world.serverless.workgroups.values().filter(|workgroup| !foreign && exists(workgroup.gone_at, now));
    listing("workgroups", all.map(|workgroup| workgroup.render(world, now)).collect(), req)
}

fn delete_workgroup(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("workgroupName")?;
    let mut workgroup = find(world, &name, now)?.clone();
    check_idle(world, &workgroup, "deleting", now)?;
    let mut endpoints = world.serverless.endpoints.values();
    let holds = |endpoint: &&Endpoint| endpoint.workgroup == name && exists(endpoint.gone_at, now);
    if let Some(endpoint) = endpoints.find(holds) {
        return Err(conflict(format!(
            "The workgroup {name} can't be deleted because it has the managed endpoint {}.",
            endpoint.name
        )));
    }
    if let Some(domain) = custom_domain::of(world, &name) {
        return Err(conflict(format!(
            "The workgroup {name} can't be deleted because it has the custom domain {}.",
            domain.name
        )));
    }
    let gone_at = now + WORKGROUP_DELETES;
    workgroup.gone_at = Some(gone_at);
    if workgroup.public {
        super::super::ec2::unmap_public_addresses(world, &workgroup.arn);
    }
    placement::release(world, &workgroup.arn, gone_at);
    world.serverless.limits.retain(|_, limit| limit.resource != workgroup.arn);
    let reply = workgroup.render(world, now);
    world.serverless.workgroups.insert(name, workgroup);
    Ok(json!({ "workgroup": reply }))
}

/// Refuses a change while something runs on the workgroup or its namespace.
pub(super) fn check_idle(world: &World, workgroup: &Workgroup, verb: &str, now: Timestamp) -> Result<(), AwsError> {
    if workgroup.is_busy(now) {
        return Err(operation_running("workgroup", verb));
    }
    let namespace = world.serverless.namespace(&workgroup.namespace, now);
    if namespace.is_some_and(|namespace| !namespace.is_idle(world, now)) {
        return Err(operation_running("namespace", verb));
    }
    Ok(())
}
