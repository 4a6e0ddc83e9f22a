//! One login everywhere: the secret of a user, the password every warehouse knows, and what becomes of both.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Options, Plan},
    stack::outputs::{secrets, warehouses},
    verify::{Proof, verify},
};

const SHARED: &str = r#"
[datashares.airline_share]
schemas = ["flights"]
database = "airline_shared"
grant_to = ["role:analyst"]
[users.bi_reader]
[users.loader]
grants = ["airline_share"]
[roles.analyst]
members = ["user:bi_reader"]
"#;

const SECRET: &str = "airline-dev-user-bi_reader";

fn rotating(user: &str) -> Options {
    Options { rotate: vec![user.to_owned()], ..Options::default() }
}

fn shown(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .filter(|(_, change)| change.action != rsds::plan::Action::NoOp)
        .map(|(address, change)| {
            let fields: Vec<&str> = change.fields.iter().map(|field| field.field.as_str()).collect();
            format!("{:?} {address} {}", change.action, fields.join(","))
        })
        .collect()
}

impl Estate {
    fn with_logins() -> Self {
        Self::new(&format!("{TWO}{SHARED}"))
    }

    /// Which logins fail, and why, when every user tries every warehouse.
    async fn locked_out(&self) -> Vec<String> {
        let session = self.open().await.unwrap();
        let config = &session.environment.config;
        let (standing, keys) = (warehouses(config, &session.state), secrets(config, &session.state));
        let checks = verify(&session.aws, config, &standing, &keys, 1).await;
        let logins: Vec<_> = checks.iter().filter(|check| check.what.starts_with("login of")).collect();
        assert_eq!(logins.len(), 2 * config.readers().count(), "{checks:#?}");
        let failed = logins.into_iter().filter_map(|check| match &check.proof {
            Proof::Fails(why) => Some(format!("{} {}: {why}", check.warehouse, check.what)),
            Proof::Holds(_) | Proof::Open(_) => None,
        });
        failed.collect()
    }

    async fn aws(&self) -> rsds::aws::Aws {
        self.open().await.unwrap().aws
    }

    async fn password(&self) -> String {
        let shown = self.aws().await.secrets.get_secret_value().secret_id(SECRET).send().await.unwrap();
        let value: serde_json::Value = serde_json::from_str(shown.secret_string().unwrap()).unwrap();
        assert_eq!(value["username"], "bi_reader");
        value["password"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn one_password_opens_every_warehouse_and_is_written_nowhere() {
    let mut estate = Estate::with_logins();
    estate.apply().await;
    estate.settled().await;
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
    let password = estate.password().await;
    assert!(password.len() == 40 && password.chars().all(|c| c.is_ascii_alphanumeric()));
    let written = [
        serde_json::to_string(&estate.store.last().unwrap()).unwrap(),
        serde_json::to_string(&estate.sandbox.world()).unwrap(),
    ];
    for text in written {
        assert!(!text.contains(&password));
    }
    // A reader added later knows it too, in the same apply.
    estate.set(&["consumers.reporting.count=2"]);
    estate.apply().await;
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_password_is_changed_in_every_warehouse_and_nothing_else_is() {
    let mut estate = Estate::with_logins();
    estate.apply().await;
    let before = estate.password().await;
    // What else the TOML asks for waits for the next apply.
    estate.set(&["consumers.reporting.max_capacity=64"]);
    let plan = estate.plan(&rotating("bi_reader")).await.unwrap();
    insta::assert_snapshot!(shown(&plan).join("\n"), @r"
    Update consumer-analytics-1/database-user-bi_reader password
    Update consumer-analytics-2/database-user-bi_reader password
    Update consumer-reporting-1/database-user-bi_reader password
    Update producer/database-user-bi_reader password
    Update user-bi_reader/secret rotations
    ");
    let outcome = estate.run(&rotating("bi_reader")).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_ne!(estate.password().await, before);
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
    let next = estate.plan(&Options::default()).await.unwrap();
    insta::assert_snapshot!(shown(&next).join("\n"), @"Update consumer-reporting-1/workgroup max_capacity");
    let refused = text(&estate.plan(&rotating("nobody")).await.err().unwrap());
    assert!(refused.contains("user-nobody/secret does not stand"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_does_to_a_secret_is_mended() {
    let mut estate = Estate::with_logins();
    estate.apply().await;
    let secrets = estate.aws().await.secrets;

    // Deleted, and to be had back: the password stays.
    let before = estate.password().await;
    secrets.delete_secret().secret_id(SECRET).send().await.unwrap();
    assert_eq!(estate.locked_out().await.len(), 3);
    insta::assert_snapshot!(shown(&estate.plan(&Options::default()).await.unwrap()).join("\n"), @"Update user-bi_reader/secret scheduled_for_deletion");
    estate.apply().await;
    assert_eq!(estate.password().await, before);
    estate.settled().await;

    // Another value: the warehouses follow.
    let new = secrets.get_random_password().exclude_punctuation(true).send().await.unwrap().random_password.unwrap();
    let value = serde_json::json!({ "username": "bi_reader", "password": new }).to_string();
    secrets.put_secret_value().secret_id(SECRET).secret_string(value).send().await.unwrap();
    assert_eq!(estate.locked_out().await.len(), 3);
    insta::assert_snapshot!(shown(&estate.plan(&Options::default()).await.unwrap()).join("\n"), @r"
    Update consumer-analytics-1/database-user-bi_reader password
    Update consumer-analytics-2/database-user-bi_reader password
    Update consumer-reporting-1/database-user-bi_reader password
    Update producer/database-user-bi_reader password
    ");
    estate.apply().await;
    assert_eq!(estate.password().await, new);
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
    estate.settled().await;

    // Gone for good: another one, with another password.
    secrets.delete_secret().secret_id(SECRET).force_delete_without_recovery(true).send().await.unwrap();
    estate.apply().await;
    assert_ne!(estate.password().await, new);
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
    estate.settled().await;

    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_user_that_was_there_already_gets_the_password_of_the_secret() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let state = estate.store.last().unwrap();
    for warehouse in ["producer", "consumer-reporting-1"] {
        let namespace = state.output(&format!("{warehouse}/namespace").parse().unwrap(), "id").unwrap();
        let statement = "create user bi_reader password 'Another1password'";
        estate.sandbox.sql("us-west-2", namespace.as_str().unwrap(), None, statement).unwrap();
    }
    estate.write(&format!("{TWO}{SHARED}"));
    estate.apply().await;
    assert_eq!(estate.locked_out().await, Vec::<String>::new());
    estate.settled().await;
}
