//! Why a command failed, for a comment and as annotations; people and scripts get it from `cli::context`.
//!
//! Called by `cli`. Must never leave out a reason as long as there is room.

use super::{
    github::{Annotation, Level, Spot},
    markdown::{Block, Entry, Page, Subject},
    plan::{plan_error_annotations, plan_errors},
    words,
};
use crate::{
    address::Address,
    config::{Diagnostic, Problems, Severity},
    failure::Failure,
};

/// A failure, with what the views need besides.
pub struct FailureView<'a> {
    /// The failure.
    pub failure: &'a Failure,
    /// Where the TOML has what a resource comes from.
    pub spot_of: &'a dyn Fn(&Address) -> Option<Spot>,
}

impl FailureView<'_> {
    /// Writes it as Markdown: the number of reasons in the first line, then all of them.
    pub fn markdown(&self, subject: Subject<'_>) -> String {
        let (said, texts) = match self.failure {
            Failure::Config(Problems(all)) => {
                let text = |problem: &Diagnostic| format!("{}\n\n", problem.render(false, 100));
                (words::count(all.len(), "problem"), all.iter().map(text).collect::<Vec<_>>())
            }
            Failure::Plan(errors) => {
                let text = |error| format!("{}\n", plan_errors(std::slice::from_ref(error)));
                (words::count(errors.len(), "reason"), errors.iter().map(text).collect())
            }
            Failure::Preflight(report) => {
                let errors = report.errors();
                let text = |error: &Diagnostic| format!("{}\n\n", error.render(false, 100));
                (words::count(errors.len(), "reason"), errors.iter().map(text).collect())
            }
            Failure::Other { message, help, .. } => {
                let help = help.as_ref().map(|help| format!("  help: {help}\n")).unwrap_or_default();
                (words::count(1, "error"), vec![format!("error: {message}\n{help}")])
            }
        };
        let title = match self.failure {
            Failure::Config(_) => format!("The TOML is wrong: {said}; nothing was changed"),
            Failure::Plan(_) => format!("There is no plan: {said}; nothing was changed"),
            Failure::Preflight(_) => format!("AWS would refuse this plan: {said}; nothing was changed"),
            Failure::Other { .. } => format!("rsds {} failed", subject.command),
        };
        let entries = texts.into_iter().map(|full| Entry { full, ..Entry::default() });
        let block = Block { language: "text", noun: "reason", entries: entries.collect(), ..Block::default() };
        let head = subject.head(&title) + "\n";
        Page { head, blocks: vec![block], foot: String::new() }.fit(subject.everything)
    }

    /// Returns an error for each reason.
    pub fn annotations(&self) -> Vec<Annotation> {
        match self.failure {
            Failure::Config(Problems(all)) => all.iter().map(annotation).collect(),
            Failure::Plan(errors) => plan_error_annotations(errors, self.spot_of),
            Failure::Preflight(report) => report.errors().iter().map(annotation).collect(),
            Failure::Other { message, help, .. } => {
                let help = help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
                let (level, title) = (Level::Error, "rsds failed".to_owned());
                vec![Annotation { level, spot: None, title, message: format!("{message}{help}") }]
            }
        }
    }
}

/// Returns a problem of the TOML as an annotation at its place.
pub(super) fn annotation(problem: &Diagnostic) -> Annotation {
    let level = match problem.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let notes = problem.notes.iter().map(|note| format!("\nnote: {note}"));
    let help = problem.help.iter().map(|help| format!("\nhelp: {help}"));
    let more: String = notes.chain(help).collect();
    let title = if problem.label.is_empty() { problem.message.clone() } else { problem.label.clone() };
    Annotation { level, spot: Spot::of(&problem.origin), title, message: format!("{}{more}", problem.message) }
}

/// Returns problems that stop nothing as annotations at their places.
pub fn problem_annotations(problems: &[Diagnostic]) -> Vec<Annotation> {
    problems.iter().map(annotation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, Source};

    #[test]
    fn problems_stand_at_their_places() {
        let source = Source::file("environments/dev.toml", "a = 1\nbb = 2\n");
        let problem = Diagnostic::error("unknown key `bb`", &Origin::new(&source, 6..8)).help("did you mean `b`?");
        let failure = Failure::Config(Problems(vec![problem]));
        let view = FailureView { failure: &failure, spot_of: &|_| None };
        let told = &view.annotations()[0];
        assert_eq!(told.spot, Some(Spot { file: "environments/dev.toml".into(), line: 2, column: 1 }));
        assert_eq!(told.message, "unknown key `bb`\nhelp: did you mean `b`?");
        let subject = Subject { command: "plan", environment: "dev", everything: "rsds plan" };
        let text = view.markdown(subject);
        let head =
            "### <code>dev</code> · The TOML is wrong: 1 problem; nothing was changed\n<!-- rsds:plan:dev -->\n\n";
        assert!(
            text.starts_with(&format!("{head}```text\nerror: unknown key `bb`\n --> environments/dev.toml:2:1\n")),
            "{text}"
        );
    }
}
