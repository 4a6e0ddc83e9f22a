//! AWS: the connection (`client`, `traffic`), its faults (`fault`, `patience`), ownership, tags, lookups, and ONE FILE PER KIND of resource.
//!
//! A new kind is one new file here and one line in the list below. Called through the list by `plan` and `apply`;
//! `stack` names the specs. What a person does by hand (`cluster_power`, `snapshots`) is no kind, and is followed to its end
//! here, as every statement is (`data_api`). Must never print or touch the state; a kind must wait for nothing else.

pub(crate) mod catalogue;
pub mod client;
mod cluster_change;
pub mod cluster_power;
pub(crate) mod cluster_restore;
pub(crate) mod cluster_shown;
pub mod data_api;
mod elb;
pub mod fault;
mod gate;
pub mod ids;
mod inside;
pub(crate) mod interface;
pub mod look;
mod lookup;
mod named;
mod namespace_role;
mod naming;
pub mod network;
mod number;
pub mod owned;
mod owner;
mod parameters;
pub mod patience;
mod permit;
pub mod policy;
mod rate;
pub(crate) mod redshift;
pub mod role_details;
mod serverless;
pub mod snapshots;
pub(crate) mod sql;
mod tag_listing;
pub mod tags;
pub mod traffic;
mod vpc_contents;
mod workgroup_blockers;
pub mod zones;

pub mod alias;
pub mod cluster;
pub mod cluster_logging;
pub mod cluster_parameter_group;
pub mod cluster_scheduled_action;
pub mod cluster_subnet_group;
pub mod cluster_usage_limit;
pub mod custom_domain;
pub mod database_role;
pub mod database_usage;
pub mod database_user;
pub mod datashare;
pub mod datashare_association;
pub mod datashare_authorization;
pub mod datashare_grant;
pub mod endpoint_access;
pub mod internet_gateway;
pub mod key;
pub mod listener;
pub mod load_balancer;
pub mod log_group;
pub mod metric_alarm;
pub mod namespace;
pub mod restore;
pub mod role;
pub mod role_member;
pub mod role_policy;
pub mod role_policy_attachment;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod scheduled_action;
pub mod secret;
pub mod security_group;
pub mod security_group_rule;
pub mod serverless_snapshot_copy;
pub mod shared_database;
pub mod snapshot_copy;
pub mod snapshot_copy_grant;
pub mod snapshot_schedule;
pub mod snapshot_schedule_association;
pub mod subnet;
pub mod subscription;
pub mod target_group;
pub mod targets;
pub mod topic;
pub mod usage_limit;
pub mod vpc;
pub mod vpc_endpoint;
pub mod workgroup;

pub use client::{Aws, Connection};
pub use fault::{Class, Fault};
pub use gate::{urgency, urgently};
pub use look::Look;
pub use owner::Owner;
pub use permit::Permit;

crate::kinds![
    vpc::Vpc,
    subnet::Subnet,
    internet_gateway::InternetGateway,
    route_table::RouteTable,
    route::Route,
    route_table_association::RouteTableAssociation,
    vpc_endpoint::VpcEndpoint,
    security_group::SecurityGroup,
    security_group_rule::SecurityGroupRule,
    role::Role,
    role_policy::RolePolicy,
    role_policy_attachment::RolePolicyAttachment,
    key::Key,
    alias::Alias,
    log_group::LogGroup,
    namespace::Namespace,
    workgroup::Workgroup,
    restore::Restore,
    endpoint_access::EndpointAccess,
    custom_domain::CustomDomain,
    usage_limit::UsageLimit,
    scheduled_action::ScheduledAction,
    serverless_snapshot_copy::ServerlessSnapshotCopy,
    cluster_subnet_group::ClusterSubnetGroup,
    cluster_parameter_group::ClusterParameterGroup,
    cluster::Cluster,
    cluster_logging::ClusterLogging,
    cluster_usage_limit::ClusterUsageLimit,
    cluster_scheduled_action::ClusterScheduledAction,
    secret::Secret,
    snapshot_schedule::SnapshotSchedule,
    snapshot_schedule_association::SnapshotScheduleAssociation,
    snapshot_copy_grant::SnapshotCopyGrant,
    snapshot_copy::SnapshotCopy,
    datashare::Datashare,
    datashare_grant::DatashareGrant,
    datashare_authorization::DatashareAuthorization,
    datashare_association::DatashareAssociation,
    shared_database::SharedDatabase,
    database_role::DatabaseRole,
    database_user::DatabaseUser,
    role_member::RoleMember,
    database_usage::DatabaseUsage,
    load_balancer::LoadBalancer,
    target_group::TargetGroup,
    listener::Listener,
    targets::Targets,
    topic::Topic,
    subscription::Subscription,
    metric_alarm::MetricAlarm,
];

/// Tells whether what is done to a kind may show late: its service is known for that (aws-facts.md 1, 2, 3).
pub fn shows_late(kind: &dyn crate::kind::AnyKind) -> bool {
    let service = kind.name().split('.').next().unwrap_or_default();
    ["ec2", "iam", "kms"].contains(&service)
}

/// Finds a kind by name.
pub fn kind(name: &str) -> Option<&'static dyn crate::kind::AnyKind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}
