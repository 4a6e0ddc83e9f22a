//! Kind `redshift.role-member`: a role or user of a warehouse has a database role.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never touch who else has the role.

use super::{
    Aws, Fault, Look, catalogue, data_api,
    fault::found,
    ids::{Grantee, NamespaceId},
    named,
    sql::{grantee, guid},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
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

fn id(spec: &RoleMemberSpec<Known>) -> Id {
    Id::of(&[spec.warehouse.as_str(), spec.role.as_str(), spec.grantee.as_str()])
}

impl Kind for RoleMember {
    const NAME: &'static str = "redshift.role-member";
    const FIELDS: &'static [Field] = &[
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("role").follows(),
        Field::replaces("grantee").follows(),
    ];
    const ACTIONS: Actions =
        Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
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
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let (role, grantee) = (spec.role.as_str(), spec.grantee.as_str());
            let there = catalogues.show(question, &spec.warehouse, |catalogue| catalogue.member(role, grantee));
            let outputs = RoleMemberOutputs {};
            there.then_some(Live { id: id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &RoleMemberSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let (role, grantee) = (grantee(spec.role.as_str()), grantee(spec.grantee.as_str()));
        let statement = format!("GRANT {role} TO {grantee}");
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        Ok(Created { id: id(spec), outputs: RoleMemberOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let (role, grantee) = (grantee(job.spec.role.as_str()), grantee(job.spec.grantee.as_str()));
        let statement = format!("REVOKE {role} FROM {grantee}");
        found(aws.execute(job.spec.warehouse.as_str(), &job.spec.connect, &statement).await)?;
        Ok(None)
    }
}
