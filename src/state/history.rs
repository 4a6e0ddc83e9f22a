//! What each run changed, told from the states that stood before and after it.
//!
//! Called by `rsds state history`, and by whatever shows what a write will change. Must never guess: where a former state
//! is no longer kept, what its run changed is not known.

use super::{
    format::{Entry, State},
    run::Run,
    store::{Image, Past, RUNS_KEPT, Store, StoreError},
};
use crate::{address::Address, kind::Id};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It was made, or taken over.
    Created,
    /// It was set to other values.
    Updated,
    /// Another one took its place.
    Replaced,
    /// It got another address.
    Moved,
    /// It left the state.
    Deleted,
    /// Only the record changed: how far it is, its outputs, what it depends on.
    Noted,
}

/// What became of one entry, and in what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doing {
    /// Its address; of a moved one the new one.
    pub address: Address,
    /// What became of it.
    pub deed: Deed,
    /// In what: fields, ids, a status, the address it had.
    pub details: Vec<String>,
    /// Its id, the last one it had.
    pub id: Option<Id>,
}

/// One run, as far as the store still knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// Who ran what; none for an rsds that did not say.
    pub run: Option<Run>,
    /// When its last write was put aside, where it has been.
    pub until: Option<Timestamp>,
    /// The serial it left.
    pub serial: u64,
    /// What it changed; none when the state before it is no longer kept.
    pub changed: Option<Vec<Doing>>,
    /// What a restore of the state before it is named.
    pub before: Option<String>,
}

/// Everything that can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct History {
    /// The runs, newest first.
    pub runs: Vec<Ran>,
    /// The single writes that can be gone back to, newest first, with the serial of each.
    pub writes: Vec<(Past, u64)>,
    /// Former states that cannot be read, with the reason.
    pub damaged: Vec<(String, String)>,
}

/// Reads the history of a store whose present state is `present`, if it can be read.
pub async fn history(store: &dyn Store, present: Option<&State>) -> Result<History, StoreError> {
    let (mut images, mut writes, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
    for past in store.history().await? {
        match (store.past(&past.name).await, past.of) {
            (Ok(state), Image::BeforeRun) => images.push((past, state)),
            (Ok(state), Image::BeforeCommit) => writes.push((past, state.serial)),
            (Err(error), _) => damaged.push((past.name, error.to_string())),
        }
    }
    // Every run but the first leaves a before-image, so that with fewer than are kept the oldest is of the second run.
    let whole = images.len() < RUNS_KEPT;
    let mut before: Option<(Option<String>, State)> = whole.then(|| (None, nothing(present, &images)));
    let mut runs = Vec::new();
    for (past, after) in images.into_iter().rev() {
        runs.extend(ran(before.as_ref(), &after, Some(past.at)));
        before = Some((Some(past.name), after));
    }
    runs.extend(present.and_then(|after| ran(before.as_ref(), after, None)));
    runs.reverse();
    Ok(History { runs, writes, damaged })
}

/// The state before the first run.
fn nothing(present: Option<&State>, images: &[(Past, State)]) -> State {
    let like = present.or_else(|| images.first().map(|(_, state)| state));
    let (project, environment) = like.map_or(("", ""), |state| (&state.project, &state.environment));
    State::pristine(project, environment, String::new())
}

/// The run between two states; none where nothing was written.
fn ran(before: Option<&(Option<String>, State)>, after: &State, until: Option<Timestamp>) -> Option<Ran> {
    if before.is_some_and(|(_, before)| before.serial == after.serial) {
        return None;
    }
    let changed = before.map(|(_, before)| difference(before, after));
    let name = before.and_then(|(name, _)| name.clone());
    Some(Ran { run: after.run.clone(), until, serial: after.serial, changed, before: name })
}

/// Tells what became of every entry from one state to another.
pub fn difference(before: &State, after: &State) -> Vec<Doing> {
    let gone: BTreeMap<&Address, &Entry> =
        before.entries.iter().filter(|(address, _)| !after.entries.contains_key(*address)).collect();
    let mut moved = BTreeSet::new();
    let mut doings = Vec::new();
    for (address, entry) in &after.entries {
        let doing = |deed, details| Doing { address: address.clone(), deed, details, id: entry.id.clone() };
        match before.entries.get(address) {
            None => match gone.iter().find(|(_, old)| old.kind == entry.kind && old.id.is_some() && old.id == entry.id)
            {
                Some((from, _)) => {
                    moved.insert(*from);
                    doings.push(doing(Deed::Moved, vec![format!("from {from}")]));
                }
                None => doings.push(doing(Deed::Created, halfway(entry))),
            },
            Some(old) if old == entry => {}
            Some(Entry { id: None, .. }) if entry.id.is_some() => doings.push(doing(Deed::Created, halfway(entry))),
            Some(Entry { id: Some(was), .. }) if entry.id.as_ref() != Some(was) => {
                let now = entry.id.as_ref().map_or_else(|| entry.status.word().to_owned(), Id::to_string);
                doings.push(doing(Deed::Replaced, vec![format!("{was} by {now}")]));
            }
            Some(old) => {
                let fields = changed_fields(old, entry);
                doings.push(match fields.is_empty() {
                    false => doing(Deed::Updated, fields),
                    true => doing(Deed::Noted, noted(old, entry)),
                });
            }
        }
    }
    let gone = gone.into_iter().filter(|(address, _)| !moved.contains(address));
    doings.extend(gone.map(|(address, entry)| Doing {
        address: address.clone(),
        deed: Deed::Deleted,
        details: Vec::new(),
        id: entry.id.clone(),
    }));
    doings
}

fn halfway(entry: &Entry) -> Vec<String> {
    if entry.status.word() == "ready" { Vec::new() } else { vec![entry.status.word().to_owned()] }
}

fn changed_fields(before: &Entry, after: &Entry) -> Vec<String> {
    let names = |entry: &Entry| entry.spec.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    let all: [BTreeSet<String>; 2] = [names(before), names(after)];
    let all: BTreeSet<String> = all.into_iter().flatten().collect();
    all.into_iter().filter(|name| before.spec[name] != after.spec[name]).collect()
}

/// What of a record changed besides what rsds set.
fn noted(before: &Entry, after: &Entry) -> Vec<String> {
    let outputs = after.outputs.iter().filter(|(name, value)| before.outputs.get(*name) != Some(*value));
    let mut details: Vec<String> = outputs.map(|(name, _)| name.clone()).collect();
    if before.status.word() != after.status.word() {
        details.push(format!("{} → {}", before.status.word(), after.status.word()));
    }
    if before.depends_on != after.depends_on {
        details.push("dependencies".to_owned());
    }
    if before.deposed != after.deposed {
        details.push("predecessors".to_owned());
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{MemoryStore, edit::Present, format::Status};
    use serde_json::{Map, json};

    fn entry(id: Option<&str>, cidr: &str) -> Entry {
        Entry {
            kind: "ec2.vpc".to_owned(),
            status: Status::Ready,
            id: id.map(|id| Id(id.to_owned())),
            spec: json!({ "cidr": cidr }).into(),
            outputs: Map::new(),
            depends_on: Vec::new(),
            generation: 0,
            deposed: Vec::new(),
        }
    }

    fn state(entries: &[(&str, Entry)]) -> State {
        let entries = entries.iter().map(|(address, entry)| (address.parse().unwrap(), entry.clone())).collect();
        State { entries, ..State::pristine("airline", "dev", "l".into()) }
    }

    fn told(before: &State, after: &State) -> Vec<String> {
        let line = |Doing { address, deed, details, .. }: Doing| format!("{deed:?} {address} {}", details.join(", "));
        difference(before, after).into_iter().map(line).collect()
    }

    #[test]
    fn every_deed_is_told() {
        let before = state(&[
            ("a/same", entry(Some("1"), "x")),
            ("a/changed", entry(Some("2"), "x")),
            ("a/replaced", entry(Some("3"), "x")),
            ("a/gone", entry(Some("4"), "x")),
            ("a/old", entry(Some("5"), "x")),
            ("a/begun", entry(None, "x")),
            ("a/noted", entry(Some("6"), "x")),
        ]);
        let tainted = Entry { status: Status::Tainted { why: "no".into() }, ..entry(Some("6"), "x") };
        let after = state(&[
            ("a/same", entry(Some("1"), "x")),
            ("a/changed", entry(Some("2"), "y")),
            ("a/replaced", entry(Some("33"), "x")),
            ("a/new", entry(Some("5"), "x")),
            ("a/begun", entry(Some("7"), "x")),
            ("a/noted", tainted),
        ]);
        let expected = [
            "Created a/begun ",
            "Updated a/changed cidr",
            "Moved a/new from a/old",
            "Noted a/noted ready → tainted",
            "Replaced a/replaced 3 by 33",
            "Deleted a/gone ",
        ];
        assert_eq!(told(&before, &after), expected);
        assert!(told(&after, &after).is_empty());
    }

    #[tokio::test]
    async fn runs_are_told_by_the_states_between_them() {
        let store = MemoryStore::default();
        let run = |pid| {
            let (who, host, command) = ("ann".into(), "laptop".into(), format!("rsds apply {pid}"));
            Some(Run { who, host, pid, command, since: Timestamp::UNIX_EPOCH, url: None })
        };
        for (pid, cidr) in [(1, "x"), (2, "y")] {
            let present = Present::of(&store).await.unwrap();
            present.replace(&store, state(&[("a/vpc", entry(Some("1"), cidr))]), run(pid)).await.unwrap();
        }
        let History { runs, .. } = history(&store, store.last().as_ref()).await.unwrap();
        let deeds = |ran: &Ran| ran.changed.iter().flatten().map(|doing| doing.deed).collect::<Vec<_>>();
        let told: Vec<_> = runs.iter().map(|r| (r.run.as_ref().unwrap().pid, deeds(r), r.before.is_some())).collect();
        assert_eq!(told, [(2, vec![Deed::Updated], true), (1, vec![Deed::Created], false)]);
    }
}
