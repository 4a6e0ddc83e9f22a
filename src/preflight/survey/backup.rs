//! Questions about what a warehouse can be made from.
//!
//! Called by `Ask::answer`. Must only ever read.

use super::Fact;
use crate::aws::{
    Aws, Fault,
    cluster_restore::account,
    fault::{Called, found},
    redshift::AWS_OWNED_KEY,
};

const CLUSTERS: &str = "redshift:DescribeClusterSnapshots";
const SERVERLESS: &str = "redshift-serverless:GetSnapshot";
/// The most snapshots on one page.
const PAGE: i32 = 100;

/// What a warehouse can be made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::preflight) struct Backup {
    /// Its name.
    pub(in crate::preflight) name: String,
    /// `available` when it can be restored.
    pub(in crate::preflight) status: String,
    /// The first database it holds, where AWS tells.
    pub(in crate::preflight) database: Option<String>,
    /// Its admin.
    pub(in crate::preflight) admin: Option<String>,
    /// The key it is encrypted with, if that is not AWS's own.
    pub(in crate::preflight) key: Option<String>,
    /// The cluster that it goes with, if AWS took it by itself.
    pub(in crate::preflight) dies_with: Option<String>,
}

fn is_serverless(arn: Option<&str>) -> bool {
    arn.is_some_and(|arn| arn.contains(":redshift-serverless:"))
}

/// The action that the question needs.
pub(super) fn action(arn: Option<&str>) -> &'static str {
    if is_serverless(arn) { SERVERLESS } else { CLUSTERS }
}

/// The snapshots that a cluster can be made from; by its ARN that of a namespace, too.
pub(super) async fn of_clusters(aws: &Aws, arn: Option<&str>) -> Result<Fact, Fault> {
    if is_serverless(arn) {
        let call = aws.serverless.get_snapshot().set_snapshot_arn(arn.map(str::to_owned));
        let answer = found(call.send().called(SERVERLESS).await)?;
        let one = answer.and_then(|answer| answer.snapshot).map(|shown| Backup {
            name: shown.snapshot_name.unwrap_or_default(),
            status: shown.status.map(|status| status.as_str().to_lowercase()).unwrap_or_default(),
            admin: shown.admin_username,
            key: shown.kms_key_id.filter(|key| key != AWS_OWNED_KEY),
            ..Backup::default()
        });
        return Ok(Fact::Backups(one.into_iter().collect()));
    }
    let theirs = arn.and_then(account).filter(|account| *account != aws.account).map(str::to_owned);
    let call = aws.redshift.describe_cluster_snapshots().max_records(PAGE);
    let call = call.set_snapshot_arn(arn.map(str::to_owned)).set_owner_account(theirs);
    let pages = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let all = found(pages.called(CLUSTERS).await)?.unwrap_or_default();
    let one = |shown: aws_sdk_redshift::types::Snapshot| Backup {
        name: shown.snapshot_identifier.unwrap_or_default(),
        status: shown.status.unwrap_or_default(),
        database: shown.db_name,
        admin: shown.master_username,
        key: shown.kms_key_id.filter(|key| key != AWS_OWNED_KEY),
        dies_with: shown.cluster_identifier.filter(|_| shown.snapshot_type.as_deref() == Some("automated")),
    };
    Ok(Fact::Backups(all.into_iter().map(one).collect()))
}
