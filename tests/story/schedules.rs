//! What happens by schedule: a cluster sleeps at night, snapshots are taken.

use crate::{harness::*, scene::*};
use rsds::{
    apply::Trouble,
    plan::Options,
    sandbox::{AwsError, Fault, How, redshift::Target},
};
use std::time::Duration;

/// A cluster that sleeps on Sunday evening, the day the tests begin at ten in the morning.
const ASLEEP_AT_NIGHT: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
[producer]
type = "cluster"
final_snapshot = false
pause = { stop = "cron(0 20 ? * SUN-FRI *)", start = "cron(0 7 ? * MON-SAT *)" }
[consumers.reporting]
base_capacity = 8
behind_nlb = false
[protect]
addresses = []
"#;

async fn hours(estate: &Estate, hours: u64) {
    estate.clock.sleep(Duration::from_hours(hours)).await;
}

async fn status(estate: &Estate) -> String {
    let aws = estate.open().await.unwrap().aws;
    let answer = aws.redshift.describe_clusters().cluster_identifier("airline-dev-producer").send().await.unwrap();
    answer.clusters.unwrap().pop().unwrap().cluster_status.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_cluster_sleeps_when_its_time_comes_and_that_is_no_drift() {
    let mut estate = Estate::new(ASLEEP_AT_NIGHT);
    estate.converge(&Options::default()).await;
    assert_eq!(status(&estate).await, "available");
    hours(&estate, 11).await;
    assert_eq!(status(&estate).await, "paused");
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty(), "{:?}", brief(&plan));
    assert!(plan.notices.iter().any(|(_, notice)| notice.contains("changes to it wait")), "{:?}", plan.notices);

    // What needs no cluster that is awake is done all the same; the rest says what it waits for.
    estate.set(&["producer.pause.start=\"cron(0 8 ? * MON-SAT *)\"", "producer.enhanced_vpc_routing=false"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update producer/cluster", "update producer/resume"]);
    let changed = &plan.changes[&"producer/resume".parse().unwrap()].fields;
    assert_eq!(changed[0].origin.as_deref(), Some("producer.pause.start"));
    let outcome = estate.run(&Options::default()).await;
    let troubles: Vec<&Trouble> = outcome.failed.iter().map(|(_, _, trouble)| trouble).collect();
    assert!(matches!(troubles[..], [Trouble::Dormant { status }] if status == "paused"), "{troubles:?}");

    // It wakes when the new time has come, at eight and not at seven, and takes the rest.
    hours(&estate, 10).await;
    assert_eq!(status(&estate).await, "paused");
    hours(&estate, 1).await;
    assert_eq!(status(&estate).await, "available");
    estate.converge(&Options::default()).await;
    hours(&estate, 13).await;
    assert_eq!(status(&estate).await, "paused");

    // Without a schedule it stays as it is, until somebody wakes it.
    let flat = ASLEEP_AT_NIGHT.replace("pause =", "# pause =");
    estate.write(&flat);
    estate.set(&[]);
    let plan = estate.brief(&Options::default()).await;
    let gone = ["producer/pause", "producer/resume", "producer/scheduler-role", "producer/scheduler-role-policy"];
    let mut expected: Vec<String> = gone.iter().map(|address| format!("delete {address}")).collect();
    expected.insert(0, "update producer/cluster".to_owned());
    assert_eq!(plan, expected);
    estate.set(&["producer.enhanced_vpc_routing=false"]);
    estate.converge(&Options::default()).await;
    hours(&estate, 24).await;
    assert_eq!(status(&estate).await, "paused");
    assert_eq!(estate.inventory()["cluster schedules"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_somebody_changed_is_put_right() {
    let mut estate = Estate::new(ASLEEP_AT_NIGHT);
    estate.converge(&Options::default()).await;
    let turn = |world: &mut rsds::sandbox::World| {
        world.redshift.scheduled_actions.get_mut("airline-dev-producer-pause").unwrap().enabled = false;
        world.redshift.scheduled_actions.remove("airline-dev-producer-resume");
    };
    estate.sandbox.edit(turn).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/pause", "create producer/resume"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    let calls: Vec<String> =
        estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect();
    assert_eq!(calls, ["CreateScheduledAction", "ModifyScheduledAction"]);
    let actions = estate.sandbox.world().redshift.scheduled_actions;
    assert!(actions.values().all(|action| action.enabled && action.cluster == "airline-dev-producer"));
    assert_eq!(actions["airline-dev-producer-resume"].target, Target::Resume);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_about_another_cluster_is_nobodys() {
    let mut estate = Estate::new(ASLEEP_AT_NIGHT);
    estate.converge(&Options::default()).await;
    let turn = |world: &mut rsds::sandbox::World| {
        let action = world.redshift.scheduled_actions.get_mut("airline-dev-producer-pause").unwrap();
        action.cluster = "somebody-else".to_owned();
    };
    // Ours by its recorded name: it is turned back.
    estate.sandbox.edit(turn).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/pause"]);
    estate.converge(&Options::default()).await;

    // Not recorded, it is somebody else's, whatever its name.
    let mut other = Estate::new(&ASLEEP_AT_NIGHT.replace("pause =", "# pause ="));
    other.converge(&Options::default()).await;
    let foreign = estate.sandbox.world().redshift.scheduled_actions["airline-dev-producer-pause"].clone();
    let put = |world: &mut rsds::sandbox::World| {
        let foreign = rsds::sandbox::redshift::ScheduledAction { cluster: "somebody-else".to_owned(), ..foreign };
        world.redshift.scheduled_actions.insert(foreign.name.clone(), foreign);
    };
    other.sandbox.edit(put).unwrap();
    other.write(ASLEEP_AT_NIGHT);
    let outcome = other.run(&Options::default()).await;
    let failed: Vec<String> = outcome.failed.iter().map(|(address, ..)| address.to_string()).collect();
    assert_eq!(failed, ["producer/pause"]);
    assert!(format!("{:?}", outcome.failed).contains("ScheduledActionAlreadyExists"), "{:?}", outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_has_not_spread_yet_is_waited_for() {
    let mut estate = Estate::new(ASLEEP_AT_NIGHT);
    let message = "The IAM role must delegate access to Amazon Redshift scheduler";
    let young = AwsError::new("InvalidParameterValue", message).status(400);
    estate.sandbox.inject(Fault::once("redshift:CreateScheduledAction", 1, How::Error(young)));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["cluster schedules"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_role_without_rights_pauses_nothing() {
    let mut estate = Estate::new(ASLEEP_AT_NIGHT);
    estate.converge(&Options::default()).await;
    let bare = |world: &mut rsds::sandbox::World| {
        world.iam.roles.values_mut().filter(|role| role.name.ends_with("-scheduler")).for_each(|role| {
            role.inline.clear();
        });
    };
    estate.sandbox.edit(bare).unwrap();
    hours(&estate, 11).await;
    assert_eq!(status(&estate).await, "available");
}

/// The calls that changed something since the last look.
fn changes(estate: &Estate) -> Vec<String> {
    estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect()
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_a_cluster_go_by_a_schedule() {
    let mut estate = Estate::new(&ASLEEP_AT_NIGHT.replace("pause =", "# pause ="));
    estate.converge(&Options::default()).await;
    estate.set(&["producer.snapshot_schedule=\"rate(12 hours)\""]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["CreateSnapshotSchedule", "ModifyClusterSnapshotSchedule"]);
    let schedules = estate.sandbox.world().redshift.schedules;
    assert!(schedules["airline-dev-producer"].clusters.contains_key("airline-dev-producer"));

    // Another change that is under way is waited for.
    estate.set(&["producer.snapshot_schedule=\"cron(30 12 *)\""]);
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/snapshot-schedule"]);
    let busy = AwsError::new("SnapshotScheduleUpdateInProgress", "is already being updated").status(400);
    estate.sandbox.inject(Fault::once("redshift:ModifySnapshotSchedule", 1, How::Error(busy)));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.sandbox.disarm(), Vec::<String>::new());
    let schedules = estate.sandbox.world().redshift.schedules;
    assert_eq!(schedules["airline-dev-producer"].definitions, ["cron(30 12 *)".to_owned()].into());

    // Taken off by hand, the cluster is put back.
    estate.sandbox.edit(|world| world.redshift.schedules.values_mut().for_each(|one| one.clusters.clear())).unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["create producer/snapshot-schedule-association"]);
    estate.converge(&Options::default()).await;

    // It goes once no cluster has it any more.
    estate.set(&[]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["ModifyClusterSnapshotSchedule", "DeleteSnapshotSchedule"]);
    assert_eq!(estate.inventory()["cluster schedules"], 0);
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_a_serverless_producer_are_taken_when_their_time_comes() {
    let mut estate = Estate::new(TWO);
    // The tests begin on a Sunday at ten in the morning.
    estate.set(&["producer.snapshot_schedule=\"cron(0 20 ? * SUN *)\"", "producer.snapshot_retention=\"3d\""]);
    estate.converge(&Options::default()).await;
    let snapshots = async |estate: &Estate| -> Vec<(String, Option<i32>)> {
        let aws = estate.open().await.unwrap().aws;
        let all = aws.serverless.list_snapshots().send().await.unwrap().snapshots.unwrap();
        all.into_iter().map(|one| (one.snapshot_name.unwrap(), one.snapshot_retention_period)).collect()
    };
    assert_eq!(snapshots(&estate).await, []);
    hours(&estate, 11).await;
    assert_eq!(snapshots(&estate).await, [("airline-dev-producer-2026-11-22-20-00-00".to_owned(), Some(3))]);
    estate.settled().await;

    estate.set(&["producer.snapshot_schedule=\"cron(0 21 ? * MON *)\"", "producer.snapshot_retention=\"5d\""]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update producer/snapshot-schedule"]);
    let fields = &plan.changes[&"producer/snapshot-schedule".parse().unwrap()].fields;
    let origins: Vec<&str> = fields.iter().map(|field| field.origin.as_deref().unwrap()).collect();
    assert_eq!(origins, ["producer.snapshot_schedule", "producer.snapshot_retention"]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["UpdateScheduledAction"]);
    hours(&estate, 25).await;
    assert_eq!(snapshots(&estate).await.len(), 2);

    // The schedule goes, the snapshots stay.
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["serverless schedules"], 0);
    assert_eq!(estate.inventory()["snapshots"], 2);
}
