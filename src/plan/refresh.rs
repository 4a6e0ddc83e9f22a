//! `--refresh-only`: the state follows AWS, and nothing changes there.
//!
//! Called by `decide`, and by `moved` for what of a resource is rsds's business. Must never drop what held data, nor what
//! an earlier run left half-way: those need an apply, or a person.

use super::{
    Action, Change, Drift, FieldChange, Observed, Plan, PlanError, Reason, Work,
    drift::{Moved, moved},
    ignore::Ignoring,
    lost::{holds, lost},
    order,
};
use crate::{
    address::Address,
    kind::{After, AnyKind, AnyLive, Impact},
    stack::Stack,
    state::{Entry, State, Status},
};
use serde_json::{Map, Value as Json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Plans what the records of the selected resources have to take over from AWS.
pub(super) fn plan(
    stack: &Stack,
    state: &State,
    observed: &Observed,
    selected: &BTreeSet<Address>,
    ignoring: &Ignoring,
    drift: BTreeMap<Address, Drift>,
) -> Result<Plan, Vec<PlanError>> {
    let (mut changes, mut refresh, mut errors) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (address, entry) in state.entries.iter().filter(|(address, _)| selected.contains(*address)) {
        let Some(kind) = crate::aws::kind(&entry.kind) else { continue };
        let (action, reasons, fields) = match (&entry.status, observed.live(address)) {
            (Status::Creating { .. } | Status::Deleting { .. }, _) | (Status::Updating { .. }, Some(_)) => {
                (Action::NoOp, vec![Reason::CutOff(entry.status.word().to_owned())], Vec::new())
            }
            (Status::Tainted { why }, Some(_)) => (Action::NoOp, vec![Reason::Broken(why.clone())], Vec::new()),
            (_, None) if observed.other(address).is_some() => {
                let other = observed.other(address).map(|other| Reason::Foreign(other.id.to_string()));
                (Action::NoOp, other.into_iter().collect(), Vec::new())
            }
            (_, None) if holds(kind, state, address) => {
                errors.push(lost(kind, state, address, entry));
                continue;
            }
            (_, None) if entry.deposed.is_empty() => (Action::Forget, vec![Reason::Gone], Vec::new()),
            (_, None) => (Action::NoOp, vec![Reason::CutOff("replacing".to_owned())], Vec::new()),
            (Status::Ready, Some(live)) => {
                let fresh = followed(kind, entry, live, &|field, key| ignoring.ignores(address, field, key));
                let fields = fields(kind, entry, &fresh);
                let drifted = fresh != *entry;
                if drifted {
                    refresh.push((address.clone(), fresh));
                }
                match drifted {
                    true => (Action::Refresh, vec![Reason::Drifted], fields),
                    false => (Action::NoOp, Vec::new(), Vec::new()),
                }
            }
        };
        let origin = stack.wanted.get(address).map(|wanted| wanted.origin.clone());
        let (id, work) = (entry.id.clone(), Work { depends_on: entry.depends_on.clone(), ..Work::default() });
        changes.insert(
            address.clone(),
            Change { address: address.clone(), kind, action, reasons, fields, ignored: Vec::new(), id, origin, work },
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let (ops, longest) = order::order(stack, state, &changes).map_err(|error| vec![error])?;
    // Predecessors still to be deleted are the next apply's work.
    let ops = ops.into_iter().filter(|op| op.verb == order::Verb::Forget).collect();
    Ok(Plan { changes, ops, refresh, longest, drift, refresh_only: true, ..Plan::default() })
}

/// The record as AWS would have it, but for what is left alone.
fn followed(kind: &dyn AnyKind, entry: &Entry, live: &AnyLive, ignores: &dyn Fn(&str, Option<&str>) -> bool) -> Entry {
    let mut fresh = entry.clone();
    for Moved { field, key, live, .. } in moved(kind, &entry.spec, &live.spec) {
        let spec = Arc::make_mut(&mut fresh.spec);
        match (key, spec.get_mut(field.name)) {
            (key, _) if ignores(field.name, key.as_deref()) => {}
            (None, _) => spec[field.name] = live,
            (Some(key), Some(Json::Object(map))) if live.is_null() => drop(map.remove(&key)),
            (Some(key), Some(Json::Object(map))) => drop(map.insert(key, live)),
            (Some(_), _) => {}
        }
    }
    // What AWS does not show while something is being changed is not gone.
    let shown = live.outputs.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fresh.outputs.extend(shown.map(|(name, value)| (name.clone(), value.clone())));
    fresh
}

/// What AWS shows of a resource, reduced to what the record says rsds set: AWS's own choices and other people's tags
/// are nobody's drift, and what AWS never shows stays as recorded.
pub(super) fn managed(kind: &dyn AnyKind, recorded: &Json, live: &Json) -> Json {
    let mut spec = Map::new();
    for field in kind.fields() {
        let (was, is) = (&recorded[field.name], &live[field.name]);
        let value = match (was, is) {
            _ if field.unreadable || was.is_null() => was.clone(),
            (Json::Object(was), Json::Object(is)) if field.keyed => Json::Object(
                is.iter().filter(|(key, _)| was.contains_key(*key)).map(|(k, v)| (k.clone(), v.clone())).collect(),
            ),
            _ => is.clone(),
        };
        spec.insert(field.name.to_owned(), value);
    }
    Json::Object(spec)
}

fn fields(kind: &dyn AnyKind, entry: &Entry, fresh: &Entry) -> Vec<FieldChange> {
    let change = |field: &str, key: Option<String>, before: &Json, after: &Json| FieldChange {
        field: field.to_owned(),
        key,
        before: before.clone(),
        after: After::Known(after.clone()),
        replaces: false,
        drift: true,
        unreadable: false,
        impact: Impact::default(),
        origin: None,
    };
    let mut changes = Vec::new();
    for field in kind.fields() {
        let (before, after) = (&entry.spec[field.name], &fresh.spec[field.name]);
        match (before, after) {
            _ if before == after => {}
            (Json::Object(was), Json::Object(_)) if field.keyed => {
                let keys = was.keys().filter(|key| before[*key] != after[*key]);
                changes.extend(keys.map(|key| change(field.name, Some(key.clone()), &before[key], &after[key])));
            }
            _ => changes.push(change(field.name, None, before, after)),
        }
    }
    let outputs = fresh.outputs.iter().filter(|(name, value)| entry.outputs.get(*name) != Some(*value));
    let before = |name: &String| entry.outputs.get(name).cloned().unwrap_or_default();
    changes.extend(outputs.map(|(name, value)| change("outputs", Some(name.clone()), &before(name), value)));
    changes
}
