//! The typed configuration of one environment: every default filled in, every value in its own type.
//! Read by the stack, the state and the views; built only by `convert.rs`. It never reads a file, and never
//! holds a secret: the TOML has no place for one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::tree::join;

mod warehouse;

pub use warehouse::{
    AdminPassword, BreachAction, Capacity, Cluster, Consumer, LimitedFeature, LogExport, Pause, Period, Producer,
    ProducerKind, ProducerLimit, SnapshotCopy, UsageLimit,
};

/// Everything one environment file says, with defaults filled in (design.md section 2).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// First part of every name.
    pub project: String,
    /// Name of the environment: the stem of its file.
    pub env: String,
    /// AWS region of the whole estate.
    pub region: String,
    /// When given, rsds refuses to touch any other account (12 digits).
    pub account: Option<String>,
    /// The user's own tags, put on every taggable resource.
    pub tags: BTreeMap<String, String>,
    /// Where the state is kept.
    pub state: StateBackend,
    /// VPC, subnets and who may connect.
    pub networking: Networking,
    /// The warehouse that takes the writes.
    pub producer: Producer,
    /// Groups of identical readers, by group name.
    pub consumers: BTreeMap<String, Consumer>,
    /// The load balancer in front of the readers; it exists only when [`Config::has_nlb`].
    pub nlb: Nlb,
    /// Data shares of the producer, and those of other accounts that are taken up, by share name.
    pub datashares: BTreeMap<String, Datashare>,
    /// Logins that work on every consumer, by user name.
    pub users: BTreeMap<String, User>,
    /// Database roles on the producer and every consumer, by role name.
    pub roles: BTreeMap<String, Role>,
    /// Alarms; `None` when the table is absent.
    pub monitoring: Option<Monitoring>,
    /// What may not be deleted or replaced.
    pub protect: Protect,
    /// Overrides for single resources, by address.
    pub resources: BTreeMap<String, ResourceOverride>,
}

/// One reader: a group's name and its number in the group, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader<'a> {
    /// Name of the group, such as `analytics`.
    pub group: &'a str,
    /// Number in the group, from 1.
    pub number: u32,
}

impl Reader<'_> {
    /// Returns the component of this reader, such as `consumer-analytics-1` (design.md section 3).
    #[must_use]
    pub fn component(&self) -> String {
        format!("consumer-{}-{}", self.group, self.number)
    }
}

impl Config {
    /// Returns `<project>-<env>-<tail>`, the physical name that belongs to `tail`.
    #[must_use]
    pub fn name(&self, tail: &str) -> String {
        format!("{}-{}-{tail}", self.project, self.env)
    }

    /// Returns the physical name of the producer's namespace, workgroup or cluster.
    #[must_use]
    pub fn producer_name(&self) -> String {
        self.name("producer")
    }

    /// Returns the other region in which the estate has something of its own: the grant that copies of a cluster's
    /// snapshots are encrypted by.
    #[must_use]
    pub fn copies_to(&self) -> Option<&str> {
        let copy =
            self.producer.snapshot_copy.as_ref().filter(|_| matches!(self.producer.kind, ProducerKind::Cluster(_)));
        copy.map(|copy| copy.region.as_str())
    }

    /// Returns the physical name of one reader's namespace and workgroup.
    #[must_use]
    pub fn reader_name(&self, reader: Reader<'_>) -> String {
        self.name(&format!("{}-{}", reader.group, reader.number))
    }

    /// Returns the domain of one reader's own under the name that clients use, if there is one.
    #[must_use]
    pub fn reader_domain(&self, reader: Reader<'_>) -> Option<String> {
        let domain = self.nlb.custom_domain.as_ref()?;
        Some(format!("{}-{}.{}", reader.group, reader.number, domain.name))
    }

    /// Returns the physical name of the load balancer (at most 32 characters).
    #[must_use]
    pub fn nlb_name(&self) -> String {
        self.name("nlb")
    }

    /// Returns the physical name of the target group behind the listener on `port` (at most 32 characters).
    #[must_use]
    pub fn target_group_name(&self, port: u16) -> String {
        self.name(&port.to_string())
    }

    /// Lists every reader, by group name, then number.
    pub fn readers(&self) -> impl Iterator<Item = (Reader<'_>, &Consumer)> {
        self.consumers.iter().flat_map(|(group, consumer)| {
            (1..=consumer.count).map(move |number| (Reader { group: group.as_str(), number }, consumer))
        })
    }

    /// Says whether the estate has a load balancer: it does when any group is behind it, one of count 0 too,
    /// so that scaling to nothing keeps the DNS name that clients use.
    #[must_use]
    pub fn has_nlb(&self) -> bool {
        self.consumers.values().any(|consumer| consumer.behind_nlb)
    }

    /// Returns how many zones the subnets must lie in: 3 for serverless, or 2 where subnets that exist are used and no
    /// workgroup routes through the VPC (aws-facts.md 6.2), else 1.
    #[must_use]
    pub fn least_zones(&self) -> usize {
        let producer = matches!(self.producer.kind, ProducerKind::Serverless(_));
        let routed = producer && self.producer.enhanced_vpc_routing
            || self.consumers.values().any(|consumer| consumer.enhanced_vpc_routing);
        match producer || !self.consumers.is_empty() {
            true if routed || !self.networking.uses_existing_subnets() => 3,
            true => 2,
            false => 1,
        }
    }

    /// Lists the keys that ask for being reachable from outside the VPC.
    #[must_use]
    pub fn public_keys(&self) -> Vec<String> {
        let consumers = self.consumers.iter().filter(|(_, consumer)| consumer.publicly_accessible);
        let consumers = consumers.map(|(group, _)| format!("{}.publicly_accessible", join("consumers", group)));
        let producer = self.producer.publicly_accessible.then(|| "producer.publicly_accessible".to_owned());
        let nlb = (!self.nlb.internal && self.has_nlb()).then(|| "nlb.internal".to_owned());
        consumers.chain(producer).chain(nlb).collect()
    }

    /// Lists the shares of the producer.
    pub fn own_shares(&self) -> impl Iterator<Item = (&String, &Datashare)> {
        self.datashares.iter().filter(|(_, share)| share.from.is_none())
    }

    /// Lists the groups a share is for: the named ones, or all of them.
    #[must_use]
    pub fn share_groups<'a>(&'a self, share: &'a Datashare) -> Vec<&'a str> {
        share.consumers.as_ref().map_or_else(
            || self.consumers.keys().map(String::as_str).collect(),
            |named| named.iter().map(String::as_str).collect(),
        )
    }
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "backend")]
pub enum StateBackend {
    /// In `.rsds/<env>/` next to the environments.
    Local,
    /// In an S3 bucket shared by a team.
    S3 {
        /// Bucket name.
        bucket: String,
        /// Object key; default `rsds/<project>/<env>/state.json`.
        key: String,
        /// Region of the bucket; default the region of the environment.
        region: String,
        /// Key that encrypts the object; default the bucket's own.
        kms_key_id: Option<String>,
    },
}

/// VPC, subnets and who may connect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Networking {
    /// The VPC: a new one, or one that exists.
    pub vpc: Vpc,
    /// One subnet per zone in the order of the zones; carved from the VPC when the file does not give them.
    /// Empty with an existing VPC whose subnets are used.
    pub subnet_cidrs: Vec<Ipv4Net>,
    /// Existing subnets to use, with an existing VPC only.
    pub subnet_ids: Vec<String>,
    /// Availability zones of the subnets.
    pub zones: Zones,
    /// Who may connect from outside the VPC.
    pub allowed_cidrs: Vec<Ipv4Net>,
    /// A public route for clients outside.
    pub internet_gateway: bool,
    /// A gateway endpoint, so that COPY and UNLOAD stay inside AWS.
    pub s3_endpoint: bool,
}

impl Networking {
    /// Says whether the estate lies in subnets that rsds did not make.
    #[must_use]
    pub const fn uses_existing_subnets(&self) -> bool {
        !matches!(self.vpc, Vpc::New(_)) && self.subnet_cidrs.is_empty()
    }

    /// Returns the key that names the VPC.
    #[must_use]
    pub const fn vpc_key(&self) -> &'static str {
        match self.vpc {
            Vpc::New(_) => "networking.vpc_cidr",
            Vpc::Id(_) => "networking.vpc_id",
            Vpc::Name(_) => "networking.vpc_name",
        }
    }

    /// Returns the key that the subnets come from.
    #[must_use]
    pub const fn subnets_key(&self) -> &'static str {
        match (self.uses_existing_subnets(), self.subnet_ids.is_empty()) {
            (true, true) => self.vpc_key(),
            (true, false) => "networking.subnet_ids",
            (false, _) => "networking.subnet_cidrs",
        }
    }
}

/// The VPC of the estate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vpc {
    /// A new VPC with this range (/16 to /28).
    New(Ipv4Net),
    /// An existing one by its id.
    Id(String),
    /// An existing one by its Name tag.
    Name(String),
}

/// Availability zones: how many, or which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Zones {
    /// The first so many zones of the region, by name.
    Count(u32),
    /// Exactly these, such as `us-west-2a`.
    Names(Vec<String>),
}

impl Zones {
    /// Returns how many zones there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Count(count) => *count as usize,
            Self::Names(names) => names.len(),
        }
    }

    /// Says whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The network load balancer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nlb {
    /// Reachable only from inside the VPC.
    pub internal: bool,
    /// Port of the listener over every group behind it (any port).
    pub port: u16,
    /// Each zone sends to the readers of all zones.
    pub cross_zone: bool,
    /// How long an idle connection lives (60 to 6000 s).
    pub idle_timeout: Duration,
    /// How long a leaving reader may finish (0 to 3600 s).
    pub deregistration_delay: Duration,
    /// By source address.
    pub stickiness: bool,
    /// What the targets are.
    pub targets: NlbTargets,
    /// Refuse to delete it; rsds's own destroy switches it off first.
    pub deletion_protection: bool,
    /// TCP health check of the targets.
    pub health_check: HealthCheck,
    /// A name of your own for it.
    pub custom_domain: Option<CustomDomain>,
    /// More ports, each over some groups.
    pub listeners: Vec<Listener>,
}

/// What the targets of the load balancer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NlbTargets {
    /// The addresses of each workgroup's own endpoint.
    Workgroup,
    /// A managed endpoint per reader.
    Endpoint,
}

/// TCP health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Time between two checks (5 to 300 s).
    pub interval: Duration,
    /// Good answers in a row that make a target healthy (2 to 10).
    pub healthy: u32,
    /// Bad answers in a row that make it unhealthy (2 to 10).
    pub unhealthy: u32,
}

/// A name of your own for the estate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CustomDomain {
    /// The name clients use.
    pub name: String,
    /// ACM certificate for it.
    pub certificate_arn: String,
}

/// One more listener, over a named subset of the groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Its port (any).
    pub port: u16,
    /// Groups it sends to.
    pub consumers: Vec<String>,
}

/// The producer of a data share that another account offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offerer {
    /// Its account, twelve digits.
    pub account: String,
    /// The GUID of its namespace.
    pub namespace: String,
}

/// One data share: of the producer, or of another account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Datashare {
    /// Whose it is, where another account offers it.
    pub from: Option<Offerer>,
    /// Schemas with every table in them.
    pub schemas: Vec<String>,
    /// Single tables on top, as schema and table.
    pub tables: Vec<(String, String)>,
    /// Later tables of `schemas` too.
    pub include_new: bool,
    /// Groups that get it; `None`: all.
    pub consumers: Option<Vec<String>>,
    /// Other accounts that may take it up.
    pub accounts: Vec<String>,
    /// Database made on each reader from the share; default the name of the share.
    pub database: String,
    /// Make missing schemas on the producer first.
    pub create_schemas: bool,
    /// Who gets USAGE on that database.
    pub grant_to: Vec<Principal>,
    /// May be read by a public warehouse.
    pub publicly_accessible: bool,
}

/// A database user or role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// `user:NAME`.
    User(String),
    /// `role:NAME`.
    Role(String),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Role(name) => write!(f, "role:{name}"),
        }
    }
}

/// One login that works on every reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Shares whose database it may use.
    pub grants: Vec<String>,
}

/// A database role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Who has the role.
    pub members: Vec<Principal>,
}

/// Alarms and who hears of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Monitoring {
    /// The set of alarms of aws-facts.md section 8.
    pub alarms: bool,
    /// Mail addresses; exclusive with `topic_arn`.
    pub notify: Vec<String>,
    /// An SNS topic that exists.
    pub topic_arn: Option<String>,
    /// Where the alarms ring.
    pub thresholds: Thresholds,
}

/// Where the alarms ring; an alarm without a threshold does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thresholds {
    /// RPU-hours of one consumer in a day.
    pub consumer_rpu_hours_per_day: Option<u32>,
    /// Connections to one serverless warehouse.
    pub consumer_connections: u32,
    /// Failed queries of one serverless warehouse in five minutes.
    pub queries_failed: u32,
    /// Queued queries of one serverless warehouse.
    pub queries_queued: u32,
    /// Per cent of a usage limit.
    pub usage_limit_percent: u32,
    /// Gigabytes of data of a serverless producer.
    pub storage_gb: Option<u32>,
    /// Per cent of the cluster's CPU.
    pub cluster_cpu_percent: u32,
    /// Per cent of the cluster's disk.
    pub cluster_disk_percent: u32,
    /// Connections to the cluster.
    pub cluster_connections: u32,
    /// Transactions of the cluster that wait to commit.
    pub cluster_commit_queue: u32,
    /// Healthy targets of one port of the load balancer.
    pub healthy_hosts: u32,
    /// Connections that the load balancer cuts off in five minutes.
    pub nlb_resets: Option<u32>,
}

/// What may not be deleted or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Protect {
    /// Addresses and patterns; default `producer`.
    pub addresses: Vec<String>,
}

/// Overrides for one resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceOverride {
    /// Its physical name.
    pub name: Option<String>,
    /// Whether the estate has it at all.
    pub exists: bool,
    /// Fields that are read but not mended.
    pub ignore_changes: Vec<String>,
    /// Any other field of that kind.
    pub fields: BTreeMap<String, serde_json::Value>,
}
