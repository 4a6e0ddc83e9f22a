//! Can the final snapshot be taken? Its name must be free, and the region have room for it (aws-facts.md 5.3, 5.10; 12,
//! row 22).

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

pub(super) static CHECK: Check = Check {
    name: "final-snapshots",
    title: "names of final snapshots are free, and there is room for them",
    asks,
    run,
};

/// A region keeps so many snapshots of clusters unless AWS raised it.
const DEFAULT: u64 = 700;

/// What leaves a snapshot behind, with the list its name must not be in.
fn leaving<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, Ask)> {
    let deeds = case.outline.deeds.iter().filter(|deed| deed.doing == Doing::Delete);
    deeds.filter(|deed| deed.recorded["final_snapshot"] == true).filter_map(|deed| match deed.kind.name() {
        "redshift.cluster" => Some((deed, Ask::ClusterSnapshots)),
        "redshift-serverless.namespace" => Some((deed, Ask::ServerlessSnapshots)),
        _ => None,
    })
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let mut asks: BTreeSet<Ask> = leaving(case).map(|(_, ask)| ask).collect();
    if asks.contains(&Ask::ClusterSnapshots) {
        asks.insert(Ask::Quotas("redshift"));
    }
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let told = |(deed, ask): (&Deed<'_>, Ask)| {
        let there = case.facts.things(&ask);
        let call = match ask {
            Ask::ClusterSnapshots => "redshift:DeleteCluster",
            _ => "redshift-serverless:DeleteNamespace",
        };
        let key = deed.key("final_snapshot");
        let finding = |problem: &str| Finding::error(vec![deed.address.clone()], problem).call(call).by(Verb::Delete);
        let name = case.final_snapshot(deed);
        if let Some(name) = name.filter(|name| there.iter().any(|snapshot| snapshot.name == *name)) {
            let taken = finding("a snapshot of the name of its final one exists already");
            return Some(taken.values(format!("{name} exists"), "a free name").key(key).help(
                "an earlier run took it, and the warehouse was made anew from the same data: delete or copy that snapshot",
            ));
        }
        let limit = case.facts.limit(&Ask::Quotas("redshift"), &["user snapshots", "snapshots", "manual snapshots"]);
        let (most, count) = (limit.unwrap_or(DEFAULT), there.len() as u64);
        (ask == Ask::ClusterSnapshots && count >= most).then(|| {
            finding("the region has no room for its final snapshot")
                .sure(limit.is_some())
                .values(format!("{count} manual snapshots"), format!("fewer than {most}"))
                .key(key)
                .help("delete old snapshots, or have the quota raised (Service Quotas in the AWS console)")
        })
    };
    leaving(case).filter_map(told).collect()
}
