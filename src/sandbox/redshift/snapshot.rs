//! Manual snapshots of clusters: create, read, delete, and the final one of a cluster that goes.
//!
//! Called by the core and by DeleteCluster. Source: aws-facts.md 5.3 and 5.10. Automated snapshots are not made: they
//! die with their cluster. Must never outlive its retention in an answer.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::sql::Catalogue;
use super::cluster::{Cluster, invalid_state};
use super::select::{TagChoice, listing};
use super::{
    AwsError, Operation, Reply, Request, SNAPSHOT_CREATES, VERSION, World, cluster, cluster_spec, combination, exists,
    invalid, moment, name, not_found, snapshot_copy, tag,
};

/// A manual snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Identifier in lower case, unique in the region.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// When it was taken.
    pub created: Timestamp,
    /// When it can be restored.
    pub available_at: Timestamp,
    /// Whether it was the last of its cluster.
    pub last: bool,
    /// Days until it goes; none is never.
    pub retention: Option<i64>,
    /// The region it was copied from, if it is a copy.
    #[serde(default)]
    pub source: Option<String>,
    /// Its cluster as it was.
    pub cluster: Box<Cluster>,
    /// What its databases held; none where no statement had reached them.
    #[serde(default)]
    pub catalogue: Option<Catalogue>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateClusterSnapshot",
        mutating: true,
        params: &["SnapshotIdentifier", "ClusterIdentifier", "ManualSnapshotRetentionPeriod", "Tags.Key", "Tags.Value"],
        run: create_cluster_snapshot,
    },
    Operation {
        name: "DescribeClusterSnapshots",
        mutating: false,
        params: &[
            "ClusterIdentifier",
            "SnapshotIdentifier",
            "SnapshotArn",
            "SnapshotType",
            "StartTime",
            "EndTime",
            "OwnerAccount",
            "ClusterExists",
            "MaxRecords",
            "Marker",
            "TagKeys",
            "TagValues",
        ],
        run: describe_cluster_snapshots,
    },
    Operation {
        name: "DeleteClusterSnapshot",
        mutating: true,
        params: &["SnapshotIdentifier", "SnapshotClusterIdentifier"],
        run: delete_cluster_snapshot,
    },
];

impl Snapshot {
    fn ends(&self) -> Option<Timestamp> {
        self.created.checked_add(SignedDuration::from_hours(24 * self.retention?)).ok()
    }

    /// Whether its retention has not run out.
    pub fn exists(&self, now: Timestamp) -> bool {
        exists(self.ends(), now)
    }

    fn status(&self, now: Timestamp) -> &'static str {
        match (now < self.available_at, self.last) {
            (true, true) => "final snapshot",
            (true, false) => "creating",
            (false, _) => "available",
        }
    }

    fn render(&self, world: &World, now: Timestamp, status: &str) -> Reply {
        let (cluster, settings) = (&self.cluster, self.cluster.current(self.created));
        let remaining = self.ends().map(|end| end.duration_since(now).as_hours() / 24);
        json!({
            "SnapshotIdentifier": self.name,
            "SnapshotArn": self.arn,
            "SnapshotType": "manual",
            "SnapshotCreateTime": moment(self.created),
            "SnapshotRetentionStartTime": moment(self.created),
            "ManualSnapshotRetentionPeriod": self.retention.unwrap_or(-1),
            "ManualSnapshotRemainingDays": remaining,
            "Status": status,
            "ClusterIdentifier": cluster.name,
            "ClusterCreateTime": moment(cluster.created),
            "ClusterVersion": VERSION,
            "MasterUsername": cluster.admin,
            "MasterPasswordSecretArn": cluster.secret,
            "MasterPasswordSecretKmsKeyId": cluster.secret_key,
            "DBName": cluster.database,
            "VpcId": cluster.vpc,
            "Port": settings.port,
            "AvailabilityZone": settings.interfaces.first().map(|placed| &placed.zone),
            "NodeType": settings.node_type,
            "NumberOfNodes": settings.nodes,
            "Encrypted": settings.encrypted,
            "EncryptedWithHSM": false,
            "KmsKeyId": settings.key,
            "EnhancedVpcRouting": settings.routing,
            "MaintenanceTrackName": settings.track,
            "OwnerAccount": world.account,
            "SourceRegion": self.source,
            "Tags": tag::render(&world.redshift, &self.arn),
        })
    }
}

/// Counts the manual snapshots.
pub(crate) fn snapshots_in_use(world: &World, now: Timestamp) -> usize {
    world.redshift.snapshots.values().filter(|snapshot| snapshot.exists(now)).count()
}

/// Takes a snapshot of a cluster, its last if the cluster is going; the identifier must be free.
pub(super) fn take(
    world: &mut World,
    now: Timestamp,
    cluster: &Cluster,
    identifier: &str,
    retention: Option<i64>,
    length: SignedDuration,
) -> Result<Snapshot, AwsError> {
    name::check_identifier("SnapshotIdentifier", identifier, 255)?;
    let name = identifier.to_ascii_lowercase();
    let mut taken = world.redshift.snapshots.values().filter(|snapshot| snapshot.exists(now));
    if taken.any(|snapshot| snapshot.name == name) {
        let message =
            format!("Cannot create the snapshot {name} because a snapshot with that identifier already exists.");
        return Err(AwsError::new("ClusterSnapshotAlreadyExists", message));
    }
    world.redshift.sweep(now);
    let snapshot = Snapshot {
        arn: world.arn("redshift", &format!("snapshot:{}/{name}", cluster.name)),
        name: name.clone(),
        created: now,
        available_at: now + length,
        last: length > SNAPSHOT_CREATES,
        retention,
        source: None,
        cluster: Box::new(cluster.clone()),
        catalogue: world.sql.catalogues.get(&cluster.namespace).cloned(),
    };
    snapshot_copy::send(world, &snapshot);
    world.redshift.snapshots.insert(name, snapshot.clone());
    Ok(snapshot)
}

/// Refuses a change of a cluster of which a snapshot is being taken.
pub(super) fn check_none_running(world: &World, now: Timestamp, cluster: &str) -> Result<(), AwsError> {
    let mut all = world.redshift.snapshots.values();
    match all.find(|snapshot| snapshot.cluster.name == cluster && now < snapshot.available_at) {
        Some(snapshot) => Err(invalid_state(format!(
            "The snapshot {} of the cluster {cluster} is still being created.",
            snapshot.name
        ))),
        None => Ok(()),
    }
}

fn create_cluster_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    let identifier = req.text("SnapshotIdentifier")?;
    let retention = cluster_spec::manual_retention(req, "ManualSnapshotRetentionPeriod")?;
    let tags = tag::read(req)?;
    cluster.check_available(now)?;
    let retention = retention.unwrap_or(cluster.current(now).manual_retention);
    let snapshot = take(world, now, &cluster, &identifier, retention, SNAPSHOT_CREATES)?;
    tag::put(world, &snapshot.arn, tags);
    Ok(json!({ "Snapshot": snapshot.render(world, now, "creating") }))
}

pub(super) fn find<'a>(world: &'a World, name: &str, now: Timestamp) -> Result<&'a Snapshot, AwsError> {
    let found = world.redshift.snapshots.get(&name.to_ascii_lowercase()).filter(|snapshot| snapshot.exists(now));
    found.ok_or_else(|| not_found("ClusterSnapshotNotFound", format!("Snapshot {name} not found.")))
}

fn describe_cluster_snapshots(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let choice = TagChoice::read(req)?;
    let (cluster, arn) = (req.opt_text("ClusterIdentifier")?, req.opt_text("SnapshotArn")?);
    let (start, end) = (read_moment(req, "StartTime")?, read_moment(req, "EndTime")?);
    let living = req.opt_bool("ClusterExists")?;
    if living == Some(true) && cluster.is_none() {
        return Err(combination("ClusterIdentifier is required when ClusterExists is true."));
    }
    let automated = match req.opt_text("SnapshotType")?.as_deref() {
        None | Some("manual") => false,
        Some("automated") => true,
        Some(other) => return Err(invalid(format!("The snapshot type {other} must be automated or manual."))),
    };
    let foreign = req.opt_text("OwnerAccount")?.is_some_and(|account| account != world.account);
    let found: Vec<&Snapshot> = match req.opt_text("SnapshotIdentifier")? {
        Some(name) => vec![find(world, &name, now)?],
        None => world.redshift.snapshots.values().filter(|snapshot| snapshot.exists(now)).collect(),
    };
    let lives = |snapshot: &Snapshot| {
        let cluster = world.redshift.cluster(&snapshot.cluster.name, now);
        cluster.is_some_and(|cluster| cluster.namespace == snapshot.cluster.namespace)
    };
    let fits = |snapshot: &&Snapshot| {
        !automated
            && !foreign
            && cluster.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&snapshot.cluster.name))
            && arn.as_ref().is_none_or(|arn| *arn == snapshot.arn)
            && start.is_none_or(|start| start <= snapshot.created)
            && end.is_none_or(|end| snapshot.created <= end)
            && living.is_none_or(|living| living == lives(snapshot))
            && choice.admits_any(world.redshift.tags.get(&snapshot.arn))
    };
    let found = found.into_iter().filter(fits).map(|snapshot| snapshot.render(world, now, snapshot.status(now)));
    listing("Snapshots", found.collect(), req)
}

fn read_moment(req: &Request, member: &str) -> Result<Option<Timestamp>, AwsError> {
    let Some(text) = req.opt_text(member)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| invalid(format!("The value {text} of {member} is not a timestamp.")))
}

fn delete_cluster_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("SnapshotIdentifier")?;
    let snapshot = find(world, &name, now)?.clone();
    match req.opt_text("SnapshotClusterIdentifier")? {
        Some(cluster) if !cluster.eq_ignore_ascii_case(&snapshot.cluster.name) => {
            let message = format!("Snapshot {name} of the cluster {cluster} not found.");
            return Err(not_found("ClusterSnapshotNotFound", message));
        }
        _ => {}
    }
    if now < snapshot.available_at {
        let message = format!("The snapshot {name} is still being created.");
        return Err(AwsError::new("InvalidClusterSnapshotState", message));
    }
    let reply = snapshot.render(world, now, "deleted");
    world.redshift.snapshots.remove(&snapshot.name);
    world.redshift.sweep(now);
    Ok(json!({ "Snapshot": reply }))
}
