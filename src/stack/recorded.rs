//! Where the recorded resources stand: the VPC and the subnets in their specs.
//!
//! Called by `existing`, so that a choice once made stays, and by `outputs`. Must never ask AWS.

use crate::{
    address::Address,
    aws::ids::SubnetId,
    state::{Entry, State},
};
use std::collections::BTreeMap;

fn vpc_of(entry: &Entry) -> Option<&str> {
    entry.spec["vpc"].as_str()
}

/// Returns the VPC of the estate: the one its security groups are in.
pub(super) fn vpc(state: &State) -> Option<&str> {
    let groups = ["consumer-security-group", "producer-security-group"];
    groups.into_iter().find_map(|group| vpc_of(state.entries.get(&Address::new("networking", group))?))
}

/// Returns the subnets of `vpc` that resources were put into, each with those resources. What stands in another VPC
/// is left out: the estate is moving.
pub(super) fn subnets<'a>(state: &'a State, vpc: &str) -> BTreeMap<SubnetId, Vec<&'a Address>> {
    let moving = state.entries.values().any(|entry| vpc_of(entry).is_some_and(|other| other != vpc));
    let here = |entry: &Entry| vpc_of(entry).map_or(!moving, |of| of == vpc);
    let mut found: BTreeMap<SubnetId, Vec<&Address>> = BTreeMap::new();
    for (address, entry) in state.entries.iter().filter(|(_, entry)| here(entry)) {
        let ids = entry.spec["subnets"].as_array().into_iter().flatten();
        for id in ids.filter_map(|id| id.as_str()) {
            found.entry(id.into()).or_default().push(address);
        }
    }
    found
}

/// Tells whether a subnet is recorded as one that rsds made.
pub(super) fn is_own_subnet(state: &State, subnet: &SubnetId) -> bool {
    let mut own = state.entries.iter().filter(|(address, _)| address.component() == "networking");
    own.any(|(_, entry)| entry.id.as_ref().is_some_and(|id| id.as_str() == subnet.as_str()))
}
