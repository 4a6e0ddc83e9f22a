//! The plan for people (`human`, its fields in `rows`), for scripts (`json`), for comments (`markdown`) and for lines
//! of the TOML (`annotations`), and why there is none.
//!
//! Called by `plan`, `apply` and `destroy` of the CLI. Must never leave out anything an apply would do, and never
//! shorten a value that changes.

mod annotations;
mod human;
mod import;
mod json;
mod markdown;
mod rows;
mod saved;

pub use import::ImportView;
pub use saved::{saved, saved_json};

pub(super) use rows::from;

pub use annotations::{SpotOf, plan_error_annotations};

use super::{
    order,
    style::{self, Label, Styled},
};
use crate::plan::{Action, Change, Drift, Plan, PlanError};
use serde_json::{Value as Json, json};

/// A plan with what the views need besides.
pub struct PlanView<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Where a TOML key stands: key path to `environments/dev.toml:12`, none for defaults.
    pub origin: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a destroy was asked for.
    pub destroy: bool,
    /// Whether targets or exclusions limit it.
    pub limited: bool,
    /// Whether unchanged resources, steps and whole values are wanted.
    pub verbose: bool,
    /// What to warn of.
    pub warnings: Vec<String>,
}

impl<'a> PlanView<'a> {
    /// Returns the resources worth a line, by component, parents before children.
    fn groups(&self) -> Vec<(&'a str, Vec<&'a Change>)> {
        let depths = order::depths(self.plan);
        let shown = self
            .plan
            .changes
            .values()
            .filter(|change| self.verbose || change.action != Action::NoOp || depths.contains_key(&change.address))
            .chain(self.plan.changes.values().filter(|change| self.tells_drift_alone(change)));
        let groups = order::by_component(shown.map(|change| (&change.address, change)));
        let sorted = groups.into_iter().map(|(component, changes)| {
            let mut changes: Vec<&Change> = changes.into_iter().map(|(_, change)| change).collect();
            changes.sort_by_cached_key(|change| {
                let depth = depths.get(&change.address).copied().unwrap_or_default();
                (depth, order::pieces(change.address.resource()))
            });
            (component, changes)
        });
        sorted.collect()
    }

    /// Tells whether a resource is shown for its drift alone: nothing is done about it, not even to the record.
    fn tells_drift_alone(&self, change: &Change) -> bool {
        let told = self.drift_of(change).is_some() && change.action == Action::NoOp;
        told && !self.verbose && !self.plan.ops.iter().any(|op| op.address == change.address)
    }

    /// Returns the drift of a resource where that is what was asked for.
    fn drift_of(&self, change: &Change) -> Option<&'a Drift> {
        self.plan.drift.get(&change.address).filter(|_| self.plan.refresh_only)
    }

    /// Returns where a key stands, or the closest of the tables around it.
    fn place(&self, key: Option<&str>) -> Option<String> {
        let mut key = key?;
        loop {
            if let Some(place) = (self.origin)(key) {
                return Some(place);
            }
            (key, _) = key.rsplit_once('.')?;
        }
    }

    /// Returns how long the operations on a resource typically take, in seconds.
    fn typical(&self, change: &Change) -> u32 {
        self.plan.ops.iter().filter(|op| op.address == change.address).map(|op| op.typical).sum()
    }
}

/// Writes why no plan can be made, one `error:` with its `help:` each; without colour and ending in a line end.
pub fn plan_errors(errors: &[PlanError]) -> String {
    let lines = errors.iter().flat_map(|error| {
        let message = Styled::new().label(Label::Error, "error:").text(" ").text(&error.message);
        let help = Styled::new().text("  ").label(Label::Hint, "help:").text(" ").text(&error.help);
        let help = (!error.help.is_empty()).then_some((help, 8));
        [Some((message, 7)), help].into_iter().flatten()
    });
    style::lines(lines, false, usize::MAX)
}

/// The same as one JSON document, `rsds.errors/1`.
pub fn plan_errors_json(errors: &[PlanError]) -> Json {
    let one = |error: &PlanError| json!({ "address": error.address, "message": error.message, "help": error.help });
    json!({ "format": "rsds.errors/1", "errors": errors.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    #[test]
    fn errors_say_what_to_do() {
        let errors = [PlanError {
            address: Some(sample::address("producer/namespace")),
            message: "producer/namespace held data and is gone from AWS".into(),
            help: "restore it".into(),
        }];
        insta::assert_snapshot!(plan_errors(&errors), @r"
        error: producer/namespace held data and is gone from AWS
          help: restore it
        ");
        assert_eq!(plan_errors_json(&errors)["errors"][0]["address"], "producer/namespace");
    }

    #[test]
    fn a_key_without_a_line_shows_the_table_around_it() {
        let plan = sample::fresh();
        let origin = |key: &str| (key == "consumers.a").then(|| "dev.toml:9".to_owned());
        let view =
            PlanView { plan: &plan, origin: &origin, destroy: false, limited: false, verbose: false, warnings: vec![] };
        assert_eq!(view.place(Some("consumers.a.parameters.x")).as_deref(), Some("dev.toml:9"));
        assert_eq!(view.place(Some("nlb.port")), None);
    }
}
