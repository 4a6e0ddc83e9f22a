//! A provisioned cluster and what it stands on: specs by example, and a subject for each kind.

use super::{Again, Subject, network::subnets, refused, row, subject};
use rsds::sandbox::World;
use serde_json::{Value as Json, json};

/// Where copies of snapshots go.
pub(crate) const ABROAD: &str = "us-east-1";

/// The first key that somebody makes there: ids follow from the region alone.
pub(crate) fn key_abroad() -> String {
    let mut abroad = World::new(ABROAD);
    let id = abroad.uuid();
    abroad.arn("kms", &format!("key/{id}"))
}

pub(super) fn subnet_group(name: &str) -> Json {
    json!({ "name": name, "description": "subnets", "vpc": "@networking/vpc.id", "subnets": subnets(3) })
}

pub(super) fn parameter_group(name: &str) -> Json {
    json!({
        "name": name, "family": "redshift-1.0", "description": "parameters",
        "parameters": { "require_ssl": "true", "query_group": "one" },
    })
}

pub(super) fn cluster(name: &str) -> Json {
    json!({
        "name": name, "database": "dev", "admin_username": "boss", "managed_password": true, "node_type": "ra3.xlplus",
        "node_count": 2, "port": 5439, "kms_key": "@spare/key-1.arn", "subnet_group": "@spare/subnet-group-1.name",
        "parameter_group": "@spare/parameter-group-1.name",
        "security_groups": ["@networking/producer-security-group.id"], "roles": ["@spare/role-1.arn"],
        "default_role": "@spare/role-1.arn", "enhanced_vpc_routing": true, "publicly_accessible": false,
        "multi_az": false, "availability_zone_relocation": false, "maintenance_window": "sun:08:00-sun:08:30",
        "snapshot_retention": 7, "final_snapshot": false, "snapshot": null,
    })
}

pub(super) fn logging(cluster: &str) -> Json {
    json!({ "cluster": format!("@{cluster}.name"), "log_exports": ["userlog"] })
}

pub(super) fn limit(period: &str) -> Json {
    json!({
        "cluster": "@spare/cluster-1.name", "feature": "spectrum", "limit_type": "data-scanned", "period": period,
        "amount": 5, "breach_action": "log",
    })
}

pub(super) fn scheduled(name: &str, action: &str) -> Json {
    json!({
        "name": name, "action": action, "cluster": "@spare/cluster-1.name", "schedule": "cron(0 20 ? 6 MON-FRI *)",
        "role": "@spare/scheduler-1.arn", "description": "a schedule", "enabled": true,
    })
}

pub(super) fn schedule(name: &str) -> Json {
    json!({ "name": name, "definitions": ["rate(12 hours)"], "description": "snapshots" })
}

pub(super) fn on_schedule(cluster: &str, schedule: &str) -> Json {
    json!({ "cluster": format!("@{cluster}.name"), "schedule": format!("@{schedule}.name") })
}

pub(super) fn grant(name: &str, region: &str) -> Json {
    json!({ "name": name, "region": region, "kms_key": null })
}

pub(super) fn copy(cluster: &str, region: &str, grant: &str) -> Json {
    json!({
        "cluster": format!("@{cluster}.name"), "region": region, "retention": 7, "grant": format!("@{grant}.name"),
    })
}

pub(super) fn subjects() -> Vec<Subject> {
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
            refused("snapshot", json!("a-snapshot")),
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
        subject(
            "redshift.scheduled-action",
            "subject/redshift.scheduled-action",
            scheduled("subject", "pause-cluster"),
            Again::Refused,
            vec![
                row("schedule", json!("cron(30 7 ? 6 MON-FRI *)")).with("description", json!("")),
                row("action", json!("resume-cluster")),
                row("cluster", json!("@spare/cluster-2.name")),
                row("role", json!("@spare/scheduler-2.arn")),
                row("description", json!("another schedule")),
                row("enabled", json!(false)),
                row("enabled", json!(true)),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "redshift.snapshot-schedule",
            "subject/redshift.snapshot-schedule",
            schedule("subject"),
            Again::Refused,
            vec![
                row("definitions", json!(["cron(30 12 *)", "cron(30 18 MON-FRI)"])),
                row("description", json!("other snapshots")),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "redshift.snapshot-schedule-association",
            "subject/redshift.snapshot-schedule-association",
            on_schedule("spare/cluster-1", "spare/schedule-1"),
            Again::Same,
            vec![row("schedule", json!("@spare/schedule-2.name")), row("cluster", json!("@spare/cluster-2.name"))],
        ),
        subject(
            "redshift.snapshot-copy-grant",
            "subject/redshift.snapshot-copy-grant",
            grant("subject", ABROAD),
            Again::Refused,
            vec![
                row("kms_key", json!(key_abroad())),
                row("kms_key", Json::Null),
                row("name", json!("subject-renamed")),
                row("region", json!("eu-west-1")),
            ],
        ),
        subject(
            "redshift.snapshot-copy",
            "subject/redshift.snapshot-copy",
            copy("spare/cluster-1", ABROAD, "spare/copy-grant-1"),
            Again::Refused,
            vec![
                row("retention", json!(3)),
                row("grant", json!("@spare/copy-grant-2.name")),
                row("region", json!("eu-west-1")).with("grant", json!("@spare/copy-grant-3.name")),
                row("cluster", json!("@spare/cluster-2.name")),
            ],
        ),
    ]
}
