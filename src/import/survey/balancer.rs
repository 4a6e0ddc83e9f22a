//! The load balancer of an old estate: its listeners, target groups and targets, and which readers are behind it.
//!
//! Part of `survey`. Must never take a target for a reader's that is not one of its addresses.

use super::{Survey, warehouse::Warehouse};
use crate::{aws::kind, import::tfstate::TfResource};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// A load balancer that rsds can have.
pub(super) struct Balancer<'a> {
    pub(super) of: &'a TfResource,
    /// Its ports, the one over every reader first.
    pub(super) ports: Vec<Port<'a>>,
}

/// One listener and the group it sends to.
pub(super) struct Port<'a> {
    pub(super) number: u16,
    listener: &'a TfResource,
    group: &'a TfResource,
    /// The addresses in it.
    targets: Vec<&'a TfResource>,
}

impl<'a> Survey<'a> {
    /// Finds the load balancer: the one that sends to these warehouses, else the only one.
    pub(super) fn balancer_of(&self, warehouses: &[Warehouse<'a>]) -> Option<Balancer<'a>> {
        let all: BTreeSet<&str> = warehouses
            .iter()
            .flat_map(|one| {
                let (own, managed) = one.addresses();
                own.into_iter().chain(managed)
            })
            .collect();
        let ours = |port: &Port<'_>| {
            port.targets.iter().filter(|of| all.contains(of.text("target_id").unwrap_or_default())).count()
        };
        let network = self.tf.of("aws_lb").filter(|of| of.text("load_balancer_type") == Some("network"));
        let mut found: Vec<Balancer<'a>> = network.map(|of| Balancer { of, ports: self.ports_of(of) }).collect();
        found.retain(|balancer| !balancer.ports.is_empty());
        found.sort_by_key(|balancer| std::cmp::Reverse(balancer.ports.iter().map(ours).sum::<usize>()));
        let mut first = found.into_iter().next()?;
        first.ports.sort_by_key(|port| (std::cmp::Reverse(ours(port)), port.number));
        Some(first)
    }

    fn ports_of(&self, balancer: &TfResource) -> Vec<Port<'a>> {
        let tf = self.tf;
        let listeners = tf.of("aws_lb_listener").filter(|of| of.text("load_balancer_arn") == balancer.text("arn"));
        let plain = listeners.filter(|of| of.text("protocol") == Some("TCP"));
        let port = |listener: &'a TfResource| {
            let arn = target_of(listener)?;
            let group = tf.of("aws_lb_target_group").find(|of| of.text("arn") == Some(arn))?;
            let fits = group.text("target_type") == Some("ip") && group.text("protocol") == Some("TCP");
            let targets = tf.of("aws_lb_target_group_attachment").filter(|of| of.text("target_group_arn") == Some(arn));
            let number = listener.number("port")?.try_into().ok()?;
            fits.then(|| Port { number, listener, group, targets: targets.collect() })
        };
        plain.filter_map(port).collect()
    }

    /// Describes the load balancer; returns the groups of readers behind it.
    pub(super) fn balancer(&mut self, warehouses: &[Warehouse<'a>]) -> BTreeSet<String> {
        let Some(Balancer { of, ports }) = self.balancer_of(warehouses) else { return BTreeSet::new() };
        let readers: Vec<&Warehouse<'a>> = warehouses.iter().filter(|one| one.group.is_some()).collect();
        if readers.is_empty() {
            self.leave(of, "without consumers rsds has no load balancer: this one stays as it is");
            return BTreeSet::new();
        }
        let behind = |port: &Port<'_>| -> BTreeSet<String> {
            let has = |one: &&&Warehouse<'a>| !targets_of(port, one).is_empty();
            readers.iter().filter(has).filter_map(|one| one.group.clone()).collect()
        };
        // With nothing but strangers behind it, it waits for all of them.
        let mut groups: BTreeSet<String> = ports.iter().flat_map(&behind).collect();
        if groups.is_empty() {
            groups = readers.iter().filter_map(|one| one.group.clone()).collect();
        }
        let arn = of.text("arn").unwrap_or_default();
        self.assign("nlb", "load-balancer", of, "elasticloadbalancing.load-balancer", arn);
        self.name("nlb", "load-balancer", of.text("name").unwrap_or_default(), "nlb");
        self.keys(of, &ports[0], &readers);
        let mut more = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let served = behind(port);
            if index > 0 && served.is_empty() {
                self.leave(port.listener, "it sends to none of these readers: it stays as it is");
                self.leave(port.group, "it has none of these readers: it stays as it is");
                continue;
            }
            if index > 0 {
                more.push(json!({ "port": port.number, "consumers": served }));
            }
            self.port(port, index == 0, &readers);
        }
        self.set_unless("nlb", "listeners", Some(json!(more)), &json!([]));
        groups
    }

    fn keys(&mut self, of: &TfResource, port: &Port<'a>, readers: &[&Warehouse<'a>]) {
        let flag = |of: &TfResource, key: &str| of.flag(key).map(Json::from);
        let seconds = |number: Option<u64>| number.map(|seconds| json!(format!("{seconds}s")));
        self.layout.sections.push(("nlb".to_owned(), Vec::new()));
        self.set_unless("nlb", "internal", flag(of, "internal"), &json!(true));
        self.set_unless("nlb", "port", Some(json!(port.number)), &json!(5439));
        self.set_unless("nlb", "cross_zone", flag(of, "enable_cross_zone_load_balancing"), &json!(true));
        self.set_unless("nlb", "deletion_protection", flag(of, "enable_deletion_protection"), &json!(false));
        let idle = port.listener.number("tcp_idle_timeout_seconds").unwrap_or(350);
        self.set_unless("nlb", "idle_timeout", seconds(Some(idle)), &json!("6000s"));
        let delay = port.group.number("deregistration_delay");
        self.set_unless("nlb", "deregistration_delay", seconds(delay), &json!("120s"));
        let sticky = port.group.blocks("stickiness").first().and_then(|block| block["enabled"].as_bool());
        self.set_unless("nlb", "stickiness", sticky.map(Json::from), &json!(false));
        if let Some(check) = port.group.blocks("health_check").first() {
            let mut table = serde_json::Map::new();
            let number = |key: &str| check[key].as_u64();
            for (key, value, usual) in [
                ("interval", seconds(number("interval")), json!("10s")),
                ("healthy", number("healthy_threshold").map(Json::from), json!(2)),
                ("unhealthy", number("unhealthy_threshold").map(Json::from), json!(2)),
            ] {
                table.extend(value.filter(|value| *value != usual).map(|value| (key.to_owned(), value)));
            }
            self.set_unless("nlb", "health_check", Some(Json::Object(table)), &json!({}));
        }
        let managed = |one: &&&Warehouse<'a>| {
            let (own, managed) = one.addresses();
            let hit = |all: &BTreeSet<&str>| {
                port.targets.iter().any(|of| all.contains(of.text("target_id").unwrap_or_default()))
            };
            hit(&managed) && !hit(&own)
        };
        if readers.iter().any(|one| managed(&one)) {
            self.set("nlb", "targets", json!("endpoint"));
        }
    }

    fn port(&mut self, port: &Port<'a>, first: bool, readers: &[&Warehouse<'a>]) {
        let (number, arn) = (port.number, port.group.text("arn").unwrap_or_default());
        let group = format!("target-group-{number}");
        self.assign("nlb", &group, port.group, "elasticloadbalancing.target-group", arn);
        self.name("nlb", &group, port.group.text("name").unwrap_or_default(), &number.to_string());
        let listener = port.listener.text("arn").unwrap_or_default();
        self.assign("nlb", &format!("listener-{number}"), port.listener, "elasticloadbalancing.listener", listener);
        let resource = if first { "targets".to_owned() } else { format!("targets-{number}") };
        for one in readers {
            let of = targets_of(port, one);
            let Some(at) = of.first().map(|of| of.number("port").unwrap_or(number.into())) else { continue };
            let addresses: Vec<&str> = of.iter().filter_map(|of| of.text("target_id")).collect();
            let text = format!("{arn}|{at}|{}", addresses.join(","));
            let named = kind("elasticloadbalancing.targets").and_then(|kind| kind.named(&text));
            for (of, named) in of.iter().zip(std::iter::repeat(named)).filter_map(|(of, named)| Some((of, named?))) {
                self.put(&one.component, &resource, of, "elasticloadbalancing.targets", named);
            }
        }
        for of in port.targets.iter().filter(|of| !self.seen.contains(of.address.as_str())).collect::<Vec<_>>() {
            let ip = of.text("target_id").unwrap_or_default();
            let why = format!(
                "{ip} is no address of a consumer here: it stays registered; to take it out: aws elbv2 \
                 deregister-targets --target-group-arn {arn} --targets Id={ip}"
            );
            self.leave(of, &why);
        }
    }
}

/// The old target attachments of one reader at a port.
fn targets_of<'a>(port: &Port<'a>, one: &Warehouse<'a>) -> Vec<&'a TfResource> {
    let (own, managed) = one.addresses();
    let is = |of: &&&TfResource| of.text("target_id").is_some_and(|ip| own.contains(ip) || managed.contains(ip));
    port.targets.iter().filter(is).copied().collect()
}

/// Where a listener sends to.
fn target_of(listener: &TfResource) -> Option<&str> {
    let action = listener.blocks("default_action").first()?;
    let single = action["target_group_arn"].as_str().filter(|arn| !arn.is_empty());
    single.or_else(|| action["forward"].as_array()?.first()?["target_group"].as_array()?.first()?["arn"].as_str())
}
