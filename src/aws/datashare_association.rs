//! Kind `redshift.datashare-association`: a consumer of ours takes up a data share that another account offers.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its consumer is ours. What that account takes back is told and not made again: only somebody there can. Must never
//! touch the association of another warehouse, nor that of the whole account.

use super::{
    Aws, Fault, Look, catalogue,
    datashare::parts,
    fault::{Called, found},
    ids::{DatashareArn, NamespaceArn},
    named,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

const ASSOCIATE: &str = "redshift:AssociateDataShareConsumer";
const DISASSOCIATE: &str = "redshift:DisassociateDataShareConsumer";
/// What the share says of a consumer that reads it.
const ACTIVE: &str = "ACTIVE";
/// The same of an account that may take it up, and need not have (aws-facts.md 10.4).
const OPEN: [&str; 3] = ["AVAILABLE", "AUTHORIZED", ACTIVE];
/// What is said of a share that AWS no longer shows to this account.
const WITHDRAWN: &str = "WITHDRAWN";

/// An association. Its id is made of the share's ARN and that of the consumer's namespace.
pub struct DatashareAssociation;

/// What an association is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatashareAssociationSpec<S: Stage> {
    /// The share, of another account.
    pub share: S::In<DatashareArn>,
    /// The namespace of the consumer.
    pub consumer: S::In<NamespaceArn>,
}

crate::outputs!(DatashareAssociation =>
    /// What an association offers.
    DatashareAssociationOutputs {
        at_once {
            /// The share that is taken up.
            share: DatashareArn,
            /// The namespace that reads it.
            consumer: NamespaceArn,
            /// `ACTIVE`, or what its producer's account has made of it since.
            status: String,
        }
        ready {}
    }
);

/// The account of an ARN: whose a share is.
pub(crate) fn owner(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

/// The command by which the other account authorizes this one.
pub(crate) fn authorize(share: &str, account: &str) -> String {
    format!("aws redshift authorize-data-share --data-share-arn {share} --consumer-identifier {account}")
}

/// Tells whether an account of that status may take a share up.
pub(crate) fn is_open(status: &str) -> bool {
    OPEN.contains(&status)
}

impl DatashareAssociation {
    fn id(spec: &DatashareAssociationSpec<Known>) -> Id {
        Id::of(&[spec.share.as_str(), spec.consumer.as_str()])
    }

    fn outputs(spec: &DatashareAssociationSpec<Known>, status: &str) -> DatashareAssociationOutputs {
        let (share, consumer) = (spec.share.clone(), spec.consumer.clone());
        DatashareAssociationOutputs { share, consumer, status: status.to_owned() }
    }

    /// What AWS says of an association, if there is one. One that is recorded has not gone because the producer's account
    /// took the share back.
    fn status<'a>(
        listed: Option<&'a catalogue::Listed>,
        spec: &DatashareAssociationSpec<Known>,
        account: &str,
        recorded: bool,
    ) -> Option<&'a str> {
        let Some(listed) = listed else { return recorded.then_some(WITHDRAWN) };
        let whole = listed.status(account);
        match listed.status(catalogue::consumer(spec.consumer.as_str())) {
            Some(ACTIVE) if whole.is_none_or(is_open) => Some(ACTIVE),
            own => own.into_iter().chain(whole).find(|status| !is_open(status)).filter(|_| recorded),
        }
    }
}

impl Kind for DatashareAssociation {
    const NAME: &'static str = "redshift.datashare-association";
    const FIELDS: &'static [Field] = &[Field::replaces("share").follows(), Field::replaces("consumer").follows()];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeDataSharesForConsumer"],
        create: &[ASSOCIATE],
        update: &[],
        delete: &[DISASSOCIATE],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["share", "consumer"];
    const TAGGED: bool = false;
    const SHOWS: &'static [&'static str] = &["status"];
    const NAMED_BY: &'static str = "the ARNs of the share and of the consumer's namespace, `<arn>|<arn>`";

    type Spec<S: Stage> = DatashareAssociationSpec<S>;
    type Outputs = DatashareAssociationOutputs;

    fn named(text: &str) -> Option<Named> {
        let (share, consumer) = text.split_once('|')?;
        parts(&DatashareArn::from(share))?;
        named::arn(consumer, "redshift-serverless", "namespace/")?;
        let fields = [("share", share.into()), ("consumer", consumer.into())].into();
        Some(Named { id: Some(Id(text.to_owned())), fields })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let offered = catalogue::offered(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let status = Self::status(offered.get(spec.share.as_str()), &spec, &look.account, question.id.is_some())?;
            let outputs = Self::outputs(&spec, status);
            Some(Live { id: Self::id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatashareAssociationSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.redshift.associate_data_share_consumer().data_share_arn(spec.share.as_str());
        call.consumer_arn(spec.consumer.as_str()).send().called(ASSOCIATE).await?;
        Ok(Created { id: Self::id(spec), outputs: Self::outputs(spec, ACTIVE) })
    }

    fn notice(outputs: &DatashareAssociationOutputs, _: &Readiness) -> Option<String> {
        let DatashareAssociationOutputs { share, consumer, status } = outputs;
        let (theirs, ours) = owner(share.as_str()).zip(owner(consumer.as_str()))?;
        (status != ACTIVE).then(|| {
            format!(
                "the account {theirs} has taken the share back ({status}), and nobody reads it here until somebody there \
                 runs `{}`; to do without it, take it out of the TOML",
                authorize(share.as_str(), ours)
            )
        })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "delete" => {
                let call = aws.redshift.disassociate_data_share_consumer().data_share_arn(job.id.part(0));
                found(call.consumer_arn(job.id.part(1)).send().called(DISASSOCIATE).await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
