//! Security groups: create, delete, describe.
//!
//! Called by the core; vpc.rs makes and removes the default group; other services ask [`group_exists`]. The rules
//! are in rule.rs. It must never delete a group that an interface has or that a rule of another group names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{LARGEST_PAGE, Listing};
use super::filter::TAG;
use super::kind::Kind;
use super::permission::{Peer, Rule};
use super::{AwsError, Ec2, Operation, Reply, Request, World, dependency, invalid, rule, tag, vpc};

/// The longest group name and description, and rule description, in characters (aws-facts.md 1.2).
const TEXT_LENGTH: usize = 255;
/// What these texts may contain besides letters and digits (aws-facts.md 1.2).
const TEXT_SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";
/// The name of the group every VPC brings along.
const DEFAULT: &str = "default";

/// A security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Name, unique in the VPC whatever the case.
    pub name: String,
    /// Description, never changed.
    pub description: String,
    /// Id of its VPC.
    pub vpc: String,
}

impl SecurityGroup {
    /// Tells whether the VPC brought it along.
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }
}

macro_rules! permission_filters {
    ($($name:literal => $path:literal),* $(,)?) => {
        &[
            $(
                (concat!("ip-permission.", $name), concat!("ipPermissions.", $path)),
                (concat!("egress.ip-permission.", $name), concat!("ipPermissionsEgress.", $path)),
            )*
            ("description", "groupDescription"),
            ("group-id", "groupId"),
            ("group-name", "groupName"),
            ("owner-id", "ownerId"),
            ("tag-key", "tagSet.key"),
            ("vpc-id", "vpcId"),
            (TAG, ""),
        ]
    };
}

static LISTING: Listing = Listing {
    kind: Kind::SecurityGroup,
    ids: "GroupId",
    id: "groupId",
    set: "securityGroupInfo",
    filters: permission_filters! {
        "cidr" => "ipRanges.cidrIp",
        "from-port" => "fromPort",
        "group-id" => "groups.groupId",
        "group-name" => "groups.groupName",
        "ipv6-cidr" => "ipv6Ranges.cidrIpv6",
        "prefix-list-id" => "prefixListIds.prefixListId",
        "protocol" => "ipProtocol",
        "to-port" => "toPort",
        "user-id" => "groups.userId",
    },
    largest: LARGEST_PAGE,
};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSecurityGroup",
        mutating: true,
        params: super::tagged!("GroupName", "GroupDescription", "VpcId"),
        run: create_security_group,
    },
    Operation { name: "DeleteSecurityGroup", mutating: true, params: &["GroupId"], run: delete_security_group },
    Operation {
        name: "DescribeSecurityGroups",
        mutating: false,
        params: super::paged!("GroupId"),
        run: describe_security_groups,
    },
];

/// The security group `id`, if there is one.
pub fn group_exists<'a>(world: &'a World, id: &str) -> Option<&'a SecurityGroup> {
    world.ec2.groups.get(id)
}

/// The group `id`, or the error that it is not there.
pub(super) fn get<'a>(ec2: &'a Ec2, id: &str) -> Result<&'a SecurityGroup, AwsError> {
    ec2.groups.get(id).ok_or_else(|| Kind::SecurityGroup.absent(id))
}

/// Makes the default group of a new VPC: everything in from itself, everything out.
pub(super) fn create_default(world: &mut World, vpc: &str) {
    let id = Kind::SecurityGroup.id(&world.hex(17));
    let group = SecurityGroup {
        name: DEFAULT.to_owned(),
        description: "default VPC security group".to_owned(),
        vpc: vpc.to_owned(),
    };
    world.ec2.groups.insert(id.clone(), group);
    rule::store(world, Rule::all_in_from(&id));
    rule::store(world, Rule::all_out_of(&id));
}

/// Removes the default group of a VPC that goes.
pub(super) fn delete_default(ec2: &mut Ec2, vpc: &str) {
    let default: Vec<String> =
        ec2.groups.iter().filter(|(_, group)| group.vpc == vpc).map(|(id, _)| id.clone()).collect();
    for id in default {
        remove(ec2, &id);
    }
}

fn remove(ec2: &mut Ec2, id: &str) {
    let rules: Vec<String> =
        ec2.rules.iter().filter(|(_, rule)| rule.group == id).map(|(rule_id, _)| rule_id.clone()).collect();
    for rule in rules {
        ec2.rules.remove(&rule);
        ec2.forget(&rule);
    }
    ec2.groups.remove(id);
    ec2.forget(id);
}

/// Checks a group name, a group description or a rule description (`what`) against length and charset.
pub(super) fn demand_text(text: &str, what: &str) -> Result<(), AwsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || TEXT_SIGNS.contains(c);
    if text.chars().count() <= TEXT_LENGTH && text.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid {what}. Valid values are strings less than 256 characters from the following set: a-zA-Z0-9{TEXT_SIGNS}"
    )))
}

fn demand_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(invalid("The security group name must not be empty"));
    }
    if name.to_ascii_lowercase().starts_with("sg-") {
        return Err(invalid("invalid value for parameter groupName: Group names may not be in the format sg-*"));
    }
    if name.eq_ignore_ascii_case(DEFAULT) {
        return Err(AwsError::new("InvalidGroup.Reserved", format!("The security group '{name}' is reserved")));
    }
    demand_text(name, "security group name")
}

fn create_security_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    // AWS trims the blanks at the end of the name.
    let name = req.text("GroupName")?.trim_end().to_owned();
    let description = req.text("GroupDescription")?;
    demand_name(&name)?;
    if description.is_empty() {
        return Err(invalid("The security group description must not be empty"));
    }
    demand_text(&description, "security group description")?;
    let Some(vpc_id) = req.opt_text("VpcId")? else {
        return Err(AwsError::new("VPCIdNotSpecified", "No default VPC for this user"));
    };
    vpc::get(&world.ec2, &vpc_id)?;
    let mut groups = world.ec2.groups.values();
    if groups.any(|g| g.vpc == vpc_id && g.name.eq_ignore_ascii_case(&name)) {
        return Err(AwsError::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc_id}'"),
        ));
    }
    let tags = tag::at_creation(req, Kind::SecurityGroup)?;

    let id = Kind::SecurityGroup.id(&world.hex(17));
    tag::store(&mut world.ec2, &id, tags);
    let group = SecurityGroup { name, description, vpc: vpc_id };
    world.ec2.groups.insert(id.clone(), group);
    rule::store(world, Rule::all_out_of(&id));
    Ok(json!({
        "return": true,
        "groupId": id,
        "securityGroupArn": world.arn("ec2", &format!("security-group/{id}")),
        "tagSet": tag::set(&world.ec2, &id),
    }))
}

fn delete_security_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("GroupId")?;
    let ec2 = &mut world.ec2;
    let group = get(ec2, &id)?;
    if group.is_default() {
        return Err(AwsError::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"{DEFAULT}\" cannot be deleted by a user"),
        ));
    }
    let worn = ec2.interfaces.values().any(|interface| interface.groups.contains(&id) && interface.holds(now));
    let named =
        ec2.rules.values().any(|rule| rule.group != id && matches!(&rule.peer, Peer::Group(peer) if *peer == id));
    if worn || named {
        return Err(dependency(format!("resource {id} has a dependent object")));
    }
    ec2.sweep(now);
    remove(ec2, &id);
    Ok(json!({ "return": true, "groupId": id }))
}

fn describe_security_groups(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let groups = &world.ec2.groups;
    let all = groups.iter().map(|(id, group)| show(world, id, group)).collect();
    LISTING.answer(req, all)
}

fn show(world: &World, id: &str, group: &SecurityGroup) -> Value {
    json!({
        "groupId": id,
        "groupName": group.name,
        "groupDescription": group.description,
        "vpcId": group.vpc,
        "ownerId": world.account,
        "securityGroupArn": world.arn("ec2", &format!("security-group/{id}")),
        "ipPermissions": permissions(world, id, false),
        "ipPermissionsEgress": permissions(world, id, true),
        "tagSet": tag::set(&world.ec2, id),
    })
}

/// The rules of one direction the way a group shows them: one permission per protocol and ports, with all peers.
fn permissions(world: &World, group: &str, egress: bool) -> Vec<Value> {
    let mut by_ports: BTreeMap<(&str, i64, i64), Vec<&Rule>> = BTreeMap::new();
    for rule in world.ec2.rules.values() {
        if rule.group == group && rule.egress == egress {
            let key = (rule.protocol.as_str(), rule.from_port, rule.to_port);
            by_ports.entry(key).or_default().push(rule);
        }
    }
    by_ports
        .into_iter()
        .map(|((protocol, from, to), rules)| {
            let peers = |member: &str| -> Vec<Value> {
                rules
                    .iter()
                    .filter_map(|rule| rule.peer.shown_under(member, world, rule.description.as_deref()))
                    .collect()
            };
            // A permission for all protocols shows no ports.
            let ports = (protocol != "-1").then_some((from, to));
            json!({
                "ipProtocol": protocol,
                "fromPort": ports.map(|(from, _)| from),
                "toPort": ports.map(|(_, to)| to),
                "groups": peers("groups"),
                "ipRanges": peers("ipRanges"),
                "ipv6Ranges": peers("ipv6Ranges"),
                "prefixListIds": peers("prefixListIds"),
            })
        })
        .collect()
}
