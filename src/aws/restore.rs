//! Kind `redshift-serverless.restore`: what a new namespace is filled from (aws-facts.md 6.5).
//!
//! Driven by `plan` and `apply` through the list of kinds, only ever beside its namespace, which carries a tag from its
//! creation until the restore is over. AWS shows nowhere that a namespace has been restored, and a restore replaces all it
//! holds: must never fill one without that tag.

use super::{
    Aws, Class, Fault, Look,
    cluster_restore::account,
    fault::{Called, found},
    ids::{NamespaceArn, NamespaceName, WorkgroupName},
    named, namespace, serverless,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{Namespace, NamespaceStatus};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

const CALL: &str = "redshift-serverless:RestoreFromSnapshot";
/// The key of the tag of a namespace that is still to be filled; its value is the snapshot.
const WAITS: &str = "rsds:restore";
/// The step that says it is over.
const OVER: &str = "take off the tag of what is restored";

/// A namespace that has been filled. Its id is the namespace's ARN.
pub struct Restore;

/// What fills which namespace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RestoreSpec<S: Stage> {
    /// The namespace.
    pub namespace: S::In<NamespaceArn>,
    /// Its name.
    pub namespace_name: S::In<NamespaceName>,
    /// The workgroup that computes for it.
    pub workgroup: S::In<WorkgroupName>,
    /// The snapshot, by name or ARN.
    pub snapshot: String,
    /// Whether AWS keeps the admin password afterwards; otherwise it is the one of then.
    pub managed_password: bool,
}

crate::outputs!(Restore =>
    /// A restore offers nothing to others: they wait for its end.
    RestoreOutputs {
        at_once {}
        ready {}
    }
);

/// The tag of a namespace that is to be filled.
pub(super) fn pledge(snapshot: Option<&String>) -> Tags {
    // A value of a tag is shorter than an ARN may be, and only the key counts.
    let value = |snapshot: &String| snapshot.rsplit(['/', ':']).next().unwrap_or_default().chars().take(255).collect();
    snapshot.map(|snapshot| (WAITS.to_owned(), value(snapshot))).into_iter().collect()
}

/// Tells whether a namespace is still to be filled; none if it is gone.
async fn waits(aws: &Aws, arn: &str) -> Result<Option<bool>, Fault> {
    Ok(serverless::tags_of(aws, arn).await?.map(|tags| tags.contains_key(WAITS)))
}

/// While it is filled it shows no more than that something is done to it.
fn readiness(namespace: &Namespace) -> Readiness {
    match namespace.status() {
        None | Some(NamespaceStatus::Available) => Readiness::Ready,
        Some(status) => Readiness::Pending(status.as_str().to_owned()),
    }
}

async fn live(aws: &Aws, which: &Which<Restore>, all: &[Namespace]) -> Result<Option<Live<Restore>>, Fault> {
    let arn = which.id.as_ref().map_or(which.spec.namespace.as_str(), Id::as_str);
    let Some(shown) = all.iter().find(|shown| shown.namespace_arn() == Some(arn)) else { return Ok(None) };
    // One that nobody has recorded is there if it is no longer waited for: an answer may have been lost.
    if which.id.is_none() && waits(aws, arn).await? != Some(false) {
        return Ok(None);
    }
    let readiness = if which.settling { readiness(shown) } else { Readiness::Ready };
    let spec = RestoreSpec { namespace: arn.into(), ..which.spec.clone() };
    Ok(Some(Live { id: Id(arn.to_owned()), spec, outputs: RestoreOutputs {}, readiness }))
}

impl Kind for Restore {
    const NAME: &'static str = "redshift-serverless.restore";
    const FIELDS: &'static [Field] = &[
        Field::replaces("namespace").follows(),
        Field::updates("namespace_name").unreadable(),
        Field::updates("workgroup").unreadable(),
        Field::updates("snapshot").unreadable(),
        Field::updates("managed_password").unreadable(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListNamespaces", "redshift-serverless:ListTagsForResource"],
        create: &[CALL, "redshift-serverless:ListTagsForResource", "redshift-serverless:UntagResource"],
        update: &[],
        delete: &[],
    };
    // Its one step besides waits until what was begun is over.
    const TYPICAL: Typical = Typical { create: 600, update: 600, delete: 1 };
    const LONGEST_NEW: u32 = 86_400;
    // It may look available still for a moment, as a workgroup does (aws-facts.md 6.2).
    const STABLE_READS: u32 = 2;
    const KEY: &'static [&'static str] = &["namespace"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the ARN of its namespace";

    type Spec<S: Stage> = RestoreSpec<S>;
    type Outputs = RestoreOutputs;

    fn named(text: &str) -> Option<Named> {
        let named = named::arn(text, "redshift-serverless", "namespace/")?;
        Some(Named { fields: [("namespace", json!(text))].into(), ..named })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = namespace::all(look).await?;
        try_join_all(which.iter().map(|question| live(look, question, &all))).await
    }

    async fn create(aws: &Aws, spec: &RestoreSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        if waits(aws, spec.namespace.as_str()).await? != Some(true) {
            let what = format!("{} holds what it was made from, or what came since", spec.namespace_name);
            return Err(Fault::of(Class::Exists, CALL, "AlreadyRestored", what));
        }
        let call = aws.serverless.restore_from_snapshot().namespace_name(spec.namespace_name.as_str());
        let call = call.workgroup_name(spec.workgroup.as_str());
        let call = match account(&spec.snapshot) {
            Some(account) => {
                let other = (account != aws.account).then(|| account.to_owned());
                call.snapshot_arn(&spec.snapshot).set_owner_account(other)
            }
            None => call.snapshot_name(&spec.snapshot),
        };
        call.manage_admin_password(spec.managed_password).send().called(CALL).await?;
        Ok(Created { id: Id(spec.namespace.as_str().to_owned()), outputs: RestoreOutputs {} })
    }

    fn finish(_: &RestoreSpec<Known>) -> Vec<Step> {
        vec![Step::new(OVER).settled()]
    }

    /// What it was made from is history.
    fn update(_: &Changes) -> Vec<Step> {
        Vec::new()
    }

    /// What it holds goes with the namespace alone.
    fn remove(_: &RestoreSpec<Known>) -> Vec<Step> {
        Vec::new()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != OVER {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let call = aws.serverless.untag_resource().resource_arn(job.id.as_str()).tag_keys(WAITS);
        found(call.send().called("redshift-serverless:UntagResource").await)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_what_waits_holds_no_more_than_a_tag_can() {
        assert!(pledge(None).is_empty());
        let arn = format!("arn:aws:redshift:us-west-2:123456789012:snapshot:airline/{}", "x".repeat(300));
        let tags = pledge(Some(&arn));
        assert_eq!(tags[WAITS], "x".repeat(255));
    }
}
