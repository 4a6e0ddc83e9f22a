//! Log groups are there before the warehouse that fills them, keep their logs as long as wanted, and go after it.

use crate::{harness::*, scene::*};
use rsds::{
    address::Address,
    apply::{Event, Trouble},
    plan::{Options, Verb},
};
use std::collections::BTreeMap;

const EXPORTS: &str = "consumers.reporting.log_exports=[\"userlog\"]";
const NAME: &str = "/aws/redshift/airline-dev-reporting-1/userlog";

fn retentions(estate: &Estate) -> BTreeMap<String, Option<i64>> {
    let groups = estate.sandbox.world().logs.groups.into_iter();
    groups.map(|(name, group)| (name, group.retention)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_comes_before_the_logs_and_goes_after_them() {
    let mut estate = Estate::new(TWO);
    estate.set(&[EXPORTS, "consumers.reporting.log_retention=\"30d\""]);
    estate.converge(&Options::default()).await;
    let made = |resource: &str, estate: &Estate| {
        estate.moment(|event| {
            matches!(event, Event::Step { address, step } if address.component() == "consumer-reporting-1"
                && address.resource() == resource && step == "create")
        })
    };
    assert!(made("log-group-userlog", &estate) < made("namespace", &estate));
    let kept = |days| BTreeMap::from([(NAME.to_owned(), days)]);
    assert_eq!(retentions(&estate), kept(Some(30)));

    estate.set(&[EXPORTS, "consumers.reporting.log_retention=\"7d\""]);
    assert_eq!(estate.brief(&Options::default()).await, ["update consumer-reporting-1/log-group-userlog"]);
    estate.converge(&Options::default()).await;
    assert_eq!(retentions(&estate), kept(Some(7)));
    estate.set(&[EXPORTS]);
    estate.converge(&Options::default()).await;
    assert_eq!(retentions(&estate), kept(None));

    estate.set(&[]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        ["delete consumer-reporting-1/log-group-userlog", "update consumer-reporting-1/namespace"]
    );
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let calls = estate.sandbox.take_calls();
    let at = |name: &str| calls.iter().position(|call| call.operation == name).unwrap();
    assert!(at("UpdateNamespace") < at("DeleteLogGroup"), "nothing is exported to a group that is gone");
    assert_eq!(retentions(&estate), BTreeMap::new());

    estate.set(&[EXPORTS]);
    estate.converge(&Options::default()).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let of = |address: &Address, resource: &str| {
        address.component() == "consumer-reporting-1" && address.resource() == resource
    };
    let gone = estate.moment(|e| matches!(e, Event::Finished { address, .. } if of(address, "namespace")));
    let went = estate.moment(|e| matches!(e, Event::Step { address, .. } if of(address, "log-group-userlog")));
    assert!(gone < went);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_redshift_made_again_gets_its_retention_back() {
    let mut estate = Estate::new(TWO);
    estate.set(&[EXPORTS, "consumers.reporting.log_retention=\"30d\""]);
    estate.converge(&Options::default()).await;
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    estate.sandbox.edit(|world| world.logs.groups.clear()).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["update consumer-reporting-1/log-group-userlog"]);
    estate.converge(&Options::default()).await;
    assert_eq!(retentions(&estate), BTreeMap::from([(NAME.to_owned(), Some(30))]));
}

#[tokio::test(start_paused = true)]
async fn a_group_of_somebody_else_is_never_taken_over() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let logs = estate.open().await.unwrap().aws.logs;
    logs.create_log_group().log_group_name(NAME).send().await.unwrap();
    estate.set(&[EXPORTS, "consumers.reporting.log_retention=\"30d\""]);
    let outcome = estate.run(&Options::default()).await;
    let [(address, Verb::Create, Trouble::Foreign { id, .. })] = &outcome.failed[..] else {
        panic!("{:#?}", outcome.failed)
    };
    assert_eq!((address.to_string().as_str(), id.as_str()), ("consumer-reporting-1/log-group-userlog", NAME));
    assert_eq!(retentions(&estate), BTreeMap::from([(NAME.to_owned(), None)]), "it was touched");
    // The export waits for the group: nothing is exported to somebody else's.
    assert!(estate.sandbox.world().serverless.namespaces["airline-dev-reporting-1"].logs.is_empty());
    logs.delete_log_group().log_group_name(NAME).send().await.unwrap();
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_follows_the_name_of_its_namespace() {
    let mut estate =
        Estate::new(&format!("{TWO}\n[resources.\"consumer-reporting-1/namespace\"]\nname = \"airline-reports\"\n"));
    estate.set(&[EXPORTS]);
    estate.converge(&Options::default()).await;
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    estate.settled().await;
    let names: Vec<String> = retentions(&estate).into_keys().collect();
    assert_eq!(names, ["/aws/redshift/airline-reports/userlog"]);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}
