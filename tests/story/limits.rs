//! Budgets of readers.

use crate::{harness::*, scene::*};
use rsds::plan::{Options, Reason};

const DAILY: &str = "consumers.reporting.usage_limit={ period = \"daily\", rpu_hours = 100 }";

/// The limits there are: period, amount, action.
fn limits(estate: &Estate) -> Vec<(String, i64, String)> {
    let limits = estate.sandbox.world().serverless.limits.into_values();
    limits.map(|limit| (limit.period, limit.amount, limit.action)).collect()
}

fn limit(period: &str, amount: i64, action: &str) -> Vec<(String, i64, String)> {
    vec![(period.to_owned(), amount, action.to_owned())]
}

#[tokio::test(start_paused = true)]
async fn a_budget_comes_changes_and_goes() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let address = "consumer-reporting-1/usage-limit";
    estate.set(&[DAILY]);
    assert_eq!(estate.brief(&Options::default()).await, [format!("create {address}")]);
    estate.converge(&Options::default()).await;
    assert_eq!(limits(&estate), limit("daily", 100, "log"));

    estate.set(&["consumers.reporting.usage_limit={ period = \"daily\", rpu_hours = 50, action = \"deactivate\" }"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), [format!("update {address}")]);
    let fields = &plan.changes[&address.parse().unwrap()].fields;
    let origins: Vec<&str> = fields.iter().map(|field| field.origin.as_deref().unwrap()).collect();
    assert_eq!(origins, ["consumers.reporting.usage_limit.rpu_hours", "consumers.reporting.usage_limit.action"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let changes: Vec<String> =
        estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect();
    assert_eq!(changes, ["UpdateUsageLimit"]);
    assert_eq!(limits(&estate), limit("daily", 50, "deactivate"));

    // Another period is another limit: the new one stands before the old one goes.
    estate.set(&["consumers.reporting.usage_limit={ period = \"weekly\", rpu_hours = 50 }"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), [format!("replace {address}")]);
    assert_eq!(reasons(&plan, address), [Reason::Immutable("period".into())]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let changes: Vec<String> =
        estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect();
    assert_eq!(changes, ["CreateUsageLimit", "DeleteUsageLimit"]);
    assert_eq!(limits(&estate), limit("weekly", 50, "log"));

    estate.set(&[]);
    assert_eq!(estate.brief(&Options::default()).await, [format!("delete {address}")]);
    estate.converge(&Options::default()).await;
    assert_eq!(limits(&estate), []);
}

#[tokio::test(start_paused = true)]
async fn a_budget_follows_its_workgroup_and_leaves_others_alone() {
    let mut estate = Estate::new(TWO);
    estate.set(&[DAILY]);
    estate.converge(&Options::default()).await;
    // Somebody else's limit on the same workgroup.
    let aws = estate.open().await.unwrap().aws;
    let arn = aws.serverless.get_workgroup().workgroup_name("airline-dev-reporting-1").send().await.unwrap();
    let arn = arn.workgroup.unwrap().workgroup_arn.unwrap();
    let call = aws.serverless.create_usage_limit().resource_arn(arn).usage_type("serverless-compute".into());
    call.amount(7).send().await.unwrap();
    estate.settled().await;
    let replace = Options { replace: select(&["consumer-reporting-1/workgroup"]), ..Options::default() };
    assert!(estate.brief(&replace).await.contains(&"replace consumer-reporting-1/usage-limit".to_owned()));
    estate.converge(&replace).await;
    assert_eq!(limits(&estate), limit("daily", 100, "log"));
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(limits(&estate), []);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_somebody_changed_is_put_right() {
    let mut estate = Estate::new(TWO);
    estate.set(&[DAILY]);
    estate.converge(&Options::default()).await;
    let raise = |world: &mut rsds::sandbox::World| {
        world.serverless.limits.values_mut().for_each(|limit| limit.amount = 900);
    };
    estate.sandbox.edit(raise).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["update consumer-reporting-1/usage-limit"]);
    estate.converge(&Options::default()).await;
    assert_eq!(limits(&estate), limit("daily", 100, "log"));
    estate.sandbox.edit(|world| world.serverless.limits.clear()).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["create consumer-reporting-1/usage-limit"]);
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_serverless_producer_has_budgets_too() {
    let mut estate = Estate::new(TWO);
    let one = "{ feature = \"serverless-compute\", period = \"daily\", amount = 5 }";
    let other = "{ feature = \"serverless-compute\", amount = 90, action = \"emit-metric\" }";
    estate.set(&[&format!("producer.usage_limits=[{one}, {other}]")]);
    estate.converge(&Options::default()).await;
    let mut there = limits(&estate);
    there.sort();
    assert_eq!(there, [limit("daily", 5, "log"), limit("monthly", 90, "emit-metric")].concat());
    estate.set(&[&format!("producer.usage_limits=[{other}]")]);
    assert_eq!(estate.brief(&Options::default()).await, ["delete producer/usage-limit-serverless-compute-daily"]);
    estate.converge(&Options::default()).await;
    assert_eq!(limits(&estate), limit("monthly", 90, "emit-metric"));
}
