//! The rules of network load balancers, each driven through its operations.

use serde_json::{Value, json};

use super::super::ec2;
use super::super::serverless::bench::Bench;
use super::SERVICE;

struct Front {
    bench: Bench,
    balancer: String,
    group: String,
}

impl Front {
    fn new() -> Self {
        let mut bench = Bench::new();
        let params = balancer(&bench);
        let arn = bench.id(&SERVICE, "CreateLoadBalancer", params, "/LoadBalancers/0/LoadBalancerArn");
        let params = group(&bench);
        let group = bench.id(&SERVICE, "CreateTargetGroup", params, "/TargetGroups/0/TargetGroupArn");
        Self { bench, balancer: arn, group }
    }

    fn ok(&mut self, operation: &str, params: Value) -> Value {
        self.bench.ok(&SERVICE, operation, params)
    }

    fn code(&mut self, operation: &str, params: Value) -> String {
        self.bench.call(&SERVICE, operation, params).expect_err(operation).code
    }

    fn listener(&self) -> Value {
        json!({ "LoadBalancerArn": self.balancer, "Protocol": "TCP", "Port": "5439",
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": self.group }] })
    }

    fn listen(&mut self) -> String {
        let params = self.listener();
        self.bench.id(&SERVICE, "CreateListener", params, "/Listeners/0/ListenerArn")
    }

    fn targets(&self, addresses: &[String]) -> Value {
        let targets: Vec<Value> = addresses.iter().map(|address| json!({ "Id": address })).collect();
        json!({ "TargetGroupArn": self.group, "Targets": targets })
    }

    /// State and reason of the first target.
    fn health(&mut self) -> (String, String) {
        let reply = self.ok("DescribeTargetHealth", json!({ "TargetGroupArn": self.group }));
        let health = &reply["TargetHealthDescriptions"][0]["TargetHealth"];
        let text = |name: &str| health[name].as_str().unwrap_or("-").to_owned();
        (text("State"), text("Reason"))
    }

    fn attributes(&self, kind: &str, arn: &str, key: &str, value: &str) -> Value {
        json!({ kind: arn, "Attributes": [{ "Key": key, "Value": value }] })
    }
}

fn pair(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

fn balancer(bench: &Bench) -> Value {
    json!({ "Name": "front", "Type": "network", "Scheme": "internal", "Subnets": bench.subnets,
        "SecurityGroups": [bench.balancer_group] })
}

fn group(bench: &Bench) -> Value {
    json!({ "Name": "readers", "Protocol": "TCP", "Port": "5439", "VpcId": bench.vpc, "TargetType": "ip",
        "HealthCheckIntervalSeconds": "10", "HealthyThresholdCount": "2" })
}

#[test]
fn a_load_balancer_is_made_once_and_lingers_after_its_end() {
    let mut front = Front::new();
    let again = balancer(&front.bench);
    let reply = front.ok("CreateLoadBalancer", again.clone());
    assert_eq!(reply["LoadBalancers"][0]["LoadBalancerArn"], front.balancer);
    assert_eq!(reply["LoadBalancers"][0]["State"]["Code"], "provisioning");
    let mut other = again;
    other["SecurityGroups"] = json!([]);
    assert_eq!(front.code("CreateLoadBalancer", other), "DuplicateLoadBalancerName");
    front.bench.pass(150);
    let described = front.ok("DescribeLoadBalancers", json!({ "Names": ["front"] }));
    assert_eq!(described["LoadBalancers"][0]["State"]["Code"], "active");
    assert_eq!(front.code("DescribeLoadBalancers", json!({ "Names": ["front", "back"] })), "LoadBalancerNotFound");

    let arn = front.balancer.clone();
    let protect =
        |front: &Front, value| front.attributes("LoadBalancerArn", &arn, "deletion_protection.enabled", value);
    let on = protect(&front, "true");
    front.ok("ModifyLoadBalancerAttributes", on);
    assert_eq!(front.code("DeleteLoadBalancer", json!({ "LoadBalancerArn": arn })), "OperationNotPermitted");
    let off = protect(&front, "false");
    front.ok("ModifyLoadBalancerAttributes", off);
    front.listen();
    front.ok("DeleteLoadBalancer", json!({ "LoadBalancerArn": arn }));
    front.ok("DeleteLoadBalancer", json!({ "LoadBalancerArn": arn }));
    front.ok("DeleteTargetGroup", json!({ "TargetGroupArn": front.group }));
    assert!(front.bench.world.elb.is_empty());
    let group = json!({ "GroupId": front.bench.balancer_group });
    let refused = front.bench.call(&ec2::SERVICE, "DeleteSecurityGroup", group.clone()).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation", "interfaces linger");
    front.bench.pass(120);
    front.bench.ok(&ec2::SERVICE, "DeleteSecurityGroup", group);
}

#[test]
fn security_groups_are_decided_at_birth() {
    let mut front = Front::new();
    let arn = front.balancer.clone();
    let none = json!({ "LoadBalancerArn": arn, "SecurityGroups": "" });
    assert_eq!(front.code("SetSecurityGroups", none), "InvalidConfigurationRequest");
    let other = json!({ "LoadBalancerArn": arn, "SecurityGroups": [front.bench.warehouse_group] });
    front.ok("SetSecurityGroups", other);
    let mut bare = balancer(&front.bench);
    bare["Name"] = json!("bare");
    bare["SecurityGroups"] = json!([]);
    let bare = front.ok("CreateLoadBalancer", bare)["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let late = json!({ "LoadBalancerArn": bare, "SecurityGroups": [front.bench.balancer_group] });
    assert_eq!(front.code("SetSecurityGroups", late), "InvalidConfigurationRequest");
}

#[test]
fn creates_refuse_what_aws_refuses() {
    let mut front = Front::new();
    let twin = front.bench.subnet("10.0.10.0/24", "us-west-2a");
    let tiny = front.bench.subnet("10.0.11.0/28", "us-west-2d");
    let first = front.bench.subnets[0].clone();
    for (name, value, code) in [
        ("Name", json!("internal-front"), "ValidationError"),
        ("Type", json!("application"), "ValidationError"),
        ("Scheme", json!("public"), "InvalidScheme"),
        ("Scheme", json!("internet-facing"), "InvalidSubnet"),
        ("Subnets", json!([]), "ValidationError"),
        ("Subnets", json!(["subnet-0"]), "SubnetNotFound"),
        ("Subnets", json!([first, twin]), "InvalidConfigurationRequest"),
        ("SecurityGroups", json!(["sg-0"]), "InvalidSecurityGroup"),
        ("IpAddressType", json!("dualstack"), "InvalidSubnet"),
    ] {
        let mut params = balancer(&front.bench);
        params["Name"] = json!("second");
        params[name] = value;
        assert_eq!(front.code("CreateLoadBalancer", params.clone()), code, "{params}");
    }
    // 11 addresses, one taken by each load balancer: the fifth finds 7, fewer than 8.
    for at in 0..5 {
        let mut params = balancer(&front.bench);
        (params["Name"], params["Subnets"]) = (json!(format!("small-{at}")), json!([tiny]));
        let made = front.bench.call(&SERVICE, "CreateLoadBalancer", params);
        assert_eq!(made.map_err(|error| error.code).err().as_deref(), (at == 4).then_some("InvalidSubnet"), "{at}");
    }
    let mut changed = group(&front.bench);
    assert_eq!(front.ok("CreateTargetGroup", changed.clone())["TargetGroups"][0]["TargetGroupArn"], front.group);
    changed["Port"] = json!("5440");
    assert_eq!(front.code("CreateTargetGroup", changed.clone()), "DuplicateTargetGroupName");
    for (name, value) in [
        ("HealthCheckIntervalSeconds", "4"),
        ("HealthCheckPath", "/"),
        ("HealthCheckEnabled", "false"),
        ("VpcId", "vpc-0"),
    ] {
        let mut params = changed.clone();
        (params["Name"], params[name]) = (json!("another"), json!(value));
        front.code("CreateTargetGroup", params);
    }
}

#[test]
fn attributes_know_their_keys_and_ranges() {
    let mut front = Front::new();
    let (arn, group) = (front.balancer.clone(), front.group.clone());
    let listener = front.listen();
    let cases = [
        ("ModifyListenerAttributes", "ListenerArn", &listener, "tcp.idle_timeout.seconds", "6000", "6001"),
        ("ModifyTargetGroupAttributes", "TargetGroupArn", &group, "deregistration_delay.timeout_seconds", "0", "3601"),
        ("ModifyLoadBalancerAttributes", "LoadBalancerArn", &arn, "secondary_ips.auto_assigned.per_subnet", "2", "1"),
    ];
    for (operation, kind, arn, key, good, bad) in cases {
        let params = front.attributes(kind, arn, key, good);
        front.ok(operation, params);
        let params = front.attributes(kind, arn, key, bad);
        assert_eq!(front.code(operation, params), "InvalidConfigurationRequest", "{key}");
        let params = front.attributes(kind, arn, "idle_timeout.timeout_seconds", "60");
        assert_eq!(front.code(operation, params), "ValidationError", "{key}");
        let described = operation.replacen("Modify", "Describe", 1);
        let reply = front.ok(&described, json!({ kind: arn }));
        assert!(reply["Attributes"].as_array().unwrap().contains(&json!({ "Key": key, "Value": good })));
    }
}

#[test]
fn a_target_becomes_healthy_and_drains() {
    let mut front = Front::new();
    let addresses = front.bench.reader();
    front.bench.open_warehouse();
    let params = front.targets(&addresses);
    front.ok("RegisterTargets", params.clone());
    assert_eq!(front.health(), pair("unused", "Target.NotInUse"));
    let listener = front.listen();
    assert_eq!(front.health(), pair("initial", "Elb.RegistrationInProgress"));
    front.bench.pass(15);
    assert_eq!(front.health(), pair("initial", "Elb.InitialHealthChecking"));
    front.bench.pass(5);
    assert_eq!(front.health(), pair("healthy", "-"));
    let in_use = front.code("DeleteTargetGroup", json!({ "TargetGroupArn": front.group }));
    assert_eq!(in_use, "ResourceInUse");

    let mut other_port = front.targets(&addresses);
    other_port["Targets"][0]["Port"] = json!("5440");
    other_port["Targets"].as_array_mut().unwrap().truncate(1);
    front.ok("DeregisterTargets", other_port.clone());
    assert_eq!(front.health().0, "healthy", "another port is another target");
    let asked = front.ok("DescribeTargetHealth", other_port);
    assert_eq!(asked["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"], "Target.NotRegistered");

    front.ok("DeregisterTargets", params.clone());
    assert_eq!(front.health(), pair("draining", "Target.DeregistrationInProgress"));
    front.bench.pass(300);
    let gone = front.ok("DescribeTargetHealth", json!({ "TargetGroupArn": front.group }));
    assert_eq!(gone["TargetHealthDescriptions"], json!([]));
    front.ok("DeleteListener", json!({ "ListenerArn": listener }));
    front.ok("RegisterTargets", params.clone());
    front.ok("DeregisterTargets", params);
    assert!(front.bench.world.elb.groups[&front.group].targets.iter().all(|target| !target.exists(front.bench.now)));
}

#[test]
fn health_follows_zones_groups_and_what_listens() {
    let mut front = Front::new();
    let addresses = front.bench.reader();
    front.listen();
    let params = front.targets(&addresses);
    front.ok("RegisterTargets", params);
    front.bench.pass(60);
    assert_eq!(front.health(), pair("unhealthy", "Target.Timeout"), "no rule lets the load balancer in");
    front.bench.open_warehouse();
    assert_eq!(front.health().0, "healthy");
    let port = json!({ "workgroupName": "reader", "port": 5450 });
    front.bench.serverless("UpdateWorkgroup", port);
    assert_eq!(front.health().0, "unhealthy", "nothing listens there any more");
    let first = front.bench.subnets[0].clone();
    let first_zone = front.ok("DescribeTargetHealth", json!({ "TargetGroupArn": front.group }));
    assert_eq!(first_zone["TargetHealthDescriptions"][0]["Target"]["AvailabilityZone"], "us-west-2a");
    let rest: Vec<String> = front.bench.subnets.iter().filter(|id| **id != first).cloned().collect();
    front.ok("SetSubnets", json!({ "LoadBalancerArn": front.balancer, "Subnets": rest }));
    assert_eq!(front.health(), pair("unused", "Target.NotInUse"), "zone not enabled");
}

#[test]
fn targets_lie_in_the_vpc_or_in_all_zones() {
    let mut front = Front::new();
    let mut register = |id: &str, zone: Option<&str>| {
        let target = json!({ "Id": id, "AvailabilityZone": zone });
        let params = json!({ "TargetGroupArn": front.group, "Targets": [target] });
        front.bench.call(&SERVICE, "RegisterTargets", params).map_err(|error| error.code)
    };
    let invalid = Err("InvalidTarget".to_owned());
    assert_eq!(register("192.168.1.1", None), invalid);
    assert_eq!(register("10.0.99.1", None), invalid, "in no subnet");
    assert_eq!(register("10.0.0.7", Some("us-west-2b")), invalid);
    assert_eq!(register("52.1.2.3", Some("all")), invalid);
    assert!(register("192.168.1.1", Some("all")).is_ok());
    assert!(register("100.64.1.1", Some("all")).is_ok());
    assert!(register("10.0.0.7", None).is_ok());
}

#[test]
fn listeners_are_unique_and_bind_a_group_to_one_load_balancer() {
    let mut front = Front::new();
    let listener = front.listen();
    assert_eq!(front.listen(), listener, "same settings, same listener");
    let mut params = group(&front.bench);
    params["Name"] = json!("others");
    let others = front.ok("CreateTargetGroup", params)["TargetGroups"][0]["TargetGroupArn"].clone();
    let mut params = front.listener();
    params["DefaultActions"][0]["TargetGroupArn"] = others.clone();
    assert_eq!(front.code("CreateListener", params.clone()), "DuplicateListener");
    let modified = json!({ "ListenerArn": listener, "DefaultActions": params["DefaultActions"] });
    assert_eq!(front.ok("ModifyListener", modified)["Listeners"][0]["DefaultActions"][0]["TargetGroupArn"], others);
    let mut second = balancer(&front.bench);
    second["Name"] = json!("second");
    params["LoadBalancerArn"] = front.ok("CreateLoadBalancer", second)["LoadBalancers"][0]["LoadBalancerArn"].clone();
    assert_eq!(front.code("CreateListener", params), "TargetGroupAssociationLimit");
    let of_balancer = json!({ "LoadBalancerArn": front.balancer });
    assert_eq!(front.ok("DescribeTargetGroups", of_balancer)["TargetGroups"][0]["TargetGroupArn"], others);
    assert_eq!(front.code("DescribeListeners", json!({})), "ValidationError");
}

#[test]
fn tags_are_read_twenty_resources_at_a_time() {
    let mut front = Front::new();
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    let arns = json!([front.balancer, front.group]);
    front.ok("AddTags", json!({ "ResourceArns": arns, "Tags": [tag("a"), tag("b")] }));
    front.ok("RemoveTags", json!({ "ResourceArns": [front.group], "TagKeys": ["a"] }));
    let reply = front.ok("DescribeTags", json!({ "ResourceArns": arns }));
    assert_eq!(reply["TagDescriptions"][0]["Tags"], json!([tag("a"), tag("b")]));
    assert_eq!(reply["TagDescriptions"][1]["Tags"], json!([tag("b")]));
    let twice = json!({ "ResourceArns": arns, "Tags": [tag("c"), tag("c")] });
    assert_eq!(front.code("AddTags", twice), "DuplicateTagKeys");
    let many = json!({ "ResourceArns": vec![&front.balancer; 21] });
    assert_eq!(front.code("DescribeTags", many), "ValidationError");
    let gone = json!({ "ResourceArns": [format!("{}0", front.group)] });
    assert_eq!(front.code("DescribeTags", gone), "TargetGroupNotFound");
}
