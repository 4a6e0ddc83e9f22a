//! The Redshift Data API of the sandbox: statements that run by themselves once they are sent.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `redshift-data`; a statement takes
//! effect when its time has come (`catch_up`), whatever has become of its client. Source: aws-facts.md 11. Must never
//! keep a password: texts are kept as `sql::redacted` leaves them.

mod read;
mod submit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request};
use super::sql::{self, Answer, Session};
use super::world::{World, digest};
use super::{Operation, Protocol, Service};

/// How long a statement is `SUBMITTED`, and then `PICKED`.
const STEP: SignedDuration = SignedDuration::from_millis(100);
/// How long a statement takes at least.
const SHORTEST: SignedDuration = SignedDuration::from_millis(300);
/// How much longer it may take, in milliseconds.
const SPREAD: i64 = 700;
/// How long a statement and its result can be read.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The service as the core routes it: awsJson 1.1, target prefix `RedshiftData`.
pub static SERVICE: Service = Service {
    scope: "redshift-data",
    protocol: Protocol::Json11,
    version: "RedshiftData",
    lists: &[],
    operations: &[submit::OPERATIONS, read::OPERATIONS],
};

/// State of the Data API in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataApi {
    /// Statements of the last day by id.
    pub statements: BTreeMap<String, Run>,
}

/// A statement, or a batch of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The caller's token.
    pub token: Option<String>,
    /// UUID of the warehouse's namespace.
    pub namespace: String,
    /// Identifier of the cluster, as the caller gave it.
    pub cluster: Option<String>,
    /// Name of the workgroup, as the caller gave it.
    pub workgroup: Option<String>,
    /// Database.
    pub database: String,
    /// ARN of the secret, if one was given.
    pub secret: Option<String>,
    /// The database user it runs as.
    pub user: String,
    /// The caller's name for it.
    pub name: Option<String>,
    /// The statements, without passwords.
    pub texts: Vec<String>,
    /// Whether it is a batch.
    pub batch: bool,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it is over.
    pub ends: Timestamp,
    /// What came of it.
    pub outcome: Option<Outcome>,
}

/// What came of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done; what each statement answered.
    Finished(Vec<Answer>),
    /// It was not: which statement failed, and the error.
    Failed(usize, String),
    /// It was cancelled then.
    Aborted(Timestamp),
}

impl Run {
    /// `SUBMITTED`, `PICKED`, `STARTED`, `FINISHED`, `FAILED` or `ABORTED`.
    fn status(&self, now: Timestamp) -> &'static str {
        match &self.outcome {
            Some(Outcome::Finished(_)) => "FINISHED",
            Some(Outcome::Failed(..)) => "FAILED",
            Some(Outcome::Aborted(_)) => "ABORTED",
            None if now < self.sent + STEP => "SUBMITTED",
            None if now < self.sent + STEP + STEP => "PICKED",
            None => "STARTED",
        }
    }

    /// Whether it changes what others may change at the same time.
    fn changes_objects(&self) -> bool {
        self.texts.iter().any(|text| sql::changes_objects(text))
    }
}

/// How long the statement of that id takes.
fn length(id: &str) -> SignedDuration {
    let drawn = i64::from_str_radix(digest(id).get(..8).unwrap_or_default(), 16).unwrap_or_default();
    SHORTEST + SignedDuration::from_millis(drawn % SPREAD)
}

/// Runs what is over by now, each at its own time and in that order, and forgets what is old.
pub(super) fn catch_up(world: &mut World, now: Timestamp) {
    let statements = &mut world.data_api.statements;
    statements.retain(|_, run| now < run.ends + KEPT);
    let due = statements.iter().filter(|(_, run)| run.outcome.is_none() && run.ends <= now);
    let mut due: Vec<(Timestamp, String)> = due.map(|(id, run)| (run.ends, id.clone())).collect();
    due.sort();
    for (at, id) in due {
        let outcome = performed(world, at, &id);
        if let Some(run) = world.data_api.statements.get_mut(&id) {
            run.outcome = outcome;
        }
    }
    sql::sweep(world, now);
}

fn performed(world: &mut World, at: Timestamp, id: &str) -> Option<Outcome> {
    let run = world.data_api.statements.get(id)?.clone();
    let runs = |warehouse: &sql::Warehouse| warehouse.namespace == run.namespace && warehouse.runs;
    if !sql::warehouses(world, at).iter().any(runs) {
        return Some(Outcome::Failed(0, "FATAL: terminating connection due to administrator command".to_owned()));
    }
    // Two that change objects and overlap: the one that would be over later loses (aws-facts.md 10.5).
    let overlaps = |other: &Run| {
        other.namespace == run.namespace
            && matches!(other.outcome, Some(Outcome::Finished(_)))
            && run.sent < other.ends
            && other.ends <= run.ends
            && other.changes_objects()
    };
    if run.changes_objects() && world.data_api.statements.values().any(overlaps) {
        let error = "ERROR: could not complete because of conflict with concurrent transaction";
        return Some(Outcome::Failed(0, error.to_owned()));
    }
    let session = Session { namespace: run.namespace, database: run.database, user: run.user };
    Some(match sql::run(world, at, &session, &run.texts) {
        Ok(answers) => Outcome::Finished(answers),
        Err((nth, error)) => Outcome::Failed(nth, error.to_string()),
    })
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationException", message)
}
