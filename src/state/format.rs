//! The state's format: one record an address, versioned.
//!
//! Read by `plan` and the views, written by `writer`. Must never change meaning without a new `FORMAT`, a step in
//! `migrate` and a fixture in `tests/formats/`.

use super::run::Run;
use crate::{
    address::Address,
    kind::{Id, Step},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::{collections::BTreeMap, sync::Arc};

/// The version this rsds writes. Newer ones are refused; older ones are migrated.
pub const FORMAT: u32 = 3;

/// Everything rsds remembers of one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version of this format.
    pub format: u32,
    /// Names this state for ever: made at its first write, carried in the tags of what it owns.
    pub lineage: String,
    /// Counts the writes.
    pub serial: u64,
    /// The run that wrote it; none when nobody has yet, or an rsds that did not say.
    pub run: Option<Run>,
    /// When it was written; none when nobody has yet, or an rsds that did not say. What it tells may not show everywhere
    /// for a while after.
    pub written: Option<Timestamp>,
    /// The TOML's `project`.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The account the resources are in; set by the first apply.
    pub account: Option<String>,
    /// The region the resources are in; set by the first apply.
    pub region: Option<String>,
    /// The resources.
    pub entries: BTreeMap<Address, Entry>,
}

impl State {
    /// A state that remembers nothing, with a lineage of its own.
    pub fn pristine(project: &str, environment: &str, lineage: String) -> Self {
        Self {
            format: FORMAT,
            lineage,
            serial: 0,
            run: None,
            written: None,
            project: project.to_owned(),
            environment: environment.to_owned(),
            account: None,
            region: None,
            entries: BTreeMap::new(),
        }
    }

    /// Returns one output of one resource, if it has it.
    pub fn output(&self, address: &Address, output: &str) -> Option<&Json> {
        self.entries.get(address)?.outputs.get(output).filter(|value| !value.is_null())
    }
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of its kind.
    pub kind: String,
    /// How far it is.
    pub status: Status,
    /// Its id, from the moment AWS answered the create call.
    pub id: Option<Id>,
    /// What rsds last set it to: shared with who asks AWS about it, and never copied for that.
    pub spec: Arc<Json>,
    /// Its outputs as far as they exist.
    pub outputs: Map<String, Json>,
    /// What it depends on: deletion goes by this, so that resources removed from the TOML go in the right order too.
    pub depends_on: Vec<Dependency>,
    /// How many times a replacement beside the old one has suffixed its name.
    #[serde(default)]
    pub generation: u32,
    /// Predecessors that still exist.
    #[serde(default)]
    pub deposed: Vec<Deposed>,
}

/// How far a resource is. Anything but `Ready` is resumed by the next plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Status {
    /// The create call may have been sent; with an id it has been answered, and finishing steps remain.
    Creating {
        /// The idempotency token of the create call.
        token: String,
        /// When the intent was recorded.
        since: Timestamp,
        /// The finishing step that is next or under way.
        #[serde(default)]
        step: Option<String>,
    },
    /// Settled.
    Ready,
    /// Update steps remain.
    Updating {
        /// The step that is next or under way.
        step: Option<String>,
        /// When the intent was recorded.
        since: Timestamp,
    },
    /// The delete call may have been sent.
    Deleting {
        /// The step that is next or under way.
        step: Option<Step>,
        /// When the intent was recorded.
        since: Timestamp,
    },
    /// It exists but does not work: to be replaced.
    Tainted {
        /// What is wrong with it.
        why: String,
    },
}

impl Status {
    /// Tells when something was last asked of AWS that may not have been answered; none for what has settled.
    pub const fn asked(&self) -> Option<Timestamp> {
        match self {
            Self::Creating { since, .. } | Self::Updating { since, .. } | Self::Deleting { since, .. } => Some(*since),
            Self::Ready | Self::Tainted { .. } => None,
        }
    }

    /// Says that it is asked again.
    pub(super) const fn ask_again(&mut self, now: Timestamp) {
        match self {
            Self::Creating { since, .. } | Self::Updating { since, .. } | Self::Deleting { since, .. } => *since = now,
            Self::Ready | Self::Tainted { .. } => {}
        }
    }

    /// Returns the word people see.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Creating { .. } => "creating",
            Self::Ready => "ready",
            Self::Updating { .. } => "updating",
            Self::Deleting { .. } => "deleting",
            Self::Tainted { .. } => "tainted",
        }
    }
}

/// An edge of the graph as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The resource depended on.
    pub on: Address,
    /// Why, when no value flows along the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_only: Option<String>,
}

/// A replaced resource that still exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deposed {
    /// Its id.
    pub id: Id,
    /// What it was.
    pub spec: Arc<Json>,
    /// What it depends on.
    pub depends_on: Vec<Dependency>,
}
