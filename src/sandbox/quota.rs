//! Quotas of the account: one table of what there may be at most, the Service Quotas API over it, and the meter that
//! refuses the call that would go beyond.
//!
//! `perform` stands between the router and every operation that uses a quota up; `limit` answers the services that show
//! quotas themselves. Source: aws-facts.md 1.3, 5.10, 6.2, 7.5. `World::quotas` holds what differs from the defaults, by
//! `<service>/<code>`. Must never refuse a call that adds nothing.

use super::{AwsError, Operation, Protocol, Reply, Request, Service, World, page};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// How much is in use, by what it is counted for: the whole region (an empty text), one VPC, one security group.
type Used = BTreeMap<String, u64>;

/// One quota.
pub struct Quota {
    /// Service code of Service Quotas.
    pub service: &'static str,
    /// Quota code. Where no source tells AWS's own, a word that says what it counts; answers then carry a made-up code.
    pub code: &'static str,
    /// Name, as AWS shows it.
    pub name: &'static str,
    /// What an account has unless AWS raised it.
    pub default: u64,
    /// Whether AWS raises it on request.
    pub adjustable: bool,
    /// The calls that use it up, `<scope>:<operation>`.
    pub calls: &'static [&'static str],
    /// Wire code of the refusal.
    pub error: &'static str,
    /// Counts what is in use.
    used: fn(&World, Timestamp) -> Used,
}

const fn quota(service: &'static str, code: &'static str, name: &'static str, default: u64) -> Quota {
    Quota { service, code, name, default, adjustable: true, calls: &[], error: "", used: |_, _| Used::new() }
}

impl Quota {
    const fn by(mut self, calls: &'static [&'static str], error: &'static str) -> Self {
        (self.calls, self.error) = (calls, error);
        self
    }

    const fn counting(mut self, used: fn(&World, Timestamp) -> Used) -> Self {
        self.used = used;
        self
    }

    const fn fixed(mut self) -> Self {
        self.adjustable = false;
        self
    }

    /// `<service>/<code>`, by which `World::quotas` names it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.service, self.code)
    }

    /// What the account has.
    pub fn limit(&self, world: &World) -> u64 {
        world.quotas.get(&self.key()).copied().unwrap_or(self.default)
    }

    fn refusal(&self, limit: u64) -> AwsError {
        let message = format!("The maximum number has been reached: {} ({limit})", self.name);
        let status = if self.service == "iam" { 409 } else { 400 };
        AwsError::new(self.error, message).status(status)
    }

    // Service Quotas tells every quota by a code of this shape.
    fn shown_code(&self) -> String {
        if self.code.starts_with("L-") {
            return self.code.to_owned();
        }
        format!("L-{}", super::world::digest(&self.key())[..8].to_uppercase())
    }
}

const WORKGROUP: &[&str] = &["redshift-serverless:CreateWorkgroup"];
const CLUSTER_NODES: &[&str] = &["redshift:CreateCluster", "redshift:ResizeCluster", "redshift:ModifyCluster"];
const RULES: &[&str] = &["ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"];

/// Every quota there is here.
pub static QUOTAS: &[Quota] = &[
    quota("vpc", "L-F678F1CE", "VPCs per Region", 5)
        .by(&["ec2:CreateVpc"], "VpcLimitExceeded")
        .counting(|world, _| whole(world.ec2.vpcs.len())),
    quota("vpc", "L-407747CB", "Subnets per VPC", 200)
        .by(&["ec2:CreateSubnet"], "SubnetLimitExceeded")
        .counting(|world, _| each(world.ec2.subnets.values().map(|subnet| subnet.vpc.clone()))),
    quota("vpc", "L-A4707A72", "Internet gateways per Region", 5)
        .by(&["ec2:CreateInternetGateway"], "InternetGatewayLimitExceeded")
        .counting(|world, _| whole(world.ec2.gateways.len())),
    quota("vpc", "L-E79EC296", "VPC security groups per Region", 2500)
        .by(&["ec2:CreateSecurityGroup"], "SecurityGroupLimitExceeded")
        .counting(|world, _| whole(world.ec2.groups.len())),
    quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60)
        .by(RULES, "RulesPerSecurityGroupLimitExceeded")
        .counting(|world, _| each(world.ec2.rules.values().map(|rule| format!("{}/{}", rule.group, rule.egress)))),
    quota("vpc", "L-589F43AA", "Route tables per VPC", 200)
        .by(&["ec2:CreateRouteTable"], "RouteTableLimitExceeded")
        .counting(|world, _| each(world.ec2.tables.values().map(|table| table.vpc.clone()))),
    quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20)
        .by(&["ec2:CreateVpcEndpoint"], "VpcEndpointLimitExceeded")
        .counting(|world, now| whole(world.ec2.endpoints.values().filter(|endpoint| !endpoint.is_gone(now)).count())),
    // Every workgroup and every managed endpoint puts one into its VPC.
    quota("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50)
        .by(&["redshift-serverless:CreateWorkgroup", "redshift-serverless:CreateEndpointAccess"], "ValidationException")
        .counting(|world, now| each(super::serverless::vpcs_of_endpoints(world, now))),
    quota("redshift", "nodes", "Nodes", 200)
        .by(CLUSTER_NODES, "NumberOfNodesQuotaExceeded")
        .counting(|world, now| whole(super::redshift::nodes_in_use(world, now))),
    quota("redshift", "parameter-groups", "Parameter groups", 20)
        .fixed()
        .by(&["redshift:CreateClusterParameterGroup"], "ClusterParameterGroupQuotaExceeded")
        .counting(|world, _| whole(world.redshift.parameter_groups.len())),
    quota("redshift", "subnet-groups", "Subnet groups", 50)
        .by(&["redshift:CreateClusterSubnetGroup"], "ClusterSubnetGroupQuotaExceeded")
        .counting(|world, _| whole(world.redshift.subnet_groups.len())),
    quota("redshift", "snapshots", "User snapshots", 700)
        .by(&["redshift:CreateClusterSnapshot", "redshift:DeleteCluster"], "ClusterSnapshotQuotaExceeded")
        .counting(|world, now| whole(super::redshift::snapshots_in_use(world, now))),
    quota("redshift-serverless", "workgroups", "Workgroups", 25)
        .by(WORKGROUP, "ServiceQuotaExceededException")
        .counting(|world, now| whole(world.serverless.workgroups_at(now).count())),
    quota("redshift-serverless", "namespaces", "Namespaces", 25)
        .by(&["redshift-serverless:CreateNamespace"], "ServiceQuotaExceededException")
        .counting(|world, now| whole(world.serverless.namespaces_at(now).count())),
    quota("redshift-serverless", "base-rpus", "Base RPUs", 3200)
        .by(&["redshift-serverless:CreateWorkgroup", "redshift-serverless:UpdateWorkgroup"], "ValidationException")
        .counting(|world, now| {
            let base = world.serverless.workgroups_at(now).map(|workgroup| workgroup.base);
            Used::from([(String::new(), base.sum::<i64>().try_into().unwrap_or_default())])
        }),
    quota("elasticloadbalancing", "L-69A177A2", "Network Load Balancers per Region", 50)
        .by(&["elasticloadbalancing:CreateLoadBalancer"], "TooManyLoadBalancers")
        .counting(|world, _| whole(world.elb.balancers.len())),
    quota("elasticloadbalancing", "L-B22855CB", "Target Groups per Region", 3000)
        .by(&["elasticloadbalancing:CreateTargetGroup"], "TooManyTargetGroups")
        .counting(|world, _| whole(world.elb.groups.len())),
    quota("elasticloadbalancing", "L-57A373D6", "Listeners per Network Load Balancer", 50)
        .by(&["elasticloadbalancing:CreateListener"], "TooManyListeners")
        .counting(|world, _| each(world.elb.listeners.values().map(|listener| listener.balancer.clone()))),
    quota("iam", "L-FE177D64", "Roles per account", 1000)
        .by(&["iam:CreateRole"], "LimitExceeded")
        .counting(|world, _| whole(world.iam.roles.len())),
];

fn whole(count: usize) -> Used {
    Used::from([(String::new(), count as u64)])
}

fn each(of: impl Iterator<Item = String>) -> Used {
    let mut used = Used::new();
    of.for_each(|of| *used.entry(of).or_default() += 1);
    used
}

/// What the account has of one quota; zero for one that is not in the table.
pub(super) fn limit(world: &World, service: &str, code: &str) -> u64 {
    let found = QUOTAS.iter().find(|quota| quota.service == service && quota.code == code);
    found.map_or(0, |quota| quota.limit(world))
}

/// Runs an operation; one that would take more than the account may have is refused and changes nothing.
pub(super) fn perform(
    operation: &Operation,
    world: &mut World,
    req: &Request,
    now: Timestamp,
) -> Result<Reply, AwsError> {
    let is_it = |call: &&str| call.split_once(':') == Some((req.service, operation.name));
    let metered: Vec<&Quota> = QUOTAS.iter().filter(|quota| quota.calls.iter().any(is_it)).collect();
    if metered.is_empty() {
        return (operation.run)(world, req, now);
    }
    let before = world.clone();
    let reply = (operation.run)(world, req, now)?;
    for quota in metered {
        let (limit, had) = (quota.limit(world), (quota.used)(&before, now));
        let has = (quota.used)(world, now);
        let grown = |(of, count): (&String, &u64)| *count > limit && had.get(of).is_none_or(|had| count > had);
        if has.iter().any(grown) {
            *world = before;
            return Err(quota.refusal(limit));
        }
    }
    Ok(reply)
}

/// Service Quotas as the router knows it.
pub(super) static SERVICE: Service = Service {
    scope: "servicequotas",
    protocol: Protocol::Json11,
    version: "ServiceQuotasV20190624",
    lists: &[],
    operations: &[OPERATIONS],
};

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "ListServiceQuotas",
        mutating: false,
        params: &["ServiceCode", "MaxResults", "NextToken"],
        run: |world, req, _| listing(world, req, |quota, world| quota.limit(world)),
    },
    Operation {
        name: "ListAWSDefaultServiceQuotas",
        mutating: false,
        params: &["ServiceCode", "MaxResults", "NextToken"],
        run: |world, req, _| listing(world, req, |quota, _| quota.default),
    },
    Operation {
        name: "GetServiceQuota",
        mutating: false,
        params: &["ServiceCode", "QuotaCode"],
        run: get_service_quota,
    },
];

fn listing(world: &World, req: &Request, value: fn(&Quota, &World) -> u64) -> Result<Reply, AwsError> {
    let quotas = of_service(req)?.into_iter().map(|quota| shown(world, quota, value(quota, world))).collect();
    let (page, next) = page(quotas, req, "MaxResults", "NextToken", 100, 1..=100).map_err(illegal)?;
    Ok(json!({ "Quotas": page, "NextToken": next }))
}

fn of_service(req: &Request) -> Result<Vec<&'static Quota>, AwsError> {
    let service = req.text("ServiceCode").map_err(illegal)?;
    let found: Vec<&Quota> = QUOTAS.iter().filter(|quota| quota.service == service).collect();
    match found.is_empty() {
        true => Err(no_such("The request failed because the specified service does not exist.")),
        false => Ok(found),
    }
}

fn get_service_quota(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let code = req.text("QuotaCode").map_err(illegal)?;
    let found = of_service(req)?.into_iter().find(|quota| quota.shown_code() == code);
    let quota = found.ok_or_else(|| no_such("The request failed because the specified quota does not exist."))?;
    Ok(json!({ "Quota": shown(world, quota, quota.limit(world)) }))
}

fn shown(world: &World, quota: &Quota, value: u64) -> Reply {
    let code = quota.shown_code();
    json!({
        "ServiceCode": quota.service,
        "QuotaArn": world.arn("servicequotas", &format!("{}/{code}", quota.service)),
        "QuotaCode": code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": quota.service == "iam",
        "QuotaAppliedAtLevel": "ACCOUNT",
    })
}

fn no_such(message: &str) -> AwsError {
    AwsError::new("NoSuchResourceException", message)
}

// What other JSON services call a ValidationException.
fn illegal(error: AwsError) -> AwsError {
    AwsError { code: "IllegalArgumentException".to_owned(), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::SERVICES;

    fn asked(service: &'static Service, operation: &str, params: serde_json::Value) -> (&'static Operation, Request) {
        let request = Request {
            service: service.scope,
            operation: operation.to_owned(),
            params,
            account: "123456789012".to_owned(),
            region: "us-west-2".to_owned(),
            protocol: service.protocol,
        };
        (service.operation(operation).unwrap(), request)
    }

    fn call(world: &mut World, scope: &str, operation: &str, params: serde_json::Value) -> Result<Reply, AwsError> {
        let service = SERVICES.iter().find(|service| service.scope == scope).unwrap();
        let (operation, request) = asked(service, operation, params);
        perform(operation, world, &request, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_call_that_uses_a_quota_up_is_there() {
        for quota in QUOTAS {
            assert!(!quota.calls.is_empty() && !quota.error.is_empty(), "{}", quota.key());
            for name in quota.calls {
                let (scope, operation) = name.split_once(':').unwrap();
                let service = SERVICES.iter().find(|service| service.scope == scope).unwrap();
                assert!(service.operation(operation).is_some_and(|operation| operation.mutating), "{name}");
            }
        }
    }

    #[test]
    fn the_one_too_many_is_refused_and_leaves_nothing() {
        let mut world = World::default();
        let vpc = |n: u32| json!({ "CidrBlock": format!("10.{n}.0.0/16") });
        for n in 0..5 {
            call(&mut world, "ec2", "CreateVpc", vpc(n)).unwrap();
        }
        let before = world.clone();
        assert_eq!(call(&mut world, "ec2", "CreateVpc", vpc(5)).unwrap_err().code, "VpcLimitExceeded");
        assert_eq!(world, before);
        world.quotas.insert("vpc/L-F678F1CE".to_owned(), 6);
        call(&mut world, "ec2", "CreateVpc", vpc(5)).unwrap();
    }

    #[test]
    fn what_is_raised_is_shown() {
        let mut world = World::default();
        world.quotas.insert("redshift-serverless/workgroups".to_owned(), 40);
        let all = json!({ "ServiceCode": "redshift-serverless" });
        let listed = call(&mut world, "servicequotas", "ListServiceQuotas", all.clone()).unwrap();
        let quota = listed["Quotas"].as_array().unwrap().iter().find(|q| q["QuotaName"] == "Workgroups").unwrap();
        assert_eq!(quota["Value"], 40);
        let one = json!({ "ServiceCode": "redshift-serverless", "QuotaCode": quota["QuotaCode"] });
        let got = call(&mut world, "servicequotas", "GetServiceQuota", one).unwrap();
        assert_eq!(&got["Quota"], quota);
        let defaults = call(&mut world, "servicequotas", "ListAWSDefaultServiceQuotas", all).unwrap();
        assert_eq!(defaults["Quotas"][0]["Value"], 25);
        let unknown = json!({ "ServiceCode": "nothing" });
        let refused = call(&mut world, "servicequotas", "ListServiceQuotas", unknown).unwrap_err();
        assert_eq!(refused.code, "NoSuchResourceException");
    }
}
