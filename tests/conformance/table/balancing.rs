//! The load balancer: specs by example, and a subject for each kind.

use super::{
    Again, Subject,
    network::{moved, subnets},
    row, subject,
};
use serde_json::{Value as Json, json};

pub(super) fn balancer(name: &str) -> Json {
    json!({
        "name": name, "internal": true, "vpc": "@networking/vpc.id", "subnets": subnets(3), "cross_zone": true, "deletion_protection": false,
        "security_groups": ["@networking/nlb-security-group.id"],
    })
}

pub(super) fn target_group(name: &str) -> Json {
    json!({
        "name": name, "vpc": "@networking/vpc.id", "port": 5439, "health_interval": 10, "healthy": 2, "unhealthy": 2,
        "deregistration_delay": 10, "stickiness": false,
    })
}

pub(super) fn listener(balancer: &str, port: u16, group: &str) -> Json {
    json!({
        "load_balancer": format!("@{balancer}.arn"), "port": port, "target_group": format!("@{group}.arn"),
        "idle_timeout": 350,
    })
}

pub(super) fn subjects() -> Vec<Subject> {
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
