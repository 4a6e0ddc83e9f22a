//! What happens during an apply, as data: the human view, `--format json`, logs and tests all live on these.
//!
//! Sent by `queue`, `operation`, `retry` and `settle`. Must never carry a secret or decide anything.

use crate::{
    address::Address,
    aws::Fault,
    kind::{Blocker, Id},
    plan::Verb,
    state::StoreError,
};
use serde::Serialize;
use std::time::Duration;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// An operation began.
    Started {
        /// The resource.
        address: Address,
        /// What is done to it.
        verb: Verb,
        /// How long it typically takes, in seconds.
        typical: u32,
    },
    /// A mutating call is about to be sent; the intent is recorded.
    Step {
        /// The resource.
        address: Address,
        /// The step: `create`, `delete`, or the name of an update.
        step: String,
    },
    /// The resource is on its way; sent when AWS's status changes.
    Waiting {
        /// The resource.
        address: Address,
        /// AWS's own words.
        status: String,
    },
    /// A call failed and will be repeated.
    Retrying {
        /// The resource.
        address: Address,
        /// What AWS answered.
        fault: Fault,
        /// When, in seconds from now.
        in_seconds: f64,
    },
    /// An operation is done.
    Finished {
        /// The resource.
        address: Address,
        /// What was done to it.
        verb: Verb,
        /// The id it has.
        id: Option<Id>,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// An operation failed.
    Failed {
        /// The resource.
        address: Address,
        /// What was to be done to it.
        verb: Verb,
        /// Why.
        trouble: Trouble,
        /// After how long, in seconds.
        seconds: f64,
    },
    /// An operation was not started, because what it needs failed or the user interrupted.
    Skipped {
        /// The resource.
        address: Address,
        /// What was to be done to it.
        verb: Verb,
        /// What it waited for; none after an interrupt.
        because: Option<Address>,
    },
}

impl Event {
    /// Returns the resource it is about.
    pub fn address(&self) -> &Address {
        match self {
            Self::Started { address, .. }
            | Self::Step { address, .. }
            | Self::Waiting { address, .. }
            | Self::Retrying { address, .. }
            | Self::Finished { address, .. }
            | Self::Failed { address, .. }
            | Self::Skipped { address, .. } => address,
        }
    }
}

/// Why an operation failed.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Trouble {
    /// AWS refused, or kept failing until patience ran out.
    #[error("{fault}")]
    Aws {
        /// The last answer.
        fault: Fault,
        /// How often it was tried.
        tries: u32,
        /// For how long, in seconds.
        seconds: f64,
    },
    /// The resource came up broken; it is recorded as tainted and will be replaced.
    #[error("it came up broken: {why}")]
    Broken {
        /// AWS's own words.
        why: String,
    },
    /// What an earlier run asked for came late, and with values of that time; the next run replaces it.
    #[error(
        "an earlier run made it, with another {fields} than is wanted now, which no update changes; the next apply replaces it"
    )]
    Outdated {
        /// The fields that only a replacement changes.
        fields: String,
    },
    /// It did not settle in time; the next run goes on from here.
    #[error("still `{status}` after {}", crate::ui::seconds(*seconds))]
    NotSettled {
        /// AWS's status, or what is missing.
        status: String,
        /// How long was waited, in seconds.
        seconds: f64,
    },
    /// Something holds it that does not go, or has not gone in time.
    #[error("{fault}; {}", super::lookout::held(held_by, *seconds))]
    Held {
        /// What AWS answered.
        fault: Box<Fault>,
        /// What holds it.
        held_by: Vec<Blocker>,
        /// How long was waited, in seconds.
        seconds: f64,
    },
    /// Someone has put it to sleep: what changes it is not sent before it is awake.
    #[error("it is {status}, so its changes wait")]
    Dormant {
        /// AWS's own word for its sleep.
        status: String,
    },
    /// Something of that name exists and carries other tags than ours.
    #[error(
        "{id} exists already and is not owned by this environment (its tags: {tags}); to take it over: rsds import \
         {address} {id}"
    )]
    Foreign {
        /// The resource wanted.
        address: Address,
        /// The id of what is there.
        id: String,
        /// The tags of what is there.
        tags: String,
    },
    /// The state could not be written: no call was made without a record.
    #[error("{message}")]
    State {
        /// What the store says.
        message: String,
    },
    /// The user interrupted; what is recorded is resumed by the next run.
    #[error("interrupted")]
    Interrupted,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::State { message: error.to_string() }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let (tries, over) = (fault.tried.times, seconds(fault.tried.over));
        Self::Aws { fault, tries, seconds: over }
    }
}

/// Returns a duration as the seconds that events carry.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
