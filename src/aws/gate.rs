//! The gate of calls in flight (`--parallelism`): at most so many at once, and of those that wait the most urgent first.
//!
//! Asked by `client` before each call. A call is as urgent as the operation it is sent for, a look of a poller as urgent as
//! the most urgent operation that waits for it: so neither can starve the other, and neither is a special case. Must never
//! let more calls through than it was made for, nor lose a place of a call that was given up.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

tokio::task_local! {
    static URGENCY: u32;
}

/// Does `work` with this urgency: how long everything that waits for it will typically take, in seconds.
pub fn urgently<F: Future>(urgency: u32, work: F) -> impl Future<Output = F::Output> {
    URGENCY.scope(urgency, work)
}

/// Returns the urgency of what is being done; 0 outside of `urgently`.
pub fn urgency() -> u32 {
    URGENCY.try_with(|urgency| *urgency).unwrap_or_default()
}

/// The gate; clones are one.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Mutex<Places>>);

#[derive(Debug)]
struct Places {
    /// How many more may pass; none while somebody waits.
    free: usize,
    arrivals: u64,
    /// The most urgent first, of those alike the first that came.
    waiting: BTreeMap<(Reverse<u32>, u64), oneshot::Sender<Passage>>,
}

/// A place among the calls in flight, handed on when dropped.
#[derive(Debug)]
pub(super) struct Passage(Gate);

impl Gate {
    /// Lets `most` calls through at once, and at least one.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Places { free: most.max(1), arrivals: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a place, with the urgency of what is being done.
    pub(super) async fn pass(&self) -> Passage {
        match self.queue() {
            None => Passage(self.clone()),
            // Nobody drops the other end while this gate stands; were it so, one call more is better than none.
            Some(opened) => opened.await.unwrap_or_else(|_| Passage(Self::new(1))),
        }
    }

    /// Takes a free place, or queues up for one.
    fn queue(&self) -> Option<oneshot::Receiver<Passage>> {
        let mut places = self.places();
        if places.free > 0 {
            places.free -= 1;
            return None;
        }
        let (open, opened) = oneshot::channel();
        places.arrivals += 1;
        let rank = (Reverse(urgency()), places.arrivals);
        places.waiting.insert(rank, open);
        Some(opened)
    }

    /// The next that still waits; without one the place is free.
    fn next(&self) -> Option<oneshot::Sender<Passage>> {
        let mut places = self.places();
        while let Some((_, next)) = places.waiting.pop_first() {
            if !next.is_closed() {
                return Some(next);
            }
        }
        places.free += 1;
        None
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(next) = self.0.next() {
            // Given up in this very moment: the passage comes back, and is handed on when it is dropped here.
            next.send(Self(self.0.clone())).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn the_most_urgent_passes_first_and_equals_in_their_order() {
        let gate = Gate::new(1);
        let first = gate.pass().await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        for (name, urgent) in [("look", 5), ("late", 1), ("path", 300), ("look again", 5)] {
            let (gate, order) = (gate.clone(), Arc::clone(&order));
            calls.push(tokio::spawn(urgently(urgent, async move {
                let _passage = gate.pass().await;
                order.lock().unwrap().push(name);
            })));
            tokio::task::yield_now().await;
        }
        drop(first);
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["path", "look", "look again", "late"]);
    }

    #[tokio::test]
    async fn who_gives_up_takes_no_place_with_him() {
        let gate = Gate::new(2);
        let (one, two) = (gate.pass().await, gate.pass().await);
        let (mut early, mut late) = (Box::pin(gate.pass()), Box::pin(gate.pass()));
        assert!(early.as_mut().now_or_never().is_none() && late.as_mut().now_or_never().is_none());
        drop(early);
        drop(one);
        // The place was handed to the one that still waits, and is lost with him before he takes it.
        drop(late);
        drop(two);
        assert_eq!(gate.places().free, 2);
        let both = (gate.pass().await, gate.pass().await);
        assert!(gate.pass().now_or_never().is_none());
        drop(both);
    }
}
