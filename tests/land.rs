//! A network that somebody else made: VPCs, subnets, routes, and what is left of them.

use crate::harness::*;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Tag, TagSpecification, VpcEndpointType};
use rsds::{
    aws::{Aws, Owner},
    sandbox::{World, ec2},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A VPC that is not rsds's own.
pub(crate) struct Land {
    pub vpc: String,
    /// By name: `a` is in the zone `us-west-2a`, `a2` as well.
    subnets: Vec<(String, String)>,
}

impl Land {
    /// The id of one subnet.
    pub(crate) fn subnet(&self, name: &str) -> &str {
        &self.subnets.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// The ids of these subnets, as the TOML lists them and as outputs show them.
    pub(crate) fn ids(&self, names: &[&str]) -> Vec<&str> {
        names.iter().map(|name| self.subnet(name)).collect()
    }
}

fn named(of: ResourceType, name: &str) -> TagSpecification {
    TagSpecification::builder().resource_type(of).tags(Tag::builder().key("Name").value(name).build()).build()
}

impl Estate {
    /// The account in the hands of somebody else.
    pub(crate) async fn somebody(&self) -> Aws {
        let owner = Owner { project: "x".into(), environment: "x".into(), lineage: "x".into() };
        self.connection().open(owner).await.unwrap()
    }

    /// Makes a VPC with this Name tag: its main table leads to S3, and each subnet is a /24
    /// in the zone that its name begins with.
    pub(crate) async fn land(&self, name: &str, subnets: &[&str]) -> Land {
        let ec2 = self.somebody().await.ec2;
        let vpc = ec2.create_vpc().cidr_block("10.80.0.0/16").tag_specifications(named(ResourceType::Vpc, name));
        let vpc = vpc.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
        let on = AttributeBooleanValue::builder().value(true).build();
        ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on).send().await.unwrap();
        let service = "com.amazonaws.us-west-2.s3";
        let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap();
        let main = tables.into_iter().find(|table| table.vpc_id() == Some(&vpc)).unwrap().route_table_id.unwrap();
        let way = ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(service).route_table_ids(main);
        way.vpc_endpoint_type(VpcEndpointType::Gateway).send().await.unwrap();
        let mut land = Land { vpc, subnets: Vec::new() };
        for name in subnets {
            self.subnet(&mut land, name, 24).await;
        }
        // Everything settles.
        self.clock.sleep(std::time::Duration::from_secs(60)).await;
        land
    }

    /// Makes one more subnet, of this size.
    pub(crate) async fn subnet(&self, land: &mut Land, name: &str, prefix: u8) {
        let ec2 = self.somebody().await.ec2;
        let zone = format!("us-west-2{}", &name[..1]);
        let cidr = format!("10.80.{}.0/{prefix}", 4 * land.subnets.len());
        let call = ec2.create_subnet().vpc_id(&land.vpc).cidr_block(cidr).availability_zone(zone);
        let id = call.send().await.unwrap().subnet.unwrap().subnet_id.unwrap();
        land.subnets.push((name.to_owned(), id));
        self.clock.sleep(std::time::Duration::from_secs(10)).await;
    }

    /// Attaches an internet gateway to the VPC; with `routes`, its main table leads there.
    pub(crate) async fn open_up(&self, land: &Land, routes: bool) -> String {
        let ec2 = self.somebody().await.ec2;
        let gateway = ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
        let gateway = gateway.internet_gateway_id.unwrap();
        ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&land.vpc).send().await.unwrap();
        if routes {
            let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap();
            let main = tables.into_iter().find(|table| table.vpc_id() == Some(&land.vpc)).unwrap();
            let route = ec2.create_route().route_table_id(main.route_table_id.unwrap()).gateway_id(&gateway);
            route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
        }
        gateway
    }

    /// Leaves so many free addresses in a subnet of /24.
    pub(crate) fn crowd(&self, subnet: &str, free: usize) {
        let now = self.sandbox.now();
        let taken = 251 - free;
        self.sandbox
            .edit(|world| {
                for n in 0..taken {
                    ec2::place_interface(world, now, subnet, &[], &format!("host-{n}"), "a host").unwrap();
                }
            })
            .unwrap();
    }

    /// Every network there is, field by field; what only remembers requests or is fading away is left out.
    pub(crate) fn networks(&self) -> BTreeMap<&'static str, Json> {
        let World { ec2, .. } = self.sandbox.world();
        let endpoints = ec2.endpoints.iter().filter(|(_, endpoint)| endpoint.gone_at.is_none()).collect::<Vec<_>>();
        let interfaces = ec2.interfaces.iter().filter(|(_, one)| one.gone_at.is_none()).collect::<Vec<_>>();
        BTreeMap::from([
            ("vpcs", json!(ec2.vpcs)),
            ("subnets", json!(ec2.subnets)),
            ("gateways", json!(ec2.gateways)),
            ("route tables", json!(ec2.tables)),
            ("endpoints", json!(endpoints)),
            ("groups", json!(ec2.groups)),
            ("rules", json!(ec2.rules)),
            ("interfaces", json!(interfaces)),
            ("tags", json!(ec2.tags)),
        ])
    }
}
