//! With enhanced VPC routing, COPY and UNLOAD go through the VPC: they hang where no route leads to S3 (aws-facts.md 12,
//! row 21). For subnets that exist `stack::existing` looks at their routes.

use super::{Case, Check};
use crate::preflight::{finding::Finding, outline::Deed, survey::Ask};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "s3-route", title: "warehouses that route through the VPC reach S3", asks, run };

fn routed<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Deed<'a>> {
    let own = case.stack.wanted.values().any(|wanted| wanted.kind.name() == "ec2.route-table");
    let deeds = case.outline.deeds.iter().filter(move |_| own);
    deeds.filter(|deed| deed.changes("enhanced_vpc_routing") && deed.is_on("enhanced_vpc_routing"))
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    routed(case).next().map(|_| BTreeSet::new())
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let leads = |kind: &str| case.stack.wanted.values().any(|wanted| wanted.kind.name() == kind);
    if leads("ec2.vpc-endpoint") {
        return Vec::new();
    }
    let all: Vec<&Deed<'_>> = routed(case).collect();
    let Some(first) = all.first() else { return Vec::new() };
    // A public route is of use to what has a public address alone.
    let found =
        if leads("ec2.route") { "an internet gateway, and no S3 endpoint" } else { "no S3 endpoint and no NAT" };
    let addresses = all.iter().map(|deed| deed.address.clone()).collect();
    vec![
        Finding::error(
            addresses,
            "it routes through the VPC, and nothing there leads to S3: COPY and UNLOAD will hang",
        )
        .sure(false)
        .values(found, "an S3 gateway endpoint")
        .key(first.key("enhanced_vpc_routing"))
        .help("networking.s3_endpoint = true, or enhanced_vpc_routing = false"),
    ]
}
