//! Every key of the TOML, alone and in random company: applied, read back, planned again.

use super::{bench::touched, reading::reads_back};
use crate::{
    harness::{Estate, destroying},
    land::Land,
};
use rsds::{
    config::keys::{KEYS, Since, Type},
    plan::Options,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// As little as can be.
const LEAST: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
[consumers.readers]
"#;

/// The same with a cluster as producer.
const LEAST_CLUSTER: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
type = "cluster"
[consumers.readers]
"#;

/// The same in a VPC that somebody else made, found by its name.
const LEAST_NAMED: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_name = "first"
[producer]
[consumers.readers]
"#;

/// The same in that VPC, found by its id.
const LEAST_PLACED: &str = r#"
project = "conf"
region = "us-west-2"
[networking]
vpc_id = "{first}"
[producer]
[consumers.readers]
"#;

/// An estate and other values for its keys.
struct Form {
    toml: &'static str,
    other: &'static [(&'static str, &'static [&'static str])],
    /// Where the producer's final snapshots are kept.
    snapshots: &'static str,
    /// Whether somebody else's VPCs are there, and stay.
    lands: bool,
}

const SERVERLESS: Form = Form { toml: LEAST, other: OTHER, snapshots: "redshift-serverless", lands: false };
const CLUSTER: Form = Form { toml: LEAST_CLUSTER, other: OF_CLUSTER, snapshots: "redshift snapshots", lands: false };
const NAMED: Form = Form { toml: LEAST_NAMED, other: OF_NAMED, lands: true, ..SERVERLESS };
const PLACED: Form = Form { toml: LEAST_PLACED, other: OF_PLACED, lands: true, ..SERVERLESS };

/// What exists in the account, made by somebody else, and by what names rows and files speak of it.
struct Foreign {
    key_id: String,
    names: Vec<(&'static str, String)>,
}

const RPU_HOURS: &str = "consumers.readers.usage_limit.rpu_hours=40";

/// Another value for each key that works, as `--set` takes it; with what AWS or the rules want beside it.
const OTHER: &[(&str, &[&str])] = &[
    ("account", &["account=\"123456789012\""]),
    ("resources.*.name", &["resources.\"producer/workgroup\".name=\"main-dw\""]),
    ("resources.*.exists", &["resources.\"networking/producer-egress\".exists=false"]),
    // Before `tags`, which it keeps from the workgroup.
    ("resources.*.ignore_changes", &["resources.\"producer/workgroup\".ignore_changes=[\"tags.team\"]"]),
    ("tags", &["tags.team=\"data+platform: @x\""]),
    ("state.backend", &["state.backend=\"local\""]),
    ("networking.subnet_cidrs", &["networking.subnet_cidrs=[\"10.40.9.0/24\", \"10.40.7.0/24\", \"10.40.8.0/24\"]"]),
    (
        "networking.availability_zones",
        &["networking.availability_zones=[\"us-west-2d\", \"us-west-2b\", \"us-west-2a\"]"],
    ),
    ("networking.allowed_cidrs", &["networking.allowed_cidrs=[\"203.0.113.0/24\", \"10.0.0.0/8\"]"]),
    ("networking.internet_gateway", &["networking.internet_gateway=true"]),
    ("networking.s3_endpoint", &["networking.s3_endpoint=false"]),
    ("producer.type", &["producer.type=\"serverless\""]),
    ("producer.base_capacity", &["producer.base_capacity=8"]),
    ("producer.max_capacity", &["producer.max_capacity=64"]),
    ("producer.database", &["producer.database=\"main_dw\""]),
    ("producer.admin_username", &["producer.admin_username=\"boss\""]),
    ("producer.admin_password", &["producer.admin_password=\"managed\""]),
    ("producer.port", &["producer.port=5450"]),
    ("producer.enhanced_vpc_routing", &["producer.enhanced_vpc_routing=false"]),
    ("producer.s3_buckets", &["producer.s3_buckets=[\"lake-*\", \"a-bucket\"]"]),
    ("producer.publicly_accessible", &["producer.publicly_accessible=true", "networking.internet_gateway=true"]),
    ("producer.parameters", &["producer.parameters.require_ssl=\"false\"", "producer.parameters.query_group=\"q\""]),
    ("producer.final_snapshot", &["producer.final_snapshot=false"]),
    ("producer.logging", &["producer.logging=[\"userlog\", \"connectionlog\"]"]),
    ("producer.log_retention", &["producer.log_retention=\"30d\""]),
    ("producer.kms_key_arn", &["producer.kms_key_arn=\"{key}\""]),
    ("consumers.*.count", &["consumers.readers.count=2"]),
    ("consumers.*.base_capacity", &["consumers.readers.base_capacity=16"]),
    ("consumers.*.max_capacity", &["consumers.readers.max_capacity=128"]),
    ("consumers.*.database", &["consumers.readers.database=\"readers_db\""]),
    ("consumers.*.admin_username", &["consumers.readers.admin_username=\"boss\""]),
    ("consumers.*.port", &["consumers.readers.port=8200"]),
    ("consumers.*.enhanced_vpc_routing", &["consumers.readers.enhanced_vpc_routing=false"]),
    ("consumers.*.query_timeout", &["consumers.readers.query_timeout=\"90s\""]),
    ("consumers.*.parameters", &["consumers.readers.parameters.datestyle=\"ISO, DMY\""]),
    ("consumers.*.usage_limit.period", &["consumers.readers.usage_limit.period=\"daily\"", RPU_HOURS]),
    ("consumers.*.usage_limit.rpu_hours", &["consumers.readers.usage_limit.rpu_hours=50"]),
    ("consumers.*.usage_limit.action", &["consumers.readers.usage_limit.action=\"emit-metric\"", RPU_HOURS]),
    ("consumers.*.s3_buckets", &["consumers.readers.s3_buckets=[\"lake-*\"]"]),
    ("consumers.*.final_snapshot", &["consumers.readers.final_snapshot=true"]),
    (
        "consumers.*.publicly_accessible",
        &["consumers.readers.publicly_accessible=true", "networking.internet_gateway=true"],
    ),
    ("consumers.*.log_exports", &["consumers.readers.log_exports=[\"useractivitylog\"]"]),
    ("consumers.*.log_retention", &["consumers.readers.log_retention=\"1d\""]),
    ("nlb.internal", &["nlb.internal=false", "networking.internet_gateway=true"]),
    ("nlb.port", &["nlb.port=6000"]),
    ("nlb.cross_zone", &["nlb.cross_zone=false"]),
    ("nlb.idle_timeout", &["nlb.idle_timeout=\"60s\""]),
    ("nlb.deregistration_delay", &["nlb.deregistration_delay=\"0s\""]),
    ("nlb.stickiness", &["nlb.stickiness=true"]),
    ("nlb.targets", &["nlb.targets=\"endpoint\""]),
    ("nlb.deletion_protection", &["nlb.deletion_protection=true"]),
    ("nlb.health_check.interval", &["nlb.health_check.interval=\"5s\""]),
    ("nlb.health_check.healthy", &["nlb.health_check.healthy=3"]),
    ("nlb.health_check.unhealthy", &["nlb.health_check.unhealthy=4"]),
    ("nlb.listeners[].port", &["nlb.listeners=[{ port = 6001, consumers = [\"readers\"] }]"]),
    ("nlb.listeners[].consumers", &["nlb.listeners=[{ port = 6002, consumers = [\"readers\"] }]"]),
    ("consumers.*.behind_nlb", &["consumers.readers.behind_nlb=false", "nlb.listeners=[]"]),
    ("protect.addresses", &["protect.addresses=[\"consumer-*\"]"]),
    // The last: it moves everything.
    ("networking.vpc_cidr", &["networking.vpc_cidr=\"10.40.0.0/17\""]),
];

/// The same for the keys of a cluster, and for those a serverless producer has too.
const OF_CLUSTER: &[(&str, &[&str])] = &[
    ("producer.type", &["producer.type=\"cluster\""]),
    ("producer.port", &["producer.port=5450"]),
    ("producer.enhanced_vpc_routing", &["producer.enhanced_vpc_routing=false"]),
    ("producer.s3_buckets", &["producer.s3_buckets=[\"lake-*\", \"a-bucket\"]"]),
    ("producer.publicly_accessible", &["producer.publicly_accessible=true", "networking.internet_gateway=true"]),
    ("producer.parameters", &["producer.parameters.require_ssl=\"false\"", "producer.parameters.query_group=\"q\""]),
    ("producer.logging", &["producer.logging=[\"userlog\", \"connectionlog\"]"]),
    ("producer.usage_limits[].feature", &["producer.usage_limits=[{ feature = \"spectrum\", amount = 3 }]"]),
    ("producer.usage_limits[].amount", &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4 }]"]),
    (
        "producer.usage_limits[].action",
        &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4, action = \"deactivate\" }]"],
    ),
    (
        "producer.usage_limits[].period",
        &["producer.usage_limits=[{ feature = \"spectrum\", amount = 4, period = \"daily\" }]"],
    ),
    ("producer.node_count", &["producer.node_count=4"]),
    ("producer.node_type", &["producer.node_type=\"ra3.large\""]),
    ("producer.availability_zone_relocation", &["producer.availability_zone_relocation=false"]),
    ("producer.multi_az", &["producer.multi_az=true"]),
    ("producer.maintenance_window", &["producer.maintenance_window=\"sun:08:00-sun:08:30\""]),
    ("producer.snapshot_retention", &["producer.snapshot_retention=\"35d\""]),
    ("producer.admin_password", &["producer.admin_password=\"managed\""]),
    // A key that final snapshots need would be kept, and its alias in the way of the next one.
    ("producer.final_snapshot", &["producer.final_snapshot=false"]),
    ("producer.kms_key_arn", &["producer.kms_key_arn=\"{key}\""]),
    ("producer.database", &["producer.database=\"main_dw\""]),
    ("producer.admin_username", &["producer.admin_username=\"boss\""]),
];

/// The same for a network by name; the last leads to another VPC.
const OF_NAMED: &[(&str, &[&str])] = &[
    ("networking.subnet_ids", &["networking.subnet_ids={first-subnets}"]),
    ("networking.vpc_name", &["networking.vpc_name=\"second\"", "networking.subnet_ids={second-subnets}"]),
];

/// The same for a network by id.
const OF_PLACED: &[(&str, &[&str])] = &[("networking.vpc_id", &["networking.vpc_id=\"{second}\""])];

/// Every form there is.
const FORMS: [Form; 4] = [SERVERLESS, CLUSTER, NAMED, PLACED];

/// Keys that name the estate itself, and tables of which the data sharing SQL is made: no resource shows them yet.
const BEYOND: [&str; 7] = ["project", "region", "extends", "datashares", "users", "roles", "state"];

#[test]
fn every_key_that_works_has_another_value() {
    let leaves = KEYS.iter().filter(|key| !matches!(key.ty, Type::Table | Type::Map(_) | Type::Tables | Type::Open));
    let work = leaves.filter(|key| key.since != Since::NotYet);
    let work: BTreeSet<&str> = work.map(|key| key.path).filter(|path| !BEYOND.contains(&root(path))).collect();
    let rows = FORMS.iter().flat_map(|form| form.other).map(|(path, _)| *path);
    let have: BTreeSet<&str> = rows.filter(|path| root(path) != "state").collect();
    assert_eq!(have, work);
}

fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

impl Form {
    fn named(&self, keys: &[usize]) -> Vec<&'static str> {
        keys.iter().map(|at| self.other[*at].0).collect()
    }

    /// Where `--set` texts are one, the later wins; so each key once.
    fn merged(&self, keys: &[usize]) -> Vec<String> {
        let sets = keys.iter().flat_map(|at| self.other[*at].1).filter_map(|set| set.split_once('='));
        let sets: BTreeMap<&str, &str> = sets.collect();
        sets.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// Makes an estate with these keys, demands that it is as given, and takes it away.
    async fn comes_and_goes(&self, keys: &[usize]) {
        let named = self.named(keys);
        let (mut estate, foreign) = self.begun().await;
        self.becomes(&mut estate, keys, &foreign, &format!("{named:?}")).await;
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "destroy {named:?}: {:#?}", outcome.failed);
        assert!(estate.state().entries.is_empty(), "{named:?}: {:?}", estate.state().entries.keys());
        let kms = estate.open().await.unwrap().aws.kms;
        kms.schedule_key_deletion().key_id(foreign.key_id).send().await.unwrap();
        let meant = self.left_on_purpose(&named);
        let left = estate.sandbox.leftovers();
        let left: BTreeSet<&str> = left.iter().filter_map(|place| place.split('/').nth(1)).collect();
        assert_eq!(left, meant, "{named:?}");
    }

    /// What a destroy leaves: final snapshots, and the key that the producer's is encrypted with.
    fn left_on_purpose(&self, named: &[&str]) -> BTreeSet<&'static str> {
        let producers = !named.contains(&"producer.final_snapshot");
        let kms = producers && !named.contains(&"producer.kms_key_arn");
        let readers = named.contains(&"consumers.*.final_snapshot");
        let all = [(self.lands, "ec2"), (kms, "kms"), (producers, self.snapshots), (readers, "redshift-serverless")];
        all.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
    }

    /// The file in an account where somebody else was before.
    async fn begun(&self) -> (Estate, Foreign) {
        let estate = Estate::bare("");
        let foreign = Foreign::beside(&estate, self.lands).await;
        estate.write(&foreign.named(self.toml));
        (estate, foreign)
    }

    /// Brings the running estate to these keys, and demands that it is as given.
    async fn becomes(&self, estate: &mut Estate, keys: &[usize], foreign: &Foreign, what: &str) {
        estate.sets = self.merged(keys).iter().map(|set| foreign.named(set)).collect();
        let outcome = estate.run(&Options::default()).await;
        assert!(outcome.is_complete(), "{what}: {:#?}", outcome.failed);
        // Where only the balancer is another, its health checks begin anew.
        estate.clock.sleep(Duration::from_secs(300)).await;
        let session = estate.open().await.unwrap();
        let plan = session.plan(&Options::default(), true).await.unwrap();
        assert!(plan.is_empty(), "{what}: {}", touched(&plan).join("\n"));
        // What a change of one resource makes AWS show of another comes with the next look.
        estate.carry_out(session, plan).await;
        reads_back(estate).await;
    }

    async fn each_key_changes_a_running_estate(&self) {
        let (mut estate, foreign) = self.begun().await;
        self.becomes(&mut estate, &[], &foreign, "the first apply").await;
        let mut keys = Vec::new();
        for (at, (path, _)) in self.other.iter().enumerate() {
            keys.push(at);
            self.becomes(&mut estate, &keys, &foreign, path).await;
        }
        self.becomes(&mut estate, &[], &foreign, "back again").await;
        // Whatever was replaced on the way is gone with the rest, but for final snapshots and keys.
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        let left = estate.sandbox.leftovers();
        let left: BTreeSet<&str> = left.iter().filter_map(|place| place.split('/').nth(1)).collect();
        assert_eq!(left, self.left_on_purpose(&[]));
    }

    fn all(&self) -> Vec<usize> {
        (0..self.other.len()).collect()
    }

    /// A small generator of our own: the same company in every run.
    fn company(&self, seed: u64) -> Vec<usize> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        self.all().into_iter().filter(|_| next() % 2 == 0).collect()
    }
}

impl Foreign {
    /// Makes a key out of band, and two VPCs if they are wanted.
    async fn beside(estate: &Estate, lands: bool) -> Self {
        let key = estate.somebody().await.kms.create_key().send().await.unwrap().key_metadata.unwrap();
        let mut names = vec![("{key}", key.arn.unwrap())];
        if lands {
            let three = ["a", "b", "c"];
            let first = estate.land("first", &["a", "a2", "b", "b2", "c"]).await;
            let second = estate.land("second", &three).await;
            let list = |land: &Land, names: &[&str]| format!("{:?}", land.ids(names));
            names.push(("{first-subnets}", list(&first, &["a2", "b2", "c"])));
            names.push(("{second-subnets}", list(&second, &three)));
            names.extend([("{first}", first.vpc), ("{second}", second.vpc)]);
        }
        Self { key_id: key.key_id, names }
    }

    /// The text with what is really there in the place of its name.
    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, real)| text.replace(name, real))
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_changes_a_running_estate() {
    SERVERLESS.each_key_changes_a_running_estate().await;
}

#[tokio::test(start_paused = true)]
async fn each_key_changes_a_running_cluster() {
    CLUSTER.each_key_changes_a_running_estate().await;
}

#[tokio::test(start_paused = true)]
async fn each_key_changes_an_estate_in_a_network_that_exists() {
    for form in [NAMED, PLACED] {
        form.each_key_changes_a_running_estate().await;
    }
}

#[tokio::test(start_paused = true)]
async fn none_and_all_keys() {
    for form in FORMS {
        form.comes_and_goes(&[]).await;
        form.comes_and_goes(&form.all()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn keys_in_random_company() {
    for seed in 1..=2 {
        SERVERLESS.comes_and_goes(&SERVERLESS.company(seed)).await;
        CLUSTER.comes_and_goes(&CLUSTER.company(seed)).await;
    }
}
