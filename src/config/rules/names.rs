//! Physical names: their length once `<project>-<env>-` stands in front, and prefixes AWS keeps for itself.

use super::Rules;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{NlbTargets, ProducerKind, Reader};

/// Longest name of a namespace and a workgroup (aws-facts.md 6.1, 6.2).
const NAMESPACE: usize = 64;
/// What has the name of a serverless warehouse.
const WAREHOUSE: [&str; 3] = ["role", "namespace", "workgroup"];
/// Longest identifier of a cluster (5.3).
const CLUSTER: usize = 63;
/// Longest name of a load balancer and a target group (7.1, 7.2).
const BALANCER: usize = 32;
/// Longest name of a managed endpoint (6.3).
const ENDPOINT: usize = 30;
/// Longest name of a role (2).
const ROLE: usize = 64;
/// Longest name of a scheduled action of serverless (6.6).
const SCHEDULED: usize = 60;

pub(super) fn check(rules: &mut Rules<'_>) {
    reserved_prefixes(rules);
    if rules.sound("project") {
        producer(rules);
        schedules(rules);
        readers(rules);
        balancer(rules);
    }
}

fn reserved_prefixes(rules: &mut Rules<'_>) {
    for (prefix, what) in [("internal-", "load balancers"), ("sg-", "security groups")] {
        if rules.config.name("").starts_with(prefix) {
            let fault = format!("names that start with `{prefix}` belong to AWS, and {what} may not have them");
            rules.error("project", Fault::new(fault));
        }
    }
}

/// Says whether all these resources of a component have names of their own in `[resources]`, or are left out there.
fn pinned(rules: &Rules<'_>, component: &str, resources: &[&str]) -> bool {
    let named =
        |address: String| rules.config.resources.get(&address).is_some_and(|of| of.name.is_some() || !of.exists);
    resources.iter().all(|resource| named(format!("{component}/{resource}")))
}

fn limit(rules: &mut Rules<'_>, path: &str, what: &str, name: &str, most: usize) {
    let length = name.len();
    if length > most {
        let over = length - most;
        let fault =
            format!("the name of {what} would be `{name}`: {length} characters, {over} more than AWS allows ({most})");
        let help = format!(
            "shorten the project{} the name of the environment{}",
            if path == "project" { " or" } else { "," },
            if path == "project" { "" } else { ", or this name" }
        );
        rules.error_at_key(path, Fault::new(fault).help(help));
    }
}

fn producer(rules: &mut Rules<'_>) {
    let name = rules.config.producer_name();
    match rules.config.producer.kind {
        ProducerKind::Serverless(_) if pinned(rules, "producer", &WAREHOUSE) => {}
        ProducerKind::Cluster(_) if pinned(rules, "producer", &["cluster"]) => {}
        ProducerKind::Serverless(_) => limit(rules, "project", "the producer's namespace", &name, NAMESPACE),
        ProducerKind::Cluster(_) => limit(rules, "project", "the cluster", &name, CLUSTER),
    }
}

fn schedules(rules: &mut Rules<'_>) {
    let producer = &rules.config.producer;
    let scheduled = match &producer.kind {
        ProducerKind::Cluster(cluster) => cluster.pause.is_some(),
        ProducerKind::Serverless(_) => producer.snapshot_schedule.is_some(),
    };
    if scheduled && !pinned(rules, "producer", &["scheduler-role"]) {
        let name = format!("{}-scheduler", rules.config.producer_name());
        limit(rules, "project", "the scheduler's role", &name, ROLE);
    }
    let serverless = matches!(producer.kind, ProducerKind::Serverless(_));
    if serverless && scheduled && !pinned(rules, "producer", &["snapshot-schedule"]) {
        let name = format!("{}-snapshot", rules.config.producer_name());
        limit(rules, "project", "the schedule of the snapshots", &name, SCHEDULED);
    }
}

fn readers(rules: &mut Rules<'_>) {
    let config = rules.config;
    for (group, consumer) in &config.consumers {
        let reader = Reader { group, number: consumer.count.max(1) };
        let (name, component) = (config.reader_name(reader), reader.component());
        let path = join("consumers", group);
        if !pinned(rules, &component, &WAREHOUSE) {
            limit(rules, &path, "the consumer's namespace", &name, NAMESPACE);
        }
        if !pinned(rules, &component, &["endpoint"])
            && config.nlb.targets == NlbTargets::Endpoint
            && consumer.behind_nlb
        {
            limit(rules, &path, "the consumer's managed endpoint", &name, ENDPOINT);
        }
    }
}

fn balancer(rules: &mut Rules<'_>) {
    let config = rules.config;
    if !config.has_nlb() {
        return;
    }
    if !pinned(rules, "nlb", &["load-balancer"]) {
        limit(rules, "project", "the load balancer", &config.nlb_name(), BALANCER);
    }
    let ports = config.nlb.listeners.iter().map(|listener| listener.port).chain([config.nlb.port]);
    let ports = ports.filter(|port| !pinned(rules, "nlb", &[&format!("target-group-{port}")]));
    if let Some(port) = ports.max() {
        limit(rules, "project", "the target group", &config.target_group_name(port), BALANCER);
    }
}
