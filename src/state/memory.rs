//! A store in memory, for tests in virtual time.
//!
//! Called by tests alone. Must never touch a file.

use super::{
    format::State,
    lock::{Held, Lock},
    run::Run,
    store::{Answer, Image, LockError, Past, Store, StoreError},
};
use crate::clock::Clock;
use jiff::Timestamp;
use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Keeps the last state it was given, and those before each run. It has one user, so that its lock is always free.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: Option<State>,
    before_runs: Vec<State>,
    lacks: Option<Vec<String>>,
}

struct Nothing;

impl Held for Nothing {
    fn release(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(ready(()))
    }
}

impl MemoryStore {
    /// Returns what was last saved.
    pub fn last(&self) -> Option<State> {
        self.kept().last.clone()
    }

    /// Lets it be a place that lacks this.
    pub fn lacking(&self, lacks: &[&str]) {
        self.kept().lacks = Some(lacks.iter().map(|&lack| lack.to_owned()).collect());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn place(&self) -> String {
        "memory".to_owned()
    }
    fn load(&self) -> Answer<'_, Option<State>> {
        Box::pin(ready(Ok(self.last())))
    }
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        self.kept().last = Some(state.clone());
        Box::pin(ready(Ok(())))
    }
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()> {
        self.kept().before_runs.push(before.clone());
        Box::pin(ready(Ok(())))
    }
    fn flaws(&self) -> Answer<'_, Option<Vec<String>>> {
        let lacks = self.kept().lacks.clone();
        Box::pin(ready(Ok(lacks)))
    }
    fn history(&self) -> Answer<'_, Vec<Past>> {
        let past =
            |(at, _): (usize, &State)| Past { name: at.to_string(), of: Image::BeforeRun, at: Timestamp::UNIX_EPOCH };
        let past = self.kept().before_runs.iter().enumerate().rev().map(past).collect();
        Box::pin(ready(Ok(past)))
    }
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State> {
        let state = name.parse().ok().and_then(|at: usize| self.kept().before_runs.get(at).cloned());
        let why = || "there is no such former state".to_owned();
        Box::pin(ready(state.ok_or_else(|| StoreError::Io { verb: "read", place: self.place(), why: why() })))
    }
    fn lock<'a>(&'a self, _: &'a Run, _: Duration, _: &'a Clock) -> Answer<'a, Lock, LockError> {
        Box::pin(ready(Ok(Lock::new(None, Nothing))))
    }
    fn holder(&self) -> Answer<'_, Option<Option<Run>>> {
        Box::pin(ready(Ok(None)))
    }
    fn unlock(&self) -> Answer<'_, (), LockError> {
        Box::pin(ready(Ok(())))
    }
}
