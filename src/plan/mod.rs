//! The plan: what differs between the TOML, the state and AWS, and which operations in which order make it one.
//!
//! `observe` reads AWS; everything after it is pure: `select` picks by target, `diff` compares, `decide` chooses an
//! action for each resource (`refresh` for `--refresh-only`), `drift` tells what somebody else changed, `ignore` and `lost`
//! what of that is left alone or for a person to decide, `order` makes the graph of operations, `sequence` tells the steps
//! of a change and what connections notice of them. `saved` is the plan in a file, `adopt` is the plan of an import,
//! `moved` tells what became different since a plan was made, `find` reads
//! without a record what `observe` reads with one. Called by `cli`; `apply` walks the result.
//! Planning must do no I/O and read no clock, and it must leave no choice to apply.

mod adopt;
mod decide;
mod diff;
mod drift;
mod find;
mod form;
mod ignore;
mod lost;
mod moved;
mod observe;
mod order;
mod protect;
mod refresh;
mod saved;
mod select;
mod sequence;

pub use adopt::{Adoption, Grounds, adopt, unknown};
pub(crate) use decide::invalidates;
pub use decide::plan;
pub(crate) use diff::{Departure, departure};
pub use drift::{Drift, Fate, FieldDrift, Presence, Rating, unplanned};
pub use find::{Found, find, is_recorded};
pub use ignore::{BadIgnore, Ignore};
pub use moved::{Moved, Since, moved};
pub use observe::{ObserveError, Observed, Seen, observe};
pub use order::{LongestPath, Need, Op, Until, Verb, remaining, starts};
pub use saved::{BadPlanFile, Binding, SAVED_FORMAT, Saved};
pub use select::Options;
pub use sequence::{Connections, Stage};

use crate::{
    address::Address,
    config::Diagnostic,
    kind::{After, AnyKind, Id, Impact, Order, Step, Tree},
    state::{Dependency, Entry},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Everything an apply will do.
#[derive(Default, Serialize, Deserialize)]
pub struct Plan {
    /// One element a resource, whether it changes or not, by address.
    pub changes: BTreeMap<Address, Change>,
    /// The operations, with what each waits for.
    pub ops: Vec<Op>,
    /// Records to bring up to date without touching AWS: outputs and specs that were observed to differ.
    pub refresh: Vec<(Address, Entry)>,
    /// The chain of operations that takes longest, by typical durations.
    pub longest: LongestPath,
    /// What a person should know of resources that stay, though nothing is to be done: pauses, pending reboots.
    pub notices: Vec<(Address, String)>,
    /// What somebody else changed in AWS; of a destroy nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drift: BTreeMap<Address, Drift>,
    /// What is worth knowing about the place it was made for; a saved plan has them as texts.
    #[serde(skip)]
    pub warnings: Vec<Diagnostic>,
    /// Whether only the state is to follow AWS (`--refresh-only`).
    pub refresh_only: bool,
}

/// A plan, and what AWS showed when it was made.
#[derive(Serialize, Deserialize)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What it rests on.
    pub observed: Observed,
}

impl Plan {
    /// Tells whether there is nothing to do to AWS or to the list of resources.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Tells whether somebody has to agree: to every operation, and to a state that follows AWS because it was asked to.
    pub fn wants_consent(&self) -> bool {
        !self.is_empty() || self.refresh_only && !self.refresh.is_empty()
    }

    /// Tells whether anything drifted that nobody said to leave alone.
    pub fn has_drifted(&self) -> bool {
        self.drift.values().any(Drift::counts)
    }

    /// Returns the resources that will be touched.
    pub fn touched(&self) -> impl Iterator<Item = &Change> {
        self.changes.values().filter(|change| change.action != Action::NoOp)
    }

    /// Counts the actions.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for change in self.changes.values() {
            match change.action {
                Action::Create => summary.create += 1,
                Action::Update => summary.update += 1,
                Action::Replace(_) => summary.replace += 1,
                Action::Delete => summary.delete += 1,
                Action::Resume => summary.resume += 1,
                Action::Keep | Action::Forget => summary.forget += 1,
                Action::Refresh => summary.refresh += 1,
                Action::Import => summary.import += 1,
                Action::NoOp => summary.unchanged += 1,
            }
        }
        summary
    }
}

/// How many resources meet which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// To be created.
    pub create: usize,
    /// To be updated in place.
    pub update: usize,
    /// To be replaced.
    pub replace: usize,
    /// To be deleted.
    pub delete: usize,
    /// Left half-way by an earlier run, to be completed.
    pub resume: usize,
    /// To be dropped from the state only.
    pub forget: usize,
    /// Whose records are to follow AWS (`--refresh-only`).
    pub refresh: usize,
    /// To be taken over (`rsds import`).
    pub import: usize,
    /// As they should be.
    pub unchanged: usize,
}

impl Summary {
    /// Returns what there is, a fate each: `1 to create`, `30 unchanged`.
    pub fn counts(&self) -> Vec<String> {
        let Self { create, update, replace, delete, resume, forget, refresh, import, unchanged } = *self;
        let counted = [
            (create, "to create"),
            (update, "to update"),
            (replace, "to replace"),
            (delete, "to delete"),
            (resume, "to resume"),
            (forget, "to forget"),
            (refresh, "to refresh"),
            (import, "to import"),
            (unchanged, "unchanged"),
        ];
        counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
    }
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// A new one takes its place.
    Replace(Order),
    /// It is deleted.
    Delete,
    /// An earlier run left it half-way: it is completed.
    Resume,
    /// It leaves the state and lives on in AWS (a key that snapshots need).
    Keep,
    /// It is gone from AWS and leaves the state.
    Forget,
    /// Its record follows AWS (`--refresh-only`).
    Refresh,
    /// It exists and is taken over: recorded, and tagged as owned.
    Import,
    /// Nothing.
    NoOp,
}

/// Why an action was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The TOML asks for it and the state does not know it.
    New,
    /// The TOML no longer asks for it.
    Removed,
    /// A destroy was asked for.
    Destroy,
    /// It is in the state but gone from AWS.
    Gone,
    /// It is gone from AWS, and this has its name.
    Foreign(String),
    /// The TOML asks for other values.
    Changed,
    /// AWS shows other values than rsds set.
    Drifted,
    /// `--replace` names it.
    Requested,
    /// It does not work: AWS's own words.
    Broken(String),
    /// A field changed that AWS cannot change in place.
    Immutable(String),
    /// What it depends on is replaced.
    Follows(Address),
    /// An earlier run was cut off while it was in this status.
    CutOff(String),
    /// Data elsewhere needs it.
    NeededByData,
    /// It lives inside this, which goes.
    GoesWith(Address),
}

/// What happens to one resource, and why.
#[derive(Serialize, Deserialize)]
pub struct Change {
    /// Its address.
    pub address: Address,
    /// Its kind.
    #[serde(with = "form::kind")]
    pub kind: &'static dyn AnyKind,
    /// What happens.
    pub action: Action,
    /// Why, in order of weight; empty for `NoOp`.
    pub reasons: Vec<Reason>,
    /// The fields that change; for `Create` all of them.
    pub fields: Vec<FieldChange>,
    /// The differences that `ignore_changes` leaves alone: `after` is what the TOML says.
    pub ignored: Vec<FieldChange>,
    /// The id it has now.
    pub id: Option<Id>,
    /// The TOML key it comes from; none when the TOML no longer has it.
    pub origin: Option<String>,
    /// What apply needs to do it.
    pub work: Work,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// The key within a map that compares key by key.
    pub key: Option<String>,
    /// The value now.
    pub before: Json,
    /// The value to be.
    pub after: After,
    /// Whether it replaces the resource.
    pub replaces: bool,
    /// Whether AWS differs from what rsds set, rather than the TOML from the state.
    pub drift: bool,
    /// Whether AWS never shows the field, so that the state was compared.
    pub unreadable: bool,
    /// What it does to connections, and how long it takes.
    pub impact: Impact,
    /// The TOML key the new value comes from.
    pub origin: Option<String>,
}

/// What apply needs of a change: everything decided.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// The draft wanted, names suffixed where a replacement stands beside the old one.
    pub spec: BTreeMap<String, Tree>,
    /// The managed part of what is there now.
    pub before: Json,
    /// The update steps, or the finishing steps that remain.
    pub steps: Vec<Step>,
    /// The deletion's steps; empty where nothing is deleted.
    pub removal: Vec<Step>,
    /// The edges to record.
    pub depends_on: Vec<Dependency>,
    /// The generation to record.
    pub generation: u32,
}

/// Says why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The resource, if it is about one.
    pub address: Option<Address>,
    /// What is wrong.
    pub message: String,
    /// What to type or change next.
    pub help: String,
}
