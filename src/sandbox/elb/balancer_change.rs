//! Changes of a load balancer in place: SetSubnets, SetSecurityGroups, SetIpAddressType.
//!
//! Called by the core. Source: aws-facts.md 7.1. Must never take a load balancer from no security group to some, nor back.

use jiff::Timestamp;
use serde_json::json;

use super::super::ec2;
use super::{AwsError, Operation, Reply, Request, World, ZONE_ENABLES, Zone, balancer, configuration, invalid, zone};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "SetSubnets",
        mutating: true,
        params: &["LoadBalancerArn", "Subnets", "SubnetMappings.SubnetId", "IpAddressType"],
        run: set_subnets,
    },
    Operation {
        name: "SetSecurityGroups",
        mutating: true,
        params: &["LoadBalancerArn", "SecurityGroups", "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"],
        run: set_security_groups,
    },
    Operation {
        name: "SetIpAddressType",
        mutating: true,
        params: &["LoadBalancerArn", "IpAddressType"],
        run: set_ip_address_type,
    },
];

fn set_subnets(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut balancer = balancer::find(world, req)?;
    balancer::check_address_type(req.opt_text("IpAddressType")?.as_deref())?;
    let (wanted, vpc) = zone::read(world, req)?;
    if vpc != balancer.vpc {
        return Err(configuration(format!("The subnets must be in the VPC '{}' of the load balancer", balancer.vpc)));
    }
    let present = balancer.subnets();
    let added: Vec<String> = wanted.iter().filter(|id| !present.contains(id)).cloned().collect();
    zone::check(world, now, &added, &vpc, balancer.is_internet_facing())?;
    let (mut zones, dropped): (Vec<Zone>, Vec<Zone>) =
        balancer.zones.iter().cloned().partition(|zone| wanted.contains(&zone.subnet));
    zone::disable(world, now, &balancer.arn, &dropped);
    let serves_at = balancer.active_at.max(now + ZONE_ENABLES);
    zones.extend(zone::enable(world, now, &balancer, &added, serves_at)?);
    balancer.zones = zones;
    let rendered: Vec<Reply> = balancer.zones.iter().map(Zone::render).collect();
    world.elb.balancers.insert(balancer.arn.clone(), balancer);
    Ok(json!({ "AvailabilityZones": rendered, "IpAddressType": "ipv4" }))
}

fn set_security_groups(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mut balancer = balancer::find(world, req)?;
    if !req.has("SecurityGroups") {
        return Err(req.missing("SecurityGroups"));
    }
    let groups = balancer::read_groups(world, req, &balancer.vpc)?;
    if balancer.groups.is_empty() {
        return Err(configuration(format!(
            "Security groups cannot be set on the load balancer '{}', which was created without security groups",
            balancer.arn
        )));
    }
    if groups.is_empty() {
        return Err(configuration("At least one security group must be specified"));
    }
    match req.opt_text("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic")? {
        Some(value) if value == "on" || value == "off" => balancer.enforce_private_link = value,
        Some(value) => return Err(invalid(format!("The value '{value}' must be on or off"))),
        None => {}
    }
    for zone in &balancer.zones {
        ec2::regroup_interfaces(world, &zone::owner(&balancer.arn, &zone.name), &groups);
    }
    balancer.groups = groups;
    let reply = json!({
        "SecurityGroupIds": balancer.groups,
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": balancer.enforce_private_link,
    });
    world.elb.balancers.insert(balancer.arn.clone(), balancer);
    Ok(reply)
}

fn set_ip_address_type(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    balancer::find(world, req)?;
    let wanted = req.text("IpAddressType")?;
    balancer::check_address_type(Some(&wanted))?;
    Ok(json!({ "IpAddressType": wanted }))
}
