//! Will the load balancer serve its targets? It needs a security group from the start, and every zone that a consumer
//! may have an address in; else those targets stay `unused` (aws-facts.md 7.1, 7.4; 12, row 18).

use super::{Case, Check};
use crate::{
    kind::Tree,
    preflight::{finding::Finding, outline::Deed, survey::Ask},
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check = Check {
    name: "load-balancer",
    title: "the load balancer has a security group, and the zones of its consumers",
    asks,
    run,
};

const BALANCER: &str = "elasticloadbalancing.load-balancer";

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    case.outline.creates(BALANCER).then(BTreeSet::new)
}

/// The subnets of a resource: references and ids, as they stand in the draft.
fn subnets(tree: Option<&Tree>) -> Vec<&Tree> {
    match tree {
        Some(Tree::List(items)) => items.iter().collect(),
        _ => Vec::new(),
    }
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    case.outline.creations(BALANCER).flat_map(|deed| of_balancer(case, deed)).collect()
}

fn of_balancer(case: &Case<'_>, deed: &Deed<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(wanted) = case.stack.wanted.get(deed.address) else { return found };
    if !deed.has("security_groups") {
        let problem = "it would have no security group, and can never get one later";
        found.push(
            Finding::error(vec![deed.address.clone()], problem)
                .values("none", "at least one")
                .call("elasticloadbalancing:SetSecurityGroups")
                .key(deed.key("security_groups"))
                .help("leave out the override of security_groups"),
        );
    }
    let own = subnets(wanted.spec.get("subnets"));
    let targets = case.stack.wanted.iter().filter(|(_, wanted)| wanted.kind.name() == "elasticloadbalancing.targets");
    for (address, target) in targets {
        let consumers = target.references().into_iter().map(|of| of.address);
        let beyond: BTreeSet<String> = consumers
            .filter_map(|consumer| case.stack.wanted.get(&consumer))
            .flat_map(|consumer| subnets(consumer.spec.get("subnets")))
            .filter(|subnet| !own.contains(subnet))
            .map(|subnet| match subnet {
                Tree::Ref(of) => of.address.to_string(),
                Tree::Leaf(id) => id.as_str().unwrap_or_default().to_owned(),
                Tree::List(_) | Tree::Map(_) => String::new(),
            })
            .collect();
        if beyond.is_empty() {
            continue;
        }
        let subnets = beyond.into_iter().collect::<Vec<_>>().join(", ");
        found.push(
            Finding::error(vec![address.clone()], "the load balancer is not in every zone of this consumer")
                .sure(false)
                .values(format!("{} is not in {subnets}", deed.address), "the subnets of its consumers")
                .call("elasticloadbalancing:RegisterTargets")
                .key(deed.key("subnets"))
                .help("give both the same subnets: targets in other zones get no connections"),
        );
    }
    found
}
