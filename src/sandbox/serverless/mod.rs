//! Redshift Serverless of the sandbox: namespaces, workgroups, managed endpoints, custom domains, usage limits,
//! snapshots and their copies, tags.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `redshift-serverless`, and by the load
//! balancers for what listens behind an address ([`listens`]). Source of every rule: aws-facts.md 0.3, 4 and 6 and the
//! API model 2021-04-21. It must never look at the wall clock (the time comes in with the call), never change the world
//! before every check has passed, and never keep a password.

#[cfg(test)]
pub(in crate::sandbox) mod bench;
mod capacity;
mod custom_domain;
mod endpoint;
mod log;
mod name;
mod namespace;
mod namespace_update;
mod network;
mod parameter;
mod placement;
mod recovery;
mod scheduled_action;
mod snapshot;
mod snapshot_copy;
mod tag;
#[cfg(test)]
mod tests;
mod usage_limit;
mod workgroup;
mod workgroup_spec;
mod workgroup_update;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{Operation, Protocol, Service};

pub use custom_domain::CustomDomain;
pub use endpoint::Endpoint;
pub use log::arrived_logs;
pub(in crate::sandbox) use name::check_password;
pub use namespace::{Namespace, RoleAttachment};
pub(in crate::sandbox) use network::check_groups;
pub use placement::Placed;
pub(super) use recovery::{is_kept, last_recovery_point};
pub use scheduled_action::ScheduledAction;
pub(super) use scheduled_action::catch_up;
pub use snapshot::Snapshot;
pub(super) use snapshot::snapshot_by_arn;
pub use snapshot_copy::SnapshotCopy;
pub(super) use tag::tagged;
pub use usage_limit::UsageLimit;
pub use workgroup::{PriceTarget, Workgroup};

/// AWS time a new namespace is `MODIFYING` (aws-facts.md 6.1: seconds).
const NAMESPACE_CREATES: SignedDuration = SignedDuration::from_secs(5);
/// AWS time an updated namespace is `MODIFYING` (6.1: 10 s to 2 min).
const NAMESPACE_UPDATES: SignedDuration = SignedDuration::from_secs(10);
/// AWS time a deleted namespace is `DELETING` (6.1: 1 to 3 min).
const NAMESPACE_DELETES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time from `CREATING` to the first `AVAILABLE` of a workgroup (6.2: 3 to 12 min).
const WORKGROUP_CREATES: SignedDuration = SignedDuration::from_secs(300);
/// AWS time the first `AVAILABLE` lasts before the extra `MODIFYING` (6.2).
const WORKGROUP_PAUSES: SignedDuration = SignedDuration::from_secs(10);
/// AWS time of the extra `MODIFYING` after the first `AVAILABLE` (6.2).
const WORKGROUP_SETTLES: SignedDuration = SignedDuration::from_secs(20);
/// AWS time an updated workgroup is `MODIFYING` (6.2: 1 to 10 min).
const WORKGROUP_UPDATES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time a deleted workgroup is `DELETING` (6.2: 2 to 10 min).
const WORKGROUP_DELETES: SignedDuration = SignedDuration::from_secs(120);
/// AWS time from the first `AVAILABLE` until the endpoint shows its interfaces (6.2).
const INTERFACES_APPEAR: SignedDuration = SignedDuration::from_secs(15);
/// AWS time the interfaces stay in their subnets after the workgroup is gone (6.2: 1 to 5 min).
const INTERFACES_LINGER: SignedDuration = SignedDuration::from_secs(180);
/// AWS time from the creation of a workgroup to its first recovery point (6.2: minutes up to 30 min).
const RECOVERY_POINT: SignedDuration = SignedDuration::from_secs(600);
/// AWS time a snapshot is `CREATING` (6.5: minutes).
const SNAPSHOT_CREATES: SignedDuration = SignedDuration::from_secs(90);
/// AWS time a namespace is `MODIFYING` while something is restored into it (6.5: minutes to hours).
const RESTORES: SignedDuration = SignedDuration::from_mins(8);
/// AWS time from `CREATING` to `ACTIVE` of a managed endpoint (6.3: 2 to 5 min).
const ENDPOINT_CREATES: SignedDuration = SignedDuration::from_secs(180);
/// AWS time an updated endpoint is `MODIFYING` (6.3).
const ENDPOINT_UPDATES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time a deleted endpoint is `DELETING` (6.3).
const ENDPOINT_DELETES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time until a running warehouse's first logs arrive (6.1; an estimate).
const LOGS_ARRIVE: SignedDuration = SignedDuration::from_secs(300);
/// Objects on one page, default and most (6: maxResults up to 100).
const PAGE: usize = 100;

/// State of Redshift Serverless in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serverless {
    /// Namespaces by name, those whose deletion is over but not yet swept included.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Workgroups by name, those whose deletion is over but not yet swept included.
    pub workgroups: BTreeMap<String, Workgroup>,
    /// Managed endpoints by name, those whose deletion is over but not yet swept included.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Custom domains by name.
    pub custom_domains: BTreeMap<String, CustomDomain>,
    /// Usage limits by id.
    pub limits: BTreeMap<String, UsageLimit>,
    /// Snapshots by name.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Configurations that copy snapshots to another region, by id.
    pub copies: BTreeMap<String, SnapshotCopy>,
    /// Scheduled actions by name.
    pub scheduled_actions: BTreeMap<String, ScheduledAction>,
    /// Tags by ARN; an object without tags has no entry.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Until when AWS has no RPUs to give; none: it has.
    pub exhausted_until: Option<Timestamp>,
}

impl Serverless {
    /// Tells whether nothing a user created is left (what is being deleted counts as gone, a snapshot does not).
    pub fn is_empty(&self) -> bool {
        self.namespaces.values().all(|namespace| namespace.gone_at.is_some())
            && self.workgroups.values().all(|workgroup| workgroup.gone_at.is_some())
            && self.endpoints.values().all(|endpoint| endpoint.gone_at.is_some())
            && self.custom_domains.is_empty()
            && self.limits.is_empty()
            && self.scheduled_actions.is_empty()
            && self.copies.is_empty()
            && self.snapshots.is_empty()
    }

    /// The namespace of that name, unless its deletion is over.
    pub fn namespace(&self, name: &str, now: Timestamp) -> Option<&Namespace> {
        self.namespaces.get(name).filter(|namespace| exists(namespace.gone_at, now))
    }

    /// The workgroup of that name, unless its deletion is over.
    pub fn workgroup(&self, name: &str, now: Timestamp) -> Option<&Workgroup> {
        self.workgroups.get(name).filter(|workgroup| exists(workgroup.gone_at, now))
    }

    /// The namespaces whose deletion is not over.
    pub fn namespaces_at(&self, now: Timestamp) -> impl Iterator<Item = &Namespace> {
        self.namespaces.values().filter(move |namespace| exists(namespace.gone_at, now))
    }

    /// The workgroups whose deletion is not over.
    pub fn workgroups_at(&self, now: Timestamp) -> impl Iterator<Item = &Workgroup> {
        self.workgroups.values().filter(move |workgroup| exists(workgroup.gone_at, now))
    }

    /// The workgroup of a namespace, if it has one (one that is being deleted still counts).
    pub fn workgroup_of(&self, namespace: &str, now: Timestamp) -> Option<&Workgroup> {
        self.workgroups.values().find(|workgroup| workgroup.namespace == namespace && exists(workgroup.gone_at, now))
    }

    /// The managed endpoint of that name, unless its deletion is over.
    pub fn endpoint(&self, name: &str, now: Timestamp) -> Option<&Endpoint> {
        self.endpoints.get(name).filter(|endpoint| exists(endpoint.gone_at, now))
    }

    /// Refuses what needs more RPUs while AWS has none to give (6.2).
    fn check_capacity(&self, now: Timestamp) -> Result<(), AwsError> {
        match self.exhausted_until {
            Some(until) if now < until => Err(AwsError::new(
                "InsufficientCapacityException",
                "There is currently not enough capacity in the Availability Zones of the subnets. Try again later.",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Forgets what readers already leave out.
    fn sweep(&mut self, now: Timestamp) {
        self.namespaces.retain(|_, namespace| exists(namespace.gone_at, now));
        self.workgroups.retain(|_, workgroup| exists(workgroup.gone_at, now));
        self.endpoints.retain(|_, endpoint| exists(endpoint.gone_at, now));
        self.snapshots.retain(|_, snapshot| snapshot.exists(now));
        let arns: Vec<&String> = self
            .namespaces
            .values()
            .map(|namespace| &namespace.arn)
            .chain(self.workgroups.values().map(|workgroup| &workgroup.arn))
            .chain(self.snapshots.values().map(|snapshot| &snapshot.arn))
            .collect();
        self.tags.retain(|arn, _| arns.contains(&arn));
    }
}

/// Tells whether a workgroup accepts connections on that address and port at that moment: its own endpoint's, or that of
/// a managed one.
pub fn listens(world: &World, now: Timestamp, address: Ipv4Addr, port: u16) -> bool {
    let state = &world.serverless;
    state.workgroups.values().any(|workgroup| {
        let mut endpoints = state.endpoints.values().filter(|endpoint| endpoint.workgroup == workgroup.name);
        workgroup.port == i64::from(port)
            && workgroup.ready_at <= now
            && exists(workgroup.gone_at, now)
            && (workgroup.interfaces.iter().any(|placed| placed.address == address)
                || endpoints.any(|endpoint| endpoint.is_open(now) && endpoint.interface.address == address))
    })
}

/// The VPC of every endpoint that a workgroup or a managed endpoint has there.
pub(super) fn vpcs_of_endpoints(world: &World, now: Timestamp) -> impl Iterator<Item = String> {
    let managed = world.serverless.endpoints.values().filter(move |endpoint| exists(endpoint.gone_at, now));
    let own = world.serverless.workgroups_at(now).map(|workgroup| workgroup.vpc.clone());
    own.chain(managed.map(|endpoint| endpoint.vpc.clone()))
}

/// The service as the core routes it: awsJson 1.1, target prefix `RedshiftServerless`.
pub static SERVICE: Service = Service {
    scope: "redshift-serverless",
    protocol: Protocol::Json11,
    version: "RedshiftServerless",
    lists: &[],
    operations: &[
        namespace::OPERATIONS,
        namespace_update::OPERATIONS,
        workgroup::OPERATIONS,
        workgroup_update::OPERATIONS,
        endpoint::OPERATIONS,
        custom_domain::OPERATIONS,
        usage_limit::OPERATIONS,
        snapshot::OPERATIONS,
        snapshot_copy::OPERATIONS,
        recovery::OPERATIONS,
        scheduled_action::OPERATIONS,
        tag::OPERATIONS,
    ],
};

fn exists(gone_at: Option<Timestamp>, now: Timestamp) -> bool {
    gone_at.is_none_or(|gone_at| now < gone_at)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationException", message)
}

fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new("ConflictException", message)
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new("ResourceNotFoundException", message)
}

/// The refusal of any change of a namespace or workgroup on which something still runs (6.2).
fn operation_running(kind: &str, verb: &str) -> AwsError {
    conflict(format!("There is an operation running on the {kind}. Try {verb} the {kind} again later."))
}

/// A moment as this API writes it: ISO 8601, milliseconds.
fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// One page of a List operation under `set`.
fn listing(set: &str, items: Vec<Reply>, req: &Request) -> Result<Reply, AwsError> {
    let (items, next) = page(items, req, "maxResults", "nextToken", PAGE, 1..=PAGE)?;
    // Moved in: `json!` would copy all of it.
    let mut reply = serde_json::Map::from_iter([(set.to_owned(), Reply::Array(items))]);
    reply.extend(next.map(|next| ("nextToken".to_owned(), next.into())));
    Ok(Reply::Object(reply))
}
