//! Roles with their policies and tags, read together for the three kinds that a role is made of.
//!
//! Called by `role`, `role_policy` and `role_policy_attachment`. A listing lags, may be denied, and one of them grows with
//! the account: it must never be taken for an absence. What is not in it is asked for role by role.

use super::{
    Aws, Class, Fault, Look, fault::Called, role::Role, role_policy::RolePolicy,
    role_policy_attachment::RolePolicyAttachment, tags,
};
use crate::kind::{AnyWhich, Kind, Tags};
use aws_sdk_iam::types::{EntityType, RoleDetail};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The IAM actions that make many calls few. Where they are denied roles are read one by one.
pub const ACTIONS: [&str; 2] = ["iam:ListRoles", "iam:GetAccountAuthorizationDetails"];

/// The most items of one page.
const PAGE: i32 = 1000;
/// So many calls role by role are made all at once, and answered before a large account has been listed.
const FEW: usize = 6;

/// A role as the listings show it.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) arn: String,
    pub(super) path: String,
    /// As IAM writes it, percent-encoded.
    pub(super) trust: String,
    /// `None`: no listing told. Those of the environment's own path have one, and it may be empty.
    pub(super) description: Option<String>,
    pub(super) tags: Tags,
    /// The inline policies by name, percent-encoded.
    pub(super) inline: BTreeMap<String, String>,
    /// The ARNs of the managed policies.
    pub(super) attached: BTreeSet<String>,
}

/// Roles by name.
#[derive(Debug, Default)]
pub(super) struct Roles(BTreeMap<String, Listed>);

impl Roles {
    /// Returns a role; `None`: ask for it.
    pub(super) fn get(&self, name: &str) -> Option<&Listed> {
        self.0.get(name)
    }
}

/// What reading the roles of a look one by one would cost, in calls by role.
fn costs(look: &Look) -> BTreeMap<String, usize> {
    let part = |which: &AnyWhich, field: &str| match &which.id {
        Some(id) => id.part(0).to_owned(),
        None => which.spec[field].as_str().unwrap_or_default().to_owned(),
    };
    let asked = |kind: &str, field: &'static str| look.asked(kind).iter().map(move |which| part(which, field));
    let mut costs = BTreeMap::new();
    let attached: BTreeSet<String> = asked(RolePolicyAttachment::NAME, "role").collect();
    for name in asked(Role::NAME, "name").chain(asked(RolePolicy::NAME, "role")).chain(attached) {
        *costs.entry(name).or_default() += 1;
    }
    costs
}

/// Lists the roles that a look asks about, once; none where asking for each of them is cheaper.
pub(super) async fn listed(look: &Look) -> Result<Arc<Roles>, Fault> {
    look.once("roles", async {
        let costs = costs(look);
        if costs.values().sum::<usize>() <= FEW {
            return Ok(Roles::default());
        }
        let (descriptions, roles) = tokio::join!(descriptions(look), details(look, &costs));
        let (descriptions, mut roles) = match (descriptions, roles) {
            (Err(fault), _) | (_, Err(fault)) if fault.class == Class::Denied => {
                look.warn(format!(
                    "roles could not be listed, so each is read by itself ({} calls): {fault}; with {} a plan takes fewer",
                    costs.values().sum::<usize>(),
                    ACTIONS.join(" and "),
                ));
                return Ok(Roles::default());
            }
            (descriptions, roles) => (descriptions?, roles?),
        };
        for (name, description) in descriptions {
            if let Some(role) = roles.get_mut(&name) {
                role.description = Some(description);
            }
        }
        for (name, role) in &roles {
            let inline = role.inline.iter().map(|(policy, document)| RolePolicy::other(name, policy, document));
            let attached = role.attached.iter().map(|policy| RolePolicyAttachment::other(name, policy));
            inline.chain(attached).for_each(|other| look.saw(other));
        }
        Ok(Roles(roles))
    })
    .await
}

/// Lists the environment's own path, whose roles alone have their descriptions told by a listing.
async fn descriptions(aws: &Aws) -> Result<Vec<(String, String)>, Fault> {
    let call = aws.iam.list_roles().path_prefix(aws.owner.role_path()).max_items(PAGE);
    let pages = call.into_paginator().items().send();
    let roles: Vec<_> = pages.collect::<Result<_, _>>().called("iam:ListRoles").await?;
    Ok(roles.into_iter().map(|role| (role.role_name, role.description.unwrap_or_default())).collect())
}

/// Reads the account's roles page by page, until all that are asked about are there, or until the pages have cost what
/// asking for the missing ones costs: so it is never more than twice the cheapest way.
async fn details(aws: &Aws, costs: &BTreeMap<String, usize>) -> Result<BTreeMap<String, Listed>, Fault> {
    let (mut roles, mut read) = (BTreeMap::new(), 0);
    let call = aws.iam.get_account_authorization_details().filter(EntityType::Role).max_items(PAGE);
    let mut pages = call.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = std::future::ready(page).called("iam:GetAccountAuthorizationDetails").await?;
        read += 1;
        let found = page.role_detail_list.unwrap_or_default().into_iter().filter_map(detail);
        roles.extend(found.filter(|(name, _)| costs.contains_key(name)));
        let missing: usize = costs.iter().filter(|(name, _)| !roles.contains_key(*name)).map(|(_, cost)| cost).sum();
        if missing <= read {
            break;
        }
    }
    Ok(roles)
}

fn detail(role: RoleDetail) -> Option<(String, Listed)> {
    let inline = role.role_policy_list.unwrap_or_default().into_iter();
    let attached = role.attached_managed_policies.unwrap_or_default().into_iter();
    let listed = Listed {
        arn: role.arn?,
        path: role.path?,
        trust: role.assume_role_policy_document?,
        description: None,
        tags: tags::own(role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))),
        inline: inline.filter_map(|policy| Some((policy.policy_name?, policy.policy_document?))).collect(),
        attached: attached.filter_map(|policy| policy.policy_arn).collect(),
    };
    Some((role.role_name?, listed))
}
