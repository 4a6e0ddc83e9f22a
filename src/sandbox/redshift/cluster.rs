//! Clusters: what one is, what state it is in, and how it is found.
//!
//! Called by every operation on clusters. Source: aws-facts.md 5.3. Must never run anything in the background: a change
//! that takes time lies beside the settings until a reader or writer comes after its end.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::serverless::Placed;
use super::select::{TagChoice, listing};
use super::{AwsError, Logging, Operation, Reply, Request, World, cluster_view, exists, not_found, parameter_group};

/// A cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Identifier in lower case.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// UUID of its namespace, as data sharing names it.
    pub namespace: String,
    /// When it was created.
    pub created: Timestamp,
    /// Name of the first database.
    pub database: String,
    /// Name of the admin user.
    pub admin: String,
    /// ARN of the managed password's secret; none when the password is not managed.
    pub secret: Option<String>,
    /// ARN of the customer key of that secret.
    pub secret_key: Option<String>,
    /// Name of its subnet group.
    pub subnet_group: String,
    /// VPC of its subnet group.
    pub vpc: String,
    /// Label of its address that is the account's alone.
    pub label: String,
    /// Id of its endpoint in the VPC.
    pub endpoint_id: String,
    /// Where its audit logs go, if anywhere.
    pub logging: Option<Logging>,
    /// What can be changed, as it was before the running task.
    pub settings: Settings,
    /// The last task; it runs until its end.
    pub task: Option<Task>,
    /// Its deletion, once begun.
    pub removal: Option<Removal>,
}

/// What of a cluster can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Node type.
    pub node_type: String,
    /// Number of compute nodes, in each of its zones; 1 is a single-node cluster.
    pub nodes: i64,
    /// Security groups.
    pub groups: Vec<String>,
    /// Name of its parameter group.
    pub parameter_group: String,
    /// What of a parameter group is in effect.
    pub applied: Applied,
    /// Days that automated snapshots are kept.
    pub automated_retention: i64,
    /// Days that manual snapshots are kept; none is for ever.
    pub manual_retention: Option<i64>,
    /// Maintenance window, e.g. `sun:03:00-sun:03:30`.
    pub window: String,
    /// Maintenance track.
    pub track: String,
    /// Whether versions are upgraded in the window.
    pub upgrade: bool,
    /// Whether the endpoint has a public address.
    pub public: bool,
    /// Enhanced VPC routing.
    pub routing: bool,
    /// Whether the data is encrypted.
    pub encrypted: bool,
    /// ARN of the customer key; none is the key AWS owns.
    pub key: Option<String>,
    /// Port.
    pub port: i64,
    /// Whether it can move to another zone.
    pub relocation: bool,
    /// Whether it runs in two zones at once.
    pub multi_az: bool,
    /// Whether it gets extra compute for automatic optimisation.
    pub extra_compute: bool,
    /// ARNs of its roles.
    pub roles: Vec<String>,
    /// The role of `IAM_ROLE default`.
    pub default_role: Option<String>,
    /// Whether it is paused.
    pub paused: bool,
    /// The interface of its endpoint in each of its zones; the first is the leader node's.
    pub interfaces: Vec<Placed>,
}

/// The parameter group a cluster started with, and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Name of the group.
    pub group: String,
    /// Value of every parameter.
    pub values: BTreeMap<String, String>,
}

/// What a cluster is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Being created.
    Creating,
    /// Settings change.
    Modifying,
    /// Nodes change within minutes.
    ElasticResize,
    /// Nodes change by copying everything.
    ClassicResize,
    /// Restarting.
    Rebooting,
    /// On its way to paused.
    Pausing,
    /// On its way back.
    Resuming,
}

/// Something that takes time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What it is.
    pub stage: Stage,
    /// When it is over.
    pub until: Timestamp,
    /// The settings from then on.
    pub after: Settings,
    /// Whether it brings another admin password, which is not kept.
    pub password: bool,
}

/// A deletion that has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Until when the final snapshot is taken.
    pub snapshot_until: Timestamp,
    /// When the cluster is gone.
    pub gone_at: Timestamp,
}

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeClusters",
    mutating: false,
    params: &["ClusterIdentifier", "MaxRecords", "Marker", "TagKeys", "TagValues"],
    run: describe_clusters,
}];

impl Stage {
    /// The cluster's status meanwhile.
    pub fn status(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Modifying => "modifying",
            Self::ElasticResize | Self::ClassicResize => "resizing",
            Self::Rebooting => "rebooting",
            Self::Pausing => "pausing",
            Self::Resuming => "resuming",
        }
    }
}

impl Settings {
    /// Zones it runs in.
    pub(super) fn zones(&self) -> Vec<String> {
        self.interfaces.iter().map(|placed| placed.zone.clone()).collect()
    }
}

impl Cluster {
    /// Whether its deletion is not over.
    pub fn exists(&self, now: Timestamp) -> bool {
        exists(self.removal.as_ref().map(|removal| removal.gone_at), now)
    }

    /// The task that still runs.
    pub fn running(&self, now: Timestamp) -> Option<&Task> {
        self.task.as_ref().filter(|task| now < task.until)
    }

    /// The settings in effect.
    pub fn current(&self, now: Timestamp) -> &Settings {
        self.task.as_ref().filter(|task| task.until <= now).map_or(&self.settings, |task| &task.after)
    }

    /// The settings in effect when the running task is over.
    pub fn coming(&self) -> &Settings {
        self.task.as_ref().map_or(&self.settings, |task| &task.after)
    }

    /// `creating`, `available`, `paused`, `deleting` and so on.
    pub fn status(&self, now: Timestamp) -> &'static str {
        match (&self.removal, self.running(now)) {
            (Some(removal), _) if now < removal.snapshot_until => "final-snapshot",
            (Some(_), _) => "deleting",
            (None, Some(task)) => task.stage.status(),
            (None, None) if self.current(now).paused => "paused",
            (None, None) => "available",
        }
    }

    /// Starts a task of that length; the one before it is over.
    pub(super) fn start(&mut self, now: Timestamp, stage: Stage, length: SignedDuration, after: Settings) {
        self.settings = self.current(now).clone();
        self.task = Some(Task { stage, until: now + length, after, password: false });
    }

    /// Refuses a change while something runs on it.
    pub(super) fn check_idle(&self, now: Timestamp) -> Result<(), AwsError> {
        if self.removal.is_none() && self.running(now).is_none() {
            return Ok(());
        }
        Err(invalid_state(format!(
            "There is an operation running on the Cluster. Please try to do your operation at a later time. The \
             cluster {} is {}.",
            self.name,
            self.status(now)
        )))
    }

    /// Refuses a change of a cluster that is not available.
    pub(super) fn check_available(&self, now: Timestamp) -> Result<(), AwsError> {
        self.check_idle(now)?;
        if self.current(now).paused {
            return Err(invalid_state(format!("The cluster {} is paused. Resume it first.", self.name)));
        }
        Ok(())
    }

    /// Key of an interface's owner: a zone of a cluster.
    pub(super) fn owner(&self, zone: &str) -> String {
        format!("{}/{zone}", self.arn)
    }
}

impl Applied {
    /// All of a group as it is now.
    pub(super) fn of(world: &World, group: &str) -> Result<Self, AwsError> {
        let group = parameter_group::find(world, group)?;
        Ok(Self { values: group.values(), group: group.name })
    }
}

/// The refusal of what the state of a cluster does not allow.
pub(super) fn invalid_state(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidClusterState", message)
}

/// The cluster of that name in any case, unless its deletion is over.
pub(super) fn find(world: &World, name: &str, now: Timestamp) -> Result<Cluster, AwsError> {
    let found = world.redshift.cluster(&name.to_ascii_lowercase(), now);
    found.cloned().ok_or_else(|| not_found("ClusterNotFound", format!("Cluster {name} not found.")))
}

/// The cluster that a call names by `ClusterIdentifier`.
pub(super) fn asked(world: &World, req: &Request, now: Timestamp) -> Result<Cluster, AwsError> {
    find(world, &req.text("ClusterIdentifier")?, now)
}

/// Keeps a changed cluster and answers it.
pub(super) fn keep(world: &mut World, cluster: Cluster, now: Timestamp) -> Reply {
    let reply = cluster_view::render(&cluster, world, now);
    world.redshift.clusters.insert(cluster.name.clone(), cluster);
    json!({ "Cluster": reply })
}

fn describe_clusters(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let choice = TagChoice::read(req)?;
    let found = match req.opt_text("ClusterIdentifier")? {
        Some(name) => vec![find(world, &name, now)?],
        None => world.redshift.clusters_at(now).cloned().collect(),
    };
    let fits = |cluster: &Cluster| choice.admits_any(world.redshift.tags.get(&cluster.arn));
    let found = found.into_iter().filter(fits).map(|cluster| cluster_view::render(&cluster, world, now)).collect();
    listing("Clusters", found, req)
}
