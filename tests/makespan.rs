//! Makespans: how long an apply takes, beside how long it could take at best.
//!
//! The best is the critical path: the longest chain through the plan's own graph, where an operation starts when its
//! needs are met, and lasts as long as AWS is busy with it. It is computed without the apply's own word of when it saw
//! what:
//!
//! - The graph is `Plan::ops`. `Until::Done` means that AWS is done, `Until::Output` that the output exists: one that
//!   AWS gives at once, as soon as the call is sent; one of a resource that is ready, when AWS is done.
//! - How long AWS is busy is read off the sandbox's world right after each call that changed it, on the wire: the
//!   timestamps of the world say from when on a thing is ready, settled (the extra `MODIFYING` of a workgroup included),
//!   healthy, drained or gone. Calls themselves take no time here, unless a test says so.
//! - An interface that lingers after its owner was told to go holds its subnet and its security groups: these wait for
//!   it, as long after the owner's deletion was sent as the world says.
//! - Changes of one resource that AWS wants one after the other add up.
//!
//! An apply may take a twentieth longer, and two seconds for one look more where AWS needs it. Wasted edges of the graph
//! itself do not show here: `first_wave` and `nothing_waits_for_more_than_it_names` are about those.

mod path;
mod wire;

use crate::harness::*;
use path::{Course, Path};
use rsds::{
    apply::{Event, Outcome},
    plan::Options,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wire::{Slowness, Wire};

const CONSUMERS: [u32; 3] = [2, 10, 50];

/// An estate with so many readers: what they are behind, and what the producer is.
#[derive(Clone, Copy, Debug)]
struct Shape {
    producer: &'static str,
    targets: &'static str,
    consumers: u32,
}

const SERVERLESS: &str = "base_capacity = 8\nmax_capacity = 16\n";
const CLUSTER: &str = "type = \"cluster\"\n";

impl Shape {
    fn toml(self) -> String {
        let Self { producer, targets, consumers } = self;
        format!(
            r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
subnet_cidrs = ["10.50.0.0/20", "10.50.16.0/20", "10.50.32.0/20"]
allowed_cidrs = ["10.0.0.0/8"]
internet_gateway = true
[producer]
{producer}database = "airline_dw"
s3_buckets = ["lake-*"]
logging = ["userlog"]
final_snapshot = false
[consumers.reporting]
count = {consumers}
base_capacity = 8
max_capacity = 16
database = "reporting_db"
query_timeout = "10m"
usage_limit = {{ period = "daily", rpu_hours = 100 }}
[nlb]
targets = "{targets}"
[protect]
addresses = []
"#
        )
    }
}

/// A run, and the best there could have been.
struct Measured {
    outcome: Outcome,
    path: Path,
    calls: Vec<(f64, rsds::sandbox::Call)>,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.outcome.seconds / self.path.seconds
    }

    fn line(&self, what: &str, shape: Shape) -> String {
        let Shape { producer, targets, consumers } = shape;
        let producer = if producer == CLUSTER { "cluster" } else { "serverless" };
        let reads = self.calls.iter().filter(|(_, call)| !call.mutating).count();
        format!(
            "{what:<8} {producer:<10} {targets:<9} N = {consumers:>3}: {:>6.1} s, critical path {:>6.1} s, {:.3} x; \
             {} calls, {reads} of them reads",
            self.outcome.seconds,
            self.path.seconds,
            self.ratio(),
            self.calls.len(),
        )
    }

    fn is_within_budget(&self) -> bool {
        self.outcome.seconds <= 1.05 * self.path.seconds + 2.0
    }

    #[expect(clippy::print_stdout, reason = "the figures, for `--nocapture`")]
    fn check(&self, what: &str, shape: Shape) {
        println!("{}", self.line(what, shape));
        assert!(self.outcome.is_complete(), "{what} {shape:?}: {:#?}", self.outcome.failed);
        // A path that is shorter than the run is long would be no path.
        assert!(self.outcome.seconds >= self.path.seconds - 0.01, "{what} {shape:?}: {}", self.path);
        assert!(self.is_within_budget(), "{what} {shape:?}: {}", self.path);
    }
}

/// An estate whose wire is listened to.
struct Bench {
    estate: Estate,
    wire: Wire,
}

impl Bench {
    fn new(toml: &str, slow: Slowness) -> Self {
        let mut estate = Estate::new(toml);
        let wire = Wire::new(&estate.sandbox, &estate.clock, slow);
        estate.wire = Some(wire.client());
        Self { estate, wire }
    }

    /// Plans and applies, and finds the best there could have been.
    async fn run(&mut self, options: &Options) -> Measured {
        let session = self.estate.open().await.unwrap();
        let plan = session.plan(options, true).await.unwrap();
        self.wire.take_effects();
        self.wire.take_calls();
        let before = session.state.clone();
        let plan = Arc::new(plan);
        let outcome = self.estate.carry_out(session, Arc::clone(&plan)).await;
        let (effects, after) = (self.wire.take_effects(), self.estate.state());
        let path = Course { plan: &plan, before: &before, after: &after, effects: &effects }.critical();
        Measured { outcome, path, calls: self.wire.take_calls() }
    }
}

/// Applies an estate and destroys it again.
async fn live(shape: Shape) {
    let mut bench = Bench::new(&shape.toml(), Slowness::default());
    bench.run(&Options::default()).await.check("apply", shape);
    bench.run(&destroying(&[])).await.check("destroy", shape);
    assert_eq!(bench.estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn of_a_serverless_producer_and_its_consumers() {
    for consumers in CONSUMERS {
        live(Shape { producer: SERVERLESS, targets: "workgroup", consumers }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_consumers_behind_managed_endpoints() {
    for (producer, consumers) in [(SERVERLESS, 2), (SERVERLESS, 10), (CLUSTER, 10)] {
        live(Shape { producer, targets: "endpoint", consumers }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_cluster_and_its_consumers() {
    for consumers in [2, 10] {
        live(Shape { producer: CLUSTER, targets: "workgroup", consumers }).await;
    }
}

/// By hand: `RSDS_CONSUMERS=100 cargo test --locked makespan::of_as_many -- --nocapture`.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the test's own knob")]
async fn of_as_many_as_one_likes() {
    let consumers = std::env::var("RSDS_CONSUMERS").ok().map_or(1, |text| text.parse().unwrap());
    live(Shape { producer: SERVERLESS, targets: "workgroup", consumers }).await;
}

/// What the TOML changes after a day, when there are recovery points.
async fn changed(consumers: u32, from: &str, to: &str, options: &Options) {
    let shape = Shape { producer: SERVERLESS, targets: "workgroup", consumers };
    let mut bench = Bench::new(&shape.toml(), Slowness::default());
    bench.run(&Options::default()).await;
    bench.estate.clock.sleep(Duration::from_secs(24 * 3600)).await;
    let toml = shape.toml();
    assert!(toml.contains(from));
    bench.estate.write(&toml.replace(from, to));
    bench.run(options).await.check("change", shape);
    bench.estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn of_more_capacity_for_several_consumers() {
    let to = "base_capacity = 16\nmax_capacity = 32\ndatabase = \"reporting_db\"";
    changed(10, "base_capacity = 8\nmax_capacity = 16\ndatabase = \"reporting_db\"", to, &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_other_parameters_for_several_consumers() {
    changed(10, "query_timeout = \"10m\"", "query_timeout = \"20m\"", &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replaced_workgroup() {
    let replace = select(&["consumer-reporting-2/workgroup"]);
    changed(3, "project", "project", &Options { replace, ..Options::default() }).await;
}

/// The budget is one that can be missed: by looks that come late, for whatever reason.
#[tokio::test(start_paused = true)]
async fn a_late_look_breaks_the_budget() {
    let shape = Shape { producer: SERVERLESS, targets: "workgroup", consumers: 2 };
    let slow = Slowness { reads: Duration::from_secs(4), ..Slowness::default() };
    let mut bench = Bench::new(&shape.toml(), slow);
    let late = bench.run(&Options::default()).await;
    println!("{}", late.line("late", shape));
    assert!(late.outcome.is_complete(), "{:#?}", late.outcome.failed);
    assert!(!late.is_within_budget());
}

/// The load balancer, the producer and every namespace start at once: before anything has to be waited for.
#[tokio::test(start_paused = true)]
async fn first_wave() {
    for producer in [SERVERLESS, CLUSTER] {
        let shape = Shape { producer, targets: "workgroup", consumers: 3 };
        let mut bench = Bench::new(&shape.toml(), Slowness::default());
        let measured = bench.run(&Options::default()).await;
        let at: BTreeMap<&str, Vec<f64>> = measured.calls.iter().fold(BTreeMap::new(), |mut all, (at, call)| {
            all.entry(call.operation.as_str()).or_insert_with(Vec::new).push(*at);
            all
        });
        for operation in ["CreateLoadBalancer", "CreateListener", "CreateNamespace"] {
            assert!(at[operation].iter().all(|at| *at == 0.0), "{operation}: {:?}", at[operation]);
        }
        assert!(at.get("CreateCluster").is_none_or(|at| at == &[0.0]), "{:?}", at.get("CreateCluster"));
        // A look at them is all that comes between the namespaces and the workgroups.
        assert!(at["CreateWorkgroup"].iter().all(|at| *at < 8.0), "{:?}", at["CreateWorkgroup"]);
        let started = |event: &&Event| matches!(event, Event::Started { .. });
        assert!(bench.estate.events.iter().filter(started).count() > 40);
    }
}
