//! Recovery points and snapshots of serverless warehouses, restored by hand or kept: what comes back, and what still holds.

use crate::{harness::*, scene::*};
use aws_sdk_redshiftserverless::{Client, error::ProvideErrorMetadata as _};
use rsds::{
    aws::snapshots::{Order, Snapshot, create, list},
    plan::Options,
    stack::outputs::holders,
};
use std::time::Duration;

const PRODUCER: &str = "airline-dev-producer";

/// A serverless producer that shares, and what talks to AWS beside rsds.
async fn up() -> (Estate, Client) {
    let mut estate = Estate::bare(SMALL_SHARING);
    estate.converge(&Options::default()).await;
    let serverless = Client::clone(&estate.open().await.unwrap().aws.serverless);
    (estate, serverless)
}

impl Estate {
    /// What the producer can go back to.
    async fn backups(&self) -> Vec<Snapshot> {
        let session = self.open().await.unwrap();
        let all = holders(&session.environment.config, &session.state);
        let (_, producer) = all.into_iter().find(|(warehouse, _)| warehouse == "producer").unwrap();
        list(&session.aws, &producer).await.unwrap()
    }

    async fn wait(&self, minutes: u64) {
        self.clock.sleep(Duration::from_mins(minutes)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_point_comes_every_half_hour_and_brings_back_what_was() {
    let (estate, serverless) = up().await;
    let first = estate.backups().await.len();
    estate.wait(30).await;
    let points = estate.backups().await;
    assert_eq!(points.len(), first + 1);
    assert!(points.iter().all(|one| one.point && one.automated && one.status == "available"), "{points:?}");
    let last = points.last().unwrap().name.clone();
    // After that moment, twice: the point holds what was before both.
    for number in [13, 14] {
        estate.ask("producer", &format!("insert into flights.bookings values ({number}, 'LH9', 1)")).await;
    }
    estate.wait(30).await;
    let after = estate.backups().await.last().unwrap().name.clone();
    assert_ne!(after, last);
    estate.ask("producer", "drop table flights.schedule").await;

    let restore = || serverless.restore_from_recovery_point().namespace_name(PRODUCER).workgroup_name(PRODUCER);
    let shown = restore().recovery_point_id(&last).send().await.unwrap().namespace.unwrap();
    assert_eq!(shown.status.unwrap().as_str(), "MODIFYING");
    let busy = restore().recovery_point_id(&last).send().await.unwrap_err();
    assert_eq!(busy.code(), Some("ConflictException"));
    estate.wait(10).await;
    assert_eq!(estate.ask("producer", "select count(*) from flights.bookings").await, "12");
    // Granted then and now: readers read on, and nothing is left to do.
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from airline_share.flights.bookings").await, "12");
    estate.settled().await;
    restore().recovery_point_id(&after).send().await.unwrap();
    estate.wait(10).await;
    assert_eq!(estate.ask("producer", "select count(*) from flights.bookings").await, "14");
    assert_eq!(estate.ask("producer", "select count(*) from flights.schedule").await, "5");

    let unknown = restore().recovery_point_id("11111111-2222-4333-8444-555555555555").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("ResourceNotFoundException"));
    let reader = serverless.restore_from_recovery_point().recovery_point_id(&after);
    let reader =
        reader.namespace_name("airline-dev-reporting-1").workgroup_name("airline-dev-reporting-1").send().await;
    assert_eq!(reader.unwrap_err().code(), Some("ValidationException"));
    // A day later the old ones are gone.
    estate.wait(24 * 60).await;
    let points = estate.backups().await;
    assert!(points.len() == 48 && points.iter().all(|point| point.name != last), "{}", points.len());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_brings_back_its_shares_and_what_departs_is_drift() {
    let (mut estate, serverless) = up().await;
    estate.back_up("before-the-change").await;
    estate.set(&["datashares.airline_share.publicly_accessible=true", "consumers.reporting.count=2"]);
    estate.apply().await;
    let restore = || serverless.restore_from_snapshot().namespace_name(PRODUCER).workgroup_name(PRODUCER);
    let unknown = restore().snapshot_name("nothing").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("ResourceNotFoundException"));
    restore().snapshot_name("before-the-change").manage_admin_password(true).send().await.unwrap();
    estate.wait(10).await;
    // The flag is that of the snapshot, and the new reader was not granted anything then.
    let looking = Options { refresh_sql: true, ..Options::default() };
    let brief = estate.brief(&looking).await;
    let mended = ["create datashare-airline_share/grant-consumer-reporting-2", "update datashare-airline_share/share"];
    assert_eq!(brief, mended);
    estate.converge(&looking).await;
    assert_eq!(estate.ask("consumer-reporting-2", "select count(*) from airline_share.flights.bookings").await, "12");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_cluster_goes_into_a_namespace_by_its_arn() {
    let mut cluster = Estate::bare(SMALL_CLUSTER);
    cluster.apply().await;
    cluster.ask("producer", "insert into flights.bookings values (13, 'LH9', 1)").await;
    cluster.back_up("of-a-cluster").await;
    let arn = cluster.sandbox.world().redshift.snapshots["of-a-cluster"].arn.clone();
    let serverless = Client::clone(&cluster.open().await.unwrap().aws.serverless);
    let reader = "airline-dev-reporting-1";
    let restore = || serverless.restore_from_snapshot().namespace_name(reader).workgroup_name(reader);
    let by_name = restore().snapshot_name("of-a-cluster").send().await.unwrap_err();
    assert_eq!(by_name.code(), Some("ResourceNotFoundException"));
    restore().snapshot_arn(&arn).manage_admin_password(true).send().await.unwrap();
    cluster.wait(10).await;
    assert_eq!(cluster.ask("consumer-reporting-1", "select count(*) from flights.bookings").await, "13");
}

#[tokio::test(start_paused = true)]
async fn a_recovery_point_that_is_kept_is_what_an_apply_goes_back_to() {
    let (mut estate, _) = up().await;
    estate.wait(30).await;
    let point = estate.backups().await.last().unwrap().name.clone();
    estate.wait(1).await;
    estate.ask("producer", "drop table flights.bookings").await;
    let session = estate.open().await.unwrap();
    let all = holders(&session.environment.config, &session.state);
    let (mut found, tags) = (Vec::new(), rsds::kind::Tags::new());
    for (warehouse, holder) in all {
        let order = Order { name: "kept", days: Some(7), tags: &tags, point: Some(&point) };
        found.push((warehouse, create(&session.aws, &holder, order).await));
    }
    // A reader has points of its own.
    let [(producer, kept), (_, none)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(none.as_ref().unwrap_err().code, "RecoveryPointNotFound");
    assert_eq!((producer.as_str(), kept.as_ref().unwrap().days), ("producer", Some(7)));
    // The estate's own key would go with it.
    estate.sandbox.edit(|world| world.serverless.snapshots.get_mut("kept").unwrap().key = None).unwrap();
    estate.set(&["producer.restore.snapshot=kept"]);
    let replacing = Options { replace: select(&["producer/namespace"]), ..Options::default() };
    estate.converge(&replacing).await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from airline_share.flights.bookings").await, "12");
}
