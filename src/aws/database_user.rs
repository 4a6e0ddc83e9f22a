//! Kind `redshift.database-user`: a database user of a warehouse.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never name a password.

use super::{
    Aws, Fault, Look, catalogue, data_api,
    fault::found,
    ids::{Grantee, NamespaceId},
    named,
    sql::{guid, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A database user. Its id is made of its warehouse's namespace and its name.
pub struct DatabaseUser;

/// What a user is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatabaseUserSpec<S: Stage> {
    /// Its name, unique in its warehouse.
    pub name: String,
    /// The namespace of the warehouse.
    pub warehouse: S::In<NamespaceId>,
    /// A database of it to connect to.
    pub connect: String,
}

crate::outputs!(DatabaseUser =>
    /// What a user offers.
    DatabaseUserOutputs {
        at_once {
            /// Itself, as one who is granted something.
            grantee: Grantee,
        }
        ready {}
    }
);

fn outputs(spec: &DatabaseUserSpec<Known>) -> DatabaseUserOutputs {
    DatabaseUserOutputs { grantee: format!("user:{}", spec.name).into() }
}

fn id(spec: &DatabaseUserSpec<Known>) -> Id {
    Id::of(&[spec.warehouse.as_str(), &spec.name])
}

impl Kind for DatabaseUser {
    const NAME: &'static str = "redshift.database-user";
    const FIELDS: &'static [Field] =
        &[Field::replaces("name"), Field::replaces("warehouse").follows(), Field::replaces("connect")];
    const ACTIONS: Actions =
        Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the warehouse's namespace id and its name, `<namespace>|<name>`";

    type Spec<S: Stage> = DatabaseUserSpec<S>;
    type Outputs = DatabaseUserOutputs;

    fn named(text: &str) -> Option<Named> {
        let (namespace, name) = text.split_once('|')?;
        (guid(namespace).is_some() && !name.is_empty()).then(|| named::id(text))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let there = catalogues.show(question, &spec.warehouse, |catalogue| catalogue.user(&spec.name));
            there.then(|| Live { id: id(&spec), outputs: outputs(&spec), spec, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatabaseUserSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let statement = format!("CREATE USER {} PASSWORD DISABLE", identifier(&spec.name));
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        Ok(Created { id: id(spec), outputs: outputs(spec) })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let statement = format!("DROP USER {}", identifier(&job.spec.name));
        found(aws.execute(job.spec.warehouse.as_str(), &job.spec.connect, &statement).await)?;
        Ok(None)
    }
}
