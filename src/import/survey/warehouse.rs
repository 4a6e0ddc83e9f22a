//! The producer and the consumers of an old estate: which warehouse is which, their groups, logs and limits.
//!
//! Part of `survey`. Must never take two warehouses for the producer.

use super::{Puzzle, Survey, group_of, plain};
use crate::import::tfstate::{TfResource, texts};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// One warehouse of an old estate.
#[derive(Clone, Debug)]
pub(super) struct Warehouse<'a> {
    /// Its component: `producer`, `consumer-reporting-1`.
    pub(super) component: String,
    /// Its group; none of the producer.
    pub(super) group: Option<String>,
    pub(super) cluster: Option<&'a TfResource>,
    pub(super) namespace: Option<&'a TfResource>,
    pub(super) workgroup: Option<&'a TfResource>,
    pub(super) endpoint: Option<&'a TfResource>,
}

/// Words in a name by which a warehouse is the producer.
const WRITES: &[&str] = &["producer", "writer", "primary"];
/// Parameters every workgroup has, with what AWS sets them to (aws-facts.md 6.2).
const USUAL: &[(&str, &str)] = &[
    ("auto_mv", "true"),
    ("datestyle", "ISO, MDY"),
    ("enable_case_sensitive_identifier", "false"),
    ("enable_user_activity_logging", "true"),
    ("max_query_execution_time", "14400"),
    ("query_group", "default"),
    ("require_ssl", "true"),
    ("search_path", "$user, public"),
    ("use_fips_ssl", "false"),
];
const TIMEOUT: &str = "max_query_execution_time";

impl<'a> Warehouse<'a> {
    /// The resource that stands for all of it.
    pub(super) fn any(&self) -> &'a TfResource {
        static NOBODY: std::sync::LazyLock<TfResource> = std::sync::LazyLock::new(TfResource::nobody);
        self.cluster.or(self.workgroup).or(self.namespace).unwrap_or(&NOBODY)
    }

    fn name(&self) -> &'a str {
        let of = self.any();
        let name = of.text("cluster_identifier").or_else(|| of.text("workgroup_name"));
        name.or_else(|| of.text("namespace_name")).unwrap_or_default()
    }

    /// Its security groups.
    pub(super) fn groups(&self) -> Vec<&'a str> {
        let of = self.any();
        of.texts(if self.cluster.is_some() { "vpc_security_group_ids" } else { "security_group_ids" })
    }

    /// Its roles, the default one first.
    pub(super) fn roles(&self) -> Vec<&'a str> {
        let of = self.cluster.or(self.namespace);
        let default = of.and_then(|of| of.text("default_iam_role_arn"));
        let all = of.map(|of| of.texts("iam_roles")).unwrap_or_default();
        // Some versions of the provider keep `IamRole(applyStatus=in-sync, iamRoleArn=arn:...)`.
        let arn = |text: &'a str| text.find("arn:").map_or(text, |at| text[at..].trim_end_matches([')', ',']));
        default.into_iter().chain(all.into_iter().map(arn)).collect()
    }

    /// Its private addresses: of its own endpoint, and of the managed one.
    pub(super) fn addresses(&self) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
        let of = |endpoints: &'a [Json]| {
            let inner = endpoints.iter().flat_map(|endpoint| endpoint["network_interface"].as_array()).flatten();
            inner.filter_map(|interface| interface["private_ip_address"].as_str()).collect()
        };
        let own = self.workgroup.map(|of| of.blocks("endpoint")).unwrap_or_default().iter();
        let own = own.filter_map(|endpoint| endpoint["vpc_endpoint"].as_array()).map(|all| of(all));
        let managed = self.endpoint.map(|endpoint| of(endpoint.blocks("vpc_endpoint"))).unwrap_or_default();
        (own.flat_map(|all: BTreeSet<&str>| all).collect(), managed)
    }

    /// Where it says that it writes.
    fn writes(&self) -> bool {
        let of = self.any();
        let places = of.modules.iter().map(|(name, _)| name.as_str()).chain([of.name.as_str(), self.name()]);
        places.into_iter().any(|place| plain(place).split('-').any(|word| WRITES.contains(&word)))
    }
}

impl<'a> Survey<'a> {
    /// Finds all warehouses, the producer first.
    pub(super) fn warehouses(&mut self, named: Option<&str>) -> Result<Vec<Warehouse<'a>>, Puzzle> {
        let tf = self.tf;
        let mut all: Vec<Warehouse<'a>> = Vec::new();
        let of = |cluster, namespace, workgroup, endpoint| {
            let (component, group) = (String::new(), None);
            Warehouse { component, group, cluster, namespace, workgroup, endpoint }
        };
        all.extend(tf.of("aws_redshift_cluster").map(|cluster| of(Some(cluster), None, None, None)));
        for workgroup in tf.of("aws_redshiftserverless_workgroup") {
            let same = |other: &&TfResource, attribute| other.text(attribute) == workgroup.text(attribute);
            let namespace = tf.of("aws_redshiftserverless_namespace").find(|other| same(other, "namespace_name"));
            let endpoint = tf.of("aws_redshiftserverless_endpoint_access").find(|other| same(other, "workgroup_name"));
            all.push(of(None, namespace, Some(workgroup), endpoint));
        }
        let at = self.find_producer(&all, named)?;
        let mut producer = all.remove(at);
        producer.component = "producer".to_owned();
        let (mut clusters, serverless): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.cluster.is_some());
        clusters
            .drain(..)
            .for_each(|one| self.leave(one.any(), "an estate has one producer, and consumers are serverless"));
        let mut numbered: Vec<((String, Option<u32>), Warehouse<'a>)> =
            serverless.into_iter().map(|one| (group_of(one.any(), one.name(), &self.project), one)).collect();
        numbered.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.name().cmp(b.name())));
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut found = vec![producer];
        for ((group, _), mut one) in numbered {
            let number = counts.entry(group.clone()).and_modify(|n| *n += 1).or_insert(1);
            one.component = format!("consumer-{group}-{number}");
            one.group = Some(group);
            found.push(one);
        }
        Ok(found)
    }

    fn find_producer(&self, all: &[Warehouse<'_>], named: Option<&str>) -> Result<usize, Puzzle> {
        let names = || all.iter().map(Warehouse::name).collect::<Vec<_>>().join(", ");
        if let Some(name) = named {
            let at = all.iter().position(|one| one.name() == name);
            return at.ok_or_else(|| {
                (format!("no warehouse of this state is called {name}"), format!("there is {}", names()))
            });
        }
        let only = |fits: &dyn Fn(&Warehouse<'_>) -> bool| match all
            .iter()
            .enumerate()
            .filter(|(_, one)| fits(one))
            .collect::<Vec<_>>()[..]
        {
            [(at, _)] => Some(at),
            _ => None,
        };
        let targets: BTreeSet<&str> =
            self.tf.of("aws_lb_target_group_attachment").filter_map(|of| of.text("target_id")).collect();
        let reads = |one: &Warehouse<'_>| {
            let (own, managed) = one.addresses();
            own.iter().chain(&managed).any(|address| targets.contains(address))
        };
        let found = only(&|one| one.writes() && one.cluster.is_some())
            .or_else(|| only(&|one| one.writes()))
            .or_else(|| only(&|one| one.cluster.is_some()))
            .or_else(|| only(&|one| !reads(one)))
            .or_else(|| only(&|_| true));
        match (found, all) {
            (Some(at), _) => Ok(at),
            (None, []) => Err((
                "there is no warehouse in this state: no aws_redshift_cluster, no aws_redshiftserverless_workgroup"
                    .to_owned(),
                "take the state of the workspace that made the warehouses".to_owned(),
            )),
            (None, _) => {
                Err((format!("which of these takes the writes: {}?", names()), "say it: --producer NAME".to_owned()))
            }
        }
    }

    /// Describes the producer.
    pub(super) fn producer(&mut self, one: &Warehouse<'a>) {
        match one.cluster {
            Some(cluster) => self.cluster(cluster),
            None => {
                let keys = self.serverless(one);
                self.write("producer", keys);
                self.limits_of_producer(one);
                self.log_groups_of("producer", one);
            }
        }
        let section = "producer";
        if self.layout.sections.iter().all(|(name, _)| name != section) {
            self.layout.sections.push((section.to_owned(), Vec::new()));
        }
        self.role(one, true);
        self.key(one);
    }

    fn write(&mut self, section: &str, keys: Vec<(&'static str, Json)>) {
        keys.into_iter().for_each(|(key, value)| self.set(section, key, value));
    }

    /// Puts the namespace and the workgroup in their places, and returns the plain keys of both.
    fn serverless(&mut self, one: &Warehouse<'a>) -> Vec<(&'static str, Json)> {
        let component = one.component.as_str();
        let tail = component.strip_prefix("consumer-").unwrap_or(component);
        let mut keys = Vec::new();
        if let Some(of) = one.workgroup {
            let name = of.text("workgroup_name").unwrap_or_default();
            self.assign(component, "workgroup", of, "redshift-serverless.workgroup", of.text("arn").unwrap_or(name));
            self.name(component, "workgroup", name, tail);
            self.facts(
                component,
                "workgroup",
                json!({
                    "subnets": of.texts("subnet_ids"), "base_capacity": of.number("base_capacity"),
                    "max_capacity": of.number("max_capacity"), "enhanced_vpc_routing": of.flag("enhanced_vpc_routing"),
                }),
            );
            let number = |key| of.number(key).filter(|number| *number > 0).map(Json::from);
            push(&mut keys, "base_capacity", number("base_capacity"), &json!(32));
            push(&mut keys, "max_capacity", number("max_capacity"), &Json::Null);
            push(&mut keys, "port", number("port"), &json!(5439));
            push(&mut keys, "enhanced_vpc_routing", of.flag("enhanced_vpc_routing").map(Json::from), &json!(true));
            push(&mut keys, "publicly_accessible", of.flag("publicly_accessible").map(Json::from), &json!(false));
            let pairs = of.blocks("config_parameter").iter();
            let pairs =
                pairs.filter_map(|pair| Some((pair["parameter_key"].as_str()?, pair["parameter_value"].as_str()?)));
            let unusual = pairs.filter(|pair| !USUAL.contains(pair) && !pair.1.is_empty());
            let mut parameters: Map<String, Json> =
                unusual.map(|(key, value)| (key.to_owned(), json!(value))).collect();
            // Of the producer it is a parameter like any other.
            let timeout = one.group.as_ref().and_then(|_| parameters.remove(TIMEOUT));
            let timeout = timeout.and_then(|seconds| Some(json!(format!("{}s", seconds.as_str()?))));
            push(&mut keys, "query_timeout", timeout, &Json::Null);
            push(&mut keys, "parameters", Some(Json::Object(parameters)), &json!({}));
        }
        if let Some(of) = one.namespace {
            let name = of.text("namespace_name").unwrap_or_default();
            self.assign(component, "namespace", of, "redshift-serverless.namespace", of.text("arn").unwrap_or(name));
            self.name(component, "namespace", name, tail);
            push(&mut keys, "database", of.text("db_name").map(Json::from), &json!("dev"));
            push(&mut keys, "admin_username", of.text("admin_username").map(Json::from), &json!("awsuser"));
            let exports = if one.group.is_some() { "log_exports" } else { "logging" };
            push(&mut keys, exports, Some(json!(of.texts("log_exports"))), &json!([]));
            if one.group.is_none() && of.flag("manage_admin_password") != Some(true) {
                keys.push(("admin_password", json!("external")));
            }
        }
        keys
    }

    fn log_groups_of(&mut self, section: &str, one: &Warehouse<'a>) {
        if let Some(name) = one.namespace.and_then(|of| of.text("namespace_name")) {
            self.log_groups(&one.component, &format!("/aws/redshift/{name}"), section);
        }
    }

    fn limits<'w>(&self, one: &'w Warehouse<'a>) -> Vec<&'a TfResource> {
        let arn = one.workgroup.and_then(|of| of.text("arn"));
        let all = self
            .tf
            .of("aws_redshiftserverless_usage_limit")
            .filter(|of| of.text("resource_arn") == arn && arn.is_some());
        all.filter(|of| of.text("usage_type") == Some("serverless-compute")).collect()
    }

    fn limits_of_producer(&mut self, one: &Warehouse<'a>) {
        let mut tables = Vec::new();
        for of in self.limits(one) {
            let period = of.text("period").unwrap_or("monthly");
            let resource = format!("usage-limit-serverless-compute-{period}");
            self.assign(
                "producer",
                &resource,
                of,
                "redshift-serverless.usage-limit",
                of.text("id").unwrap_or_default(),
            );
            let action = of.text("breach_action").unwrap_or("log");
            let amount = of.number("amount").unwrap_or_default();
            tables
                .push(json!({ "feature": "serverless-compute", "period": period, "amount": amount, "action": action }));
        }
        self.set_unless("producer", "usage_limits", Some(json!(tables)), &json!([]));
    }

    /// Describes the groups of consumers; `behind` are those at the load balancer.
    pub(super) fn consumers(&mut self, all: &[Warehouse<'a>], behind: &BTreeSet<String>) {
        let mut described: BTreeMap<String, Vec<(&'static str, Json)>> = BTreeMap::new();
        for one in all {
            let Some(group) = &one.group else { continue };
            let mut keys = self.serverless(one);
            if let Some(of) = self.limits(one).first() {
                self.assign(
                    &one.component,
                    "usage-limit",
                    of,
                    "redshift-serverless.usage-limit",
                    of.text("id").unwrap_or_default(),
                );
                let (period, action) =
                    (of.text("period").unwrap_or("monthly"), of.text("breach_action").unwrap_or("log"));
                let hours = of.number("amount").unwrap_or_default();
                keys.push(("usage_limit", json!({ "period": period, "rpu_hours": hours, "action": action })));
            }
            let buckets = self.role(one, false);
            push(&mut keys, "s3_buckets", Some(json!(buckets)), &json!([]));
            if !behind.contains(group) {
                keys.push(("behind_nlb", json!(false)));
            }
            if let Some(of) = one.endpoint {
                let name = of.text("endpoint_name").unwrap_or_default();
                let text = of.text("arn").unwrap_or(name);
                self.assign(&one.component, "endpoint", of, "redshift-serverless.endpoint-access", text);
                // The file asks for it only where it is what the balancer sends to.
                let managed = (String::from("targets"), json!("endpoint"));
                let asked = self.layout.sections.iter().any(|(at, keys)| at == "nlb" && keys.contains(&managed));
                if asked && behind.contains(group) {
                    self.name(&one.component, "endpoint", name, one.component.trim_start_matches("consumer-"));
                }
            }
            let known = described.entry(group.clone()).or_default();
            // What the first one lacks is still asked for: the others have it.
            for (key, value) in keys {
                if known.iter().all(|(other, _)| *other != key) {
                    known.push((key, value));
                }
            }
        }
        for (group, keys) in described {
            let section = format!("consumers.{group}");
            let count = all.iter().filter(|one| one.group.as_ref() == Some(&group)).count();
            self.set_unless(&section, "count", Some(json!(count)), &json!(1));
            self.write(&section, keys);
            for one in all.iter().filter(|one| one.group.as_ref() == Some(&group)) {
                self.log_groups_of(&section, one);
            }
            if self.layout.sections.iter().all(|(name, _)| *name != section) {
                self.layout.sections.push((section, Vec::new()));
            }
        }
    }

    /// Puts the log groups of a warehouse in their places, where the old code has them.
    fn log_groups(&mut self, component: &str, prefix: &str, section: &str) {
        let tf = self.tf;
        let mut days = None;
        for of in tf.of("aws_cloudwatch_log_group") {
            let name = of.text("name").unwrap_or_default();
            let Some(log) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if ["connectionlog", "userlog", "useractivitylog"].contains(&log) {
                self.assign(component, &format!("log-group-{log}"), of, "logs.log-group", name);
                days = days.or(of.number("retention_in_days").filter(|days| *days > 0));
            }
        }
        let written = self
            .layout
            .sections
            .iter()
            .any(|(at, keys)| at == section && keys.iter().any(|(k, _)| k == "log_retention"));
        if let Some(days) = days.filter(|_| !written) {
            self.set(section, "log_retention", json!(format!("{days}d")));
        }
    }

    /// Puts the limits of a cluster in their places.
    fn limits_of_cluster(&mut self, name: &str) {
        let tf = self.tf;
        let mut tables = Vec::new();
        for of in tf.of("aws_redshift_usage_limit").filter(|of| of.text("cluster_identifier") == Some(name)) {
            let (feature, period) =
                (of.text("feature_type").unwrap_or_default(), of.text("period").unwrap_or("monthly"));
            let resource = format!("usage-limit-{feature}-{period}");
            self.assign("producer", &resource, of, "redshift.usage-limit", of.text("id").unwrap_or_default());
            let action = of.text("breach_action").unwrap_or("log").replace("disable", "deactivate");
            let amount = of.number("amount").unwrap_or_default();
            tables.push(json!({ "feature": feature, "period": period, "amount": amount, "action": action }));
        }
        self.set_unless("producer", "usage_limits", Some(json!(tables)), &json!([]));
    }

    fn cluster(&mut self, of: &'a TfResource) {
        let tf = self.tf;
        let name = of.text("cluster_identifier").unwrap_or_default();
        self.assign("producer", "cluster", of, "redshift.cluster", name);
        self.name("producer", "cluster", name, "producer");
        self.set("producer", "type", json!("cluster"));
        let number = |key: &str| of.number(key).map(Json::from);
        let flag = |key: &str| of.flag(key).map(Json::from);
        let text = |key: &str| of.text(key).map(Json::from);
        let retention = of.number("automated_snapshot_retention_period").filter(|days| *days > 0);
        let mut keys = Vec::new();
        push(&mut keys, "node_type", text("node_type"), &json!("ra3.xlplus"));
        push(&mut keys, "node_count", number("number_of_nodes"), &json!(2));
        push(&mut keys, "database", text("database_name"), &json!("dev"));
        push(&mut keys, "admin_username", text("master_username"), &json!("awsuser"));
        if of.flag("manage_master_password") != Some(true) {
            keys.push(("admin_password", json!("external")));
        }
        push(&mut keys, "port", number("port"), &json!(5439));
        push(&mut keys, "enhanced_vpc_routing", flag("enhanced_vpc_routing"), &json!(true));
        push(&mut keys, "publicly_accessible", flag("publicly_accessible"), &json!(false));
        push(&mut keys, "multi_az", flag("multi_az"), &json!(false));
        push(&mut keys, "availability_zone_relocation", flag("availability_zone_relocation_enabled"), &json!(false));
        push(&mut keys, "maintenance_window", text("preferred_maintenance_window"), &Json::Null);
        push(&mut keys, "snapshot_retention", retention.map(|days| json!(format!("{days}d"))), &json!("7d"));
        let group =
            tf.of("aws_redshift_subnet_group").find(|group| group.text("name") == of.text("cluster_subnet_group_name"));
        if let Some(group) = group {
            let name = group.text("name").unwrap_or_default();
            self.assign("producer", "subnet-group", group, "redshift.subnet-group", name);
            self.name("producer", "subnet-group", name, "producer");
            self.facts("producer", "subnet-group", json!({ "subnets": group.texts("subnet_ids") }));
        }
        let same = |group: &&TfResource| group.text("name") == of.text("cluster_parameter_group_name");
        if let Some(group) = tf.of("aws_redshift_parameter_group").find(same) {
            let name = group.text("name").unwrap_or_default();
            self.assign("producer", "parameter-group", group, "redshift.parameter-group", name);
            self.name("producer", "parameter-group", name, "producer");
            let pairs = group.blocks("parameter").iter();
            let pairs = pairs.filter_map(|pair| Some((pair["name"].as_str()?.to_owned(), pair["value"].clone())));
            let parameters: Map<String, Json> =
                pairs.filter(|pair| pair.0 != "require_ssl" || pair.1 != "true").collect();
            push(&mut keys, "parameters", Some(Json::Object(parameters)), &json!({}));
        }
        let own = tf.of("aws_redshift_logging").find(|of| of.text("cluster_identifier") == Some(name));
        // Providers before version 6 had it as a block of the cluster.
        let block = of.blocks("logging").first().filter(|block| block["enable"] == true);
        let (at, to, exports) = match (own, block) {
            (Some(own), _) => (Some(own), own.text("log_destination_type"), own.texts("log_exports")),
            (None, Some(block)) => (Some(of), block["log_destination_type"].as_str(), texts(&block["log_exports"])),
            (None, None) => (None, None, Vec::new()),
        };
        match (at, to) {
            (Some(at), Some("cloudwatch")) => {
                self.assign("producer", "logging", at, "redshift.logging", name);
                push(&mut keys, "logging", Some(json!(exports)), &json!([]));
            }
            (Some(at), _) if own.is_some() => {
                self.leave(at, "rsds sends logs to CloudWatch: these go on to their bucket");
            }
            _ => {}
        }
        self.write("producer", keys);
        self.limits_of_cluster(name);
        self.log_groups("producer", &format!("/aws/redshift/cluster/{name}"), "producer");
    }
}

/// Adds a key unless it says what rsds takes anyway.
fn push(keys: &mut Vec<(&'static str, Json)>, key: &'static str, value: Option<Json>, default: &Json) {
    keys.extend(value.filter(|value| value != default).map(|value| (key, value)));
}
