//! Turns the checked tree into the typed configuration, filling in defaults from the table of keys.
//! Called by `load.rs` after `check.rs`; it cannot fail, since checking left only values of the right type.
//! What is missing or was wrong becomes a default here and is an error there.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::check::setting;
use super::keys::{Absent, find};
use super::quantity;
use super::source::Source;
use super::sql_name;
use super::tree::{Node, Value, parse_value};
use super::typed::{
    AdminPassword, BreachAction, Capacity, Cluster, Config, Consumer, CustomDomain, Datashare, HealthCheck,
    LimitedFeature, Listener, LogExport, Monitoring, Networking, Nlb, NlbTargets, Offerer, Pause, Period, Principal,
    Producer, ProducerKind, ProducerLimit, Protect, ResourceOverride, Role, SnapshotCopy, StateBackend, Thresholds,
    UsageLimit, User, Vpc, Zones,
};

/// Converts the whole tree; `env` is the name of the environment.
#[must_use]
pub(super) fn convert(tree: &Node, env: &str) -> Config {
    let root = View { node: Some(tree), pattern: String::new() };
    let (project, region) = (root.at("project").text(), root.at("region").text());
    Config {
        state: state(&root.at("state"), &project, env, &region),
        env: env.to_owned(),
        account: root.at("account").text_if(),
        tags: root.at("tags").settings(),
        networking: networking(&root.at("networking")),
        producer: producer(&root.at("producer")),
        consumers: root.at("consumers").map(consumer),
        nlb: nlb(&root.at("nlb")),
        datashares: root.at("datashares").named(datashare),
        users: root.at("users").map(|view| User { grants: view.at("grants").texts() }),
        roles: root.at("roles").map(|view| Role { members: principals(&view.at("members")) }),
        monitoring: root.at("monitoring").present().map(|view| monitoring(&view)),
        protect: Protect { addresses: root.at("protect").at("addresses").texts() },
        resources: root.at("resources").map(resource),
        project,
        region,
    }
}

/// A place in the tree together with its place in the table of keys.
struct View<'a> {
    node: Option<&'a Node>,
    pattern: String,
}

impl<'a> View<'a> {
    fn at(&self, name: &str) -> Self {
        let node = self.node.and_then(|node| node.get(name));
        let dot = if self.pattern.is_empty() { "" } else { "." };
        View { node, pattern: format!("{}{dot}{name}", self.pattern) }
    }

    fn present(self) -> Option<Self> {
        self.node.is_some().then_some(self)
    }

    /// Returns what is written, or else the default of the table of keys.
    fn value(&self) -> Option<Value> {
        if let Some(node) = self.node {
            return Some(node.value.clone());
        }
        match find(&self.pattern)?.absent {
            Absent::Value(text) => Some(parse_value(&Source::file("default", text), 0)?.value),
            _ => None,
        }
    }

    fn text_if(&self) -> Option<String> {
        match self.value()? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn text(&self) -> String {
        self.text_if().unwrap_or_default()
    }

    fn flag_if(&self) -> Option<bool> {
        match self.value()? {
            Value::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    fn flag(&self) -> bool {
        self.flag_if().unwrap_or_default()
    }

    fn number_if(&self) -> Option<u32> {
        match self.value()? {
            Value::Int(number) => u32::try_from(number).ok(),
            _ => None,
        }
    }

    fn number(&self) -> u32 {
        self.number_if().unwrap_or_default()
    }

    fn port(&self) -> u16 {
        u16::try_from(self.number()).unwrap_or_default()
    }

    fn duration_if(&self) -> Option<Duration> {
        quantity::duration(&self.text_if()?, 0, u64::MAX).ok()
    }

    fn duration(&self) -> Duration {
        self.duration_if().unwrap_or_default()
    }

    fn texts_if(&self) -> Option<Vec<String>> {
        match self.value()? {
            Value::List(items) => Some(items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()),
            _ => None,
        }
    }

    fn texts(&self) -> Vec<String> {
        self.texts_if().unwrap_or_default()
    }

    fn cidrs(&self) -> Vec<Ipv4Net> {
        self.texts().iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let entries = self.node.and_then(Node::table).into_iter().flatten();
        entries.filter_map(|(name, node)| Some((name.clone(), setting(&node.value)?))).collect()
    }

    fn named<T>(&self, make: impl Fn(&str, &Self) -> T) -> BTreeMap<String, T> {
        let pattern = format!("{}.*", self.pattern);
        let entries = self.node.and_then(Node::table).into_iter().flatten();
        let view = |node| View { node: Some(node), pattern: pattern.clone() };
        entries.map(|(name, node)| (name.clone(), make(name, &view(node)))).collect()
    }

    fn map<T>(&self, make: impl Fn(&Self) -> T) -> BTreeMap<String, T> {
        self.named(|_, view| make(view))
    }

    fn each<T>(&self, make: impl Fn(&Self) -> T) -> Vec<T> {
        let pattern = format!("{}[]", self.pattern);
        let items = self.node.map(Node::items).unwrap_or_default();
        items.iter().map(|node| make(&View { node: Some(node), pattern: pattern.clone() })).collect()
    }
}

fn state(view: &View<'_>, project: &str, env: &str, region: &str) -> StateBackend {
    if view.at("backend").text() != "s3" {
        return StateBackend::Local;
    }
    StateBackend::S3 {
        bucket: view.at("bucket").text(),
        key: view.at("key").text_if().unwrap_or_else(|| format!("rsds/{project}/{env}/state.json")),
        region: view.at("region").text_if().unwrap_or_else(|| region.to_owned()),
        kms_key_id: view.at("kms_key_id").text_if(),
    }
}

fn networking(view: &View<'_>) -> Networking {
    let vpc_cidr = view.at("vpc_cidr").text_if().and_then(|text| text.parse().ok());
    let vpc = match (view.at("vpc_id").text_if(), view.at("vpc_name").text_if()) {
        (Some(id), _) => Vpc::Id(id),
        (None, Some(name)) => Vpc::Name(name),
        (None, None) => Vpc::New(vpc_cidr.unwrap_or_default()),
    };
    let zones = match view.at("availability_zones").value() {
        Some(Value::List(_)) => Zones::Names(view.at("availability_zones").texts()),
        _ => Zones::Count(view.at("availability_zones").number()),
    };
    let given = view.at("subnet_cidrs").present().map(|view| view.cidrs());
    let subnet_cidrs = match (given, &vpc) {
        (Some(given), _) => given,
        (None, Vpc::New(range)) => carve(*range, zones.len()),
        (None, _) => Vec::new(),
    };
    let uses_existing = !matches!(vpc, Vpc::New(_)) && subnet_cidrs.is_empty();
    Networking {
        vpc,
        subnet_cidrs,
        subnet_ids: view.at("subnet_ids").texts(),
        zones,
        allowed_cidrs: view.at("allowed_cidrs").cidrs(),
        internet_gateway: view.at("internet_gateway").flag(),
        // It would change the routes of subnets that are not rsds's.
        s3_endpoint: view.at("s3_endpoint").flag() && !uses_existing,
    }
}

/// Carves one subnet per zone out of `vpc`: a /23 each (507 usable addresses), or the largest that fits, down to /28.
/// Returns fewer than asked when the VPC has no room for them.
#[must_use]
pub(super) fn carve(vpc: Ipv4Net, zones: usize) -> Vec<Ipv4Net> {
    let bits = zones.next_power_of_two().trailing_zeros();
    let fits = u32::from(vpc.prefix_len()) + bits;
    let size = u8::try_from(fits.clamp(23, 28)).unwrap_or(28);
    vpc.subnets(size).map(|subnets| subnets.take(zones).collect()).unwrap_or_default()
}

fn capacity(view: &View<'_>) -> Capacity {
    Capacity { base: view.at("base_capacity").number(), max: view.at("max_capacity").number_if() }
}

fn producer(view: &View<'_>) -> Producer {
    let kind = if view.at("type").text() == "cluster" {
        ProducerKind::Cluster(cluster(view))
    } else {
        ProducerKind::Serverless(capacity(view))
    };
    let external = view.at("admin_password").text() == "external";
    Producer {
        kind,
        database: view.at("database").text(),
        admin_username: view.at("admin_username").text(),
        admin_password: if external { AdminPassword::External } else { AdminPassword::Managed },
        port: view.at("port").port(),
        enhanced_vpc_routing: view.at("enhanced_vpc_routing").flag(),
        s3_buckets: view.at("s3_buckets").texts(),
        publicly_accessible: view.at("publicly_accessible").flag(),
        parameters: view.at("parameters").settings(),
        final_snapshot: view.at("final_snapshot").flag(),
        snapshot_schedule: view.at("snapshot_schedule").text_if(),
        snapshot_retention: view.at("snapshot_retention").duration(),
        logging: logs(&view.at("logging")),
        log_retention: view.at("log_retention").duration_if(),
        usage_limits: view.at("usage_limits").each(producer_limit),
        snapshot_copy: view.at("snapshot_copy").present().map(|copy| SnapshotCopy {
            region: copy.at("region").text(),
            retention: copy.at("retention").duration(),
            kms_key_arn: copy.at("kms_key_arn").text_if(),
        }),
        restore: view.at("restore").at("snapshot").text_if(),
        kms_key_arn: view.at("kms_key_arn").text_if(),
    }
}

fn cluster(view: &View<'_>) -> Cluster {
    Cluster {
        node_type: view.at("node_type").text(),
        node_count: view.at("node_count").number(),
        multi_az: view.at("multi_az").flag(),
        availability_zone_relocation: view.at("availability_zone_relocation").flag_if(),
        maintenance_window: view.at("maintenance_window").text_if(),
        pause: view
            .at("pause")
            .present()
            .map(|pause| Pause { stop: pause.at("stop").text(), start: pause.at("start").text() }),
    }
}

fn logs(view: &View<'_>) -> Vec<LogExport> {
    let mut all: Vec<LogExport> = [LogExport::ConnectionLog, LogExport::UserLog, LogExport::UserActivityLog].into();
    let wanted = view.texts();
    all.retain(|log| wanted.iter().any(|name| name == log.as_str()));
    all
}

fn consumer(view: &View<'_>) -> Consumer {
    Consumer {
        count: view.at("count").number(),
        capacity: capacity(view),
        database: view.at("database").text(),
        admin_username: view.at("admin_username").text(),
        port: view.at("port").port(),
        enhanced_vpc_routing: view.at("enhanced_vpc_routing").flag(),
        query_timeout: view.at("query_timeout").duration_if(),
        parameters: view.at("parameters").settings(),
        usage_limit: view.at("usage_limit").present().map(|limit| usage_limit(&limit)),
        s3_buckets: view.at("s3_buckets").texts(),
        final_snapshot: view.at("final_snapshot").flag(),
        publicly_accessible: view.at("publicly_accessible").flag(),
        log_exports: logs(&view.at("log_exports")),
        log_retention: view.at("log_retention").duration_if(),
        restore: view.at("restore").at("snapshot").text_if(),
        behind_nlb: view.at("behind_nlb").flag(),
    }
}

fn usage_limit(view: &View<'_>) -> UsageLimit {
    let (period, action) = (period(&view.at("period")), breach_action(&view.at("action")));
    UsageLimit { period, rpu_hours: view.at("rpu_hours").number(), action }
}

fn producer_limit(view: &View<'_>) -> ProducerLimit {
    let feature = match view.at("feature").text().as_str() {
        "spectrum" => LimitedFeature::Spectrum,
        "cross-region-datasharing" => LimitedFeature::CrossRegionDatasharing,
        "serverless-compute" => LimitedFeature::ServerlessCompute,
        _ => LimitedFeature::ConcurrencyScaling,
    };
    let (period, action) = (period(&view.at("period")), breach_action(&view.at("action")));
    ProducerLimit { feature, period, amount: view.at("amount").number(), action }
}

fn period(view: &View<'_>) -> Period {
    match view.text().as_str() {
        "daily" => Period::Daily,
        "weekly" => Period::Weekly,
        _ => Period::Monthly,
    }
}

fn breach_action(view: &View<'_>) -> BreachAction {
    match view.text().as_str() {
        "deactivate" => BreachAction::Deactivate,
        "emit-metric" => BreachAction::EmitMetric,
        _ => BreachAction::Log,
    }
}

fn nlb(view: &View<'_>) -> Nlb {
    let check = view.at("health_check");
    let endpoint = view.at("targets").text() == "endpoint";
    Nlb {
        internal: view.at("internal").flag(),
        port: view.at("port").port(),
        cross_zone: view.at("cross_zone").flag(),
        idle_timeout: view.at("idle_timeout").duration(),
        deregistration_delay: view.at("deregistration_delay").duration(),
        stickiness: view.at("stickiness").flag(),
        targets: if endpoint { NlbTargets::Endpoint } else { NlbTargets::Workgroup },
        deletion_protection: view.at("deletion_protection").flag(),
        health_check: HealthCheck {
            interval: check.at("interval").duration(),
            healthy: check.at("healthy").number(),
            unhealthy: check.at("unhealthy").number(),
        },
        custom_domain: view.at("custom_domain").present().map(|domain| CustomDomain {
            name: domain.at("name").text(),
            certificate_arn: domain.at("certificate_arn").text(),
        }),
        listeners: view.at("listeners").each(|listener| Listener {
            port: listener.at("port").port(),
            consumers: listener.at("consumers").texts(),
        }),
    }
}

fn datashare(name: &str, view: &View<'_>) -> Datashare {
    let from = view.at("account").text_if().map(|account| {
        let namespace = view.at("namespace").text();
        Offerer { account, namespace }
    });
    Datashare {
        from,
        schemas: view.at("schemas").texts(),
        tables: view.at("tables").texts().iter().filter_map(|text| sql_name::table(text).ok()).collect(),
        include_new: view.at("include_new").flag(),
        consumers: view.at("consumers").texts_if(),
        accounts: view.at("accounts").texts(),
        database: view.at("database").text_if().unwrap_or_else(|| name.to_owned()),
        create_schemas: view.at("create_schemas").flag(),
        grant_to: principals(&view.at("grant_to")),
        publicly_accessible: view.at("publicly_accessible").flag(),
    }
}

fn principals(view: &View<'_>) -> Vec<Principal> {
    let parse = |text: &String| {
        let (role, name) = sql_name::principal(text).ok()?;
        Some(if role { Principal::Role(name) } else { Principal::User(name) })
    };
    view.texts().iter().filter_map(parse).collect()
}

fn monitoring(view: &View<'_>) -> Monitoring {
    let of = view.at("thresholds");
    Monitoring {
        alarms: view.at("alarms").flag(),
        notify: view.at("notify").texts(),
        topic_arn: view.at("topic_arn").text_if(),
        thresholds: Thresholds {
            consumer_rpu_hours_per_day: of.at("consumer_rpu_hours_per_day").number_if(),
            consumer_connections: of.at("consumer_connections").number(),
            queries_failed: of.at("queries_failed").number(),
            queries_queued: of.at("queries_queued").number(),
            usage_limit_percent: of.at("usage_limit_percent").number(),
            storage_gb: of.at("storage_gb").number_if(),
            cluster_cpu_percent: of.at("cluster_cpu_percent").number(),
            cluster_disk_percent: of.at("cluster_disk_percent").number(),
            cluster_connections: of.at("cluster_connections").number(),
            cluster_commit_queue: of.at("cluster_commit_queue").number(),
            healthy_hosts: of.at("healthy_hosts").number(),
            nlb_resets: of.at("nlb_resets").number_if(),
        },
    }
}

fn resource(view: &View<'_>) -> ResourceOverride {
    let entries = view.node.and_then(Node::table).into_iter().flatten();
    let fields = entries.filter(|(name, _)| !["name", "exists", "ignore_changes"].contains(&name.as_str()));
    ResourceOverride {
        name: view.at("name").text_if(),
        exists: view.at("exists").flag(),
        ignore_changes: view.at("ignore_changes").texts(),
        fields: fields.map(|(name, node)| (name.clone(), node.value.to_json())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carving_gives_a_23_each_or_the_largest_that_fits() {
        let carved = |vpc: &str, zones| -> Vec<String> {
            carve(vpc.parse().unwrap(), zones).iter().map(ToString::to_string).collect()
        };
        assert_eq!(carved("10.40.0.0/16", 3), ["10.40.0.0/23", "10.40.2.0/23", "10.40.4.0/23"]);
        assert_eq!(carved("10.0.0.0/24", 3), ["10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26"]);
        assert_eq!(carved("10.0.0.0/22", 2), ["10.0.0.0/23", "10.0.2.0/23"]);
        assert_eq!(carved("10.0.0.0/28", 3).len(), 1);
        assert_eq!(carved("10.0.0.0/16", 0).len(), 0);
    }
}
