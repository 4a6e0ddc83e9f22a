//! `rsds status`: what runs now. Reads AWS, changes nothing, takes no lock.

use super::context::Context;
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

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let session = context.open(context.load()?, PARALLELISM).await?;
    // What is protected is of no interest here: nothing will be changed.
    let (observed, plan) = session.look(&Options::default()).await?;
    let report = Report::of(&session.state, &observed, &plan);
    let spot_of = |address: &Address| session.environment.origin(&section(address)).and_then(Spot::of);
    let verbose = context.printer.settings().verbosity == Verbosity::Verbose;
    context.view(&StatusView { report: &report, verbose, spot_of: &spot_of })?;
    Ok(Exit::Done)
}
