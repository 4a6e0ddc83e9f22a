//! DescribeStatement, GetStatementResult, ListStatements.
//!
//! Called by the core. Must never tell an error but in DescribeStatement.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::request::page;
use super::super::sql::{Answer, Cell};
use super::submit::seconds;
use super::{AwsError, Operation, Outcome, Reply, Request, Run, World, digest, invalid};

/// Rows on one page of a result.
const ROWS: usize = 100;
/// Statements on one page, default and most.
const STATEMENTS: usize = 100;
const STATUSES: [&str; 7] = ["ABORTED", "ALL", "FAILED", "FINISHED", "PICKED", "STARTED", "SUBMITTED"];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "DescribeStatement", mutating: false, params: &["Id"], run: describe_statement },
    Operation { name: "GetStatementResult", mutating: false, params: &["Id", "NextToken"], run: get_statement_result },
    Operation {
        name: "ListStatements",
        mutating: false,
        params: &[
            "ClusterIdentifier",
            "Database",
            "MaxResults",
            "NextToken",
            "RoleLevel",
            "StatementName",
            "Status",
            "WorkgroupName",
        ],
        run: list_statements,
    },
];

fn not_found(message: &str) -> AwsError {
    AwsError::new("ResourceNotFoundException", message)
}

/// The statement of a call, and which of a batch it names.
fn asked<'a>(world: &'a World, req: &Request) -> Result<(String, &'a Run, Option<usize>), AwsError> {
    let given = req.text("Id")?;
    let (id, nth) = match given.split_once(':') {
        Some((id, nth)) => (id, Some(nth.parse().ok().filter(|nth| *nth > 0).unwrap_or(usize::MAX))),
        None => (given.as_str(), None),
    };
    let run = world.data_api.statements.get(id).ok_or_else(|| not_found("Query does not exist."))?;
    if nth.is_some_and(|nth| !run.batch || nth > run.texts.len()) {
        return Err(not_found("Query does not exist."));
    }
    Ok((id.to_owned(), run, nth.map(|nth| nth - 1)))
}

impl Run {
    fn answer(&self, at: usize) -> Option<&Answer> {
        match &self.outcome {
            Some(Outcome::Finished(answers)) => answers.get(at).filter(|answer| !answer.columns.is_empty()),
            _ => None,
        }
    }

    fn updated(&self, now: Timestamp) -> Timestamp {
        match &self.outcome {
            Some(Outcome::Aborted(at)) => *at,
            Some(_) => self.ends,
            None => now.min(self.ends),
        }
    }

    /// What DescribeStatement tells of one statement.
    fn part(&self, id: &str, at: usize, now: Timestamp) -> Value {
        let answer = self.answer(at);
        let done = matches!(self.outcome, Some(Outcome::Finished(_)));
        let size =
            answer.map_or(0, |answer| answer.rows.iter().flatten().map(|cell| cell.shown().len()).sum::<usize>());
        let rows = answer.map_or(if done { 0 } else { -1 }, |answer| i64::try_from(answer.rows.len()).unwrap_or(-1));
        // One that fails takes the others of its transaction with it.
        let (status, error) = match &self.outcome {
            Some(Outcome::Failed(nth, error)) if *nth == at => ("FAILED", Some(error.clone())),
            Some(Outcome::Failed(nth, _)) if at > *nth => ("ABORTED", None),
            Some(Outcome::Failed(..)) => ("FAILED", Some("Rolled back with its transaction".to_owned())),
            _ => (self.status(now), None),
        };
        let duration = self.updated(now).duration_since(self.sent).as_nanos();
        let query = i64::from_str_radix(digest(id).get(..6).unwrap_or_default(), 16).unwrap_or_default();
        json!({
            "Id": id,
            "Status": status,
            "Error": error,
            "CreatedAt": seconds(self.sent),
            "UpdatedAt": seconds(self.updated(now)),
            "Duration": if self.outcome.is_some() { i64::try_from(duration).unwrap_or_default() } else { -1 },
            "HasResultSet": answer.is_some(),
            "QueryString": self.texts.get(at),
            "ResultRows": rows,
            "ResultSize": if done { i64::try_from(size).unwrap_or_default() } else { -1 },
            "RedshiftQueryId": if done { query } else { 0 },
        })
    }
}

fn describe_statement(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (id, run, nth) = asked(world, req)?;
    let mut reply = match nth {
        Some(at) => run.part(&format!("{id}:{}", at + 1), at, now),
        None => run.part(&id, 0, now),
    };
    let members = json!({
        "ClusterIdentifier": run.cluster,
        "WorkgroupName": run.workgroup,
        "Database": run.database,
        "DbUser": run.user,
        "SecretArn": run.secret,
        "RedshiftPid": 1_073_741_824,
        "ResultFormat": "JSON",
    });
    if let (Value::Object(reply), Value::Object(members)) = (&mut reply, members) {
        reply.extend(members);
        if run.batch && nth.is_none() {
            let parts = (0..run.texts.len()).map(|at| run.part(&format!("{id}:{}", at + 1), at, now));
            reply.insert("SubStatements".to_owned(), parts.collect());
            reply.insert("Status".to_owned(), run.status(now).into());
            let answers = (0..run.texts.len()).any(|at| run.answer(at).is_some());
            reply.insert("HasResultSet".to_owned(), answers.into());
            let error = match &run.outcome {
                Some(Outcome::Failed(nth, error)) => format!("Query #{} failed with {error}", nth + 1).into(),
                _ => Value::Null,
            };
            reply.insert("Error".to_owned(), error);
            reply.remove("QueryString");
        }
    }
    Ok(reply)
}

fn get_statement_result(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (_, run, nth) = asked(world, req)?;
    let answer = if run.batch { nth.and_then(|at| run.answer(at)) } else { run.answer(0) };
    let Some(answer) = answer else {
        return Err(not_found("Query does not have result. Please check query status with DescribeStatement."));
    };
    let columns: Vec<Value> = answer.columns.iter().map(|(name, kind)| column(name, kind)).collect();
    let row = |row: &Vec<Cell>| Value::from(row.iter().map(Cell::field).collect::<Vec<_>>());
    let rows = answer.rows.iter().map(row).collect();
    let (rows, next) = page(rows, req, "MaxResults", "NextToken", ROWS, 1..=ROWS)?;
    Ok(json!({ "Records": rows, "ColumnMetadata": columns, "TotalNumRows": answer.rows.len(), "NextToken": next }))
}

fn column(name: &str, kind: &str) -> Value {
    let signed = matches!(kind, "int2" | "int4" | "int8" | "float8" | "numeric");
    json!({
        "name": name,
        "label": name,
        "typeName": kind,
        "nullable": 1,
        "length": 0,
        "precision": 0,
        "scale": 0,
        "isCaseSensitive": !signed,
        "isCurrency": false,
        "isSigned": signed,
        "schemaName": "",
        "tableName": "",
    })
}

fn list_statements(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    // Finished ones alone, unless told otherwise.
    let status = req.opt_text("Status")?.unwrap_or_else(|| "FINISHED".to_owned());
    if !STATUSES.contains(&status.as_str()) {
        return Err(invalid(format!("The status {status} is not one of {}", STATUSES.join(", "))));
    }
    // Everybody here is one role.
    req.opt_bool("RoleLevel")?;
    let (prefix, database) = (req.opt_text("StatementName")?, req.opt_text("Database")?);
    let (cluster, workgroup) = (req.opt_text("ClusterIdentifier")?, req.opt_text("WorkgroupName")?);
    let fits = |run: &Run| {
        (status == "ALL" || run.status(now) == status)
            && prefix.as_ref().is_none_or(|prefix| run.name.as_ref().is_some_and(|name| name.starts_with(prefix)))
            && database.as_ref().is_none_or(|database| run.database == *database)
            && cluster.as_ref().is_none_or(|_| run.cluster == cluster)
            && workgroup.as_ref().is_none_or(|_| run.workgroup == workgroup)
    };
    let mut found: Vec<_> = world.data_api.statements.iter().filter(|(_, run)| fits(run)).collect();
    found.sort_by(|(a, one), (b, other)| (other.sent, b).cmp(&(one.sent, a)));
    let row = |(id, run): (&String, &Run)| {
        json!({
            "Id": id,
            "QueryString": if run.batch { None } else { run.texts.first() },
            "QueryStrings": if run.batch { run.texts.as_slice() } else { &[] },
            "SecretArn": run.secret,
            "Status": run.status(now),
            "StatementName": run.name,
            "CreatedAt": seconds(run.sent),
            "UpdatedAt": seconds(run.updated(now)),
            "IsBatchStatement": run.batch,
            "ResultFormat": "JSON",
        })
    };
    let found = found.into_iter().map(row).collect();
    let (found, next) = page(found, req, "MaxResults", "NextToken", STATEMENTS, 1..=STATEMENTS)?;
    Ok(json!({ "Statements": found, "NextToken": next }))
}
