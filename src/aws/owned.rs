//! What carries an environment's ownership tags, whoever remembers it: the Resource Groups Tagging API, and for IAM
//! roles, which that does not list, the environment's path.
//!
//! Called by `session` where there is no state, and by `state rebuild`. Must never take a name for ownership.

use super::{Aws, Class, Fault, Owner, fault::Called, tags};
use crate::kind::Tags;
use aws_sdk_kms::types::KeyState;
use aws_sdk_resourcegroupstagging::{Client, types::TagFilter};
use futures_util::future::try_join_all;

/// The IAM actions that these look-ups need.
pub const ACTIONS: [&str; 4] = ["tag:GetResources", "iam:ListRoles", "iam:ListRoleTags", "kms:DescribeKey"];
/// The most resources one page holds.
const PAGE: i32 = 100;

/// A resource that carries the environment's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: Tags,
}

impl Owned {
    /// The lineage of the state it was made with; empty where its tags do not say.
    pub fn lineage(&self) -> &str {
        Owner::lineage(&self.tags).unwrap_or_default()
    }

    /// The address it was made as.
    pub fn address(&self) -> Option<&str> {
        Owner::address(&self.tags)
    }

    /// Tells a backup, which outlives the estate on purpose.
    pub fn is_backup(&self) -> bool {
        let resource = self.arn.splitn(6, ':').nth(5).unwrap_or_default();
        resource.starts_with("snapshot:") || resource.starts_with("snapshot/")
    }
}

/// Lists what carries the tags of the owner's project and environment, of whatever lineage: one call a hundred. What is
/// only waiting for its deletion is left out. `copies` is the region that copies of snapshots go to: what is the estate's
/// there is listed too, and no more, for another estate of this name may be there.
pub async fn tagged(aws: &Aws, copies: Option<&str>) -> Result<Vec<Owned>, Fault> {
    let elsewhere = async {
        match copies {
            Some(region) => list_by(aws, &aws.elsewhere(region).tagging, &["redshift:snapshotcopygrant"]).await,
            None => Ok(Vec::new()),
        }
    };
    let (owned, elsewhere) = tokio::try_join!(list(aws, &[]), elsewhere)?;
    let owned = owned.into_iter().chain(elsewhere);
    let stays = try_join_all(owned.map(|owned| stays(aws, owned))).await?;
    Ok(stays.into_iter().flatten().collect())
}

/// Lists what carries the tags of the owner's project and environment in these services, or in all: one call a hundred.
pub(super) async fn list(aws: &Aws, services: &[&str]) -> Result<Vec<Owned>, Fault> {
    list_by(aws, &aws.tagging, services).await
}

async fn list_by(aws: &Aws, tagging: &Client, services: &[&str]) -> Result<Vec<Owned>, Fault> {
    let filter = |(key, value): &(&str, &str)| TagFilter::builder().key(*key).values(*value).build();
    let filters = aws.owner.filters()[..2].iter().map(filter).collect();
    let services = services.iter().map(|service| (*service).to_owned()).collect::<Vec<_>>();
    let call = tagging.get_resources().set_tag_filters(Some(filters)).resources_per_page(PAGE);
    let call = call.set_resource_type_filters(Some(services).filter(|services| !services.is_empty()));
    let pages = call.into_paginator().items().send();
    let found: Vec<_> = pages.collect::<Result<_, _>>().called("tag:GetResources").await?;
    let owned = found.into_iter().filter_map(|found| {
        let pairs = found.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        Some(Owned { arn: found.resource_arn?, tags: tags::own(pairs) })
    });
    Ok(owned.collect())
}

/// A deleted key keeps its tags for the days until it is gone.
async fn stays(aws: &Aws, owned: Owned) -> Result<Option<Owned>, Fault> {
    if owned.arn.split(':').nth(2) != Some("kms") {
        return Ok(Some(owned));
    }
    let call = aws.kms.describe_key().key_id(&owned.arn).send().called("kms:DescribeKey").await;
    match call {
        Ok(key) => {
            let state = key.key_metadata.and_then(|key| key.key_state);
            Ok((state != Some(KeyState::PendingDeletion)).then_some(owned))
        }
        Err(fault) if fault.class == Class::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Lists the roles under the environment's path that carry its tags.
pub async fn roles(aws: &Aws) -> Result<Vec<Owned>, Fault> {
    let pages = aws.iam.list_roles().path_prefix(aws.owner.role_path()).into_paginator().items().send();
    let roles: Vec<_> = pages.collect::<Result<_, _>>().called("iam:ListRoles").await?;
    let owned = try_join_all(roles.into_iter().map(|role| async move {
        let pages = aws.iam.list_role_tags().role_name(&role.role_name).into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().called("iam:ListRoleTags").await?;
        let tags = tags::own(found.into_iter().map(|tag| (tag.key, tag.value)));
        Ok::<_, Fault>(Owned { arn: role.arn, tags })
    }))
    .await?;
    let maker = format!("{}-{}", aws.owner.project, aws.owner.environment);
    Ok(owned.into_iter().filter(|owned| Owner::maker(&owned.tags).as_ref() == Some(&maker)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_are_told_by_their_arns() {
        let owned = |arn: &str| Owned { arn: arn.to_owned(), tags: Tags::new() };
        assert!(owned("arn:aws:redshift:us-west-2:1:snapshot:dw/dw-final").is_backup());
        assert!(owned("arn:aws:redshift-serverless:us-west-2:1:snapshot/0a").is_backup());
        assert!(!owned("arn:aws:redshift:us-west-2:1:cluster:snapshot").is_backup());
    }
}
