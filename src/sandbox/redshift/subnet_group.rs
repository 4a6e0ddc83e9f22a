//! Cluster subnet groups: create, describe, modify, delete.
//!
//! Called by the core and by the clusters that lie in them. Source: aws-facts.md 5.1 and 5.10. Must never hold subnets
//! of two VPCs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::select::{TagChoice, listing};
use super::{AwsError, Operation, Reply, Request, World, name, not_found, tag};

/// Wire code of a group that is not there.
pub(super) const NOT_FOUND: &str = "ClusterSubnetGroupNotFoundFault";
/// Most subnets of a group.
const MOST_SUBNETS: usize = 20;

/// A cluster subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetGroup {
    /// Name in lower case.
    pub name: String,
    /// Description.
    pub description: String,
    /// VPC of all its subnets.
    pub vpc: String,
    /// Subnets in the order given.
    pub subnets: Vec<GroupSubnet>,
}

/// A subnet of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSubnet {
    /// Its id.
    pub id: String,
    /// Its zone.
    pub zone: String,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateClusterSubnetGroup",
        mutating: true,
        params: &["ClusterSubnetGroupName", "Description", "SubnetIds", "Tags.Key", "Tags.Value"],
        run: create_cluster_subnet_group,
    },
    Operation {
        name: "DescribeClusterSubnetGroups",
        mutating: false,
        params: &["ClusterSubnetGroupName", "MaxRecords", "Marker", "TagKeys", "TagValues"],
        run: describe_cluster_subnet_groups,
    },
    Operation {
        name: "ModifyClusterSubnetGroup",
        mutating: true,
        params: &["ClusterSubnetGroupName", "Description", "SubnetIds"],
        run: modify_cluster_subnet_group,
    },
    Operation {
        name: "DeleteClusterSubnetGroup",
        mutating: true,
        params: &["ClusterSubnetGroupName"],
        run: delete_cluster_subnet_group,
    },
];

impl SubnetGroup {
    /// Its zones, in order.
    pub fn zones(&self) -> BTreeSet<&str> {
        self.subnets.iter().map(|subnet| subnet.zone.as_str()).collect()
    }

    fn render(&self, world: &World) -> Reply {
        let subnets = self.subnets.iter().map(|subnet| {
            json!({
                "SubnetIdentifier": subnet.id,
                "SubnetAvailabilityZone": { "Name": subnet.zone },
                "SubnetStatus": "Active",
            })
        });
        json!({
            "ClusterSubnetGroupName": self.name,
            "Description": self.description,
            "VpcId": self.vpc,
            "SubnetGroupStatus": "Complete",
            "Subnets": subnets.collect::<Vec<_>>(),
            "Tags": tag::render(&world.redshift, &arn(world, &self.name)),
            "SupportedClusterIpAddressTypes": ["ipv4"],
        })
    }
}

fn arn(world: &World, name: &str) -> String {
    world.arn("redshift", &format!("subnetgroup:{name}"))
}

/// The group of that name in any case, or its not-found error.
pub(super) fn find<'a>(world: &'a World, name: &str) -> Result<&'a SubnetGroup, AwsError> {
    let found = world.redshift.subnet_groups.get(&name.to_ascii_lowercase());
    found.ok_or_else(|| not_found(NOT_FOUND, format!("Cluster subnet group {name} not found.")))
}

/// The refusal of a cluster without a subnet group: the account has no default VPC.
pub(super) fn no_default() -> AwsError {
    not_found(NOT_FOUND, "Cluster subnet group default not found: there is no default VPC in this account.")
}

fn invalid_subnet(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidSubnet", message)
}

/// The subnets of the call and their one VPC.
fn read_subnets(world: &World, req: &Request) -> Result<(Vec<GroupSubnet>, String), AwsError> {
    let ids = req.texts("SubnetIds")?;
    if ids.len() > MOST_SUBNETS {
        let message = format!("A cluster subnet group can have at most {MOST_SUBNETS} subnets.");
        return Err(AwsError::new("ClusterSubnetQuotaExceededFault", message));
    }
    let (mut subnets, mut vpcs, mut seen) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for id in &ids {
        let subnet = ec2::subnet(world, id);
        let subnet = subnet.ok_or_else(|| invalid_subnet(format!("The subnet ID '{id}' does not exist.")))?;
        if !seen.insert(id) {
            return Err(invalid_subnet(format!("The subnet ID '{id}' is given twice.")));
        }
        vpcs.insert(subnet.vpc.clone());
        subnets.push(GroupSubnet { id: id.clone(), zone: subnet.zone.clone() });
    }
    let Some(vpc) = vpcs.pop_first() else {
        return Err(req.missing("SubnetIds"));
    };
    if vpcs.is_empty() { Ok((subnets, vpc)) } else { Err(invalid_subnet("All subnets must be in the same VPC.")) }
}

fn create_cluster_subnet_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let name = name::subnet_group(&req.text("ClusterSubnetGroupName")?)?;
    let description = req.text("Description")?;
    let tags = tag::read(req)?;
    let groups = &world.redshift.subnet_groups;
    if groups.contains_key(&name) {
        let message = format!("Cluster subnet group {name} already exists.");
        return Err(AwsError::new("ClusterSubnetGroupAlreadyExists", message));
    }
    let (subnets, vpc) = read_subnets(world, req)?;
    let group = SubnetGroup { name: name.clone(), description, vpc, subnets };
    let arn = arn(world, &name);
    tag::put(world, &arn, tags);
    let reply = group.render(world);
    world.redshift.subnet_groups.insert(name, group);
    Ok(json!({ "ClusterSubnetGroup": reply }))
}

fn describe_cluster_subnet_groups(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let choice = TagChoice::read(req)?;
    let found = match req.opt_text("ClusterSubnetGroupName")? {
        Some(name) => vec![find(world, &name)?],
        None => world.redshift.subnet_groups.values().collect(),
    };
    let fits = |group: &&SubnetGroup| choice.admits_any(world.redshift.tags.get(&arn(world, &group.name)));
    let found = found.into_iter().filter(fits).map(|group| group.render(world)).collect();
    listing("ClusterSubnetGroups", found, req)
}

/// Subnets in which clusters of a group have interfaces, or are about to.
fn used_subnets<'a>(world: &'a World, now: Timestamp, group: &'a str) -> impl Iterator<Item = &'a str> {
    let clusters = world.redshift.clusters_at(now).filter(move |cluster| cluster.subnet_group == group);
    let placed =
        clusters.flat_map(move |cluster| cluster.current(now).interfaces.iter().chain(&cluster.coming().interfaces));
    placed.map(|placed| placed.subnet.as_str())
}

fn modify_cluster_subnet_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = find(world, &req.text("ClusterSubnetGroupName")?)?.clone();
    let (subnets, vpc) = read_subnets(world, req)?;
    if vpc != group.vpc {
        let message = format!("The subnets are not in {}, the VPC of the cluster subnet group.", group.vpc);
        return Err(invalid_subnet(message));
    }
    if let Some(used) = used_subnets(world, now, &group.name).find(|used| !subnets.iter().any(|one| one.id == *used)) {
        return Err(AwsError::new("SubnetAlreadyInUse", format!("The subnet {used} is in use by a cluster.")));
    }
    group.subnets = subnets;
    if let Some(description) = req.opt_text("Description")? {
        group.description = description;
    }
    let reply = group.render(world);
    world.redshift.subnet_groups.insert(group.name.clone(), group);
    Ok(json!({ "ClusterSubnetGroup": reply }))
}

fn delete_cluster_subnet_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = find(world, &req.text("ClusterSubnetGroupName")?)?.name.clone();
    if let Some(cluster) = world.redshift.clusters_at(now).find(|cluster| cluster.subnet_group == name) {
        let message =
            format!("The cluster subnet group {name} can't be deleted: the cluster {} uses it.", cluster.name);
        return Err(AwsError::new("InvalidClusterSubnetGroupStateFault", message));
    }
    let arn = arn(world, &name);
    world.redshift.subnet_groups.remove(&name);
    world.redshift.tags.remove(&arn);
    Ok(json!({}))
}
