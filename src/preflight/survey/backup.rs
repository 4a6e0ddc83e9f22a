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
const LIST: &str = "redshift-serverless:ListSnapshots";
const NAMESPACES: &str = "redshift-serverless:ListNamespaces";
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

/// Where to look for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::preflight) enum Source {
    /// Among the snapshots of clusters.
    Clusters,
    /// Among those of namespaces.
    Namespaces,
    /// Under its ARN.
    Arn(String),
}

impl Source {
    /// The action that the question needs.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Arn(arn) if !arn.contains(":redshift-serverless:") => CLUSTERS,
            Self::Arn(_) => SERVERLESS,
            Self::Clusters => CLUSTERS,
            Self::Namespaces => LIST,
        }
    }

    pub(super) async fn backups(&self, aws: &Aws) -> Result<Fact, Fault> {
        let backups = match self {
            Self::Arn(arn) if self.action() == CLUSTERS => of_clusters(aws, Some(arn)).await?,
            Self::Clusters => of_clusters(aws, None).await?,
            Self::Arn(arn) => of_namespaces(aws, Some(arn)).await?,
            Self::Namespaces => of_namespaces(aws, None).await?,
        };
        Ok(Fact::Backups(backups))
    }
}

async fn of_clusters(aws: &Aws, arn: Option<&str>) -> Result<Vec<Backup>, Fault> {
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
    Ok(all.into_iter().map(one).collect())
}

/// A snapshot of a namespace does not tell its first database; the namespace does, while it stands.
async fn of_namespaces(aws: &Aws, arn: Option<&str>) -> Result<Vec<Backup>, Fault> {
    let snapshots = async {
        let Some(arn) = arn else {
            let pages = aws.serverless.list_snapshots().into_paginator().items().send();
            return pages.collect::<Result<Vec<_>, _>>().called(LIST).await;
        };
        let answer = found(aws.serverless.get_snapshot().snapshot_arn(arn).send().called(SERVERLESS).await)?;
        Ok(answer.and_then(|answer| answer.snapshot).into_iter().collect())
    };
    let namespaces = async {
        let pages = aws.serverless.list_namespaces().into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().called(NAMESPACES).await
    };
    let (snapshots, namespaces) = tokio::try_join!(snapshots, namespaces)?;
    let one = |shown: aws_sdk_redshiftserverless::types::Snapshot| {
        let of = namespaces.iter().find(|of| of.namespace_arn == shown.namespace_arn);
        Backup {
            name: shown.snapshot_name.unwrap_or_default(),
            status: shown.status.map(|status| status.as_str().to_lowercase()).unwrap_or_default(),
            database: of.and_then(|of| of.db_name.clone()).filter(|name| !name.is_empty()),
            admin: shown.admin_username,
            key: shown.kms_key_id.filter(|key| key != AWS_OWNED_KEY),
            dies_with: None,
        }
    };
    Ok(snapshots.into_iter().map(one).collect())
}
