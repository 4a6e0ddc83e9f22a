//! `rsds show`: the state as a tree, or a saved plan.

use super::{context::Context, saved};
use crate::{
    failure::{Exit, Failure},
    ui,
};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show this saved plan instead
    #[arg(value_name = "PLANFILE")]
    plan_file: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    if let Some(file) = args.plan_file {
        saved::show(context, &file)?;
        return Ok(Exit::Done);
    }
    let state = context.state(&context.load()?).await?;
    let settings = context.printer.settings();
    context.result(|| ui::state::show(&state, settings.color_out, settings.width), || ui::state::show_json(&state))?;
    Ok(Exit::Done)
}
