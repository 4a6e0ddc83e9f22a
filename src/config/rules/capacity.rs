//! RPUs, and whether the subnets have addresses enough for them (aws-facts.md 6.2, 7.1).

use super::Rules;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{Capacity, ProducerKind, Reader};

/// Regions that offer 4 RPUs.
const SMALLEST: &[&str] = &[
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-north-1",
    "eu-west-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// Regions that offer more than 512 RPUs; AWS's own pages disagree on the last two, so both pass here.
const LARGEST: &[&str] = &["us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "eu-west-2"];
/// Addresses AWS keeps in every subnet.
const KEPT_BY_AWS: u64 = 5;
/// Free addresses a load balancer wants in every subnet.
const BALANCER: u64 = 8;
/// Free addresses a workgroup wants in every subnet without enhanced VPC routing.
const PLAIN: u64 = 3;
/// With enhanced VPC routing: up to so many RPUs, free addresses at create, free addresses when growing to it.
const ROUTED: &[(u32, u64, u64)] = &[
    (4, 9, 9),
    (8, 9, 10),
    (16, 13, 10),
    (32, 13, 13),
    (64, 21, 16),
    (128, 37, 28),
    (256, 69, 52),
    (512, 133, 100),
    (1024, 261, 197),
];
/// Workgroups an account may have unless AWS raised it.
const WORKGROUPS: u32 = 25;

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    if let ProducerKind::Serverless(capacity) = config.producer.kind {
        limits(rules, "producer", capacity);
    }
    for (group, consumer) in &config.consumers {
        limits(rules, &join("consumers", group), consumer.capacity);
    }
    quota(rules);
    addresses(rules);
}

fn limits(rules: &mut Rules<'_>, table: &str, capacity: Capacity) {
    let (base_path, max_path) = (format!("{table}.base_capacity"), format!("{table}.max_capacity"));
    let region = rules.config.region.as_str();
    let sound = rules.sound(&base_path);
    if let Some(max) = capacity.max.filter(|max| sound && *max < capacity.base) {
        let fault = format!("{max} RPUs at most are fewer than the {} it starts from (`base_capacity`)", capacity.base);
        rules.error(&max_path, Fault::new(fault));
    }
    if !rules.sound("region") {
        return;
    }
    for (path, rpu) in [(base_path, Some(capacity.base)), (max_path, capacity.max)] {
        let Some(rpu) = rpu else { continue };
        if rpu == 4 && !SMALLEST.contains(&region) {
            rules.error(&path, Fault::new(format!("4 RPUs are not offered in {region}")).help("the least there is 8"));
        }
        if rpu > 512 && !LARGEST.contains(&region) {
            rules.error(
                &path,
                Fault::new(format!("{rpu} RPUs are not offered in {region}")).help("the most there is 512"),
            );
        }
    }
}

fn workgroups(rules: &Rules<'_>) -> u32 {
    let serverless = matches!(rules.config.producer.kind, ProducerKind::Serverless(_));
    let readers: u32 = rules.config.consumers.values().map(|consumer| consumer.count).sum();
    readers + u32::from(serverless)
}

fn quota(rules: &mut Rules<'_>) {
    let count = workgroups(rules);
    if count > WORKGROUPS {
        let fault = format!("{count} workgroups in all: an account has {WORKGROUPS} unless AWS raised the quota");
        rules.warning("consumers", Fault::new(fault));
    }
}

/// Returns the free addresses one workgroup wants in every subnet.
fn wanted(capacity: Capacity, routed: bool) -> u64 {
    if !routed {
        return PLAIN;
    }
    let row = |rpu: u32| ROUTED.iter().find(|row| rpu <= row.0);
    let create = row(capacity.base).map_or(0, |row| row.1);
    let grow = capacity.max.and_then(row).map_or(0, |row| row.2);
    create.max(grow)
}

/// Returns the free addresses the whole estate wants in every subnet, and what they are for.
fn demand(rules: &Rules<'_>) -> (u64, Vec<String>) {
    let config = rules.config;
    let mut parts = Vec::new();
    if config.has_nlb() {
        parts.push((1, BALANCER, "the load balancer".to_owned()));
    }
    if let ProducerKind::Serverless(capacity) = config.producer.kind {
        parts.push((1, wanted(capacity, config.producer.enhanced_vpc_routing), "the producer".to_owned()));
    }
    for (group, consumer) in config.consumers.iter().filter(|(_, consumer)| consumer.count > 0) {
        let each = wanted(consumer.capacity, consumer.enhanced_vpc_routing);
        let last = Reader { group, number: consumer.count };
        parts.push((
            u64::from(consumer.count),
            each,
            if consumer.count == 1 { last.component() } else { format!("consumer-{group}") },
        ));
    }
    let total = parts.iter().map(|(count, each, _)| count * each).sum();
    let words = parts.iter().map(|(count, each, what)| {
        if *count == 1 { format!("{each} for {what}") } else { format!("{count} x {each} for {what}") }
    });
    (total, words.collect())
}

fn addresses(rules: &mut Rules<'_>) {
    let (needed, words) = demand(rules);
    let given = rules.written("networking.subnet_cidrs");
    let network = &rules.config.networking;
    if !rules.sound("networking.vpc_cidr") || network.subnet_cidrs.len() != network.zones.len() {
        return;
    }
    for (index, subnet) in network.subnet_cidrs.iter().enumerate() {
        let usable = (1_u64 << (32 - subnet.prefix_len())).saturating_sub(KEPT_BY_AWS);
        if usable >= needed {
            continue;
        }
        let fault = format!(
            "the subnet `{subnet}` has {usable} usable addresses, and this estate needs {needed} free in every subnet"
        );
        let fault = Fault::new(fault).help(format!("{}; a /{} has enough", words.join(", "), prefix_for(needed)));
        let path = if given { format!("networking.subnet_cidrs[{index}]") } else { "networking.vpc_cidr".to_owned() };
        rules.error(&path, fault);
        if !given {
            return;
        }
    }
}

fn prefix_for(needed: u64) -> u32 {
    let addresses = (needed + KEPT_BY_AWS).next_power_of_two();
    32_u32.saturating_sub(addresses.trailing_zeros()).min(28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_table_of_aws() {
        let at = |base, max| wanted(Capacity { base, max }, true);
        assert_eq!(at(8, None), 9);
        assert_eq!(at(8, Some(16)), 10);
        assert_eq!(at(24, None), 13);
        assert_eq!(at(128, Some(512)), 100);
        assert_eq!(at(1024, None), 261);
        assert_eq!(wanted(Capacity { base: 1024, max: None }, false), 3);
        assert_eq!(prefix_for(27), 27);
        assert_eq!(prefix_for(28), 26);
    }
}
