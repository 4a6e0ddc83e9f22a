//! `rsds state show`: all that is recorded of one resource.

use super::super::context::Context;
use crate::{
    address::{Address, Selector},
    failure::{Exit, Failure},
    state::mend::pick,
    ui,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Which one: `rsds state list` has their addresses
    #[arg(value_name = "ADDRESS")]
    address: Address,
}

pub(super) async fn run(context: &Context, Args { address }: Args) -> Result<Exit, Failure> {
    let state = context.state(&context.load()?).await?;
    let selector: Selector =
        address.to_string().parse().map_err(|_| Failure::new("no such address", "rsds state list"))?;
    pick(&state, &[selector])?;
    let Some(entry) = state.entries.get(&address) else { return Ok(Exit::Failed) };
    let settings = context.printer.settings();
    context.result(
        || ui::entry(&state, &address, entry, settings.color_out, settings.width),
        || ui::entry_json(&state, &address, entry),
    )?;
    Ok(Exit::Done)
}
