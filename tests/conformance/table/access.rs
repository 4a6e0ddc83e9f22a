//! Roles, policies and keys: specs by example, and a subject for each kind.

use super::{Again, Subject, row, subject};
use serde_json::{Value as Json, json};

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

pub(super) fn role(name: &str) -> Json {
    json!({ "name": name, "path": "/rsds/conf/dev/", "description": "a role", "trust": trust(&REDSHIFT) })
}

/// A role that Redshift's scheduler may take on.
pub(super) fn scheduler(name: &str) -> Json {
    let trust = trust(&["scheduler.redshift.amazonaws.com"]);
    json!({ "name": name, "path": "/rsds/conf/dev/", "description": "schedules", "trust": trust })
}

pub(super) fn key(description: &str) -> Json {
    json!({ "description": description, "rotation": true, "enabled": true, "retain": false })
}

pub(super) fn secret(name: &str) -> Json {
    json!({
        "name": format!("conf-{name}"), "username": name, "description": "a secret", "rotations": 0,
        "scheduled_for_deletion": false,
    })
}

pub(super) fn subjects() -> Vec<Subject> {
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
            "secretsmanager.secret",
            "subject/secretsmanager.secret",
            secret("subject"),
            Again::Refused,
            vec![
                row("description", json!("another secret")),
                row("rotations", json!(1)),
                row("scheduled_for_deletion", json!(true)),
                row("scheduled_for_deletion", json!(false)),
                row("username", json!("subject_renamed")).with("name", json!("conf-subject-2")),
                row("name", json!("conf-subject-renamed")),
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
