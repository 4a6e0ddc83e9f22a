//! The table of what is read of an old state, and of what people are told of.
//!
//! Read by `tfstate` alone. Must never name an attribute that holds a secret.

/// The attributes read, by type of resource: whatever is not here is never looked at.
pub const READ: &[(&str, &[&str])] = &[
    ("aws_vpc", &["id", "cidr_block"]),
    ("aws_subnet", &["id", "vpc_id", "cidr_block", "availability_zone"]),
    ("aws_internet_gateway", &["id", "vpc_id"]),
    ("aws_route_table", &["id", "vpc_id", "route"]),
    ("aws_route", &["route_table_id", "destination_cidr_block", "gateway_id"]),
    ("aws_route_table_association", &["subnet_id", "route_table_id"]),
    ("aws_vpc_endpoint", &["id", "vpc_id", "service_name", "vpc_endpoint_type"]),
    ("aws_security_group", &["id", "vpc_id", "name", "ingress", "egress"]),
    (
        "aws_security_group_rule",
        &[
            "security_group_id",
            "type",
            "from_port",
            "to_port",
            "protocol",
            "cidr_blocks",
            "source_security_group_id",
            "self",
            "security_group_rule_id",
        ],
    ),
    ("aws_vpc_security_group_ingress_rule", &["security_group_id", "security_group_rule_id", "id"]),
    ("aws_vpc_security_group_egress_rule", &["security_group_id", "security_group_rule_id", "id"]),
    ("aws_kms_key", &["key_id", "arn"]),
    ("aws_kms_alias", &["name", "target_key_id"]),
    ("aws_iam_role", &["name", "arn", "inline_policy", "managed_policy_arns"]),
    ("aws_iam_role_policy", &["role", "name", "policy"]),
    ("aws_iam_role_policy_attachment", &["role", "policy_arn"]),
    (
        "aws_redshift_cluster",
        &[
            "cluster_identifier",
            "arn",
            "database_name",
            "master_username",
            "manage_master_password",
            "node_type",
            "number_of_nodes",
            "port",
            "kms_key_id",
            "cluster_subnet_group_name",
            "cluster_parameter_group_name",
            "vpc_security_group_ids",
            "iam_roles",
            "default_iam_role_arn",
            "enhanced_vpc_routing",
            "publicly_accessible",
            "multi_az",
            "availability_zone_relocation_enabled",
            "preferred_maintenance_window",
            "automated_snapshot_retention_period",
            "logging",
        ],
    ),
    ("aws_redshift_subnet_group", &["name", "subnet_ids"]),
    ("aws_redshift_parameter_group", &["name", "parameter"]),
    ("aws_redshift_logging", &["cluster_identifier", "log_destination_type", "log_exports"]),
    (
        "aws_redshiftserverless_namespace",
        &[
            "namespace_name",
            "arn",
            "db_name",
            "admin_username",
            "manage_admin_password",
            "kms_key_id",
            "iam_roles",
            "default_iam_role_arn",
            "log_exports",
        ],
    ),
    (
        "aws_redshiftserverless_workgroup",
        &[
            "workgroup_name",
            "arn",
            "namespace_name",
            "base_capacity",
            "max_capacity",
            "config_parameter",
            "subnet_ids",
            "security_group_ids",
            "port",
            "enhanced_vpc_routing",
            "publicly_accessible",
            "endpoint",
        ],
    ),
    ("aws_redshift_usage_limit", &["id", "cluster_identifier", "feature_type", "period", "amount", "breach_action"]),
    ("aws_cloudwatch_log_group", &["name", "retention_in_days"]),
    ("aws_redshiftserverless_endpoint_access", &["endpoint_name", "arn", "workgroup_name", "vpc_endpoint"]),
    ("aws_redshiftserverless_usage_limit", &["id", "resource_arn", "usage_type", "period", "amount", "breach_action"]),
    (
        "aws_lb",
        &[
            "arn",
            "name",
            "load_balancer_type",
            "internal",
            "subnets",
            "security_groups",
            "enable_cross_zone_load_balancing",
            "enable_deletion_protection",
        ],
    ),
    (
        "aws_lb_target_group",
        &["arn", "name", "protocol", "target_type", "deregistration_delay", "health_check", "stickiness"],
    ),
    (
        "aws_lb_listener",
        &["arn", "load_balancer_arn", "port", "protocol", "default_action", "tcp_idle_timeout_seconds"],
    ),
    ("aws_lb_target_group_attachment", &["target_group_arn", "target_id", "port"]),
];

/// Settings of AWS that rsds neither makes nor looks at, by type, with what is usual: where an old estate has another value,
/// people are told that it stays.
pub const UNTOUCHED: &[(&str, &str, &[&str])] = &[
    ("aws_vpc", "instance_tenancy", &["default"]),
    ("aws_subnet", "map_public_ip_on_launch", &["false"]),
    ("aws_kms_key", "multi_region", &["false"]),
    ("aws_iam_role", "permissions_boundary", &[]),
    ("aws_iam_role", "max_session_duration", &["3600"]),
    ("aws_redshift_cluster", "elastic_ip", &[]),
    ("aws_redshift_cluster", "maintenance_track_name", &["current"]),
    ("aws_redshiftserverless_workgroup", "track_name", &["current"]),
    ("aws_lb", "ip_address_type", &["ipv4"]),
    ("aws_lb", "dns_record_client_routing_policy", &["any_availability_zone"]),
    ("aws_lb_target_group", "preserve_client_ip", &["false"]),
    ("aws_lb_target_group", "proxy_protocol_v2", &["false"]),
    ("aws_lb_target_group", "connection_termination", &["false"]),
];

/// Names of attributes that hold secrets: nothing of that name is ever read, at any depth.
pub(super) const SECRETS: &[&str] = &["admin_user_password", "master_password", "password", "private_key", "secret"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The types and attributes that a note about this version may count.
    #[test]
    fn every_type_and_attribute_is_once_in_the_table() {
        let types: std::collections::BTreeSet<&str> = READ.iter().map(|(ty, _)| *ty).collect();
        let attributes: usize = READ.iter().map(|(_, attributes)| attributes.len()).sum();
        assert_eq!((types.len(), attributes, UNTOUCHED.len()), (READ.len(), 144, 13));
        for (ty, attributes) in READ {
            let once: std::collections::BTreeSet<&&str> = attributes.iter().collect();
            assert_eq!(once.len(), attributes.len(), "{ty}");
            assert!(attributes.iter().all(|name| !SECRETS.iter().any(|secret| name == secret)), "{ty}");
        }
    }
}
