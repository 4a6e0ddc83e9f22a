//! Does the region let anybody in from outside? VPC Block Public Access stands before every internet gateway, and
//! Redshift refuses what would be public behind it (aws-facts.md 6.2; 12, row 17). That there is a gateway and a route is a
//! rule of the TOML, and for networks that exist of `stack::existing`.

use super::{Case, Check};
use crate::{
    plan::Verb,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::{Ask, Fact},
    },
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "public-access", title: "what is to be public is not blocked by VPC Block Public Access", asks, run };

/// What becomes reachable from outside.
fn public<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Deed<'a>> {
    case.outline.deeds.iter().filter(|deed| match deed.doing {
        Doing::Create | Doing::Update => {
            let balancer = deed.is("elasticloadbalancing.load-balancer");
            let warehouse = deed.is("redshift.cluster") || deed.is("redshift-serverless.workgroup");
            warehouse && deed.changes("publicly_accessible") && deed.is_on("publicly_accessible")
                || balancer && deed.changes("internal") && !deed.is_on("internal")
        }
        Doing::Resume | Doing::Delete => false,
    })
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    public(case).next().map(|_| BTreeSet::from([Ask::PublicAccess]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let Some(Fact::Word(mode)) = case.facts.get(&Ask::PublicAccess) else { return Vec::new() };
    if mode == "off" {
        return Vec::new();
    }
    let told = |deed: &Deed<'_>| {
        let update = deed.doing == Doing::Update;
        let (call, key, certain) = match (deed.kind.name(), update) {
            ("redshift.cluster", false) => ("redshift:CreateCluster", "publicly_accessible", true),
            ("redshift.cluster", true) => ("redshift:ModifyCluster", "publicly_accessible", true),
            ("redshift-serverless.workgroup", false) => {
                ("redshift-serverless:CreateWorkgroup", "publicly_accessible", true)
            }
            ("redshift-serverless.workgroup", true) => {
                ("redshift-serverless:UpdateWorkgroup", "publicly_accessible", true)
            }
            // It is made, and nobody gets through.
            _ => ("", "internal", false),
        };
        Finding::error(vec![deed.address.clone()], "VPC Block Public Access keeps clients from outside out")
            .sure(certain)
            .values(format!("internet gateways are in the mode {mode}"), "off, or an exclusion for this VPC")
            .call(call)
            .by(if update { Verb::Update } else { Verb::Create })
            .key(deed.key(key))
            .help("keep it private, or have VPC Block Public Access switched off or this VPC excluded")
    };
    public(case).map(told).collect()
}
