//! Keeps, during one run, what a crash would leave behind at every call to AWS and at every write of the state.
//!
//! A moment is a world and a state; calls and writes between which neither changed share it. A call that changes the
//! world gives three points: before it is sent, after AWS did it and before the answer, and sent but landing late.

use crate::harness::*;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use bytes::Bytes;
use rsds::{
    clock::Clock,
    plan::Options,
    sandbox::{Fault, How, Sandbox, Snapshot, Stage},
    state::{Answer, Lock, LockError, MemoryStore, Past, Run, State, Store},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// What a crash leaves behind.
pub(crate) struct Moment {
    snapshot: Snapshot,
    state: Option<State>,
    /// A request that is under way and lands after the restart.
    pub(super) late: Option<http::Request<Bytes>>,
    /// What would have come next, for messages.
    pub(crate) before: String,
}

/// All moments of a run, and how many points of it they stand for.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) moments: Vec<Moment>,
    /// Calls that change the world: three points each.
    pub(super) mutations: usize,
    /// Calls that only read: two points each.
    pub(super) reads: usize,
    /// Writes of the state: three points each.
    pub(super) writes: usize,
    /// The world when the call arrived that is being answered.
    arrived: Option<Snapshot>,
}

impl Record {
    /// Before, after and late for a mutation; before and after for a read; before, torn and after for a write.
    pub(super) const fn points(&self) -> usize {
        3 * self.mutations + 2 * self.reads + 3 * self.writes
    }

    fn keep(&mut self, snapshot: Snapshot, state: Option<State>, before: &str) {
        let same = |last: &Moment| last.late.is_none() && last.snapshot.is_same(&snapshot) && last.state == state;
        if !self.moments.iter().rev().find(|moment| moment.late.is_none()).is_some_and(same) {
            self.moments.push(Moment { snapshot, state, late: None, before: before.to_owned() });
        }
    }

    /// A call that may change the world has been done, and is not answered yet.
    fn done(&mut self, sandbox: &Sandbox, state: Option<State>, request: &http::Request<Bytes>) {
        let (Some(before), Some(call)) = (self.arrived.take(), sandbox.last_call()) else { return };
        let (after, name) = (sandbox.snapshot(), format!("{}:{}", call.service, call.operation));
        self.mutations += 1;
        self.keep(before.clone(), state.clone(), &name);
        // What AWS refuses changes nothing, late or not.
        if call.error.is_none() || !after.is_same(&before) {
            let late = Some(request.clone());
            self.moments.push(Moment { snapshot: before, state: state.clone(), late, before: name.clone() });
            self.keep(after, state, &format!("the answer of {name}"));
        }
    }
}

/// At which call a process dies, and what becomes of that call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// It is never sent.
    Before,
    /// AWS does it, and nobody hears the answer.
    After,
    /// It is under way, and lands when somebody else is there.
    Late,
}

/// The death of a process: from then on nothing answers it any more, and it writes nothing.
struct Doom {
    at: usize,
    cut: Cut,
    calls: AtomicUsize,
    dead: watch::Sender<bool>,
    under_way: Mutex<Option<HttpRequest>>,
}

/// The wire and the store of a run, both with an ear on them, or with an end.
#[derive(Clone)]
pub(crate) struct Tap {
    sandbox: Sandbox,
    store: Arc<MemoryStore>,
    record: Arc<Mutex<Record>>,
    doom: Option<Arc<Doom>>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

impl Tap {
    pub(crate) fn on(estate: &Estate) -> Self {
        let (sandbox, store) = (estate.sandbox.clone(), Arc::clone(&estate.store));
        Self { sandbox, store, record: Arc::default(), doom: None }
    }

    /// Keeps every moment from now on.
    pub(crate) fn recording(estate: &Estate) -> Self {
        let tap = Self::on(estate);
        tap.sandbox.take_calls();
        let (record, store) = (Arc::clone(&tap.record), Arc::clone(&tap.store));
        tap.sandbox.witness(Some(Arc::new(move |sandbox, stage, request| {
            let mut record = record.lock().unwrap();
            match stage {
                Stage::Arrived => record.arrived = Some(sandbox.snapshot()),
                Stage::Done => record.done(sandbox, store.last(), request),
            }
        })));
        tap
    }

    /// The process dies at its nth call.
    pub(crate) fn deadly(estate: &Estate, at: usize, cut: Cut) -> Self {
        let (calls, dead, under_way) = (AtomicUsize::new(0), watch::Sender::new(false), Mutex::default());
        Self { doom: Some(Arc::new(Doom { at, cut, calls, dead, under_way })), ..Self::on(estate) }
    }

    /// Resolves when the process is dead.
    async fn death(&self) {
        match &self.doom {
            Some(doom) => drop(doom.dead.subscribe().wait_for(|dead| *dead).await.unwrap()),
            None => std::future::pending().await,
        }
    }

    fn is_dead(&self) -> bool {
        self.doom.as_ref().is_some_and(|doom| *doom.dead.borrow())
    }

    /// Lets what was under way land, a while from now.
    pub(crate) fn land(&self, after: Duration) {
        let request = self.doom.as_ref().and_then(|doom| doom.under_way.lock().unwrap().take());
        if let Some(request) = request {
            let (head, body) = request.try_into_http1x().unwrap().into_parts();
            let body = Bytes::copy_from_slice(body.bytes().unwrap());
            land(&self.sandbox, &http::Request::from_parts(head, body), after);
        }
    }

    pub(crate) fn wire(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    pub(crate) fn take(&self) -> Record {
        self.sandbox.witness(None);
        let reads = self.sandbox.calls().into_iter().filter(|call| !call.mutating).count();
        Record { reads, ..std::mem::take(&mut *self.record.lock().unwrap()) }
    }
}

impl HttpClient for Tap {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Tap {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let tap = self.clone();
        HttpConnectorFuture::new(async move {
            match &tap.doom {
                Some(doom) => doom.carry(&tap.sandbox, request).await,
                None => HttpConnector::call(&tap.sandbox, request).await,
            }
        })
    }
}

impl Store for Tap {
    fn place(&self) -> String {
        self.store.place()
    }
    fn load(&self) -> Answer<'_, Option<State>> {
        self.store.load()
    }
    /// The store replaces a file as a whole: torn is the same as not written.
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        if self.is_dead() {
            return Box::pin(std::future::pending());
        }
        if self.doom.is_none() {
            let (snapshot, mut record) = (self.sandbox.snapshot(), self.record.lock().unwrap());
            record.writes += 1;
            let what = format!("write {}", state.serial);
            record.keep(snapshot.clone(), self.store.last(), &what);
            record.keep(snapshot, Some(state.clone()), &format!("what follows {what}"));
        }
        self.store.save(state)
    }
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()> {
        self.store.keep(before)
    }
    fn history(&self) -> Answer<'_, Vec<Past>> {
        self.store.history()
    }
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State> {
        self.store.past(name)
    }
    fn lock<'a>(&'a self, run: &'a Run, patience: Duration, clock: &'a Clock) -> Answer<'a, Lock, LockError> {
        self.store.lock(run, patience, clock)
    }
    fn holder(&self) -> Answer<'_, Option<Option<Run>>> {
        self.store.holder()
    }
    fn unlock(&self) -> Answer<'_, (), LockError> {
        self.store.unlock()
    }
}

impl Doom {
    async fn carry(&self, sandbox: &Sandbox, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        if *self.dead.borrow() {
            return std::future::pending().await;
        }
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 < self.at {
            return HttpConnector::call(sandbox, request).await;
        }
        match self.cut {
            Cut::Before => {}
            Cut::After => drop(HttpConnector::call(sandbox, request).await),
            Cut::Late => *self.under_way.lock().unwrap() = Some(request),
        }
        self.dead.send_replace(true);
        std::future::pending().await
    }
}

impl Estate {
    /// Plans and applies until the process dies, or is done before.
    pub(crate) async fn crashing(&mut self, tap: &Tap, options: &Options) {
        self.wire = Some(tap.wire());
        let (_keep, interrupt) = watch::channel(None);
        tokio::select! {
            biased;
            () = tap.death() => {}
            _ = self.run_on(options, Arc::new(tap.clone()), interrupt) => {}
        }
        self.wire = None;
    }
}

impl Moment {
    /// The estate as it is found after the crash. What was under way lands after this time.
    pub(crate) async fn found(&self, toml: &str, sets: &[&str], lands_after: Duration) -> Estate {
        let clock = Clock::paused(self.snapshot.at());
        let sandbox = Sandbox::resume(&self.snapshot, clock.clone());
        let store = Arc::new(MemoryStore::default());
        if let Some(state) = &self.state {
            store.save(state).await.unwrap();
        }
        if let Some(request) = &self.late {
            land(&sandbox, request, lands_after);
        }
        let mut estate = Estate { sandbox, store, clock, ..Estate::bare(toml) };
        estate.set(sets);
        estate
    }
}

/// Lets a request arrive a while from now.
fn land(sandbox: &Sandbox, request: &http::Request<Bytes>, after: Duration) {
    sandbox.inject(Fault::once("*", 1, How::Late(after)));
    sandbox.exchange(request).ok();
}
