//! Kind `redshift.shared-database`: the database of a consumer through which it reads a data share.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent, its
//! warehouse is ours, and it stands for the share that the TOML says. Must never drop a database that holds data of its own.

use super::{
    Aws, Fault, Look, catalogue, data_api,
    datashare::parts,
    datashare_association::owner,
    fault::found,
    ids::{DatabaseName, DatashareArn, NamespaceId},
    named,
    sql::{consumer, guid, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use serde::{Deserialize, Serialize};

/// A database made from a share. Its id is made of the consumer's namespace and its name.
pub struct SharedDatabase;

/// What such a database is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SharedDatabaseSpec<S: Stage> {
    /// Its name, unique in its warehouse.
    pub name: String,
    /// The namespace of the consumer.
    pub warehouse: S::In<NamespaceId>,
    /// The consumer's own database, from which it is made.
    pub connect: String,
    /// The share it stands for.
    pub share: S::In<DatashareArn>,
}

crate::outputs!(SharedDatabase =>
    /// What such a database offers.
    SharedDatabaseOutputs {
        at_once {
            /// Its name.
            name: DatabaseName,
        }
        ready {}
    }
);

fn id(spec: &SharedDatabaseSpec<Known>) -> Id {
    Id::of(&[spec.warehouse.as_str(), &spec.name])
}

impl Kind for SharedDatabase {
    const NAME: &'static str = "redshift.shared-database";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::replaces("share").follows(),
    ];
    const ACTIONS: Actions =
        Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 3 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    // A consumer has one database of each share (aws-facts.md 10.2); the name is in the address.
    const KEY: &'static [&'static str] = &["warehouse", "share"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the consumer's namespace id and its name, `<namespace>|<name>`";

    type Spec<S: Stage> = SharedDatabaseSpec<S>;
    type Outputs = SharedDatabaseOutputs;

    fn named(text: &str) -> Option<Named> {
        named::inside(text)
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let mut spec = question.spec.clone();
            match catalogues.of(&spec.warehouse) {
                Some(catalogue) => match catalogue.database(&spec.name)? {
                    Some((share, producer, account)) if parts(&spec.share) != Some((producer, share)) => {
                        // Not recorded yet: a database of that name which stands for something else is somebody's.
                        question.id.as_ref()?;
                        let (place, _) = spec.share.as_str().split_once(":datashare:")?;
                        let (place, _) = place.rsplit_once(':')?;
                        spec.share = format!("{place}:{account}:datashare:{producer}/{share}").into();
                    }
                    Some(_) => {}
                    // Of a share that it may not read just now: what is recorded holds.
                    None => {
                        question.id.as_ref()?;
                    }
                },
                // Not asked: what is recorded holds.
                None => {
                    question.id.as_ref()?;
                }
            }
            let outputs = SharedDatabaseOutputs { name: spec.name.as_str().into() };
            Some(Live { id: id(&spec), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &SharedDatabaseSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let named = parts(&spec.share).and_then(|(producer, share)| Some((guid(producer)?, identifier(share))));
        let (producer, share) =
            named.ok_or_else(|| Fault::internal(format!("{} is no ARN of a data share", spec.share)))?;
        let name = identifier(&spec.name);
        let theirs = owner(spec.share.as_str()).filter(|account| *account != aws.account).and_then(consumer);
        let theirs = theirs.map_or_else(String::new, |account| format!("{account} "));
        let statement = format!("CREATE DATABASE {name} FROM DATASHARE {share} OF {theirs}NAMESPACE {producer}");
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        Ok(Created { id: id(spec), outputs: SharedDatabaseOutputs { name: spec.name.as_str().into() } })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name != "delete" {
            return Err(Fault::unknown_step(Self::NAME, job.step));
        }
        let statement = format!("DROP DATABASE {}", identifier(&job.spec.name));
        found(aws.execute(job.spec.warehouse.as_str(), &job.spec.connect, &statement).await)?;
        Ok(None)
    }
}
