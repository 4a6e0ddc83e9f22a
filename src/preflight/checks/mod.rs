//! The checks: each a name, the questions it needs answered, and a pure function from the answers to its findings.
//!
//! One file a topic, one list. Called by the examination. A check must never ask AWS, and never judge what the plan
//! leaves as it is.

mod addresses;
mod balancer;
mod certificates;
mod clock;
mod cost;
mod keys;
mod linked_roles;
mod names;
mod node_type;
mod offers;
mod paths;
mod permissions;
mod public_access;
mod quotas;
mod restore;
mod s3_route;
mod schemas;
mod snapshots;
mod state_bucket;
mod topic;
mod zones;

pub(super) use permissions::Need;

use super::Keeping;
use super::{
    finding::Finding,
    outline::Outline,
    survey::{Ask, Facts},
};
use crate::{config::Environment, stack::Stack, state::State};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// Everything a check looks at.
pub(super) struct Case<'a> {
    pub(super) environment: &'a Environment,
    pub(super) stack: &'a Stack,
    pub(super) state: &'a State,
    pub(super) outline: &'a Outline<'a>,
    pub(super) facts: &'a Facts,
    /// The account, twelve digits.
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// The caller's ARN as STS tells it.
    pub(super) caller: &'a str,
    /// How far AWS's clock is ahead of this machine's.
    pub(super) skew: Option<SignedDuration>,
    /// Where the state is to be kept, and what that place lacks.
    pub(super) keeping: &'a Keeping,
}

impl Case<'_> {
    /// The physical names that the state knows, and the plan takes away or replaces before it makes anything anew.
    fn freed(&self, kind: &str) -> BTreeSet<String> {
        let gone = self.outline.these(super::outline::Doing::Delete, kind);
        gone.filter_map(|deed| deed.recorded["name"].as_str().map(str::to_owned)).collect()
    }
}

/// One check.
pub(super) struct Check {
    /// Its name, in words with hyphens.
    pub(super) name: &'static str,
    /// What it makes sure of.
    pub(super) title: &'static str,
    /// The questions it needs answered, as far as they are known; `None` where the plan does not concern it.
    pub(super) asks: fn(&Case<'_>) -> Option<BTreeSet<Ask>>,
    /// What is wrong.
    pub(super) run: fn(&Case<'_>) -> Vec<Finding>,
}

/// Every check, in the order in which they are shown.
pub(super) static CHECKS: &[&Check] = &[
    &permissions::CHECK,
    &linked_roles::CHECK,
    &zones::CHECK,
    &node_type::CHECK,
    &quotas::NETWORK,
    &quotas::ENDPOINTS,
    &quotas::RULES,
    &quotas::CLUSTERS,
    &quotas::SERVERLESS,
    &quotas::BALANCERS,
    &quotas::ROLES,
    &names::CLUSTERS,
    &names::SERVERLESS,
    &names::BALANCERS,
    &names::ROLES,
    &names::ALIASES,
    &addresses::CHECK,
    &keys::CHECK,
    &topic::CHECK,
    &certificates::CHECK,
    &public_access::CHECK,
    &balancer::CHECK,
    &paths::GROUPS,
    &paths::ACLS,
    &s3_route::CHECK,
    &restore::CHECK,
    &schemas::CHECK,
    &offers::CHECK,
    &snapshots::CHECK,
    &clock::CHECK,
    &state_bucket::CHECK,
    &cost::CHECK,
];
