//! The record that a call which changes something rests on: none leaves under one that is old.
//!
//! Made by `apply` when an intent is durable, and asked by `client` at the very moment of departure, after every queue and
//! every read before it: whoever finds the record after a crash waits for what was sent under it, and must know when that
//! was. Must never let a call go whose record could not be renewed.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How old a record may be when a call leaves under it: little beside the time in which what was sent may land.
const FRESH: Duration = Duration::from_secs(3);

/// Writes the record again, as made now; tells whether it is durable.
type Renewal = dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync;

/// Leave to change something; clones are one.
#[derive(Clone)]
pub struct Permit {
    renew: Arc<Renewal>,
    /// When the record was made, on the clock of the connection.
    since: Arc<Mutex<Duration>>,
}

tokio::task_local! {
    static PERMIT: Permit;
}

impl Permit {
    /// Leave that rests on a record made at `now`, which `renew` makes anew.
    pub fn new(
        now: Duration,
        renew: impl Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self { renew: Arc::new(renew), since: Arc::new(Mutex::new(now)) }
    }

    /// Does `work`, whose calls leave under this.
    pub fn over<F: Future>(&self, work: F) -> impl Future<Output = F::Output> {
        PERMIT.scope(self.clone(), work)
    }

    /// Makes sure that what leaves now does so under a fresh record; `false`: it must not leave. What needs no leave (a
    /// read, the bucket of a state, whatever is not done for an apply) may go.
    pub(super) async fn is_fresh(now: impl Fn() -> Duration) -> bool {
        let Ok(permit) = PERMIT.try_with(Clone::clone) else { return true };
        let age = now().saturating_sub(*permit.since.lock().unwrap_or_else(PoisonError::into_inner));
        if age <= FRESH {
            return true;
        }
        let renewed = (permit.renew)().await;
        if renewed {
            *permit.since.lock().unwrap_or_else(PoisonError::into_inner) = now();
        }
        renewed
    }
}
