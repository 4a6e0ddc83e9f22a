//! Kind `redshift.datashare-grant`: a consumer's namespace, or another account, may read a data share.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its share is ours. Must never touch what the share grants to others.

use super::{
    Aws, Fault, Look,
    catalogue::Catalogue,
    datashare::parts,
    ids::{DatashareArn, NamespaceId},
    inside::{self, Inside},
    named,
    sql::{consumer, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A grant. Its id is made of the share's ARN and the consumer.
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
    /// The namespace or the account that may read it.
    pub consumer: S::In<String>,
}

crate::outputs!(DatashareGrant =>
    /// A grant offers nothing.
    DatashareGrantOutputs {
        at_once {}
        ready {}
    }
);

impl Kind for DatashareGrant {
    const NAME: &'static str = "redshift.datashare-grant";
    const FIELDS: &'static [Field] = &[
        Field::replaces("share").follows(),
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("consumer").follows(),
    ];
    const ACTIONS: Actions = inside::ACTIONS;
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["share", "consumer"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the share's ARN and the consumer's namespace id or account, `<arn>|<namespace>`";

    type Spec<S: Stage> = DatashareGrantSpec<S>;
    type Outputs = DatashareGrantOutputs;

    fn named(text: &str) -> Option<Named> {
        let (share, reader) = text.split_once('|')?;
        named::arn(share, "redshift", "datashare:").filter(|_| consumer(reader).is_some()).map(|_| named::id(text))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &DatashareGrantSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        inside::delete(aws, job).await
    }
}

impl Inside for DatashareGrant {
    const REPEATS: bool = true;

    fn place(spec: &DatashareGrantSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &DatashareGrantSpec<Known>) -> (Id, DatashareGrantOutputs) {
        (Id::of(&[spec.share.as_str(), &spec.consumer]), DatashareGrantOutputs {})
    }

    fn is_in(spec: &DatashareGrantSpec<Known>, catalogue: &Catalogue) -> bool {
        parts(&spec.share).is_some_and(|(_, share)| catalogue.granted(share, &spec.consumer))
    }

    fn statements(spec: &DatashareGrantSpec<Known>) -> Result<(String, String), Fault> {
        let both = parts(&spec.share).zip(consumer(&spec.consumer));
        let not_its_form = || Fault::internal(format!("{} or {} has not its form", spec.share, spec.consumer));
        let ((_, share), consumer) = both.ok_or_else(not_its_form)?;
        let usage = format!("USAGE ON DATASHARE {}", identifier(share));
        Ok((format!("GRANT {usage} TO {consumer}"), format!("REVOKE {usage} FROM {consumer}")))
    }
}
