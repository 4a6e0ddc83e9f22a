//! Scenes for the stories: two small estates, what a plan says in short words, and what there is in the world.

use crate::harness::*;
use rsds::{
    apply::{Event, Interrupt, Outcome},
    plan::{Action, Options, Plan, Reason},
    sandbox::{Fault, How, World, sql::Catalogue},
    state::Store,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

/// Two groups of readers behind one load balancer; everything may go.
pub(crate) const TWO: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
[producer]
base_capacity = 8
max_capacity = 16
database = "airline_dw"
final_snapshot = false
[consumers.analytics]
count = 2
base_capacity = 8
max_capacity = 16
database = "analytics_db"
[consumers.reporting]
base_capacity = 8
max_capacity = 16
database = "reporting_db"
query_timeout = "10m"
[nlb]
deregistration_delay = "60s"
[protect]
addresses = []
"#;

/// One producer, one consumer, one load balancer: for sweeps over many lives.
pub(crate) const TINY: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
[producer]
base_capacity = 8
max_capacity = 16
final_snapshot = false
[consumers.reporting]
base_capacity = 8
max_capacity = 16
[nlb]
deregistration_delay = "10s"
[protect]
addresses = []
"#;

macro_rules! small {
    () => {
        r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
internet_gateway = true
[producer]
base_capacity = 8
max_capacity = 16
database = "airline_dw"
s3_buckets = ["lake-*"]
logging = ["userlog"]
log_retention = "7d"
snapshot_schedule = "cron(0 3 ? 6 SUN *)"
final_snapshot = false
[consumers.reporting]
base_capacity = 8
max_capacity = 16
database = "reporting_db"
usage_limit = { period = "daily", rpu_hours = 100 }
[nlb]
deregistration_delay = "10s"
targets = "endpoint"
[protect]
addresses = []
"#
    };
}

macro_rules! own_domain {
    () => {
        r#"[nlb.custom_domain]
name = "dwh.example.com"
certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1"
"#
    };
}

/// A domain of one's own, for any estate.
pub(crate) const OWN_DOMAIN: &str = own_domain!();

macro_rules! copied {
    () => {
        "[producer.snapshot_copy]\nregion = \"us-east-1\"\n"
    };
}

/// Snapshots go to another region, for any estate.
pub(crate) const COPIED: &str = copied!();

/// The smallest estate with all that AWS's own API makes.
pub(crate) const SMALL: &str = small!();

/// The smallest estate that has every kind: what lives inside its warehouses, too.
pub(crate) const SMALL_SHARING: &str = concat!(
    small!(),
    r#"[datashares.airline_share]
schemas = ["flights"]
accounts = ["210987654321"]
grant_to = ["role:analyst"]
[datashares.partner_sales]
account = "210987654321"
namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321"
[users.bi_reader]
[roles.analyst]
members = ["user:bi_reader"]
[monitoring]
notify = ["oncall@example.com"]
"#,
    own_domain!(),
    copied!()
);

/// The smallest estate that has every kind of a provisioned producer, and one reader.
pub(crate) const SMALL_CLUSTER: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
[producer]
type = "cluster"
database = "airline_dw"
s3_buckets = ["lake-*"]
parameters = { query_group = "etl" }
final_snapshot = false
logging = ["userlog"]
usage_limits = [{ feature = "spectrum", amount = 5 }]
pause = { stop = "cron(0 20 ? 6 MON-FRI *)", start = "cron(0 7 ? 6 MON-FRI *)" }
snapshot_schedule = "rate(12 hours)"
[consumers.reporting]
base_capacity = 8
max_capacity = 16
behind_nlb = false
[datashares.airline_share]
tables = ["flights.bookings"]
[protect]
addresses = []
[producer.snapshot_copy]
region = "us-east-1"
"#;

/// An RA3 producer, two consumers and the load balancer, with all that may belong to them.
pub(crate) const FULL: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
internet_gateway = true
[producer]
type = "cluster"
database = "airline_dw"
s3_buckets = ["lake-*"]
parameters = { query_group = "etl" }
final_snapshot = false
logging = ["userlog"]
usage_limits = [{ feature = "spectrum", amount = 5 }]
pause = { stop = "cron(0 20 ? 6 MON-FRI *)", start = "cron(0 7 ? 6 MON-FRI *)" }
snapshot_schedule = "rate(12 hours)"
[consumers.analytics]
base_capacity = 8
max_capacity = 16
database = "analytics_db"
usage_limit = { period = "daily", rpu_hours = 100 }
[consumers.reporting]
base_capacity = 8
max_capacity = 16
database = "reporting_db"
[nlb]
deregistration_delay = "10s"
targets = "endpoint"
custom_domain = { name = "dwh.example.com", certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1" }
[datashares.airline_share]
schemas = ["flights"]
grant_to = ["role:analyst"]
[roles.analyst]
[protect]
addresses = []
[producer.snapshot_copy]
region = "us-east-1"
"#;

/// The `TWO` estate without the group `reporting`.
pub(crate) fn without_reporting() -> String {
    let (before, rest) = TWO.split_once("[consumers.reporting]").unwrap();
    format!("{before}[nlb]{}", rest.split_once("[nlb]").unwrap().1)
}

/// What a plan touches, one line each: `update nlb/listener-5439: Changed`.
pub(crate) fn brief(plan: &Plan) -> Vec<String> {
    plan.touched().map(|change| format!("{} {}", verb(change.action), change.address)).collect()
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace(_) => "replace",
        Action::Delete => "delete",
        Action::Resume => "resume",
        Action::Keep => "keep",
        Action::Forget => "forget",
        Action::Refresh => "refresh",
        Action::Import => "import",
        Action::NoOp => "leave",
    }
}

/// Why a plan touches one resource.
pub(crate) fn reasons(plan: &Plan, address: &str) -> Vec<Reason> {
    plan.changes[&address.parse().unwrap()].reasons.clone()
}

/// How many there are of each thing that exists; what is only fading away is left out.
pub(crate) fn inventory(world: &World) -> BTreeMap<&'static str, usize> {
    let ec2 = &world.ec2;
    let routes = ec2.tables.values().map(|table| table.routes.len()).sum();
    let associations = ec2.tables.values().map(|table| table.associations.len()).sum();
    let serverless = &world.serverless;
    let live_keys = world.kms.keys.values().filter(|key| key.deletion.is_none());
    let targets = world.elb.groups.values().flat_map(|group| &group.targets);
    let inside = |count: fn(&Catalogue) -> usize| world.sql.catalogues.values().map(count).sum::<usize>();
    BTreeMap::from([
        ("data shares", inside(|of| of.shares.len())),
        ("grants of shares", inside(|of| of.shares.values().map(|share| share.grants.len()).sum())),
        ("tables shared", inside(|of| of.shares.values().map(|share| share.tables.len()).sum())),
        ("shared databases", inside(|of| of.databases.values().filter(|one| one.origin.is_some()).count())),
        ("database roles and users", inside(|of| of.roles.len() + of.users.len())),
        ("rights and members", inside(|of| of.rights.len() + of.members.len())),
        ("vpcs", ec2.vpcs.len()),
        ("subnets", ec2.subnets.len()),
        ("gateways", ec2.gateways.len()),
        ("route tables", ec2.tables.len()),
        ("routes", routes),
        ("associations", associations),
        ("endpoints", ec2.endpoints.values().filter(|endpoint| endpoint.gone_at.is_none()).count()),
        ("security groups", ec2.groups.len()),
        ("rules", ec2.rules.len()),
        ("interfaces", ec2.interfaces.values().filter(|interface| interface.gone_at.is_none()).count()),
        ("keys", live_keys.count()),
        ("aliases", world.kms.aliases.len()),
        ("roles", world.iam.roles.len()),
        ("inline policies", world.iam.roles.values().map(|role| role.inline.len()).sum()),
        ("attached policies", world.iam.roles.values().map(|role| role.attached.len()).sum()),
        ("namespaces", serverless.namespaces.values().filter(|n| n.gone_at.is_none()).count()),
        ("log groups", world.logs.groups.len()),
        ("managed endpoints", serverless.endpoints.values().filter(|e| e.gone_at.is_none()).count()),
        ("custom domains", serverless.custom_domains.len()),
        ("usage limits", serverless.limits.len()),
        ("workgroups", serverless.workgroups.values().filter(|w| w.gone_at.is_none()).count()),
        ("snapshots", serverless.snapshots.len()),
        ("clusters", world.redshift.clusters.values().filter(|cluster| cluster.removal.is_none()).count()),
        ("cluster groups", world.redshift.subnet_groups.len() + world.redshift.parameter_groups.len()),
        ("cluster limits", world.redshift.limits.len()),
        ("cluster schedules", world.redshift.scheduled_actions.len() + world.redshift.schedules.len()),
        ("serverless schedules", serverless.scheduled_actions.len()),
        ("cluster snapshots", world.redshift.snapshots.len()),
        ("snapshots copied", world.abroad.copying.len() + serverless.copies.len()),
        ("snapshot copy grants", world.abroad.grants.values().map(BTreeMap::len).sum()),
        ("balancers", world.elb.balancers.len()),
        ("target groups", world.elb.groups.len()),
        ("listeners", world.elb.listeners.len()),
        ("alarms", world.cloudwatch.alarms.len()),
        ("topics", world.sns.topics.len()),
        ("targets", targets.filter(|target| target.gone_at.is_none()).count()),
        ("secrets", world.secrets.managed.len()),
    ])
}

/// A call refused for lack of permission, once.
pub(crate) fn denied(operation: &str) -> Fault {
    let error = rsds::sandbox::AwsError::new("AccessDenied", "not authorized").status(403);
    Fault::once(operation, 1, How::Error(error))
}

impl Estate {
    /// Lays these over the file from now on.
    pub(crate) fn set(&mut self, sets: &[&str]) {
        self.sets = sets.iter().map(|&set| set.to_owned()).collect();
    }

    /// What a plan would touch.
    pub(crate) async fn brief(&self, options: &Options) -> Vec<String> {
        match self.plan(options).await {
            Ok(plan) => brief(&plan),
            Err(failure) => panic!("{}", text(&failure)),
        }
    }

    /// Plans in vain: the reasons.
    pub(crate) async fn refusal(&self, options: &Options) -> String {
        match self.plan(options).await {
            Ok(plan) => panic!("a plan was made: {:?}", brief(&plan)),
            Err(failure) => text(&failure),
        }
    }

    /// Does what the options ask and demands that all of it was done and that the next plan is empty.
    pub(crate) async fn converge(&mut self, options: &Options) {
        let outcome = self.run(options).await;
        assert!(outcome.is_complete(), "failed {:#?}\nskipped {:?}", outcome.failed, outcome.skipped);
        self.settled().await;
    }

    pub(crate) fn inventory(&self) -> BTreeMap<&'static str, usize> {
        inventory(&self.sandbox.world())
    }

    /// Plans with this store in the place of the estate's own.
    pub(crate) async fn ready(&self, options: &Options, store: Arc<dyn Store>) -> (rsds::session::Session, Arc<Plan>) {
        let session = self.open_on(store).await.unwrap();
        let plan = Arc::new(session.plan(options, true).await.unwrap());
        (session, plan)
    }

    /// Plans and applies with this store and this interrupt; the events stay in `self.events`.
    pub(crate) async fn run_on(&mut self, options: &Options, store: Arc<dyn Store>, interrupt: Interrupt) -> Outcome {
        let (mut session, plan) = self.ready(options, store).await;
        let (events, mut inbox) = mpsc::unbounded_channel();
        let outcome = session.apply(plan, events, interrupt).await;
        self.events.clear();
        while let Ok(event) = inbox.try_recv() {
            self.events.push(event);
        }
        outcome
    }

    /// Takes a snapshot of the producer, which is kept under this name.
    pub(crate) async fn back_up(&self, name: &str) {
        let session = self.open().await.unwrap();
        let all = rsds::stack::outputs::holders(&session.environment.config, &session.state);
        let (_, producer) = all.into_iter().find(|(warehouse, _)| warehouse == "producer").unwrap();
        let tags = rsds::kind::Tags::new();
        let order = rsds::aws::snapshots::Order { name, days: None, tags: &tags, point: None };
        rsds::aws::snapshots::create(&session.aws, &producer, order).await.unwrap();
    }

    /// Puts a snapshot there that no estate has taken, under AWS's own key.
    pub(crate) fn keep(&self, name: &str, admin: &str) {
        let (now, arn) = (self.sandbox.now(), "arn:aws:redshift-serverless:us-west-2:123456789012");
        let id = "00000000-0000-4000-8000-000000000001";
        let snapshot = serde_json::json!({
            "name": name, "arn": format!("{arn}:snapshot/{id}"), "namespace": "elsewhere",
            "namespace_arn": format!("{arn}:namespace/{id}"), "admin": admin, "key": null, "created": now,
            "available_at": now, "retention": null,
        });
        let snapshot = serde_json::from_value(snapshot).unwrap();
        self.sandbox.edit(|world| world.serverless.snapshots.insert(name.to_owned(), snapshot)).unwrap();
    }

    /// The same, under a key that does not go with the estate.
    pub(crate) async fn leave_snapshot(&self, name: &str) {
        self.back_up(name).await;
        let kept = |world: &mut World| {
            world.serverless.snapshots.values_mut().for_each(|snapshot| snapshot.key = None);
            let clusters = world.redshift.snapshots.values_mut().map(|snapshot| &mut snapshot.cluster);
            for cluster in clusters {
                cluster.settings.key = None;
                cluster.task.iter_mut().for_each(|task| task.after.key = None);
            }
        };
        self.sandbox.edit(kept).unwrap();
    }

    /// The same, and takes the estate away.
    pub(crate) async fn leave_behind(&mut self, name: &str) {
        self.leave_snapshot(name).await;
        let outcome = self.run(&crate::harness::destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    }

    /// The place in the course of the last apply where something happened.
    pub(crate) fn moment(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().position(what).unwrap()
    }
}
