//! Who reaches whom: security groups and network ACLs applied to a TCP connection between two interfaces.
//!
//! Called by elb for target health. It must never let traffic through that no rule names.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::acl;
use super::interface::{Interface, interfaces};
use super::permission::{Peer, Rule};
use super::{Ec2, World};

/// Tells whether every interface of `from_owner` may open a TCP connection to the interface at `to_ip` on `port`:
/// egress of the one side, ingress of the other. Nothing at that address, or no interface to come from: no.
pub fn reaches(world: &World, now: Timestamp, from_owner: &str, to_ip: Ipv4Addr, port: u16) -> bool {
    let sources = interfaces(world, from_owner, now);
    let ec2 = &world.ec2;
    !sources.is_empty()
        && sources.iter().all(|from| {
            at_address(ec2, &from.vpc, to_ip, now).is_some_and(|to| {
                let acl = from.subnet == to.subnet
                    || acl::lets_through(ec2, &from.vpc, true, to.address, port)
                        && acl::lets_through(ec2, &to.vpc, false, from.address, port);
                acl && passes(ec2, from, to, true, port) && passes(ec2, to, from, false, port)
            })
        })
}

fn at_address<'a>(ec2: &'a Ec2, vpc: &str, address: Ipv4Addr, now: Timestamp) -> Option<&'a Interface> {
    ec2.interfaces
        .values()
        .find(|interface| interface.vpc == vpc && interface.address == address && interface.is_visible(now))
}

/// Tells whether the groups of `own` let TCP on `port` out to, or in from, `other`. Without groups all passes.
fn passes(ec2: &Ec2, own: &Interface, other: &Interface, egress: bool, port: u16) -> bool {
    own.groups.is_empty()
        || ec2.rules.values().any(|rule| {
            rule.egress == egress && own.groups.contains(&rule.group) && rule.covers_tcp(port) && is_peer(rule, other)
        })
}

fn is_peer(rule: &Rule, other: &Interface) -> bool {
    match &rule.peer {
        Peer::V4(net) => net.contains(&other.address),
        Peer::Group(group) => other.groups.contains(group),
        // Interfaces have IPv4 addresses of a VPC only: never in an IPv6 block or a service's prefix list.
        Peer::V6(_) | Peer::PrefixList(_) => false,
    }
}
