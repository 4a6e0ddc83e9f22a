//! Values change in the file: what the plan then touches, that it converges, and that there is a way back.

use crate::{harness::*, scene::*};
use rsds::plan::{Action, Options};
use std::collections::BTreeSet;

/// Applies the change, looks at what it touched, and takes it back.
async fn there_and_back(estate: &mut Estate, sets: &[&str], expected: &[&str]) {
    let whole = estate.inventory();
    estate.set(sets);
    assert_eq!(estate.brief(&Options::default()).await, expected, "{sets:?}");
    estate.converge(&Options::default()).await;
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole, "{sets:?}");
}

#[tokio::test(start_paused = true)]
async fn of_the_balancer() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let group = "update nlb/target-group-5439";
    there_and_back(&mut estate, &["nlb.deregistration_delay=\"30s\""], &[group]).await;
    there_and_back(&mut estate, &["nlb.stickiness=true"], &[group]).await;
    there_and_back(&mut estate, &["nlb.health_check.interval=\"30s\"", "nlb.health_check.healthy=3"], &[group]).await;
    there_and_back(&mut estate, &["nlb.cross_zone=false"], &["update nlb/load-balancer"]).await;
    there_and_back(&mut estate, &["nlb.idle_timeout=\"400s\""], &["update nlb/listener-5439"]).await;
    there_and_back(
        &mut estate,
        &["nlb.port=5440"],
        &[
            "replace consumer-analytics-1/targets",
            "replace consumer-analytics-2/targets",
            "replace consumer-reporting-1/targets",
            "delete networking/nlb-ingress-5439-10.0.0.0-8",
            "create networking/nlb-ingress-5440-10.0.0.0-8",
            "delete nlb/listener-5439",
            "create nlb/listener-5440",
            "delete nlb/target-group-5439",
            "create nlb/target-group-5440",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_one_group() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let workgroup = "update consumer-reporting-1/workgroup";
    there_and_back(&mut estate, &["consumers.reporting.query_timeout=\"20m\""], &[workgroup]).await;
    there_and_back(
        &mut estate,
        &["consumers.reporting.port=5440"],
        &[
            "replace consumer-reporting-1/targets",
            workgroup,
            "create networking/consumer-ingress-5440-10.0.0.0-8",
            "create networking/consumer-ingress-5440-nlb",
            "create networking/nlb-egress-5440-consumers",
        ],
    )
    .await;
    let logs = "consumers.reporting.log_exports=[\"connectionlog\", \"userlog\"]";
    there_and_back(
        &mut estate,
        &[logs],
        &[
            "create consumer-reporting-1/log-group-connectionlog",
            "create consumer-reporting-1/log-group-userlog",
            "update consumer-reporting-1/namespace",
        ],
    )
    .await;
    let policy = "consumer-reporting-1/role-policy";
    there_and_back(&mut estate, &["consumers.reporting.s3_buckets=[\"lake-*\"]"], &[&format!("create {policy}")]).await;
    estate.set(&["consumers.reporting.s3_buckets=[\"lake-*\"]"]);
    estate.converge(&Options::default()).await;
    estate.set(&["consumers.reporting.s3_buckets=[\"lake-*\", \"other-*\"]"]);
    assert_eq!(estate.brief(&Options::default()).await, [format!("update {policy}")]);
    estate.converge(&Options::default()).await;
    estate.set(&["consumers.reporting.behind_nlb=false"]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        [format!("delete {policy}"), "delete consumer-reporting-1/targets".to_owned()]
    );
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_addresses_that_may_connect() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    there_and_back(
        &mut estate,
        &["networking.allowed_cidrs=[\"10.0.0.0/8\", \"192.168.0.0/16\"]"],
        &[
            "create networking/consumer-ingress-5439-192.168.0.0-16",
            "create networking/nlb-ingress-5439-192.168.0.0-16",
            "create networking/producer-ingress-5439-192.168.0.0-16",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_the_network() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    there_and_back(
        &mut estate,
        &["networking.internet_gateway=true"],
        &["create networking/internet-gateway", "create networking/public-route"],
    )
    .await;
    there_and_back(&mut estate, &["networking.s3_endpoint=false"], &["delete networking/s3-endpoint"]).await;
}

#[tokio::test(start_paused = true)]
async fn to_a_fourth_zone_and_back() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    there_and_back(
        &mut estate,
        &["networking.availability_zones=4"],
        &[
            "update consumer-analytics-1/targets",
            "update consumer-analytics-1/workgroup",
            "update consumer-analytics-2/targets",
            "update consumer-analytics-2/workgroup",
            "update consumer-reporting-1/targets",
            "update consumer-reporting-1/workgroup",
            "create networking/route-table-association-4",
            "create networking/subnet-4",
            "update nlb/load-balancer",
            "update producer/workgroup",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_the_tags() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.set(&["tags.team=\"data\""]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    let tagged: BTreeSet<_> =
        plan.changes.values().filter(|c| c.work.spec.contains_key("tags")).map(|c| c.address.clone()).collect();
    let updated: BTreeSet<_> =
        plan.touched().filter(|c| c.action == Action::Update).map(|c| c.address.clone()).collect();
    assert_eq!((plan.touched().count(), &updated), (tagged.len(), &tagged));
    estate.converge(&Options::default()).await;
    estate.set(&["tags.team=\"finance\"", "tags.cost_center=\"7\""]);
    estate.converge(&Options::default()).await;
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
    let world = serde_json::to_string(&estate.sandbox.world()).unwrap();
    assert!(!world.contains("finance") && !world.contains("cost_center"), "tags taken out of the file stayed");
}

#[tokio::test(start_paused = true)]
async fn a_producer_with_a_final_snapshot_leaves_it_and_its_key() {
    let mut estate = Estate::new(TWO);
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    let plan = estate.plan(&destroying(&[])).await.unwrap();
    let kept: Vec<String> = brief(&plan).into_iter().filter(|line| line.starts_with("keep")).collect();
    assert_eq!(kept, ["keep producer/key"]);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.state().entries.is_empty());
    let left = estate.inventory();
    let left: Vec<(&str, usize)> = left.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(left, [("keys", 1), ("snapshots", 1)]);
    let world = estate.sandbox.world();
    let snapshot = world.serverless.snapshots.values().next().unwrap();
    assert_eq!(snapshot.key.as_ref(), world.kms.keys.values().map(|key| &key.arn).next());
    // What is kept is in nobody's way: the estate comes again, with a key of its own.
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["keys"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_final_snapshot_may_be_wanted_later_and_given_up_again() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    assert!(estate.brief(&destroying(&[])).await.contains(&"keep producer/key".to_owned()));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}
