//! Managed endpoints of a workgroup: one interface in one of the given subnets, which the service picks.
//!
//! Called by the core. Source: aws-facts.md 6.3. Must never place an interface before every check has passed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::{
    AwsError, ENDPOINT_CREATES, ENDPOINT_DELETES, ENDPOINT_UPDATES, INTERFACES_LINGER, Operation, Placed, Reply,
    Request, World, conflict, exists, invalid, listing, moment, name, network, not_found, operation_running, workgroup,
};

/// A managed endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name, unique in the region.
    pub name: String,
    /// ARN; it holds an id, not the name.
    pub arn: String,
    /// Name of its workgroup.
    pub workgroup: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it is `ACTIVE` for the first time.
    pub ready_at: Timestamp,
    /// Until when its last update keeps it `MODIFYING`.
    pub busy_until: Timestamp,
    /// When a deletion that has begun is over.
    pub gone_at: Option<Timestamp>,
    /// Security groups of its interface.
    pub groups: Vec<String>,
    /// Subnets, in the order given.
    pub subnets: Vec<String>,
    /// VPC of the subnets.
    pub vpc: String,
    /// Id of the endpoint in the VPC.
    pub endpoint_id: String,
    /// The hexadecimal digits in its address.
    pub label: String,
    /// Its interface.
    pub interface: Placed,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateEndpointAccess",
        mutating: true,
        params: &["endpointName", "workgroupName", "subnetIds", "vpcSecurityGroupIds"],
        run: create_endpoint_access,
    },
    Operation { name: "GetEndpointAccess", mutating: false, params: &["endpointName"], run: get_endpoint_access },
    Operation {
        name: "ListEndpointAccess",
        mutating: false,
        params: &["workgroupName", "vpcId", "maxResults", "nextToken"],
        run: list_endpoint_access,
    },
    Operation {
        name: "UpdateEndpointAccess",
        mutating: true,
        params: &["endpointName", "vpcSecurityGroupIds"],
        run: update_endpoint_access,
    },
    Operation { name: "DeleteEndpointAccess", mutating: true, params: &["endpointName"], run: delete_endpoint_access },
];

impl Endpoint {
    /// `CREATING`, `ACTIVE`, `MODIFYING` or `DELETING`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        if self.gone_at.is_some() {
            "DELETING"
        } else if now < self.ready_at {
            "CREATING"
        } else if now < self.busy_until {
            "MODIFYING"
        } else {
            "ACTIVE"
        }
    }

    /// Tells whether connections to its interface reach its workgroup.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.ready_at <= now && exists(self.gone_at, now)
    }

    fn render(&self, world: &World, now: Timestamp) -> Reply {
        let port = world.serverless.workgroup(&self.workgroup, now).map(|workgroup| workgroup.port);
        let placed = &self.interface;
        let interface = json!({
            "networkInterfaceId": placed.interface,
            "subnetId": placed.subnet,
            "availabilityZone": placed.zone,
            "privateIpAddress": placed.address.to_string(),
        });
        let ready = self.ready_at <= now;
        let groups = self.groups.iter().map(|id| json!({ "vpcSecurityGroupId": id, "status": "active" }));
        json!({
            "endpointName": self.name,
            "endpointArn": self.arn,
            "endpointStatus": self.status(now),
            "endpointCreateTime": moment(self.created),
            "workgroupName": self.workgroup,
            "subnetIds": self.subnets,
            "vpcSecurityGroups": groups.collect::<Vec<Reply>>(),
            "port": port,
            "address": ready.then(|| format!(
                "{}-endpoint-{}.{}.{}.redshift-serverless.amazonaws.com",
                self.name, self.label, world.account, world.region
            )),
            "vpcEndpoint": ready.then(|| json!({
                "vpcEndpointId": self.endpoint_id,
                "vpcId": self.vpc,
                "networkInterfaces": [interface],
            })),
        })
    }
}

fn find<'a>(world: &'a World, name: &str, now: Timestamp) -> Result<&'a Endpoint, AwsError> {
    world.serverless.endpoint(name, now).ok_or_else(|| not_found(format!("The endpoint {name} doesn't exist.")))
}

/// Refuses no subnets, unknown ones, those of several VPCs, and those without a free address; answers their VPC.
fn check_subnets(world: &World, now: Timestamp, ids: &[String]) -> Result<String, AwsError> {
    let mut vpcs = Vec::new();
    for id in ids {
        let subnet = ec2::subnet(world, id).ok_or_else(|| invalid(format!("The subnet ID '{id}' does not exist.")))?;
        vpcs.push(subnet.vpc.clone());
    }
    vpcs.dedup();
    network::check_free(world, now, ids, 1)?;
    match vpcs.as_slice() {
        [vpc] => Ok(vpc.clone()),
        [] => Err(invalid("subnetIds must hold at least one subnet.")),
        _ => Err(invalid("All subnets of an endpoint must be in the same VPC.")),
    }
}

fn create_endpoint_access(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("endpointName")?;
    name::check_endpoint_name(&name)?;
    let workgroup = req.text("workgroupName")?;
    let subnets = req.texts("subnetIds")?;
    let vpc = check_subnets(world, now, &subnets)?;
    let groups = network::check_groups(world, &vpc, &req.texts("vpcSecurityGroupIds")?)?;
    if world.serverless.endpoint(&name, now).is_some() {
        return Err(conflict(format!("The endpoint {name} already exists.")));
    }
    if workgroup::find(world, &workgroup, now)?.is_busy(now) {
        return Err(operation_running("workgroup", "creating an endpoint of"));
    }
    world.serverless.sweep(now);
    let arn = format!("endpointaccess/{}", world.uuid());
    let arn = world.arn("redshift-serverless", &arn);
    let (endpoint_id, label) = (format!("vpce-{}", world.hex(17)), world.hex(24));
    let ready_at = now + ENDPOINT_CREATES;
    let interface = place(world, ready_at, &subnets, &groups, &arn, &endpoint_id)?;
    let endpoint = Endpoint {
        name: name.clone(),
        arn,
        workgroup,
        created: now,
        ready_at,
        busy_until: now,
        gone_at: None,
        groups,
        subnets,
        vpc,
        endpoint_id,
        label,
        interface,
    };
    let reply = endpoint.render(world, now);
    world.serverless.endpoints.insert(name, endpoint);
    Ok(json!({ "endpoint": reply }))
}

/// Puts the interface into one of the subnets; which one is the service's own choice.
fn place(
    world: &mut World,
    appear: Timestamp,
    subnets: &[String],
    groups: &[String],
    owner: &str,
    endpoint_id: &str,
) -> Result<Placed, AwsError> {
    let seed = usize::from_str_radix(&world.hex(6), 16).unwrap_or_default();
    let subnet = subnets.get(seed % subnets.len().max(1)).cloned().unwrap_or_default();
    let description = format!("VPC Endpoint Interface {endpoint_id}");
    let (interface, address) = ec2::place_interface(world, appear, &subnet, groups, owner, &description)?;
    let zone = ec2::subnet(world, &subnet).map(|subnet| subnet.zone.clone()).unwrap_or_default();
    Ok(Placed { interface, subnet, zone, address })
}

fn get_endpoint_access(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let endpoint = find(world, &req.text("endpointName")?, now)?;
    Ok(json!({ "endpoint": endpoint.render(world, now) }))
}

fn list_endpoint_access(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (workgroup, vpc) = (req.opt_text("workgroupName")?, req.opt_text("vpcId")?);
    let asked = |endpoint: &&Endpoint| {
        exists(endpoint.gone_at, now)
            && workgroup.as_ref().is_none_or(|workgroup| endpoint.workgroup == *workgroup)
            && vpc.as_ref().is_none_or(|vpc| endpoint.vpc == *vpc)
    };
    let all = world.serverless.endpoints.values().filter(asked);
    listing("endpoints", all.map(|endpoint| endpoint.render(world, now)).collect(), req)
}

fn update_endpoint_access(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("endpointName")?;
    let mut endpoint = idle(world, &name, "updating", now)?;
    let wanted = req.texts("vpcSecurityGroupIds")?;
    if wanted.is_empty() {
        return Err(invalid("The request changes nothing: vpcSecurityGroupIds must hold at least one security group."));
    }
    let groups = network::check_groups(world, &endpoint.vpc, &wanted)?;
    if groups.len() == endpoint.groups.len() && groups.iter().all(|group| endpoint.groups.contains(group)) {
        return Err(invalid(format!("The endpoint {name} already has these security groups.")));
    }
    ec2::regroup_interfaces(world, &endpoint.arn, &groups);
    endpoint.groups = groups;
    endpoint.busy_until = now + ENDPOINT_UPDATES;
    let reply = endpoint.render(world, now);
    world.serverless.endpoints.insert(name, endpoint);
    Ok(json!({ "endpoint": reply }))
}

fn delete_endpoint_access(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("endpointName")?;
    let mut endpoint = idle(world, &name, "deleting", now)?;
    let gone_at = now + ENDPOINT_DELETES;
    endpoint.gone_at = Some(gone_at);
    ec2::release_interfaces(world, &endpoint.arn, gone_at + INTERFACES_LINGER);
    let reply = endpoint.render(world, now);
    world.serverless.endpoints.insert(name, endpoint);
    Ok(json!({ "endpoint": reply }))
}

/// The endpoint of a change, unless something still runs on it.
fn idle(world: &World, name: &str, verb: &str, now: Timestamp) -> Result<Endpoint, AwsError> {
    let endpoint = find(world, name, now)?;
    if endpoint.status(now) == "ACTIVE" { Ok(endpoint.clone()) } else { Err(operation_running("endpoint", verb)) }
}

#[cfg(test)]
mod tests {
    use super::super::{bench::Bench, listens};
    use super::*;

    fn params(bench: &Bench) -> Reply {
        json!({ "endpointName": "reader", "workgroupName": "reader", "subnetIds": bench.subnets,
            "vpcSecurityGroupIds": [bench.warehouse_group] })
    }

    #[test]
    fn an_endpoint_listens_while_it_is_there_and_holds_its_workgroup() {
        let mut bench = Bench::new();
        bench.reader();
        let made = params(&bench);
        bench.serverless("CreateEndpointAccess", made.clone());
        assert_eq!(bench.refused("CreateEndpointAccess", made).0, "ConflictException");
        let shown = |bench: &mut Bench| bench.serverless("ListEndpointAccess", json!({}))["endpoints"][0].clone();
        let early = shown(&mut bench);
        assert_eq!((&early["endpointStatus"], &early["vpcEndpoint"]), (&json!("CREATING"), &json!(null)));
        bench.pass(180);
        let ready = shown(&mut bench);
        assert_eq!(ready["endpointStatus"], "ACTIVE");
        assert!(ready["address"].as_str().unwrap().starts_with("reader-endpoint-"), "{ready}");
        let interfaces = ready["vpcEndpoint"]["networkInterfaces"].as_array().unwrap();
        let [interface] = interfaces.as_slice() else { panic!("one interface: {ready}") };
        let address = interface["privateIpAddress"].as_str().unwrap().parse().unwrap();
        assert!(listens(&bench.world, bench.now, address, 5439) && !listens(&bench.world, bench.now, address, 5440));

        let same = json!({ "endpointName": "reader", "vpcSecurityGroupIds": [bench.warehouse_group] });
        assert_eq!(bench.refused("UpdateEndpointAccess", same).0, "ValidationException");
        let other = json!({ "endpointName": "reader", "vpcSecurityGroupIds": [bench.balancer_group] });
        bench.serverless("UpdateEndpointAccess", other);
        let workgroup = json!({ "workgroupName": "reader" });
        assert_eq!(bench.refused("DeleteEndpointAccess", json!({ "endpointName": "reader" })).0, "ConflictException");
        bench.pass(60);
        bench.serverless("DeleteEndpointAccess", json!({ "endpointName": "reader" }));
        assert_eq!(bench.refused("DeleteWorkgroup", workgroup.clone()).0, "ConflictException");
        bench.pass(60);
        assert!(!listens(&bench.world, bench.now, address, 5439));
        bench.serverless("DeleteWorkgroup", workgroup);
    }

    #[test]
    fn an_endpoint_wants_a_workgroup_that_is_at_rest() {
        let mut bench = Bench::new();
        let made = params(&bench);
        assert_eq!(bench.refused("CreateEndpointAccess", made.clone()).0, "ResourceNotFoundException");
        bench.serverless("CreateNamespace", json!({ "namespaceName": "reader" }));
        bench.pass(5);
        let workgroup = bench.workgroup_params(json!({}));
        bench.serverless("CreateWorkgroup", workgroup);
        assert_eq!(bench.refused("CreateEndpointAccess", made.clone()).0, "ConflictException");
        bench.pass(330);
        for (member, bad) in
            [("endpointName", json!("a--b")), ("subnetIds", json!([])), ("subnetIds", json!(["subnet-0"]))]
        {
            let mut made = made.clone();
            made[member] = bad;
            assert_eq!(bench.refused("CreateEndpointAccess", made).0, "ValidationException");
        }
    }
}
