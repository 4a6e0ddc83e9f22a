//! Warehouses that are made from what was backed up: all of it is there again, and shared, at the end of the same apply.

use crate::{harness::*, scene::*};
use rsds::{
    plan::Options,
    sandbox::Fault,
    stack::outputs::{secrets, warehouses},
    state::Store as _,
    verify::{Proof, verify},
};

/// A provisioned producer whose share has grantees, and a reader.
fn shared_cluster() -> String {
    format!(
        "{SMALL_CLUSTER}[datashares.all_flights]\nschemas = [\"flights\"]\ndatabase = \"flights_shared\"\n\
         grant_to = [\"role:analyst\"]\n[users.bi_reader]\n[roles.analyst]\nmembers = [\"user:bi_reader\"]\n"
    )
}

impl Estate {
    /// Runs a statement in a warehouse as somebody with an SQL client would.
    pub(super) async fn ask(&self, warehouse: &str, statement: &str) -> String {
        let session = self.open().await.unwrap();
        let namespace = warehouses(&session.environment.config, &session.state)[warehouse].clone();
        let answer = self.sandbox.sql("us-west-2", &namespace, None, statement);
        let answer = answer.unwrap_or_else(|error| panic!("{warehouse}: {statement}: {error}"));
        let rows = answer.rows.iter().map(|row| row.iter().map(rsds::sandbox::sql::Cell::shown).collect::<Vec<_>>());
        rows.map(|row| row.join("|")).collect::<Vec<_>>().join("\n")
    }

    /// Demands that every consumer reads all that is shared with it.
    async fn proven(&self) {
        let session = self.open().await.unwrap();
        let config = &session.environment.config;
        let checks =
            verify(&session.aws, config, &warehouses(config, &session.state), &secrets(config, &session.state), 10)
                .await;
        let wrong: Vec<_> = checks.iter().filter(|check| !matches!(check.proof, Proof::Holds(_))).collect();
        assert!(wrong.is_empty() && !checks.is_empty(), "{wrong:#?}");
    }

    /// How many restores into namespaces have been asked for since this was asked last.
    fn restores(&self) -> usize {
        let calls = self.sandbox.take_calls();
        calls.iter().filter(|call| call.operation == "RestoreFromSnapshot").count()
    }

    /// Replaces these.
    async fn replace(&mut self, addresses: &[&str]) {
        let replace = Options { replace: select(addresses), ..Options::default() };
        self.converge(&replace).await;
    }

    /// The names of the snapshots of clusters.
    fn kept(&self) -> Vec<String> {
        self.sandbox.world().redshift.snapshots.keys().cloned().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_destroyed_comes_back_from_its_last_snapshot() {
    let mut estate = Estate::new(&shared_cluster());
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    estate.ask("producer", "create table flights.extra (n int4)").await;
    estate.ask("producer", "insert into flights.extra values (1), (2)").await;
    estate.ask("producer", "insert into flights.bookings values (13, 'LH9', 1)").await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let [last] = &estate.kept()[..] else { panic!("{:?}", estate.kept()) };

    let restore = format!("producer.restore.snapshot={last}");
    estate.set(&["producer.final_snapshot=true", &restore]);
    estate.sandbox.take_calls();
    estate.apply().await;
    let calls: Vec<String> = estate.sandbox.take_calls().into_iter().map(|call| call.operation).collect();
    assert!(!calls.contains(&"CreateCluster".to_owned()) && calls.contains(&"RestoreFromClusterSnapshot".to_owned()));
    estate.settled().await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from flights_shared.flights.extra").await, "2");
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from flights_shared.flights.bookings").await, "13");
    estate.proven().await;

    // Of a cluster that stands it is history.
    estate.set(&["producer.final_snapshot=true"]);
    estate.settled().await;
    estate.set(&["producer.final_snapshot=true", "producer.restore.snapshot=another"]);
    let refused = estate.refusal(&Options::default()).await;
    assert!(
        refused.contains("producer/cluster: it stands, and only a new cluster is made from a snapshot"),
        "{refused}"
    );
    assert!(refused.contains("rsds apply --replace producer/cluster"), "{refused}");
    assert!(refused.contains("`producer.restore.snapshot`"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_goes_back_to_a_snapshot_when_somebody_says_so() {
    let mut estate = Estate::new(&shared_cluster());
    estate.converge(&Options::default()).await;
    estate.back_up("before-the-mistake").await;
    estate.ask("producer", "drop table flights.bookings").await;
    let replace = Options { replace: select(&["producer/cluster"]), ..Options::default() };
    estate.set(&["producer.restore.snapshot=before-the-mistake"]);
    estate.refusal(&Options::default()).await;
    // Protection holds whoever asks.
    let protected = Options { protect: select(&["producer"]), ..replace.clone() };
    let refused = estate.refusal(&protected).await;
    assert!(refused.contains("producer/cluster would be replaced, and it is protected by `producer`"), "{refused}");
    estate.converge(&replace).await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from flights_shared.flights.bookings").await, "12");
    estate.proven().await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_gone_is_offered_its_snapshot() {
    let mut estate = Estate::new(&shared_cluster());
    estate.converge(&Options::default()).await;
    estate.ask("producer", "insert into flights.bookings values (13, 'LH9', 1)").await;
    estate.back_up("yesterday").await;
    let redshift = estate.open().await.unwrap().aws.redshift.clone();
    let delete = redshift.delete_cluster().cluster_identifier("airline-dev-producer").skip_final_cluster_snapshot(true);
    delete.send().await.unwrap();
    estate.clock.sleep(std::time::Duration::from_secs(1200)).await;
    let lost = estate.refusal(&Options::default()).await;
    assert!(lost.contains("rsds apply --replace producer/cluster --set producer.restore.snapshot=SNAPSHOT"), "{lost}");
    let replace = Options { replace: select(&["producer/cluster"]), ..Options::default() };
    estate.set(&["producer.restore.snapshot=yesterday"]);
    estate.converge(&replace).await;
    estate.proven().await;
    estate.set(&[]);
    estate.settled().await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from flights_shared.flights.bookings").await, "13");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_restored_is_told_in_the_plan() {
    let mut estate = Estate::new(&shared_cluster());
    estate.apply().await;
    estate.back_up("before-the-mistake").await;
    estate.run(&destroying(&[])).await;
    let none = Options::default();

    estate.set(&["producer.restore.snapshot=before-the-mistak"]);
    let refused = estate.refusal(&none).await;
    assert!(refused.contains("the snapshot that it is to be made from is not there"), "{refused}");
    assert!(refused.contains("did you mean `before-the-mistake`?"), "{refused}");
    let arn = "arn:aws:redshift:us-west-2:123456789012:snapshot:airline-dev-producer/other";
    estate.set(&[&format!("producer.restore.snapshot={arn}")]);
    assert!(estate.refusal(&none).await.contains("is not there"));

    estate.set(&["producer.restore.snapshot=before-the-mistake", "producer.database=other_dw"]);
    let refused = estate.refusal(&none).await;
    assert!(refused.contains("the first database of what it is made from has another name"), "{refused}");
    assert!(refused.contains("write `producer.database = \"airline_dw\"`"), "{refused}");
    estate.set(&["producer.restore.snapshot=before-the-mistake", "producer.admin_username=boss"]);
    assert!(estate.refusal(&none).await.contains("write `producer.admin_username = \"awsuser\"`"));

    let later = estate.sandbox.now() + jiff::SignedDuration::from_hours(1);
    let arn = estate.sandbox.edit(|world| {
        let snapshot = world.redshift.snapshots.get_mut("before-the-mistake").unwrap();
        snapshot.available_at = later;
        snapshot.arn.clone()
    });
    let arn = format!("producer.restore.snapshot={}", arn.unwrap());
    for restore in ["producer.restore.snapshot=before-the-mistake", &arn] {
        estate.set(&[restore]);
        let refused = estate.refusal(&none).await;
        assert!(refused.contains("the snapshot that it is to be made from is not whole"), "{refused}");
    }
    estate.clock.sleep(std::time::Duration::from_secs(3700)).await;
    // The estate's own key has gone with it, for no last snapshot was taken.
    estate.set(&[&arn]);
    let refused = estate.refusal(&none).await;
    assert!(refused.contains("what it is made from is encrypted with a key that cannot be used"), "{refused}");
    assert!(refused.contains("aws kms cancel-key-deletion"), "{refused}");
    let kms = estate.somebody().await.kms.clone();
    let keys = kms.list_keys().send().await.unwrap().keys.unwrap();
    for key in keys.into_iter().filter_map(|key| key.key_id) {
        kms.cancel_key_deletion().key_id(&key).send().await.unwrap();
        kms.enable_key().key_id(&key).send().await.unwrap();
    }
    estate.converge(&none).await;
    estate.proven().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_was_destroyed_comes_back_from_its_last_snapshot() {
    let mut estate = Estate::bare(SMALL_SHARING);
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    estate.ask("producer", "insert into flights.bookings values (13, 'LH9', 1)").await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let kept: Vec<String> = estate.sandbox.world().serverless.snapshots.keys().cloned().collect();
    let [last] = &kept[..] else { panic!("{kept:?}") };

    let restore = format!("producer.restore.snapshot={last}");
    estate.set(&["producer.final_snapshot=true", &restore]);
    estate.sandbox.take_calls();
    estate.apply().await;
    assert_eq!(estate.restores(), 1);
    estate.settled().await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from airline_share.flights.bookings").await, "13");
    estate.proven().await;

    // It is history: taken out, put back, forgotten or lost, it changes nothing.
    estate.ask("producer", "insert into flights.bookings values (14, 'LH9', 1)").await;
    estate.set(&["producer.final_snapshot=true"]);
    assert_eq!(estate.brief(&Options::default()).await, ["forget producer/restore"]);
    estate.converge(&Options::default()).await;
    estate.set(&["producer.final_snapshot=true", &restore]);
    estate.converge(&Options::default()).await;
    let mut state = estate.state();
    state.entries.remove(&"producer/restore".parse().unwrap()).unwrap();
    state.serial += 1;
    estate.store.save(&state).await.unwrap();
    estate.converge(&Options::default()).await;
    assert_eq!(estate.restores(), 0);
    assert_eq!(estate.ask("producer", "select count(*) from flights.bookings").await, "14");

    estate.set(&["producer.final_snapshot=true", "producer.restore.snapshot=another"]);
    let refused = estate.refusal(&Options::default()).await;
    assert!(
        refused.contains("producer/namespace: it stands, and only a new namespace is made from a snapshot"),
        "{refused}"
    );
    assert!(refused.contains("rsds apply --replace producer/namespace"), "{refused}");
    assert!(refused.contains("`producer.restore.snapshot`"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_back_to_a_snapshot_when_somebody_says_so() {
    let mut estate = Estate::bare(SMALL_SHARING);
    estate.converge(&Options::default()).await;
    estate.leave_snapshot("before-the-mistake").await;
    estate.ask("producer", "drop table flights.bookings").await;
    estate.set(&["producer.restore.snapshot=before-the-mistake"]);
    estate.refusal(&Options::default()).await;
    let protected =
        Options { replace: select(&["producer/namespace"]), protect: select(&["producer"]), ..Options::default() };
    let refused = estate.refusal(&protected).await;
    assert!(refused.contains("producer/namespace would be replaced, and it is protected by `producer`"), "{refused}");
    estate.replace(&["producer/namespace"]).await;
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from airline_share.flights.bookings").await, "12");
    estate.proven().await;
    // Once more.
    estate.ask("producer", "drop table flights.bookings").await;
    estate.sandbox.take_calls();
    estate.replace(&["producer/namespace"]).await;
    assert_eq!(estate.restores(), 1);
    estate.proven().await;
    // Nor does a lost state make it anew.
    estate.lose();
    estate.rebuild().await;
    estate.converge(&Options::default()).await;
    // A workgroup may be another one: what it computes for stays what it is.
    estate.ask("producer", "insert into flights.bookings values (13, 'LH9', 1)").await;
    estate.sandbox.take_calls();
    estate.replace(&["producer/workgroup"]).await;
    assert_eq!(estate.restores(), 0);
    assert_eq!(estate.ask("consumer-reporting-1", "select count(*) from airline_share.flights.bookings").await, "13");
}

/// Left so, it would be done again when somebody names it again, over whatever has come since.
#[tokio::test(start_paused = true)]
async fn a_restore_that_is_half_way_is_not_forgotten() {
    let mut estate = Estate::bare(SMALL_SHARING);
    estate.keep("kept", "awsuser");
    estate.set(&["producer.restore.snapshot=kept"]);
    estate.sandbox.inject(Fault { times: usize::MAX, ..denied("redshift-serverless:UntagResource") });
    let outcome = estate.run(&Options::default()).await;
    assert!(
        outcome.failed.iter().any(|(address, ..)| address.to_string() == "producer/restore"),
        "{:#?}",
        outcome.failed
    );
    assert_eq!(estate.sandbox.disarm(), [""; 0]);
    estate.set(&[]);
    let refused = estate.refusal(&Options::default()).await;
    assert!(refused.contains("producer/restore is half-way, and would be left so"), "{refused}");
    estate.refusal(&destroying(&["producer/restore"])).await;
    estate.set(&["producer.restore.snapshot=kept"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(estate.restores(), 0);
    // With its namespace it may go whenever that does.
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn readers_are_made_from_a_snapshot_of_a_cluster() {
    let mut estate = Estate::new(SMALL_CLUSTER);
    estate.apply().await;
    estate.ask("producer", "create table flights.own (n int4)").await;
    estate.back_up("of-a-cluster").await;
    let arn = estate.sandbox.world().redshift.snapshots["of-a-cluster"].arn.clone();
    let restore = format!("consumers.reporting.restore.snapshot={arn}");
    // Its first database has the name that the cluster gave it.
    estate.set(&[&restore, "consumers.reporting.count=3"]);
    let refused = estate.refusal(&Options::default()).await;
    assert!(refused.contains("consumer-reporting-1/namespace: it stands"), "{refused}");
    let replacing = Options { replace: select(&["consumer-reporting-1/namespace"]), ..Options::default() };
    let refused = estate.refusal(&replacing).await;
    assert!(refused.contains("write `consumers.reporting.database = \"airline_dw\"`"), "{refused}");
    // The one that stands has to be replaced, for it holds something else; those that come are made so.
    let database = "consumers.reporting.database=airline_dw";
    estate.set(&[&restore, "consumers.reporting.count=3", database]);
    estate.sandbox.take_calls();
    estate.replace(&["consumer-reporting-1/namespace"]).await;
    assert_eq!(estate.restores(), 3);
    for n in 1..=3 {
        assert_eq!(estate.ask(&format!("consumer-reporting-{n}"), "select count(*) from flights.own").await, "0");
    }
    estate.proven().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_namespace_cannot_be_made_from_is_told_in_the_plan() {
    let mut estate = Estate::new(SMALL_SHARING);
    estate.converge(&Options::default()).await;
    estate.leave_behind("before-the-mistake").await;
    let none = Options::default();
    estate.set(&["producer.restore.snapshot=before-the-mistak"]);
    let refused = estate.refusal(&none).await;
    assert!(refused.contains("the snapshot that it is to be made from is not there"), "{refused}");
    assert!(refused.contains("did you mean `before-the-mistake`?"), "{refused}");
    estate.set(&["producer.restore.snapshot=before-the-mistake", "producer.admin_username=boss"]);
    assert!(estate.refusal(&none).await.contains("write `producer.admin_username = \"awsuser\"`"));
    let arn = estate.sandbox.world().serverless.snapshots["before-the-mistake"].arn.clone();
    estate.set(&[&format!("producer.restore.snapshot={arn}")]);
    estate.converge(&none).await;
    estate.proven().await;
}
