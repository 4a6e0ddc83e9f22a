//! `rsds state rm`: forgets resources without deleting them.

use super::{
    super::{context::Context, locked::locked, typed::quoted},
    Consent, Patience, present, there, write, written,
};
use crate::{
    address::Selector,
    failure::{Exit, Failure},
    state::mend::{dependants, pick, without},
    ui,
};
use serde_json::json;
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// What to forget: an address, a component, a group, or one with `*`
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Selector>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(context: &Context, Args { addresses, consent, patience }: Args) -> Result<Exit, Failure> {
    consent.check(context, "state rm")?;
    let environment = context.load()?;
    locked(context, &environment, patience.lock_timeout, async |held| {
        let store = held.store.as_ref();
        let present = present(context, &environment, store).await?;
        let state = there(&present, store)?;
        let going = pick(state, &addresses)?;
        let entries: Vec<_> = state.entries.iter().filter(|(address, _)| going.contains(*address)).collect();
        let mut asked = String::from("These are forgotten; in AWS they stay, with their owner tags:\n");
        for (address, entry) in &entries {
            let id = entry.id.as_ref().map_or("its id is not known", |id| id.as_str());
            writeln!(asked, "  {address} ({}) {id}", entry.kind).unwrap_or_default();
        }
        context.printer.status(asked.trim_end());
        for (address, on) in dependants(state, &going) {
            let on = on.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            context.printer.warning(&format!("{address} stays and depends on {on}"));
        }
        let what = ui::count(entries.len(), "resource");
        if !consent.asks(context, &format!("This will forget {what} at {}.", store.place())).await? {
            return Ok(Exit::Failed);
        }
        let next = write(context, held, &present, without(state, &going)).await?;
        let back = entries.iter().filter_map(|(address, entry)| {
            let id = quoted(entry.id.as_ref()?.as_str());
            Some((*address, entry.id.clone(), format!("rsds import {address} {id}")))
        });
        let back: Vec<_> = back.collect();
        let human = || {
            let mut text = format!("Forgotten: {what}. To take them back, as long as the TOML asks for them:\n");
            for (_, _, command) in &back {
                writeln!(text, "  {command}").unwrap_or_default();
            }
            text
        };
        let forgotten: Vec<_> = back.iter().map(|(a, id, c)| json!({ "address": a, "id": id, "import": c })).collect();
        context.result(human, || written("rm", store, &next, &json!({ "forgotten": forgotten })))?;
        context.printer.note(
            "What the TOML still asks for is made anew by the next apply: take it out of the TOML too, or import it.",
        );
        Ok(Exit::Done)
    })
    .await
}
