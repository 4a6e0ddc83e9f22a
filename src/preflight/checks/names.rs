//! Are the names free? Something else of that name makes the creation fail, whoever owns it: what is this environment's
//! own is in the state, and is no creation (aws-facts.md 12, row 14).

use super::{Case, Check};
use crate::{
    kind::Order,
    preflight::{finding::Finding, outline::Deed, survey::Ask},
};
use std::collections::BTreeSet;

pub(super) static CLUSTERS: Check = Check {
    name: "cluster-names",
    title: "the names of the cluster and its groups are free",
    asks: |case| asks(case, CLUSTER),
    run: |case| run(case, CLUSTER),
};
pub(super) static SERVERLESS: Check = Check {
    name: "serverless-names",
    title: "the names of namespaces, workgroups and managed endpoints are free",
    asks: |case| asks(case, WAREHOUSES),
    run: |case| run(case, WAREHOUSES),
};
pub(super) static BALANCERS: Check = Check {
    name: "load-balancer-names",
    title: "the names of the load balancer and its target groups are free",
    asks: |case| asks(case, BALANCING),
    run: |case| run(case, BALANCING),
};
pub(super) static ROLES: Check = Check {
    name: "role-names",
    title: "the names of the roles are free",
    asks: |case| asks(case, IAM),
    run: |case| run(case, IAM),
};
pub(super) static ALIASES: Check = Check {
    name: "alias-names",
    title: "the aliases of the keys are free",
    asks: |case| asks(case, KMS),
    run: |case| run(case, KMS),
};

/// A kind whose names are unique: its list, and its creating call.
type Row = (&'static str, Ask, &'static str);

const CLUSTER: &[Row] = &[
    ("redshift.cluster", Ask::Clusters, "redshift:CreateCluster"),
    ("redshift.subnet-group", Ask::SubnetGroups, "redshift:CreateClusterSubnetGroup"),
    ("redshift.parameter-group", Ask::ParameterGroups, "redshift:CreateClusterParameterGroup"),
];
const WAREHOUSES: &[Row] = &[
    ("redshift-serverless.namespace", Ask::Namespaces, "redshift-serverless:CreateNamespace"),
    ("redshift-serverless.workgroup", Ask::Workgroups, "redshift-serverless:CreateWorkgroup"),
    ("redshift-serverless.endpoint-access", Ask::Endpoints, "redshift-serverless:CreateEndpointAccess"),
];
const BALANCING: &[Row] = &[
    ("elasticloadbalancing.load-balancer", Ask::Balancers, "elasticloadbalancing:CreateLoadBalancer"),
    ("elasticloadbalancing.target-group", Ask::TargetGroups, "elasticloadbalancing:CreateTargetGroup"),
];
const IAM: &[Row] = &[("iam.role", Ask::Roles, "iam:CreateRole")];
const KMS: &[Row] = &[("kms.alias", Ask::Aliases, "kms:CreateAlias")];

fn asks(case: &Case<'_>, rows: &[Row]) -> Option<BTreeSet<Ask>> {
    let rows = || rows.iter().filter(|(kind, ..)| case.outline.creates(kind));
    let mut asks: BTreeSet<Ask> = rows().map(|row| row.1.clone()).collect();
    // What an earlier run of this very state has made is taken over by the apply.
    if rows().any(|row| taken(case, row).next().is_some_and(|(deed, _)| deed.kind.tagged())) {
        asks.insert(Ask::Owned);
    }
    (!asks.is_empty()).then_some(asks)
}

/// The creations whose names are taken.
fn taken<'a>(case: &'a Case<'_>, (kind, ask, _): &'a Row) -> impl Iterator<Item = (&'a Deed<'a>, String)> {
    // All these services take names that differ in case alone for one name, or take no capitals.
    let freed: BTreeSet<String> = case.freed(kind).iter().map(|name| name.to_ascii_lowercase()).collect();
    let there = case.facts.things(ask).iter().map(|thing| thing.name.to_ascii_lowercase());
    let there: BTreeSet<String> = there.filter(|name| !freed.contains(name)).collect();
    let named = case.outline.creations(kind).filter_map(|deed| Some((deed, deed.text("name")?)));
    named.filter(move |(deed, name)| {
        let own = deed.replaces == Some(Order::DeleteFirst) && deed.recorded["name"] == name.as_str();
        !own && there.contains(&name.to_ascii_lowercase())
    })
}

fn run(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    let owned = case.facts.things(&Ask::Owned);
    let config = &case.environment.config;
    let path = format!("/rsds/{}/{}/", config.project, config.env);
    let told = |call: &'static str, ask: &Ask, deed: &Deed<'_>, name: String| {
        if owned.iter().any(|own| own.name == deed.address.to_string()) {
            return None;
        }
        // The tagging API does not list roles: under this environment's path it may be one of an earlier run.
        let maybe =
            deed.is("iam.role") && case.facts.things(ask).iter().any(|role| role.name == name && role.of == path);
        Some(
            Finding::error(vec![deed.address.clone()], "its name is taken by something that the state does not know")
                .sure(!maybe)
                .values(format!("{name} exists"), "a name that is free")
                .call(call)
                .key(deed.key("name"))
                .help(format!(
                    "take it over: rsds import {0} {name}; or give another name: [resources.\"{0}\"] name = \"...\"",
                    deed.address
                )),
        )
    };
    let of_row =
        |row: &Row| taken(case, row).filter_map(|(deed, name)| told(row.2, &row.1, deed, name)).collect::<Vec<_>>();
    rows.iter().flat_map(of_row).collect()
}
