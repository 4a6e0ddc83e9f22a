//! Kind `iam.role-policy-attachment`: a managed policy that a role has.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch the managed policy itself, nor a role that
//! is not the stack's own.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{PolicyArn, RoleName},
    named, role_details,
};
use crate::kind::{
    Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Other, Readiness, Stage, Typical, Which,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// The attachment of a managed policy to a role.
pub struct RolePolicyAttachment;

/// What an attachment is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RolePolicyAttachmentSpec<S: Stage> {
    /// The role that gets the policy.
    pub role: S::In<RoleName>,
    /// The managed policy.
    pub policy: PolicyArn,
}

crate::outputs!(RolePolicyAttachment =>
    /// An attachment offers nothing.
    RolePolicyAttachmentOutputs {
        at_once {}
        ready {}
    }
);

impl RolePolicyAttachment {
    fn id(spec: &RolePolicyAttachmentSpec<Known>) -> Id {
        Id::of(&[spec.role.as_str(), spec.policy.as_str()])
    }

    /// Lists what a role has, as ids; nothing for a role that does not exist.
    async fn of_role(aws: &Aws, role: &str) -> Result<BTreeSet<Id>, Fault> {
        let pages = aws.iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
        let policies = pages.collect::<Result<Vec<_>, _>>().called("iam:ListAttachedRolePolicies").await;
        let policies = found(policies)?.unwrap_or_default();
        Ok(policies.into_iter().filter_map(|policy| policy.policy_arn).map(|arn| Id::of(&[role, &arn])).collect())
    }

    fn live(id: Id) -> Live<Self> {
        let spec = RolePolicyAttachmentSpec { role: id.part(0).into(), policy: id.part(1).into() };
        Live { id, spec, outputs: RolePolicyAttachmentOutputs {}, readiness: Readiness::Ready }
    }
}

impl RolePolicyAttachment {
    /// One that is not asked for.
    pub(super) fn other(role: &str, policy: &str) -> Other {
        let (id, shown) = (Id::of(&[role, policy]), json!({ "policy": policy }));
        Other { kind: Self::NAME, within: role.to_owned(), id, shown }
    }
}

impl Kind for RolePolicyAttachment {
    const NAME: &'static str = "iam.role-policy-attachment";
    const FIELDS: &'static [Field] = &[Field::replaces("role").follows(), Field::replaces("policy")];
    const ACTIONS: Actions = Actions {
        read: &["iam:ListAttachedRolePolicies"],
        create: &["iam:AttachRolePolicy"],
        update: &[],
        delete: &["iam:DetachRolePolicy"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["role", "policy"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its role and the policy, `ROLE/arn:aws:iam::aws:policy/NAME`";

    type Spec<S: Stage> = RolePolicyAttachmentSpec<S>;
    type Outputs = RolePolicyAttachmentOutputs;

    fn named(text: &str) -> Option<Named> {
        let (role, policy) = named::pair(text, "/")?;
        policy.starts_with("arn:").then(|| named::id(Id::of(&[role, policy]).0))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let ids: Vec<Id> = which.iter().map(|w| w.id.clone().unwrap_or_else(|| Self::id(&w.spec))).collect();
        let listed = role_details::listed(look).await?;
        let is_listed = |id: &&Id| listed.get(id.part(0)).is_some_and(|role| role.attached.contains(id.part(1)));
        let (known, rest): (Vec<&Id>, Vec<&Id>) = ids.iter().partition(is_listed);
        let roles: BTreeSet<&str> = rest.into_iter().map(|id| id.part(0)).collect();
        let attached = try_join_all(roles.into_iter().map(|role| Self::of_role(look, role))).await?;
        let attached: BTreeSet<Id> = attached.into_iter().flatten().collect();
        for other in attached.iter().filter(|id| !ids.contains(id)) {
            look.saw(Self::other(other.part(0), other.part(1)));
        }
        let attached: BTreeSet<Id> = attached.into_iter().chain(known.into_iter().cloned()).collect();
        Ok(ids.into_iter().map(|id| attached.contains(&id).then(|| Self::live(id))).collect())
    }

    async fn create(aws: &Aws, spec: &RolePolicyAttachmentSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.iam.attach_role_policy().role_name(spec.role.as_str()).policy_arn(spec.policy.as_str());
        call.send().called("iam:AttachRolePolicy").await?;
        Ok(Created { id: Self::id(spec), outputs: RolePolicyAttachmentOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let call = aws.iam.detach_role_policy().role_name(job.id.part(0)).policy_arn(job.id.part(1));
        found(call.send().called("iam:DetachRolePolicy").await)?;
        Ok(None)
    }
}
