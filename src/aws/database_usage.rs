//! Kind `redshift.database-usage`: a role or user of a consumer may use the database of a share.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its database is ours. Must never touch what others may.

use super::{
    Aws, Fault, Look,
    catalogue::Catalogue,
    ids::{DatabaseName, Grantee, NamespaceId},
    inside::{self, Inside},
    named,
    sql::{grantee, guid, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A grant of USAGE. Its id is made of the warehouse's namespace, the database and who may use it.
pub struct DatabaseUsage;

/// What a grant of USAGE is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatabaseUsageSpec<S: Stage> {
    /// The namespace of the consumer.
    pub warehouse: S::In<NamespaceId>,
    /// The consumer's own database, from which it is granted.
    pub connect: String,
    /// The database of the share.
    pub database: S::In<DatabaseName>,
    /// Who may use it.
    pub grantee: S::In<Grantee>,
}

crate::outputs!(DatabaseUsage =>
    /// A grant offers nothing.
    DatabaseUsageOutputs {
        at_once {}
        ready {}
    }
);

impl Kind for DatabaseUsage {
    const NAME: &'static str = "redshift.database-usage";
    const FIELDS: &'static [Field] = &[
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("database").follows(),
        Field::replaces("grantee").follows(),
    ];
    const ACTIONS: Actions = inside::ACTIONS;
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "database", "grantee"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "`<namespace>|<database>|role:<role>` or `...|user:<user>`";

    type Spec<S: Stage> = DatabaseUsageSpec<S>;
    type Outputs = DatabaseUsageOutputs;

    fn named(text: &str) -> Option<Named> {
        let parts: Vec<&str> = text.split('|').collect();
        let [namespace, database, grantee] = parts.as_slice() else { return None };
        let whole = guid(namespace).is_some() && !database.is_empty() && grantee.contains(':');
        whole.then(|| named::id(text))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &DatabaseUsageSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        inside::delete(aws, job).await
    }
}

impl Inside for DatabaseUsage {
    const REPEATS: bool = true;

    fn place(spec: &DatabaseUsageSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &DatabaseUsageSpec<Known>) -> (Id, DatabaseUsageOutputs) {
        let id = Id::of(&[spec.warehouse.as_str(), spec.database.as_str(), spec.grantee.as_str()]);
        (id, DatabaseUsageOutputs {})
    }

    fn is_in(spec: &DatabaseUsageSpec<Known>, catalogue: &Catalogue) -> bool {
        catalogue.usage(spec.database.as_str(), spec.grantee.as_str())
    }

    fn statements(spec: &DatabaseUsageSpec<Known>) -> Result<(String, String), Fault> {
        let (database, grantee) = (identifier(spec.database.as_str()), grantee(spec.grantee.as_str()));
        let usage = format!("USAGE ON DATABASE {database}");
        Ok((format!("GRANT {usage} TO {grantee}"), format!("REVOKE {usage} FROM {grantee}")))
    }
}
