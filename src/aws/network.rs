//! A network that exists already: a VPC, its subnets, and where their routes lead.
//!
//! Called by `session` before the stack is built; `stack::existing` judges what it finds. Must only ever read: nothing
//! here belongs to rsds.

use super::{
    Aws, Fault,
    fault::Called,
    ids::{InternetGatewayId, SubnetId, VpcId},
    lookup::{ec2_filters_by, filter},
    tags,
};
use crate::kind::Tags;
use aws_sdk_ec2::types::{self, RouteState, SubnetState, VpcAttributeName, VpcState};
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

/// The IAM actions of looking a network up.
pub const ACTIONS: &[&str] = &[
    "ec2:DescribeVpcs",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeSubnets",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeRouteTables",
    "ec2:DescribeVpcEndpoints",
];

/// Everywhere, as a route's destination.
const EVERYWHERE: &str = "0.0.0.0/0";

/// A VPC as AWS shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVpc {
    /// Its id.
    pub id: VpcId,
    /// Its IPv4 ranges.
    pub cidrs: Vec<Ipv4Net>,
    /// Whether it is available rather than pending.
    pub available: bool,
    /// Its tags.
    pub tags: Tags,
}

impl FoundVpc {
    /// Returns its Name tag.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str)
    }
}

/// A subnet as AWS shows it, with where its routes lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSubnet {
    /// Its id.
    pub id: SubnetId,
    /// Its VPC.
    pub vpc: VpcId,
    /// The name of its availability zone.
    pub zone: String,
    /// Its IPv4 range; `None` where it has IPv6 alone.
    pub cidr: Option<Ipv4Net>,
    /// Free addresses.
    pub free: u64,
    /// Whether it is available rather than pending or failed.
    pub available: bool,
    /// Whether it lies on an outpost.
    pub outpost: bool,
    /// Its tags.
    pub tags: Tags,
    /// Where its routes lead.
    pub routes: Routes,
}

/// Where the routes of a subnet lead, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Everywhere, through an internet gateway.
    pub internet: bool,
    /// Everywhere, through whatever it may be.
    pub outside: bool,
    /// To S3, by an endpoint.
    pub s3: bool,
}

/// An existing network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNetwork {
    /// The VPC.
    pub vpc: FoundVpc,
    /// Its attribute `enableDnsSupport`.
    pub dns_support: bool,
    /// Its attribute `enableDnsHostnames`.
    pub dns_hostnames: bool,
    /// Its subnets, by id.
    pub subnets: BTreeMap<SubnetId, FoundSubnet>,
    /// Subnets that were named and lie in another VPC.
    pub strays: BTreeMap<SubnetId, FoundSubnet>,
    /// The internet gateway attached to it.
    pub internet_gateway: Option<InternetGatewayId>,
}

/// Reads all VPCs of the region, sorted by id.
pub async fn vpcs(aws: &Aws) -> Result<Vec<FoundVpc>, Fault> {
    let pages = aws.ec2.describe_vpcs().into_paginator().items().send();
    let vpcs: Vec<types::Vpc> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcs").await?;
    let mut found: Vec<FoundVpc> = vpcs.into_iter().filter_map(found_vpc).collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

/// Reads what there is in a VPC; `named` are the subnets the TOML names, wherever they are.
pub async fn network(aws: &Aws, vpc: FoundVpc, named: &[String]) -> Result<FoundNetwork, Fault> {
    let id = vpc.id.as_str();
    let (dns_support, dns_hostnames, mut subnets, internet_gateway, tables, s3) = tokio::try_join!(
        attribute(aws, id, VpcAttributeName::EnableDnsSupport),
        attribute(aws, id, VpcAttributeName::EnableDnsHostnames),
        subnets(aws, vec![filter("vpc-id", &[id])]),
        gateway(aws, id),
        super::route_table::tables(aws, ec2_filters_by("vpc-id", std::iter::once(id))),
        s3_ways(aws, id),
    )?;
    for subnet in subnets.values_mut() {
        subnet.routes = routes(&tables, subnet.id.as_str(), &s3);
    }
    let missing = named.iter().filter(|id| !subnets.contains_key(&SubnetId((*id).clone()))).map(String::as_str);
    let mut strays = BTreeMap::new();
    for filters in ec2_filters_by("subnet-id", missing) {
        strays.extend(self::subnets(aws, filters).await?);
    }
    Ok(FoundNetwork { vpc, dns_support, dns_hostnames, subnets, strays, internet_gateway })
}

fn found_vpc(vpc: types::Vpc) -> Option<FoundVpc> {
    let associated = vpc.cidr_block_association_set.unwrap_or_default().into_iter().filter(|block| {
        let state = block.cidr_block_state.as_ref().and_then(|state| state.state.as_ref());
        state.is_none_or(|state| *state == types::VpcCidrBlockStateCode::Associated)
    });
    let texts = vpc.cidr_block.into_iter().chain(associated.filter_map(|block| block.cidr_block));
    let cidrs: BTreeSet<Ipv4Net> = texts.filter_map(|text| text.parse().ok()).collect();
    Some(FoundVpc {
        id: vpc.vpc_id?.into(),
        cidrs: cidrs.into_iter().collect(),
        available: vpc.state.is_none_or(|state| state == VpcState::Available),
        tags: tags::from_ec2(vpc.tags.as_deref()),
    })
}

/// Asks for one DNS attribute: AWS answers one per call (aws-facts.md 1.1).
async fn attribute(aws: &Aws, vpc: &str, name: VpcAttributeName) -> Result<bool, Fault> {
    let call = aws.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(name.clone());
    let answer = call.send().called("ec2:DescribeVpcAttribute").await?;
    let value = match name {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support,
        _ => answer.enable_dns_hostnames,
    };
    Ok(value.and_then(|value| value.value).unwrap_or_default())
}

async fn subnets(aws: &Aws, filters: Vec<types::Filter>) -> Result<BTreeMap<SubnetId, FoundSubnet>, Fault> {
    let pages = aws.ec2.describe_subnets().set_filters(Some(filters)).into_paginator().items().send();
    let subnets: Vec<types::Subnet> = pages.collect::<Result<_, _>>().called("ec2:DescribeSubnets").await?;
    let found = subnets.into_iter().filter_map(found_subnet);
    Ok(found.map(|subnet| (subnet.id.clone(), subnet)).collect())
}

fn found_subnet(subnet: types::Subnet) -> Option<FoundSubnet> {
    Some(FoundSubnet {
        id: subnet.subnet_id?.into(),
        vpc: subnet.vpc_id?.into(),
        zone: subnet.availability_zone?,
        cidr: subnet.cidr_block.and_then(|text| text.parse().ok()),
        free: subnet.available_ip_address_count.and_then(|count| count.try_into().ok()).unwrap_or_default(),
        available: subnet.state.is_none_or(|state| state == SubnetState::Available),
        outpost: subnet.outpost_arn.is_some(),
        tags: tags::from_ec2(subnet.tags.as_deref()),
        routes: Routes::default(),
    })
}

async fn gateway(aws: &Aws, vpc: &str) -> Result<Option<InternetGatewayId>, Fault> {
    let filters = vec![filter("attachment.vpc-id", &[vpc])];
    let pages = aws.ec2.describe_internet_gateways().set_filters(Some(filters)).into_paginator().items().send();
    let all: Vec<types::InternetGateway> =
        pages.collect::<Result<_, _>>().called("ec2:DescribeInternetGateways").await?;
    Ok(all.into_iter().find_map(|gateway| gateway.internet_gateway_id).map(Into::into))
}

/// How a VPC's subnets reach S3 by an endpoint: all of them, or those of some route tables.
#[derive(Default)]
struct S3Ways {
    everywhere: bool,
    tables: BTreeSet<String>,
}

async fn s3_ways(aws: &Aws, vpc: &str) -> Result<S3Ways, Fault> {
    let service = format!("com.amazonaws.{}.s3", aws.region);
    let filters = vec![filter("vpc-id", &[vpc]), filter("service-name", &[&service])];
    let pages = aws.ec2.describe_vpc_endpoints().set_filters(Some(filters)).into_paginator().items().send();
    let endpoints: Vec<types::VpcEndpoint> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcEndpoints").await?;
    let mut ways = S3Ways::default();
    for endpoint in endpoints {
        ways.everywhere |= endpoint.vpc_endpoint_type.is_some_and(|kind| kind != types::VpcEndpointType::Gateway);
        ways.tables.extend(endpoint.route_table_ids.unwrap_or_default());
    }
    Ok(ways)
}

/// Follows the table a subnet uses: its own, else the main one of the VPC.
fn routes(tables: &[types::RouteTable], subnet: &str, s3: &S3Ways) -> Routes {
    let uses = |wanted: &dyn Fn(&types::RouteTableAssociation) -> bool| {
        tables.iter().find(|table| table.associations().iter().any(wanted))
    };
    let own = uses(&|association| association.subnet_id() == Some(subnet));
    let Some(table) = own.or_else(|| uses(&|association| association.main == Some(true))) else {
        return Routes { s3: s3.everywhere, ..Routes::default() };
    };
    let works = |route: &&types::Route| route.state != Some(RouteState::Blackhole);
    let defaults = || table.routes().iter().filter(works).filter(|r| r.destination_cidr_block() == Some(EVERYWHERE));
    Routes {
        internet: defaults().any(|route| route.gateway_id().is_some_and(|id| id.starts_with("igw-"))),
        outside: defaults().next().is_some(),
        s3: s3.everywhere || table.route_table_id().is_some_and(|id| s3.tables.contains(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(id: &str, subnet: Option<&str>, routes: &[(&str, &str)]) -> types::RouteTable {
        let association =
            types::RouteTableAssociation::builder().set_subnet_id(subnet.map(str::to_owned)).main(subnet.is_none());
        let route = |(destination, gateway): &(&str, &str)| {
            types::Route::builder().destination_cidr_block(*destination).gateway_id(*gateway).build()
        };
        let routes = routes.iter().map(route).collect();
        types::RouteTable::builder()
            .route_table_id(id)
            .associations(association.build())
            .set_routes(Some(routes))
            .build()
    }

    #[test]
    fn a_subnet_without_a_table_of_its_own_uses_the_main_one() {
        let tables = [
            table("rtb-main", None, &[("10.0.0.0/16", "local"), (EVERYWHERE, "igw-1")]),
            table("rtb-own", Some("subnet-1"), &[("10.0.0.0/16", "local"), (EVERYWHERE, "vgw-1")]),
            table("rtb-closed", Some("subnet-3"), &[("10.0.0.0/16", "local")]),
        ];
        let s3 = S3Ways { everywhere: false, tables: BTreeSet::from(["rtb-closed".to_owned()]) };
        let found = |subnet| routes(&tables, subnet, &s3);
        assert_eq!(found("subnet-1"), Routes { internet: false, outside: true, s3: false });
        assert_eq!(found("subnet-2"), Routes { internet: true, outside: true, s3: false });
        assert_eq!(found("subnet-3"), Routes { internet: false, outside: false, s3: true });
    }

    #[test]
    fn only_ranges_that_are_associated_count() {
        let block = |cidr: &str, state| {
            let state = types::VpcCidrBlockState::builder().state(state).build();
            types::VpcCidrBlockAssociation::builder().cidr_block(cidr).cidr_block_state(state).build()
        };
        let vpc = types::Vpc::builder()
            .vpc_id("vpc-1")
            .cidr_block("10.0.0.0/16")
            .cidr_block_association_set(block("10.0.0.0/16", types::VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(block("10.1.0.0/16", types::VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(block("10.2.0.0/16", types::VpcCidrBlockStateCode::Disassociated));
        let cidrs: Vec<String> = found_vpc(vpc.build()).unwrap().cidrs.iter().map(ToString::to_string).collect();
        assert_eq!(cidrs, ["10.0.0.0/16", "10.1.0.0/16"]);
    }
}
