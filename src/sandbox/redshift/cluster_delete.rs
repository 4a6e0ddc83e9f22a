//! DeleteCluster.
//!
//! Called by the core. Source: aws-facts.md 4 and 5.3. Must never delete without a word about the final snapshot.

use jiff::Timestamp;

use super::super::secrets;
use super::cluster::Removal;
use super::{
    AwsError, DELETES, FINAL_SNAPSHOT, Operation, Reply, Request, World, cluster, cluster_spec, combination, placement,
    snapshot,
};

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DeleteCluster",
    mutating: true,
    params: &[
        "ClusterIdentifier",
        "SkipFinalClusterSnapshot",
        "FinalClusterSnapshotIdentifier",
        "FinalClusterSnapshotRetentionPeriod",
    ],
    run: delete_cluster,
}];

fn delete_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    let skip = req.opt_bool("SkipFinalClusterSnapshot")?.unwrap_or(false);
    let retention = cluster_spec::manual_retention(req, "FinalClusterSnapshotRetentionPeriod")?;
    let identifier = req.opt_text("FinalClusterSnapshotIdentifier")?;
    match (skip, &identifier) {
        (true, Some(_)) => {
            return Err(combination(
                "FinalClusterSnapshotIdentifier can't be given when SkipFinalClusterSnapshot is true.",
            ));
        }
        (false, None) => {
            return Err(combination(
                "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is true.",
            ));
        }
        (true, None) if retention.is_some() => {
            return Err(combination("FinalClusterSnapshotRetentionPeriod needs FinalClusterSnapshotIdentifier."));
        }
        _ => {}
    }
    cluster.check_idle(now)?;
    snapshot::check_none_running(world, now, &cluster.name)?;
    let mut snapshot_until = now;
    if let Some(identifier) = identifier {
        snapshot::take(world, now, &cluster, &identifier, retention.flatten(), FINAL_SNAPSHOT)?;
        snapshot_until = now + FINAL_SNAPSHOT;
    }
    let gone_at = snapshot_until + DELETES;
    let zones = cluster.current(now).zones();
    placement::publish(world, &cluster, &zones, false);
    placement::release(world, &cluster, &zones, gone_at);
    if let Some(secret) = &cluster.secret {
        secrets::delete_managed(world, secret);
    }
    world.abroad.copying.remove(&cluster.arn);
    cluster.removal = Some(Removal { snapshot_until, gone_at });
    Ok(cluster::keep(world, cluster, now))
}
