//! What lives inside warehouses: specs by example, and a subject for each kind.

use super::{Again, Given, Subject, given, row, subject};
use serde_json::{Value as Json, json};

const PRODUCER: (&str, &str) = ("@producer/namespace.id", "main_dw");
const ONE: (&str, &str) = ("@consumer-analytics-1/namespace.id", "analytics_db");
const TWO: (&str, &str) = ("@consumer-analytics-2/namespace.id", "analytics_db");
/// The warehouse whose own database has another name.
const REPORTING: (&str, &str) = ("@consumer-reporting-1/namespace.id", "dev");

/// What computes: without it nothing runs.
const RUN: &[&str] = &[
    "producer/workgroup",
    "consumer-analytics-1/workgroup",
    "consumer-analytics-2/workgroup",
    "consumer-reporting-1/workgroup",
];

fn after(given: Given) -> Given {
    Given { after: RUN, ..given }
}

fn share(name: &str, (warehouse, connect): (&str, &str)) -> Json {
    json!({
        "name": name, "warehouse": warehouse, "connect": connect, "publicly_accessible": false,
        "schemas": { "flights": { "all": true, "include_new": true, "tables": [], "create": true } },
    })
}

fn grant(share: &str, (warehouse, connect): (&str, &str), consumer: (&str, &str)) -> Json {
    json!({ "share": format!("@{share}.arn"), "warehouse": warehouse, "connect": connect, "consumer": consumer.0 })
}

fn authorization(account: &str) -> Json {
    json!({ "share": "@spare/share-1.arn", "warehouse": PRODUCER.0, "account": account })
}

/// What an authorization rests on.
const GRANTED: &[&str] = &[
    "spare/account-grant-1",
    "spare/account-grant-2",
    "spare/account-grant-3",
    "spare/account-grant-4",
    "spare/account-grant-5",
    "spare/account-grant-6",
    "spare/account-grant-7",
    "spare/account-grant-8",
];

/// Accounts that are not the estate's.
const ACCOUNTS: [&str; 4] = ["210987654321", "210987654322", "210987654323", "210987654324"];

/// What other accounts offer.
const SALES: &str =
    "arn:aws:redshift:us-west-2:210987654321:datashare:2f6c1b9e-5d3a-4c70-9b1e-210987654321/partner_sales";
const STOCK: &str =
    "arn:aws:redshift:us-west-2:210987654321:datashare:2f6c1b9e-5d3a-4c70-9b1e-210987654321/partner_stock";
const TRAFFIC: &str =
    "arn:aws:redshift:us-west-2:321098765432:datashare:84d0a7c3-1e52-4f9b-8a66-321098765432/harbour_traffic";

fn association(share: &str, consumer: &str) -> Json {
    json!({ "share": share, "consumer": format!("@{consumer}/namespace.arn") })
}

fn database(name: &str, (warehouse, connect): (&str, &str), share: &str) -> Json {
    json!({ "name": name, "warehouse": warehouse, "connect": connect, "share": format!("@{share}.arn") })
}

fn named(name: &str, (warehouse, connect): (&str, &str)) -> Json {
    json!({ "name": name, "warehouse": warehouse, "connect": connect })
}

/// What subjects refer to.
pub(super) fn spares() -> Vec<Given> {
    let role = |address, name, warehouse| after(given("redshift.database-role", address, named(name, warehouse)));
    let grants = [("spare/grant-1", ONE), ("spare/grant-2", TWO), ("spare/grant-3", REPORTING)];
    let grants = grants.map(|(address, consumer)| {
        after(given("redshift.datashare-grant", address, grant("spare/share-2", PRODUCER, consumer)))
    });
    let first = after(given("redshift.datashare-grant", "spare/grant-4", grant("spare/share-1", PRODUCER, ONE)));
    let database = database("spare_shared", ONE, "spare/share-1");
    let mut database = given("redshift.shared-database", "spare/database", database);
    database.after = &["spare/grant-4", "consumer-analytics-1/workgroup"];
    let mut all = vec![
        after(given("redshift.datashare", "spare/share-1", share("spare_one", PRODUCER))),
        after(given("redshift.datashare", "spare/share-2", share("spare_two", PRODUCER))),
        after(given("redshift.datashare", "spare/share-3", share("spare_three", ONE))),
        first,
        database,
        role("spare/database-role-1", "spare_one", ONE),
        role("spare/database-role-2", "spare_one", TWO),
        role("spare/database-role-3", "spare_one", REPORTING),
        role("spare/database-role-4", "spare_two", ONE),
    ];
    all.extend(grants);
    for (address, consumer) in
        [("spare/association-1", "consumer-analytics-1"), ("spare/association-2", "consumer-analytics-2")]
    {
        all.push(given("redshift.datashare-association", address, association(TRAFFIC, consumer)));
    }
    let granted = [
        ("spare/account-grant-1", "spare/share-1", PRODUCER, ACCOUNTS[0]),
        ("spare/account-grant-2", "spare/share-1", PRODUCER, ACCOUNTS[1]),
        ("spare/account-grant-3", "spare/share-1", PRODUCER, ACCOUNTS[2]),
        ("spare/account-grant-4", "spare/share-1", PRODUCER, ACCOUNTS[3]),
        ("spare/account-grant-5", "spare/share-2", PRODUCER, ACCOUNTS[0]),
        ("spare/account-grant-6", "spare/share-2", PRODUCER, ACCOUNTS[1]),
        ("spare/account-grant-7", "spare/share-3", ONE, ACCOUNTS[0]),
        ("spare/account-grant-8", "spare/share-3", ONE, ACCOUNTS[1]),
    ];
    for (address, share, warehouse, account) in granted {
        all.push(after(given("redshift.datashare-grant", address, grant(share, warehouse, (account, "")))));
    }
    for (address, account) in [("spare/authorization-1", ACCOUNTS[2]), ("spare/authorization-2", ACCOUNTS[3])] {
        let mut authorized = given("redshift.datashare-authorization", address, authorization(account));
        authorized.after = GRANTED;
        all.push(authorized);
    }
    all
}

pub(super) fn subjects() -> Vec<Subject> {
    let whole = json!({ "all": true, "include_new": true, "tables": [], "create": true });
    let frozen = json!({ "all": true, "include_new": false, "tables": [], "create": true });
    let single = |tables: &[&str]| json!({ "all": false, "include_new": false, "tables": tables, "create": false });
    let mut shared = subject(
        "redshift.datashare",
        "subject/redshift.datashare",
        share("subject", PRODUCER),
        Again::Refused,
        vec![
            row("publicly_accessible", json!(true)),
            row("schemas", json!({ "flights": frozen, "public": single(&["dim_date"]) })),
            row("schemas", json!({ "flights": single(&["bookings", "schedule"]), "later": whole })),
            row("schemas", json!({ "flights": single(&["bookings"]) })),
            row("schemas", json!({ "flights": whole })),
            row("name", json!("subject_renamed")),
            row("connect", json!(ONE.1)).with("warehouse", json!(ONE.0)),
            row("warehouse", json!(PRODUCER.0)).with("connect", json!(PRODUCER.1)),
        ],
    );
    let mut granted = subject(
        "redshift.datashare-grant",
        "subject/redshift.datashare-grant",
        grant("spare/share-1", PRODUCER, TWO),
        Again::Same,
        vec![
            row("consumer", json!(REPORTING.0)),
            row("share", json!("@subject/redshift.datashare.arn")),
            row("connect", json!(ONE.1)).with("warehouse", json!(ONE.0)).with("share", json!("@spare/share-3.arn")),
            row("warehouse", json!(PRODUCER.0))
                .with("connect", json!(PRODUCER.1))
                .with("share", json!("@spare/share-1.arn")),
        ],
    );
    let mut received = subject(
        "redshift.shared-database",
        "subject/redshift.shared-database",
        database("subject_shared", ONE, "spare/share-2"),
        Again::Refused,
        vec![
            row("name", json!("subject_renamed")),
            row("warehouse", json!(TWO.0)),
            row("connect", json!(REPORTING.1)).with("warehouse", json!(REPORTING.0)),
            row("share", json!("@spare/share-1.arn")),
        ],
    );
    let of_one = |kind, address, name: &str, other: &str| {
        subject(
            kind,
            address,
            named(name, ONE),
            Again::Refused,
            vec![
                row("name", json!(other)),
                row("warehouse", json!(TWO.0)),
                row("connect", json!(REPORTING.1)).with("warehouse", json!(REPORTING.0)),
            ],
        )
    };
    let mut role = of_one("redshift.database-role", "subject/redshift.database-role", "subject", "subject_renamed");
    let mut user = of_one("redshift.database-user", "subject/redshift.database-user", "person", "person_renamed");
    user.given.spec["password"] = json!("@spare/secret-1.password");
    user.rows.extend([row("password", json!("@spare/secret-2.password")), row("password", Json::Null)]);
    let member = |of: &str, who: &str, (warehouse, connect): (&str, &str)| {
        json!({
            "warehouse": warehouse, "connect": connect, "role": format!("@{of}.grantee"),
            "grantee": format!("@{who}.grantee"),
        })
    };
    let mut member = subject(
        "redshift.role-member",
        "subject/redshift.role-member",
        member("spare/database-role-1", "consumer-analytics-1/database-user-bi", ONE),
        Again::Same,
        vec![
            row("grantee", json!("@spare/database-role-4.grantee")),
            row("role", json!("@consumer-analytics-1/database-role-analyst.grantee")),
            row("warehouse", json!(TWO.0))
                .with("role", json!("@spare/database-role-2.grantee"))
                .with("grantee", json!("@consumer-analytics-2/database-user-bi.grantee")),
            row("connect", json!(REPORTING.1))
                .with("warehouse", json!(REPORTING.0))
                .with("role", json!("@spare/database-role-3.grantee"))
                .with("grantee", json!("@consumer-reporting-1/database-user-bi.grantee")),
        ],
    );
    let mut usage = subject(
        "redshift.database-usage",
        "subject/redshift.database-usage",
        json!({
            "warehouse": ONE.0, "connect": ONE.1, "database": "@consumer-analytics-1/database-conf_share.name",
            "grantee": "@spare/database-role-1.grantee",
        }),
        Again::Same,
        vec![
            row("grantee", json!("@spare/database-role-4.grantee")),
            row("database", json!("@spare/database.name")),
            row("warehouse", json!(TWO.0))
                .with("database", json!("@consumer-analytics-2/database-conf_share.name"))
                .with("grantee", json!("@spare/database-role-2.grantee")),
            row("connect", json!(REPORTING.1))
                .with("warehouse", json!(REPORTING.0))
                .with("database", json!("@consumer-reporting-1/database-conf_share.name"))
                .with("grantee", json!("@spare/database-role-3.grantee")),
        ],
    );
    for subject in [&mut shared, &mut granted, &mut role, &mut user, &mut member, &mut usage] {
        subject.given.after = RUN;
    }
    received.given.after = &[
        "spare/grant-1",
        "spare/grant-2",
        "spare/grant-3",
        "subject/redshift.datashare-grant",
        "consumer-analytics-1/workgroup",
        "consumer-analytics-2/workgroup",
        "consumer-reporting-1/workgroup",
    ];
    let mut authorized = subject(
        "redshift.datashare-authorization",
        "subject/redshift.datashare-authorization",
        authorization(ACCOUNTS[0]),
        Again::Same,
        vec![
            row("account", json!(ACCOUNTS[1])),
            row("share", json!("@spare/share-2.arn")),
            row("warehouse", json!(ONE.0)).with("share", json!("@spare/share-3.arn")),
        ],
    );
    authorized.given.after = GRANTED;
    let associated = subject(
        "redshift.datashare-association",
        "subject/redshift.datashare-association",
        association(SALES, "consumer-analytics-1"),
        Again::Same,
        vec![
            row("share", json!(STOCK)),
            row("consumer", json!("@consumer-analytics-2/namespace.arn")),
            row("share", json!(SALES)),
        ],
    );
    vec![shared, granted, received, role, user, member, usage, authorized, associated]
}
