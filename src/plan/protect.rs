//! Keeps what `[protect]` names, and what its data needs, from being deleted or replaced.
//!
//! Called by `decide` when all actions are chosen. Must never be talked round by a flag: only the TOML key lifts it.

use super::{Action, Change, PlanError, select::Options};
use crate::{address::Address, state::State};
use std::collections::{BTreeMap, BTreeSet};

/// Returns one error for each protected resource that the plan would delete or replace.
pub(super) fn check(changes: &BTreeMap<Address, Change>, state: &State, options: &Options) -> Vec<PlanError> {
    let named = |address: &Address| options.protect.iter().find(|s| s.matches(address)).map(ToString::to_string);
    let mut errors = Vec::new();
    let keys = keys_of_protected_data(state, &|address| named(address).is_some());
    for change in changes.values() {
        let verb = match change.action {
            Action::Delete => "deleted",
            Action::Replace(_) => "replaced",
            Action::Create
            | Action::Update
            | Action::Resume
            | Action::Keep
            | Action::Forget
            | Action::Refresh
            | Action::Import
            | Action::NoOp => continue,
        };
        let address = &change.address;
        let by = match (named(address), keys.contains(address)) {
            (Some(selector), _) => format!("it is protected by `{selector}`"),
            (None, true) => "data that is protected cannot be read without it".to_owned(),
            (None, false) => continue,
        };
        errors.push(PlanError {
            address: Some(address.clone()),
            message: format!("{address} would be {verb}, and {by}"),
            help: "to lift this, set [protect] addresses = [] in the TOML, or `--set protect.addresses=[]` once".into(),
        });
    }
    errors
}

/// Returns the recorded resources that protected data is unreadable without.
fn keys_of_protected_data(state: &State, protected: &dyn Fn(&Address) -> bool) -> BTreeSet<Address> {
    let kind_of = |address: &Address| state.entries.get(address).and_then(|entry| crate::aws::kind(&entry.kind));
    let data = state
        .entries
        .iter()
        .filter(|(address, _)| protected(address) && kind_of(address).is_some_and(|kind| kind.holds_data()));
    let needs = data.flat_map(|(_, entry)| entry.depends_on.iter().map(|d| d.on.clone()));
    needs.filter(|on| kind_of(on).is_some_and(|kind| kind.keeps_data_readable())).collect()
}
