//! Walks a plan: starts each operation when what it needs exists, records before and after every call, and tells
//! what happens as events.
//!
//! `queue` is the loop, `operation` does one operation, `settle` waits (one poller a kind), `retry` repeats what is
//! worth repeating, `event` is what views, logs and tests live on. Called by `cli`. Must decide nothing and print
//! nothing.

mod event;
mod operation;
mod queue;
mod retry;
mod settle;

pub use event::{Event, Trouble};
pub use queue::{Outcome, apply};

use crate::{address::Address, aws::Aws, clock::Clock, kind::OutputRef, state::Writer};
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// What an apply works with.
pub struct Setting {
    /// AWS.
    pub aws: Aws,
    /// The owner of the state.
    pub writer: Writer,
    /// The clock everything goes by.
    pub clock: Clock,
    /// Where events go.
    pub events: mpsc::UnboundedSender<Event>,
    /// Turns true when the user interrupts.
    pub interrupt: watch::Receiver<bool>,
}

/// A `Setting` at work, shared by the operations.
struct Run {
    setting: Setting,
    settler: settle::Settler,
    outputs: Mutex<BTreeMap<Address, Map<String, Json>>>,
}

impl Run {
    fn emit(&self, event: Event) {
        // A view that went away does not stop the work.
        self.setting.events.send(event).ok();
    }

    fn publish(&self, address: &Address, outputs: &Json) {
        if let Json::Object(outputs) = outputs {
            let mut all = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(address.clone(), outputs.clone());
        }
    }

    fn value_of(&self, of: &OutputRef) -> Option<Json> {
        let all = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&of.address)?.get(&of.output).filter(|value| !value.is_null()).cloned()
    }

    /// Waits; an interrupt ends the wait.
    async fn pause(&self, time: Duration) -> Result<(), Trouble> {
        tokio::select! {
            () = self.setting.clock.sleep(time) => Ok(()),
            () = interrupted(self.setting.interrupt.clone()) => Err(Trouble::Interrupted),
        }
    }

    fn is_interrupted(&self) -> bool {
        *self.setting.interrupt.borrow()
    }
}

/// Resolves when the interrupt has come; never, if nobody can send one any more.
async fn interrupted(mut interrupt: watch::Receiver<bool>) {
    if interrupt.wait_for(|now| *now).await.is_err() {
        std::future::pending::<()>().await;
    }
}

type Shared = Arc<Run>;
