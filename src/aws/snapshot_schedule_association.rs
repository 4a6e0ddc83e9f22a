//! Kind `redshift.snapshot-schedule-association`: a provisioned cluster whose snapshots go by a schedule.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never take a cluster off a schedule that is not ours: it
//! cannot be tagged, and is ours because both its ends are.

use super::{
    Aws, Fault, Look, cluster,
    fault::{Called, found},
    ids::{ClusterName, SnapshotScheduleName},
    lookup::{asks, place},
    named, snapshot_schedule,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use aws_sdk_redshift::types::{ClusterAssociatedToSchedule, ScheduleState};
use serde::{Deserialize, Serialize};
use serde_json::json;

const CALL: &str = "redshift:ModifyClusterSnapshotSchedule";

/// A cluster on a schedule. Its id is made of both names.
pub struct SnapshotScheduleAssociation;

/// Which cluster goes by which schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SnapshotScheduleAssociationSpec<S: Stage> {
    /// The cluster; it has one schedule at most.
    pub cluster: S::In<ClusterName>,
    /// The schedule.
    pub schedule: S::In<SnapshotScheduleName>,
}

crate::outputs!(SnapshotScheduleAssociation =>
    /// An association offers nothing to others.
    SnapshotScheduleAssociationOutputs {
        at_once {}
        ready {}
    }
);

fn live(schedule: &str, shown: &ClusterAssociatedToSchedule) -> Live<SnapshotScheduleAssociation> {
    let cluster = shown.cluster_identifier.clone().unwrap_or_default();
    let readiness = match &shown.schedule_association_state {
        Some(ScheduleState::Modifying) => Readiness::Pending("MODIFYING".to_owned()),
        Some(ScheduleState::Failed) => Readiness::Failed("FAILED".to_owned()),
        _ => Readiness::Ready,
    };
    let id = Id::of(&[&cluster, schedule]);
    let spec = SnapshotScheduleAssociationSpec { cluster: cluster.into(), schedule: schedule.into() };
    Live { id, spec, outputs: SnapshotScheduleAssociationOutputs {}, readiness }
}

impl Kind for SnapshotScheduleAssociation {
    const NAME: &'static str = "redshift.snapshot-schedule-association";
    const FIELDS: &'static [Field] = &[Field::replaces("cluster").follows(), Field::replaces("schedule").follows()];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeSnapshotSchedules"],
        create: &[CALL, "redshift:DescribeClusters"],
        update: &[],
        delete: &[CALL, "redshift:DescribeClusters"],
    };
    const TYPICAL: Typical = Typical { create: 60, update: 1, delete: 60 };
    const TAGGED: bool = false;
    const KEY: &'static [&'static str] = &["cluster"];
    const NAMED_BY: &'static str = "the names of the cluster and of the schedule, `<cluster>|<schedule>`";

    type Spec<S: Stage> = SnapshotScheduleAssociationSpec<S>;
    type Outputs = SnapshotScheduleAssociationOutputs;

    fn named(text: &str) -> Option<Named> {
        let (cluster, schedule) = named::pair(text, "/")?;
        let fields = [("cluster", json!(cluster)), ("schedule", json!(schedule))].into();
        Some(Named { id: Some(Id::of(&[cluster, schedule])), fields })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = snapshot_schedule::all(look).await?;
        let live = all.iter().flat_map(|schedule| {
            let name = schedule.schedule_identifier().unwrap_or_default();
            schedule.associated_clusters().iter().map(move |cluster| live(name, cluster))
        });
        let same = |question: &Which<Self>, l: &Live<Self>| {
            let key = question.spec.cluster == l.spec.cluster && question.spec.schedule == l.spec.schedule;
            asks(question, l.id.as_str(), key)
        };
        Ok(place(which, live, same))
    }

    async fn create(aws: &Aws, spec: &SnapshotScheduleAssociationSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let (cluster, schedule) = (spec.cluster.as_str(), spec.schedule.as_str());
        let call = aws.redshift.modify_cluster_snapshot_schedule().cluster_identifier(cluster);
        match call.schedule_identifier(schedule).send().called(CALL).await {
            Ok(_) => Ok(Created { id: Id::of(&[cluster, schedule]), outputs: SnapshotScheduleAssociationOutputs {} }),
            Err(fault) => Err(cluster::refused(aws, cluster, fault).await),
        }
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let cluster = job.id.part(0);
        match job.step.name.as_str() {
            "delete" => {
                let call = aws.redshift.modify_cluster_snapshot_schedule().cluster_identifier(cluster);
                let call = call.schedule_identifier(job.id.part(1)).disassociate_schedule(true);
                if let Err(fault) = found(call.send().called(CALL).await) {
                    return Err(cluster::refused(aws, cluster, fault).await);
                }
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
