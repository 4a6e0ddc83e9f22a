//! `rsds completions SHELL`: what a shell needs to complete commands and flags.
//!
//! Written from the command line as clap knows it, so it cannot fall behind.

use super::context::{Context, printed_or_closed};
use crate::failure::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "rsds", &mut script);
    printed_or_closed(context.printer.result(&String::from_utf8_lossy(&script)))?;
    Ok(Exit::Done)
}
