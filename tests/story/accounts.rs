//! Shares with other accounts: granted by SQL, authorized by the API, taken up by somebody there.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Action, Options, Plan, Reason},
    sandbox::{World, sql::Consumer},
};

const OTHER: &str = "210987654321";

fn sharing(accounts: &str) -> String {
    format!("{TINY}[datashares.airline_share]\nschemas = [\"flights\"]\naccounts = [{accounts}]\n")
}

/// The status of each account that the share is granted to.
fn granted(world: &World) -> Vec<(String, String)> {
    let shares = world.sql.catalogues.values().flat_map(|catalogue| catalogue.shares.values());
    let of = |consumer: &Consumer| match consumer {
        Consumer::Account(account) => Some(account.clone()),
        Consumer::Namespace(_) => None,
    };
    shares.flat_map(|share| &share.grants).filter_map(|one| Some((of(&one.consumer)?, one.status.clone()))).collect()
}

fn turn(estate: &Estate, status: &str) {
    let turn = |world: &mut World| {
        let shares = world.sql.catalogues.values_mut().flat_map(|catalogue| catalogue.shares.values_mut());
        let grants = shares.flat_map(|share| &mut share.grants);
        let theirs = grants.filter(|grant| matches!(grant.consumer, Consumer::Account(_)));
        theirs.for_each(|grant| grant.status = status.to_owned());
    };
    estate.sandbox.edit(turn).unwrap();
}

fn notices(plan: &Plan) -> Vec<String> {
    plan.notices.iter().map(|(address, text)| format!("{address}: {text}")).collect()
}

#[tokio::test(start_paused = true)]
async fn another_account_is_granted_and_authorized_in_one_apply() {
    let mut estate = Estate::new(&sharing(&format!("\"{OTHER}\"")));
    estate.converge(&Options::default()).await;
    assert_eq!(granted(&estate.sandbox.world()), [(OTHER.to_owned(), "AUTHORIZED".to_owned())]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    let told = notices(&plan);
    assert!(told[0].starts_with("datashare-airline_share/authorization-210987654321: "), "{told:?}");
    assert!(told[0].contains("aws redshift associate-data-share-consumer"), "{told:?}");

    // Somebody there takes it up: that is no change of ours.
    turn(&estate, "ACTIVE");
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(notices(&plan), [""; 0]);
    assert!(plan.changes.values().all(|change| matches!(change.action, Action::NoOp | Action::Refresh)));
    estate.converge(&Options::default()).await;

    // What is undone by hand is drift.
    turn(&estate, "DEAUTHORIZED");
    assert_eq!(estate.brief(&Options::default()).await, ["create datashare-airline_share/authorization-210987654321"]);
    estate.converge(&Options::default()).await;
    estate.sql("producer", &format!("revoke usage on datashare airline_share from account '{OTHER}'")).unwrap();
    let both = ["authorization-210987654321", "grant-account-210987654321"];
    assert_eq!(
        estate.brief(&Options::default()).await,
        both.map(|resource| format!("create datashare-airline_share/{resource}"))
    );
    estate.converge(&Options::default()).await;
    assert_eq!(granted(&estate.sandbox.world()), [(OTHER.to_owned(), "AUTHORIZED".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_goes_is_deauthorized_and_then_revoked() {
    let mut estate = Estate::new(&sharing(&format!("\"{OTHER}\", \"210987654322\"")));
    estate.converge(&Options::default()).await;
    estate.write(&sharing("\"210987654322\""));
    let gone = ["authorization-210987654321", "grant-account-210987654321"];
    assert_eq!(
        estate.brief(&Options::default()).await,
        gone.map(|resource| format!("delete datashare-airline_share/{resource}"))
    );
    estate.sandbox.take_calls();
    let outcome = estate.run(&Options::default()).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let calls = estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation);
    assert_eq!(calls.collect::<Vec<_>>(), ["DeauthorizeDataShare", "ExecuteStatement"]);
    assert_eq!(granted(&estate.sandbox.world()), [("210987654322".to_owned(), "AUTHORIZED".to_owned())]);

    // With the warehouse goes what it shares, without a statement.
    let plan = estate.plan(&destroying(&[])).await.unwrap();
    let of = &plan.changes[&"datashare-airline_share/authorization-210987654322".parse().unwrap()];
    assert!(
        of.action == Action::Forget && of.reasons.iter().any(|why| matches!(why, Reason::GoesWith(_))),
        "{:?}",
        of.reasons
    );
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn ones_own_account_is_no_other_one() {
    for (accounts, said) in
        [("\"123456789012\"", "123456789012 is the estate's own account"), ("\"12\"", "`12` is not an account number")]
    {
        let estate = Estate::new(&format!("account = \"123456789012\"\n{}", sharing(accounts)));
        let refusal = estate.refusal(&Options::default()).await;
        assert!(refusal.contains(said), "{refusal}");
    }
    let twice = Estate::new(&sharing("\"210987654321\", \"210987654321\""));
    let refusal = twice.refusal(&Options::default()).await;
    assert!(refusal.contains("`210987654321` is listed twice"), "{refusal}");
    // Without `account` only AWS knows whose it is: the statement is refused, with its words.
    let mut unnamed = Estate::new(&sharing("\"123456789012\""));
    let outcome = unnamed.run(&Options::default()).await;
    let [(address, _, trouble)] = outcome.failed.as_slice() else { panic!("{:#?}", outcome.failed) };
    assert_eq!(address.to_string(), "datashare-airline_share/grant-account-123456789012");
    assert!(trouble.to_string().contains("its own account"), "{trouble}");
}
