//! `rsds state`: looks at the state.

use super::context::Context;
use crate::{
    failure::{Exit, Failure},
    ui,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the addresses of all recorded resources
    List,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    let state = context.state(&context.load()?).await?;
    match command {
        Command::List => context.result(|| ui::state::list(&state), || ui::state::list_json(&state))?,
    }
    Ok(Exit::Done)
}
