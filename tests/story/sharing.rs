//! What lives inside warehouses: shares that come, change and go, drift, and what stands in their way.

use crate::{harness::*, scene::*};
use rsds::{
    apply::Trouble,
    plan::Options,
    sandbox::{AwsError, Fault, How},
    stack::datashares::commands,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const SHARED: &str = r#"
[datashares.airline_share]
schemas = ["flights"]
tables = ["public.dim_date"]
database = "airline_shared"
grant_to = ["role:analyst"]
[users.bi_reader]
grants = ["airline_share"]
[roles.analyst]
members = ["user:bi_reader"]
"#;

fn looking() -> Options {
    Options { refresh_sql: true, ..Options::default() }
}

impl Estate {
    fn sharing() -> Self {
        Self::new(&format!("{TWO}{SHARED}"))
    }

    /// The namespace of a warehouse.
    fn namespace(&self, warehouse: &str) -> Option<String> {
        let state = self.store.last()?;
        let namespace = state.output(&format!("{warehouse}/namespace").parse().unwrap(), "id")?;
        Some(namespace.as_str()?.to_owned())
    }

    /// Runs a statement as somebody with an SQL client would.
    pub(super) fn sql(&self, warehouse: &str, statement: &str) -> Result<Vec<Vec<String>>, String> {
        let namespace = self.namespace(warehouse).unwrap();
        let answer = self.sandbox.sql("us-west-2", &namespace, None, statement).map_err(|error| error.to_string())?;
        Ok(answer.rows.iter().map(|row| row.iter().map(rsds::sandbox::sql::Cell::shown).collect()).collect())
    }

    /// The statements that rsds has sent, by warehouse; questions left out.
    fn statements(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let runs = self.sandbox.world().data_api.statements;
        for run in runs.into_values().filter(|run| !run.batch) {
            all.entry(run.namespace).or_default().extend(run.texts);
        }
        all
    }

    /// How often warehouses were asked something since the last look.
    fn asked(&self) -> usize {
        self.sandbox.take_calls().iter().filter(|call| call.operation == "BatchExecuteStatement").count()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_is_what_runs() {
    let mut estate = Estate::sharing();
    estate.apply().await;
    let session = estate.open().await.unwrap();
    let printed = commands(&session.environment.config, &|warehouse| estate.namespace(warehouse));
    let printed: BTreeMap<String, BTreeSet<String>> = printed
        .into_iter()
        .map(|(warehouse, lines)| {
            let lines = lines.into_iter().filter(|line| !line.starts_with("--"));
            let lines = lines.map(|line| line.trim_end_matches(';').to_owned());
            (estate.namespace(&warehouse).unwrap(), lines.collect())
        })
        .collect();
    let mut sent = estate.statements();
    for statements in sent.values_mut() {
        // Nobody could paste a password: a comment stands for it.
        let logins: Vec<String> = statements.extract_if(.., |one| one.starts_with("ALTER USER")).collect();
        assert_eq!(logins.len(), 1);
        assert!(logins[0].starts_with("ALTER USER \"bi_reader\" PASSWORD '***"), "{logins:?}");
    }
    assert_eq!(sent, printed);
}

#[tokio::test(start_paused = true)]
async fn readers_that_come_and_go_are_granted_and_revoked_in_the_same_apply() {
    let mut estate = Estate::sharing();
    estate.converge(&looking()).await;
    let whole = estate.inventory();
    estate.set(&["consumers.reporting.count=2"]);
    let before = estate.statements();
    estate.apply().await;
    let count = |warehouse, of: &str| estate.sql(warehouse, &format!("select count(*) from {of}")).unwrap();
    for table in ["flights.bookings", "flights.schedule", "public.dim_date"] {
        assert_eq!(count("consumer-reporting-2", &format!("airline_shared.{table}")), count("producer", table));
    }
    let new = estate.namespace("consumer-reporting-2").unwrap();
    for (namespace, statements) in estate.statements() {
        let more: Vec<&String> =
            statements.iter().filter(|one| !before.get(&namespace).is_some_and(|old| old.contains(*one))).collect();
        let right = if Some(&namespace) == estate.namespace("producer").as_ref() {
            vec![format!("GRANT USAGE ON DATASHARE \"airline_share\" TO NAMESPACE '{new}'")]
        } else {
            Vec::new()
        };
        assert!(namespace == new || more.iter().map(|one| (*one).clone()).collect::<Vec<_>>() == right, "{more:?}");
    }
    estate.settled().await;
    estate.set(&[]);
    estate.converge(&looking()).await;
    assert_eq!(estate.inventory(), whole);
    // Nothing of the reader that is gone is left with the producer.
    let granted = estate.sql("producer", "select count(*) from svv_datashare_consumers").unwrap();
    assert_eq!(granted, [["3"]]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_warehouse_sleeps_through_a_plan_without_changes() {
    let mut estate = Estate::sharing();
    estate.apply().await;
    estate.sandbox.take_calls();
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    assert_eq!(estate.asked(), 0);
    assert!(estate.plan(&looking()).await.unwrap().is_empty());
    assert_eq!(estate.asked(), 4, "each once, in one batch");
}

#[tokio::test(start_paused = true)]
async fn what_is_undone_by_hand_is_drift_and_is_mended() {
    // What AWS tells of without waking a warehouse is seen by every plan, the rest when it is asked for.
    let undone: [(&str, &str, bool, &[&str]); 8] = [
        (
            "producer",
            "revoke usage on datashare airline_share from namespace '{consumer-reporting-1}'",
            true,
            &["create datashare-airline_share/grant-consumer-reporting-1"],
        ),
        (
            "producer",
            "alter datashare airline_share set publicaccessible true",
            true,
            &["update datashare-airline_share/share"],
        ),
        (
            "producer",
            "alter datashare airline_share remove table flights.bookings",
            false,
            &["update datashare-airline_share/share"],
        ),
        (
            "producer",
            "alter datashare airline_share set includenew false for schema flights",
            false,
            &["update datashare-airline_share/share"],
        ),
        (
            "consumer-reporting-1",
            "revoke usage on database airline_shared from role analyst",
            false,
            &["create consumer-reporting-1/usage-airline_shared-role-analyst"],
        ),
        (
            "consumer-reporting-1",
            "revoke role analyst from bi_reader",
            false,
            &["create consumer-reporting-1/database-role-analyst-user-bi_reader"],
        ),
        (
            "consumer-reporting-1",
            "drop database airline_shared",
            false,
            &[
                "create consumer-reporting-1/database-airline_shared",
                "create consumer-reporting-1/usage-airline_shared-role-analyst",
                "create consumer-reporting-1/usage-airline_shared-user-bi_reader",
            ],
        ),
        (
            "producer",
            "drop role analyst force",
            false,
            &["create producer/database-role-analyst", "create producer/database-role-analyst-user-bi_reader"],
        ),
    ];
    let mut estate = Estate::sharing();
    estate.apply().await;
    for (warehouse, statement, seen, mended) in undone {
        let consumer = estate.namespace("consumer-reporting-1").unwrap();
        let statement = statement.replace("{consumer-reporting-1}", &consumer);
        estate.sql(warehouse, &statement).unwrap();
        let told = estate.brief(&Options::default()).await;
        assert_eq!(!told.is_empty(), seen, "{statement}: {told:?}");
        assert_eq!(estate.brief(&looking()).await, mended, "{statement}");
        estate.converge(&looking()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_dropped_by_hand_comes_back_with_all_that_hung_on_it() {
    let mut estate = Estate::sharing();
    estate.apply().await;
    let whole = estate.inventory();
    estate.sql("producer", "drop datashare airline_share").unwrap();
    // What was made of the old one is made anew: AWS promises nothing of it.
    let mut told = Vec::new();
    for reader in ["consumer-analytics-1", "consumer-analytics-2", "consumer-reporting-1"] {
        told.push(format!("replace {reader}/database-airline_shared"));
        told.push(format!("replace {reader}/usage-airline_shared-role-analyst"));
        told.push(format!("replace {reader}/usage-airline_shared-user-bi_reader"));
        told.push(format!("create datashare-airline_share/grant-{reader}"));
    }
    told.push("create datashare-airline_share/share".to_owned());
    told.sort_by_key(|line| line.split_once(' ').map(|(_, address)| address.to_owned()));
    assert_eq!(estate.brief(&Options::default()).await, told);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

#[tokio::test(start_paused = true)]
async fn a_share_is_renamed_in_the_toml() {
    let mut estate = Estate::sharing();
    estate.apply().await;
    let whole = estate.inventory();
    estate.write(
        &format!("{TWO}{SHARED}")
            .replace("airline_share\"", "other_share\"")
            .replace("s.airline_share]", "s.other_share]"),
    );
    estate.converge(&looking()).await;
    assert_eq!(estate.inventory(), whole);
    assert_eq!(estate.sql("producer", "select share_name from svv_datashares").unwrap(), [["other_share"]]);
    for reader in ["consumer-analytics-1", "consumer-analytics-2", "consumer-reporting-1"] {
        assert_eq!(estate.sql(reader, "select count(*) from airline_shared.flights.bookings").unwrap(), [["12"]]);
    }
}

/// What an apply could not do: addresses and what AWS said.
async fn troubles(estate: &mut Estate, options: &Options) -> BTreeMap<String, String> {
    let outcome = estate.run(options).await;
    let said = |trouble: &Trouble| trouble.to_string();
    outcome.failed.iter().map(|(address, _, trouble)| (address.to_string(), said(trouble))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_database_of_that_name_is_somebodys() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    estate.sql("consumer-reporting-1", "create database airline_shared").unwrap();
    estate.write(&format!("{TWO}{SHARED}"));
    let failed = troubles(&mut estate, &Options::default()).await;
    let (address, said) = failed.first_key_value().unwrap();
    assert_eq!((failed.len(), address.as_str()), (1, "consumer-reporting-1/database-airline_shared"), "{failed:?}");
    assert!(said.contains("already exists") && said.contains("airline-dev-reporting-1"), "{said}");
    assert!(said.contains("CREATE DATABASE \"airline_shared\" FROM DATASHARE \"airline_share\""), "{said}");
    // The others went on; the next apply finishes.
    assert_eq!(
        estate.sql("consumer-analytics-1", "select count(*) from airline_shared.flights.bookings").unwrap(),
        [["12"]]
    );
    estate.sql("consumer-reporting-1", "drop database airline_shared").unwrap();
    estate.converge(&looking()).await;
}

#[tokio::test(start_paused = true)]
async fn a_schema_that_is_not_there_is_named_at_once() {
    let mut estate = Estate::new(&format!("{TWO}{SHARED}").replace("[\"flights\"]", "[\"flights\", \"later\"]"));
    let outcome = estate.run(&Options::default()).await;
    let [(address, _, trouble)] = outcome.failed.as_slice() else { panic!("{:#?}", outcome.failed) };
    assert_eq!(address.to_string(), "datashare-airline_share/share");
    assert!(trouble.to_string().contains("schema \"later\" does not exist"), "{trouble}");
    // Either of two ways out.
    estate.set(&["datashares.airline_share.create_schemas=true"]);
    estate.converge(&looking()).await;
    assert_eq!(
        estate.sql("producer", "select count(*) from svv_datashare_objects where object_name = 'later'").unwrap(),
        [["1"]]
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_takes_no_statements_keeps_nobody_else() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    estate.write(&format!("{TWO}{SHARED}"));
    for error in [
        AwsError::new("ValidationException", "Redshift workgroup is not available: its status is paused."),
        AwsError::new("ValidationException", "The secret can't be found."),
    ] {
        // Every first statement of one warehouse, whichever it is.
        estate.sandbox.inject(Fault::once("redshift-data:ExecuteStatement", 1, How::Error(error.clone())));
        let failed = troubles(&mut estate, &Options::default()).await;
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed.values().all(|said| said.contains("ValidationException")), "{failed:?}");
        estate.converge(&looking()).await;
        estate.write(TWO);
        estate.converge(&looking()).await;
        estate.write(&format!("{TWO}{SHARED}"));
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_transactions_are_borne() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    estate.write(&format!("{TWO}{SHARED}"));
    let (somebody, clock) = (estate.somebody().await, estate.clock.clone());
    let secret = estate.sandbox.world().serverless.namespaces["airline-dev-producer"].secret.clone();
    let others = async {
        for number in 0..40 {
            let statement = format!("create schema of_somebody_{number}");
            let call = somebody.data.execute_statement().workgroup_name("airline-dev-producer").database("airline_dw");
            call.set_secret_arn(secret.clone()).sql(statement).send().await.ok();
            clock.sleep(Duration::from_millis(400)).await;
        }
    };
    let options = Options::default();
    let (outcome, ()) = tokio::join!(estate.run(&options), others);
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let runs = estate.sandbox.world().data_api.statements;
    let refused = runs.values().filter(|run| run.name.is_some() && format!("{:?}", run.outcome).contains("conflict"));
    assert!(refused.count() > 0, "nobody was in the way");
    estate.settled().await;
}

/// A producer that sleeps is no reason not to plan; what must run in it waits for somebody to wake it.
#[tokio::test(start_paused = true)]
async fn a_paused_producer_keeps_no_plan() {
    let mut estate = Estate::new(SMALL_CLUSTER);
    estate.apply().await;
    let somebody = estate.somebody().await;
    somebody.redshift.pause_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    estate.clock.sleep(Duration::from_secs(900)).await;
    let plan = estate.plan(&looking()).await.unwrap();
    assert!(plan.is_empty());
    assert!(format!("{:?}", plan.warnings).contains("its status is paused"), "{:?}", plan.warnings);
    estate.set(&["datashares.airline_share.tables=[\"flights.bookings\", \"flights.schedule\"]"]);
    let failed = troubles(&mut estate, &Options::default()).await;
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["datashare-airline_share/share"], "{failed:?}");
    assert!(failed.values().all(|said| said.contains("its status is paused")), "{failed:?}");
    somebody.redshift.resume_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    estate.clock.sleep(Duration::from_secs(900)).await;
    estate.converge(&looking()).await;
}

/// What is inside a warehouse goes with it: no statement is needed, so that one which sleeps can be destroyed, too.
#[tokio::test(start_paused = true)]
async fn a_paused_producer_is_destroyed() {
    // The logging of a cluster, its snapshot schedule and copies are taken from it before it goes, and not while it sleeps.
    let without = SMALL_CLUSTER.replace("snapshot_schedule = \"rate(12 hours)\"\n", "");
    let mut estate = Estate::new(&without.replace("[producer.snapshot_copy]\nregion = \"us-east-1\"\n", ""));
    estate.set(&["producer.logging=[]"]);
    estate.apply().await;
    let somebody = estate.somebody().await;
    somebody.redshift.pause_cluster().cluster_identifier("airline-dev-producer").send().await.unwrap();
    estate.clock.sleep(Duration::from_secs(900)).await;
    estate.sandbox.take_calls();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.sandbox.take_calls().iter().all(|call| call.service != "redshift-data"));
    assert!(estate.state().entries.is_empty());
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

/// A reader that goes alone is revoked first, and what is inside it goes with it.
#[tokio::test(start_paused = true)]
async fn a_reader_is_destroyed_alone() {
    let mut estate = Estate::sharing();
    estate.apply().await;
    let before = estate.statements();
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let granted = estate.sql("producer", "select count(*) from svv_datashare_consumers").unwrap();
    assert_eq!(granted, [["2"]]);
    let new = |(namespace, all): (String, BTreeSet<String>)| {
        let old = before.get(&namespace).cloned().unwrap_or_default();
        all.into_iter().filter(move |statement| !old.contains(statement)).collect::<Vec<_>>()
    };
    let statements: Vec<String> = estate.statements().into_iter().flat_map(new).collect();
    assert!(statements.len() == 1 && statements[0].starts_with("REVOKE USAGE ON DATASHARE"), "{statements:?}");
    estate.converge(&looking()).await;
}
