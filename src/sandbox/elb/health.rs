//! DescribeTargetHealth: the state of every target, computed from time, zones, security groups and what listens.
//!
//! Called by the core. Source: aws-facts.md 7.4. Must never call a target healthy that the load balancer cannot reach.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{ec2, serverless};
use super::target::{self, ALL_ZONES};
use super::{
    AwsError, Balancer, Operation, Reply, Request, TARGET_REGISTERS, Target, TargetGroup, World, Zone, target_group,
    zone,
};

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeTargetHealth",
    mutating: false,
    params: &["TargetGroupArn", "Targets.Id", "Targets.Port", "Targets.AvailabilityZone"],
    run: describe_target_health,
}];

/// State, reason, description.
type Health = (&'static str, Option<&'static str>, Option<&'static str>);

const DRAINING: Health =
    ("draining", Some("Target.DeregistrationInProgress"), Some("Target deregistration is in progress"));
const NO_LISTENER: Health = (
    "unused",
    Some("Target.NotInUse"),
    Some("Target group is not configured to receive traffic from the load balancer"),
);
const NO_ZONE: Health = (
    "unused",
    Some("Target.NotInUse"),
    Some("Target is in an Availability Zone that is not enabled for the load balancer"),
);
const NOT_REGISTERED: Health =
    ("unused", Some("Target.NotRegistered"), Some("Target is not registered to the target group"));
const REGISTERING: Health = ("initial", Some("Elb.RegistrationInProgress"), Some("Target registration is in progress"));
const CHECKING: Health = ("initial", Some("Elb.InitialHealthChecking"), Some("Initial health checks in progress"));
const HEALTHY: Health = ("healthy", None, None);
const TIMEOUT: Health = ("unhealthy", Some("Target.Timeout"), Some("Request timed out"));
const FAILED: Health = ("unhealthy", Some("Target.FailedHealthChecks"), Some("Health checks failed"));

fn describe_target_health(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let group = target_group::find(world, req)?;
    let listed = group.targets.iter().filter(|target| target.exists(now));
    let asked = req.list("Targets");
    if asked.is_empty() {
        let all: Vec<Reply> = listed.map(|target| describe(world, &group, target, now)).collect();
        return Ok(json!({ "TargetHealthDescriptions": all }));
    }
    let mut answers = Vec::new();
    for target in asked {
        let (address, port) = target::read(&target, &group)?;
        let found = listed.clone().find(|target| (target.address, target.port) == (address, port));
        answers.push(match found {
            Some(target) => describe(world, &group, target, now),
            None => render(&json!({ "Id": address.to_string(), "Port": port }), None, NOT_REGISTERED),
        });
    }
    Ok(json!({ "TargetHealthDescriptions": answers }))
}

fn describe(world: &World, group: &TargetGroup, target: &Target, now: Timestamp) -> Reply {
    let description = json!({ "Id": target.address.to_string(), "Port": target.port, "AvailabilityZone": target.zone });
    render(&description, Some(group.check.port_of(target.port)), health(world, group, target, now))
}

fn render(target: &Reply, port: Option<u16>, (state, reason, description): Health) -> Reply {
    json!({
        "Target": target,
        "HealthCheckPort": port.map(|port| port.to_string()),
        "TargetHealth": { "State": state, "Reason": reason, "Description": description },
    })
}

fn health(world: &World, group: &TargetGroup, target: &Target, now: Timestamp) -> Health {
    if target.gone_at.is_some() {
        return DRAINING;
    }
    let forwards = world.elb.users(&group.arn).flat_map(|listener| {
        let own = listener.forwards.iter().filter(|forward| forward.group == group.arn);
        own.map(|forward| (&listener.balancer, forward.since))
    });
    let Some((balancer, attached)) = forwards.min_by_key(|(_, since)| *since) else { return NO_LISTENER };
    let Some(balancer) = world.elb.balancers.get(balancer) else { return NO_LISTENER };
    let Some(zone) = serving(balancer, target) else { return NO_ZONE };
    let begun = target.registered.max(attached).max(zone.serves_at);
    let check = &group.check;
    if now < begun + TARGET_REGISTERS {
        return REGISTERING;
    }
    if now < begun + SignedDuration::from_secs(check.interval * check.healthy) {
        return CHECKING;
    }
    let port = check.port_of(target.port);
    let owner = zone::owner(&balancer.arn, &zone.name);
    if !ec2::reaches(world, now, &owner, target.address, port) || !serverless::listens(world, now, target.address, port)
    {
        return TIMEOUT;
    }
    // A warehouse answers no HTTP.
    if check.protocol == "TCP" { HEALTHY } else { FAILED }
}

/// The zone whose node checks the target: its own; any for a target of all zones.
fn serving<'a>(balancer: &'a Balancer, target: &Target) -> Option<&'a Zone> {
    if target.zone != ALL_ZONES {
        return balancer.zones.iter().find(|zone| zone.name == target.zone);
    }
    balancer.zones.first()
}
