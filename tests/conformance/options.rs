//! Every key of the TOML with other values than it has by itself, for `law` to try alone and in company.
//!
//! The keys are those of `rsds::config::keys`: one that is missing here fails, and so does a word of a choice that is
//! never tried.

use rsds::config::keys::{KEYS, Since, Type};
use std::collections::BTreeSet;

/// As little as can be.
const LEAST: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
[consumers.readers]
[datashares.one]
tables = ["flights.schedule"]
[datashares.partner_sales]
account = "210987654321"
namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321"
[datashares.partner_stock]
account = "210987654321"
namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321"
[users.u]
[roles.r]
[roles.s]
"#;

/// The same, sharing nothing, with a cluster as producer.
const LEAST_CLUSTER: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
type = "cluster"
[consumers.readers]
"#;

/// The same in a VPC that somebody else made, found by its name.
const LEAST_NAMED: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_name = "first"
[producer]
[consumers.readers]
"#;

/// The same in that VPC, found by its id.
const LEAST_PLACED: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_id = "{first}"
[producer]
[consumers.readers]
"#;

/// Keys by path, each with the `--set` texts of another value.
type Rows = &'static [(&'static str, &'static [&'static str])];

/// An estate and other values for its keys.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) toml: &'static str,
    pub(super) other: Rows,
    /// Third values that no other form takes.
    third: Rows,
    /// Where the producer's final snapshots are kept.
    pub(super) snapshots: &'static str,
    /// Whether somebody else's VPCs are there, and stay.
    pub(super) lands: bool,
}

pub(super) const SERVERLESS: Form = Form {
    name: "serverless",
    toml: LEAST,
    other: OTHER,
    third: OF_SERVERLESS,
    snapshots: "redshift-serverless",
    lands: false,
};
pub(super) const CLUSTER: Form = Form {
    name: "cluster",
    toml: LEAST_CLUSTER,
    other: OF_CLUSTER,
    third: &[],
    snapshots: "redshift snapshots",
    lands: false,
};
pub(super) const NAMED: Form = Form { name: "named", toml: LEAST_NAMED, other: OF_NAMED, lands: true, ..SERVERLESS };
pub(super) const PLACED: Form =
    Form { name: "placed", toml: LEAST_PLACED, other: OF_PLACED, lands: true, ..SERVERLESS };

const SHARE: &str = "datashares.one.schemas=[\"flights\"]";

const DOMAIN: &str = "nlb.custom_domain.name=\"dwh.example.com\"";
const CERTIFICATE: &str =
    "nlb.custom_domain.certificate_arn=\"arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1\"";

const COPIES: &str = "producer.snapshot_copy.region=\"us-east-1\"";

const STOPS: &str = "producer.pause.stop=\"cron(0 19 ? 6 MON-FRI *)\"";
const STARTS: &str = "producer.pause.start=\"cron(0 7 ? 6 MON-FRI *)\"";

const RPU_HOURS: &str = "consumers.readers.usage_limit.rpu_hours=40";

/// Another value for each key that works, as `--set` takes it; with what AWS or the rules want beside it.
const OTHER: &[(&str, &[&str])] = &[
    ("account", &["account=\"123456789012\""]),
    ("resources.*.name", &["resources.\"producer/workgroup\".name=\"main-dw\""]),
    ("resources.*.exists", &["resources.\"networking/producer-egress\".exists=false"]),
    // Before `tags`, which it keeps from the workgroup.
    ("resources.*.ignore_changes", &["resources.\"producer/workgroup\".ignore_changes=[\"tags.team\"]"]),
    ("tags", &["tags.team=\"data+platform: @x\""]),
    ("state.backend", &["state.backend=\"local\""]),
    ("networking.subnet_cidrs", &["networking.subnet_cidrs=[\"10.40.9.0/24\", \"10.40.7.0/24\", \"10.40.8.0/24\"]"]),
    (
        "networking.availability_zones",
        &["networking.availability_zones=[\"us-west-2d\", \"us-west-2b\", \"us-west-2a\"]"],
    ),
    ("networking.allowed_cidrs", &["networking.allowed_cidrs=[\"203.0.113.0/24\", \"10.0.0.0/8\"]"]),
    ("networking.internet_gateway", &["networking.internet_gateway=true"]),
    ("networking.s3_endpoint", &["networking.s3_endpoint=false"]),
    ("producer.type", &["producer.type=\"serverless\""]),
    ("producer.base_capacity", &["producer.base_capacity=8"]),
    ("producer.max_capacity", &["producer.max_capacity=64"]),
    ("producer.database", &["producer.database=\"main_dw\""]),
    ("producer.admin_username", &["producer.admin_username=\"boss\""]),
    ("producer.admin_password", &["producer.admin_password=\"managed\""]),
    ("producer.port", &["producer.port=5450"]),
    ("producer.enhanced_vpc_routing", &["producer.enhanced_vpc_routing=false"]),
    ("producer.s3_buckets", &["producer.s3_buckets=[\"lake-*\", \"a-bucket\"]"]),
    ("producer.publicly_accessible", &["producer.publicly_accessible=true", "networking.internet_gateway=true"]),
    ("producer.parameters", &["producer.parameters.require_ssl=\"false\"", "producer.parameters.query_group=\"q\""]),
    ("producer.snapshot_copy.region", &[COPIES]),
    ("producer.snapshot_copy.retention", &["producer.snapshot_copy.retention=\"14d\"", COPIES]),
    ("producer.snapshot_copy.kms_key_arn", &["producer.snapshot_copy.kms_key_arn=\"{key-abroad}\"", COPIES]),
    ("producer.snapshot_schedule", &["producer.snapshot_schedule=\"cron(0 3 ? 6 SUN *)\""]),
    ("producer.final_snapshot", &["producer.final_snapshot=false"]),
    ("producer.logging", &["producer.logging=[\"userlog\", \"connectionlog\"]"]),
    (
        "producer.log_retention",
        &["producer.log_retention=\"30d\"", "producer.logging=[\"userlog\", \"connectionlog\"]"],
    ),
    ("producer.kms_key_arn", &["producer.kms_key_arn=\"{key}\""]),
    ("producer.usage_limits[].feature", &["producer.usage_limits=[{ feature = \"serverless-compute\", amount = 40 }]"]),
    ("consumers.*.count", &["consumers.readers.count=2"]),
    ("consumers.*.base_capacity", &["consumers.readers.base_capacity=16"]),
    ("consumers.*.max_capacity", &["consumers.readers.max_capacity=128"]),
    ("consumers.*.database", &["consumers.readers.database=\"readers_db\""]),
    ("consumers.*.admin_username", &["consumers.readers.admin_username=\"boss\""]),
    ("consumers.*.port", &["consumers.readers.port=8200"]),
    ("consumers.*.enhanced_vpc_routing", &["consumers.readers.enhanced_vpc_routing=false"]),
    ("consumers.*.query_timeout", &["consumers.readers.query_timeout=\"90s\""]),
    ("consumers.*.parameters", &["consumers.readers.parameters.datestyle=\"ISO, DMY\""]),
    ("consumers.*.usage_limit.period", &["consumers.readers.usage_limit.period=\"daily\"", RPU_HOURS]),
    ("consumers.*.usage_limit.rpu_hours", &["consumers.readers.usage_limit.rpu_hours=50"]),
    ("consumers.*.usage_limit.action", &["consumers.readers.usage_limit.action=\"emit-metric\"", RPU_HOURS]),
    ("consumers.*.s3_buckets", &["consumers.readers.s3_buckets=[\"lake-*\"]"]),
    ("consumers.*.final_snapshot", &["consumers.readers.final_snapshot=true"]),
    (
        "consumers.*.publicly_accessible",
        &[
            "consumers.readers.publicly_accessible=true",
            "networking.internet_gateway=true",
            "datashares.one.publicly_accessible=true",
        ],
    ),
    ("consumers.*.log_exports", &["consumers.readers.log_exports=[\"useractivitylog\"]"]),
    (
        "consumers.*.log_retention",
        &["consumers.readers.log_retention=\"1d\"", "consumers.readers.log_exports=[\"useractivitylog\"]"],
    ),
    ("nlb.internal", &["nlb.internal=false", "networking.internet_gateway=true"]),
    ("nlb.port", &["nlb.port=6000"]),
    ("nlb.cross_zone", &["nlb.cross_zone=false"]),
    ("nlb.idle_timeout", &["nlb.idle_timeout=\"60s\""]),
    ("nlb.deregistration_delay", &["nlb.deregistration_delay=\"0s\""]),
    ("nlb.stickiness", &["nlb.stickiness=true"]),
    ("nlb.targets", &["nlb.targets=\"endpoint\""]),
    ("nlb.deletion_protection", &["nlb.deletion_protection=true"]),
    ("nlb.health_check.interval", &["nlb.health_check.interval=\"5s\""]),
    ("nlb.health_check.healthy", &["nlb.health_check.healthy=3"]),
    ("nlb.health_check.unhealthy", &["nlb.health_check.unhealthy=4"]),
    ("nlb.custom_domain.name", &[DOMAIN, CERTIFICATE]),
    ("nlb.custom_domain.certificate_arn", &[CERTIFICATE, DOMAIN]),
    ("nlb.listeners[].port", &["nlb.listeners=[{ port = 6001, consumers = [\"readers\"] }]"]),
    ("nlb.listeners[].consumers", &["nlb.listeners=[{ port = 6002, consumers = [\"readers\"] }]"]),
    ("consumers.*.behind_nlb", &["consumers.readers.behind_nlb=false", "nlb.listeners=[]"]),
    (
        "datashares.*.account",
        &[
            "datashares.partner_sales.account=\"321098765432\"",
            "datashares.partner_sales.namespace=\"84d0a7c3-1e52-4f9b-8a66-321098765432\"",
        ],
    ),
    ("datashares.*.namespace", &["datashares.partner_stock.namespace=\"5b8e2d40-7c11-4e0a-a3f5-210987654321\""]),
    ("datashares.*.schemas", &[SHARE]),
    ("datashares.*.tables", &["datashares.one.tables=[\"flights.bookings\"]"]),
    ("datashares.*.include_new", &["datashares.one.include_new=false", SHARE]),
    ("datashares.*.consumers", &["datashares.one.consumers=[]"]),
    ("datashares.*.accounts", &["datashares.one.accounts=[\"210987654321\"]"]),
    ("datashares.*.database", &["datashares.one.database=\"shared\""]),
    ("datashares.*.create_schemas", &["datashares.one.create_schemas=true", SHARE]),
    ("datashares.*.grant_to", &["datashares.one.grant_to=[\"role:r\"]"]),
    ("datashares.*.publicly_accessible", &["datashares.one.publicly_accessible=true"]),
    ("users.*.grants", &["users.u.grants=[\"one\"]"]),
    ("roles.*.members", &["roles.r.members=[\"user:u\"]"]),
    ("monitoring.alarms", &["monitoring.alarms=true", "monitoring.notify=[\"a@example.com\"]"]),
    ("monitoring.notify", &["monitoring.notify=[\"a@example.com\", \"on+call@example.com\"]"]),
    (
        "monitoring.topic_arn",
        &["monitoring.topic_arn=\"arn:aws:sns:us-west-2:123456789012:ops\"", "monitoring.notify=[]"],
    ),
    ("monitoring.thresholds.consumer_rpu_hours_per_day", &["monitoring.thresholds.consumer_rpu_hours_per_day=200"]),
    ("monitoring.thresholds.consumer_connections", &["monitoring.thresholds.consumer_connections=100"]),
    ("monitoring.thresholds.queries_failed", &["monitoring.thresholds.queries_failed=5"]),
    ("monitoring.thresholds.queries_queued", &["monitoring.thresholds.queries_queued=5"]),
    ("monitoring.thresholds.usage_limit_percent", &["monitoring.thresholds.usage_limit_percent=50", RPU_HOURS]),
    ("monitoring.thresholds.storage_gb", &["monitoring.thresholds.storage_gb=1000"]),
    ("monitoring.thresholds.healthy_hosts", &["monitoring.thresholds.healthy_hosts=2"]),
    ("monitoring.thresholds.nlb_resets", &["monitoring.thresholds.nlb_resets=100"]),
    ("protect.addresses", &["protect.addresses=[\"consumer-*\"]"]),
    // The last: it moves everything.
    ("networking.vpc_cidr", &["networking.vpc_cidr=\"10.40.0.0/17\""]),
];

/// The same for the keys of a cluster, and for those a serverless producer has too.
const OF_CLUSTER: &[(&str, &[&str])] = &[
    ("producer.type", &["producer.type=\"cluster\""]),
    ("producer.port", &["producer.port=5450"]),
    ("producer.enhanced_vpc_routing", &["producer.enhanced_vpc_routing=false"]),
    ("producer.s3_buckets", &["producer.s3_buckets=[\"lake-*\", \"a-bucket\"]"]),
    ("producer.publicly_accessible", &["producer.publicly_accessible=true", "networking.internet_gateway=true"]),
    ("producer.parameters", &["producer.parameters.require_ssl=\"false\"", "producer.parameters.query_group=\"q\""]),
    ("producer.logging", &["producer.logging=[\"userlog\", \"connectionlog\"]"]),
    ("producer.usage_limits[].feature", &["producer.usage_limits=[{ feature = \"spectrum\", amount = 3 }]"]),
    ("producer.usage_limits[].amount", &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4 }]"]),
    (
        "producer.usage_limits[].action",
        &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4, action = \"deactivate\" }]"],
    ),
    (
        "producer.usage_limits[].period",
        &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4, period = \"daily\" }]"],
    ),
    ("producer.node_count", &["producer.node_count=4"]),
    ("producer.node_type", &["producer.node_type=\"ra3.large\""]),
    ("producer.availability_zone_relocation", &["producer.availability_zone_relocation=false"]),
    ("producer.multi_az", &["producer.multi_az=true"]),
    ("producer.maintenance_window", &["producer.maintenance_window=\"sun:08:00-sun:08:30\""]),
    ("producer.snapshot_retention", &["producer.snapshot_retention=\"35d\""]),
    ("producer.snapshot_schedule", &["producer.snapshot_schedule=\"rate(12 hours)\""]),
    ("producer.snapshot_copy.region", &[COPIES]),
    ("producer.snapshot_copy.retention", &["producer.snapshot_copy.retention=\"14d\"", COPIES]),
    ("producer.snapshot_copy.kms_key_arn", &["producer.snapshot_copy.kms_key_arn=\"{key-abroad}\"", COPIES]),
    ("producer.pause.stop", &["producer.pause.stop=\"cron(0 20 ? 6 MON-FRI *)\"", STARTS]),
    ("producer.pause.start", &["producer.pause.start=\"cron(30 6 ? 6 MON-FRI *)\"", STOPS]),
    ("producer.admin_password", &["producer.admin_password=\"managed\""]),
    // A key that final snapshots need would be kept, and its alias in the way of the next one.
    ("producer.final_snapshot", &["producer.final_snapshot=false"]),
    ("producer.kms_key_arn", &["producer.kms_key_arn=\"{key}\""]),
    ("producer.database", &["producer.database=\"main_dw\""]),
    ("monitoring.thresholds.cluster_cpu_percent", &["monitoring.thresholds.cluster_cpu_percent=70"]),
    ("monitoring.thresholds.cluster_disk_percent", &["monitoring.thresholds.cluster_disk_percent=70"]),
    ("monitoring.thresholds.cluster_connections", &["monitoring.thresholds.cluster_connections=100"]),
    ("monitoring.thresholds.cluster_commit_queue", &["monitoring.thresholds.cluster_commit_queue=5"]),
    ("producer.admin_username", &["producer.admin_username=\"boss\""]),
];

/// The same for a network by name; the last leads to another VPC.
const OF_NAMED: &[(&str, &[&str])] = &[
    ("networking.subnet_ids", &["networking.subnet_ids={first-subnets}"]),
    ("networking.vpc_name", &["networking.vpc_name=\"second\"", "networking.subnet_ids={second-subnets}"]),
];

/// The same for a network by id.
const OF_PLACED: &[(&str, &[&str])] = &[("networking.vpc_id", &["networking.vpc_id=\"{second}\""])];

/// A third value of the same keys, beside which `OTHER` is changed. Those of a flag and of a choice follow from the key.
const THIRD: Rows = &[
    ("producer.snapshot_schedule", &["producer.snapshot_schedule=\"cron(30 12 *)\""]),
    ("producer.snapshot_copy.region", &["producer.snapshot_copy.region=\"us-east-2\""]),
    ("producer.snapshot_copy.retention", &["producer.snapshot_copy.retention=\"1d\"", COPIES]),
    ("producer.snapshot_copy.kms_key_arn", &["producer.snapshot_copy.kms_key_arn=\"{other-key-abroad}\"", COPIES]),
    ("producer.pause.stop", &["producer.pause.stop=\"cron(0 22 ? 6 FRI *)\"", STARTS]),
    ("producer.pause.start", &["producer.pause.start=\"cron(0 5 L 6 ? *)\"", STOPS]),
    ("resources.*.name", &["resources.\"producer/workgroup\".name=\"other-dw\""]),
    ("resources.*.ignore_changes", &["resources.\"producer/workgroup\".ignore_changes=[\"max_capacity\"]"]),
    ("tags", &["tags.team=\"other\"", "tags.cost=\"low\""]),
    ("networking.subnet_cidrs", &["networking.subnet_cidrs=[\"10.40.19.0/24\", \"10.40.17.0/24\", \"10.40.18.0/24\"]"]),
    ("networking.availability_zones", &["networking.availability_zones=4"]),
    ("networking.allowed_cidrs", &["networking.allowed_cidrs=[\"203.0.113.0/24\"]"]),
    ("networking.vpc_cidr", &["networking.vpc_cidr=\"10.40.0.0/18\""]),
    ("networking.subnet_ids", &["networking.subnet_ids={other-subnets}"]),
    ("producer.base_capacity", &["producer.base_capacity=16"]),
    ("producer.max_capacity", &["producer.max_capacity=128"]),
    ("producer.database", &["producer.database=\"other_dw\""]),
    ("producer.admin_username", &["producer.admin_username=\"chief\""]),
    ("producer.port", &["producer.port=8200"]),
    ("producer.s3_buckets", &["producer.s3_buckets=[\"lake-*\"]"]),
    ("producer.parameters", &["producer.parameters.datestyle=\"ISO, DMY\"", "producer.parameters.query_group=\"r\""]),
    ("producer.logging", &["producer.logging=[\"useractivitylog\"]"]),
    (
        "producer.log_retention",
        &["producer.log_retention=\"90d\"", "producer.logging=[\"userlog\", \"connectionlog\"]"],
    ),
    ("producer.kms_key_arn", &["producer.kms_key_arn=\"{other-key}\""]),
    ("producer.node_count", &["producer.node_count=3"]),
    ("producer.node_type", &["producer.node_type=\"ra3.4xlarge\""]),
    ("producer.maintenance_window", &["producer.maintenance_window=\"mon:09:00-mon:10:00\""]),
    ("producer.snapshot_retention", &["producer.snapshot_retention=\"1d\""]),
    (
        "producer.usage_limits[].feature",
        &[
            "producer.usage_limits=[{ feature = \"cross-region-datasharing\", amount = 3 }, { feature = \"concurrency-scaling\", amount = 30 }]",
        ],
    ),
    ("producer.usage_limits[].amount", &["producer.usage_limits=[{ feature = \"spectrum\", amount = 5 }]"]),
    (
        "producer.usage_limits[].action",
        &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4, action = \"emit-metric\" }]"],
    ),
    (
        "producer.usage_limits[].period",
        &["producer.usage_limits=[{ feature = \"concurrency-scaling\", amount = 4, period = \"weekly\" }]"],
    ),
    ("consumers.*.count", &["consumers.readers.count=3"]),
    ("consumers.*.base_capacity", &["consumers.readers.base_capacity=24"]),
    ("consumers.*.max_capacity", &["consumers.readers.max_capacity=256"]),
    ("consumers.*.database", &["consumers.readers.database=\"other_db\""]),
    ("consumers.*.admin_username", &["consumers.readers.admin_username=\"chief\""]),
    ("consumers.*.port", &["consumers.readers.port=5440"]),
    ("consumers.*.query_timeout", &["consumers.readers.query_timeout=\"2h\""]),
    (
        "consumers.*.parameters",
        &["consumers.readers.parameters.search_path=\"a, b\"", "consumers.readers.parameters.max_scan_row_count=\"9\""],
    ),
    ("consumers.*.usage_limit.rpu_hours", &["consumers.readers.usage_limit.rpu_hours=60"]),
    ("consumers.*.s3_buckets", &["consumers.readers.s3_buckets=[\"raw\", \"lake-*\"]"]),
    ("consumers.*.log_exports", &["consumers.readers.log_exports=[\"userlog\", \"connectionlog\"]"]),
    (
        "consumers.*.log_retention",
        &["consumers.readers.log_retention=\"3d\"", "consumers.readers.log_exports=[\"useractivitylog\"]"],
    ),
    ("nlb.port", &["nlb.port=6100"]),
    ("nlb.idle_timeout", &["nlb.idle_timeout=\"350s\""]),
    ("nlb.deregistration_delay", &["nlb.deregistration_delay=\"3600s\""]),
    ("nlb.health_check.interval", &["nlb.health_check.interval=\"300s\""]),
    ("nlb.health_check.healthy", &["nlb.health_check.healthy=10"]),
    ("nlb.health_check.unhealthy", &["nlb.health_check.unhealthy=10"]),
    ("nlb.custom_domain.name", &["nlb.custom_domain.name=\"bi.example.com\"", CERTIFICATE]),
    (
        "nlb.custom_domain.certificate_arn",
        &["nlb.custom_domain.certificate_arn=\"arn:aws:acm:us-west-2:123456789012:certificate/sandbox-2\"", DOMAIN],
    ),
    ("nlb.listeners[].port", &["nlb.listeners=[{ port = 6003, consumers = [\"readers\"] }]"]),
    (
        "nlb.listeners[].consumers",
        &["nlb.listeners=[{ port = 6002, consumers = [\"readers\"] }, { port = 6004, consumers = [\"readers\"] }]"],
    ),
    ("datashares.*.schemas", &["datashares.one.schemas=[\"public\", \"flights\"]"]),
    ("datashares.*.tables", &["datashares.one.tables=[\"flights.schedule\", \"public.dim_date\"]"]),
    ("datashares.*.accounts", &["datashares.one.accounts=[\"210987654322\", \"210987654323\"]"]),
    ("datashares.*.database", &["datashares.one.database=\"other_shared\""]),
    ("datashares.*.grant_to", &["datashares.one.grant_to=[\"user:u\"]"]),
    ("roles.*.members", &["roles.r.members=[\"role:s\"]"]),
    ("monitoring.notify", &["monitoring.notify=[\"b@example.com\"]"]),
    (
        "monitoring.topic_arn",
        &["monitoring.topic_arn=\"arn:aws:sns:us-west-2:123456789012:dev\"", "monitoring.notify=[]"],
    ),
    ("monitoring.thresholds.consumer_rpu_hours_per_day", &["monitoring.thresholds.consumer_rpu_hours_per_day=300"]),
    ("monitoring.thresholds.consumer_connections", &["monitoring.thresholds.consumer_connections=200"]),
    ("monitoring.thresholds.queries_failed", &["monitoring.thresholds.queries_failed=50"]),
    ("monitoring.thresholds.queries_queued", &["monitoring.thresholds.queries_queued=50"]),
    ("monitoring.thresholds.usage_limit_percent", &["monitoring.thresholds.usage_limit_percent=90", RPU_HOURS]),
    ("monitoring.thresholds.storage_gb", &["monitoring.thresholds.storage_gb=2000"]),
    ("monitoring.thresholds.healthy_hosts", &["monitoring.thresholds.healthy_hosts=3"]),
    ("monitoring.thresholds.nlb_resets", &["monitoring.thresholds.nlb_resets=1000"]),
    ("monitoring.thresholds.cluster_cpu_percent", &["monitoring.thresholds.cluster_cpu_percent=80"]),
    ("monitoring.thresholds.cluster_disk_percent", &["monitoring.thresholds.cluster_disk_percent=90"]),
    ("monitoring.thresholds.cluster_connections", &["monitoring.thresholds.cluster_connections=200"]),
    ("monitoring.thresholds.cluster_commit_queue", &["monitoring.thresholds.cluster_commit_queue=20"]),
    ("protect.addresses", &["protect.addresses=[]"]),
];

/// The same of a serverless producer alone.
const OF_SERVERLESS: Rows = &[
    (
        "producer.usage_limits[].feature",
        &["producer.usage_limits=[{ feature = \"serverless-compute\", amount = 60, action = \"deactivate\" }]"],
    ),
    ("producer.snapshot_schedule", &["producer.snapshot_schedule=\"cron(30 4 ? 6 * *)\""]),
];

/// Keys of which no third value is any good, and why.
const NO_THIRD: [(&str, &str); 9] = [
    ("datashares.*.account", "two accounts share something of that name"),
    ("datashares.*.namespace", "two producers of one account share something of that name"),
    ("datashares.*.consumers", "the file has one group"),
    ("users.*.grants", "the file has one share"),
    ("account", "there is one account"),
    ("producer.type", "another type is another form"),
    ("producer.admin_password", "AWS is never told a password, so `external` is for what is imported"),
    ("networking.vpc_id", "the account has two VPCs"),
    ("networking.vpc_name", "the account has two VPCs"),
];

/// Keys that no resource shows, or not at the one value there is to try.
pub(super) const UNSEEN: [&str; 6] = [
    "account",
    "producer.admin_password",
    "producer.type",
    "protect.addresses",
    "resources.*.ignore_changes",
    "state.backend",
];

/// Words that are never tried, with the reason.
const UNTRIED: [(&str, &str, &str); 2] = [
    ("producer.admin_password", "external", "AWS is never told a password"),
    ("state.backend", "s3", "the tests of the backend"),
];

/// Every form there is.
pub(super) const FORMS: [Form; 4] = [SERVERLESS, CLUSTER, NAMED, PLACED];

/// Keys that say what a warehouse is made from, which is refused once it stands: `story::restore` tries them.
const ONCE: [&str; 2] = ["consumers.*.restore.snapshot", "producer.restore.snapshot"];

/// Keys that name the estate itself.
const BEYOND: [&str; 4] = ["project", "region", "extends", "state"];

#[test]
fn every_key_that_works_has_another_value() {
    let leaves = KEYS.iter().filter(|key| !matches!(key.ty, Type::Table | Type::Map(_) | Type::Tables | Type::Open));
    let work = leaves.filter(|key| key.since != Since::NotYet);
    let work: BTreeSet<&str> =
        work.map(|key| key.path).filter(|path| !BEYOND.contains(&root(path)) && !ONCE.contains(path)).collect();
    let rows = FORMS.iter().flat_map(|form| form.other).map(|(path, _)| *path);
    let have: BTreeSet<&str> = rows.filter(|path| root(path) != "state").collect();
    assert_eq!(have, work);
}

fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// The other values that a key's type tells: of a flag the other one, of a choice the words that are left.
fn told_by_type(path: &str, set: &str) -> Vec<String> {
    let Some((key, value)) = set.split_once('=') else { return Vec::new() };
    let Some(of) = KEYS.iter().find(|key| key.path == path) else { return Vec::new() };
    let untried = |word: &str| UNTRIED.iter().any(|(key, left_out, _)| *key == path && *left_out == word);
    match (of.ty, value) {
        (Type::Bool, "true") => vec![format!("{key}=false")],
        (Type::Bool, "false") => vec![format!("{key}=true")],
        (ty, value) if value.starts_with('"') => {
            let words = ty.choices().iter().filter(|word| value.trim_matches('"') != **word && !untried(word));
            words.map(|word| format!("{key}=\"{word}\"")).collect()
        }
        _ => Vec::new(),
    }
}

impl Form {
    /// The paths of these keys.
    pub(super) fn named(&self, keys: &[usize]) -> Vec<&'static str> {
        keys.iter().map(|at| self.other[*at].0).collect()
    }

    /// The values of a key, each as `--set` texts; none of them is what the key is by itself but the last of a flag.
    pub(super) fn values(&self, at: usize) -> Vec<Vec<String>> {
        let (path, sets) = self.other[at];
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let third = self.third.iter().chain(THIRD).find(|(key, _)| *key == path);
        let third = third.map(|(_, sets)| sets.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>());
        let told = if path == "producer.type" { Vec::new() } else { told_by_type(path, &sets[0]) };
        // What it takes besides stays.
        let told = told.into_iter().map(|first| std::iter::once(first).chain(sets[1..].iter().cloned()).collect());
        std::iter::once(sets.clone()).chain(third).chain(told).collect()
    }

    /// All keys.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.other.len()).collect()
    }
}

#[test]
fn every_key_has_a_value_to_change_to() {
    for form in &FORMS {
        for at in form.all() {
            let (path, values) = (form.other[at].0, form.values(at));
            let one = NO_THIRD.iter().any(|(key, _)| *key == path) || path == "state.backend";
            assert_eq!(values.len() == 1, one, "{}: {path}: {values:?}", form.name);
            let distinct: BTreeSet<&Vec<String>> = values.iter().collect();
            assert_eq!(distinct.len(), values.len(), "{path}: {values:?}");
        }
    }
    let paths: BTreeSet<&str> = FORMS.iter().flat_map(|form| form.other).map(|(path, _)| *path).collect();
    let stray: Vec<&str> = THIRD.iter().map(|(path, _)| *path).filter(|path| !paths.contains(path)).collect();
    assert_eq!(stray, [""; 0], "a third value of no key");
}

#[test]
fn every_word_of_every_choice_is_tried() {
    let mut untried = Vec::new();
    for key in KEYS.iter().filter(|key| key.since == Since::Now && !BEYOND.contains(&root(key.path))) {
        let of_key = |form: &Form| {
            let rows = form.all().into_iter().filter(|at| form.other[*at].0 == key.path);
            rows.flat_map(|at| form.values(at)).flatten().collect::<Vec<String>>()
        };
        let texts: Vec<String> = FORMS.iter().flat_map(of_key).collect();
        let own = format!("{:?}", key.absent);
        let tried = |word: &str| own.contains(word) || texts.iter().any(|text| text.contains(&format!("\"{word}\"")));
        let words = key.ty.choices().iter().filter(|word| !tried(word));
        let words = words.filter(|word| UNTRIED.iter().all(|(path, left, _)| (*path, *left) != (key.path, **word)));
        untried.extend(words.map(|word| format!("{}: {word}", key.path)));
    }
    assert_eq!(untried, [""; 0]);
}
