//! Is the node type offered, in the zones of the cluster's subnets? (aws-facts.md 12, row 6; how many nodes there may be
//! is a rule of the TOML.)

use super::{Case, Check};
use crate::preflight::{
    finding::Finding,
    outline::{Deed, Doing},
    survey::Ask,
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "node-type", title: "the node type of the cluster is offered where it is to be", asks, run };

fn clusters<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, String)> {
    let deeds = case.outline.deeds.iter().filter(|deed| deed.is("redshift.cluster") && deed.doing != Doing::Delete);
    deeds.filter(|deed| deed.changes("node_type")).filter_map(|deed| Some((deed, deed.text("node_type")?)))
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let asks: BTreeSet<Ask> = clusters(case).map(|(_, name)| Ask::NodeType(name)).collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    // The zones of subnets that exist are not in the graph: then any zone will do here.
    let zones: BTreeSet<String> = case
        .stack
        .wanted
        .values()
        .filter(|wanted| wanted.kind.name() == "ec2.subnet")
        .filter_map(|wanted| match wanted.spec.get("zone") {
            Some(crate::kind::Tree::Leaf(zone)) => zone.as_str().map(str::to_owned),
            _ => None,
        })
        .collect();
    let told = |(deed, name): (&Deed<'_>, String)| {
        let size = if deed.number("node_count") > 1 { "multi-node" } else { "single-node" };
        let offers = case.facts.things(&Ask::NodeType(name.clone()));
        let fit: Vec<&str> = offers.iter().filter(|offer| offer.of == size).map(|offer| offer.name.as_str()).collect();
        if fit.iter().any(|zone| zones.is_empty() || zones.contains(*zone)) {
            return None;
        }
        let (found, needed) = match fit.as_slice() {
            [] => (format!("no offer of {name} ({size}) in {}", case.region), "a node type that is offered".to_owned()),
            _ => (
                format!("{name} in {}", fit.join(", ")),
                format!("one of {}", zones.iter().cloned().collect::<Vec<_>>().join(", ")),
            ),
        };
        let (call, verb) = match deed.doing {
            Doing::Create => ("redshift:CreateCluster", crate::plan::Verb::Create),
            _ => ("redshift:ResizeCluster", crate::plan::Verb::Update),
        };
        Some(
            Finding::error(vec![deed.address.clone()], "its node type cannot be had here")
                .values(found, needed)
                .call(call)
                .by(verb)
                .key(deed.key("node_type"))
                .help("aws redshift describe-orderable-cluster-options lists what there is"),
        )
    };
    clusters(case).filter_map(told).collect()
}
