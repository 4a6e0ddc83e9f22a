//! What lies in a VPC and keeps it from being deleted, whoever made it.
//!
//! Called by the kind `ec2.vpc`. Must never name what the VPC brought along: it goes with the VPC.

use super::{Aws, Fault, fault::Called, interface, lookup::ec2_filters_by, tags};
use crate::kind::Blocker;
use aws_sdk_ec2::types::{State, Tag};
use std::collections::BTreeMap;

/// What was found, by the VPC it lies in.
type Found = BTreeMap<String, Vec<Blocker>>;

/// Reads what lies in these VPCs.
pub(super) async fn contents(aws: &Aws, vpcs: &[&str]) -> Result<Found, Fault> {
    let (interfaces, subnets, groups, tables, gateways, endpoints) = tokio::try_join!(
        interfaces(aws, vpcs),
        subnets(aws, vpcs),
        groups(aws, vpcs),
        tables(aws, vpcs),
        gateways(aws, vpcs),
        endpoints(aws, vpcs),
    )?;
    let mut all = Found::new();
    for (vpc, blocker) in [interfaces, endpoints, subnets, groups, tables, gateways].into_iter().flatten() {
        all.entry(vpc).or_default().push(blocker);
    }
    Ok(all)
}

/// Names something by its kind and its Name tag.
fn named(kind: &str, id: Option<String>, tags: Option<&[Tag]>) -> Option<Blocker> {
    let name = tags::from_ec2(tags).remove("Name").filter(|name| !name.is_empty());
    Some(Blocker::new(id?, name.map_or(kind.to_owned(), |name| format!("{kind} {name}"))))
}

type Held = Vec<(String, Blocker)>;

async fn interfaces(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let all = interface::interfaces(aws, "vpc-id", vpcs.iter().copied()).await?;
    Ok(all.iter().filter_map(|i| Some((i.vpc_id()?.to_owned(), interface::blocker(i)))).collect())
}

async fn subnets(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let mut held = Held::new();
    for filters in ec2_filters_by("vpc-id", vpcs.iter().copied()) {
        let pages = aws.ec2.describe_subnets().set_filters(Some(filters)).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSubnets").await?;
        held.extend(
            all.into_iter().filter_map(|s| Some((s.vpc_id?, named("subnet", s.subnet_id, s.tags.as_deref())?))),
        );
    }
    Ok(held)
}

async fn groups(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let mut held = Held::new();
    for filters in ec2_filters_by("vpc-id", vpcs.iter().copied()) {
        let pages = aws.ec2.describe_security_groups().set_filters(Some(filters)).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSecurityGroups").await?;
        let made = all.into_iter().filter(|group| group.group_name() != Some("default"));
        held.extend(made.filter_map(|group| {
            let what = format!("security group {}", group.group_name.unwrap_or_default());
            Some((group.vpc_id?, Blocker::new(group.group_id?, what)))
        }));
    }
    Ok(held)
}

async fn tables(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let all = super::route_table::tables(aws, ec2_filters_by("vpc-id", vpcs.iter().copied())).await?;
    let made = all.into_iter().filter(|table| !table.associations().iter().any(|a| a.main == Some(true)));
    Ok(made.filter_map(|t| Some((t.vpc_id?, named("route table", t.route_table_id, t.tags.as_deref())?))).collect())
}

async fn gateways(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let mut held = Held::new();
    for filters in ec2_filters_by("attachment.vpc-id", vpcs.iter().copied()) {
        let pages = aws.ec2.describe_internet_gateways().set_filters(Some(filters)).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeInternetGateways").await?;
        held.extend(all.into_iter().filter_map(|gateway| {
            let vpc = gateway.attachments().iter().find_map(|attachment| attachment.vpc_id()).map(str::to_owned);
            Some((vpc?, named("internet gateway", gateway.internet_gateway_id, gateway.tags.as_deref())?))
        }));
    }
    Ok(held)
}

async fn endpoints(aws: &Aws, vpcs: &[&str]) -> Result<Held, Fault> {
    let mut held = Held::new();
    for filters in ec2_filters_by("vpc-id", vpcs.iter().copied()) {
        let pages = aws.ec2.describe_vpc_endpoints().set_filters(Some(filters)).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcEndpoints").await?;
        held.extend(all.into_iter().filter_map(|endpoint| {
            let going = endpoint.state.as_ref().is_some_and(is_going);
            let what = format!("endpoint of {}", endpoint.service_name.unwrap_or_default());
            Some((endpoint.vpc_id?, Blocker::new(endpoint.vpc_endpoint_id?, what).passing(going)))
        }));
    }
    Ok(held)
}

/// States are spelled with and without capitals (aws-facts.md 1.2).
fn is_going(state: &State) -> bool {
    state.as_str().eq_ignore_ascii_case("deleting")
}
