//! Does anything get through? From the clients to the load balancer, and from there to the consumers: the security groups'
//! rules, by the graph alone, and the network ACLs of a network that exists (aws-facts.md 7.1; 12, row 19). A health
//! check that is held up leaves targets `unhealthy` until somebody finds out why.

use super::{Case, Check};
use crate::{
    address::Address,
    kind::Tree,
    preflight::{
        finding::Finding,
        outline::Deed,
        survey::{Acl, Ask, Fact},
    },
    stack::Wanted,
};
use ipnet::Ipv4Net;
use serde_json::Value as Json;
use std::collections::BTreeSet;

pub(super) static GROUPS: Check = Check {
    name: "security-group-path",
    title: "the security groups let the load balancer reach every consumer",
    asks: groups_asks,
    run: groups,
};
pub(super) static ACLS: Check = Check {
    name: "network-acls",
    title: "no network ACL stands between the load balancer and the consumers",
    asks: acls_asks,
    run: acls,
};

const TARGETS: &str = "elasticloadbalancing.targets";
/// The lowest port that answers come back to.
const EPHEMERAL: u16 = 1024;

/// Consumers whose targets are made, with the port they listen on and what has their security groups.
fn made<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, u16, Address)> {
    case.outline.creations(TARGETS).filter_map(|deed| {
        let port = deed.number("port").try_into().ok()?;
        deed.refers_to("addresses").into_iter().next().map(|consumer| (deed, port, consumer))
    })
}

/// The groups of a resource.
fn groups_of(wanted: Option<&Wanted>) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    wanted
        .and_then(|wanted| wanted.spec.get("security_groups"))
        .into_iter()
        .for_each(|tree| tree.references(&mut found));
    found.into_iter().map(|of| of.address).collect()
}

/// One side of a connection.
struct Rule<'a> {
    group: Address,
    direction: &'a str,
    ports: Option<(u64, u64)>,
    /// A group; none: a range.
    peer: Option<Address>,
    everywhere: bool,
}

fn leaf(tree: Option<&Tree>) -> Option<&Json> {
    match tree {
        Some(Tree::Leaf(value)) => Some(value),
        _ => None,
    }
}

fn field<'a>(tree: Option<&'a Tree>, name: &str) -> Option<&'a Tree> {
    match tree {
        Some(Tree::Map(fields)) => fields.get(name),
        _ => None,
    }
}

fn rule(wanted: &Wanted) -> Option<Rule<'_>> {
    let reference = |tree: Option<&Tree>| match tree {
        Some(Tree::Ref(of)) => Some(of.address.clone()),
        _ => None,
    };
    let (ports, peer) = (wanted.spec.get("ports"), wanted.spec.get("peer"));
    let port = |name| leaf(field(ports, name)).and_then(Json::as_u64);
    let cidr = leaf(field(peer, "cidr")).and_then(Json::as_str);
    Some(Rule {
        group: reference(wanted.spec.get("group"))?,
        direction: leaf(wanted.spec.get("direction"))?.as_str()?,
        ports: port("from").zip(port("to")),
        peer: reference(field(peer, "group")),
        everywhere: cidr == Some("0.0.0.0/0"),
    })
}

fn groups_asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    made(case).next().map(|_| BTreeSet::new())
}

fn groups(case: &Case<'_>) -> Vec<Finding> {
    let wanted = || case.stack.wanted.values();
    let rules: Vec<Rule<'_>> =
        wanted().filter(|wanted| wanted.kind.name() == "ec2.security-group-rule").filter_map(rule).collect();
    let balancer = wanted().find(|wanted| wanted.kind.name() == "elasticloadbalancing.load-balancer");
    let from = groups_of(balancer);
    let lets = |direction: &str, own: &BTreeSet<Address>, other: &BTreeSet<Address>, port: u16| {
        rules.iter().any(|rule| {
            let to = rule.ports.is_none_or(|(first, last)| (first..=last).contains(&u64::from(port)));
            let peer = rule.everywhere || rule.peer.as_ref().is_some_and(|peer| other.contains(peer));
            rule.direction == direction && own.contains(&rule.group) && to && peer
        })
    };
    let told = |(deed, port, consumer): (&Deed<'_>, u16, Address)| {
        let to = groups_of(case.stack.wanted.get(&consumer));
        // Groups by their ids, of an override, are not in the graph.
        if from.is_empty() || to.is_empty() {
            return None;
        }
        let missing = [("egress", &from, &to), ("ingress", &to, &from)];
        let missing = missing.into_iter().find(|(direction, own, other)| !lets(direction, own, other, port));
        let (direction, own, _) = missing?;
        let own = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Some(
            Finding::error(vec![deed.address.clone()], "the load balancer will not reach this consumer")
                .sure(false)
                .values(
                    format!("no {direction} rule of {own} for port {port}"),
                    "one that lets the load balancer through",
                )
                .call("elasticloadbalancing:RegisterTargets")
                .help("its targets would stay unhealthy: leave out the override of these rules, or add one"),
        )
    };
    made(case).filter_map(told).collect()
}

/// The VPC that exists, and the estate's subnets there where those exist too.
fn network(case: &Case<'_>) -> Option<(String, BTreeSet<String>)> {
    let wanted =
        case.stack.wanted.values().find(|wanted| wanted.kind.name() == "elasticloadbalancing.load-balancer")?;
    let vpc = leaf(wanted.spec.get("vpc"))?.as_str()?.to_owned();
    let subnets = match wanted.spec.get("subnets") {
        Some(Tree::List(items)) => {
            items.iter().filter_map(|item| leaf(Some(item))?.as_str().map(str::to_owned)).collect()
        }
        _ => BTreeSet::new(),
    };
    Some((vpc, subnets))
}

fn acls_asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    made(case).next()?;
    network(case).map(|(vpc, _)| BTreeSet::from([Ask::NetworkAcls(vpc)]))
}

/// The first rule that decides about a range and a port.
fn decides(acl: &Acl, egress: bool, other: Ipv4Net, port: u16) -> Option<(i32, bool)> {
    let fits = |rule: &&crate::preflight::survey::AclRule| {
        let about = rule.cidr.contains(&other) || !rule.allow && other.contains(&rule.cidr);
        rule.egress == egress && (rule.ports.0..=rule.ports.1).contains(&port) && about
    };
    acl.rules.iter().find(fits).map(|rule| (rule.number, rule.allow))
}

fn acls(case: &Case<'_>) -> Vec<Finding> {
    let Some((vpc, subnets)) = network(case) else { return Vec::new() };
    let Some(Fact::Acls(acls)) = case.facts.get(&Ask::NetworkAcls(vpc)) else { return Vec::new() };
    // New subnets get the default one.
    let theirs = |acl: &&Acl| if subnets.is_empty() { acl.is_default } else { !acl.subnets.is_disjoint(&subnets) };
    let private: [Ipv4Net; 3] =
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(|net| net.parse().unwrap_or_default());
    let mut found = Vec::new();
    for acl in acls.iter().filter(theirs) {
        for (deed, port, _) in made(case) {
            // There and back: what the balancer sends to the port, and what comes back to where it called from.
            let ways = [(true, port), (false, port), (true, EPHEMERAL), (false, EPHEMERAL)];
            let range = acl.range(&private);
            let stop = ways.into_iter().find_map(|(egress, port)| match decides(acl, egress, range, port) {
                Some((number, false)) => Some((number, egress, port)),
                _ => None,
            });
            let Some((number, egress, port)) = stop else { continue };
            let way = if egress { "outbound" } else { "inbound" };
            found.push(
                Finding::error(
                    vec![deed.address.clone()],
                    "a network ACL stands between the load balancer and this consumer",
                )
                .sure(false)
                .values(format!("{} denies port {port} {way} (rule {number})", acl.id), "both ports both ways allowed")
                .call("elasticloadbalancing:RegisterTargets")
                .key(case.environment.config.networking.vpc_key())
                .help("its targets would stay unhealthy: have the owner of the network allow it"),
            );
        }
    }
    found
}

impl Acl {
    /// The range that the other side lies in, as wide as can be told: that of the rules that are about private addresses.
    fn range(&self, private: &[Ipv4Net]) -> Ipv4Net {
        let about = |rule: &&crate::preflight::survey::AclRule| private.iter().any(|net| net.contains(&rule.cidr));
        self.rules.iter().find(about).map_or(private[0], |rule| rule.cidr)
    }
}
