//! Security group rules as data: what one rule says, and how permissions of a request become rules.
//!
//! Called by rule.rs, group.rs and reach.rs. One permission with k peers becomes k rules. It must never accept ports
//! that the protocol cannot have.

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AwsError, Request, World, cidr, endpoint, group, invalid, missing};

/// A rule of a security group: one direction, one protocol, one range of ports, one peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Id of the group it belongs to.
    pub group: String,
    /// Whether it lets traffic out instead of in.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or a protocol number.
    pub protocol: String,
    /// First port or ICMP type; -1 for all.
    pub from_port: i64,
    /// Last port or ICMP code; -1 for all.
    pub to_port: i64,
    /// The other side.
    pub peer: Peer,
    /// Description, if any.
    pub description: Option<String>,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// IPv4 block, canonical.
    V4(Ipv4Net),
    /// IPv6 block, canonical.
    V6(Ipv6Net),
    /// Id of a security group of the same VPC.
    Group(String),
    /// Id of a prefix list.
    PrefixList(String),
}

impl Rule {
    fn of_all(group: &str, egress: bool, peer: Peer) -> Self {
        Self {
            group: group.to_owned(),
            egress,
            protocol: "-1".to_owned(),
            from_port: -1,
            to_port: -1,
            peer,
            description: None,
        }
    }

    /// The egress rule every group is born with: everything, everywhere.
    pub(super) fn all_out_of(group: &str) -> Self {
        Self::of_all(group, true, Peer::V4(Ipv4Net::default()))
    }

    /// The ingress rule of a default group: everything from its own members.
    pub(super) fn all_in_from(group: &str) -> Self {
        Self::of_all(group, false, Peer::Group(group.to_owned()))
    }

    /// Tells whether both let the same traffic through (the description does not count).
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.group == other.group
            && self.egress == other.egress
            && self.protocol == other.protocol
            && self.from_port == other.from_port
            && self.to_port == other.to_port
            && self.peer == other.peer
    }

    /// Tells whether TCP traffic on `port` is meant.
    pub(super) fn covers_tcp(&self, port: u16) -> bool {
        match self.protocol.as_str() {
            "-1" => true,
            "tcp" => (self.from_port..=self.to_port).contains(&i64::from(port)),
            _ => false,
        }
    }
}

impl Peer {
    /// The peer as it stands in the list `member` of a permission; nothing when it belongs to another list.
    pub(super) fn shown_under(&self, member: &str, world: &World, description: Option<&str>) -> Option<Value> {
        match (self, member) {
            (Self::V4(net), "ipRanges") => Some(json!({ "cidrIp": net, "description": description })),
            (Self::V6(net), "ipv6Ranges") => Some(json!({ "cidrIpv6": net, "description": description })),
            (Self::Group(id), "groups") => Some(json!({
                "groupId": id,
                "userId": world.account,
                "description": description,
            })),
            (Self::PrefixList(id), "prefixListIds") => Some(json!({ "prefixListId": id, "description": description })),
            _ => None,
        }
    }

    /// Tells whether both are of one sort, e.g. both IPv4 blocks.
    pub(super) fn is_sort_of(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(net) => write!(f, "{net}"),
            Self::V6(net) => write!(f, "{net}"),
            Self::Group(id) | Self::PrefixList(id) => write!(f, "{id}"),
        }
    }
}

/// Reads `IpPermissions` for one group and direction.
pub(super) fn rules(world: &World, req: &Request, group: &str, egress: bool) -> Result<Vec<Rule>, AwsError> {
    let permissions = req.list("IpPermissions");
    if permissions.is_empty() {
        return Err(missing("The request must contain the parameter ipPermissions"));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for permission in &permissions {
        let traffic = Traffic::read(permission)?;
        for (peer, description) in peers(world, permission, group)? {
            let rule = traffic.rule(group, egress, peer, description);
            if rules.iter().any(|other| other.is_same_as(&rule)) {
                return Err(invalid("The same permission must not appear multiple times"));
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// Reads the single new form of a rule given to `ModifySecurityGroupRules`.
pub(super) fn modified(world: &World, req: &Request, old: &Rule) -> Result<Rule, AwsError> {
    let traffic = Traffic::read(req)?;
    let mut peers = Vec::new();
    if let Some(block) = req.opt_text("CidrIpv4")? {
        peers.push(Peer::V4(cidr::v4(&block, "cidrIpv4")?));
    }
    if let Some(block) = req.opt_text("CidrIpv6")? {
        peers.push(Peer::V6(cidr::v6(&block, "cidrIpv6")?));
    }
    if let Some(id) = req.opt_text("ReferencedGroupId")? {
        peers.push(group_peer(world, id, &old.group)?);
    }
    if let Some(id) = req.opt_text("PrefixListId")? {
        peers.push(prefix_list_peer(world, id)?);
    }
    let mut peers = peers.into_iter();
    let (Some(peer), None) = (peers.next(), peers.next()) else {
        return Err(invalid("Exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedGroupId must be specified"));
    };
    if !peer.is_sort_of(&old.peer) {
        return Err(invalid("The source or destination type of a security group rule cannot be changed"));
    }
    let description = description(req)?;
    Ok(traffic.rule(&old.group, old.egress, peer, description))
}

fn peers(world: &World, permission: &Request, group: &str) -> Result<Vec<(Peer, Option<String>)>, AwsError> {
    let mut peers = Vec::new();
    for range in permission.list("IpRanges") {
        let peer = Peer::V4(cidr::v4(&range.text("CidrIp")?, "cidrIp")?);
        peers.push((peer, description(&range)?));
    }
    for range in permission.list("Ipv6Ranges") {
        let peer = Peer::V6(cidr::v6(&range.text("CidrIpv6")?, "cidrIpv6")?);
        peers.push((peer, description(&range)?));
    }
    for pair in permission.list("Groups") {
        let id = pair.text("GroupId")?;
        if pair.opt_text("UserId")?.is_some_and(|user| user != world.account) {
            return Err(AwsError::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")));
        }
        peers.push((group_peer(world, id, group)?, description(&pair)?));
    }
    for list in permission.list("PrefixListIds") {
        let peer = prefix_list_peer(world, list.text("PrefixListId")?)?;
        peers.push((peer, description(&list)?));
    }
    if peers.is_empty() {
        return Err(missing("Source group or CIDR must be specified"));
    }
    Ok(peers)
}

fn group_peer(world: &World, id: String, own: &str) -> Result<Peer, AwsError> {
    let peer = group::get(&world.ec2, &id)?;
    if peer.vpc != group::get(&world.ec2, own)?.vpc {
        return Err(AwsError::new(
            "InvalidGroup.NotFound",
            "You have specified two resources that belong to different networks.",
        ));
    }
    Ok(Peer::Group(id))
}

fn prefix_list_peer(world: &World, id: String) -> Result<Peer, AwsError> {
    if endpoint::is_prefix_list(&world.region, &id) {
        Ok(Peer::PrefixList(id))
    } else {
        Err(AwsError::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist")))
    }
}

fn description(req: &Request) -> Result<Option<String>, AwsError> {
    // An empty description is the same as none.
    let text = req.opt_text("Description")?.filter(|text| !text.is_empty());
    if let Some(text) = &text {
        group::demand_text(text, "rule description")?;
    }
    Ok(text)
}

/// Protocol and ports of a permission, in AWS's own spelling.
struct Traffic {
    protocol: String,
    from_port: i64,
    to_port: i64,
}

impl Traffic {
    fn read(req: &Request) -> Result<Self, AwsError> {
        let protocol = protocol(&req.text("IpProtocol")?)?;
        let ports = (req.opt_int("FromPort")?, req.opt_int("ToPort")?);
        let (from_port, to_port) = match protocol.as_str() {
            "tcp" | "udp" => port_range(ports)?,
            "icmp" | "icmpv6" => icmp_range(ports)?,
            // Ports given with any other protocol are ignored: all of them are meant.
            _ => (-1, -1),
        };
        Ok(Self { protocol, from_port, to_port })
    }

    fn rule(&self, group: &str, egress: bool, peer: Peer, description: Option<String>) -> Rule {
        Rule {
            group: group.to_owned(),
            egress,
            protocol: self.protocol.clone(),
            from_port: self.from_port,
            to_port: self.to_port,
            peer,
            description,
        }
    }
}

fn protocol(given: &str) -> Result<String, AwsError> {
    let lower = given.to_ascii_lowercase();
    let name = match lower.as_str() {
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        "-1" | "all" => "-1",
        number if number.parse::<u8>().is_ok() => number,
        _ => {
            return Err(invalid(format!("Invalid value '{given}' for IP protocol. Unknown protocol.")));
        }
    };
    Ok(name.to_owned())
}

fn port_range(ports: (Option<i64>, Option<i64>)) -> Result<(i64, i64), AwsError> {
    let (Some(from), Some(to)) = ports else {
        return Err(invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."));
    };
    let valid = 0..=i64::from(u16::MAX);
    if valid.contains(&from) && valid.contains(&to) && from <= to {
        Ok((from, to))
    } else {
        Err(invalid(format!("Invalid TCP/UDP port range ({from}:{to})")))
    }
}

fn icmp_range(ports: (Option<i64>, Option<i64>)) -> Result<(i64, i64), AwsError> {
    let (from, to) = (ports.0.unwrap_or(-1), ports.1.unwrap_or(-1));
    let valid = -1..=i64::from(u8::MAX);
    if valid.contains(&from) && valid.contains(&to) && (from != -1 || to == -1) {
        Ok((from, to))
    } else {
        Err(invalid(format!("ICMP code ({to}) and type ({from}) are not valid")))
    }
}
