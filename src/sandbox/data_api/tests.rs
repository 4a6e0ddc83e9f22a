//! What the Data API and the databases behind it do and refuse, through the operations.

use serde_json::{Value, json};

use super::super::serverless::bench::Bench;
use super::{Reply, SERVICE};

/// Two serverless warehouses with managed passwords, `producer` and `consumer`: their namespaces and secrets.
struct Pair {
    bench: Bench,
    ids: [String; 2],
    secrets: [String; 2],
}

impl Pair {
    fn new() -> Self {
        let mut bench = Bench::new();
        let mut found = Vec::new();
        for name in ["producer", "consumer"] {
            let made = json!({ "namespaceName": name, "manageAdminPassword": true });
            let namespace = bench.serverless("CreateNamespace", made)["namespace"].clone();
            bench.pass(5);
            let over = json!({ "workgroupName": name, "namespaceName": name });
            let params = bench.workgroup_params(over);
            bench.serverless("CreateWorkgroup", params);
            let text = |member: &str| namespace[member].as_str().unwrap().to_owned();
            found.push((text("namespaceId"), text("adminPasswordSecretArn")));
        }
        bench.pass(400);
        let ids = [0, 1].map(|at: usize| found[at].0.clone());
        let secrets = [0, 1].map(|at: usize| found[at].1.clone());
        Self { bench, ids, secrets }
    }

    fn params(&self, at: usize) -> Reply {
        let name = ["producer", "consumer"][at];
        json!({ "WorkgroupName": name, "Database": "dev", "SecretArn": self.secrets[at] })
    }

    fn send(&mut self, at: usize, sql: &str) -> String {
        let mut params = self.params(at);
        params["Sql"] = json!(sql);
        self.bench.id(&SERVICE, "ExecuteStatement", params, "/Id")
    }

    fn wait(&mut self, id: &str) -> Reply {
        self.bench.pass(2);
        self.bench.caught_up();
        self.bench.ok(&SERVICE, "DescribeStatement", json!({ "Id": id }))
    }

    /// Runs a statement and answers its rows.
    fn sql(&mut self, at: usize, sql: &str) -> Result<Vec<Vec<Value>>, String> {
        let id = self.send(at, sql);
        let done = self.wait(&id);
        if done["Status"] == "FAILED" {
            return Err(done["Error"].as_str().unwrap().to_owned());
        }
        assert_eq!(done["Status"], "FINISHED", "{done}");
        if done["HasResultSet"] == false {
            return Ok(Vec::new());
        }
        let result = self.bench.ok(&SERVICE, "GetStatementResult", json!({ "Id": id }));
        let cell = |cell: &Value| cell.as_object().unwrap().values().next().unwrap().clone();
        let row = |row: &Value| row.as_array().unwrap().iter().map(cell).collect();
        Ok(result["Records"].as_array().unwrap().iter().map(row).collect())
    }

    fn ok(&mut self, at: usize, sql: &str) -> Vec<Vec<Value>> {
        self.sql(at, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn refused(&mut self, at: usize, sql: &str, words: &str) {
        let error = self.sql(at, sql).expect_err(sql);
        assert!(error.contains(words), "{sql}: {error}");
    }

    fn share(&mut self) {
        let consumer = self.ids[1].clone();
        self.ok(0, "CREATE DATASHARE flights");
        self.ok(0, "ALTER DATASHARE flights ADD SCHEMA flights");
        self.ok(0, "ALTER DATASHARE flights ADD ALL TABLES IN SCHEMA flights");
        self.ok(0, &format!("GRANT USAGE ON DATASHARE flights TO NAMESPACE '{consumer}'"));
    }

    fn made_of_share(&self) -> String {
        format!("CREATE DATABASE shared FROM DATASHARE flights OF NAMESPACE '{}'", self.ids[0])
    }
}

#[test]
fn a_share_is_read_through_a_database_of_the_consumer_until_it_is_taken_away() {
    let mut pair = Pair::new();
    let create = pair.made_of_share();
    pair.refused(1, &create, "not granted");
    pair.share();
    pair.ok(1, &create);
    pair.refused(1, &create, "database \"shared\" already exists");
    pair.refused(1, &create.replace("shared", "other"), "already used");
    assert_eq!(pair.ok(1, "SELECT count(*) FROM shared.flights.bookings"), [[json!(12)]]);
    pair.refused(1, "SELECT count(*) FROM shared.public.dim_date", "does not exist");
    pair.ok(1, "CREATE EXTERNAL SCHEMA reports FROM REDSHIFT DATABASE 'shared' SCHEMA 'flights'");
    assert_eq!(pair.ok(1, "SELECT count(*) FROM reports.schedule"), [[json!(5)]]);
    let inbound = "SELECT trim(share_name) AS s, consumer_database FROM svv_datashares WHERE share_type = 'INBOUND'";
    assert_eq!(pair.ok(1, inbound), [[json!("flights"), json!("shared")]]);

    pair.ok(0, "ALTER DATASHARE flights SET INCLUDENEW TRUE FOR SCHEMA flights");
    pair.ok(0, "CREATE TABLE flights.crew (id int, name varchar(20))");
    pair.ok(0, "INSERT INTO flights.crew VALUES (1, 'a'), (2, 'b')");
    assert_eq!(pair.ok(1, "SELECT count(*) FROM shared.flights.crew"), [[json!(2)]]);
    let consumer = pair.ids[1].clone();
    pair.ok(0, &format!("REVOKE USAGE ON DATASHARE flights FROM NAMESPACE '{consumer}'"));
    pair.refused(1, "SELECT count(*) FROM shared.flights.crew", "not granted");
    pair.ok(1, "DROP DATABASE shared");
}

#[test]
fn shares_keep_their_order() {
    let mut pair = Pair::new();
    pair.share();
    pair.refused(0, "CREATE DATASHARE flights", "Datashare flights already exists");
    pair.refused(0, "ALTER DATASHARE flights ADD SCHEMA flights", "already exists in datashare");
    pair.refused(0, "ALTER DATASHARE flights ADD TABLE public.dim_date", "not added");
    pair.refused(0, "ALTER DATASHARE flights REMOVE SCHEMA flights", "remove its tables");
    pair.refused(0, "ALTER DATASHARE flights ADD TABLE flights.none", "does not exist");
    pair.refused(0, "DROP DATASHARE none", "datashare \"none\" does not exist");
    pair.refused(0, "TRUNCATE flights.bookings", "syntax error at or near \"TRUNCATE\"");
    pair.ok(0, "ALTER DATASHARE flights REMOVE ALL TABLES IN SCHEMA flights");
    pair.ok(0, "ALTER DATASHARE flights REMOVE SCHEMA flights");
    pair.ok(0, "DROP DATASHARE flights");
    assert!(pair.ok(0, "SELECT * FROM svv_datashares").is_empty());
}

#[test]
fn a_batch_is_all_or_nothing() {
    let mut pair = Pair::new();
    let mut batch = pair.params(0);
    batch["Sqls"] = json!(["CREATE SCHEMA one", "CREATE SCHEMA one"]);
    let id = pair.bench.id(&SERVICE, "BatchExecuteStatement", batch.clone(), "/Id");
    let done = pair.wait(&id);
    assert_eq!((&done["Status"], &done["SubStatements"][1]["Status"]), (&json!("FAILED"), &json!("FAILED")));
    pair.refused(0, "DROP SCHEMA one", "does not exist");
    batch["Sqls"] = json!(["SELECT current_namespace", "SELECT 1"]);
    let id = pair.bench.id(&SERVICE, "BatchExecuteStatement", batch.clone(), "/Id");
    assert_eq!(pair.wait(&id)["SubStatements"][0]["Id"], json!(format!("{id}:1")));
    let result = pair.bench.ok(&SERVICE, "GetStatementResult", json!({ "Id": format!("{id}:1") }));
    assert_eq!(result["Records"][0][0]["stringValue"], json!(pair.ids[0]));
    batch["Sqls"] = json!(["CREATE DATABASE x", "SELECT 1"]);
    let id = pair.bench.id(&SERVICE, "BatchExecuteStatement", batch, "/Id");
    assert!(pair.wait(&id)["Error"].as_str().unwrap().contains("cannot run inside a transaction block"));
}

#[test]
fn statements_take_time_and_get_in_each_others_way() {
    let mut pair = Pair::new();
    let mut params = pair.params(0);
    params["Sql"] = json!("CREATE SCHEMA one");
    params["ClientToken"] = json!("token");
    let id = pair.bench.id(&SERVICE, "ExecuteStatement", params.clone(), "/Id");
    assert_eq!(pair.bench.id(&SERVICE, "ExecuteStatement", params, "/Id"), id);
    assert_eq!(pair.bench.ok(&SERVICE, "DescribeStatement", json!({ "Id": id }))["Status"], "SUBMITTED");
    let other = pair.send(0, "CREATE SCHEMA two");
    let fates = [pair.wait(&id), pair.wait(&other)];
    let failed: Vec<_> = fates.iter().filter(|fate| fate["Status"] == "FAILED").collect();
    assert_eq!(failed.len(), 1, "{fates:?}");
    assert!(failed[0]["Error"].as_str().unwrap().contains("conflict with concurrent transaction"));
    let id = pair.send(0, "CREATE SCHEMA three");
    pair.bench.ok(&SERVICE, "CancelStatement", json!({ "Id": id }));
    assert_eq!(pair.wait(&id)["Status"], "ABORTED");
    assert_eq!(
        pair.bench.call(&SERVICE, "CancelStatement", json!({ "Id": id })).unwrap_err().code,
        "ValidationException"
    );
}

#[test]
fn others_than_the_admin_see_little_and_passwords_are_not_kept() {
    let mut pair = Pair::new();
    pair.share();
    pair.ok(0, "CREATE USER app PASSWORD 'Secret12345'");
    pair.ok(0, "CREATE ROLE readers");
    pair.ok(0, "GRANT ROLE readers TO app");
    assert_eq!(pair.ok(0, "SELECT role_name FROM svv_user_grants WHERE user_name = 'app'"), [[json!("readers")]]);
    pair.refused(0, "CREATE USER app PASSWORD DISABLE", "already exists");
    assert!(!serde_json::to_string(&pair.bench.world).unwrap().contains("Secret12345"));
    let weak = json!({ "WorkgroupName": "producer", "Database": "dev", "Sql": "SELECT * FROM svv_datashares" });
    let id = pair.bench.id(&SERVICE, "ExecuteStatement", weak, "/Id");
    assert_eq!(pair.wait(&id)["ResultRows"], 0);
    let mut foreign = pair.params(0);
    foreign["SecretArn"] = json!(pair.secrets[1]);
    foreign["Sql"] = json!("SELECT 1");
    assert_eq!(pair.bench.call(&SERVICE, "ExecuteStatement", foreign).unwrap_err().code, "ValidationException");
}
