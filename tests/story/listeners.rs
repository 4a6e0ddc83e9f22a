//! More ports of the load balancer, each over some groups; and groups that are behind it or not.

use crate::{harness::*, scene::*};
use rsds::plan::Options;
use std::collections::BTreeSet;

/// The addresses registered behind the listener on a port.
fn behind(estate: &Estate, port: u16) -> BTreeSet<String> {
    let world = estate.sandbox.world();
    let listener = world.elb.listeners.values().find(|listener| listener.port == port).unwrap();
    let groups = listener.forwards.iter().filter_map(|forward| world.elb.groups.get(&forward.group));
    let targets = groups.flat_map(|group| &group.targets).filter(|target| target.gone_at.is_none());
    targets.map(|target| target.address.to_string()).collect()
}

/// The addresses of a workgroup.
fn addresses(estate: &Estate, workgroup: &str) -> BTreeSet<String> {
    let world = estate.sandbox.world();
    let workgroup = &world.serverless.workgroups[&format!("airline-dev-{workgroup}")];
    workgroup.interfaces.iter().map(|interface| interface.address.to_string()).collect()
}

const REPORTING: &str = "nlb.listeners=[{ port = 5440, consumers = [\"reporting\"] }]";
const ALL: &str = "nlb.listeners=[{ port = 5440, consumers = [\"reporting\", \"analytics\"] }]";

#[tokio::test(start_paused = true)]
async fn a_listener_comes_changes_its_groups_and_goes() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();

    estate.set(&[REPORTING]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        [
            "create consumer-reporting-1/targets-5440",
            "create networking/nlb-ingress-5440-10.0.0.0-8",
            "create nlb/listener-5440",
            "create nlb/target-group-5440",
        ]
    );
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5440), addresses(&estate, "reporting-1"));
    assert_eq!(behind(&estate, 5439).len(), 9, "the first listener keeps everybody");

    estate.set(&[ALL]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        ["create consumer-analytics-1/targets-5440", "create consumer-analytics-2/targets-5440"]
    );
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5440).len(), 9);

    estate.set(&[REPORTING]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        ["delete consumer-analytics-1/targets-5440", "delete consumer-analytics-2/targets-5440"]
    );
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5440), addresses(&estate, "reporting-1"));

    // The same groups on another port.
    estate.set(&["nlb.listeners=[{ port = 5450, consumers = [\"reporting\"] }]"]);
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5450), addresses(&estate, "reporting-1"));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

#[tokio::test(start_paused = true)]
async fn ports_change_places() {
    let mut estate = Estate::new(TWO);
    estate.set(&[REPORTING]);
    estate.converge(&Options::default()).await;
    estate.set(&["nlb.port=5440", "nlb.listeners=[{ port = 5439, consumers = [\"reporting\"] }]"]);
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5439), addresses(&estate, "reporting-1"));
    assert_eq!(behind(&estate, 5440).len(), 9);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_reader_dies_with_it() {
    let mut estate = Estate::new(TWO);
    estate.set(&[REPORTING]);
    estate.converge(&Options::default()).await;
    let going = destroying(&["consumer-reporting"]);
    assert!(estate.brief(&going).await.contains(&"delete consumer-reporting-1/targets-5440".to_owned()));
    let outcome = estate.run(&going).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!((behind(&estate, 5439).len(), behind(&estate, 5440).len()), (6, 0));
    estate.converge(&Options::default()).await;

    // Scaled to nothing, the listener stays and sends to nobody.
    estate.set(&[REPORTING, "consumers.reporting.count=0"]);
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5440).len(), 0);
    estate.set(&[REPORTING, "consumers.reporting.count=2"]);
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5440).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_group_moves_from_behind_the_balancer_and_back() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.set(&["consumers.reporting.behind_nlb=false"]);
    assert_eq!(estate.brief(&Options::default()).await, ["delete consumer-reporting-1/targets"]);
    estate.converge(&Options::default()).await;
    assert_eq!(behind(&estate, 5439).len(), 6);
    let why = {
        estate.set(&["consumers.reporting.behind_nlb=false", REPORTING]);
        text(&estate.open().await.err().unwrap())
    };
    assert!(why.contains("the group `reporting` is not behind the load balancer"), "{why}");

    // Nobody behind it: no balancer.
    estate.set(&["consumers.reporting.behind_nlb=false", "consumers.analytics.behind_nlb=false"]);
    estate.converge(&Options::default()).await;
    let there = estate.inventory();
    assert_eq!((there["balancers"], there["listeners"], there["target groups"], there["workgroups"]), (0, 0, 0, 4));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

#[tokio::test(start_paused = true)]
async fn outputs_tell_the_listeners() {
    let mut estate = Estate::new(TWO);
    estate.set(&[REPORTING]);
    estate.converge(&Options::default()).await;
    let session = estate.open().await.unwrap();
    let outputs = rsds::stack::outputs::outputs(&session.environment.config, &estate.state());
    assert_eq!(
        outputs["nlb_listeners"],
        serde_json::json!([
            { "port": 5439, "consumers": ["analytics", "reporting"] },
            { "port": 5440, "consumers": ["reporting"] },
        ])
    );
    let strings = outputs["connection_strings"].as_object().unwrap();
    let names: Vec<&str> = strings.keys().map(String::as_str).filter(|name| name.starts_with("nlb")).collect();
    assert_eq!(names, ["nlb-5440", "nlb/analytics_db", "nlb/reporting_db"]);
    let psql = strings["nlb-5440"]["psql"].as_str().unwrap();
    assert!(psql.contains("port=5440 dbname=reporting_db"), "{psql}");
}

#[tokio::test(start_paused = true)]
async fn public_readers_come_and_go() {
    let mut estate = Estate::new(TWO);
    let open = ["consumers.reporting.publicly_accessible=true", "networking.internet_gateway=true"];
    estate.set(&open);
    estate.converge(&Options::default()).await;
    let public = |estate: &Estate| {
        let world = estate.sandbox.world();
        world.ec2.interfaces.values().filter(|interface| interface.public_address.is_some()).count()
    };
    assert_eq!(public(&estate), 3);
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(public(&estate), 0);
    estate.set(&open);
    estate.converge(&Options::default()).await;
    assert_eq!(public(&estate), 3);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}
