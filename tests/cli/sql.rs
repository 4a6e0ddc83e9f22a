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
fn what_is_printed_shares_the_rows_when_it_is_pasted() {
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
        for statement in statements.iter().filter(|statement| !statement.starts_with("--")) {
            ask(&folder, name, statement).exits(0).prints("Done.");
        }
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
    let script = folder.rsds(&[&["datashare", "sql"], &FAST]).exits(0);
    assert!(script.out.starts_with("-- producer\n-- connect to database "), "{script}");
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
