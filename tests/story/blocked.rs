//! Deletions that something is in the way of: what lingers is looked at until it is gone, what stays is named.

use crate::{harness::*, scene::*};
use rsds::{
    apply::{Event, Outcome, Trouble},
    plan::Options,
    sandbox::ec2,
};
use std::collections::BTreeMap;

/// How often each operation that changes anything was called.
fn mutations(estate: &Estate) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in estate.sandbox.take_calls().into_iter().filter(|call| call.mutating) {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

/// Every resource of which the failure was that something holds it: its address and the message.
fn held(outcome: &Outcome) -> BTreeMap<String, String> {
    let of = |trouble: &Trouble| matches!(trouble, Trouble::Held { .. });
    let failed = outcome.failed.iter().filter(|(.., trouble)| of(trouble));
    failed.map(|(address, _, trouble)| (address.to_string(), trouble.to_string())).collect()
}

/// What a resource was said to wait for, in order.
fn waits(estate: &Estate, of: &str) -> Vec<String> {
    let said = |event: &Event| match event {
        Event::Waiting { address, status } if address.to_string() == of => Some(status.clone()),
        _ => None,
    };
    estate.events.iter().filter_map(said).collect()
}

fn id(estate: &Estate, address: &str) -> String {
    estate.state().entries[&address.parse().unwrap()].id.clone().unwrap().0
}

/// Puts an interface of somebody else's instance into a subnet, with a security group of ours.
fn foreign_interface(estate: &Estate, description: &str) -> String {
    let (subnet, group) = (id(estate, "networking/subnet-1"), id(estate, "networking/consumer-security-group"));
    let now = estate.sandbox.now();
    let place = |world: &mut _| ec2::place_interface(world, now, &subnet, &[group], "i-0bastion", description);
    estate.sandbox.edit(place).unwrap().unwrap().0
}

fn remove_interface(estate: &Estate, id: &str) {
    estate.sandbox.edit(|world| world.ec2.interfaces.remove(id)).unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn interfaces_that_linger_are_looked_at_and_no_call_is_repeated() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    estate.sandbox.take_calls();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.sandbox.leftovers().is_empty(), "{:?}", estate.sandbox.leftovers());

    // Three subnets and some groups, each refused once at most.
    let (subnets, groups) = (3, estate.events.iter().filter(|event| is_deletion_of(event, "security-group")).count());
    let calls = mutations(&estate);
    assert!(calls["DeleteSubnet"] <= 2 * subnets, "{calls:?}");
    assert!(calls["DeleteSecurityGroup"] <= 2 * groups, "{calls:?}");
    assert!(calls["DeleteVpc"] <= 2, "{calls:?}");
    let said = waits(&estate, "networking/subnet-1");
    assert!(said.iter().any(|status| status.starts_with("held by eni-") && status.contains("amazon-")), "{said:?}");
    assert!(said.iter().all(|status| !status.contains("does not delete")), "all of it is ours: {said:?}");

    // Targets drain for 60 s, a workgroup takes 120 s to go, and its interfaces go 180 s later.
    assert!(outcome.seconds < 60.0 + 120.0 + 180.0 + 10.0, "{}", outcome.seconds);
}

fn is_deletion_of(event: &Event, what: &str) -> bool {
    matches!(event, Event::Finished { address, .. } if address.to_string().ends_with(what))
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_instance_is_named_at_once() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    let interface = foreign_interface(&estate, "bastion");
    let outcome = estate.run(&destroying(&[])).await;
    let held = held(&outcome);
    for address in ["networking/subnet-1", "networking/consumer-security-group"] {
        let message = &held[address];
        assert!(message.contains("DependencyViolation") && message.contains("held by"), "{message}");
        assert!(message.contains(&interface) && message.contains("bastion, instance i-0bastion, 10.50."), "{message}");
    }
    // Ours that linger there beside it are no reason to wait for it, and it is none to wait with the rest.
    assert!(outcome.seconds < 400.0, "{}", outcome.seconds);
    assert_eq!(outcome.failed.len(), held.len(), "{:#?}", outcome.failed);
    assert_eq!(estate.inventory()["workgroups"], 0);

    remove_interface(&estate, &interface);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.sandbox.leftovers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interface_of_a_service_that_is_not_ours_is_waited_for_a_quarter_of_an_hour() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    let interface = foreign_interface(&estate, "ELB net/somebody/0a1b2c");
    let outcome = estate.run(&destroying(&[])).await;
    let held = held(&outcome);
    let message = &held["networking/subnet-1"];
    assert!(message.contains(&interface) && message.contains("ELB net/somebody/0a1b2c, amazon-elb"), "{message}");
    assert!(message.contains("after 15m"), "{message}");
    let said = waits(&estate, "networking/subnet-1");
    assert!(said.iter().any(|status| status.contains("which this run does not delete")), "{said:?}");
    assert!(outcome.seconds < 25.0 * 60.0, "{}", outcome.seconds);
}

#[tokio::test(start_paused = true)]
async fn a_rule_in_somebody_elses_group_is_named_at_once() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    let (ours, vpc) = (id(&estate, "networking/consumer-security-group"), id(&estate, "networking/vpc"));
    estate
        .sandbox
        .edit(|world| {
            let group = ec2::SecurityGroup { name: "bastion".into(), description: "b".into(), vpc };
            world.ec2.groups.insert("sg-0foreign".into(), group);
            let rule = world.ec2.rules.values().find(|rule| rule.group == ours).unwrap().clone();
            let peer = ec2::Peer::Group(ours.clone());
            world
                .ec2
                .rules
                .insert("sgr-0foreign".into(), ec2::Rule { group: "sg-0foreign".into(), peer, egress: true, ..rule });
        })
        .unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    let held = held(&outcome);
    let message = &held["networking/consumer-security-group"];
    assert!(message.contains("held by sg-0foreign (an outbound rule of the group bastion names it)"), "{message}");
    assert!(outcome.seconds < 400.0, "{}", outcome.seconds);

    estate.sandbox.edit(|world| world.ec2.rules.remove("sgr-0foreign")).unwrap().unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    // The group itself still lies in the VPC.
    let message = &self::held(&outcome)["networking/vpc"];
    assert!(message.contains("held by sg-0foreign (security group bastion)"), "{message}");
    estate.sandbox.edit(|world| world.ec2.groups.remove("sg-0foreign")).unwrap().unwrap();
    assert!(estate.run(&destroying(&[])).await.is_complete());
    assert!(estate.sandbox.leftovers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_never_goes_is_given_up_and_named() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    // An interface of our own load balancer that AWS forgets to take away.
    let interface = estate
        .sandbox
        .edit(|world| {
            let of_balancer = |(_, i): &(&String, &mut ec2::Interface)| i.description.starts_with("ELB net/");
            let (id, interface) = world.ec2.interfaces.iter_mut().find(of_balancer).unwrap();
            interface.owner = "forgotten".into();
            id.clone()
        })
        .unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    let held = held(&outcome);
    assert!(!held.is_empty() && held.values().all(|message| message.contains(&interface)), "{held:#?}");
    assert!(held.values().all(|message| message.contains("after 30m")), "{held:#?}");
    assert!(outcome.seconds < 45.0 * 60.0, "{}", outcome.seconds);
    estate.sandbox.take_calls();
    remove_interface(&estate, &interface);
    assert!(estate.run(&destroying(&[])).await.is_complete());
    assert!(mutations(&estate).values().all(|count| *count <= 3), "the rest goes at once");
}

#[tokio::test(start_paused = true)]
async fn a_warehouse_that_is_busy_is_looked_at_until_it_rests() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    estate
        .sandbox
        .edit(|world| {
            let until = world.serverless.workgroups.values().map(|workgroup| workgroup.busy_until).max().unwrap();
            for workgroup in world.serverless.workgroups.values_mut() {
                workgroup.busy_until = until + jiff::SignedDuration::from_mins(20);
            }
        })
        .unwrap();
    estate.sandbox.take_calls();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let calls = mutations(&estate);
    // Two of them, each refused once.
    assert!(calls["DeleteWorkgroup"] <= 4, "{calls:?}");
    assert!(outcome.seconds > 600.0, "{}", outcome.seconds);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_look_asks_again_and_again() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    let mut fault = denied("DescribeNetworkInterfaces");
    fault.times = usize::MAX;
    estate.sandbox.inject(fault);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
}
