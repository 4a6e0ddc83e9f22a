//! The one owner of the state during a run: takes changes, writes them in groups, answers when they are durable.
//!
//! Called by `apply` before and after every mutating call. Must never acknowledge what is not on the store.

use super::format::{Entry, State};
use crate::address::Address;
use std::{future::Future, pin::Pin, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// A place that keeps the state.
pub trait Store: Send + Sync {
    /// Reads the state, or `None` where there is none yet.
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<Option<State>, StoreError>> + Send + '_>>;
    /// Writes the state durably: when it answers, no crash loses it.
    fn save<'a>(&'a self, state: &'a State) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;
}

/// Says why the store did not keep or give the state.
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
    },
    /// A newer rsds wrote it.
    #[error("the state at {place} has format {found}, this rsds reads up to {known}: use a newer rsds")]
    Newer {
        /// Where it is kept.
        place: String,
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The writer is gone, after an earlier failure.
    #[error("the state is no longer being written")]
    Stopped,
}

struct Request {
    changes: Vec<(Address, Option<Entry>)>,
    durable: oneshot::Sender<Result<(), StoreError>>,
}

/// A handle to the owner of the state; clones share it.
#[derive(Clone)]
pub struct Writer {
    requests: mpsc::UnboundedSender<Request>,
}

impl Writer {
    /// Starts the owner of `state`. The returned task ends, with the state as last written, when every handle is gone.
    pub fn start(state: State, store: Arc<dyn Store>) -> (Self, tokio::task::JoinHandle<State>) {
        let (requests, inbox) = mpsc::unbounded_channel();
        (Self { requests }, tokio::spawn(own(state, store, inbox)))
    }

    /// Records an entry, or with `None` its end; answers when that is durable.
    pub async fn put(&self, address: &Address, entry: Option<Entry>) -> Result<(), StoreError> {
        self.put_all(vec![(address.clone(), entry)]).await
    }

    /// Records several entries in one write.
    pub async fn put_all(&self, changes: Vec<(Address, Option<Entry>)>) -> Result<(), StoreError> {
        let (durable, answer) = oneshot::channel();
        self.requests.send(Request { changes, durable }).map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

/// Takes what has queued up since the last write, writes once, answers all: fifty creations at once cost a few
/// writes, not fifty.
async fn own(mut state: State, store: Arc<dyn Store>, mut inbox: mpsc::UnboundedReceiver<Request>) -> State {
    while let Some(first) = inbox.recv().await {
        let mut group = vec![first];
        while let Ok(next) = inbox.try_recv() {
            group.push(next);
        }
        let mut next = state.clone();
        next.serial += 1;
        for (address, entry) in group.iter().flat_map(|request| &request.changes) {
            match entry {
                Some(entry) => next.entries.insert(address.clone(), entry.clone()),
                None => next.entries.remove(address),
            };
        }
        let result = store.save(&next).await;
        if result.is_ok() {
            state = next;
        }
        for request in group {
            // A requester that went away needs no answer.
            request.durable.send(result.clone()).ok();
        }
    }
    state
}
