//! Scheduled actions of namespaces: create, get, update, delete, and taking the snapshots when their time has come.
//!
//! Called by the core. Source: aws-facts.md 6.6. Must never do what the action's role may not do, nor anything before
//! its time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::iam;
use super::{AwsError, Operation, Reply, Request, World, conflict, invalid, name, namespace, not_found, snapshot};
use crate::schedule::Schedule;

/// What a role must trust.
const SCHEDULER: &str = "scheduler.redshift.amazonaws.com";

/// A scheduled action; taking a snapshot is the only one there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// UUID.
    pub id: String,
    /// Name of its namespace.
    pub namespace: String,
    /// When: the fields of a cron in brackets.
    pub cron: String,
    /// ARN of the role it acts as.
    pub role: String,
    /// What the snapshots' names begin with.
    pub prefix: String,
    /// For how many days each is kept; none is for ever.
    pub retention: Option<i64>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is `ACTIVE`.
    pub enabled: bool,
    /// When it is due next, reckoned from its last change or run.
    pub next: Option<Timestamp>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateScheduledAction",
        mutating: true,
        params: &[
            "scheduledActionName",
            "namespaceName",
            "targetAction.createSnapshot.namespaceName",
            "targetAction.createSnapshot.snapshotNamePrefix",
            "targetAction.createSnapshot.retentionPeriod",
            "schedule.cron",
            "roleArn",
            "scheduledActionDescription",
            "enabled",
        ],
        run: create_scheduled_action,
    },
    Operation {
        name: "GetScheduledAction",
        mutating: false,
        params: &["scheduledActionName"],
        run: get_scheduled_action,
    },
    Operation {
        name: "UpdateScheduledAction",
        mutating: true,
        params: &[
            "scheduledActionName",
            "targetAction.createSnapshot.namespaceName",
            "targetAction.createSnapshot.snapshotNamePrefix",
            "targetAction.createSnapshot.retentionPeriod",
            "schedule.cron",
            "roleArn",
            "scheduledActionDescription",
            "enabled",
        ],
        run: update_scheduled_action,
    },
    Operation {
        name: "DeleteScheduledAction",
        mutating: true,
        params: &["scheduledActionName"],
        run: delete_scheduled_action,
    },
];

impl ScheduledAction {
    fn render(&self) -> Reply {
        json!({ "scheduledAction": {
            "scheduledActionName": self.name,
            "scheduledActionUuid": self.id,
            "namespaceName": self.namespace,
            "schedule": { "cron": self.cron },
            "roleArn": self.role,
            "scheduledActionDescription": self.description,
            "state": if self.enabled { "ACTIVE" } else { "DISABLED" },
            "targetAction": { "createSnapshot": {
                "namespaceName": self.namespace,
                "snapshotNamePrefix": self.prefix,
                "retentionPeriod": self.retention,
            } },
        } })
    }

    fn reckoned(mut self, now: Timestamp) -> Self {
        self.next = Schedule::parse(&format!("cron{}", self.cron)).ok().and_then(|cron| cron.next_after(now));
        self
    }
}

/// Takes the snapshots that are due by now, each at its own time and in that order.
pub(in super::super) fn catch_up(world: &mut World, now: Timestamp) {
    loop {
        let actions = world.serverless.scheduled_actions.values();
        let due = actions.filter_map(|action| Some((action.next.filter(|at| *at <= now)?, &action.name)));
        let Some((at, name)) = due.min().map(|(at, name)| (at, name.clone())) else { return };
        let Some(action) = world.serverless.scheduled_actions.remove(&name) else { return };
        if action.enabled {
            perform(world, &action, at);
        }
        world.serverless.scheduled_actions.insert(name, action.reckoned(at));
    }
}

fn perform(world: &mut World, action: &ScheduledAction, at: Timestamp) {
    let Some(namespace) = world.serverless.namespace(&action.namespace, at).cloned() else { return };
    let may =
        iam::service_may(world, at, &action.role, SCHEDULER, "redshift-serverless:CreateSnapshot", &namespace.arn);
    if may && world.serverless.workgroup_of(&namespace.name, at).is_some() && namespace.is_idle(world, at) {
        let name = format!("{}-{}", action.prefix, at.strftime("%Y-%m-%d-%H-%M-%S"));
        // A name that is taken: nobody is told.
        drop(snapshot::take(world, at, &namespace, &name, action.retention));
    }
}

/// The prefix and the retention of a call's target.
fn target(req: &Request, namespace: &str) -> Result<Option<(String, Option<i64>)>, AwsError> {
    let Some(given) = req.structure("targetAction") else { return Ok(None) };
    let of = given.structure("createSnapshot").ok_or_else(|| req.missing("targetAction.createSnapshot"))?;
    if of.text("namespaceName")? != namespace {
        return Err(invalid("The namespace of the target action must be that of the scheduled action."));
    }
    let prefix = of.text("snapshotNamePrefix")?;
    name::check_snapshot_name(&prefix)?;
    Ok(Some((prefix, snapshot::read_retention(&of, "retentionPeriod")?)))
}

fn cron(req: &Request) -> Result<Option<String>, AwsError> {
    let refused = |why: &str| invalid(format!("The schedule isn't valid: {why}"));
    let Some(given) = req.structure("schedule") else { return Ok(None) };
    let text = given.text("cron")?;
    match Schedule::parse(&format!("cron{text}")).map_err(|why| refused(&why))? {
        cron if cron.is_short() => Err(refused("a cron has six fields")),
        cron if cron.is_dense() => Err(refused("invocations must be separated by at least one hour")),
        _ => Ok(Some(text)),
    }
}

fn role(world: &World, req: &Request, now: Timestamp) -> Result<Option<String>, AwsError> {
    let Some(arn) = req.opt_text("roleArn")? else { return Ok(None) };
    match iam::usable_role(world, now, &arn).is_some_and(|role| role.trusts(SCHEDULER)) {
        true => Ok(Some(arn)),
        false => Err(invalid(format!("The Redshift scheduler is not authorized to assume the IAM role {arn}"))),
    }
}

fn find(world: &World, req: &Request) -> Result<ScheduledAction, AwsError> {
    let name = req.text("scheduledActionName")?;
    let found = world.serverless.scheduled_actions.get(&name).cloned();
    found.ok_or_else(|| not_found(format!("The scheduled action {name} doesn't exist.")))
}

fn kept(world: &mut World, action: ScheduledAction, now: Timestamp) -> Reply {
    let action = action.reckoned(now);
    let reply = action.render();
    world.serverless.scheduled_actions.insert(action.name.clone(), action);
    reply
}

fn create_scheduled_action(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let action_name = req.text("scheduledActionName")?;
    name::check_name("scheduledActionName", &action_name)?;
    let namespace = namespace::find(world, &req.text("namespaceName")?, now)?.name.clone();
    let (prefix, retention) = target(req, &namespace)?.ok_or_else(|| req.missing("targetAction"))?;
    let cron = cron(req)?.ok_or_else(|| req.missing("schedule"))?;
    let role = role(world, req, now)?.ok_or_else(|| req.missing("roleArn"))?;
    let (description, enabled) = (req.opt_text("scheduledActionDescription")?, req.opt_bool("enabled")?);
    if world.serverless.scheduled_actions.contains_key(&action_name) {
        return Err(conflict(format!("The scheduled action {action_name} already exists.")));
    }
    let action = ScheduledAction {
        name: action_name,
        id: world.uuid(),
        namespace,
        cron,
        role,
        prefix,
        retention,
        description: description.filter(|text| !text.is_empty()),
        enabled: enabled.unwrap_or(true),
        next: None,
    };
    Ok(kept(world, action, now))
}

fn get_scheduled_action(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    Ok(find(world, req)?.render())
}

fn update_scheduled_action(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut action = find(world, req)?;
    if let Some((prefix, retention)) = target(req, &action.namespace)? {
        (action.prefix, action.retention) = (prefix, retention);
    }
    action.cron = cron(req)?.unwrap_or(action.cron);
    action.role = role(world, req, now)?.unwrap_or(action.role);
    if let Some(text) = req.opt_text("scheduledActionDescription")? {
        action.description = Some(text).filter(|text| !text.is_empty());
    }
    action.enabled = req.opt_bool("enabled")?.unwrap_or(action.enabled);
    Ok(kept(world, action, now))
}

fn delete_scheduled_action(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let action = find(world, req)?;
    world.serverless.scheduled_actions.remove(&action.name);
    Ok(action.render())
}
