//! What plan, apply and destroy have in common: the flags that pick resources, and the way from a plan to its end.
//!
//! Called by those three commands.

use super::{
    confirm::confirm,
    context::Context,
    locked::{Locked, locked},
    rescue::rescue,
    typed::{again, arguments},
};
use crate::{
    address::Selector,
    config::Environment,
    failure::{Exit, Failure},
    plan::{Ignore, Options, Plan},
    session::Session,
    stack::section,
    state::StoreError,
    ui::{
        Format, OutcomeView, PlanView, Verbosity, View, follow,
        github::{Annotation, Level, Spot},
        markdown::Subject,
        problem_annotations,
    },
};
use serde_json::Value as Json;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Flags that pick resources.
#[derive(Debug, clap::Args)]
pub(super) struct Selection {
    /// Only these and what they need: a component, a group, an address, or one with `*`
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<Selector>,
    /// All but these and what cannot be without them
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<Selector>,
    /// Replace these even though nothing changed
    #[arg(long, value_name = "ADDRESS")]
    replace: Vec<Selector>,
    /// Ask every warehouse what lives inside it (shares, databases, roles, grants); this wakes idle ones, and is billed
    #[arg(long)]
    refresh_sql: bool,
    /// The most AWS calls in flight at once; waiting for resources to settle does not count
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// How long to wait for a state that someone else has locked
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub(super) lock_timeout: Duration,
    /// Do not ask AWS beforehand what would make the apply fail: quotas, names, permissions
    #[arg(long)]
    no_preflight: bool,
}

/// The flag that leaves drift alone.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Ignoring {
    /// Leave this drift alone in this run, as ignore_changes does in the file: `consumer-*/workgroup.max_capacity`
    #[arg(long, value_name = "ADDRESS.FIELD")]
    pub(super) ignore: Vec<Ignore>,
}

/// Flags of the commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct Flags {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a duration such as 30s or 10m".to_owned())?;
    span.try_into().map_err(|_| "expected a duration that is not negative".to_owned())
}

/// What a command is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish<'a> {
    /// What the TOML says.
    Apply,
    /// Nothing is left.
    Destroy,
    /// The state says what AWS shows.
    RefreshOnly,
    /// What the TOML says of what lives inside the warehouses.
    Sync,
    /// A user has another password.
    Rotate(&'a str),
}

impl Wish<'_> {
    fn verb(self) -> &'static str {
        match self {
            Self::Apply | Self::Sync => "apply",
            Self::Destroy => "destroy",
            Self::Rotate(_) => "change the password of a user of",
            Self::RefreshOnly => "refresh the state of",
        }
    }
}

impl Selection {
    pub(super) fn options(&self, environment: &Environment, wish: Wish<'_>) -> Result<Options, Failure> {
        Ok(Options {
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            replace: self.replace.clone(),
            destroy: wish == Wish::Destroy,
            refresh_only: wish == Wish::RefreshOnly,
            ignore: Vec::new(),
            refresh_sql: self.refresh_sql || wish == Wish::Sync,
            sql_only: wish == Wish::Sync,
            rotate: if let Wish::Rotate(user) = wish { vec![user.to_owned()] } else { Vec::new() },
            protect: protected(environment)?,
        })
    }

    pub(super) fn parallelism(&self) -> usize {
        usize::from(self.parallelism)
    }

    /// Whether plans are examined.
    pub(super) const fn preflight(&self) -> bool {
        !self.no_preflight
    }
}

/// What the TOML protects.
pub(super) fn protected(environment: &Environment) -> Result<Vec<Selector>, Failure> {
    let protect = environment.config.protect.addresses.iter().map(|text| text.parse());
    let protect = protect.collect::<Result<_, crate::address::BadAddress>>();
    protect.map_err(|e| Failure::new(e.to_string(), "correct [protect] addresses"))
}

/// A plan with the places of its keys.
struct Shown<'a> {
    view: PlanView<'a>,
    environment: &'a Environment,
}

impl View for Shown<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        self.view.human(color, width)
    }
    fn json(&self) -> Json {
        self.view.json()
    }
    fn markdown(&self, subject: Subject<'_>) -> String {
        self.view.markdown(Subject { environment: &self.environment.config.env, ..subject })
    }
    fn annotations(&self) -> Vec<Annotation> {
        let of_plan = self.view.annotations(&|key| spot(self.environment, key));
        let known = self.view.plan.notices.iter().map(|(address, notice)| Annotation {
            level: Level::Notice,
            spot: spot(self.environment, &section(address)),
            title: address.to_string(),
            message: notice.clone(),
        });
        let problems = problem_annotations(self.environment.warnings()).into_iter();
        let place = problem_annotations(&self.view.plan.warnings);
        problems.chain(place).chain(of_plan).chain(known).collect()
    }
}

/// Shows the plan of a run that goes on: a comment is about the outcome, so the plan then goes to the log.
pub(super) fn announce(
    context: &Context,
    environment: &Environment,
    plan: &Plan,
    options: &Options,
) -> Result<(), Failure> {
    if context.printer.settings().format != Format::Markdown || plan.is_empty() {
        return show(context, environment, plan, options);
    }
    let origin = |key: &str| environment.place(key);
    let view = view(context, plan, &origin, options, Vec::new());
    context.warn(&plan.warnings);
    context.printer.diagnostic(&view.human(false, context.printer.settings().width));
    Ok(())
}

fn spot(environment: &Environment, key: &str) -> Option<Spot> {
    environment.origin(key).and_then(Spot::of)
}

/// Shows a plan, on standard output.
pub(super) fn show(
    context: &Context,
    environment: &Environment,
    plan: &Plan,
    options: &Options,
) -> Result<(), Failure> {
    // People have those of the file on standard error already, with their excerpts.
    context.warn(&plan.warnings);
    let warnings = match context.printer.settings().format {
        Format::Human | Format::Github => Vec::new(),
        Format::Json | Format::Markdown => {
            environment.warnings().iter().chain(&plan.warnings).map(ToString::to_string).collect()
        }
    };
    let origin = |key: &str| environment.place(key);
    let view = view(context, plan, &origin, options, warnings);
    context.view(&Shown { view, environment })
}

/// A plan as this command shows it; `origin` says where a key stands.
pub(super) fn view<'a>(
    context: &Context,
    plan: &'a Plan,
    origin: &'a dyn Fn(&str) -> Option<String>,
    options: &Options,
    mut warnings: Vec<String>,
) -> PlanView<'a> {
    warnings.extend(plan.notices.iter().map(|(address, notice)| format!("{address}: {notice}")));
    PlanView {
        plan,
        origin,
        destroy: options.destroy,
        limited: !options.targets.is_empty() || !options.excludes.is_empty(),
        verbose: context.printer.settings().verbosity == Verbosity::Verbose,
        warnings,
    }
}

/// Plans, asks, applies: the whole of `apply` and `destroy`.
pub(super) async fn run(context: &Context, flags: Flags, ignoring: Ignoring, wish: Wish<'_>) -> Result<Exit, Failure> {
    let Flags { selection, auto_approve } = flags;
    let command = match wish {
        Wish::Destroy => "destroy",
        Wish::Sync => "datashare sync",
        Wish::Rotate(_) => "users rotate",
        Wish::Apply | Wish::RefreshOnly => "apply",
    };
    check_that_someone_agrees(context, auto_approve, command)?;
    let environment = context.load()?;
    context.warn(environment.warnings());
    let options = Options { ignore: ignoring.ignore, ..selection.options(&environment, wish)? };
    let store_of = environment.clone();
    locked(context, &store_of, selection.lock_timeout, async |held| {
        let mut session = context.open_in(held, environment, selection.parallelism(), None).await?;
        session.preflight = selection.preflight();
        let shown = session.prepare(&options, true).await?;
        announce(context, &session.environment, &shown.plan, &options)?;
        let again = match wish {
            // The same once more would be one more password.
            Wish::Rotate(_) => again(["apply".to_owned()].into_iter(), &session.environment.config.env),
            _ => again(arguments().skip(1), &session.environment.config.env),
        };
        let asked = context.clock.timestamp();
        if shown.plan.wants_consent() && !auto_approve && !confirm(context, wish.verb(), &session).await? {
            context.printer.note("Nothing was changed.");
            return Ok(Exit::Failed);
        }
        let (plan, moved) = session.agreed(shown, &options, asked, &again).await?;
        context.tell_harmless(&moved);
        carry_out(context, held, &mut session, plan, &again).await
    })
    .await
}

/// Applies a plan and tells what came of it; `again` is the command that goes on.
pub(super) async fn carry_out(
    context: &Context,
    held: &Locked,
    session: &mut Session,
    plan: Plan,
    again: &str,
) -> Result<Exit, Failure> {
    if plan.is_empty() {
        if !plan.refresh.is_empty() {
            session.record(&plan).await?;
        }
        return Ok(Exit::Done);
    }
    let plan = Arc::new(plan);
    let (events, inbox) = mpsc::unbounded_channel();
    let interrupt = held.interrupt.hand_over();
    let view = follow(&context.printer, &plan, inbox, context.clock.clone());
    let (outcome_of, ()) = tokio::join!(session.apply(Arc::clone(&plan), events, interrupt), view);
    let rescued = session.unsaved.as_ref().map(|why| rescue(context, session, why));
    let place = rescued.as_ref().map_or_else(|| held.store.place(), |rescued| rescued.file.clone());
    let overtaken = matches!(session.unsaved, Some(StoreError::Lost { .. }));
    let again = rescued.as_ref().filter(|_| !overtaken).map_or(again, |rescued| &rescued.push);
    let spot_of = |key: &str| spot(&session.environment, key);
    let view = OutcomeView { outcome: &outcome_of, plan: &plan, state_place: &place, again, spot_of: &spot_of };
    context.view(&view)?;
    Ok(match &outcome_of {
        _ if overtaken => Exit::Locked,
        outcome if held.interrupt.came() && !outcome.is_complete() => Exit::Interrupted,
        outcome if outcome.is_complete() => Exit::Done,
        outcome if outcome.done.is_empty() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// Refuses to start what nobody could agree to.
pub(super) fn check_that_someone_agrees(context: &Context, auto_approve: bool, verb: &str) -> Result<(), Failure> {
    if !context.asks && !auto_approve {
        return Err(Failure::new(
            format!("there is no terminal to ask on, so `{verb}` will not start"),
            format!("read the plan first (rsds plan), then: rsds {verb} --auto-approve"),
        ));
    }
    check_environment_is_meant(context, verb)
}

/// Refuses to guess, where nobody can be asked, which of several environments is meant.
pub(super) fn check_environment_is_meant(context: &Context, verb: &str) -> Result<(), Failure> {
    let several = crate::config::environments(&context.directory);
    if !context.asks && context.environment.is_none() && several.len() > 1 {
        return Err(Failure::new(
            format!("there are several environments ({}), and no terminal to ask on", several.join(", ")),
            format!("name one: rsds {verb} --env {} ..., or set RSDS_ENV", several[0]),
        ));
    }
    Ok(())
}
