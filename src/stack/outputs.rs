//! The outputs of an estate: ids, endpoints, addresses, connection strings (`connections`), the SQL of the data sharing.
//!
//! Called by `rsds output` and after an apply. Made of the configuration and the state alone: no call to AWS. Must
//! never hold a password: connection strings name the secret's ARN elsewhere.

mod connections;

use super::{datashares, recorded, users::secret};
use crate::{
    address::Address,
    aws::snapshots::Holder,
    config::typed::{Config, Consumer},
    state::State,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The component of the producer.
const PRODUCER: &str = "producer";
/// Returns every output by name; empty while nothing stands.
pub fn outputs(config: &Config, state: &State) -> BTreeMap<String, Json> {
    if state.entries.is_empty() {
        return BTreeMap::new();
    }
    let estate = Estate { config, state };
    let mut all = BTreeMap::from([
        ("vpc_id".to_owned(), estate.vpc()),
        ("subnet_ids".to_owned(), estate.subnets()),
        ("producer".to_owned(), estate.producer()),
        ("consumers".to_owned(), estate.consumers()),
        ("connection_strings".to_owned(), estate.connection_strings()),
        ("data_sharing_commands".to_owned(), estate.data_sharing_commands()),
        ("tls".to_owned(), estate.tls()),
    ]);
    let secrets = secrets(config, state);
    if !secrets.is_empty() {
        all.insert("user_secrets".to_owned(), json!(secrets));
    }
    all.insert("alarm_topic_arn".to_owned(), estate.alarm_topic());
    if let Some(dns_name) = estate.nlb_name() {
        all.insert("nlb_dns_name".to_owned(), json!(dns_name));
        all.insert("nlb_port".to_owned(), json!(config.nlb.port));
        all.insert("nlb_listeners".to_owned(), estate.listeners());
    }
    all.retain(|_, value| !value.is_null());
    all
}

/// Returns the SQL of the data sharing for each warehouse, in the order it must run: the producer's first. What is not
/// known yet stands in a comment.
pub fn data_sharing(config: &Config, state: &State) -> Vec<(String, Vec<String>)> {
    let estate = Estate { config, state };
    let mut all: Vec<_> =
        datashares::commands(config, &|component| estate.namespace_id(component)).into_iter().collect();
    all.sort_by_key(|(warehouse, _)| warehouse != PRODUCER);
    all
}

/// The components of the warehouses, the producer's first.
fn components(config: &Config) -> impl Iterator<Item = String> {
    std::iter::once(PRODUCER.to_owned()).chain(config.readers().map(|(reader, _)| reader.component()))
}

/// Returns the warehouses that stand, each with the UUID of its namespace.
pub fn warehouses(config: &Config, state: &State) -> BTreeMap<String, String> {
    let estate = Estate { config, state };
    components(config).filter_map(|name| Some((name.clone(), estate.namespace_id(&name)?))).collect()
}

/// Returns the secrets of the users that stand, by user: their ARNs.
pub fn secrets(config: &Config, state: &State) -> BTreeMap<String, String> {
    let arn = |user: &String| Some((user.clone(), state.entries.get(&secret(user))?.id.as_ref()?.to_string()));
    config.users.keys().filter_map(arn).collect()
}

/// Returns what holds the data of each warehouse that stands, the producer's first.
pub fn holders(config: &Config, state: &State) -> Vec<(String, Holder)> {
    let estate = Estate { config, state };
    let holder = |name: &str| {
        let cluster = state.entries.get(&Address::new(name, "cluster")).and_then(|entry| entry.id.clone());
        let namespace = || estate.text(name, "namespace", "name").map(Holder::Namespace);
        cluster.map(|id| Holder::Cluster(id.0)).or_else(namespace)
    };
    components(config).filter_map(|name| Some((name.clone(), holder(&name)?))).collect()
}

/// One listener of the load balancer, and the groups it sends to.
struct Listener<'a> {
    name: String,
    port: u16,
    groups: BTreeMap<&'a String, &'a Consumer>,
}

struct Estate<'a> {
    config: &'a Config,
    state: &'a State,
}

impl Estate<'_> {
    fn get(&self, component: &str, resource: &str, output: &str) -> Json {
        self.state.output(&Address::new(component, resource), output).cloned().unwrap_or(Json::Null)
    }

    fn text(&self, component: &str, resource: &str, output: &str) -> Option<String> {
        self.get(component, resource, output).as_str().map(str::to_owned)
    }

    /// The VPC: its own, or the one that what stands is in.
    fn vpc(&self) -> Json {
        let own = self.get("networking", "vpc", "id");
        if own.is_null() { json!(recorded::vpc(self.state)) } else { own }
    }

    fn subnets(&self) -> Json {
        if self.config.networking.uses_existing_subnets() {
            let vpc = recorded::vpc(self.state).unwrap_or_default();
            return json!(recorded::subnets(self.state, vpc).into_keys().collect::<Vec<_>>());
        }
        let count = self.config.networking.subnet_cidrs.len();
        let ids = (1..=count).map(|n| self.get("networking", &format!("subnet-{n}"), "id"));
        ids.filter(|id| !id.is_null()).collect()
    }

    /// The producer in the form that stands; null while none does.
    fn producer(&self) -> Json {
        let producer = &self.config.producer;
        let Some(cluster) = self.text("producer", "cluster", "name") else {
            return self.warehouse("producer", producer.port, &producer.database);
        };
        let get = |output: &str| self.get("producer", "cluster", output);
        json!({
            "cluster": cluster,
            "namespace_id": get("namespace_id"),
            "namespace_arn": get("namespace_arn"),
            "admin_secret_arn": get("admin_secret"),
            "endpoint": get("endpoint"),
            "port": producer.port,
            "addresses": get("addresses"),
            "database": producer.database,
            "parameter_status": get("parameter_status"),
        })
    }

    /// The host name of a warehouse, whatever form it has.
    fn host(&self, component: &str) -> Option<String> {
        let cluster = || self.text(component, "cluster", "endpoint");
        self.text(component, "workgroup", "endpoint").or_else(cluster)
    }

    /// The namespace id of a warehouse, whatever form it has.
    fn namespace_id(&self, component: &str) -> Option<String> {
        let cluster = || self.text(component, "cluster", "namespace_id");
        self.text(component, "namespace", "id").or_else(cluster)
    }

    /// One serverless warehouse; null while it does not stand.
    fn warehouse(&self, component: &str, port: u16, database: &str) -> Json {
        let Some(namespace) = self.text(component, "namespace", "name") else { return Json::Null };
        let mut warehouse = json!({
            "namespace": namespace,
            "namespace_id": self.get(component, "namespace", "id"),
            "namespace_arn": self.get(component, "namespace", "arn"),
            "admin_secret_arn": self.get(component, "namespace", "admin_secret"),
            "workgroup": self.get(component, "workgroup", "name"),
            "endpoint": self.get(component, "workgroup", "endpoint"),
            "port": port,
            "addresses": self.get(component, "workgroup", "addresses"),
            "database": database,
        });
        if let Some(host) = self.text(component, "endpoint", "endpoint") {
            warehouse["managed_endpoint"] = json!(host);
        }
        if let Some(domain) = self.domain(component) {
            warehouse["custom_domain"] = json!(domain);
        }
        warehouse
    }

    fn consumers(&self) -> Json {
        let readers = self.config.readers().map(|(reader, consumer)| {
            let name = reader.component();
            let warehouse = self.warehouse(&name, consumer.port, &consumer.database);
            (name, warehouse)
        });
        Json::Object(readers.filter(|(_, warehouse)| !warehouse.is_null()).collect())
    }

    fn nlb_name(&self) -> Option<String> {
        self.text("nlb", "load-balancer", "dns_name")
    }

    /// The topic that the alarms tell; null where they tell nobody.
    fn alarm_topic(&self) -> Json {
        let theirs = self.config.monitoring.as_ref().and_then(|monitoring| monitoring.topic_arn.as_ref());
        theirs.map_or_else(|| self.get("monitoring", "topic", "arn"), |arn| json!(arn))
    }

    /// The listeners of the load balancer, the one over every group first.
    fn config_listeners(&self) -> Vec<Listener<'_>> {
        let nlb = &self.config.nlb;
        let behind = || self.config.consumers.iter().filter(|(_, consumer)| consumer.behind_nlb);
        let first = Listener { name: "nlb".to_owned(), port: nlb.port, groups: behind().collect() };
        let more = nlb.listeners.iter().map(|listener| {
            let groups = behind().filter(|(group, _)| listener.consumers.contains(group)).collect();
            Listener { name: format!("nlb-{}", listener.port), port: listener.port, groups }
        });
        std::iter::once(first).chain(more).collect()
    }

    fn listeners(&self) -> Json {
        let groups = |listener: &Listener<'_>| listener.groups.keys().map(|group| json!(group)).collect::<Vec<_>>();
        let all = self.config_listeners();
        all.iter().map(|listener| json!({ "port": listener.port, "consumers": groups(listener) })).collect()
    }

    fn data_sharing_commands(&self) -> Json {
        // One text a warehouse: ready to paste, ready to pipe.
        let commands = data_sharing(self.config, self.state).into_iter();
        Json::Object(commands.map(|(warehouse, lines)| (warehouse, json!(lines.join("\n")))).collect())
    }
}
