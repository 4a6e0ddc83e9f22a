//! Snapshots that a person takes, and the list of what there is to go back to.
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
const OF_POINT: &str = "redshift-serverless:ConvertRecoveryPointToSnapshot";
const LIST_OF_CLUSTER: &str = "redshift:DescribeClusterSnapshots";
const LIST_OF_NAMESPACE: &str = "redshift-serverless:ListSnapshots";
const LIST_OF_POINTS: &str = "redshift-serverless:ListRecoveryPoints";

/// IAM actions of taking snapshots and listing them.
pub const ACTIONS: [&str; 8] = [
    LIST_OF_CLUSTER,
    LIST_OF_NAMESPACE,
    LIST_OF_POINTS,
    OF_CLUSTER,
    OF_NAMESPACE,
    OF_POINT,
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

/// A snapshot to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many days it is to be kept; none is for ever.
    pub days: Option<i32>,
    /// Its tags.
    pub tags: &'a Tags,
    /// The recovery point it is made of, by its id; none: what is there now.
    pub point: Option<&'a str>,
}

/// A snapshot there is, or a recovery point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name; of a recovery point its id.
    pub name: String,
    /// Its status, in lower case: `available` when it can be restored.
    pub status: String,
    /// When it was taken, in UTC.
    pub created: String,
    /// How many days it is kept; none is for ever.
    pub days: Option<i32>,
    /// Whether AWS takes such by itself; they go with their warehouse.
    pub automated: bool,
    /// Whether it is a recovery point of a namespace, which AWS keeps for a day.
    pub point: bool,
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

    async fn take(&self, aws: &Aws, order: Order<'_>) -> Result<(), Fault> {
        let Order { name, days, tags, point } = order;
        match (self, point) {
            (_, Some(point)) => {
                let call = aws.serverless.convert_recovery_point_to_snapshot().recovery_point_id(point);
                let call = call.snapshot_name(name).set_retention_period(days);
                call.set_tags(Some(serverless::tag_list(tags)?)).send().called(OF_POINT).await.map(drop)
            }
            (Self::Cluster(cluster), None) => {
                let call = aws.redshift.create_cluster_snapshot().cluster_identifier(cluster).snapshot_identifier(name);
                let call = call.set_manual_snapshot_retention_period(days).set_tags(Some(redshift::tag_list(tags)));
                call.send().called(OF_CLUSTER).await.map(drop)
            }
            (Self::Namespace(namespace), None) => {
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

/// Lists what a warehouse can go back to, oldest first: the snapshots of it, and of its predecessors of that name, and the
/// recovery points of a namespace.
pub async fn list(aws: &Aws, of: &Holder) -> Result<Vec<Snapshot>, Fault> {
    let (mut all, points) = tokio::try_join!(snapshots(aws, of), points(aws, of))?;
    all.extend(points);
    all.sort_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name)));
    Ok(all)
}

async fn points(aws: &Aws, of: &Holder) -> Result<Vec<Snapshot>, Fault> {
    let Holder::Namespace(name) = of else { return Ok(Vec::new()) };
    let pages = aws.serverless.list_recovery_points().namespace_name(name).into_paginator().items().send();
    let all = found(pages.collect::<Result<Vec<_>, _>>().called(LIST_OF_POINTS).await)?.unwrap_or_default();
    let one = |shown: aws_sdk_redshiftserverless::types::RecoveryPoint| Snapshot {
        name: shown.recovery_point_id.unwrap_or_default(),
        status: "available".to_owned(),
        created: time(shown.recovery_point_create_time),
        days: Some(1),
        automated: true,
        point: true,
    };
    Ok(all.into_iter().map(one).collect())
}

async fn snapshots(aws: &Aws, of: &Holder) -> Result<Vec<Snapshot>, Fault> {
    let all: Vec<Snapshot> = match of {
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
                point: false,
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
                point: false,
            };
            all.into_iter().map(one).collect()
        }
    };
    Ok(all)
}

/// Takes a snapshot and waits until it can be restored.
///
/// Errors: the name is taken; the recovery point is not one of this warehouse; what AWS refuses; that it fails; that it has
/// not ended after six hours.
pub async fn create(aws: &Aws, of: &Holder, order: Order<'_>) -> Result<Snapshot, Fault> {
    let (clock, name) = (aws.traffic.clock(), order.name);
    let call = if order.point.is_some() { OF_POINT } else { of.call() };
    let fault = |class, code, message| Fault::of(class, call, code, message);
    let look = async || Ok::<_, Fault>(snapshots(aws, of).await?.into_iter().find(|shown| shown.name == name));
    let (since, mut sent) = (clock.elapsed(), None);
    // One that is still being taken is that of a run that was cut off, which this one goes on with.
    let mut shown = look().await?;
    if shown.as_ref().is_some_and(Snapshot::is_available) {
        return Err(fault(Class::Exists, "SnapshotExists", format!("there is a snapshot {name} already")));
    }
    if let Some(point) = order.point
        && !points(aws, of).await?.iter().any(|one| one.name == point)
    {
        let message = format!("{} has no recovery point {point} (any more): AWS keeps one for a day", of.name());
        return Err(fault(Class::NotFound, "RecoveryPointNotFound", message));
    }
    loop {
        let now = clock.elapsed();
        match shown {
            Some(shown) if shown.is_available() => return Ok(shown),
            Some(Snapshot { status, .. }) if matches!(status.as_str(), "failed" | "cancelled" | "deleted") => {
                return Err(fault(Class::Invalid, "SnapshotFailed", format!("the snapshot {name} is {status}")));
            }
            None if sent.is_none_or(|sent| now.saturating_sub(sent) > UNSEEN) => {
                match of.take(aws, order).await {
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
