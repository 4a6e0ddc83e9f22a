//! What came of the checks before an apply: for `rsds plan --preflight-only` all of them, for a plan that AWS would
//! refuse the findings.
//!
//! Called by `cli`. Must never count a check that could not be made among those that passed.

use super::{
    failure::annotation,
    github::Annotation,
    markdown::{Block, Entry, Page, Subject},
    style::{Label, Styled, lines},
    view::View,
    words::count,
};
use crate::{
    config::Diagnostic,
    preflight::{Checked, Finding, Outcome, Report},
};
use serde_json::{Value as Json, json};

/// All checks with what came of them.
pub struct PreflightView<'a> {
    /// What came of them.
    pub report: &'a Report,
}

/// The word for an outcome, and how it looks.
const fn word(outcome: Outcome) -> (&'static str, Option<Label>) {
    match outcome {
        Outcome::NotNeeded => ("not needed", Some(Label::Dim)),
        Outcome::Passed => ("passed", Some(Label::Create)),
        Outcome::Warned => ("warning", Some(Label::Warning)),
        Outcome::Failed => ("failed", Some(Label::Error)),
        Outcome::Unable => ("could not run", Some(Label::Warning)),
    }
}

/// The word for an outcome in JSON.
const fn key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotNeeded => "not_needed",
        Outcome::Passed => "passed",
        Outcome::Warned => "warning",
        Outcome::Failed => "failed",
        Outcome::Unable => "could_not_run",
    }
}

/// What the simulator of policies has no sight of.
const UNSEEN: &str = "Permissions are simulated by IAM: service control policies with conditions, and policies of resources, it does not see.";

/// Columns of the longest word.
const WORD: usize = 13;

impl PreflightView<'_> {
    fn row(check: &Checked) -> Styled {
        let (word, label) = word(check.outcome);
        let start = Styled::new().text("  ");
        let start = match label {
            Some(label) => start.label(label, word),
            None => start.text(word),
        };
        start
            .text(" ".repeat(WORD - word.len() + 2))
            .label(Label::Address, check.name)
            .text(format!(": {}", check.title))
    }

    fn sum(&self) -> String {
        let all = [Outcome::Failed, Outcome::Warned, Outcome::Unable, Outcome::Passed, Outcome::NotNeeded];
        let number = |outcome| self.report.checks.iter().filter(|check| check.outcome == outcome).count();
        let parts = all.into_iter().filter(|outcome| number(*outcome) > 0);
        let parts: Vec<String> = parts.map(|outcome| format!("{} {}", number(outcome), word(outcome).0)).collect();
        format!("Preflight: {}.", parts.join(", "))
    }

    fn looked_at_permissions(&self) -> bool {
        let looked = |check: &Checked| check.name == "permissions" && check.outcome != Outcome::NotNeeded;
        self.report.checks.iter().any(looked)
    }

    /// What was found, errors first.
    fn told(&self) -> Vec<Diagnostic> {
        self.report.errors().into_iter().chain(self.report.warnings()).collect()
    }
}

impl View for PreflightView<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        let rows = self.report.checks.iter().map(|check| (Self::row(check), WORD + 4));
        let mut out = lines(rows, color, width);
        for diagnostic in self.told() {
            out.push('\n');
            out.push_str(&diagnostic.render(color, width));
            out.push('\n');
        }
        let mut end = vec![(Styled::new(), 0), (Styled::new().text(self.sum()), 2)];
        if self.looked_at_permissions() {
            end.push((Styled::new().label(Label::Dim, UNSEEN), 2));
        }
        out + &lines(end, color, width)
    }

    fn json(&self) -> Json {
        let check = |check: &Checked| {
            json!({
                "name": check.name,
                "title": check.title,
                "outcome": key(check.outcome),
                "findings": check.findings.iter().map(finding_json).collect::<Vec<_>>(),
                "unable": check.unable,
            })
        };
        let checks: Vec<Json> = self.report.checks.iter().map(check).collect();
        json!({ "format": "rsds.preflight/1", "fails": self.report.fails(), "checks": checks })
    }

    fn markdown(&self, subject: Subject<'_>) -> String {
        let entry =
            |check: &Checked| Entry { full: format!("{}\n", Self::row(check).render(false)), ..Entry::default() };
        let checks = self.report.checks.iter().map(entry).collect();
        let found = self
            .told()
            .into_iter()
            .map(|d| Entry { full: format!("{}\n\n", d.render(false, 100)), ..Entry::default() });
        let found: Vec<Entry> = found.collect();
        let mut blocks = Vec::new();
        if !found.is_empty() {
            blocks.push(Block { language: "text", noun: "finding", entries: found, ..Block::default() });
        }
        blocks.push(Block { language: "text", noun: "check", entries: checks, ..Block::default() });
        let foot = if self.looked_at_permissions() { format!("{UNSEEN}\n") } else { String::new() };
        Page { head: subject.head(self.sum().trim_end_matches('.')) + "\n", blocks, foot }.fit(subject.everything)
    }

    fn annotations(&self) -> Vec<Annotation> {
        self.told().iter().map(annotation).collect()
    }
}

fn finding_json(finding: &Finding) -> Json {
    json!({
        "severity": finding.severity,
        "addresses": finding.addresses,
        "problem": finding.problem,
        "found": finding.found,
        "needed": finding.needed,
        "call": finding.call,
        "after_seconds": finding.after,
        "help": finding.help,
        "at": finding.shown,
    })
}

/// Writes what AWS would refuse, for people; without a line end.
pub fn preflight_errors(report: &Report, color: bool, width: usize) -> String {
    let errors = report.errors();
    let shown: Vec<String> = errors.iter().map(|error| error.render(color, width)).collect();
    format!("{}\n\n{}", shown.join("\n\n"), preflight_sum(report))
}

/// Says how many calls would fail, and that none was made.
pub(super) fn preflight_sum(report: &Report) -> String {
    let errors = report.errors().len();
    format!(
        "AWS would refuse this plan: {}; nothing was changed (--no-preflight tries it all the same)",
        count(errors, "reason")
    )
}

/// The same as one JSON document, `rsds.errors/1`.
pub fn preflight_errors_json(report: &Report) -> Json {
    let findings =
        report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check.name, finding)));
    let errors = findings.filter(|(_, finding)| finding.severity == crate::config::Severity::Error);
    let one = |(check, finding): (&str, &Finding)| {
        let mut json = finding_json(finding);
        json["check"] = json!(check);
        json["address"] = json!(finding.addresses.first());
        json["message"] = json!(finding.message());
        json
    };
    json!({ "format": "rsds.errors/1", "errors": errors.map(one).collect::<Vec<_>>() })
}
