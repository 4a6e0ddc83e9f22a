//! Snapshots that a person takes, and the list of those there are.
//!
//! Called by `rsds snapshot`: not a kind, because a backup outlives the estate it is of and no apply may delete it. It carries
//! the TOML's tags and none of rsds's own. Must never take one under a name that is taken, nor take it twice.

use super::{
    Aws, Class, Fault,
    fault::{Called, found},
    redshift, serverless,
};
use crate::kind::Tags;
use aws_smithy_types::{DateTime, date_time::Format};
use std::time::Duration;

const OF_CLUSTER: &str = "redshift:CreateClusterSnapshot";
const OF_NAMESPACE: &str = "redshift-serverless:CreateSnapshot";
const LIST_OF_CLUSTER: &str = "redshift:DescribeClusterSnapshots";
const LIST_OF_NAMESPACE: &str = "redshift-serverless:ListSnapshots";

/// IAM actions of taking snapshots and listing them.
pub const ACTIONS: [&str; 6] = [
    LIST_OF_CLUSTER,
    LIST_OF_NAMESPACE,
    OF_CLUSTER,
    OF_NAMESPACE,
    "redshift:CreateTags",
    "redshift-serverless:TagResource",
];

/// The pause between two looks at one that is being taken.
const BETWEEN: Duration = Duration::from_secs(10);
/// How long after a call its effect may not show yet.
const UNSEEN: Duration = Duration::from_secs(60);
/// How long a call that AWS does not take is sent again.
const PATIENCE: Duration = Duration::from_mins(15);
/// How long one may take; it goes on without us.
const LONGEST: Duration = Duration::from_hours(6);

/// What holds the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A cluster, by its identifier.
    Cluster(String),
    /// A namespace, by its name.
    Namespace(String),
}

/// A snapshot there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Its status, in lower case: `available` when it can be restored.
    pub status: String,
    /// When it was taken, in UTC.
    pub created: String,
    /// How many days it is kept; none is for ever.
    pub days: Option<i32>,
    /// Whether AWS takes such by itself; they go with their cluster.
    pub automated: bool,
}

impl Snapshot {
    /// Tells whether it can be restored.
    fn is_available(&self) -> bool {
        self.status == "available"
    }
}

impl Holder {
    /// Its name, with which the names of its snapshots may begin.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Cluster(name) | Self::Namespace(name) => name,
        }
    }

    const fn call(&self) -> &'static str {
        match self {
            Self::Cluster(_) => OF_CLUSTER,
            Self::Namespace(_) => OF_NAMESPACE,
        }
    }

    async fn take(&self, aws: &Aws, name: &str, days: Option<i32>, tags: &Tags) -> Result<(), Fault> {
        match self {
            Self::Cluster(cluster) => {
                let call = aws.redshift.create_cluster_snapshot().cluster_identifier(cluster).snapshot_identifier(name);
                let call = call.set_manual_snapshot_retention_period(days).set_tags(Some(redshift::tag_list(tags)));
                call.send().called(OF_CLUSTER).await.map(drop)
            }
            Self::Namespace(namespace) => {
                let call = aws.serverless.create_snapshot().namespace_name(namespace).snapshot_name(name);
                let call = call.set_retention_period(days).set_tags(Some(serverless::tag_list(tags)?));
                call.send().called(OF_NAMESPACE).await.map(drop)
            }
        }
    }
}

fn time(at: Option<DateTime>) -> String {
    at.and_then(|at| at.fmt(Format::DateTime).ok()).unwrap_or_default()
}

/// AWS says -1 for ever.
fn kept(days: Option<i32>) -> Option<i32> {
    days.filter(|days| *days > 0)
}

/// Lists the snapshots of a warehouse, and of its predecessors of that name, oldest first.
pub async fn list(aws: &Aws, of: &Holder) -> Result<Vec<Snapshot>, Fault> {
    let mut all: Vec<Snapshot> = match of {
        Holder::Cluster(name) => {
            let call = aws.redshift.describe_cluster_snapshots().cluster_identifier(name).max_records(redshift::PAGE);
            let pages = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>();
            let all = found(pages.called(LIST_OF_CLUSTER).await)?.unwrap_or_default();
            let one = |shown: aws_sdk_redshift::types::Snapshot| Snapshot {
                name: shown.snapshot_identifier.unwrap_or_default(),
                status: shown.status.unwrap_or_default(),
                created: time(shown.snapshot_create_time),
                days: kept(shown.manual_snapshot_retention_period),
                automated: shown.snapshot_type.as_deref() == Some("automated"),
            };
            all.into_iter().map(one).collect()
        }
        Holder::Namespace(name) => {
            let pages = aws.serverless.list_snapshots().namespace_name(name).into_paginator().items().send();
            let pages = pages.collect::<Result<Vec<_>, _>>();
            let all = found(pages.called(LIST_OF_NAMESPACE).await)?.unwrap_or_default();
            let one = |shown: aws_sdk_redshiftserverless::types::Snapshot| Snapshot {
                name: shown.snapshot_name.unwrap_or_default(),
                status: shown.status.map(|status| status.as_str().to_lowercase()).unwrap_or_default(),
                created: time(shown.snapshot_create_time),
                days: kept(shown.snapshot_retention_period),
                automated: false,
            };
            all.into_iter().map(one).collect()
        }
    };
    all.sort_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name)));
    Ok(all)
}

/// Takes a snapshot and waits until it can be restored. It is kept for so many days, or for ever.
///
/// Errors: the name is taken; what AWS refuses; that it fails; that it has not ended after six hours.
pub async fn create(aws: &Aws, of: &Holder, name: &str, days: Option<i32>, tags: &Tags) -> Result<Snapshot, Fault> {
    let clock = aws.traffic.clock();
    let fault = |class, code, message| Fault::of(class, of.call(), code, message);
    let look = async || Ok::<_, Fault>(list(aws, of).await?.into_iter().find(|shown| shown.name == name));
    let (since, mut sent) = (clock.elapsed(), None);
    // One that is still being taken is that of a run that was cut off, which this one goes on with.
    let mut shown = look().await?;
    if shown.as_ref().is_some_and(Snapshot::is_available) {
        return Err(fault(Class::Exists, "SnapshotExists", format!("there is a snapshot {name} already")));
    }
    loop {
        let now = clock.elapsed();
        match shown {
            Some(shown) if shown.is_available() => return Ok(shown),
            Some(Snapshot { status, .. }) if matches!(status.as_str(), "failed" | "cancelled" | "deleted") => {
                return Err(fault(Class::Invalid, "SnapshotFailed", format!("the snapshot {name} is {status}")));
            }
            None if sent.is_none_or(|sent| now.saturating_sub(sent) > UNSEEN) => {
                match of.take(aws, name, days, tags).await {
                    Ok(()) => sent = Some(now),
                    // It may have landed though nobody heard, or has to wait for another operation: the next look tells.
                    Err(fault) if fault.class.passes() && now.saturating_sub(since) < PATIENCE => {}
                    Err(fault) => return Err(fault),
                }
            }
            Some(_) | None => {}
        }
        if now.saturating_sub(since) > LONGEST {
            let slow = format!("after six hours the snapshot {name} is still being taken");
            return Err(fault(Class::Busy, "NotSettled", slow));
        }
        clock.sleep(BETWEEN).await;
        shown = look().await?;
    }
}
