//! VPCs, subnets, gateways, routes and endpoints.

use super::*;

#[test]
fn a_vpc_goes_only_when_nothing_but_its_own_is_left() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.1.0/24");
    let table = lab.table(&vpc);
    let gateway = lab.gateway(&vpc);
    let group = lab.group(&vpc, "g");
    let service = "com.amazonaws.us-west-2.s3";
    let params = json!({ "VpcId": vpc, "ServiceName": service, "RouteTableId": [table] });
    let reply = lab.ok("CreateVpcEndpoint", params);
    let endpoint = text(&reply["vpcEndpoint"]["vpcEndpointId"]);
    let detach = json!({ "InternetGatewayId": gateway, "VpcId": vpc });
    let steps = [
        ("DeleteSubnet", json!({ "SubnetId": subnet })),
        ("DeleteVpcEndpoints", json!({ "VpcEndpointId": [endpoint] })),
        ("DeleteRouteTable", json!({ "RouteTableId": table })),
        ("DetachInternetGateway", detach),
        ("DeleteSecurityGroup", json!({ "GroupId": group })),
    ];
    for (operation, params) in steps {
        assert_eq!(lab.refused("DeleteVpc", json!({ "VpcId": vpc })), "DependencyViolation");
        lab.ok(operation, params);
    }
    // The endpoint is still on its way out.
    assert_eq!(lab.refused("DeleteVpc", json!({ "VpcId": vpc })), "DependencyViolation");
    lab.pass(60);
    lab.ok("DeleteVpc", json!({ "VpcId": vpc }));
    assert!(!lab.world.ec2.is_empty());
    lab.ok("DeleteInternetGateway", json!({ "InternetGatewayId": gateway }));
    assert_eq!(lab.world.ec2, super::super::Ec2::default());
    assert_eq!(lab.refused("DeleteVpc", json!({ "VpcId": vpc })), "InvalidVpcID.NotFound");
}

#[test]
fn vpc_blocks_are_canonical_and_in_range() {
    let mut lab = Lab::new();
    let reply = lab.ok("CreateVpc", json!({ "CidrBlock": "100.68.0.18/18" }));
    assert_eq!(reply["vpc"]["cidrBlock"], "100.68.0.0/18");
    assert_eq!(reply["vpc"]["state"], "pending");
    for (block, code) in [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("224.0.0.0/16", "InvalidVpc.Range"),
        ("10.0.0/16", "InvalidParameterValue"),
    ] {
        assert_eq!(lab.refused("CreateVpc", json!({ "CidrBlock": block })), code);
    }
    assert_eq!(lab.refused("CreateVpc", json!({})), "MissingParameter");
    lab.pass(5);
    let reply = lab.ok("DescribeVpcs", json!({}));
    assert_eq!(reply["vpcSet"][0]["state"], "available");
}

#[test]
fn dns_attributes_change_one_at_a_time_and_hostnames_need_support() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let set = |name: &str, on: &str| {
        let mut params = json!({ "VpcId": vpc });
        params[name] = json!({ "Value": on });
        params
    };
    let get = |name: &str| json!({ "VpcId": vpc, "Attribute": name });
    let mut both = set("EnableDnsSupport", "true");
    both["EnableDnsHostnames"] = json!({ "Value": "true" });
    let modify = "ModifyVpcAttribute";
    assert_eq!(lab.refused(modify, both), "InvalidParameterCombination");
    lab.ok(modify, set("EnableDnsSupport", "false"));
    assert_eq!(lab.refused(modify, set("EnableDnsHostnames", "true")), "InvalidParameterValue");
    lab.ok(modify, set("EnableDnsSupport", "true"));
    lab.ok(modify, set("EnableDnsHostnames", "true"));
    let reply = lab.ok("DescribeVpcAttribute", get("enableDnsHostnames"));
    assert_eq!(reply["enableDnsHostnames"]["value"], true);
    assert_eq!(lab.refused("DescribeVpcAttribute", get("enableMagic")), "InvalidParameterValue");
}

#[test]
fn subnets_lie_in_the_vpc_without_overlap() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let make = |cidr: &str| json!({ "VpcId": vpc, "CidrBlock": cidr });
    let reply = lab.ok("CreateSubnet", make("10.0.1.9/24"));
    assert_eq!(reply["subnet"]["cidrBlock"], "10.0.1.0/24");
    assert_eq!(reply["subnet"]["availableIpAddressCount"], 251);
    for (cidr, code) in [
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
        ("10.0.0.0/8", "InvalidSubnet.Range"),
    ] {
        assert_eq!(lab.refused("CreateSubnet", make(cidr)), code, "{cidr}");
    }
    let mut elsewhere = make("10.0.2.0/24");
    elsewhere["AvailabilityZone"] = json!("us-west-2e");
    assert_eq!(lab.refused("CreateSubnet", elsewhere), "InvalidParameterValue");
    let mut by_id = make("10.0.2.0/28");
    by_id["AvailabilityZoneId"] = json!("usw2-az3");
    let reply = lab.ok("CreateSubnet", by_id);
    assert_eq!(reply["subnet"]["availabilityZone"], "us-west-2c");
    assert_eq!(reply["subnet"]["availableIpAddressCount"], 11);
}

#[test]
fn a_route_goes_dark_when_its_gateway_leaves() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/24");
    let (table, gateway) = (lab.table(&vpc), lab.gateway(&vpc));
    let route = |destination: &str, gateway: &str| {
        json!({
            "RouteTableId": table,
            "DestinationCidrBlock": destination,
            "GatewayId": gateway,
        })
    };
    let state = |lab: &mut Lab| {
        let params = json!({ "RouteTableId": [table] });
        let reply = lab.ok("DescribeRouteTables", params);
        reply["routeTableSet"][0]["routeSet"][1]["state"].clone()
    };
    lab.ok("CreateRoute", route("0.0.0.0/0", &gateway));
    assert_eq!(lab.refused("CreateRoute", route("0.0.0.0/0", &gateway)), "RouteAlreadyExists");
    for (destination, target, code) in [
        ("10.0.0.0/16", "local", "InvalidGatewayID.NotFound"),
        ("10.0.4.0/24", gateway.as_str(), "InvalidParameterValue"),
        ("1.0.0.0/8", "igw-00000000", "InvalidInternetGatewayID.NotFound"),
    ] {
        assert_eq!(lab.refused("CreateRoute", route(destination, target)), code);
    }
    assert_eq!(lab.refused("ReplaceRoute", route("1.0.0.0/8", &gateway)), "InvalidParameterValue");
    assert_eq!(state(&mut lab), "active");
    assert!(!super::super::is_public_subnet(&lab.world, &subnet));
    let params = json!({ "RouteTableId": table, "SubnetId": subnet });
    lab.ok("AssociateRouteTable", params.clone());
    assert!(super::super::is_public_subnet(&lab.world, &subnet));
    assert_eq!(lab.refused("AssociateRouteTable", params), "Resource.AlreadyAssociated");
    let detach = json!({ "InternetGatewayId": gateway, "VpcId": vpc });
    assert_eq!(lab.refused("DeleteInternetGateway", json!({ "InternetGatewayId": gateway })), "DependencyViolation");
    lab.ok("DetachInternetGateway", detach.clone());
    assert_eq!(lab.refused("DetachInternetGateway", detach), "Gateway.NotAttached");
    assert_eq!(state(&mut lab), "blackhole");
    assert!(!super::super::is_public_subnet(&lab.world, &subnet));
    let gone = json!({ "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0" });
    lab.ok("DeleteRoute", gone.clone());
    assert_eq!(lab.refused("DeleteRoute", gone), "InvalidRoute.NotFound");
    let local = json!({ "RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16" });
    assert_eq!(lab.refused("DeleteRoute", local), "InvalidParameterValue");
}

#[test]
fn associations_are_replaced_with_a_new_id_and_hold_their_table() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/24");
    let (one, two) = (lab.table(&vpc), lab.table(&vpc));
    let params = json!({ "RouteTableId": one, "SubnetId": subnet });
    let first = text(&lab.ok("AssociateRouteTable", params)["associationId"]);
    let params = json!({ "AssociationId": first, "RouteTableId": two });
    let reply = lab.ok("ReplaceRouteTableAssociation", params.clone());
    let second = text(&reply["newAssociationId"]);
    assert_ne!(first, second);
    assert_eq!(lab.refused("ReplaceRouteTableAssociation", params), "InvalidAssociationID.NotFound");
    lab.ok("DeleteRouteTable", json!({ "RouteTableId": one }));
    assert_eq!(lab.refused("DeleteRouteTable", json!({ "RouteTableId": two })), "DependencyViolation");
    let main = filter("association.main", &["true"]);
    let reply = lab.ok("DescribeRouteTables", main);
    let main = &reply["routeTableSet"][0];
    let association = text(&main["associationSet"][0]["routeTableAssociationId"]);
    let params = json!({ "AssociationId": association });
    assert_eq!(lab.refused("DisassociateRouteTable", params), "InvalidParameterValue");
    let params = json!({ "RouteTableId": main["routeTableId"] });
    assert_eq!(lab.refused("DeleteRouteTable", params), "DependencyViolation");
    lab.ok("DisassociateRouteTable", json!({ "AssociationId": second }));
    lab.ok("DeleteRouteTable", json!({ "RouteTableId": two }));
}

#[test]
fn an_s3_endpoint_shows_as_a_route_and_fails_softly_on_delete() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let (table, other) = (lab.table(&vpc), lab.table(&vpc));
    let create = |service: &str, token: &str| {
        json!({
            "VpcId": vpc,
            "ServiceName": service,
            "RouteTableId": [table],
            "ClientToken": token,
        })
    };
    let s3 = "com.amazonaws.us-west-2.s3";
    let reply = lab.ok("CreateVpcEndpoint", create(s3, "t1"));
    let id = text(&reply["vpcEndpoint"]["vpcEndpointId"]);
    let again = lab.ok("CreateVpcEndpoint", create(s3, "t1"));
    assert_eq!(again["vpcEndpoint"]["vpcEndpointId"], json!(id));
    let wrong = create("com.amazonaws.us-west-2.dynamodb", "t1");
    assert_eq!(lab.refused("CreateVpcEndpoint", wrong), "IdempotentParameterMismatch");
    assert_eq!(lab.refused("CreateVpcEndpoint", create(s3, "t2")), "RouteAlreadyExists");
    assert_eq!(lab.refused("CreateVpcEndpoint", create("com.amazonaws.eu-west-1.s3", "t3")), "InvalidServiceName");
    let by_route = filter("route.gateway-id", &["vpce-*"]);
    let tables = |lab: &mut Lab| lab.ids("DescribeRouteTables", "routeTableSet", "routeTableId", by_route.clone());
    assert_eq!(tables(&mut lab), [table.as_str()]);
    let modify = json!({
        "VpcEndpointId": id,
        "AddRouteTableId": [other],
        "RemoveRouteTableId": [table],
    });
    assert_eq!(lab.refused("ModifyVpcEndpoint", modify.clone()), "IncorrectState");
    lab.pass(20);
    lab.ok("ModifyVpcEndpoint", modify);
    assert_eq!(tables(&mut lab), [other.as_str()]);

    let params = json!({ "VpcEndpointId": [id, "vpce-0123456789abcdef0"] });
    let reply = lab.ok("DeleteVpcEndpoints", params);
    let failed = reply["unsuccessful"].as_array().unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error"]["code"], "InvalidVpcEndpoint.NotFound");
    let by_vpc = filter("vpc-id", &[&vpc]);
    let reply = lab.ok("DescribeVpcEndpoints", by_vpc.clone());
    assert_eq!(reply["vpcEndpointSet"][0]["state"], "deleting");
    lab.pass(20);
    assert!(tables(&mut lab).is_empty());
    let reply = lab.ok("DescribeVpcEndpoints", by_vpc);
    assert_eq!(reply["vpcEndpointSet"], json!([]));
    let params = json!({ "VpcEndpointId": [id] });
    assert_eq!(lab.refused("DescribeVpcEndpoints", params), "InvalidVpcEndpointId.NotFound");
    // A token whose object is gone makes a new one.
    let reply = lab.ok("CreateVpcEndpoint", create(s3, "t1"));
    assert_ne!(reply["vpcEndpoint"]["vpcEndpointId"], json!(id));
}

#[test]
fn one_token_makes_one_route_table() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let params = json!({ "VpcId": vpc, "ClientToken": "t" });
    let one = lab.ok("CreateRouteTable", params.clone());
    let two = lab.ok("CreateRouteTable", params);
    assert_eq!(one, two);
    let id = text(&one["routeTable"]["routeTableId"]);
    lab.ok("DeleteRouteTable", json!({ "RouteTableId": id }));
    assert!(lab.world.ec2.tokens.is_empty());
}

#[test]
fn only_one_gateway_per_network_and_none_leaves_under_a_public_address() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/24");
    let gateway = lab.gateway(&vpc);
    let reply = lab.ok("CreateInternetGateway", json!({}));
    let spare = text(&reply["internetGateway"]["internetGatewayId"]);
    let attach = |id: &str| json!({ "InternetGatewayId": id, "VpcId": vpc });
    assert_eq!(lab.refused("AttachInternetGateway", attach(&spare)), "InvalidParameterValue");
    assert_eq!(lab.refused("AttachInternetGateway", attach(&gateway)), "Resource.AlreadyAssociated");
    let now = lab.now;
    super::super::place_interface(&mut lab.world, now, &subnet, &[], "o", "d").unwrap();
    super::super::map_public_addresses(&mut lab.world, "o");
    assert_eq!(lab.refused("DetachInternetGateway", attach(&gateway)), "DependencyViolation");
    super::super::unmap_public_addresses(&mut lab.world, "o");
    lab.ok("DetachInternetGateway", attach(&gateway));
}

#[test]
fn subnet_attributes_change_one_at_a_time() {
    let mut lab = Lab::new();
    let vpc = lab.vpc("10.0.0.0/16");
    let subnet = lab.subnet(&vpc, "10.0.0.0/24");
    let on = json!({ "Value": "true" });
    let modify = "ModifySubnetAttribute";
    let both = json!({
        "SubnetId": subnet,
        "MapPublicIpOnLaunch": on,
        "EnableResourceNameDnsARecordOnLaunch": on,
    });
    assert_eq!(lab.refused(modify, both), "InvalidParameterCombination");
    assert_eq!(lab.refused(modify, json!({ "SubnetId": subnet })), "InvalidParameterCombination");
    let public = filter("map-public-ip-on-launch", &["true"]);
    assert!(lab.ids("DescribeSubnets", "subnetSet", "subnetId", public.clone()).is_empty());
    lab.ok(modify, json!({ "SubnetId": subnet, "MapPublicIpOnLaunch": on }));
    assert_eq!(lab.ids("DescribeSubnets", "subnetSet", "subnetId", public), [subnet]);
}
