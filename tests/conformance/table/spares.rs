//! What subjects refer to, so that each stands on something of its own.

use super::{
    Given,
    access::{key, role, scheduler, secret},
    balancing::{balancer, listener, target_group},
    given, monitoring,
    network::{group, subnet, vpc},
    provisioned::{
        ABROAD, cluster, copy, grant, limit, logging, on_schedule, parameter_group, schedule, scheduled, subnet_group,
    },
    sharing,
    warehouse::{self, budget, namespace, pledged, restore, workgroup},
};
use serde_json::json;

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
    let mut all = vec![
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
        given("iam.role", "spare/scheduler-1", scheduler("scheduler-1")),
        given("iam.role", "spare/scheduler-2", scheduler("scheduler-2")),
        given("kms.key", "spare/key-1", key("one")),
        given("kms.key", "spare/key-2", key("two")),
        given("secretsmanager.secret", "spare/secret-1", secret("one")),
        given("secretsmanager.secret", "spare/secret-2", secret("two")),
        given("kms.alias", "spare/alias", json!({ "name": "alias/spare", "key": "@spare/key-1.arn" })),
        given("redshift-serverless.namespace", "spare/namespace-1", namespace("spare-1")),
        given("redshift-serverless.namespace", "spare/namespace-2", namespace("spare-2")),
        given("redshift-serverless.namespace", "spare/namespace-3", namespace("spare-3")),
        given("redshift-serverless.namespace", "spare/namespace-4", pledged("spare-4")),
        given("redshift-serverless.namespace", "spare/namespace-5", pledged("spare-5")),
        given("redshift-serverless.namespace", "spare/namespace-6", pledged("spare-6")),
        given("redshift-serverless.namespace", "spare/namespace-7", pledged("spare-7")),
        given("redshift-serverless.workgroup", "spare/workgroup-4", workgroup("spare-4", "spare/namespace-4")),
        given("redshift-serverless.workgroup", "spare/workgroup-5", workgroup("spare-5", "spare/namespace-5")),
        given("redshift-serverless.workgroup", "spare/workgroup-6", workgroup("spare-6", "spare/namespace-6")),
        given("redshift-serverless.workgroup", "spare/workgroup-7", workgroup("spare-7", "spare/namespace-7")),
        Given { after: &["spare/workgroup-5"], ..given("redshift-serverless.restore", "spare/restore-5", restore(5)) },
        Given { after: &["spare/workgroup-6"], ..given("redshift-serverless.restore", "spare/restore-6", restore(6)) },
        given("redshift-serverless.workgroup", "spare/workgroup-3", workgroup("spare-3", "spare/namespace-3")),
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
        given("redshift.scheduled-action", "spare/pause", scheduled("spare-pause", "pause-cluster")),
        given("redshift.scheduled-action", "spare/resume", scheduled("spare-resume", "resume-cluster")),
        given("redshift.snapshot-schedule", "spare/schedule-1", schedule("spare-1")),
        given("redshift.snapshot-schedule", "spare/schedule-2", schedule("spare-2")),
        given(
            "redshift.snapshot-schedule-association",
            "spare/association-of-3",
            on_schedule("spare/cluster-3", "spare/schedule-1"),
        ),
        given(
            "redshift.snapshot-schedule-association",
            "spare/association-of-4",
            on_schedule("spare/cluster-4", "spare/schedule-2"),
        ),
        given("redshift.snapshot-copy-grant", "spare/copy-grant-1", grant("spare-1", ABROAD)),
        given("redshift.snapshot-copy-grant", "spare/copy-grant-2", grant("spare-2", ABROAD)),
        given("redshift.snapshot-copy-grant", "spare/copy-grant-3", grant("spare-3", "eu-west-1")),
        given("redshift.snapshot-copy", "spare/copy-of-3", copy("spare/cluster-3", ABROAD, "spare/copy-grant-1")),
        given("redshift.snapshot-copy", "spare/copy-of-4", copy("spare/cluster-4", "eu-west-1", "spare/copy-grant-3")),
        given("redshift-serverless.scheduled-action", "spare/weekly", warehouse::scheduled("spare-weekly")),
        given("redshift-serverless.scheduled-action", "spare/daily", warehouse::scheduled("spare-daily")),
        given("redshift-serverless.snapshot-copy", "spare/copy-of-namespace-2", warehouse::copy("spare/namespace-2")),
        given("redshift-serverless.snapshot-copy", "spare/copy-of-namespace-3", warehouse::copy("spare/namespace-3")),
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
    ];
    all.extend(sharing::spares());
    all.extend(monitoring::spares());
    all
}
