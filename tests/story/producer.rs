//! The producer as a provisioned cluster: it comes, changes, sleeps, takes the place of a serverless one, and goes.

use crate::{harness::*, scene::*};
use rsds::{
    apply::{Event, Trouble},
    plan::{Options, Plan},
    stack::outputs::outputs,
};
use serde_json::Value as Json;

/// A cluster, and one reader without a load balancer.
const CLUSTER: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
[producer]
type = "cluster"
node_count = 2
database = "airline_dw"
s3_buckets = ["lake-*"]
final_snapshot = false
logging = ["connectionlog", "userlog"]
usage_limits = [{ feature = "concurrency-scaling", amount = 60, action = "deactivate" }]
[consumers.reporting]
base_capacity = 8
behind_nlb = false
[datashares.share]
schemas = ["flights"]
database = "shared"
[protect]
addresses = []
"#;

/// The same estate with a serverless producer.
fn serverless() -> String {
    let (head, rest) = CLUSTER.split_once("type = \"cluster\"\nnode_count = 2\n").unwrap();
    let limits = rest.find("usage_limits").unwrap();
    let end = rest.find("[consumers").unwrap();
    format!("{head}{}{}", &rest[..limits], &rest[end..])
}

async fn up() -> Estate {
    let mut estate = Estate::new(CLUSTER);
    estate.converge(&Options::default()).await;
    estate
}

async fn redshift(estate: &Estate) -> aws_sdk_redshift::Client {
    aws_sdk_redshift::Client::clone(&estate.open().await.unwrap().aws.redshift)
}

async fn shown(estate: &Estate) -> aws_sdk_redshift::types::Cluster {
    let answer = redshift(estate).await.describe_clusters().cluster_identifier("airline-dev-producer").send().await;
    answer.unwrap().clusters.unwrap().pop().unwrap()
}

/// How often an operation was called since the last look.
fn called(estate: &Estate, operation: &str) -> usize {
    estate.sandbox.take_calls().iter().filter(|call| call.operation == operation).count()
}

fn notices(plan: &Plan) -> Vec<&str> {
    plan.notices.iter().map(|(_, notice)| notice.as_str()).collect()
}

/// Waits as long as the sandbox takes for what was done out of band.
async fn wait(estate: &Estate) {
    estate.clock.sleep(std::time::Duration::from_secs(1200)).await;
}

#[tokio::test(start_paused = true)]
async fn it_comes_with_all_that_clients_need() {
    let estate = up().await;
    let session = estate.open().await.unwrap();
    let all = outputs(&session.environment.config, &estate.state());
    let (producer, cluster) = (&all["producer"], shown(&estate).await);
    assert_eq!(producer["cluster"], "airline-dev-producer");
    let host = cluster.endpoint.unwrap().address.unwrap();
    assert_eq!(producer["endpoint"], Json::String(host.clone()));
    assert!(all["connection_strings"]["producer"]["psql"].as_str().unwrap().contains(&host));
    let arn = cluster.cluster_namespace_arn.unwrap();
    let id = producer["namespace_id"].as_str().unwrap();
    assert!(arn.ends_with(id) && id.len() == 36, "{arn} {id}");
    assert!(all["data_sharing_commands"]["consumer-reporting-1"].as_str().unwrap().contains(id));
    assert_eq!(producer["admin_secret_arn"], Json::String(cluster.master_password_secret_arn.unwrap()));
    assert_eq!(producer["parameter_status"], "in-sync");
    assert!(!producer["addresses"].as_array().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parameters_are_set_reset_and_wait_for_a_reboot() {
    let mut estate = up().await;
    estate.set(&[
        "producer.parameters.query_group=\"etl\"",
        "producer.parameters.statement_timeout=60000",
        "producer.parameters.enable_user_activity_logging=true",
    ]);
    estate.sandbox.take_calls();
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/parameter-group"]);
    estate.converge(&Options::default()).await;
    assert_eq!(called(&estate, "ModifyClusterParameterGroup"), 1, "three parameters in one call");
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(
        notices(&plan)[0].contains("reboot-cluster --cluster-identifier airline-dev-producer"),
        "{:?}",
        plan.notices
    );
    // The state learns of it too.
    let session = estate.open().await.unwrap();
    estate.carry_out(session, plan).await;
    let session = estate.open().await.unwrap();
    assert_eq!(outputs(&session.environment.config, &estate.state())["producer"]["parameter_status"], "pending-reboot");
    redshift(&estate).await.reboot_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    wait(&estate).await;
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty() && plan.notices.is_empty(), "{:?}", plan.notices);
    estate.set(&["producer.parameters.query_group=\"etl\""]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(called(&estate, "ResetClusterParameterGroup"), 1);
    let client = redshift(&estate).await;
    let own = client.describe_cluster_parameters().parameter_group_name("airline-dev-producer").source("user");
    let names = own.send().await.unwrap().parameters.unwrap().into_iter().filter_map(|one| one.parameter_name);
    assert_eq!(names.collect::<Vec<_>>(), ["query_group", "require_ssl"]);
}

#[tokio::test(start_paused = true)]
async fn it_grows_shrinks_and_changes_its_nodes() {
    let mut estate = up().await;
    for (sets, classic) in [
        (vec!["producer.node_count=4"], false),
        (vec!["producer.node_count=2"], false),
        (vec!["producer.node_count=1"], true),
        (vec!["producer.node_type=\"ra3.4xlarge\"", "producer.node_count=2"], true),
    ] {
        estate.set(&sets);
        assert_eq!(estate.brief(&Options::default()).await, ["update producer/cluster"], "{sets:?}");
        estate.sandbox.take_calls();
        estate.converge(&Options::default()).await;
        let calls = estate.sandbox.take_calls();
        let resize = calls.iter().filter(|call| call.operation == "ResizeCluster").count();
        assert_eq!(resize, 1, "{sets:?}");
        let how = if classic { "classic" } else { "elastic" };
        assert_eq!(shown(&estate).await.number_of_nodes.unwrap().to_string(), sets.last().unwrap()[20..], "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_spreads_over_two_zones_and_comes_back_as_it_was() {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&["producer.availability_zone_relocation=false"]);
    estate.converge(&Options::default()).await;
    estate.set(&["producer.availability_zone_relocation=false", "producer.multi_az=true"]);
    estate.converge(&Options::default()).await;
    assert_eq!(shown(&estate).await.multi_az.as_deref(), Some("Enabled"));
    estate.set(&["producer.availability_zone_relocation=false"]);
    estate.converge(&Options::default()).await;
    let cluster = shown(&estate).await;
    // AWS switches relocation on behind everybody's back.
    assert_eq!(cluster.availability_zone_relocation_status.as_deref(), Some("disabled"));
    // Without a word in the TOML AWS may have it, until two zones exclude it.
    estate.set(&["producer.availability_zone_relocation=true"]);
    estate.converge(&Options::default()).await;
    estate.set(&["producer.multi_az=true"]);
    estate.converge(&Options::default()).await;
    assert_eq!(shown(&estate).await.availability_zone_relocation_status.as_deref(), Some("disabled"));
}

#[tokio::test(start_paused = true)]
async fn what_others_changed_is_mended() {
    let mut estate = up().await;
    let (client, name) = (redshift(&estate).await, "airline-dev-producer");
    let role = shown(&estate).await.iam_roles.unwrap()[0].iam_role_arn.clone().unwrap();
    let removal = client.modify_cluster_iam_roles().cluster_identifier(name).remove_iam_roles(&role);
    removal.default_iam_role_arn("").send().await.unwrap();
    wait(&estate).await;
    client.modify_cluster().cluster_identifier(name).port(5450).send().await.unwrap();
    wait(&estate).await;
    client.disable_logging().cluster_identifier(name).send().await.unwrap();
    let limits = client.describe_usage_limits().send().await.unwrap().usage_limits.unwrap();
    let limit = client.modify_usage_limit().usage_limit_id(limits[0].usage_limit_id.as_deref().unwrap());
    limit.amount(7).send().await.unwrap();
    assert_eq!(
        estate.brief(&Options::default()).await,
        [
            "update producer/cluster",
            "create producer/logging",
            "update producer/usage-limit-concurrency-scaling-monthly"
        ]
    );
    estate.converge(&Options::default()).await;
    let cluster = shown(&estate).await;
    assert_eq!(cluster.iam_roles.unwrap()[0].iam_role_arn.as_deref(), Some(role.as_str()));
    assert_eq!(cluster.endpoint.unwrap().port, Some(5439));
}

#[tokio::test(start_paused = true)]
async fn a_paused_cluster_is_left_alone_and_said_so() {
    let mut estate = up().await;
    let before = estate.state();
    redshift(&estate).await.pause_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    wait(&estate).await;
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty(), "{:?}", brief(&plan));
    assert!(notices(&plan)[0].contains("it is paused, and changes to it wait"), "{:?}", plan.notices);
    estate.set(&["producer.port=5450"]);
    let outcome = estate.run(&Options::default()).await;
    let troubles: Vec<&Trouble> = outcome.failed.iter().map(|(_, _, trouble)| trouble).collect();
    assert!(matches!(troubles[..], [Trouble::Dormant { status }] if status == "paused"), "{troubles:?}");
    assert!(outcome.seconds < 60.0, "{}", outcome.seconds);
    estate.set(&[]);
    // What it does not show while it sleeps is not forgotten.
    let endpoint = |state: &rsds::state::State| state.output(&"producer/cluster".parse().unwrap(), "endpoint").cloned();
    assert_eq!(endpoint(&estate.state()), endpoint(&before));
    redshift(&estate).await.resume_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    wait(&estate).await;
    estate.set(&["producer.port=5450"]);
    estate.converge(&Options::default()).await;
    assert_eq!(shown(&estate).await.endpoint.unwrap().port, Some(5450));
}

#[tokio::test(start_paused = true)]
async fn a_password_of_someone_else_is_never_asked_for() {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&["producer.admin_password=\"external\""]);
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("producer/cluster: a warehouse cannot be created without an admin password"), "{why}");
    assert!(why.contains("(`producer.admin_password`)"), "{why}");
    assert!(estate.sandbox.calls().iter().all(|call| !call.mutating));
    estate.set(&[]);
    estate.converge(&Options::default()).await;
    estate.set(&["producer.admin_password=\"external\""]);
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("AWS gives up the admin password only for another one"), "{why}");
    assert!(why.contains("aws redshift modify-cluster --no-manage-master-password"), "{why}");
    // Done by hand, it is as the TOML says; then AWS may have it back.
    let change = redshift(&estate).await.modify_cluster().cluster_identifier("airline-dev-producer");
    change.manage_master_password(false).master_user_password("Someone3lse").send().await.unwrap();
    wait(&estate).await;
    estate.settled().await;
    estate.set(&[]);
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/cluster"]);
    estate.converge(&Options::default()).await;
    assert!(shown(&estate).await.master_password_secret_arn.is_some());
    let world = serde_json::to_string(&estate.sandbox.world()).unwrap();
    assert!(!world.contains("Someone3lse"));
}

#[tokio::test(start_paused = true)]
async fn a_serverless_producer_keeps_its_password_alike() {
    let mut estate = Estate::new(&serverless());
    estate.converge(&Options::default()).await;
    estate.set(&["producer.admin_password=\"external\""]);
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("producer/namespace: AWS gives up"), "{why}");
    let client = estate.open().await.unwrap().aws.serverless;
    let change = client.update_namespace().namespace_name("airline-dev-producer").manage_admin_password(false);
    change.admin_username("awsuser").admin_user_password("Someone3lse").send().await.unwrap();
    wait(&estate).await;
    estate.settled().await;
    estate.set(&[]);
    assert_eq!(estate.brief(&Options::default()).await, ["update producer/namespace"]);
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn serverless_and_cluster_take_each_others_place() {
    let mut estate = Estate::new(&serverless());
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    let before = estate.state();
    let kept = ["producer/role", "producer/key", "producer/key-alias", "consumer-reporting-1/namespace"];
    let id = |state: &rsds::state::State, address: &str| state.entries[&address.parse().unwrap()].id.clone();
    estate.write(CLUSTER);
    let protecting = Options { protect: select(&["producer"]), ..Options::default() };
    let why = estate.refusal(&protecting).await;
    assert!(why.contains("producer/namespace would be deleted, and it is protected by `producer`"), "{why}");
    assert!(why.contains("[protect] addresses = []"), "{why}");
    let plan = estate.brief(&Options::default()).await;
    for line in
        ["create producer/cluster", "delete producer/namespace", "delete producer/workgroup", "update producer/role"]
    {
        assert!(plan.contains(&line.to_owned()), "{line}: {plan:?}");
    }
    // What was shared by the old one is shared anew.
    assert!(plan.iter().all(|line| line.contains(" producer/") || line.contains("share")), "{plan:?}");
    estate.converge(&Options::default()).await;
    for address in kept {
        assert_eq!(id(&estate.state(), address), id(&before, address), "{address}");
    }
    estate.write(&serverless());
    estate.converge(&Options::default()).await;
    for address in kept {
        assert_eq!(id(&estate.state(), address), id(&before, address), "{address}");
    }
    assert!(estate.events.iter().any(|event| matches!(event, Event::Finished { .. })));
}

#[tokio::test(start_paused = true)]
async fn it_goes_and_leaves_its_snapshot_and_the_key_of_that() {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    let namespace = shown(&estate).await.cluster_namespace_arn.unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.state().entries.is_empty());
    assert_eq!(estate.sandbox.leftovers(), ["us-west-2/kms", "us-west-2/redshift snapshots"]);
    let client = redshift(&estate).await;
    let snapshots = client.describe_cluster_snapshots().send().await.unwrap().snapshots.unwrap();
    let [snapshot] = &snapshots[..] else { panic!("{snapshots:?}") };
    let guid = namespace.rsplit(':').next().unwrap();
    let name = format!("airline-dev-producer-final-{}", &guid[..8]);
    assert_eq!(snapshot.snapshot_identifier.as_deref(), Some(name.as_str()));
    let world = estate.sandbox.world();
    assert_eq!(snapshot.kms_key_id.as_deref(), world.kms.keys.values().map(|key| key.arn.as_str()).next());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_has_the_name_is_not_in_the_way_of_the_last() {
    let mut estate = Estate::new(CLUSTER);
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    let namespace = shown(&estate).await.cluster_namespace_arn.unwrap();
    let name = format!("airline-dev-producer-final-{}", &namespace.rsplit(':').next().unwrap()[..8]);
    let client = redshift(&estate).await;
    let made = client.create_cluster_snapshot().cluster_identifier("airline-dev-producer").snapshot_identifier(&name);
    made.send().await.unwrap();
    wait(&estate).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let world = estate.sandbox.world();
    let names: Vec<&str> = world.redshift.snapshots.keys().map(String::as_str).collect();
    assert_eq!(names, [name.as_str(), &format!("{name}-2")]);
}

#[tokio::test(start_paused = true)]
async fn a_serverless_producer_is_gone_when_its_last_snapshot_is_whole() {
    let mut estate = Estate::new(&serverless());
    estate.set(&["producer.final_snapshot=true"]);
    estate.converge(&Options::default()).await;
    let taken = estate
        .sandbox
        .edit(|world| {
            let namespace = &world.serverless.namespaces["airline-dev-producer"];
            let name = format!("airline-dev-producer-final-{}", &namespace.id[..8]);
            let snapshot = rsds::sandbox::serverless::Snapshot {
                name: name.clone(),
                arn: "arn:aws:redshift-serverless:us-west-2:123456789012:snapshot/earlier".into(),
                namespace: namespace.name.clone(),
                namespace_arn: namespace.arn.clone(),
                admin: namespace.admin.clone(),
                database: namespace.database.clone(),
                catalogue: None,
                key: None,
                created: namespace.created,
                available_at: namespace.created,
                retention: None,
            };
            world.serverless.snapshots.insert(name.clone(), snapshot);
            name
        })
        .unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let (world, now) = (estate.sandbox.world(), estate.sandbox.now());
    let last = &world.serverless.snapshots[&format!("{taken}-2")];
    assert!(last.available_at <= now && last.key.is_some(), "{last:?}");
    assert_eq!(world.serverless.snapshots.len(), 2);
}
