//! What is done to a cluster that is there: resize, pause, snapshots, logging, usage limits, tags.

use serde_json::{Value, json};

use super::super::serverless::bench::Bench;
use super::arrived_logs;

fn producer(more: Value) -> Value {
    let mut params = more;
    params["ClusterIdentifier"] = json!("producer");
    params
}

#[test]
fn an_elastic_resize_keeps_to_the_reach_of_the_node_type() {
    let mut bench = Bench::producer(json!({ "NumberOfNodes": "4" }));
    let offered = bench.redshift(
        "DescribeNodeConfigurationOptions",
        producer(json!({ "ActionType": "resize-cluster",
            "Filter": [{ "Name": "NumberOfNodes", "Operator": "gt", "Value": ["4"] }] })),
    );
    let counts: Vec<i64> = offered["NodeConfigurationOptionList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["NumberOfNodes"].as_i64().unwrap())
        .collect();
    assert_eq!(counts, [5, 6, 7, 8]);
    assert_eq!(bench.denied("ResizeCluster", producer(json!({ "NumberOfNodes": "9" }))), "InvalidParameterValue");
    assert_eq!(bench.denied("ResizeCluster", producer(json!({ "NumberOfNodes": "4" }))), "InvalidParameterValue");
    bench.redshift("ResizeCluster", producer(json!({ "NumberOfNodes": "8" })));
    let cluster = bench.cluster();
    assert_eq!((&cluster["ClusterStatus"], &cluster["NumberOfNodes"]), (&json!("resizing"), &json!(4)));
    assert_eq!(cluster["ResizeInfo"]["ResizeType"], "ElasticResize");
    assert_eq!(cluster["PendingModifiedValues"]["NumberOfNodes"], 8);
    bench.pass(600);
    assert_eq!(bench.cluster()["NumberOfNodes"], 8);
}

#[test]
fn a_single_node_grows_by_a_classic_resize_alone() {
    let mut bench = Bench::producer(json!({ "ClusterType": "single-node", "NumberOfNodes": null }));
    let grow = producer(json!({ "ClusterType": "multi-node", "NumberOfNodes": "2" }));
    assert_eq!(bench.denied("ResizeCluster", grow.clone()), "UnsupportedOperation");
    let mut classic = grow;
    classic["Classic"] = json!("true");
    bench.redshift("ResizeCluster", classic);
    assert_eq!(bench.cluster()["PendingModifiedValues"]["ClusterType"], "multi-node");
    bench.pass(7199);
    assert_eq!(bench.state(), "resizing");
    bench.pass(1);
    assert_eq!((bench.state().as_str(), bench.cluster()["NumberOfNodes"].as_i64()), ("available", Some(2)));
    bench.modify(json!({ "NodeType": "ra3.4xlarge", "NumberOfNodes": "4", "ClusterType": "multi-node" }));
    assert_eq!(bench.cluster()["ResizeInfo"]["ResizeType"], "ElasticResize");
    bench.pass(600);
    assert_eq!(bench.cluster()["NodeType"], "ra3.4xlarge");
}

#[test]
fn no_nodes_are_given_while_there_are_none() {
    const NONE: &str = "InsufficientClusterCapacity";
    let mut bench = Bench::producer(json!({}));
    let exhausted = |bench: &mut Bench| {
        bench.world.redshift.exhausted_until = Some(bench.now + jiff::SignedDuration::from_mins(10));
    };
    exhausted(&mut bench);
    let second = bench.cluster_params(json!({ "ClusterIdentifier": "second" }));
    assert_eq!(bench.denied("CreateCluster", second.clone()), NONE);
    assert_eq!(bench.denied("ResizeCluster", producer(json!({ "NumberOfNodes": "4" }))), NONE);
    bench.redshift("PauseCluster", producer(json!({})));
    bench.pass(300);
    assert_eq!(bench.denied("ResumeCluster", producer(json!({}))), NONE);
    bench.pass(300);
    bench.redshift("ResumeCluster", producer(json!({})));
    bench.redshift("CreateCluster", second);
}

#[test]
fn a_role_made_a_moment_ago_is_not_known_yet() {
    let mut bench = Bench::producer(json!({}));
    let trust = json!({ "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "redshift.amazonaws.com" } }] });
    let role = json!({ "RoleName": "fresh", "AssumeRolePolicyDocument": trust.to_string() });
    let role = bench.id(&super::super::iam::SERVICE, "CreateRole", role, "/Role/Arn");
    bench.world.iam.propagation = 20;
    let add = producer(json!({ "AddIamRoles": [role] }));
    assert_eq!(bench.denied("ModifyClusterIamRoles", add.clone()), "InvalidParameterValue");
    bench.pass(20);
    bench.redshift("ModifyClusterIamRoles", add);
}

#[test]
fn a_paused_cluster_only_resumes_or_goes() {
    let mut bench = Bench::producer(json!({}));
    bench.redshift("PauseCluster", producer(json!({})));
    assert_eq!(bench.state(), "pausing");
    bench.pass(300);
    assert_eq!(bench.state(), "paused");
    assert_eq!(bench.cluster()["ClusterAvailabilityStatus"], "Unavailable");
    let refused = [
        ("ModifyCluster", json!({ "Port": "5440" })),
        ("ModifyClusterIamRoles", json!({ "AddIamRoles": [bench.role] })),
        ("ResizeCluster", json!({ "NumberOfNodes": "4" })),
        ("RebootCluster", json!({})),
        ("PauseCluster", json!({})),
        ("CreateClusterSnapshot", json!({ "SnapshotIdentifier": "s" })),
        ("EnableLogging", json!({ "BucketName": "logs-of-mine" })),
        ("DisableLogging", json!({})),
        ("CreateUsageLimit", json!({ "FeatureType": "spectrum", "LimitType": "data-scanned", "Amount": "1" })),
    ];
    for (operation, params) in refused {
        assert_eq!(bench.denied(operation, producer(params)), "InvalidClusterState", "{operation}");
    }
    bench.redshift("ResumeCluster", producer(json!({})));
    assert_eq!(bench.state(), "resuming");
    bench.pass(300);
    assert_eq!(bench.state(), "available");
    assert_eq!(bench.denied("ResumeCluster", producer(json!({}))), "InvalidClusterState");
    bench.redshift("PauseCluster", producer(json!({})));
    bench.pass(300);
    bench.redshift("DeleteCluster", producer(json!({ "SkipFinalClusterSnapshot": "true" })));
}

#[test]
fn the_last_snapshot_is_taken_before_the_end_and_stays() {
    let mut bench = Bench::producer(json!({}));
    let cases = [
        (json!({}), "InvalidParameterCombination"),
        (
            json!({ "SkipFinalClusterSnapshot": "true", "FinalClusterSnapshotIdentifier": "last" }),
            "InvalidParameterCombination",
        ),
        (json!({ "FinalClusterSnapshotIdentifier": "1st" }), "InvalidParameterValue"),
        (
            json!({ "FinalClusterSnapshotIdentifier": "last", "FinalClusterSnapshotRetentionPeriod": "0" }),
            "InvalidRetentionPeriodFault",
        ),
    ];
    for (more, code) in cases {
        assert_eq!(bench.denied("DeleteCluster", producer(more.clone())), code, "{more}");
    }
    let take = producer(json!({ "SnapshotIdentifier": "First", "ManualSnapshotRetentionPeriod": "2" }));
    let made = bench.redshift("CreateClusterSnapshot", take);
    assert_eq!(
        (&made["Snapshot"]["SnapshotIdentifier"], &made["Snapshot"]["Status"]),
        (&json!("first"), &json!("creating"))
    );
    let first = json!({ "SnapshotIdentifier": "first" });
    assert_eq!(bench.denied("DeleteClusterSnapshot", first.clone()), "InvalidClusterSnapshotState");
    let skip = producer(json!({ "SkipFinalClusterSnapshot": "true" }));
    assert_eq!(bench.denied("DeleteCluster", skip), "InvalidClusterState");
    bench.pass(60);
    let again = producer(json!({ "FinalClusterSnapshotIdentifier": "first" }));
    assert_eq!(bench.denied("DeleteCluster", again), "ClusterSnapshotAlreadyExists");
    let delete = producer(json!({ "FinalClusterSnapshotIdentifier": "last" }));
    assert_eq!(bench.redshift("DeleteCluster", delete)["Cluster"]["ClusterStatus"], "final-snapshot");
    let last = |bench: &mut Bench| {
        let reply = bench.redshift("DescribeClusterSnapshots", json!({ "SnapshotIdentifier": "last" }));
        reply["Snapshots"][0]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(last(&mut bench), "final snapshot");
    bench.pass(180);
    assert_eq!((last(&mut bench).as_str(), bench.state().as_str()), ("available", "deleting"));
    bench.pass(180);
    let count = |bench: &mut Bench, params: Value| {
        bench.redshift("DescribeClusterSnapshots", params)["Snapshots"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut bench, producer(json!({}))), 2);
    assert_eq!(count(&mut bench, producer(json!({ "ClusterExists": "true" }))), 0);
    assert_eq!(count(&mut bench, json!({ "SnapshotType": "automated" })), 0);
    assert!(bench.world.leftovers().contains(&"redshift snapshots"));
    bench.pass(2 * 24 * 3600);
    assert_eq!(count(&mut bench, json!({})), 1);
    bench.redshift("DeleteClusterSnapshot", json!({ "SnapshotIdentifier": "last" }));
    assert!(bench.world.redshift.snapshots.is_empty());
    assert_eq!(bench.denied("DeleteClusterSnapshot", first), "ClusterSnapshotNotFound");
}

#[test]
fn logs_go_to_one_place() {
    let mut bench = Bench::producer(json!({}));
    let status = |bench: &mut Bench| bench.redshift("DescribeLoggingStatus", producer(json!({})));
    assert_eq!(status(&mut bench), json!({ "LoggingEnabled": false }));
    let to_s3 = producer(json!({ "BucketName": "logs-of-mine", "S3KeyPrefix": "audit/" }));
    bench.redshift("EnableLogging", to_s3);
    assert_eq!(
        status(&mut bench),
        json!({ "LoggingEnabled": true, "BucketName": "logs-of-mine", "S3KeyPrefix": "audit/" })
    );
    let to_groups = json!({ "LogDestinationType": "cloudwatch", "LogExports": ["userlog", "connectionlog"] });
    bench.redshift("EnableLogging", producer(to_groups));
    assert_eq!(status(&mut bench)["LogExports"], json!(["connectionlog", "userlog"]));
    assert_eq!(arrived_logs(&bench.world, bench.now), []);
    bench.pass(60);
    let groups: Vec<String> = arrived_logs(&bench.world, bench.now).into_iter().map(|(_, name)| name).collect();
    assert_eq!(groups, ["/aws/redshift/cluster/producer/connectionlog", "/aws/redshift/cluster/producer/userlog"]);
    for (more, code) in [
        (json!({ "BucketName": "No" }), "InvalidS3BucketNameFault"),
        (json!({ "BucketName": "logs-of-mine", "S3KeyPrefix": "a'b" }), "InvalidS3KeyPrefixFault"),
        (json!({ "BucketName": "logs-of-mine", "LogExports": ["userlog"] }), "InvalidParameterCombination"),
        (json!({ "LogDestinationType": "cloudwatch", "LogExports": ["slowlog"] }), "InvalidParameterValue"),
        (json!({ "LogDestinationType": "cloudwatch" }), "ValidationError"),
    ] {
        assert_eq!(bench.denied("EnableLogging", producer(more.clone())), code, "{more}");
    }
    bench.redshift("DisableLogging", producer(json!({})));
    assert_eq!(status(&mut bench), json!({ "LoggingEnabled": false }));
    assert_eq!(arrived_logs(&bench.world, bench.now), []);
}

#[test]
fn usage_limits_go_with_their_cluster() {
    let mut bench = Bench::producer(json!({}));
    let limit = producer(json!({ "FeatureType": "concurrency-scaling", "LimitType": "time", "Amount": "60" }));
    let made = bench.redshift("CreateUsageLimit", limit.clone());
    assert_eq!((&made["Period"], &made["BreachAction"]), (&json!("monthly"), &json!("log")));
    let id = made["UsageLimitId"].as_str().unwrap().to_owned();
    assert_eq!(bench.denied("CreateUsageLimit", limit), "UsageLimitAlreadyExists");
    let wrong = producer(json!({ "FeatureType": "spectrum", "LimitType": "time", "Amount": "60" }));
    assert_eq!(bench.denied("CreateUsageLimit", wrong), "InvalidUsageLimit");
    let changed =
        bench.redshift("ModifyUsageLimit", json!({ "UsageLimitId": id, "Amount": "90", "BreachAction": "disable" }));
    assert_eq!((&changed["Amount"], &changed["BreachAction"]), (&json!(90), &json!("disable")));
    let arn = format!("arn:aws:redshift:us-west-2:123456789012:usagelimit:{id}");
    bench.redshift("CreateTags", json!({ "ResourceName": arn, "Tags": [{ "Key": "a", "Value": "b" }] }));
    let found = bench.redshift("DescribeUsageLimits", json!({ "TagKeys": ["a"] }));
    assert_eq!(found["UsageLimits"][0]["UsageLimitId"], id);
    bench.redshift("DeleteCluster", producer(json!({ "SkipFinalClusterSnapshot": "true" })));
    bench.pass(180);
    assert_eq!(bench.redshift("DescribeUsageLimits", json!({}))["UsageLimits"], json!([]));
    assert_eq!(bench.denied("DeleteUsageLimit", json!({ "UsageLimitId": id })), "UsageLimitNotFound");
}

#[test]
fn every_zone_offers_every_node_type() {
    let mut bench = Bench::new();
    let offers = bench.redshift("DescribeOrderableClusterOptions", json!({ "NodeType": "ra3.4xlarge" }));
    let offers = offers["OrderableClusterOptions"].as_array().unwrap();
    assert_eq!((offers.len(), &offers[0]["ClusterType"]), (1, &json!("multi-node")));
    assert_eq!(offers[0]["AvailabilityZones"][0]["Name"], "us-west-2a");
}
