//! Target groups of addresses: create, describe, modify, delete.
//!
//! Called by the core. Source: aws-facts.md 7.2. Must never change what is fixed at birth, nor delete one in use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::check::{HealthCheck, check_params};
use super::name::{self, Kind};
use super::select::{self, Choice};
use super::{
    AwsError, Operation, Reply, Request, Target, World, attribute_key, invalid, no_balancer, no_group, tag, unsupported,
};

/// A target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name, unique in the region.
    pub name: String,
    /// Port of targets registered without one.
    pub port: u16,
    /// Its VPC.
    pub vpc: String,
    /// How its targets are checked.
    pub check: HealthCheck,
    /// Every attribute.
    pub attributes: BTreeMap<String, String>,
    /// Its targets, those whose draining is over but not yet swept included.
    pub targets: Vec<Target>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateTargetGroup",
        mutating: true,
        params: check_params!(
            "Name",
            "Protocol",
            "Port",
            "VpcId",
            "TargetType",
            "IpAddressType",
            "Tags.Key",
            "Tags.Value"
        ),
        run: create_target_group,
    },
    Operation {
        name: "DescribeTargetGroups",
        mutating: false,
        params: &["LoadBalancerArn", "TargetGroupArns", "Names", "Marker", "PageSize"],
        run: describe_target_groups,
    },
    Operation {
        name: "ModifyTargetGroup",
        mutating: true,
        params: check_params!("TargetGroupArn"),
        run: modify_target_group,
    },
    Operation { name: "DeleteTargetGroup", mutating: true, params: &["TargetGroupArn"], run: delete_target_group },
];

impl TargetGroup {
    /// The load balancers whose listeners forward to it.
    pub(super) fn balancers<'a>(&'a self, world: &'a World) -> BTreeSet<&'a str> {
        world.elb.users(&self.arn).map(|listener| listener.balancer.as_str()).collect()
    }

    fn render(&self, world: &World) -> Reply {
        let mut group = json!({
            "TargetGroupArn": self.arn,
            "TargetGroupName": self.name,
            "Protocol": "TCP",
            "Port": self.port,
            "VpcId": self.vpc,
            "LoadBalancerArns": self.balancers(world),
            "TargetType": "ip",
            "IpAddressType": "ipv4",
        });
        self.check.render_into(&mut group);
        group
    }
}

/// The target group of a call, or its not-found error.
pub(super) fn find(world: &World, req: &Request) -> Result<TargetGroup, AwsError> {
    let arn = req.text("TargetGroupArn")?;
    Kind::Group.check(&arn)?;
    world.elb.groups.get(&arn).cloned().ok_or_else(no_group)
}

/// A port of a call.
pub(super) fn read_port(req: &Request, name: &str) -> Result<Option<u16>, AwsError> {
    let Some(port) = req.opt_int(name)? else { return Ok(None) };
    let valid = u16::try_from(port).ok().filter(|port| *port > 0);
    valid.map(Some).ok_or_else(|| invalid(format!("Port '{port}' must be from 1 to 65535")))
}

fn create_target_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let group = read_new(world, req)?;
    let tags = tag::read(req)?;
    if let Some(other) = world.elb.groups.values().find(|other| other.name == group.name) {
        let same = (other.port, &other.vpc, &other.check) == (group.port, &group.vpc, &group.check);
        if same {
            return Ok(json!({ "TargetGroups": [other.render(world)] }));
        }
        return Err(AwsError::new(
            "DuplicateTargetGroupName",
            format!("A target group with the same name '{}' exists, but with different settings", group.name),
        ));
    }
    let id = world.hex(16);
    let arn = world.arn("elasticloadbalancing", &format!("targetgroup/{}/{id}", group.name));
    let group = TargetGroup { arn: arn.clone(), ..group };
    let reply = group.render(world);
    tag::put(world, &arn, tags);
    world.elb.groups.insert(arn, group);
    Ok(json!({ "TargetGroups": [reply] }))
}

fn read_new(world: &World, req: &Request) -> Result<TargetGroup, AwsError> {
    let name = req.text("Name")?;
    name::check("target group", &name)?;
    match req.opt_text("TargetType")?.as_deref() {
        Some("ip") => {}
        other => return Err(unsupported(&format!("targets of type {}", other.unwrap_or("instance")))),
    }
    match req.text("Protocol")?.as_str() {
        "TCP" => {}
        other => return Err(unsupported(&format!("target groups of protocol {other}"))),
    }
    match req.opt_text("IpAddressType")?.as_deref() {
        None | Some("ipv4") => {}
        Some(other) => return Err(unsupported(&format!("target groups of address type {other}"))),
    }
    let port = read_port(req, "Port")?.ok_or_else(|| req.missing("Port"))?;
    let vpc = req.text("VpcId")?;
    if !world.ec2.vpcs.contains_key(&vpc) {
        return Err(invalid(format!("The VPC ID '{vpc}' is not found")));
    }
    Ok(TargetGroup {
        arn: String::new(),
        name,
        port,
        vpc,
        check: HealthCheck::default().with(req)?,
        attributes: attribute_key::defaults(attribute_key::GROUP),
        targets: Vec::new(),
    })
}

fn describe_target_groups(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let balancer = req.opt_text("LoadBalancerArn")?;
    if let Some(arn) = &balancer {
        if req.has("TargetGroupArns") || req.has("Names") {
            return Err(invalid("LoadBalancerArn cannot be specified together with target group ARNs or names"));
        }
        Kind::Balancer.check(arn)?;
        if !world.elb.balancers.contains_key(arn) {
            return Err(no_balancer());
        }
    }
    let all = world.elb.groups.values();
    let choice = Choice {
        kind: Kind::Group,
        arns: "TargetGroupArns",
        names: Some("Names"),
        all: all.map(|group| (group.arn.as_str(), group.name.as_str(), group)).collect(),
        missing: no_group(),
    };
    let of_balancer =
        |group: &&TargetGroup| balancer.as_ref().is_none_or(|arn| group.balancers(world).contains(arn.as_str()));
    let items = choice.pick(req)?.into_iter().filter(of_balancer).map(|group| group.render(world)).collect();
    select::listing("TargetGroups", items, req)
}

fn modify_target_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = find(world, req)?;
    group.check = group.check.with(req)?;
    world.elb.groups.insert(group.arn.clone(), group.clone());
    Ok(json!({ "TargetGroups": [group.render(world)] }))
}

fn delete_target_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("TargetGroupArn")?;
    Kind::Group.check(&arn)?;
    if world.elb.users(&arn).next().is_some() {
        return Err(AwsError::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    // One that is already gone is a success.
    world.elb.groups.remove(&arn);
    world.elb.tags.remove(&arn);
    Ok(json!({}))
}
