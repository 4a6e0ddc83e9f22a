//! What AWS EC2 has: specs by example, and a subject for each kind.

use super::{Again, Row, Subject, To, row, subject};
use serde_json::{Value as Json, json};

pub(super) fn vpc(cidr: &str) -> Json {
    json!({ "cidr": cidr, "dns_support": true, "dns_hostnames": true })
}

pub(super) fn subnet(vpc: &str, cidr: &str, zone: &str) -> Json {
    json!({ "vpc": format!("@{vpc}.id"), "cidr": cidr, "zone": zone })
}

pub(super) fn group(name: &str) -> Json {
    json!({ "vpc": "@spare/vpc-a.id", "name": name, "description": "a group" })
}

pub(super) fn subnets(count: usize) -> Vec<String> {
    let all = ["networking/subnet-1", "networking/subnet-2", "networking/subnet-3", "spare/subnet-4"];
    all[..count].iter().map(|address| format!("@{address}.id")).collect()
}

/// A row that moves what it is about into the other VPC, where subnets and groups are others.
pub(super) fn moved(row: Row, group: &str) -> Row {
    let subnets = ["@spare/subnet-a1.id", "@spare/subnet-a2.id", "@spare/subnet-a3.id"];
    row.with("subnets", json!(subnets)).with("security_groups", json!([group]))
}

pub(super) fn subjects() -> Vec<Subject> {
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
