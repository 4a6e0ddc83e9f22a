//! What alarms do and refuse, through the operations.

use super::super::serverless::bench::Bench;
use super::{AwsError, Reply, SERVICE};
use serde_json::json;

fn ok(bench: &mut Bench, operation: &str, params: Reply) -> Reply {
    bench.ok(&SERVICE, operation, params)
}

fn code(result: Result<Reply, AwsError>) -> String {
    result.unwrap_err().code
}

fn alarm(name: &str) -> Reply {
    json!({
        "AlarmName": name, "MetricName": "CPUUtilization", "Namespace": "AWS/Redshift", "Statistic": "Average",
        "Dimensions": [{ "Name": "ClusterIdentifier", "Value": "dw" }], "Period": 300, "EvaluationPeriods": 3,
        "Threshold": 90.0, "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": ["arn:aws:sns:us-west-2:123456789012:oncall"], "Tags": [{ "Key": "team", "Value": "data" }],
    })
}

#[test]
fn a_put_overwrites_all_but_the_tags() {
    let mut bench = Bench::new();
    ok(&mut bench, "PutMetricAlarm", alarm("cpu"));
    let shown = ok(&mut bench, "DescribeAlarms", json!({ "AlarmNames": ["cpu", "none"] }));
    let shown = &shown["MetricAlarms"][0];
    assert_eq!((&shown["StateValue"], &shown["TreatMissingData"]), (&json!("INSUFFICIENT_DATA"), &json!("missing")));
    let arn = shown["AlarmArn"].clone();
    assert_eq!(arn, "arn:aws:cloudwatch:us-west-2:123456789012:alarm:cpu");

    let mut again = alarm("cpu");
    again["Threshold"] = json!(80.5);
    again["AlarmActions"] = json!([]);
    again["Tags"] = json!([{ "Key": "team", "Value": "other" }]);
    ok(&mut bench, "PutMetricAlarm", again);
    let shown = ok(&mut bench, "DescribeAlarms", json!({ "AlarmNamePrefix": "c" }));
    assert_eq!(shown["MetricAlarms"][0]["Threshold"], 80.5);
    assert_eq!(shown["MetricAlarms"][0]["AlarmActions"], json!([]));
    let tags = |bench: &mut Bench| ok(bench, "ListTagsForResource", json!({ "ResourceARN": arn }))["Tags"].clone();
    assert_eq!(tags(&mut bench), json!([{ "Key": "team", "Value": "data" }]), "a put ignores them");
    let more = json!([{ "Key": "stage", "Value": "dev" }]);
    ok(&mut bench, "TagResource", json!({ "ResourceARN": arn, "Tags": more }));
    ok(&mut bench, "UntagResource", json!({ "ResourceARN": arn, "TagKeys": ["team"] }));
    assert_eq!(tags(&mut bench), more);

    ok(&mut bench, "DeleteAlarms", json!({ "AlarmNames": ["cpu"] }));
    assert_eq!(code(bench.call(&SERVICE, "DeleteAlarms", json!({ "AlarmNames": ["cpu"] }))), "ResourceNotFound");
    let gone = bench.call(&SERVICE, "ListTagsForResource", json!({ "ResourceARN": arn }));
    assert_eq!(code(gone), "ResourceNotFoundException");
    assert!(bench.world.cloudwatch.is_empty());
}

#[test]
fn what_no_alarm_can_be_is_refused() {
    let mut bench = Bench::new();
    for (field, value) in [
        ("AlarmName", json!("")),
        ("AlarmName", json!("a".repeat(256))),
        ("Period", json!(90)),
        ("EvaluationPeriods", json!(0)),
        ("EvaluationPeriods", json!(289)),
        ("DatapointsToAlarm", json!(4)),
        ("Threshold", json!(null)),
        ("Statistic", json!("Median")),
        ("ComparisonOperator", json!("GreaterThan")),
        ("TreatMissingData", json!("breaks")),
        ("Namespace", json!(":x")),
        ("Dimensions", json!([{ "Name": "A", "Value": "1" }, { "Name": "A", "Value": "2" }])),
        ("AlarmActions", json!(["oncall"])),
        ("AlarmActions", json!(["arn:aws:sns:us-east-1:123456789012:oncall"])),
        ("OKActions", json!(vec!["arn:aws:sns:us-west-2:123456789012:t"; 6])),
    ] {
        let mut params = alarm("cpu");
        params[field] = value;
        assert_eq!(code(bench.call(&SERVICE, "PutMetricAlarm", params)), "ValidationError", "{field}");
    }
    // A day of one period is good, and a week of hours.
    for (period, count) in [(86_400, 1), (3600, 168)] {
        let mut params = alarm("cpu");
        (params["Period"], params["EvaluationPeriods"]) = (json!(period), json!(count));
        ok(&mut bench, "PutMetricAlarm", params);
    }
    let both = json!({ "AlarmNames": ["a"], "AlarmNamePrefix": "b" });
    assert_eq!(code(bench.call(&SERVICE, "DescribeAlarms", both)), "ValidationError");
    let many: Vec<String> = (0..101).map(|n| format!("a-{n}")).collect();
    assert_eq!(code(bench.call(&SERVICE, "DescribeAlarms", json!({ "AlarmNames": many }))), "ValidationError");
}
