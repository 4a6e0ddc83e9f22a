//! Kind `redshift.snapshot-schedule`: when snapshots of provisioned clusters are taken.
//!
//! Driven by `plan` and `apply` through the list of kinds. Which clusters go by it is a kind of its own
//! (`snapshot_schedule_association`). Must never be taken for settled while a cluster still takes it on.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::SnapshotScheduleName,
    lookup::{is_asked, place},
    named, naming, redshift, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_redshift::types::{self, ScheduleState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A snapshot schedule. Its id is its name.
pub struct SnapshotSchedule;

/// What a snapshot schedule is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotScheduleSpec {
    /// Its name, unique in the account and region.
    pub name: SnapshotScheduleName,
    /// When: `rate(12 hours)`, `cron(30 12 *)`, in UTC.
    pub definitions: BTreeSet<String>,
    /// What it is for.
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(SnapshotSchedule =>
    /// What a snapshot schedule offers.
    SnapshotScheduleOutputs {
        at_once {
            /// The schedule's name, which clusters go by.
            name: SnapshotScheduleName,
        }
        ready {}
    }
);

/// Reads every schedule, with the clusters that go by each.
pub(super) async fn all(aws: &Aws) -> Result<Vec<types::SnapshotSchedule>, Fault> {
    let pages = aws.redshift.describe_snapshot_schedules().max_records(redshift::PAGE).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().called("redshift:DescribeSnapshotSchedules").await
}

fn live(shown: types::SnapshotSchedule) -> Live<SnapshotSchedule> {
    let name = shown.schedule_identifier.clone().unwrap_or_default();
    let busy = |of: &types::ClusterAssociatedToSchedule| {
        (of.schedule_association_state == Some(ScheduleState::Modifying)).then(|| of.cluster_identifier.clone())?
    };
    let readiness = match shown.associated_clusters().iter().find_map(busy) {
        Some(cluster) => Readiness::Pending(format!("MODIFYING of {cluster}")),
        None => Readiness::Ready,
    };
    let spec = SnapshotScheduleSpec {
        name: name.as_str().into(),
        definitions: shown.schedule_definitions.unwrap_or_default().into_iter().collect(),
        description: shown.schedule_description.unwrap_or_default(),
        tags: redshift::tags_of(shown.tags),
    };
    let outputs = SnapshotScheduleOutputs { name: spec.name.clone() };
    Live { id: Id(name), spec, outputs, readiness }
}

impl Kind for SnapshotSchedule {
    const NAME: &'static str = "redshift.snapshot-schedule";
    const FIELDS: &'static [Field] =
        &[Field::replaces("name"), Field::updates("definitions"), Field::replaces("description")];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeSnapshotSchedules"],
        create: &["redshift:CreateSnapshotSchedule", "redshift:CreateTags"],
        update: &["redshift:ModifySnapshotSchedule", "redshift:CreateTags", "redshift:DeleteTags"],
        delete: &["redshift:DeleteSnapshotSchedule", "redshift:DescribeSnapshotSchedules"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 60, delete: 2 };
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = SnapshotScheduleSpec;
    type Outputs = SnapshotScheduleOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::provisioned(name, 63)
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "snapshotschedule:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = all(look).await?;
        Ok(place(which, all.into_iter().map(live), |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &SnapshotScheduleSpec, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .redshift
            .create_snapshot_schedule()
            .schedule_identifier(spec.name.as_str())
            .set_schedule_definitions(Some(spec.definitions.iter().cloned().collect()))
            .schedule_description(&spec.description)
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        call.send().called("redshift:CreateSnapshotSchedule").await?;
        Ok(Created { id: Id(spec.name.to_string()), outputs: SnapshotScheduleOutputs { name: spec.name.clone() } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    /// The clusters that go by it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let all = all(aws).await?;
        let of = |question: &Which<Self>| {
            let one = all.iter().find(|one| one.schedule_identifier() == Some(question.id()));
            let clusters = one.map(types::SnapshotSchedule::associated_clusters).unwrap_or_default();
            let names = clusters.iter().filter_map(|cluster| cluster.cluster_identifier.clone());
            names.map(|name| Blocker::new(name, "a cluster whose snapshots go by it")).collect()
        };
        Ok(which.iter().map(of).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (name, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            "set definitions" => {
                let call = aws.redshift.modify_snapshot_schedule().schedule_identifier(name);
                let call = call.set_schedule_definitions(Some(spec.definitions.iter().cloned().collect()));
                call.send().called("redshift:ModifySnapshotSchedule").await?;
            }
            "delete" => {
                let call = aws.redshift.delete_snapshot_schedule().schedule_identifier(name);
                found(call.send().called("redshift:DeleteSnapshotSchedule").await)?;
            }
            _ => {
                let arn = redshift::arn(aws, "snapshotschedule", name);
                redshift::run_tags(aws, job.step, &arn, &job.before.tags, &spec.tags).await?;
            }
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(SnapshotScheduleSpec) -> <SnapshotSchedule as Kind>::Spec<Known> = |spec| spec;
