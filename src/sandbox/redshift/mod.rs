//! Redshift (provisioned) of the sandbox: subnet groups, parameter groups, their tags.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `redshift`. Source of every rule:
//! aws-facts.md 0.1, 0.3, 4 and 5 and the API model 2012-12-01. It must never look at the wall clock (the time comes in
//! with the call), never change the world before every check has passed, and never keep a password.

mod name;
mod parameter;
mod parameter_group;
mod select;
mod subnet_group;
mod tag;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{List, Operation, Protocol, Service};

pub use parameter_group::ParameterGroup;
pub use subnet_group::{GroupSubnet, SubnetGroup};

/// State of Redshift in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redshift {
    /// Subnet groups by name.
    pub subnet_groups: BTreeMap<String, SubnetGroup>,
    /// Parameter groups by name, without those AWS brings along.
    pub parameter_groups: BTreeMap<String, ParameterGroup>,
    /// Tags by ARN; an object without tags has no entry.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

impl Redshift {
    /// Tells whether nothing a user created is left.
    pub fn is_empty(&self) -> bool {
        self.subnet_groups.is_empty() && self.parameter_groups.is_empty()
    }
}

/// The service as the core routes it: query protocol, version 2012-12-01.
pub static SERVICE: Service = Service {
    scope: "redshift",
    protocol: Protocol::Query,
    version: "2012-12-01",
    lists: &[
        same("AvailabilityZones", "AvailabilityZone"),
        same("AddIamRoles", "IamRoleArn"),
        same("ClusterParameterGroups", "ClusterParameterGroup"),
        same("ClusterSecurityGroups", "ClusterSecurityGroup"),
        same("ClusterSubnetGroups", "ClusterSubnetGroup"),
        same("Clusters", "Cluster"),
        same("DeferredMaintenanceWindows", "DeferredMaintenanceWindow"),
        same("Filter", "NodeConfigurationOptionsFilter"),
        List { name: "IamRoles", asked: "IamRoleArn", answered: "ClusterIamRole" },
        same("NetworkInterfaces", "NetworkInterface"),
        same("NodeConfigurationOptionList", "NodeConfigurationOption"),
        same("OrderableClusterOptions", "OrderableClusterOption"),
        same("ParameterGroups", "ClusterParameterGroup"),
        same("Parameters", "Parameter"),
        same("RemoveIamRoles", "IamRoleArn"),
        same("Snapshots", "Snapshot"),
        same("SubnetIds", "SubnetIdentifier"),
        same("Subnets", "Subnet"),
        same("SupportedClusterIpAddressTypes", "item"),
        same("SupportedPlatforms", "SupportedPlatform"),
        same("TagKeys", "TagKey"),
        same("TagValues", "TagValue"),
        same("TaggedResources", "TaggedResource"),
        same("Tags", "Tag"),
        same("Value", "item"),
        same("VpcEndpoints", "VpcEndpoint"),
        same("VpcSecurityGroupIds", "VpcSecurityGroupId"),
        same("VpcSecurityGroups", "VpcSecurityGroup"),
    ],
    operations: &[subnet_group::OPERATIONS, parameter_group::OPERATIONS, tag::OPERATIONS],
};

const fn same(name: &'static str, element: &'static str) -> List {
    List { name, asked: element, answered: element }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

fn combination(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterCombination", message)
}

/// The refusal of something that is not there; the API model says HTTP 404 for all but subnet groups.
fn not_found(code: &str, message: impl Into<String>) -> AwsError {
    AwsError::new(code, message).status(if code == subnet_group::NOT_FOUND { 400 } else { 404 })
}
