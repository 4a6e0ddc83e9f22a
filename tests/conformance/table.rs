//! What only a person can know of each kind: a resource to try it on, and another valid value for each field.
//! One file for each service; `subjects` is the whole list.

mod access;
mod balancing;
mod calls;
mod monitoring;
mod network;
mod provisioned;
mod sharing;
mod spares;
mod warehouse;

pub(crate) use calls::{Per, per_object};
pub(crate) use provisioned::{ABROAD, key_abroad};
use serde_json::Value as Json;
pub(crate) use spares::spares;

/// An estate that holds every kind and is public nowhere, so that its gateway can be replaced.
pub(crate) const ESTATE: &str = r#"
project = "conf"
region = "us-west-2"
account = "123456789012"
[tags]
cost_center = "data platform"
[networking]
vpc_cidr = "10.40.0.0/16"
allowed_cidrs = ["10.0.0.0/8", "192.0.2.0/24"]
internet_gateway = true
[producer]
base_capacity = 8
max_capacity = 16
database = "main_dw"
admin_username = "boss"
s3_buckets = ["conf-lake-*", "conf-raw"]
parameters = { require_ssl = "false", datestyle = "ISO, DMY" }
logging = ["connectionlog", "userlog"]
log_retention = "30d"
snapshot_schedule = "cron(0 3 ? 6 SUN *)"
snapshot_copy = { region = "us-east-1", retention = "3d" }
final_snapshot = false
[consumers.analytics]
count = 2
base_capacity = 8
database = "analytics_db"
query_timeout = "1h"
s3_buckets = ["conf-lake-*"]
log_exports = ["useractivitylog"]
log_retention = "3653d"
[consumers.reporting]
base_capacity = 16
max_capacity = 64
usage_limit = { period = "weekly", rpu_hours = 500, action = "deactivate" }
port = 5440
enhanced_vpc_routing = false
[nlb]
stickiness = true
targets = "endpoint"
listeners = [{ port = 5441, consumers = ["reporting"] }]
custom_domain = { name = "dwh.example.com", certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1" }
deregistration_delay = "30s"
deletion_protection = true
[datashares.conf_share]
schemas = ["flights"]
accounts = ["210987654321"]
grant_to = ["role:analyst"]
[datashares.harbour_traffic]
account = "321098765432"
namespace = "84d0a7c3-1e52-4f9b-8a66-321098765432"
consumers = ["reporting"]
[users.bi]
grants = ["conf_share"]
[roles.analyst]
members = ["user:bi"]
[protect]
addresses = []
"#;

/// What the producer of `ESTATE` cannot show: one estate has one producer.
pub(crate) const CLUSTER_ESTATE: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
type = "cluster"
logging = ["userlog"]
usage_limits = [{ feature = "spectrum", amount = 5 }]
snapshot_schedule = "rate(12 hours)"
snapshot_copy = { region = "us-east-1", retention = "3d" }
pause = { stop = "cron(0 20 ? 6 FRI *)", start = "cron(0 7 ? 6 MON *)" }
[consumers.readers]
restore = { snapshot = "kept" }
[monitoring]
notify = ["oncall@example.com"]
"#;

/// The name of a snapshot of a namespace that is there before anything else.
pub(crate) const KEPT: &str = "kept";

/// A resource of the test. In its spec `@<address>.<output>` is a reference.
pub(crate) struct Given {
    pub(crate) kind: &'static str,
    pub(crate) address: &'static str,
    pub(crate) spec: Json,
    /// What it comes after though no value flows.
    pub(crate) after: &'static [&'static str],
}

/// What a field is to be instead.
#[derive(Clone, Debug)]
pub(crate) enum To {
    Value(Json),
    /// A tag `probe` of this value, or none.
    Tag(Option<&'static str>),
    /// Another value that the kind refuses, so that the plan says why.
    Refused(Json),
    /// What it refers to is replaced, because AWS knows no other valid value (the fact says why).
    Replaced {
        address: &'static str,
        fact: &'static str,
    },
}

/// One change of one field.
pub(crate) struct Row {
    pub(crate) field: &'static str,
    pub(crate) to: To,
    /// Fields that AWS makes change with it.
    pub(crate) with: Vec<(&'static str, Json)>,
    /// AWS knows nothing of the field: an update without a call.
    pub(crate) silent: bool,
    /// Others that change with it, because they hang on the subject.
    pub(crate) followers: &'static [&'static str],
}

impl Row {
    fn with(mut self, field: &'static str, json: Json) -> Self {
        self.with.push((field, json));
        self
    }
    fn silent(mut self) -> Self {
        self.silent = true;
        self
    }
    fn followed_by(mut self, followers: &'static [&'static str]) -> Self {
        self.followers = followers;
        self
    }
}

fn row(field: &'static str, json: Json) -> Row {
    Row { field, to: To::Value(json), with: Vec::new(), silent: false, followers: &[] }
}

fn refused(field: &'static str, json: Json) -> Row {
    Row { to: To::Refused(json), ..row(field, Json::Null) }
}

/// The rows of `tags`, which every tagged kind has alike.
pub(crate) fn tag_rows() -> [Row; 3] {
    [Some("one"), Some("two"), None].map(|value| Row { to: To::Tag(value), ..row("tags", Json::Null) })
}

/// A kind's resource that nothing else depends on, and the changes to try on it, in this order.
pub(crate) struct Subject {
    pub(crate) given: Given,
    pub(crate) rows: Vec<Row>,
    /// Resources that must go before it can.
    pub(crate) held_by: &'static [&'static str],
    /// What a second create with the same token does (aws-facts.md 0.2).
    pub(crate) again: Again,
}

/// What a second create with the same token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// The same object: by token, by nature or because it is an upsert.
    Same,
    /// An error that tells of the first one.
    Refused,
    /// Another object: AWS takes no token and no name. Such a create is never repeated blindly.
    Another,
}

fn given(kind: &'static str, address: &'static str, spec: Json) -> Given {
    Given { kind, address, spec, after: &[] }
}

/// One subject for each kind.
pub(crate) fn subjects() -> Vec<Subject> {
    let services = [
        network::subjects(),
        access::subjects(),
        warehouse::subjects(),
        provisioned::subjects(),
        sharing::subjects(),
        balancing::subjects(),
        monitoring::subjects(),
    ];
    services.into_iter().flatten().collect()
}

fn subject(kind: &'static str, address: &'static str, spec: Json, again: Again, rows: Vec<Row>) -> Subject {
    Subject { given: given(kind, address, spec), rows, held_by: &[], again }
}
