//! A look at AWS: the questions of one moment, and what was answered to them. What several kinds need is asked once, and
//! what a listing confirms is not asked again.
//!
//! Made anew by `plan`, `import` and `apply` for every reading, and read by the kinds. Must never outlive its reading:
//! whoever waits takes a new look each time.

use super::{Aws, Fault};
use crate::kind::{AnyKind, AnyLive, AnyWhich, Other};
use futures_util::future::try_join_all;
use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// Answers by the kind asked about: one place per question, in their order.
pub type Answers = BTreeMap<&'static str, Vec<Option<AnyLive>>>;

/// Says which kind could not be read, and why.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The kind's name.
    pub kind: &'static str,
    /// What AWS answered.
    pub fault: Fault,
}

/// What was answered in this look, by its type and the call.
type Memo = BTreeMap<(TypeId, &'static str), Arc<dyn Any + Send + Sync>>;

/// One look.
pub struct Look {
    aws: Aws,
    questions: BTreeMap<&'static str, (&'static dyn AnyKind, Vec<AnyWhich>)>,
    answers: Mutex<Memo>,
    warnings: Mutex<BTreeSet<String>>,
    others: Mutex<Vec<Other>>,
}

impl Deref for Look {
    type Target = Aws;

    fn deref(&self) -> &Aws {
        &self.aws
    }
}

impl Look {
    /// A look with no question yet.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        let (answers, warnings, others) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { aws: aws.clone(), questions: BTreeMap::new(), answers, warnings, others }
    }

    /// A look at resources of one kind alone.
    #[must_use]
    pub fn at(aws: &Aws, kind: &'static dyn AnyKind, which: Vec<AnyWhich>) -> Self {
        let mut look = Self::new(aws);
        look.questions.insert(kind.name(), (kind, which));
        look
    }

    /// Adds a question.
    pub fn ask(&mut self, kind: &'static dyn AnyKind, which: AnyWhich) {
        self.questions.entry(kind.name()).or_insert_with(|| (kind, Vec::new())).1.push(which);
    }

    /// Returns the questions about a kind, in the order they were asked in.
    pub fn asked(&self, kind: &str) -> &[AnyWhich] {
        self.questions.get(kind).map_or(&[], |(_, which)| which)
    }

    /// Reads everything that was asked for, all kinds at once.
    ///
    /// Errors: the first kind that could not be read; a part of an answer is none.
    pub async fn answers(&self) -> Result<Answers, Unread> {
        let reads = self.questions.iter().map(|(&name, (kind, _))| async move {
            match kind.read(self).await {
                Ok(answers) => Ok((name, answers)),
                Err(fault) => Err(Unread { kind: name, fault }),
            }
        });
        Ok(try_join_all(reads).await?.into_iter().collect())
    }

    /// Reads one kind of what was asked for.
    pub async fn answer(&self, kind: &dyn AnyKind) -> Result<Vec<Option<AnyLive>>, Fault> {
        kind.read(self).await
    }

    /// Returns what a person should know of how it was read, sorted.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Returns what others have made in what was asked about.
    pub fn others(&self) -> Vec<Other> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a reading has shown besides what was asked for, in what we have asked about.
    pub(super) fn saw(&self, other: Other) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(other);
    }

    /// Notes what a person should know of how it was read.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(warning);
    }

    /// Asks once, whoever wants to know; `request` names what is asked for. A failure is not kept.
    pub(super) async fn once<T: Send + Sync + 'static>(
        &self,
        request: &'static str,
        ask: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<Arc<T>, Fault> {
        let cell = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let cell = answers.entry((TypeId::of::<T>(), request));
            Arc::clone(cell.or_insert_with(|| Arc::new(OnceCell::<Arc<T>>::new())))
        };
        let cell: Arc<OnceCell<Arc<T>>> =
            cell.downcast().map_err(|_| Fault::internal(format!("{request} is of two types")))?;
        cell.get_or_try_init(|| async { ask.await.map(Arc::new) }).await.cloned()
    }
}
