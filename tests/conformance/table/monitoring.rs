//! Alarms, topics and who subscribes to them: specs by example, and a subject for each kind.

use super::{Again, Given, Subject, given, row, subject};
use serde_json::{Value as Json, json};

/// An alarm on a warehouse that there is.
fn alarm(name: &str) -> Json {
    json!({
        "name": name, "description": "an alarm", "namespace": "AWS/Redshift-Serverless",
        "metric": "DatabaseConnections", "dimensions": { "Workgroup": "@consumer-analytics-1/workgroup.name" },
        "statistic": "Maximum", "period": 300, "evaluation_periods": 3, "datapoints": 2,
        "comparison": "GreaterThanThreshold", "threshold": 80.5, "missing_data": "notBreaching", "enabled": true,
        "alarm_actions": ["@spare/topic-1.arn"], "ok_actions": [], "insufficient_data_actions": [],
    })
}

fn topic(name: &str) -> Json {
    json!({ "name": name, "display_name": "airline" })
}

/// By telephone: nobody has to confirm it.
fn subscription(number: u32) -> Json {
    json!({ "topic": "@spare/topic-1.arn", "protocol": "sms", "endpoint": format!("+1555010{number}") })
}

pub(super) fn spares() -> Vec<Given> {
    vec![
        given("sns.topic", "spare/topic-1", topic("one")),
        given("sns.topic", "spare/topic-2", topic("two")),
        given("sns.subscription", "spare/subscription-1", subscription(1)),
        given("sns.subscription", "spare/subscription-2", subscription(2)),
        given("cloudwatch.metric-alarm", "spare/alarm-1", alarm("one")),
        given("cloudwatch.metric-alarm", "spare/alarm-2", alarm("two")),
    ]
}

pub(super) fn subjects() -> Vec<Subject> {
    vec![
        subject(
            "cloudwatch.metric-alarm",
            "subject/cloudwatch.metric-alarm",
            alarm("subject"),
            Again::Same,
            vec![
                row("description", json!("")),
                row("description", json!("another alarm")),
                row("metric", json!("ComputeSeconds")),
                row("statistic", json!("Sum")),
                row("period", json!(60)),
                row("evaluation_periods", json!(5)),
                row("datapoints", json!(3)),
                row("comparison", json!("GreaterThanOrEqualToThreshold")),
                row("threshold", json!(1)),
                row("missing_data", json!("breaching")),
                row("enabled", json!(false)),
                row("alarm_actions", json!([])),
                row("alarm_actions", json!(["@spare/topic-2.arn", "@spare/topic-1.arn"])),
                row("ok_actions", json!(["@spare/topic-1.arn"])),
                row("insufficient_data_actions", json!(["@spare/topic-2.arn"])),
                row("namespace", json!("AWS/NetworkELB")),
                row(
                    "dimensions",
                    json!({ "LoadBalancer": "@nlb/load-balancer.arn", "TargetGroup": "@spare/targets-1.arn" }),
                ),
                row("dimensions", json!({ "LoadBalancer": "@nlb/load-balancer.arn" })),
                row("name", json!("subject (renamed)")),
            ],
        ),
        subject(
            "sns.topic",
            "subject/sns.topic",
            topic("subject"),
            Again::Same,
            vec![
                row("display_name", json!("another")),
                row("display_name", json!("")),
                row("name", json!("subject-renamed")),
            ],
        ),
        subject(
            "sns.subscription",
            "subject/sns.subscription",
            subscription(3),
            Again::Same,
            vec![
                row("endpoint", json!("+15550109")),
                row("topic", json!("@spare/topic-2.arn")),
                row("protocol", json!("email")).with("endpoint", json!("oncall@example.com")),
            ],
        ),
    ]
}
