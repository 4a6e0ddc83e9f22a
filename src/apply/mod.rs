//! Walks a plan: starts each operation when what it needs exists, records before and after every call, and tells
//! what happens as events.
//!
//! `queue` is the loop, `operation` does one operation, `settle` waits (one poller a kind), `blocked` waits for what is
//! in the way and `lookout` looks at it, `retry` repeats what is worth repeating, `event` is what views, logs and tests
//! live on. Called by `cli`. Must decide nothing and print
//! nothing.

mod blocked;
mod event;
mod lookout;
mod operation;
mod queue;
mod retry;
mod settle;

pub use event::{Event, Trouble};
pub(crate) use operation::SECOND_LOOK;
pub use queue::{Outcome, apply};

use crate::{
    address::Address,
    aws::{Aws, Fault, Permit},
    clock::Clock,
    kind::OutputRef,
    state::{StoreError, Writer},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
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
    /// Tells when the user interrupts.
    pub interrupt: Interrupt,
}

/// Once somebody has interrupted: how long calls in flight may still take, on the wall. Nothing new is begun then, and
/// nothing is waited for.
pub type Interrupt = watch::Receiver<Option<Duration>>;

/// How long calls in flight may take after the state could not be written: as long as any call.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A `Setting` at work, shared by the operations.
struct Run {
    setting: Setting,
    settler: settle::Settler,
    lookout: lookout::Lookout,
    outputs: Mutex<BTreeMap<Address, Map<String, Json>>>,
    /// When the state this run began with was written: what it tells may show late.
    told: Option<Timestamp>,
    /// Says that no more is to be begun, and how long calls in flight may take: after an interrupt, or after a write of
    /// the state that failed.
    halt: watch::Sender<Option<Duration>>,
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

    /// Takes outputs back, but for those that stand.
    fn withdraw(&self, address: &Address, stands: impl Fn(&str) -> bool) {
        let mut all = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outputs) = all.get_mut(address) {
            outputs.retain(|name, _| stands(name));
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
            _ = halted(self.halt.subscribe()) => Err(Trouble::Interrupted),
        }
    }

    /// Begins no more.
    fn stop(&self, grace: Duration) {
        self.halt.send_if_modified(|halt| halt.is_none() && halt.replace(grace).is_none());
    }

    fn is_halted(&self) -> bool {
        self.halt.borrow().is_some()
    }

    /// Leave to change something, under the record that has just been made.
    fn permit(&self, address: &Address) -> Leave {
        let refused = Arc::new(Mutex::new(None));
        let (writer, address, noted) = (self.setting.writer.clone(), address.clone(), Arc::clone(&refused));
        let renew = move || {
            let (writer, address, noted) = (writer.clone(), address.clone(), Arc::clone(&noted));
            let renewed = async move {
                let renewed = writer.repeat(&address).await;
                let fine = renewed.is_ok();
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = renewed.err();
                fine
            };
            Box::pin(renewed) as Pin<Box<dyn Future<Output = bool> + Send>>
        };
        Leave { permit: Permit::new(self.setting.clock.elapsed(), renew), refused }
    }

    /// Sends a call that changes something, and awaits its answer.
    async fn send<T>(
        &self,
        leave: &Leave,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Result<T, Fault>, Trouble> {
        let answer = self.answer(leave.permit.over(call)).await?;
        let refused = leave.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or(Ok(answer), |error| Err(error.into()))
    }

    /// Awaits the answer of a call; after a halt only as long as its grace. What was asked then is on record, and found
    /// by the next run.
    async fn answer<T>(&self, call: impl Future<Output = T>) -> Result<T, Trouble> {
        if self.is_halted() {
            return Err(Trouble::Interrupted);
        }
        let clock = &self.setting.clock;
        let out_of_grace = async {
            let grace = halted(self.halt.subscribe()).await;
            clock.sleep(clock.aws_time(grace)).await;
        };
        tokio::select! {
            biased;
            answer = call => Ok(answer),
            () = out_of_grace => Err(Trouble::Interrupted),
        }
    }
}

/// Leave to change something: a durable record says so.
struct Leave {
    permit: Permit,
    /// Why the record could not be renewed.
    refused: Arc<Mutex<Option<StoreError>>>,
}

/// Resolves when no more is to be begun; never, if nobody can say so any more.
async fn halted(mut halt: watch::Receiver<Option<Duration>>) -> Duration {
    let grace = halt.wait_for(Option::is_some).await.ok().and_then(|halt| *halt);
    match grace {
        Some(grace) => grace,
        None => std::future::pending().await,
    }
}

type Shared = Arc<Run>;
