//! Data that is gone, and names that somebody else has now: errors that say what can be done about it, never a silent
//! re-creation.
//!
//! Called by `decide`, `refresh` and `drift`. Must never let an apply make anew what held data, or what data is
//! unreadable without, unless `--replace` gives it up.

use super::PlanError;
use crate::{
    address::Address,
    aws::tags,
    kind::{AnyKind, AnyLive},
    state::{Entry, State},
};

/// Tells whether the loss of a recorded resource is a loss of data: it held some, or what holds some was encrypted by it.
pub(super) fn holds(kind: &dyn AnyKind, state: &State, address: &Address) -> bool {
    kind.holds_data() || kind.keeps_data_readable() && encrypted_by(state, address).next().is_some()
}

/// What holds data and is encrypted by a key.
fn encrypted_by<'a>(state: &'a State, key: &'a Address) -> impl Iterator<Item = &'a Address> {
    let holds = |entry: &Entry| crate::aws::kind(&entry.kind).is_some_and(|kind| kind.holds_data());
    let needs = |entry: &Entry| entry.depends_on.iter().any(|d| d.on == *key && d.order_only.is_none());
    state.entries.iter().filter(move |(_, entry)| holds(entry) && needs(entry)).map(|(address, _)| address)
}

/// Says that something else has the name of what is gone: it is neither taken over, nor changed, nor in the way of a creation
/// that would fail half-way.
pub(super) fn foreign(kind: &dyn AnyKind, address: &Address, other: &AnyLive) -> PlanError {
    let (id, tags) = (&other.id, tags::of_spec(&other.spec));
    let shown: Vec<String> = tags.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let whose = match (kind.tagged(), shown.is_empty()) {
        (false, _) => "is not the one that rsds made".to_owned(),
        (true, true) => "is not this environment's: it has no tags".to_owned(),
        (true, false) => format!("is not this environment's; its tags: {}", shown.join(", ")),
    };
    PlanError {
        address: Some(address.clone()),
        message: format!("{address} is gone, and {id} has its {} and {whose}", kind.key().join(" and ")),
        help: format!(
            "to take it over: rsds import {address} {id}; or delete it in AWS, or give it another name there, and rsds makes its \
             own again"
        ),
    }
}

/// Says what is lost, and every way on.
pub(super) fn lost(kind: &dyn AnyKind, state: &State, address: &Address, entry: &Entry) -> PlanError {
    let id = entry.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = entry.spec["name"].as_str().unwrap_or(&id);
    let what = match kind.holds_data() {
        true => "held data and is gone from AWS".to_owned(),
        false => {
            let of: Vec<String> = encrypted_by(state, address).map(ToString::to_string).collect();
            format!("is gone from AWS, and the data of {} cannot be read without it", of.join(", "))
        }
    };
    let mut ways: Vec<String> =
        kind.recovery().iter().map(|way| way.replace("NAME", name).replace("ADDRESS", &address.to_string())).collect();
    ways.push(format!("if it lives under another id: rsds import {address} ID"));
    let instead = if kind.holds_data() { "an empty one in its place" } else { "a new one" };
    ways.push(format!("to give the data up and have {instead}: rsds apply --replace {address}"));
    if kind.holds_data() {
        ways.push(format!("to have none any more: rsds destroy --target {address}"));
    }
    PlanError { address: Some(address.clone()), message: format!("{address} {what}"), help: ways.join("; ") }
}
