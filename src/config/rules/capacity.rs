//! RPUs, and whether the subnets have addresses enough for them (aws-facts.md 6.2, 7.1).

use super::Rules;
use crate::config::addresses::{KEPT_BY_AWS, wants, words};
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{Capacity, ProducerKind};

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

fn addresses(rules: &mut Rules<'_>) {
    let wants = wants(rules.config);
    let needed: u64 = wants.iter().map(|want| want.create).sum();
    let words = words(wants.iter().map(|want| (want, want.create)));
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
        let fault = Fault::new(fault).help(format!("{words}; a /{} has enough", prefix_for(needed)));
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
    fn the_smallest_range_with_room() {
        assert_eq!(prefix_for(27), 27);
        assert_eq!(prefix_for(28), 26);
    }
}
