//! Kind `redshift-serverless.snapshot-copy`: that the snapshots of a namespace are copied to another region.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch copies that are there: they outlive it. It
//! carries no tags: it is ours because its namespace is.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{KeyArn, NamespaceName},
    lookup::{asks, place},
    named, number,
    policy::partition,
    redshift,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use aws_sdk_redshiftserverless::types::SnapshotCopyConfiguration;
use serde::{Deserialize, Serialize};

/// The most configurations one page holds.
const PAGE: i32 = 100;
const CREATE: &str = "redshift-serverless:CreateSnapshotCopyConfiguration";
const LIST: &str = "redshift-serverless:ListSnapshotCopyConfigurations";

/// The copying of one namespace's snapshots. Its id is a UUID of AWS.
pub struct ServerlessSnapshotCopy;

/// Where the snapshots of a namespace are copied to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ServerlessSnapshotCopySpec<S: Stage> {
    /// The namespace; its snapshots go to one region at most.
    pub namespace: S::In<NamespaceName>,
    /// The other region.
    pub region: String,
    /// For how many days copies are kept there.
    pub retention: u32,
    /// A key of that region; without one a key of AWS's own.
    pub kms_key: Option<KeyArn>,
}

crate::outputs!(ServerlessSnapshotCopy =>
    /// Copying offers nothing to others.
    ServerlessSnapshotCopyOutputs {
        at_once {}
        ready {}
    }
);

fn live(aws: &Aws, shown: SnapshotCopyConfiguration) -> Option<Live<ServerlessSnapshotCopy>> {
    let region = shown.destination_region.unwrap_or_default();
    let beside = format!("arn:{}:kms:{region}:{}:", partition(&region), aws.account);
    let spec = ServerlessSnapshotCopySpec {
        namespace: shown.namespace_name.unwrap_or_default().into(),
        retention: shown.snapshot_retention_period.and_then(|days| u32::try_from(days).ok()).unwrap_or_default(),
        kms_key: redshift::declared_key(shown.destination_kms_key_id, &beside),
        region,
    };
    let outputs = ServerlessSnapshotCopyOutputs {};
    Some(Live { id: Id(shown.snapshot_copy_configuration_id?), spec, outputs, readiness: Readiness::Ready })
}

/// Tells whether `live` is what is asked for: by id, and, while none is recorded, by the namespace and where its copies go.
/// What somebody else has switched on is not ours.
fn fits(which: &Which<ServerlessSnapshotCopy>, live: &Live<ServerlessSnapshotCopy>) -> bool {
    let (asked, shown) = (&which.spec, &live.spec);
    let key = asked.kms_key.is_none() || asked.kms_key == shown.kms_key;
    asks(which, live.id.as_str(), asked.namespace == shown.namespace && asked.region == shown.region && key)
}

async fn all(aws: &Aws) -> Result<Vec<Live<ServerlessSnapshotCopy>>, Fault> {
    let pages = aws.serverless.list_snapshot_copy_configurations().into_paginator().page_size(PAGE).items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called(LIST).await?;
    Ok(all.into_iter().filter_map(|shown| live(aws, shown)).collect())
}

/// Tells "there is one" from "the namespace is busy": AWS answers both with one code (aws-facts.md 0.2).
async fn refused(aws: &Aws, namespace: &str, fault: Fault) -> Fault {
    if fault.code != "ConflictException" {
        return fault;
    }
    match all(aws).await {
        Ok(all) if all.iter().any(|live| live.spec.namespace.as_str() == namespace) => {
            Fault { class: Class::Exists, ..fault }
        }
        _ => fault,
    }
}

impl Kind for ServerlessSnapshotCopy {
    const NAME: &'static str = "redshift-serverless.snapshot-copy";
    const FIELDS: &'static [Field] = &[
        Field::replaces("namespace").follows(),
        Field::replaces("region").security().notes("copies that are there stay"),
        Field::updates("retention").security().notes("copies that are made from then on are kept so long"),
        Field::replaces("kms_key").security().notes("copies that are there keep the key they have"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[LIST],
        create: &[CREATE, LIST, "kms:CreateGrant", "kms:DescribeKey"],
        update: &["redshift-serverless:UpdateSnapshotCopyConfiguration"],
        delete: &["redshift-serverless:DeleteSnapshotCopyConfiguration"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 2 };
    const SETTLES: bool = false;
    const TAGGED: bool = false;
    const GUARDS: bool = true;
    const KEY: &'static [&'static str] = &["namespace"];
    const NAMED_BY: &'static str = "its id, a UUID";

    type Spec<S: Stage> = ServerlessSnapshotCopySpec<S>;
    type Outputs = ServerlessSnapshotCopyOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift-serverless", "snapshotcopyconfiguration/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        Ok(place(which, all(look).await?, fits))
    }

    async fn create(aws: &Aws, spec: &ServerlessSnapshotCopySpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let namespace = spec.namespace.as_str();
        let call = aws
            .serverless
            .create_snapshot_copy_configuration()
            .namespace_name(namespace)
            .destination_region(&spec.region)
            .snapshot_retention_period(number::sent(spec.retention))
            .set_destination_kms_key_id(spec.kms_key.clone().map(String::from));
        let answer = match call.send().called(CREATE).await {
            Ok(answer) => answer,
            Err(fault) => return Err(refused(aws, namespace, fault).await),
        };
        let id = answer.snapshot_copy_configuration.and_then(|made| made.snapshot_copy_configuration_id);
        let id = id.ok_or_else(|| Fault::incomplete(CREATE, "snapshotCopyConfigurationId"))?;
        Ok(Created { id: Id(id), outputs: ServerlessSnapshotCopyOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let id = job.id.as_str();
        match job.step.name.as_str() {
            "set retention" => {
                let call = aws.serverless.update_snapshot_copy_configuration().snapshot_copy_configuration_id(id);
                let call = call.snapshot_retention_period(number::sent(job.spec.retention));
                call.send().called("redshift-serverless:UpdateSnapshotCopyConfiguration").await?;
            }
            "delete" => {
                let call = aws.serverless.delete_snapshot_copy_configuration().snapshot_copy_configuration_id(id);
                found(call.send().called("redshift-serverless:DeleteSnapshotCopyConfiguration").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
