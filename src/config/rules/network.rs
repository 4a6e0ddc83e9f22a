//! The VPC, its zones and its subnets, and what must be reachable from outside.

use ipnet::Ipv4Net;

use super::Rules;
use crate::config::shape::Fault;
use crate::config::typed::{Vpc, Zones};

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
    routes(rules);
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
    let (count, least) = (config.networking.zones.len(), config.least_zones());
    if count < least {
        let fault = Fault::new(format!("{count} availability zones: Redshift Serverless needs at least {least}"));
        rules.error(path, fault.help(format!("write `availability_zones = {least}`")));
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
    let (count, least) = (rules.config.networking.subnet_ids.len(), rules.config.least_zones());
    if count < least {
        let who = if least > 1 { "Redshift Serverless" } else { "the estate" };
        let fault = format!("{count} subnets: {who} needs at least {least}, each in another zone");
        rules.error(path, Fault::new(fault));
    }
    let (zones, asked) = ("networking.availability_zones", rules.config.networking.zones.len());
    if rules.written(zones) && rules.sound(zones) && asked != count {
        let fault = Fault::new(format!("{asked} availability zones for {count} subnets: there must be one per zone"));
        rules.error(zones, fault.help("leave it out: the zones are those of the subnets"));
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

/// Subnets that exist have routes of their own, which rsds never touches.
fn routes(rules: &mut Rules<'_>) {
    let network = &rules.config.networking;
    if !network.uses_existing_subnets() || !rules.written(network.vpc_key()) {
        return;
    }
    if network.internet_gateway {
        let fault = Fault::new("subnets that exist keep the routes they have");
        let help =
            "leave it out: what is to be public uses the VPC's own gateway, or give `subnet_cidrs` for new subnets";
        rules.error("networking.internet_gateway", fault.help(help));
    }
    let path = "networking.s3_endpoint";
    if rules.says_yes(path) {
        let fault = Fault::new("an endpoint would change the route tables of subnets that exist");
        rules.error(
            path,
            fault.help("leave it out, or give `subnet_cidrs` for new subnets with a route table of their own"),
        );
    }
}

fn public(rules: &mut Rules<'_>) {
    let network = &rules.config.networking;
    // Whether subnets that exist have a way out is seen in AWS, not in the file.
    if network.internet_gateway || network.uses_existing_subnets() && rules.written(network.vpc_key()) {
        return;
    }
    for path in rules.config.public_keys() {
        let fault = Fault::new("reachable from outside needs an internet gateway");
        rules.error(&path, fault.help("set `internet_gateway = true` in `[networking]`"));
    }
}
