//! `rsds plan`: reads AWS and shows what would change; with `--out` it keeps that for `rsds apply FILE`.

use super::{
    change::{Ignoring, Selection, Wish, show},
    context::Context,
    saved,
};
use crate::{
    failure::{Exit, Failure},
    plan::Options,
    ui::PreflightView,
};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    ignoring: Ignoring,
    /// Write the plan to this file, for `rsds apply FILE` and `rsds show FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show what a destroy would do
    #[arg(long)]
    destroy: bool,
    /// Show what somebody else changed in AWS: what rsds set, what AWS has, what the TOML says, what an apply would do
    #[arg(long, conflicts_with_all = ["destroy", "replace", "no_refresh"])]
    refresh_only: bool,
    /// Believe the state instead of reading AWS
    #[arg(long)]
    no_refresh: bool,
    /// Exit with 2 when there are changes; with --refresh-only when something drifted that nobody said to ignore
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show what came of each check before an apply instead of the plan; exit with 1 when one fails
    #[arg(long, conflicts_with_all = ["no_preflight", "out", "refresh_only", "detailed_exitcode"])]
    preflight_only: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    if let Some(file) = &args.out {
        saved::check_place(file)?;
    }
    let environment = context.load()?;
    context.warn(environment.warnings());
    let wish = match (args.destroy, args.refresh_only) {
        (true, _) => Wish::Destroy,
        (false, true) => Wish::RefreshOnly,
        (false, false) => Wish::Apply,
    };
    let options = Options { ignore: args.ignoring.ignore, ..args.selection.options(&environment, wish)? };
    let mut session = context.open(environment, args.selection.parallelism()).await?;
    if args.preflight_only {
        let report = session.examine(&options, !args.no_refresh).await?;
        context.view(&PreflightView { report: &report })?;
        return Ok(if report.fails() { Exit::Failed } else { Exit::Done });
    }
    session.preflight = args.selection.preflight();
    let planned = session.prepare(&options, !args.no_refresh).await?;
    show(context, &session.environment, &planned.plan, &options)?;
    let pending = match args.refresh_only {
        true => planned.plan.has_drifted(),
        false => planned.plan.wants_consent(),
    };
    if let Some(file) = &args.out {
        saved::write(context, file, &session.save(planned, &options, !args.no_refresh)?)?;
    }
    Ok(if args.detailed_exitcode && pending { Exit::Pending } else { Exit::Done })
}
