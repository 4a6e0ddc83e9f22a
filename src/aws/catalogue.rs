//! What warehouses say of what lives inside them: data shares, databases, roles and grants, by one look.
//!
//! Called by the kinds that are made by SQL. A question wakes an idle warehouse, and is billed: what is recorded is
//! believed, unless `--refresh-sql` asks, an id is not recorded yet, or `DescribeDataShares`, which costs nothing,
//! contradicts (aws-facts.md 10.4). Must never take an answer that was not given for an absence.

use super::{
    Aws, Fault, Look,
    data_api::{NOT_FOUND, Rows, is_closed},
    database_role::DatabaseRole,
    database_usage::DatabaseUsage,
    database_user::DatabaseUser,
    datashare::Datashare,
    datashare_grant::DatashareGrant,
    fault::Called,
    ids::NamespaceId,
    role_member::RoleMember,
    shared_database::SharedDatabase,
};
use crate::kind::{AnyWhich, Kind};
use aws_sdk_redshift::types::DataShare;
use futures_util::future::try_join_all;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const SHARES: &str =
    "SELECT share_name, is_publicaccessible, source_database FROM svv_datashares WHERE share_type = 'OUTBOUND'";
pub(super) const OBJECTS: &str =
    "SELECT share_name, object_type, object_name, include_new FROM svv_datashare_objects WHERE share_type = 'OUTBOUND'";
pub(super) const TABLES: &str = "SELECT database_name, schema_name, table_name FROM svv_redshift_tables";
const SCHEMAS: &str = "SELECT database_name, schema_name FROM svv_redshift_schemas";
const CONSUMERS: &str = "SELECT share_name, consumer_namespace, consumer_account FROM svv_datashare_consumers";
const DATABASES: &str = "SELECT database_name FROM svv_redshift_databases WHERE database_type = 'shared'";
const INBOUND: &str = "SELECT consumer_database, share_name, producer_namespace, producer_account FROM svv_datashares WHERE share_type = 'INBOUND'";
const ROLES: &str = "SELECT role_name FROM svv_roles";
const USERS: &str = "SELECT usename FROM pg_user";
const USER_GRANTS: &str = "SELECT role_name, user_name FROM svv_user_grants";
const ROLE_GRANTS: &str = "SELECT granted_role_name, role_name FROM svv_role_grants";
const PRIVILEGES: &str =
    "SELECT database_name, privilege_type, identity_name, identity_type FROM svv_database_privileges";

/// What each kind asks of its warehouse.
const QUESTIONS: [(&str, &[&str]); 7] = [
    (Datashare::NAME, &[SHARES, OBJECTS, TABLES]),
    (DatashareGrant::NAME, &[SHARES, CONSUMERS]),
    (SharedDatabase::NAME, &[DATABASES, INBOUND]),
    (DatabaseRole::NAME, &[ROLES]),
    (DatabaseUser::NAME, &[USERS]),
    (RoleMember::NAME, &[USER_GRANTS, ROLE_GRANTS]),
    (DatabaseUsage::NAME, &[PRIVILEGES]),
];

/// What the `redshift` API says of a share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Whether public warehouses may read it.
    pub(crate) public: bool,
    /// The GUIDs of the namespaces, and the accounts, that it is granted to, each with its status.
    consumers: BTreeMap<String, String>,
}

impl Listed {
    /// Returns the status of a consumer.
    pub(crate) fn status(&self, consumer: &str) -> Option<&str> {
        self.consumers.get(consumer).map(String::as_str)
    }
}

/// The answers of one warehouse, by question.
#[derive(Debug)]
pub(super) struct Catalogue(BTreeMap<&'static str, Rows>);

impl Catalogue {
    /// Asks a warehouse.
    pub(super) async fn of(
        aws: &Aws,
        warehouse: &str,
        database: &str,
        questions: impl IntoIterator<Item = &'static str> + Send,
    ) -> Result<Self, Fault> {
        let questions: Vec<&str> = questions.into_iter().collect();
        let texts: Vec<String> = questions.iter().map(|question| (*question).to_owned()).collect();
        let answers = Box::pin(aws.query(warehouse, database, &texts)).await?;
        Ok(Self(questions.into_iter().zip(answers).collect()))
    }

    fn rows(&self, question: &str) -> impl Iterator<Item = &[String]> {
        self.0.get(question).into_iter().flatten().map(Vec::as_slice)
    }

    /// Returns whether a share is there and, if so, whether it is public, and of which database it is.
    pub(super) fn share(&self, name: &str) -> Option<(bool, String)> {
        let row = self.rows(SHARES).find(|row| row[0] == name)?;
        Some((is_true(&row[1]), row[2].clone()))
    }

    /// Returns the schemas of a share, and whether later tables of each come by themselves.
    pub(super) fn schemas(&self, share: &str) -> BTreeMap<String, bool> {
        let schemas = self.rows(OBJECTS).filter(|row| row[0] == share && row[1].eq_ignore_ascii_case("schema"));
        schemas.map(|row| (row[2].clone(), is_true(&row[3]))).collect()
    }

    /// Returns the tables and views of a share that lie in a schema.
    pub(super) fn shared(&self, share: &str, schema: &str) -> BTreeSet<String> {
        let is_table = |kind: &str| kind.contains("table") || kind.contains("view");
        let tables = self.rows(OBJECTS).filter(|row| row[0] == share && is_table(&row[1].to_lowercase()));
        let inside =
            |name: &str| name.split_once('.').filter(|(of, _)| *of == schema).map(|(_, table)| table.to_owned());
        tables.filter_map(|row| inside(&row[2])).collect()
    }

    /// Returns the tables and views there are in a schema.
    pub(super) fn tables(&self, database: &str, schema: &str) -> BTreeSet<String> {
        let inside = self.rows(TABLES).filter(|row| row[0] == database && row[1] == schema);
        inside.map(|row| row[2].clone()).collect()
    }

    /// Tells whether a namespace, or another account, may read a share.
    pub(super) fn granted(&self, share: &str, consumer: &str) -> bool {
        let is = |row: &[String]| if row[1].is_empty() { row[2] == consumer } else { row[1] == consumer };
        self.rows(CONSUMERS).any(|row| row[0] == share && is(row))
    }

    /// Returns whether a database stands for a share and, while that can be read, for which, its producer's GUID, and the
    /// account that is of.
    pub(super) fn database(&self, name: &str) -> Option<Option<(&str, &str, &str)>> {
        let share = self.rows(INBOUND).find(|row| row[0] == name);
        let share = share.map(|row| (row[1].as_str(), row[2].as_str(), row[3].as_str()));
        let there = share.is_some() || self.rows(DATABASES).any(|row| row[0] == name);
        there.then_some(share)
    }

    /// Tells whether there is such a role.
    pub(super) fn role(&self, name: &str) -> bool {
        self.rows(ROLES).any(|row| row[0] == name)
    }

    /// Tells whether there is such a user.
    pub(super) fn user(&self, name: &str) -> bool {
        self.rows(USERS).any(|row| row[0] == name)
    }

    /// Tells whether a role or user has a role.
    pub(super) fn member(&self, role: &str, grantee: &str) -> bool {
        let Some((kind, name)) = grantee.split_once(':') else { return false };
        let question = if kind == "role" { ROLE_GRANTS } else { USER_GRANTS };
        let role = role.trim_start_matches("role:");
        self.rows(question).any(|row| row[0] == role && row[1] == name)
    }

    /// Tells whether a role or user may use a database.
    pub(super) fn usage(&self, database: &str, grantee: &str) -> bool {
        let Some((kind, who)) = grantee.split_once(':') else { return false };
        self.rows(PRIVILEGES).any(|row| {
            row[0] == database
                && row[1].eq_ignore_ascii_case("usage")
                && row[2] == who
                && row[3].eq_ignore_ascii_case(kind)
        })
    }
}

/// Returns the schemas of a database, each with its tables and views; none where nothing computes for the warehouse.
pub(crate) async fn contents(
    aws: &Aws,
    warehouse: &str,
    database: &str,
) -> Result<Option<BTreeMap<String, BTreeSet<String>>>, Fault> {
    let catalogue = match Catalogue::of(aws, warehouse, database, [SCHEMAS, TABLES]).await {
        Err(fault) if fault.code == NOT_FOUND => return Ok(None),
        answer => answer?,
    };
    let schemas = catalogue.rows(SCHEMAS).filter(|row| row[0] == database).map(|row| row[1].clone());
    Ok(Some(schemas.map(|schema| (schema.clone(), catalogue.tables(database, &schema))).collect()))
}

/// SQL's yes, as a boolean and as its text.
fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "t" | "yes" | "1")
}

/// What was read in one look.
#[derive(Debug, Default)]
pub(super) struct Catalogues(BTreeMap<String, Catalogue>);

impl Catalogues {
    /// What a warehouse says; none where it was not asked.
    pub(super) fn of(&self, warehouse: &NamespaceId) -> Option<&Catalogue> {
        self.0.get(warehouse.as_str())
    }
}

/// Returns what the `redshift` API says of each share of this account, by ARN, listed once a look.
pub(super) async fn listed(look: &Look) -> Result<Arc<BTreeMap<String, Listed>>, Fault> {
    look.once("data shares", async { Box::pin(list(look)).await }).await
}

async fn list(aws: &Aws) -> Result<BTreeMap<String, Listed>, Fault> {
    let shares = aws.redshift.describe_data_shares().into_paginator().items().send();
    let shares: Vec<_> = shares.collect::<Result<_, _>>().called("redshift:DescribeDataShares").await?;
    Ok(by_arn(shares))
}

/// Returns what the `redshift` API says of each share that this account is a consumer of, by ARN, listed once a look.
pub(super) async fn offered(look: &Look) -> Result<Arc<BTreeMap<String, Listed>>, Fault> {
    look.once("data shares offered", async { Box::pin(offers(look)).await }).await
}

/// The same, asked now.
pub(crate) async fn offers(aws: &Aws) -> Result<BTreeMap<String, Listed>, Fault> {
    let shares = aws.redshift.describe_data_shares_for_consumer().into_paginator().items().send();
    Ok(by_arn(shares.collect::<Result<_, _>>().called("redshift:DescribeDataSharesForConsumer").await?))
}

/// The GUID of a namespace, or the account, of what the API calls a consumer: a namespace by its ARN or its GUID
/// (unconfirmed).
pub(super) fn consumer(identifier: &str) -> &str {
    identifier.rsplit(['/', ':']).next().unwrap_or_default()
}

fn by_arn(shares: Vec<DataShare>) -> BTreeMap<String, Listed> {
    let listed = shares.into_iter().filter_map(|share| {
        let associations = share.data_share_associations.unwrap_or_default();
        let consumers = associations.into_iter().filter_map(|one| {
            let status = one.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
            Some((consumer(&one.consumer_identifier?).to_owned(), status))
        });
        let public = share.allow_publicly_accessible_consumers.unwrap_or_default();
        Some((share.data_share_arn?, Listed { public, consumers: consumers.collect() }))
    });
    listed.collect()
}

fn field<'a>(which: &'a AnyWhich, name: &str) -> &'a str {
    which.spec[name].as_str().unwrap_or_default()
}

/// Tells whether the `redshift` API shows what is recorded of a share, or of a grant.
fn confirmed(kind: &str, which: &AnyWhich, listed: &BTreeMap<String, Listed>) -> bool {
    let arn = match &which.id {
        Some(id) if kind == Datashare::NAME => id.as_str(),
        _ => field(which, "share"),
    };
    let Some(listed) = listed.get(arn) else { return false };
    match kind {
        Datashare::NAME => Some(listed.public) == which.spec["publicly_accessible"].as_bool(),
        _ => listed.status(field(which, "consumer")).is_some(),
    }
}

/// What to ask a warehouse: all there is to ask, once it must be woken for anything.
#[derive(Default)]
struct Visit<'a> {
    /// The database to ask it in.
    database: &'a str,
    questions: BTreeSet<&'static str>,
    /// Whether something may have changed.
    due: bool,
    /// Whether only the warehouse itself can tell what there is.
    unknown: bool,
}

/// Reads what must be read of the warehouses a look asks about, once.
pub(super) async fn catalogues(look: &Look) -> Result<Arc<Catalogues>, Fault> {
    look.once("catalogues", async {
        let asked = |kind: &'static str| look.asked(kind).iter();
        let shares = [Datashare::NAME, DatashareGrant::NAME].into_iter().flat_map(asked);
        let listed = match shares.clone().find(|which| which.id.is_some()) {
            Some(_) => Some(listed(look).await?),
            None => None,
        };
        if QUESTIONS.iter().any(|(kind, _)| asked(kind).any(|which| which.id.is_none())) {
            Box::pin(look.calm()).await?;
        }
        let mut warehouses: BTreeMap<&str, Visit<'_>> = BTreeMap::new();
        for (kind, its) in QUESTIONS {
            let known = |which: &AnyWhich| match (kind, &listed) {
                (Datashare::NAME | DatashareGrant::NAME, Some(listed)) => confirmed(kind, which, listed),
                _ => true,
            };
            for which in asked(kind) {
                let visit = warehouses.entry(field(which, "warehouse")).or_default();
                visit.database = field(which, "connect");
                visit.unknown |= which.id.is_none();
                visit.due |= look.refresh_sql || which.id.is_none() || !known(which);
                visit.questions.extend(its);
            }
        }
        let reads = warehouses.into_iter().filter(|(_, visit)| visit.due).map(|(warehouse, visit)| async move {
            let Visit { database, questions, unknown, .. } = visit;
            match Catalogue::of(look, warehouse, database, questions).await {
                Ok(catalogue) => Ok(Some((warehouse.to_owned(), catalogue))),
                // Nothing computes there: it is made, or made again, before anything inside it can be.
                Err(fault) if fault.code == NOT_FOUND => Ok(None),
                Err(fault) if is_closed(&fault) && !unknown => {
                    let believed = "what the state says of its shares, databases and roles is believed";
                    look.warn(format!("{}; {believed}", fault.message));
                    Ok(None)
                }
                Err(fault) => Err(fault),
            }
        });
        let read: Vec<_> = try_join_all(reads).await?;
        Ok(Catalogues(read.into_iter().flatten().collect()))
    })
    .await
}
