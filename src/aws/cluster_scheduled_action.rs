//! Kind `redshift.scheduled-action`: when a provisioned cluster is paused, or resumed.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch an action that is about another cluster: it
//! cannot be tagged, and is ours because its cluster is. Whether the cluster sleeps at a moment is none of its business.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{ClusterName, RoleArn},
    lookup::{asks, place},
    named, naming, redshift,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Typical, Which,
};
use aws_sdk_redshift::types::{
    PauseClusterMessage, ResumeClusterMessage, ScheduledAction, ScheduledActionState, ScheduledActionType,
};
use serde::{Deserialize, Serialize};

/// The step that sets everything but the name, which one call takes together.
const SET_SCHEDULE: &str = "set schedule";

/// A scheduled action of a provisioned cluster. Its id is its name.
pub struct ClusterScheduledAction;

/// What a scheduled action is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ClusterScheduledActionSpec<S: Stage> {
    /// Its name, unique in the account and region.
    pub name: String,
    /// What it does: `pause-cluster`, `resume-cluster`.
    pub action: Act,
    /// The cluster it does it to.
    pub cluster: S::In<ClusterName>,
    /// When: `cron(...)` or `at(...)`, in UTC.
    pub schedule: String,
    /// The role it acts as, which trusts the scheduler.
    pub role: S::In<RoleArn>,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether it runs when its time has come.
    pub enabled: bool,
}

/// What a scheduled action does to its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// It pauses it.
    PauseCluster,
    /// It resumes it.
    ResumeCluster,
    /// It gives it other nodes: somebody else's.
    ResizeCluster,
}

crate::outputs!(ClusterScheduledAction =>
    /// A scheduled action offers nothing to others.
    ClusterScheduledActionOutputs {
        at_once {}
        ready {}
    }
);

fn live(shown: ScheduledAction) -> Live<ClusterScheduledAction> {
    let target = shown.target_action.unwrap_or_else(|| ScheduledActionType::builder().build());
    let (action, cluster) = match (target.pause_cluster, target.resume_cluster) {
        (Some(pause), _) => (Act::PauseCluster, pause.cluster_identifier),
        (None, Some(resume)) => (Act::ResumeCluster, resume.cluster_identifier),
        (None, None) => (Act::ResizeCluster, target.resize_cluster.and_then(|resize| resize.cluster_identifier)),
    };
    let name = shown.scheduled_action_name.unwrap_or_default();
    let spec = ClusterScheduledActionSpec {
        name: name.clone(),
        action,
        cluster: cluster.unwrap_or_default().into(),
        schedule: shown.schedule.unwrap_or_default(),
        role: shown.iam_role.unwrap_or_default().into(),
        description: shown.scheduled_action_description.unwrap_or_default(),
        enabled: shown.state != Some(ScheduledActionState::Disabled),
    };
    Live { id: Id(name), spec, outputs: ClusterScheduledActionOutputs {}, readiness: Readiness::Ready }
}

fn target(spec: &ClusterScheduledActionSpec<Known>) -> Result<ScheduledActionType, Fault> {
    let target = ScheduledActionType::builder();
    let target = match spec.action {
        Act::PauseCluster => {
            target.pause_cluster(PauseClusterMessage::builder().cluster_identifier(spec.cluster.as_str()).build())
        }
        Act::ResumeCluster => {
            target.resume_cluster(ResumeClusterMessage::builder().cluster_identifier(spec.cluster.as_str()).build())
        }
        Act::ResizeCluster => return Err(Fault::internal("a resize is never scheduled")),
    };
    Ok(target.build())
}

impl Kind for ClusterScheduledAction {
    const NAME: &'static str = "redshift.scheduled-action";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::updates("action"),
        Field::updates("cluster"),
        Field::updates("schedule"),
        Field::updates("role"),
        Field::updates("description"),
        Field::updates("enabled"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeScheduledActions"],
        create: &["redshift:CreateScheduledAction", "iam:PassRole"],
        update: &["redshift:ModifyScheduledAction", "iam:PassRole"],
        delete: &["redshift:DeleteScheduledAction"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const TAGGED: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name";

    type Spec<S: Stage> = ClusterScheduledActionSpec<S>;
    type Outputs = ClusterScheduledActionOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::made_of(name, 1, 63, "-").then_some(()).ok_or("up to 63 letters, digits and dashes")
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "scheduledaction:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.redshift.describe_scheduled_actions().max_records(redshift::PAGE);
        let pages = pages.into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("redshift:DescribeScheduledActions").await?;
        let same = |question: &Which<Self>, l: &Live<Self>| {
            let key = question.spec.name == l.spec.name && question.spec.cluster == l.spec.cluster;
            asks(question, l.id.as_str(), key)
        };
        Ok(place(which, all.into_iter().map(live), same))
    }

    async fn create(aws: &Aws, spec: &ClusterScheduledActionSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let description = Some(spec.description.clone()).filter(|text| !text.is_empty());
        let call = aws
            .redshift
            .create_scheduled_action()
            .scheduled_action_name(&spec.name)
            .target_action(target(spec)?)
            .schedule(&spec.schedule)
            .iam_role(spec.role.as_str())
            .set_scheduled_action_description(description)
            .enable(spec.enabled);
        call.send().called("redshift:CreateScheduledAction").await?;
        Ok(Created { id: Id(spec.name.clone()), outputs: ClusterScheduledActionOutputs {} })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let fields: Vec<String> = changes.fields().map(str::to_owned).collect();
        let step = Step { fields, ..Step::new(SET_SCHEDULE) };
        Some(step).filter(|step| !step.fields.is_empty()).into_iter().collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (name, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_SCHEDULE => {
                let call = aws
                    .redshift
                    .modify_scheduled_action()
                    .scheduled_action_name(name)
                    .target_action(target(spec)?)
                    .schedule(&spec.schedule)
                    .iam_role(spec.role.as_str())
                    .scheduled_action_description(&spec.description)
                    .enable(spec.enabled);
                call.send().called("redshift:ModifyScheduledAction").await?;
            }
            "delete" => {
                let call = aws.redshift.delete_scheduled_action().scheduled_action_name(name);
                found(call.send().called("redshift:DeleteScheduledAction").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
