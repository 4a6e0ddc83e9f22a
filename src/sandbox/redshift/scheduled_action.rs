//! Scheduled actions of clusters: create, describe, modify, delete, and doing them when their time has come.
//!
//! Called by the core. Source: aws-facts.md 5.8. Must never do what the action's role may not do, nor anything before
//! its time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::iam;
use super::select::listing;
use super::{AwsError, Operation, Reply, Request, World, invalid, moment, name, not_found, power};
use crate::schedule::Schedule;

/// Longest name. No source tells AWS's own.
const LONGEST: usize = 63;
/// What a role must trust.
const SCHEDULER: &str = "scheduler.redshift.amazonaws.com";

/// A scheduled action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// What it does.
    pub target: Target,
    /// Identifier of the cluster, which need not be there.
    pub cluster: String,
    /// When, as it was given.
    pub schedule: String,
    /// ARN of the role it acts as.
    pub role: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is `ACTIVE`.
    pub enabled: bool,
    /// When it is due next, reckoned from its last change or run.
    pub next: Option<Timestamp>,
}

/// What a scheduled action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// It pauses the cluster.
    Pause,
    /// It resumes it.
    Resume,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateScheduledAction",
        mutating: true,
        params: &[
            "ScheduledActionName",
            "TargetAction.PauseCluster.ClusterIdentifier",
            "TargetAction.ResumeCluster.ClusterIdentifier",
            "Schedule",
            "IamRole",
            "ScheduledActionDescription",
            "Enable",
        ],
        run: create_scheduled_action,
    },
    Operation {
        name: "DescribeScheduledActions",
        mutating: false,
        params: &["ScheduledActionName", "TargetActionType", "Active", "MaxRecords", "Marker"],
        run: describe_scheduled_actions,
    },
    Operation {
        name: "ModifyScheduledAction",
        mutating: true,
        params: &[
            "ScheduledActionName",
            "TargetAction.PauseCluster.ClusterIdentifier",
            "TargetAction.ResumeCluster.ClusterIdentifier",
            "Schedule",
            "IamRole",
            "ScheduledActionDescription",
            "Enable",
        ],
        run: modify_scheduled_action,
    },
    Operation {
        name: "DeleteScheduledAction",
        mutating: true,
        params: &["ScheduledActionName"],
        run: delete_scheduled_action,
    },
];

impl Target {
    /// Its word in the API, and the call it makes.
    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "PauseCluster",
            Self::Resume => "ResumeCluster",
        }
    }

    fn done(self, world: &mut World, cluster: &str, at: Timestamp) -> Result<Reply, AwsError> {
        match self {
            Self::Pause => power::pause(world, cluster, at),
            Self::Resume => power::resume(world, cluster, at),
        }
    }
}

impl ScheduledAction {
    fn render(&self) -> Reply {
        let member = self.target.word();
        json!({
            "ScheduledActionName": self.name,
            "TargetAction": { member: { "ClusterIdentifier": self.cluster } },
            "Schedule": self.schedule,
            "IamRole": self.role,
            "ScheduledActionDescription": self.description,
            "State": if self.enabled { "ACTIVE" } else { "DISABLED" },
            "NextInvocations": self.next.filter(|_| self.enabled).into_iter().map(moment).collect::<Vec<_>>(),
        })
    }

    fn reckoned(mut self, now: Timestamp) -> Self {
        self.next = Schedule::parse(&self.schedule).ok().and_then(|schedule| schedule.next_after(now));
        self
    }
}

/// Does what is due by now, each at its own time and in that order. What AWS refuses then is not done later.
pub(super) fn catch_up(world: &mut World, now: Timestamp) {
    loop {
        let actions = world.redshift.scheduled_actions.values();
        let due = actions.filter_map(|action| Some((action.next.filter(|at| *at <= now)?, &action.name)));
        let Some((at, name)) = due.min().map(|(at, name)| (at, name.clone())) else { return };
        let Some(action) = world.redshift.scheduled_actions.remove(&name) else { return };
        if action.enabled {
            perform(world, &action, at);
        }
        world.redshift.scheduled_actions.insert(name, action.reckoned(at));
    }
}

fn perform(world: &mut World, action: &ScheduledAction, at: Timestamp) {
    let Some(arn) = world.redshift.cluster(&action.cluster, at).map(|cluster| cluster.arn.clone()) else { return };
    let call = format!("redshift:{}", action.target.word());
    if iam::service_may(world, at, &action.role, SCHEDULER, &call, &arn) {
        // A cluster that is busy, or asleep already, refuses: nobody is told.
        drop(action.target.done(world, &action.cluster, at));
    }
}

fn target(req: &Request) -> Result<Option<(Target, String)>, AwsError> {
    let Some(given) = req.structure("TargetAction") else { return Ok(None) };
    let both = [Target::Pause, Target::Resume];
    let mut named = both.into_iter().filter_map(|target| Some((target, given.structure(target.word())?)));
    match (named.next(), named.next()) {
        (Some((target, of)), None) => Ok(Some((target, of.text("ClusterIdentifier")?.to_ascii_lowercase()))),
        _ => Err(AwsError::new("InvalidScheduledAction", "The scheduled action must have exactly one target action.")),
    }
}

fn schedule(req: &Request) -> Result<Option<String>, AwsError> {
    let refused =
        |why: &str| AwsError::new("InvalidSchedule", format!("The schedule you submitted isn't valid: {why}"));
    let Some(text) = req.opt_text("Schedule")? else { return Ok(None) };
    match Schedule::parse(&text).map_err(|why| refused(&why))? {
        Schedule::Rate(_) => Err(refused("a scheduled action takes cron or at")),
        cron if cron.is_short() => Err(refused("a cron of a scheduled action has six fields")),
        cron if cron.is_dense() => Err(refused("invocations must be separated by at least one hour")),
        _ => Ok(Some(text)),
    }
}

fn role(world: &World, req: &Request, now: Timestamp) -> Result<Option<String>, AwsError> {
    let Some(arn) = req.opt_text("IamRole")? else { return Ok(None) };
    match iam::usable_role(world, now, &arn).is_some_and(|role| role.trusts(SCHEDULER)) {
        true => Ok(Some(arn)),
        false => Err(invalid("The IAM role must delegate access to Amazon Redshift scheduler")),
    }
}

fn find(world: &World, req: &Request) -> Result<ScheduledAction, AwsError> {
    let name = req.text("ScheduledActionName")?;
    let found = world.redshift.scheduled_actions.get(&name).cloned();
    found.ok_or_else(|| not_found("ScheduledActionNotFound", format!("The scheduled action {name} can't be found.")))
}

fn kept(world: &mut World, action: ScheduledAction, now: Timestamp) -> Reply {
    let action = action.reckoned(now);
    let reply = action.render();
    world.redshift.scheduled_actions.insert(action.name.clone(), action);
    reply
}

fn create_scheduled_action(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let action_name = req.text("ScheduledActionName")?;
    name::check_identifier("ScheduledActionName", &action_name, LONGEST)?;
    if world.redshift.scheduled_actions.contains_key(&action_name) {
        let message = format!("The scheduled action {action_name} already exists.");
        return Err(AwsError::new("ScheduledActionAlreadyExists", message));
    }
    let (target, cluster) = target(req)?.ok_or_else(|| req.missing("TargetAction"))?;
    let action = ScheduledAction {
        name: action_name,
        target,
        cluster,
        schedule: schedule(req)?.ok_or_else(|| req.missing("Schedule"))?,
        role: role(world, req, now)?.ok_or_else(|| req.missing("IamRole"))?,
        description: req.opt_text("ScheduledActionDescription")?.filter(|text| !text.is_empty()),
        enabled: req.opt_bool("Enable")?.unwrap_or(true),
        next: None,
    };
    Ok(kept(world, action, now))
}

fn describe_scheduled_actions(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (asked, active) =
        (req.has("ScheduledActionName").then(|| find(world, req)).transpose()?, req.opt_bool("Active")?);
    let kind = req.opt_text("TargetActionType")?;
    let fits = |action: &&ScheduledAction| {
        asked.as_ref().is_none_or(|asked| asked.name == action.name)
            && active.is_none_or(|active| active == action.enabled)
            && kind.as_deref().is_none_or(|kind| kind == action.target.word())
    };
    let found = world.redshift.scheduled_actions.values().filter(fits).map(ScheduledAction::render).collect();
    listing("ScheduledActions", found, req)
}

fn modify_scheduled_action(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut action = find(world, req)?;
    if let Some((target, cluster)) = target(req)? {
        (action.target, action.cluster) = (target, cluster);
    }
    action.schedule = schedule(req)?.unwrap_or(action.schedule);
    action.role = role(world, req, now)?.unwrap_or(action.role);
    if let Some(text) = req.opt_text("ScheduledActionDescription")? {
        action.description = Some(text).filter(|text| !text.is_empty());
    }
    action.enabled = req.opt_bool("Enable")?.unwrap_or(action.enabled);
    Ok(kept(world, action, now))
}

fn delete_scheduled_action(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let action = find(world, req)?;
    world.redshift.scheduled_actions.remove(&action.name);
    Ok(json!({}))
}
