//! An import for people and scripts: what is recorded and tagged, and what the next apply would change of it.
//!
//! Called by `import` of the CLI. Must never hide that a resource would be replaced once it is ours.

use super::{PlanView, human::Page, plan_errors_json};
use crate::{
    address::Address,
    plan::{Action, PlanError},
    ui::{
        plan_errors,
        style::{Label, Styled, lines},
        view::View,
    },
};
use serde_json::{Value as Json, json};

/// An import with what would be left to do after it.
pub struct ImportView<'a> {
    /// What the import does.
    pub import: PlanView<'a>,
    /// What an apply would do then, or why it could not.
    pub then: Result<PlanView<'a>, &'a [PlanError]>,
}

impl ImportView<'_> {
    /// Writes the sums alone, for people.
    pub fn sums(&self, color: bool, width: usize) -> String {
        let mut page: Page = Vec::new();
        self.import.sums(&mut page);
        lines(page, color, width)
    }

    fn is_imported(&self, address: &Address) -> bool {
        self.import.plan.changes.get(address).is_some_and(|change| change.action == Action::Import)
    }

    /// What an apply would do to what is imported.
    fn next(&self, then: &PlanView<'_>, width: usize, page: &mut Page) {
        let changes = then.plan.touched().filter(|change| self.is_imported(&change.address)).collect::<Vec<_>>();
        if changes.is_empty() {
            page.push((Styled::new().text("It is as the TOML says: the next plan changes nothing of it."), 0));
            return;
        }
        page.push((Styled::new().label(Label::Heading, "What the next apply would change of it:"), 0));
        changes.into_iter().for_each(|change| then.resource(change, width, page));
        let help =
            "to leave it as it is, say so under [resources.\"ADDRESS\"], or list the field in its ignore_changes";
        page.push((Styled::new().text("  ").label(Label::Hint, "help:").text(" ").text(help), 8));
    }
}

impl View for ImportView<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        let mut page: Page = Vec::new();
        let first = self.import.human(color, width);
        page.push((Styled::new(), 0));
        match &self.then {
            Ok(then) => self.next(then, width, &mut page),
            Err(_) => {
                let line = "After that there is no plan until this is put right:";
                page.push((Styled::new().label(Label::Warning, line), 0));
            }
        }
        let errors = self.then.as_ref().err().map(|errors| plan_errors(errors)).unwrap_or_default();
        first + &lines(page, color, width) + &errors
    }

    fn json(&self) -> Json {
        let then = match &self.then {
            Ok(then) => {
                let mut plan = then.json();
                if let Some(changes) = plan["changes"].as_array_mut() {
                    let imported = |change: &Json| {
                        change["address"]
                            .as_str()
                            .and_then(|text| text.parse().ok())
                            .is_some_and(|a| self.is_imported(&a))
                    };
                    changes.retain(imported);
                }
                json!({ "changes": plan["changes"], "errors": [] })
            }
            Err(errors) => json!({ "changes": [], "errors": plan_errors_json(errors)["errors"] }),
        };
        json!({ "format": "rsds.import/1", "import": self.import.json(), "then": then })
    }
}
