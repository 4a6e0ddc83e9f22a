//! Alarms come and go with what they watch, tell whom they should, and are nobody else's.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Action, Options, Verb},
    sandbox::cloudwatch::Alarm,
};
use std::{collections::BTreeMap, time::Duration};

fn watched(toml: &str) -> String {
    format!("{toml}[monitoring]\nnotify = [\"oncall@example.com\"]\n")
}

fn alarms(estate: &Estate) -> BTreeMap<String, Alarm> {
    estate.sandbox.world().cloudwatch.alarms
}

/// The alarms whose names begin like this, without that beginning.
fn of(estate: &Estate, beginning: &str) -> Vec<String> {
    alarms(estate).keys().filter_map(|name| name.strip_prefix(beginning).map(str::to_owned)).collect()
}

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:airline-dev-alarms";

#[tokio::test(start_paused = true)]
async fn alarms_come_and_go_with_the_consumers() {
    let mut estate = Estate::new(&watched(TWO));
    estate.set(&["consumers.reporting.usage_limit={ period = \"daily\", rpu_hours = 7 }"]);
    estate.converge(&Options::default()).await;
    assert_eq!(
        of(&estate, "airline-dev-analytics-2-"),
        ["capacity", "connections", "queries-failed", "queries-queued"]
    );
    assert_eq!(
        of(&estate, "airline-dev-reporting-1-"),
        ["capacity", "connections", "queries-failed", "queries-queued", "usage-limit"]
    );
    assert_eq!(
        of(&estate, "airline-dev-nlb-"),
        ["blocked-flows", "healthy-hosts-5439", "port-allocation", "unhealthy-hosts-5439"]
    );
    let all = alarms(&estate);
    for (name, alarm) in &all {
        let of = &alarm.settings;
        // What is idle reports nothing, and that is well; targets that report nothing are not.
        let missing = if name.contains("-healthy-hosts-") { "breaching" } else { "notBreaching" };
        assert_eq!(of.missing, missing, "{name}");
        let told = if name.ends_with("blocked-flows") { Vec::new() } else { vec![TOPIC.to_owned()] };
        assert_eq!((&of.alarm_actions, &of.ok_actions), (&told, &told), "{name}");
        assert!(of.insufficient_data_actions.is_empty() && alarm.tags["rsds:project"] == "airline", "{name}");
    }
    let limit = estate.sandbox.world().serverless.limits.into_keys().next().unwrap();
    let of_limit = &all["airline-dev-reporting-1-usage-limit"].settings;
    let wanted = [
        ("UsageLimitId", limit.as_str()),
        ("UsageType", "SERVERLESS_COMPUTE"),
        ("Workgroup", "airline-dev-reporting-1"),
    ];
    assert_eq!(of_limit.dimensions, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert!((of_limit.threshold - 5.6).abs() < 1e-9, "{}", of_limit.threshold);
    let hosts = &all["airline-dev-nlb-healthy-hosts-5439"].settings.dimensions;
    assert!(hosts["LoadBalancer"].starts_with("net/airline-dev-nlb/"), "{hosts:?}");
    assert!(hosts["TargetGroup"].starts_with("targetgroup/airline-dev-5439/"), "{hosts:?}");

    // Another reader has its alarms in the same apply, even alone; nobody else's are touched.
    estate.set(&["consumers.analytics.count=3"]);
    estate.run(&targeted(&["consumer-analytics-3"])).await;
    assert_eq!(of(&estate, "airline-dev-analytics-3-").len(), 4);
    estate.set(&["consumers.analytics.count=3", "monitoring.thresholds.consumer_rpu_hours_per_day=200"]);
    let brief = estate.brief(&Options::default()).await;
    let fresh: Vec<&String> = brief.iter().filter(|line| line.starts_with("create")).collect();
    assert_eq!(fresh.len(), 4, "{brief:?}");
    assert!(fresh.iter().all(|line| line.ends_with("/alarm-rpu-hours")), "{brief:?}");
    estate.converge(&Options::default()).await;
    let budget = &alarms(&estate)["airline-dev-analytics-1-rpu-hours"].settings;
    assert_eq!((budget.threshold, budget.period, budget.metric.as_str()), (720_000.0, 86_400, "ComputeSeconds"));

    let others = alarms(&estate).len() - of(&estate, "airline-dev-reporting-1-").len();
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!((of(&estate, "airline-dev-reporting-1-").len(), alarms(&estate).len()), (0, others));
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_alarm_on_healthy_targets_waits_for_the_first_of_them() {
    let estate = Estate::new(&watched(TINY));
    let plan = estate.plan(&Options::default()).await.unwrap();
    let find = |address: &str| plan.ops.iter().position(|op| op.address.to_string() == address).unwrap();
    let (targets, alarm) = (find("consumer-reporting-1/targets"), find("nlb/alarm-healthy-hosts-5439"));
    assert!(plan.ops[alarm].needs.iter().any(|need| need.op == targets), "{:?}", plan.ops[alarm]);
    // The balancer alone can be had without its readers.
    let plan = estate.plan(&targeted(&["nlb"])).await.unwrap();
    assert!(!brief(&plan).iter().any(|line| line.contains("consumer-reporting-1/")), "{:?}", brief(&plan));
    assert!(brief(&plan).contains(&"create nlb/alarm-healthy-hosts-5439".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_others_do_to_alarms_and_topic_is_put_right() {
    let mut estate = Estate::new(&watched(TINY));
    estate.converge(&Options::default()).await;
    let turn = |world: &mut rsds::sandbox::World| {
        let alarms = &mut world.cloudwatch.alarms;
        let connections = alarms.get_mut("airline-dev-reporting-1-connections").unwrap();
        (connections.settings.enabled, connections.settings.threshold) = (false, 1e6);
        alarms.remove("airline-dev-nlb-port-allocation");
        world.sns.topics.clear();
    };
    estate.sandbox.edit(turn).unwrap();
    // Whoever tells the topic waits for it.
    let (updates, rest): (Vec<_>, Vec<_>) =
        estate.brief(&Options::default()).await.into_iter().partition(|line| line.starts_with("update"));
    assert!(updates.iter().all(|line| line.contains("/alarm-")), "{updates:?}");
    let expected = ["monitoring/subscription-oncall_example.com", "monitoring/topic", "nlb/alarm-port-allocation"];
    assert_eq!(rest, expected.map(|address| format!("create {address}")));
    estate.converge(&Options::default()).await;
    let mended = &alarms(&estate)["airline-dev-reporting-1-connections"].settings;
    assert_eq!((mended.enabled, mended.threshold), (true, 1600.0));

    // One of that name is theirs, once it is made by hand: it is never overwritten.
    let theirs = |world: &mut rsds::sandbox::World| {
        world.cloudwatch.alarms.get_mut("airline-dev-nlb-port-allocation").unwrap().tags.clear();
    };
    estate.sandbox.edit(theirs).unwrap();
    let refusal = estate.refusal(&Options::default()).await;
    assert!(refusal.contains("airline-dev-nlb-port-allocation"), "{refusal}");
    assert!(refusal.contains("rsds import nlb/alarm-port-allocation"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_somebody_else_is_never_overwritten() {
    let mut donor = Estate::new(&watched(TINY));
    donor.converge(&Options::default()).await;
    let name = "airline-dev-reporting-1-connections";
    let mut alarm = alarms(&donor).remove(name).unwrap();
    alarm.tags.clear();
    let mut estate = Estate::new(&watched(TINY));
    let theirs = alarm.clone();
    estate.sandbox.edit(move |world| drop(world.cloudwatch.alarms.insert(name.to_owned(), theirs))).unwrap();
    let outcome = estate.run(&Options::default()).await;
    let failed: Vec<String> = outcome.failed.iter().map(|(address, ..)| address.to_string()).collect();
    assert_eq!(failed, ["consumer-reporting-1/alarm-connections"]);
    assert_eq!(alarms(&estate)[name], alarm);
    // Nothing else waits for it.
    assert!(outcome.skipped.is_empty(), "{:?}", outcome.skipped);
    let refusal = estate.refusal(&Options::default()).await;
    assert!(refusal.contains(&format!("rsds import consumer-reporting-1/alarm-connections {name}")), "{refusal}");
    assert_eq!(alarms(&estate)[name], alarm);
}

#[tokio::test(start_paused = true)]
async fn a_mail_address_that_nobody_confirms_is_told_and_asked_again() {
    let mut estate = Estate::new(&watched(TINY));
    estate.converge(&Options::default()).await;
    let notices = |plan: &rsds::plan::Plan| plan.notices.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty(), "{:?}", brief(&plan));
    assert!(notices(&plan)[0].contains("oncall@example.com hears of no alarm until"), "{:?}", notices(&plan));

    estate.clock.sleep(Duration::from_hours(49)).await;
    let again = "create monitoring/subscription-oncall_example.com";
    assert_eq!(estate.brief(&Options::default()).await, [again]);
    estate.converge(&Options::default()).await;
    estate.sandbox.edit(|world| world.sns.confirm("oncall@example.com")).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(notices(&plan), [""; 0]);
    assert!(plan.changes.values().all(|change| matches!(change.action, Action::NoOp | Action::Refresh)));
    estate.clock.sleep(Duration::from_hours(49)).await;
    estate.converge(&Options::default()).await;

    // Who is taken out of the list hears nothing more; who has not confirmed goes with their mail.
    estate.set(&["monitoring.notify=[\"dba@example.com\"]"]);
    estate.converge(&Options::default()).await;
    let who = |estate: &Estate| {
        let topics = estate.sandbox.world().sns.topics;
        topics.values().flat_map(|topic| &topic.subscriptions).map(|one| one.endpoint.clone()).collect::<Vec<_>>()
    };
    assert_eq!(who(&estate), ["dba@example.com"]);
    estate.set(&["monitoring.notify=[\"noc@example.com\"]"]);
    estate.converge(&Options::default()).await;
    assert_eq!(who(&estate), ["dba@example.com", "noc@example.com"], "AWS lets nobody take back what is not confirmed");
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_ones_own_takes_the_place_of_ours() {
    let mut estate = Estate::new(&watched(TINY));
    estate.converge(&Options::default()).await;
    estate.sandbox.edit(|world| drop(world.sns.topics.insert("ops".to_owned(), Default::default()))).unwrap();
    let ops = "arn:aws:sns:us-west-2:123456789012:ops";
    estate.set(&["monitoring.notify=[]", &format!("monitoring.topic_arn=\"{ops}\"")]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    let at = |address: &str, verb: Verb| {
        plan.ops.iter().position(|op| op.address.to_string() == address && op.verb == verb).unwrap()
    };
    let (topic, alarm) = (at("monitoring/topic", Verb::Delete), at("nlb/alarm-port-allocation", Verb::Update));
    assert!(plan.ops[topic].needs.iter().any(|need| need.op == alarm), "alarms let go of it first");
    estate.converge(&Options::default()).await;
    assert!(alarms(&estate).values().all(|alarm| alarm.settings.alarm_actions.iter().all(|told| told == ops)));
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.world().sns.topics.into_keys().collect::<Vec<_>>(), ["ops"], "it is not ours to delete");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_sleeps_by_schedule_does_not_ring_at_night() {
    let mut estate = Estate::new(&watched(SMALL_CLUSTER));
    estate.converge(&Options::default()).await;
    let expected = ["commit-queue", "connections", "cpu", "disk", "health", "maintenance"];
    assert_eq!(of(&estate, "airline-dev-producer-"), expected);
    assert_eq!(alarms(&estate)["airline-dev-producer-health"].settings.missing, "notBreaching");
    estate.write(&watched(SMALL_CLUSTER).replace("pause =", "# pause ="));
    estate.converge(&Options::default()).await;
    assert_eq!(alarms(&estate)["airline-dev-producer-health"].settings.missing, "breaching");
    estate.set(&["monitoring.thresholds.cluster_disk_percent=70"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update producer/alarm-disk"]);
    let changed = &plan.changes[&"producer/alarm-disk".parse().unwrap()].fields;
    assert_eq!(changed[0].origin.as_deref(), Some("monitoring.thresholds.cluster_disk_percent"));
    estate.set(&["monitoring.alarms=false"]);
    estate.converge(&Options::default()).await;
    assert!(alarms(&estate).is_empty());
    assert_eq!(estate.inventory()["topics"], 1, "whoever else uses it goes on to");
}
