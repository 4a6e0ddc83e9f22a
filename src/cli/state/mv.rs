//! `rsds state mv`: another address for what is recorded; AWS follows with the next apply, which writes the owner tags.

use super::{
    super::{change::check_environment_is_meant, context::Context, locked::locked},
    Patience, present, there, write, written,
};
use crate::{
    address::Address,
    aws::kind,
    config::Environment,
    failure::{Exit, Failure},
    kind::Tree,
    session::outline,
    stack::Stack,
    state::{
        State,
        mend::{moved, renaming},
    },
};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, fmt::Write as _};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// What moves: an address, a component, or a group of readers
    #[arg(value_name = "FROM")]
    from: String,
    /// What it is called then; of the same sort
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(context: &Context, Args { from, to, patience }: Args) -> Result<Exit, Failure> {
    check_environment_is_meant(context, "state mv")?;
    let environment = context.load()?;
    locked(context, &environment, patience.lock_timeout, async |held| {
        let store = held.store.as_ref();
        let present = present(context, &environment, store).await?;
        let state = there(&present, store)?;
        let pairs = renaming(state, &from, &to)?;
        let next = moved(state, &pairs);
        let forecast = Forecast::of(&environment, &next, &pairs)?;
        let state = write(context, held, &present, next).await?;
        let human = || {
            let mut text = String::new();
            for (from, to) in &pairs {
                writeln!(text, "{from} → {to}").unwrap_or_default();
            }
            text
        };
        let pairs = pairs.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect::<Vec<_>>();
        let more = json!({
            "moved": pairs, "retagged": forecast.retagged, "unwanted": forecast.unwanted, "pins": forecast.pins,
        });
        context.result(human, || written("mv", store, &state, &more))?;
        forecast.tell(context);
        Ok(Exit::Done)
    })
    .await
}

/// What the next apply will make of the new addresses.
#[derive(Default)]
struct Forecast {
    /// Whose owner tags it writes anew.
    retagged: Vec<Address>,
    /// What the TOML does not ask for: it would go.
    unwanted: Vec<Address>,
    /// What the TOML calls otherwise: it would be replaced, if its name is not pinned.
    pins: BTreeMap<String, Json>,
}

impl Forecast {
    /// Holds the new addresses against the TOML.
    ///
    /// Errors: the TOML asks for another kind at one of them.
    fn of(environment: &Environment, next: &State, pairs: &BTreeMap<Address, Address>) -> Result<Self, Failure> {
        let mut forecast = Self::default();
        // A TOML that cannot be built now says nothing about addresses; the next plan will.
        let stack: Option<Stack> = outline(environment, next).ok();
        for (from, to) in pairs {
            let Some(entry) = next.entries.get(to) else { continue };
            if kind(&entry.kind).is_some_and(|kind| kind.tagged()) {
                forecast.retagged.push(to.clone());
            }
            let Some(stack) = &stack else { continue };
            let Some(wanted) = stack.wanted.get(to) else {
                forecast.unwanted.push(to.clone());
                continue;
            };
            if wanted.kind.name() != entry.kind {
                return Err(Failure::new(
                    format!("{from} is a {}, the TOML asks for a {} at {to}", entry.kind, wanted.kind.name()),
                    "nothing was changed; name an address of the same kind (rsds plan lists what the TOML asks for)",
                ));
            }
            match wanted.spec.get("name") {
                Some(Tree::Leaf(name)) if entry.generation == 0 && *name != entry.spec["name"] => {
                    forecast.pins.insert(to.to_string(), entry.spec["name"].clone());
                }
                _ => {}
            }
        }
        Ok(forecast)
    }

    fn tell(&self, context: &Context) {
        let printer = &context.printer;
        if !self.retagged.is_empty() {
            let what = crate::ui::count(self.retagged.len(), "resource");
            printer.note(&format!("The next apply writes the owner tags of {what} anew (rsds:address): rsds plan"));
        }
        if !self.unwanted.is_empty() {
            let names = self.unwanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            printer.warning(&format!("the TOML does not ask for {names}: the next apply would delete it"));
            printer.help("name it in the TOML first, and look at the plan: rsds plan");
        }
        if !self.pins.is_empty() {
            let mut lines = String::new();
            for (address, name) in &self.pins {
                write!(lines, "\n[resources.\"{address}\"]\nname = {name}\n").unwrap_or_default();
            }
            printer.warning("the TOML calls these otherwise, and a name is changed by a replacement");
            printer.help(&format!("to keep what is there, add to the TOML:\n{lines}"));
        }
    }
}
