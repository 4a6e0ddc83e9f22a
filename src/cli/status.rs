//! `rsds status`: what runs now. Reads AWS, changes nothing, takes no lock.

use super::{change::Ignoring, context::Context};
use crate::{
    address::Address,
    failure::{Exit, Failure},
    plan::Options,
    stack::section,
    status::Report,
    ui::{Verbosity, github::Spot, status::StatusView},
};

/// The most reads in flight at once.
const PARALLELISM: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ignoring: Ignoring,
    /// Ask every warehouse what lives inside it (shares, databases, roles, grants); this wakes idle ones, and is billed
    #[arg(long)]
    refresh_sql: bool,
    /// Exit with 2 when something drifted that nobody said to ignore
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let session = context.open(context.load()?, PARALLELISM).await?;
    let options = Options { ignore: args.ignoring.ignore, refresh_sql: args.refresh_sql, ..Options::default() };
    // What is protected is of no interest here: nothing will be changed.
    let (observed, plan) = session.look(&options).await?;
    let report = Report::of(&session.state, &observed, &plan);
    let spot_of = |address: &Address| session.environment.origin(&section(address)).and_then(Spot::of);
    let verbose = context.printer.settings().verbosity == Verbosity::Verbose;
    let place = |key: &str| session.environment.place(key);
    context.view(&StatusView { report: &report, verbose, spot_of: &spot_of, place: &place })?;
    Ok(if args.detailed_exitcode && report.has_drifted() { Exit::Pending } else { Exit::Done })
}
