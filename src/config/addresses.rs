//! How many free addresses the estate wants in every subnet, part by part (aws-facts.md 6.2, 7.1).
//!
//! Used by the rules, for the subnets that are made, and by `stack::existing`, for those that exist. It never knows
//! what is free.

use super::typed::{Capacity, Config, NlbTargets, ProducerKind};

/// Addresses AWS keeps in every subnet.
pub(super) const KEPT_BY_AWS: u64 = 5;
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

/// What one part of the estate wants of every subnet it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its component: `nlb`, `producer`, `consumer-analytics-1`.
    pub component: String,
    /// The resource that takes the addresses: `load-balancer`, `cluster`, `workgroup`.
    pub resource: &'static str,
    /// The capacity of a workgroup, and whether it routes through the VPC.
    pub workgroup: Option<(Capacity, bool)>,
    /// Free addresses to create it.
    pub create: u64,
    /// Free addresses to change the capacity of one that stands.
    pub grow: u64,
    group: Option<String>,
}

/// Lists what the parts of the estate want, the load balancer first.
#[must_use]
pub fn wants(config: &Config) -> Vec<Want> {
    let workgroup = |component: String, group, capacity, routed| Want {
        component,
        resource: "workgroup",
        workgroup: Some((capacity, routed)),
        create: wanted(capacity, routed),
        grow: grown(capacity, routed),
        group,
    };
    let other = |component: &str, resource, create| Want {
        component: component.to_owned(),
        resource,
        workgroup: None,
        create,
        grow: 0,
        group: None,
    };
    let mut all = Vec::new();
    if config.has_nlb() {
        all.push(other("nlb", "load-balancer", BALANCER));
    }
    all.push(match &config.producer.kind {
        ProducerKind::Serverless(capacity) => {
            workgroup("producer".to_owned(), None, *capacity, config.producer.enhanced_vpc_routing)
        }
        // A node each, and a leader beside them where there are several; AWS chooses the subnet.
        ProducerKind::Cluster(cluster) => {
            let nodes = u64::from(cluster.node_count);
            other("producer", "cluster", nodes + u64::from(nodes > 1))
        }
    });
    all.extend(config.readers().map(|(reader, consumer)| {
        let group = format!("consumer-{}", reader.group);
        let want = workgroup(reader.component(), Some(group), consumer.capacity, consumer.enhanced_vpc_routing);
        // A managed endpoint takes one address, and AWS chooses the subnet.
        let endpoint = consumer.behind_nlb && config.nlb.targets == NlbTargets::Endpoint;
        Want { create: want.create + u64::from(endpoint), ..want }
    }));
    all
}

/// Says in words what a sum of addresses is for: `8 for the load balancer, 2 x 13 for consumer-analytics`.
#[must_use]
pub fn words<'a>(parts: impl IntoIterator<Item = (&'a Want, u64)>) -> String {
    let mut rows: Vec<(u32, u64, &Want)> = Vec::new();
    for (want, each) in parts {
        match rows.last_mut() {
            Some((count, same, row)) if want.group.is_some() && row.group == want.group && *same == each => *count += 1,
            _ => rows.push((1, each, want)),
        }
    }
    let row = |(count, each, want): &(u32, u64, &Want)| match (*count, &want.group, want.component.as_str()) {
        (2.., Some(group), _) => format!("{count} x {each} for {group}"),
        (_, _, "nlb") => format!("{each} for the load balancer"),
        (_, _, "producer") => format!("{each} for the producer"),
        (_, _, component) => format!("{each} for {component}"),
    };
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}

fn row(rpu: u32) -> Option<&'static (u32, u64, u64)> {
    ROUTED.iter().find(|row| rpu <= row.0)
}

/// Returns the free addresses one workgroup wants in every subnet.
fn wanted(capacity: Capacity, routed: bool) -> u64 {
    if !routed {
        return PLAIN;
    }
    row(capacity.base).map_or(0, |row| row.1).max(capacity.max.and_then(row).map_or(0, |row| row.2))
}

/// Returns the free addresses one workgroup that stands wants in every subnet to reach its capacity.
fn grown(capacity: Capacity, routed: bool) -> u64 {
    if routed { row(capacity.max.unwrap_or(capacity.base)).map_or(0, |row| row.2) } else { PLAIN }
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
        assert_eq!(grown(Capacity { base: 8, max: Some(128) }, true), 28);
    }

    #[test]
    fn equal_readers_of_a_group_share_their_words() {
        let want = |component: &str, group: Option<&str>| Want {
            component: component.to_owned(),
            resource: "workgroup",
            workgroup: None,
            create: 0,
            grow: 0,
            group: group.map(str::to_owned),
        };
        let all = [
            want("nlb", None),
            want("producer", None),
            want("consumer-a-1", Some("consumer-a")),
            want("consumer-a-2", Some("consumer-a")),
            want("consumer-b-1", Some("consumer-b")),
        ];
        assert_eq!(
            words(all.iter().zip([8, 9, 13, 13, 13])),
            "8 for the load balancer, 9 for the producer, 2 x 13 for consumer-a, 13 for consumer-b-1"
        );
    }
}
