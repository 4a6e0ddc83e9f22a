//! What can be ordered: DescribeOrderableClusterOptions, and the resizes a cluster can have.
//!
//! Called by the core. Source: aws-facts.md 5.3. Every node type is offered in every zone, unless a test
//! says otherwise. Must never offer a resize
//! that ResizeCluster refuses.

use jiff::Timestamp;
use serde_json::json;

use super::super::ec2;
use super::node::{self, NODE_TYPES, NodeType};
use super::select::listing;
use super::{AwsError, Operation, Reply, Request, VERSION, World, cluster, invalid};

/// The disk of a cluster without data, in percent of itself.
const DISK_USED: f64 = 1.0;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "DescribeOrderableClusterOptions",
        mutating: false,
        params: &["ClusterVersion", "NodeType", "MaxRecords", "Marker"],
        run: describe_orderable_cluster_options,
    },
    Operation {
        name: "DescribeNodeConfigurationOptions",
        mutating: false,
        params: &[
            "ActionType",
            "ClusterIdentifier",
            "Filter.Name",
            "Filter.Operator",
            "Filter.Value",
            "MaxRecords",
            "Marker",
        ],
        run: describe_node_configuration_options,
    },
];

fn describe_orderable_cluster_options(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let version = req.opt_text("ClusterVersion")?;
    let wanted = req.opt_text("NodeType")?;
    let zones: Vec<Reply> = ec2::zone_names(&world.region).iter().map(|zone| json!({ "Name": zone })).collect();
    let known = version.is_none_or(|version| version == VERSION);
    let offered = |node: &NodeType| !world.redshift.not_offered.contains(node.name);
    let fits = |node: &&NodeType| known && offered(node) && wanted.as_ref().is_none_or(|wanted| *wanted == node.name);
    let offer = |node: &NodeType, kind: &str| {
        let name = node.name;
        json!({ "ClusterVersion": VERSION, "ClusterType": kind, "NodeType": name, "AvailabilityZones": zones })
    };
    let options = NODE_TYPES.iter().filter(fits).flat_map(|node| {
        let single = node.single.then(|| offer(node, "single-node"));
        single.into_iter().chain([offer(node, "multi-node")])
    });
    listing("OrderableClusterOptions", options.collect(), req)
}

fn describe_node_configuration_options(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let action = req.text("ActionType")?;
    if action != "resize-cluster" {
        let message = format!("the rsds sandbox does not implement the action type {action}: only resize-cluster");
        return Err(AwsError::new("UnsupportedOperation", message));
    }
    let cluster = cluster::asked(world, req, now)?;
    let filters = req.list("Filter").iter().map(Filter::read).collect::<Result<Vec<_>, AwsError>>()?;
    let current = cluster.current(now);
    let node = node::find(&current.node_type)?;
    let counts = node.elastic(current.nodes).filter(|nodes| *nodes != current.nodes);
    let fits = |nodes: &i64| filters.iter().all(|filter| filter.admits(node.name, *nodes));
    let option = |nodes: i64| {
        json!({
            "NodeType": node.name,
            "NumberOfNodes": nodes,
            "EstimatedDiskUtilizationPercent": DISK_USED,
            "Mode": "standard",
        })
    };
    listing("NodeConfigurationOptionList", counts.filter(fits).map(option).collect(), req)
}

/// One filter of the options.
enum Filter {
    Type(Vec<String>),
    Count(Test, Vec<i64>),
}

/// A comparison of a number with the values of a filter.
type Test = fn(i64, &[i64]) -> bool;

impl Filter {
    fn read(req: &Request) -> Result<Self, AwsError> {
        let (name, operator, values) = (req.text("Name")?, req.text("Operator")?, req.texts("Value")?);
        let numbers = || {
            let parse = |value: &String| value.parse::<i64>();
            let numbers: Result<Vec<i64>, _> = values.iter().map(parse).collect();
            numbers.map_err(|_| invalid(format!("The values of the filter {name} are not numbers.")))
        };
        match (name.as_str(), operator.as_str()) {
            ("NodeType", "eq" | "in") => Ok(Self::Type(values)),
            ("NumberOfNodes", operator) => Ok(Self::Count(test(operator)?, numbers()?)),
            _ => Err(invalid(format!("the rsds sandbox does not implement the filter {name} with {operator}"))),
        }
    }

    fn admits(&self, node: &str, nodes: i64) -> bool {
        match self {
            Self::Type(names) => names.iter().any(|name| name == node),
            Self::Count(test, values) => test(nodes, values),
        }
    }
}

fn test(operator: &str) -> Result<Test, AwsError> {
    let one = |test: Test| Ok(test);
    match operator {
        "eq" | "in" => one(|nodes, values| values.contains(&nodes)),
        "lt" => one(|nodes, values| values.iter().all(|value| nodes < *value)),
        "le" => one(|nodes, values| values.iter().all(|value| nodes <= *value)),
        "gt" => one(|nodes, values| values.iter().all(|value| nodes > *value)),
        "ge" => one(|nodes, values| values.iter().all(|value| nodes >= *value)),
        "between" => one(|nodes, values| {
            values.iter().min().is_some_and(|least| *least <= nodes)
                && values.iter().max().is_some_and(|most| nodes <= *most)
        }),
        other => Err(invalid(format!("The filter operator {other} is not known."))),
    }
}
