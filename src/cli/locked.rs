//! Work on a state that nobody else may write meanwhile.
//!
//! Called by every command that writes a state. Whatever becomes of the work, an interrupt included, the lock is let go.

use super::{
    context::Context,
    signals::{self, Interrupt},
    who::this_run,
};
use crate::{
    config::Environment,
    failure::{Exit, Failure},
    state::Store,
};
use std::{sync::Arc, time::Duration};

/// What the work is given: the store whose lock is held, and the interrupts that may come.
pub(super) struct Locked {
    /// The very store that holds the lock: only it can tell when that is lost.
    pub(super) store: Arc<dyn Store>,
    pub(super) interrupt: Interrupt,
}

/// Takes the lock of an environment, waiting up to `patience` for its holder, and does the work.
pub(super) async fn locked(
    context: &Context,
    environment: &Environment,
    patience: Duration,
    work: impl AsyncFnOnce(&Locked) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let held = Locked { store: context.store(environment), interrupt: signals::watch(&context.printer) };
    let run = this_run(context);
    let lock = async { Ok(held.store.lock(&run, patience, &context.clock).await?) };
    let lock = held.interrupt.ends(lock).await?;
    if let Some(dead) = &lock.taken_over {
        context.printer.note(&format!("The lock of a run that died is taken over: {dead}"));
    }
    let result = held.interrupt.ends(work(&held)).await;
    lock.release().await;
    result
}
