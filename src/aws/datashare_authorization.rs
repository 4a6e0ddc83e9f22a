//! Kind `redshift.datashare-authorization`: another account may take up what a data share grants it.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its share is ours. That account takes the share up with its own credentials: nothing here waits for it. Must never touch
//! an account that the state does not name.

use super::{
    Aws, Fault, Look, catalogue,
    datashare::parts,
    fault::{Called, found},
    ids::{DatashareArn, NamespaceId},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

const AUTHORIZE: &str = "redshift:AuthorizeDataShare";
const DEAUTHORIZE: &str = "redshift:DeauthorizeDataShare";
/// What the share says of an account that may not take it up, yet or any more (aws-facts.md 10.4).
const CLOSED: [&str; 2] = ["PENDING_AUTHORIZATION", "DEAUTHORIZED"];
/// The same of one that has.
const ACTIVE: &str = "ACTIVE";

/// An authorization. Its id is made of the share's ARN and the account.
pub struct DatashareAuthorization;

/// What an authorization is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatashareAuthorizationSpec<S: Stage> {
    /// The share.
    pub share: S::In<DatashareArn>,
    /// The namespace of the producer.
    pub warehouse: S::In<NamespaceId>,
    /// The account, twelve digits.
    pub account: String,
}

crate::outputs!(DatashareAuthorization =>
    /// What an authorization offers.
    DatashareAuthorizationOutputs {
        at_once {
            /// The share that the account is to take up.
            share: String,
            /// Whether it has.
            taken_up: bool,
        }
        ready {}
    }
);

impl DatashareAuthorization {
    fn id(spec: &DatashareAuthorizationSpec<Known>) -> Id {
        Id::of(&[spec.share.as_str(), &spec.account])
    }

    fn outputs(spec: &DatashareAuthorizationSpec<Known>, status: &str) -> DatashareAuthorizationOutputs {
        DatashareAuthorizationOutputs { share: spec.share.to_string(), taken_up: status == ACTIVE }
    }
}

impl Kind for DatashareAuthorization {
    const NAME: &'static str = "redshift.datashare-authorization";
    const FIELDS: &'static [Field] =
        &[Field::replaces("share").follows(), Field::replaces("warehouse").follows(), Field::replaces("account")];
    const ACTIONS: Actions =
        Actions { read: &["redshift:DescribeDataShares"], create: &[AUTHORIZE], update: &[], delete: &[DEAUTHORIZE] };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["share", "account"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the share's ARN and the account, `<arn>|<account>`";

    type Spec<S: Stage> = DatashareAuthorizationSpec<S>;
    type Outputs = DatashareAuthorizationOutputs;

    fn named(text: &str) -> Option<Named> {
        let (share, account) = text.split_once('|')?;
        let arn = DatashareArn::from(share);
        let (warehouse, _) = parts(&arn)?;
        let good = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
        let fields = [("share", share.into()), ("warehouse", warehouse.into()), ("account", account.into())].into();
        good.then(|| Named { id: Some(Id(text.to_owned())), fields })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let listed = catalogue::listed(look).await?;
        let live = |question: &Which<Self>| {
            let spec = question.spec.clone();
            let status = listed.get(spec.share.as_str())?.status(&spec.account)?;
            let outputs = Self::outputs(&spec, status);
            let open = !CLOSED.contains(&status);
            open.then(|| Live { id: Self::id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatashareAuthorizationSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.redshift.authorize_data_share().data_share_arn(spec.share.as_str());
        call.consumer_identifier(&spec.account).send().called(AUTHORIZE).await?;
        Ok(Created { id: Self::id(spec), outputs: Self::outputs(spec, "AUTHORIZED") })
    }

    fn notice(outputs: &DatashareAuthorizationOutputs, _: &Readiness) -> Option<String> {
        (!outputs.taken_up).then(|| {
            format!(
                "the other account has not taken the share up: somebody there runs `aws redshift \
                 associate-data-share-consumer --associate-entire-account --data-share-arn {}`, or with rsds names it as \
                 `[datashares]` with `account` and `namespace`",
                outputs.share
            )
        })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "delete" => {
                let call = aws.redshift.deauthorize_data_share().data_share_arn(job.id.part(0));
                found(call.consumer_identifier(job.id.part(1)).send().called(DEAUTHORIZE).await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
