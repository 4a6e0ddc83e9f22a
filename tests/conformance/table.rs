//! What only a person can know of each kind: a resource to try it on, and another valid value for each field.

use serde_json::{Value as Json, json};

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
deregistration_delay = "30s"
deletion_protection = true
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
"#;

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

fn policy(bucket: &str) -> Json {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [format!("arn:aws:s3:::{bucket}")] }
    ] })
}

fn trust(services: &[&str]) -> Json {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": { "Service": services } }
    ] })
}

const REDSHIFT: [&str; 2] = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"];

fn vpc(cidr: &str) -> Json {
    json!({ "cidr": cidr, "dns_support": true, "dns_hostnames": true })
}

fn subnet(vpc: &str, cidr: &str, zone: &str) -> Json {
    json!({ "vpc": format!("@{vpc}.id"), "cidr": cidr, "zone": zone })
}

fn group(name: &str) -> Json {
    json!({ "vpc": "@spare/vpc-a.id", "name": name, "description": "a group" })
}

fn role(name: &str) -> Json {
    json!({ "name": name, "path": "/rsds/conf/dev/", "description": "a role", "trust": trust(&REDSHIFT) })
}

fn key(description: &str) -> Json {
    json!({ "description": description, "rotation": true, "enabled": true, "retain": false })
}

fn namespace(name: &str) -> Json {
    json!({
        "name": name, "database": "dev", "admin_username": "boss", "managed_password": true,
        "kms_key": "@spare/key-1.arn", "roles": ["@spare/role-1.arn"], "default_role": "@spare/role-1.arn", "log_exports": [], "final_snapshot": false,
    })
}

fn workgroup(name: &str, namespace: &str) -> Json {
    json!({
        "name": name, "namespace": format!("@{namespace}.name"), "base_capacity": 8, "max_capacity": 16,
        "parameters": { "query_group": "one" }, "vpc": "@networking/vpc.id", "subnets": subnets(3),
        "security_groups": ["@networking/consumer-security-group.id"], "port": 5439, "enhanced_vpc_routing": true,
        "publicly_accessible": false,
    })
}

fn subnet_group(name: &str) -> Json {
    json!({ "name": name, "description": "subnets", "vpc": "@networking/vpc.id", "subnets": subnets(3) })
}

fn parameter_group(name: &str) -> Json {
    json!({
        "name": name, "family": "redshift-1.0", "description": "parameters",
        "parameters": { "require_ssl": "true", "query_group": "one" },
    })
}

fn cluster(name: &str) -> Json {
    json!({
        "name": name, "database": "dev", "admin_username": "boss", "managed_password": true, "node_type": "ra3.xlplus",
        "node_count": 2, "port": 5439, "kms_key": "@spare/key-1.arn", "subnet_group": "@spare/subnet-group-1.name",
        "parameter_group": "@spare/parameter-group-1.name",
        "security_groups": ["@networking/producer-security-group.id"], "roles": ["@spare/role-1.arn"],
        "default_role": "@spare/role-1.arn", "enhanced_vpc_routing": true, "publicly_accessible": false,
        "multi_az": false, "availability_zone_relocation": false, "maintenance_window": "sun:08:00-sun:08:30",
        "snapshot_retention": 7, "final_snapshot": false,
    })
}

fn logging(cluster: &str) -> Json {
    json!({ "cluster": format!("@{cluster}.name"), "log_exports": ["userlog"] })
}

fn limit(period: &str) -> Json {
    json!({
        "cluster": "@spare/cluster-1.name", "feature": "spectrum", "limit_type": "data-scanned", "period": period,
        "amount": 5, "breach_action": "log",
    })
}

fn budget(workgroup: &str, amount: u32) -> Json {
    json!({
        "workgroup": workgroup, "usage_type": "serverless-compute", "period": "daily", "amount": amount,
        "breach_action": "log",
    })
}

fn subnets(count: usize) -> Vec<String> {
    let all = ["networking/subnet-1", "networking/subnet-2", "networking/subnet-3", "spare/subnet-4"];
    all[..count].iter().map(|address| format!("@{address}.id")).collect()
}

/// A row that moves what it is about into the other VPC, where subnets and groups are others.
fn moved(row: Row, group: &str) -> Row {
    let subnets = ["@spare/subnet-a1.id", "@spare/subnet-a2.id", "@spare/subnet-a3.id"];
    row.with("subnets", json!(subnets)).with("security_groups", json!([group]))
}

fn balancer(name: &str) -> Json {
    json!({
        "name": name, "internal": true, "vpc": "@networking/vpc.id", "subnets": subnets(3), "cross_zone": true, "deletion_protection": false,
        "security_groups": ["@networking/nlb-security-group.id"],
    })
}

fn target_group(name: &str) -> Json {
    json!({
        "name": name, "vpc": "@networking/vpc.id", "port": 5439, "health_interval": 10, "healthy": 2, "unhealthy": 2,
        "deregistration_delay": 10, "stickiness": false,
    })
}

fn listener(balancer: &str, port: u16, group: &str) -> Json {
    json!({
        "load_balancer": format!("@{balancer}.arn"), "port": port, "target_group": format!("@{group}.arn"),
        "idle_timeout": 350,
    })
}

/// What subjects refer to, and enough of each kind to read three at once.
pub(crate) fn spares() -> Vec<Given> {
    let vpc_of = |vpc: &str| json!({ "vpc": format!("@{vpc}.id") });
    let association =
        |table: &str, subnet: &str| json!({ "route_table": format!("@{table}.id"), "subnet": format!("@{subnet}.id") });
    let endpoint = |vpc: &str, table: &str| {
        json!({
            "vpc": format!("@{vpc}.id"), "service": "com.amazonaws.us-west-2.s3",
            "route_tables": [format!("@{table}.id")],
        })
    };
    vec![
        given("ec2.vpc", "spare/vpc-a", vpc("10.60.0.0/16")),
        given("ec2.vpc", "spare/vpc-b", vpc("10.60.0.0/16")),
        given("ec2.vpc", "spare/vpc-c", vpc("10.60.0.0/16")),
        given("ec2.internet-gateway", "spare/gateway-c", vpc_of("spare/vpc-c")),
        given("ec2.subnet", "spare/subnet-a1", subnet("spare/vpc-a", "10.60.100.0/24", "us-west-2a")),
        given("ec2.subnet", "spare/subnet-a2", subnet("spare/vpc-a", "10.60.101.0/24", "us-west-2b")),
        given("ec2.subnet", "spare/subnet-a3", subnet("spare/vpc-a", "10.60.102.0/24", "us-west-2c")),
        given("ec2.subnet", "spare/subnet-4", subnet("networking/vpc", "10.40.200.0/23", "us-west-2d")),
        given("ec2.route-table", "spare/table-1", vpc_of("networking/vpc")),
        given("ec2.route-table", "spare/table-2", vpc_of("networking/vpc")),
        given("ec2.route-table", "spare/table-a1", vpc_of("spare/vpc-a")),
        given("ec2.route-table", "spare/table-a2", vpc_of("spare/vpc-a")),
        given("ec2.route-table", "spare/table-b", vpc_of("spare/vpc-b")),
        given("ec2.route-table", "spare/table-c", vpc_of("spare/vpc-c")),
        given(
            "ec2.route-table-association",
            "spare/association-4",
            association("networking/route-table", "spare/subnet-4"),
        ),
        given(
            "ec2.route",
            "spare/route",
            json!({
                "route_table": "@spare/table-2.id", "destination": "203.0.113.0/24",
                "gateway": "@networking/internet-gateway.id",
            }),
        ),
        given("ec2.vpc-endpoint", "spare/endpoint-c", endpoint("spare/vpc-c", "spare/table-c")),
        given("ec2.security-group", "spare/group-1", group("spare-1")),
        given("ec2.security-group", "spare/group-2", group("spare-2")),
        given("iam.role", "spare/role-1", role("spare-1")),
        given("iam.role", "spare/role-2", role("spare-2")),
        given("kms.key", "spare/key-1", key("one")),
        given("kms.key", "spare/key-2", key("two")),
        given("kms.alias", "spare/alias", json!({ "name": "alias/spare", "key": "@spare/key-1.arn" })),
        given("redshift-serverless.namespace", "spare/namespace-1", namespace("spare-1")),
        given("redshift-serverless.namespace", "spare/namespace-2", namespace("spare-2")),
        given(
            "redshift-serverless.workgroup",
            "spare/workgroup",
            workgroup("spare-of-namespace", "subject/redshift-serverless.namespace"),
        ),
        given("redshift.subnet-group", "spare/subnet-group-1", subnet_group("spare-1")),
        given("redshift.subnet-group", "spare/subnet-group-2", subnet_group("spare-2")),
        given("redshift.parameter-group", "spare/parameter-group-1", parameter_group("spare-1")),
        given("redshift.parameter-group", "spare/parameter-group-2", parameter_group("spare-2")),
        given("redshift.cluster", "spare/cluster-1", cluster("spare-1")),
        given("redshift.cluster", "spare/cluster-2", cluster("spare-2")),
        given("redshift.cluster", "spare/cluster-3", cluster("spare-3")),
        given("redshift.cluster", "spare/cluster-4", cluster("spare-4")),
        given("redshift.logging", "spare/logging-3", logging("spare/cluster-3")),
        given("redshift.logging", "spare/logging-4", logging("spare/cluster-4")),
        given("redshift.usage-limit", "spare/limit-daily", limit("daily")),
        given("redshift.usage-limit", "spare/limit-weekly", limit("weekly")),
        given("redshift-serverless.usage-limit", "spare/limit", budget("@consumer-analytics-2/workgroup.arn", 30)),
        given("elasticloadbalancing.load-balancer", "spare/balancer", balancer("spare")),
        given("elasticloadbalancing.target-group", "spare/targets-1", target_group("spare-1")),
        given("elasticloadbalancing.target-group", "spare/targets-2", target_group("spare-2")),
        given("elasticloadbalancing.target-group", "spare/targets-3", target_group("spare-3")),
        given("elasticloadbalancing.target-group", "spare/targets-4", target_group("spare-4")),
        given(
            "elasticloadbalancing.listener",
            "spare/listener-3",
            listener("nlb/load-balancer", 6003, "spare/targets-3"),
        ),
        given(
            "elasticloadbalancing.listener",
            "spare/listener-4",
            listener("nlb/load-balancer", 6004, "spare/targets-4"),
        ),
    ]
}

/// One subject for each kind.
pub(crate) fn subjects() -> Vec<Subject> {
    let mut all = network();
    all.extend(access());
    all.extend(warehouse());
    all.extend(provisioned());
    all.extend(balancing());
    all
}

fn subject(kind: &'static str, address: &'static str, spec: Json, again: Again, rows: Vec<Row>) -> Subject {
    Subject { given: given(kind, address, spec), rows, held_by: &[], again }
}

fn network() -> Vec<Subject> {
    let gateway = Row {
        to: To::Replaced {
            address: "networking/internet-gateway",
            fact: "aws-facts.md 1.2: one internet gateway per VPC",
        },
        ..row("gateway", Json::Null)
    };
    let gateway = gateway.followed_by(&["networking/internet-gateway", "networking/public-route", "spare/route"]);
    vec![
        subject(
            "ec2.vpc",
            "subject/ec2.vpc",
            vpc("10.61.0.0/16"),
            Again::Another,
            vec![
                row("dns_hostnames", json!(false)),
                row("dns_support", json!(false)),
                row("cidr", json!("10.62.0.0/20")),
            ],
        ),
        subject(
            "ec2.subnet",
            "subject/ec2.subnet",
            subnet("spare/vpc-a", "10.60.0.0/24", "us-west-2a"),
            Again::Refused,
            vec![
                row("zone", json!("us-west-2b")),
                row("cidr", json!("10.60.1.0/25")),
                row("vpc", json!("@spare/vpc-b.id")),
            ],
        ),
        subject(
            "ec2.internet-gateway",
            "subject/ec2.internet-gateway",
            json!({ "vpc": "@spare/vpc-a.id" }),
            Again::Another,
            vec![row("vpc", json!("@spare/vpc-b.id"))],
        ),
        subject(
            "ec2.route-table",
            "subject/ec2.route-table",
            json!({ "vpc": "@spare/vpc-a.id" }),
            Again::Same,
            vec![row("vpc", json!("@spare/vpc-b.id"))],
        ),
        subject(
            "ec2.route",
            "subject/ec2.route",
            json!({
                "route_table": "@spare/table-1.id", "destination": "198.51.100.0/24",
                "gateway": "@networking/internet-gateway.id",
            }),
            Again::Refused,
            vec![gateway, row("destination", json!("198.51.100.0/25")), row("route_table", json!("@spare/table-2.id"))],
        ),
        subject(
            "ec2.route-table-association",
            "subject/ec2.route-table-association",
            json!({ "route_table": "@spare/table-a1.id", "subnet": "@spare/subnet-a1.id" }),
            Again::Refused,
            vec![row("route_table", json!("@spare/table-a2.id")), row("subnet", json!("@spare/subnet-a2.id"))],
        ),
        subject(
            "ec2.vpc-endpoint",
            "subject/ec2.vpc-endpoint",
            json!({
                "vpc": "@spare/vpc-a.id", "service": "com.amazonaws.us-west-2.s3",
                "route_tables": ["@spare/table-a1.id"],
            }),
            Again::Same,
            vec![
                row("route_tables", json!(["@spare/table-a1.id", "@spare/table-a2.id"])),
                row("route_tables", json!(["@spare/table-a2.id"])),
                row("service", json!("com.amazonaws.us-west-2.dynamodb")),
                // Route tables belong to a VPC.
                row("vpc", json!("@spare/vpc-b.id")).with("route_tables", json!(["@spare/table-b.id"])),
            ],
        ),
        subject(
            "ec2.security-group",
            "subject/ec2.security-group",
            group("subject"),
            Again::Refused,
            vec![
                row("description", json!("another group")),
                row("name", json!("subject-renamed")),
                row("vpc", json!("@spare/vpc-b.id")),
            ],
        ),
        subject(
            "ec2.security-group-rule",
            "subject/ec2.security-group-rule",
            json!({
                "group": "@spare/group-1.id", "direction": "ingress", "protocol": "tcp",
                "ports": { "from": 5439, "to": 5439 }, "peer": { "cidr": "10.1.0.0/16" }, "description": "a rule",
            }),
            Again::Refused,
            vec![
                row("description", json!("another rule")),
                row("description", json!("")),
                row("ports", json!({ "from": 5439, "to": 5440 })),
                row("peer", json!({ "cidr": "10.2.0.0/16" })),
                row("peer", json!({ "group": "@spare/group-2.id" })),
                row("direction", json!("egress")),
                // All protocols have no ports.
                row("protocol", json!("all")).with("ports", Json::Null),
                row("group", json!("@spare/group-2.id")),
            ],
        ),
    ]
}

fn access() -> Vec<Subject> {
    vec![
        subject(
            "iam.role",
            "subject/iam.role",
            role("subject"),
            Again::Refused,
            vec![
                row("description", json!("another role")),
                row("description", json!("")),
                row("trust", trust(&["redshift.amazonaws.com"])),
                row("path", json!("/rsds/conf/other/")),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "iam.role-policy",
            "subject/iam.role-policy",
            json!({ "role": "@spare/role-1.name", "name": "subject", "policy": policy("one") }),
            Again::Same,
            vec![
                row("policy", policy("two")),
                row("name", json!("subject-renamed")),
                row("role", json!("@spare/role-2.name")),
            ],
        ),
        subject(
            "iam.role-policy-attachment",
            "subject/iam.role-policy-attachment",
            json!({ "role": "@spare/role-1.name", "policy": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" }),
            Again::Same,
            vec![
                row("policy", json!("arn:aws:iam::aws:policy/AmazonRedshiftAllCommandsFullAccess")),
                row("role", json!("@spare/role-2.name")),
            ],
        ),
        subject(
            "kms.key",
            "subject/kms.key",
            key("subject"),
            Again::Another,
            vec![
                row("description", json!("")),
                row("rotation", json!(false)),
                row("retain", json!(true)).silent(),
                row("retain", json!(false)).silent(),
                row("enabled", json!(false)),
                row("enabled", json!(true)),
            ],
        ),
        subject(
            "kms.alias",
            "subject/kms.alias",
            json!({ "name": "alias/subject", "key": "@spare/key-1.arn" }),
            Again::Refused,
            vec![row("key", json!("@spare/key-2.arn")), row("name", json!("alias/subject-renamed"))],
        ),
    ]
}

fn warehouse() -> Vec<Subject> {
    const ITS_WORKGROUP: &[&str] = &["spare/workgroup"];
    let namespace = Subject {
        held_by: ITS_WORKGROUP,
        ..subject(
            "redshift-serverless.namespace",
            "subject/redshift-serverless.namespace",
            namespace("subject"),
            Again::Refused,
            vec![
                refused("managed_password", json!(false)),
                row("log_exports", json!(["connectionlog", "userlog"])),
                row("roles", json!(["@spare/role-1.arn", "@spare/role-2.arn"])),
                row("default_role", json!("@spare/role-2.arn")),
                row("default_role", Json::Null),
                row("kms_key", json!("@spare/key-2.arn")),
                row("database", json!("other")).followed_by(ITS_WORKGROUP),
                row("admin_username", json!("other")).followed_by(ITS_WORKGROUP),
                row("name", json!("subject-renamed")).followed_by(ITS_WORKGROUP),
                row("final_snapshot", json!(true)).silent(),
                row("final_snapshot", json!(false)).silent(),
            ],
        )
    };
    let mut workgroup = subject(
        "redshift-serverless.workgroup",
        "subject/redshift-serverless.workgroup",
        workgroup("subject", "spare/namespace-1"),
        Again::Refused,
        vec![
            moved(row("vpc", json!("@spare/vpc-a.id")), "@spare/group-1.id"),
            row("parameters", json!({ "query_group": "two", "max_query_execution_time": "60" })),
            row("parameters", json!({ "require_ssl": "false", "max_query_execution_time": "60" })),
            row("max_capacity", json!(64)),
            row("max_capacity", Json::Null),
            row("base_capacity", json!(16)),
            row("vpc", json!("@networking/vpc.id"))
                .with("subnets", json!(subnets(3)))
                .with("security_groups", json!(["@networking/consumer-security-group.id"])),
            row("subnets", json!(subnets(4))),
            row(
                "security_groups",
                json!(["@networking/consumer-security-group.id", "@networking/producer-security-group.id"]),
            ),
            row("port", json!(5440)),
            row("enhanced_vpc_routing", json!(false)),
            row("publicly_accessible", json!(true)),
            row("namespace", json!("@spare/namespace-2.name")),
            row("name", json!("subject-renamed")),
        ],
    );
    workgroup.given.after = &["networking/public-route"];
    let logs = subject(
        "logs.log-group",
        "subject/logs.log-group",
        json!({ "name": "/conf/subject", "retention_days": 7 }),
        Again::Refused,
        vec![
            row("retention_days", json!(30)),
            row("retention_days", Json::Null),
            row("retention_days", json!(1)),
            row("name", json!("/conf/subject-renamed")),
        ],
    );
    let endpoint = subject(
        "redshift-serverless.endpoint-access",
        "subject/redshift-serverless.endpoint-access",
        json!({
            "name": "subject", "workgroup": "@consumer-analytics-1/workgroup.name", "subnets": subnets(3),
            "security_groups": ["@networking/consumer-security-group.id"],
        }),
        Again::Refused,
        vec![
            row(
                "security_groups",
                json!(["@networking/consumer-security-group.id", "@networking/producer-security-group.id"]),
            ),
            row("subnets", json!(subnets(4))),
            row("workgroup", json!("@consumer-analytics-2/workgroup.name")),
            row("name", json!("subject-renamed")),
            row("security_groups", json!(["@networking/producer-security-group.id"])),
        ],
    );
    let budget = subject(
        "redshift-serverless.usage-limit",
        "subject/redshift-serverless.usage-limit",
        budget("@consumer-analytics-1/workgroup.arn", 10),
        Again::Refused,
        vec![
            row("amount", json!(20)),
            row("breach_action", json!("emit-metric")),
            row("period", json!("monthly")),
            row("usage_type", json!("cross-region-datasharing")),
            row("workgroup", json!("@consumer-analytics-2/workgroup.arn")),
        ],
    );
    vec![namespace, workgroup, logs, endpoint, budget]
}

fn provisioned() -> Vec<Subject> {
    let mut cluster = subject(
        "redshift.cluster",
        "subject/redshift.cluster",
        cluster("subject"),
        Again::Refused,
        vec![
            refused("managed_password", json!(false)),
            row("port", json!(5440)),
            row("enhanced_vpc_routing", json!(false)).with("snapshot_retention", json!(14)),
            row("snapshot_retention", json!(1)),
            row("publicly_accessible", json!(true)),
            row("parameter_group", json!("@spare/parameter-group-2.name")),
            row(
                "security_groups",
                json!(["@networking/consumer-security-group.id", "@networking/producer-security-group.id"]),
            ),
            row("maintenance_window", json!("mon:23:45-tue:00:15")),
            row("maintenance_window", Json::Null).silent(),
            row("roles", json!(["@spare/role-1.arn", "@spare/role-2.arn"])),
            row("default_role", json!("@spare/role-2.arn")),
            row("default_role", Json::Null).with("roles", json!(["@spare/role-2.arn"])),
            row("kms_key", json!("@spare/key-2.arn")),
            row("node_count", json!(4)),
            row("availability_zone_relocation", json!(true)),
            row("availability_zone_relocation", json!(false)),
            row("multi_az", json!(true)),
            row("multi_az", json!(false)),
            row("availability_zone_relocation", Json::Null).silent(),
            row("node_type", json!("ra3.4xlarge")).with("node_count", json!(2)),
            row("subnet_group", json!("@spare/subnet-group-2.name")),
            row("database", json!("other")),
            row("admin_username", json!("other")),
            row("name", json!("subject-renamed")),
            row("final_snapshot", json!(true)).silent(),
            row("final_snapshot", json!(false)).silent(),
        ],
    );
    cluster.given.after = &["networking/public-route"];
    vec![
        subject(
            "redshift.subnet-group",
            "subject/redshift.subnet-group",
            subnet_group("subject"),
            Again::Refused,
            vec![
                row("description", json!("other subnets")),
                row("subnets", json!(subnets(4))).with("description", json!("more subnets")),
                row("vpc", json!("@spare/vpc-a.id"))
                    .with("subnets", json!(["@spare/subnet-a1.id", "@spare/subnet-a2.id", "@spare/subnet-a3.id"])),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "redshift.parameter-group",
            "subject/redshift.parameter-group",
            parameter_group("subject"),
            Again::Refused,
            vec![
                row("parameters", json!({ "query_group": "two", "statement_timeout": "100" })),
                row("parameters", json!({})),
                row("description", json!("other parameters")),
                row("family", json!("redshift-2.0")),
                row("name", json!("subject-renamed")),
            ],
        ),
        cluster,
        subject(
            "redshift.logging",
            "subject/redshift.logging",
            logging("spare/cluster-1"),
            Again::Same,
            vec![
                row("log_exports", json!(["connectionlog", "useractivitylog", "userlog"])),
                row("cluster", json!("@spare/cluster-2.name")),
            ],
        ),
        subject(
            "redshift.usage-limit",
            "subject/redshift.usage-limit",
            limit("monthly"),
            Again::Refused,
            vec![
                row("amount", json!(6)),
                row("breach_action", json!("disable")).with("amount", json!(7)),
                row("feature", json!("cross-region-datasharing")),
                row("limit_type", json!("time")).with("feature", json!("concurrency-scaling")),
                row("cluster", json!("@spare/cluster-2.name")),
                row("period", json!("daily")),
            ],
        ),
    ]
}

fn balancing() -> Vec<Subject> {
    let mut facing = subject(
        "elasticloadbalancing.load-balancer",
        "subject/elasticloadbalancing.load-balancer",
        balancer("subject"),
        Again::Same,
        vec![
            moved(row("vpc", json!("@spare/vpc-a.id")), "@spare/group-1.id"),
            row("cross_zone", json!(false)),
            row("vpc", json!("@networking/vpc.id"))
                .with("subnets", json!(subnets(3)))
                .with("security_groups", json!(["@networking/nlb-security-group.id"])),
            row("deletion_protection", json!(true)),
            row("subnets", json!(subnets(4))),
            row(
                "security_groups",
                json!(["@networking/consumer-security-group.id", "@networking/nlb-security-group.id"]),
            ),
            row("internal", json!(false)),
            row("name", json!("subject-renamed")),
        ],
    );
    facing.given.after = &["networking/public-route"];
    let mut targets = subject(
        "elasticloadbalancing.targets",
        "subject/elasticloadbalancing.targets",
        json!({
            "target_group": "@spare/targets-3.arn", "addresses": "@consumer-analytics-1/workgroup.addresses",
            "port": 5439,
        }),
        Again::Same,
        vec![
            row("addresses", json!("@consumer-analytics-2/workgroup.addresses")),
            // Something must listen there.
            row("port", json!(5440)).with("addresses", json!("@consumer-reporting-1/workgroup.addresses")),
            row("target_group", json!("@spare/targets-4.arn")),
        ],
    );
    targets.given.after = &["spare/listener-3", "spare/listener-4"];
    vec![
        facing,
        subject(
            "elasticloadbalancing.target-group",
            "subject/elasticloadbalancing.target-group",
            target_group("subject"),
            Again::Same,
            vec![
                row("health_interval", json!(30)),
                row("healthy", json!(3)),
                row("unhealthy", json!(4)),
                row("deregistration_delay", json!(0)),
                row("stickiness", json!(true)),
                row("port", json!(5440)),
                row("vpc", json!("@spare/vpc-a.id")),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "elasticloadbalancing.listener",
            "subject/elasticloadbalancing.listener",
            listener("nlb/load-balancer", 6001, "spare/targets-1"),
            Again::Same,
            vec![
                row("idle_timeout", json!(6000)),
                row("port", json!(6002)),
                row("target_group", json!("@spare/targets-2.arn")),
                row("load_balancer", json!("@spare/balancer.arn")),
            ],
        ),
        targets,
    ]
}

/// How often a read calls something beyond once.
pub(crate) enum Per {
    /// So often for each resource.
    Object(usize),
    /// Once for each parent, which this field names.
    Parent(&'static str),
}

/// The calls of a kind's read that grow with the number of resources, and the fact that makes them.
pub(crate) fn per_object(kind: &str) -> &'static [(&'static str, Per, &'static str)] {
    const TAGS: &str = "aws-facts.md 0.3: one ListTagsForResource per object";
    match kind {
        "ec2.vpc" => &[("ec2:DescribeVpcAttribute", Per::Object(2), "1.1: one attribute of one VPC per call")],
        "iam.role" => &[("iam:GetRole", Per::Object(1), "2: one role per call; lists show no tags")],
        "iam.role-policy" => &[("iam:GetRolePolicy", Per::Object(1), "2: one policy per call")],
        "iam.role-policy-attachment" => {
            &[("iam:ListAttachedRolePolicies", Per::Parent("role"), "2: one role per call")]
        }
        "kms.key" => &[
            ("kms:DescribeKey", Per::Object(1), "3: one key per call"),
            ("kms:GetKeyRotationStatus", Per::Object(1), "3: one key per call"),
            ("kms:ListResourceTags", Per::Object(1), "0.3: one key per call"),
        ],
        "logs.log-group" => &[("logs:ListTagsForResource", Per::Object(1), "tags of one group per call")],
        "redshift-serverless.namespace" | "redshift-serverless.workgroup" => {
            &[("redshift-serverless:ListTagsForResource", Per::Object(1), TAGS)]
        }
        "redshift.parameter-group" => {
            &[("redshift:DescribeClusterParameters", Per::Object(1), "5.2: the parameters of one group per call")]
        }
        "redshift.logging" => {
            &[("redshift:DescribeLoggingStatus", Per::Parent("cluster"), "5.4: the logging of one cluster per call")]
        }
        "elasticloadbalancing.load-balancer" => &[(
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            Per::Object(1),
            "7.1: one load balancer per call",
        )],
        "elasticloadbalancing.target-group" => &[(
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            Per::Object(1),
            "7.2: attributes one group per call",
        )],
        "elasticloadbalancing.listener" => &[
            ("elasticloadbalancing:DescribeListeners", Per::Parent("load_balancer"), "7.3: per load balancer"),
            ("elasticloadbalancing:DescribeListenerAttributes", Per::Object(1), "7.3: one listener per call"),
        ],
        "elasticloadbalancing.targets" => {
            &[("elasticloadbalancing:DescribeTargetHealth", Per::Parent("target_group"), "7.4: one call per group")]
        }
        _ => &[],
    }
}
