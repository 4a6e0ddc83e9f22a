//! Does the account have room for what the plan makes? One table: what counts, what is there, what there may be
//! (aws-facts.md 1.3, 5.10, 6.2, 7.5; 12, rows 9 and 10).
//!
//! AWS keeps no quotas of some services where it could be asked for them: then its default counts, and going beyond is a
//! warning. What the plan takes away in the same run is taken off for errors, and not for warnings: it may come later.

use super::{Case, Check};
use crate::{
    address::Address,
    kind::Order,
    plan::Verb,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::Ask,
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static NETWORK: Check = Check {
    name: "network-quotas",
    title: "the account has room for the VPC, its gateway, subnets and endpoints",
    asks: |case| asks(case, NETWORKS),
    run: |case| [run(case, NETWORKS), subnets(case)].concat(),
};
pub(super) static ENDPOINTS: Check = Check {
    name: "endpoint-quotas",
    title: "the VPC has room for an endpoint of each workgroup",
    asks: endpoints_asks,
    run: endpoints,
};
pub(super) static RULES: Check =
    Check { name: "rule-quotas", title: "no security group has more rules than it may", asks: rules_asks, run: rules };
pub(super) static CLUSTERS: Check = Check {
    name: "cluster-quotas",
    title: "the account has room for the cluster's nodes and groups",
    asks: |case| asks(case, CLUSTER),
    run: |case| run(case, CLUSTER),
};
pub(super) static SERVERLESS: Check = Check {
    name: "serverless-quotas",
    title: "the account has room for the namespaces, the workgroups and their RPUs",
    asks: |case| asks(case, WAREHOUSES),
    run: |case| run(case, WAREHOUSES),
};
pub(super) static BALANCERS: Check = Check {
    name: "load-balancer-quotas",
    title: "the account has room for the load balancer, its listeners and its targets",
    asks: |case| asks(case, BALANCING),
    run: |case| [run(case, BALANCING), listeners(case), targets(case)].concat(),
};
pub(super) static ROLES: Check = Check {
    name: "role-quota",
    title: "the account has room for the roles",
    asks: roles_asks,
    run: |case| run(case, IAM),
};

/// One quota.
struct Row {
    /// What counts, in words: `{} workgroups`.
    what: &'static str,
    kind: &'static str,
    call: &'static str,
    /// What is there.
    there: Ask,
    /// Where the number is to be found: the question, and its names and codes there.
    limit: (Ask, &'static [&'static str]),
    default: u64,
    /// How much one of them takes.
    each: fn(&Deed<'_>) -> u64,
    /// How much one of those that are listed takes, by what is told of it.
    counts: fn(u64) -> u64,
    /// A field whose change takes more or less.
    grows: Option<&'static str>,
}

const fn one(_: u64) -> u64 {
    1
}

const NETWORKS: &[Row] = &[
    Row {
        what: "VPCs",
        kind: "ec2.vpc",
        call: "ec2:CreateVpc",
        there: Ask::Vpcs,
        limit: (Ask::Quotas("vpc"), &["L-F678F1CE"]),
        default: 5,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "internet gateways",
        kind: "ec2.internet-gateway",
        call: "ec2:CreateInternetGateway",
        there: Ask::InternetGateways,
        limit: (Ask::Quotas("vpc"), &["L-A4707A72"]),
        default: 5,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "gateway endpoints",
        kind: "ec2.vpc-endpoint",
        call: "ec2:CreateVpcEndpoint",
        there: Ask::VpcEndpoints,
        limit: (Ask::Quotas("vpc"), &["L-1B52E74A"]),
        default: 20,
        each: |_| 1,
        counts: |gateway| gateway,
        grows: None,
    },
];

const CLUSTER: &[Row] = &[
    Row {
        what: "cluster subnet groups",
        kind: "redshift.subnet-group",
        call: "redshift:CreateClusterSubnetGroup",
        there: Ask::SubnetGroups,
        limit: (Ask::Quotas("redshift"), &["subnet groups"]),
        default: 50,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "cluster parameter groups",
        kind: "redshift.parameter-group",
        call: "redshift:CreateClusterParameterGroup",
        there: Ask::ParameterGroups,
        limit: (Ask::Quotas("redshift"), &["parameter groups"]),
        default: 20,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "nodes of clusters",
        kind: "redshift.cluster",
        call: "redshift:CreateCluster",
        there: Ask::Clusters,
        limit: (Ask::Quotas("redshift"), &["nodes"]),
        default: 200,
        each: |deed| deed.number("node_count") * if deed.is_on("multi_az") { 2 } else { 1 },
        counts: |nodes| nodes,
        grows: Some("node_count"),
    },
];

const WAREHOUSES: &[Row] = &[
    Row {
        what: "namespaces",
        kind: "redshift-serverless.namespace",
        call: "redshift-serverless:CreateNamespace",
        there: Ask::Namespaces,
        limit: (Ask::Quotas("redshift-serverless"), &["namespaces", "number of namespaces"]),
        default: 25,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "workgroups",
        kind: "redshift-serverless.workgroup",
        call: "redshift-serverless:CreateWorkgroup",
        there: Ask::Workgroups,
        limit: (Ask::Quotas("redshift-serverless"), &["workgroups", "number of workgroups"]),
        default: 25,
        each: |_| 1,
        counts: one,
        grows: None,
    },
    Row {
        what: "base RPUs of all workgroups",
        kind: "redshift-serverless.workgroup",
        call: "redshift-serverless:CreateWorkgroup",
        there: Ask::Workgroups,
        limit: (Ask::Quotas("redshift-serverless"), &["base rpus", "rpus", "total base rpus"]),
        default: 3200,
        each: |deed| deed.number("base_capacity"),
        counts: |base| base,
        grows: Some("base_capacity"),
    },
];

const BALANCING: &[Row] = &[
    Row {
        what: "network load balancers",
        kind: "elasticloadbalancing.load-balancer",
        call: "elasticloadbalancing:CreateLoadBalancer",
        there: Ask::Balancers,
        limit: (Ask::BalancerLimits, &["network-load-balancers"]),
        default: 50,
        each: |_| 1,
        counts: |network| network,
        grows: None,
    },
    Row {
        what: "target groups",
        kind: "elasticloadbalancing.target-group",
        call: "elasticloadbalancing:CreateTargetGroup",
        there: Ask::TargetGroups,
        limit: (Ask::BalancerLimits, &["target-groups"]),
        default: 3000,
        each: |_| 1,
        counts: one,
        grows: None,
    },
];

const IAM: &[Row] = &[Row {
    what: "roles",
    kind: "iam.role",
    call: "iam:CreateRole",
    there: Ask::Roles,
    limit: (Ask::RoleQuota, &["roles"]),
    default: 1000,
    each: |_| 1,
    counts: |own| own,
    grows: None,
}];

impl Row {
    /// The deeds that take more of it, each with how much more.
    fn takers<'a>(&'a self, case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, u64)> {
        case.outline.deeds.iter().filter(|deed| deed.is(self.kind)).filter_map(|deed| match (deed.doing, self.grows) {
            (Doing::Create, _) => Some((deed, (self.each)(deed))),
            (Doing::Update, Some(field)) if deed.changes(field) => {
                let had = deed.recorded[field].as_u64().unwrap_or_default();
                let more = (self.each)(deed).saturating_sub(had);
                (more > 0).then_some((deed, more))
            }
            _ => None,
        })
    }

    /// What deletions give back: first, of those that are replaced; then, of the rest.
    fn given_back(&self, case: &Case<'_>) -> (u64, u64) {
        let size = |deed: &Deed<'_>| self.grows.map_or(1, |field| deed.recorded[field].as_u64().unwrap_or_default());
        let gone = || case.outline.these(Doing::Delete, self.kind);
        let first = gone().filter(|deed| deed.replaces == Some(Order::DeleteFirst)).map(size).sum();
        (first, gone().filter(|deed| deed.replaces != Some(Order::DeleteFirst)).map(size).sum())
    }

    fn finding(&self, case: &Case<'_>) -> Option<Finding> {
        let takers: Vec<(&Deed<'_>, u64)> = self.takers(case).collect();
        let there: u64 = case.facts.things(&self.there).iter().map(|thing| (self.counts)(thing.amount)).sum();
        let (before, later) = self.given_back(case);
        let there = there.saturating_sub(before);
        let more: u64 = takers.iter().map(|(_, more)| more).sum();
        let known = case.facts.limit(&self.limit.0, self.limit.1);
        let limit = known.unwrap_or(self.default);
        if more == 0 || there + more <= limit {
            return None;
        }
        // Which of them will be too many hangs on who comes first.
        let all: Vec<&Deed<'_>> = takers.iter().map(|(deed, _)| *deed).collect();
        let first = all.first()?;
        let update = first.doing == Doing::Update;
        let call = match (update, self.kind) {
            (true, "redshift.cluster") => "redshift:ResizeCluster",
            (true, _) => "redshift-serverless:UpdateWorkgroup",
            (false, _) => self.call,
        };
        let limit_is = match known {
            Some(limit) => format!("at most {limit}"),
            None => format!("at most {limit}, AWS's default (what applies to this account, it does not tell)"),
        };
        let key = self.grows.map_or_else(|| crate::stack::section(first.address), |field| first.key(field));
        Some(
            Finding::error(addresses(&all), format!("the account has no room for that many {}", self.what))
                .sure(known.is_some() && there + more > limit + later)
                .values(format!("{there} there and {more} more to come"), limit_is)
                .call(call)
                .by(if update { Verb::Update } else { Verb::Create })
                .key(key)
                .help("have the quota raised (Service Quotas in the AWS console), or make fewer"),
        )
    }
}

fn addresses(deeds: &[&Deed<'_>]) -> Vec<Address> {
    deeds.iter().map(|deed| deed.address.clone()).collect()
}

fn asks(case: &Case<'_>, rows: &[Row]) -> Option<BTreeSet<Ask>> {
    let rows = rows.iter().filter(|row| row.takers(case).next().is_some());
    let mut asks: BTreeSet<Ask> = rows.flat_map(|row| [row.there.clone(), row.limit.0.clone()]).collect();
    // A VPC that is made takes its own gateway: one question less, and one that a full account answers the same way.
    if asks.contains(&Ask::InternetGateways) && !case.outline.creates("ec2.vpc") {
        asks.remove(&Ask::InternetGateways);
    }
    if rows_are_of_networks(&asks) && case.outline.creates("ec2.subnet") {
        asks.extend(existing_vpc(case).map(Ask::Subnets));
    }
    (!asks.is_empty()).then_some(asks)
}

fn rows_are_of_networks(asks: &BTreeSet<Ask>) -> bool {
    asks.contains(&Ask::Quotas("vpc"))
}

fn run(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    rows.iter().filter_map(|row| row.finding(case)).collect()
}

/// The VPC that exists and gets new subnets.
fn existing_vpc(case: &Case<'_>) -> Option<String> {
    case.outline.creations("ec2.subnet").find_map(|deed| deed.text("vpc"))
}

fn subnets(case: &Case<'_>) -> Vec<Finding> {
    let new: Vec<&Deed<'_>> = case.outline.creations("ec2.subnet").collect();
    let there = existing_vpc(case).map_or(0, |vpc| case.facts.things(&Ask::Subnets(vpc)).len() as u64);
    static_limit(
        case,
        &new,
        there,
        "subnets in the VPC",
        ("ec2:CreateSubnet", "networking.subnet_cidrs"),
        "L-407747CB",
        200,
    )
}

/// Refuses more than a limit of the VPC service allows.
fn static_limit(
    case: &Case<'_>,
    new: &[&Deed<'_>],
    there: u64,
    what: &str,
    (call, key): (&str, &str),
    code: &str,
    default: u64,
) -> Vec<Finding> {
    let known = case.facts.limit(&Ask::Quotas("vpc"), &[code]);
    let limit = known.unwrap_or(default);
    if new.is_empty() || there + new.len() as u64 <= limit {
        return Vec::new();
    }
    vec![
        Finding::error(addresses(new), format!("there is no room for that many {what}"))
            .sure(known.is_some())
            .values(format!("{there} there and {} more to come", new.len()), format!("at most {limit}"))
            .call(call)
            .key(key)
            .help("have the quota raised (Service Quotas in the AWS console), or make fewer"),
    ]
}

/// What puts an endpoint into the VPC: every workgroup, and every managed endpoint.
fn endpoint_makers<'a>(case: &'a Case<'_>) -> Vec<&'a Deed<'a>> {
    let makers = ["redshift-serverless.workgroup", "redshift-serverless.endpoint-access"];
    makers.iter().flat_map(|kind| case.outline.creations(kind)).collect()
}

fn endpoints_asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let makers = endpoint_makers(case);
    let vpc = makers.iter().find_map(|deed| deed.text("vpc"));
    let there = vpc.map(|_| Ask::VpcEndpoints);
    (!makers.is_empty()).then(|| std::iter::once(Ask::Quotas("vpc")).chain(there).collect())
}

fn endpoints(case: &Case<'_>) -> Vec<Finding> {
    let makers = endpoint_makers(case);
    let Some(first) = makers.first() else { return Vec::new() };
    let vpc = makers.iter().find_map(|deed| deed.text("vpc"));
    let there = vpc.map_or(0, |vpc| {
        let own = case.facts.things(&Ask::VpcEndpoints).iter().filter(|e| e.of == vpc && e.amount == 0).count();
        // Redshift's own are not always shown to those in whose VPC they are: the recorded ones count in any case.
        let recorded = case.state.entries.iter().filter(|(address, entry)| {
            let kinds = ["redshift-serverless.workgroup", "redshift-serverless.endpoint-access"];
            kinds.contains(&entry.kind.as_str()) && !makers.iter().any(|maker| maker.address == *address)
        });
        own.max(recorded.count()) as u64
    });
    let (call, key) = ("redshift-serverless:CreateWorkgroup", crate::stack::section(first.address));
    static_limit(case, &makers, there, "interface endpoints in the VPC", (call, &key), "L-29B6F2EB", 50)
}

/// The rules there will be, by group and direction.
fn rules_by_group(case: &Case<'_>) -> BTreeMap<(Address, String), Vec<Address>> {
    let mut groups = BTreeMap::<(Address, String), Vec<Address>>::new();
    for (address, wanted) in &case.stack.wanted {
        if wanted.kind.name() != "ec2.security-group-rule" {
            continue;
        }
        let direction = match wanted.spec.get("direction") {
            Some(crate::kind::Tree::Leaf(direction)) => direction.as_str().unwrap_or_default().to_owned(),
            _ => continue,
        };
        let mut group = BTreeSet::new();
        wanted.spec.get("group").into_iter().for_each(|tree| tree.references(&mut group));
        if let Some(group) = group.pop_first() {
            groups.entry((group.address, direction)).or_default().push(address.clone());
        }
    }
    groups
}

fn rules_asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    case.outline.creates("ec2.security-group-rule").then(|| BTreeSet::from([Ask::Quotas("vpc")]))
}

fn rules(case: &Case<'_>) -> Vec<Finding> {
    let known = case.facts.limit(&Ask::Quotas("vpc"), &["L-0EA8095F"]);
    let limit = known.unwrap_or(60);
    let made =
        |address: &&Address| case.outline.creations("ec2.security-group-rule").any(|deed| deed.address == *address);
    let told = |((group, direction), all): ((Address, String), Vec<Address>)| {
        let count = all.len() as u64;
        let new: Vec<Address> = all.iter().filter(made).cloned().collect();
        if new.is_empty() || count <= limit {
            return None;
        }
        let call = match direction.as_str() {
            "egress" => "ec2:AuthorizeSecurityGroupEgress",
            _ => "ec2:AuthorizeSecurityGroupIngress",
        };
        Some(
            Finding::error(new, format!("{group} would have more {direction} rules than a group may have"))
                .sure(known.is_some())
                .values(format!("{count} rules"), format!("at most {limit}"))
                .call(call)
                .key("networking.allowed_cidrs")
                .help("put ranges together, or have the quota raised (Service Quotas in the AWS console)"),
        )
    };
    rules_by_group(case).into_iter().filter_map(told).collect()
}

fn listeners(case: &Case<'_>) -> Vec<Finding> {
    let all = case.stack.wanted.values().filter(|w| w.kind.name() == "elasticloadbalancing.listener").count() as u64;
    let new: Vec<&Deed<'_>> = case.outline.creations("elasticloadbalancing.listener").collect();
    let known = case.facts.limit(&Ask::BalancerLimits, &["listeners-per-network-load-balancer"]);
    let limit = known.unwrap_or(50);
    if new.is_empty() || all <= limit {
        return Vec::new();
    }
    vec![
        Finding::error(addresses(&new), "a load balancer may not have that many listeners")
            .sure(known.is_some())
            .values(format!("{all} in all"), format!("at most {limit}"))
            .call("elasticloadbalancing:CreateListener")
            .key("nlb.listeners")
            .help("leave some out, or have the quota raised (Service Quotas in the AWS console)"),
    ]
}

/// A workgroup has up to three addresses, a managed endpoint one (aws-facts.md 6.2, 6.3).
const ADDRESSES: u64 = 3;

fn targets(case: &Case<'_>) -> Vec<Finding> {
    use crate::config::typed::NlbTargets;
    let new: Vec<&Deed<'_>> = case.outline.creations("elasticloadbalancing.targets").collect();
    let all = case.stack.wanted.values().filter(|w| w.kind.name() == "elasticloadbalancing.targets").count() as u64;
    let nlb = &case.environment.config.nlb;
    let each = if nlb.targets == NlbTargets::Endpoint { 1 } else { ADDRESSES };
    // With cross-zone on, all zones share what is else a zone's own (aws-facts.md 7.5).
    let name = "targets-per-availability-zone-per-network-load-balancer";
    let known = case.facts.limit(&Ask::BalancerLimits, &[name]);
    let limit = known.unwrap_or(500) * if nlb.cross_zone { 1 } else { ADDRESSES };
    let (has, Some(last)) = (all * each, new.last()) else { return Vec::new() };
    if has <= limit {
        return Vec::new();
    }
    vec![
        // How many addresses a workgroup gets is not known before it is there.
        Finding::error(vec![last.address.clone()], "a load balancer may not have that many targets")
            .sure(false)
            .values(format!("up to {has} targets, {each} of each consumer and listener"), format!("at most {limit}"))
            .call("elasticloadbalancing:RegisterTargets")
            .key("nlb.targets")
            .help("targets = \"endpoint\" needs one of each consumer"),
    ]
}

/// Only an account near AWS's default is asked for what it really has.
fn roles_asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let new = case.outline.creations("iam.role").count();
    if new == 0 {
        return None;
    }
    let own = case.facts.things(&Ask::Roles).iter().filter(|role| role.amount > 0).count();
    let near = own + new > 1000;
    Some(std::iter::once(Ask::Roles).chain(near.then_some(Ask::RoleQuota)).collect())
}
