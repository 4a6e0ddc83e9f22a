//! Kind `redshift.datashare-grant`: a consumer's namespace may read a data share.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its share is ours. Must never touch what the share grants to others.

use super::{
    Aws, Class, Fault, Look,
    catalogue::{self, Catalogue},
    data_api,
    datashare::parts,
    fault::{done_if, found},
    ids::{DatashareArn, NamespaceId},
    named,
    sql::{guid, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A grant. Its id is made of the share's ARN and the consumer's namespace.
pub struct DatashareGrant;

/// What a grant is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatashareGrantSpec<S: Stage> {
    /// The share.
    pub share: S::In<DatashareArn>,
    /// The namespace of the producer.
    pub warehouse: S::In<NamespaceId>,
    /// The database of the producer that the share belongs to.
    pub connect: String,
    /// The namespace that may read it.
    pub consumer: S::In<NamespaceId>,
}

crate::outputs!(DatashareGrant =>
    /// A grant offers nothing.
    DatashareGrantOutputs {
        at_once {}
        ready {}
    }
);

fn id(spec: &DatashareGrantSpec<Known>) -> Id {
    Id::of(&[spec.share.as_str(), spec.consumer.as_str()])
}

/// What a grant and its revocation have in common: the share and the consumer, quoted.
fn quoted(spec: &DatashareGrantSpec<Known>) -> Result<(String, String), Fault> {
    let name = parts(&spec.share).map(|(_, name)| identifier(name));
    let both = name.zip(guid(spec.consumer.as_str()));
    both.ok_or_else(|| Fault::internal(format!("{} or {} has not its form", spec.share, spec.consumer)))
}

impl Kind for DatashareGrant {
    const NAME: &'static str = "redshift.datashare-grant";
    const FIELDS: &'static [Field] = &[
        Field::replaces("share").follows(),
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("consumer").follows(),
    ];
    const ACTIONS: Actions =
        Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["share", "consumer"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the share's ARN and the consumer's namespace id, `<arn>|<namespace>`";

    type Spec<S: Stage> = DatashareGrantSpec<S>;
    type Outputs = DatashareGrantOutputs;

    fn named(text: &str) -> Option<Named> {
        let (share, consumer) = text.split_once('|')?;
        named::arn(share, "redshift", "datashare:").filter(|_| guid(consumer).is_some()).map(|_| named::id(text))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let (_, share) = parts(&spec.share)?;
            let granted = |catalogue: &Catalogue| catalogue.granted(share, spec.consumer.as_str());
            let there = catalogues.show(question, &spec.warehouse, granted);
            let outputs = DatashareGrantOutputs {};
            there.then(|| Live { id: id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatashareGrantSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let (name, consumer) = quoted(spec)?;
        let statement = format!("GRANT USAGE ON DATASHARE {name} TO NAMESPACE {consumer}");
        done_if(Class::Exists, aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await)?;
        Ok(Created { id: id(spec), outputs: DatashareGrantOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let (name, consumer) = quoted(job.spec)?;
        let statement = format!("REVOKE USAGE ON DATASHARE {name} FROM NAMESPACE {consumer}");
        found(aws.execute(job.spec.warehouse.as_str(), &job.spec.connect, &statement).await)?;
        Ok(None)
    }
}
