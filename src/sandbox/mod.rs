//! The built-in AWS: one deterministic, serialisable world behind the SDK's HTTP client or a loopback port.
//!
//! Made by the command line (`--sandbox`, `sandbox serve`) and by tests. One file per service declares its operations
//! in a list; `dispatch` routes and answers, `store` keeps the worlds, `transport` and `serve` are the two doors,
//! `weather` is what happens to calls on the way.
//! Must never let a parameter, filter or operation pass that it does not act on, and never verify or keep a secret:
//! signatures are not checked, only the credential scope is read.

pub mod acm;
pub mod cloudwatch;
mod credential;
pub mod data_api;
mod dispatch;
pub mod ec2;
pub mod elb;
mod fault;
pub mod iam;
pub mod kms;
pub mod logs;
pub mod quota;
pub mod redshift;
pub mod request;
pub mod s3;
pub mod secrets;
mod serve;
pub mod serverless;
pub mod sns;
pub mod sql;
mod store;
mod sts;
mod tagging;
mod transport;
mod under_way;
pub mod weather;
mod wire_cbor;
mod wire_json;
mod wire_query;
pub mod world;

pub use credential::{ACCESS_KEY_ID, EXPIRED_SESSION_TOKEN, SECRET_ACCESS_KEY, USER_ARN, USER_ID};
pub use dispatch::{Call, Lost, Sandbox, Snapshot, Stage, Witness};
pub use fault::{Fault, How};
pub use request::{AwsError, Reply, Request, page};
pub use serve::serve;
pub use weather::Weather;
pub use world::World;

use jiff::Timestamp;

/// Wire protocols the sandbox speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// EC2's dialect of the query protocol: flattened numbered lists, `<item>`.
    Ec2,
    /// The query protocol: `member` lists (or as the service names them), a result wrapper.
    Query,
    /// awsJson 1.0.
    Json10,
    /// awsJson 1.1.
    Json11,
    /// REST with XML bodies.
    RestXml,
    /// Smithy RPC v2 with CBOR bodies; its codes are those of the query protocol that the service spoke before.
    Cbor,
}

/// What an operation does: reads or changes the world at a moment; an error leaves the world as it was.
pub type Run = fn(&mut World, &Request, Timestamp) -> Result<Reply, AwsError>;

/// One operation of a service.
#[derive(Debug)]
pub struct Operation {
    /// Name as on the wire.
    pub name: &'static str,
    /// Whether it changes the world; a call that only reads is never written to disk.
    pub mutating: bool,
    /// Every parameter path it takes, by wire name, lists collapsed: `TagSpecification.Tag.Key`; `tags.*` is a map whose
    /// keys are free.
    pub params: &'static [&'static str],
    /// The function behind it.
    pub run: Run,
}

/// How a list names its elements in the query protocols.
#[derive(Debug)]
pub struct List {
    /// Member that holds the list, e.g. `SubnetIds`.
    pub name: &'static str,
    /// Element in requests, e.g. `SubnetIdentifier`.
    pub asked: &'static str,
    /// Element in answers.
    pub answered: &'static str,
}

/// One service: how it is addressed and what it can do.
#[derive(Debug)]
pub struct Service {
    /// SigV4 scope, e.g. `elasticloadbalancing`.
    pub scope: &'static str,
    /// Protocol of all its operations.
    pub protocol: Protocol,
    /// Query `Version`, the prefix of `X-Amz-Target`, or what the path of an RPC v2 call names.
    pub version: &'static str,
    /// Lists whose elements are not called `member` (query) or `item` (EC2); JSON services have none.
    pub lists: &'static [List],
    /// Its operations, one list per file.
    pub operations: &'static [&'static [Operation]],
}

impl Service {
    /// How the list of that name calls its elements.
    pub fn list(&self, name: &str) -> &List {
        const MEMBER: List = List { name: "", asked: "member", answered: "member" };
        const ITEM: List = List { name: "", asked: "item", answered: "item" };
        let usual = if self.protocol == Protocol::Ec2 { &ITEM } else { &MEMBER };
        self.lists.iter().find(|list| list.name == name).unwrap_or(usual)
    }

    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations.iter().flat_map(|list| list.iter()).find(|operation| operation.name == name)
    }

    // One set of objects for all regions, as in AWS's own partition-wide services.
    fn is_global(&self) -> bool {
        self.scope == iam::SERVICE.scope || self.scope == s3::SERVICE.scope
    }
}

/// Every service the sandbox has.
pub static SERVICES: &[&Service] = &[
    &acm::SERVICE,
    &cloudwatch::SERVICE,
    &data_api::SERVICE,
    &ec2::SERVICE,
    &elb::SERVICE,
    &iam::SERVICE,
    &kms::SERVICE,
    &logs::SERVICE,
    &quota::SERVICE,
    &redshift::SERVICE,
    &s3::SERVICE,
    &secrets::SERVICE,
    &serverless::SERVICE,
    &sns::SERVICE,
    &sts::SERVICE,
    &tagging::SERVICE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_service_declares_an_operation_twice() {
        for service in SERVICES {
            let mut names = BTreeSet::new();
            for operation in service.operations.iter().flat_map(|list| list.iter()) {
                assert!(names.insert(operation.name), "{} {}", service.scope, operation.name);
                let paths: BTreeSet<_> = operation.params.iter().collect();
                assert_eq!(paths.len(), operation.params.len(), "{} repeats a parameter", operation.name);
            }
        }
    }
}
