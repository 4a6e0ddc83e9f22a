//! Somebody else changes AWS: the next plan sees it and the next apply mends it; lost data is never made again.

use crate::{harness::*, scene::*};
use rsds::plan::{Options, Reason};
use rsds::sandbox::World;

async fn mended(estate: &mut Estate, edit: impl FnOnce(&mut World), expected: &[&str], why: &Reason) {
    let whole = estate.inventory();
    estate.sandbox.edit(edit).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), expected);
    for line in expected {
        let address = line.split_once(' ').unwrap().1;
        assert_eq!(reasons(&plan, address).first(), Some(why), "{address}");
    }
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

fn id(estate: &Estate, address: &str) -> String {
    estate.state().entries[&address.parse().unwrap()].id.clone().unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn small_things_are_put_back() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;

    let rule = id(&estate, "networking/producer-ingress-consumers");
    let expected = ["create networking/producer-ingress-consumers"];
    mended(&mut estate, |w| drop(w.ec2.rules.remove(&rule).unwrap()), &expected, &Reason::Gone).await;

    let vpc = id(&estate, "networking/vpc");
    let retag = |w: &mut World| {
        w.ec2.tags.get_mut(&vpc).unwrap().insert("Name".into(), "mine".into());
    };
    mended(&mut estate, retag, &["update networking/vpc"], &Reason::Drifted).await;

    let deregister = |w: &mut World| {
        let group = w.elb.groups.values_mut().next().unwrap();
        let first = group.targets[0].address;
        group.targets.retain(|target| target.address != first);
    };
    estate.sandbox.edit(deregister).unwrap();
    let lines = estate.brief(&Options::default()).await;
    assert!(
        matches!(&lines[..], [line] if line.starts_with("update consumer-") && line.ends_with("/targets")),
        "{lines:?}"
    );
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["targets"], 9);

    let all_of_one = |w: &mut World| {
        let addresses: Vec<_> =
            w.serverless.workgroups["airline-dev-reporting-1"].interfaces.iter().map(|placed| placed.address).collect();
        let group = w.elb.groups.values_mut().next().unwrap();
        group.targets.retain(|target| !addresses.contains(&target.address));
    };
    mended(&mut estate, all_of_one, &["create consumer-reporting-1/targets"], &Reason::Gone).await;

    let capacity = |w: &mut World| {
        w.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap().max = Some(64);
    };
    mended(&mut estate, capacity, &["update consumer-reporting-1/workgroup"], &Reason::Drifted).await;

    // What somebody adds is not ours to take away.
    let mut others = estate.inventory();
    let extra = |w: &mut World| {
        let rule = w.ec2.rules[&rule_of(w)].clone();
        w.ec2.rules.insert("sgr-0000000000000abcd".into(), rule);
    };
    estate.sandbox.edit(extra).unwrap();
    *others.get_mut("rules").unwrap() += 1;
    estate.settled().await;
    assert_eq!(estate.inventory(), others);
}

fn rule_of(world: &World) -> String {
    world.ec2.rules.keys().next().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_workgroup_that_is_gone_comes_back_with_new_addresses() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.sandbox.edit(remove_workgroup).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(
        brief(&plan),
        ["update consumer-reporting-1/targets", "create consumer-reporting-1/workgroup"],
        "the old addresses are still registered"
    );
    assert_eq!(reasons(&plan, "consumer-reporting-1/workgroup"), [Reason::Gone]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

fn remove_workgroup(world: &mut World) {
    let name = "airline-dev-reporting-1";
    let gone = world.serverless.workgroups.remove(name).unwrap();
    world.ec2.interfaces.retain(|_, i| !gone.interfaces.iter().any(|placed| placed.address == i.address));
    world.serverless.tags.remove(&gone.arn);
}

#[tokio::test(start_paused = true)]
async fn data_that_is_gone_is_an_error() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    estate
        .sandbox
        .edit(|world| {
            remove_workgroup(world);
            world.serverless.namespaces.remove("airline-dev-reporting-1").unwrap();
        })
        .unwrap();
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("consumer-reporting-1/namespace held data and is gone from AWS"), "{why}");
    assert!(why.contains("rsds destroy --target consumer-reporting-1/namespace"), "{why}");
    // Nothing else of the estate is stopped from being planned without it, and the way out that is named works.
    let outcome = estate.run(&destroying(&["consumer-reporting-1/namespace"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["namespaces"], 4);
}
