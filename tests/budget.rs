//! What runs cost, in calls and in AWS time: exact, so that a regression fails like a bug.

use crate::{harness::*, scene::*};
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

const DEV: Cost = Cost { apply: (260, 362), plan_without_changes: 34, destroy: (476, 313) };
const STAGING: Cost = Cost { apply: (338, 370), plan_without_changes: 44, destroy: (445, 480) };
const PROD: Cost = Cost { apply: (395, 370), plan_without_changes: 62, destroy: (650, 480) };

/// Calls of a plan without changes: so many for the estate, and so many more for each reader: its role and the
/// policies attached to it, the tags of its namespace and of its workgroup.
const PLAN_OF_ESTATE: usize = 36;
const PLAN_OF_READER: usize = 4;

fn calls(estate: &Estate) -> usize {
    estate.sandbox.take_calls().len()
}

async fn of(env: &'static str) -> Cost {
    let mut estate = Estate::shipped(env);
    let outcome = estate.apply().await;
    let apply = (calls(&estate), outcome.seconds as u64);
    estate.settled().await;
    let plan_without_changes = calls(&estate);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    Cost { apply, plan_without_changes, destroy: (calls(&estate), outcome.seconds as u64) }
}

#[tokio::test(start_paused = true)]
async fn of_the_shipped_environments() {
    assert_eq!([of("dev").await, of("staging").await, of("prod").await], [DEV, STAGING, PROD]);
}

#[tokio::test(start_paused = true)]
async fn of_a_plan_by_readers() {
    let mut estate = Estate::new(SMALL);
    for readers in [1, 10] {
        estate.set(&[&format!("consumers.reporting.count={readers}")]);
        estate.converge(&Options::default()).await;
        calls(&estate);
        estate.settled().await;
        assert_eq!(calls(&estate), PLAN_OF_ESTATE + readers * PLAN_OF_READER, "{readers} readers");
    }
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
