//! Groups of readers come, grow, shrink and go without disturbing each other.

use crate::{harness::*, scene::*};
use rsds::{
    apply::{Event, Trouble},
    plan::{Options, Reason, Verb},
    sandbox::elb::Target,
};
use std::collections::BTreeMap;

fn reader(verb: &str, component: &str) -> Vec<String> {
    let resources = ["namespace", "role", "role-policy-attachment", "targets", "workgroup"];
    resources.iter().map(|resource| format!("{verb} {component}/{resource}")).collect()
}

fn targets(estate: &Estate) -> BTreeMap<String, Target> {
    let world = estate.sandbox.world();
    let all = world.elb.groups.values().flat_map(|group| group.targets.clone());
    all.filter(|target| target.gone_at.is_none()).map(|target| (target.address.to_string(), target)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_goes_and_comes_back_and_nobody_else_notices() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let (whole, before) = (estate.inventory(), targets(&estate));
    estate.sandbox.take_calls();

    let going = destroying(&["consumer-reporting"]);
    assert_eq!(estate.brief(&going).await, reader("delete", "consumer-reporting-1"));
    let outcome = estate.run(&going).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);

    let calls = estate.sandbox.take_calls();
    let at = |name: &str| calls.iter().position(|call| call.operation == name).unwrap();
    assert!(at("DeregisterTargets") < at("DeleteWorkgroup"));
    assert!(at("DeleteWorkgroup") < at("DeleteNamespace"));
    let drained = estate.moment(
        |e| matches!(e, Event::Finished { address, verb: Verb::Delete, .. } if address.resource() == "targets"),
    );
    let removed = estate.moment(|e| matches!(e, Event::Step { address, .. } if address.resource() == "workgroup"));
    assert!(drained < removed);

    let after = targets(&estate);
    assert_eq!(after.len(), 6, "three addresses of each reader that stays");
    assert!(after.iter().all(|(address, target)| before[address] == *target), "the others were touched");
    assert!(!estate.state().entries.keys().any(|address| address.component() == "consumer-reporting-1"));

    assert_eq!(estate.brief(&Options::default()).await, reader("create", "consumer-reporting-1"));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

#[tokio::test(start_paused = true)]
async fn no_target_is_draining_when_its_workgroup_goes() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    // The world as the call finds it: it is refused, and everything else waits for it.
    estate.sandbox.inject(denied("DeleteWorkgroup"));
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    let [(address, Verb::Delete, Trouble::Aws { fault, .. })] = &outcome.failed[..] else {
        panic!("{:#?}", outcome.failed)
    };
    assert_eq!((address.to_string().as_str(), fault.code.as_str()), ("consumer-reporting-1/workgroup", "AccessDenied"));
    let (world, now) = (estate.sandbox.world(), estate.sandbox.now());
    let all = || world.elb.groups.values().flat_map(|group| &group.targets);
    assert!(all().filter_map(|target| target.gone_at).all(|gone| gone <= now), "something is still draining");
    assert_eq!(all().filter(|target| target.gone_at.is_none()).count(), 6);
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.brief(&Options::default()).await, reader("create", "consumer-reporting-1"));
}

#[tokio::test(start_paused = true)]
async fn a_group_grows_and_shrinks_at_its_end() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let two = estate.inventory();

    estate.set(&["consumers.analytics.count=3"]);
    assert_eq!(estate.brief(&Options::default()).await, reader("create", "consumer-analytics-3"));
    estate.converge(&Options::default()).await;

    estate.set(&[]);
    assert_eq!(estate.brief(&Options::default()).await, reader("delete", "consumer-analytics-3"));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), two);

    estate.set(&["consumers.analytics.count=0"]);
    let both: Vec<String> =
        ["1", "2"].iter().flat_map(|n| reader("delete", &format!("consumer-analytics-{n}"))).collect();
    assert_eq!(estate.brief(&Options::default()).await, both);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["workgroups"], 2);

    // No reader at all: the balancer stays, empty.
    estate.set(&["consumers.analytics.count=0", "consumers.reporting.count=0"]);
    estate.converge(&Options::default()).await;
    assert_eq!((estate.inventory()["targets"], estate.inventory()["listeners"]), (0, 1));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), two);
}

#[tokio::test(start_paused = true)]
async fn capacity_changes_in_place() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let before = estate.sandbox.world().serverless.workgroups;

    estate.set(&["consumers.reporting.max_capacity=24"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update consumer-reporting-1/workgroup"]);
    let change = &plan.changes[&"consumer-reporting-1/workgroup".parse().unwrap()];
    assert_eq!(change.fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), ["max_capacity"]);
    assert_eq!(change.fields[0].origin.as_deref(), Some("consumers.reporting.max_capacity"));
    let outcome = estate.run(&Options::default()).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.settled().await;

    // Both above the old maximum: the maximum goes first; and back down.
    estate.set(&["consumers.reporting.base_capacity=32", "consumers.reporting.max_capacity=64"]);
    estate.converge(&Options::default()).await;
    let after = estate.sandbox.world().serverless.workgroups;
    let name = "airline-dev-reporting-1";
    assert_eq!((after[name].base, after[name].max), (32, Some(64)));
    assert_eq!((&after[name].id, after[name].created), (&before[name].id, before[name].created));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    let name = "airline-dev-analytics-1";
    assert_eq!(estate.sandbox.world().serverless.workgroups[name], before[name], "another group was touched");
}

#[tokio::test(start_paused = true)]
async fn another_database_is_a_replacement_that_names_its_cause() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.set(&["consumers.reporting.database=\"other_db\""]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(
        brief(&plan),
        [
            "replace consumer-reporting-1/namespace",
            "replace consumer-reporting-1/targets",
            "replace consumer-reporting-1/workgroup"
        ]
    );
    let follows = |text: &str| vec![Reason::Follows(text.parse().unwrap())];
    let of = |resource: &str| reasons(&plan, &format!("consumer-reporting-1/{resource}"));
    assert_eq!(of("namespace"), [Reason::Immutable("database".into())]);
    assert_eq!(of("workgroup"), follows("consumer-reporting-1/namespace"));
    assert_eq!(of("targets"), follows("consumer-reporting-1/workgroup"));
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let calls: Vec<String> = estate
        .sandbox
        .take_calls()
        .into_iter()
        .filter(|c| c.mutating && c.error.is_none())
        .map(|c| c.operation)
        .collect();
    assert_eq!(
        calls,
        [
            "DeregisterTargets",
            "DeleteWorkgroup",
            "DeleteNamespace",
            "CreateNamespace",
            "CreateWorkgroup",
            "RegisterTargets"
        ]
    );
    assert_eq!(estate.inventory(), whole);
    let database = &estate.sandbox.world().serverless.namespaces["airline-dev-reporting-1"].database;
    assert_eq!(database, "other_db");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_leaves_the_file_goes_in_order() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.write(&without_reporting());
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), reader("delete", "consumer-reporting-1"));
    assert_eq!(reasons(&plan, "consumer-reporting-1/namespace"), [Reason::Removed]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let calls: Vec<String> =
        estate.sandbox.take_calls().into_iter().filter(|c| c.mutating).map(|c| c.operation).collect();
    assert_eq!(calls, ["DeregisterTargets", "DeleteWorkgroup", "DeleteNamespace", "DetachRolePolicy", "DeleteRole"]);
    estate.write(TWO);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}
