//! Picks the resources a run is about: `--target`, `--exclude`, and the closures that keep the result whole.
//!
//! Called by `decide`. Must never leave out what a selected resource needs.

use super::{PlanError, ignore::Ignore};
use crate::{
    address::{Address, Selector},
    stack::{Stack, users::secret},
    state::State,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the command line asks of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Only these, with what they need (in a destroy: with what needs them).
    pub targets: Vec<Selector>,
    /// All but these, and what cannot be without them.
    pub excludes: Vec<Selector>,
    /// Replace these even though nothing changed.
    pub replace: Vec<Selector>,
    /// Delete instead of bringing about.
    pub destroy: bool,
    /// Let the state follow AWS, and change nothing there.
    pub refresh_only: bool,
    /// Drift to leave alone, as `ignore_changes` does in the file.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
    /// Ask every warehouse what lives inside it, also those that are idle.
    #[serde(default)]
    pub refresh_sql: bool,
    /// Only what lives inside warehouses that stand.
    #[serde(default)]
    pub sql_only: bool,
    /// Change the passwords of these users, and nothing else.
    #[serde(default)]
    pub rotate: Vec<String>,
    /// What must not be deleted or replaced. The TOML says it, so a saved plan does not.
    #[serde(skip)]
    pub protect: Vec<Selector>,
}

/// Who needs whom, over the stack and the state together.
pub(super) struct Edges {
    needs: BTreeMap<Address, BTreeSet<Address>>,
    needed_by: BTreeMap<Address, BTreeSet<Address>>,
}

impl Edges {
    /// Collects the edges of the stack and, in a destroy or for what the stack no longer has, of the state.
    pub(super) fn of(stack: &Stack, state: &State) -> Self {
        let mut edges = Self { needs: BTreeMap::new(), needed_by: BTreeMap::new() };
        let wanted = stack.wanted.iter().map(|(address, wanted)| (address, wanted.depends_on()));
        let recorded = state.entries.iter().map(|(address, entry)| (address, entry.depends_on.clone()));
        for (from, edge) in wanted.chain(recorded).flat_map(|(from, deps)| deps.into_iter().map(move |d| (from, d))) {
            // What merely comes after something can live without it: a namespace does not go with its role's policy.
            if edge.order_only.is_none() {
                edges.needed_by.entry(edge.on.clone()).or_default().insert(from.clone());
            }
            edges.needs.entry(from.clone()).or_default().insert(edge.on);
        }
        edges
    }

    fn closure(start: BTreeSet<Address>, along: &BTreeMap<Address, BTreeSet<Address>>) -> BTreeSet<Address> {
        let (mut all, mut open) = (start.clone(), Vec::from_iter(start));
        while let Some(address) = open.pop() {
            for next in along.get(&address).into_iter().flatten() {
                if all.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        all
    }
}

fn matching(selectors: &[Selector], known: &BTreeSet<Address>) -> Result<BTreeSet<Address>, Vec<PlanError>> {
    let unmatched = selectors.iter().filter(|s| !known.iter().any(|address| s.matches(address)));
    let errors: Vec<PlanError> = unmatched
        .map(|selector| {
            let near = selector.near(known);
            let help =
                if near.is_empty() { "there are no resources".into() } else { format!("near: {}", near.join(", ")) };
            PlanError { address: None, message: format!("`{selector}` matches no resource"), help }
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(known.iter().filter(|address| selectors.iter().any(|s| s.matches(address))).cloned().collect())
}

/// Returns the secrets of these users that stand, and whoever logs in with them.
///
/// Errors: a user whose secret does not stand.
fn rotated(state: &State, edges: &Edges, users: &[String]) -> Result<BTreeSet<Address>, Vec<PlanError>> {
    let stands = |address: &Address| state.entries.get(address).is_some_and(|entry| entry.id.is_some());
    let (with, without): (BTreeSet<Address>, BTreeSet<Address>) =
        users.iter().map(|user| secret(user)).partition(stands);
    let error = |address: Address| PlanError {
        message: format!("{address} does not stand, so there is no password to change"),
        help: "make it first: rsds apply".to_owned(),
        address: Some(address),
    };
    if !without.is_empty() {
        return Err(without.into_iter().map(error).collect());
    }
    let logins = with.iter().flat_map(|secret| edges.needed_by.get(secret).into_iter().flatten());
    let logins: BTreeSet<Address> = logins.filter(|login| stands(login)).cloned().collect();
    Ok(with.into_iter().chain(logins).collect())
}

/// Returns the addresses the run is about, and those `--replace` names.
pub(super) fn select(
    stack: &Stack,
    state: &State,
    edges: &Edges,
    options: &Options,
) -> Result<(BTreeSet<Address>, BTreeSet<Address>), Vec<PlanError>> {
    let known: BTreeSet<Address> = stack.wanted.keys().chain(state.entries.keys()).cloned().collect();
    let (with, without) = match options.destroy {
        true => (&edges.needed_by, &edges.needs),
        false => (&edges.needs, &edges.needed_by),
    };
    let mut selected = match options.targets.is_empty() {
        true => known.clone(),
        false => Edges::closure(matching(&options.targets, &known)?, with),
    };
    // What the TOML no longer has goes only after whatever still hangs on it.
    if !options.destroy && !options.targets.is_empty() {
        let leaving = selected.iter().filter(|address| !stack.wanted.contains_key(address)).cloned().collect();
        selected.extend(Edges::closure(leaving, &edges.needed_by));
    }
    if !options.excludes.is_empty() {
        let spared = Edges::closure(matching(&options.excludes, &known)?, without);
        selected.retain(|address| !spared.contains(address));
    }
    if options.sql_only {
        let inside = |address: &Address| {
            let wanted = stack.wanted.get(address).map(|wanted| wanted.kind);
            let recorded = || state.entries.get(address).and_then(|entry| crate::aws::kind(&entry.kind));
            wanted.or_else(recorded).is_some_and(|kind| kind.inside())
        };
        let stands = |address: &Address| state.entries.get(address).is_some_and(|entry| entry.id.is_some());
        let missing = known.iter().filter(|address| !inside(address) && !stands(address)).cloned().collect();
        let spared = Edges::closure(missing, &edges.needed_by);
        selected.retain(|address| inside(address) && !spared.contains(address));
    }
    if !options.rotate.is_empty() {
        selected = rotated(state, edges, &options.rotate)?;
    }
    Ok((selected, matching(&options.replace, &known)?))
}
