//! Copies of a cluster's snapshots in another region: on, off, how long they are kept, and their arrival there.
//!
//! Called by the core and by whatever takes a snapshot. Source: aws-facts.md 5.5 and the API reference. Automated
//! snapshots are not kept here, so only manual ones are copied. Must never change another region's world: what goes there
//! lies in the part that all regions share until that region is asked for something.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::{
    AwsError, Cluster, Grant, Operation, Reply, Request, SNAPSHOT_COPIES, Snapshot, World, cluster, cluster_spec,
    combination, snapshot_copy_grant,
};

/// What the regions must know of each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abroad {
    /// Snapshot copy grants by region and name.
    pub grants: BTreeMap<String, BTreeMap<String, Grant>>,
    /// Their tags, by ARN.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Clusters whose snapshots are copied, by ARN.
    pub copying: BTreeMap<String, CopyOn>,
    /// Copies that no call has come upon yet, by region.
    pub sent: BTreeMap<String, Vec<Snapshot>>,
}

/// Where the snapshots of a cluster are copied to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyOn {
    /// The other region.
    pub region: String,
    /// Days that copies of automated snapshots are kept there.
    pub retention: i64,
    /// Days that copies of manual snapshots are kept there; none is for ever.
    pub manual_retention: Option<i64>,
    /// Name of the grant there.
    pub grant: Option<String>,
}

impl Abroad {
    /// The grant of that name in a region.
    pub fn grant(&self, region: &str, name: &str) -> Option<&Grant> {
        self.grants.get(region)?.get(name)
    }

    /// The grants in a region.
    pub fn grants_in(&self, region: &str) -> impl Iterator<Item = &Grant> {
        self.grants.get(region).into_iter().flat_map(BTreeMap::values)
    }

    /// Whether a region has nothing of it that a user created but copies, which are data that stays.
    pub fn has_nothing_in(&self, region: &str) -> bool {
        self.grants_in(region).next().is_none()
    }

    /// The ARN of a cluster that copies by a grant.
    pub(super) fn user_of(&self, region: &str, grant: &str) -> Option<&String> {
        let uses = |on: &CopyOn| on.region == region && on.grant.as_deref() == Some(grant);
        self.copying.iter().find(|(_, on)| uses(on)).map(|(arn, _)| arn)
    }
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "EnableSnapshotCopy",
        mutating: true,
        params: &[
            "ClusterIdentifier",
            "DestinationRegion",
            "RetentionPeriod",
            "ManualSnapshotRetentionPeriod",
            "SnapshotCopyGrantName",
        ],
        run: enable_snapshot_copy,
    },
    Operation {
        name: "ModifySnapshotCopyRetentionPeriod",
        mutating: true,
        params: &["ClusterIdentifier", "RetentionPeriod", "Manual"],
        run: modify_snapshot_copy_retention_period,
    },
    Operation {
        name: "DisableSnapshotCopy",
        mutating: true,
        params: &["ClusterIdentifier"],
        run: disable_snapshot_copy,
    },
];

/// The `ClusterSnapshotCopyStatus` of a cluster; null while it copies nothing.
pub(super) fn shown(world: &World, cluster: &Cluster) -> Reply {
    world.abroad.copying.get(&cluster.arn).map_or(Reply::Null, |on| {
        json!({
            "DestinationRegion": on.region,
            "RetentionPeriod": on.retention,
            "ManualSnapshotRetentionPeriod": on.manual_retention.unwrap_or(-1),
            "SnapshotCopyGrantName": on.grant,
        })
    })
}

/// Sends a copy of a snapshot that is being taken to where its cluster's snapshots go.
pub(super) fn send(world: &mut World, snapshot: &Snapshot) {
    let Some(on) = world.abroad.copying.get(&snapshot.cluster.arn).cloned() else { return };
    let key = on.grant.as_ref().and_then(|name| world.abroad.grant(&on.region, name)?.key.clone());
    let mut cluster = snapshot.cluster.clone();
    cluster.settings.key.clone_from(&key);
    if let Some(task) = &mut cluster.task {
        task.after.key = key;
    }
    // No source tells what a copy is called; that of an automated one begins like this.
    let name = format!("copy:{}", snapshot.name);
    let copy = Snapshot {
        arn: format!("arn:aws:redshift:{}:{}:snapshot:{}/{name}", on.region, world.account, cluster.name),
        name,
        created: snapshot.created,
        available_at: snapshot.available_at + SNAPSHOT_COPIES,
        last: false,
        retention: on.manual_retention,
        source: Some(world.region.clone()),
        cluster,
        catalogue: snapshot.catalogue.clone(),
    };
    world.abroad.sent.entry(on.region).or_default().push(copy);
}

/// Takes in what other regions have sent to this one.
pub(super) fn arrive(world: &mut World) {
    for copy in world.abroad.sent.remove(&world.region).unwrap_or_default() {
        world.redshift.snapshots.entry(copy.name.clone()).or_insert(copy);
    }
}

fn retention(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("RetentionPeriod")? {
        Some(days) if !(1..=35).contains(&days) => Err(AwsError::new(
            "InvalidRetentionPeriodFault",
            format!("The retention period {days} is not between 1 and 35 days."),
        )),
        days => Ok(days),
    }
}

fn enable_snapshot_copy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    let region = req.text("DestinationRegion")?;
    let retention = retention(req)?.unwrap_or(7);
    let manual_retention = cluster_spec::manual_retention(req, "ManualSnapshotRetentionPeriod")?.flatten();
    let grant = req.opt_text("SnapshotCopyGrantName")?;
    match ec2::region(&region).filter(|_| region != world.region) {
        Some(true) => {}
        Some(false) => {
            let message = format!("Copying to {region} is not enabled for this account.");
            return Err(AwsError::new("CopyToRegionDisabledFault", message));
        }
        None => {
            let message = format!("Snapshots of a cluster in {} can't be copied to {region}.", world.region);
            return Err(AwsError::new("UnknownSnapshotCopyRegionFault", message).status(404));
        }
    }
    if let Some(name) = grant.as_ref().filter(|name| world.abroad.grant(&region, name).is_none()) {
        return Err(snapshot_copy_grant::unknown(name, &region));
    }
    if world.abroad.copying.contains_key(&cluster.arn) {
        let message = format!("Snapshot copy is already enabled on the cluster {}.", cluster.name);
        return Err(AwsError::new("SnapshotCopyAlreadyEnabledFault", message));
    }
    cluster.check_available(now)?;
    if cluster.current(now).key.is_some() && grant.is_none() {
        return Err(combination(format!(
            "SnapshotCopyGrantName is required, because the cluster {} is encrypted with a key of KMS.",
            cluster.name
        )));
    }
    world.abroad.copying.insert(cluster.arn.clone(), CopyOn { region, retention, manual_retention, grant });
    Ok(cluster::keep(world, cluster, now))
}

fn modify_snapshot_copy_retention_period(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    let manual = req.opt_bool("Manual")?.unwrap_or(false);
    let days = match manual {
        true => cluster_spec::manual_retention(req, "RetentionPeriod")?,
        false => retention(req)?.map(Some),
    };
    let days = days.ok_or_else(|| req.missing("RetentionPeriod"))?;
    if !world.abroad.copying.contains_key(&cluster.arn) {
        let message = format!("Snapshot copy is not enabled on the cluster {}.", cluster.name);
        return Err(AwsError::new("SnapshotCopyDisabledFault", message));
    }
    cluster.check_available(now)?;
    if let Some(on) = world.abroad.copying.get_mut(&cluster.arn) {
        match (manual, days) {
            (true, days) => on.manual_retention = days,
            (false, days) => on.retention = days.unwrap_or(on.retention),
        }
    }
    Ok(cluster::keep(world, cluster, now))
}

fn disable_snapshot_copy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    if !world.abroad.copying.contains_key(&cluster.arn) {
        let message = format!("Snapshot copy is already disabled on the cluster {}.", cluster.name);
        return Err(AwsError::new("SnapshotCopyAlreadyDisabledFault", message));
    }
    cluster.check_available(now)?;
    world.abroad.copying.remove(&cluster.arn);
    Ok(cluster::keep(world, cluster, now))
}

#[cfg(test)]
mod tests {
    use super::super::super::serverless::bench::Bench;
    use super::*;

    const THERE: &str = "us-east-1";

    /// Does something in the other region, as the store would.
    fn abroad(bench: &mut Bench, run: impl FnOnce(&mut Bench)) {
        let mut other = World::new(THERE);
        std::mem::swap(&mut other, &mut bench.world);
        std::mem::swap(&mut other.abroad, &mut bench.world.abroad);
        bench.world.catch_up(bench.now);
        run(bench);
        std::mem::swap(&mut other.abroad, &mut bench.world.abroad);
        bench.world = other;
    }

    fn grant(bench: &mut Bench) {
        abroad(bench, |bench| {
            let grant = json!({ "SnapshotCopyGrantName": "dr", "Tags": [{ "Key": "team", "Value": "data" }] });
            let made = bench.redshift("CreateSnapshotCopyGrant", grant.clone());
            let key = made["SnapshotCopyGrant"]["KmsKeyId"].as_str().unwrap();
            assert!(key.starts_with("arn:aws:kms:us-east-1:"), "{key}");
            assert_eq!(bench.denied("CreateSnapshotCopyGrant", grant), "SnapshotCopyGrantAlreadyExistsFault");
            let bad = json!({ "SnapshotCopyGrantName": "DR" });
            assert_eq!(bench.denied("CreateSnapshotCopyGrant", bad), "InvalidParameterValue");
        });
    }

    fn copy(more: Reply) -> Reply {
        let mut params = json!({ "ClusterIdentifier": "producer", "DestinationRegion": THERE,
            "SnapshotCopyGrantName": "dr" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    }

    #[test]
    fn a_cluster_copies_to_one_other_region_by_a_grant_there() {
        let mut bench = Bench::producer(json!({}));
        let one = json!({ "ClusterIdentifier": "producer" });
        assert_eq!(bench.denied("EnableSnapshotCopy", copy(json!({}))), "SnapshotCopyGrantNotFoundFault");
        grant(&mut bench);
        for region in ["us-west-2", "mars", "us-east-one"] {
            let params = copy(json!({ "DestinationRegion": region }));
            assert_eq!(bench.denied("EnableSnapshotCopy", params), "UnknownSnapshotCopyRegionFault", "{region}");
        }
        let asleep = copy(json!({ "DestinationRegion": "af-south-1" }));
        assert_eq!(bench.denied("EnableSnapshotCopy", asleep), "CopyToRegionDisabledFault");
        let long = copy(json!({ "RetentionPeriod": "36" }));
        assert_eq!(bench.denied("EnableSnapshotCopy", long), "InvalidRetentionPeriodFault");
        assert_eq!(bench.denied("DisableSnapshotCopy", one.clone()), "SnapshotCopyAlreadyDisabledFault");
        let days = json!({ "ClusterIdentifier": "producer", "RetentionPeriod": "3" });
        assert_eq!(bench.denied("ModifySnapshotCopyRetentionPeriod", days.clone()), "SnapshotCopyDisabledFault");

        bench.redshift("EnableSnapshotCopy", copy(json!({})));
        assert_eq!(bench.denied("EnableSnapshotCopy", copy(json!({}))), "SnapshotCopyAlreadyEnabledFault");
        bench.redshift("ModifySnapshotCopyRetentionPeriod", days);
        let shown = bench.cluster()["ClusterSnapshotCopyStatus"].clone();
        let wanted = json!({ "DestinationRegion": THERE, "RetentionPeriod": 3, "ManualSnapshotRetentionPeriod": -1,
            "SnapshotCopyGrantName": "dr" });
        assert_eq!(shown, wanted);
        let name = json!({ "SnapshotCopyGrantName": "dr" });
        abroad(&mut bench, |bench| {
            assert_eq!(bench.denied("DeleteSnapshotCopyGrant", name.clone()), "InvalidSnapshotCopyGrantStateFault");
        });
        bench.redshift("DisableSnapshotCopy", one);
        assert_eq!(bench.cluster()["ClusterSnapshotCopyStatus"], Reply::Null);
        abroad(&mut bench, |bench| {
            bench.redshift("DeleteSnapshotCopyGrant", name.clone());
            assert_eq!(bench.denied("DescribeSnapshotCopyGrants", name), "SnapshotCopyGrantNotFoundFault");
        });
        assert!(bench.world.abroad.has_nothing_in(THERE));
    }

    #[test]
    fn what_is_taken_while_copying_is_on_arrives_in_the_other_region() {
        let mut bench = Bench::producer(json!({}));
        grant(&mut bench);
        let take = |name: &str| json!({ "ClusterIdentifier": "producer", "SnapshotIdentifier": name });
        bench.redshift("CreateClusterSnapshot", take("before"));
        bench.pass(60);
        bench.redshift("EnableSnapshotCopy", copy(json!({ "ManualSnapshotRetentionPeriod": "5" })));
        bench.redshift("CreateClusterSnapshot", take("after"));
        bench.pass(300);
        abroad(&mut bench, |bench| {
            let all = bench.redshift("DescribeClusterSnapshots", json!({}))["Snapshots"].clone();
            assert_eq!(all.as_array().unwrap().len(), 1);
            let one = &all[0];
            assert_eq!((&one["SnapshotIdentifier"], &one["SourceRegion"]), (&json!("copy:after"), &json!("us-west-2")));
            assert_eq!((&one["ManualSnapshotRetentionPeriod"], &one["Status"]), (&json!(5), &json!("available")));
        });
    }
}
