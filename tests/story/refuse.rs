//! What rsds will not do: touch what is protected, another account, another region, another project.

use crate::{harness::*, scene::*};
use rsds::plan::Options;

fn protecting(selector: &str, options: Options) -> Options {
    Options { protect: select(&[selector]), ..options }
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_neither_deleted_nor_replaced() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let before = estate.sandbox.world();
    let why = estate.refusal(&protecting("producer", destroying(&[]))).await;
    assert!(why.contains("producer/namespace would be deleted, and it is protected by `producer`"), "{why}");
    assert!(why.contains("[protect] addresses = []"), "{why}");
    let why = estate.refusal(&protecting("producer/namespace", destroying(&[]))).await;
    assert!(
        why.contains("producer/key would be deleted, and data that is protected cannot be read without it"),
        "{why}"
    );
    estate.set(&["producer.database=\"other\""]);
    let why = estate.refusal(&protecting("producer", Options::default())).await;
    assert!(why.contains("producer/namespace would be replaced"), "{why}");
    estate.set(&[]);
    assert_eq!(estate.sandbox.world(), before);
    // Readers are free to go, and the producer may change in place.
    let outcome = estate.run(&protecting("producer", destroying(&["consumer-reporting"]))).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.set(&["producer.max_capacity=24"]);
    estate.converge(&protecting("producer", Options::default())).await;
}

#[tokio::test(start_paused = true)]
async fn another_account() {
    let mut estate = Estate::new(TWO);
    estate.set(&["account=\"999999999999\""]);
    let why = text(&estate.open().await.err().unwrap());
    assert!(why.contains("123456789012") && why.contains("the TOML names account 999999999999"), "{why}");
    assert!(estate.sandbox.calls().iter().all(|call| !call.mutating));
    estate.set(&["account=\"123456789012\""]);
    assert!(estate.plan(&Options::default()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn another_region_or_project_while_resources_exist() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    estate.set(&["project=\"railway\""]);
    let why = text(&estate.open().await.err().unwrap());
    assert!(why.contains("the state belongs to airline-dev"), "{why}");
    estate.set(&[]);
    estate.region = "eu-west-1".to_owned();
    let why = text(&estate.open().await.err().unwrap());
    assert!(why.contains("the state holds resources in region us-west-2, this run is for region eu-west-1"), "{why}");
    estate.region = "us-west-2".to_owned();
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn selectors_that_match_nothing() {
    let mut estate = Estate::new(TWO);
    let why = estate.refusal(&targeted(&["consumer-reportin"])).await;
    assert!(why.contains("`consumer-reportin` matches no resource") && why.contains("consumer-reporting"), "{why}");
    estate.converge(&Options::default()).await;
    for options in [destroying(&["nowhere"]), targeted(&["nlb/listener-1"])] {
        assert!(estate.refusal(&options).await.contains("matches no resource"));
    }
    let replace = Options { replace: select(&["producer/workgrou"]), ..Options::default() };
    assert!(estate.refusal(&replace).await.contains("producer/workgroup"));
    let exclude = Options { excludes: select(&["consumer-x"]), ..Options::default() };
    assert!(estate.refusal(&exclude).await.contains("matches no resource"));
}
