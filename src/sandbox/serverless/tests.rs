//! The rules of Redshift Serverless, each driven through its operations.

use serde_json::json;

use super::super::{ec2, iam, kms, secrets};
use super::bench::Bench;

const VALIDATION: &str = "ValidationException";
const CONFLICT: &str = "ConflictException";

fn name(extra: serde_json::Value) -> serde_json::Value {
    let mut params = json!({ "namespaceName": "reader" });
    for (key, value) in extra.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

fn update(extra: serde_json::Value) -> serde_json::Value {
    let mut params = json!({ "workgroupName": "reader" });
    for (key, value) in extra.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

#[test]
fn a_namespace_lives_through_its_states() {
    let mut bench = Bench::new();
    let params = name(json!({ "dbName": "analytics", "manageAdminPassword": true, "iamRoles": [bench.role],
        "defaultIamRoleArn": bench.role, "kmsKeyId": bench.key, "logExports": ["userlog"],
        "tags": [{ "key": "team", "value": "bi" }] }));
    let made = bench.serverless("CreateNamespace", params.clone())["namespace"].clone();
    assert_eq!(made["status"], "MODIFYING");
    assert!(made["iamRoles"][0].as_str().unwrap().contains("applyStatus=adding"));
    assert_eq!(bench.refused("CreateNamespace", params).0, CONFLICT);
    assert_eq!(bench.refused("DeleteNamespace", name(json!({}))).0, CONFLICT);
    bench.pass(5);
    let namespace = bench.namespace();
    assert_eq!(namespace["status"], "AVAILABLE");
    assert_eq!(namespace["iamRoles"][0], format!("IamRole(applyStatus=in-sync, iamRoleArn={})", bench.role));
    assert_eq!(namespace["kmsKeyId"], bench.key);
    assert!(namespace["dbName"].is_null() && namespace.get("tags").is_none());
    assert!(namespace["namespaceArn"].as_str().unwrap().ends_with(namespace["namespaceId"].as_str().unwrap()));
    let secret = namespace["adminPasswordSecretArn"].as_str().unwrap().to_owned();
    assert!(secret.contains(":secret:redshift!reader-admin-"));
    let tags = json!({ "resourceArn": namespace["namespaceArn"] });
    assert_eq!(
        bench.serverless("ListTagsForResource", tags.clone())["tags"],
        json!([{ "key": "team", "value": "bi" }])
    );

    bench
        .serverless("DeleteNamespace", name(json!({ "finalSnapshotName": "last", "finalSnapshotRetentionPeriod": 7 })));
    assert_eq!(bench.namespace()["status"], "DELETING");
    assert!(bench.call(&secrets::SERVICE, "DescribeSecret", json!({ "SecretId": secret })).is_err());
    bench.pass(60);
    assert_eq!(bench.refused("GetNamespace", name(json!({}))).0, "ResourceNotFoundException");
    assert_eq!(bench.refused("ListTagsForResource", tags).0, "ResourceNotFoundException");
    let shown =
        |bench: &mut Bench| bench.serverless("GetSnapshot", json!({ "snapshotName": "last" }))["snapshot"].clone();
    assert_eq!(shown(&mut bench)["status"], "CREATING", "it outlasts its namespace");
    bench.pass(30);
    let snapshot = shown(&mut bench);
    assert_eq!((&snapshot["status"], &snapshot["snapshotRemainingDays"]), (&json!("AVAILABLE"), &json!(6)));
    assert!(!bench.world.serverless.is_empty());
    bench.serverless("DeleteSnapshot", json!({ "snapshotName": "last" }));
    assert!(bench.world.serverless.is_empty() && bench.world.serverless.tags.is_empty());
}

#[test]
fn a_namespace_refuses_what_aws_refuses() {
    let mut bench = Bench::new();
    for (extra, why) in [
        (json!({ "namespaceName": "Ab" }), "name"),
        (json!({ "iamRoles": ["arn:aws:iam::123456789012:role/nobody"] }), "unknown role"),
        (json!({ "defaultIamRoleArn": bench.role }), "default role not listed"),
        (json!({ "kmsKeyId": "alias/nothing" }), "unknown key"),
        (json!({ "manageAdminPassword": true, "adminUserPassword": "Secret123" }), "both passwords"),
        (json!({ "adminUsername": "boss" }), "name without password"),
        (json!({ "adminPasswordSecretKmsKeyId": bench.key }), "secret key without secret"),
        (json!({ "logExports": ["slowlog"] }), "unknown log"),
        (json!({ "tags": [{ "key": "aws:x", "value": "" }] }), "reserved tag"),
    ] {
        assert_eq!(bench.refused("CreateNamespace", name(extra)).0, VALIDATION, "{why}");
    }
    let key = bench.key.clone();
    bench.ok(&kms::SERVICE, "ScheduleKeyDeletion", json!({ "KeyId": key }));
    assert_eq!(bench.refused("CreateNamespace", name(json!({ "kmsKeyId": key }))).0, VALIDATION);
}

#[test]
fn update_namespace_takes_one_group_and_never_nothing() {
    let mut bench = Bench::new();
    bench.reader();
    let role = bench.role.clone();
    let one = |params| ("UpdateNamespace", name(params));
    let step = |bench: &mut Bench, params| {
        let (operation, params) = one(params);
        let reply = bench.serverless(operation, params.clone());
        assert_eq!(reply["namespace"]["status"], "MODIFYING");
        assert_eq!(bench.refused(operation, params.clone()).0, CONFLICT);
        bench.pass(10);
        reply["namespace"].clone()
    };
    assert_eq!(bench.refused("UpdateNamespace", name(json!({}))).0, VALIDATION);
    let both = name(json!({ "iamRoles": [role], "logExports": ["userlog"] }));
    assert_eq!(bench.refused("UpdateNamespace", both).0, VALIDATION);
    step(&mut bench, json!({ "iamRoles": [role], "defaultIamRoleArn": role }));
    for unchanged in [
        json!({ "iamRoles": [role] }),
        json!({ "iamRoles": [] }),
        json!({ "logExports": [] }),
        json!({ "kmsKeyId": "AWS_OWNED_KMS_KEY" }),
        json!({ "manageAdminPassword": false }),
    ] {
        assert_eq!(bench.refused("UpdateNamespace", name(unchanged.clone())).0, VALIDATION, "{unchanged}");
    }
    let cleared = step(&mut bench, json!({ "defaultIamRoleArn": "" }));
    assert!(cleared["defaultIamRoleArn"].is_null());
    let key = bench.key.clone();
    assert_eq!(step(&mut bench, json!({ "kmsKeyId": key }))["kmsKeyId"], key);
    assert_eq!(bench.refused("UpdateNamespace", name(json!({ "kmsKeyId": "AWS_OWNED_KMS_KEY" }))).0, VALIDATION);
    let managed = step(&mut bench, json!({ "manageAdminPassword": true }));
    assert_eq!(bench.refused("UpdateNamespace", name(json!({ "manageAdminPassword": true }))).0, VALIDATION);
    let renamed = step(&mut bench, json!({ "manageAdminPassword": true, "adminUsername": "boss" }));
    assert_ne!(managed["adminPasswordSecretArn"], renamed["adminPasswordSecretArn"]);
    let given = step(&mut bench, json!({ "adminUsername": "boss", "adminUserPassword": "Secret123" }));
    assert!(given["adminPasswordSecretArn"].is_null() && bench.world.secrets.is_empty());
    assert!(!serde_json::to_string(&bench.world).unwrap().contains("Secret123"));
}

#[test]
fn a_workgroup_comes_in_phases() {
    let mut bench = Bench::new();
    bench.serverless("CreateNamespace", name(json!({ "dbName": "analytics" })));
    let params = bench.workgroup_params(json!({}));
    assert_eq!(bench.refused("CreateWorkgroup", params.clone()).0, CONFLICT, "namespace still MODIFYING");
    bench.pass(5);
    bench.serverless("CreateWorkgroup", params.clone());
    assert_eq!(bench.refused("CreateWorkgroup", params).0, CONFLICT, "duplicate");
    let second = bench.workgroup_params(json!({ "workgroupName": "other" }));
    assert_eq!(bench.refused("CreateWorkgroup", second).0, CONFLICT, "one workgroup per namespace");
    let see = |bench: &mut Bench| {
        let (group, space) = (bench.workgroup(), bench.namespace());
        let shown = group["endpoint"]["vpcEndpoints"][0]["networkInterfaces"].as_array().map_or(0, Vec::len);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        (text(&group["status"]), text(&space["status"]), text(&space["dbName"]), shown)
    };
    let row = |a: &str, b: &str, c: &str, shown| (a.to_owned(), b.to_owned(), c.to_owned(), shown);
    assert_eq!(see(&mut bench), row("CREATING", "MODIFYING", "-", 0));
    bench.pass(300);
    assert_eq!(see(&mut bench), row("AVAILABLE", "MODIFYING", "analytics", 0));
    let (code, message) = bench.refused("DeleteWorkgroup", update(json!({})));
    assert_eq!(code, CONFLICT);
    assert_eq!(message, "There is an operation running on the workgroup. Try deleting the workgroup again later.");
    bench.pass(15);
    assert_eq!(see(&mut bench), row("MODIFYING", "MODIFYING", "analytics", 3));
    bench.pass(15);
    assert_eq!(see(&mut bench), row("AVAILABLE", "AVAILABLE", "analytics", 3));
    let group = bench.workgroup();
    assert_eq!(group["endpoint"]["address"], "reader.123456789012.us-west-2.redshift-serverless.amazonaws.com");
    assert!(group["maxCapacity"].is_null() && group.get("tags").is_none());

    assert_eq!(bench.refused("DeleteNamespace", name(json!({}))).0, CONFLICT);
    bench.serverless("DeleteWorkgroup", update(json!({})));
    assert_eq!(see(&mut bench).0, "DELETING");
    bench.pass(120);
    assert_eq!(bench.refused("GetWorkgroup", update(json!({}))).0, "ResourceNotFoundException");
    assert_eq!(bench.namespace()["status"], "AVAILABLE");
    let group_id = json!({ "GroupId": bench.warehouse_group });
    let delete_group = |bench: &mut Bench| bench.call(&ec2::SERVICE, "DeleteSecurityGroup", group_id.clone());
    assert_eq!(delete_group(&mut bench).unwrap_err().code, "DependencyViolation", "interfaces linger");
    bench.pass(180);
    assert!(delete_group(&mut bench).is_ok());
}

#[test]
fn a_workgroup_refuses_what_aws_refuses() {
    let mut bench = Bench::new();
    bench.serverless("CreateNamespace", name(json!({})));
    bench.pass(5);
    let tiny = bench.subnet("10.0.9.0/28", "us-west-2d");
    let [first, second, third] = [0, 1, 2].map(|at| bench.subnets[at].clone());
    let twin = bench.subnet("10.0.10.0/24", "us-west-2a");
    let other_vpc = bench.id(&ec2::SERVICE, "CreateVpc", json!({ "CidrBlock": "10.9.0.0/16" }), "/vpc/vpcId");
    let foreign = json!({ "VpcId": other_vpc, "GroupName": "x", "GroupDescription": "x" });
    let foreign = bench.id(&ec2::SERVICE, "CreateSecurityGroup", foreign, "/groupId");
    let ssl = |value: &str| json!([{ "parameterKey": "require_ssl", "parameterValue": value }]);
    for (extra, why) in [
        (json!({ "baseCapacity": 33 }), "steps"),
        (json!({ "maxCapacity": 4, "baseCapacity": 8 }), "max below base"),
        (json!({ "pricePerformanceTarget": { "status": "ENABLED" } }), "base and target"),
        (json!({ "configParameters": ssl("false") }), "require_ssl off at create"),
        (json!({ "port": 5000 }), "port"),
        (json!({ "subnetIds": [first] }), "one zone"),
        (json!({ "subnetIds": [first, twin] }), "two subnets of one zone"),
        (json!({ "subnetIds": [first, second], "enhancedVpcRouting": true }), "routing needs three zones"),
        (
            json!({ "subnetIds": [first, second, third, tiny], "enhancedVpcRouting": true, "baseCapacity": 64 }),
            "free IPs",
        ),
        (json!({ "subnetIds": [first, second, "subnet-0"] }), "unknown subnet"),
        (json!({ "publiclyAccessible": true }), "no gateway"),
        (json!({ "trackName": "nightly" }), "track"),
    ] {
        let params = bench.workgroup_params(extra);
        assert_eq!(bench.refused("CreateWorkgroup", params).0, VALIDATION, "{why}");
    }
    let params = bench.workgroup_params(json!({ "securityGroupIds": [foreign] }));
    let text = format!("VPC Security group {foreign} does not exist in VPC {}", bench.vpc);
    assert_eq!(bench.refused("CreateWorkgroup", params), (VALIDATION.to_owned(), text));
    let params = bench.workgroup_params(json!({ "ipAddressType": "dualstack" }));
    assert_eq!(bench.refused("CreateWorkgroup", params).0, "Ipv6CidrBlockNotFoundException");
    let params = bench.workgroup_params(json!({ "namespaceName": "nowhere" }));
    assert_eq!(bench.refused("CreateWorkgroup", params).0, "ResourceNotFoundException");
    let params = bench.workgroup_params(json!({ "subnetIds": [first, second], "configParameters": ssl("true") }));
    bench.serverless("CreateWorkgroup", params);
}

#[test]
fn update_workgroup_takes_one_parameter_and_never_nothing() {
    let mut bench = Bench::new();
    let addresses = bench.reader();
    assert_eq!(addresses.len(), 3);
    let two = update(json!({ "port": 5440, "enhancedVpcRouting": true }));
    let (code, message) = bench.refused("UpdateWorkgroup", two);
    assert_eq!(code, VALIDATION);
    assert!(message.contains("multiple configurations"));
    let early = bench.refused("UpdateWorkgroup", update(json!({ "maxCapacity": 64 }))).1;
    assert_eq!(
        early,
        "Failed to update the RPU capacity for Serverless workgroup. Wait until at least one snapshot exists and retry."
    );
    bench.pass(300);
    let step = |bench: &mut Bench, params: serde_json::Value| {
        let params = update(params);
        let reply = bench.serverless("UpdateWorkgroup", params.clone())["workgroup"].clone();
        assert_eq!((&reply["status"], &bench.namespace()["status"]), (&json!("MODIFYING"), &json!("MODIFYING")));
        assert_eq!(bench.refused("UpdateWorkgroup", params.clone()).0, CONFLICT);
        bench.pass(60);
        assert_eq!(bench.refused("UpdateWorkgroup", params).0, VALIDATION, "no-op");
        reply
    };
    assert_eq!(step(&mut bench, json!({ "maxCapacity": 64 }))["maxCapacity"], 64);
    assert_eq!(bench.refused("UpdateWorkgroup", update(json!({ "baseCapacity": 128 }))).0, VALIDATION);
    step(&mut bench, json!({ "baseCapacity": 32 }));
    assert!(step(&mut bench, json!({ "maxCapacity": -1 }))["maxCapacity"].is_null());
    step(&mut bench, json!({ "port": 8200 }));
    step(&mut bench, json!({ "enhancedVpcRouting": true }));
    let off = json!([{ "parameterKey": "require_ssl", "parameterValue": "false" }]);
    let reply = step(&mut bench, json!({ "configParameters": off }));
    assert!(reply["configParameters"].as_array().unwrap().contains(&off[0]));
    assert!(reply["configParameters"].as_array().unwrap().len() >= 7, "defaults stay");
    let group = bench.balancer_group.clone();
    step(&mut bench, json!({ "securityGroupIds": [group] }));
    let fourth = bench.subnet("10.0.3.0/24", "us-west-2d");
    let subnets = json!([bench.subnets[1], bench.subnets[2], fourth]);
    let moved = step(&mut bench, json!({ "subnetIds": subnets }));
    let placed = moved["endpoint"]["vpcEndpoints"][0]["networkInterfaces"].as_array().unwrap().clone();
    let shown: Vec<_> = placed.iter().map(|interface| interface["subnetId"].clone()).collect();
    assert_eq!(json!(shown), subnets);
}

#[test]
fn no_capacity_is_given_while_there_is_none() {
    const NONE: &str = "InsufficientCapacityException";
    let mut bench = Bench::new();
    let exhausted = |bench: &mut Bench| {
        bench.world.serverless.exhausted_until = Some(bench.now + jiff::SignedDuration::from_secs(60));
    };
    bench.serverless("CreateNamespace", name(json!({})));
    bench.pass(5);
    exhausted(&mut bench);
    let params = bench.workgroup_params(json!({}));
    assert_eq!(bench.refused("CreateWorkgroup", params.clone()).0, NONE);
    bench.pass(60);
    bench.serverless("CreateWorkgroup", params);
    bench.pass(600);
    exhausted(&mut bench);
    assert_eq!(bench.refused("UpdateWorkgroup", update(json!({ "baseCapacity": 16 }))).0, NONE);
    bench.serverless("UpdateWorkgroup", update(json!({ "port": 5440 })));
    bench.pass(60);
    bench.serverless("UpdateWorkgroup", update(json!({ "baseCapacity": 16 })));
}

#[test]
fn a_role_made_a_moment_ago_is_not_known_yet() {
    let mut bench = Bench::new();
    bench.world.iam.propagation = 20;
    let params = name(json!({ "iamRoles": [bench.role] }));
    let (code, message) = bench.refused("CreateNamespace", params.clone());
    assert!(code == VALIDATION && message.contains("not authorized to assume"), "{code}: {message}");
    bench.pass(20);
    bench.serverless("CreateNamespace", params);
}

#[test]
fn public_access_holds_the_gateway() {
    let mut bench = Bench::new();
    bench.serverless("CreateNamespace", name(json!({})));
    let gateway = bench.id(&ec2::SERVICE, "CreateInternetGateway", json!({}), "/internetGateway/internetGatewayId");
    let attach = json!({ "InternetGatewayId": gateway, "VpcId": bench.vpc });
    bench.ok(&ec2::SERVICE, "AttachInternetGateway", attach.clone());
    bench.pass(5);
    let params = bench.workgroup_params(json!({ "publiclyAccessible": true }));
    assert_eq!(bench.refused("CreateWorkgroup", params.clone()).0, VALIDATION, "no public route");
    let table = bench.id(&ec2::SERVICE, "CreateRouteTable", json!({ "VpcId": bench.vpc }), "/routeTable/routeTableId");
    let route = json!({ "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway });
    bench.ok(&ec2::SERVICE, "CreateRoute", route);
    for subnet in bench.subnets.clone() {
        bench.ok(&ec2::SERVICE, "AssociateRouteTable", json!({ "RouteTableId": table, "SubnetId": subnet }));
    }
    bench.serverless("CreateWorkgroup", params);
    bench.pass(330);
    let detach = |bench: &mut Bench| bench.call(&ec2::SERVICE, "DetachInternetGateway", attach.clone());
    assert_eq!(detach(&mut bench).unwrap_err().code, "DependencyViolation");
    bench.serverless("UpdateWorkgroup", update(json!({ "publiclyAccessible": false })));
    assert!(detach(&mut bench).is_ok());
}

#[test]
fn lists_come_in_pages_and_tags_have_limits() {
    let mut bench = Bench::new();
    for at in 0..3 {
        bench.serverless("CreateNamespace", json!({ "namespaceName": format!("space-{at}") }));
    }
    let first = bench.serverless("ListNamespaces", json!({ "maxResults": 2 }));
    assert_eq!(first["namespaces"].as_array().unwrap().len(), 2);
    let rest = bench.serverless("ListNamespaces", json!({ "maxResults": 2, "nextToken": first["nextToken"] }));
    assert_eq!(rest["namespaces"].as_array().unwrap().len(), 1);
    assert!(rest["nextToken"].is_null());
    assert_eq!(bench.refused("ListNamespaces", json!({ "maxResults": 101 })).0, VALIDATION);
    let arn = first["namespaces"][0]["namespaceArn"].clone();
    let tags = |count: usize| -> Vec<serde_json::Value> {
        (0..count).map(|at| json!({ "key": format!("k{at}"), "value": "" })).collect()
    };
    bench.serverless("TagResource", json!({ "resourceArn": arn, "tags": tags(200) }));
    let more = json!({ "resourceArn": arn, "tags": [{ "key": "one", "value": "more" }] });
    assert_eq!(bench.refused("TagResource", more).0, "TooManyTagsException");
    bench.serverless("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["k0"] }));
    let left = bench.serverless("ListTagsForResource", json!({ "resourceArn": arn }));
    assert_eq!(left["tags"].as_array().unwrap().len(), 199);
}

#[test]
fn a_role_may_vanish_behind_a_namespace_but_not_be_attached_anew() {
    let mut bench = Bench::new();
    bench.serverless("CreateNamespace", name(json!({})));
    bench.pass(5);
    bench.ok(&iam::SERVICE, "DeleteRole", json!({ "RoleName": "loader" }));
    let params = name(json!({ "iamRoles": [bench.role] }));
    assert_eq!(bench.refused("UpdateNamespace", params).0, VALIDATION);
}
