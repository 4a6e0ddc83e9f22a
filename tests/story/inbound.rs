//! Shares that other accounts offer: taken up by every consumer, read there, taken back, and left alone again.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Action, Options, Plan, Presence},
    sandbox::{World, sql::Consumer},
};

const PARTNER: &str = "2f6c1b9e-5d3a-4c70-9b1e-210987654321";
const ARN: &str =
    "arn:aws:redshift:us-west-2:210987654321:datashare:2f6c1b9e-5d3a-4c70-9b1e-210987654321/partner_sales";
const SALES: &str = r#"
[datashares.partner_sales]
account = "210987654321"
namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321"
database = "sales"
grant_to = ["role:analyst"]
[roles.analyst]
"#;
const ROLE: &str = "[roles.analyst]\n";

fn offered() -> Estate {
    Estate::new(&format!("{TINY}{SALES}"))
}

/// The namespaces that read the share.
fn associated(world: &World) -> Vec<String> {
    let share = &world.sql.abroad.0[PARTNER].catalogue.shares["partner_sales"];
    let namespace = |consumer: &Consumer| match consumer {
        Consumer::Namespace(namespace) => Some(namespace.clone()),
        Consumer::Account(_) => None,
    };
    share.grants.iter().filter_map(|grant| namespace(&grant.consumer)).collect()
}

/// Somebody in the other account says what this one is to the share; none takes the grant back.
fn turn(estate: &Estate, status: Option<&str>) {
    let turn = |world: &mut World| {
        let account = Consumer::Account(world.account.clone());
        let shares = &mut world.sql.abroad.0.get_mut(PARTNER).unwrap().catalogue.shares;
        let grants = &mut shares.get_mut("partner_sales").unwrap().grants;
        grants.retain(|grant| status.is_some() || grant.consumer != account);
        let ours = grants.iter_mut().filter(|grant| grant.consumer == account);
        ours.for_each(|grant| status.unwrap().clone_into(&mut grant.status));
    };
    estate.sandbox.edit(turn).unwrap();
}

fn notices(plan: &Plan) -> Vec<String> {
    plan.notices.iter().map(|(address, text)| format!("{address}: {text}")).collect()
}

fn count(estate: &Estate, reader: &str) -> Result<Vec<Vec<String>>, String> {
    estate.sql(reader, "select count(*) from sales.flights.bookings")
}

/// The changing calls, and of statements their first words, since the last look.
fn did(estate: &Estate) -> Vec<String> {
    let calls = estate.sandbox.take_calls().into_iter().filter(|call| call.mutating);
    calls.map(|call| call.operation).filter(|operation| operation != "BatchExecuteStatement").collect()
}

#[tokio::test(start_paused = true)]
async fn another_accounts_share_is_taken_up_in_one_apply() {
    let mut estate = offered();
    estate.converge(&Options::default()).await;
    assert_eq!(associated(&estate.sandbox.world()).len(), 1);
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);
    let shown =
        "select share_name, producer_account, consumer_database from svv_datashares where share_type = 'INBOUND'";
    let shown = estate.sql("consumer-reporting-1", shown).unwrap();
    assert_eq!(shown[0].iter().map(|cell| cell.trim()).collect::<Vec<_>>(), ["partner_sales", "210987654321", "sales"]);
    // What the producer of the estate is, has nothing to do with it.
    assert_eq!(estate.sql("producer", "select share_name from svv_datashares").unwrap(), [[""; 0]; 0]);

    // A reader that comes later has it in the same apply; one that goes lets go of it, without a statement.
    estate.set(&["consumers.reporting.count=2"]);
    estate.converge(&Options::default()).await;
    assert_eq!(associated(&estate.sandbox.world()).len(), 2);
    assert_eq!(count(&estate, "consumer-reporting-2").unwrap(), [["12"]]);
    did(&estate);
    let outcome = estate.run(&destroying(&["consumer-reporting-2"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let calls = did(&estate);
    let at = |operation: &str| calls.iter().position(|call| call == operation);
    assert!(at("DisassociateDataShareConsumer").unwrap() < at("DeleteNamespace").unwrap(), "{calls:?}");
    assert_eq!(at("ExecuteStatement"), None);
    assert_eq!(associated(&estate.sandbox.world()).len(), 1);
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_share_taken_out_is_dropped_from_its_end_to_its_beginning() {
    let mut estate = Estate::new(&format!("{TINY}{ROLE}"));
    estate.converge(&Options::default()).await;
    estate.write(&format!("{TINY}{SALES}"));
    did(&estate);
    estate.converge(&Options::default()).await;
    assert_eq!(did(&estate), ["AssociateDataShareConsumer", "ExecuteStatement", "ExecuteStatement"]);
    estate.write(&format!("{TINY}{ROLE}"));
    let gone = [
        "consumer-reporting-1/database-sales",
        "consumer-reporting-1/usage-sales-role-analyst",
        "datashare-partner_sales/association-consumer-reporting-1",
    ];
    assert_eq!(estate.brief(&Options::default()).await, gone.map(|address| format!("delete {address}")));
    did(&estate);
    estate.converge(&Options::default()).await;
    assert_eq!(did(&estate), ["ExecuteStatement", "ExecuteStatement", "DisassociateDataShareConsumer"]);
    assert_eq!(associated(&estate.sandbox.world()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_undone_by_hand_is_mended() {
    let mut estate = offered();
    estate.converge(&Options::default()).await;
    let somebody = estate.somebody().await;
    let consumer = estate.state().output(&"consumer-reporting-1/namespace".parse().unwrap(), "arn").unwrap().clone();
    let call = somebody.redshift.disassociate_data_share_consumer().data_share_arn(ARN);
    call.consumer_arn(consumer.as_str().unwrap()).send().await.unwrap();
    assert!(count(&estate, "consumer-reporting-1").unwrap_err().contains("does not exist or is not granted"));
    let association = "datashare-partner_sales/association-consumer-reporting-1";
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), [format!("create {association}")]);
    assert!(matches!(plan.drift[&association.parse().unwrap()].presence, Presence::Gone), "{:?}", plan.drift);
    estate.converge(&Options::default()).await;
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);

    estate.sql("consumer-reporting-1", "drop database sales").unwrap();
    let looking = Options { refresh_sql: true, ..Options::default() };
    let both = ["database-sales", "usage-sales-role-analyst"];
    assert_eq!(estate.brief(&looking).await, both.map(|resource| format!("create consumer-reporting-1/{resource}")));
    estate.converge(&looking).await;
}

/// What the other account takes back is told, and everything else goes on.
#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_told_and_the_rest_goes_on() {
    let mut estate = offered();
    estate.converge(&Options::default()).await;
    for (status, word) in [(Some("DEAUTHORIZED"), "DEAUTHORIZED"), (None, "WITHDRAWN")] {
        turn(&estate, status);
        assert!(count(&estate, "consumer-reporting-1").is_err());
        let plan = estate.plan(&Options::default()).await.unwrap();
        assert!(plan.changes.values().all(|change| matches!(change.action, Action::NoOp | Action::Refresh)));
        let told = notices(&plan);
        let address = "datashare-partner_sales/association-consumer-reporting-1";
        assert!(told.len() == 1 && told[0].starts_with(&format!("{address}: the account 210987654321")), "{told:?}");
        let command = format!(
            "({word}), and nobody reads it here until somebody there runs `aws redshift authorize-data-share \
             --data-share-arn {ARN} --consumer-identifier 123456789012`"
        );
        assert!(told[0].contains(&command), "{told:?}");
        assert!(plan.has_drifted() && plan.drift.contains_key(&address.parse().unwrap()), "{:?}", plan.drift);
        // Other changes are made; asking every warehouse changes nothing about it.
        estate.set(&[&format!("consumers.reporting.max_capacity={}", if status.is_some() { 24 } else { 32 })]);
        let outcome = estate.run(&Options { refresh_sql: true, ..Options::default() }).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert_eq!(estate.brief(&Options { refresh_sql: true, ..Options::default() }).await, [""; 0]);
    }
    // A reader that is new cannot have it: the plan says so, at the line.
    turn(&estate, None);
    estate.set(&["consumers.reporting.count=2"]);
    let refusal = estate.refusal(&Options::default()).await;
    assert!(refusal.contains("there is no such share, or it is not granted to this account"), "{refusal}");
    // It goes all the same.
    estate.set(&[]);
    estate.write(&format!("{TINY}{ROLE}"));
    estate.converge(&Options::default()).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_read_again() {
    let mut estate = offered();
    estate.converge(&Options::default()).await;
    turn(&estate, Some("DEAUTHORIZED"));
    estate.run(&Options::default()).await;
    turn(&estate, Some("AUTHORIZED"));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!((brief(&plan), notices(&plan)), (vec![], vec![]));
    estate.converge(&Options::default()).await;
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);
}

/// An association that AWS refuses is refused in its words, and nothing hangs on it.
#[tokio::test(start_paused = true)]
async fn aws_refuses_what_is_not_authorized() {
    for (status, said) in
        [(Some("PENDING_AUTHORIZATION"), "isn't authorized for the account 123456789012"), (None, "isn't authorized")]
    {
        let mut estate = offered();
        estate.preflight = false;
        turn(&estate, status);
        let outcome = estate.run(&Options::default()).await;
        let [(address, _, trouble)] = outcome.failed.as_slice() else { panic!("{:#?}", outcome.failed) };
        assert_eq!(address.to_string(), "datashare-partner_sales/association-consumer-reporting-1");
        assert!(trouble.to_string().contains(said), "{trouble}");
        let skipped: Vec<String> = outcome.skipped.iter().map(|(address, _)| address.to_string()).collect();
        assert_eq!(skipped, ["consumer-reporting-1/database-sales", "consumer-reporting-1/usage-sales-role-analyst"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_of_that_name_is_somebody_elses() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    estate.sql("consumer-reporting-1", "create database sales").unwrap();
    estate.write(&format!("{TINY}{SALES}"));
    let outcome = estate.run(&Options::default()).await;
    let [(address, _, trouble)] = outcome.failed.as_slice() else { panic!("{:#?}", outcome.failed) };
    assert_eq!(address.to_string(), "consumer-reporting-1/database-sales");
    assert!(trouble.to_string().contains("already exists"), "{trouble}");
    // Another name, and all is well; theirs is still there.
    estate.set(&["datashares.partner_sales.database=\"partner_sales\""]);
    estate.converge(&Options::default()).await;
    estate.sql("consumer-reporting-1", "select count(*) from partner_sales.flights.bookings").unwrap();
    assert_eq!(
        estate.sql(
            "consumer-reporting-1",
            "select database_type from svv_redshift_databases where database_name = 'sales'"
        ),
        Ok(vec![vec!["local".to_owned()]])
    );
}

/// It needs no producer that takes statements.
#[tokio::test(start_paused = true)]
async fn the_estates_own_producer_may_be_closed() {
    let estate = Estate::new(&format!("{TINY}{SALES}"));
    let closed = "producer.admin_password=\"external\"";
    let session = {
        let mut estate = estate;
        estate.set(&[closed]);
        estate.open().await.unwrap()
    };
    assert_eq!(session.environment.warnings().len(), 0, "{:?}", session.environment.warnings());
    let stack = session.stack().await.unwrap();
    let of_it = stack.wanted.keys().filter(|address| address.resource().starts_with("association"));
    assert_eq!(of_it.count(), 1);
}

/// What the sandbox answers is what AWS would: its words, and whom it lets read.
#[tokio::test(start_paused = true)]
async fn a_warehouse_reads_what_it_is_associated_with() {
    let mut estate = Estate::new(TINY);
    estate.converge(&Options::default()).await;
    let create =
        format!("create database sales from datashare partner_sales of account '210987654321' namespace '{PARTNER}'");
    let unread = || estate.sql("consumer-reporting-1", &create).unwrap_err();
    assert!(unread().contains("does not exist or is not granted"), "{}", unread());
    let (aws, arn) = (estate.somebody().await, |of: &str| {
        let state = estate.state();
        state.output(&format!("{of}/namespace").parse().unwrap(), "arn").unwrap().as_str().unwrap().to_owned()
    });
    let reader = arn("consumer-reporting-1");
    let associate = |share: &str, consumer: &str| {
        aws.redshift.associate_data_share_consumer().data_share_arn(share).consumer_arn(consumer).send()
    };
    let said =
        |error: String, code: &str, words: &str| assert!(error.contains(code) && error.contains(words), "{error}");
    let unknown = ARN.replace("partner_sales", "sales");
    let refused = |answer: Result<_, _>| format!("{:?}", answer.map(drop).unwrap_err());
    said(refused(associate(&unknown, &reader).await), "InvalidDataShareFault", "because the ARN doesn't exist");
    let nobody = "arn:aws:redshift-serverless:us-west-2:123456789012:namespace/nobody";
    said(refused(associate(ARN, nobody).await), "InvalidNamespaceFault", "isn't valid");
    associate(ARN, &reader).await.unwrap();
    associate(ARN, &reader).await.unwrap();
    // Whose it is must be said, and rightly.
    for whose in ["", "account '321098765432' "] {
        let create = create.replace("account '210987654321' ", whose);
        assert!(estate.sql("consumer-reporting-1", &create).is_err(), "{create}");
    }
    estate.sql("consumer-reporting-1", &create).unwrap();
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);
    // The other warehouse is not associated.
    assert!(estate.sql("producer", &create).is_err());
    let listed = |consumer: &str| aws.redshift.describe_data_shares_for_consumer().consumer_arn(consumer).send();
    let shares = listed(&reader).await.unwrap().data_shares.unwrap();
    assert_eq!(shares.iter().map(|share| share.data_share_arn.as_deref().unwrap()).collect::<Vec<_>>(), [ARN]);
    let of_producer = listed(&arn("producer")).await.unwrap().data_shares.unwrap_or_default();
    assert_eq!(of_producer.len(), 0);
    let disassociate =
        || aws.redshift.disassociate_data_share_consumer().data_share_arn(ARN).consumer_arn(&reader).send();
    disassociate().await.unwrap();
    assert!(count(&estate, "consumer-reporting-1").is_err());
    let again = format!("{:?}", disassociate().await.unwrap_err());
    said(again, "InvalidDataShareFault", "isn't associated with this data consumer");
    // The whole account at once, as its people may.
    aws.redshift
        .associate_data_share_consumer()
        .data_share_arn(ARN)
        .associate_entire_account(true)
        .send()
        .await
        .unwrap();
    assert_eq!(count(&estate, "consumer-reporting-1").unwrap(), [["12"]]);
}
