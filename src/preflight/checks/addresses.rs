//! Have the estate's own subnets room for what comes into them? What a workgroup, a load balancer and a cluster want is
//! in `config::addresses`; ranges that are made anew are a rule of the TOML, subnets of others `stack::existing`'s
//! (aws-facts.md 6.2, 7.1; 12, row 11).

use super::{Case, Check};
use crate::{
    address::Address,
    config::addresses::{Want, wants, words},
    plan::Verb,
    preflight::{finding::Finding, outline::Doing, survey::Ask},
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "addresses", title: "the estate's subnets have addresses for what is made or grows", asks, run };

/// The id of the VPC that the estate has made.
fn vpc(case: &Case<'_>) -> Option<String> {
    let entry = case.state.entries.get(&Address::new("networking", "vpc"))?;
    entry.id.as_ref().map(ToString::to_string)
}

/// What takes addresses, with how many in each subnet.
fn takers(case: &Case<'_>) -> Vec<(Want, u64, Doing)> {
    let all = wants(&case.environment.config).into_iter().filter_map(|want| {
        let address = Address::new(&want.component, want.resource);
        let deed = case.outline.deeds.iter().find(|deed| *deed.address == address && deed.doing != Doing::Delete)?;
        let needed = match deed.doing {
            Doing::Create => want.create,
            _ if deed.changes("base_capacity") || deed.changes("max_capacity") => want.grow,
            _ => 0,
        };
        (needed > 0).then_some((want, needed, deed.doing))
    });
    all.collect()
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let vpc = vpc(case)?;
    (!takers(case).is_empty()).then(|| BTreeSet::from([Ask::Subnets(vpc)]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let (Some(vpc), takers) = (vpc(case), takers(case)) else { return Vec::new() };
    let needed: u64 = takers.iter().map(|(_, needed, _)| needed).sum();
    let what_for = words(takers.iter().map(|(want, needed, _)| (want, *needed)));
    let own = case.state.entries.iter().filter(|(_, entry)| entry.kind == "ec2.subnet");
    let told = |(address, entry): (&Address, &crate::state::Entry)| {
        let id = entry.id.as_ref()?.as_str();
        let subnet = case.facts.things(&Ask::Subnets(vpc.clone())).iter().find(|subnet| subnet.name == id)?;
        if subnet.amount >= needed {
            return None;
        }
        let mut sum = 0;
        let beyond = takers.iter().filter(|(_, needed, _)| {
            sum += needed;
            sum > subnet.amount
        });
        let beyond: Vec<&(Want, u64, Doing)> = beyond.collect();
        let (_, _, doing) = beyond.first()?;
        let call = match (beyond.first()?.0.resource, doing) {
            ("load-balancer", _) => "elasticloadbalancing:CreateLoadBalancer",
            ("cluster", _) => "redshift:CreateCluster",
            (_, Doing::Create) => "redshift-serverless:CreateWorkgroup",
            _ => "redshift-serverless:UpdateWorkgroup",
        };
        let addresses = beyond.iter().map(|(want, ..)| Address::new(&want.component, want.resource)).collect();
        Some(
            Finding::error(addresses, format!("{address} ({id}) has too few free addresses"))
                .values(format!("{} free", subnet.amount), format!("{needed} ({what_for})"))
                .call(call)
                .by(if *doing == Doing::Create { Verb::Create } else { Verb::Update })
                .key("networking.subnet_cidrs")
                .help("free some of them, or make fewer or smaller workgroups"),
        )
    };
    // One finding for all subnets: they are alike, and the call fails at the first.
    own.filter_map(told).take(1).collect()
}
