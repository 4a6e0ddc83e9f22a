//! What every command needs: the folder, the environment, the printer, the clock, the way to AWS.
//!
//! Made by `cli::run` from the global flags. Must never touch AWS by itself.

use super::{
    locked::Locked,
    moving, place,
    typed::{again, arguments, without_format},
    who::this_run,
};
use crate::{
    address::Address,
    clock::Clock,
    config::{self, Diagnostic, Environment, Problems},
    failure::{Exit, Failure},
    plan::Moved,
    sandbox::{Sandbox, Weather},
    session::{Session, load_state},
    stack::section,
    state::{LocalStore, State, Store},
    ui::{
        FailureView, Format, Plain, PrintError, Printer, Settings, Verbosity, View,
        github::{Spot, commands, grouped},
        graph::Picture,
        markdown::Subject,
        plan_errors, plan_errors_json, preflight_errors, preflight_errors_json,
    },
};
use clap::{
    ArgAction, ValueEnum,
    builder::{EnumValueParser, TypedValueParser as _},
};
use serde_json::{Value as Json, json};
use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use tracing_subscriber::EnvFilter;

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What `--format` asks for. One type for all commands: clap hands the value of a global flag from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Of the results of any command.
    Result(Format),
    /// Of the graph.
    Graph(Picture),
}

impl Form {
    /// Returns the form in which errors come too.
    const fn format(self) -> Format {
        match self {
            Self::Result(format) => format,
            Self::Graph(Picture::Json) => Format::Json,
            Self::Graph(_) => Format::Human,
        }
    }
}

/// Flags every command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Global {
    /// Environment: the file environments/<NAME>.toml [default: dev, else the only file there is]
    #[arg(long, global = true, env = "RSDS_ENV", value_name = "NAME", hide_env_values = true)]
    env: Option<String>,
    /// Folder that holds `environments/`
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Override one key of the TOML, such as consumers.reporting.count=2
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", action = ArgAction::Append)]
    sets: Vec<String>,
    /// Run against the AWS that lives inside rsds, kept in .rsds/sandbox/
    #[arg(long, global = true)]
    sandbox: bool,
    /// How many times faster than the wall the sandbox's time runs
    #[arg(long, global = true, value_name = "TIMES", default_value_t = 30.0, value_parser = parse_speed)]
    sandbox_speed: f64,
    /// What befalls the calls to the sandbox: latency, throttling, failures, changes that show late
    #[arg(long, global = true, value_name = "FILE")]
    sandbox_weather: Option<PathBuf>,
    /// Form of the results
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "human",
        value_parser = EnumValueParser::<Format>::new().map(Form::Result)
    )]
    format: Form,
    /// Same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Say less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more; twice: trace every AWS call (RUST_LOG overrides)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && (0.1..=100_000.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("expected a number between 0.1 and 100000".into()),
    }
}

/// Reads a variable of the process; one that is set to nothing counts as unset.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Global {
    /// Sends traces to standard error: with `-vv`, or as RUST_LOG says.
    pub(super) fn trace(&self) {
        let filter = match (variable("RUST_LOG"), self.verbose) {
            (Some(filter), _) => filter,
            (None, 0 | 1) => return,
            (None, 2) => "rsds=debug".to_owned(),
            (None, _) => "rsds=trace,aws=debug".to_owned(),
        };
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter));
        // A second initialisation, in tests, keeps the first.
        let ansi = self.color(std::io::stderr().is_terminal());
        subscriber.with_writer(std::io::stderr).with_ansi(ansi).log_internal_errors(false).try_init().ok();
    }

    /// Decides on colour for a stream.
    fn color(&self, terminal: bool) -> bool {
        let plain = variable("NO_COLOR").is_some() || variable("TERM").as_deref() == Some("dumb");
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        }
    }

    /// Decides everything that depends on the process's surroundings.
    pub(super) fn context(&self, command: String) -> Context {
        let format = if self.json { Format::Json } else { self.format.format() };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let columns = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = variable("COLUMNS").and_then(|text| text.parse().ok()).or_else(columns).unwrap_or(100);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
        let unicode = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
        let settings = Settings {
            format,
            color_out: self.color(out) && format == Format::Human,
            color_err: self.color(err),
            verbosity: match (self.quiet, self.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, 0) => Verbosity::Normal,
                (false, _) => Verbosity::Verbose,
            },
            width: width.clamp(40, 160),
            interactive: err && variable("TERM").as_deref() != Some("dumb") && variable("CI").is_none(),
            unicode,
            ascii_out: out && !unicode && format == Format::Human,
        };
        Context {
            printer: Printer::standard(settings),
            clock: if self.sandbox { Clock::scaled(self.sandbox_speed) } else { Clock::system() },
            directory: self.directory.clone(),
            environment: self.env.clone(),
            sets: self.sets.clone(),
            sandbox: self.sandbox,
            speed: self.sandbox_speed,
            weather: Weather::default(),
            weather_file: self.sandbox_weather.clone(),
            command,
            asks: std::io::stdin().is_terminal() && err,
        }
    }
}

/// The surroundings of a command.
pub(super) struct Context {
    pub(super) printer: Printer,
    pub(super) clock: Clock,
    pub(super) directory: PathBuf,
    /// The environment asked for, by flag or variable.
    pub(super) environment: Option<String>,
    pub(super) sets: Vec<String>,
    pub(super) sandbox: bool,
    pub(super) speed: f64,
    pub(super) weather: Weather,
    weather_file: Option<PathBuf>,
    /// The subcommand.
    command: String,
    /// Whether somebody is there to answer.
    pub(super) asks: bool,
}

impl Context {
    /// Chooses the environment: the one asked for, else `dev`, else the only one there is.
    pub(super) fn environment_name(&self) -> Result<String, Failure> {
        if let Some(name) = &self.environment {
            return Ok(name.clone());
        }
        let there = config::environments(&self.directory);
        match there.as_slice() {
            _ if there.iter().any(|name| name == "dev") => Ok("dev".to_owned()),
            [only] => Ok(only.clone()),
            [] => Err(Failure::new(
                format!("there is no environment in {}", self.directory.join("environments").display()),
                "write environments/dev.toml (examples/minimal has the least that works), or name the folder: -C DIR",
            )),
            _ => Err(Failure::new("which environment?", format!("--env with one of: {}", there.join(", ")))),
        }
    }

    /// Loads the environment's file.
    pub(super) fn load(&self) -> Result<Environment, Failure> {
        Ok(config::load(&self.directory, &self.environment_name()?, &self.sets)?)
    }

    /// Shows what is right but worth a second thought; once, before a plan.
    pub(super) fn warn(&self, warnings: &[Diagnostic]) {
        let settings = self.printer.settings();
        if settings.verbosity > Verbosity::Quiet {
            for warning in warnings {
                self.printer.diagnostic(&warning.render(settings.color_err, settings.width));
            }
        }
    }

    /// Tells, with `-v`, what is not as it was shown and changes nothing of what is planned.
    pub(super) fn tell_harmless(&self, moved: &[Moved]) {
        for moved in moved {
            self.printer.detail(&format!("{moved}; the plan stays what it is"));
        }
    }

    /// Reads the weather of the sandbox from its file; `meant` says whether the command has to do with the sandbox.
    pub(super) fn read_weather(&mut self, meant: bool) -> Result<(), Failure> {
        let Some(file) = &self.weather_file else { return Ok(()) };
        if !meant {
            return Err(Failure::new(
                "--sandbox-weather is about the sandbox, and this command is not",
                "add --sandbox",
            ));
        }
        self.weather = Weather::open(file)?;
        Ok(())
    }

    /// Says, before anything else, that nothing of this is real.
    pub(super) fn announce_sandbox(&self) {
        if self.sandbox {
            self.printer.status(&format!(
                "sandbox: this is the AWS inside rsds, kept in {}; its time runs {} times faster{}",
                shown(&self.sandbox_dir()),
                self.speed,
                self.weather_in_words()
            ));
        }
    }

    /// Whose weather the sandbox has, to go on with a sentence; nothing when it is calm.
    pub(super) fn weather_in_words(&self) -> String {
        let file = self.weather_file.as_ref().map(|file| format!("; its weather is that of {}", shown(file)));
        file.unwrap_or_default()
    }

    pub(super) fn sandbox_dir(&self) -> PathBuf {
        self.directory.join(".rsds").join("sandbox")
    }

    /// Opens the built-in AWS kept in this folder, its time as fast as `--sandbox-speed` says.
    pub(super) fn open_sandbox(&self) -> Result<Sandbox, Failure> {
        place::open_sandbox(&self.sandbox_dir(), self.speed, &self.weather)
    }

    /// Forgets what the sandbox holds, and the states that go with it.
    pub(super) fn reset_sandbox(&self) -> Result<(), Failure> {
        let dir = self.sandbox_dir();
        let gone = Sandbox::reset(&dir).and_then(|()| match std::fs::remove_dir_all(dir.join("state")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        });
        gone.map_err(|e| Failure::new(format!("cannot clear {}: {e}", dir.display()), "check its permissions"))
    }

    /// Returns the folder of an environment's state. What was made in the sandbox never mixes with what is real.
    pub(super) fn state_dir(&self, environment: &str) -> PathBuf {
        match self.sandbox {
            true => self.sandbox_dir().join("state").join(environment),
            false => self.directory.join(".rsds").join(environment),
        }
    }

    /// Returns the place where the environment's state is kept.
    pub(super) fn store(&self, environment: &Environment) -> Arc<dyn Store> {
        match self.bucket_store(&environment.config.state) {
            Some(store) => Arc::new(store),
            None => Arc::new(LocalStore::new(&self.state_dir(&environment.config.env))),
        }
    }

    /// Reads the state alone.
    pub(super) async fn state(&self, environment: &Environment) -> Result<State, Failure> {
        let store = self.store(environment);
        moving::check(self, environment, store.as_ref()).await?;
        load_state(environment, store.as_ref()).await
    }

    /// Opens the environment for work with AWS, or with the sandbox, which says so.
    pub(super) async fn open(&self, environment: Environment, parallelism: usize) -> Result<Session, Failure> {
        let store = self.store(&environment);
        self.open_on(store, environment, parallelism, None).await
    }

    /// The same on a store whose lock is held; for the lineage see `Session::open_as`.
    pub(super) async fn open_in(
        &self,
        held: &Locked,
        environment: Environment,
        parallelism: usize,
        lineage: Option<String>,
    ) -> Result<Session, Failure> {
        moving::warn_of_local_in_ci(self, &environment);
        self.open_on(Arc::clone(&held.store), environment, parallelism, lineage).await
    }

    async fn open_on(
        &self,
        store: Arc<dyn Store>,
        environment: Environment,
        parallelism: usize,
        lineage: Option<String>,
    ) -> Result<Session, Failure> {
        moving::check(self, &environment, store.as_ref()).await?;
        let connection = self.way().connection(environment.config.region.clone(), parallelism)?;
        let mut session = Session::open_as(environment, connection, store, lineage).await?;
        session.run = Some(this_run(self));
        Ok(session)
    }

    /// Tells a failure: to people on standard error, to scripts as JSON on standard output.
    pub(super) fn fail(&self, failure: &Failure) {
        let settings = self.printer.settings();
        if settings.format == Format::Json {
            // Broken output has nobody left to be told.
            self.printer.json_line(&as_json(failure)).ok();
            return;
        }
        self.fail_in_markup(failure);
        match failure {
            Failure::Config(problems) => {
                self.printer.diagnostic(&problems.render(settings.color_err, settings.width));
                self.printer.diagnostic(&count(problems));
            }
            Failure::Plan(errors) => self.printer.diagnostic(&plan_errors(errors)),
            Failure::Preflight(report) => {
                self.printer.diagnostic(&preflight_errors(report, settings.color_err, settings.width));
            }
            Failure::Other { message, help, .. } => {
                self.printer.error(message);
                if let Some(help) = help {
                    self.printer.help(help);
                }
            }
        }
    }

    /// Prints a text or a document, as the form asked for wants it.
    pub(super) fn result(&self, human: impl Fn() -> String, json: impl Fn() -> Json) -> Result<(), Failure> {
        self.view(&Plain { human, json })
    }

    /// Prints a result in the form asked for; a reader who went away has what he wanted.
    pub(super) fn view(&self, view: &dyn View) -> Result<(), Failure> {
        let settings = self.printer.settings();
        let human = || view.human(settings.color_out, settings.width);
        printed_or_closed(match settings.format {
            Format::Human => self.printer.result(&human()),
            Format::Json => self.printer.json_line(&view.json()),
            Format::Markdown => self.about(|subject| self.printer.result(&view.markdown(subject))),
            Format::Github => {
                self.about(|subject| self.summarise(&view.markdown(subject)));
                let annotations = commands(&view.annotations(), &self.folder_in_repository());
                self.printer.result(&(annotations + &grouped(&format!("rsds {}", self.command), &human())))
            }
        })
    }

    /// Tells a failure where a comment or a job's summary is wanted; people get theirs besides.
    fn fail_in_markup(&self, failure: &Failure) {
        let environment = self.load().ok();
        let spot_of = |address: &Address| environment.as_ref()?.origin(&section(address)).and_then(Spot::of);
        let view = FailureView { failure, spot_of: &spot_of };
        // Broken output has nobody left to be told.
        match self.printer.settings().format {
            Format::Human | Format::Json => {}
            Format::Markdown => self.about(|subject| self.printer.result(&view.markdown(subject)).ok()).unwrap_or(()),
            Format::Github => {
                self.about(|subject| self.summarise(&view.markdown(subject)));
                self.printer.result(&commands(&view.annotations(), &self.folder_in_repository())).ok().unwrap_or(());
            }
        }
    }

    /// Hands over what a page is about.
    fn about<T>(&self, page: impl FnOnce(Subject<'_>) -> T) -> T {
        let environment = self.environment_name().unwrap_or_default();
        let everything = again(without_format(arguments().skip(1)), &environment);
        page(Subject { command: &self.command, environment: &environment, everything: &everything })
    }
}

/// Treats a closed pipe as success.
pub(super) fn printed_or_closed(printed: Result<(), PrintError>) -> Result<(), Failure> {
    match printed {
        Ok(()) | Err(PrintError::Closed) => Ok(()),
        Err(error @ PrintError::Failed(_)) => {
            Err(Failure::Other { message: error.to_string(), help: None, exit: Exit::Failed })
        }
    }
}

fn count(problems: &Problems) -> String {
    match problems.0.len() {
        1 => "1 problem; nothing was changed".into(),
        n => format!("{n} problems; nothing was changed"),
    }
}

fn as_json(failure: &Failure) -> Json {
    match failure {
        Failure::Config(problems) => json!({ "format": "rsds.errors/1", "errors": problems }),
        Failure::Plan(errors) => plan_errors_json(errors),
        Failure::Preflight(report) => preflight_errors_json(report),
        Failure::Other { message, help, .. } => {
            json!({ "format": "rsds.errors/1", "errors": [{ "message": message, "help": help }] })
        }
    }
}

/// Shows a path without a leading `./`.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
