//! `--replace`, `--target` and `--exclude`.

use crate::{harness::*, scene::*};
use rsds::{
    kind::Order,
    plan::{Action, Options, Reason},
};

fn replacing(texts: &[&str]) -> Options {
    Options { replace: select(texts), ..Options::default() }
}

fn excluding(texts: &[&str]) -> Options {
    Options { excludes: select(texts), ..Options::default() }
}

async fn replaced(texts: &[&str], expected: &[&str]) {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    for round in 1..=2 {
        let plan = estate.plan(&replacing(texts)).await.unwrap();
        assert_eq!(brief(&plan), expected, "round {round}");
        assert_eq!(reasons(&plan, texts[0]), [Reason::Requested]);
        estate.converge(&replacing(texts)).await;
        assert_eq!(estate.inventory(), whole, "round {round}");
        assert!(estate.state().entries.values().all(|entry| entry.deposed.is_empty()));
    }
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_workgroup_drains_first() {
    replaced(
        &["consumer-reporting-1/workgroup"],
        &["replace consumer-reporting-1/targets", "replace consumer-reporting-1/workgroup"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_stands_beside_the_old_one() {
    replaced(
        &["nlb/target-group-5439"],
        &[
            "replace consumer-analytics-1/targets",
            "replace consumer-analytics-2/targets",
            "replace consumer-reporting-1/targets",
            "update nlb/listener-5439",
            "replace nlb/target-group-5439",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_balancer() {
    replaced(&["nlb/load-balancer"], &["replace nlb/listener-5439", "replace nlb/load-balancer"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_security_group() {
    replaced(
        &["networking/consumer-security-group"],
        &[
            "update consumer-analytics-1/workgroup",
            "update consumer-analytics-2/workgroup",
            "update consumer-reporting-1/workgroup",
            "replace networking/consumer-egress",
            "replace networking/consumer-ingress-5439-10.0.0.0-8",
            "replace networking/consumer-ingress-5439-nlb",
            "replace networking/consumer-security-group",
            "replace networking/nlb-egress-5439-consumers",
            "replace networking/producer-ingress-consumers",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_can_stand_beside_the_old_one_comes_first() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let of = |plan: &rsds::plan::Plan, address: &str| plan.changes[&address.parse().unwrap()].action;
    let plan = estate.plan(&replacing(&["nlb/target-group-5439"])).await.unwrap();
    assert_eq!(of(&plan, "nlb/target-group-5439"), Action::Replace(Order::CreateFirst));
    let old = estate.sandbox.world().elb.groups.into_values().next().unwrap().name;
    estate.converge(&replacing(&["nlb/target-group-5439"])).await;
    let new = estate.sandbox.world().elb.groups.into_values().next().unwrap().name;
    assert!(new.ends_with("-r1") && new.len() <= 32 && new != old, "{old} -> {new}");
    let plan = estate.plan(&replacing(&["consumer-reporting-1/workgroup"])).await.unwrap();
    assert_eq!(of(&plan, "consumer-reporting-1/workgroup"), Action::Replace(Order::DeleteFirst));
}

#[tokio::test(start_paused = true)]
async fn a_target_comes_with_what_it_needs_and_nothing_else() {
    let mut estate = Estate::new(TWO);
    let options = targeted(&["consumer-reporting"]);
    let outcome = estate.run(&options).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let there = estate.inventory();
    assert_eq!((there["workgroups"], there["listeners"], there["keys"]), (1, 1, 0));
    assert!(estate.plan(&options).await.unwrap().is_empty());
    assert!(!estate.plan(&Options::default()).await.unwrap().is_empty());
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["workgroups"], 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_is_left_alone_and_so_is_what_needs_it() {
    let mut estate = Estate::new(TWO);
    let outcome = estate.run(&excluding(&["consumer-analytics"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.inventory()["workgroups"], 2);
    let outcome = estate.run(&excluding(&["nlb"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let there = estate.inventory();
    assert_eq!((there["workgroups"], there["targets"]), (4, 3), "targets need the balancer");
    estate.converge(&Options::default()).await;
    // A destroy spares what is excluded, and all it stands on.
    let sparing = Options { destroy: true, ..excluding(&["consumer-reporting"]) };
    let outcome = estate.run(&sparing).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let there = estate.inventory();
    assert_eq!((there["workgroups"], there["vpcs"], there["listeners"], there["keys"]), (1, 1, 1, 0));
    estate.converge(&Options::default()).await;
}
