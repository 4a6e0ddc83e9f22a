//! What plan, apply and destroy have in common: the flags that pick resources, and the way from a plan to its end.
//!
//! Called by those three commands.

use super::{
    confirm::confirm,
    context::{Context, printed_or_closed, shown, variable},
    signals,
};
use crate::{
    address::Selector,
    config::Environment,
    failure::{Exit, Failure},
    plan::{Options, Plan},
    session::Session,
    state::{Lock, LockOwner},
    ui::{Format, PlanView, Verbosity, follow, outcome, outcome_json},
};
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
    /// The most AWS calls in flight at once; waiting for resources to settle does not count
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// How long to wait for a state that someone else has locked
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    lock_timeout: Duration,
}

/// Flags of the commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a duration such as 30s or 10m".to_owned())?;
    span.try_into().map_err(|_| "expected a duration that is not negative".to_owned())
}

impl Selection {
    pub(super) fn options(&self, environment: &Environment, destroy: bool) -> Result<Options, Failure> {
        let protect = environment.config.protect.addresses.iter().map(|text| text.parse());
        let protect = protect.collect::<Result<_, crate::address::BadAddress>>();
        Ok(Options {
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            replace: self.replace.clone(),
            destroy,
            protect: protect.map_err(|e| Failure::new(e.to_string(), "correct [protect] addresses"))?,
        })
    }

    pub(super) fn parallelism(&self) -> usize {
        usize::from(self.parallelism)
    }

    fn limits(&self) -> bool {
        !self.target.is_empty() || !self.exclude.is_empty()
    }
}

/// Shows a plan, on standard output.
pub(super) fn show(
    context: &Context,
    environment: &Environment,
    plan: &Plan,
    selection: &Selection,
    destroy: bool,
) -> Result<(), Failure> {
    let settings = context.printer.settings();
    let origin = |key: &str| environment.origin(key).map(|origin| origin.short()).filter(|place| place != "default");
    // People have those of the file on standard error already, with their excerpts.
    context.warn(&plan.warnings);
    let mut warnings: Vec<String> = match settings.format {
        Format::Human => Vec::new(),
        Format::Json => environment.warnings().iter().chain(&plan.warnings).map(ToString::to_string).collect(),
    };
    warnings.extend(plan.notices.iter().map(|(address, notice)| format!("{address}: {notice}")));
    let view = PlanView {
        plan,
        origin: &origin,
        destroy,
        limited: selection.limits(),
        verbose: settings.verbosity == Verbosity::Verbose,
        warnings,
    };
    context.result(|| view.human(settings.color_out, settings.width), || view.json())
}

/// Plans, asks, applies: the whole of `apply` and `destroy`.
pub(super) async fn run(context: &Context, args: Args, destroy: bool) -> Result<Exit, Failure> {
    let verb = if destroy { "destroy" } else { "apply" };
    let Args { selection, auto_approve } = args;
    check_that_someone_agrees(context, auto_approve, verb)?;
    let environment = context.load()?;
    context.warn(environment.warnings());
    let options = selection.options(&environment, destroy)?;
    let dir = context.state_dir(&environment.config.env);
    let command = arguments().collect::<Vec<_>>().join(" ");
    let lock = Lock::take(&dir, &owner(context, command), selection.lock_timeout, &context.clock).await?;
    let mut session = context.open(environment, selection.parallelism()).await?;
    let plan = Arc::new(session.plan(&options, true).await?);
    show(context, &session.environment, &plan, &selection, destroy)?;
    if plan.is_empty() && plan.refresh.is_empty() {
        return Ok(Exit::Done);
    }
    if !plan.is_empty() && !auto_approve && !confirm(context, verb, &session).await? {
        context.printer.note("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    let exit = carry_out(context, &mut session, plan).await;
    drop(lock);
    exit
}

/// Applies a plan and tells what came of it.
async fn carry_out(context: &Context, session: &mut Session, plan: Arc<Plan>) -> Result<Exit, Failure> {
    let (events, inbox) = mpsc::unbounded_channel();
    let interrupt = signals::watch(&context.printer);
    let view = follow(&context.printer, &plan, inbox, context.clock.clone());
    let (outcome_of, ()) = tokio::join!(session.apply(Arc::clone(&plan), events, interrupt.receiver()), view);
    if plan.is_empty() {
        return Ok(Exit::Done);
    }
    let environment = &session.environment.config.env;
    let place = shown(&context.state_dir(environment).join("state.json"));
    let again = again(arguments().skip(1), environment);
    let printed = match context.printer.settings().format {
        Format::Human => context.printer.result(&outcome(&outcome_of, &plan, &place, &again)),
        Format::Json => context.printer.json_line(&outcome_json(&outcome_of, &plan)),
    };
    printed_or_closed(printed)?;
    Ok(match &outcome_of {
        outcome if interrupt.came() && !outcome.is_complete() => Exit::Interrupted,
        outcome if outcome.is_complete() => Exit::Done,
        outcome if outcome.done.is_empty() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// What was typed, as far as it is text.
fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())
}

/// The command that goes on: the same one, for another folder, target or `--set` would be about something else.
fn again(arguments: impl Iterator<Item = String>, environment: &str) -> String {
    let mut words = vec!["rsds".to_owned()];
    words.extend(arguments.map(|argument| quoted(&argument)));
    if !words.iter().any(|word| word == "--env" || word.starts_with("--env=")) {
        words.extend(["--env".to_owned(), environment.to_owned()]);
    }
    words.join(" ")
}

/// An argument as a shell takes it back.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Refuses to start what nobody could agree to.
fn check_that_someone_agrees(context: &Context, auto_approve: bool, verb: &str) -> Result<(), Failure> {
    if !context.asks && !auto_approve {
        return Err(Failure::new(
            format!("there is no terminal to ask on, so `{verb}` will not start"),
            format!("read the plan first (rsds plan), then: rsds {verb} --auto-approve"),
        ));
    }
    let several = crate::config::environments(&context.directory);
    if !context.asks && context.environment.is_none() && several.len() > 1 {
        return Err(Failure::new(
            format!("there are several environments ({}), and no terminal to ask on", several.join(", ")),
            format!("name one: rsds {verb} --env {} --auto-approve, or set RSDS_ENV", several[0]),
        ));
    }
    Ok(())
}

fn owner(context: &Context, command: String) -> LockOwner {
    let variable = |names: [&str; 2]| names.into_iter().find_map(variable);
    let unknown = || "unknown".to_owned();
    LockOwner {
        who: variable(["USER", "LOGNAME"]).unwrap_or_else(unknown),
        host: variable(["HOSTNAME", "COMPUTERNAME"])
            .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()))
            .unwrap_or_else(unknown),
        pid: std::process::id(),
        command,
        since: context.clock.timestamp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_is_the_same_one() {
        let typed = ["apply", "-C", "my estates", "--set", "tags.who=it's \"me\"", "--target", "consumer-*"];
        let typed = || typed.iter().map(|word| (*word).to_owned());
        let expected = r#"rsds apply -C 'my estates' --set 'tags.who=it'\''s "me"' --target 'consumer-*' --env dev"#;
        assert_eq!(again(typed(), "dev"), expected);
        let named = ["destroy", "--env=prod"].map(str::to_owned);
        assert_eq!(again(named.into_iter(), "prod"), "rsds destroy --env=prod");
    }
}
