//! CloudWatch of the sandbox: alarms on one metric and their tags. No metrics: an alarm never changes its state by itself.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `monitoring`. Source of every rule:
//! aws-facts.md 8 and the API model 2010-08-01. It must never look at the wall clock (the time comes in with the call)
//! nor change the world before every check has passed.

mod alarm;
mod tag;
#[cfg(test)]
mod tests;

use super::request::{AwsError, Reply, Request};
use super::world::World;
use super::{Operation, Protocol, Service};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use alarm::Alarm;
pub(super) use tag::tagged;

/// State of CloudWatch in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudWatch {
    /// Alarms by name.
    pub alarms: BTreeMap<String, Alarm>,
}

impl CloudWatch {
    /// Tells whether no alarm is left.
    pub fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }
}

/// The service as the core routes it.
pub static SERVICE: Service = Service {
    scope: "monitoring",
    protocol: Protocol::Cbor,
    version: "GraniteServiceVersion20100801",
    lists: &[],
    operations: &[alarm::OPERATIONS, tag::OPERATIONS],
};

fn arn(world: &World, name: &str) -> String {
    world.arn("cloudwatch", &format!("alarm:{name}"))
}
