//! ExecuteStatement, BatchExecuteStatement, CancelStatement.
//!
//! Called by the core. Must never run a statement: its time has not come when it is sent.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::iam::Caller;
use super::super::secrets::login;
use super::super::sql::{Catalogue, Warehouse, is_verified, redacted, warehouses};
use super::{AwsError, Operation, Outcome, Reply, Request, Run, World, invalid, length};

/// Longest statement in bytes.
const LONGEST: usize = 200 * 1024;
/// Most statements of a batch.
const BATCH: usize = 40;
/// Most statements that run on a warehouse.
const ACTIVE: usize = 500;
/// How long a token names the same statement.
const TOKEN: SignedDuration = SignedDuration::from_hours(8);

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "ExecuteStatement",
        mutating: true,
        params: &[
            "ClientToken",
            "ClusterIdentifier",
            "Database",
            "DbUser",
            "SecretArn",
            "Sql",
            "StatementName",
            "WorkgroupName",
        ],
        run: execute_statement,
    },
    Operation {
        name: "BatchExecuteStatement",
        mutating: true,
        params: &[
            "ClientToken",
            "ClusterIdentifier",
            "Database",
            "DbUser",
            "SecretArn",
            "Sqls",
            "StatementName",
            "WorkgroupName",
        ],
        run: batch_execute_statement,
    },
    Operation { name: "CancelStatement", mutating: true, params: &["Id"], run: cancel_statement },
];

fn execute_statement(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let text = req.text("Sql")?;
    submit(world, req, now, &[text], false)
}

fn batch_execute_statement(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let texts = req.texts("Sqls")?;
    if texts.is_empty() || texts.len() > BATCH {
        return Err(invalid(format!("Sqls must have 1 to {BATCH} statements")));
    }
    submit(world, req, now, &texts, true)
}

fn submit(world: &mut World, req: &Request, now: Timestamp, texts: &[String], batch: bool) -> Result<Reply, AwsError> {
    if texts.iter().any(|text| text.trim().is_empty()) {
        return Err(invalid("SQL statement cannot be empty."));
    }
    if texts.iter().any(|text| text.len() > LONGEST) {
        return Err(invalid("The SQL statement is longer than 200 KB."));
    }
    let token = req.opt_text("ClientToken")?;
    if token.as_ref().is_some_and(|token| token.is_empty() || token.len() > 64) {
        return Err(invalid("ClientToken must have 1 to 64 characters"));
    }
    let name = req.opt_text("StatementName")?;
    if name.as_ref().is_some_and(|name| name.len() > 2048) {
        return Err(invalid("StatementName must have at most 2048 characters"));
    }
    let same = |run: &Run| token.is_some() && run.token == token && now < run.sent + TOKEN;
    if let Some((id, run)) = world.data_api.statements.iter().find(|(_, run)| same(run)) {
        return Ok(rendered(id, run));
    }
    let warehouse = asked(world, req, now)?;
    let database = req.text("Database")?;
    let exists = match world.sql.catalogues.get(&warehouse.namespace) {
        Some(catalogue) => catalogue.databases.contains_key(&database),
        None => Catalogue::new(&warehouse.database, &warehouse.admin).databases.contains_key(&database),
    };
    if !exists {
        return Err(invalid(format!("FATAL: database \"{database}\" does not exist")));
    }
    let user = user(world, req, &warehouse, now)?;
    let active = |run: &&Run| run.namespace == warehouse.namespace && run.outcome.is_none();
    if world.data_api.statements.values().filter(active).count() >= ACTIVE {
        return Err(AwsError::new(
            "ActiveStatementsExceededException",
            "Active statements exceeded the allowed quota (500).",
        ));
    }
    let id = world.uuid();
    let run = Run {
        token,
        cluster: warehouse.name.clone().filter(|_| warehouse.cluster),
        workgroup: warehouse.name.filter(|_| !warehouse.cluster),
        namespace: warehouse.namespace,
        database,
        secret: req.opt_text("SecretArn")?,
        user,
        name,
        texts: texts.iter().map(|text| redacted(text)).collect(),
        batch,
        sent: now,
        ends: now + length(&id),
        outcome: None,
    };
    let reply = rendered(&id, &run);
    world.data_api.statements.insert(id, run);
    Ok(reply)
}

fn rendered(id: &str, run: &Run) -> Reply {
    json!({
        "Id": id,
        "CreatedAt": seconds(run.sent),
        "ClusterIdentifier": run.cluster,
        "WorkgroupName": run.workgroup,
        "Database": run.database,
        "DbUser": if run.secret.is_none() { Value::from(run.user.as_str()) } else { Value::Null },
        "SecretArn": run.secret,
    })
}

/// A moment as this API writes it.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The warehouse of a call; it must be there and able to run statements.
fn asked(world: &World, req: &Request, now: Timestamp) -> Result<Warehouse, AwsError> {
    let (cluster, workgroup) = (req.opt_text("ClusterIdentifier")?, req.opt_text("WorkgroupName")?);
    let name = match (&cluster, &workgroup) {
        (Some(name), None) => name.to_ascii_lowercase(),
        (None, Some(name)) => name.clone(),
        _ => return Err(invalid("Exactly one of ClusterIdentifier and WorkgroupName must be given.")),
    };
    let fits = |warehouse: &Warehouse| {
        warehouse.cluster == cluster.is_some()
            && (warehouse.name.as_ref() == Some(&name) || (workgroup.is_some() && warehouse.arn == name))
    };
    let Some(found) = warehouses(world, now).into_iter().find(fits) else {
        return Err(invalid("Redshift endpoint doesn't exist in this region."));
    };
    if found.runs {
        return Ok(found);
    }
    let kind = if found.cluster { "cluster" } else { "workgroup" };
    Err(invalid(format!("Redshift {kind} {name} is not available: its status is {}.", found.status)))
}

/// The database user of a call.
fn user(world: &World, req: &Request, warehouse: &Warehouse, now: Timestamp) -> Result<String, AwsError> {
    match (req.opt_text("SecretArn")?, req.opt_text("DbUser")?) {
        (Some(_), Some(_)) => Err(invalid("SecretArn and DbUser can't be given together.")),
        (Some(secret), None) if warehouse.secret.as_ref() == Some(&secret) => Ok(warehouse.admin.clone()),
        (Some(secret), None) if world.secrets.managed.contains_key(&secret) => {
            Err(invalid(format!("The secret {secret} is not one of this warehouse.")))
        }
        (Some(secret), None) => {
            let Some((user, password)) = login(world, &secret, now) else {
                return Err(invalid(format!("The secret {secret} can't be found.")));
            };
            let users = world.sql.catalogues.get(&warehouse.namespace).map(|catalogue| &catalogue.users);
            match users.and_then(|users| users.get(&user)) {
                Some(known) if known.password && is_verified(&password, &known.verifier) => Ok(user),
                _ => Err(invalid(format!("FATAL: password authentication failed for user \"{user}\""))),
            }
        }
        (None, Some(_)) if !warehouse.cluster => Err(invalid("DbUser is not supported with WorkgroupName.")),
        (None, Some(user)) => {
            let users = world.sql.catalogues.get(&warehouse.namespace).map(|catalogue| &catalogue.users);
            let known = user == warehouse.admin || users.is_some_and(|users| users.contains_key(&user));
            if known { Ok(user) } else { Err(invalid(format!("FATAL: user \"{user}\" does not exist"))) }
        }
        (None, None) => Ok(match &world.iam.caller {
            Caller::Role { name, .. } => format!("IAMR:{name}"),
            Caller::User | Caller::Root => "IAM:sandbox".to_owned(),
        }),
    }
}

fn cancel_statement(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = req.text("Id")?;
    let Some(run) = world.data_api.statements.get_mut(&id) else {
        return Err(AwsError::new("ResourceNotFoundException", "Query does not exist."));
    };
    if run.outcome.is_some() {
        let status = run.status(now);
        return Err(invalid(format!("Could not cancel a query that is already in {status} state with ID: {id}")));
    }
    run.outcome = Some(Outcome::Aborted(now));
    Ok(json!({ "Status": true }))
}
