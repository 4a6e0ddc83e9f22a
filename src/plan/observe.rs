//! Reads what AWS has: one batched read a kind, all kinds at once.
//!
//! Called by `cli` before planning. Must never take a failed read for an absence.

use super::refresh::managed;
use crate::{
    address::Address,
    aws::{Aws, Fault, kind, tags},
    kind::{AnyLive, AnyWhich},
    state::{Entry, State, Status},
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What AWS shows of one recorded resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It is there.
    Live(AnyLive),
    /// A complete, undenied read did not find it.
    Absent,
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
            Some(Seen::Absent) | None => None,
        }
    }

    /// Tells whether everything that has settled is there, and as rsds last set it.
    pub fn is_as_recorded(&self, state: &State) -> bool {
        let settled = state.entries.iter().filter(|(_, entry)| entry.status == Status::Ready);
        settled.into_iter().all(|(address, entry)| {
            let as_set = |live: &AnyLive| {
                kind(&entry.kind).is_none_or(|kind| managed(kind, &entry.spec, &live.spec) == entry.spec)
            };
            self.live(address).is_some_and(as_set)
        })
    }

    /// Takes the state's word for everything (`--no-refresh`): what is recorded as settled counts as there.
    pub fn assumed(state: &State) -> Self {
        let live = |entry: &Entry| {
            let id = entry.id.clone()?;
            let outputs = serde_json::Value::Object(entry.outputs.clone());
            Some(AnyLive { id, spec: entry.spec.clone(), outputs, readiness: crate::kind::Readiness::Ready })
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
        fault: Fault,
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

/// Reads every recorded resource: as many calls as there are kinds and pages, not as there are resources.
pub async fn observe(aws: &Aws, state: &State) -> Result<Observed, ObserveError> {
    let mut by_kind: BTreeMap<&str, Vec<(&Address, &Entry)>> = BTreeMap::new();
    for (address, entry) in &state.entries {
        by_kind.entry(&entry.kind).or_default().push((address, entry));
    }
    let reads = by_kind.into_iter().map(|(name, entries)| read_kind(aws, name, entries));
    Ok(Observed(try_join_all(reads).await?.into_iter().flatten().collect()))
}

async fn read_kind(
    aws: &Aws,
    name: &str,
    entries: Vec<(&Address, &Entry)>,
) -> Result<Vec<(Address, Seen)>, ObserveError> {
    let Some(kind) = kind(name) else {
        let address = entries.first().map_or_else(|| Address::new("?", "?"), |(address, _)| (*address).clone());
        return Err(ObserveError::UnknownKind { address, kind: name.to_owned() });
    };
    let which = entries.iter().map(|(address, entry)| AnyWhich {
        address: (*address).clone(),
        id: entry.id.clone(),
        spec: entry.spec.clone(),
        settling: false,
    });
    let read = kind.read(aws, which.collect()).await;
    let answers = read.map_err(|fault| ObserveError::Read { kind: name.to_owned(), fault })?;
    let mut seen = Vec::with_capacity(entries.len());
    for ((address, entry), live) in entries.into_iter().zip(answers) {
        // A predecessor carries the same tags as the successor whose id is not known yet.
        let live = live.filter(|live| !entry.deposed.iter().any(|deposed| deposed.id == live.id));
        if let Some(live) = &live {
            let found = tags::of_spec(&live.spec);
            if entry.id.is_none() && kind.tagged() && !aws.owner.owns(address, &found) {
                let (address, id) = (address.clone(), live.id.to_string());
                return Err(ObserveError::Foreign { address, id, tags: format!("{found:?}") });
            }
        }
        seen.push((address.clone(), live.map_or(Seen::Absent, Seen::Live)));
    }
    Ok(seen)
}
