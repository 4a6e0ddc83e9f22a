//! Kind `iam.role`: what a warehouse, or a schedule, acts as.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch the policies of a role: they are kinds of
//! their own (`role_policy`, `role_policy_attachment`), nor anything outside the environment's path.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{RoleArn, RoleName},
    lookup::confirms,
    named, naming,
    policy::Policy,
    role_details::{self, ACTIONS, Listed, Roles},
    tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_iam::types::{Role as AwsRole, Tag};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

/// An IAM role.
pub struct Role;

/// What a role is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// Its name, unique in the account whatever the case.
    pub name: RoleName,
    /// The environment's path, `/rsds/<project>/<environment>/`.
    pub path: String,
    /// What it is for, at most 1000 characters; may be empty.
    pub description: String,
    /// Who may assume it.
    pub trust: Policy,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Role =>
    /// What a role offers.
    RoleOutputs {
        at_once {
            /// The role's name, which its policies go by.
            name: RoleName,
            /// The role's ARN, which warehouses go by.
            arn: RoleArn,
        }
        ready {}
    }
);

impl Role {
    /// The role as the listings show it, if they show all of it, and nothing but what is expected.
    fn listed(which: &Which<Self>, name: &str, listed: &Listed) -> Option<Live<Self>> {
        let spec = RoleSpec {
            name: name.into(),
            path: listed.path.clone(),
            description: listed.description.clone()?,
            trust: Policy::parse(ACTIONS[1], &listed.trust).ok()?,
            tags: listed.tags.clone(),
        };
        let outputs = RoleOutputs { name: spec.name.clone(), arn: listed.arn.as_str().into() };
        let live = Live { id: Id(name.to_owned()), spec, outputs, readiness: Readiness::Ready };
        confirms(which, &live).then_some(live)
    }

    async fn answer(aws: &Aws, roles: &Roles, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        let name = which.id.as_ref().map_or(which.spec.name.as_str(), Id::as_str);
        match roles.get(name).and_then(|listed| Self::listed(which, name, listed)) {
            Some(live) => Ok(Some(live)),
            None => Self::one(aws, which).await,
        }
    }

    /// Reads one role.
    async fn one(aws: &Aws, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        let name = which.id.as_ref().map_or(which.spec.name.as_str(), Id::as_str);
        let Some(answer) = found(aws.iam.get_role().role_name(name).send().called("iam:GetRole").await)? else {
            return Ok(None);
        };
        answer.role.map(Self::live).transpose()
    }

    fn live(role: AwsRole) -> Result<Live<Self>, Fault> {
        let trust = role.assume_role_policy_document.unwrap_or_default();
        let tags = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let spec = RoleSpec {
            name: role.role_name.clone().into(),
            path: role.path,
            description: role.description.unwrap_or_default(),
            trust: Policy::parse("iam:GetRole", &trust)?,
            tags: tags::own(tags),
        };
        let outputs = RoleOutputs { name: spec.name.clone(), arn: role.arn.into() };
        Ok(Live { id: Id(role.role_name), spec, outputs, readiness: Readiness::Ready })
    }

    async fn holds(aws: &Aws, name: &str) -> Result<Vec<Blocker>, Fault> {
        let attached = aws.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        let inline = aws.iam.list_role_policies().role_name(name).into_paginator().items().send();
        let profiles = aws.iam.list_instance_profiles_for_role().role_name(name).into_paginator().items().send();
        let (attached, inline, profiles) = tokio::try_join!(
            attached.collect::<Result<Vec<_>, _>>().called("iam:ListAttachedRolePolicies"),
            inline.collect::<Result<Vec<_>, _>>().called("iam:ListRolePolicies"),
            profiles.collect::<Result<Vec<_>, _>>().called("iam:ListInstanceProfilesForRole"),
        )?;
        let attached = attached.into_iter().filter_map(|policy| policy.policy_arn);
        let attached = attached.map(|arn| Blocker::new(arn, "a policy attached to it"));
        let inline = inline.into_iter().map(|name| Blocker::new(name, "a policy inside it"));
        let profiles = profiles.into_iter().map(|p| Blocker::new(p.arn, "an instance profile it is in"));
        Ok(attached.chain(inline).chain(profiles).collect())
    }
}

fn tag(key: &str, value: &str) -> Result<Tag, aws_sdk_iam::error::BuildError> {
    Tag::builder().key(key).value(value).build()
}

impl Kind for Role {
    const NAME: &'static str = "iam.role";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("path"),
        Field::updates("description"),
        Field::updates("trust").security(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["iam:GetRole"],
        create: &["iam:CreateRole", "iam:TagRole"],
        update: &["iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole"],
        delete: &[
            "iam:DeleteRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
        ],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["name"];
    const SUFFIXED: Option<(&'static str, usize)> = Some(("name", 64));
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = RoleSpec;
    type Outputs = RoleOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        let good = naming::made_of(name, 1, 64, "+=,.@_-");
        good.then_some(()).ok_or("up to 64 letters, digits, `+`, `=`, `,`, `.`, `@`, `_` and `-`")
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "iam", "role/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let roles = role_details::listed(look).await?;
        try_join_all(which.iter().map(|question| Self::answer(look, &roles, question))).await
    }

    async fn create(aws: &Aws, spec: &RoleSpec, _: &str) -> Result<Created<Self>, Fault> {
        let description = Some(spec.description.clone()).filter(|text| !text.is_empty());
        let call = aws.iam.create_role().role_name(spec.name.as_str()).path(&spec.path).set_description(description);
        let call = call.assume_role_policy_document(spec.trust.to_string());
        let call = call.set_tags(Some(tags::built(&spec.tags, tag)?));
        let answer = call.send().called("iam:CreateRole").await?;
        let role = answer.role.ok_or_else(|| Fault::incomplete("iam:CreateRole", "role"))?;
        let outputs = RoleOutputs { name: role.role_name.clone().into(), arn: role.arn.into() };
        Ok(Created { id: Id(role.role_name), outputs })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    /// Its policies, and the instance profiles it is in.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        try_join_all(which.iter().map(|question| Self::holds(aws, question.id()))).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (iam, name) = (&aws.iam, job.id.as_str());
        match job.step.name.as_str() {
            "set description" => {
                let call = iam.update_role().role_name(name).description(&job.spec.description);
                call.send().called("iam:UpdateRole").await?;
            }
            "set trust" => {
                let call = iam.update_assume_role_policy().role_name(name).policy_document(job.spec.trust.to_string());
                call.send().called("iam:UpdateAssumeRolePolicy").await?;
            }
            tags::SET_TAGS => {
                let tags = tags::built(tags::changed(&job.before.tags, &job.spec.tags), tag)?;
                iam.tag_role().role_name(name).set_tags(Some(tags)).send().called("iam:TagRole").await?;
            }
            tags::REMOVE_TAGS => {
                let keys = tags::removed(&job.before.tags, &job.spec.tags);
                iam.untag_role().role_name(name).set_tag_keys(Some(keys)).send().called("iam:UntagRole").await?;
            }
            "delete" => {
                found(iam.delete_role().role_name(name).send().called("iam:DeleteRole").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(RoleSpec) -> <Role as Kind>::Spec<Known> = |spec| spec;
