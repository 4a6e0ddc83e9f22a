//! Audit logging of clusters: EnableLogging, DisableLogging, DescribeLoggingStatus.
//!
//! Called by the core, and by the logs service for what has arrived there ([`arrived_logs`]). Source: aws-facts.md 5.4.
//! The sandbox has no S3: a bucket is taken on trust, its name is not. Must never answer the destination type of S3, as
//! the service does not do so reliably.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{AwsError, LOGS_ARRIVE, Operation, Reply, Request, World, cluster, combination, invalid};

/// Kinds of log a cluster can export.
const LOGS: [&str; 3] = ["connectionlog", "useractivitylog", "userlog"];
/// Longest prefix of the objects in the bucket.
const LONGEST_PREFIX: usize = 256;

/// Where the audit logs of a cluster go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Logging {
    /// Objects in a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// What their keys begin with, if anything.
        prefix: Option<String>,
    },
    /// One log group for each kind.
    CloudWatch {
        /// The kinds.
        exports: BTreeSet<String>,
        /// When they were last switched on.
        since: Timestamp,
    },
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "EnableLogging",
        mutating: true,
        params: &["ClusterIdentifier", "BucketName", "S3KeyPrefix", "LogDestinationType", "LogExports"],
        run: enable_logging,
    },
    Operation { name: "DisableLogging", mutating: true, params: &["ClusterIdentifier"], run: disable_logging },
    Operation {
        name: "DescribeLoggingStatus",
        mutating: false,
        params: &["ClusterIdentifier"],
        run: describe_logging_status,
    },
];

/// Log groups that clusters have delivered something to by now, each with the time of the first delivery; the logs
/// service makes those that are missing, without retention.
pub fn arrived_logs(world: &World, now: Timestamp) -> Vec<(Timestamp, String)> {
    let clusters = world.redshift.clusters.values().filter(|cluster| cluster.removal.is_none());
    let arrived = clusters.filter_map(|cluster| match &cluster.logging {
        Some(Logging::CloudWatch { exports, since }) if *since + LOGS_ARRIVE <= now => {
            let named =
                |kind: &String| (*since + LOGS_ARRIVE, format!("/aws/redshift/cluster/{}/{kind}", cluster.name));
            Some(exports.iter().map(named).collect::<Vec<_>>())
        }
        _ => None,
    });
    arrived.flatten().collect()
}

fn render(logging: Option<&Logging>) -> Reply {
    match logging {
        None => json!({ "LoggingEnabled": false }),
        Some(Logging::S3 { bucket, prefix }) => {
            json!({ "LoggingEnabled": true, "BucketName": bucket, "S3KeyPrefix": prefix })
        }
        Some(Logging::CloudWatch { exports, .. }) => {
            json!({ "LoggingEnabled": true, "LogDestinationType": "cloudwatch", "LogExports": exports })
        }
    }
}

fn read(req: &Request, now: Timestamp) -> Result<Logging, AwsError> {
    let bucket = req.opt_text("BucketName")?;
    let prefix = req.opt_text("S3KeyPrefix")?.filter(|prefix| !prefix.is_empty());
    let exports = req.texts("LogExports")?;
    match req.opt_text("LogDestinationType")?.as_deref() {
        None | Some("s3") => {
            if !exports.is_empty() {
                return Err(combination("LogExports needs LogDestinationType to be cloudwatch."));
            }
            let bucket = bucket.ok_or_else(|| req.missing("BucketName"))?;
            check_bucket(&bucket)?;
            prefix.as_deref().map_or(Ok(()), check_prefix)?;
            Ok(Logging::S3 { bucket, prefix })
        }
        Some("cloudwatch") => {
            if bucket.is_some() || prefix.is_some() {
                return Err(combination("BucketName and S3KeyPrefix need LogDestinationType to be s3."));
            }
            if let Some(unknown) = exports.iter().find(|kind| !LOGS.contains(&kind.as_str())) {
                return Err(invalid(format!("The log export {unknown} is not one of {}.", LOGS.join(", "))));
            }
            if exports.is_empty() {
                return Err(req.missing("LogExports"));
            }
            Ok(Logging::CloudWatch { exports: exports.into_iter().collect(), since: now })
        }
        Some(other) => Err(invalid(format!("The log destination type {other} must be s3 or cloudwatch."))),
    }
}

fn check_bucket(bucket: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if (3..=63).contains(&bucket.len())
        && bucket.chars().all(good)
        && bucket.starts_with(edge)
        && bucket.ends_with(edge)
    {
        return Ok(());
    }
    Err(AwsError::new("InvalidS3BucketNameFault", format!("The S3 bucket name {bucket} is invalid.")))
}

fn check_prefix(prefix: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+\\-@".contains(c);
    if prefix.chars().count() <= LONGEST_PREFIX && prefix.chars().all(good) {
        return Ok(());
    }
    Err(AwsError::new("InvalidS3KeyPrefixFault", format!("The S3 key prefix {prefix} is invalid.")))
}

fn enable_logging(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    let logging = read(req, now)?;
    cluster.check_available(now)?;
    let reply = render(Some(&logging));
    cluster.logging = Some(logging);
    cluster::keep(world, cluster, now);
    Ok(reply)
}

fn disable_logging(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    cluster.check_available(now)?;
    cluster.logging = None;
    cluster::keep(world, cluster, now);
    Ok(render(None))
}

fn describe_logging_status(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    Ok(render(cluster::asked(world, req, now)?.logging.as_ref()))
}
