//! The attribute keys of network load balancers, TCP target groups and TCP listeners: defaults and values.
//!
//! Called by the creates and the attribute operations. Source: aws-facts.md 7.1 to 7.3. Must never accept a key that AWS
//! has for other types only.

use std::collections::BTreeMap;

/// Load balancer: whether DeleteLoadBalancer is refused.
pub(super) const DELETION_PROTECTION: &str = "deletion_protection.enabled";
/// Load balancer and target group: whether every zone serves targets of every zone.
pub(super) const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
/// Load balancer: addresses per subnet; can only grow.
pub(super) const SECONDARY_IPS: &str = "secondary_ips.auto_assigned.per_subnet";
/// Load balancer: whether access logs are written.
pub(super) const ACCESS_LOGS: &str = "access_logs.s3.enabled";
/// Load balancer: where access logs go.
pub(super) const ACCESS_LOG_BUCKET: &str = "access_logs.s3.bucket";
/// Target group: seconds of `draining`.
pub(super) const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// What values a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Number(i64, i64),
    /// `off` or a whole number.
    OffOr(i64, i64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
}

impl Values {
    /// Whether the value is one of these.
    pub(super) fn take(self, value: &str) -> bool {
        let within = |least, most| value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number));
        match self {
            Self::Boolean => matches!(value, "true" | "false"),
            Self::Number(least, most) => within(least, most),
            Self::OffOr(least, most) => value == "off" || within(least, most),
            Self::OneOf(all) => all.contains(&value),
            Self::Text => true,
        }
    }
}

/// One key: name, default, values.
pub(super) type Key = (&'static str, &'static str, Values);

/// Keys of network load balancers.
pub(super) const BALANCER: &[Key] = &[
    (ACCESS_LOG_BUCKET, "", Values::Text),
    (ACCESS_LOGS, "false", Values::Boolean),
    ("access_logs.s3.prefix", "", Values::Text),
    (DELETION_PROTECTION, "false", Values::Boolean),
    (
        "dns_record.client_routing_policy",
        "any_availability_zone",
        Values::OneOf(&["availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone"]),
    ),
    (CROSS_ZONE, "false", Values::Boolean),
    (SECONDARY_IPS, "0", Values::Number(0, 7)),
    ("zonal_shift.config.enabled", "false", Values::Boolean),
];

/// Keys of TCP target groups of addresses.
pub(super) const GROUP: &[Key] = &[
    ("deregistration_delay.connection_termination.enabled", "false", Values::Boolean),
    (DEREGISTRATION_DELAY, "300", Values::Number(0, 3600)),
    (
        CROSS_ZONE,
        "use_load_balancer_configuration",
        Values::OneOf(&["true", "false", "use_load_balancer_configuration"]),
    ),
    ("preserve_client_ip.enabled", "false", Values::Boolean),
    ("proxy_protocol_v2.enabled", "false", Values::Boolean),
    ("stickiness.enabled", "false", Values::Boolean),
    ("stickiness.type", "source_ip", Values::OneOf(&["source_ip"])),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1", Values::OffOr(1, 1000)),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", Values::OffOr(1, 100)),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", Values::Number(1, 1000)),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", Values::OffOr(1, 100)),
    ("target_health_state.unhealthy.connection_termination.enabled", "true", Values::Boolean),
    ("target_health_state.unhealthy.draining_interval_seconds", "0", Values::Number(0, 360_000)),
];

/// Keys of TCP listeners.
pub(super) const LISTENER: &[Key] = &[("tcp.idle_timeout.seconds", "350", Values::Number(60, 6000))];

/// Every attribute with its default.
pub(super) fn defaults(keys: &[Key]) -> BTreeMap<String, String> {
    keys.iter().map(|(key, default, _)| ((*key).to_owned(), (*default).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_key() {
        for (key, default, values) in [BALANCER, GROUP, LISTENER].concat() {
            assert!(values.take(default), "{key}");
        }
        assert!(!Values::Number(60, 6000).take("59"));
        assert!(!Values::OffOr(1, 100).take("on"));
    }
}
