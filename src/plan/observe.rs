//! Reads what AWS has: one batched read a kind, all kinds at once.
//!
//! Called by `cli` before planning. Must never take a failed read for an absence.

use super::refresh::managed;
use crate::{
    address::Address,
    aws::{Aws, Fault, Look, kind, look::Unread, tags},
    kind::{AnyKind, AnyLive, AnyWhich, Id, Other},
    state::{Entry, State, Status},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What AWS shows of one recorded resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It is there.
    Live(AnyLive),
    /// A complete, undenied read did not find it.
    Absent,
    /// It is not there; this is what has its name, and is another.
    Other(AnyLive),
}

/// What AWS shows, by address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Observed(pub BTreeMap<Address, Seen>);

impl Observed {
    /// Returns the live resource, if it is there.
    pub fn live(&self, address: &Address) -> Option<&AnyLive> {
        match self.0.get(address) {
            Some(Seen::Live(live)) => Some(live),
            Some(Seen::Absent | Seen::Other(_)) | None => None,
        }
    }

    /// Returns what has the resource's name, and is another.
    pub fn other(&self, address: &Address) -> Option<&AnyLive> {
        match self.0.get(address) {
            Some(Seen::Other(other)) => Some(other),
            Some(Seen::Absent | Seen::Live(_)) | None => None,
        }
    }

    /// Tells whether everything that AWS has answered for is there, and what has settled as rsds last set it.
    pub fn is_as_recorded(&self, state: &State) -> bool {
        state.entries.iter().all(|(address, entry)| {
            let as_set = |live: &AnyLive| {
                kind(&entry.kind).is_none_or(|kind| managed(kind, &entry.spec, &live.spec) == *entry.spec)
            };
            match &entry.status {
                Status::Ready => self.live(address).is_some_and(as_set),
                Status::Creating { .. } | Status::Updating { .. } | Status::Tainted { .. } => {
                    entry.id.is_none() || self.live(address).is_some()
                }
                Status::Deleting { .. } => true,
            }
        })
    }

    /// Takes the state's word for everything (`--no-refresh`): what is recorded as settled counts as there.
    pub fn assumed(state: &State) -> Self {
        let live = |entry: &Entry| {
            let id = entry.id.clone()?;
            let outputs = serde_json::Value::Object(entry.outputs.clone());
            Some(AnyLive {
                id,
                spec: serde_json::Value::clone(&entry.spec),
                outputs,
                readiness: crate::kind::Readiness::Ready,
                others: Vec::new(),
            })
        };
        let seen = |entry| live(entry).map_or(Seen::Absent, Seen::Live);
        Self(state.entries.iter().map(|(address, entry)| (address.clone(), seen(entry))).collect())
    }
}

/// Says why AWS could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ObserveError {
    /// A call failed.
    #[error("cannot read the {kind} resources: {fault}")]
    Read {
        /// The kind being read.
        kind: String,
        /// What AWS answered.
        fault: Box<Fault>,
    },
    /// The state names a kind this rsds does not know.
    #[error("{address} is of kind `{kind}`, which this rsds does not know: use a newer rsds")]
    UnknownKind {
        /// The resource.
        address: Address,
        /// Its recorded kind.
        kind: String,
    },
    /// Something has the name of an interrupted creation, but not our tags.
    #[error(
        "{address} ({id}) exists and is not owned by this environment; its tags: {tags}; to take it over: rsds import \
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
}

impl From<Unread> for ObserveError {
    fn from(Unread { kind, fault }: Unread) -> Self {
        Self::Read { kind: kind.to_owned(), fault: fault.into() }
    }
}

/// Reads every recorded resource in one look: as many calls as there are kinds and pages, not as there are resources.
/// The second part is what is worth knowing about how it was read.
pub async fn observe(aws: &Aws, state: &State) -> Result<(Observed, Vec<String>), ObserveError> {
    let mut look = Look::new(aws);
    let mut by_kind: BTreeMap<&str, Vec<(&Address, &Entry)>> = BTreeMap::new();
    for (address, entry) in &state.entries {
        let Some(kind) = kind(&entry.kind) else {
            return Err(ObserveError::UnknownKind { address: address.clone(), kind: entry.kind.clone() });
        };
        let (id, spec) = (entry.id.clone(), entry.spec.clone());
        look.ask(kind, AnyWhich { address: address.clone(), id, spec, settling: false });
        by_kind.entry(kind.name()).or_default().push((address, entry));
    }
    let mut observed = Observed::default();
    for (name, answers) in look.answers().await? {
        for ((address, entry), live) in by_kind.remove(name).unwrap_or_default().into_iter().zip(answers) {
            observed.0.insert(address.clone(), seen(aws, address, entry, live)?);
        }
    }
    namesakes(aws, state, &mut observed).await?;
    below_others(state, &mut observed);
    put_in(state, &mut observed, look.others());
    Ok((observed, look.warnings()))
}

/// Puts what others have made where it lies. What is recorded, in person or as a predecessor, is ours.
fn put_in(state: &State, observed: &mut Observed, others: Vec<Other>) {
    let ids = |entry: &Entry| {
        let deposed = entry.deposed.iter().map(|deposed| deposed.id.clone());
        let ids: Vec<Id> = entry.id.iter().cloned().chain(deposed).collect();
        ids.into_iter().map(|id| (entry.kind.clone(), id)).collect::<Vec<_>>()
    };
    let ours: BTreeSet<(String, Id)> = state.entries.values().flat_map(ids).collect();
    // While the id of one of a kind is not recorded yet, nobody can tell what of that kind is ours.
    let open = |kind: &str| state.entries.values().any(|entry| entry.kind == kind && entry.id.is_none());
    let theirs = |other: &Other| !open(other.kind) && !ours.contains(&(other.kind.to_owned(), other.id.clone()));
    for other in others.into_iter().filter(theirs) {
        let holds = |live: &AnyLive| {
            let outputs = live.outputs.as_object().into_iter().flatten();
            live.id.as_str() == other.within || outputs.into_iter().any(|(_, value)| *value == other.within)
        };
        let of_service = |address: &Address| {
            let kind = state.entries.get(address).map(|entry| entry.kind.as_str()).unwrap_or_default();
            kind != other.kind && kind.split('.').next() == other.kind.split('.').next()
        };
        let holder = observed.0.iter_mut().find_map(|(address, seen)| match seen {
            Seen::Live(live) if of_service(address) && holds(live) => Some(live),
            Seen::Live(_) | Seen::Absent | Seen::Other(_) => None,
        });
        if let Some(live) = holder {
            live.others.push(other);
        }
    }
}

/// Looks for what has the names of recorded resources that are gone: by hand, somebody may have made them anew.
async fn namesakes(aws: &Aws, state: &State, observed: &mut Observed) -> Result<(), ObserveError> {
    let mut look = Look::new(aws);
    let mut asked: BTreeMap<&str, Vec<(&Address, &Entry)>> = BTreeMap::new();
    for (address, entry) in &state.entries {
        let Some(kind) = kind(&entry.kind).filter(|kind| !kind.key().is_empty()) else { continue };
        let settled = !matches!(entry.status, Status::Creating { .. } | Status::Deleting { .. });
        let gone = entry.id.is_some() && observed.0.get(address) == Some(&Seen::Absent);
        if gone && settled && entry.deposed.is_empty() {
            look.ask(kind, AnyWhich { address: address.clone(), id: None, spec: entry.spec.clone(), settling: false });
            asked.entry(kind.name()).or_default().push((address, entry));
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    for (name, answers) in look.answers().await? {
        for ((address, entry), other) in asked.remove(name).unwrap_or_default().into_iter().zip(answers) {
            let here = match other {
                None => continue,
                // One look came too early, the other did not.
                Some(same) if entry.id.as_ref() == Some(&same.id) => Seen::Live(same),
                Some(other) if other.readiness.is_going() => continue,
                Some(other) => Seen::Other(other),
            };
            observed.0.insert(address.clone(), here);
        }
    }
    Ok(())
}

/// What cannot be tagged is ours because what it hangs on is: below somebody else's there is nothing of ours.
fn below_others(state: &State, observed: &mut Observed) {
    let foreign = |on: &Address| observed.other(on).is_some();
    let hangs = |entry: &Entry| entry.depends_on.iter().any(|d| d.order_only.is_none() && foreign(&d.on));
    let untagged = |entry: &Entry| kind(&entry.kind).is_some_and(|kind| !kind.tagged());
    let below = state.entries.iter().filter(|(_, entry)| untagged(entry) && hangs(entry));
    let below: Vec<Address> = below.map(|(address, _)| address.clone()).collect();
    observed.0.extend(below.into_iter().map(|address| (address, Seen::Absent)));
}

/// Tells a resource that stands in the place of a recorded one whose id is its name: it lacks the mark of our state. An
/// id that AWS gives is never given twice.
fn is_another(aws: &Aws, kind: &dyn AnyKind, entry: &Entry, live: &AnyLive) -> bool {
    // Or whose id is an ARN that ends in it.
    let id = live.id.as_str();
    let held = |name: &str| id == name || id.strip_suffix(name).is_some_and(|start| start.ends_with(':'));
    let named = kind.key().iter().any(|field| entry.spec[*field].as_str().is_some_and(held));
    let tags = tags::of_spec(&live.spec);
    // What AWS made by itself has no tags at all.
    let stray = kind.made_by_aws() && tags.is_empty();
    named && entry.status == Status::Ready && kind.tagged() && !stray && !aws.owner.marked(&tags)
}

/// Makes sure that what was found without a recorded id is the one that was asked for.
fn seen(aws: &Aws, address: &Address, entry: &Entry, live: Option<AnyLive>) -> Result<Seen, ObserveError> {
    // A predecessor carries the same tags as the successor whose id is not known yet.
    let Some(live) = live.filter(|live| !entry.deposed.iter().any(|deposed| deposed.id == live.id)) else {
        return Ok(Seen::Absent);
    };
    let asked = |kind| aws.owner.asked(address, kind, &entry.spec, &live.spec);
    if entry.id.is_none() && !kind(&entry.kind).is_none_or(asked) {
        let (address, id, found) = (address.clone(), live.id.to_string(), tags::of_spec(&live.spec));
        return Err(ObserveError::Foreign { address, id, tags: format!("{found:?}") });
    }
    let another = kind(&entry.kind).is_some_and(|kind| is_another(aws, kind, entry, &live));
    Ok(if another { Seen::Other(live) } else { Seen::Live(live) })
}
