//! What only a cluster has, what only serverless has, and the rules of a cluster (aws-facts.md 5.3).

use super::Rules;
use crate::config::diagnostic::did_you_mean;
use crate::config::shape::Fault;
use crate::config::typed::{Cluster, ProducerKind};

/// Keys of `[producer]` that only a cluster has.
const CLUSTER_ONLY: &[&str] =
    &["node_type", "node_count", "multi_az", "availability_zone_relocation", "maintenance_window", "pause"];
/// Keys of `[producer]` that only serverless has.
const SERVERLESS_ONLY: &[&str] = &["base_capacity", "max_capacity"];
/// Node types with the fewest and most nodes at create, and the most an elastic resize leads to.
const NODES: &[(&str, u32, u32, u32)] = &[
    ("ra3.large", 1, 16, 16),
    ("ra3.xlplus", 1, 16, 32),
    ("ra3.4xlarge", 2, 32, 64),
    ("ra3.16xlarge", 2, 128, 128),
    ("rg.large", 1, 16, 16),
    ("rg.xlarge", 2, 16, 16),
    ("rg.4xlarge", 2, 32, 32),
    ("rg.12xlarge", 2, 128, 128),
];
/// Zones AWS wants the subnets of a cluster in two zones to lie in.
const ZONES: usize = 3;

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    match &config.producer.kind {
        _ if !rules.sound("producer.type") => {}
        ProducerKind::Serverless(_) => foreign(rules, CLUSTER_ONLY, "a cluster", "serverless"),
        ProducerKind::Cluster(cluster) => {
            foreign(rules, SERVERLESS_ONLY, "serverless", "a cluster");
            nodes(rules, cluster);
            zones(rules, cluster);
        }
    }
}

fn foreign(rules: &mut Rules<'_>, names: &[&str], owner: &str, this: &str) {
    for name in names {
        let path = format!("producer.{name}");
        if rules.written(&path) {
            let fault = Fault::new(format!("only {owner} has this, and the producer is {this}"));
            let help = if this == "serverless" {
                "`type = \"cluster\"` would make it one"
            } else {
                "a cluster has `node_type` and `node_count`"
            };
            rules.error_at_key(&path, fault.help(help));
        }
    }
}

fn nodes(rules: &mut Rules<'_>, cluster: &Cluster) {
    let (kind, count) = (cluster.node_type.as_str(), cluster.node_count);
    let Some((_, fewest, most, grown)) = NODES.iter().find(|row| row.0 == kind) else {
        let fault = if kind.starts_with("dc2.") || kind.starts_with("ds2.") || kind.starts_with("dc1.") {
            Fault::new(format!("`{kind}` cannot share data: an RA3 node type is needed"))
                .help("for example `ra3.xlplus`")
        } else {
            let help = did_you_mean(kind, NODES.iter().map(|row| row.0));
            Fault { message: format!("`{kind}` is not a node type"), help }
        };
        return rules.error("producer.node_type", fault);
    };
    if count < *fewest {
        let fault = Fault::new(format!("{kind} cannot be a single node: at least {fewest}"));
        let small = "`ra3.large` and `ra3.xlplus` can be";
        rules.error("producer.node_count", fault.help(format!("write `node_count = {fewest}`; {small}")));
    }
    if count > *grown {
        rules.error("producer.node_count", Fault::new(format!("{count} nodes of {kind}: at most {grown}")));
    } else if count > *most {
        let fault = Fault::new(format!("{count} nodes of {kind}: at most {most} at create"));
        rules.warning("producer.node_count", fault.help("a running cluster gets there by an elastic resize"));
    }
}

fn zones(rules: &mut Rules<'_>, cluster: &Cluster) {
    if !cluster.multi_az {
        return;
    }
    if cluster.node_count < 2 {
        rules.error("producer.multi_az", Fault::new("two zones at once need at least 2 nodes in each"));
    }
    let zones = rules.config.networking.zones.len();
    if zones < ZONES && rules.sound("networking.availability_zones") {
        let fault = Fault::new(format!("two zones at once need subnets in {ZONES} zones, and there are {zones}"));
        rules.error("producer.multi_az", fault.help(format!("write `availability_zones = {ZONES}` in `[networking]`")));
    }
    if cluster.availability_zone_relocation == Some(true) {
        rules.error(
            "producer.availability_zone_relocation",
            Fault::new("a cluster in two zones at once cannot be relocated"),
        );
    }
}
