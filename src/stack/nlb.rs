//! The component `nlb`: the load balancer, and for each of its ports a listener with a target group.
//!
//! Called by `build` when any group is behind it. The targets sit with their consumers: they die with them.

use super::{Component, Stack, monitoring::Watch, networking::Network};
use crate::{
    aws::{
        listener::{Listener, ListenerSpec},
        load_balancer::{LoadBalancer, LoadBalancerSpec},
        target_group::{TargetGroup, TargetGroupSpec},
    },
    config::typed::Config,
    kind::{Handle, Tags},
};
use std::{collections::BTreeSet, time::Duration};

/// One port of the balancer, as the consumers behind it need it.
pub(super) struct Port {
    pub(super) number: u16,
    pub(super) target_group: Handle<TargetGroup>,
    pub(super) listener: Handle<Listener>,
    /// The resource that a consumer's targets of this port are.
    pub(super) targets: String,
    /// The groups it sends to; `None`: all that are behind the balancer.
    groups: Option<BTreeSet<String>>,
}

impl Port {
    /// Tells whether it sends to the group, which is behind the balancer.
    pub(super) fn sends_to(&self, group: &str) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.contains(group))
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Describes the load balancer and its ports, the one over every group first; none when no group is behind one.
pub(super) fn describe(stack: &mut Stack, config: &Config, network: &Network, watch: &Watch<'_>) -> Vec<Port> {
    let Some(security_group) = &network.nlb_group else { return Vec::new() };
    let nlb = &config.nlb;
    let mut part = stack.component("nlb", "nlb");
    let balancer = part.add::<LoadBalancer>(
        "load-balancer",
        LoadBalancerSpec {
            name: config.nlb_name(),
            internal: nlb.internal,
            vpc: network.vpc.clone(),
            subnets: network.subnet_ids(),
            security_groups: BTreeSet::from([security_group.id()]),
            cross_zone: nlb.cross_zone,
            deletion_protection: nlb.deletion_protection,
            tags: Tags::new(),
        },
    );
    network.name_keys(&mut part, &balancer);
    if !nlb.internal {
        part.after_all(&balancer, &network.way_out, "an internet-facing load balancer needs the route to the internet");
    }
    watch.balancer(&mut part, &balancer);
    let mut ports = vec![port(&mut part, config, network, watch, &balancer, (nlb.port, None))];
    for (index, listener) in nlb.listeners.iter().enumerate() {
        let mut part = stack.component("nlb", &format!("nlb.listeners[{index}]"));
        let groups = listener.consumers.iter().cloned().collect();
        ports.push(port(&mut part, config, network, watch, &balancer, (listener.port, Some(groups))));
    }
    ports
}

/// Describes the listener on one port and its target group.
fn port(
    part: &mut Component<'_>,
    config: &Config,
    network: &Network,
    watch: &Watch<'_>,
    balancer: &Handle<LoadBalancer>,
    (number, groups): (u16, Option<BTreeSet<String>>),
) -> Port {
    let nlb = &config.nlb;
    // Targets are registered with the port of their consumer; the group's own port is only the default.
    let served = config.consumers.iter().filter(|(group, consumer)| {
        consumer.behind_nlb && groups.as_ref().is_none_or(|groups| groups.contains(*group))
    });
    let target_port = served.map(|(_, consumer)| consumer.port).min().unwrap_or(number);
    let target_group = part.add::<TargetGroup>(
        &format!("target-group-{number}"),
        TargetGroupSpec {
            name: config.target_group_name(number),
            vpc: network.vpc.clone(),
            port: target_port,
            health_interval: whole_seconds(nlb.health_check.interval),
            healthy: nlb.health_check.healthy,
            unhealthy: nlb.health_check.unhealthy,
            deregistration_delay: whole_seconds(nlb.deregistration_delay),
            stickiness: nlb.stickiness,
            tags: Tags::new(),
        },
    );
    network.name_keys(part, &target_group);
    for (field, key) in [
        ("health_interval", "nlb.health_check.interval"),
        ("healthy", "nlb.health_check.healthy"),
        ("unhealthy", "nlb.health_check.unhealthy"),
        ("deregistration_delay", "nlb.deregistration_delay"),
        ("stickiness", "nlb.stickiness"),
    ] {
        part.comes_from(&target_group, field, key);
    }
    let listener = part.add::<Listener>(
        &format!("listener-{number}"),
        ListenerSpec {
            load_balancer: balancer.arn(),
            port: number,
            target_group: target_group.arn(),
            idle_timeout: whole_seconds(nlb.idle_timeout),
            tags: Tags::new(),
        },
    );
    part.comes_from(&listener, "idle_timeout", "nlb.idle_timeout");
    // The targets of the port over every group keep one name, whatever port that is.
    let targets = groups.as_ref().map_or_else(|| "targets".to_owned(), |_| format!("targets-{number}"));
    let port = Port { number, target_group, listener, targets, groups };
    watch.targets(part, balancer, &port);
    port
}
