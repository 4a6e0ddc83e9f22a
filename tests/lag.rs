//! Changes that show late: what AWS was told moments ago is neither taken for missing nor for gone, and what has really
//! changed is still told.

use crate::{harness::*, scene::*};
use rsds::sandbox::Weather;
use std::time::Duration;

/// Days of a weather in which nothing is amiss but that changes show late.
fn days() -> impl Iterator<Item = Weather> {
    (0..6).map(|seed| Weather { seed, lag: Weather::rough(seed).lag, ..Weather::default() })
}

#[tokio::test(start_paused = true)]
async fn the_plan_right_after_an_apply_is_empty() {
    for weather in days() {
        let mut estate = Estate::new(TINY);
        estate.sandbox.weather(weather).unwrap();
        // The last thing made is the one that lags.
        for targets in [&["networking"][..], &["networking", "producer/key", "producer/role"], &[]] {
            let options = targeted(targets);
            let outcome = estate.run(&options).await;
            assert!(outcome.is_complete(), "{:#?}", outcome.failed);
            let since = estate.clock.elapsed();
            assert_eq!(estate.brief(&options).await, Vec::<String>::new());
            assert!(estate.clock.elapsed() - since <= Duration::from_secs(30));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_really_gone_is_told_though_it_was_made_moments_ago() {
    for weather in days() {
        let mut estate = Estate::new(TINY);
        estate.sandbox.weather(weather).unwrap();
        estate.run(&targeted(&["networking"])).await;
        estate.sandbox.edit(|world| world.ec2.rules.clear()).unwrap();
        let since = estate.clock.elapsed();
        let plan = estate.brief(&targeted(&["networking"])).await;
        assert!(!plan.is_empty() && plan.iter().all(|line| line.starts_with("create networking/")), "{plan:?}");
        assert!(estate.clock.elapsed() - since <= Duration::from_secs(40));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_finds_all_as_it_was_left_waits_for_nothing() {
    let mut estate = Estate::new(TINY);
    estate.apply().await;
    let since = estate.clock.elapsed();
    estate.settled().await;
    assert_eq!(estate.clock.elapsed(), since);
}

#[tokio::test(start_paused = true)]
async fn a_change_right_after_an_apply_finds_what_it_changes() {
    for weather in days() {
        let mut estate = Estate::new(TINY);
        estate.sandbox.weather(weather).unwrap();
        let options = targeted(&["networking", "producer/key", "producer/role"]);
        estate.run(&options).await;
        estate.set(&["tags.team=\"data\"", "networking.allowed_cidrs=[\"192.168.0.0/16\"]"]);
        let outcome = estate.run(&options).await;
        assert!(outcome.is_complete() && !outcome.done.is_empty(), "{:#?}", outcome.failed);
        assert_eq!(estate.brief(&options).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_right_after_an_apply_leaves_nothing() {
    for weather in days() {
        let mut estate = Estate::new(TINY);
        estate.sandbox.weather(weather).unwrap();
        let outcome = estate.run(&targeted(&["networking", "producer/key", "producer/role"])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
        assert!(estate.state().entries.is_empty());
    }
}
