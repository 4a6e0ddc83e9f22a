//! The command line: flags and subcommands, one file a command; what they have in common in `context`.
//!
//! Called by `main`. The only module that reads the process's environment and terminal. Must hold no logic of its
//! own: `session` does the work, `ui` prints.

mod apply;
mod backend;
mod change;
mod completions;
mod confirm;
mod context;
mod datashare;
mod destroy;
mod graph;
mod import;
mod init;
mod locked;
mod man;
mod moving;
mod output;
mod place;
mod plan;
mod power;
mod rescue;
mod sandbox;
mod saved;
mod schema;
mod show;
mod signals;
mod snapshot;
mod state;
mod status;
mod summary;
mod takeover;
mod typed;
mod users;
mod validate;
mod who;

use crate::failure::Exit;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use context::Global;
pub use man::pages as manual;
use std::ffi::OsString;

/// Redshift data-sharing estates on AWS from one TOML file.
///
/// A producer takes the writes, any number of Redshift Serverless consumers take the reads through data shares, and
/// a Network Load Balancer spreads connections over them. rsds reads `environments/<env>.toml`, works out what AWS
/// should look like, shows the difference, makes it so, and remembers what it did.
#[derive(Debug, Parser)]
#[command(name = "rsds", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, or nothing to do; 1 failed; 2 changes pending (plan --detailed-exitcode);
3 partly applied; 4 state locked by someone else; 130 interrupted.

Try it without an AWS account: rsds apply --env dev --sandbox";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented environment file to start from
    Init(init::Args),
    /// Check the environment file alone; no AWS
    Validate,
    /// Read AWS and show what would change
    Plan(plan::Args),
    /// Plan, ask, and make it so; or do exactly a saved plan
    Apply(apply::Args),
    /// Take away what was made, in reverse order
    Destroy(change::Flags),
    /// Take over what exists: record it, and tag it as owned; nothing else of it changes
    #[command(after_help = import::names())]
    Import(import::Args),
    /// Look at what runs now: readiness, health of targets, endpoints, drift; changes nothing
    Status(status::Args),
    /// Show the state as a tree, or a saved plan
    Show(show::Args),
    /// Show the outputs: endpoints, connection strings, ids, the SQL of the data sharing
    Output(output::Args),
    /// The data sharing: print the SQL that makes it, prove that it works
    #[command(subcommand)]
    Datashare(datashare::Command),
    /// The logins that every warehouse knows: change a password
    #[command(subcommand)]
    Users(users::Command),
    /// Pause the cluster of the producer: it and its shares answer nothing, and only its storage costs
    Pause(power::Pause),
    /// Wake the cluster of the producer
    Resume(power::Resume),
    /// Backups by hand: take a snapshot, list them
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Show what depends on what: as text, a drawing, a page; no AWS
    Graph(graph::Args),
    /// Look at the state, and mend it
    #[command(subcommand)]
    State(state::Command),
    /// The place of the state: make its bucket, move it from one place to another
    #[command(subcommand)]
    Backend(backend::Command),
    /// The built-in AWS: serve it on a local port, ask its warehouses by SQL, or forget what it holds
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Print the JSON Schema of the environment file
    Schema,
    /// Print what a shell needs to complete commands and flags
    #[command(after_help = COMPLETIONS)]
    Completions(completions::Args),
    /// Print the manual as man pages
    Man(man::Args),
}

const COMPLETIONS: &str = "\
bash: rsds completions bash > ~/.local/share/bash-completion/completions/rsds
zsh:  rsds completions zsh > ~/.zfunc/_rsds      (with `fpath+=~/.zfunc` before `compinit`)
fish: rsds completions fish > ~/.config/fish/completions/rsds.fish";

/// Runs one command and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| {
        let name = matches.subcommand_name().unwrap_or_default().to_owned();
        Cli::from_arg_matches(&matches).map(|cli| (cli, name))
    });
    let (cli, name) = match parsed {
        Ok(parsed) => parsed,
        // Help and version go to standard output; usage errors are failures like any other: 1, not clap's 2.
        Err(error) => {
            let failed = error.use_stderr();
            // Nobody is left to be told when even this cannot be printed.
            error.print().ok();
            return if failed { Exit::Failed } else { Exit::Done };
        }
    };
    cli.global.trace();
    let mut context = cli.global.context(name);
    let asked = matches!(cli.command, Command::Sandbox(sandbox::Command::Sql { .. }));
    let meant = context.sandbox || asked || matches!(cli.command, Command::Sandbox(sandbox::Command::Serve { .. }));
    if let Err(failure) = context.read_weather(meant) {
        context.fail(&failure);
        return failure.exit();
    }
    context.announce_sandbox();
    // The warehouse it asks is in the sandbox, and so is the state that names it; the command says so itself.
    context.sandbox |= asked;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            context.printer.error(&format!("cannot start: {error}"));
            return Exit::Failed;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Init(args) => init::run(&context, args).await,
            Command::Validate => validate::run(&context),
            Command::Plan(args) => plan::run(&context, args).await,
            Command::Apply(args) => apply::run(&context, args).await,
            Command::Destroy(args) => destroy::run(&context, args).await,
            Command::Import(args) => import::run(&context, args).await,
            Command::Status(args) => status::run(&context, args).await,
            Command::Show(args) => show::run(&context, args).await,
            Command::Output(args) => output::run(&context, args).await,
            Command::Datashare(command) => datashare::run(&context, command).await,
            Command::Users(command) => users::run(&context, command).await,
            Command::Pause(args) => power::pause(&context, args).await,
            Command::Resume(args) => power::resume(&context, args).await,
            Command::Snapshot(command) => snapshot::run(&context, command).await,
            Command::Graph(args) => graph::run(&context, args).await,
            Command::State(command) => state::run(&context, command).await,
            Command::Backend(command) => backend::run(&context, command).await,
            Command::Sandbox(command) => sandbox::run(&context, command).await,
            Command::Schema => schema::run(&context),
            Command::Completions(args) => completions::run(&context, &args),
            Command::Man(args) => man::run(&context, &args),
        }
    });
    // A blocked read of standard input must not hold the process.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            context.fail(&failure);
            failure.exit()
        }
    }
}

/// Returns the whole command line as clap describes it, for the generated reference in `docs/`.
pub fn command() -> clap::Command {
    Cli::command()
}
