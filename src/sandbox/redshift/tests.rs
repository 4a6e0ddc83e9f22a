//! The rules of provisioned Redshift, each driven through its operations.

use serde_json::{Value, json};

use super::super::serverless::bench::Bench;
use super::SERVICE;

impl Bench {
    pub(super) fn redshift(&mut self, operation: &str, params: Value) -> Value {
        self.ok(&SERVICE, operation, params)
    }

    /// Code of a refusal.
    pub(super) fn denied(&mut self, operation: &str, params: Value) -> String {
        self.call(&SERVICE, operation, params).expect_err(operation).code
    }
}

pub(super) fn subnets(bench: &Bench, name: &str) -> Value {
    json!({ "ClusterSubnetGroupName": name, "Description": "d", "SubnetIds": bench.subnets })
}

pub(super) fn parameters(name: &str, values: &[(&str, &str)]) -> Value {
    let list = values.iter().map(|(name, value)| json!({ "ParameterName": name, "ParameterValue": value }));
    json!({ "ParameterGroupName": name, "Parameters": list.collect::<Vec<_>>() })
}

pub(super) fn parameter_group(name: &str) -> Value {
    json!({ "ParameterGroupName": name, "ParameterGroupFamily": "redshift-2.0", "Description": "d" })
}

#[test]
fn a_subnet_group_lies_in_one_vpc_and_is_replaced_as_a_whole() {
    let mut bench = Bench::new();
    let mut group = subnets(&bench, "Warehouse");
    group["Tags"] = json!([{ "Key": "team", "Value": "data" }]);
    let made = bench.redshift("CreateClusterSubnetGroup", group.clone());
    let made = &made["ClusterSubnetGroup"];
    assert_eq!((&made["ClusterSubnetGroupName"], &made["VpcId"]), (&json!("warehouse"), &json!(bench.vpc)));
    assert_eq!(made["Subnets"][1]["SubnetAvailabilityZone"]["Name"], "us-west-2b");
    assert_eq!(bench.denied("CreateClusterSubnetGroup", group), "ClusterSubnetGroupAlreadyExists");

    let fewer = json!({ "ClusterSubnetGroupName": "WAREHOUSE", "SubnetIds": [bench.subnets[2]] });
    let changed = bench.redshift("ModifyClusterSubnetGroup", fewer);
    assert_eq!(changed["ClusterSubnetGroup"]["Subnets"].as_array().unwrap().len(), 1);
    assert_eq!(changed["ClusterSubnetGroup"]["Description"], "d");

    let unknown = json!({ "ClusterSubnetGroupName": "warehouse", "SubnetIds": ["subnet-0"] });
    assert_eq!(bench.denied("ModifyClusterSubnetGroup", unknown), "InvalidSubnet");
    let many: Vec<String> = (0..21).map(|n| format!("subnet-{n}")).collect();
    let many = json!({ "ClusterSubnetGroupName": "x", "Description": "d", "SubnetIds": many });
    assert_eq!(bench.denied("CreateClusterSubnetGroup", many), "ClusterSubnetQuotaExceededFault");
    let (first, vpc) = (bench.subnets[0].clone(), bench.vpc.clone());
    bench.vpc = bench.id(&super::super::ec2::SERVICE, "CreateVpc", json!({ "CidrBlock": "10.1.0.0/16" }), "/vpc/vpcId");
    let other = bench.subnet("10.1.0.0/24", "us-west-2a");
    let mixed = json!({ "ClusterSubnetGroupName": "x", "Description": "d", "SubnetIds": [first, other] });
    assert_eq!(bench.denied("CreateClusterSubnetGroup", mixed), "InvalidSubnet");
    let moved = json!({ "ClusterSubnetGroupName": "warehouse", "SubnetIds": [other] });
    assert_eq!(bench.denied("ModifyClusterSubnetGroup", moved), "InvalidSubnet");
    assert_ne!(bench.vpc, vpc);

    bench.redshift("DeleteClusterSubnetGroup", json!({ "ClusterSubnetGroupName": "warehouse" }));
    let gone = json!({ "ClusterSubnetGroupName": "warehouse" });
    assert_eq!(bench.denied("DescribeClusterSubnetGroups", gone), "ClusterSubnetGroupNotFoundFault");
    assert!(bench.world.redshift.is_empty() && bench.world.redshift.tags.is_empty());
}

#[test]
fn subnet_groups_have_a_quota_and_pages_of_twenty_or_more() {
    let mut bench = Bench::new();
    for number in 0..50 {
        let group = subnets(&bench, &format!("group-{number:02}"));
        bench.redshift("CreateClusterSubnetGroup", group);
    }
    let group = subnets(&bench, "one-more");
    assert_eq!(bench.denied("CreateClusterSubnetGroup", group), "ClusterSubnetGroupQuotaExceeded");
    let first = bench.redshift("DescribeClusterSubnetGroups", json!({ "MaxRecords": "20" }));
    assert_eq!(first["ClusterSubnetGroups"].as_array().unwrap().len(), 20);
    let rest = json!({ "MaxRecords": "100", "Marker": first["Marker"] });
    let rest = bench.redshift("DescribeClusterSubnetGroups", rest);
    assert_eq!(rest["ClusterSubnetGroups"][0]["ClusterSubnetGroupName"], "group-20");
    assert_eq!(bench.denied("DescribeClusterSubnetGroups", json!({ "MaxRecords": "19" })), "InvalidParameterValue");
}

#[test]
fn a_parameter_group_tells_what_the_user_set() {
    let mut bench = Bench::new();
    bench.redshift("CreateClusterParameterGroup", parameter_group("Prod"));
    assert_eq!(
        bench.denied("CreateClusterParameterGroup", parameter_group("prod")),
        "ClusterParameterGroupAlreadyExists"
    );
    let set = parameters("prod", &[("require_ssl", "false"), ("statement_timeout", "60000")]);
    let reply = bench.redshift("ModifyClusterParameterGroup", set);
    assert_eq!(reply["ParameterGroupName"], "prod");
    let user = |bench: &mut Bench| {
        let ask = json!({ "ParameterGroupName": "prod", "Source": "user" });
        let found = bench.redshift("DescribeClusterParameters", ask)["Parameters"].clone();
        let name = |parameter: &Value| parameter["ParameterName"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(user(&mut bench), ["require_ssl", "statement_timeout"]);

    bench.redshift("ResetClusterParameterGroup", parameters("prod", &[("require_ssl", "")]));
    assert_eq!(user(&mut bench), ["statement_timeout"]);
    let all = json!({ "ParameterGroupName": "prod", "ResetAllParameters": "true" });
    bench.redshift("ResetClusterParameterGroup", all);
    assert!(user(&mut bench).is_empty());

    let described = bench.redshift("DescribeClusterParameters", json!({ "ParameterGroupName": "prod" }));
    let timeout = &described["Parameters"][11];
    assert_eq!((&timeout["ParameterName"], &timeout["ParameterValue"]), (&json!("statement_timeout"), &json!("0")));
    assert_eq!((&timeout["AllowedValues"], &timeout["ApplyType"]), (&json!("0,100-2147483647"), &json!("static")));

    bench.redshift("DeleteClusterParameterGroup", json!({ "ParameterGroupName": "prod" }));
    let gone = json!({ "ParameterGroupName": "prod" });
    assert_eq!(bench.denied("DescribeClusterParameters", gone), "ClusterParameterGroupNotFound");
}

#[test]
fn wrong_parameters_and_the_groups_of_aws_are_refused() {
    let mut bench = Bench::new();
    bench.redshift("CreateClusterParameterGroup", parameter_group("prod"));
    let many: Vec<(String, &str)> = (0..21).map(|n| (format!("p{n}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let bad: [&[(&str, &str)]; 5] = [
        &[("colour", "red")],
        &[("require_ssl", "maybe")],
        &[("statement_timeout", "5")],
        &[("auto_mv", "true"), ("auto_mv", "false")],
        &many,
    ];
    for values in bad {
        assert_eq!(
            bench.denied("ModifyClusterParameterGroup", parameters("prod", values)),
            "InvalidParameterValue",
            "{values:?}"
        );
    }
    let mut family = parameter_group("x");
    family["ParameterGroupFamily"] = json!("postgres15");
    assert_eq!(bench.denied("CreateClusterParameterGroup", family), "InvalidParameterValue");
    let mut both = parameters("prod", &[("auto_mv", "")]);
    both["ResetAllParameters"] = json!("true");
    assert_eq!(bench.denied("ResetClusterParameterGroup", both), "InvalidParameterCombination");

    let listed = bench.redshift("DescribeClusterParameterGroups", json!({}));
    let names: Vec<&str> = listed["ParameterGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["ParameterGroupName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default.redshift-1.0", "default.redshift-2.0", "prod"]);
    let aws = "default.redshift-2.0";
    assert_eq!(
        bench.denied("ModifyClusterParameterGroup", parameters(aws, &[("auto_mv", "false")])),
        "InvalidParameterValue"
    );
    assert_eq!(
        bench.denied("DeleteClusterParameterGroup", json!({ "ParameterGroupName": aws })),
        "InvalidParameterValue"
    );
}

#[test]
fn tags_are_found_by_key_or_value() {
    let mut bench = Bench::new();
    let (one, two) = (subnets(&bench, "one"), subnets(&bench, "two"));
    bench.redshift("CreateClusterSubnetGroup", one);
    bench.redshift("CreateClusterSubnetGroup", two);
    let arn = |name: &str| format!("arn:aws:redshift:us-west-2:123456789012:subnetgroup:{name}");
    let tags = |pairs: &[(&str, &str)]| -> Vec<Value> {
        pairs.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
    };
    bench.redshift("CreateTags", json!({ "ResourceName": arn("one"), "Tags": tags(&[("a", "1"), ("b", "2")]) }));
    bench.redshift("CreateTags", json!({ "ResourceName": arn("two"), "Tags": tags(&[("c", "2")]) }));
    let found = |bench: &mut Bench, ask: Value| {
        let reply = bench.redshift("DescribeClusterSubnetGroups", ask)["ClusterSubnetGroups"].clone();
        reply.as_array().unwrap().len()
    };
    assert_eq!(found(&mut bench, json!({ "TagKeys": ["a"], "TagValues": ["2"] })), 2);
    assert_eq!(found(&mut bench, json!({ "TagKeys": ["b"] })), 1);
    assert_eq!(found(&mut bench, json!({ "TagKeys": ["z"] })), 0);
    let all = bench.redshift("DescribeTags", json!({ "ResourceType": "Subnet group", "TagValues": ["2"] }));
    assert_eq!(all["TaggedResources"].as_array().unwrap().len(), 2);

    bench.redshift("DeleteTags", json!({ "ResourceName": arn("one"), "TagKeys": ["a", "b"] }));
    assert!(!bench.world.redshift.tags.contains_key(&arn("one")));
    let unknown = json!({ "ResourceName": arn("three"), "Tags": tags(&[("a", "1")]) });
    assert_eq!(bench.denied("CreateTags", unknown), "ResourceNotFoundFault");
    let reserved = json!({ "ResourceName": arn("one"), "Tags": tags(&[("aws:x", "1")]) });
    assert_eq!(bench.denied("CreateTags", reserved), "InvalidTagFault");
    let many: Vec<Value> = (0..50).map(|n| json!({ "Key": format!("k{n}"), "Value": "" })).collect();
    let many = json!({ "ResourceName": arn("two"), "Tags": many });
    assert_eq!(bench.denied("CreateTags", many), "TagLimitExceededFault");
}
