//! Redshift's Data API: questions to a warehouse, one batch at a time, followed to its end.
//!
//! Called by `verify` through `Aws::query`. A warehouse is known by the GUID of its namespace, whatever workgroup or cluster
//! computes for it. Must never send a batch that changes anything: `traffic` takes it for a reading.

use super::{Aws, Class, Fault, fault::Called};
use aws_sdk_redshift::types::Cluster;
use aws_sdk_redshiftdata::types::{Field, StatusString};
use aws_sdk_redshiftserverless::types::Namespace;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{Mutex, OnceCell};

/// The calls, as IAM actions.
const BATCH: &str = "redshift-data:BatchExecuteStatement";
const DESCRIBE: &str = "redshift-data:DescribeStatement";
const RESULT: &str = "redshift-data:GetStatementResult";
/// What is asked to find a warehouse.
const NAMESPACES: &str = "redshift-serverless:ListNamespaces";
const WORKGROUPS: &str = "redshift-serverless:ListWorkgroups";
const CLUSTERS: &str = "redshift:DescribeClusters";

/// IAM actions of a question; AWS reads the secret in the caller's name.
pub const ACTIONS: [&str; 7] =
    [BATCH, DESCRIBE, RESULT, NAMESPACES, WORKGROUPS, CLUSTERS, "secretsmanager:GetSecretValue"];

/// The pause before the first look at a batch that runs.
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a batch may run: an idle warehouse wakes within a minute.
const LONGEST_RUN: Duration = Duration::from_mins(10);

/// The code of what SQL refuses: the Data API gives a text alone.
const SQL_ERROR: &str = "SqlError";

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
    /// One batch at a time.
    turn: Mutex<()>,
}

impl Way {
    fn name(&self) -> &str {
        self.workgroup.as_deref().or(self.cluster.as_deref()).unwrap_or_default()
    }
}

/// What computes, by the GUID of its namespace; listed once in a run.
#[derive(Debug, Default)]
pub struct Warehouses {
    serverless: OnceCell<BTreeMap<String, Way>>,
    /// Only asked about when a namespace is none of serverless.
    clusters: OnceCell<BTreeMap<String, Way>>,
}

async fn serverless(aws: &Aws) -> Result<BTreeMap<String, Way>, Fault> {
    let namespaces = aws.serverless.list_namespaces().into_paginator().items().send();
    let namespaces: Vec<_> = namespaces.collect::<Result<_, _>>().called(NAMESPACES).await?;
    let workgroups = aws.serverless.list_workgroups().into_paginator().items().send();
    let workgroups: Vec<_> = workgroups.collect::<Result<_, _>>().called(WORKGROUPS).await?;
    let mut names: BTreeMap<_, _> =
        workgroups.into_iter().map(|shown| (shown.namespace_name, shown.workgroup_name)).collect();
    let way = |shown: Namespace| {
        let workgroup = names.remove(&shown.namespace_name)?;
        Some((shown.namespace_id?, Way { workgroup, secret: shown.admin_password_secret_arn, ..Way::default() }))
    };
    Ok(namespaces.into_iter().filter_map(way).collect())
}

async fn clusters(aws: &Aws) -> Result<BTreeMap<String, Way>, Fault> {
    let clusters = aws.redshift.describe_clusters().into_paginator().items().send();
    let clusters: Vec<_> = clusters.collect::<Result<_, _>>().called(CLUSTERS).await?;
    let way = |shown: Cluster| {
        let namespace = shown.cluster_namespace_arn?.rsplit(':').next()?.to_owned();
        let secret = shown.master_password_secret_arn;
        let user = shown.master_username.filter(|_| secret.is_none());
        Some((namespace, Way { cluster: shown.cluster_identifier, secret, user, ..Way::default() }))
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
fn refused(at: &str, id: &str, questions: &[String], error: &str) -> Fault {
    let error = error.trim().trim_start_matches("ERROR:").trim();
    let fault = Fault::answered(BATCH, SQL_ERROR, error);
    let message = format!("{error} (in {at}: {})", questions.join("; "));
    Fault { message, request_id: Some(id.to_owned()), ..fault }
}

impl Aws {
    /// Asks questions in a database of a warehouse, as its administrator, all in one batch; one answer each.
    ///
    /// Errors: `SqlError` with Redshift's words for what SQL refuses; `WarehouseNotFound` when nothing computes for the
    /// namespace.
    pub(crate) async fn query(
        &self,
        namespace: &str,
        database: &str,
        questions: &[String],
    ) -> Result<Vec<Rows>, Fault> {
        let way = self.way(namespace).await?;
        let _turn = way.turn.lock().await;
        let call = self.data.batch_execute_statement().set_sqls(Some(questions.to_vec())).database(database);
        let call = call.statement_name(self.label(questions)).set_workgroup_name(way.workgroup.clone());
        let call = call.set_cluster_identifier(way.cluster.clone()).set_secret_arn(way.secret.clone());
        let sent = call.set_db_user(way.user.clone()).send().called(BATCH).await?;
        let id = sent.id.ok_or_else(|| Fault::incomplete(BATCH, "Id"))?;
        let parts = self.ended(way.name(), &id, questions).await?;
        try_join_all(parts.iter().map(|part| self.rows(part))).await
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
    async fn way(&self, namespace: &str) -> Result<&Way, Fault> {
        let Warehouses { serverless: first, clusters: second } = self.warehouses.as_ref();
        if let Some(way) = first.get_or_try_init(|| serverless(self)).await?.get(namespace) {
            return Ok(way);
        }
        let nowhere = || format!("no workgroup or cluster computes for the namespace {namespace}");
        let way = second.get_or_try_init(|| clusters(self)).await?.get(namespace);
        way.ok_or_else(|| Fault::of(Class::NotFound, BATCH, "WarehouseNotFound", nowhere()))
    }

    /// Follows a batch to its end. Answers the ids of its parts.
    async fn ended(&self, at: &str, id: &str, questions: &[String]) -> Result<Vec<String>, Fault> {
        let (clock, mut pause) = (self.traffic.clock(), FIRST_LOOK);
        let since = clock.elapsed();
        loop {
            clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let shown = self.data.describe_statement().id(id).send().called(DESCRIBE).await?;
            match shown.status {
                Some(StatusString::Finished) => {
                    let parts = shown.sub_statements.unwrap_or_default().into_iter().map(|part| part.id);
                    return Ok(parts.collect());
                }
                Some(StatusString::Failed | StatusString::Aborted) => {
                    let error = shown.error.unwrap_or_else(|| "it was cancelled".to_owned());
                    return Err(refused(at, id, questions, &error));
                }
                _ if clock.elapsed().saturating_sub(since) > LONGEST_RUN => {
                    return Err(refused(at, id, questions, "it has not ended after 10 minutes, and may still run"));
                }
                _ => {}
            }
        }
    }

    /// The name a batch is found by in AWS's list of statements: whose it is, and which.
    fn label(&self, questions: &[String]) -> String {
        let digest = hex::encode(&Sha256::digest(questions.concat().as_bytes())[..6]);
        format!("rsds/{}/{}/{digest}", self.owner.project, self.owner.environment)
    }
}
