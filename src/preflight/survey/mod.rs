//! The facts that checks rest on: what is asked of AWS, each at most once, and what AWS answered.
//!
//! Called by the examination with what its checks need. One question is one call (its pages aside), whatever the size of
//! the estate. Must never take a refusal for an answer: what could not be asked is kept as the fault it is.

mod account;
mod backup;
mod certificate;
mod inside;
mod network;
mod share;
mod warehouse;

pub(super) use account::Question;
pub(super) use backup::{Backup, Source};
pub(super) use certificate::Certificate;
pub(super) use share::Offer;

use crate::aws::{Aws, Fault};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// The zones of the region and their state.
    Zones,
    /// Every VPC.
    Vpcs,
    /// Every internet gateway.
    InternetGateways,
    /// Every VPC endpoint.
    VpcEndpoints,
    /// The subnets of a VPC.
    Subnets(String),
    /// The network ACLs of a VPC.
    NetworkAcls(String),
    /// What VPC Block Public Access blocks.
    PublicAccess,
    /// What the account may have of a service.
    Quotas(&'static str),
    /// What the account may have of load balancers.
    BalancerLimits,
    /// Every load balancer.
    Balancers,
    /// Every target group.
    TargetGroups,
    /// Every namespace.
    Namespaces,
    /// Every workgroup, with its base capacity.
    Workgroups,
    /// Every managed endpoint.
    Endpoints,
    /// Every cluster, with its nodes.
    Clusters,
    /// Every cluster subnet group.
    SubnetGroups,
    /// Every cluster parameter group.
    ParameterGroups,
    /// Every manual snapshot of a cluster.
    ClusterSnapshots,
    /// The backups that a warehouse can be made from.
    Backups(Source),
    /// The schemas and tables of a database in a warehouse that stands.
    Schemas {
        /// The GUID of its namespace.
        warehouse: String,
        database: String,
    },
    /// Where a node type can be had.
    NodeType(String),
    /// Every role, those of services included.
    Roles,
    /// What the account may have of roles.
    RoleQuota,
    /// One role, for its ARN.
    Role(String),
    /// What the caller's policies say.
    Decisions(Question),
    /// What carries this environment's ownership tags.
    Owned,
    /// Every alias of a key.
    Aliases,
    /// A key.
    Key(String),
    /// A topic, for the key it is encrypted with.
    Topic(String),
    /// A certificate.
    Certificate(String),
    /// Every data share that another account offers this one.
    Offers,
}

impl Ask {
    /// The IAM action that it needs.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Zones => "ec2:DescribeAvailabilityZones",
            Self::Vpcs => "ec2:DescribeVpcs",
            Self::InternetGateways => "ec2:DescribeInternetGateways",
            Self::VpcEndpoints => "ec2:DescribeVpcEndpoints",
            Self::Subnets(_) => "ec2:DescribeSubnets",
            Self::NetworkAcls(_) => "ec2:DescribeNetworkAcls",
            Self::PublicAccess => "ec2:DescribeVpcBlockPublicAccessOptions",
            Self::Quotas(_) => "servicequotas:ListServiceQuotas",
            Self::BalancerLimits => "elasticloadbalancing:DescribeAccountLimits",
            Self::Balancers => "elasticloadbalancing:DescribeLoadBalancers",
            Self::TargetGroups => "elasticloadbalancing:DescribeTargetGroups",
            Self::Namespaces => "redshift-serverless:ListNamespaces",
            Self::Workgroups => "redshift-serverless:ListWorkgroups",
            Self::Endpoints => "redshift-serverless:ListEndpointAccess",
            Self::Clusters => "redshift:DescribeClusters",
            Self::SubnetGroups => "redshift:DescribeClusterSubnetGroups",
            Self::ParameterGroups => "redshift:DescribeClusterParameterGroups",
            Self::ClusterSnapshots => "redshift:DescribeClusterSnapshots",
            Self::Backups(source) => source.action(),
            Self::Schemas { .. } => "redshift-data:BatchExecuteStatement",
            Self::NodeType(_) => "redshift:DescribeOrderableClusterOptions",
            Self::Roles => "iam:ListRoles",
            Self::RoleQuota => "iam:GetAccountSummary",
            Self::Role(_) => "iam:GetRole",
            Self::Decisions(_) => "iam:SimulatePrincipalPolicy",
            Self::Owned => "tag:GetResources",
            Self::Aliases => "kms:ListAliases",
            Self::Key(_) => "kms:DescribeKey",
            Self::Topic(_) => "sns:GetTopicAttributes",
            Self::Certificate(_) => "acm:DescribeCertificate",
            Self::Offers => "redshift:DescribeDataSharesForConsumer",
        }
    }

    async fn answer(&self, aws: &Aws) -> Result<Fact, Fault> {
        match self {
            Self::Zones => network::zones(aws).await,
            Self::Vpcs => network::vpcs(aws).await,
            Self::InternetGateways => network::internet_gateways(aws).await,
            Self::VpcEndpoints => network::vpc_endpoints(aws).await,
            Self::Subnets(vpc) => network::subnets(aws, vpc).await,
            Self::NetworkAcls(vpc) => network::acls(aws, vpc).await,
            Self::PublicAccess => network::public_access(aws).await,
            Self::Quotas(service) => account::quotas(aws, service).await,
            Self::BalancerLimits => network::balancer_limits(aws).await,
            Self::Balancers => network::balancers(aws).await,
            Self::TargetGroups => network::target_groups(aws).await,
            Self::Namespaces => warehouse::namespaces(aws).await,
            Self::Workgroups => warehouse::workgroups(aws).await,
            Self::Endpoints => warehouse::endpoints(aws).await,
            Self::Clusters => warehouse::clusters(aws).await,
            Self::SubnetGroups => warehouse::subnet_groups(aws).await,
            Self::ParameterGroups => warehouse::parameter_groups(aws).await,
            Self::ClusterSnapshots => warehouse::cluster_snapshots(aws).await,
            Self::Backups(source) => source.backups(aws).await,
            Self::Schemas { warehouse, database } => inside::schemas(aws, warehouse, database).await,
            Self::NodeType(name) => warehouse::node_type(aws, name).await,
            Self::Roles => account::roles(aws).await,
            Self::RoleQuota => account::role_quota(aws).await,
            Self::Role(name) => account::role(aws, name).await,
            Self::Decisions(question) => account::decisions(aws, question).await,
            Self::Owned => account::owned(aws).await,
            Self::Aliases => account::aliases(aws).await,
            Self::Key(key) => account::key(aws, key).await,
            Self::Topic(arn) => account::topic(aws, arn).await,
            Self::Certificate(arn) => certificate::described(aws, arn).await,
            Self::Offers => share::offers(aws).await,
        }
    }
}

/// The IAM actions of all questions there are, for the documentation.
pub const ACTIONS: [&str; 32] = [
    "acm:DescribeCertificate",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcBlockPublicAccessOptions",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "elasticloadbalancing:DescribeAccountLimits",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "iam:GetAccountSummary",
    "iam:GetRole",
    "iam:ListRoles",
    "iam:SimulatePrincipalPolicy",
    "kms:DescribeKey",
    "kms:ListAliases",
    "redshift-data:BatchExecuteStatement",
    "redshift-serverless:GetSnapshot",
    "redshift-serverless:ListEndpointAccess",
    "redshift-serverless:ListNamespaces",
    "redshift-serverless:ListSnapshots",
    "redshift-serverless:ListWorkgroups",
    "redshift:DescribeClusterParameterGroups",
    "redshift:DescribeClusterSnapshots",
    "redshift:DescribeClusterSubnetGroups",
    "redshift:DescribeClusters",
    "redshift:DescribeDataSharesForConsumer",
    "redshift:DescribeOrderableClusterOptions",
    "servicequotas:ListServiceQuotas",
    "sns:GetTopicAttributes",
    "tag:GetResources",
];

/// Something of which there are many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thing {
    /// Its name, or its id where it has none.
    pub(super) name: String,
    /// What it lies in or leads to: a VPC, a path, a key.
    pub(super) of: String,
    /// How much it takes of a quota that counts no things: RPUs, nodes; or what is left in it: addresses.
    pub(super) amount: u64,
}

/// One rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AclRule {
    pub(super) number: i32,
    pub(super) egress: bool,
    pub(super) allow: bool,
    pub(super) cidr: ipnet::Ipv4Net,
    pub(super) ports: (u16, u16),
}

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acl {
    pub(super) id: String,
    pub(super) is_default: bool,
    pub(super) subnets: BTreeSet<String>,
    /// Its rules on TCP, by number.
    pub(super) rules: Vec<AclRule>,
}

/// What the policies say of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// It hangs on a condition whose value is not known here.
    Unclear,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Things(Vec<Thing>),
    /// Numbers by name in lower case, and by code.
    Limits(BTreeMap<String, u64>),
    /// Zones by name: whether each can be used, or why not.
    Zones(BTreeMap<String, Result<(), String>>),
    Acls(Vec<Acl>),
    Backups(Vec<Backup>),
    /// The tables of each schema.
    Schemas(BTreeMap<String, BTreeSet<String>>),
    /// One word: a mode, an ARN.
    Word(String),
    Key {
        state: String,
        symmetric: bool,
        arn: String,
    },
    Certificate(Certificate),
    /// Data shares of other accounts, by ARN.
    Offers(BTreeMap<String, Offer>),
    Decisions(BTreeMap<String, Decision>),
    /// AWS has no such thing.
    Nothing,
}

/// All answers so far.
#[derive(Default)]
pub(super) struct Facts(BTreeMap<Ask, Result<Fact, Fault>>);

static NO_THINGS: &[Thing] = &[];

impl Facts {
    /// Asks what has not been asked, all at once.
    pub(super) async fn ask(&mut self, aws: &Aws, asks: BTreeSet<Ask>) {
        let new: Vec<Ask> = asks.into_iter().filter(|ask| !self.0.contains_key(ask)).collect();
        let answers = join_all(new.iter().map(|ask| ask.answer(aws))).await;
        self.0.extend(new.into_iter().zip(answers));
    }

    /// Whether it was asked.
    pub(super) fn has(&self, ask: &Ask) -> bool {
        self.0.contains_key(ask)
    }

    /// The answer, if there is one.
    pub(super) fn get(&self, ask: &Ask) -> Option<&Fact> {
        self.0.get(ask)?.as_ref().ok()
    }

    /// Why there is no answer.
    pub(super) fn fault(&self, ask: &Ask) -> Option<&Fault> {
        self.0.get(ask)?.as_ref().err()
    }

    /// The things that were listed.
    pub(super) fn things(&self, ask: &Ask) -> &[Thing] {
        match self.get(ask) {
            Some(Fact::Things(things)) => things,
            _ => NO_THINGS,
        }
    }

    /// A number among limits, by the first of these names or codes that is there.
    pub(super) fn limit(&self, ask: &Ask, names: &[&str]) -> Option<u64> {
        match self.get(ask) {
            Some(Fact::Limits(limits)) => names.iter().find_map(|name| limits.get(*name)).copied(),
            _ => None,
        }
    }
}

/// Wraps a list.
fn things(all: impl IntoIterator<Item = Option<Thing>>) -> Fact {
    Fact::Things(all.into_iter().flatten().collect())
}

fn named(name: Option<String>) -> Option<Thing> {
    Some(Thing { name: name?, ..Thing::default() })
}
