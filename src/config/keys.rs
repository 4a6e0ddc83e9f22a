//! The one table of keys of an environment file: path, type, default, whether it works yet, and one line of words.
//! Other files have tables of their own, made of the same (`document.rs`).
//! It feeds checking and did-you-mean (`check.rs`), defaults (`convert.rs`), the JSON Schema and the reference
//! (`schema.rs`). A key that is not here does not exist; nothing else may list keys or defaults.

use super::shape::Shape;

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A string of this shape.
    Text(Shape),
    /// An array of distinct strings of this shape.
    Texts(Shape),
    /// `true` or `false`.
    Bool,
    /// An integer within these bounds.
    Int(i64, i64),
    /// A number within these bounds, with decimals or without.
    Decimal(i64, i64),
    /// RPUs: 4, 8-512 in steps of 8, up to 1024 in steps of 32.
    Rpu,
    /// A port a warehouse can have: 5431-5455 or 8191-8215.
    Port,
    /// A number of zones, or their names.
    Zones,
    /// A table with exactly the keys listed here.
    Table,
    /// A table of tables whose names the user chooses, of this shape.
    Map(Shape),
    /// An array of tables; its keys are listed under `path[]`.
    Tables,
    /// A table of strings, integers and booleans with free names, kept as text.
    Settings,
    /// A table of tags.
    Tags,
    /// A table with some keys listed here and any others too.
    Open,
}

impl Type {
    /// Returns the words a key of choices takes; none for other types.
    #[must_use]
    pub const fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Text(Shape::Choice(words)) | Self::Texts(Shape::Choice(words)) => words,
            _ => &[],
        }
    }

    /// Tells whether it is a table of any sort.
    #[must_use]
    pub const fn holds_keys(self) -> bool {
        matches!(self, Self::Table | Self::Map(_) | Self::Open | Self::Tags)
    }
}

/// What a key is when it is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// An error, when its table is there.
    Required,
    /// Nothing, or worked out from other keys as its words say.
    Nothing,
    /// This TOML value.
    Value(&'static str),
}

/// Since when a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// In this version.
    Now,
    /// Checked, but refused by plan and apply.
    NotYet,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it is: `*` is a name the user chooses, `[]` an element of an array.
    pub path: &'static str,
    /// Its type.
    pub ty: Type,
    /// What it is when absent.
    pub absent: Absent,
    /// Whether it works yet.
    pub since: Since,
    /// One line about it.
    pub doc: &'static str,
}

impl Key {
    /// Returns the path of the table it is in (empty for the root) and its own name.
    #[must_use]
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }
}

const fn key(path: &'static str, ty: Type, absent: Absent, doc: &'static str) -> Key {
    Key { path, ty, absent, since: Since::Now, doc }
}

/// A key that is understood before it works.
#[cfg(test)]
pub(super) const fn later(path: &'static str, ty: Type, absent: Absent, doc: &'static str) -> Key {
    Key { path, ty, absent, since: Since::NotYet, doc }
}

const DAY: u64 = 86_400;
const ANY_PORT: Type = Type::Int(1, 65_535);
const LOGS: Type = Type::Texts(Shape::Choice(&["connectionlog", "userlog", "useractivitylog"]));
const PERIOD: Type = Type::Text(Shape::Choice(&["daily", "weekly", "monthly"]));
const ACTION: Type = Type::Text(Shape::Choice(&["log", "emit-metric", "deactivate"]));
const KEPT: Type = Type::Text(Shape::Duration(DAY, 3653 * DAY));
const NAMES: Type = Type::Texts(Shape::Any);
const COUNT: Type = Type::Int(1, 1_000_000_000);

use Absent::{Nothing, Required, Value};
use Type::{Bool, Int, Map, Open, Port, Rpu, Settings, Table, Tables, Tags, Text, Texts, Zones};

/// All keys, in the order of design.md section 2.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("project", Text(Shape::Name), Required, "First part of every name: `<project>-<env>-...`."),
    key("region", Text(Shape::Region), Required, "AWS region of the whole estate."),
    key("account", Text(Shape::Account), Nothing, "Refuse to touch any other account."),
    key("extends", Text(Shape::Any), Nothing, "Another file, relative to this one: that one first, this one over it."),
    key("tags", Tags, Nothing, "On every taggable resource, next to rsds's own."),

    key("state", Table, Nothing, "Where the state is kept."),
    key("state.backend", Text(Shape::Choice(&["local", "s3"])), Value("\"local\""), "In `.rsds/<env>/`, or in a bucket shared by a team."),
    key("state.bucket", Text(Shape::BucketName), Nothing, "Bucket of the `s3` backend."),
    key("state.key", Text(Shape::Any), Nothing, "Object key; default `rsds/<project>/<env>/state.json`."),
    key("state.region", Text(Shape::Region), Nothing, "Region of the bucket; default the one of the estate."),
    key("state.kms_key_id", Text(Shape::Any), Nothing, "Key that encrypts the state; default the bucket's own."),

    key("networking", Table, Required, "The VPC, its subnets, and who may connect. Exactly one of `vpc_cidr`, `vpc_id`, `vpc_name`."),
    key("networking.vpc_cidr", Text(Shape::Cidr(16, 28)), Nothing, "Create a VPC with this range."),
    key("networking.vpc_id", Text(Shape::Id("vpc-")), Nothing, "Use this VPC."),
    key("networking.vpc_name", Text(Shape::Any), Nothing, "Use the VPC with this Name tag."),
    key("networking.subnet_cidrs", Texts(Shape::Cidr(16, 28)), Nothing, "New subnets, one per zone; default: carved from `vpc_cidr`, a /23 each, or the largest that fits. With an existing VPC: new ones in it."),
    key("networking.subnet_ids", Texts(Shape::Id("subnet-")), Nothing, "With an existing VPC: use these, each in another zone; default one subnet of it per zone."),
    key("networking.availability_zones", Zones, Value("3"), "A number, or a list of zone names; at least 3 for serverless."),
    key("networking.allowed_cidrs", Texts(Shape::Cidr(0, 32)), Value("[]"), "Who may connect from outside the VPC."),
    key("networking.internet_gateway", Bool, Value("false"), "A public route for clients outside; needed by `publicly_accessible`, unless existing subnets have one."),
    key("networking.s3_endpoint", Bool, Value("true"), "A gateway endpoint, so that COPY and UNLOAD stay inside AWS; existing subnets keep the routes they have."),

    key("producer", Table, Nothing, "The warehouse that takes the writes."),
    key("producer.type", Text(Shape::Choice(&["serverless", "cluster"])), Value("\"serverless\""), "Redshift Serverless, or an RA3 cluster."),
    key("producer.node_type", Text(Shape::Any), Value("\"ra3.xlplus\""), "Cluster only: the node type."),
    key("producer.node_count", Int(1, 128), Value("2"), "Cluster only: the number of nodes."),
    key("producer.base_capacity", Rpu, Value("32"), "Serverless only: RPUs it starts from."),
    key("producer.max_capacity", Rpu, Nothing, "Serverless only: RPUs it may grow to; default no limit of its own."),
    key("producer.database", Text(Shape::Database), Value("\"dev\""), "Database that is created with it."),
    key("producer.admin_username", Text(Shape::Identifier), Value("\"awsuser\""), "Admin user; Secrets Manager makes and keeps the password."),
    key("producer.admin_password", Text(Shape::Choice(&["managed", "external"])), Value("\"managed\""), "Who keeps the password: Secrets Manager, or someone else (rsds then leaves it alone)."),
    key("producer.port", Port, Value("5439"), "5431-5455 or 8191-8215."),
    key("producer.enhanced_vpc_routing", Bool, Value("true"), "COPY and UNLOAD go through the VPC."),
    key("producer.multi_az", Bool, Value("false"), "Cluster only: run in two zones at once."),
    key("producer.availability_zone_relocation", Bool, Nothing, "Cluster only: may be moved to another zone."),
    key("producer.s3_buckets", Texts(Shape::Bucket), Value("[]"), "Buckets COPY and UNLOAD may use."),
    key("producer.publicly_accessible", Bool, Value("false"), "Reachable from outside the VPC; needs `networking.internet_gateway`."),
    key("producer.parameters", Settings, Nothing, "Redshift parameters."),
    key("producer.maintenance_window", Text(Shape::Window), Nothing, "Cluster only: weekly, in UTC; default AWS's choice."),
    key("producer.snapshot_retention", Text(Shape::Duration(DAY, 35 * DAY)), Value("\"7d\""), "How long automated snapshots of a cluster, or those of a serverless producer's schedule, are kept (1 to 35 days)."),
    key("producer.final_snapshot", Bool, Value("true"), "Taken before the producer is ever deleted; the key that encrypts it is then kept."),
    key("producer.snapshot_schedule", Text(Shape::Schedule { rate: true }), Nothing, "When snapshots are taken beside AWS's own: of a cluster `rate(12 hours)` or `cron(30 12 *)` with minute, hour and day of week, in UTC. Of a serverless producer a `cron(0 3 ? * SUN *)` of six fields, and each is kept for `snapshot_retention`."),
    key("producer.logging", LOGS, Value("[]"), "Logs to export to CloudWatch."),
    key("producer.log_retention", KEPT, Nothing, "How long exported logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, ... days; default for ever."),
    key("producer.usage_limits", Tables, Nothing, "How much of a feature that costs extra may be used in a period."),
    key("producer.usage_limits[].feature", Text(Shape::Choice(&["concurrency-scaling", "spectrum", "cross-region-datasharing", "serverless-compute"])), Required, "What is limited; the last is the serverless one."),
    key("producer.usage_limits[].period", PERIOD, Value("\"monthly\""), "Over what time it counts; a week begins on Sunday."),
    key("producer.usage_limits[].amount", COUNT, Required, "Minutes of concurrency scaling, terabytes of the next two, RPU-hours of the last."),
    key("producer.usage_limits[].action", ACTION, Value("\"log\""), "What happens when it is used up; `deactivate` stops the feature until the next period."),
    key("producer.snapshot_copy", Table, Nothing, "Copies of snapshots in another region, for the day that this one is lost; they outlive the estate."),
    key("producer.snapshot_copy.region", Text(Shape::Region), Required, "The other region."),
    key("producer.snapshot_copy.retention", Text(Shape::Duration(DAY, 35 * DAY)), Value("\"7d\""), "How long copies are kept (1 to 35 days). Of a cluster, those of automated snapshots; copies of manual ones stay until somebody deletes them."),
    key("producer.snapshot_copy.kms_key_arn", Text(Shape::Arn("kms")), Nothing, "A key of that region that encrypts the copies; default Redshift's own there, which nobody can delete."),
    key("producer.pause", Table, Nothing, "Cluster only: when its compute is paused and resumed."),
    key("producer.pause.stop", Text(Shape::Schedule { rate: false }), Required, "When it pauses, in UTC, by minute, hour, day of month, month, day of week and year; at least an hour before and after it resumes."),
    key("producer.pause.start", Text(Shape::Schedule { rate: false }), Required, "When it resumes, in UTC, likewise."),
    key("producer.restore", Table, Nothing, "Made from a snapshot, not empty. Of one that stands this is history: taken out, it changes nothing."),
    key("producer.restore.snapshot", Text(Shape::Any), Required, "Its name (`rsds snapshot list`), or its ARN: of another account that shares it, or of the other kind of warehouse (a cluster's for a namespace, a namespace's for a cluster)."),
    key("producer.kms_key_arn", Text(Shape::Arn("kms")), Nothing, "A key that exists; default a key of its own, rotated yearly."),

    key("consumers", Map(Shape::Group), Nothing, "Groups of identical serverless readers."),
    key("consumers.*", Table, Nothing, "The group `consumer-<name>`."),
    key("consumers.*.count", Int(0, 1000), Value("1"), "Identical readers, numbered from 1; 0 keeps the group without one."),
    key("consumers.*.base_capacity", Rpu, Value("32"), "RPUs each starts from."),
    key("consumers.*.max_capacity", Rpu, Nothing, "RPUs each may grow to; default no limit of its own."),
    key("consumers.*.database", Text(Shape::Database), Value("\"dev\""), "Database that is created with each."),
    key("consumers.*.admin_username", Text(Shape::Identifier), Value("\"awsuser\""), "Admin user; Secrets Manager makes and keeps the password."),
    key("consumers.*.port", Port, Value("5439"), "5431-5455 or 8191-8215."),
    key("consumers.*.enhanced_vpc_routing", Bool, Value("true"), "COPY and UNLOAD go through the VPC."),
    key("consumers.*.query_timeout", Text(Shape::Duration(0, 86_399)), Nothing, "Longest run of a query, at most 86,399 s (`max_query_execution_time`)."),
    key("consumers.*.parameters", Settings, Nothing, "Redshift parameters."),
    key("consumers.*.usage_limit", Table, Nothing, "A budget of RPU-hours."),
    key("consumers.*.usage_limit.period", PERIOD, Value("\"monthly\""), "Over what time it counts."),
    key("consumers.*.usage_limit.rpu_hours", COUNT, Required, "The budget."),
    key("consumers.*.usage_limit.action", ACTION, Value("\"log\""), "What happens when it is used up."),
    key("consumers.*.s3_buckets", Texts(Shape::Bucket), Value("[]"), "Buckets it may read."),
    key("consumers.*.final_snapshot", Bool, Value("false"), "Taken before a reader is deleted; readers hold no data of their own by default."),
    key("consumers.*.publicly_accessible", Bool, Value("false"), "Reachable from outside the VPC; needs `networking.internet_gateway`."),
    key("consumers.*.log_exports", LOGS, Value("[]"), "Logs to export to CloudWatch."),
    key("consumers.*.log_retention", KEPT, Nothing, "How long exported logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, ... days; default for ever."),
    key("consumers.*.restore", Table, Nothing, "Each is made from a snapshot, not empty. Of one that stands this is history: taken out, it changes nothing."),
    key("consumers.*.restore.snapshot", Text(Shape::Any), Required, "Its name (`rsds snapshot list`), or its ARN: of another account that shares it, or of a cluster."),
    key("consumers.*.behind_nlb", Bool, Value("true"), "Its addresses are targets of the load balancer."),

    key("nlb", Table, Nothing, "The load balancer over the consumers; there is one unless no group is behind it."),
    key("nlb.internal", Bool, Value("true"), "Reachable only from inside the VPC and what is connected to it."),
    key("nlb.port", ANY_PORT, Value("5439"), "Any port."),
    key("nlb.cross_zone", Bool, Value("true"), "Each zone sends to the readers of all zones."),
    key("nlb.idle_timeout", Text(Shape::Duration(60, 6000)), Value("\"6000s\""), "60 to 6000 s; AWS's own 350 s cuts long queries."),
    key("nlb.deregistration_delay", Text(Shape::Duration(0, 3600)), Value("\"120s\""), "How long a leaving reader may finish, up to 3600 s."),
    key("nlb.stickiness", Bool, Value("false"), "By source address: one BI server then always lands on one consumer."),
    key("nlb.targets", Text(Shape::Choice(&["workgroup", "endpoint"])), Value("\"workgroup\""), "The workgroup's own endpoint (1-3 addresses), or a managed endpoint per consumer."),
    key("nlb.deletion_protection", Bool, Value("false"), "rsds's own destroy switches it off as a planned step."),
    key("nlb.health_check", Table, Nothing, "TCP health check of the targets."),
    key("nlb.health_check.interval", Text(Shape::Duration(5, 300)), Value("\"10s\""), "Time between two checks, 5 to 300 s."),
    key("nlb.health_check.healthy", Int(2, 10), Value("2"), "Good answers in a row that make a target healthy."),
    key("nlb.health_check.unhealthy", Int(2, 10), Value("2"), "Bad answers in a row that make it unhealthy."),
    key("nlb.custom_domain", Table, Nothing, "A name of your own, so that clients may check it against a certificate (`sslmode=verify-full`)."),
    key("nlb.custom_domain.name", Text(Shape::Domain), Required, "The name clients use: make it a CNAME of the load balancer. `<group>-<n>` in front of it is a consumer's own."),
    key("nlb.custom_domain.certificate_arn", Text(Shape::Arn("acm")), Required, "Certificate of ACM, in the estate's region, for this name and for `*.<name>` or each consumer's own."),
    key("nlb.listeners", Tables, Nothing, "More ports, each over a named subset."),
    key("nlb.listeners[].port", ANY_PORT, Required, "Any port no other listener has."),
    key("nlb.listeners[].consumers", NAMES, Required, "Groups it sends to."),

    key("datashares", Map(Shape::Identifier), Nothing, "Data shares: of the producer, or of another account (`account`)."),
    key("datashares.*", Table, Nothing, "One share."),
    key("datashares.*.account", Text(Shape::Account), Nothing, "Whose it is: a share that another account authorizes for this one, and consumers take up. What is in it is its producer's to say."),
    key("datashares.*.namespace", Text(Shape::Guid), Nothing, "With `account`: the id of its producer's namespace there (`SELECT current_namespace`)."),
    key("datashares.*.schemas", Texts(Shape::Identifier), Value("[]"), "Every table in them, and, with `include_new`, every later one."),
    key("datashares.*.tables", Texts(Shape::Table), Value("[]"), "Single tables on top."),
    key("datashares.*.include_new", Bool, Value("true"), "Later tables of `schemas` too."),
    key("datashares.*.consumers", NAMES, Nothing, "Groups that get it; default all."),
    key("datashares.*.accounts", Texts(Shape::Account), Value("[]"), "Other accounts that may take it up."),
    key("datashares.*.database", Text(Shape::Database), Nothing, "Created on each consumer from the share; default the name of the share."),
    key("datashares.*.create_schemas", Bool, Value("false"), "Make missing schemas on the producer before the first load."),
    key("datashares.*.grant_to", Texts(Shape::Principal), Value("[]"), "Who gets USAGE on that database."),
    key("datashares.*.publicly_accessible", Bool, Value("false"), "Must be true when a consumer is public."),

    key("users", Map(Shape::Identifier), Nothing, "Logins that work on every consumer behind the balancer."),
    key("users.*", Table, Nothing, "One login; its secret is made and kept in Secrets Manager."),
    key("users.*.grants", NAMES, Value("[]"), "Shares whose database it may use."),
    key("roles", Map(Shape::Identifier), Nothing, "Database roles, created on the producer and every consumer."),
    key("roles.*", Table, Nothing, "One role."),
    key("roles.*.members", Texts(Shape::Principal), Value("[]"), "Who has it."),

    key("monitoring", Table, Nothing, "Alarms, and who hears of them."),
    key("monitoring.alarms", Bool, Value("true"), "Alarms on the producer, every consumer and the load balancer."),
    key("monitoring.notify", Texts(Shape::Mail), Value("[]"), "Mail addresses that an SNS topic tells; or `topic_arn`."),
    key("monitoring.topic_arn", Text(Shape::Arn("sns")), Nothing, "An SNS topic that exists; or `notify`."),
    key("monitoring.thresholds", Table, Nothing, "Beyond which the alarms ring."),
    key("monitoring.thresholds.consumer_rpu_hours_per_day", COUNT, Nothing, "RPU-hours of one consumer in a day; no such alarm unless set."),
    key("monitoring.thresholds.consumer_connections", COUNT, Value("1600"), "Connections to one serverless warehouse, of 2000."),
    key("monitoring.thresholds.queries_failed", COUNT, Value("10"), "Queries (SELECT) of one serverless warehouse that failed in five minutes."),
    key("monitoring.thresholds.queries_queued", COUNT, Value("10"), "Queries (SELECT) of one serverless warehouse that wait, for 15 minutes."),
    key("monitoring.thresholds.usage_limit_percent", Int(1, 100), Value("80"), "Part of a usage limit of compute that is used up."),
    key("monitoring.thresholds.storage_gb", COUNT, Nothing, "Data of a serverless producer; no such alarm unless set."),
    key("monitoring.thresholds.cluster_cpu_percent", Int(1, 100), Value("90"), "CPU of the producer cluster, for 15 minutes."),
    key("monitoring.thresholds.cluster_disk_percent", Int(1, 100), Value("80"), "Disk of the producer cluster."),
    key("monitoring.thresholds.cluster_connections", COUNT, Value("1600"), "Connections to the producer cluster, of 2000."),
    key("monitoring.thresholds.cluster_commit_queue", COUNT, Value("10"), "Transactions of the producer cluster that wait to commit."),
    key("monitoring.thresholds.healthy_hosts", COUNT, Value("1"), "Rings when fewer targets of a port are healthy; a consumer has one to three."),
    key("monitoring.thresholds.nlb_resets", COUNT, Nothing, "Connections the load balancer cuts off in five minutes; no such alarm unless set."),

    key("protect", Table, Nothing, "What may not be deleted or replaced."),
    key("protect.addresses", Texts(Shape::Pattern), Value("[\"producer\"]"), "Addresses and patterns; `[]` lifts it, `\"consumer-*\"` extends it."),

    key("resources", Map(Shape::Address), Nothing, "Overrides for single resources, by address (`rsds state list`)."),
    key("resources.*", Open, Nothing, "Any field of that one resource, as `rsds plan -v` names it: maps (`tags`, `parameters`) merge key by key, the rest replaces. And:"),
    key("resources.*.name", Text(Shape::Any), Nothing, "Its physical name; of what has none of its own (a VPC, a subnet, a listener) the tag `Name`."),
    key("resources.*.exists", Bool, Value("true"), "`false`: the estate does without it. What names it in passing (an optional field, one of several groups or roles) does without, too; what cannot must be told something else here."),
    key("resources.*.ignore_changes", NAMES, Value("[]"), "Fields set at creation, then read and not mended: `parameters`, or one key of a map, `parameters.search_path`."),
];

/// Finds the key with exactly this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    find_in(KEYS, path)
}

/// Finds the key with exactly this path in another table of keys.
pub(super) fn find_in(keys: &'static [Key], path: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.path == path)
}

/// Lists the keys directly inside the table at `path` (empty for the root), without the `*` of maps.
pub fn children(path: &str) -> impl Iterator<Item = &'static Key> + Clone {
    children_in(KEYS, path)
}

/// The same of another table of keys.
pub(super) fn children_in(keys: &'static [Key], path: &str) -> impl Iterator<Item = &'static Key> + Clone {
    let path = path.to_owned();
    keys.iter().filter(move |key| {
        let (table, name) = key.split();
        table == path && name != "*"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_once_and_in_a_table() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..index].iter().all(|other| other.path != key.path), "{} twice", key.path);
            let table = key.split().0.trim_end_matches("[]");
            assert!(table.is_empty() || find(table).is_some(), "{} is in no table", key.path);
            assert!(key.doc.ends_with('.') || key.doc.ends_with(':'), "{}", key.path);
        }
    }
}
