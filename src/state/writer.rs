//! The one owner of the state during a run: takes changes, writes them in groups, answers when they are durable.
//!
//! Called by `apply` before and after every mutating call. Must never acknowledge what is not on the store, never let an
//! intent through after a write has failed, and never forget what AWS has answered, whether it can be written or not.

use super::{
    format::{Entry, State},
    run::Run,
    store::{Store, StoreError},
};
use crate::{address::Address, clock::Clock};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// A call that is to be sent: refused once a write has failed.
    Intent,
    /// A call that is to be sent again: its intent is as of now, refused as that is.
    Repeat,
    /// What has happened: kept in memory at least.
    Fact,
}

struct Request {
    changes: Vec<(Address, Option<Entry>)>,
    kind: For,
    durable: oneshot::Sender<Result<(), StoreError>>,
}

/// What a run leaves of the state.
#[derive(Debug)]
pub struct Written {
    /// The state with all that is known, whether it could be written or not.
    pub state: State,
    /// Why the store does not have it.
    pub unsaved: Option<StoreError>,
}

/// A handle to the owner of the state; clones share it.
#[derive(Clone)]
pub struct Writer {
    requests: mpsc::UnboundedSender<Request>,
}

impl Writer {
    /// Starts the owner of `state`. The returned task ends when every handle is gone. `run` is who writes, by this clock.
    pub fn start(
        state: State,
        store: Arc<dyn Store>,
        run: Option<Run>,
        clock: Clock,
    ) -> (Self, tokio::task::JoinHandle<Written>) {
        let (requests, inbox) = mpsc::unbounded_channel();
        let owner = Owner { state, store, run, clock, kept: false, failed: None };
        (Self { requests }, tokio::spawn(owner.serve(inbox)))
    }

    /// Records what is about to be asked of AWS; answers when that is durable. An error: do not ask.
    pub async fn intend(&self, address: &Address, entry: &Entry) -> Result<(), StoreError> {
        self.send(vec![(address.clone(), Some(entry.clone()))], For::Intent).await
    }

    /// Records what has become of an entry, or with `None` its end; answers when that is durable.
    pub async fn put(&self, address: &Address, entry: Option<Entry>) -> Result<(), StoreError> {
        self.put_all(vec![(address.clone(), entry)]).await
    }

    /// Records several entries in one write.
    pub async fn put_all(&self, changes: Vec<(Address, Option<Entry>)>) -> Result<(), StoreError> {
        self.send(changes, For::Fact).await
    }

    /// Records that what was recorded as asked is asked again, now: whoever finds the record must give this request, too,
    /// the time to land. A run that may no longer write learns it here, before it sends.
    pub async fn repeat(&self, address: &Address) -> Result<(), StoreError> {
        self.send(vec![(address.clone(), None)], For::Repeat).await
    }

    async fn send(&self, changes: Vec<(Address, Option<Entry>)>, kind: For) -> Result<(), StoreError> {
        let (durable, answer) = oneshot::channel();
        self.requests.send(Request { changes, kind, durable }).map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

struct Owner {
    state: State,
    store: Arc<dyn Store>,
    run: Option<Run>,
    clock: Clock,
    /// Whether the state before this run has been put aside.
    kept: bool,
    /// Why the last write failed; the state in memory is then ahead of the store.
    failed: Option<StoreError>,
}

impl Owner {
    /// Takes what has queued up since the last write, writes once, answers all: fifty creations at once cost a few
    /// writes, not fifty.
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) -> Written {
        while let Some(first) = inbox.recv().await {
            let mut group = vec![first];
            while let Ok(next) = inbox.try_recv() {
                group.push(next);
            }
            self.commit(group).await;
        }
        if self.failed.is_some() {
            // The disk may have space again by now.
            self.write(self.state.clone()).await.ok();
        }
        Written { state: self.state, unsaved: self.failed }
    }

    async fn commit(&mut self, mut group: Vec<Request>) {
        if self.failed.is_some() {
            // A requester that went away needs no answer.
            for intent in group.extract_if(.., |request| request.kind != For::Fact) {
                intent.durable.send(Err(StoreError::Stopped)).ok();
            }
        }
        if group.is_empty() {
            return;
        }
        let mut next = self.state.clone();
        next.serial += 1;
        next.run.clone_from(&self.run);
        let now = self.clock.timestamp();
        next.written = Some(now);
        for Request { changes, kind, .. } in &group {
            for (address, entry) in changes {
                match (kind, entry) {
                    (For::Repeat, _) => next.entries.get_mut(address).into_iter().for_each(|e| e.status.ask_again(now)),
                    (_, Some(entry)) => drop(next.entries.insert(address.clone(), entry.clone())),
                    (_, None) => drop(next.entries.remove(address)),
                }
            }
        }
        let result = self.write(next).await;
        for request in group {
            request.durable.send(result.clone()).ok();
        }
    }

    /// Writes; the state in memory is the next one in any case, because what it tells has happened.
    async fn write(&mut self, next: State) -> Result<(), StoreError> {
        let result = match &self.failed {
            // Whoever was overtaken must not write any more, whatever the store says next.
            Some(lost @ StoreError::Lost { .. }) => Err(lost.clone()),
            Some(_) | None => self.save(&next).await,
        };
        self.state = next;
        self.failed = result.as_ref().err().cloned();
        result
    }

    async fn save(&mut self, next: &State) -> Result<(), StoreError> {
        if !self.kept && self.state.serial > 0 {
            self.store.keep(&self.state).await?;
        }
        self.kept = true;
        self.store.save(next).await
    }
}
