//! Can the key that the TOML names encrypt warehouses, or copies of their snapshots? (aws-facts.md 3; 12, row 15: enabled,
//! symmetric, of the region it encrypts in.)

use super::{Case, Check};
use crate::preflight::{
    finding::Finding,
    outline::{Deed, Doing},
    survey::{Ask, Fact},
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check = Check {
    name: "keys",
    title: "keys that exist can encrypt: enabled, symmetric, of the region they encrypt in",
    asks,
    run,
};

/// What is made, or changes, with a key that is not the estate's own.
fn users<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, String)> {
    let deeds = case.outline.deeds.iter().filter(|deed| matches!(deed.doing, Doing::Create | Doing::Update));
    let deeds = deeds.filter(|deed| deed.changes("kms_key") && deed.refers_to("kms_key").is_empty());
    deeds.filter_map(|deed| Some((deed, deed.text("kms_key")?)))
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let asks: BTreeSet<Ask> = users(case).map(|(_, key)| Ask::Key(key)).collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let told = |(deed, key): (&Deed<'_>, String)| {
        // What lies in another region says so.
        let there = deed.text("region");
        let region = format!(":{}:", there.as_deref().unwrap_or(case.region));
        let (problem, found, needed, help) = match case.facts.get(&Ask::Key(key.clone()))? {
            Fact::Nothing => (
                "there is no such key",
                format!("{key} is not there"),
                "a key that exists",
                "name another key, or none: rsds then makes one",
            ),
            Fact::Key { state, symmetric: true, arn } if state == "Enabled" && arn.contains(&region) => {
                return None;
            }
            Fact::Key { arn, .. } if !arn.contains(&region) => match there {
                None => (
                    "the key is in another region",
                    arn.clone(),
                    "a key of the estate's region",
                    "name a key of this region",
                ),
                Some(_) => (
                    "the key is not in the region that copies go to",
                    arn.clone(),
                    "a key of that region",
                    "name a key of that region, or none: Redshift then takes its own",
                ),
            },
            Fact::Key { symmetric: false, arn, .. } => (
                "the key cannot encrypt data: it is not symmetric",
                arn.clone(),
                "a symmetric key",
                "name a key of the spec SYMMETRIC_DEFAULT",
            ),
            Fact::Key { state, arn, .. } => (
                "the key cannot be used as it is",
                format!("{arn} is {state}"),
                "a key that is Enabled",
                "enable it (aws kms cancel-key-deletion, aws kms enable-key), or name another",
            ),
            _ => return None,
        };
        if there.is_some() {
            let call = match deed.is("redshift.snapshot-copy-grant") {
                true => "redshift:CreateSnapshotCopyGrant",
                false => "redshift-serverless:CreateSnapshotCopyConfiguration",
            };
            let finding = Finding::error(vec![deed.address.clone()], problem).values(found, needed);
            let finding = finding.call(call).by(crate::plan::Verb::Create);
            return Some(finding.key("producer.snapshot_copy.kms_key_arn").help(help));
        }
        let (call, verb) = match (deed.is("redshift.cluster"), deed.doing) {
            (true, Doing::Create) => ("redshift:CreateCluster", crate::plan::Verb::Create),
            (true, _) => ("redshift:ModifyCluster", crate::plan::Verb::Update),
            (false, Doing::Create) => ("redshift-serverless:CreateNamespace", crate::plan::Verb::Create),
            (false, _) => ("redshift-serverless:UpdateNamespace", crate::plan::Verb::Update),
        };
        let finding = Finding::error(vec![deed.address.clone()], problem).values(found, needed);
        Some(finding.call(call).by(verb).key("producer.kms_key_arn").help(help))
    };
    users(case).filter_map(told).collect()
}
