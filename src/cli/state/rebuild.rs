//! `rsds state rebuild`: a lost state, made anew from the tags of what is there.

use super::{
    super::{context::Context, locked::locked, typed::quoted},
    Consent, Patience, present,
    push::told,
    write, written,
};
use crate::{
    failure::{Exit, Failure},
    session::{Rebuilt, rebuild},
    state::Doing,
    ui,
};
use serde_json::{Value as Json, json};
use std::{fmt::Write as _, sync::Arc};

/// Calls in flight at once.
const PARALLELISM: usize = 16;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whose resources, where the tags name several states
    #[arg(long, value_name = "LINEAGE")]
    lineage: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(context: &Context, Args { lineage, consent, patience }: Args) -> Result<Exit, Failure> {
    consent.check(context, "state rebuild")?;
    let environment = context.load()?;
    context.warn(environment.warnings());
    let store_of = environment.clone();
    locked(context, &store_of, patience.lock_timeout, async |held| {
        present(context, &environment, held.store.as_ref()).await?;
        let connection = context.way().connection(environment.config.region.clone(), PARALLELISM)?;
        let store = Arc::clone(&held.store);
        let rebuilt = rebuild(environment.clone(), connection, store, lineage.as_deref()).await?;
        let found = told(context, &rebuilt.present, &rebuilt.state);
        context.printer.status(open_questions(&rebuilt).trim_end());
        let what = ui::count(rebuilt.state.entries.len(), "resource");
        let question = format!("This will write a state with {what} at {}.", held.store.place());
        if !consent.asks(context, &question).await? {
            return Ok(Exit::Failed);
        }
        let state = write(context, held, &rebuilt.present, rebuilt.state.clone()).await?;
        let human = || {
            let place = held.store.place();
            format!("The state at {place} has {what} now, as serial {}. Next: rsds plan", state.serial)
        };
        context.result(human, || written("rebuild", held.store.as_ref(), &state, &document(&rebuilt, &found)))?;
        Ok(Exit::Done)
    })
    .await
}

/// Says which state it is of, and what could not be decided.
fn open_questions(rebuilt: &Rebuilt) -> String {
    let Rebuilt { state, absent, undecided, assumed, others, backups, warnings, present: _ } = rebuilt;
    let mut text =
        format!("Found by the tags of {}-{}, lineage {}.\n", state.project, state.environment, state.lineage);
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            write!(text, "\n{title}\n  {}\n", lines.join("\n  ")).unwrap_or_default();
        }
    };
    let absent = absent.iter().map(|(address, why)| match why.is_empty() {
        true => address.to_string(),
        false => format!("{address}: {why}"),
    });
    list("AWS does not have these, which the TOML asks for; the next apply makes them:", absent.collect());
    let open = undecided.iter().map(|of| format!("{} ({}): {}", of.arn, of.address, of.why));
    list(
        "Undecided: these carry its tags, and are not recorded. What is wanted: put it into the TOML and rebuild again, or \
         rsds import ADDRESS ID. What is not: delete it in AWS.",
        open.collect(),
    );
    let assumed = assumed.iter().map(|(address, field)| format!("{address} {field}"));
    list("AWS does not show these; they are taken to be as the TOML says:", assumed.collect());
    let others = others.iter().map(|(lineage, count)| {
        let other = if lineage.is_empty() { "no lineage".to_owned() } else { quoted(lineage) };
        format!("{}: {other}", ui::count(*count, "resource"))
    });
    list("Left alone, for they are another state's:", others.collect());
    list("Backups, which stay:", backups.clone());
    list("How AWS was read:", warnings.clone());
    text
}

fn document(rebuilt: &Rebuilt, found: &[Doing]) -> Json {
    let Rebuilt { absent, undecided, assumed, others, backups, warnings, state: _, present: _ } = rebuilt;
    let undecided = undecided.iter().map(|of| json!({ "arn": of.arn, "address": of.address, "why": of.why }));
    let assumed = assumed.iter().map(|(address, field)| json!({ "address": address, "field": field }));
    let absent = absent.iter().map(|(address, why)| json!({ "address": address, "why": why }));
    json!({
        "changed": ui::history::doings_json(found),
        "absent": absent.collect::<Vec<_>>(),
        "undecided": undecided.collect::<Vec<_>>(),
        "assumed": assumed.collect::<Vec<_>>(),
        "others": others,
        "backups": backups,
        "warnings": warnings,
    })
}
