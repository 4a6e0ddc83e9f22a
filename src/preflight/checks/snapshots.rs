//! Has the region room for the final snapshot of a cluster (aws-facts.md 5.10; 12, row 22)? Its name is no question: the
//! deletion takes the first one that is free.

use super::{Case, Check};
use crate::{
    plan::Verb,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::Ask,
    },
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "final-snapshots", title: "there is room for final snapshots", asks, run };

/// A region keeps so many snapshots of clusters unless AWS raised it.
const DEFAULT: u64 = 700;

/// The clusters that leave a snapshot behind.
fn leaving<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Deed<'a>> {
    let deeds = case.outline.deeds.iter().filter(|deed| deed.doing == Doing::Delete);
    deeds.filter(|deed| deed.recorded["final_snapshot"] == true && deed.kind.name() == "redshift.cluster")
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    leaving(case).next().map(|_| BTreeSet::from([Ask::ClusterSnapshots, Ask::Quotas("redshift")]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let limit = case.facts.limit(&Ask::Quotas("redshift"), &["user snapshots", "snapshots", "manual snapshots"]);
    let (most, count) = (limit.unwrap_or(DEFAULT), case.facts.things(&Ask::ClusterSnapshots).len() as u64);
    if count < most {
        return Vec::new();
    }
    let told = |deed: &Deed<'_>| {
        Finding::error(vec![deed.address.clone()], "the region has no room for its final snapshot")
            .call("redshift:DeleteCluster")
            .by(Verb::Delete)
            .sure(limit.is_some())
            .values(format!("{count} manual snapshots"), format!("fewer than {most}"))
            .key(deed.key("final_snapshot"))
            .help("delete old snapshots, or have the quota raised (Service Quotas in the AWS console)")
    };
    leaving(case).map(told).collect()
}
