//! Managed endpoints as the load balancer's targets, and the switch between them and the workgroups' own.

use crate::{harness::*, scene::*};
use rsds::{apply::Event, plan::Options, sandbox::World};
use std::collections::BTreeSet;

const ENDPOINT: &str = "nlb.targets=\"endpoint\"";

fn registered(world: &World) -> BTreeSet<String> {
    let targets = world.elb.groups.values().flat_map(|group| &group.targets);
    targets.filter(|target| target.gone_at.is_none()).map(|target| target.address.to_string()).collect()
}

fn managed(world: &World) -> BTreeSet<String> {
    let endpoints = world.serverless.endpoints.values().filter(|endpoint| endpoint.gone_at.is_none());
    endpoints.map(|endpoint| endpoint.interface.address.to_string()).collect()
}

/// Demands that each reader's new targets were healthy before its old ones went.
fn register_first(estate: &Estate, component: &str) {
    let of = |event: &Event, what: &str| {
        matches!(event, Event::Step { address, step } if address.component() == component
            && address.resource() == "targets" && step == what)
    };
    let registered = estate.moment(|event| of(event, "register"));
    let deregistered = estate.moment(|event| of(event, "deregister"));
    assert!(registered < deregistered, "{component}");
}

#[tokio::test(start_paused = true)]
async fn a_live_estate_switches_and_nobody_is_cut_off() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    let readers = ["consumer-analytics-1", "consumer-analytics-2", "consumer-reporting-1"];

    estate.set(&[ENDPOINT]);
    let both: Vec<String> =
        readers.iter().flat_map(|r| [format!("create {r}/endpoint"), format!("update {r}/targets")]).collect();
    assert_eq!(estate.brief(&Options::default()).await, both);
    estate.converge(&Options::default()).await;
    let world = estate.sandbox.world();
    assert_eq!(managed(&world).len(), 3);
    assert_eq!(registered(&world), managed(&world));
    readers.iter().for_each(|reader| register_first(&estate, reader));

    estate.set(&[]);
    let both: Vec<String> =
        readers.iter().flat_map(|r| [format!("delete {r}/endpoint"), format!("update {r}/targets")]).collect();
    assert_eq!(estate.brief(&Options::default()).await, both);
    estate.converge(&Options::default()).await;
    readers.iter().for_each(|reader| register_first(&estate, reader));
    for reader in readers {
        let of = |address: &rsds::address::Address, resource: &str| {
            address.component() == reader && address.resource() == resource
        };
        let moved = estate.moment(|event| matches!(event, Event::Finished { address, .. } if of(address, "targets")));
        let gone = estate.moment(|event| matches!(event, Event::Step { address, .. } if of(address, "endpoint")));
        assert!(moved < gone, "{reader}: the endpoint goes when nothing is sent to it any more");
    }
    assert_eq!(estate.inventory(), whole);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_belongs_to_its_reader() {
    let mut estate = Estate::new(TWO);
    estate.set(&[ENDPOINT]);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    let going = destroying(&["consumer-reporting"]);
    assert!(estate.brief(&going).await.contains(&"delete consumer-reporting-1/endpoint".to_owned()));
    let outcome = estate.run(&going).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(managed(&estate.sandbox.world()).len(), 2);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);

    // Not behind the balancer, a reader has none.
    estate.set(&[ENDPOINT, "consumers.reporting.behind_nlb=false"]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        ["delete consumer-reporting-1/endpoint", "delete consumer-reporting-1/targets"]
    );
    estate.converge(&Options::default()).await;

    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_workgroup_made_anew_takes_its_endpoint_along() {
    let mut estate = Estate::new(TWO);
    estate.set(&[ENDPOINT]);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    let replace = Options { replace: select(&["consumer-reporting-1/workgroup"]), ..Options::default() };
    assert_eq!(
        estate.brief(&replace).await,
        [
            "replace consumer-reporting-1/endpoint",
            "replace consumer-reporting-1/targets",
            "replace consumer-reporting-1/workgroup"
        ]
    );
    estate.converge(&replace).await;
    assert_eq!(estate.inventory(), whole);
    assert_eq!(registered(&estate.sandbox.world()), managed(&estate.sandbox.world()));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_in_other_subnets_stands_beside_the_old_one() {
    let mut estate = Estate::new(TWO);
    estate.set(&[ENDPOINT]);
    estate.converge(&Options::default()).await;
    let before = managed(&estate.sandbox.world());
    let replace = Options { replace: select(&["consumer-reporting-1/endpoint"]), ..Options::default() };
    assert_eq!(
        estate.brief(&replace).await,
        ["replace consumer-reporting-1/endpoint", "update consumer-reporting-1/targets"]
    );
    estate.converge(&replace).await;
    register_first(&estate, "consumer-reporting-1");
    let after = managed(&estate.sandbox.world());
    assert_eq!((after.len(), after.intersection(&before).count()), (3, 2));
    // A fourth zone moves all of them.
    estate.set(&[ENDPOINT, "networking.availability_zones=4"]);
    estate.converge(&Options::default()).await;
    assert_eq!(registered(&estate.sandbox.world()), managed(&estate.sandbox.world()));
}

#[tokio::test(start_paused = true)]
async fn the_port_of_a_reader_changes_under_its_endpoint() {
    let mut estate = Estate::new(TWO);
    estate.set(&[ENDPOINT]);
    estate.converge(&Options::default()).await;
    estate.set(&[ENDPOINT, "consumers.reporting.port=5440"]);
    estate.converge(&Options::default()).await;
    let world = estate.sandbox.world();
    let ports: BTreeSet<u16> =
        world.elb.groups.values().flat_map(|group| &group.targets).map(|target| target.port).collect();
    assert!(ports.contains(&5440));
    assert_eq!(registered(&world), managed(&world));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_goes_while_its_warehouse_and_its_listener_are_replaced() {
    let mut estate = Estate::new(TWO);
    estate.set(&[ENDPOINT]);
    estate.apply().await;
    // The old targets are the endpoint's, which holds the workgroup, which must go before the new one has addresses.
    estate.set(&["consumers.reporting.admin_username=chief", "nlb.port=6100"]);
    estate.apply().await;
    estate.settled().await;
}
