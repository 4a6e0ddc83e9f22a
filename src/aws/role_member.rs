//! Kind `redshift.role-member`: a role or user of a warehouse has a database role.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never touch who else has the role.

use super::{
    Aws, Fault, Look,
    catalogue::Catalogue,
    ids::{Grantee, NamespaceId},
    inside::{self, Inside},
    named,
    sql::{grantee, guid},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A membership. Its id is made of the warehouse's namespace, the role and who has it.
pub struct RoleMember;

/// What a membership is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RoleMemberSpec<S: Stage> {
    /// The namespace of the warehouse.
    pub warehouse: S::In<NamespaceId>,
    /// A database of it to connect to.
    pub connect: String,
    /// The role, as one who is granted something.
    pub role: S::In<Grantee>,
    /// Who has it.
    pub grantee: S::In<Grantee>,
}

crate::outputs!(RoleMember =>
    /// A membership offers nothing.
    RoleMemberOutputs {
        at_once {}
        ready {}
    }
);

impl Kind for RoleMember {
    const NAME: &'static str = "redshift.role-member";
    const FIELDS: &'static [Field] = &[
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("role").follows(),
        Field::replaces("grantee").follows(),
    ];
    const ACTIONS: Actions = inside::ACTIONS;
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "role", "grantee"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "`<namespace>|role:<role>|user:<user>` or `...|role:<member>`";

    type Spec<S: Stage> = RoleMemberSpec<S>;
    type Outputs = RoleMemberOutputs;

    fn named(text: &str) -> Option<Named> {
        let parts: Vec<&str> = text.split('|').collect();
        let [namespace, role, grantee] = parts.as_slice() else { return None };
        let whole = guid(namespace).is_some() && role.starts_with("role:") && grantee.contains(':');
        whole.then(|| named::id(text))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &RoleMemberSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        inside::delete(aws, job).await
    }
}

impl Inside for RoleMember {
    const REPEATS: bool = true;

    fn place(spec: &RoleMemberSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &RoleMemberSpec<Known>) -> (Id, RoleMemberOutputs) {
        let id = Id::of(&[spec.warehouse.as_str(), spec.role.as_str(), spec.grantee.as_str()]);
        (id, RoleMemberOutputs {})
    }

    fn is_in(spec: &RoleMemberSpec<Known>, catalogue: &Catalogue) -> bool {
        catalogue.member(spec.role.as_str(), spec.grantee.as_str())
    }

    fn statements(spec: &RoleMemberSpec<Known>) -> Result<(String, String), Fault> {
        let (role, grantee) = (grantee(spec.role.as_str()), grantee(spec.grantee.as_str()));
        Ok((format!("GRANT {role} TO {grantee}"), format!("REVOKE {role} FROM {grantee}")))
    }
}
