//! Questions about networks and load balancers.
//!
//! Called by `Ask::answer`. Must only ever read.

use super::{Acl, AclRule, Fact, Thing, named, things};
use crate::aws::{Aws, Fault, fault::Called};
use aws_sdk_ec2::types::{AvailabilityZoneState, Filter, NetworkAcl, NetworkAclEntry, RuleAction, VpcEndpointType};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use std::collections::BTreeMap;

/// Protocol numbers of TCP and of everything.
const TCP_OR_ALL: [&str; 2] = ["6", "-1"];

fn filter(name: &str, value: &str) -> Option<Vec<Filter>> {
    Some(vec![Filter::builder().name(name).values(value).build()])
}

pub(super) async fn zones(aws: &Aws) -> Result<Fact, Fault> {
    let call = aws.ec2.describe_availability_zones().set_filters(filter("zone-type", "availability-zone"));
    let answer = call.send().called("ec2:DescribeAvailabilityZones").await?;
    let zone = |zone: aws_sdk_ec2::types::AvailabilityZone| {
        let usable = match zone.state {
            None | Some(AvailabilityZoneState::Available) => Ok(()),
            Some(state) => Err(state.as_str().to_owned()),
        };
        Some((zone.zone_name?, usable))
    };
    Ok(Fact::Zones(answer.availability_zones.unwrap_or_default().into_iter().filter_map(zone).collect()))
}

pub(super) async fn vpcs(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.ec2.describe_vpcs().into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcs").await?;
    Ok(things(all.into_iter().map(|vpc| named(vpc.vpc_id))))
}

pub(super) async fn internet_gateways(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.ec2.describe_internet_gateways().into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeInternetGateways").await?;
    Ok(things(all.into_iter().map(|gateway| named(gateway.internet_gateway_id))))
}

/// Each with its VPC; `amount` is 1 for those of type gateway.
pub(super) async fn vpc_endpoints(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.ec2.describe_vpc_endpoints().into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcEndpoints").await?;
    Ok(things(all.into_iter().map(|endpoint| {
        let amount = u64::from(endpoint.vpc_endpoint_type == Some(VpcEndpointType::Gateway));
        Some(Thing { name: endpoint.vpc_endpoint_id?, of: endpoint.vpc_id?, amount })
    })))
}

/// Each with its free addresses.
pub(super) async fn subnets(aws: &Aws, vpc: &str) -> Result<Fact, Fault> {
    let pages = aws.ec2.describe_subnets().set_filters(filter("vpc-id", vpc)).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSubnets").await?;
    Ok(things(all.into_iter().map(|subnet| {
        let amount = subnet.available_ip_address_count.and_then(|count| count.try_into().ok()).unwrap_or_default();
        Some(Thing { name: subnet.subnet_id?, of: subnet.vpc_id?, amount })
    })))
}

pub(super) async fn acls(aws: &Aws, vpc: &str) -> Result<Fact, Fault> {
    let pages = aws.ec2.describe_network_acls().set_filters(filter("vpc-id", vpc)).into_paginator().items().send();
    let all: Vec<NetworkAcl> = pages.collect::<Result<_, _>>().called("ec2:DescribeNetworkAcls").await?;
    Ok(Fact::Acls(all.into_iter().filter_map(acl).collect()))
}

fn acl(acl: NetworkAcl) -> Option<Acl> {
    let subnets = acl.associations.unwrap_or_default().into_iter().filter_map(|association| association.subnet_id);
    let mut rules: Vec<AclRule> = acl.entries.unwrap_or_default().into_iter().filter_map(rule).collect();
    rules.sort_by_key(|rule| (rule.egress, rule.number));
    let is_default = acl.is_default.unwrap_or_default();
    Some(Acl { id: acl.network_acl_id?, is_default, subnets: subnets.collect(), rules })
}

fn rule(entry: NetworkAclEntry) -> Option<AclRule> {
    if !TCP_OR_ALL.contains(&entry.protocol.as_deref()?) {
        return None;
    }
    let port = |port: Option<i32>| port.and_then(|port| port.try_into().ok());
    let range = entry.port_range.and_then(|range| Some((port(range.from)?, port(range.to)?)));
    Some(AclRule {
        number: entry.rule_number?,
        egress: entry.egress?,
        allow: entry.rule_action? == RuleAction::Allow,
        cidr: entry.cidr_block?.parse().ok()?,
        ports: range.unwrap_or((0, u16::MAX)),
    })
}

pub(super) async fn public_access(aws: &Aws) -> Result<Fact, Fault> {
    let call = aws.ec2.describe_vpc_block_public_access_options().send();
    let answer = call.called("ec2:DescribeVpcBlockPublicAccessOptions").await?;
    let mode = answer.vpc_block_public_access_options.and_then(|options| options.internet_gateway_block_mode);
    Ok(mode.map_or(Fact::Nothing, |mode| Fact::Word(mode.as_str().to_owned())))
}

pub(super) async fn balancer_limits(aws: &Aws) -> Result<Fact, Fault> {
    let call = aws.elb.describe_account_limits().page_size(400).send();
    let answer = call.called("elasticloadbalancing:DescribeAccountLimits").await?;
    let limit = |limit: aws_sdk_elasticloadbalancingv2::types::Limit| Some((limit.name?, limit.max?.parse().ok()?));
    Ok(Fact::Limits(answer.limits.unwrap_or_default().into_iter().filter_map(limit).collect::<BTreeMap<_, _>>()))
}

/// Each with its type.
pub(super) async fn balancers(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.elb.describe_load_balancers().into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("elasticloadbalancing:DescribeLoadBalancers").await?;
    Ok(things(all.into_iter().map(|balancer| {
        let amount = u64::from(balancer.r#type == Some(LoadBalancerTypeEnum::Network));
        Some(Thing { name: balancer.load_balancer_name?, of: balancer.vpc_id.unwrap_or_default(), amount })
    })))
}

pub(super) async fn target_groups(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.elb.describe_target_groups().into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("elasticloadbalancing:DescribeTargetGroups").await?;
    Ok(things(all.into_iter().map(|group| named(group.target_group_name))))
}
