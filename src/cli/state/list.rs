//! `rsds state list`: the addresses of what is recorded.

use super::super::context::Context;
use crate::{
    address::Selector,
    failure::{Exit, Failure},
    state::{State, mend::pick},
    ui,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Only these: a component, a group, an address, or one with `*`
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Selector>,
}

pub(super) async fn run(context: &Context, Args { patterns }: Args) -> Result<Exit, Failure> {
    let mut state: State = context.state(&context.load()?).await?;
    if !patterns.is_empty() {
        let picked = pick(&state, &patterns)?;
        state.entries.retain(|address, _| picked.contains(address));
    }
    context.result(|| ui::state::list(&state), || ui::state::list_json(&state))?;
    Ok(Exit::Done)
}
