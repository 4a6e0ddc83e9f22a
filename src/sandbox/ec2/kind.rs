//! The kinds of EC2 object that have an id: prefix, tag resource type, and the error codes of ids that are not there.
//!
//! Called by every file of this service; it must never change the world.

use jiff::Timestamp;

use super::{AwsError, Ec2};

/// A kind of object with an id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vpc,
    Subnet,
    InternetGateway,
    RouteTable,
    VpcEndpoint,
    SecurityGroup,
    SecurityGroupRule,
    NetworkInterface,
    NetworkAcl,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Vpc,
        Self::Subnet,
        Self::InternetGateway,
        Self::RouteTable,
        Self::VpcEndpoint,
        Self::SecurityGroup,
        Self::SecurityGroupRule,
        Self::NetworkInterface,
        Self::NetworkAcl,
    ];

    fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::InternetGateway => "igw",
            Self::RouteTable => "rtb",
            Self::VpcEndpoint => "vpce",
            Self::SecurityGroup => "sg",
            Self::SecurityGroupRule => "sgr",
            Self::NetworkInterface => "eni",
            Self::NetworkAcl => "acl",
        }
    }

    /// The name of the kind in tag specifications and `DescribeTags`.
    pub(super) fn resource_type(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::InternetGateway => "internet-gateway",
            Self::RouteTable => "route-table",
            Self::VpcEndpoint => "vpc-endpoint",
            Self::SecurityGroup => "security-group",
            Self::SecurityGroupRule => "security-group-rule",
            Self::NetworkInterface => "network-interface",
            Self::NetworkAcl => "network-acl",
        }
    }

    /// The kind an id claims to be, by its prefix.
    pub(super) fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('-')?;
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }

    /// A new id of this kind from the random part.
    pub(super) fn id(self, hex: &str) -> String {
        format!("{}-{hex}", self.prefix())
    }

    fn well_formed(self, id: &str) -> bool {
        let Some((prefix, rest)) = id.split_once('-') else {
            return false;
        };
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        prefix == self.prefix() && matches!(rest.len(), 8 | 17) && rest.chars().all(hex)
    }

    /// The error of an id of this kind that names nothing: malformed where AWS tells the two apart, else not found.
    pub(super) fn absent(self, id: &str) -> AwsError {
        if !self.well_formed(id)
            && let Some(code) = self.malformed_code()
        {
            let expected = self.prefix();
            return AwsError::new(code, format!("Invalid id: \"{id}\" (expecting \"{expected}-...\")"));
        }
        let (code, noun) = self.not_found();
        AwsError::new(code, format!("The {noun} '{id}' does not exist"))
    }

    fn not_found(self) -> (&'static str, &'static str) {
        match self {
            Self::Vpc => ("InvalidVpcID.NotFound", "vpc ID"),
            Self::Subnet => ("InvalidSubnetID.NotFound", "subnet ID"),
            Self::InternetGateway => ("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
            Self::RouteTable => ("InvalidRouteTableID.NotFound", "routeTable ID"),
            Self::VpcEndpoint => ("InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
            Self::SecurityGroup => ("InvalidGroup.NotFound", "security group"),
            Self::SecurityGroupRule => ("InvalidSecurityGroupRuleId.NotFound", "security group rule ID"),
            Self::NetworkInterface => ("InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
            Self::NetworkAcl => ("InvalidNetworkAclID.NotFound", "networkAcl ID"),
        }
    }

    fn malformed_code(self) -> Option<&'static str> {
        match self {
            Self::Vpc | Self::Subnet | Self::InternetGateway | Self::NetworkAcl => None,
            Self::RouteTable => Some("InvalidRouteTableId.Malformed"),
            Self::VpcEndpoint => Some("InvalidVpcEndpointId.Malformed"),
            Self::SecurityGroup => Some("InvalidGroupId.Malformed"),
            Self::SecurityGroupRule => Some("InvalidSecurityGroupRuleId.Malformed"),
            Self::NetworkInterface => Some("InvalidNetworkInterfaceId.Malformed"),
        }
    }

    fn is_present(self, ec2: &Ec2, id: &str, now: Timestamp) -> bool {
        match self {
            Self::Vpc => ec2.vpcs.contains_key(id),
            Self::Subnet => ec2.subnets.contains_key(id),
            Self::InternetGateway => ec2.gateways.contains_key(id),
            Self::RouteTable => ec2.tables.contains_key(id),
            Self::VpcEndpoint => ec2.endpoints.get(id).is_some_and(|e| !e.is_gone(now)),
            Self::SecurityGroup => ec2.groups.contains_key(id),
            Self::SecurityGroupRule => ec2.rules.contains_key(id),
            Self::NetworkInterface => ec2.interfaces.get(id).is_some_and(|i| i.is_visible(now)),
            Self::NetworkAcl => ec2.vpcs.contains_key(&format!("vpc-{}", id.trim_start_matches("acl-"))),
        }
    }

    /// Checks that an object of this kind exists at `now`.
    pub(super) fn demand(self, ec2: &Ec2, id: &str, now: Timestamp) -> Result<(), AwsError> {
        if self.is_present(ec2, id, now) { Ok(()) } else { Err(self.absent(id)) }
    }
}
