//! What somebody else changed in AWS since rsds last set it, three ways: what rsds set, what AWS has, what the TOML
//! says; so what the next apply does about it, and how bad it is.
//!
//! Called by `decide` and `refresh`, and by `status` where there is no plan. Pure. Must never call drift what nobody
//! asked about: AWS's own choices are nobody's.

use super::{Action, Change, FieldChange, Observed, ignore::Ignoring};
use crate::{
    address::Address,
    aws::tags,
    kind::{After, AnyKind, AnyLive, Field, Id, Tags},
    stack::Stack,
    state::{Entry, State, Status},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What stands for a field where others have put something into a resource: its keys are their ids.
pub(super) const OTHERS: &str = "others";

/// What the next apply does about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It sets it back to what rsds set.
    Reverted,
    /// It sets what the TOML says, which is neither what rsds set nor what AWS has.
    Changed,
    /// It replaces the resource to have it as the TOML says.
    Replaced,
    /// Nothing: `ignore_changes` says so.
    Kept,
    /// Nothing in this run: `--ignore` says so.
    Ignored,
    /// Nothing: it happens to be what the TOML wants now.
    Wanted,
    /// Nothing: the TOML does not say, so AWS decides.
    AwsDecides,
    /// Nothing but a note of it: an output has moved.
    Recorded,
    /// It deletes the resource, which the TOML no longer has.
    Deleted,
    /// It makes the resource anew.
    Created,
    /// It drops the record of a resource that nobody wants any more.
    Forgotten,
    /// It is refused: data is gone, and a person has to say what is to become of it.
    Lost,
    /// It is refused: something else has the name, and a person has to say whose it is.
    Refused,
    /// Nothing: it is somebody else's.
    Theirs,
    /// Nobody knows: there is no plan.
    Unknown,
}

/// How bad it is, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// Nothing comes of it.
    Harmless,
    /// The next apply changes AWS because of it.
    Reverted,
    /// It opens access or weakens protection.
    Security,
    /// Data is gone.
    DataLost,
}

/// One field that AWS shows otherwise than rsds set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// The field, or `outputs`.
    pub field: String,
    /// The key within a map that compares key by key, or the output.
    pub key: Option<String>,
    /// What rsds set; null = unset.
    pub state: Json,
    /// What AWS has; null = unset.
    pub live: Json,
    /// What the TOML says now; none where it has no such resource, or nobody knows.
    pub config: Option<After>,
    /// What the next apply does.
    pub fate: Fate,
    /// How bad it is.
    pub rating: Rating,
    /// What that does to connections; empty = nothing.
    pub impact: String,
    /// The TOML key the wanted value comes from.
    pub origin: Option<String>,
}

impl FieldDrift {
    /// Tells whether it counts as drift: what somebody said to leave alone does not.
    pub fn counts(&self) -> bool {
        !matches!(self.fate, Fate::Kept | Fate::Ignored)
    }
}

/// What is there of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It itself.
    There,
    /// Nothing.
    Gone,
    /// Another, which has its name: made anew by hand.
    Another {
        /// Its id.
        id: Id,
        /// Its tags.
        tags: Tags,
    },
}

/// What became of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The name of its kind.
    pub kind: String,
    /// Its id.
    pub id: Option<Id>,
    /// What is there of it.
    pub presence: Presence,
    /// What the next apply does about that; none where it is there.
    pub fate: Option<Fate>,
    /// How bad that is.
    pub rating: Rating,
    /// The fields that differ.
    pub fields: Vec<FieldDrift>,
    /// What needs it, where it is not there.
    pub needed_by: Vec<Address>,
}

impl Drift {
    /// Tells whether there is anything in it that counts.
    pub fn counts(&self) -> bool {
        self.presence != Presence::There || self.fields.iter().any(FieldDrift::counts)
    }

    /// Returns how bad the worst of it is, what is left alone aside.
    pub fn rating(&self) -> Rating {
        let fields = self.fields.iter().filter(|field| field.counts()).map(|field| field.rating);
        fields.chain([self.rating]).max().unwrap_or(Rating::Harmless)
    }
}

/// What the next apply would do, as far as it is known.
pub(super) struct Next<'a> {
    pub(super) stack: &'a Stack,
    pub(super) changes: &'a BTreeMap<Address, Change>,
    pub(super) ignoring: &'a Ignoring,
}

/// Finds what drifted of the picked resources; halves of an earlier run are its own business.
pub(super) fn drift(
    state: &State,
    observed: &Observed,
    picked: &dyn Fn(&Address) -> bool,
    next: Option<&Next<'_>>,
) -> BTreeMap<Address, Drift> {
    let settled = state.entries.iter().filter(|(_, entry)| entry.status == Status::Ready && entry.deposed.is_empty());
    let picked = settled.filter(|(address, _)| picked(address) && observed.0.contains_key(*address));
    picked.filter_map(|(address, entry)| Some((address.clone(), of(state, observed, address, entry, next)?))).collect()
}

/// The same where there is no plan: what the next apply does is then not known.
pub fn unplanned(state: &State, observed: &Observed) -> BTreeMap<Address, Drift> {
    drift(state, observed, &|_| true, None)
}

fn of(state: &State, observed: &Observed, address: &Address, entry: &Entry, next: Option<&Next<'_>>) -> Option<Drift> {
    let kind = crate::aws::kind(&entry.kind)?;
    let (id, name) = (entry.id.clone(), entry.kind.clone());
    if let Some(other) = observed.other(address) {
        let presence = Presence::Another { id: other.id.clone(), tags: tags::of_spec(&other.spec) };
        let (fate, rating, needed_by) = (Some(Fate::Refused), Rating::Security, needing(state, address));
        return Some(Drift { kind: name, id, presence, fate, rating, fields: Vec::new(), needed_by });
    }
    let Some(live) = observed.live(address) else {
        let (fate, rating) = absence(kind, state, address, next);
        let needed_by = needing(state, address);
        let fate = Some(fate);
        return Some(Drift { kind: name, id, presence: Presence::Gone, fate, rating, fields: Vec::new(), needed_by });
    };
    let fields: Vec<FieldDrift> = fields(kind, address, entry, live, next);
    let (presence, rating) = (Presence::There, Rating::Harmless);
    let drift = Drift { kind: name, id, presence, fate: None, rating, fields, needed_by: Vec::new() };
    (!drift.fields.is_empty()).then_some(drift)
}

/// What becomes of a resource that is gone.
fn absence(kind: &dyn AnyKind, state: &State, address: &Address, next: Option<&Next<'_>>) -> (Fate, Rating) {
    let planned = next.and_then(|next| next.changes.get(address)).map(|change| change.action);
    let fate = match planned {
        Some(Action::Create) => Fate::Created,
        Some(Action::Forget) => Fate::Forgotten,
        _ if super::lost::holds(kind, state, address) => return (Fate::Lost, Rating::DataLost),
        _ => Fate::Unknown,
    };
    (fate, if kind.guards() { Rating::Security } else { Rating::Reverted })
}

/// What refers to a resource.
fn needing(state: &State, address: &Address) -> Vec<Address> {
    let needs = |entry: &Entry| entry.depends_on.iter().any(|d| d.on == *address && d.order_only.is_none());
    state.entries.iter().filter(|(_, entry)| needs(entry)).map(|(needing, _)| needing.clone()).collect()
}

fn fields(
    kind: &dyn AnyKind,
    address: &Address,
    entry: &Entry,
    live: &AnyLive,
    next: Option<&Next<'_>>,
) -> Vec<FieldDrift> {
    let mut all: Vec<FieldDrift> = moved(kind, &entry.spec, &live.spec)
        .into_iter()
        .map(|moved| {
            let (config, fate, origin) = match next {
                Some(next) => fate(next, address, &moved),
                None => (None, Fate::Unknown, None),
            };
            let acts = matches!(fate, Fate::Reverted | Fate::Changed | Fate::Replaced | Fate::Deleted);
            let rating = match () {
                () if moved.field.guards.concerns(moved.key.as_deref()) => Rating::Security,
                () if acts => Rating::Reverted,
                () => Rating::Harmless,
            };
            let impact = if acts { moved.field.says.to_owned() } else { String::new() };
            let Moved { field, key, state, live } = moved;
            FieldDrift { field: field.name.to_owned(), key, state, live, config, fate, rating, impact, origin }
        })
        .collect();
    // What AWS does not show while something is being changed is not gone.
    let shown = live.outputs.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let other = shown.filter(|(name, value)| entry.outputs.get(*name) != Some(*value));
    all.extend(other.map(|(name, value)| FieldDrift {
        field: "outputs".to_owned(),
        key: Some(name.clone()),
        state: entry.outputs.get(name).cloned().unwrap_or_default(),
        live: value.clone(),
        config: None,
        fate: Fate::Recorded,
        rating: Rating::Harmless,
        impact: String::new(),
        origin: None,
    }));
    all.extend(live.others.iter().map(|other| {
        let key = other.id.to_string();
        let ignored = next.is_some_and(|next| next.ignoring.ignores(address, OTHERS, Some(&key)));
        FieldDrift {
            field: OTHERS.to_owned(),
            key: Some(key),
            state: Json::Null,
            live: json!({ other.kind: other.shown }),
            config: None,
            fate: if ignored { Fate::Ignored } else { Fate::Theirs },
            rating: Rating::Security,
            impact: String::new(),
            origin: None,
        }
    }));
    all
}

/// One value that AWS shows otherwise than it is recorded.
pub(super) struct Moved {
    pub(super) field: Field,
    pub(super) key: Option<String>,
    pub(super) state: Json,
    pub(super) live: Json,
}

/// Compares what is recorded with what AWS shows, over what rsds set.
pub(super) fn moved(kind: &dyn AnyKind, recorded: &Json, live: &Json) -> Vec<Moved> {
    let managed = super::refresh::managed(kind, recorded, live);
    let mut all = Vec::new();
    for field in kind.fields() {
        let (was, is) = (&recorded[field.name], &managed[field.name]);
        let one = |key: Option<String>, state: &Json, live: &Json| Moved {
            field,
            key,
            state: state.clone(),
            live: live.clone(),
        };
        match (was, is) {
            _ if was == is => {}
            (Json::Object(of), Json::Object(_)) if field.keyed => {
                let keys = of.keys().filter(|key| was[*key] != is[*key]);
                all.extend(keys.map(|key| one(Some(key.clone()), &was[key], &is[key])));
            }
            _ => all.push(one(None, was, is)),
        }
    }
    all
}

/// What the next apply does about one value: what it wants there, what it does, and where the TOML says so.
fn fate(next: &Next<'_>, address: &Address, moved: &Moved) -> (Option<After>, Fate, Option<String>) {
    let Some(wanted) = next.stack.wanted.get(address) else { return (None, Fate::Deleted, None) };
    let (name, key) = (moved.field.name, moved.key.as_deref());
    let origin = Some(wanted.field_origin(name, key));
    let Some(change) = next.changes.get(address) else { return (None, Fate::Unknown, origin) };
    let is = |field: &&FieldChange| field.field == name && (field.key == moved.key || field.key.is_none());
    if let Some(field) = change.ignored.iter().find(is) {
        let by = if next.ignoring.ignores(address, name, key) { Fate::Ignored } else { Fate::Kept };
        return (Some(field.after.clone()), by, origin);
    }
    let Some(field) = change.fields.iter().find(is) else {
        // Nothing changes about it: it is what the TOML wants, or leaves to AWS.
        let known = After::Known(moved.live.clone());
        return (Some(known), if moved.live.is_null() { Fate::AwsDecides } else { Fate::Wanted }, origin);
    };
    let settles = |change: &Change| change.work.steps.iter().any(|step| step.fields.iter().any(|of| of == name));
    let fate = match change.action {
        Action::Replace(_) => Fate::Replaced,
        _ if !settles(change) => Fate::AwsDecides,
        _ if field.after == After::Known(moved.state.clone()) => Fate::Reverted,
        _ => Fate::Changed,
    };
    (Some(field.after.clone()), fate, origin)
}
