//! Is the snapshot there that a warehouse is to be made from, whole, and of such a warehouse? (aws-facts.md 5.3, 6.5: the
//! first database and the admin are the snapshot's, whatever is asked for.)

use super::{Case, Check};
use crate::{
    aws::cluster_restore::account,
    config::diagnostic::did_you_mean,
    preflight::{
        finding::Finding,
        outline::Deed,
        survey::{Ask, Backup, Fact, Source},
    },
};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "restore", title: "what warehouses are made from is there and fits", asks, run };

const CLUSTER: &str = "redshift.cluster";
const NAMESPACE: &str = "redshift-serverless.namespace";

/// What is made from something, and from what.
fn restored<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, String)> {
    let deeds = [CLUSTER, NAMESPACE].into_iter().flat_map(|kind| case.outline.creations(kind));
    deeds.filter_map(|deed| Some((deed, deed.text("snapshot")?)))
}

fn ask(deed: &Deed<'_>, snapshot: &str) -> Ask {
    let listed = if deed.is(NAMESPACE) { Source::Namespaces } else { Source::Clusters };
    Ask::Backups(account(snapshot).map_or(listed, |_| Source::Arn(snapshot.to_owned())))
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let key = |deed: &Deed<'_>, snapshot: &str| Some(Ask::Key(backup(case, deed, snapshot)?.key.clone()?));
    let asks = restored(case).flat_map(|(deed, snapshot)| [Some(ask(deed, &snapshot)), key(deed, &snapshot)]);
    let asks: BTreeSet<Ask> = asks.flatten().collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    restored(case).flat_map(|(deed, snapshot)| wrong(case, deed, &snapshot)).collect()
}

fn backups<'a>(case: &'a Case<'_>, deed: &Deed<'_>, snapshot: &str) -> &'a [Backup] {
    match case.facts.get(&ask(deed, snapshot)) {
        Some(Fact::Backups(backups)) => backups,
        _ => &[],
    }
}

/// The one that is meant.
fn backup<'a>(case: &'a Case<'_>, deed: &Deed<'_>, snapshot: &str) -> Option<&'a Backup> {
    backups(case, deed, snapshot).iter().find(|backup| account(snapshot).is_some() || backup.name == snapshot)
}

fn wrong(case: &Case<'_>, deed: &Deed<'_>, snapshot: &str) -> Vec<Finding> {
    let call = match deed.is(NAMESPACE) {
        true => "redshift-serverless:RestoreFromSnapshot",
        false => "redshift:RestoreFromClusterSnapshot",
    };
    let error =
        |problem: &str, key: &str| Finding::error(vec![deed.address.clone()], problem).call(call).key(deed.key(key));
    let backups = backups(case, deed, snapshot);
    let Some(backup) = backup(case, deed, snapshot) else {
        let near = did_you_mean(snapshot, backups.iter().map(|backup| backup.name.as_str()));
        let help = near.unwrap_or_else(|| "rsds snapshot list shows what there is of this estate".to_owned());
        let found = format!("no snapshot `{snapshot}`");
        let finding = error("the snapshot that it is to be made from is not there", "snapshot");
        return vec![finding.values(found, "a snapshot of this region").help(help)];
    };
    let mut findings = Vec::new();
    if backup.status != "available" {
        let finding = error("the snapshot that it is to be made from is not whole", "snapshot");
        let found = format!("{} is {}", backup.name, backup.status);
        findings.push(finding.values(found, "a snapshot that is available").help("wait until it is, or name another"));
    }
    if backup.dies_with.as_ref().is_some_and(|cluster| case.freed(CLUSTER).contains(cluster)) {
        let finding = error("the snapshot that it is to be made from goes with the cluster it replaces", "snapshot");
        let found = format!("{}, which AWS took by itself", backup.name);
        let help = "take one that stays: rsds snapshot create; or name another";
        findings.push(finding.values(found, "a snapshot that somebody took").help(help));
    }
    if let Some(finding) = backup.key.as_ref().and_then(|key| unreadable(case, key, error)) {
        findings.push(finding);
    }
    for (field, word, holds) in
        [("database", "first database", &backup.database), ("admin_username", "admin", &backup.admin)]
    {
        let (Some(holds), Some(asked)) = (holds, deed.text(field)) else { continue };
        if *holds != asked {
            let finding = error(&format!("the {word} of what it is made from has another name"), field);
            let key = deed.key(field);
            findings.push(finding.values(holds, &asked).help(format!("write `{key} = \"{holds}\"`")));
        }
    }
    findings
}

/// What keeps the key of a backup from being used.
fn unreadable(case: &Case<'_>, key: &str, error: impl Fn(&str, &str) -> Finding) -> Option<Finding> {
    let found = match case.facts.get(&Ask::Key(key.to_owned()))? {
        Fact::Key { state, .. } if state == "Enabled" => return None,
        Fact::Key { state, .. } => format!("{key} is {state}"),
        Fact::Nothing => format!("{key} is not there"),
        _ => return None,
    };
    let finding = error("what it is made from is encrypted with a key that cannot be used", "snapshot");
    let help = format!(
        "aws kms cancel-key-deletion --key-id {key} and then aws kms enable-key --key-id {key}, as long as AWS still has it"
    );
    Some(finding.values(found, "a key that is Enabled").help(help))
}
