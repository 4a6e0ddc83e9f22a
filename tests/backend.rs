//! The state in S3, through the store itself and in virtual time: fenced writes, the lease, the bucket, all faults.

mod bucket;
mod estate;
mod faults;
mod lease;
mod writes;

use crate::harness::Estate;
use aws_sdk_s3::Client;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use rsds::{
    clock::Clock,
    sandbox::Sandbox,
    state::{LockError, Run, S3Store, State, Store as _, StoreError, s3::Place},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

const BUCKET: &str = "acme-rsds-state";
const KEY: &str = "rsds/airline/dev/state.json";
const REGION: &str = "eu-west-1";
const KMS: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555";

/// A sandbox with people who share a state in it.
struct Shared {
    estate: Estate,
}

/// One of them: a store with a network that can be cut, as a laptop's is while it sleeps.
struct Person {
    store: Arc<S3Store>,
    clock: Clock,
    run: Run,
    cable: Cable,
}

/// A network that can be cut, by hand or at a certain write to S3.
#[derive(Clone, Debug)]
struct Cable {
    inner: SharedHttpClient,
    cut: Arc<AtomicBool>,
    /// Writes to S3 that still pass; the one after them is the last thing that is sent.
    writes_left: Arc<AtomicUsize>,
    /// Whether that last one arrives.
    arrives: bool,
}

impl HttpClient for Cable {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Plug { inner: self.inner.http_connector(settings, parts), cable: self.clone() })
    }
}

#[derive(Debug)]
struct Plug {
    inner: SharedHttpConnector,
    cable: Cable,
}

impl HttpConnector for Plug {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let no_network = || ConnectorError::io("no network".into());
        let Cable { cut, writes_left, arrives, .. } = self.cable.clone();
        if cut.load(Ordering::Relaxed) {
            return HttpConnectorFuture::ready(Err(no_network()));
        }
        let is_write = request.method() == "PUT";
        if is_write && writes_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            cut.store(true, Ordering::Relaxed);
            let last = arrives.then(|| self.inner.call(request));
            return HttpConnectorFuture::new(async move {
                if let Some(last) = last {
                    last.await.ok();
                }
                Err(no_network())
            });
        }
        self.inner.call(request)
    }
}

impl Shared {
    /// A sandbox without a bucket; must run in a paused runtime.
    fn empty() -> Self {
        Self { estate: Estate::new(crate::scene::SMALL) }
    }

    /// A sandbox with the bucket made as rsds makes it.
    async fn new() -> Self {
        let shared = Self::empty();
        let ann = shared.person("ann");
        ann.store.mend(&ann.store.missing().await.unwrap()).await.unwrap();
        shared.sandbox().take_calls();
        shared
    }

    fn sandbox(&self) -> &Sandbox {
        &self.estate.sandbox
    }

    fn person(&self, who: &str) -> Person {
        self.person_with(who, self.estate.clock.clone(), None)
    }

    /// Somebody whose clock may be wrong.
    fn person_with(&self, who: &str, clock: Clock, kms_key_id: Option<&str>) -> Person {
        let place = place(kms_key_id);
        let cable = Cable {
            inner: self.sandbox().http_client(),
            cut: Arc::default(),
            writes_left: Arc::new(AtomicUsize::new(usize::MAX)),
            arrives: false,
        };
        self.person_at(who, clock, place, cable)
    }

    fn person_at(&self, who: &str, clock: Clock, place: Place, cable: Cable) -> Person {
        let connect = {
            let (credentials, clock, cable) = (self.estate.connection().credentials, clock.clone(), cable.clone());
            move || {
                Ok(rsds::aws::Connection {
                    region: REGION.to_owned(),
                    http: Some(SharedHttpClient::new(cable.clone())),
                    credentials: credentials.clone(),
                    parallelism: 4,
                    clock: clock.clone(),
                })
            }
        };
        let run = Run {
            who: who.to_owned(),
            host: "laptop".to_owned(),
            pid: 7,
            command: "rsds apply".to_owned(),
            since: clock.timestamp(),
            url: None,
        };
        let store = Arc::new(S3Store::new(place, clock.clone(), Box::new(connect)));
        Person { store, clock, run, cable }
    }

    /// S3 as somebody else uses it.
    async fn s3(&self) -> Client {
        let mut connection = self.estate.connection();
        REGION.clone_into(&mut connection.region);
        connection.s3().await
    }

    /// Keys in the bucket, in order.
    fn keys(&self) -> Vec<String> {
        let world = self.sandbox().world_in("aws-global");
        let objects = &world.s3.buckets[BUCKET].objects;
        let there = objects.iter().filter(|(_, versions)| versions.last().is_some_and(|last| !last.marker));
        there.map(|(key, _)| key.strip_prefix("rsds/airline/dev/").unwrap_or(key).to_owned()).collect()
    }

    /// How many versions of the state there are, the current one included.
    fn versions(&self) -> usize {
        self.sandbox().world_in("aws-global").s3.buckets[BUCKET].objects[KEY].len()
    }
}

fn place(kms_key_id: Option<&str>) -> Place {
    let kms_key_id = kms_key_id.map(str::to_owned);
    Place { bucket: BUCKET.to_owned(), key: KEY.to_owned(), region: REGION.to_owned(), kms_key_id }
}

impl Person {
    async fn lock(&self, patience: Duration) -> Result<rsds::state::Lock, LockError> {
        self.store.lock(&self.run, patience, &self.clock).await
    }

    async fn save(&self, serial: u64) -> Result<(), StoreError> {
        self.store.save(&self.state(serial)).await
    }

    /// A state that this person wrote.
    fn state(&self, serial: u64) -> State {
        let run = Some(self.run.clone());
        State { serial, run, ..State::pristine("airline", "dev", "lineage".to_owned()) }
    }

    fn sleep(&self, asleep: bool) {
        self.cable.cut.store(asleep, Ordering::Relaxed);
    }
}

/// Who somebody was overtaken by.
#[track_caller]
fn winner(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Lost { by: Some(by), .. }) => by.who,
        other => panic!("not overtaken: {other:?}"),
    }
}
