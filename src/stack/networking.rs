//! The component `networking`: VPC, subnets, routes, the S3 endpoint, and a security group each for the producer, the
//! consumers and the load balancer. Of a network that exists only what the TOML adds to it is described.
//!
//! Called by `build`. One rule = one source = one resource, named after its source, so that taking one address range
//! away never renumbers another.

use super::{Component, Existing, Site, Stack};
use crate::{
    address::Address,
    aws::{
        ids::{InternetGatewayId, SecurityGroupId, SubnetId, VpcId},
        internet_gateway::{InternetGateway, InternetGatewaySpec},
        route::{Route, RouteSpec},
        route_table::{RouteTable, RouteTableSpec},
        route_table_association::{RouteTableAssociation, RouteTableAssociationSpec},
        security_group::{SecurityGroup, SecurityGroupSpec},
        security_group_rule::{Direction, Peer, Ports, Protocol, SecurityGroupRule, SecurityGroupRuleSpec},
        subnet::{Subnet, SubnetSpec},
        vpc::{Vpc, VpcSpec},
        vpc_endpoint::{VpcEndpoint, VpcEndpointSpec},
    },
    config::typed::{Config, Vpc as WantedVpc},
    kind::{Draft, Handle, In, Tags},
};
use ipnet::Ipv4Net;
use std::collections::BTreeSet;

/// What the other components need of the network.
pub(super) struct Network {
    pub(super) vpc: In<VpcId>,
    pub(super) subnets: Vec<In<SubnetId>>,
    pub(super) producer_group: Handle<SecurityGroup>,
    pub(super) consumer_group: Handle<SecurityGroup>,
    pub(super) nlb_group: Option<Handle<SecurityGroup>>,
    /// The route to the internet, and what lets the subnets take it; public endpoints come after them.
    pub(super) way_out: Vec<Address>,
    /// The rules that let the load balancer reach the consumers, at both ends; targets come after them.
    pub(super) path_to_consumers: Vec<Handle<SecurityGroupRule>>,
    vpc_key: &'static str,
    subnets_key: &'static str,
}

impl Network {
    /// Returns all subnets, as specs take them.
    pub(super) fn subnet_ids(&self) -> BTreeSet<In<SubnetId>> {
        self.subnets.iter().cloned().collect()
    }

    /// Names the TOML keys that the VPC and the subnets of `this` come from.
    pub(super) fn name_keys<K>(&self, part: &mut Component<'_>, this: &Handle<K>) {
        part.comes_from(this, "vpc", self.vpc_key);
        part.comes_from(this, "subnets", self.subnets_key);
    }
}

/// Everything outside.
const ANYWHERE: Ipv4Net = match Ipv4Net::new(std::net::Ipv4Addr::UNSPECIFIED, 0) {
    Ok(net) => net,
    Err(_) => unreachable!(),
};

/// Describes the network; `None`, and a defect, where the TOML names one that nobody looked up.
pub(super) fn describe(stack: &mut Stack, config: &Config, site: &Site) -> Option<Network> {
    let place = match (&config.networking.vpc, &site.existing) {
        (WantedVpc::New(cidr), _) => Place::New(*cidr),
        (WantedVpc::Id(_) | WantedVpc::Name(_), Some(existing)) => Place::In(existing),
        (WantedVpc::Id(_) | WantedVpc::Name(_), None) => {
            stack.defect("the TOML names a VPC, and nobody looked it up");
            return None;
        }
    };
    let mut part = stack.component("networking", "networking");
    let vpc = match place {
        Place::New(cidr) => new_vpc(&mut part, cidr),
        Place::In(existing) => existing.vpc.clone().into(),
    };
    let (subnets, way_out) = match place {
        Place::In(existing) if config.networking.uses_existing_subnets() => {
            (existing.subnets.iter().cloned().map(In::Literal).collect(), Vec::new())
        }
        Place::In(Existing { internet_gateway, .. }) => {
            new_subnets(&mut part, config, site, &vpc, internet_gateway.as_ref())
        }
        Place::New(_) => new_subnets(&mut part, config, site, &vpc, None),
    };
    let mut groups = Groups { part, config, vpc: &vpc };
    let producer_group = groups.group("producer", "the Redshift producer");
    let consumer_group = groups.group("consumer", "the Redshift consumers");
    let nlb_group = config.has_nlb().then(|| groups.group("nlb", "the load balancer in front of the consumers"));
    groups.producer_rules(&producer_group, &consumer_group);
    let mut path_to_consumers = groups.consumer_rules(&consumer_group, nlb_group.as_ref());
    if let Some(nlb_group) = &nlb_group {
        path_to_consumers.extend(groups.nlb_rules(nlb_group, &consumer_group));
    }
    Some(Network {
        vpc,
        subnets,
        producer_group,
        consumer_group,
        nlb_group,
        way_out,
        path_to_consumers,
        vpc_key: config.networking.vpc_key(),
        subnets_key: config.networking.subnets_key(),
    })
}

/// Where the estate lies.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// In a VPC of its own with this range.
    New(Ipv4Net),
    /// In one that exists.
    In(&'a Existing),
}

fn new_vpc(part: &mut Component<'_>, cidr: Ipv4Net) -> In<VpcId> {
    let dns = VpcSpec { cidr, dns_support: true, dns_hostnames: true, tags: Tags::new() };
    let vpc = part.add::<Vpc>("vpc", dns);
    part.comes_from(&vpc, "cidr", "networking.vpc_cidr");
    vpc.id()
}

/// Describes new subnets with a route table of their own; returns them and their way to the internet.
fn new_subnets(
    part: &mut Component<'_>,
    config: &Config,
    site: &Site,
    vpc: &In<VpcId>,
    gateway: Option<&InternetGatewayId>,
) -> (Vec<In<SubnetId>>, Vec<Address>) {
    let subnets = subnets(part, config, site, vpc);
    let route_table = part.add::<RouteTable>("route-table", RouteTableSpec { vpc: vpc.clone(), tags: Tags::new() });
    let mut way_out = Vec::new();
    for (number, subnet) in (1..).zip(&subnets) {
        let spec = RouteTableAssociationSpec { route_table: route_table.id(), subnet: subnet.clone() };
        let association = part.add::<RouteTableAssociation>(&format!("route-table-association-{number}"), spec);
        way_out.push(association.address().clone());
    }
    match config.networking.internet_gateway {
        true => way_out.push(public_route(part, vpc, &route_table, gateway).address().clone()),
        false => way_out.clear(),
    }
    if config.networking.s3_endpoint {
        let service = format!("com.amazonaws.{}.s3", config.region);
        let route_tables = BTreeSet::from([route_table.id()]);
        let spec = VpcEndpointSpec { vpc: vpc.clone(), service, route_tables, tags: Tags::new() };
        part.add::<VpcEndpoint>("s3-endpoint", spec);
    }
    (subnets, way_out)
}

fn subnets(part: &mut Component<'_>, config: &Config, site: &Site, vpc: &In<VpcId>) -> Vec<In<SubnetId>> {
    let places = config.networking.subnet_cidrs.iter().zip(&site.zones);
    let add = |(number, (cidr, zone)): (usize, (&Ipv4Net, &String))| {
        let spec = SubnetSpec { vpc: vpc.clone(), cidr: *cidr, zone: zone.clone(), tags: Tags::new() };
        let subnet = part.add::<Subnet>(&format!("subnet-{number}"), spec);
        part.comes_from(&subnet, "cidr", "networking.subnet_cidrs");
        part.comes_from(&subnet, "zone", "networking.availability_zones");
        subnet.id()
    };
    (1..).zip(places).map(add).collect()
}

/// Describes the route to the internet, through the gateway the VPC has or one of its own.
fn public_route(
    part: &mut Component<'_>,
    vpc: &In<VpcId>,
    route_table: &Handle<RouteTable>,
    gateway: Option<&InternetGatewayId>,
) -> Handle<Route> {
    let spec = |gateway| RouteSpec { route_table: route_table.id(), destination: ANYWHERE, gateway };
    if let Some(gateway) = gateway {
        return part.add::<Route>("public-route", spec(In::Literal(gateway.clone())));
    }
    let gateway =
        part.add::<InternetGateway>("internet-gateway", InternetGatewaySpec { vpc: vpc.clone(), tags: Tags::new() });
    let route = part.add::<Route>("public-route", spec(gateway.id()));
    part.after(&route, &gateway, "a gateway takes routes once it is attached");
    route
}

/// The security groups and their rules.
struct Groups<'a> {
    part: Component<'a>,
    config: &'a Config,
    vpc: &'a In<VpcId>,
}

impl Groups<'_> {
    fn group(&mut self, whose: &str, description: &str) -> Handle<SecurityGroup> {
        let (name, description) = (self.config.name(whose), format!("rsds: {description}"));
        let spec = SecurityGroupSpec { vpc: self.vpc.clone(), name, description, tags: Tags::new() };
        let group = self.part.add::<SecurityGroup>(&format!("{whose}-security-group"), spec);
        self.part.comes_from(&group, "vpc", self.config.networking.vpc_key());
        group
    }

    fn rule(
        &mut self,
        name: &str,
        group: &Handle<SecurityGroup>,
        direction: Direction,
        port: Option<u16>,
        peer: Peer<Draft>,
        why: &str,
    ) -> Handle<SecurityGroupRule> {
        let spec = SecurityGroupRuleSpec {
            group: group.id(),
            direction,
            protocol: if port.is_some() { Protocol::Tcp } else { Protocol::All },
            ports: port.map(|port| Ports { from: port, to: port }),
            peer,
            description: why.to_owned(),
            tags: Tags::new(),
        };
        self.part.add::<SecurityGroupRule>(name, spec)
    }

    fn ingress_from_group(
        &mut self,
        name: &str,
        to: &Handle<SecurityGroup>,
        port: u16,
        from: &Handle<SecurityGroup>,
        why: &str,
    ) -> Handle<SecurityGroupRule> {
        let from: In<SecurityGroupId> = from.id();
        self.rule(name, to, Direction::Ingress, Some(port), Peer::Group(from), why)
    }

    /// One rule for each range that may connect from outside.
    fn ingress_from_outside(&mut self, whose: &str, group: &Handle<SecurityGroup>, port: u16) {
        for cidr in &self.config.networking.allowed_cidrs {
            let name = format!("{whose}-ingress-{port}-{}", cidr.to_string().replace('/', "-"));
            let rule = self.rule(&name, group, Direction::Ingress, Some(port), Peer::Cidr(*cidr), "clients");
            self.part.comes_from(&rule, "peer", "networking.allowed_cidrs");
        }
    }

    fn egress_to_anywhere(&mut self, whose: &str, group: &Handle<SecurityGroup>) {
        let why = "S3 and AWS services";
        self.rule(&format!("{whose}-egress"), group, Direction::Egress, None, Peer::Cidr(ANYWHERE), why);
    }

    fn producer_rules(&mut self, producer: &Handle<SecurityGroup>, consumers: &Handle<SecurityGroup>) {
        let port = self.config.producer.port;
        self.ingress_from_outside("producer", producer, port);
        self.ingress_from_group("producer-ingress-consumers", producer, port, consumers, "consumers");
        self.egress_to_anywhere("producer", producer);
    }

    /// Returns the rules through which the load balancer reaches the consumers.
    fn consumer_rules(
        &mut self,
        consumers: &Handle<SecurityGroup>,
        nlb: Option<&Handle<SecurityGroup>>,
    ) -> Vec<Handle<SecurityGroupRule>> {
        let mut path = Vec::new();
        for port in self.ports(|_| true) {
            self.ingress_from_outside("consumer", consumers, port);
        }
        for port in self.ports(|behind_nlb| behind_nlb) {
            let name = format!("consumer-ingress-{port}-nlb");
            path.extend(nlb.map(|nlb| self.ingress_from_group(&name, consumers, port, nlb, "load balancer")));
        }
        self.egress_to_anywhere("consumer", consumers);
        path
    }

    /// Returns the rules through which the load balancer reaches the consumers.
    fn nlb_rules(
        &mut self,
        nlb: &Handle<SecurityGroup>,
        consumers: &Handle<SecurityGroup>,
    ) -> Vec<Handle<SecurityGroupRule>> {
        let listeners = self.config.nlb.listeners.iter().map(|listener| listener.port);
        for port in std::iter::once(self.config.nlb.port).chain(listeners) {
            self.ingress_from_outside("nlb", nlb, port);
        }
        let mut path = Vec::new();
        for port in self.ports(|behind_nlb| behind_nlb) {
            let (name, peer) = (format!("nlb-egress-{port}-consumers"), Peer::Group(consumers.id()));
            path.push(self.rule(&name, nlb, Direction::Egress, Some(port), peer, "consumers and their health checks"));
        }
        path
    }

    /// The ports of the consumers, each once.
    fn ports(&self, which: impl Fn(bool) -> bool) -> BTreeSet<u16> {
        self.config.consumers.values().filter(|c| which(c.behind_nlb)).map(|c| c.port).collect()
    }
}
