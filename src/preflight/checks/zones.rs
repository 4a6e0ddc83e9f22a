//! Zones that exist and work, for the subnets to be (aws-facts.md 12, row 5). Which zones Redshift Serverless has no
//! API tells: three or more are asked for by the rules of the TOML.

use super::{Case, Check};
use crate::preflight::{
    finding::Finding,
    survey::{Ask, Fact},
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "zones", title: "the zones of new subnets are there and available", asks, run };

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    case.outline.creates("ec2.subnet").then(|| BTreeSet::from([Ask::Zones]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let Some(Fact::Zones(zones)) = case.facts.get(&Ask::Zones) else { return Vec::new() };
    let usable: Vec<&str> = zones.iter().filter(|(_, usable)| usable.is_ok()).map(|(name, _)| name.as_str()).collect();
    let told = |deed: &crate::preflight::outline::Deed<'_>| {
        let zone = deed.text("zone")?;
        let (problem, found) = match zones.get(&zone) {
            Some(Ok(())) => return None,
            Some(Err(state)) => ("its zone is not available", format!("{zone} is {state}")),
            None => ("there is no such zone", zone),
        };
        Some(
            Finding::error(vec![deed.address.clone()], problem)
                .values(found, format!("one of {}", usable.join(", ")))
                .call("ec2:CreateSubnet")
                .key("networking.availability_zones")
                .help("name zones that are available: availability_zones = [...]"),
        )
    };
    case.outline.creations("ec2.subnet").filter_map(told).collect()
}
