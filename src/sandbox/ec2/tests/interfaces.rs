//! Network interfaces and what reaches them.

use super::super::{free_addresses, interfaces, place_interface, reaches, regroup_interfaces, release_interfaces};
use super::*;

/// A VPC with a /28 subnet and two groups.
fn lab() -> (Lab, String, String, String) {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/28");
    let (one, two) = (lab.group(&vpc, "one"), lab.group(&vpc, "two"));
    (lab, subnet, one, two)
}

#[test]
fn a_subnet_hands_out_every_usable_address_once() {
    let (mut lab, subnet, group, _) = lab();
    let now = lab.now;
    let groups = [group];
    let mut seen = std::collections::BTreeSet::new();
    for left in (0..11).rev() {
        let (_, address) = place_interface(&mut lab.world, now, &subnet, &groups, "o", "d").unwrap();
        let last = address.octets()[3];
        assert!((4..=14).contains(&last) && seen.insert(last));
        assert_eq!(free_addresses(&lab.world, &subnet, now), left);
    }
    let full = place_interface(&mut lab.world, now, &subnet, &groups, "o", "d").unwrap_err();
    assert_eq!(full.code, "InsufficientFreeAddressesInSubnet");
    let delete = json!({ "SubnetId": subnet });
    assert_eq!(lab.refused("DeleteSubnet", delete.clone()), "DependencyViolation");
    release_interfaces(&mut lab.world, "o", now + SignedDuration::from_mins(3));
    assert_eq!(free_addresses(&lab.world, &subnet, now), 0);
    lab.pass(180);
    assert_eq!(free_addresses(&lab.world, &subnet, lab.now), 11);
    lab.ok("DeleteSubnet", delete);
    assert!(lab.world.ec2.interfaces.is_empty());
}

#[test]
fn interfaces_are_described_while_they_exist() {
    let (mut lab, subnet, group, _) = lab();
    let now = lab.now;
    let later = now + SignedDuration::from_secs(20);
    let world = &mut lab.world;
    let (id, _) = place_interface(world, later, &subnet, std::slice::from_ref(&group), "nlb", "ELB net/x/1").unwrap();
    let shown = |lab: &mut Lab| {
        let params = filter("description", &["ELB net/x/*"]);
        lab.ids("DescribeNetworkInterfaces", "networkInterfaceSet", "networkInterfaceId", params)
    };
    assert!(shown(&mut lab).is_empty());
    assert_eq!(free_addresses(&lab.world, &subnet, now), 10);
    lab.pass(20);
    assert_eq!(shown(&mut lab), [id.as_str()]);
    assert_eq!(interfaces(&lab.world, "nlb", lab.now).len(), 1);
    let by_type = filter("interface-type", &["network_load_balancer"]);
    let reply = lab.ok("DescribeNetworkInterfaces", by_type);
    let item = &reply["networkInterfaceSet"][0];
    assert_eq!(item["groupSet"][0]["groupId"], json!(group));
    release_interfaces(&mut lab.world, "nlb", lab.now + SignedDuration::from_secs(9));
    lab.pass(9);
    assert!(shown(&mut lab).is_empty());
    let params = json!({ "NetworkInterfaceId": [id] });
    assert_eq!(lab.refused("DescribeNetworkInterfaces", params), "InvalidNetworkInterfaceID.NotFound");
}

#[test]
fn both_sides_must_let_a_connection_through() {
    let (mut lab, subnet, one, two) = lab();
    let now = lab.now;
    let world = &mut lab.world;
    place_interface(world, now, &subnet, std::slice::from_ref(&one), "from", "d").unwrap();
    let (_, to) = place_interface(world, now, &subnet, std::slice::from_ref(&two), "to", "d").unwrap();
    let open = |lab: &Lab, port| reaches(&lab.world, now, "from", to, port);
    assert!(!open(&lab, 5439), "no ingress");
    let rule = lab.let_in(&two, ("Groups", json!([{ "GroupId": one }]))).remove(0);
    assert!(open(&lab, 5439));
    assert!(!open(&lab, 5440));
    assert!(!reaches(&lab.world, now, "nobody", to, 5439));
    regroup_interfaces(&mut lab.world, "from", std::slice::from_ref(&two));
    assert!(!open(&lab, 5439), "the source is in another group now");
    regroup_interfaces(&mut lab.world, "from", std::slice::from_ref(&one));
    let revoke = json!({ "GroupId": two, "SecurityGroupRuleId": [rule] });
    lab.ok("RevokeSecurityGroupIngress", revoke);
    lab.let_in(&two, ("IpRanges", json!([{ "CidrIp": "10.0.0.0/28" }])));
    assert!(open(&lab, 5439));
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let close = json!({ "GroupId": one, "IpPermissions": all });
    lab.ok("RevokeSecurityGroupEgress", close);
    assert!(!open(&lab, 5439), "no egress");
}

#[test]
fn an_interface_of_an_instance_is_somebodys_own() {
    let (mut lab, subnet, group, _) = lab();
    let (world, now) = (&mut lab.world, lab.now);
    place_interface(world, now, &subnet, std::slice::from_ref(&group), "i-0abc", "a bastion").unwrap();
    place_interface(world, now, &subnet, &[group], "nlb", "ELB net/x/1").unwrap();
    let reply = lab.ok("DescribeNetworkInterfaces", filter("attachment.instance-id", &["i-0abc"]));
    let item = &reply["networkInterfaceSet"][0];
    assert_eq!((&item["requesterManaged"], &item["attachment"]["instanceId"]), (&json!(false), &json!("i-0abc")));
    let reply = lab.ok("DescribeNetworkInterfaces", filter("requester-managed", &["true"]));
    let item = &reply["networkInterfaceSet"][0];
    assert_eq!((&item["requesterId"], &item["description"]), (&json!("amazon-elb"), &json!("ELB net/x/1")));
}
