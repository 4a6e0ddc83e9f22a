//! What log groups do and refuse, through the operations.

use serde_json::json;

use super::super::serverless::bench::Bench;
use super::{AwsError, Reply, SERVICE, deliver};

const NAME: &str = "/aws/redshift/reader/userlog";

fn ok(bench: &mut Bench, operation: &str, params: Reply) -> Reply {
    bench.ok(&SERVICE, operation, params)
}

fn code(result: Result<Reply, AwsError>) -> String {
    result.unwrap_err().code
}

#[test]
fn a_group_lives_with_retention_and_tags() {
    let mut bench = Bench::new();
    ok(&mut bench, "CreateLogGroup", json!({ "logGroupName": NAME, "tags": { "team.name": "data" } }));
    let again = bench.call(&SERVICE, "CreateLogGroup", json!({ "logGroupName": NAME }));
    assert_eq!(code(again), "ResourceAlreadyExistsException");
    ok(&mut bench, "PutRetentionPolicy", json!({ "logGroupName": NAME, "retentionInDays": 30 }));
    let days = json!({ "logGroupName": NAME, "retentionInDays": 31 });
    assert_eq!(code(bench.call(&SERVICE, "PutRetentionPolicy", days)), "InvalidParameterException");
    let shown = ok(&mut bench, "DescribeLogGroups", json!({ "logGroupNamePrefix": "/aws/redshift/" }));
    let shown = &shown["logGroups"][0];
    let arn = format!("arn:aws:logs:us-west-2:123456789012:log-group:{NAME}");
    assert_eq!((&shown["logGroupArn"], &shown["arn"]), (&json!(arn), &json!(format!("{arn}:*"))));
    assert_eq!(shown["retentionInDays"], 30);
    ok(&mut bench, "DeleteRetentionPolicy", json!({ "logGroupName": NAME }));
    assert_eq!(ok(&mut bench, "DescribeLogGroups", json!({}))["logGroups"][0]["retentionInDays"], json!(null));

    ok(&mut bench, "TagResource", json!({ "resourceArn": arn, "tags": { "stage": "dev" } }));
    ok(&mut bench, "UntagResource", json!({ "resourceArn": arn, "tagKeys": ["team.name"] }));
    let tags = ok(&mut bench, "ListTagsForResource", json!({ "resourceArn": arn }));
    assert_eq!(tags["tags"], json!({ "stage": "dev" }));
    let starred = json!({ "resourceArn": format!("{arn}:*") });
    assert_eq!(code(bench.call(&SERVICE, "ListTagsForResource", starred)), "InvalidParameterException");

    ok(&mut bench, "DeleteLogGroup", json!({ "logGroupName": NAME }));
    let gone = bench.call(&SERVICE, "DeleteLogGroup", json!({ "logGroupName": NAME }));
    assert_eq!(code(gone), "ResourceNotFoundException");
    assert!(bench.world.logs.is_empty());
}

#[test]
fn names_and_pages_have_limits() {
    let mut bench = Bench::new();
    for bad in ["", "a b", &"a".repeat(513)] {
        let refused = bench.call(&SERVICE, "CreateLogGroup", json!({ "logGroupName": bad }));
        assert_eq!(code(refused), "InvalidParameterException", "{bad}");
    }
    for n in 0..60 {
        ok(&mut bench, "CreateLogGroup", json!({ "logGroupName": format!("group-{n}") }));
    }
    let first = ok(&mut bench, "DescribeLogGroups", json!({}));
    assert_eq!(first["logGroups"].as_array().unwrap().len(), 50);
    let rest = ok(&mut bench, "DescribeLogGroups", json!({ "nextToken": first["nextToken"] }));
    assert_eq!(rest["logGroups"].as_array().unwrap().len(), 10);
    let more = bench.call(&SERVICE, "DescribeLogGroups", json!({ "limit": 51 }));
    assert_eq!(code(more), "InvalidParameterException");
}

#[test]
fn a_delivery_makes_a_group_once_and_leaves_one_that_is_there() {
    let mut bench = Bench::new();
    ok(&mut bench, "CreateLogGroup", json!({ "logGroupName": NAME }));
    ok(&mut bench, "PutRetentionPolicy", json!({ "logGroupName": NAME, "retentionInDays": 7 }));
    let now = bench.now;
    deliver(&mut bench.world, now, NAME);
    deliver(&mut bench.world, now, "/aws/redshift/other/userlog");
    let kept: Vec<_> = bench.world.logs.groups.values().map(|group| group.retention).collect();
    assert_eq!(kept, [None, Some(7)]);
}

#[test]
fn a_namespace_without_a_group_gets_one_some_time_after_its_workgroup_is_there() {
    let mut bench = Bench::new();
    bench.reader();
    let exports = json!({ "namespaceName": "reader", "logExports": ["userlog", "connectionlog"] });
    bench.serverless("UpdateNamespace", exports);
    ok(&mut bench, "CreateLogGroup", json!({ "logGroupName": NAME }));
    bench.caught_up();
    assert_eq!(bench.world.logs.groups.len(), 1, "not yet");
    bench.pass(600);
    bench.caught_up();
    let names: Vec<_> = bench.world.logs.groups.keys().map(String::as_str).collect();
    assert_eq!(names, ["/aws/redshift/reader/connectionlog", NAME]);
    bench.serverless("DeleteWorkgroup", json!({ "workgroupName": "reader" }));
    bench.world.logs.groups.clear();
    bench.caught_up();
    assert!(bench.world.logs.is_empty(), "a warehouse that goes delivers nothing");
}
