//! UpdateWorkgroup: one parameter per request, and never a request that changes nothing.
//!
//! Called by the core. Source: aws-facts.md 6.2. Must never accept two parameters at once.

use jiff::Timestamp;
use serde_json::json;

use super::super::ec2;
use super::network::{self, FREE_WITHOUT_ROUTING};
use super::{
    AwsError, Operation, Reply, Request, WORKGROUP_UPDATES, Workgroup, World, capacity, invalid, parameter, placement,
    workgroup, workgroup_spec,
};

/// The refusal of any capacity change before a recovery point exists, literally.
const NO_SNAPSHOT: &str = "Failed to update the RPU capacity for Serverless workgroup. Wait until at least one snapshot \
                           exists and retry.";

const SETTINGS: [&str; 12] = [
    "baseCapacity",
    "maxCapacity",
    "pricePerformanceTarget",
    "configParameters",
    "enhancedVpcRouting",
    "extraComputeForAutomaticOptimization",
    "ipAddressType",
    "port",
    "publiclyAccessible",
    "securityGroupIds",
    "subnetIds",
    "trackName",
];

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "UpdateWorkgroup",
    mutating: true,
    params: &[
        "workgroupName",
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
    ],
    run: update_workgroup,
}];

fn update_workgroup(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("workgroupName")?;
    let before = workgroup::find(world, &name, now)?.clone();
    let setting = one_setting(req)?;
    workgroup::check_idle(world, &before, "updating", now)?;
    let mut after = before.clone();
    change(world, req, now, setting, &mut after)?;
    if after == before {
        return Err(invalid(format!(
            "The workgroup {name} already has this value of {setting}. There is nothing to update."
        )));
    }
    move_interfaces(world, now, &before, &mut after)?;
    after.busy_until = now + WORKGROUP_UPDATES;
    world.serverless.workgroups.insert(name, after.clone());
    Ok(json!({ "workgroup": after.render(world, now) }))
}

fn one_setting(req: &Request) -> Result<&'static str, AwsError> {
    let given: Vec<&'static str> = SETTINGS.into_iter().filter(|setting| req.has(setting)).collect();
    match given.as_slice() {
        [setting] => Ok(setting),
        [] => Err(invalid("The request changes nothing: specify a parameter to update.")),
        several => Err(invalid(format!(
            "You can't update multiple configurations of a workgroup in one request: {}. Update them one at a time.",
            several.join(", ")
        ))),
    }
}

fn change(world: &World, req: &Request, now: Timestamp, setting: &str, after: &mut Workgroup) -> Result<(), AwsError> {
    match setting {
        "baseCapacity" => return change_base(world, req, now, after),
        "maxCapacity" => return change_max(world, req, now, after),
        "subnetIds" => return change_subnets(world, req, now, after),
        "enhancedVpcRouting" => return change_routing(world, req, now, after),
        "configParameters" => {
            after.parameters.extend(parameter::read(req)?);
            parameter::check_set(&after.parameters)?;
        }
        "pricePerformanceTarget" => {
            after.price_target = workgroup_spec::price_target(req)?
                .ok_or_else(|| invalid("pricePerformanceTarget must be a structure"))?;
        }
        "extraComputeForAutomaticOptimization" => {
            after.extra_compute = req.opt_bool(setting)?.unwrap_or(after.extra_compute);
        }
        "ipAddressType" => workgroup_spec::address_type(req)?,
        "port" => after.port = workgroup_spec::port(req)?.unwrap_or(after.port),
        "publiclyAccessible" => {
            after.public = req.opt_bool(setting)?.unwrap_or(after.public);
            if after.public {
                network::check_public(world, &after.vpc, &after.subnets)?;
            }
        }
        "securityGroupIds" => {
            let wanted = req.texts(setting)?;
            if wanted.is_empty() {
                return Err(invalid("securityGroupIds must hold at least one security group."));
            }
            if !same_set(&wanted, &after.groups) {
                after.groups = network::check_groups(world, &after.vpc, &wanted)?;
            }
        }
        _ => after.track = workgroup_spec::track(req)?.unwrap_or_else(|| after.track.clone()),
    }
    Ok(())
}

fn change_base(world: &World, req: &Request, now: Timestamp, after: &mut Workgroup) -> Result<(), AwsError> {
    let base = workgroup_spec::base(world, req)?.unwrap_or(after.base);
    capacity::check_pair(base, after.max)?;
    if base != after.base {
        check_recoverable(world, now, after)?;
    }
    if base > after.base {
        world.serverless.check_capacity(now)?;
    }
    if after.routing && base > after.base {
        network::check_free(world, now, &after.subnets, capacity::free_to_grow(base))?;
    }
    after.base = base;
    Ok(())
}

fn change_max(world: &World, req: &Request, now: Timestamp, after: &mut Workgroup) -> Result<(), AwsError> {
    let max = workgroup_spec::max(world, req)?.filter(|max| *max != capacity::NO_MAXIMUM);
    capacity::check_pair(after.base, max)?;
    if max != after.max {
        check_recoverable(world, now, after)?;
    }
    after.max = max;
    Ok(())
}

fn check_recoverable(world: &World, now: Timestamp, workgroup: &Workgroup) -> Result<(), AwsError> {
    if workgroup.is_recoverable(world, now) { Ok(()) } else { Err(invalid(NO_SNAPSHOT)) }
}

fn change_routing(world: &World, req: &Request, now: Timestamp, after: &mut Workgroup) -> Result<(), AwsError> {
    let routing = req.opt_bool("enhancedVpcRouting")?.unwrap_or(after.routing);
    if routing && !after.routing {
        network::check_subnets(world, now, &after.subnets, true, capacity::free_to_grow(after.base))?;
    }
    after.routing = routing;
    Ok(())
}

fn change_subnets(world: &World, req: &Request, now: Timestamp, after: &mut Workgroup) -> Result<(), AwsError> {
    let wanted = req.texts("subnetIds")?;
    if same_set(&wanted, &after.subnets) {
        return Ok(());
    }
    let added: Vec<String> = wanted.iter().filter(|id| !after.subnets.contains(id)).cloned().collect();
    let free = if after.routing { capacity::free_to_grow(after.base) } else { FREE_WITHOUT_ROUTING };
    let vpc = network::check_subnets(world, now, &wanted, after.routing, 0)?;
    network::check_free(world, now, &added, free)?;
    if vpc != after.vpc {
        return Err(invalid(format!("The subnets must stay in the VPC {} of the workgroup.", after.vpc)));
    }
    if after.public {
        network::check_public(world, &vpc, &wanted)?;
    }
    after.subnets = wanted;
    Ok(())
}

fn same_set(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|id| other.contains(id))
}

fn move_interfaces(
    world: &mut World,
    now: Timestamp,
    before: &Workgroup,
    after: &mut Workgroup,
) -> Result<(), AwsError> {
    if before.subnets != after.subnets {
        placement::release(world, &after.arn, now);
        after.interfaces = placement::place(world, now, after)?;
    }
    if before.groups != after.groups {
        ec2::regroup_interfaces(world, &after.arn, &after.groups);
    }
    if after.public && (!before.public || before.subnets != after.subnets) {
        ec2::map_public_addresses(world, &after.arn);
    }
    if before.public && !after.public {
        ec2::unmap_public_addresses(world, &after.arn);
    }
    Ok(())
}
