//! A small estate for the unit tests of this service and of the load balancers, driven by their operations alone.
//!
//! Called by tests only. Must never reach into the world where an operation can do it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{AwsError, Reply, Request, Service, World, ec2, iam, kms};
use super::SERVICE;

/// A world with a VPC of three zones, two security groups, a role and a key.
pub(in crate::sandbox) struct Bench {
    pub world: World,
    pub now: Timestamp,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub balancer_group: String,
    pub warehouse_group: String,
    pub role: String,
    pub key: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let mut bench = Self {
            world: World::default(),
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
            vpc: String::new(),
            subnets: Vec::new(),
            balancer_group: String::new(),
            warehouse_group: String::new(),
            role: String::new(),
            key: String::new(),
        };
        bench.vpc = bench.id(&ec2::SERVICE, "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" }), "/vpc/vpcId");
        for (at, zone) in ["us-west-2a", "us-west-2b", "us-west-2c"].iter().enumerate() {
            let subnet = bench.subnet(&format!("10.0.{at}.0/24"), zone);
            bench.subnets.push(subnet);
        }
        bench.balancer_group = bench.group("nlb");
        bench.warehouse_group = bench.group("warehouse");
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "Service": "redshift-serverless.amazonaws.com" } }] });
        let role = json!({ "RoleName": "loader", "AssumeRolePolicyDocument": trust.to_string() });
        bench.role = bench.id(&iam::SERVICE, "CreateRole", role, "/Role/Arn");
        bench.key = bench.id(&kms::SERVICE, "CreateKey", json!({}), "/KeyMetadata/Arn");
        bench
    }

    pub(crate) fn subnet(&mut self, cidr: &str, zone: &str) -> String {
        let params = json!({ "VpcId": self.vpc, "CidrBlock": cidr, "AvailabilityZone": zone });
        self.id(&ec2::SERVICE, "CreateSubnet", params, "/subnet/subnetId")
    }

    pub(crate) fn group(&mut self, name: &str) -> String {
        let params = json!({ "VpcId": self.vpc, "GroupName": name, "GroupDescription": name });
        self.id(&ec2::SERVICE, "CreateSecurityGroup", params, "/groupId")
    }

    /// Lets the load balancer's group in at the warehouse's on the usual port.
    pub(crate) fn open_warehouse(&mut self) {
        let permission = json!([{ "IpProtocol": "tcp", "FromPort": "5439", "ToPort": "5439",
            "Groups": [{ "GroupId": self.balancer_group }] }]);
        let params = json!({ "GroupId": self.warehouse_group, "IpPermissions": permission });
        self.ok(&ec2::SERVICE, "AuthorizeSecurityGroupIngress", params);
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// Lets the services do what they do by themselves until now.
    pub(crate) fn caught_up(&mut self) {
        self.world.catch_up(self.now);
    }

    /// Runs an operation; an error must leave the world as it was.
    pub(crate) fn call(&mut self, service: &Service, operation: &str, params: Reply) -> Result<Reply, AwsError> {
        let request = Request {
            service: service.scope,
            operation: operation.to_owned(),
            params,
            account: self.world.account.clone(),
            region: self.world.region.clone(),
            protocol: service.protocol,
        };
        let before = self.world.clone();
        let found = service.operation(operation).unwrap();
        let result = crate::sandbox::quota::perform(found, &mut self.world, &request, self.now);
        if result.is_err() || !found.mutating {
            assert!(self.world == before, "{operation} changed the world: {result:?}");
        }
        result
    }

    pub(crate) fn ok(&mut self, service: &Service, operation: &str, params: Reply) -> Reply {
        self.call(service, operation, params).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    pub(crate) fn id(&mut self, service: &Service, operation: &str, params: Reply, pointer: &str) -> String {
        let reply = self.ok(service, operation, params);
        reply.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {reply}")).to_owned()
    }

    pub(crate) fn serverless(&mut self, operation: &str, params: Reply) -> Reply {
        self.ok(&SERVICE, operation, params)
    }

    /// Code and message of a refusal.
    pub(crate) fn refused(&mut self, operation: &str, params: Reply) -> (String, String) {
        let error = self.call(&SERVICE, operation, params).expect_err(operation);
        (error.code, error.message)
    }

    pub(crate) fn namespace(&mut self) -> Reply {
        self.serverless("GetNamespace", json!({ "namespaceName": "reader" }))["namespace"].clone()
    }

    pub(crate) fn workgroup(&mut self) -> Reply {
        self.serverless("GetWorkgroup", json!({ "workgroupName": "reader" }))["workgroup"].clone()
    }

    /// A new workgroup `reader` in a new namespace `reader`, with more members over it.
    pub(crate) fn workgroup_params(&self, more: Reply) -> Reply {
        let mut params = json!({ "workgroupName": "reader", "namespaceName": "reader", "baseCapacity": 8,
            "subnetIds": self.subnets, "securityGroupIds": [self.warehouse_group] });
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        params
    }

    /// Makes both and waits until they have settled; answers the addresses.
    pub(crate) fn reader(&mut self) -> Vec<String> {
        self.serverless("CreateNamespace", json!({ "namespaceName": "reader" }));
        self.pass(5);
        let params = self.workgroup_params(json!({}));
        self.serverless("CreateWorkgroup", params);
        self.pass(330);
        let interfaces = self.workgroup()["endpoint"]["vpcEndpoints"][0]["networkInterfaces"].clone();
        let address = |interface: &Reply| interface["privateIpAddress"].as_str().unwrap().to_owned();
        interfaces.as_array().unwrap().iter().map(address).collect()
    }
}
