//! Network interfaces as what holds a network: who has one, and whether it goes by itself.
//!
//! Called by the `blockers` of groups, subnets, gateways and VPCs, and by `apply` to see when they are gone. Must never change one: they belong to their owners.

use super::{Aws, Fault, fault::Called, lookup::ec2_filters_by};
use crate::kind::Blocker;
use aws_sdk_ec2::types::NetworkInterface;
use std::collections::BTreeSet;

/// The IAM action of looking.
pub(super) const DESCRIBE: &str = "ec2:DescribeNetworkInterfaces";

/// Reads the interfaces whose `name` (a filter) is one of `values`.
pub(super) async fn interfaces<'a>(
    aws: &Aws,
    name: &str,
    values: impl Iterator<Item = &'a str>,
) -> Result<Vec<NetworkInterface>, Fault> {
    let mut found = Vec::new();
    for filters in ec2_filters_by(name, values) {
        let pages = aws.ec2.describe_network_interfaces().set_filters(Some(filters)).into_paginator().items().send();
        let more: Vec<_> = pages.collect::<Result<_, _>>().called(DESCRIBE).await?;
        found.extend(more);
    }
    found.sort_by(|one, other| one.network_interface_id.cmp(&other.network_interface_id));
    Ok(found)
}

/// Tells whether what blocks is an interface.
pub(crate) fn is_one(blocker: &Blocker) -> bool {
    blocker.id.starts_with("eni-")
}

/// Reads which of these interfaces are still there.
pub(crate) async fn still_there<'a>(aws: &Aws, ids: impl Iterator<Item = &'a str>) -> Result<BTreeSet<String>, Fault> {
    let found = interfaces(aws, "network-interface-id", ids).await?;
    Ok(found.into_iter().filter_map(|interface| interface.network_interface_id).collect())
}

/// Reads the interfaces with a public address in these VPCs: they hold the VPC's internet gateway.
pub(super) async fn public<'a>(aws: &Aws, vpcs: impl Iterator<Item = &'a str>) -> Result<Vec<NetworkInterface>, Fault> {
    let all = interfaces(aws, "vpc-id", vpcs).await?;
    Ok(all.into_iter().filter(|interface| interface.association.is_some()).collect())
}

/// Tells what holds on by an interface: its owner by the description AWS gives it, the service that asked for it or the
/// instance it is attached to, and its address.
pub(super) fn blocker(interface: &NetworkInterface) -> Blocker {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let managed = interface.requester_managed == Some(true);
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let whose = match (managed, instance) {
        (true, _) => interface.requester_id().unwrap_or("an AWS service").to_owned(),
        (false, Some(instance)) => format!("instance {instance}"),
        (false, None) => "nobody's instance".to_owned(),
    };
    let address = text(interface.private_ip_address());
    let parts = [text(interface.description()), whose, address.clone()];
    let what: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let owner = interface.description().and_then(|words| words.rsplit(' ').next()).unwrap_or_default();
    Blocker::new(text(interface.network_interface_id()), what.join(", "))
        .marked([owner.to_owned(), address, text(instance)])
        .passing(managed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    #[test]
    fn an_interface_tells_its_owner() {
        let interface = |description: &str| {
            NetworkInterface::builder()
                .network_interface_id("eni-1")
                .description(description)
                .private_ip_address("10.0.1.5")
        };
        let of_balancer = interface("ELB net/dev/0a").requester_managed(true).requester_id("amazon-elb").build();
        let lingers = blocker(&of_balancer);
        assert_eq!(lingers.to_string(), "eni-1 (ELB net/dev/0a, amazon-elb, 10.0.1.5)");
        assert!(lingers.passing && lingers.is_named_by("arn:x:loadbalancer/net/dev/0a"));
        let attached = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let of_instance = blocker(&interface("").attachment(attached).build());
        assert_eq!(of_instance.to_string(), "eni-1 (instance i-1, 10.0.1.5)");
        assert!(!of_instance.passing);
        assert_eq!(blocker(&interface("spare").build()).to_string(), "eni-1 (spare, nobody's instance, 10.0.1.5)");
    }
}
