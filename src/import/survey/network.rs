//! The network of an old estate: its VPC, subnets and routes, the security group of each part, and their rules.
//!
//! Part of `survey`. One rule of AWS is one resource of rsds, whatever the old code made of it: a block inside a group, one
//! resource with several ranges, or one of its own.

use super::{LiveRule, Survey, warehouse::Warehouse};
use crate::{
    aws::security_group_rule::{Direction, Peer, Ports, Protocol},
    import::tfstate::TfResource,
    kind::Named,
};
use ipnet::Ipv4Net;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const ANYWHERE: &str = "0.0.0.0/0";

/// Which group is whose, and the ports that count there.
#[derive(Default)]
struct Groups<'a> {
    whose: BTreeMap<&'a str, &'static str>,
    ports: BTreeMap<&'static str, BTreeSet<u16>>,
}

impl<'a> Survey<'a> {
    /// Describes the network.
    pub(super) fn network(&mut self, warehouses: &[Warehouse<'a>]) {
        let tf = self.tf;
        let used = self.used_subnets(warehouses);
        let mut zones: BTreeMap<&str, &TfResource> = BTreeMap::new();
        for subnet in tf.of("aws_subnet").filter(|of| of.text("id").is_some_and(|id| used.contains(&id))) {
            let zone = subnet.text("availability_zone").unwrap_or_default();
            if zones.contains_key(zone) {
                self.leave(subnet, "rsds has one subnet in a zone: this one stays as it is");
            } else {
                zones.insert(zone, subnet);
            }
        }
        let borrowed = self.beyond(&zones, warehouses);
        for subnet in zones.values().copied().filter(|_| borrowed.is_some()).collect::<Vec<_>>() {
            self.leave(subnet, borrowed.unwrap_or_default());
        }
        let of_interface = warehouses.iter().find_map(|one| {
            let endpoint = one.workgroup?.blocks("endpoint").first()?["vpc_endpoint"].as_array()?.first()?;
            endpoint["vpc_id"].as_str()
        });
        let of_group = tf.of("aws_security_group").find_map(|of| of.text("vpc_id"));
        let vpc = zones.values().find_map(|of| of.text("vpc_id")).or(of_interface).or(of_group).unwrap_or_default();
        match tf.of("aws_vpc").find(|of| of.text("id") == Some(vpc)) {
            Some(of) if !zones.is_empty() && borrowed.is_none() => {
                self.assign("networking", "vpc", of, "ec2.vpc", vpc);
                self.set("networking", "vpc_cidr", json!(of.text("cidr_block")));
            }
            Some(of) => {
                self.leave(of, "its subnets are not in this state: it is used as it is");
                self.set("networking", "vpc_id", json!(vpc));
            }
            None => self.set("networking", "vpc_id", json!(vpc)),
        }
        if zones.is_empty() || borrowed.is_some() {
            let used: Vec<&str> = match borrowed {
                Some(_) => zones.values().filter_map(|of| of.text("id")).collect(),
                None => used,
            };
            self.set("networking", "subnet_ids", json!(used));
        } else {
            let cidrs: Vec<&str> = zones.values().filter_map(|of| of.text("cidr_block")).collect();
            self.set("networking", "subnet_cidrs", json!(cidrs));
            self.set("networking", "availability_zones", json!(zones.keys().collect::<Vec<_>>()));
            let subnets: Vec<&TfResource> = zones.values().copied().collect();
            self.routes(vpc, &subnets);
        }
        self.groups(warehouses);
    }

    /// Says why subnets are none that rsds could have made: then they are used as they are.
    fn beyond(&self, zones: &BTreeMap<&str, &'a TfResource>, warehouses: &[Warehouse<'a>]) -> Option<&'static str> {
        let serverless = warehouses.iter().any(|one| one.workgroup.is_some());
        if !zones.is_empty() && zones.len() < 3 && serverless {
            return Some("rsds makes subnets in three zones, and this estate has fewer: they are used as they are");
        }
        let range = |of: &TfResource| of.text("cidr_block").and_then(|cidr| cidr.parse::<Ipv4Net>().ok());
        let vpc = zones.values().find_map(|of| of.text("vpc_id"));
        let primary = self.tf.of("aws_vpc").find(|of| of.text("id") == vpc).and_then(range)?;
        let within = zones.values().all(|of| range(of).is_some_and(|cidr| primary.contains(&cidr)));
        (!within)
            .then_some("they lie in a second range of the VPC, and rsds makes VPCs of one: they are used as they are")
    }

    /// The subnets that anything lies in, in the order in which they are named.
    fn used_subnets(&self, warehouses: &[Warehouse<'a>]) -> Vec<&'a str> {
        let of_cluster = warehouses.iter().filter_map(|one| one.cluster?.text("cluster_subnet_group_name"));
        let groups: Vec<&str> = of_cluster.collect();
        let of_groups =
            self.tf.of("aws_redshift_subnet_group").filter(|of| of.text("name").is_some_and(|n| groups.contains(&n)));
        let of_groups = of_groups.flat_map(|of| of.texts("subnet_ids"));
        let of_workgroups = warehouses.iter().filter_map(|one| one.workgroup).flat_map(|of| of.texts("subnet_ids"));
        let of_balancer = self.balancer_of(warehouses).map(|found| found.of.texts("subnets")).unwrap_or_default();
        let mut seen = BTreeSet::new();
        of_groups.chain(of_workgroups).chain(of_balancer).filter(|id| seen.insert(*id)).collect()
    }

    fn routes(&mut self, vpc: &str, subnets: &[&'a TfResource]) {
        let tf = self.tf;
        for (number, subnet) in (1..).zip(subnets) {
            let id = subnet.text("id").unwrap_or_default();
            self.assign("networking", &format!("subnet-{number}"), subnet, "ec2.subnet", id);
            if let Some(of) = tf.of("aws_route_table_association").find(|of| of.text("subnet_id") == Some(id)) {
                let resource = format!("route-table-association-{number}");
                self.assign("networking", &resource, of, "ec2.route-table-association", id);
            }
        }
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        let ids: BTreeSet<&str> = subnets.iter().filter_map(|of| of.text("id")).collect();
        for of in
            tf.of("aws_route_table_association").filter(|of| of.text("subnet_id").is_some_and(|id| ids.contains(id)))
        {
            *uses.entry(of.text("route_table_id").unwrap_or_default()).or_default() += 1;
        }
        let most = uses.iter().max_by_key(|(id, count)| (**count, std::cmp::Reverse(**id))).map(|(id, _)| *id);
        let table = tf.of("aws_route_table").find(|of| most.is_some() && of.text("id") == most);
        let gateway = tf.of("aws_internet_gateway").find(|of| of.text("vpc_id") == Some(vpc));
        let mut public = false;
        if let Some(of) = gateway {
            public = true;
            self.assign(
                "networking",
                "internet-gateway",
                of,
                "ec2.internet-gateway",
                of.text("id").unwrap_or_default(),
            );
        }
        if let Some(table) = table {
            let id = table.text("id").unwrap_or_default();
            self.assign("networking", "route-table", table, "ec2.route-table", id);
            let leads_out = |gateway: Option<&str>| gateway.is_some_and(|id| id.starts_with("igw-"));
            let inline = table
                .blocks("route")
                .iter()
                .any(|route| route["cidr_block"] == ANYWHERE && leads_out(route["gateway_id"].as_str()));
            let own = tf.of("aws_route").find(|of| {
                of.text("route_table_id") == Some(id)
                    && of.text("destination_cidr_block") == Some(ANYWHERE)
                    && leads_out(of.text("gateway_id"))
            });
            if let Some(of) = own.or(inline.then_some(table)) {
                public = true;
                self.assign("networking", "public-route", of, "ec2.route", &format!("{id}_{ANYWHERE}"));
            }
        }
        self.set_unless("networking", "internet_gateway", Some(json!(public)), &json!(false));
        let to_s3 = |of: &&TfResource| {
            of.text("vpc_id") == Some(vpc)
                && of.text("vpc_endpoint_type") == Some("Gateway")
                && of.text("service_name").is_some_and(|name| name.ends_with(".s3"))
        };
        match tf.of("aws_vpc_endpoint").find(to_s3) {
            Some(of) => {
                self.assign("networking", "s3-endpoint", of, "ec2.vpc-endpoint", of.text("id").unwrap_or_default());
            }
            None => self.set("networking", "s3_endpoint", json!(false)),
        }
    }

    /// Finds whose each security group is, and the place of each rule.
    fn groups(&mut self, warehouses: &[Warehouse<'a>]) {
        let tf = self.tf;
        let mut groups = Groups::default();
        let balancer = self.balancer_of(warehouses);
        let consumers = warehouses.iter().filter(|one| one.group.is_some());
        let wanted = [
            ("producer", warehouses.first().map(Warehouse::groups).unwrap_or_default()),
            ("consumer", consumers.clone().flat_map(Warehouse::groups).collect()),
            ("nlb", balancer.as_ref().map(|found| found.of.texts("security_groups")).unwrap_or_default()),
        ];
        for (whose, ids) in wanted {
            let own = |id: &&str| tf.of("aws_security_group").find(|of| of.text("id") == Some(*id));
            let free = ids.iter().filter(|id| !groups.whose.contains_key(*id)).find_map(|id| Some((*id, own(id)?)));
            if let Some((id, of)) = free {
                groups.whose.insert(id, whose);
                self.assign("networking", &format!("{whose}-security-group"), of, "ec2.security-group", id);
                let name = of.text("name").unwrap_or_default();
                self.name("networking", &format!("{whose}-security-group"), name, whose);
            }
        }
        let port = |one: &Warehouse<'_>| one.any().number("port").and_then(|port| port.try_into().ok()).unwrap_or(5439);
        groups.ports.insert("producer", warehouses.first().map(port).into_iter().collect());
        groups.ports.insert("consumer", consumers.map(port).collect());
        let listeners = balancer.into_iter().flat_map(|found| found.ports.into_iter().map(|port| port.number));
        groups.ports.insert("nlb", listeners.collect());
        self.place_rules(&groups);
    }

    fn place_rules(&mut self, groups: &Groups<'a>) {
        let mut allowed: BTreeSet<Ipv4Net> = BTreeSet::new();
        let rules = self.rules;
        for rule in rules {
            let (id, spec) = rule;
            let Some(of) = self.maker(rule) else { continue };
            let Some(whose) = groups.whose.get(spec.group.as_str()) else { continue };
            match groups.place(whose, rule) {
                Some(resource) => {
                    if let (Direction::Ingress, Peer::Cidr(net)) = (spec.direction, &spec.peer) {
                        allowed.insert(*net);
                    }
                    let named = Named { id: Some(id.clone()), ..Named::default() };
                    self.put("networking", &resource, of, "ec2.security-group-rule", named);
                }
                None => {
                    let why = "rsds lets nobody pass that way: the rule stays while its group does";
                    match of.ty.as_str() {
                        // A block within a group has no address of its own.
                        "aws_security_group" => {
                            self.layout.left.insert(format!("{} (rule {id})", of.address), why.to_owned());
                        }
                        _ => self.leave(of, why),
                    }
                }
            }
        }
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        self.set_unless("networking", "allowed_cidrs", Some(json!(allowed)), &json!([]));
    }

    /// The old resource that made a rule: one of its own, or the group whose block it is.
    fn maker(&self, (id, spec): &LiveRule) -> Option<&'a TfResource> {
        let tf = self.tf;
        let types =
            ["aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"];
        let own: Vec<&TfResource> = types
            .into_iter()
            .flat_map(|ty| tf.of(ty))
            .filter(|of| of.text("security_group_id") == Some(spec.group.as_str()))
            .collect();
        let by_id = |of: &&TfResource| [of.text("security_group_rule_id"), of.text("id")].contains(&Some(id.as_str()));
        let same = |of: &&TfResource| {
            let way = if spec.direction == Direction::Ingress { "ingress" } else { "egress" };
            let ends = spec.ports.map(|Ports { from, to }| (u64::from(from), u64::from(to)));
            let ports = of.number("from_port").zip(of.number("to_port")).filter(|_| spec.protocol != Protocol::All);
            let peer = match &spec.peer {
                Peer::Cidr(net) => of.texts("cidr_blocks").contains(&net.to_string().as_str()),
                Peer::Group(group) => {
                    let to_self = of.flag("self") == Some(true) && group == &spec.group;
                    to_self || of.text("source_security_group_id") == Some(group.as_str())
                }
                Peer::Other(_) => false,
            };
            of.text("type") == Some(way) && ports == ends && peer
        };
        let group = || tf.of("aws_security_group").find(|of| of.text("id") == Some(spec.group.as_str()));
        own.iter().copied().find(by_id).or_else(|| own.iter().copied().find(same)).or_else(group)
    }
}

impl Groups<'_> {
    /// The resource that a rule of somebody's group is to rsds; none where it is no such rule.
    fn place(&self, whose: &str, (_, spec): &LiveRule) -> Option<String> {
        let port = match (&spec.protocol, spec.ports) {
            (Protocol::Tcp, Some(Ports { from, to })) if from == to => Some(from),
            _ => None,
        };
        let counts = |whose: &str| port.filter(|port| self.ports.get(whose).is_some_and(|ports| ports.contains(port)));
        let peer = match &spec.peer {
            Peer::Group(group) => self.whose.get(group.as_str()).copied(),
            Peer::Cidr(_) | Peer::Other(_) => None,
        };
        match (spec.direction, &spec.peer, peer) {
            (Direction::Ingress, Peer::Cidr(net), _) => {
                let net = net.to_string().replace('/', "-");
                counts(whose).map(|port| format!("{whose}-ingress-{port}-{net}"))
            }
            (Direction::Ingress, _, Some("consumer")) if whose == "producer" => {
                counts("producer").map(|_| "producer-ingress-consumers".to_owned())
            }
            (Direction::Ingress, _, Some("nlb")) if whose == "consumer" => {
                counts("consumer").map(|port| format!("consumer-ingress-{port}-nlb"))
            }
            (Direction::Egress, Peer::Cidr(net), _) if spec.protocol == Protocol::All && net.prefix_len() == 0 => {
                (whose != "nlb").then(|| format!("{whose}-egress"))
            }
            (Direction::Egress, _, Some("consumer")) if whose == "nlb" => {
                counts("consumer").map(|port| format!("nlb-egress-{port}-consumers"))
            }
            _ => None,
        }
    }
}
