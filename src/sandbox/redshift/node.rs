//! Node types: how many nodes a cluster may have, how far it can be resized, what it stores.
//!
//! Called by the create, modify and resize operations. Source: the table of aws-facts.md 5.3. Must never read the
//! world.

use super::{AwsError, invalid};

/// A node type.
pub(super) struct NodeType {
    /// Name, e.g. `ra3.xlplus`.
    pub name: &'static str,
    /// Whether a cluster can have just one.
    pub single: bool,
    /// Most nodes at creation and after a classic resize.
    pub most: i64,
    /// Most nodes after an elastic resize.
    pub most_elastic: i64,
    /// How many times as many nodes an elastic resize can give.
    growth: i64,
    /// What part of the nodes an elastic resize must leave: one in so many.
    shrinkage: i64,
    /// Managed storage of a node in TB: alone, among others.
    storage: (i64, i64),
}

/// The node types one can order.
pub(super) static NODE_TYPES: &[NodeType] = &[
    node("ra3.large", true, (16, 16), (2, 2), (1, 8)),
    node("ra3.xlplus", true, (16, 32), (2, 4), (4, 32)),
    node("ra3.4xlarge", false, (32, 64), (4, 4), (128, 128)),
    node("ra3.16xlarge", false, (128, 128), (4, 4), (128, 128)),
    node("rg.large", true, (16, 16), (2, 2), (1, 8)),
    node("rg.xlarge", false, (16, 32), (2, 4), (32, 32)),
    node("rg.4xlarge", false, (32, 64), (4, 4), (128, 128)),
    node("rg.12xlarge", false, (128, 128), (4, 4), (128, 128)),
];

const fn node(name: &'static str, single: bool, most: (i64, i64), by: (i64, i64), storage: (i64, i64)) -> NodeType {
    NodeType { name, single, most: most.0, most_elastic: most.1, growth: by.0, shrinkage: by.1, storage }
}

/// The node type of that name; those of the past can't be ordered any more.
pub(super) fn find(name: &str) -> Result<&'static NodeType, AwsError> {
    let found = NODE_TYPES.iter().find(|node| node.name == name);
    found.ok_or_else(|| invalid(format!("Invalid node type: {name}")))
}

impl NodeType {
    /// Refuses a number of nodes that can't be created.
    pub(super) fn check(&self, nodes: i64) -> Result<(), AwsError> {
        match nodes {
            1 if !self.single => Err(invalid(format!("A single-node cluster can't have the node type {}.", self.name))),
            nodes if nodes < 1 => Err(invalid(format!("The number of nodes {nodes} is not greater than 0."))),
            nodes if nodes > self.most => Err(AwsError::new(
                "NumberOfNodesPerClusterLimitExceeded",
                format!("A cluster of {} nodes can have at most {} of them, not {nodes}.", self.name, self.most),
            )),
            _ => Ok(()),
        }
    }

    /// Node counts that an elastic resize can reach from `nodes` of this type; none from a single node.
    pub(super) fn elastic(&self, nodes: i64) -> std::ops::RangeInclusive<i64> {
        if nodes < 2 {
            return std::ops::RangeInclusive::new(1, 0);
        }
        let least = (nodes + self.shrinkage - 1) / self.shrinkage;
        least.max(2)..=(nodes * self.growth).min(self.most_elastic)
    }

    /// Managed storage of so many nodes in MB.
    pub(super) fn capacity(&self, nodes: i64) -> i64 {
        1_000_000 * if nodes == 1 { self.storage.0 } else { nodes * self.storage.1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_to_the_table() {
        let large = find("ra3.4xlarge").unwrap();
        assert!(large.check(2).is_ok() && large.check(32).is_ok());
        assert_eq!(large.check(1).unwrap_err().code, "InvalidParameterValue");
        assert_eq!(large.check(33).unwrap_err().code, "NumberOfNodesPerClusterLimitExceeded");
        assert_eq!(large.elastic(4), 2..=16);
        assert_eq!(large.elastic(32), 8..=64);
        let small = find("ra3.xlplus").unwrap();
        assert!(small.check(1).is_ok());
        assert!(small.elastic(1).is_empty());
        assert_eq!(small.elastic(16), 4..=32);
        assert_eq!(find("dc2.large").err().unwrap().code, "InvalidParameterValue");
    }
}
