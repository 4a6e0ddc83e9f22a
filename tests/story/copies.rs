//! Copies of snapshots in another region: they come, are kept longer, go elsewhere and end; and an estate there is made of
//! one.

use crate::{harness::*, scene::*};
use rsds::{
    aws::Aws,
    plan::{Options, Reason},
    sandbox::{Fault, How, redshift::CopyOn},
};

const CLUSTER: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
[producer]
type = "cluster"
final_snapshot = false
[consumers.reporting]
base_capacity = 8
behind_nlb = false
[protect]
addresses = []
"#;

const EAST: &str = "producer.snapshot_copy.region=\"us-east-1\"";
const NAME: &str = "airline-dev-producer";

/// The estate whose snapshots go to the east.
async fn copying() -> Estate {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&[EAST]);
    estate.converge(&Options::default()).await;
    estate
}

/// Where the cluster's snapshots go.
fn copy(estate: &Estate) -> Option<CopyOn> {
    estate.sandbox.world().abroad.copying.into_values().next()
}

/// The regions that have a grant.
fn grants(estate: &Estate) -> Vec<String> {
    estate.sandbox.world().abroad.grants.into_keys().collect()
}

fn changes(estate: &Estate) -> Vec<String> {
    estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect()
}

async fn switch_off(aws: &Aws) {
    aws.redshift.disable_snapshot_copy().cluster_identifier(NAME).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn copies_come_are_kept_longer_move_and_end() {
    let mut estate = copying().await;
    let on = copy(&estate).unwrap();
    assert_eq!((on.region.as_str(), on.retention, on.manual_retention), ("us-east-1", 7, None));
    assert_eq!((on.grant.as_deref(), grants(&estate)), (Some(NAME), vec!["us-east-1".to_owned()]));
    let tags = estate.sandbox.world_in("us-east-1").redshift.tags;
    assert!(tags.values().all(|tags| tags["rsds:address"] == "producer/snapshot-copy-grant"), "{tags:?}");

    // How long they are kept changes in place.
    estate.set(&[EAST, "producer.snapshot_copy.retention=\"3d\""]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update producer/snapshot-copy"]);
    let field = &plan.changes[&"producer/snapshot-copy".parse().unwrap()].fields[0];
    assert_eq!(field.origin.as_deref(), Some("producer.snapshot_copy.retention"));
    assert!(field.impact.text.contains("deletes older copies"), "{}", field.impact.text);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["ModifySnapshotCopyRetentionPeriod"]);
    assert_eq!(copy(&estate).unwrap().retention, 3);

    // Another region has another grant; a cluster copies to one region at a time.
    estate.set(&["producer.snapshot_copy.region=\"eu-west-1\""]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["replace producer/snapshot-copy", "replace producer/snapshot-copy-grant"]);
    assert_eq!(reasons(&plan, "producer/snapshot-copy-grant"), [Reason::Immutable("region".into())]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let order = ["DisableSnapshotCopy", "DeleteSnapshotCopyGrant", "CreateSnapshotCopyGrant", "EnableSnapshotCopy"];
    assert_eq!(changes(&estate), order);
    assert_eq!((copy(&estate).unwrap().region.as_str(), grants(&estate)), ("eu-west-1", vec!["eu-west-1".to_owned()]));

    estate.set(&[]);
    let gone = ["delete producer/snapshot-copy", "delete producer/snapshot-copy-grant"];
    assert_eq!(estate.brief(&Options::default()).await, gone);
    estate.converge(&Options::default()).await;
    assert_eq!((copy(&estate), grants(&estate)), (None, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_destroy_leaves_nothing_in_either_region() {
    let mut estate = copying().await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_switched_off_or_sent_elsewhere_is_put_right() {
    let mut estate = copying().await;
    let aws = estate.somebody().await;
    switch_off(&aws).await;
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["create producer/snapshot-copy"]);
    estate.converge(&Options::default()).await;

    switch_off(&aws).await;
    aws.elsewhere("eu-west-1")
        .redshift
        .create_snapshot_copy_grant()
        .snapshot_copy_grant_name("t")
        .send()
        .await
        .unwrap();
    let call = aws.redshift.enable_snapshot_copy().cluster_identifier(NAME).destination_region("eu-west-1");
    call.snapshot_copy_grant_name("t").retention_period(1).send().await.unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["replace producer/snapshot-copy"]);
    estate.converge(&Options::default()).await;
    assert_eq!(copy(&estate).unwrap().region, "us-east-1");

    // A grant that somebody took away meanwhile comes again, and copying with it.
    switch_off(&aws).await;
    let east = aws.elsewhere("us-east-1").redshift;
    east.delete_snapshot_copy_grant().snapshot_copy_grant_name(NAME).send().await.unwrap();
    let both = ["create producer/snapshot-copy", "create producer/snapshot-copy-grant"];
    assert_eq!(estate.brief(&Options::default()).await, both);
    estate.converge(&Options::default()).await;
    assert_eq!(copy(&estate).unwrap().grant.as_deref(), Some(NAME));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_told_and_left_alone() {
    let mut estate = Estate::new(CLUSTER);
    estate.converge(&Options::default()).await;
    let aws = estate.somebody().await;
    let there = |region: &str| aws.elsewhere(region).redshift;
    there("eu-west-1").create_snapshot_copy_grant().snapshot_copy_grant_name("theirs").send().await.unwrap();
    let call = aws.redshift.enable_snapshot_copy().cluster_identifier(NAME).destination_region("eu-west-1");
    call.snapshot_copy_grant_name("theirs").send().await.unwrap();
    estate.set(&[EAST]);
    let outcome = estate.run(&Options::default()).await;
    let failed: Vec<String> = outcome.failed.iter().map(|(address, ..)| address.to_string()).collect();
    assert_eq!(failed, ["producer/snapshot-copy"]);
    assert!(format!("{:?}", outcome.failed).contains("SnapshotCopyAlreadyEnabledFault"), "{:?}", outcome.failed);
    assert_eq!(copy(&estate).unwrap().grant.as_deref(), Some("theirs"));
    switch_off(&aws).await;
    estate.converge(&Options::default()).await;

    // A grant of our name in the other region that carries nobody's tags.
    estate.set(&["producer.snapshot_copy.region=\"us-east-2\""]);
    there("us-east-2").create_snapshot_copy_grant().snapshot_copy_grant_name(NAME).send().await.unwrap();
    let outcome = estate.run(&Options::default()).await;
    assert!(format!("{:?}", outcome.failed).contains("SnapshotCopyGrantAlreadyExistsFault"), "{:?}", outcome.failed);
    there("us-east-2").delete_snapshot_copy_grant().snapshot_copy_grant_name(NAME).send().await.unwrap();
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_of_ones_own_encrypts_copies_there() {
    let mut estate = copying().await;
    let east = estate.somebody().await.elsewhere("us-east-1");
    let key = east.kms.create_key().send().await.unwrap().key_metadata.unwrap();
    let arn = key.arn.unwrap();
    let own = format!("producer.snapshot_copy.kms_key_arn=\"{arn}\"");
    estate.set(&[EAST, &own]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["replace producer/snapshot-copy", "replace producer/snapshot-copy-grant"]);
    estate.converge(&Options::default()).await;
    let grant = |estate: &Estate| estate.sandbox.world().abroad.grants["us-east-1"][NAME].clone();
    assert_eq!(grant(&estate).key, Some(arn));

    // A copy lies under that key, and not under the source's, which the other region has not.
    estate.back_up("mine").await;
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    let shown = east.redshift.describe_cluster_snapshots().send().await.unwrap().snapshots.unwrap();
    assert_eq!(shown[0].kms_key_id, grant(&estate).key);

    estate.set(&[EAST]);
    estate.converge(&Options::default()).await;
    assert_eq!(grant(&estate).key, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_makes_no_second_grant_and_a_busy_cluster_is_waited_for() {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&[EAST]);
    for call in ["CreateSnapshotCopyGrant", "EnableSnapshotCopy"] {
        estate.sandbox.inject(Fault::once(format!("redshift:{call}"), 1, How::LoseAnswer));
    }
    let busy = rsds::sandbox::AwsError::new("InvalidClusterState", "There is an operation running on the Cluster.");
    estate.sandbox.inject(Fault::once("redshift:EnableSnapshotCopy", 2, How::Error(busy)));
    estate.converge(&Options::default()).await;
    assert_eq!(copy(&estate).unwrap().retention, 7);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_sleeps_is_to_be_woken_first() {
    let mut estate = copying().await;
    let aws = estate.somebody().await;
    aws.redshift.pause_cluster().cluster_identifier(NAME).send().await.unwrap();
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    estate.settled().await;
    estate.set(&[EAST, "producer.snapshot_copy.retention=\"3d\""]);
    let outcome = estate.run(&Options::default()).await;
    assert!(format!("{:?}", outcome.failed).contains("wake airline-dev-producer first"), "{:?}", outcome.failed);
    aws.redshift.resume_cluster().cluster_identifier(NAME).send().await.unwrap();
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    estate.converge(&Options::default()).await;
    assert_eq!(copy(&estate).unwrap().retention, 3);
}

/// The day that the region is lost.
#[tokio::test(start_paused = true)]
async fn an_estate_in_the_other_region_is_made_of_a_copy() {
    let estate = copying().await;
    estate.back_up("before-the-flood").await;
    estate.clock.sleep(std::time::Duration::from_secs(600)).await;
    let east = estate.somebody().await.elsewhere("us-east-1").redshift;
    let shown = east.describe_cluster_snapshots().send().await.unwrap().snapshots.unwrap();
    let snapshot = shown[0].snapshot_identifier.clone().unwrap();
    assert_eq!((shown[0].source_region.as_deref(), shown[0].status.as_deref()), (Some("us-west-2"), Some("available")));

    // Another state of the same name, and another network; the lost region is as it was.
    let mut there = Estate::new("");
    there.sandbox = estate.sandbox.clone();
    there.clock = estate.clock.clone();
    let moved = CLUSTER.replace("us-west-2", "us-east-1").replace("project = \"airline\"", "project = \"second\"");
    there.region = "us-east-1".to_owned();
    there.write(&moved);
    there.set(&[&format!("producer.restore.snapshot=\"{snapshot}\"")]);
    there.converge(&Options::default()).await;
    let clusters = estate.sandbox.world_in("us-east-1").redshift.clusters;
    assert_eq!(clusters.into_keys().collect::<Vec<_>>(), ["second-dev-producer"]);
    assert_eq!(copy(&estate).unwrap().region, "us-east-1");
}

/// The same of a serverless producer, which needs no grant.
#[tokio::test(start_paused = true)]
async fn a_namespace_copies_too() {
    let mut estate = Estate::new(TINY);
    estate.set(&[EAST]);
    estate.converge(&Options::default()).await;
    let copies = |estate: &Estate| -> Vec<(String, i64, Option<String>)> {
        let all = estate.sandbox.world().serverless.copies.into_values();
        all.map(|copy| (copy.region, copy.retention, copy.key)).collect()
    };
    assert_eq!(copies(&estate), [("us-east-1".to_owned(), 7, None)]);
    assert_eq!(grants(&estate), Vec::<String>::new());

    estate.set(&[EAST, "producer.snapshot_copy.retention=\"3d\""]);
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/snapshot-copy"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["UpdateSnapshotCopyConfiguration"]);

    let west = "producer.snapshot_copy.region=\"eu-west-1\"";
    let key = estate.somebody().await.elsewhere("eu-west-1").kms.create_key().send().await.unwrap();
    let arn = key.key_metadata.unwrap().arn.unwrap();
    let own = format!("producer.snapshot_copy.kms_key_arn=\"{arn}\"");
    estate.set(&[west, &own]);
    assert_eq!(estate.brief(&Options::default()).await, ["replace producer/snapshot-copy"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["DeleteSnapshotCopyConfiguration", "CreateSnapshotCopyConfiguration"]);
    assert_eq!(copies(&estate), [("eu-west-1".to_owned(), 7, Some(arn))]);

    // Somebody ends it, and then sends the copies elsewhere.
    let aws = estate.somebody().await;
    let id = estate.sandbox.world().serverless.copies.into_keys().next().unwrap();
    let call = aws.serverless.delete_snapshot_copy_configuration().snapshot_copy_configuration_id(id);
    call.send().await.unwrap();
    let call = aws.serverless.create_snapshot_copy_configuration().namespace_name(NAME).destination_region("us-east-2");
    call.send().await.unwrap();
    let outcome = estate.run(&Options::default()).await;
    assert!(format!("{:?}", outcome.failed).contains("are copied to us-east-2 already"), "{:?}", outcome.failed);
    let id = estate.sandbox.world().serverless.copies.into_keys().next().unwrap();
    let call = aws.serverless.delete_snapshot_copy_configuration().snapshot_copy_configuration_id(id);
    call.send().await.unwrap();
    estate.converge(&Options::default()).await;

    estate.set(&[]);
    assert_eq!(estate.brief(&Options::default()).await, ["delete producer/snapshot-copy"]);
    estate.converge(&Options::default()).await;
    assert_eq!(copies(&estate), []);
}

/// What cannot encrypt there is known before anything changes.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_stops_nothing_halfway() {
    let missing = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";
    for toml in [CLUSTER, TINY] {
        let mut estate = Estate::new(toml);
        estate.set(&[EAST, &format!("producer.snapshot_copy.kms_key_arn=\"{missing}\"")]);
        let said = estate.refusal(&Options::default()).await;
        assert!(said.contains("there is no such key") && said.contains("producer.snapshot_copy.kms_key_arn"), "{said}");
    }
}
