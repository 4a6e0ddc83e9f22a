//! Kind `iam.role-policy`: a policy written into a role.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch a role that is not the stack's own: the
//! policy cannot be tagged, and is ours because its role is.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::RoleName,
    lookup::confirms,
    named,
    policy::Policy,
    role_details::{self, ACTIONS, Roles},
};
use crate::kind::{
    Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Other, Readiness, Stage, Typical, Which,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An inline policy of a role.
pub struct RolePolicy;

/// What an inline policy is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RolePolicySpec<S: Stage> {
    /// The role it is written into.
    pub role: S::In<RoleName>,
    /// Its name within the role.
    pub name: String,
    /// What it allows.
    pub policy: Policy,
}

crate::outputs!(RolePolicy =>
    /// An inline policy offers nothing.
    RolePolicyOutputs {
        at_once {}
        ready {}
    }
);

impl RolePolicy {
    fn id(spec: &RolePolicySpec<Known>) -> Id {
        Id::of(&[spec.role.as_str(), &spec.name])
    }

    async fn put(aws: &Aws, role: &str, name: &str, policy: &Policy) -> Result<(), Fault> {
        let call = aws.iam.put_role_policy().role_name(role).policy_name(name).policy_document(policy.to_string());
        call.send().called("iam:PutRolePolicy").await.map(|_| ())
    }

    /// The policy as the listing of its role shows it, if that is what is expected.
    fn listed(which: &Which<Self>, roles: &Roles) -> Option<Live<Self>> {
        let id = which.id.clone().unwrap_or_else(|| Self::id(&which.spec));
        let document = roles.get(id.part(0))?.inline.get(id.part(1))?;
        let policy = Policy::parse(ACTIONS[1], document).ok()?;
        let spec = RolePolicySpec { role: id.part(0).into(), name: id.part(1).to_owned(), policy };
        let live = Live { id, spec, outputs: RolePolicyOutputs {}, readiness: Readiness::Ready };
        confirms(which, &live).then_some(live)
    }

    async fn answer(aws: &Aws, roles: &Roles, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        match Self::listed(which, roles) {
            Some(live) => Ok(Some(live)),
            None => Self::one(aws, which).await,
        }
    }

    /// Reads one policy: `ListRolePolicies` answers names only, so it would be one call more.
    async fn one(aws: &Aws, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        let id = which.id.clone().unwrap_or_else(|| Self::id(&which.spec));
        let call = aws.iam.get_role_policy().role_name(id.part(0)).policy_name(id.part(1));
        let Some(answer) = found(call.send().called("iam:GetRolePolicy").await)? else { return Ok(None) };
        let policy = Policy::parse("iam:GetRolePolicy", &answer.policy_document)?;
        let spec = RolePolicySpec { role: answer.role_name.into(), name: answer.policy_name, policy };
        Ok(Some(Live { id, spec, outputs: RolePolicyOutputs {}, readiness: Readiness::Ready }))
    }
}

impl RolePolicy {
    /// One that is not asked for; its document as IAM writes it.
    pub(super) fn other(role: &str, name: &str, document: &str) -> Other {
        let policy = Policy::parse("iam:GetAccountAuthorizationDetails", document).ok();
        let (id, shown) = (Id::of(&[role, name]), json!({ "name": name, "policy": policy }));
        Other { kind: Self::NAME, within: role.to_owned(), id, shown }
    }
}

impl Kind for RolePolicy {
    const NAME: &'static str = "iam.role-policy";
    const FIELDS: &'static [Field] =
        &[Field::replaces("role").follows(), Field::replaces("name"), Field::updates("policy").security()];
    const ACTIONS: Actions = Actions {
        read: &["iam:GetRolePolicy"],
        create: &["iam:PutRolePolicy"],
        update: &["iam:PutRolePolicy"],
        delete: &["iam:DeleteRolePolicy"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["role", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its role and name, `ROLE:POLICY`";

    type Spec<S: Stage> = RolePolicySpec<S>;
    type Outputs = RolePolicyOutputs;

    fn named(text: &str) -> Option<Named> {
        let (role, name) = named::pair(text, ":")?;
        (role != "arn").then(|| named::id(Id::of(&[role, name]).0))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let roles = role_details::listed(look).await?;
        try_join_all(which.iter().map(|question| Self::answer(look, &roles, question))).await
    }

    async fn create(aws: &Aws, spec: &RolePolicySpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        Self::put(aws, spec.role.as_str(), &spec.name, &spec.policy).await?;
        Ok(Created { id: Self::id(spec), outputs: RolePolicyOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (role, name) = (job.id.part(0), job.id.part(1));
        match job.step.name.as_str() {
            "set policy" => Self::put(aws, role, name, &job.spec.policy).await?,
            "delete" => {
                let call = aws.iam.delete_role_policy().role_name(role).policy_name(name);
                found(call.send().called("iam:DeleteRolePolicy").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
