//! Kind `redshift.database-role`: a database role of a warehouse.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never touch who is in it: that is other kinds'.

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

/// A database role. Its id is made of its warehouse's namespace and its name.
pub struct DatabaseRole;

/// What a role is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatabaseRoleSpec<S: Stage> {
    /// Its name, unique in its warehouse.
    pub name: String,
    /// The namespace of the warehouse.
    pub warehouse: S::In<NamespaceId>,
    /// A database of it to connect to.
    pub connect: String,
}

crate::outputs!(DatabaseRole =>
    /// What a role offers.
    DatabaseRoleOutputs {
        at_once {
            /// Itself, as one who is granted something.
            grantee: Grantee,
        }
        ready {}
    }
);

impl Kind for DatabaseRole {
    const NAME: &'static str = "redshift.database-role";
    const FIELDS: &'static [Field] =
        &[Field::replaces("name"), Field::replaces("warehouse").follows(), Field::replaces("connect")];
    const ACTIONS: Actions = inside::ACTIONS;
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the warehouse's namespace id and its name, `<namespace>|<name>`";

    type Spec<S: Stage> = DatabaseRoleSpec<S>;
    type Outputs = DatabaseRoleOutputs;

    fn named(text: &str) -> Option<Named> {
        named::inside(text)
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &DatabaseRoleSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        inside::delete(aws, job).await
    }
}

impl Inside for DatabaseRole {
    const REPEATS: bool = false;

    fn place(spec: &DatabaseRoleSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &DatabaseRoleSpec<Known>) -> (Id, DatabaseRoleOutputs) {
        let grantee = format!("role:{}", spec.name).into();
        (Id::of(&[spec.warehouse.as_str(), &spec.name]), DatabaseRoleOutputs { grantee })
    }

    fn is_in(spec: &DatabaseRoleSpec<Known>, catalogue: &Catalogue) -> bool {
        catalogue.role(&spec.name)
    }

    fn statements(spec: &DatabaseRoleSpec<Known>) -> Result<(String, String), Fault> {
        let name = identifier(&spec.name);
        Ok((format!("CREATE ROLE {name}"), format!("DROP ROLE {name} FORCE")))
    }
}
