//! The SQL of the data sharing as a person runs it: printed, pasted, and looked at.

use super::*;

const SHARED: &str = r#"
[consumers.more]
base_capacity = 8
database = "more"
[datashares.airline_share]
schemas = ["flights"]
tables = ["public.dim_date"]
database = "airline_shared"
grant_to = ["role:analyst"]
[roles.analyst]
"#;

/// Runs one statement in the sandbox.
fn ask(folder: &Folder, warehouse: &str, statement: &str) -> Ran {
    folder.rsds(&[&["sandbox", "sql", warehouse, statement]])
}

/// The rows of a statement.
fn rows(folder: &Folder, warehouse: &str, statement: &str) -> Json {
    folder.rsds(&[&["sandbox", "sql", warehouse, statement, "--json"]]).exits(0).document("rsds.rows/1")["rows"].clone()
}

#[test]
fn what_is_applied_is_read_by_every_consumer() {
    let folder = Folder::new(&format!("{SMALL}{SHARED}"));
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let all = folder.rsds(&[&["datashare", "sql", "--json"], &FAST]).exits(0).document("rsds.sql/1");
    let all = all["warehouses"].as_array().unwrap();
    let names: Vec<&str> = all.iter().map(|part| part["warehouse"].as_str().unwrap()).collect();
    assert_eq!(names, ["producer", "consumer-more-1", "consumer-readers-1"]);
    for (name, part) in names.iter().zip(all) {
        let statements: Vec<&str> = part["sql"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let alone = folder.rsds(&[&["datashare", "sql", name], &FAST]).exits(0);
        assert_eq!(alone.out.lines().collect::<Vec<_>>(), statements);
    }
    for table in ["flights.bookings", "public.dim_date"] {
        let there = rows(&folder, "producer", &format!("select count(*) from {table}"));
        assert!(there[0][0].as_i64().unwrap() > 0, "{there}");
        for reader in &names[1..] {
            assert_eq!(
                rows(&folder, reader, &format!("select count(*) from airline_shared.{table}")),
                there,
                "{reader}"
            );
        }
    }
    let proven = folder.rsds(&[&["datashare", "verify"], &FAST]).exits(0);
    insta::assert_snapshot!(proven.out, @r"
    airline_share
      ✓ producer            share                     holds 3 tables
      ✓ consumer-more-1     database airline_shared   made from the share airline_share
      ✓ consumer-more-1     rows of flights.bookings  12 rows, as on the producer
      ✓ consumer-more-1     rows of flights.schedule  5 rows, as on the producer
      ✓ consumer-more-1     rows of public.dim_date   7 rows, as on the producer
      ✓ consumer-more-1     usage of role analyst     granted
      ✓ consumer-readers-1  database airline_shared   made from the share airline_share
      ✓ consumer-readers-1  rows of flights.bookings  12 rows, as on the producer
      ✓ consumer-readers-1  rows of flights.schedule  5 rows, as on the producer
      ✓ consumer-readers-1  rows of public.dim_date   7 rows, as on the producer
      ✓ consumer-readers-1  usage of role analyst     granted
    Verified: 11 of 11 checks hold.
    ");
    let script = folder.rsds(&[&["datashare", "sql"], &FAST]).exits(0);
    assert!(script.out.starts_with("-- producer\n-- connect to database "), "{script}");
}

/// What another account shares: read by every consumer, and by nobody here to be compared with.
#[test]
fn what_another_account_shares_is_printed_proven_and_shown() {
    let offered = r#"
[datashares.partner_sales]
account = "210987654321"
namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321"
database = "sales"
grant_to = ["role:analyst"]
[users.bi_reader]
grants = ["partner_sales"]
[roles.analyst]
"#;
    let folder = Folder::new(&format!("{SMALL}{offered}"));
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let printed = folder.rsds(&[&["datashare", "sql", "consumer-readers-1"], &FAST]).exits(0);
    insta::assert_snapshot!(printed.out, @r#"
    -- connect to database dev
    -- first: aws redshift associate-data-share-consumer --data-share-arn arn:aws:redshift:us-west-2:210987654321:datashare:2f6c1b9e-5d3a-4c70-9b1e-210987654321/partner_sales --consumer-arn (of this namespace)
    CREATE DATABASE "sales" FROM DATASHARE "partner_sales" OF ACCOUNT '210987654321' NAMESPACE '2f6c1b9e-5d3a-4c70-9b1e-210987654321';
    CREATE USER "bi_reader" PASSWORD DISABLE;
    -- rsds apply sets the password of "bi_reader", from its secret: nobody else could read it here
    CREATE ROLE "analyst";
    GRANT USAGE ON DATABASE "sales" TO ROLE "analyst";
    GRANT USAGE ON DATABASE "sales" TO "bi_reader";
    "#);
    let proven = folder.rsds(&[&["datashare", "verify", "--sample", "1"], &FAST]).exits(0);
    insta::assert_snapshot!(proven.out, @r"
    partner_sales
      ✓ consumer-readers-1  database sales            made from the share partner_sales of the account 210987654321
      ✓ consumer-readers-1  rows of flights.bookings  12 rows; not compared: its producer is not ours to ask
      ✓ consumer-readers-1  usage of role analyst     granted
      ✓ consumer-readers-1  usage of user bi_reader   granted
      ✓ consumer-readers-1  login of bi_reader        reads flights.bookings with the password of its secret
    Verified: 5 of 5 checks hold.
    ");
    let output = folder.rsds(&[&["output", "data_sharing_commands", "--json"], &FAST]).exits(0);
    assert!(output.out.contains("OF ACCOUNT '210987654321' NAMESPACE"), "{output}");
    folder.rsds(&[&["status"], &FAST]).exits(0).prints("partner_sales");
    ask(&folder, "consumer-readers-1", "drop database sales").exits(0);
    let proven = folder.rsds(&[&["datashare", "verify"], &FAST]).exits(1);
    assert!(proven.out.contains("whether the account 210987654321 took it back is told by rsds plan"), "{proven}");
    folder.rsds(&[&["datashare", "sync", "--auto-approve"], &FAST]).exits(0);
    folder.rsds(&[&["datashare", "verify"], &FAST]).exits(0);
}

#[test]
fn a_statement_that_fails_says_why_and_changes_nothing() {
    let folder = Folder::new(SMALL);
    ask(&folder, "producer", "select 1").exits(1).says("there is no warehouse `producer`").says("rsds apply");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    ask(&folder, "producr", "select 1").exits(1).says("there are: consumer-readers-1, producer");
    ask(&folder, "producer", "selec 1").exits(1).says("syntax error at or near \"selec\"");
    ask(&folder, "producer", "drop schema nowhere").exits(1).says("does not exist");
    folder
        .rsds(&[&["sandbox", "sql", "producer", "select count(*) from flights.bookings", "--database", "nowhere"]])
        .exits(1)
        .says("database \"nowhere\" does not exist");
    ask(&folder, "producer", "select count(*) as bookings from flights.bookings")
        .exits(0)
        .prints("bookings\n12\n(1 row)\n");
    folder.rsds(&[&["datashare", "sql"], &FAST]).exits(0).says("There is no SQL");
    folder.rsds(&[&["datashare", "sql", "producer"], &FAST]).exits(1).says("there is no SQL for producer");
    folder.rsds(&[&["datashare", "sql", "nobody"], &FAST]).exits(1).says("there is no warehouse `nobody`");
}

/// An estate that shares.
fn shared() -> Folder {
    let folder = Folder::new(&format!("{SMALL}{SHARED}"));
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
}

#[test]
fn what_was_undone_by_hand_is_not_verified() {
    let folder = shared();
    let verify = || folder.rsds(&[&["datashare", "verify"], &FAST]);
    let undone = [
        (
            "consumer-more-1",
            "revoke usage on database airline_shared from role analyst",
            "grant usage on database airline_shared to role analyst",
            "USAGE on the database is not granted to the role analyst",
        ),
        (
            "producer",
            "alter datashare airline_share remove all tables in schema flights",
            "alter datashare airline_share add all tables in schema flights",
            "holds 1 table",
        ),
        (
            "consumer-readers-1",
            "drop database airline_shared",
            "create database other from datashare airline_share of namespace '00000000-0000-4000-8000-000000000000'",
            "there is no such database made from a share",
        ),
    ];
    for (warehouse, undo, redo, said) in undone {
        ask(&folder, warehouse, undo).exits(0);
        let ran = verify();
        assert!(ran.out.contains(said), "{ran}");
        assert_eq!(ran.code, Some(i32::from(!said.starts_with("holds"))), "{ran}");
        ask(&folder, warehouse, redo);
    }
    // The others were asked all the same.
    let ran = verify().exits(1).prints("✓ consumer-more-1");
    assert!(ran.out.contains("✗ consumer-readers-1"), "{ran}");
    ask(&folder, "producer", "drop datashare airline_share").exits(0);
    verify().exits(1).prints("there is no such share");
}

/// The way to a cluster is another than to a workgroup.
#[test]
fn a_cluster_is_asked_too() {
    let producer = with_cluster();
    let folder = Folder::new(&format!("{producer}{SHARED}"));
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let ran = folder.rsds(&[&["datashare", "verify"], &FAST]).exits(0);
    assert!(ran.out.contains("holds 3 tables") && ran.out.contains("12 rows, as on the producer"), "{ran}");
}

#[test]
fn what_does_not_stand_is_not_verified() {
    let folder = Folder::new(&format!("{SMALL}{SHARED}"));
    let ran = folder.rsds(&[&["datashare", "verify"], &FAST]).exits(1);
    assert!(
        ran.out.contains("Not verified: 0 of 3 checks hold.") && ran.out.contains("it does not stand: rsds apply"),
        "{ran}"
    );
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["datashare", "verify"], &FAST]).exits(0).says("There is nothing to verify");
}

#[test]
fn sync_mends_what_is_inside_and_nothing_else() {
    let folder = Folder::new(&format!("{SMALL}{SHARED}"));
    let sync = [&["datashare", "sync", "--auto-approve"][..], &FAST];
    folder.rsds(&sync).exits(0).prints("No changes.");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    ask(&folder, "consumer-more-1", "drop database airline_shared").exits(0);
    folder.rsds(&[&["datashare", "verify"], &FAST]).exits(1);
    // Another capacity and another reader are not its business; what the new reader needs waits for it.
    let more = SHARED.replace("base_capacity = 8", "base_capacity = 16\ncount = 2");
    folder.write("environments/dev.toml", &format!("{SMALL}{more}"));
    let ran = folder.rsds(&sync).exits(0).prints("2 to create");
    assert!(!ran.out.contains("workgroup") && !ran.out.contains("consumer-more-2"), "{ran}");
    ask(&folder, "consumer-more-1", "select count(*) from airline_shared.flights.bookings").exits(0).prints("12");
    folder.rsds(&sync).exits(0).prints("No changes.");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(2).prints("consumer-more-2/database-airline_shared");
}
