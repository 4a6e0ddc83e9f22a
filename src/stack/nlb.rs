//! The component `nlb`: the load balancer, its listener and its target group.
//!
//! Called by `build` when any group is behind it. The targets sit with their consumers: they die with them.

use super::{Stack, networking::Network};
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

/// What the consumers behind the balancer need of it.
pub(super) struct Balancer {
    pub(super) target_group: Handle<TargetGroup>,
    pub(super) listener: Handle<Listener>,
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Describes the load balancer; `None` when no group is behind one.
pub(super) fn describe(stack: &mut Stack, config: &Config, network: &Network) -> Option<Balancer> {
    let security_group = network.nlb_group.as_ref()?;
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
    if let (false, Some(route)) = (nlb.internal, &network.public_route) {
        part.after(&balancer, route, "an internet-facing load balancer needs the route to the internet");
    }
    // Targets are registered with the port of their consumer; the group's own port is only the default.
    let behind = config.consumers.values().filter(|consumer| consumer.behind_nlb);
    let target_port = behind.map(|consumer| consumer.port).min().unwrap_or(nlb.port);
    let target_group = part.add::<TargetGroup>(
        &format!("target-group-{}", nlb.port),
        TargetGroupSpec {
            name: config.target_group_name(nlb.port),
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
    network.name_keys(&mut part, &balancer);
    network.name_keys(&mut part, &target_group);
    part.comes_from(&target_group, "health_interval", "nlb.health_check.interval");
    part.comes_from(&target_group, "healthy", "nlb.health_check.healthy");
    part.comes_from(&target_group, "unhealthy", "nlb.health_check.unhealthy");
    let listener = part.add::<Listener>(
        &format!("listener-{}", nlb.port),
        ListenerSpec {
            load_balancer: balancer.arn(),
            port: nlb.port,
            target_group: target_group.arn(),
            idle_timeout: whole_seconds(nlb.idle_timeout),
            tags: Tags::new(),
        },
    );
    Some(Balancer { target_group, listener })
}
