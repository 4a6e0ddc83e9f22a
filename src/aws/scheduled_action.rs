//! Kind `redshift-serverless.scheduled-action`: when snapshots of a serverless warehouse are taken (aws-facts.md 6.6).
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch an action that is about another namespace: it
//! cannot be tagged, and is ours because its namespace is. Nor the snapshots: they are the user's.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{NamespaceName, RoleArn},
    lookup::{asks, place},
    named, naming,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{
    CreateSnapshotScheduleActionParameters, Schedule, ScheduledActionResponse, State, TargetAction,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The step that sets everything but the name and the namespace, which one call takes together.
const SET_SCHEDULE: &str = "set schedule";

/// A scheduled action of a serverless warehouse. Its id is its name.
pub struct ScheduledAction;

/// What a scheduled action is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ScheduledActionSpec<S: Stage> {
    /// Its name, unique in the account and region.
    pub name: String,
    /// The namespace whose snapshots are taken.
    pub namespace: S::In<NamespaceName>,
    /// When: `cron(...)`, in UTC.
    pub schedule: String,
    /// The role it acts as, which trusts the scheduler.
    pub role: S::In<RoleArn>,
    /// What the names of the snapshots begin with.
    pub prefix: String,
    /// For how many days each is kept.
    pub retention: u32,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether it runs when its time has come.
    pub enabled: bool,
}

crate::outputs!(ScheduledAction =>
    /// A scheduled action offers nothing to others.
    ScheduledActionOutputs {
        at_once {}
        ready {}
    }
);

/// AWS writes the fields of a `cron(...)` in brackets alone.
const WORD: &str = "cron";

fn live(shown: ScheduledActionResponse) -> Live<ScheduledAction> {
    let schedule = match &shown.schedule {
        Some(Schedule::Cron(fields)) => format!("{WORD}{fields}"),
        Some(Schedule::At(at)) => format!("at({})", at.secs()),
        _ => String::new(),
    };
    let target = match &shown.target_action {
        Some(TargetAction::CreateSnapshot(target)) => Some(target),
        _ => None,
    };
    let name = shown.scheduled_action_name.unwrap_or_default();
    let spec = ScheduledActionSpec {
        name: name.clone(),
        namespace: shown.namespace_name.unwrap_or_default().into(),
        schedule,
        role: shown.role_arn.unwrap_or_default().into(),
        prefix: target.map(|target| target.snapshot_name_prefix.clone()).unwrap_or_default(),
        retention: target.and_then(|target| target.retention_period?.try_into().ok()).unwrap_or_default(),
        description: shown.scheduled_action_description.unwrap_or_default(),
        enabled: shown.state != Some(State::Disabled),
    };
    Live { id: Id(name), spec, outputs: ScheduledActionOutputs {}, readiness: Readiness::Ready }
}

fn schedule(spec: &ScheduledActionSpec<Known>) -> Schedule {
    Schedule::Cron(spec.schedule.trim_start_matches(WORD).to_owned())
}

fn target(spec: &ScheduledActionSpec<Known>) -> Result<TargetAction, Fault> {
    let target = CreateSnapshotScheduleActionParameters::builder()
        .namespace_name(spec.namespace.as_str())
        .snapshot_name_prefix(&spec.prefix)
        .retention_period(spec.retention.try_into().unwrap_or(i32::MAX))
        .build();
    target.map(TargetAction::CreateSnapshot).map_err(|error| Fault::internal(error.to_string()))
}

impl ScheduledAction {
    async fn one(aws: &Aws, name: &str) -> Result<Option<Live<Self>>, Fault> {
        let call = aws.serverless.get_scheduled_action().scheduled_action_name(name);
        let answer = found(call.send().called("redshift-serverless:GetScheduledAction").await)?;
        Ok(answer.and_then(|answer| answer.scheduled_action).map(live))
    }

    /// Tells "the name is taken" from "the namespace is busy": AWS answers both with one code (aws-facts.md 0.2).
    async fn refused(aws: &Aws, name: &str, fault: Fault) -> Fault {
        if fault.code != "ConflictException" {
            return fault;
        }
        match Self::one(aws, name).await {
            Ok(Some(_)) => Fault { class: Class::Exists, ..fault },
            _ => fault,
        }
    }
}

impl Kind for ScheduledAction {
    const NAME: &'static str = "redshift-serverless.scheduled-action";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("namespace").follows(),
        Field::updates("schedule"),
        Field::updates("role"),
        Field::updates("prefix").notes("snapshots that are there keep their names"),
        Field::updates("retention").notes("snapshots that are there are kept as long as before"),
        Field::updates("description"),
        Field::updates("enabled"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:GetScheduledAction"],
        create: &[
            "redshift-serverless:CreateScheduledAction",
            "redshift-serverless:GetScheduledAction",
            "iam:PassRole",
        ],
        update: &["redshift-serverless:UpdateScheduledAction", "iam:PassRole"],
        delete: &["redshift-serverless:DeleteScheduledAction"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const TAGGED: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name";

    type Spec<S: Stage> = ScheduledActionSpec<S>;
    type Outputs = ScheduledActionOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        let lower = !name.contains(|c: char| c.is_ascii_uppercase());
        let good = lower && naming::made_of(name, 3, 60, "-");
        good.then_some(()).ok_or("3 to 60 lower-case letters, digits and dashes")
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift-serverless", "scheduledaction/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let name = |question: &Which<Self>| question.id.as_ref().map_or(question.spec.name.clone(), Id::to_string);
        let names: BTreeSet<String> = which.iter().map(name).collect();
        let live = try_join_all(names.iter().map(|name| Self::one(look, name))).await?;
        let same = |question: &Which<Self>, l: &Live<Self>| {
            let key = question.spec.name == l.spec.name && question.spec.namespace == l.spec.namespace;
            asks(question, l.id.as_str(), key)
        };
        Ok(place(which, live.into_iter().flatten(), same))
    }

    async fn create(aws: &Aws, spec: &ScheduledActionSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        const CALL: &str = "redshift-serverless:CreateScheduledAction";
        let description = Some(spec.description.clone()).filter(|text| !text.is_empty());
        let call = aws
            .serverless
            .create_scheduled_action()
            .scheduled_action_name(&spec.name)
            .namespace_name(spec.namespace.as_str())
            .target_action(target(spec)?)
            .schedule(schedule(spec))
            .role_arn(spec.role.as_str())
            .set_scheduled_action_description(description)
            .enabled(spec.enabled);
        if let Err(fault) = call.send().called(CALL).await {
            return Err(Self::refused(aws, &spec.name, fault).await);
        }
        Ok(Created { id: Id(spec.name.clone()), outputs: ScheduledActionOutputs {} })
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
                    .serverless
                    .update_scheduled_action()
                    .scheduled_action_name(name)
                    .target_action(target(spec)?)
                    .schedule(schedule(spec))
                    .role_arn(spec.role.as_str())
                    .scheduled_action_description(&spec.description)
                    .enabled(spec.enabled);
                call.send().called("redshift-serverless:UpdateScheduledAction").await?;
            }
            "delete" => {
                let call = aws.serverless.delete_scheduled_action().scheduled_action_name(name);
                found(call.send().called("redshift-serverless:DeleteScheduledAction").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
