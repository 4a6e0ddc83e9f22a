//! Kind `redshift.snapshot-copy-grant`: the right of Redshift to encrypt copies of snapshots in another region.
//!
//! Driven by `plan` and `apply` through the list of kinds. It lies in the region the copies go to, and every call about it
//! is made there. Must never be asked for in the estate's own region.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{KeyArn, SnapshotCopyGrantName},
    lookup::{is_asked, place},
    named, naming, redshift, tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_redshift::{Client, types};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// A snapshot copy grant. Its id is its ARN, which holds its region and its name.
pub struct SnapshotCopyGrant;

/// What a snapshot copy grant is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotCopyGrantSpec {
    /// Its name, unique in the account and its region.
    pub name: SnapshotCopyGrantName,
    /// The region the copies go to.
    pub region: String,
    /// A key of that region; without one Redshift's own, which nobody can delete.
    pub kms_key: Option<KeyArn>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(SnapshotCopyGrant =>
    /// What a snapshot copy grant offers.
    SnapshotCopyGrantOutputs {
        at_once {
            /// The grant's name, which clusters copy by.
            name: SnapshotCopyGrantName,
        }
        ready {}
    }
);

/// Returns the region and the name that an id holds.
fn parts(id: &str) -> Option<(&str, &str)> {
    let mut parts = id.split(':').skip(3);
    let (region, name) = (parts.next()?, parts.nth(2)?);
    (!region.is_empty() && !name.is_empty()).then_some((region, name))
}

fn redshift_of(aws: &Aws, region: &str) -> super::client::Lazy<Client> {
    aws.elsewhere(region).redshift
}

async fn all(aws: &Aws, region: &str) -> Result<Vec<Live<SnapshotCopyGrant>>, Fault> {
    let client = redshift_of(aws, region);
    let mut call = client.describe_snapshot_copy_grants().max_records(redshift::PAGE);
    let mut grants = Vec::new();
    loop {
        let page = call.clone().send().called("redshift:DescribeSnapshotCopyGrants").await?;
        grants.extend(page.snapshot_copy_grants.unwrap_or_default());
        match page.marker.filter(|marker| !marker.is_empty()) {
            Some(marker) => call = call.marker(marker),
            None => return Ok(grants.into_iter().map(|grant| live(aws, region, grant)).collect()),
        }
    }
}

fn live(aws: &Aws, region: &str, shown: types::SnapshotCopyGrant) -> Live<SnapshotCopyGrant> {
    let name = shown.snapshot_copy_grant_name.unwrap_or_default();
    let id = redshift::arn_in(aws, region, "snapshotcopygrant", &name);
    let spec = SnapshotCopyGrantSpec {
        name: name.into(),
        region: region.to_owned(),
        kms_key: redshift::declared_key(shown.kms_key_id, &id),
        tags: redshift::tags_of(shown.tags),
    };
    let outputs = SnapshotCopyGrantOutputs { name: spec.name.clone() };
    Live { id: Id(id), spec, outputs, readiness: Readiness::Ready }
}

impl Kind for SnapshotCopyGrant {
    const NAME: &'static str = "redshift.snapshot-copy-grant";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("region"),
        Field::replaces("kms_key").security().notes("copies that are there keep the key they have"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeSnapshotCopyGrants"],
        create: &["redshift:CreateSnapshotCopyGrant", "redshift:CreateTags", "kms:CreateGrant", "kms:DescribeKey"],
        update: &["redshift:CreateTags", "redshift:DeleteTags"],
        delete: &["redshift:DeleteSnapshotCopyGrant", "redshift:DescribeClusters"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 2 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["region", "name"];
    const NAMED_BY: &'static str = "its ARN, `arn:aws:redshift:<the other region>:...:snapshotcopygrant:...`";

    type Spec<S: Stage> = SnapshotCopyGrantSpec;
    type Outputs = SnapshotCopyGrantOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::provisioned(name, 63)
    }

    fn named(text: &str) -> Option<Named> {
        let named = named::arn(text, "redshift", "snapshotcopygrant:")?;
        let (region, name) = parts(text)?;
        Some(Named { fields: [("region", json!(region)), ("name", json!(name))].into(), ..named })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let region =
            |question: &Which<Self>| parts(question.id()).map_or(question.spec.region.clone(), |of| of.0.to_owned());
        let regions: BTreeSet<String> = which.iter().map(region).collect();
        let all = try_join_all(regions.iter().map(|region| all(look, region))).await?;
        Ok(place(which, all.into_iter().flatten(), |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &SnapshotCopyGrantSpec, _: &str) -> Result<Created<Self>, Fault> {
        let client = redshift_of(aws, &spec.region);
        let call = client
            .create_snapshot_copy_grant()
            .snapshot_copy_grant_name(spec.name.as_str())
            .set_kms_key_id(spec.kms_key.clone().map(String::from))
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        call.send().called("redshift:CreateSnapshotCopyGrant").await?;
        let id = redshift::arn_in(aws, &spec.region, "snapshotcopygrant", spec.name.as_str());
        Ok(Created { id: Id(id), outputs: SnapshotCopyGrantOutputs { name: spec.name.clone() } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    /// The clusters that copy by it, of the estate's region: AWS lists those of one region at a time.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let uses = |cluster: &types::Cluster, id: &str| {
            cluster
                .cluster_snapshot_copy_status()
                .is_some_and(|copy| copy.destination_region().zip(copy.snapshot_copy_grant_name()) == parts(id))
        };
        redshift::clusters_using(aws, which.iter().map(Which::id), uses).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let id = job.id.as_str();
        let Some((region, name)) = parts(id) else {
            return Err(Fault::internal(format!("{id} is not the ARN of a snapshot copy grant")));
        };
        let client = redshift_of(aws, region);
        match job.step.name.as_str() {
            "delete" => {
                let call = client.delete_snapshot_copy_grant().snapshot_copy_grant_name(name);
                found(call.send().called("redshift:DeleteSnapshotCopyGrant").await)?;
            }
            _ => redshift::run_tags_by(&client, job.step, id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(SnapshotCopyGrantSpec) -> <SnapshotCopyGrant as Kind>::Spec<Known> = |spec| spec;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_region_and_the_name() {
        let arn = "arn:aws:redshift:us-east-1:123456789012:snapshotcopygrant:airline-dev-producer";
        assert_eq!(parts(arn), Some(("us-east-1", "airline-dev-producer")));
        assert_eq!(parts("airline-dev-producer"), None);
        let named = SnapshotCopyGrant::named(arn).unwrap();
        assert_eq!((named.id, &named.fields["region"]), (Some(Id(arn.to_owned())), &json!("us-east-1")));
        assert_eq!(SnapshotCopyGrant::named(&arn.replace("snapshotcopygrant", "cluster")), None);
    }
}
