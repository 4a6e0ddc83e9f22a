//! ResizeCluster, and the nodes of create and modify.
//!
//! Called by the core and by CreateCluster and ModifyCluster. Source: aws-facts.md 5.3 and 5.10. Must never give an
//! elastic resize more or fewer nodes than its node type allows.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Cluster, Settings, Stage};
use super::node::{self, NodeType};
use super::{AwsError, CLASSIC, ELASTIC, Operation, Reply, Request, World, cluster, combination, invalid, snapshot};

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "ResizeCluster",
    mutating: true,
    params: &["ClusterIdentifier", "ClusterType", "NodeType", "NumberOfNodes", "Classic"],
    run: resize_cluster,
}];

/// The number of nodes of a call; what is not said stays as it is, and is one for a new cluster.
pub(super) fn read_nodes(req: &Request, current: Option<&Settings>) -> Result<i64, AwsError> {
    let number = req.opt_int("NumberOfNodes")?;
    match (req.opt_text("ClusterType")?.as_deref(), number) {
        (Some("single-node"), None) => Ok(1),
        (Some("single-node"), Some(_)) => {
            Err(combination("NumberOfNodes can't be given for the cluster type single-node."))
        }
        (Some("multi-node"), number) => {
            let number = number.or_else(|| current.map(|settings| settings.nodes));
            number
                .filter(|number| *number > 1)
                .ok_or_else(|| combination("The cluster type multi-node needs NumberOfNodes to be 2 or more."))
        }
        (Some(other), _) => Err(invalid(format!("Invalid cluster type: {other}"))),
        (None, number) => Ok(number.unwrap_or_else(|| current.map_or(1, |settings| settings.nodes))),
    }
}

/// Counts the nodes that the clusters of the region have, or are about to have; twice those of a cluster in two zones.
pub(crate) fn nodes_in_use(world: &World, now: Timestamp) -> usize {
    let nodes = |settings: &Settings| if settings.multi_az { 2 * settings.nodes } else { settings.nodes };
    let all: i64 = world.redshift.clusters_at(now).map(|cluster| nodes(cluster.coming())).sum();
    all.try_into().unwrap_or_default()
}

fn resize_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    cluster.check_available(now)?;
    let before = cluster.current(now).clone();
    let mut after = before.clone();
    let node = read(world, req, now, &cluster, &mut after)?;
    let (stage, length) = if req.opt_bool("Classic")?.unwrap_or(false) {
        node.check(after.nodes)?;
        (Stage::ClassicResize, CLASSIC)
    } else {
        check_elastic(&before, node, after.nodes)?;
        (Stage::ElasticResize, ELASTIC)
    };
    cluster.start(now, stage, length, after);
    Ok(cluster::keep(world, cluster, now))
}

/// The resize of a ModifyCluster: elastic where it can be, else classic.
pub(super) fn modify(
    world: &World,
    req: &Request,
    now: Timestamp,
    cluster: &Cluster,
    after: &mut Settings,
) -> Result<(Stage, SignedDuration), AwsError> {
    if req.has("NumberOfNodes") && !req.has("NodeType") {
        return Err(combination("NumberOfNodes needs NodeType."));
    }
    let before = after.clone();
    let node = read(world, req, now, cluster, after)?;
    if check_elastic(&before, node, after.nodes).is_ok() {
        return Ok((Stage::ElasticResize, ELASTIC));
    }
    node.check(after.nodes)?;
    Ok((Stage::ClassicResize, CLASSIC))
}

/// Node type and count after the call, checked but for the kind of resize.
fn read(
    world: &World,
    req: &Request,
    now: Timestamp,
    cluster: &Cluster,
    after: &mut Settings,
) -> Result<&'static NodeType, AwsError> {
    let before = (after.node_type.clone(), after.nodes);
    let node = node::find(&req.opt_text("NodeType")?.unwrap_or_else(|| after.node_type.clone()))?;
    let nodes = read_nodes(req, Some(after))?;
    if (node.name, nodes) == (before.0.as_str(), before.1) {
        return Err(invalid(format!("The cluster {} already has {nodes} nodes of type {}.", cluster.name, node.name)));
    }
    if after.multi_az && nodes < 2 {
        return Err(combination("A Multi-AZ cluster needs at least 2 nodes in each zone."));
    }
    if node.name != before.0 || nodes > before.1 {
        world.redshift.check_capacity(now)?;
    }
    snapshot::check_none_running(world, now, &cluster.name)?;
    node.name.clone_into(&mut after.node_type);
    after.nodes = nodes;
    Ok(node)
}

fn check_elastic(before: &Settings, node: &NodeType, nodes: i64) -> Result<(), AwsError> {
    if before.nodes == 1 || nodes == 1 {
        return Err(AwsError::new(
            "UnsupportedOperation",
            "A resize from or to a single-node cluster must be a classic resize: set Classic to true.",
        ));
    }
    let reach = if before.node_type == node.name { node.elastic(before.nodes) } else { 2..=node.most };
    if reach.contains(&nodes) {
        return Ok(());
    }
    Err(invalid(format!(
        "An elastic resize of {} nodes of type {} can give {} to {} nodes of type {}, not {nodes}.",
        before.nodes,
        before.node_type,
        reach.start(),
        reach.end(),
        node.name
    )))
}
