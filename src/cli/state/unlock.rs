//! `rsds state unlock`: who holds the lock; and, if people say so, nobody any more.

use super::{super::context::Context, Consent};
use crate::{
    failure::{Exit, Failure},
    state::{LockError, Run},
};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    consent: Consent,
}

pub(super) async fn run(context: &Context, Args { consent }: Args) -> Result<Exit, Failure> {
    let environment = context.load()?;
    let store = context.store(&environment);
    let document = |holder: Option<&Run>, unlocked: bool| json!({ "format": "rsds.state_lock/1", "place": store.place(), "holder": holder, "unlocked": unlocked });
    let Some(holder) = store.holder().await? else {
        context.result(|| format!("Nobody holds the lock of {}.", store.place()), || document(None, false))?;
        return Ok(Exit::Done);
    };
    let who = holder.as_ref().map_or_else(|| "somebody who left no record".to_owned(), ToString::to_string);
    context.printer.status(&format!("The lock of {} is held by {who}", store.place()));
    consent.check(context, "state unlock")?;
    let question = "A run that is alive must end by itself, or be ended: what it does meanwhile would not be \
                    recorded.\nThis will take the lock away.";
    if !consent.asks(context, question).await? {
        return Ok(Exit::Failed);
    }
    store.unlock().await.map_err(|error| match error {
        LockError::Held(alive) => living(alive.as_deref()),
        other @ LockError::Io { .. } => other.into(),
    })?;
    context.result(|| format!("The lock of {} is free.", store.place()), || document(holder.as_ref(), true))?;
    Ok(Exit::Done)
}

/// The refusal to take a lock from a living process: its system holds it.
fn living(holder: Option<&Run>) -> Failure {
    let (who, end) = match holder {
        Some(run) => (run.to_string(), format!("end that process, and the lock goes with it: kill {}", run.pid)),
        None => ("a living process".to_owned(), "end that process, and the lock goes with it".to_owned()),
    };
    Failure::Other {
        message: format!("the lock is held by {who}, and it is alive"),
        help: Some(end),
        exit: Exit::Locked,
    }
}
