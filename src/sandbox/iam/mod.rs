//! IAM: roles with their inline, attached and boundary policies and tags, and the one user of the sandbox.
//!
//! Called by the core through `SERVICE` and by other services through `role` and `usable_role`. Must never hold a
//! credential, and never answer for what it does not keep (customer managed policies cannot be created here, instance
//! profiles do not exist).

mod account;
mod caller;
pub mod constraint;
mod decide;
pub mod document;
mod managed;
pub mod principal;
mod role_policy;
mod roles;
mod simulate;
mod tags;

use crate::sandbox::request::{AwsError, Reply, Request, page};
use crate::sandbox::world::World;
use crate::sandbox::{List, Protocol, Service};
pub use caller::Caller;
pub(super) use caller::{authorize, link};
use constraint::{TextRule, is_name};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the only user, whose credentials every caller of the sandbox has.
pub const SANDBOX_USER: &str = "sandbox";
/// Longest session of a role in seconds when none is asked for.
pub const DEFAULT_SESSION_SECONDS: i64 = 3600;
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

// RFC 3986: what IAM leaves as it is in a policy document.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Protocol and operations of IAM.
pub static SERVICE: Service = Service {
    scope: "iam",
    protocol: Protocol::Query,
    version: "2010-05-08",
    lists: &[List { name: "SummaryMap", asked: "entry", answered: "entry" }],
    operations: &[
        roles::OPERATIONS,
        role_policy::OPERATIONS,
        tags::OPERATIONS,
        account::OPERATIONS,
        simulate::OPERATIONS,
    ],
};

/// All of IAM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Iam {
    /// Roles by their name in lower case: names are unique ignoring case.
    pub roles: BTreeMap<String, Role>,
    /// ARNs of customer managed policies that exist; only tests put them here (`Sandbox::edit`).
    pub managed_policies: BTreeSet<String>,
    /// Who calls.
    #[serde(default)]
    pub caller: Caller,
    /// What the caller may do, as policy documents; none: everything.
    #[serde(default)]
    pub policies: Vec<String>,
    /// The services that have a role of their own in the account, such as `redshift.amazonaws.com`.
    #[serde(default)]
    pub linked: BTreeSet<String>,
    /// For how many seconds what is written here is not known elsewhere: to other services, to principals of policies, to
    /// the deletion of a role (aws-facts.md 2: seconds, up to two minutes). Zero is an IAM that is at once everywhere.
    #[serde(default)]
    pub propagation: u32,
}

impl Iam {
    /// Whether no role is left.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Whether what was written at `written` is known everywhere at `now`.
    fn has_spread(&self, written: Timestamp, now: Timestamp) -> bool {
        written + SignedDuration::from_secs(self.propagation.into()) <= now
    }
}

/// One role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// `AROA` and 17 characters; a role made again under the same name has another one.
    pub id: String,
    /// Name as given at creation.
    pub name: String,
    /// `/` or `/.../`.
    pub path: String,
    /// ARN, path included.
    pub arn: String,
    /// Time of creation.
    pub created: Timestamp,
    /// Trust policy as compact JSON.
    pub trust: String,
    /// Description, if any.
    pub description: Option<String>,
    /// Longest session in seconds, 3600 to 43200.
    pub max_session: i64,
    /// ARN of the permissions boundary, if any.
    pub boundary: Option<String>,
    /// Tags; keys are unique ignoring case.
    pub tags: BTreeMap<String, String>,
    /// Inline policies by name, as given.
    pub inline: BTreeMap<String, String>,
    /// ARNs of the attached managed policies.
    pub attached: BTreeSet<String>,
    /// When a policy was last taken from it.
    #[serde(default)]
    pub bared: Option<Timestamp>,
}

impl Role {
    /// Whether the trust policy lets that service (e.g. `redshift.amazonaws.com`) assume the role.
    pub fn trusts(&self, service: &str) -> bool {
        let trust: Value = serde_json::from_str(&self.trust).unwrap_or_default();
        document::statements(&trust).into_iter().any(|statement| {
            let services = statement.get("Principal").and_then(|p| p.get("Service"));
            statement.get("Effect").and_then(Value::as_str) == Some("Allow")
                && document::strings(services).is_some_and(|names| names.contains(&service))
        })
    }
}

/// The role with that ARN.
pub fn role<'a>(world: &'a World, arn: &str) -> Option<&'a Role> {
    world.iam.roles.values().find(|role| role.arn == arn)
}

/// The role with that ARN, once other services know it.
pub fn usable_role<'a>(world: &'a World, now: Timestamp, arn: &str) -> Option<&'a Role> {
    role(world, arn).filter(|role| world.iam.has_spread(role.created, now))
}

/// Whether a service that acts as that role may make a call on a resource. Only what is written into the role counts.
pub fn service_may(world: &World, now: Timestamp, role: &str, service: &str, call: &str, resource: &str) -> bool {
    let role = usable_role(world, now, role).filter(|role| role.trusts(service));
    let policies = role.map(|role| role.inline.values().cloned().collect::<Vec<_>>()).unwrap_or_default();
    decide::decide(&policies, call, Some(resource), None) == decide::Decision::Allowed
}

const ROLE_NAME: TextRule = TextRule { min: 1, max: 64, pattern: r"[\w+=,.@-]+", fits: is_name };

fn role_by_name<'a>(world: &'a World, name: &str) -> Result<&'a Role, AwsError> {
    world
        .iam
        .roles
        .get(&name.to_ascii_lowercase())
        .filter(|role| role.name == name)
        .ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
}

fn role_of<'a>(world: &'a World, req: &Request) -> Result<&'a Role, AwsError> {
    role_by_name(world, &ROLE_NAME.read(req, "RoleName")?)
}

fn role_of_mut<'a>(world: &'a mut World, req: &Request) -> Result<&'a mut Role, AwsError> {
    let name = role_of(world, req)?.name.clone();
    world
        .iam
        .roles
        .get_mut(&name.to_ascii_lowercase())
        .ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
}

fn no_such(message: String) -> AwsError {
    AwsError::new("NoSuchEntity", message).status(404)
}

fn limit(quota: &str, most: usize) -> AwsError {
    let message = format!("Cannot exceed quota for {quota}: {most}");
    AwsError::new("LimitExceeded", message).status(409)
}

fn malformed(message: String) -> AwsError {
    AwsError::new("MalformedPolicyDocument", message)
}

fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn boundary_reply(role: &Role) -> Value {
    role.boundary.as_ref().map_or(
        Value::Null,
        |arn| json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}),
    )
}

fn attached_reply(arn: &str) -> Value {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    json!({"PolicyName": name, "PolicyArn": arn})
}

// `MaxItems` and `Marker`, as every list of IAM has them.
fn cut(items: Vec<Reply>, req: &Request) -> Result<(Vec<Reply>, Option<String>), AwsError> {
    page(items, req, "MaxItems", "Marker", DEFAULT_PAGE, 1..=LARGEST_PAGE)
}

fn listed(member: &str, items: Vec<Reply>, req: &Request) -> Result<Reply, AwsError> {
    let (items, marker) = cut(items, req)?;
    Ok(json!({member: items, "IsTruncated": marker.is_some(), "Marker": marker}))
}

#[cfg(test)]
mod testing {
    use super::*;

    /// A world, a time and a way to call any operation of IAM in it.
    pub(super) struct Bench {
        pub world: World,
        pub now: Timestamp,
    }

    impl Bench {
        pub(super) fn new() -> Self {
            Self { world: World::default(), now: "2030-01-02T03:04:05.678Z".parse().unwrap() }
        }

        pub(super) fn call(&mut self, operation: &str, params: Value) -> Result<Reply, AwsError> {
            let found = SERVICE.operation(operation).unwrap();
            let req = Request {
                service: "iam",
                operation: operation.into(),
                params,
                account: self.world.account.clone(),
                region: self.world.region.clone(),
                protocol: Protocol::Query,
            };
            let before = self.world.clone();
            let answer = (found.run)(&mut self.world, &req, self.now);
            if answer.is_err() || !found.mutating {
                assert_eq!(before, self.world, "{operation} changed the world");
            }
            answer
        }

        pub(super) fn code(&mut self, operation: &str, params: Value) -> (String, u16) {
            let error = self.call(operation, params).unwrap_err();
            (error.code, error.status)
        }

        pub(super) fn role(&mut self, name: &str) -> Reply {
            let trust = trust("redshift.amazonaws.com");
            self.call("CreateRole", json!({"RoleName": name, "AssumeRolePolicyDocument": trust})).unwrap()
        }
    }

    pub(super) fn trust(service: &str) -> String {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})
        .to_string()
    }

    pub(super) fn decoded(document: &Value) -> Value {
        let text = percent_encoding::percent_decode_str(document.as_str().unwrap()).decode_utf8().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}
