//! `rsds apply`: plans, asks, and makes it so; or does exactly what a saved plan says.

use super::{
    change::{self, Wish},
    context::Context,
    saved,
};
use crate::failure::{Exit, Failure};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A plan saved by `rsds plan --out`: do exactly that, without asking, if nothing has changed since
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "exclude", "replace", "refresh_only", "ignore", "sets"])]
    plan_file: Option<PathBuf>,
    #[command(flatten)]
    change: change::Flags,
    #[command(flatten)]
    ignoring: change::Ignoring,
    /// Only let the state follow AWS: take over what somebody else changed there, and change nothing in AWS
    #[arg(long, conflicts_with = "replace")]
    refresh_only: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let Args { plan_file, change, ignoring, refresh_only } = args;
    match plan_file {
        Some(file) => saved::apply(context, &file, &change.selection).await,
        None => {
            let wish = if refresh_only { Wish::RefreshOnly } else { Wish::Apply };
            change::run(context, change, ignoring, wish).await
        }
    }
}
