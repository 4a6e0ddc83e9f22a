//! Kind `redshift.database-user`: a database user of a warehouse.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never name a password.

use super::{
    Aws, Fault, Look,
    catalogue::Catalogue,
    ids::{Grantee, NamespaceId},
    inside::{self, Inside},
    named,
    sql::identifier,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Stage, Typical, Which};
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

impl Kind for DatabaseUser {
    const NAME: &'static str = "redshift.database-user";
    const FIELDS: &'static [Field] =
        &[Field::replaces("name"), Field::replaces("warehouse").follows(), Field::replaces("connect")];
    const ACTIONS: Actions = inside::ACTIONS;
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the warehouse's namespace id and its name, `<namespace>|<name>`";

    type Spec<S: Stage> = DatabaseUserSpec<S>;
    type Outputs = DatabaseUserOutputs;

    fn named(text: &str) -> Option<Named> {
        named::inside(text)
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &DatabaseUserSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        inside::delete(aws, job).await
    }
}

impl Inside for DatabaseUser {
    const REPEATS: bool = false;

    fn place(spec: &DatabaseUserSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &DatabaseUserSpec<Known>) -> (Id, DatabaseUserOutputs) {
        let grantee = format!("user:{}", spec.name).into();
        (Id::of(&[spec.warehouse.as_str(), &spec.name]), DatabaseUserOutputs { grantee })
    }

    fn is_in(spec: &DatabaseUserSpec<Known>, catalogue: &Catalogue) -> bool {
        catalogue.user(&spec.name)
    }

    fn statements(spec: &DatabaseUserSpec<Known>) -> Result<(String, String), Fault> {
        let name = identifier(&spec.name);
        Ok((format!("CREATE USER {name} PASSWORD DISABLE"), format!("DROP USER {name}")))
    }
}
