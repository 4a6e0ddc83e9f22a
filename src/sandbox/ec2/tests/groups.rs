//! Security groups and their rules.

use super::*;

fn cidr(block: &str) -> (&'static str, Value) {
    ("IpRanges", json!([{ "CidrIp": block }]))
}

fn other(group: &str) -> (&'static str, Value) {
    ("Groups", json!([{ "GroupId": group }]))
}

#[test]
fn names_are_unique_whatever_their_case_and_follow_the_charset() {
    let mut lab = Lab::new();
    let (vpc, far) = (lab.vpc("10.0.0.0/16"), lab.vpc("10.1.0.0/16"));
    let make = |vpc: &str, name: &str, text: &str| json!({ "VpcId": vpc, "GroupName": name, "GroupDescription": text });
    let create = "CreateSecurityGroup";
    lab.ok(create, make(&vpc, "Producer ", "d"));
    assert_eq!(lab.refused(create, make(&vpc, "producer", "d")), "InvalidGroup.Duplicate");
    lab.ok(create, make(&far, "producer", "d"));
    let long = "x".repeat(256);
    for (name, description) in
        [("sg-mine", "d"), ("a|b", "d"), ("a", "tab\there"), (long.as_str(), "d"), ("a", long.as_str()), ("a", "")]
    {
        assert_eq!(lab.refused(create, make(&vpc, name, description)), "InvalidParameterValue");
    }
    assert_eq!(lab.refused(create, make(&vpc, "Default", "d")), "InvalidGroup.Reserved");
    let params = json!({ "GroupName": "a", "GroupDescription": "d" });
    assert_eq!(lab.refused(create, params), "VPCIdNotSpecified");
}

#[test]
fn a_group_is_born_with_an_egress_rule_that_can_be_revoked_once() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let group = lab.group(&vpc, "g");
    let mine = filter("group-id", &[&group]);
    let reply = lab.ok("DescribeSecurityGroupRules", mine.clone());
    let rules = reply["securityGroupRuleSet"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["isEgress"], true);
    assert_eq!(rules[0]["cidrIpv4"], "0.0.0.0/0");
    assert_eq!(rules[0]["fromPort"], -1);
    let all = json!({
        "GroupId": group,
        "IpPermissions": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }],
    });
    assert_eq!(lab.refused("AuthorizeSecurityGroupEgress", all.clone()), "InvalidPermission.Duplicate");
    assert_eq!(lab.refused("RevokeSecurityGroupIngress", all.clone()), "InvalidPermission.NotFound");
    let reply = lab.ok("RevokeSecurityGroupEgress", all.clone());
    let revoked = &reply["revokedSecurityGroupRuleSet"][0];
    assert_eq!(revoked["securityGroupRuleId"], rules[0]["securityGroupRuleId"]);
    assert_eq!(lab.refused("RevokeSecurityGroupEgress", all), "InvalidPermission.NotFound");
    let reply = lab.ok("DescribeSecurityGroupRules", mine);
    assert_eq!(reply["securityGroupRuleSet"], json!([]));
}

#[test]
fn one_permission_with_several_peers_becomes_rules_with_canonical_blocks() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let (group, peer) = (lab.group(&vpc, "g"), lab.group(&vpc, "p"));
    let mut permission = permission((
        "IpRanges",
        json!([
            { "CidrIp": "192.168.7.9/16", "Description": "office" },
            { "CidrIp": "172.16.0.0/12" },
        ]),
    ));
    permission["Groups"] = json!([{ "GroupId": peer }]);
    let params = json!({ "GroupId": group, "IpPermissions": [permission] });
    let reply = lab.ok("AuthorizeSecurityGroupIngress", params);
    assert_eq!(reply["securityGroupRuleSet"].as_array().unwrap().len(), 3);
    assert_eq!(reply["securityGroupRuleSet"][0]["cidrIpv4"], "192.168.0.0/16");
    let reply = lab.ok("DescribeSecurityGroups", json!({ "GroupId": [group] }));
    let permissions = reply["securityGroupInfo"][0]["ipPermissions"].as_array().unwrap();
    assert_eq!(permissions.len(), 1);
    assert_eq!(permissions[0]["ipRanges"].as_array().unwrap().len(), 2);
    assert_eq!(permissions[0]["groups"][0]["groupId"], json!(peer));
    let by_peer = filter("ip-permission.group-id", &[&peer]);
    assert_eq!(lab.ids("DescribeSecurityGroups", "securityGroupInfo", "groupId", by_peer), [group]);
}

#[test]
fn ports_protocols_and_peers_are_checked() {
    let mut lab = Lab::new();
    let (vpc, far) = (lab.vpc("10.0.0.0/16"), lab.vpc("10.1.0.0/16"));
    let (group, foreign) = (lab.group(&vpc, "g"), lab.group(&far, "f"));
    let anywhere = json!([{ "CidrIp": "10.0.0.0/16" }]);
    let cases = [
        (json!({ "IpProtocol": "tcp", "FromPort": "5439", "IpRanges": anywhere }), "InvalidParameterValue"),
        (json!({ "IpProtocol": "tcp", "FromPort": "9", "ToPort": "8", "IpRanges": anywhere }), "InvalidParameterValue"),
        (
            json!({ "IpProtocol": "tcp", "FromPort": "0", "ToPort": "65536", "IpRanges": anywhere }),
            "InvalidParameterValue",
        ),
        (json!({ "IpProtocol": "quic", "IpRanges": anywhere }), "InvalidParameterValue"),
        (permission(cidr("10.0.0.0/33")), "InvalidParameterValue"),
        (json!({ "IpProtocol": "-1" }), "MissingParameter"),
        (json!({ "IpRanges": anywhere }), "MissingParameter"),
        (permission(other(&foreign)), "InvalidGroup.NotFound"),
        (permission(other("sg-x")), "InvalidGroupId.Malformed"),
        (permission(("PrefixListIds", json!([{ "PrefixListId": "pl-00000000" }]))), "InvalidPrefixListID.NotFound"),
    ];
    for (permission, code) in cases {
        let params = json!({ "GroupId": group, "IpPermissions": [permission] });
        assert_eq!(lab.refused("AuthorizeSecurityGroupIngress", params.clone()), code, "{params}");
    }
    let twice = permission(cidr("10.0.0.0/16"));
    let params = json!({ "GroupId": group, "IpPermissions": [twice, twice] });
    assert_eq!(lab.refused("AuthorizeSecurityGroupIngress", params), "InvalidParameterValue");
}

#[test]
fn rules_are_modified_in_place_but_keep_the_sort_of_their_source() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let (group, peer) = (lab.group(&vpc, "g"), lab.group(&vpc, "p"));
    let rule = lab.let_in(&group, cidr("10.0.0.0/16")).remove(0);
    let twin = lab.let_in(&group, cidr("10.9.0.0/16")).remove(0);
    let update = |id: &str, peer: &str, value: &str| {
        let mut form = json!({ "IpProtocol": "tcp", "FromPort": "5439", "ToPort": "5439" });
        form[peer] = json!(value);
        json!({
            "GroupId": group,
            "SecurityGroupRule": [{ "SecurityGroupRuleId": id, "SecurityGroupRule": form }],
        })
    };
    let modify = "ModifySecurityGroupRules";
    lab.ok(modify, update(&rule, "CidrIpv4", "10.7.0.0/16"));
    assert_eq!(lab.refused(modify, update(&rule, "CidrIpv4", "10.9.0.0/16")), "InvalidPermission.Duplicate");
    assert_eq!(lab.refused(modify, update(&rule, "ReferencedGroupId", &peer)), "InvalidParameterValue");
    let unknown = update("sgr-0123456789abcdef0", "CidrIpv4", "10.7.0.0/16");
    assert_eq!(lab.refused(modify, unknown), "InvalidSecurityGroupRuleId.NotFound");
    let by_id = filter("security-group-rule-id", &[&rule]);
    let reply = lab.ok("DescribeSecurityGroupRules", by_id);
    assert_eq!(reply["securityGroupRuleSet"][0]["cidrIpv4"], "10.7.0.0/16");

    let revoke = |ids: &[&String]| json!({ "GroupId": group, "SecurityGroupRuleId": ids });
    assert_eq!(lab.refused("RevokeSecurityGroupEgress", revoke(&[&rule])), "InvalidSecurityGroupRuleId.NotFound");
    lab.ok("RevokeSecurityGroupIngress", revoke(&[&rule, &twin]));
    assert_eq!(lab.refused("RevokeSecurityGroupIngress", revoke(&[&rule])), "InvalidSecurityGroupRuleId.NotFound");
}

#[test]
fn a_group_that_another_names_or_an_interface_has_stays() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/24");
    let (group, peer) = (lab.group(&vpc, "g"), lab.group(&vpc, "p"));
    let rule = lab.let_in(&group, other(&peer)).remove(0);
    // A group may name itself.
    lab.let_in(&peer, other(&peer));
    let delete = json!({ "GroupId": peer });
    assert_eq!(lab.refused("DeleteSecurityGroup", delete.clone()), "DependencyViolation");
    let revoke = json!({ "GroupId": group, "SecurityGroupRuleId": [rule] });
    lab.ok("RevokeSecurityGroupIngress", revoke);
    let groups = [peer.clone()];
    let now = lab.now;
    super::super::place_interface(&mut lab.world, now, &subnet, &groups, "o", "d").unwrap();
    assert_eq!(lab.refused("DeleteSecurityGroup", delete.clone()), "DependencyViolation");
    let gone = now + SignedDuration::from_mins(3);
    super::super::release_interfaces(&mut lab.world, "o", gone);
    lab.pass(179);
    assert_eq!(lab.refused("DeleteSecurityGroup", delete.clone()), "DependencyViolation");
    lab.pass(1);
    lab.ok("DeleteSecurityGroup", delete.clone());
    assert_eq!(lab.refused("DeleteSecurityGroup", delete), "InvalidGroup.NotFound");
    let default = filter("group-name", &["default"]);
    let default = lab.ids("DescribeSecurityGroups", "securityGroupInfo", "groupId", default);
    assert_eq!(lab.refused("DeleteSecurityGroup", json!({ "GroupId": default[0] })), "CannotDelete");
}
