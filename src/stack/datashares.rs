//! The SQL of `[datashares]`, `[users]` and `[roles]`, per warehouse and in the order it must run (aws-facts.md 10).
//! Called by the output `data_sharing_commands` and by `datashare sql`, for people; what `apply` runs are the kinds' own
//! statements, and a test holds the two to be the same. Pure: it asks nobody, runs nothing, and never writes a statement
//! with a value it does not know; such a one becomes a comment.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::policy::partition;
use crate::aws::sql::{self, NO_PASSWORD, identifier, truth};
use crate::config::Config;
use crate::config::typed::{Consumer, Datashare, Offerer, Principal, Reader};

/// The key of the producer in the answer and in the question for its namespace.
const PRODUCER: &str = "producer";

/// Returns the SQL by warehouse (`producer`, `consumer-analytics-1`), each list in order, starting with a comment that
/// names the database to connect to. `namespace_id` answers with the namespace GUID of a warehouse once it is known.
/// Empty when nothing is declared.
#[must_use]
pub fn commands(config: &Config, namespace_id: &dyn Fn(&str) -> Option<String>) -> BTreeMap<String, Vec<String>> {
    let producer = on_producer(config, namespace_id);
    let mut all = BTreeMap::from([(PRODUCER.to_owned(), connected(&config.producer.database, producer))]);
    for (reader, consumer) in config.readers() {
        let statements = on_reader(config, reader, namespace_id);
        all.insert(reader.component(), connected(&consumer.database, statements));
    }
    all.retain(|_, statements| !statements.is_empty());
    all
}

fn connected(database: &str, statements: Vec<String>) -> Vec<String> {
    if statements.is_empty() {
        return statements;
    }
    let first = format!("-- connect to database {database}");
    [first].into_iter().chain(statements).collect()
}

fn on_producer(config: &Config, namespace_id: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut out = Vec::new();
    for (name, share) in config.own_shares() {
        contents(&mut out, name, share);
        for account in &share.accounts {
            let name = identifier(name);
            out.push(format!("GRANT USAGE ON DATASHARE {name} TO ACCOUNT '{account}';"));
            out.push(format!(
                "-- then: aws redshift authorize-data-share --consumer-identifier {account} --data-share-arn (of {name})"
            ));
        }
        for (reader, _) in receivers(config, share) {
            let component = reader.component();
            let name = identifier(name);
            out.push(match guid(namespace_id, &component) {
                Some(guid) => format!("GRANT USAGE ON DATASHARE {name} TO NAMESPACE {guid};"),
                None => format!(
                    "-- GRANT USAGE ON DATASHARE {name} to the namespace of {component}: its id is known after apply"
                ),
            });
        }
    }
    people(&mut out, config);
    out
}

/// Users and roles, and who has which: the same in every warehouse.
fn people(out: &mut Vec<String>, config: &Config) {
    for user in config.users.keys().map(|user| identifier(user)) {
        out.push(format!("CREATE USER {user} {NO_PASSWORD};"));
        out.push(format!("-- rsds apply sets the password of {user}, from its secret: nobody else could read it here"));
    }
    out.extend(config.roles.keys().map(|role| format!("CREATE ROLE {};", identifier(role))));
    let pairs = config.roles.iter().flat_map(|(role, body)| body.members.iter().map(move |member| (role, member)));
    out.extend(pairs.map(|(role, member)| format!("GRANT ROLE {} TO {};", identifier(role), principal(member))));
}

fn contents(out: &mut Vec<String>, name: &str, share: &Datashare) {
    let name = identifier(name);
    if share.create_schemas {
        out.extend(share.schemas.iter().map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {};", identifier(schema))));
    }
    let public = truth(share.publicly_accessible);
    out.push(format!("CREATE DATASHARE {name} SET PUBLICACCESSIBLE {public};"));
    for schema in &share.schemas {
        let schema = identifier(schema);
        out.push(format!("ALTER DATASHARE {name} ADD SCHEMA {schema};"));
        out.push(format!("ALTER DATASHARE {name} ADD ALL TABLES IN SCHEMA {schema};"));
        if share.include_new {
            out.push(format!("ALTER DATASHARE {name} SET INCLUDENEW = TRUE FOR SCHEMA {schema};"));
        }
    }
    // A table's schema must be in the share first; one that is listed whole already brought its tables.
    let single = || share.tables.iter().filter(|(schema, _)| !share.schemas.contains(schema));
    let schemas: BTreeSet<&String> = single().map(|(schema, _)| schema).collect();
    out.extend(schemas.into_iter().map(|schema| format!("ALTER DATASHARE {name} ADD SCHEMA {};", identifier(schema))));
    out.extend(single().map(|(schema, table)| {
        format!("ALTER DATASHARE {name} ADD TABLE {}.{};", identifier(schema), identifier(table))
    }));
}

fn on_reader(config: &Config, reader: Reader<'_>, namespace_id: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut out = Vec::new();
    let received = || config.datashares.iter().filter(|(_, share)| config.share_groups(share).contains(&reader.group));
    let producer = guid(namespace_id, PRODUCER);
    for (name, share) in received() {
        if let Some(from) = &share.from {
            taken_up(&mut out, config, name, share, from);
            continue;
        }
        let (database, name) = (identifier(&share.database), identifier(name));
        out.push(producer.as_ref().map_or_else(
            || format!("-- CREATE DATABASE {database} from the data share {name} of the producer: its namespace id is known after apply"),
            |guid| format!("CREATE DATABASE {database} FROM DATASHARE {name} OF NAMESPACE {guid};"),
        ));
    }
    people(&mut out, config);
    for (name, share) in received() {
        let database = identifier(&share.database);
        for who in grantees(config, name, share) {
            let grant = format!("GRANT USAGE ON DATABASE {database} TO {};", principal(&who));
            // Without the database the grant cannot run either.
            let known = producer.is_some() || share.from.is_some();
            out.push(if known { grant } else { format!("-- then: {grant}") });
        }
    }
    out
}

/// What a consumer runs for a share of another account. That it is associated is no SQL.
fn taken_up(out: &mut Vec<String>, config: &Config, name: &str, share: &Datashare, from: &Offerer) {
    let arn = offered_arn(config, name, from);
    out.push(format!(
        "-- first: aws redshift associate-data-share-consumer --data-share-arn {arn} --consumer-arn (of this namespace)"
    ));
    // The rules hold both to their forms.
    if let (Some(account), Some(guid)) = (sql::consumer(&from.account), sql::guid(&from.namespace)) {
        let (database, name) = (identifier(&share.database), identifier(name));
        out.push(format!("CREATE DATABASE {database} FROM DATASHARE {name} OF {account} NAMESPACE {guid};"));
    }
}

/// Returns the ARN of a share that another account offers.
pub(crate) fn offered_arn(config: &Config, name: &str, from: &Offerer) -> String {
    let (Offerer { account, namespace }, region) = (from, &config.region);
    format!("arn:{}:redshift:{region}:{account}:datashare:{namespace}/{name}", partition(region))
}

fn receivers<'a>(config: &'a Config, share: &'a Datashare) -> impl Iterator<Item = (Reader<'a>, &'a Consumer)> {
    let groups = config.share_groups(share);
    config.readers().filter(move |(reader, _)| groups.contains(&reader.group))
}

/// Returns who may use the database of a share: those it names, and the users that name it, each once.
pub(crate) fn grantees(config: &Config, name: &str, share: &Datashare) -> Vec<Principal> {
    let named = share.grant_to.iter().cloned();
    let naming = config.users.iter().filter(|(_, user)| user.grants.iter().any(|grant| grant == name));
    let mut all: Vec<Principal> = Vec::new();
    for who in named.chain(naming.map(|(user, _)| Principal::User(user.clone()))) {
        if !all.contains(&who) {
            all.push(who);
        }
    }
    all
}

fn principal(who: &Principal) -> String {
    match who {
        Principal::User(name) => identifier(name),
        Principal::Role(name) => format!("ROLE {}", identifier(name)),
    }
}

/// Returns the GUID of a warehouse as an SQL literal, only when it has the form of one.
fn guid(namespace_id: &dyn Fn(&str) -> Option<String>, warehouse: &str) -> Option<String> {
    namespace_id(warehouse).as_deref().and_then(sql::guid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    const FILE: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.40.0.0/16"
[producer]
database = "airline_dw"
[consumers.analytics]
count = 2
database = "analytics_db"
[consumers.reporting]
[datashares.airline_share]
schemas = ["flights"]
tables = ["public.dim_date", "flights.extra"]
consumers = ["analytics"]
database = "airline_shared"
create_schemas = true
grant_to = ["role:analyst"]
[users.bi_reader]
grants = ["airline_share"]
[roles.analyst]
members = ["user:bi_reader"]
"#;

    fn config() -> Config {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("environments")).unwrap();
        std::fs::write(dir.path().join("environments/dev.toml"), FILE).unwrap();
        load(dir.path(), "dev", &[]).unwrap().config
    }

    fn id(warehouse: &str) -> Option<String> {
        let digit = if warehouse == "producer" { '0' } else { warehouse.chars().next_back().unwrap() };
        Some(format!("{digit}0000000-0000-4000-8000-000000000000"))
    }

    #[test]
    fn sql_per_warehouse_in_order() {
        let all = commands(&config(), &id);
        assert_eq!(
            all["producer"],
            [
                "-- connect to database airline_dw",
                "CREATE SCHEMA IF NOT EXISTS \"flights\";",
                "CREATE DATASHARE \"airline_share\" SET PUBLICACCESSIBLE FALSE;",
                "ALTER DATASHARE \"airline_share\" ADD SCHEMA \"flights\";",
                "ALTER DATASHARE \"airline_share\" ADD ALL TABLES IN SCHEMA \"flights\";",
                "ALTER DATASHARE \"airline_share\" SET INCLUDENEW = TRUE FOR SCHEMA \"flights\";",
                "ALTER DATASHARE \"airline_share\" ADD SCHEMA \"public\";",
                "ALTER DATASHARE \"airline_share\" ADD TABLE \"public\".\"dim_date\";",
                "GRANT USAGE ON DATASHARE \"airline_share\" TO NAMESPACE '10000000-0000-4000-8000-000000000000';",
                "GRANT USAGE ON DATASHARE \"airline_share\" TO NAMESPACE '20000000-0000-4000-8000-000000000000';",
                "CREATE USER \"bi_reader\" PASSWORD DISABLE;",
                "-- rsds apply sets the password of \"bi_reader\", from its secret: nobody else could read it here",
                "CREATE ROLE \"analyst\";",
                "GRANT ROLE \"analyst\" TO \"bi_reader\";",
            ]
        );
        assert_eq!(
            all["consumer-analytics-2"][..2],
            [
                "-- connect to database analytics_db",
                "CREATE DATABASE \"airline_shared\" FROM DATASHARE \"airline_share\" OF NAMESPACE '00000000-0000-4000-8000-000000000000';",
            ]
        );
        assert_eq!(
            all["consumer-analytics-2"][2..],
            [
                "CREATE USER \"bi_reader\" PASSWORD DISABLE;",
                "-- rsds apply sets the password of \"bi_reader\", from its secret: nobody else could read it here",
                "CREATE ROLE \"analyst\";",
                "GRANT ROLE \"analyst\" TO \"bi_reader\";",
                "GRANT USAGE ON DATABASE \"airline_shared\" TO ROLE \"analyst\";",
                "GRANT USAGE ON DATABASE \"airline_shared\" TO \"bi_reader\";",
            ]
        );
        assert!(all["consumer-reporting-1"].iter().all(|line| !line.contains("airline_shared")), "not its share");
    }

    #[test]
    fn what_is_not_known_is_never_sql() {
        for answer in [None, Some("x'; DROP TABLE t; --")] {
            let all = commands(&config(), &|_| answer.map(str::to_owned));
            let open = all.values().flatten().filter(|line| line.contains("NAMESPACE") || line.contains("DATABASE"));
            assert!(open.clone().count() > 0);
            assert!(open.clone().all(|line| line.starts_with("--")), "{:?}", open.collect::<Vec<_>>());
            assert!(!format!("{all:?}").contains("DROP"));
        }
    }
}
