//! Kind `redshift.logging`: the logs a provisioned cluster sends to CloudWatch.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never send them to a bucket: log groups are made, kept
//! and found by the same rules as those of serverless warehouses.

use super::{
    Aws, Fault, Look, cluster,
    fault::{Called, found},
    ids::ClusterName,
    lookup::{asks, place},
    named,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use aws_sdk_redshift::types::LogDestinationType;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The logging of one cluster. Its id is the cluster's identifier.
pub struct ClusterLogging;

/// What the logging of a cluster is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ClusterLoggingSpec<S: Stage> {
    /// The cluster.
    pub cluster: S::In<ClusterName>,
    /// The logs: `connectionlog`, `useractivitylog`, `userlog`. Empty when they go to a bucket.
    pub log_exports: BTreeSet<String>,
}

crate::outputs!(ClusterLogging =>
    /// Logging offers nothing to others.
    ClusterLoggingOutputs {
        at_once {}
        ready {}
    }
);

impl ClusterLogging {
    async fn one(aws: &Aws, cluster: &str) -> Result<Option<Live<Self>>, Fault> {
        let call = aws.redshift.describe_logging_status().cluster_identifier(cluster);
        let answer = found(call.send().called("redshift:DescribeLoggingStatus").await)?;
        let Some(status) = answer.filter(|status| status.logging_enabled() == Some(true)) else { return Ok(None) };
        let log_exports = match status.bucket_name() {
            Some(bucket) if !bucket.is_empty() => BTreeSet::new(),
            _ => status.log_exports().iter().cloned().collect(),
        };
        let spec = ClusterLoggingSpec { cluster: cluster.into(), log_exports };
        let outputs = ClusterLoggingOutputs {};
        Ok(Some(Live { id: Id(cluster.to_owned()), spec, outputs, readiness: Readiness::Ready }))
    }

    /// Brings the logging about, whatever it was before: the call sets all of it.
    async fn enable(aws: &Aws, spec: &ClusterLoggingSpec<Known>) -> Result<(), Fault> {
        let cluster = spec.cluster.as_str();
        let call = aws.redshift.enable_logging().cluster_identifier(cluster);
        let call = call.log_destination_type(LogDestinationType::Cloudwatch);
        let call = call.set_log_exports(Some(spec.log_exports.iter().cloned().collect()));
        match call.send().called("redshift:EnableLogging").await {
            Ok(_) => Ok(()),
            Err(fault) => Err(cluster::refused(aws, cluster, fault).await),
        }
    }
}

impl Kind for ClusterLogging {
    const NAME: &'static str = "redshift.logging";
    const FIELDS: &'static [Field] = &[Field::replaces("cluster").follows(), Field::updates("log_exports").security()];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeLoggingStatus"],
        create: &["redshift:EnableLogging", "redshift:DescribeClusters"],
        update: &["redshift:EnableLogging", "redshift:DescribeClusters"],
        delete: &["redshift:DisableLogging", "redshift:DescribeClusters"],
    };
    const TYPICAL: Typical = Typical { create: 5, update: 5, delete: 5 };
    const SETTLES: bool = false;
    const TAGGED: bool = false;
    const GUARDS: bool = true;
    const KEY: &'static [&'static str] = &["cluster"];
    const NAMED_BY: &'static str = "the cluster's name or ARN";

    type Spec<S: Stage> = ClusterLoggingSpec<S>;
    type Outputs = ClusterLoggingOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "cluster:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let name =
            |question: &Which<Self>| question.id.as_ref().map_or(question.spec.cluster.to_string(), Id::to_string);
        let clusters: BTreeSet<String> = which.iter().map(name).collect();
        let live = try_join_all(clusters.iter().map(|cluster| Self::one(look, cluster))).await?;
        let same = |question: &Which<Self>, l: &Live<Self>| {
            asks(question, l.id.as_str(), question.spec.cluster == l.spec.cluster)
        };
        Ok(place(which, live.into_iter().flatten(), same))
    }

    async fn create(aws: &Aws, spec: &ClusterLoggingSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        Self::enable(aws, spec).await?;
        Ok(Created { id: Id(spec.cluster.to_string()), outputs: ClusterLoggingOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let cluster = job.id.as_str();
        match job.step.name.as_str() {
            "set log_exports" => Self::enable(aws, job.spec).await?,
            "delete" => {
                let call = aws.redshift.disable_logging().cluster_identifier(cluster);
                if let Err(fault) = found(call.send().called("redshift:DisableLogging").await) {
                    return Err(cluster::refused(aws, cluster, fault).await);
                }
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
