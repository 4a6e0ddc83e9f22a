//! The lock of a state in S3: an object that says who holds it and for how long, renewed while they live.
//!
//! Taken through `S3Store`. Whether a lease has run out is judged by S3's clock alone (`Date` against `Last-Modified` of
//! one answer), and it is taken over only one request timeout later: what its holder sent while it was good has landed
//! or is dead by then. Must never let its holder believe in a lease that it did not see confirmed within its time.

use super::{
    super::{
        lock::Held,
        run::Run,
        store::{LockError, StoreError},
    },
    objects::{If, Object, Objects, PATIENCE, Put, REQUEST_TIMEOUT, is_passing},
};
use crate::aws::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Mutex as Turns, task::JoinHandle};

/// How long a lease is good after it was last confirmed.
const TTL: Duration = Duration::from_secs(60);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(20);
/// How often a failed renewal is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How often a held lock is looked at under `--lock-timeout`.
const AGAIN: Duration = Duration::from_secs(2);
/// How long letting go may take.
const LETTING_GO: Duration = Duration::from_secs(5);

/// What stands in the lock object.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Body {
    format: u32,
    /// Tells one taking from another.
    nonce: String,
    /// How long it is good after its last writing, in seconds of S3's clock.
    ttl: u64,
    /// Counts its writings.
    renewal: u64,
    run: Run,
}

impl Body {
    fn of(object: &Object) -> Option<Self> {
        serde_json::from_slice(&object.bytes).ok()
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A lease of ours.
pub(super) struct Lease {
    /// Whose it is.
    pub(super) run: Run,
    objects: Arc<Objects>,
    /// Whoever renews: one at a time.
    mine: Turns<Mine>,
    status: Mutex<Status>,
}

struct Mine {
    body: Body,
    etag: String,
}

struct Status {
    /// Wall time of the last request that confirmed it.
    confirmed: Timestamp,
    /// Whoever has it now, once it is lost.
    lost: Option<Option<Box<Run>>>,
}

/// Key of the lock object.
fn key(objects: &Objects) -> String {
    format!("{}.lock", objects.place.key)
}

impl Lease {
    /// Takes the lease, waiting up to `patience` for its holder. The second part is the dead run it was taken from.
    pub(super) async fn take(
        objects: &Arc<Objects>,
        run: &Run,
        patience: Duration,
    ) -> Result<(Arc<Self>, Option<Run>), LockError> {
        let clock = &objects.clock;
        let failed = |fault: &Fault| LockError::Io { place: objects.place.to_string(), why: fault.to_string() };
        let nonce = uuid::Uuid::new_v4().to_string();
        let body = Body { format: 1, nonce, ttl: clock.aws_time(TTL).as_secs(), renewal: 0, run: run.clone() };
        let (key, bytes) = (key(objects), body.bytes());
        let start = clock.timestamp();
        let mut dead: Option<Object> = None;
        let mut pace = objects.pace(PATIENCE);
        loop {
            let asked = clock.timestamp();
            let condition = dead.as_ref().map_or(If::Absent, |dead| If::Is(&dead.etag));
            match objects.put(&key, &bytes, condition).await {
                Ok(Put::Done(etag)) => {
                    let dead = dead.as_ref().and_then(Body::of).filter(|dead| dead.nonce != body.nonce);
                    let dead = dead.map(|dead| dead.run);
                    return Ok((Self::new(objects, body, etag, asked), dead));
                }
                Ok(Put::Overtaken) => {}
                Err(fault) if is_passing(&fault) && pace.another().await => {}
                Err(fault) => return Err(failed(&fault)),
            }
            dead = None;
            let Some(found) = objects.get_patiently(&key).await.map_err(|fault| failed(&fault))? else { continue };
            let holder = Body::of(&found);
            if holder.as_ref().is_some_and(|holder| holder.nonce == body.nonce) {
                // An answer got lost: it is ours already. Writing it once more tells when.
                dead = Some(found);
                continue;
            }
            if has_run_out(objects, &found) {
                dead = Some(found);
                continue;
            }
            let waited = clock.timestamp().duration_since(start);
            let left = patience.saturating_sub(Duration::try_from(waited).unwrap_or_default());
            if left.is_zero() {
                return Err(LockError::Held(holder.map(|holder| Box::new(holder.run))));
            }
            clock.sleep(clock.aws_time(left.min(AGAIN))).await;
        }
    }

    fn new(objects: &Arc<Objects>, body: Body, etag: String, confirmed: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            run: body.run.clone(),
            objects: Arc::clone(objects),
            mine: Turns::new(Mine { body, etag }),
            status: Mutex::new(Status { confirmed, lost: None }),
        })
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was confirmed so lately that nobody can have taken it over.
    fn is_fresh(&self) -> Result<bool, StoreError> {
        let status = self.status();
        if let Some(by) = &status.lost {
            return Err(StoreError::Lost { place: self.objects.place.to_string(), by: by.clone() });
        }
        // Wall time, which goes on while a laptop sleeps; a clock that was set back proves nothing.
        let age = self.objects.clock.timestamp().duration_since(status.confirmed);
        Ok(Duration::try_from(age).is_ok_and(|age| age < TTL))
    }

    /// Makes sure that it is still ours, asking S3 when that is not certain.
    pub(super) async fn fence(&self) -> Result<(), StoreError> {
        if self.is_fresh()? {
            return Ok(());
        }
        let mut mine = self.mine.lock().await;
        let mut pace = self.objects.pace(PATIENCE);
        // Somebody may have renewed it while this one waited for its turn.
        while !self.is_fresh()? {
            match self.renew(&mut mine).await {
                Err(fault) if is_passing(&fault) && pace.another().await => {}
                Err(fault) => {
                    let (place, why) = (self.objects.place.to_string(), fault.to_string());
                    return Err(StoreError::Io { verb: "confirm the lock of", place, why });
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Writes the lease anew, or finds out who has it.
    async fn renew(&self, mine: &mut Mine) -> Result<(), Fault> {
        let key = key(&self.objects);
        loop {
            let asked = self.objects.clock.timestamp();
            let body = Body { renewal: mine.body.renewal + 1, ..mine.body.clone() };
            if let Put::Done(etag) = self.objects.put(&key, &body.bytes(), If::Is(&mine.etag)).await? {
                *mine = Mine { body, etag };
                self.status().confirmed = asked;
                return Ok(());
            }
            let found = self.objects.get(&key, None).await?;
            let holder = found.as_ref().and_then(Body::of);
            match (found, holder) {
                // The answer to an earlier renewal got lost.
                (Some(found), Some(holder)) if holder.nonce == mine.body.nonce => {
                    *mine = Mine { body: holder, etag: found.etag };
                }
                (_, holder) => {
                    self.status().lost = Some(holder.map(|holder| Box::new(holder.run)));
                    return Ok(());
                }
            }
        }
    }

    /// Renews it from time to time, until it is lost.
    pub(super) fn keep_alive(self: &Arc<Self>) -> JoinHandle<()> {
        let lease = Arc::clone(self);
        tokio::spawn(async move {
            let clock = &lease.objects.clock;
            let mut pause = RENEWAL;
            while lease.status().lost.is_none() {
                clock.sleep(clock.aws_time(pause)).await;
                let mut mine = lease.mine.lock().await;
                pause = match lease.renew(&mut mine).await {
                    Ok(()) => RENEWAL,
                    Err(fault) => {
                        tracing::debug!(%fault, "the lease could not be renewed");
                        RETRY
                    }
                };
            }
        })
    }

    /// Lets go of it, unless somebody else has it.
    async fn let_go(&self) {
        let key = key(&self.objects);
        let mine = self.mine.lock().await;
        let delete = async || {
            if self.objects.delete(&key, &mine.etag).await? {
                return Ok(());
            }
            // The answer to the last renewal got lost: it is ours under another ETag.
            match self.objects.get(&key, None).await? {
                Some(found) if Body::of(&found).is_some_and(|holder| holder.nonce == mine.body.nonce) => {
                    self.objects.delete(&key, &found.etag).await.map(drop)
                }
                Some(_) | None => Ok(()),
            }
        };
        if let Err(fault) = self.objects.patiently(LETTING_GO, delete).await {
            tracing::warn!(%fault, "the lock stays until it runs out");
        }
    }
}

/// The lease that a store holds, if it holds one.
pub(super) type Slot = Arc<Mutex<Option<Arc<Lease>>>>;

/// A lease at work: renewed until it is let go.
pub(super) struct Kept {
    pub(super) slot: Slot,
    pub(super) lease: Arc<Lease>,
    pub(super) renewals: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}

impl Held for Kept {
    fn release(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.renewals.abort();
        // What is written from now on is fenced by its own condition alone.
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Box::pin(async move { self.lease.let_go().await })
    }
}

/// Whether a lease may be taken over: its time and one request timeout are over by S3's clock, which shows whole seconds.
fn has_run_out(objects: &Objects, found: &Object) -> bool {
    let clock = &objects.clock;
    let ttl = Body::of(found).map_or_else(|| clock.aws_time(TTL), |body| Duration::from_secs(body.ttl));
    let age = Duration::try_from(found.date.duration_since(found.modified)).unwrap_or_default();
    age > ttl.saturating_add(clock.aws_time(REQUEST_TIMEOUT))
}

/// Tells who holds the lease; the inner `None` is a holder whose record cannot be read.
pub(super) async fn holder(objects: &Objects) -> Result<Option<Option<Run>>, Fault> {
    let found = objects.get_patiently(&key(objects)).await?;
    Ok(found.filter(|found| !has_run_out(objects, found)).map(|found| Body::of(&found).map(|body| body.run)))
}

/// Takes the lease away from whoever has it.
pub(super) async fn unlock(objects: &Objects) -> Result<(), Fault> {
    let key = key(objects);
    loop {
        let Some(found) = objects.get_patiently(&key).await? else { return Ok(()) };
        if objects.patiently(PATIENCE, async || objects.delete(&key, &found.etag).await).await? {
            return Ok(());
        }
    }
}
