//! `rsds state`: looks at the state, and mends it by hand. One file a subcommand.
//!
//! What writes does so under the lock, as one more write in the history. Must never touch AWS.

mod history;
mod list;
mod mv;
mod pull;
mod push;
mod rebuild;
mod rm;
mod show;
mod unlock;

use super::{
    change::{check_environment_is_meant, parse_duration},
    context::Context,
    locked::Locked,
    moving,
    who::this_run,
};
use crate::{
    config::Environment,
    failure::{Exit, Failure},
    state::{Present, State, Store},
};
use serde_json::{Value as Json, json};
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the addresses of recorded resources
    List(list::Args),
    /// Show all that is recorded of one resource
    Show(show::Args),
    /// Give a resource, a component or a group another address; AWS keeps what it has
    Mv(mv::Args),
    /// Forget resources without deleting them
    Rm(rm::Args),
    /// Print the state as it is kept, for a backup or another place
    Pull(pull::Args),
    /// Put a state in the place of the present one
    Push(push::Args),
    /// Show what each run changed, or go back to a former state
    History(history::Args),
    /// Make a lost state anew, from the tags of what is in AWS
    ///
    /// Use the TOML that was applied last: what cannot be tagged (routes, policies, limits, endpoints, targets) is looked
    /// for as the TOML has it, at parents that carry the tags. Nothing in AWS is changed.
    Rebuild(rebuild::Args),
    /// Show who holds the lock, and take it away if its holder cannot let go
    Unlock(unlock::Args),
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::Show(args) => show::run(context, args).await,
        Command::Mv(args) => mv::run(context, args).await,
        Command::Rm(args) => rm::run(context, args).await,
        Command::Pull(args) => pull::run(context, args).await,
        Command::Push(args) => push::run(context, args).await,
        Command::History(args) => history::run(context, args).await,
        Command::Rebuild(args) => rebuild::run(context, args).await,
        Command::Unlock(args) => unlock::run(context, args).await,
    }
}

/// How long a command that writes waits for the lock.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Patience {
    /// How long to wait for a state that someone else has locked
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub(in crate::cli) lock_timeout: Duration,
}

/// Whether a command asks.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Consent {
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
}

impl Consent {
    /// Refuses to start what nobody could agree to.
    pub(in crate::cli) fn check(&self, context: &Context, command: &str) -> Result<(), Failure> {
        if !context.asks && !self.auto_approve {
            return Err(Failure::new(
                format!("there is no terminal to ask on, so `{command}` will not start"),
                "type it in a terminal and read what it says, or add --auto-approve",
            ));
        }
        check_environment_is_meant(context, command)
    }

    /// Asks, unless that was waived; true for yes.
    pub(in crate::cli) async fn asks(&self, context: &Context, question: &str) -> Result<bool, Failure> {
        if self.auto_approve || super::confirm::ask(context, question).await? {
            return Ok(true);
        }
        context.printer.note("Nothing was changed.");
        Ok(false)
    }
}

/// Looks at what is there, damaged or not, unless it lies elsewhere.
async fn present(context: &Context, environment: &Environment, store: &dyn Store) -> Result<Present, Failure> {
    let present = Present::of(store).await?;
    if present.damage.is_none() {
        moving::check(context, environment, store).await?;
    }
    Ok(present)
}

/// Returns the state there is.
fn there<'a>(present: &'a Present, store: &dyn Store) -> Result<&'a State, Failure> {
    match (&present.state, &present.damage) {
        (Some(state), _) => Ok(state),
        (None, Some(damage)) => Err(damage.clone().into()),
        (None, None) => Err(nothing(store)),
    }
}

fn nothing(store: &dyn Store) -> Failure {
    Failure::new(
        format!("there is no state at {}", store.place()),
        "nothing has been applied here; a state that lies elsewhere comes by: rsds state push FILE",
    )
}

/// Writes a state by hand; from here on an interrupt no longer ends the command.
async fn write(context: &Context, held: &Locked, present: &Present, next: State) -> Result<State, Failure> {
    held.interrupt.hand_over();
    Ok(present.replace(held.store.as_ref(), next, Some(this_run(context))).await?)
}

/// The document of a state command that may have written: format `rsds.state_written/1`.
fn written(command: &str, store: &dyn Store, state: &State, more: &Json) -> Json {
    let mut document = json!({
        "format": "rsds.state_written/1",
        "command": command,
        "place": store.place(),
        "lineage": state.lineage,
        "serial": state.serial,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    document
}
