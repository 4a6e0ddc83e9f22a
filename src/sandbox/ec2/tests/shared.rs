//! What all describe calls and all tags share.

use super::*;

#[test]
fn unknown_filters_are_refused_even_on_an_empty_world() {
    let describes = SERVICE
        .operations
        .iter()
        .flat_map(|list| list.iter())
        .filter(|operation| operation.params.contains(&"Filter.Name"));
    let mut count = 0;
    for operation in describes {
        let mut lab = Lab::new();
        let params = filter("vpc_id", &["x"]);
        assert_eq!(lab.refused(operation.name, params), "InvalidParameterValue", "{}", operation.name);
        let none = json!({ "Filter": [{ "Name": "vpc-id" }] });
        assert_eq!(lab.refused(operation.name, none), "InvalidParameterValue");
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn pages_have_limits_and_exclude_ids() {
    let mut lab = Lab::new();
    let vpcs: Vec<String> = (0..7).map(|n| lab.vpc(&format!("10.{n}.0.0/16"))).collect();
    let page = json!({ "MaxResults": "5" });
    let reply = lab.ok("DescribeVpcs", page);
    assert_eq!(reply["vpcSet"].as_array().unwrap().len(), 5);
    let next = json!({ "MaxResults": "5", "NextToken": reply["nextToken"] });
    let reply = lab.ok("DescribeVpcs", next);
    assert_eq!(reply["vpcSet"].as_array().unwrap().len(), 2);
    assert!(reply.get("nextToken").is_none());
    let both = json!({ "MaxResults": "5", "VpcId": [vpcs[0]] });
    assert_eq!(lab.refused("DescribeVpcs", both), "InvalidParameterCombination");
    for (operation, size) in [("DescribeVpcs", "4"), ("DescribeVpcs", "1001"), ("DescribeRouteTables", "101")] {
        let page = json!({ "MaxResults": size });
        assert_eq!(lab.refused(operation, page), "InvalidParameterValue");
    }
    let unknown = json!({ "VpcId": [vpcs[0], "vpc-0123456789abcdef0"] });
    assert_eq!(lab.refused("DescribeVpcs", unknown), "InvalidVpcID.NotFound");
}

#[test]
fn tags_are_given_at_birth_changed_filtered_and_removed() {
    let mut lab = Lab::new();
    let spec = |kind: &str, tags: Value| {
        json!({
            "CidrBlock": "10.0.0.0/16",
            "TagSpecification": [{ "ResourceType": kind, "Tag": tags }],
        })
    };
    let tags = json!([{ "Key": "stack", "Value": "dev" }, { "Key": "empty", "Value": "" }]);
    let reply = lab.ok("CreateVpc", spec("vpc", tags.clone()));
    let vpc = text(&reply["vpc"]["vpcId"]);
    assert_eq!(reply["vpc"]["tagSet"].as_array().unwrap().len(), 2);
    assert_eq!(lab.refused("CreateVpc", spec("subnet", tags)), "InvalidParameterValue");
    let reserved = json!([{ "Key": "aws:x", "Value": "y" }]);
    assert_eq!(lab.refused("CreateVpc", spec("vpc", reserved)), "InvalidParameterValue");
    let found = |lab: &mut Lab, name: &str, value: &str| {
        lab.ids("DescribeVpcs", "vpcSet", "vpcId", filter(name, &[value])).len()
    };
    assert_eq!(found(&mut lab, "tag:stack", "d?v"), 1);
    assert_eq!(found(&mut lab, "tag:stack", "prod"), 0);
    assert_eq!(found(&mut lab, "tag-key", "emp*"), 1);

    let change = json!({ "ResourceId": [vpc], "Tag": [{ "Key": "stack", "Value": "prod" }] });
    lab.ok("CreateTags", change);
    assert_eq!(found(&mut lab, "tag:stack", "prod"), 1);
    let reply = lab.ok("DescribeTags", filter("tag:stack", &["prod"]));
    assert_eq!(reply["tagSet"][0]["resourceType"], "vpc");
    assert_eq!(reply["tagSet"].as_array().unwrap().len(), 1);

    let stale = json!({ "ResourceId": [vpc], "Tag": [{ "Key": "stack", "Value": "dev" }] });
    lab.ok("DeleteTags", stale);
    assert_eq!(found(&mut lab, "tag:stack", "prod"), 1);
    let key = json!({ "ResourceId": [vpc], "Tag": [{ "Key": "stack" }] });
    lab.ok("DeleteTags", key);
    assert_eq!(found(&mut lab, "tag:stack", "prod"), 0);
    lab.ok("DeleteTags", json!({ "ResourceId": [vpc] }));
    assert!(lab.world.ec2.tags.is_empty());

    let many: Vec<Value> = (0..50).map(|n| json!({ "Key": format!("k{n}") })).collect();
    lab.ok("CreateTags", json!({ "ResourceId": [vpc], "Tag": many }));
    let more = json!({ "ResourceId": [vpc], "Tag": [{ "Key": "one-more" }] });
    assert_eq!(lab.refused("CreateTags", more), "TagLimitExceeded");
    for (id, code) in [("igw-0123456789abcdef0", "InvalidInternetGatewayID.NotFound"), ("thing", "InvalidID")] {
        let params = json!({ "ResourceId": [vpc, id], "Tag": [{ "Key": "k1" }] });
        assert_eq!(lab.refused("CreateTags", params), code);
    }
}

#[test]
fn a_world_with_everything_survives_json() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let group = lab.group(&vpc, "g");
    lab.let_in(&group, ("Groups", json!([{ "GroupId": group }])));
    let table = lab.table(&vpc);
    let gateway = lab.gateway(&vpc);
    lab.ok(
        "CreateRoute",
        json!({
            "RouteTableId": table,
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": gateway,
        }),
    );
    let written = serde_json::to_string(&lab.world.ec2).unwrap();
    let read: super::super::Ec2 = serde_json::from_str(&written).unwrap();
    assert_eq!(read, lab.world.ec2);
}

#[test]
fn zones_and_regions_are_filtered_and_named() {
    let mut lab = Lab::new();
    let zones =
        |lab: &mut Lab, params: Value| lab.ids("DescribeAvailabilityZones", "availabilityZoneInfo", "zoneId", params);
    assert_eq!(zones(&mut lab, json!({})).len(), 4);
    assert_eq!(zones(&mut lab, filter("zone-name", &["us-west-2b"])), ["usw2-az2"]);
    let unknown = json!({ "ZoneName": ["us-west-2z"] });
    assert_eq!(lab.refused("DescribeAvailabilityZones", unknown), "InvalidParameterValue");
    let one = json!({ "RegionName": ["eu-west-1"] });
    assert_eq!(lab.ids("DescribeRegions", "regionInfo", "regionName", one), ["eu-west-1"]);
}
