//! `rsds plan`: reads AWS and shows what would change.

use super::{
    change::{Selection, show},
    context::Context,
};
use crate::failure::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Show what a destroy would do
    #[arg(long)]
    destroy: bool,
    /// Believe the state instead of reading AWS
    #[arg(long)]
    no_refresh: bool,
    /// Exit with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let environment = context.load()?;
    context.warn(environment.warnings());
    let options = args.selection.options(&environment, args.destroy)?;
    let session = context.open(environment, args.selection.parallelism()).await?;
    let plan = session.plan(&options, !args.no_refresh).await?;
    show(context, &session.environment, &plan, &args.selection, args.destroy)?;
    Ok(if args.detailed_exitcode && !plan.is_empty() { Exit::Pending } else { Exit::Done })
}
