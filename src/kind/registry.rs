//! Kinds behind one object-safe face, so that plan and apply handle any of them by name.
//!
//! Called by `plan`, `apply`, `stack` and the conformance tests. Must never know a particular kind.

use super::{
    blocker::Blocker,
    contract::{
        Actions, Changes, Created, Field, Id, Impact, Job, Kind, Live, Named, Order, Readiness, Refusal, Step, Typical,
        Which,
    },
    draft::{self, WrongValue},
    stage::{Draft, Known, Output, OutputSet},
    tree::Tree,
};
use crate::{
    address::Address,
    aws::{Aws, Fault, Look},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use std::{future::Future, marker::PhantomData, pin::Pin, sync::Arc};

/// A boxed future of an erased call.
pub type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// A live resource, its kind erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnyLive {
    /// Its id.
    pub id: Id,
    /// Its spec as JSON.
    pub spec: Json,
    /// Its outputs as JSON; those that do not exist yet are null.
    pub outputs: Json,
    /// Whether it has settled.
    pub readiness: Readiness,
    /// What others have put into it: no part of what it is.
    #[serde(skip)]
    pub others: Vec<Other>,
}

/// Something that lies in a resource of ours and that rsds did not make: a rule of a group, a policy of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The name of its kind.
    pub kind: &'static str,
    /// The id, or another name, of what it lies in.
    pub within: String,
    /// Its id.
    pub id: Id,
    /// What AWS shows of it.
    pub shown: Json,
}

/// A question to `AnyKind::read`.
#[derive(Clone, Debug)]
pub struct AnyWhich {
    /// Its address.
    pub address: Address,
    /// Its id, if one is recorded.
    pub id: Option<Id>,
    /// The recorded spec, which the state has, too.
    pub spec: Arc<Json>,
    /// Whether only readiness and outputs are asked (`Which::settling`).
    pub settling: bool,
}

/// A step to run, its kind erased.
#[derive(Clone, Copy, Debug)]
pub struct AnyJob<'a> {
    /// Which step.
    pub step: &'a Step,
    /// The resource's id.
    pub id: &'a Id,
    /// The managed part of the spec before.
    pub before: &'a Json,
    /// The spec wanted.
    pub spec: &'a Json,
}

/// A kind by its facts and calls, without its types.
pub trait AnyKind: Send + Sync {
    /// See `Kind::NAME`.
    fn name(&self) -> &'static str;
    /// See `Kind::FIELDS`; `tags` included where the kind is tagged.
    fn fields(&self) -> Vec<Field>;
    /// See `Kind::Outputs`.
    fn outputs(&self) -> &'static [Output];
    /// See `Kind::ACTIONS`.
    fn actions(&self) -> &'static Actions;
    /// See `Kind::TYPICAL`.
    fn typical(&self) -> Typical;
    /// See `Kind::REPLACE`.
    fn replace(&self) -> Order;
    /// See `Kind::KEY`.
    fn key(&self) -> &'static [&'static str];
    /// See `Kind::SUFFIXED`.
    fn suffixed(&self) -> Option<(&'static str, usize)>;
    /// See `Kind::TAGGED`.
    fn tagged(&self) -> bool;
    /// See `Kind::HOLDS_DATA`.
    fn holds_data(&self) -> bool;
    /// See `Kind::KEEPS_DATA_READABLE`.
    fn keeps_data_readable(&self) -> bool;
    /// See `Kind::MADE_BY_AWS`.
    fn made_by_aws(&self) -> bool;
    /// See `Kind::GUARDS`.
    fn guards(&self) -> bool;
    /// See `Kind::RECOVERY`.
    fn recovery(&self) -> &'static [&'static str];
    /// See `Kind::SETTLES`.
    fn settles(&self) -> bool;
    /// See `Kind::INSIDE`.
    fn inside(&self) -> bool;
    /// See `Kind::LONGEST`.
    fn longest(&self) -> u32;
    /// See `Kind::LONGEST_NEW`.
    fn longest_new(&self) -> u32;
    /// See `Kind::STABLE_READS`.
    fn stable_reads(&self) -> u32;
    /// See `Kind::CARRIES`.
    fn carries(&self) -> bool;
    /// See `Kind::SHOWS`.
    fn shows(&self) -> &'static [&'static str];
    /// See `Kind::NAMED_BY`.
    fn named_by(&self) -> &'static str;
    /// See `Kind::named`.
    fn named(&self, text: &str) -> Option<Named>;
    /// Brings a known spec into its canonical form: defaults filled, sets sorted.
    fn normalise(&self, spec: Json) -> Result<Json, Fault>;
    /// Brings a draft into its canonical form and checks that every value in it has its field's type.
    fn redraft(&self, spec: &Tree) -> Result<Tree, WrongValue>;
    /// See `Kind::check_name`.
    fn check_name(&self, name: &str) -> Result<(), &'static str>;
    /// See `Kind::read`. Answers the look's questions about this kind.
    fn read<'a>(&'a self, look: &'a Look) -> Call<'a, Vec<Option<AnyLive>>>;
    /// See `Kind::create`. Answers the id and the outputs that exist at once.
    fn create<'a>(&'a self, aws: &'a Aws, spec: &'a Json, token: &'a str) -> Call<'a, (Id, Json)>;
    /// See `Kind::unmarked`.
    fn unmarked(&self, asked: &Json, shown: &Json) -> bool;
    /// See `Kind::refuse`.
    fn refuse(&self, changes: &Changes) -> Option<Refusal>;
    /// See `Kind::notice`.
    fn notice(&self, live: &AnyLive) -> Option<String>;
    /// See `Kind::impact`.
    fn impact(&self, field: &Field, key: Option<&str>, before: &Json, after: &Json) -> Impact;
    /// See `Kind::finish`.
    fn finish(&self, spec: &Json) -> Result<Vec<Step>, Fault>;
    /// See `Kind::update`.
    fn update(&self, changes: &Changes) -> Vec<Step>;
    /// See `Kind::remove`.
    fn remove(&self, spec: &Json) -> Result<Vec<Step>, Fault>;
    /// See `Kind::blockers`.
    fn blockers<'a>(&'a self, aws: &'a Aws, which: Vec<AnyWhich>) -> Call<'a, Vec<Vec<Blocker>>>;
    /// See `Kind::run`.
    fn run<'a>(&'a self, aws: &'a Aws, job: AnyJob<'a>) -> Call<'a, Option<Id>>;
}

/// A kind in the list of kinds.
pub struct Registered<K>(PhantomData<fn() -> K>);

impl<K> Registered<K> {
    /// Its entry in the list.
    pub const ENTRY: Self = Self(PhantomData);
}

fn known<T: DeserializeOwned>(kind: &str, spec: &Json) -> Result<T, Fault> {
    serde_json::from_value(spec.clone()).map_err(|e| Fault::internal(format!("the {kind} spec does not fit: {e}")))
}

fn json<T: Serialize>(kind: &str, value: &T) -> Result<Json, Fault> {
    serde_json::to_value(value).map_err(|e| Fault::internal(format!("the {kind} spec does not serialise: {e}")))
}

fn questions<K: Kind>(which: Vec<AnyWhich>) -> Result<Vec<Which<K>>, Fault> {
    let typed =
        |AnyWhich { address, id, spec, settling }| Ok(Which { address, id, spec: known(K::NAME, &spec)?, settling });
    which.into_iter().map(typed).collect()
}

impl<K: Kind> AnyKind for Registered<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }
    fn fields(&self) -> Vec<Field> {
        let tags = K::TAGGED.then(|| Field::updates("tags").keyed().takes(1).security_of(&["rsds:*"]));
        K::FIELDS.iter().copied().chain(tags).collect()
    }
    fn outputs(&self) -> &'static [Output] {
        K::Outputs::ALL
    }
    fn actions(&self) -> &'static Actions {
        const { &K::ACTIONS }
    }
    fn typical(&self) -> Typical {
        K::TYPICAL
    }
    fn replace(&self) -> Order {
        K::REPLACE
    }
    fn key(&self) -> &'static [&'static str] {
        K::KEY
    }
    fn suffixed(&self) -> Option<(&'static str, usize)> {
        K::SUFFIXED
    }
    fn tagged(&self) -> bool {
        K::TAGGED
    }
    fn holds_data(&self) -> bool {
        K::HOLDS_DATA
    }
    fn keeps_data_readable(&self) -> bool {
        K::KEEPS_DATA_READABLE
    }
    fn made_by_aws(&self) -> bool {
        K::MADE_BY_AWS
    }
    fn guards(&self) -> bool {
        K::GUARDS
    }
    fn recovery(&self) -> &'static [&'static str] {
        K::RECOVERY
    }
    fn settles(&self) -> bool {
        K::SETTLES
    }
    fn inside(&self) -> bool {
        K::INSIDE
    }
    fn longest(&self) -> u32 {
        K::LONGEST
    }
    fn longest_new(&self) -> u32 {
        K::LONGEST_NEW
    }
    fn stable_reads(&self) -> u32 {
        K::STABLE_READS
    }
    fn carries(&self) -> bool {
        K::CARRIES
    }
    fn shows(&self) -> &'static [&'static str] {
        K::SHOWS
    }
    fn named_by(&self) -> &'static str {
        K::NAMED_BY
    }
    fn named(&self, text: &str) -> Option<Named> {
        K::named(text)
    }
    fn normalise(&self, spec: Json) -> Result<Json, Fault> {
        json(K::NAME, &known::<K::Spec<Known>>(K::NAME, &spec)?)
    }
    fn redraft(&self, spec: &Tree) -> Result<Tree, WrongValue> {
        Ok(Tree::of(&draft::read::<K::Spec<Draft>>(spec)?)?)
    }
    fn check_name(&self, name: &str) -> Result<(), &'static str> {
        K::check_name(name)
    }
    fn read<'a>(&'a self, look: &'a Look) -> Call<'a, Vec<Option<AnyLive>>> {
        Box::pin(async move {
            let question = |AnyWhich { address, id, spec, settling }: &AnyWhich| {
                let spec = known(K::NAME, spec)?;
                Ok(Which::<K> { address: address.clone(), id: id.clone(), spec, settling: *settling })
            };
            let questions = look.asked(K::NAME).iter().map(question).collect::<Result<Vec<_>, Fault>>()?;
            let answers = K::read(look, &questions).await?;
            let erase = |live: Live<K>| {
                let (spec, outputs) = (json(K::NAME, &live.spec)?, json(K::NAME, &live.outputs)?);
                Ok(AnyLive { id: live.id, spec, outputs, readiness: live.readiness, others: Vec::new() })
            };
            answers.into_iter().map(|live| live.map(erase).transpose()).collect()
        })
    }
    fn create<'a>(&'a self, aws: &'a Aws, spec: &'a Json, token: &'a str) -> Call<'a, (Id, Json)> {
        Box::pin(async move {
            let Created { id, outputs } = K::create(aws, &known(K::NAME, spec)?, token).await?;
            Ok((id, json(K::NAME, &outputs)?))
        })
    }
    fn unmarked(&self, asked: &Json, shown: &Json) -> bool {
        matches!((known(K::NAME, asked), known(K::NAME, shown)), (Ok(asked), Ok(shown)) if K::unmarked(&asked, &shown))
    }
    fn refuse(&self, changes: &Changes) -> Option<Refusal> {
        K::refuse(changes)
    }
    fn notice(&self, live: &AnyLive) -> Option<String> {
        K::notice(&known(K::NAME, &live.outputs).ok()?, &live.readiness)
    }
    fn impact(&self, field: &Field, key: Option<&str>, before: &Json, after: &Json) -> Impact {
        K::impact(field, key, before, after)
    }
    fn finish(&self, spec: &Json) -> Result<Vec<Step>, Fault> {
        Ok(K::finish(&known(K::NAME, spec)?))
    }
    fn update(&self, changes: &Changes) -> Vec<Step> {
        K::update(changes)
    }
    fn remove(&self, spec: &Json) -> Result<Vec<Step>, Fault> {
        Ok(K::remove(&known(K::NAME, spec)?))
    }
    fn blockers<'a>(&'a self, aws: &'a Aws, which: Vec<AnyWhich>) -> Call<'a, Vec<Vec<Blocker>>> {
        Box::pin(async move { K::blockers(aws, &questions::<K>(which)?).await })
    }
    fn run<'a>(&'a self, aws: &'a Aws, job: AnyJob<'a>) -> Call<'a, Option<Id>> {
        Box::pin(async move {
            let (before, spec) = (known(K::NAME, job.before)?, known(K::NAME, job.spec)?);
            K::run(aws, Job { step: job.step, id: job.id, before: &before, spec: &spec }).await
        })
    }
}

/// Writes the list of kinds: the only place that names them all.
#[macro_export]
macro_rules! kinds {
    ($($kind:ty),* $(,)?) => {
        /// Every kind of resource rsds manages.
        pub static KINDS: &[&dyn $crate::kind::AnyKind] = &[$(&$crate::kind::Registered::<$kind>::ENTRY),*];
    };
}
