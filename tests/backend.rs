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
        atomic::{AtomicBool, Ordering},
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
    asleep: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
struct Cable {
    inner: SharedHttpClient,
    cut: Arc<AtomicBool>,
}

impl HttpClient for Cable {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Plug { inner: self.inner.http_connector(settings, parts), cut: Arc::clone(&self.cut) })
    }
}

#[derive(Debug)]
struct Plug {
    inner: SharedHttpConnector,
    cut: Arc<AtomicBool>,
}

impl HttpConnector for Plug {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.cut.load(Ordering::Relaxed) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("no network".into())));
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
        let asleep = Arc::new(AtomicBool::new(false));
        let place = Place {
            bucket: BUCKET.to_owned(),
            key: KEY.to_owned(),
            region: REGION.to_owned(),
            kms_key_id: kms_key_id.map(str::to_owned),
        };
        let cable = Cable { inner: self.sandbox().http_client(), cut: Arc::clone(&asleep) };
        let connect = {
            let (credentials, clock) = (self.estate.connection().credentials, clock.clone());
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
        Person { store, clock, run, asleep }
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
        self.asleep.store(asleep, Ordering::Relaxed);
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
