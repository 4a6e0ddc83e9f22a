//! Does anything limit what a workgroup may cost? (aws-facts.md 12, row 28.) Prices differ by region and change: none is
//! built in, so what is told is RPU-hours, which AWS bills.

use super::{Case, Check};
use crate::{
    address::Address,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::Ask,
    },
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "cost", title: "something limits what each workgroup may cost", asks, run };

const HOURS_A_DAY: u64 = 24;

fn workgroups<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Deed<'a>> {
    let deeds = case.outline.deeds.iter().filter(|deed| deed.is("redshift-serverless.workgroup"));
    deeds.filter(|deed| deed.doing != Doing::Delete && deed.changes("base_capacity"))
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    workgroups(case).next().map(|_| BTreeSet::new())
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let limits = case.stack.wanted.values().filter(|wanted| wanted.kind.name() == "redshift-serverless.usage-limit");
    let limited: BTreeSet<Address> =
        limits.flat_map(|limit| limit.references()).map(|reference| reference.address).collect();
    let open: Vec<&Deed<'_>> =
        workgroups(case).filter(|deed| !deed.has("max_capacity") && !limited.contains(deed.address)).collect();
    let Some(first) = open.first() else { return Vec::new() };
    let base: u64 = open.iter().map(|deed| deed.number("base_capacity")).sum();
    vec![
        Finding::error(
            open.iter().map(|deed| deed.address.clone()).collect(),
            "nothing limits what it may cost: it has neither a max_capacity nor a usage limit",
        )
        .sure(false)
        .values(
            format!(
                "{base} RPUs of base capacity in all, {} RPU-hours for each day of work, and more under load",
                base.saturating_mul(HOURS_A_DAY)
            ),
            "a limit",
        )
        .key(first.key("max_capacity"))
        .help("max_capacity = 64, or usage_limit = { period = \"daily\", rpu_hours = 100 }"),
    ]
}
