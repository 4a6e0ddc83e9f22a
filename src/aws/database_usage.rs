//! Kind `redshift.database-usage`: a role or user of a consumer may use the database of a share.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its database is ours. Must never touch what others may.

use super::{
    Aws, Fault, Look, catalogue, data_api,
    fault::found,
    ids::{DatabaseName, Grantee, NamespaceId},
    named,
    sql::{grantee, guid, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
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

fn id(spec: &DatabaseUsageSpec<Known>) -> Id {
    Id::of(&[spec.warehouse.as_str(), spec.database.as_str(), spec.grantee.as_str()])
}

impl Kind for DatabaseUsage {
    const NAME: &'static str = "redshift.database-usage";
    const FIELDS: &'static [Field] = &[
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("database").follows(),
        Field::replaces("grantee").follows(),
    ];
    const ACTIONS: Actions =
        Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
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
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let (database, grantee) = (spec.database.as_str(), spec.grantee.as_str());
            let there = catalogues.show(question, &spec.warehouse, |catalogue| catalogue.usage(database, grantee));
            let outputs = DatabaseUsageOutputs {};
            there.then_some(Live { id: id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatabaseUsageSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let (database, grantee) = (identifier(spec.database.as_str()), grantee(spec.grantee.as_str()));
        let statement = format!("GRANT USAGE ON DATABASE {database} TO {grantee}");
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        Ok(Created { id: id(spec), outputs: DatabaseUsageOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let (database, grantee) = (identifier(job.spec.database.as_str()), grantee(job.spec.grantee.as_str()));
        let statement = format!("REVOKE USAGE ON DATABASE {database} FROM {grantee}");
        found(aws.execute(job.spec.warehouse.as_str(), &job.spec.connect, &statement).await)?;
        Ok(None)
    }
}
