//! What a place that keeps states can do, and how that fails: the seam between the writer and a file or a bucket.
//!
//! Implemented by `local`, `memory` and the S3 backend; called by `writer`, `session` and the state commands. An
//! implementation must never acknowledge what a crash could still lose, and never write over what another run wrote.

use super::{format::State, lock::Lock, run::Run};
use crate::clock::Clock;
use jiff::Timestamp;
use serde::Serialize;
use std::{
    future::{Future, ready},
    pin::Pin,
    time::Duration,
};

/// What a store promises.
pub type Answer<'a, T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// How many before-images of runs are kept, and how many of single writes.
pub const RUNS_KEPT: usize = 30;
/// How many of the last writes can be gone back to.
pub const COMMITS_KEPT: usize = 10;

/// A place that keeps the state of one environment.
pub trait Store: Send + Sync {
    /// Names the place as people know it: a path, `s3://bucket/key`.
    fn place(&self) -> String;

    /// Reads the state, or `None` where there is none yet.
    fn load(&self) -> Answer<'_, Option<State>>;

    /// Writes the state durably: when it answers, no crash loses it.
    ///
    /// Errors: `Lost` when another run has written or taken the lock since; then nothing was written.
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()>;

    /// Makes sure that this run is still the one that may write, before a mutating call is sent once more without a
    /// new record. A lock that cannot be lost while the process lives needs no look.
    fn fence(&self) -> Answer<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Keeps the state as it was before a run; called once, before the run's first write.
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()>;

    /// Lists what can be gone back to, newest first.
    fn history(&self) -> Answer<'_, Vec<Past>>;

    /// Reads one of them by its name.
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State>;

    /// Says what the place lacks to keep a state well; none where nothing can be lacking.
    fn flaws(&self) -> Answer<'_, Option<Vec<String>>> {
        Box::pin(ready(Ok(None)))
    }

    /// Takes the lock, waiting up to `patience` for its holder.
    fn lock<'a>(&'a self, run: &'a Run, patience: Duration, clock: &'a Clock) -> Answer<'a, Lock, LockError>;

    /// Tells who holds the lock; the inner `None` is a holder that left no record.
    fn holder(&self) -> Answer<'_, Option<Option<Run>>>;

    /// Takes the lock away from a holder that cannot let go of it any more. People decide that, never a program.
    ///
    /// Errors: its holder is alive here, so that ending it is the way.
    fn unlock(&self) -> Answer<'_, (), LockError>;
}

/// A state of former times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Past {
    /// What `past` knows it by.
    pub name: String,
    /// What it was kept for.
    pub of: Image,
    /// When it was put aside.
    pub at: Timestamp,
}

/// What a former state was kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// It stood before a run.
    BeforeRun,
    /// It stood before a write.
    BeforeCommit,
}

/// Says why a store did not keep or give the state.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("cannot {verb} the state at {place}: {why}")]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// Where it is kept.
        place: String,
        /// What the system says.
        why: String,
    },
    /// What is there is not a state.
    #[error("the state at {place} is damaged: {why}")]
    Damaged {
        /// Where it is kept.
        place: String,
        /// What is wrong with it.
        why: String,
        /// The last former state that is whole, by the name `past` knows it by.
        last_good: Option<String>,
    },
    /// A newer rsds wrote it.
    #[error("the state at {place} has format {found}, this rsds reads up to {known}: use a newer rsds")]
    Newer {
        /// Where it is kept.
        place: String,
        /// The format found.
        found: u64,
        /// The newest format known.
        known: u32,
    },
    /// Another run has taken over since: this one may write no more.
    #[error("the state at {place} was taken over{}; this run stopped before it touched anything more",
        by.as_ref().map_or_else(String::new, |by| format!(" by {by}")))]
    Lost {
        /// Where it is kept.
        place: String,
        /// Who won.
        by: Option<Box<Run>>,
    },
    /// The writer is gone, or an earlier write failed: nothing new is begun.
    #[error("the state is no longer being written")]
    Stopped,
}

/// Says why a lock could not be taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else holds it.
    #[error("the state is locked{}", .0.as_ref().map_or_else(String::new, |run| format!(" by {run}")))]
    Held(Option<Box<Run>>),
    /// The lock could not be used.
    #[error("cannot lock {place}: {why}")]
    Io {
        /// Where it is.
        place: String,
        /// What the system says.
        why: String,
    },
}
