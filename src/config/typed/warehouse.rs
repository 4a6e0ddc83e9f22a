//! The typed configuration of warehouses: the producer and the groups of consumers. Part of `typed.rs`, which see.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// The warehouse that takes the writes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Producer {
    /// Serverless or RA3 cluster, with what only that kind has.
    pub kind: ProducerKind,
    /// Database that is created with it.
    pub database: String,
    /// Admin user; its password is never seen by rsds.
    pub admin_username: String,
    /// Who keeps the admin password.
    pub admin_password: AdminPassword,
    /// Port: 5431-5455 or 8191-8215.
    pub port: u16,
    /// COPY and UNLOAD go through the VPC.
    pub enhanced_vpc_routing: bool,
    /// Buckets (with `*`) that COPY and UNLOAD may use.
    pub s3_buckets: Vec<String>,
    /// Reachable from outside the VPC.
    pub publicly_accessible: bool,
    /// Redshift parameters by name.
    pub parameters: BTreeMap<String, String>,
    /// Take a last snapshot before it is ever deleted.
    pub final_snapshot: bool,
    /// Schedule of snapshots, `rate(...)` or `cron(...)`.
    pub snapshot_schedule: Option<String>,
    /// How long automated snapshots of a cluster, or those of a serverless producer's schedule, are kept (1 to 35 days).
    pub snapshot_retention: Duration,
    /// Which logs to export.
    pub logging: Vec<LogExport>,
    /// How long exported logs are kept; `None`: for ever.
    pub log_retention: Option<Duration>,
    /// How much of features that cost extra may be used.
    pub usage_limits: Vec<ProducerLimit>,
    /// Copies of snapshots in another region.
    pub snapshot_copy: Option<SnapshotCopy>,
    /// Create from this snapshot, by name or ARN.
    pub restore: Option<String>,
    /// A key that exists; default a key of its own.
    pub kms_key_arn: Option<String>,
}

/// What only one kind of producer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProducerKind {
    /// Redshift Serverless.
    Serverless(Capacity),
    /// A provisioned RA3 cluster.
    Cluster(Cluster),
}

/// Compute of a serverless workgroup, in RPUs (1 RPU = 16 GB of memory).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// RPUs it starts from: 4, 8-512 in steps of 8, up to 1024 in steps of 32.
    pub base: u32,
    /// RPUs it may grow to; `None`: no limit of its own.
    pub max: Option<u32>,
}

/// What only a provisioned cluster has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Node type, such as `ra3.xlplus`.
    pub node_type: String,
    /// Number of nodes (per zone when `multi_az`).
    pub node_count: u32,
    /// Runs in two zones at once.
    pub multi_az: bool,
    /// May be moved to another zone; `None` leaves AWS's choice.
    pub availability_zone_relocation: Option<bool>,
    /// Weekly window in UTC, such as `sun:08:00-sun:08:30`; `None`: AWS chooses.
    pub maintenance_window: Option<String>,
    /// When its compute is paused and resumed.
    pub pause: Option<Pause>,
}

/// Cron schedules that pause and resume a cluster, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// When it pauses.
    pub stop: String,
    /// When it resumes.
    pub start: String,
}

/// Copies of snapshots in another region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotCopy {
    /// The other region.
    pub region: String,
    /// How long copies are kept (1 to 35 days).
    pub retention: Duration,
    /// A key of that region; default Redshift's own there.
    pub kms_key_arn: Option<String>,
}

/// Who keeps the admin password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminPassword {
    /// Secrets Manager makes and keeps it.
    Managed,
    /// Someone else does; rsds leaves it alone.
    External,
}

/// A log that Redshift can export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogExport {
    /// Connections and disconnections.
    ConnectionLog,
    /// Changes of user definitions.
    UserLog,
    /// Queries, before they run.
    UserActivityLog,
}

impl LogExport {
    /// Returns the name AWS uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionLog => "connectionlog",
            Self::UserLog => "userlog",
            Self::UserActivityLog => "useractivitylog",
        }
    }
}

/// A group of identical readers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Consumer {
    /// How many; 0 keeps the group without a reader.
    pub count: u32,
    /// RPUs of each.
    pub capacity: Capacity,
    /// Database that is created with each.
    pub database: String,
    /// Admin user; its password is made and kept by Secrets Manager.
    pub admin_username: String,
    /// Port: 5431-5455 or 8191-8215.
    pub port: u16,
    /// COPY and UNLOAD go through the VPC.
    pub enhanced_vpc_routing: bool,
    /// Longest run of a query (at most 86,399 s); AWS's `max_query_execution_time`.
    pub query_timeout: Option<Duration>,
    /// Redshift parameters by name, without the one `query_timeout` sets.
    pub parameters: BTreeMap<String, String>,
    /// Budget of RPU-hours.
    pub usage_limit: Option<UsageLimit>,
    /// Buckets (with `*`) it may read.
    pub s3_buckets: Vec<String>,
    /// Take a last snapshot before it is deleted.
    pub final_snapshot: bool,
    /// Reachable from outside the VPC.
    pub publicly_accessible: bool,
    /// Which logs to export.
    pub log_exports: Vec<LogExport>,
    /// How long exported logs are kept; `None`: for ever.
    pub log_retention: Option<Duration>,
    /// Create each from this snapshot, by name or ARN.
    pub restore: Option<String>,
    /// Its addresses are targets of the load balancer.
    pub behind_nlb: bool,
}

impl Consumer {
    /// Returns `parameters` with `query_timeout` in it as `max_query_execution_time` in seconds: what AWS is sent.
    #[must_use]
    pub fn config_parameters(&self) -> BTreeMap<String, String> {
        let mut all = self.parameters.clone();
        if let Some(timeout) = self.query_timeout {
            all.insert("max_query_execution_time".to_owned(), timeout.as_secs().to_string());
        }
        all
    }
}

/// A budget of RPU-hours of one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UsageLimit {
    /// Over what time it counts.
    pub period: Period,
    /// The budget, in RPU-hours.
    pub rpu_hours: u32,
    /// What happens when it is used up.
    pub action: BreachAction,
}

/// A limit on a feature of the producer that costs extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProducerLimit {
    /// What is limited.
    pub feature: LimitedFeature,
    /// Over what time it counts.
    pub period: Period,
    /// The limit: minutes, terabytes or RPU-hours, as the feature has it.
    pub amount: u32,
    /// What happens when it is used up.
    pub action: BreachAction,
}

/// A feature of the producer that costs extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedFeature {
    /// More clusters at peaks; counted in minutes. Of a cluster.
    ConcurrencyScaling,
    /// Reading from S3; counted in terabytes. Of a cluster.
    Spectrum,
    /// Sharing with other regions; counted in terabytes. Of a cluster.
    CrossRegionDatasharing,
    /// Compute; counted in RPU-hours. Of a serverless producer.
    ServerlessCompute,
}

impl LimitedFeature {
    /// Returns the name AWS uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrencyScaling => "concurrency-scaling",
            Self::Spectrum => "spectrum",
            Self::CrossRegionDatasharing => "cross-region-datasharing",
            Self::ServerlessCompute => "serverless-compute",
        }
    }
}

/// Over what time a usage limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day, UTC.
    Daily,
    /// A week from Sunday.
    Weekly,
    /// A calendar month.
    Monthly,
}

impl Period {
    /// Returns the name AWS uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

/// What happens when a usage limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachAction {
    /// A line in a system table.
    Log,
    /// A CloudWatch metric.
    EmitMetric,
    /// User queries stop.
    Deactivate,
}

impl BreachAction {
    /// Returns the name Redshift Serverless uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::EmitMetric => "emit-metric",
            Self::Deactivate => "deactivate",
        }
    }
}
