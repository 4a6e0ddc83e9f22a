//! `rsds state history`: what each run changed; and the way back.

use super::{
    super::{context::Context, locked::locked},
    Consent, Patience, present,
    push::told,
    write, written,
};
use crate::{
    failure::{Exit, Failure},
    state::{State, history},
    ui::{self, Verbosity},
};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Make this former state the present one, as a new write
    #[arg(long, value_name = "NAME")]
    restore: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let Args { restore, consent, patience } = args;
    if let Some(name) = restore {
        return go_back(context, &name, &consent, &patience).await;
    }
    let environment = context.load()?;
    let store = context.store(&environment);
    let present = present(context, &environment, store.as_ref()).await?;
    if let Some(damage) = &present.damage {
        context.printer.warning(&damage.to_string());
    }
    let history = history(store.as_ref(), present.state.as_ref()).await?;
    let (settings, place) = (context.printer.settings(), store.place());
    let writes = settings.verbosity >= Verbosity::Verbose || present.damage.is_some();
    context.result(
        || ui::history::history(&history, &place, writes, settings.color_out, settings.width),
        || ui::history::history_json(&history, &place),
    )?;
    Ok(Exit::Done)
}

async fn go_back(context: &Context, name: &str, consent: &Consent, patience: &Patience) -> Result<Exit, Failure> {
    consent.check(context, "state history --restore")?;
    let environment = context.load()?;
    locked(context, &environment, patience.lock_timeout, async |held| {
        let store = held.store.as_ref();
        let present = present(context, &environment, store).await?;
        if !store.history().await?.iter().any(|past| past.name == name) {
            return Err(Failure::new(
                format!("the history of {} has no `{name}`", store.place()),
                "what can be gone back to: rsds state history -v",
            ));
        }
        let past: State = store.past(name).await?;
        let config = &environment.config;
        if past.project != config.project || past.environment != config.env {
            return Err(Failure::new(
                format!("{name} is of {}-{}, not of {}-{}", past.project, past.environment, config.project, config.env),
                "choose another one: rsds state history -v",
            ));
        }
        let changes = told(context, &present, &past);
        let question = format!("This will make {name} (serial {}) the state at {} again.", past.serial, store.place());
        if !consent.asks(context, &question).await? {
            return Ok(Exit::Failed);
        }
        let state = write(context, held, &present, past).await?;
        let more = json!({ "restored": name, "changed": ui::history::doings_json(&changes) });
        context.result(
            || {
                format!(
                    "The state at {} is that of {name} again, as serial {}. Next: rsds plan",
                    store.place(),
                    state.serial
                )
            },
            || written("restore", store, &state, &more),
        )?;
        Ok(Exit::Done)
    })
    .await
}
