//! Network load balancers: create, describe, delete; what one is and what state it is in.
//!
//! Called by the core; changes lie in `balancer_change`. Source: aws-facts.md 7.1. Must never give a load balancer
//! security groups that it did not have at birth.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::name::{self, Kind};
use super::select::{self, Choice};
use super::{
    AwsError, BALANCER_PROVISIONS, Operation, Reply, Request, World, Zone, attribute_key, configuration, invalid,
    moment, no_balancer, same_set, tag, unsupported, zone,
};

/// Hosted zone of the DNS names of all network load balancers (that of us-west-2).
const HOSTED_ZONE: &str = "Z18D5FSROUN65G";
const INTERNET_FACING: &str = "internet-facing";
const INTERNAL: &str = "internal";

/// A network load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balancer {
    /// Its ARN.
    pub arn: String,
    /// Its name, unique in the region.
    pub name: String,
    /// DNS name.
    pub dns: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Its VPC.
    pub vpc: String,
    /// Its zones, in the order given.
    pub zones: Vec<Zone>,
    /// Its security groups; empty for ever if empty at birth.
    pub groups: Vec<String>,
    /// `on` or `off` for load balancers with security groups.
    pub enforce_private_link: String,
    /// When it was created.
    pub created: Timestamp,
    /// When `provisioning` becomes `active`.
    pub active_at: Timestamp,
    /// Every attribute.
    pub attributes: BTreeMap<String, String>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateLoadBalancer",
        mutating: true,
        params: &[
            "Name",
            "Type",
            "Scheme",
            "IpAddressType",
            "Subnets",
            "SubnetMappings.SubnetId",
            "SecurityGroups",
            "Tags.Key",
            "Tags.Value",
        ],
        run: create_load_balancer,
    },
    Operation {
        name: "DescribeLoadBalancers",
        mutating: false,
        params: &["LoadBalancerArns", "Names", "Marker", "PageSize"],
        run: describe_load_balancers,
    },
    Operation { name: "DeleteLoadBalancer", mutating: true, params: &["LoadBalancerArn"], run: delete_load_balancer },
];

impl Balancer {
    /// `net/<name>/<id>`, as alarms and interface descriptions name it.
    pub fn resource(&self) -> &str {
        self.arn.split_once("loadbalancer/").map_or("", |(_, resource)| resource)
    }

    /// Whether it has public addresses.
    pub fn is_internet_facing(&self) -> bool {
        self.scheme == INTERNET_FACING
    }

    /// The subnets of its zones.
    pub(super) fn subnets(&self) -> Vec<String> {
        self.zones.iter().map(|zone| zone.subnet.clone()).collect()
    }

    /// Whether an attribute is `true`.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }

    fn render(&self, now: Timestamp) -> Reply {
        let zones: Vec<Reply> = self.zones.iter().map(Zone::render).collect();
        let enforce = (!self.groups.is_empty()).then_some(&self.enforce_private_link);
        json!({
            "LoadBalancerArn": self.arn,
            "DNSName": self.dns,
            "CanonicalHostedZoneId": HOSTED_ZONE,
            "CreatedTime": moment(self.created),
            "LoadBalancerName": self.name,
            "Scheme": self.scheme,
            "VpcId": self.vpc,
            "State": { "Code": if self.active_at <= now { "active" } else { "provisioning" } },
            "Type": "network",
            "AvailabilityZones": zones,
            "SecurityGroups": self.groups,
            "IpAddressType": "ipv4",
            "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": enforce,
        })
    }
}

/// The load balancer of a call, or its not-found error.
pub(super) fn find(world: &World, req: &Request) -> Result<Balancer, AwsError> {
    let arn = req.text("LoadBalancerArn")?;
    Kind::Balancer.check(&arn)?;
    world.elb.balancers.get(&arn).cloned().ok_or_else(no_balancer)
}

/// Security groups of the call, all of the VPC.
pub(super) fn read_groups(world: &World, req: &Request, vpc: &str) -> Result<Vec<String>, AwsError> {
    let groups = req.texts("SecurityGroups")?;
    for id in &groups {
        let group = ec2::group_exists(world, id).ok_or_else(|| {
            AwsError::new("InvalidSecurityGroup", format!("The security group '{id}' does not exist"))
        })?;
        if group.vpc != vpc {
            return Err(configuration(format!(
                "One or more security groups are invalid: {id} does not belong to VPC '{vpc}'"
            )));
        }
        if groups.iter().filter(|other| *other == id).count() > 1 {
            return Err(configuration(format!("The security group '{id}' was specified more than once")));
        }
    }
    Ok(groups)
}

/// Refuses every address type but `ipv4`: no subnet of the sandbox has an IPv6 block.
pub(super) fn check_address_type(asked: Option<&str>) -> Result<(), AwsError> {
    match asked {
        None | Some("ipv4") => Ok(()),
        Some("dualstack") => Err(AwsError::new(
            "InvalidSubnet",
            "You must specify subnets with an associated IPv6 CIDR block for the IP address type 'dualstack'",
        )),
        Some(other) => Err(invalid(format!("The IP address type '{other}' is not valid for a network load balancer"))),
    }
}

fn create_load_balancer(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("Name")?;
    name::check_balancer(&name)?;
    match req.opt_text("Type")?.as_deref() {
        Some("network") => {}
        other => return Err(unsupported(&format!("load balancers of type {}", other.unwrap_or("application")))),
    }
    let scheme = req.opt_text("Scheme")?.unwrap_or_else(|| INTERNET_FACING.to_owned());
    if scheme != INTERNET_FACING && scheme != INTERNAL {
        return Err(AwsError::new("InvalidScheme", format!("The scheme '{scheme}' is not valid")));
    }
    check_address_type(req.opt_text("IpAddressType")?.as_deref())?;
    let (subnets, vpc) = zone::read(world, req)?;
    let groups = read_groups(world, req, &vpc)?;
    let tags = tag::read(req)?;
    if let Some(other) = world.elb.balancers.values().find(|balancer| balancer.name == name) {
        let same = other.scheme == scheme && same_set(&other.subnets(), &subnets) && same_set(&other.groups, &groups);
        if same {
            return Ok(json!({ "LoadBalancers": [other.render(now)] }));
        }
        return Err(AwsError::new(
            "DuplicateLoadBalancerName",
            format!("A load balancer with the same name '{name}' exists, but with different settings"),
        ));
    }
    zone::check(world, now, &subnets, &vpc, scheme == INTERNET_FACING)?;
    let id = world.hex(16);
    let mut balancer = Balancer {
        arn: world.arn("elasticloadbalancing", &format!("loadbalancer/net/{name}/{id}")),
        dns: format!("{name}-{id}.elb.{}.amazonaws.com", world.region),
        name,
        scheme,
        vpc,
        zones: Vec::new(),
        groups,
        enforce_private_link: "on".to_owned(),
        created: now,
        active_at: now + BALANCER_PROVISIONS,
        attributes: attribute_key::defaults(attribute_key::BALANCER),
    };
    balancer.zones = zone::enable(world, now, &balancer, &subnets, balancer.active_at)?;
    tag::put(world, &balancer.arn, tags);
    let reply = balancer.render(now);
    world.elb.balancers.insert(balancer.arn.clone(), balancer);
    Ok(json!({ "LoadBalancers": [reply] }))
}

fn describe_load_balancers(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let all = world.elb.balancers.values();
    let choice = Choice {
        kind: Kind::Balancer,
        arns: "LoadBalancerArns",
        names: Some("Names"),
        all: all.map(|balancer| (balancer.arn.as_str(), balancer.name.as_str(), balancer)).collect(),
        missing: no_balancer(),
    };
    let items = choice.pick(req)?.into_iter().map(|balancer| balancer.render(now)).collect();
    select::listing("LoadBalancers", items, req)
}

fn delete_load_balancer(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("LoadBalancerArn")?;
    Kind::Balancer.check(&arn)?;
    // One that is already gone is a success.
    let Some(balancer) = world.elb.balancers.get(&arn).cloned() else { return Ok(json!({})) };
    if balancer.has(attribute_key::DELETION_PROTECTION) {
        return Err(AwsError::new(
            "OperationNotPermitted",
            format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled"),
        ));
    }
    world.elb.balancers.remove(&arn);
    world.elb.listeners.retain(|_, listener| listener.balancer != arn);
    let listeners = format!("{}/", arn.replacen(":loadbalancer/", ":listener/", 1));
    world.elb.tags.retain(|tagged, _| *tagged != arn && !tagged.starts_with(&listeners));
    zone::disable(world, now, &arn, &balancer.zones);
    Ok(json!({}))
}
