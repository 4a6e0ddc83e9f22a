//! What AWS shows of a cluster: its spec, its outputs, and how far it is.
//!
//! Called by the kind `cluster` and by `cluster_change`. Must never call AWS.

use super::{
    cluster::{ClusterOutputs, ClusterSpec},
    ids::{ClusterArn, ClusterName, NamespaceArn, RoleArn, SecretArn, SecurityGroupId},
    number, redshift,
};
use crate::kind::{Known, Readiness};
use aws_sdk_redshift::types;
use std::{collections::BTreeSet, net::IpAddr};

/// Returns the id at the end of a namespace's ARN.
fn namespace_id(arn: &str) -> &str {
    arn.rsplit([':', '/']).next().unwrap_or_default()
}

/// Names the snapshot that the deletion of a cluster leaves: told apart from that of an earlier cluster of the name.
pub(crate) fn final_snapshot(name: &str, namespace_arn: &str) -> String {
    let hex: String = namespace_id(namespace_arn).chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("{name}-final-{hex}")
}

fn addresses(shown: &types::Cluster) -> BTreeSet<IpAddr> {
    let endpoints = shown.endpoint.as_ref().map(types::Endpoint::vpc_endpoints).unwrap_or_default();
    let interfaces = endpoints.iter().flat_map(types::VpcEndpoint::network_interfaces);
    let proxied: BTreeSet<IpAddr> =
        interfaces.filter_map(|interface| interface.private_ip_address()?.parse().ok()).collect();
    if !proxied.is_empty() {
        return proxied;
    }
    shown.cluster_nodes().iter().filter_map(|node| node.private_ip_address()?.parse().ok()).collect()
}

fn parameter_status(shown: &types::Cluster) -> Option<&str> {
    shown.cluster_parameter_groups().first()?.parameter_apply_status()
}

pub(super) fn outputs(shown: &types::Cluster, arn: ClusterArn) -> ClusterOutputs {
    let addresses = addresses(shown);
    let namespace = shown.cluster_namespace_arn();
    ClusterOutputs {
        arn,
        name: shown.cluster_identifier().map(ClusterName::from),
        endpoint: shown.endpoint.as_ref().and_then(types::Endpoint::address).map(str::to_owned),
        addresses: (!addresses.is_empty()).then_some(addresses),
        namespace_id: namespace.map(|arn| namespace_id(arn).into()),
        namespace_arn: namespace.map(NamespaceArn::from),
        parameter_status: parameter_status(shown).map(str::to_owned),
        admin_secret: shown.master_password_secret_arn().map(SecretArn::from),
    }
}

/// Tells whether changes are on their way that concern a field of the spec. A new version waits for the maintenance
/// window, which may be days away.
fn changes_are_pending(shown: &types::Cluster) -> bool {
    shown.pending_modified_values().is_some_and(|pending| {
        pending.node_type.is_some()
            || pending.number_of_nodes.is_some()
            || pending.cluster_type.is_some()
            || pending.master_user_password.is_some()
            || pending.automated_snapshot_retention_period.is_some()
            || pending.publicly_accessible.is_some()
            || pending.enhanced_vpc_routing.is_some()
            || pending.encryption_type.is_some()
    })
}

/// Says what is still happening to a cluster that is available.
fn under_way(shown: &types::Cluster, managed_password: bool) -> Option<String> {
    let availability = shown.cluster_availability_status().unwrap_or("Available");
    let role = shown.iam_roles().iter().find(|role| !matches!(role.apply_status(), Some("in-sync") | None));
    let relocation = shown.availability_zone_relocation_status().unwrap_or_default();
    match role {
        _ if !availability.eq_ignore_ascii_case("available") => Some(availability.to_owned()),
        Some(role) => Some(format!("role {} {}", role.iam_role_arn.as_deref()?, role.apply_status.as_deref()?)),
        None if relocation.starts_with("pending") => Some(format!("relocation {relocation}")),
        None if changes_are_pending(shown) => Some("changes pending".to_owned()),
        None if parameter_status(shown) == Some("applying") => Some("parameters applying".to_owned()),
        None if shown.endpoint.as_ref().and_then(types::Endpoint::address).is_none() => {
            Some("no endpoint yet".to_owned())
        }
        None if managed_password && shown.master_password_secret_arn().is_none() => {
            Some("no admin secret yet".to_owned())
        }
        None => None,
    }
}

pub(super) fn readiness(shown: &types::Cluster, managed_password: bool) -> Readiness {
    let status = shown.cluster_status().unwrap_or("available");
    let availability = shown.cluster_availability_status().unwrap_or_default();
    match status {
        "deleting" | "final-snapshot" => Readiness::Deleting(status.to_owned()),
        "hardware-failure" => Readiness::Failed(status.to_owned()),
        _ if status.starts_with("incompatible-") => Readiness::Failed(status.to_owned()),
        _ if availability.eq_ignore_ascii_case("failed") => Readiness::Failed(format!("{status}, {availability}")),
        "paused" => Readiness::Dormant(status.to_owned()),
        "available" => match under_way(shown, managed_password) {
            Some(why) => Readiness::Pending(format!("{status}, {why}")),
            None => Readiness::Ready,
        },
        _ => Readiness::Pending(status.to_owned()),
    }
}

/// Turns what DescribeClusters shows into a spec; what AWS knows nothing of is the record's.
pub(super) fn spec(shown: &types::Cluster, arn: &str, recorded: Option<&ClusterSpec<Known>>) -> ClusterSpec<Known> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let own = |role: &&types::ClusterIamRole| {
        role.apply_status() != Some("removing")
            && !role.iam_role_arn().unwrap_or_default().contains(":role/aws-service-role/")
    };
    let groups = shown.vpc_security_groups().iter().filter(|group| group.status() != Some("removing"));
    ClusterSpec {
        name: text(shown.cluster_identifier()).into(),
        database: text(shown.db_name()),
        admin_username: text(shown.master_username()),
        // No answer tells the switch itself (aws-facts.md 4).
        managed_password: shown.master_password_secret_arn().is_some(),
        node_type: text(shown.node_type()),
        node_count: number::shown(shown.number_of_nodes()),
        port: number::shown(shown.endpoint.as_ref().and_then(types::Endpoint::port)),
        kms_key: redshift::declared_key(shown.kms_key_id.clone(), arn),
        subnet_group: text(shown.cluster_subnet_group_name()).into(),
        parameter_group: text(shown.cluster_parameter_groups().first().and_then(|g| g.parameter_group_name())).into(),
        security_groups: groups.filter_map(|group| group.vpc_security_group_id()).map(SecurityGroupId::from).collect(),
        roles: shown.iam_roles().iter().filter(own).filter_map(|role| role.iam_role_arn()).map(RoleArn::from).collect(),
        default_role: shown.default_iam_role_arn().filter(|arn| !arn.is_empty()).map(RoleArn::from),
        enhanced_vpc_routing: shown.enhanced_vpc_routing().unwrap_or_default(),
        publicly_accessible: shown.publicly_accessible().unwrap_or_default(),
        multi_az: shown.multi_az().is_some_and(|on| on.eq_ignore_ascii_case("enabled") || on == "true"),
        availability_zone_relocation: shown.availability_zone_relocation_status().map(|on| on == "enabled"),
        maintenance_window: shown.preferred_maintenance_window().map(str::to_ascii_lowercase),
        snapshot_retention: number::shown(shown.automated_snapshot_retention_period()),
        final_snapshot: recorded.is_some_and(|spec| spec.final_snapshot),
        snapshot: recorded.and_then(|spec| spec.snapshot.clone()),
        tags: redshift::tags_of(shown.tags.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_redshift::types::{
        ClusterIamRole, ClusterNode, Endpoint, NetworkInterface, PendingModifiedValues, VpcEndpoint,
        builders::ClusterBuilder,
    };

    const NAMESPACE: &str = "arn:aws:redshift:eu-west-1:111122223333:namespace:edab7045-d239-4f5f-ad98-706114608952";

    fn cluster() -> ClusterBuilder {
        let endpoint = Endpoint::builder().address("dw.example").port(5440).build();
        types::Cluster::builder().cluster_identifier("dw").cluster_status("available").endpoint(endpoint)
    }

    #[test]
    fn the_final_snapshot_is_told_apart_by_the_namespace() {
        assert_eq!(final_snapshot("dw", NAMESPACE), "dw-final-edab7045");
    }

    #[test]
    fn a_cluster_is_ready_when_nothing_is_under_way() {
        assert_eq!(readiness(&cluster().build(), false), Readiness::Ready);
        let pending = |builder: ClusterBuilder| match readiness(&builder.build(), false) {
            Readiness::Pending(why) => why,
            other => panic!("{other:?}"),
        };
        let role = ClusterIamRole::builder().iam_role_arn("arn:role/r").apply_status("adding").build();
        assert_eq!(pending(cluster().iam_roles(role)), "available, role arn:role/r adding");
        assert_eq!(pending(cluster().cluster_availability_status("Maintenance")), "available, Maintenance");
        let nodes = PendingModifiedValues::builder().number_of_nodes(4).build();
        assert_eq!(pending(cluster().pending_modified_values(nodes)), "available, changes pending");
        let version = PendingModifiedValues::builder().cluster_version("1.1").build();
        assert_eq!(readiness(&cluster().pending_modified_values(version).build(), false), Readiness::Ready);
        assert_eq!(pending(cluster().cluster_status("resizing")), "resizing");
        assert_eq!(pending(types::Cluster::builder().cluster_status("available")), "available, no endpoint yet");
        let of = |status: &str| readiness(&cluster().cluster_status(status).build(), false);
        assert_eq!(of("paused"), Readiness::Dormant("paused".to_owned()));
        assert_eq!(of("final-snapshot"), Readiness::Deleting("final-snapshot".to_owned()));
        assert_eq!(of("incompatible-network"), Readiness::Failed("incompatible-network".to_owned()));
        let bare = readiness(&cluster().build(), true);
        assert_eq!(bare, Readiness::Pending("available, no admin secret yet".to_owned()));
        let failed = readiness(&cluster().cluster_availability_status("Failed").build(), false);
        assert_eq!(failed, Readiness::Failed("available, Failed".to_owned()));
    }

    #[test]
    fn addresses_are_those_of_the_proxy_where_there_is_one() {
        let node = ClusterNode::builder().private_ip_address("10.0.0.9").build();
        let bare = cluster().cluster_nodes(node);
        assert_eq!(addresses(&bare.clone().build()), ["10.0.0.9".parse().unwrap()].into());
        let interface = NetworkInterface::builder().private_ip_address("10.0.1.7").build();
        let endpoint = Endpoint::builder().vpc_endpoints(VpcEndpoint::builder().network_interfaces(interface).build());
        assert_eq!(addresses(&bare.endpoint(endpoint.build()).build()), ["10.0.1.7".parse().unwrap()].into());
    }
}
