//! Kind `ec2.security-group-rule`: one rule of a group = one direction, one range of ports, one peer.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never put two peers into one call: AWS would make two
//! rules of them, with two ids.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{SecurityGroupId, SecurityGroupRuleId},
    lookup::{asks, ec2_filters_by, place_within, same_key},
    named, tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags, Typical,
    Which,
};
use aws_sdk_ec2::types::{
    self, IpPermission, IpRange, ResourceType, SecurityGroupRuleRequest, SecurityGroupRuleUpdate, UserIdGroupPair,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A rule of a security group.
pub struct SecurityGroupRule;

/// Which way a rule lets traffic pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into what has the group.
    Ingress,
    /// Out of it.
    Egress,
}

/// What a rule lets pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP; needs ports.
    Tcp,
    /// Everything; has no ports.
    All,
    /// What somebody else made of the rule: read, never declared.
    Other(String),
}

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// The first port.
    pub from: u16,
    /// The last port.
    pub to: u16,
}

/// Whom a rule lets pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "snake_case")]
pub enum Peer<S: Stage> {
    /// A range of addresses, canonical.
    Cidr(Ipv4Net),
    /// Whatever has this group.
    Group(S::In<SecurityGroupId>),
    /// An IPv6 range or a prefix list somebody else put there: read, never declared.
    Other(String),
}

/// What a rule is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SecurityGroupRuleSpec<S: Stage> {
    /// The group it belongs to.
    pub group: S::In<SecurityGroupId>,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub protocol: Protocol,
    /// Which ports; none where the protocol is `All`.
    #[serde(default)]
    pub ports: Option<Ports>,
    /// Whom.
    pub peer: Peer<S>,
    /// What it is for; at most 255 characters, may be empty.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(SecurityGroupRule =>
    /// What a rule offers.
    SecurityGroupRuleOutputs {
        at_once {
            /// The rule's id.
            id: SecurityGroupRuleId,
        }
        ready {}
    }
);

impl Protocol {
    fn of(text: &str) -> Self {
        match text {
            "tcp" | "6" => Self::Tcp,
            "-1" | "all" => Self::All,
            other => Self::Other(other.to_owned()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Tcp => "tcp",
            Self::All => "-1",
            Self::Other(text) => text,
        }
    }
}

impl Ports {
    /// Reads AWS's pair; -1 stands for "none".
    fn of(from: Option<i32>, to: Option<i32>) -> Option<Self> {
        Some(Self { from: from?.try_into().ok()?, to: to?.try_into().ok()? })
    }
}

impl SecurityGroupRuleSpec<Known> {
    fn ends(&self) -> (Option<i32>, Option<i32>) {
        (self.ports.map(|p| p.from.into()), self.ports.map(|p| p.to.into()))
    }

    fn description(&self) -> Option<String> {
        (!self.description.is_empty()).then(|| self.description.clone())
    }

    /// The rule as Authorize takes it.
    fn permission(&self) -> Result<IpPermission, Fault> {
        let (from, to) = self.ends();
        let call = IpPermission::builder().ip_protocol(self.protocol.as_str()).set_from_port(from).set_to_port(to);
        let text = self.description();
        Ok(match &self.peer {
            Peer::Cidr(net) => {
                call.ip_ranges(IpRange::builder().cidr_ip(net.to_string()).set_description(text).build())
            }
            Peer::Group(id) => {
                let pair = UserIdGroupPair::builder().group_id(id.as_str()).set_description(text);
                call.user_id_group_pairs(pair.build())
            }
            Peer::Other(other) => return Err(foreign(other)),
        }
        .build())
    }

    /// The rule as ModifySecurityGroupRules takes it: whole, whatever changes.
    fn request(&self) -> Result<SecurityGroupRuleRequest, Fault> {
        let (from, to) = self.ends();
        let call = SecurityGroupRuleRequest::builder()
            .ip_protocol(self.protocol.as_str())
            .set_from_port(from)
            .set_to_port(to)
            .set_description(self.description());
        Ok(match &self.peer {
            Peer::Cidr(net) => call.cidr_ipv4(net.to_string()),
            Peer::Group(id) => call.referenced_group_id(id.as_str()),
            Peer::Other(other) => return Err(foreign(other)),
        }
        .build())
    }
}

fn foreign(peer: &str) -> Fault {
    Fault::internal(format!("a rule for `{peer}` was declared"))
}

impl SecurityGroupRule {
    /// Lists the rules of some groups, whoever made them.
    pub async fn of_groups<'a>(
        aws: &Aws,
        groups: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<(Id, SecurityGroupRuleSpec<Known>)>, Fault> {
        let mut all = Vec::new();
        for filters in ec2_filters_by("group-id", groups) {
            let pages = aws.ec2.describe_security_group_rules().set_filters(Some(filters)).into_paginator().items();
            let rules: Vec<_> = pages.send().collect::<Result<_, _>>().called("ec2:DescribeSecurityGroupRules").await?;
            all.extend(rules.into_iter().filter_map(Self::live).map(|live| (live.id, live.spec)));
        }
        Ok(all)
    }

    fn live(rule: types::SecurityGroupRule) -> Option<Live<Self>> {
        let (id, group) = (rule.security_group_rule_id?, rule.group_id?);
        let protocol = Protocol::of(&rule.ip_protocol.unwrap_or_default());
        let ports = Ports::of(rule.from_port, rule.to_port).filter(|_| protocol != Protocol::All);
        let net = rule.cidr_ipv4.as_deref().and_then(|cidr| cidr.parse::<Ipv4Net>().ok());
        let peer_group = rule.referenced_group_info.and_then(|info| info.group_id);
        let peer = match (net, peer_group) {
            (Some(net), _) => Peer::Cidr(net.trunc()),
            (None, Some(group)) => Peer::Group(group.into()),
            (None, None) => Peer::Other(rule.cidr_ipv6.or(rule.prefix_list_id).unwrap_or_default()),
        };
        let spec = SecurityGroupRuleSpec {
            group: group.into(),
            direction: if rule.is_egress.unwrap_or_default() { Direction::Egress } else { Direction::Ingress },
            protocol,
            ports,
            peer,
            description: rule.description.unwrap_or_default(),
            tags: tags::from_ec2(rule.tags.as_deref()),
        };
        let outputs = SecurityGroupRuleOutputs { id: id.clone().into() };
        Some(Live { outputs, id: Id(id), spec, readiness: Readiness::Ready })
    }

    async fn describe(aws: &Aws, job: &Job<'_, Self>) -> Result<(), Fault> {
        let update = SecurityGroupRuleUpdate::builder()
            .security_group_rule_id(job.id.as_str())
            .security_group_rule(job.spec.request()?);
        let call = aws.ec2.modify_security_group_rules().group_id(job.spec.group.as_str());
        let call = call.security_group_rules(update.build());
        call.send().called("ec2:ModifySecurityGroupRules").await?;
        Ok(())
    }

    async fn revoke(aws: &Aws, job: &Job<'_, Self>) -> Result<(), Fault> {
        let (group, rule) = (job.spec.group.as_str(), job.id.as_str());
        match job.spec.direction {
            Direction::Ingress => {
                let call = aws.ec2.revoke_security_group_ingress().group_id(group).security_group_rule_ids(rule);
                found(call.send().called("ec2:RevokeSecurityGroupIngress").await)?;
            }
            Direction::Egress => {
                let call = aws.ec2.revoke_security_group_egress().group_id(group).security_group_rule_ids(rule);
                found(call.send().called("ec2:RevokeSecurityGroupEgress").await)?;
            }
        }
        Ok(())
    }
}

impl Kind for SecurityGroupRule {
    const NAME: &'static str = "ec2.security-group-rule";
    const FIELDS: &'static [Field] = &[
        Field::replaces("group"),
        Field::replaces("direction").security(),
        Field::replaces("protocol").security(),
        Field::replaces("ports").security(),
        Field::replaces("peer").security(),
        Field::updates("description"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeSecurityGroupRules"],
        create: &["ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:CreateTags"],
        update: &["ec2:ModifySecurityGroupRules", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["group", "direction", "protocol", "ports", "peer"];
    const NAMED_BY: &'static str = "its id, `sgr-...`";

    type Spec<S: Stage> = SecurityGroupRuleSpec<S>;
    type Outputs = SecurityGroupRuleOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "sgr-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut live = Vec::new();
        // One that is named for an import may be of a group that nobody knows.
        let (grouped, alone): (Vec<_>, Vec<_>) = which.iter().partition(|w| !w.spec.group.as_str().is_empty());
        let mut calls = ec2_filters_by("group-id", grouped.iter().map(|w| w.spec.group.as_str()));
        calls.extend(ec2_filters_by("security-group-rule-id", alone.iter().map(|w| w.id())));
        for filters in calls {
            let call = look.ec2.describe_security_group_rules().set_filters(Some(filters));
            let pages = call.into_paginator().items().send();
            let rules: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeSecurityGroupRules").await?;
            live.extend(rules.into_iter().filter_map(Self::live));
        }
        let fits = |question: &Which<Self>, l: &Live<Self>| {
            asks(question, l.id.as_str(), same_key::<Self>(&question.spec, &l.spec))
        };
        Ok(place_within(look, which, live, fits, |spec| spec.group.as_str()))
    }

    async fn create(aws: &Aws, spec: &SecurityGroupRuleSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let tags = tags::ec2_specification(ResourceType::SecurityGroupRule, &spec.tags);
        let (group, permission) = (spec.group.as_str(), spec.permission()?);
        let rules = match spec.direction {
            Direction::Ingress => {
                let call = aws.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(permission);
                let call = call.tag_specifications(tags);
                call.send().called("ec2:AuthorizeSecurityGroupIngress").await?.security_group_rules
            }
            Direction::Egress => {
                let call = aws.ec2.authorize_security_group_egress().group_id(group).ip_permissions(permission);
                let call = call.tag_specifications(tags);
                call.send().called("ec2:AuthorizeSecurityGroupEgress").await?.security_group_rules
            }
        };
        let id = rules.unwrap_or_default().into_iter().find_map(|rule| rule.security_group_rule_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:AuthorizeSecurityGroup", "securityGroupRuleId"))?;
        Ok(Created { outputs: SecurityGroupRuleOutputs { id: id.clone().into() }, id: Id(id) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "set description" => Self::describe(aws, &job).await?,
            "delete" => Self::revoke(aws, &job).await?,
            _ => tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: &str, ports: (i32, i32)) -> types::builders::SecurityGroupRuleBuilder {
        let rule = types::SecurityGroupRule::builder().security_group_rule_id("sgr-1").group_id("sg-1");
        rule.ip_protocol(protocol).from_port(ports.0).to_port(ports.1)
    }

    fn read(rule: types::builders::SecurityGroupRuleBuilder) -> SecurityGroupRuleSpec<Known> {
        SecurityGroupRule::live(rule.build()).unwrap().spec
    }

    #[test]
    fn what_is_declared_reads_back_the_same() {
        let tcp = read(rule("tcp", (5439, 5439)).cidr_ipv4("10.1.2.3/16"));
        assert_eq!((&tcp.protocol, tcp.ports), (&Protocol::Tcp, Some(Ports { from: 5439, to: 5439 })));
        assert_eq!((&tcp.peer, tcp.direction), (&Peer::Cidr("10.1.0.0/16".parse().unwrap()), Direction::Ingress));
        let permission = tcp.permission().unwrap();
        assert_eq!((permission.from_port(), permission.ip_ranges().len()), (Some(5439), 1));

        let all = read(rule("-1", (-1, -1)).cidr_ipv4("0.0.0.0/0").is_egress(true));
        assert_eq!((&all.protocol, all.ports, all.direction), (&Protocol::All, None, Direction::Egress));
        assert_eq!(all.request().unwrap().from_port(), None);

        let peer = types::ReferencedSecurityGroup::builder().group_id("sg-2").build();
        let group = read(rule("tcp", (1, 2)).referenced_group_info(peer));
        assert_eq!(group.peer, Peer::Group("sg-2".into()));
        let json = serde_json::to_value(&group).unwrap();
        assert_eq!(json["peer"], serde_json::json!({"group": "sg-2"}));
    }

    #[test]
    fn a_rule_somebody_else_bent_is_shown_not_lost() {
        let bent = read(rule("icmp", (-1, -1)).cidr_ipv6("::/0"));
        assert_eq!((bent.protocol.clone(), bent.ports), (Protocol::Other("icmp".into()), None));
        assert_eq!(bent.peer, Peer::Other("::/0".into()));
        assert!(bent.permission().is_err());
    }
}
