//! The VPC, its zones and its subnets, and what must be reachable from outside.

use ipnet::Ipv4Net;

use super::Rules;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{ProducerKind, Vpc, Zones};

/// Zones AWS wants for serverless in every revision of its rules (aws-facts.md 6.2).
const SERVERLESS_ZONES: usize = 3;

pub(super) fn check(rules: &mut Rules<'_>) {
    if !rules.sound("networking") {
        return;
    }
    one_vpc(rules);
    zones(rules);
    subnet_choice(rules);
    subnet_count(rules);
    inside(rules);
    overlaps(rules);
    public(rules);
}

fn one_vpc(rules: &mut Rules<'_>) {
    const WAYS: [&str; 3] = ["networking.vpc_cidr", "networking.vpc_id", "networking.vpc_name"];
    let given: Vec<&str> = WAYS.into_iter().filter(|path| rules.written(path) || !rules.sound(path)).collect();
    match given.as_slice() {
        [] => {
            let fault = Fault::new("no VPC: exactly one of `vpc_cidr`, `vpc_id` and `vpc_name` is needed");
            rules.error("networking", fault.help("`vpc_cidr = \"10.40.0.0/16\"` creates one"));
        }
        [first, rest @ ..] => {
            for path in rest {
                let fault =
                    format!("only one of `vpc_cidr`, `vpc_id` and `vpc_name` may be given, and `{first}` is there");
                rules.error_at_key(path, Fault::new(fault));
            }
        }
    }
}

fn zones(rules: &mut Rules<'_>) {
    let config = rules.config;
    let path = "networking.availability_zones";
    let serverless = matches!(config.producer.kind, ProducerKind::Serverless(_)) || !config.consumers.is_empty();
    let count = config.networking.zones.len();
    if serverless && count < SERVERLESS_ZONES {
        let fault =
            Fault::new(format!("{count} availability zones: Redshift Serverless needs at least {SERVERLESS_ZONES}"));
        rules.error(path, fault.help(format!("write `availability_zones = {SERVERLESS_ZONES}`")));
    }
    let Zones::Names(names) = &config.networking.zones else { return };
    for (index, name) in names.iter().enumerate() {
        let letter = name.strip_prefix(&config.region).unwrap_or_default();
        if rules.sound("region") && !(letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase())) {
            let fault = Fault::new(format!("`{name}` is not an availability zone of {}", config.region));
            rules.error(&format!("{path}[{index}]"), fault.help(format!("for example `{}a`", config.region)));
        }
    }
}

fn subnet_choice(rules: &mut Rules<'_>) {
    let path = "networking.subnet_ids";
    if !rules.written(path) {
        return;
    }
    if rules.written("networking.subnet_cidrs") {
        rules.error_at_key(path, Fault::new("either existing subnets or new ones: `subnet_cidrs` is there too"));
    }
    if matches!(rules.config.networking.vpc, Vpc::New(_)) {
        let fault = Fault::new("existing subnets are in an existing VPC");
        rules.error_at_key(path, fault.help("give `vpc_id` or `vpc_name` instead of `vpc_cidr`"));
    }
    let count = rules.config.networking.subnet_ids.len();
    if count < SERVERLESS_ZONES {
        let fault =
            format!("{count} subnets: Redshift Serverless needs at least {SERVERLESS_ZONES}, each in another zone");
        rules.error(path, Fault::new(fault));
    }
}

fn subnet_count(rules: &mut Rules<'_>) {
    let network = &rules.config.networking;
    let (zones, count) = (network.zones.len(), network.subnet_cidrs.len());
    let sound = rules.sound("networking.availability_zones") && rules.sound("networking.vpc_cidr");
    if count == zones || !sound {
        return;
    }
    if rules.written("networking.subnet_cidrs") {
        let fault = format!("{count} subnets for {zones} availability zones: there must be one per zone");
        rules.error("networking.subnet_cidrs", Fault::new(fault));
    } else if rules.written("networking.vpc_cidr")
        && let Vpc::New(vpc) = network.vpc
    {
        let fault = Fault::new(format!("`{vpc}` has no room for {zones} subnets of /28, the smallest AWS allows"));
        rules.error("networking.vpc_cidr", fault.help("use a larger range, such as a /16"));
    }
}

fn inside(rules: &mut Rules<'_>) {
    let Vpc::New(vpc) = rules.config.networking.vpc else { return };
    if !rules.written("networking.vpc_cidr") {
        return;
    }
    for (index, subnet) in rules.config.networking.subnet_cidrs.iter().enumerate() {
        if !vpc.contains(subnet) {
            let fault = Fault::new(format!("the subnet `{subnet}` is outside the VPC's range `{vpc}`"));
            rules.error(&element(index), fault);
        }
    }
}

fn overlaps(rules: &mut Rules<'_>) {
    let subnets = &rules.config.networking.subnet_cidrs;
    for (index, subnet) in subnets.iter().enumerate() {
        let meets = |other: &&Ipv4Net| other.contains(subnet) || subnet.contains(*other);
        if let Some(other) = subnets[..index].iter().find(meets) {
            rules.error(&element(index), Fault::new(format!("the subnet `{subnet}` overlaps `{other}`")));
        }
    }
}

fn element(index: usize) -> String {
    format!("networking.subnet_cidrs[{index}]")
}

fn public(rules: &mut Rules<'_>) {
    let config = rules.config;
    // Whether an existing VPC has a gateway is seen in AWS, not in the file.
    if config.networking.internet_gateway || !matches!(config.networking.vpc, Vpc::New(_)) {
        return;
    }
    let consumers = config.consumers.iter().filter(|(_, consumer)| consumer.publicly_accessible);
    let mut paths: Vec<String> =
        consumers.map(|(group, _)| format!("{}.publicly_accessible", join("consumers", group))).collect();
    if config.producer.publicly_accessible {
        paths.push("producer.publicly_accessible".to_owned());
    }
    if !config.nlb.internal && config.has_nlb() {
        paths.push("nlb.internal".to_owned());
    }
    for path in paths {
        let fault = Fault::new("reachable from outside needs an internet gateway");
        rules.error(&path, fault.help("set `internet_gateway = true` in `[networking]`"));
    }
}
