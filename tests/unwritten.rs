//! A state that cannot be written: whatever the write, nothing more is begun, what AWS has answered is kept, and with
//! that the next run makes good.

use crate::{harness::*, scene::*};
use rsds::{
    apply::Trouble,
    clock::Clock,
    plan::Options,
    state::{Answer, Lock, LockError, MemoryStore, Past, Run, State, Store, StoreError, envelope},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// A store that is full after so many writes, for so many more.
struct Full {
    inner: Arc<MemoryStore>,
    writes: AtomicUsize,
    from: usize,
    times: usize,
}

impl Full {
    fn of(estate: &Estate, from: usize, times: usize) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(&estate.store), writes: AtomicUsize::new(0), from, times })
    }
}

impl Store for Full {
    fn place(&self) -> String {
        "the disk".to_owned()
    }
    fn load(&self) -> Answer<'_, Option<State>> {
        self.inner.load()
    }
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        if number < self.from || number - self.from >= self.times {
            return self.inner.save(state);
        }
        let error =
            StoreError::Io { verb: "write", place: self.place(), why: "No space left on device (os error 28)".into() };
        Box::pin(std::future::ready(Err(error)))
    }
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()> {
        self.inner.keep(before)
    }
    fn history(&self) -> Answer<'_, Vec<Past>> {
        self.inner.history()
    }
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State> {
        self.inner.past(name)
    }
    fn lock<'a>(&'a self, run: &'a Run, patience: Duration, clock: &'a Clock) -> Answer<'a, Lock, LockError> {
        self.inner.lock(run, patience, clock)
    }
    fn holder(&self) -> Answer<'_, Option<Option<Run>>> {
        self.inner.holder()
    }
    fn unlock(&self) -> Answer<'_, (), LockError> {
        self.inner.unlock()
    }
}

/// Runs on a store that fails; tells whether everything was done, and the state that the store lacks.
async fn run_on_full(estate: &mut Estate, options: &Options, store: Arc<Full>) -> (bool, Option<State>) {
    let (mut session, plan) = estate.ready(options, store).await;
    let (events, _inbox) = mpsc::unbounded_channel();
    let (_keep, interrupt) = watch::channel(None);
    let before = estate.sandbox.calls().len();
    let outcome = session.apply(plan, events, interrupt).await;
    let unwritten = |trouble: &Trouble| matches!(trouble, Trouble::State { .. });
    assert!(outcome.failed.iter().all(|(_, _, trouble)| unwritten(trouble)), "{:#?}", outcome.failed);
    assert!(estate.sandbox.calls().len() > before || outcome.done.is_empty());
    (outcome.is_complete(), session.unsaved.is_some().then(|| session.state.clone()))
}

/// At every write of a run the disk is full from then on; the rescued state is pushed, and the next run makes good.
async fn every_write_fails(made_with: Option<&[&str]>, sets: &[&str], options: &Options) {
    let begin = async || {
        let mut estate = Estate::new(TINY);
        if let Some(made_with) = made_with {
            estate.set(made_with);
            estate.apply().await;
        }
        estate.set(sets);
        estate
    };
    let mut reference = begin().await;
    let counted = Full::of(&reference, usize::MAX, 0);
    assert_eq!(run_on_full(&mut reference, options, Arc::clone(&counted)).await, (true, None));
    let writes = counted.writes.load(Ordering::Relaxed);
    assert!(writes > 5, "{writes}");
    for from in 0..writes {
        let mut estate = begin().await;
        let store = Full::of(&estate, from, usize::MAX);
        let (complete, rescued) = run_on_full(&mut estate, options, store).await;
        assert!(!complete, "write {from} of {writes}");
        // The rescue file is what `state push` takes.
        let bytes = envelope::seal(&rescued.unwrap()).unwrap();
        estate.store.save(&envelope::open("rescue", &bytes).unwrap()).await.unwrap();
        let outcome = estate.run(options).await;
        assert!(outcome.is_complete(), "write {from}: {:#?}", outcome.failed);
        if !options.destroy {
            estate.settled().await;
        }
        assert_eq!(estate.inventory(), reference.inventory(), "write {from} of {writes}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_apply() {
    every_write_fails(None, &[], &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_update_that_replaces() {
    let sets: &[&str] = &["consumers.reporting.s3_buckets=[\"other-*\"]", "tags.team=\"data\"", "nlb.port=5440"];
    every_write_fails(Some(&[]), sets, &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy() {
    every_write_fails(Some(&[]), &[], &destroying(&[])).await;
}

/// A disk that has room again when the run ends has all of it; the run still ended, and says so.
#[tokio::test(start_paused = true)]
async fn a_moment_without_room_needs_no_rescue() {
    let mut estate = Estate::new(TINY);
    let store = Full::of(&estate, 8, 1);
    assert_eq!(run_on_full(&mut estate, &Options::default(), store).await, (false, None));
    estate.converge(&Options::default()).await;
}
