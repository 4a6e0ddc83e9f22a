//! Elastic Load Balancing of the sandbox: network load balancers, IP target groups, TCP listeners, their tags.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `elasticloadbalancing`. Source of every
//! rule: aws-facts.md 0.2, 0.3 and 7 and the API model 2015-12-01. It must never look at the wall clock (the time comes in
//! with the call), never change the world before every check has passed, and never accept another type of load
//! balancer, target or listener than it acts on.

mod attribute;
mod attribute_key;
mod balancer;
mod balancer_change;
mod check;
mod health;
mod limit;
mod listener;
mod listener_action;
mod name;
mod select;
mod tag;
mod target;
mod target_group;
#[cfg(test)]
mod tests;
mod zone;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{Operation, Protocol, Service};

pub use balancer::Balancer;
pub use check::HealthCheck;
pub use listener::Listener;
pub use listener_action::Forward;
pub(super) use tag::tagged;
pub use target::Target;
pub use target_group::TargetGroup;
pub use zone::Zone;

/// AWS time from `provisioning` to `active` of a load balancer (aws-facts.md 7.1: 2 to 5 min).
const BALANCER_PROVISIONS: SignedDuration = SignedDuration::from_secs(150);
/// AWS time a zone added by SetSubnets takes to serve (7.1).
const ZONE_ENABLES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time the interfaces of a deleted load balancer or disabled zone stay (7.1: some minutes).
const INTERFACES_LINGER: SignedDuration = SignedDuration::from_secs(120);
/// AWS time a new target is `Elb.RegistrationInProgress` before its checks begin (7.4).
const TARGET_REGISTERS: SignedDuration = SignedDuration::from_secs(10);

/// State of Elastic Load Balancing in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Elb {
    /// Load balancers by ARN.
    pub balancers: BTreeMap<String, Balancer>,
    /// Target groups by ARN.
    pub groups: BTreeMap<String, TargetGroup>,
    /// Listeners by ARN.
    pub listeners: BTreeMap<String, Listener>,
    /// Tags by ARN; an object without tags has no entry.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

impl Elb {
    /// Tells whether nothing a user created is left.
    pub fn is_empty(&self) -> bool {
        self.balancers.is_empty() && self.groups.is_empty() && self.listeners.is_empty()
    }

    /// The listeners that forward to a target group.
    fn users<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Listener> {
        self.listeners.values().filter(move |listener| listener.forwards.iter().any(|forward| forward.group == group))
    }
}

/// The service as the core routes it: query protocol, version 2015-12-01.
pub static SERVICE: Service = Service {
    scope: "elasticloadbalancing",
    protocol: Protocol::Query,
    version: "2015-12-01",
    lists: &[],
    operations: &[
        balancer::OPERATIONS,
        balancer_change::OPERATIONS,
        target_group::OPERATIONS,
        target::OPERATIONS,
        health::OPERATIONS,
        listener::OPERATIONS,
        attribute::OPERATIONS,
        tag::OPERATIONS,
        limit::OPERATIONS,
    ],
};

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

fn configuration(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidConfigurationRequest", message)
}

fn no_balancer() -> AwsError {
    AwsError::new("LoadBalancerNotFound", "One or more load balancers not found")
}

fn no_group() -> AwsError {
    AwsError::new("TargetGroupNotFound", "One or more target groups not found")
}

fn no_listener() -> AwsError {
    AwsError::new("ListenerNotFound", "One or more listeners not found")
}

/// A moment as this API writes it: ISO 8601, milliseconds.
fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The refusal of what AWS has and this sandbox does not.
fn unsupported(what: &str) -> AwsError {
    invalid(format!("the rsds sandbox does not implement {what}"))
}

/// Whether the lists hold the same texts, in any order.
fn same_set(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|text| other.contains(text))
}
