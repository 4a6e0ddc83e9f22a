//! What runs cost, in calls and in AWS time: exact, so that a regression fails like a bug.

use crate::{harness::*, scene::*};
use rsds::plan::Options;

/// Calls and whole seconds of AWS time of the shipped `dev`: apply, plan without changes, destroy.
const APPLY: (usize, u64) = (249, 381);
const PLAN: usize = 34;
const DESTROY: (usize, u64) = (526, 313);

/// Calls of a plan without changes: so many for the estate, and so many more for each reader: its role and the
/// policies attached to it, the tags of its namespace and of its workgroup.
const PLAN_OF_ESTATE: usize = 36;
const PLAN_OF_READER: usize = 4;

fn calls(estate: &Estate) -> usize {
    estate.sandbox.take_calls().len()
}

#[tokio::test(start_paused = true)]
async fn of_dev() {
    let mut estate = Estate::shipped("dev");
    let apply = estate.apply().await;
    assert_eq!((calls(&estate), apply.seconds as u64), APPLY);
    estate.settled().await;
    assert_eq!(calls(&estate), PLAN);
    let destroy = estate.run(&destroying(&[])).await;
    assert_eq!((calls(&estate), destroy.seconds as u64), DESTROY);
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
