//! Redshift's Data API: statements to a warehouse, one at a time, each followed to its end.
//!
//! Called by the kinds whose resources live inside a warehouse and by `verify`, through `Aws::execute` and `Aws::query`. A
//! warehouse is known by the GUID of its namespace, whatever workgroup or cluster computes for it. Must never send two
//! statements to one warehouse at once (they would conflict, aws-facts.md 10.5), nor a batch that changes anything:
//! `traffic` takes it for a reading.

use super::{Aws, Class, Fault, fault::Called, sql::shown};
use aws_sdk_redshift::types::Cluster;
use aws_sdk_redshiftdata::types::{Field, StatusString};
use aws_sdk_redshiftserverless::types::Namespace;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// The calls, as IAM actions.
const EXECUTE: &str = "redshift-data:ExecuteStatement";
const BATCH: &str = "redshift-data:BatchExecuteStatement";
const LIST: &str = "redshift-data:ListStatements";
const DESCRIBE: &str = "redshift-data:DescribeStatement";
const RESULT: &str = "redshift-data:GetStatementResult";
/// What is asked to find a warehouse.
const NAMESPACES: &str = "redshift-serverless:ListNamespaces";
const WORKGROUPS: &str = "redshift-serverless:ListWorkgroups";
const CLUSTERS: &str = "redshift:DescribeClusters";

/// IAM actions of a question; AWS reads the secret in the caller's name.
pub const TO_QUERY: &[&str] =
    &[BATCH, DESCRIBE, RESULT, NAMESPACES, WORKGROUPS, CLUSTERS, "secretsmanager:GetSecretValue"];

/// IAM actions of reading a catalogue (`super::catalogue`).
pub(super) const TO_READ: &[&str] = &[
    BATCH,
    DESCRIBE,
    RESULT,
    LIST,
    NAMESPACES,
    WORKGROUPS,
    CLUSTERS,
    "redshift:DescribeDataShares",
    "secretsmanager:GetSecretValue",
];

/// IAM actions of a statement.
pub(super) const TO_EXECUTE: &[&str] =
    &[EXECUTE, DESCRIBE, NAMESPACES, WORKGROUPS, CLUSTERS, "secretsmanager:GetSecretValue"];

/// The pause between two looks at a statement in its first second, in which most are over; then it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a statement may run: an idle warehouse wakes within a minute.
const LONGEST_RUN: Duration = Duration::from_mins(10);

/// The code of what SQL refuses: the Data API gives a text alone.
const SQL_ERROR: &str = "SqlError";
/// The code of a namespace that nothing computes for.
pub(super) const NOT_FOUND: &str = "WarehouseNotFound";

/// The code of a warehouse that nobody can enter as its administrator.
const NO_WAY_IN: &str = "NoAdministrator";

/// Rows of an answer: the columns of the question in their order, blanks at the ends taken off, null as an empty text.
pub(crate) type Rows = Vec<Vec<String>>;

/// How to reach a warehouse as its administrator.
#[derive(Debug, Default)]
struct Way {
    workgroup: Option<String>,
    cluster: Option<String>,
    /// The secret AWS keeps the administrator's password in.
    secret: Option<String>,
    /// The administrator, where a cluster has no such secret.
    user: Option<String>,
    /// One statement at a time.
    turn: Mutex<()>,
}

impl Way {
    fn name(&self) -> &str {
        self.workgroup.as_deref().or(self.cluster.as_deref()).unwrap_or_default()
    }
}

/// The ways that a run knows, by the GUID of the warehouse's namespace; listed when one is missing.
#[derive(Debug, Default)]
pub struct Warehouses(Mutex<BTreeMap<String, Arc<Way>>>);

async fn serverless(aws: &Aws) -> Result<BTreeMap<String, Arc<Way>>, Fault> {
    let namespaces = aws.serverless.list_namespaces().into_paginator().items().send();
    let namespaces: Vec<_> = namespaces.collect::<Result<_, _>>().called(NAMESPACES).await?;
    let workgroups = aws.serverless.list_workgroups().into_paginator().items().send();
    let workgroups: Vec<_> = workgroups.collect::<Result<_, _>>().called(WORKGROUPS).await?;
    let mut names: BTreeMap<_, _> =
        workgroups.into_iter().map(|shown| (shown.namespace_name, shown.workgroup_name)).collect();
    let way = |shown: Namespace| {
        let workgroup = names.remove(&shown.namespace_name)?;
        let way = Way { workgroup, secret: shown.admin_password_secret_arn, ..Way::default() };
        Some((shown.namespace_id?, Arc::new(way)))
    };
    Ok(namespaces.into_iter().filter_map(way).collect())
}

async fn clusters(aws: &Aws) -> Result<BTreeMap<String, Arc<Way>>, Fault> {
    let clusters = aws.redshift.describe_clusters().into_paginator().items().send();
    let clusters: Vec<_> = clusters.collect::<Result<_, _>>().called(CLUSTERS).await?;
    let way = |shown: Cluster| {
        let namespace = shown.cluster_namespace_arn?.rsplit(':').next()?.to_owned();
        let secret = shown.master_password_secret_arn;
        let user = shown.master_username.filter(|_| secret.is_none());
        let way = Way { cluster: shown.cluster_identifier, secret, user, ..Way::default() };
        Some((namespace, Arc::new(way)))
    };
    Ok(clusters.into_iter().filter_map(way).collect())
}

fn text(field: Field) -> String {
    let text = match field {
        Field::StringValue(text) => text,
        Field::LongValue(number) => number.to_string(),
        Field::DoubleValue(number) => number.to_string(),
        Field::BooleanValue(yes) => yes.to_string(),
        // Blobs are asked for nowhere; null, and what is newer than this client, is nothing.
        _ => String::new(),
    };
    text.trim().to_owned()
}

/// What SQL has refused: where, which statements, and Redshift's own words.
fn refused(call: &str, at: &str, id: &str, statements: &[String], error: &str) -> Fault {
    let error = error.trim().trim_start_matches("ERROR:").trim();
    let fault = Fault::answered(call, SQL_ERROR, error);
    let statements: Vec<String> = statements.iter().map(|statement| shown(statement)).collect();
    let message = format!("{error} (in {at}: {})", statements.join("; "));
    Fault { message, request_id: Some(id.to_owned()), ..fault }
}

/// Tells whether a warehouse stands and takes no statements of ours: it is paused, resized, patched, or closed.
pub(crate) fn is_closed(fault: &Fault) -> bool {
    let sleeps = fault.class == Class::Busy || fault.message.contains("paus");
    fault.code == NO_WAY_IN || (fault.code == "ValidationException" && sleeps)
}

impl Aws {
    /// Runs one statement in a database of a warehouse, as its administrator, and waits for its end.
    ///
    /// Errors: `SqlError` with Redshift's words for what SQL refuses; `WarehouseNotFound` when nothing computes for the
    /// namespace.
    pub(super) async fn execute(&self, namespace: &str, database: &str, statement: &str) -> Result<(), Fault> {
        let way = self.way(namespace).await?;
        let _turn = way.turn.lock().await;
        let statements = [statement.to_owned()];
        let call = self.data.execute_statement().sql(statement).database(database);
        let call = call.statement_name(self.label(&statements)).set_workgroup_name(way.workgroup.clone());
        let call = call.set_cluster_identifier(way.cluster.clone()).set_secret_arn(way.secret.clone());
        let sent = self.sent(namespace, call.set_db_user(way.user.clone()).send().called(EXECUTE).await).await?;
        let id = sent.id.ok_or_else(|| Fault::incomplete(EXECUTE, "Id"))?;
        self.ended(EXECUTE, way.name(), &id, &statements).await.map(drop)
    }

    /// Asks questions in a database of a warehouse, as its administrator, all in one batch; one answer each.
    ///
    /// Errors: as `execute`.
    pub(crate) async fn query(
        &self,
        namespace: &str,
        database: &str,
        questions: &[String],
    ) -> Result<Vec<Rows>, Fault> {
        self.query_as(None, namespace, database, questions).await
    }

    /// The same as whoever a secret logs in.
    pub(crate) async fn query_as(
        &self,
        secret: Option<&str>,
        namespace: &str,
        database: &str,
        questions: &[String],
    ) -> Result<Vec<Rows>, Fault> {
        let way = self.way(namespace).await?;
        let _turn = way.turn.lock().await;
        let call = self.data.batch_execute_statement().set_sqls(Some(questions.to_vec())).database(database);
        let call = call.statement_name(self.label(questions)).set_workgroup_name(way.workgroup.clone());
        let (user, secret) = match secret {
            Some(secret) => (None, Some(secret.to_owned())),
            None => (way.user.clone(), way.secret.clone()),
        };
        let call = call.set_cluster_identifier(way.cluster.clone()).set_secret_arn(secret).set_db_user(user);
        let sent = self.sent(namespace, call.send().called(BATCH).await).await?;
        let id = sent.id.ok_or_else(|| Fault::incomplete(BATCH, "Id"))?;
        let parts = self.ended(BATCH, way.name(), &id, questions).await?;
        try_join_all(parts.iter().map(|part| self.rows(part))).await
    }

    /// Waits for what an interrupted run of this estate has sent and what still runs: only then the catalogues say what
    /// came of it.
    pub(super) async fn calm(&self) -> Result<(), Fault> {
        for status in [StatusString::Submitted, StatusString::Picked, StatusString::Started] {
            let list = self.data.list_statements().status(status).statement_name(self.names());
            let running = list.into_paginator().items().send();
            let running: Vec<_> = running.collect::<Result<_, _>>().called(LIST).await?;
            for one in running {
                match self.ended(EXECUTE, "", &one.id, &[]).await {
                    Err(fault) if fault.code != SQL_ERROR => return Err(fault),
                    // Whatever it was, it is over.
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn rows(&self, id: &str) -> Result<Rows, Fault> {
        let mut pages = self.data.get_statement_result().id(id).into_paginator().send();
        let mut rows = Rows::new();
        while let Some(page) = pages.next().await {
            let page = async { page }.called(RESULT).await?;
            rows.extend(page.records.into_iter().map(|row| row.into_iter().map(text).collect()));
        }
        Ok(rows)
    }

    /// How to reach what computes for a namespace.
    async fn way(&self, namespace: &str) -> Result<Arc<Way>, Fault> {
        let mut ways = self.warehouses.0.lock().await;
        for kind in [true, false] {
            if !ways.contains_key(namespace) {
                let listed = if kind { Box::pin(serverless(self)).await? } else { Box::pin(clusters(self)).await? };
                // One that is known keeps its turn.
                listed.into_iter().for_each(|(namespace, way)| {
                    ways.entry(namespace).or_insert(way);
                });
            }
        }
        let nowhere = || format!("no workgroup or cluster computes for the namespace {namespace}");
        let way = ways.get(namespace).ok_or_else(|| Fault::of(Class::NotFound, BATCH, NOT_FOUND, nowhere()))?;
        if way.secret.is_none() && way.user.is_none() {
            // Anybody else sees no rows, and that is no error (aws-facts.md 10.3).
            let message = format!("AWS keeps no administrator's secret of {}, so there is no way into it", way.name());
            return Err(Fault::of(Class::Denied, BATCH, NO_WAY_IN, message));
        }
        Ok(Arc::clone(way))
    }

    /// Forgets the way to a warehouse that did not take a statement: its workgroup may have been replaced.
    async fn sent<T>(&self, namespace: &str, answer: Result<T, Fault>) -> Result<T, Fault> {
        if answer.is_err() {
            self.warehouses.0.lock().await.remove(namespace);
        }
        answer
    }

    /// Follows a statement to its end. Answers the ids of its parts.
    async fn ended(&self, call: &str, at: &str, id: &str, statements: &[String]) -> Result<Vec<String>, Fault> {
        let (clock, mut pause) = (self.traffic.clock(), FIRST_PAUSE);
        let since = clock.elapsed();
        loop {
            clock.sleep(pause).await;
            let ran = clock.elapsed().saturating_sub(since);
            if ran >= FIRST_PAUSE * 4 {
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            let shown = self.data.describe_statement().id(id).send().called(DESCRIBE).await?;
            match shown.status {
                Some(StatusString::Finished) => {
                    let parts = shown.sub_statements.unwrap_or_default().into_iter().map(|part| part.id);
                    let mut parts: Vec<String> = parts.collect();
                    // `<id>:<n>`, from 1 (aws-facts.md 11).
                    parts.sort_by_key(|part| part.rsplit(':').next().and_then(|nth| nth.parse::<u32>().ok()));
                    return Ok(parts);
                }
                Some(StatusString::Failed | StatusString::Aborted) => {
                    let error = shown.error.unwrap_or_else(|| "it was cancelled".to_owned());
                    return Err(refused(call, at, id, statements, &error));
                }
                _ if ran > LONGEST_RUN => {
                    return Err(refused(
                        call,
                        at,
                        id,
                        statements,
                        "it has not ended after 10 minutes, and may still run",
                    ));
                }
                _ => {}
            }
        }
    }

    /// How the names of this estate's statements begin in AWS's list of statements.
    fn names(&self) -> String {
        format!("rsds/{}/{}/", self.owner.project, self.owner.environment)
    }

    /// The name statements are found by: whose they are, and which.
    fn label(&self, statements: &[String]) -> String {
        let digest = hex::encode(&Sha256::digest(statements.concat().as_bytes())[..6]);
        format!("{}{digest}", self.names())
    }
}
