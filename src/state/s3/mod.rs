//! The state as an object in S3, shared by a team: fenced writes, a lease for a lock, versions for a history.
//!
//! Called through `Store`; `bucket` makes the bucket for `rsds backend create`. Every write names the version it
//! replaces (`If-Match`), so that nobody writes over what they have not read. Must never hold credentials (the SDK's
//! own chain does), nor judge time by any clock but S3's and the wall.

pub mod bucket;
mod history;
mod lease;
mod objects;

use super::{
    envelope,
    format::State,
    lock::Lock,
    run::Run,
    store::{Answer, LockError, Past, Store, StoreError},
};
use crate::{aws::Fault, clock::Clock};
use lease::{Kept, Lease, Slot};
pub use objects::Connect;
use objects::{If, Object, Objects, PATIENCE, Put, is_passing};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::Mutex as Turns;

/// The IAM actions of a run with its state in S3, with `kms` for a key of the user's own.
pub const ACTIONS: [&str; 8] = [
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
];

/// Where a state is kept in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bucket.
    pub bucket: String,
    /// Key of the object.
    pub key: String,
    /// Region of the bucket.
    pub region: String,
    /// Key that encrypts it; none leaves that to the bucket.
    pub kms_key_id: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Keeps the state of one environment in S3.
pub struct S3Store {
    objects: Arc<Objects>,
    seen: Turns<Seen>,
    lease: Slot,
}

/// What this process knows of the state's object.
#[derive(Debug, Default)]
struct Seen {
    /// Its ETag as last read or written; the inner `None` says that there is no object.
    etag: Option<Option<String>>,
    /// Digests of what was sent and never answered: whoever finds one of them there finds their own write.
    unanswered: Vec<[u8; 32]>,
}

impl S3Store {
    /// Keeps the state at that place; nothing is asked of S3 before the first use.
    pub fn new(place: Place, clock: Clock, connect: Connect) -> Self {
        Self { objects: Arc::new(Objects::new(place, clock, connect)), seen: Turns::default(), lease: Slot::default() }
    }

    fn io(&self, verb: &'static str, why: String) -> StoreError {
        StoreError::Io { verb, place: self.place(), why }
    }

    fn fault(&self, verb: &'static str, fault: &Fault) -> StoreError {
        self.io(verb, fault.to_string())
    }

    async fn read(&self) -> Result<Option<State>, StoreError> {
        let found = {
            let mut seen = self.seen.lock().await;
            self.look(&mut seen, "read").await?
        };
        let Some(found) = found else { return Ok(None) };
        match envelope::open(&self.place(), &found.bytes) {
            Err(StoreError::Damaged { place, why, .. }) => {
                Err(StoreError::Damaged { place, why, last_good: self.last_good().await })
            }
            opened => opened.map(Some),
        }
    }

    /// Reads the object and remembers which one it is.
    async fn look(&self, seen: &mut Seen, verb: &'static str) -> Result<Option<Object>, StoreError> {
        let found = self.objects.get_patiently(&self.objects.place.key).await;
        let found = found.map_err(|fault| self.fault(verb, &fault))?;
        seen.etag = Some(found.as_ref().map(|found| found.etag.clone()));
        Ok(found)
    }

    async fn write(&self, state: &State) -> Result<(), StoreError> {
        let bytes = envelope::seal(state).map_err(|error| self.io("write", error.to_string()))?;
        let digest = Sha256::digest(&bytes).into();
        let mut seen = self.seen.lock().await;
        if seen.etag.is_none() {
            self.look(&mut seen, "read").await?;
        }
        let mut pace = self.objects.pace(PATIENCE);
        loop {
            // Before every try: a laptop may have slept since the last one.
            self.still_mine().await?;
            let etag = seen.etag.clone().flatten();
            let condition = etag.as_deref().map_or(If::Absent, If::Is);
            match self.objects.put(&self.objects.place.key, &bytes, condition).await {
                Ok(Put::Done(etag)) => {
                    *seen = Seen { etag: Some(Some(etag)), unanswered: Vec::new() };
                    return Ok(());
                }
                Ok(Put::Overtaken) => {
                    if self.overtaken(&mut seen, &bytes).await? {
                        return Ok(());
                    }
                    if !pace.another().await {
                        return Err(self.io("write", "somebody else writes at the same time, again and again".into()));
                    }
                }
                Err(fault) => {
                    if !seen.unanswered.contains(&digest) {
                        seen.unanswered.push(digest);
                    }
                    if !is_passing(&fault) || !pace.another().await {
                        return Err(self.fault("write", &fault));
                    }
                }
            }
        }
    }

    /// Finds out what stands in the way of a write: true when it is that very write, whose answer got lost; false when
    /// it may be tried again.
    async fn overtaken(&self, seen: &mut Seen, bytes: &[u8]) -> Result<bool, StoreError> {
        let expected = seen.etag.clone().flatten();
        let found = self.look(seen, "write").await?;
        let Some(found) = found else {
            return match expected {
                None => Ok(false),
                Some(_) => Err(self.io("write", "somebody has deleted it since it was read".into())),
            };
        };
        if found.bytes == bytes {
            return Ok(true);
        }
        let is_own = seen.unanswered.contains(&Sha256::digest(&found.bytes).into());
        if is_own || expected.as_deref() == Some(found.etag.as_str()) {
            return Ok(false);
        }
        let other = envelope::open(&self.place(), &found.bytes).ok();
        // Nothing this process writes from now on may rest on what somebody else wrote.
        seen.etag = Some(expected);
        Err(StoreError::Lost { place: self.place(), by: other.and_then(|other| other.run).map(Box::new) })
    }

    /// Makes sure that the lease is ours, when one was taken.
    async fn still_mine(&self) -> Result<(), StoreError> {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(lease) = lease else { return Ok(()) };
        match lease.fence().await {
            // Whoever took over has ended and let go; what they wrote says who they were.
            Err(StoreError::Lost { place, by: None }) => {
                let last = self.objects.get(&self.objects.place.key, None).await.ok().flatten();
                let last = last.and_then(|last| envelope::open(&place, &last.bytes).ok()?.run);
                Err(StoreError::Lost { by: last.filter(|run| *run != lease.run).map(Box::new), place })
            }
            result => result,
        }
    }

    /// Takes the state out of its place and keeps it there under another name, which is returned: it has moved.
    pub async fn retire(&self) -> Result<String, StoreError> {
        let key = &self.objects.place.key;
        let mut seen = self.seen.lock().await;
        let Some(found) = self.look(&mut seen, "read").await? else { return Ok(String::new()) };
        let kept = format!("{key}.moved-{}", found.modified.strftime("%Y%m%dT%H%M%SZ"));
        let keep = async || self.objects.put(&kept, &found.bytes, If::Absent).await;
        self.objects.patiently(PATIENCE, keep).await.map_err(|fault| self.fault("keep", &fault))?;
        let delete = async || self.objects.delete(key, &found.etag).await;
        if !self.objects.patiently(PATIENCE, delete).await.map_err(|fault| self.fault("remove", &fault))? {
            return Err(self.io("remove", "somebody has written it since it was read".into()));
        }
        seen.etag = None;
        Ok(format!("s3://{}/{kept}", self.objects.place.bucket))
    }
}

impl Store for S3Store {
    fn place(&self) -> String {
        self.objects.place.to_string()
    }
    fn load(&self) -> Answer<'_, Option<State>> {
        Box::pin(self.read())
    }
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        Box::pin(self.write(state))
    }
    fn fence(&self) -> Answer<'_, ()> {
        Box::pin(self.still_mine())
    }
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()> {
        Box::pin(async {
            self.still_mine().await?;
            self.put_aside(before).await
        })
    }
    fn history(&self) -> Answer<'_, Vec<Past>> {
        Box::pin(async { self.all_past().await.map_err(|fault| self.fault("read the history of", &fault)) })
    }
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State> {
        Box::pin(self.one_past(name))
    }
    fn lock<'a>(&'a self, run: &'a Run, patience: Duration, _: &'a Clock) -> Answer<'a, Lock, LockError> {
        Box::pin(async move {
            let (lease, taken_over) = Lease::take(&self.objects, run, patience).await?;
            *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&lease));
            let renewals = lease.keep_alive();
            Ok(Lock::new(taken_over, Kept { lease, renewals, slot: Arc::clone(&self.lease) }))
        })
    }
    fn flaws(&self) -> Answer<'_, Option<Vec<String>>> {
        Box::pin(async { Ok(Some(self.objects.flaws().await)) })
    }
    fn holder(&self) -> Answer<'_, Option<Option<Run>>> {
        Box::pin(async {
            lease::holder(&self.objects).await.map_err(|fault| self.fault("look at the lock of", &fault))
        })
    }
    fn unlock(&self) -> Answer<'_, (), LockError> {
        Box::pin(async {
            let unlocked = lease::unlock(&self.objects).await;
            unlocked.map_err(|fault| LockError::Io { place: self.place(), why: fault.to_string() })
        })
    }
}
