//! Redshift Serverless and its logs: specs by example, and a subject for each kind.

use super::{
    ABROAD, Again, KEPT, Subject, key_abroad,
    network::{moved, subnets},
    refused, row, subject,
};
use serde_json::{Value as Json, json};

pub(super) fn namespace(name: &str) -> Json {
    json!({
        "name": name, "database": "dev", "admin_username": "boss", "managed_password": true,
        "kms_key": "@spare/key-1.arn", "roles": ["@spare/role-1.arn"], "default_role": "@spare/role-1.arn", "log_exports": [], "final_snapshot": false,
        "snapshot": null,
    })
}

/// One that is to be filled from what `Bench` has put there.
pub(super) fn pledged(name: &str) -> Json {
    let mut namespace = namespace(name);
    namespace["snapshot"] = json!(KEPT);
    namespace
}

/// The filling of a spare namespace.
pub(super) fn restore(n: usize) -> Json {
    json!({
        "namespace": format!("@spare/namespace-{n}.arn"), "namespace_name": format!("@spare/namespace-{n}.name"),
        "workgroup": format!("@spare/workgroup-{n}.name"), "snapshot": KEPT, "managed_password": true,
    })
}

pub(super) fn workgroup(name: &str, namespace: &str) -> Json {
    json!({
        "name": name, "namespace": format!("@{namespace}.name"), "base_capacity": 8, "max_capacity": 16,
        "parameters": { "query_group": "one" }, "vpc": "@networking/vpc.id", "subnets": subnets(3),
        "security_groups": ["@networking/consumer-security-group.id"], "port": 5439, "enhanced_vpc_routing": true,
        "publicly_accessible": false,
    })
}

pub(super) fn budget(workgroup: &str, amount: u32) -> Json {
    json!({
        "workgroup": workgroup, "usage_type": "serverless-compute", "period": "daily", "amount": amount,
        "breach_action": "log",
    })
}

pub(super) fn scheduled(name: &str) -> Json {
    json!({
        "name": name, "namespace": "@consumer-analytics-1/namespace.name", "schedule": "cron(0 3 ? 6 SUN *)",
        "role": "@spare/scheduler-1.arn", "prefix": "weekly", "retention": 7, "description": "a schedule",
        "enabled": true,
    })
}

pub(super) fn copy(namespace: &str) -> Json {
    json!({ "namespace": format!("@{namespace}.name"), "region": ABROAD, "retention": 7, "kms_key": null })
}

pub(super) fn subjects() -> Vec<Subject> {
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
                refused("snapshot", json!(KEPT)),
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
    let mut restored = subject(
        "redshift-serverless.restore",
        "subject/redshift-serverless.restore",
        restore(4),
        Again::Refused,
        vec![
            row("snapshot", json!("another")).silent(),
            row("managed_password", json!(false)).silent(),
            row("namespace_name", json!("@spare/namespace-7.name")).silent(),
            row("workgroup", json!("@spare/workgroup-7.name")).silent(),
            row("namespace", json!("@spare/namespace-7.arn"))
                .with("managed_password", json!(true))
                .with("snapshot", json!(KEPT)),
        ],
    );
    restored.given.after = &["spare/workgroup-4", "spare/workgroup-7"];
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
    let copying = subject(
        "redshift-serverless.snapshot-copy",
        "subject/redshift-serverless.snapshot-copy",
        copy("spare/namespace-1"),
        Again::Refused,
        vec![
            row("retention", json!(3)),
            row("kms_key", json!(key_abroad())),
            row("kms_key", Json::Null),
            row("region", json!("eu-west-1")),
            row("namespace", json!("@consumer-analytics-1/namespace.name")),
        ],
    );
    let scheduled = subject(
        "redshift-serverless.scheduled-action",
        "subject/redshift-serverless.scheduled-action",
        scheduled("subject"),
        Again::Refused,
        vec![
            row("schedule", json!("cron(30 7 ? 6 MON-FRI *)")).with("description", json!("")),
            row("role", json!("@spare/scheduler-2.arn")),
            row("prefix", json!("daily")),
            row("retention", json!(30)),
            row("description", json!("another schedule")),
            row("enabled", json!(false)),
            row("enabled", json!(true)),
            row("namespace", json!("@consumer-analytics-2/namespace.name")),
            row("name", json!("subject-renamed")),
        ],
    );
    let domain = subject(
        "redshift-serverless.custom-domain-association",
        "subject/redshift-serverless.custom-domain-association",
        json!({
            "name": "subject.example.com", "workgroup": "@producer/workgroup.name",
            "certificate": "arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1",
        }),
        Again::Refused,
        vec![
            row("certificate", json!("arn:aws:acm:us-west-2:123456789012:certificate/sandbox-2")),
            row("workgroup", json!("@spare/workgroup-3.name")),
            row("name", json!("renamed.example.com")),
        ],
    );
    vec![namespace, workgroup, restored, logs, endpoint, budget, copying, scheduled, domain]
}
