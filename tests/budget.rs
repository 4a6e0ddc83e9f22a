//! What runs cost, in calls and in AWS time: exact, so that a regression fails like a bug.

use crate::{
    harness::{
        wire::{CALL, Wire},
        *,
    },
    scene::*,
};
use rsds::{
    apply::Event,
    plan::Options,
    state::{LocalStore, Store},
};
use std::sync::Arc;
use tokio::sync::watch;

/// What a shipped environment costs, in calls and whole seconds of AWS time.
#[derive(Debug, PartialEq)]
struct Cost {
    apply: (usize, u64),
    plan_without_changes: usize,
    destroy: (usize, u64),
}

const DEV: Cost = Cost { apply: (289, 362), plan_without_changes: 28, destroy: (291, 313) };
const STAGING: Cost = Cost { apply: (379, 375), plan_without_changes: 36, destroy: (422, 480) };
const PROD: Cost = Cost { apply: (588, 378), plan_without_changes: 42, destroy: (585, 482) };

fn calls(estate: &Estate) -> usize {
    estate.sandbox.take_calls().len()
}

async fn of(env: &'static str) -> Cost {
    let mut estate = Estate::shipped(env);
    let outcome = estate.apply().await;
    let apply = (calls(&estate), outcome.seconds as u64);
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    let plan_without_changes = calls(&estate);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    Cost { apply, plan_without_changes, destroy: (calls(&estate), outcome.seconds as u64) }
}

#[tokio::test(start_paused = true)]
async fn of_the_shipped_environments() {
    assert_eq!([of("dev").await, of("staging").await, of("prod").await], [DEV, STAGING, PROD]);
}

/// A serverless producer, and readers whose logs are exported, behind a load balancer that sends to managed endpoints.
const SERVERLESS: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
subnet_cidrs = ["10.50.0.0/18", "10.50.64.0/18", "10.50.128.0/18"]
allowed_cidrs = ["10.0.0.0/8"]
internet_gateway = true
[producer]
base_capacity = 8
max_capacity = 16
s3_buckets = ["lake-*"]
logging = ["userlog"]
log_retention = "7d"
[consumers.reporting]
base_capacity = 8
max_capacity = 16
log_exports = ["connectionlog", "userlog", "useractivitylog"]
usage_limit = { period = "daily", rpu_hours = 100 }
[nlb]
targets = "endpoint"
"#;

/// An RA3 producer, and readers with rights to buckets, behind a load balancer that sends to the workgroups.
const RA3: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
subnet_cidrs = ["10.50.0.0/18", "10.50.64.0/18", "10.50.128.0/18"]
allowed_cidrs = ["10.0.0.0/8"]
[producer]
type = "cluster"
s3_buckets = ["lake-*"]
parameters = { query_group = "etl" }
logging = ["userlog"]
usage_limits = [{ feature = "spectrum", amount = 5 }]
[consumers.reporting]
base_capacity = 8
max_capacity = 16
s3_buckets = ["lake-*"]
[nlb]
listeners = [{ port = 5440, consumers = ["reporting"] }]
"#;

/// What an estate of so many readers costs: calls and waves of a first plan, calls of an apply with its plan and preflight,
/// and calls and waves of a plan without changes.
#[derive(Debug)]
struct Estimate {
    readers: usize,
    first: (usize, u32),
    apply: usize,
    refresh: (usize, u32),
}

/// Plans on a wire on which every call takes its time: the calls, and how many of them came one after the other.
async fn looked(estate: &mut Estate) -> (usize, u32) {
    estate.wire = Some(Wire::slow(estate));
    calls(estate);
    let since = tokio::time::Instant::now();
    let mut session = estate.open().await.unwrap();
    // Preflight has a budget of its own.
    session.preflight = false;
    session.plan(&Options::default(), true).await.unwrap();
    let waves = since.elapsed().as_millis().div_ceil(CALL.as_millis());
    estate.wire = None;
    (calls(estate), u32::try_from(waves).unwrap())
}

async fn of_readers(toml: &str, readers: usize) -> Estimate {
    let mut estate = Estate::new(toml);
    estate.set(&[&format!("consumers.reporting.count={readers}")]);
    let first = looked(&mut estate).await;
    estate.apply().await;
    let apply = calls(&estate);
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    Estimate { readers, first, apply, refresh: looked(&mut estate).await }
}

/// The calls of a refresh that may come on top of forty: pages of a hundred objects, and of fifty log groups.
fn pages(readers: usize, logs: usize) -> usize {
    let objects = (2 + logs) * (readers + 1) + 8;
    objects / 100 + 4 * (readers / 100) + logs * (readers + 1) / 50
}

/// Demands what reading costs: the calls and waves of a plan without changes, by readers.
#[expect(clippy::print_stdout, reason = "the figures, for `--nocapture`")]
async fn of_estates(name: &str, toml: &str, logs: usize, refreshes: [(usize, (usize, u32)); 4]) {
    let mut all = Vec::new();
    for (readers, _) in refreshes {
        all.push(of_readers(toml, readers).await);
        println!("{name}, {:?}", all.last().unwrap());
    }
    for found in &all {
        let (calls, waves) = found.refresh;
        assert!(found.first.0 <= 15 && found.first.1 <= 3, "{found:?}");
        assert!(calls <= 40 + pages(found.readers, logs), "{found:?}");
        assert!(waves as usize <= 3 + pages(found.readers, logs), "{found:?}");
        assert!(found.apply <= 420 + 12 * found.readers, "{found:?}");
    }
    let reading = |of: &Estimate| (of.readers, of.first, of.refresh);
    let expected = refreshes.map(|(readers, refresh)| (readers, (3, 2), refresh));
    assert_eq!(all.iter().map(reading).collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn of_a_serverless_estate_by_readers() {
    // The waves beyond three are the pages of log groups, fifty each.
    let refreshes = [(2, (33, 3)), (10, (29, 3)), (50, (34, 5)), (100, (42, 8))];
    of_estates("serverless", SERVERLESS, 3, refreshes).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_estate_with_a_cluster_by_readers() {
    // The fourth wave is the second page of namespaces and workgroups.
    let refreshes = [(2, (35, 3)), (10, (35, 3)), (50, (36, 3)), (100, (37, 4))];
    of_estates("cluster", RA3, 0, refreshes).await;
}

#[tokio::test(start_paused = true)]
async fn ten_readers_take_hardly_longer_than_one() {
    let mut seconds = Vec::new();
    for readers in [1, 10] {
        let mut estate = Estate::new(SMALL);
        estate.set(&[&format!("consumers.reporting.count={readers}")]);
        seconds.push(estate.apply().await.seconds);
    }
    assert!(seconds[1] < seconds[0] * 1.05, "{seconds:?}");
}

/// Intents and answers that come while one write is under way share the next: a write costs two fsyncs, one of the file and
/// one of its folder, and fifty readers at once do not queue up for fifty times as many.
#[tokio::test(start_paused = true)]
async fn fifty_readers_share_their_writes_to_a_real_disk() {
    let mut estate = Estate::new(TINY);
    let networks = "networking.subnet_cidrs=[\"10.50.0.0/20\", \"10.50.16.0/20\", \"10.50.32.0/20\"]";
    estate.set(&["consumers.reporting.count=50", networks]);
    let folder = tempfile::tempdir().unwrap();
    let disk = LocalStore::new(folder.path());
    let (_keep, interrupt) = watch::channel(None);
    let outcome = estate.run_on(&Options::default(), Arc::new(disk.clone()), interrupt).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let steps = estate.events.iter().filter(|event| matches!(event, Event::Step { .. })).count();
    let commits = usize::try_from(disk.load().await.unwrap().unwrap().serial).unwrap();
    println!("{} resources, {steps} mutating calls, {commits} writes, {} fsyncs", outcome.done.len(), 2 * commits);
    assert!(steps > 250 && commits < steps / 4, "{commits} writes for {steps} calls");
}

/// What the data sharing costs beside the rest.
#[derive(Debug, PartialEq)]
struct Sharing {
    readers: usize,
    /// Statements of the apply that brings it.
    statements: usize,
    /// How long that takes on warehouses that run, in whole seconds of AWS time.
    seconds: u64,
    /// Warehouses that a plan without changes asks, by default and with `--refresh-sql`.
    asked: (usize, usize),
}

/// A share of the estate's own producer, and one of another account's.
const SHARE: &str =
    "[datashares.airline_share]\nschemas = [\"flights\"]\ngrant_to = [\"role:analyst\"]\n[roles.analyst]\n";
const OFFERED: &str = "[datashares.partner_sales]\naccount = \"210987654321\"\n\
     namespace = \"2f6c1b9e-5d3a-4c70-9b1e-210987654321\"\ngrant_to = [\"role:analyst\"]\n[roles.analyst]\n";

async fn sharing(readers: usize, share: &str) -> Sharing {
    let mut estate = Estate::bare(TINY);
    let subnets = "networking.subnet_cidrs=[\"10.50.0.0/18\", \"10.50.64.0/18\", \"10.50.128.0/18\"]";
    estate.set(&[subnets, &format!("consumers.reporting.count={readers}")]);
    estate.apply().await;
    estate.write(&format!("{TINY}{share}"));
    let count = |estate: &Estate, operation: &str| {
        estate.sandbox.take_calls().iter().filter(|call| call.operation == operation).count()
    };
    count(&estate, "");
    let outcome = estate.apply().await;
    let statements = count(&estate, "ExecuteStatement");
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    let calls = estate.sandbox.take_calls();
    let these = |begin: &str| calls.iter().filter(|call| call.operation.starts_with(begin)).count();
    let idle = these("BatchExecuteStatement");
    assert_eq!(these("DescribeDataShares"), 1, "shares are listed once, however many readers there are");
    estate.settled().await;
    let all = count(&estate, "BatchExecuteStatement");
    Sharing { readers, statements, seconds: outcome.seconds as u64, asked: (idle, all) }
}

/// Statements of one warehouse run one after the other: the producer's grants are the longest path.
#[tokio::test(start_paused = true)]
async fn of_the_data_sharing() {
    let (mut found, mut right) = (Vec::new(), Vec::new());
    for (readers, seconds) in [(1, 5), (10, 11), (50, 40)] {
        found.push(sharing(readers, SHARE).await);
        println!("{:?}", found.last().unwrap());
        // The producer's: a share, three steps of its schema, a role, a grant for each reader; three of each reader.
        let statements = 5 + 4 * readers;
        right.push(Sharing { readers, statements, seconds, asked: (0, readers + 1) });
    }
    assert_eq!(found, right);
}

/// What another account shares costs the producer nothing but the role, and is taken up by all readers at once.
#[tokio::test(start_paused = true)]
async fn of_what_another_account_shares() {
    let (mut found, mut right) = (Vec::new(), Vec::new());
    for (readers, seconds) in [(1, 2), (10, 3), (50, 3)] {
        found.push(sharing(readers, OFFERED).await);
        println!("{:?}", found.last().unwrap());
        let statements = 1 + 3 * readers;
        right.push(Sharing { readers, statements, seconds, asked: (0, readers + 1) });
    }
    assert_eq!(found, right);
}
