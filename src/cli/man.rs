//! `rsds man`: the manual, one page a command, written from the command line as clap knows it.
//!
//! Called by `cli::run`, and by the test that keeps `docs/man/` current. Must hold no text of its own but what clap
//! cannot know.

use super::context::{Context, printed_or_closed, shown};
use crate::failure::{Exit, Failure};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write one page a command into this folder, instead of rsds(1) to standard output
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

/// Returns every page as roff, by file name: `rsds.1`, `rsds-plan.1`, `rsds-state-list.1`.
///
/// Errors: none that memory does not give.
pub fn pages() -> io::Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    let mut root = super::command().disable_help_subcommand(true);
    root.build();
    page(&root, true, &mut pages)?;
    Ok(pages)
}

fn page(command: &clap::Command, root: bool, pages: &mut BTreeMap<String, String>) -> io::Result<()> {
    // The flags of every command are told once, in rsds(1).
    let inherited = |arg: clap::Arg| if arg.is_global_set() && !root { arg.hide(true) } else { arg };
    let mut told = command.clone().mut_args(inherited);
    if !root {
        told = told.after_help("The flags that go with every command: rsds(1).");
    }
    let manual =
        clap_mangen::Man::new(told).source(concat!("rsds ", env!("CARGO_PKG_VERSION"))).manual("rsds manual").date("");
    let name = manual.get_filename();
    let mut roff = Vec::new();
    manual.render(&mut roff)?;
    pages.insert(name, String::from_utf8_lossy(&roff).into_owned());
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| page(sub, false, pages))
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let pages = pages().map_err(|error| Failure::new(format!("cannot write the manual: {error}"), "report it"))?;
    let Some(dir) = &args.out_dir else {
        let first = pages.get("rsds.1").map(String::as_str).unwrap_or_default();
        printed_or_closed(context.printer.result(first))?;
        return Ok(Exit::Done);
    };
    write(dir, &pages).map_err(|error| {
        Failure::new(
            format!("cannot write the manual into {}: {error}", dir.display()),
            "check that the folder is yours and has space",
        )
    })?;
    context.printer.note(&format!("{} pages are in {1}; read one: man -l {1}/rsds.1", pages.len(), shown(dir)));
    Ok(Exit::Done)
}

fn write(dir: &Path, pages: &BTreeMap<String, String>) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    pages.iter().try_for_each(|(name, roff)| std::fs::write(dir.join(name), roff))
}
