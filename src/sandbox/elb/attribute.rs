//! The attribute operations of load balancers, target groups and listeners.
//!
//! Called by the core. Source: aws-facts.md 7.1 to 7.3. Must never write a key that is not known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::attribute_key::{self, ACCESS_LOG_BUCKET, ACCESS_LOGS, Key, SECONDARY_IPS};
use super::{AwsError, Operation, Reply, Request, World, balancer, configuration, invalid, listener, target_group};

/// Most attributes of one call on a load balancer (7.1).
const MOST: usize = 20;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "DescribeLoadBalancerAttributes",
        mutating: false,
        params: &["LoadBalancerArn"],
        run: |world, req, _| Ok(render(&balancer::find(world, req)?.attributes)),
    },
    Operation {
        name: "ModifyLoadBalancerAttributes",
        mutating: true,
        params: &["LoadBalancerArn", "Attributes.Key", "Attributes.Value"],
        run: modify_balancer,
    },
    Operation {
        name: "DescribeTargetGroupAttributes",
        mutating: false,
        params: &["TargetGroupArn"],
        run: |world, req, _| Ok(render(&target_group::find(world, req)?.attributes)),
    },
    Operation {
        name: "ModifyTargetGroupAttributes",
        mutating: true,
        params: &["TargetGroupArn", "Attributes.Key", "Attributes.Value"],
        run: modify_group,
    },
    Operation {
        name: "DescribeListenerAttributes",
        mutating: false,
        params: &["ListenerArn"],
        run: |world, req, _| Ok(render(&listener::find(world, req)?.attributes)),
    },
    Operation {
        name: "ModifyListenerAttributes",
        mutating: true,
        params: &["ListenerArn", "Attributes.Key", "Attributes.Value"],
        run: modify_listener,
    },
];

fn render(attributes: &BTreeMap<String, String>) -> Reply {
    let all: Vec<Reply> = attributes.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    json!({ "Attributes": all })
}

fn read(req: &Request, what: &str, keys: &[Key]) -> Result<BTreeMap<String, String>, AwsError> {
    let mut attributes = BTreeMap::new();
    for attribute in req.list("Attributes") {
        let (key, value) = (attribute.text("Key")?, attribute.opt_text("Value")?.unwrap_or_default());
        let Some((_, _, values)) = keys.iter().find(|(known, ..)| *known == key) else {
            return Err(invalid(format!("{what} attribute key '{key}' is not recognized")));
        };
        if !values.take(&value) {
            return Err(configuration(format!("'{value}' is not a valid value for the {what} attribute '{key}'")));
        }
        if attributes.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("{what} attribute key '{key}' was specified more than once")));
        }
    }
    if attributes.is_empty() {
        return Err(req.missing("Attributes"));
    }
    Ok(attributes)
}

fn modify_balancer(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mut balancer = balancer::find(world, req)?;
    let given = read(req, "Load balancer", attribute_key::BALANCER)?;
    if given.len() > MOST {
        return Err(invalid(format!("A maximum of {MOST} attributes can be modified in one call")));
    }
    let number = |attributes: &BTreeMap<String, String>| {
        attributes.get(SECONDARY_IPS).and_then(|value| value.parse::<i64>().ok())
    };
    if number(&given).is_some_and(|wanted| Some(wanted) < number(&balancer.attributes)) {
        return Err(configuration(format!("The attribute '{SECONDARY_IPS}' cannot be decreased")));
    }
    balancer.attributes.extend(given.clone());
    let bucket = balancer.attributes.get(ACCESS_LOG_BUCKET);
    if balancer.has(ACCESS_LOGS) && bucket.is_none_or(String::is_empty) {
        return Err(configuration(format!("The attribute '{ACCESS_LOG_BUCKET}' is required to enable access logs")));
    }
    world.elb.balancers.insert(balancer.arn.clone(), balancer);
    Ok(render(&given))
}

fn modify_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = target_group::find(world, req)?;
    let given = read(req, "Target group", attribute_key::GROUP)?;
    group.attributes.extend(given.clone());
    world.elb.groups.insert(group.arn.clone(), group);
    Ok(render(&given))
}

fn modify_listener(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let mut listener = listener::find(world, req)?;
    let given = read(req, "Listener", attribute_key::LISTENER)?;
    listener.attributes.extend(given.clone());
    world.elb.listeners.insert(listener.arn.clone(), listener);
    Ok(render(&given))
}
