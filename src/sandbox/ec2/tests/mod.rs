//! Drives the operations of the service the way the core does, by name and with declared parameters only.

mod groups;
mod interfaces;
mod network;
mod shared;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{AwsError, Protocol, Reply, Request, SERVICE, World};

/// A world with a clock of its own.
struct Lab {
    world: World,
    now: Timestamp,
}

impl Lab {
    fn new() -> Self {
        Self { world: World::default(), now: "2026-11-22T00:00:00Z".parse().unwrap() }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn call(&mut self, operation: &str, params: Value) -> Result<Reply, AwsError> {
        let found = SERVICE.operation(operation).unwrap();
        let mut paths = Vec::new();
        collect("", &params, &mut paths);
        for path in paths {
            assert!(found.params.contains(&path.as_str()), "{operation} does not declare {path}");
        }
        let request = Request {
            service: "ec2",
            operation: operation.to_owned(),
            params,
            account: self.world.account.clone(),
            region: self.world.region.clone(),
            protocol: Protocol::Ec2,
        };
        let before = self.world.clone();
        let answer = (found.run)(&mut self.world, &request, self.now);
        if answer.is_err() || !found.mutating {
            assert!(before == self.world, "{operation} changed the world");
        }
        answer
    }

    #[track_caller]
    fn ok(&mut self, operation: &str, params: Value) -> Reply {
        match self.call(operation, params) {
            Ok(reply) => reply,
            Err(error) => panic!("{operation}: {} {}", error.code, error.message),
        }
    }

    #[track_caller]
    fn refused(&mut self, operation: &str, params: Value) -> String {
        self.call(operation, params).unwrap_err().code
    }

    /// The ids (member `id`) a describe call answers under `set`.
    #[track_caller]
    fn ids(&mut self, operation: &str, set: &str, id: &str, params: Value) -> Vec<String> {
        let reply = self.ok(operation, params);
        let items = reply[set].as_array().unwrap();
        items.iter().map(|item| text(&item[id])).collect()
    }

    fn vpc(&mut self, cidr: &str) -> String {
        let reply = self.ok("CreateVpc", json!({ "CidrBlock": cidr }));
        text(&reply["vpc"]["vpcId"])
    }

    fn subnet(&mut self, vpc: &str, cidr: &str) -> String {
        let params = json!({ "VpcId": vpc, "CidrBlock": cidr });
        let reply = self.ok("CreateSubnet", params);
        text(&reply["subnet"]["subnetId"])
    }

    fn table(&mut self, vpc: &str) -> String {
        let reply = self.ok("CreateRouteTable", json!({ "VpcId": vpc }));
        text(&reply["routeTable"]["routeTableId"])
    }

    fn gateway(&mut self, vpc: &str) -> String {
        let reply = self.ok("CreateInternetGateway", json!({}));
        let id = text(&reply["internetGateway"]["internetGatewayId"]);
        let params = json!({ "InternetGatewayId": id, "VpcId": vpc });
        self.ok("AttachInternetGateway", params);
        id
    }

    fn group(&mut self, vpc: &str, name: &str) -> String {
        let params = json!({ "VpcId": vpc, "GroupName": name, "GroupDescription": "d" });
        text(&self.ok("CreateSecurityGroup", params)["groupId"])
    }

    /// Lets TCP 5439 in from a peer, given as one permission's list of peers; answers the rule ids.
    fn let_in(&mut self, group: &str, peers: (&str, Value)) -> Vec<String> {
        let params = json!({ "GroupId": group, "IpPermissions": [permission(peers)] });
        let reply = self.ok("AuthorizeSecurityGroupIngress", params);
        let rules = reply["securityGroupRuleSet"].as_array().unwrap();
        rules.iter().map(|rule| text(&rule["securityGroupRuleId"])).collect()
    }
}

fn permission((list, peers): (&str, Value)) -> Value {
    let mut permission = json!({ "IpProtocol": "tcp", "FromPort": "5439", "ToPort": "5439" });
    permission[list] = peers;
    permission
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn filter(name: &str, values: &[&str]) -> Value {
    json!({ "Filter": [{ "Name": name, "Value": values }] })
}

fn collect(prefix: &str, value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                collect(&path, member, paths);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(prefix, item, paths)),
        _ => paths.push(prefix.to_owned()),
    }
}
