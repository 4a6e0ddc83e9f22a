//! Kind `redshift.snapshot-copy`: that the snapshots of a provisioned cluster are copied to another region.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch copies that are there: they outlive it. It
//! carries no tags: it is ours because its cluster is.

use super::{
    Aws, Fault, Look, cluster,
    fault::{Called, found},
    ids::{ClusterName, SnapshotCopyGrantName},
    lookup::{asks, place},
    named, number,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use aws_sdk_redshift::types;
use serde::{Deserialize, Serialize};

/// The copying of one cluster's snapshots. Its id is the cluster's identifier.
pub struct SnapshotCopy;

/// Where the snapshots of a cluster are copied to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SnapshotCopySpec<S: Stage> {
    /// The cluster; its snapshots go to one region at most.
    pub cluster: S::In<ClusterName>,
    /// The other region.
    pub region: String,
    /// For how many days copies of automated snapshots are kept there; those of manual ones, for ever.
    pub retention: u32,
    /// The grant there that they are encrypted by.
    pub grant: S::In<SnapshotCopyGrantName>,
}

crate::outputs!(SnapshotCopy =>
    /// Copying offers nothing to others.
    SnapshotCopyOutputs {
        at_once {}
        ready {}
    }
);

fn live(shown: &types::Cluster) -> Option<Live<SnapshotCopy>> {
    let (cluster, copy) = (shown.cluster_identifier()?, shown.cluster_snapshot_copy_status()?);
    // A cluster that copies nothing may show the structure all the same.
    let region = copy.destination_region().filter(|region| !region.is_empty())?;
    let spec = SnapshotCopySpec {
        cluster: cluster.into(),
        region: region.to_owned(),
        retention: copy.retention_period().and_then(|days| u32::try_from(days).ok()).unwrap_or_default(),
        grant: copy.snapshot_copy_grant_name().unwrap_or_default().into(),
    };
    Some(Live { id: Id(cluster.to_owned()), spec, outputs: SnapshotCopyOutputs {}, readiness: Readiness::Ready })
}

/// Tells whether `live` is what is asked for: by id, and, while none is recorded, by the cluster and where its copies go. What
/// somebody else has switched on is not ours.
fn fits(which: &Which<SnapshotCopy>, live: &Live<SnapshotCopy>) -> bool {
    let (asked, shown) = (&which.spec, &live.spec);
    let same = asked.cluster == shown.cluster && asked.region == shown.region && asked.grant == shown.grant;
    asks(which, live.id.as_str(), same)
}

impl Kind for SnapshotCopy {
    const NAME: &'static str = "redshift.snapshot-copy";
    const FIELDS: &'static [Field] = &[
        Field::replaces("cluster").follows(),
        Field::replaces("region").security().notes("copies that are there stay"),
        Field::updates("retention").security().notes("a shorter time deletes older copies of automated snapshots"),
        Field::replaces("grant").follows(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusters"],
        create: &["redshift:EnableSnapshotCopy"],
        update: &["redshift:ModifySnapshotCopyRetentionPeriod"],
        delete: &["redshift:DisableSnapshotCopy"],
    };
    const TYPICAL: Typical = Typical { create: 5, update: 5, delete: 5 };
    const SETTLES: bool = false;
    const TAGGED: bool = false;
    const GUARDS: bool = true;
    const KEY: &'static [&'static str] = &["cluster"];
    const NAMED_BY: &'static str = "the cluster's name or ARN";

    type Spec<S: Stage> = SnapshotCopySpec<S>;
    type Outputs = SnapshotCopyOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "cluster:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = cluster::all(look).await?;
        Ok(place(which, all.iter().filter_map(live), fits))
    }

    async fn create(aws: &Aws, spec: &SnapshotCopySpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let cluster = spec.cluster.as_str();
        let call = aws
            .redshift
            .enable_snapshot_copy()
            .cluster_identifier(cluster)
            .destination_region(&spec.region)
            .retention_period(number::sent(spec.retention))
            .snapshot_copy_grant_name(spec.grant.as_str());
        match call.send().called("redshift:EnableSnapshotCopy").await {
            Ok(_) => Ok(Created { id: Id(cluster.to_owned()), outputs: SnapshotCopyOutputs {} }),
            Err(fault) => Err(cluster::refused(aws, cluster, fault).await),
        }
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let cluster = job.id.as_str();
        match job.step.name.as_str() {
            "set retention" => {
                let call = aws.redshift.modify_snapshot_copy_retention_period().cluster_identifier(cluster);
                let call = call.retention_period(number::sent(job.spec.retention));
                if let Err(fault) = call.send().called("redshift:ModifySnapshotCopyRetentionPeriod").await {
                    return Err(cluster::refused(aws, cluster, fault).await);
                }
            }
            "delete" => {
                let call = aws.redshift.disable_snapshot_copy().cluster_identifier(cluster);
                if let Err(fault) = found(call.send().called("redshift:DisableSnapshotCopy").await) {
                    return Err(cluster::refused(aws, cluster, fault).await);
                }
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(region: &str) -> Option<Live<SnapshotCopy>> {
        let copy = types::ClusterSnapshotCopyStatus::builder().destination_region(region).retention_period(7);
        let copy = copy.snapshot_copy_grant_name("g").build();
        live(&types::Cluster::builder().cluster_identifier("dw").cluster_snapshot_copy_status(copy).build())
    }

    #[test]
    fn what_somebody_else_has_switched_on_is_not_ours() {
        assert!(live(&types::Cluster::builder().cluster_identifier("dw").build()).is_none() && shown("").is_none());
        let (ours, theirs) = (shown("us-east-1").unwrap(), shown("eu-west-1").unwrap());
        let address = "producer/snapshot-copy".parse().unwrap();
        let mut which = Which::<SnapshotCopy> { address, id: None, spec: ours.spec.clone(), settling: false };
        assert!(fits(&which, &ours) && !fits(&which, &theirs));
        which.id = Some(Id("dw".to_owned()));
        assert!(fits(&which, &theirs), "what is recorded is compared, and mended");
    }
}
