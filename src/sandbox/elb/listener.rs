//! TCP listeners: create, describe, modify, delete.
//!
//! Called by the core. Source: aws-facts.md 7.3. Must never hold two listeners on one port of a load balancer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::listener_action::{self, Forward, action_params};
use super::name::Kind;
use super::select::{self, Choice};
use super::{
    AwsError, Operation, Reply, Request, World, attribute_key, balancer, invalid, no_balancer, no_listener, tag,
    target_group, unsupported,
};

/// A listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// ARN of its load balancer.
    pub balancer: String,
    /// Its port, unique on the load balancer.
    pub port: u16,
    /// Where it forwards to.
    pub forwards: Vec<Forward>,
    /// Every attribute.
    pub attributes: BTreeMap<String, String>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateListener",
        mutating: true,
        params: action_params!("LoadBalancerArn", "Protocol", "Port", "Tags.Key", "Tags.Value"),
        run: create_listener,
    },
    Operation {
        name: "DescribeListeners",
        mutating: false,
        params: &["LoadBalancerArn", "ListenerArns", "Marker", "PageSize"],
        run: describe_listeners,
    },
    Operation {
        name: "ModifyListener",
        mutating: true,
        params: action_params!("ListenerArn", "Protocol", "Port"),
        run: modify_listener,
    },
    Operation { name: "DeleteListener", mutating: true, params: &["ListenerArn"], run: delete_listener },
];

impl Listener {
    fn render(&self) -> Reply {
        json!({
            "ListenerArn": self.arn,
            "LoadBalancerArn": self.balancer,
            "Port": self.port,
            "Protocol": "TCP",
            "DefaultActions": [listener_action::render(&self.forwards)],
        })
    }
}

/// The listener of a call, or its not-found error.
pub(super) fn find(world: &World, req: &Request) -> Result<Listener, AwsError> {
    let arn = req.text("ListenerArn")?;
    Kind::Listener.check(&arn)?;
    world.elb.listeners.get(&arn).cloned().ok_or_else(no_listener)
}

fn check_protocol(protocol: Option<&str>) -> Result<(), AwsError> {
    match protocol {
        None | Some("TCP") => Ok(()),
        Some("HTTP" | "HTTPS") => Err(invalid("Protocol 'HTTP' and 'HTTPS' are not valid for a network load balancer")),
        Some(other) => Err(unsupported(&format!("listeners of protocol {other}"))),
    }
}

fn duplicate(balancer: &str) -> AwsError {
    AwsError::new(
        "DuplicateListener",
        format!("A listener already exists on this port for this load balancer '{balancer}'"),
    )
}

fn create_listener(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let balancer = balancer::find(world, req)?;
    check_protocol(Some(req.text("Protocol")?.as_str()))?;
    let port = target_group::read_port(req, "Port")?.ok_or_else(|| req.missing("Port"))?;
    let forwards = listener_action::read(world, req, &balancer, now)?;
    let tags = tag::read(req)?;
    let mut all = world.elb.listeners.values();
    if let Some(other) = all.find(|listener| listener.balancer == balancer.arn && listener.port == port) {
        if listener_action::same(&other.forwards, &forwards) {
            return Ok(json!({ "Listeners": [other.render()] }));
        }
        return Err(duplicate(&balancer.arn));
    }
    let id = world.hex(16);
    let arn = world.arn("elasticloadbalancing", &format!("listener/{}/{id}", balancer.resource()));
    let listener = Listener {
        arn: arn.clone(),
        balancer: balancer.arn,
        port,
        forwards,
        attributes: attribute_key::defaults(attribute_key::LISTENER),
    };
    let reply = listener.render();
    tag::put(world, &arn, tags);
    world.elb.listeners.insert(arn, listener);
    Ok(json!({ "Listeners": [reply] }))
}

fn describe_listeners(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let balancer = req.opt_text("LoadBalancerArn")?;
    match (&balancer, req.has("ListenerArns")) {
        (Some(_), true) => return Err(invalid("LoadBalancerArn and ListenerArns cannot be specified together")),
        (None, false) => return Err(invalid("You must specify either listener ARNs or a load balancer ARN")),
        (Some(arn), false) => {
            Kind::Balancer.check(arn)?;
            if !world.elb.balancers.contains_key(arn) {
                return Err(no_balancer());
            }
        }
        (None, true) => {}
    }
    let all = world.elb.listeners.values();
    let choice = Choice {
        kind: Kind::Listener,
        arns: "ListenerArns",
        names: None,
        all: all.map(|listener| (listener.arn.as_str(), "", listener)).collect(),
        missing: no_listener(),
    };
    let of_balancer = |listener: &&Listener| balancer.as_ref().is_none_or(|arn| listener.balancer == *arn);
    let items = choice.pick(req)?.into_iter().filter(of_balancer).map(Listener::render).collect();
    select::listing("Listeners", items, req)
}

fn modify_listener(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut listener = find(world, req)?;
    check_protocol(req.opt_text("Protocol")?.as_deref())?;
    if let Some(port) = target_group::read_port(req, "Port")? {
        let taken =
            |other: &Listener| other.arn != listener.arn && other.balancer == listener.balancer && other.port == port;
        if world.elb.listeners.values().any(taken) {
            return Err(duplicate(&listener.balancer));
        }
        listener.port = port;
    }
    if req.has("DefaultActions") {
        let balancer = world.elb.balancers.get(&listener.balancer).ok_or_else(no_balancer)?;
        let mut forwards = listener_action::read(world, req, balancer, now)?;
        for forward in &mut forwards {
            let known = listener.forwards.iter().find(|known| known.group == forward.group);
            forward.since = known.map_or(now, |known| known.since);
        }
        listener.forwards = forwards;
    }
    world.elb.listeners.insert(listener.arn.clone(), listener.clone());
    Ok(json!({ "Listeners": [listener.render()] }))
}

fn delete_listener(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let listener = find(world, req)?;
    world.elb.listeners.remove(&listener.arn);
    world.elb.tags.remove(&listener.arn);
    Ok(json!({}))
}
