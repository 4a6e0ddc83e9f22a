//! CloudWatch Logs of the sandbox: log groups, how long they keep what they hold, their tags. No log lines.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `logs`, and by the services whose logs
//! are delivered here ([`deliver`]). Source of every rule: aws-facts.md 5.4 and 6.1 and the API model 2014-03-28. It must
//! never look at the wall clock (the time comes in with the call) nor change the world before every check has passed.

mod group;
mod retention;
mod tag;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::iam::constraint::TextRule;
use super::request::{AwsError, Reply, Request};
use super::world::World;
use super::{Operation, Protocol, Service};

pub use group::Group;
pub(super) use tag::tagged;

/// What a log group may be called.
const NAME: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: r"[\.\-_/#A-Za-z0-9]+",
    fits: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/#".contains(c)),
};

/// State of CloudWatch Logs in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logs {
    /// Log groups by name.
    pub groups: BTreeMap<String, Group>,
}

impl Logs {
    /// Tells whether no log group is left.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// The service as the core routes it: awsJson 1.1, target prefix `Logs_20140328`.
pub static SERVICE: Service = Service {
    scope: "logs",
    protocol: Protocol::Json11,
    version: "Logs_20140328",
    lists: &[],
    operations: &[group::OPERATIONS, retention::OPERATIONS, tag::OPERATIONS],
};

/// Delivers a service's log to the group of that name, which it makes if it is not there: without retention and without
/// tags. A group that is there already stays as it is.
pub fn deliver(world: &mut World, since: Timestamp, name: &str) {
    world.logs.groups.entry(name.to_owned()).or_insert_with(|| Group::new(since));
}

/// The errors that the request alone makes, under the code this service has for them.
fn checked<T>(result: Result<T, AwsError>) -> Result<T, AwsError> {
    result.map_err(|error| match error.code.as_str() {
        "ValidationException" => AwsError { code: "InvalidParameterException".to_owned(), ..error },
        _ => error,
    })
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

fn no_group() -> AwsError {
    AwsError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

/// The group that the call names.
fn named(world: &World, req: &Request) -> Result<String, AwsError> {
    let name = checked(NAME.read(req, "logGroupName"))?;
    if world.logs.groups.contains_key(&name) { Ok(name) } else { Err(no_group()) }
}
