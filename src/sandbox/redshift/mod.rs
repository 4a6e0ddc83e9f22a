//! Redshift (provisioned) of the sandbox: clusters, their groups, snapshots and their copies, logging, usage
//! limits, schedules and tags.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `redshift`. Source of every rule:
//! aws-facts.md 0.1, 0.3, 4 and 5 and the API model 2012-12-01. It must never look at the wall clock (the time comes in
//! with the call), never change the world before every check has passed, and never keep a password.

mod cluster;
mod cluster_create;
mod cluster_delete;
mod cluster_modify;
mod cluster_restore;
mod cluster_spec;
#[cfg(test)]
mod cluster_tests;
mod cluster_view;
mod datashare;
mod datashare_consumer;
mod logging;
mod name;
mod node;
#[cfg(test)]
mod operation_tests;
mod option;
mod parameter;
mod parameter_group;
mod placement;
mod power;
mod resize;
mod scheduled_action;
mod select;
mod snapshot;
mod snapshot_copy;
mod snapshot_copy_grant;
mod snapshot_schedule;
mod subnet_group;
mod tag;
#[cfg(test)]
mod tests;
mod usage_limit;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{List, Operation, Protocol, Service};

pub use cluster::{Applied, Cluster, Removal, Settings, Stage, Task};
pub use logging::{Logging, arrived_logs};
pub use parameter_group::ParameterGroup;
pub(super) use resize::nodes_in_use;
pub use scheduled_action::{ScheduledAction, Target};
pub use snapshot::Snapshot;
pub(super) use snapshot::snapshots_in_use;
pub use snapshot_copy::{Abroad, CopyOn};
pub use snapshot_copy_grant::Grant;
pub use snapshot_schedule::{Association, SnapshotSchedule};
pub use subnet_group::{GroupSubnet, SubnetGroup};
pub(super) use tag::tagged;
pub use usage_limit::UsageLimit;

/// The one version of clusters this sandbox has.
const VERSION: &str = "1.0";
/// AWS time a new cluster is `creating` (aws-facts.md 5.3: 3 to 10 min).
const CREATES: SignedDuration = SignedDuration::from_mins(6);
/// AWS time a cluster that is made of a snapshot is `creating` (5.3: it takes as long as a new one, and longer).
const RESTORES: SignedDuration = SignedDuration::from_mins(8);
/// AWS time a simple change takes (5.3: 1 to 5 min).
const MODIFIES: SignedDuration = SignedDuration::from_secs(90);
/// AWS time another zone, or a second one, takes (5.3: 1 to 5 min).
const ZONE_CHANGES: SignedDuration = SignedDuration::from_mins(4);
/// AWS time another encryption takes (5.3: tens of minutes to hours).
const ENCRYPTS: SignedDuration = SignedDuration::from_mins(20);
/// AWS time roles are `adding` or `removing`.
const ROLES: SignedDuration = SignedDuration::from_secs(30);
/// AWS time dynamic parameters are `applying`.
const APPLIES: SignedDuration = SignedDuration::from_secs(30);
/// AWS time of an elastic resize (5.3: about 10 min).
const ELASTIC: SignedDuration = SignedDuration::from_mins(10);
/// AWS time of a classic resize (5.3: hours).
const CLASSIC: SignedDuration = SignedDuration::from_hours(2);
/// AWS time of a pause (5.3: up to 15 min).
const PAUSES: SignedDuration = SignedDuration::from_mins(5);
/// AWS time of a resume (5.3: several min).
const RESUMES: SignedDuration = SignedDuration::from_mins(5);
/// AWS time of a reboot (5.3: 1 to 3 min).
const REBOOTS: SignedDuration = SignedDuration::from_mins(2);
/// AWS time of a deletion (5.3: 2 to 10 min).
const DELETES: SignedDuration = SignedDuration::from_mins(3);
/// AWS time of the final snapshot before a deletion (5.3).
const FINAL_SNAPSHOT: SignedDuration = SignedDuration::from_mins(3);
/// AWS time a manual snapshot is `creating`.
const SNAPSHOT_CREATES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time a snapshot takes to another region.
const SNAPSHOT_COPIES: SignedDuration = SignedDuration::from_mins(2);
/// AWS time a cluster is put on a schedule, or taken off it (5.6: minutes).
const SCHEDULES: SignedDuration = SignedDuration::from_secs(60);
/// AWS time from switching an export on to its first log.
const LOGS_ARRIVE: SignedDuration = SignedDuration::from_mins(1);
/// AWS time the interfaces stay in their subnets after the cluster has left them.
const INTERFACES_LINGER: SignedDuration = SignedDuration::from_mins(2);

/// State of Redshift in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redshift {
    /// Subnet groups by name.
    pub subnet_groups: BTreeMap<String, SubnetGroup>,
    /// Parameter groups by name, without those AWS brings along.
    pub parameter_groups: BTreeMap<String, ParameterGroup>,
    /// Clusters by name, those whose deletion is over but not yet swept included.
    pub clusters: BTreeMap<String, Cluster>,
    /// Manual snapshots by name.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Usage limits by id, those of clusters that are gone included.
    pub limits: BTreeMap<String, UsageLimit>,
    /// Scheduled actions by name.
    pub scheduled_actions: BTreeMap<String, ScheduledAction>,
    /// Snapshot schedules by name.
    pub schedules: BTreeMap<String, SnapshotSchedule>,
    /// Tags by ARN; an object without tags has no entry.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Node types that the region does not offer; only tests put them here (`Sandbox::edit`).
    pub not_offered: BTreeSet<String>,
    /// Until when AWS has no nodes to give; none: it has.
    pub exhausted_until: Option<Timestamp>,
}

impl Redshift {
    /// Tells whether nothing a user created is left but snapshots, which are data that stays (what is being deleted
    /// counts as gone).
    pub fn is_empty(&self) -> bool {
        self.subnet_groups.is_empty()
            && self.parameter_groups.is_empty()
            && self.scheduled_actions.is_empty()
            && self.schedules.is_empty()
            && self.clusters.values().all(|cluster| cluster.removal.is_some())
    }

    /// The cluster of that name, unless its deletion is over.
    pub fn cluster(&self, name: &str, now: Timestamp) -> Option<&Cluster> {
        self.clusters.get(name).filter(|cluster| cluster.exists(now))
    }

    /// The clusters whose deletion is not over.
    pub fn clusters_at(&self, now: Timestamp) -> impl Iterator<Item = &Cluster> {
        self.clusters.values().filter(move |cluster| cluster.exists(now))
    }

    /// The usage limits whose cluster is there.
    pub fn limits_at(&self, now: Timestamp) -> impl Iterator<Item = &UsageLimit> {
        self.limits.values().filter(move |limit| self.cluster(&limit.cluster, now).is_some())
    }

    /// Refuses what needs nodes while AWS has none to give (5.3).
    fn check_capacity(&self, now: Timestamp) -> Result<(), AwsError> {
        match self.exhausted_until {
            Some(until) if now < until => Err(AwsError::new(
                "InsufficientClusterCapacity",
                "There is insufficient capacity for the requested node type in the Availability Zone. Try again later.",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Forgets what readers already leave out.
    fn sweep(&mut self, now: Timestamp) {
        let gone: Vec<Cluster> = self.clusters.values().filter(|cluster| !cluster.exists(now)).cloned().collect();
        for cluster in gone {
            self.clusters.remove(&cluster.name);
            self.tags.remove(&cluster.arn);
        }
        let limits: Vec<UsageLimit> =
            self.limits.values().filter(|limit| !self.clusters.contains_key(&limit.cluster)).cloned().collect();
        for limit in limits {
            self.limits.remove(&limit.id);
            self.tags.remove(&limit.arn);
        }
        self.snapshots.retain(|_, snapshot| snapshot.exists(now));
        let snapshots: Vec<&String> = self.snapshots.values().map(|snapshot| &snapshot.arn).collect();
        self.tags.retain(|arn, _| !arn.contains(":snapshot:") || snapshots.contains(&arn));
    }
}

/// The service as the core routes it: query protocol, version 2012-12-01.
pub static SERVICE: Service = Service {
    scope: "redshift",
    protocol: Protocol::Query,
    version: "2012-12-01",
    lists: &[
        same("AvailabilityZones", "AvailabilityZone"),
        same("AssociatedClusters", "ClusterAssociatedToSchedule"),
        same("AddIamRoles", "IamRoleArn"),
        same("ClusterParameterGroups", "ClusterParameterGroup"),
        same("ClusterSecurityGroups", "ClusterSecurityGroup"),
        same("ClusterSubnetGroups", "ClusterSubnetGroup"),
        same("Clusters", "Cluster"),
        same("DeferredMaintenanceWindows", "DeferredMaintenanceWindow"),
        same("Filter", "NodeConfigurationOptionsFilter"),
        List { name: "IamRoles", asked: "IamRoleArn", answered: "ClusterIamRole" },
        same("NetworkInterfaces", "NetworkInterface"),
        same("NodeConfigurationOptionList", "NodeConfigurationOption"),
        same("OrderableClusterOptions", "OrderableClusterOption"),
        same("ParameterGroups", "ClusterParameterGroup"),
        same("Parameters", "Parameter"),
        same("NextInvocations", "ScheduledActionTime"),
        same("RemoveIamRoles", "IamRoleArn"),
        same("ScheduleDefinitions", "ScheduleDefinition"),
        same("ScheduledActions", "ScheduledAction"),
        same("SnapshotCopyGrants", "SnapshotCopyGrant"),
        same("SnapshotSchedules", "SnapshotSchedule"),
        same("Snapshots", "Snapshot"),
        same("SubnetIds", "SubnetIdentifier"),
        same("Subnets", "Subnet"),
        same("SupportedClusterIpAddressTypes", "item"),
        same("SupportedPlatforms", "SupportedPlatform"),
        same("TagKeys", "TagKey"),
        same("TagValues", "TagValue"),
        same("TaggedResources", "TaggedResource"),
        same("Tags", "Tag"),
        same("Value", "item"),
        same("VpcEndpoints", "VpcEndpoint"),
        same("VpcSecurityGroupIds", "VpcSecurityGroupId"),
        same("VpcSecurityGroups", "VpcSecurityGroup"),
    ],
    operations: &[
        datashare::OPERATIONS,
        datashare_consumer::OPERATIONS,
        subnet_group::OPERATIONS,
        parameter_group::OPERATIONS,
        cluster::OPERATIONS,
        cluster_create::OPERATIONS,
        cluster_restore::OPERATIONS,
        cluster_modify::OPERATIONS,
        cluster_delete::OPERATIONS,
        resize::OPERATIONS,
        power::OPERATIONS,
        scheduled_action::OPERATIONS,
        snapshot_schedule::OPERATIONS,
        snapshot::OPERATIONS,
        snapshot_copy::OPERATIONS,
        snapshot_copy_grant::OPERATIONS,
        logging::OPERATIONS,
        usage_limit::OPERATIONS,
        option::OPERATIONS,
        tag::OPERATIONS,
    ],
};

const fn same(name: &'static str, element: &'static str) -> List {
    List { name, asked: element, answered: element }
}

/// Does what goes on by itself in a region: schedules come round, copies arrive.
pub(super) fn catch_up(world: &mut World, now: Timestamp) {
    scheduled_action::catch_up(world, now);
    snapshot_copy::arrive(world);
}

fn exists(gone_at: Option<Timestamp>, now: Timestamp) -> bool {
    gone_at.is_none_or(|gone_at| now < gone_at)
}

/// A moment as this API writes it: ISO 8601, milliseconds.
fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

fn combination(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterCombination", message)
}

/// The refusal of something that is not there; the API model says HTTP 404 for all but subnet groups.
fn not_found(code: &str, message: impl Into<String>) -> AwsError {
    AwsError::new(code, message).status(if code == subnet_group::NOT_FOUND { 400 } else { 404 })
}
