//! Crashes and interrupts: the world and the state are kept at every write of a reference run, each of these moments
//! is taken for the end of the process, and the next run has to make good.

use crate::{harness::*, scene::*};
use rsds::{
    apply::Outcome,
    clock::Clock,
    plan::Options,
    sandbox::{Sandbox, World},
    state::{MemoryStore, State, Store, StoreError},
};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// What a crash leaves behind.
struct Moment {
    world: World,
    state: Option<State>,
    at: jiff::Timestamp,
}

/// A store that remembers the moment before and the moment after each write.
struct Recorder {
    inner: Arc<MemoryStore>,
    sandbox: Sandbox,
    moments: Mutex<Vec<Moment>>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl Store for Recorder {
    fn load(&self) -> Answer<'_, Option<State>> {
        self.inner.load()
    }
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        let (world, at) = (self.sandbox.world(), self.sandbox.now());
        let mut moments = self.moments.lock().unwrap();
        // The answers since the last write are lost with this one.
        if moments.last().is_none_or(|last| last.world != world) {
            moments.push(Moment { world: world.clone(), state: self.inner.last(), at });
        }
        moments.push(Moment { world, state: Some(state.clone()), at });
        self.inner.save(state)
    }
}

/// The estate as it is found after the crash.
async fn found(moment: &Moment, sets: &[String]) -> Estate {
    let clock = Clock::paused(moment.at);
    let sandbox = Sandbox::in_memory(clock.clone());
    sandbox.edit(|world| world.clone_from(&moment.world)).unwrap();
    let store = Arc::new(MemoryStore::default());
    if let Some(state) = &moment.state {
        store.save(state).await.unwrap();
    }
    Estate { sandbox, store, clock, sets: sets.to_vec(), ..Estate::new(SMALL) }
}

/// Runs, keeps every moment, and tells what stands at the end.
async fn recorded(estate: &mut Estate, options: &Options) -> (Vec<Moment>, BTreeMap<&'static str, usize>) {
    let recorder = Arc::new(Recorder {
        inner: Arc::clone(&estate.store),
        sandbox: estate.sandbox.clone(),
        moments: Mutex::default(),
    });
    let (_keep, interrupt) = watch::channel(false);
    let outcome = estate.run_on(options, Arc::clone(&recorder) as Arc<dyn Store>, interrupt).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let moments = std::mem::take(&mut *recorder.moments.lock().unwrap());
    (moments, estate.inventory())
}

/// Takes every `stride`-th moment for a crash; the next run must end as the reference did.
async fn survived(moments: &[Moment], sets: &[String], end: &BTreeMap<&'static str, usize>, stride: usize) {
    for (number, moment) in moments.iter().enumerate().step_by(stride) {
        let mut estate = found(moment, sets).await;
        let outcome = estate.run(&Options::default()).await;
        assert!(outcome.is_complete(), "moment {number}: {:#?}", outcome.failed);
        estate.settled().await;
        assert_eq!(estate.inventory(), *end, "moment {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_apply() {
    let mut estate = Estate::new(SMALL);
    let (moments, end) = recorded(&mut estate, &Options::default()).await;
    survived(&moments, &[], &end, 1).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_apply_that_is_then_given_up() {
    let mut estate = Estate::new(SMALL);
    let (moments, _) = recorded(&mut estate, &Options::default()).await;
    for (number, moment) in moments.iter().enumerate().step_by(3) {
        vanished(number, moment).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    let (moments, _) = recorded(&mut estate, &destroying(&[])).await;
    for (number, moment) in moments.iter().enumerate() {
        vanished(number, moment).await;
    }
}

/// A destroy after the crash leaves nothing.
async fn vanished(number: usize, moment: &Moment) {
    let mut estate = found(moment, &[]).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "moment {number}: {:#?}", outcome.failed);
    let left: Vec<_> = estate.inventory().into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(left, [], "moment {number}");
}

#[tokio::test(start_paused = true)]
async fn of_an_update() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    estate.set(&[
        "consumers.reporting.database=\"other_db\"",
        "nlb.deregistration_delay=\"30s\"",
        "networking.allowed_cidrs=[\"192.168.0.0/16\"]",
        "tags.team=\"data\"",
        "producer.s3_buckets=[\"other-*\"]",
    ]);
    let (moments, end) = recorded(&mut estate, &Options::default()).await;
    survived(&moments, &estate.sets.clone(), &end, 2).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    let replace = ["nlb/target-group-5439", "networking/nlb-security-group"];
    let options = Options { replace: select(&replace), ..Options::default() };
    let (moments, end) = recorded(&mut estate, &options).await;
    survived(&moments, &[], &end, 1).await;
}

/// Interrupts an apply after so many seconds of AWS time.
async fn interrupted(estate: &mut Estate, options: &Options, after: u64) -> Outcome {
    let (flip, interrupt) = watch::channel(false);
    let clock = estate.clock.clone();
    let user = tokio::spawn(async move {
        clock.sleep(Duration::from_secs(after)).await;
        flip.send(true).unwrap();
        flip
    });
    let store = Arc::clone(&estate.store) as Arc<dyn Store>;
    let outcome = estate.run_on(options, store, interrupt).await;
    drop(user.await.unwrap());
    outcome
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_starts_nothing_more_and_loses_nothing() {
    let mut reference = Estate::new(SMALL);
    reference.apply().await;
    for after in [0, 1, 4, 30, 310, 330] {
        let mut estate = Estate::new(SMALL);
        let outcome = interrupted(&mut estate, &Options::default(), after).await;
        assert_eq!(outcome.failed.len(), 0, "{:#?}", outcome.failed);
        assert!(!outcome.is_complete(), "after {after} s");
        assert!(outcome.seconds < (after + 1) as f64, "stopped after {} s", outcome.seconds);
        if after < 300 {
            assert!(!outcome.skipped.is_empty());
        }
        estate.converge(&Options::default()).await;
        assert_eq!(estate.inventory(), reference.inventory(), "after {after} s");
        // A destroy takes 280 s of its own.
        let outcome = interrupted(&mut estate, &destroying(&[]), after.min(250)).await;
        assert!(outcome.failed.is_empty() && !outcome.is_complete(), "{:#?}", outcome.failed);
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    }
}
