//! `rsds state push`: a state from a file in the place of the present one.

use super::{
    super::{context::Context, locked::locked, typed::quoted},
    Consent, Patience, present, write, written,
};
use crate::{
    config::Environment,
    failure::{Exit, Failure},
    state::{Deed, Doing, Place, Present, State, difference, envelope, objections},
    ui,
};
use serde_json::json;
use std::{fs, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A state as `rsds state pull` prints it, or a rescue file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do it though it is older, or of another lineage, place or environment
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let Args { file, force, consent, patience } = args;
    consent.check(context, "state push")?;
    let environment = context.load()?;
    let shown = file.display().to_string();
    let bytes = fs::read(&file).map_err(|error| {
        Failure::new(format!("cannot read {shown}: {error}"), "name a file that `rsds state pull` wrote")
    })?;
    let new = envelope::open(&shown, &bytes).map_err(|error| {
        Failure::new(
            error.to_string(),
            "nothing was changed; name a file that `rsds state pull` or a rescue wrote, unedited",
        )
    })?;
    locked(context, &environment, patience.lock_timeout, async |held| {
        let store = held.store.as_ref();
        let present = present(context, &environment, store).await?;
        let against = objections(&new, &present, place(&environment));
        if !force && !against.is_empty() {
            return Err(Failure::new(
                format!("{shown} does not go to {}: {}", store.place(), against.join("; ")),
                format!("nothing was changed; if that is what you want: rsds state push {} --force", quoted(&shown)),
            ));
        }
        against.iter().for_each(|why| context.printer.warning(&format!("{shown}: {why}")));
        let (project, name) = (environment.config.project.clone(), environment.config.env.clone());
        // Whoever forces another environment's state means that it is this one's from now on: the next plan shows what
        // that makes of names and tags.
        let new = State { project, environment: name, ..new.clone() };
        let changes = told(context, &present, &new);
        let question = format!("This will put {shown} in the place of the state at {}.", store.place());
        if !consent.asks(context, &question).await? {
            return Ok(Exit::Failed);
        }
        let state = write(context, held, &present, new).await?;
        let more = json!({ "changed": ui::history::doings_json(&changes), "objections": against });
        context.result(
            || {
                format!(
                    "The state at {} is that of {shown} now, as serial {}. Next: rsds plan",
                    store.place(),
                    state.serial
                )
            },
            || written("push", store, &state, &more),
        )?;
        Ok(Exit::Done)
    })
    .await
}

fn place(environment: &Environment) -> Place<'_> {
    let config = &environment.config;
    Place {
        project: &config.project,
        environment: &config.env,
        account: config.account.as_deref(),
        region: &config.region,
    }
}

/// Says what a state makes of the entries, and what exists in AWS that it does not know.
pub(super) fn told(context: &Context, present: &Present, next: &State) -> Vec<Doing> {
    let printer = &context.printer;
    if let Some(damage) = &present.damage {
        printer.warning(&format!("{damage}; what it held cannot be compared"));
    }
    let nothing = State::pristine(&next.project, &next.environment, String::new());
    let changes = difference(present.state.as_ref().unwrap_or(&nothing), next);
    let settings = printer.settings();
    match changes.is_empty() {
        true => printer.status("What it holds is what is there."),
        false => printer.status(ui::history::edits(&changes, settings.color_err, settings.width).trim_end()),
    }
    let lost: Vec<String> = changes
        .iter()
        .filter(|doing| matches!(doing.deed, Deed::Deleted | Deed::Replaced))
        .map(|doing| doing.address.to_string())
        .collect();
    if !lost.is_empty() {
        printer.warning(&format!("AWS has these, and the state will not know them as they are: {}", lost.join(", ")));
        printer.help("afterwards: rsds import ADDRESS ID for each, or all of them by their tags: rsds state rebuild");
    }
    changes
}
