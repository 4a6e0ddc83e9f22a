//! RebootCluster, PauseCluster, ResumeCluster.
//!
//! Called by the core. Source: aws-facts.md 5.3. Must never bring parameters into effect without a restart.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Applied, Cluster, Stage, invalid_state};
use super::{AwsError, Operation, PAUSES, REBOOTS, RESUMES, Reply, Request, World, cluster};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "RebootCluster", mutating: true, params: &["ClusterIdentifier"], run: reboot_cluster },
    Operation { name: "PauseCluster", mutating: true, params: &["ClusterIdentifier"], run: pause_cluster },
    Operation { name: "ResumeCluster", mutating: true, params: &["ClusterIdentifier"], run: resume_cluster },
];

fn reboot_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    cluster.check_available(now)?;
    restart(world, cluster, now, Stage::Rebooting, REBOOTS)
}

fn resume_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    resume(world, &req.text("ClusterIdentifier")?, now)
}

/// Starts to wake a cluster.
pub(super) fn resume(world: &mut World, name: &str, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::find(world, name, now)?;
    cluster.check_idle(now)?;
    if !cluster.current(now).paused {
        return Err(invalid_state(format!("The cluster {} is not paused.", cluster.name)));
    }
    world.redshift.check_capacity(now)?;
    restart(world, cluster, now, Stage::Resuming, RESUMES)
}

/// Starts the cluster with its parameter group as it is now.
fn restart(
    world: &mut World,
    mut cluster: Cluster,
    now: Timestamp,
    stage: Stage,
    length: SignedDuration,
) -> Result<Reply, AwsError> {
    let mut after = cluster.current(now).clone();
    after.applied = Applied::of(world, &after.parameter_group)?;
    after.paused = false;
    cluster.start(now, stage, length, after);
    Ok(cluster::keep(world, cluster, now))
}

fn pause_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    pause(world, &req.text("ClusterIdentifier")?, now)
}

/// Starts to put a cluster to sleep.
pub(super) fn pause(world: &mut World, name: &str, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::find(world, name, now)?;
    cluster.check_available(now)?;
    let mut after = cluster.current(now).clone();
    after.paused = true;
    cluster.start(now, Stage::Pausing, PAUSES, after);
    Ok(cluster::keep(world, cluster, now))
}
