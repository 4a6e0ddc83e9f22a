//! `rsds show`: the state as a tree.

use super::context::Context;
use crate::{
    failure::{Exit, Failure},
    ui,
};

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let state = context.state(&context.load()?).await?;
    let settings = context.printer.settings();
    context.result(|| ui::state::show(&state, settings.color_out, settings.width), || ui::state::show_json(&state))?;
    Ok(Exit::Done)
}
