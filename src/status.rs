//! How what is there runs: the condition of every recorded resource, what drifts, what is pending.
//!
//! Called by `rsds status`. Pure: made of the state, of what was observed, and of the planner's own comparison, so that
//! status and plan never disagree. Must decide nothing.

use crate::{
    address::Address,
    aws::kind,
    failure::Failure,
    kind::{AnyLive, Parts, Readiness},
    plan::{Drift, Observed, Plan, Summary, unplanned},
    state::{Entry, State, Status},
};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The condition of a resource, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It does its work.
    Ready,
    /// Someone has put it to sleep.
    Dormant,
    /// It is on its way, or part of it is not up.
    Pending,
    /// It is going.
    Deleting,
    /// It does not work.
    Failed,
    /// It is recorded, and AWS does not have it.
    Gone,
}

impl Condition {
    /// Returns the word people and scripts see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Dormant => "dormant",
            Self::Pending => "pending",
            Self::Deleting => "deleting",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }
}

/// One recorded resource as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The name of its kind.
    pub kind: String,
    /// Its id.
    pub id: Option<String>,
    /// How it is.
    pub condition: Condition,
    /// AWS's own words, or what an earlier run left undone; none when there is nothing to say.
    pub said: Option<String>,
    /// What a person should know of it though nothing is to be done: a reboot that is waited for.
    pub notice: Option<String>,
    /// Its parts, while not all of them are up.
    pub parts: Option<Parts>,
    /// What its kind shows: fields and outputs by name, in the kind's order.
    pub facts: Vec<(&'static str, Json)>,
}

/// How an environment runs.
#[derive(Debug)]
pub struct Report<'a> {
    /// What is recorded.
    pub state: &'a State,
    /// Every recorded resource.
    pub resources: BTreeMap<Address, Resource>,
    /// What somebody else changed; without a plan, what becomes of it is not known.
    pub drift: BTreeMap<Address, Drift>,
    /// What the next apply would do, or why there is no plan.
    pub pending: Result<Summary, &'a Failure>,
}

impl<'a> Report<'a> {
    /// Puts together what the state holds, what AWS shows and what the planner makes of it.
    pub fn of(state: &'a State, observed: &Observed, plan: &'a Result<Plan, Failure>) -> Self {
        let all = state.entries.iter();
        let resources: BTreeMap<Address, Resource> = all
            .map(|(address, entry)| (address.clone(), resource(entry, observed.live(address), observed.other(address))))
            .collect();
        let drift = plan.as_ref().map_or_else(|_| unplanned(state, observed), |plan| plan.drift.clone());
        Self { state, resources, drift, pending: plan.as_ref().map(Plan::summary) }
    }

    /// Tells whether anything drifted that nobody said to leave alone.
    pub fn has_drifted(&self) -> bool {
        self.drift.values().any(Drift::counts)
    }

    /// Tells whether everything recorded does its work.
    pub fn is_ready(&self) -> bool {
        self.resources.values().all(|resource| resource.condition == Condition::Ready)
    }
}

fn resource(entry: &Entry, live: Option<&AnyLive>, other: Option<&AnyLive>) -> Resource {
    let (seen, words, parts) = match live.map(|live| &live.readiness) {
        None => {
            let other = other.map(|other| format!(": {} has its name and is not this environment's", other.id));
            (Condition::Gone, Some(format!("AWS does not have it{}", other.unwrap_or_default())), None)
        }
        Some(Readiness::Ready) => (Condition::Ready, None, None),
        Some(Readiness::Dormant(status)) => (Condition::Dormant, Some(status.clone()), None),
        Some(Readiness::Pending(status)) => (Condition::Pending, Some(status.clone()), None),
        Some(Readiness::Partly(parts)) => (Condition::Pending, Some(parts.to_string()), Some(parts.clone())),
        Some(Readiness::Failed(why)) => (Condition::Failed, Some(why.clone()), None),
        Some(Readiness::Deleting(status)) => (Condition::Deleting, Some(status.clone()), None),
    };
    let left = |word: &str| Some(format!("an earlier run was cut off while {word}; rsds apply goes on"));
    let (condition, said) = match (&entry.status, seen) {
        (Status::Ready, _) => (seen, words),
        (Status::Tainted { why }, Condition::Gone) => (seen, Some(why.clone())),
        (Status::Tainted { why }, _) => (Condition::Failed, Some(why.clone())),
        // Not there yet, or there no more: that is what was wanted of it.
        (Status::Creating { .. }, _) => (Condition::Pending, left("creating")),
        (Status::Deleting { .. }, _) => (Condition::Deleting, left("deleting")),
        (Status::Updating { .. }, Condition::Ready) => (Condition::Pending, left("updating")),
        (Status::Updating { .. }, _) => (seen, words),
    };
    let kind = kind(&entry.kind);
    let shows = kind.map(|kind| kind.shows()).unwrap_or_default();
    let notice = kind.and_then(|kind| kind.notice(live?));
    let fact = |name: &&'static str| {
        let live = live?;
        let value = [&live.outputs[*name], &live.spec[*name]].into_iter().find(|value| !value.is_null())?;
        Some((*name, value.clone()))
    };
    let id = live.map(|live| &live.id).or(entry.id.as_ref()).map(ToString::to_string);
    let facts = shows.iter().filter_map(fact).collect();
    Resource { kind: entry.kind.clone(), id, condition, said, notice, parts, facts }
}
